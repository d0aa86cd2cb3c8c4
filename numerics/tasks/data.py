"""Data sets, the samples from which each client draws, and its gradients."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Protocol, final

import numpy as np

from sdescent.derive.methods.noise import Noise
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.noises import sample_noise
from sdescent.numerics.measure.model import padded


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set with a name for captions: features (n, d), labels (n,), -1 or +1 for two classes, 0, 1, .. for more, or real."""

    features: np.ndarray
    labels: np.ndarray
    name: str


def load_breast_cancer() -> Dataset:
    """The Wisconsin diagnostic breast-cancer data: n = 569 samples, d = 30 features, labels -1 and +1.

    Each feature is standardised over the samples: mean 0, standard deviation 1 (divisor n), dimensionless. Label +1 is
    "malignant" (212 samples), -1 "benign" (357). No column of ones is added, so a classifier has no intercept. Features 1 to 10
    are means of ten measurements of the cell nuclei, 11 to 20 their standard errors, 21 to 30 their worst values.

    Refusal "missing-extra" without scikit-learn. Source: W. N. Street, W. H. Wolberg, O. L. Mangasarian (1993), as it ships them.
    """
    bunch = _bundled("breast_cancer")
    measurements = np.asarray(bunch["data"], dtype=np.float64)
    features = (measurements - measurements.mean(axis=0)) / measurements.std(axis=0)
    # scikit-learn codes malignant as 0 and benign as 1
    labels = np.where(np.asarray(bunch["target"]) == 0, 1.0, -1.0)
    return Dataset(features, labels, f"breast cancer ({features.shape[1]} features)")


def load_digits(samples: int | None = None) -> Dataset:
    """Handwritten digits: n = 1797 images of 8 x 8 pixels, labels 0 to 9; the first `samples` of them, or all.

    Pixels, integers from 0 to 16, are divided by 16, so features are in [0, 1] and dimensionless. Refusal "missing-extra" without
    scikit-learn; BadInput unless samples is an integer from 1 to 1797.

    Source: E. Alpaydin, C. Kaynak (1998), the test set of the UCI optical recognition data, as shipped by scikit-learn.
    """
    if samples is not None:
        require_integer("samples", samples, 1, 1797)
    bunch = _bundled("digits")
    features = np.asarray(bunch["data"], dtype=np.float64)[:samples] / 16
    labels = np.asarray(bunch["target"], dtype=np.float64)[:samples]
    return Dataset(features, labels, f"handwritten digits ({len(features)} images)")


def _bundled(name: str) -> dict[str, Any]:
    try:
        from sklearn import datasets
    except ImportError:
        title = name.replace("_", "-")
        lack = f"the {title} data ships with scikit-learn, which is not installed; install the extra: sdescent[data]"
        raise Refusal("missing-extra", lack) from None
    return dict(getattr(datasets, f"load_{name}")())


def random_design(n: int, d: int, seed: int = 0, noise_std: float = 1.0, correlation: float = 0.0) -> Dataset:
    """Random design: labels_i = a_i . w + noise_std * e_i, a_i ~ N(0, R) independent, R_jk = correlation^|j-k|, |correlation| < 1.

    w has coordinates +-1/sqrt(d) with random signs, so the signal has variance of order 1. R has unit diagonal: features and
    labels are dimensionless. e_i is standard normal. The n >= 1 samples of d >= 1 features are drawn once, with an integer seed
    >= 0. BadInput for arguments outside their ranges, or n d above 500000000.
    """
    for name, value, low, high in (("n", n, 1, 10**7), ("d", d, 1, 10**7), ("seed", seed, 0, 2**128)):
        require_integer(name, value, low, high)
    if n * d > 500_000_000:
        raise BadInput("n * d", n * d, "at most 500000000 numbers (4 GB)")
    require("noise_std", noise_std, noise_std >= 0, "a finite number >= 0")
    require("correlation", correlation, -1 < correlation < 1, "a number between -1 and 1, both excluded")
    # Separate children of one seed, so that the design does not change with the noise.
    design, signs, noise = (np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(seed).spawn(3))
    white = design.standard_normal((n, d))
    features = np.empty_like(white)
    features[:, 0] = white[:, 0]
    innovation = math.sqrt(1.0 - correlation**2)
    for j in range(1, d):
        features[:, j] = correlation * features[:, j - 1] + innovation * white[:, j]
    weights = signs.choice([-1.0, 1.0], size=d) / math.sqrt(d)
    labels = features @ weights + noise_std * noise.standard_normal(n)
    name = f"random design (n = {n}, d = {d}, correlation {correlation:g}, Gaussian label noise {noise_std:g})"
    return Dataset(features, labels, name)


def require_integer(field: str, value: object, low: int, high: int) -> None:
    """Raise BadInput unless `value` is an integer from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput(field, value, f"an integer from {low} to {high}")


def require(field: str, value: float, ok: bool, accepted: str) -> None:
    """Raise BadInput unless `value` is a finite number and `ok` is true."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or not ok:
        raise BadInput(field, value, accepted)


@final
@dataclass(frozen=True, eq=False)
class ClientData:
    """N clients over n samples, by `shared_data` or `data_by_label`: each draws `batch` of its own per step, or (None) takes all.

    `rows`, (N, the largest n_i), are the numbers of their samples, padded with the last one, `sizes` the n_i, (N,).
    """

    rows: np.ndarray
    sizes: np.ndarray
    batch: int | None


def shared_data(samples: int, clients: int = 4, batch: int | None = 16) -> ClientData:
    """N >= 1 clients that draw `batch` of the same n >= 1 with replacement, i.i.d. (theory 1), or use full gradients (BadInput)."""
    _check(samples, clients, batch)
    return ClientData(*padded([np.arange(samples)] * clients), batch)


def data_by_label(labels: np.ndarray, clients: int = 4, batch: int | None = 16) -> ClientData:
    """Clients whose shards come from the samples (n,) sorted by label (in their own order within a label), N from 1 to n.

    The sizes of the shards differ by at most one. Each client sees few labels, so gradients differ strongly. The `batch` samples
    are drawn with replacement, None for the shard's deterministic gradient. BadInput for others.
    """
    samples = len(labels)
    _check(samples, clients, batch)
    if clients > samples:
        raise BadInput("clients", clients, f"at most one client per sample ({samples})")
    bounds = np.arange(1, clients) * samples // clients
    return ClientData(*padded(np.split(np.argsort(labels, kind="stable"), bounds)), batch)


def _check(samples: int, clients: int, batch: int | None) -> None:
    for name, value, top in (("samples", samples, 2**31 - 1), ("clients", clients, 10_000), ("batch", batch, 10**6)):
        if name != "batch" or value is not None:
            require_integer(name, value, 1, top)


class SampleLoss(Protocol):
    """A loss that is a mean over samples, such as a `LinearModel` or a `Network`."""

    def weighted_gradient(self, x: jax.Array, weights: jax.Array, rows: jax.Array) -> jax.Array:
        """The gradients sum_m weights_m grad l_m(x) at R points, (d, R), for weights (m,), or (m, R) by point with their rows."""
        ...


@final
@dataclass(frozen=True, eq=False)
class OwnGradients:
    """The stochastic gradient of a client as a function (draws, x (d, R), client) -> (d, R): an oracle of `sd.run`.

    It is the client's own gradient times N n_i/n if the samples are split over the clients, and times 1 if all clients share them.
    With these factors the mean over clients is grad f. Reuse the object, since it identifies compiled programs.

    Attributes:
        loss: the loss over the samples.
        data: each client's samples. With a batch, the gradient is over a mini-batch drawn from them with replacement.
        noise: noise added to the gradient, with its scale at the client's own gradient; None for mini-batch noise only.
        parameters: values of the noise's symbols.
        factors: a factor of the noise for each path number, (paths,), or None.
    """

    loss: SampleLoss
    data: ClientData
    noise: Noise | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    factors: np.ndarray | None = None

    def __call__(self, draws: Draws, x: jax.Array, client: Any) -> jax.Array:
        rows, sizes = jnp.asarray(self.data.rows)[client], self.data.sizes
        total = np.mean(sizes)  # n/N, or n if every client has all samples
        share = jnp.asarray(sizes / total, x.dtype)[client]
        if self.data.batch is None:
            weights = jnp.asarray((np.arange(len(rows)) < sizes[:, None]) / sizes[:, None])[client]  # 0 for the padding
        else:
            size = jnp.asarray(sizes)[client]
            place = jnp.floor(draws.fold(1).uniform((self.data.batch, x.shape[1])) * size).astype(jnp.int32)
            rows = rows[jnp.minimum(place, size - 1)]
            weights = jnp.full(rows.shape, 1 / len(rows))
        gradient = share * self.loss.weighted_gradient(x, weights.astype(x.dtype), rows)
        if self.noise is None:
            return gradient
        z = sample_noise(self.noise, draws.fold(0), gradient, self.parameters)
        if self.factors is not None:  # a chunk is padded with path numbers above the last
            z = z * jnp.asarray(self.factors, x.dtype).at[draws.lanes].get(mode="clip")
        return gradient + z
