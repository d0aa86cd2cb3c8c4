"""Losses over data: logistic regression, least squares, and a small network with softmax cross-entropy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, final

import numpy as np
from scipy import optimize

from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.tasks.data import Dataset, load_digits, require


@final
@dataclass(frozen=True, eq=False)
class LinearModel:
    """The mean of l(a_m.x, y_m) over samples plus l2 ||x||^2/2; make it with `logistic_regression` or `least_squares`.

    `value` is l(z, y), elementwise, `features` A (n, d), `labels` y (n,).
    """

    value: Callable[[jax.Array, jax.Array], jax.Array]
    features: jax.Array
    labels: jax.Array
    l2: float

    @property
    def samples(self) -> int:
        """The number n of samples."""
        return self.features.shape[0]

    @property
    def dim(self) -> int:
        """The number d of coordinates of x."""
        return self.features.shape[1]

    def loss(self, x: jax.Array) -> jax.Array:
        """The loss f(x): shape () for a point (d,), shape (R,) for points (d, R)."""
        labels = self.labels if x.ndim == 1 else self.labels[:, None]
        return jnp.mean(self.value(self.features @ x, labels), axis=0) + 0.5 * self.l2 * jnp.sum(x * x, axis=0)

    def gradient(self, x: jax.Array) -> jax.Array:
        """The gradient grad f(x), with the shape of x."""
        return jax.grad(lambda y: jnp.sum(self.loss(y)))(x)

    def sample_gradients(self, x: jax.Array) -> jax.Array:
        """The gradient of every sample's own loss, l2 term included, at one point (d,), shape (n, d)."""
        return self._slope(self.features @ x, self.labels)[:, None] * self.features + self.l2 * x

    def weighted_gradient(self, x: jax.Array, weights: jax.Array, rows: jax.Array) -> jax.Array:
        """See `SampleLoss`."""
        axis = None if rows.ndim == 1 else 1

        def one(x: jax.Array, w: jax.Array, chosen: jax.Array) -> jax.Array:
            a = self.features[chosen]
            return (w * self._slope(a @ x, self.labels[chosen])) @ a + self.l2 * x

        return jax.vmap(one, in_axes=(1, axis, axis), out_axes=1)(x, weights, rows)

    def _slope(self, z: jax.Array, y: jax.Array) -> jax.Array:
        """dl/dz, elementwise."""
        return jax.grad(lambda z: jnp.sum(self.value(z, y)))(z)


def logistic_regression(data: Dataset, l2: float = 0.01) -> LinearModel:
    """Logistic regression, l(z, y) = log(1 + e^(-y z)), with (l2/2)||x||^2; BadInput unless labels are +-1, all finite, l2 >= 0."""
    if not bool(np.all(np.abs(data.labels) == 1.0)):
        raise BadInput("labels", data.labels[np.abs(data.labels) != 1.0][0], "-1 and +1")
    return LinearModel(lambda z, y: jnp.logaddexp(0.0, -y * z), *_checked(data, l2))


def least_squares(data: Dataset, l2: float = 0.0) -> LinearModel:
    """Least squares, l(z, y) = (z - y)^2/2, on `data` with the term (l2/2)||x||^2; BadInput unless all is finite and l2 >= 0."""
    return LinearModel(lambda z, y: 0.5 * (z - y) ** 2, *_checked(data, l2))


class Minimum(NamedTuple):
    """A minimiser x*, shape (d,), and f(x*)."""

    point: np.ndarray
    loss: float


def minimise(
    problem: LinearModel, start: np.ndarray | None = None, tolerance: float = 1e-10, limit: int = 100
) -> Minimum:
    """The minimum of a convex loss, where ||grad f||_2 <= tolerance, by Powell's hybrid method on grad f.

    Refusal "no-minimiser" if `limit` gradients do not reach it, as for logistic regression on separable data without an l2 term.
    """
    gradient = jit(problem.gradient)
    x = optimize.root(
        gradient, np.zeros(problem.dim) if start is None else start, jac=jit(jax.hessian(problem.loss)),
        options={"maxfev": limit, "xtol": 1e-14},
    ).x  # fmt: skip
    if not float(jnp.linalg.norm(gradient(x))) <= tolerance:
        raise Refusal("no-minimiser", f"{limit} gradients did not reach a gradient norm of {tolerance:g}")
    return Minimum(x, float(problem.loss(jnp.asarray(x))))


def _checked(data: Dataset, l2: float) -> tuple[jax.Array, jax.Array, float]:
    """The features, labels and l2 of a `LinearModel`."""
    for field, values in (("features", data.features), ("labels", data.labels)):
        if not bool(np.all(np.isfinite(values))):
            raise BadInput(field, "a value that is not finite", "finite numbers")
    require("l2", l2, l2 >= 0, "a finite number >= 0")
    return jnp.asarray(data.features, dtype=jnp.float64), jnp.asarray(data.labels, dtype=jnp.float64), float(l2)


#: largest number of samples in a block of the gradient's sum
_SAMPLES = 256


@final
@dataclass(frozen=True, eq=False)
class Network:
    """The mean softmax cross-entropy over data of a network z = V tanh(W a + b) + c, where x consists of W, b, V and c.

    The `labels` y_m, (n,), of the `features` a_m, (n, p), are integers 0, .., C - 1 with C >= 2, each at least once; W has `hidden`
    >= 1 rows (else BadInput). `l2` >= 0 is the weight of ||x||^2/2.
    """

    features: np.ndarray
    labels: np.ndarray
    hidden: int
    l2: float = 0.0

    def __post_init__(self) -> None:
        classes = np.unique(self.labels)
        if not np.array_equal(classes, np.arange(len(classes))) or len(classes) < 2:
            raise BadInput("labels", classes[:3], "whole numbers 0, 1, .., C - 1 with C >= 2, each at least once")
        if isinstance(self.hidden, bool) or not isinstance(self.hidden, int) or self.hidden < 1:
            raise BadInput("hidden", self.hidden, "a whole number >= 1")

    @property
    def classes(self) -> int:
        """The number C of classes."""
        return int(np.max(self.labels)) + 1

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of W, b, V and c."""
        width, hidden = self.features.shape[1], self.hidden
        return (hidden, width), (hidden,), (self.classes, hidden), (self.classes,)

    @property
    def dim(self) -> int:
        """The number d of coordinates of x."""
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def start(self, seed: int) -> np.ndarray:
        """A random start (d,) with W_ij ~ N(0, 1/p), V_ij ~ N(0, 1/h) and b = c = 0."""
        rng = np.random.default_rng(seed)
        parts = [
            rng.standard_normal(shape) / np.sqrt(shape[1]) if len(shape) == 2 else np.zeros(shape)
            for shape in self.shapes
        ]
        return np.concatenate([part.ravel() for part in parts])

    def landscape(self) -> Landscape:
        """The loss f on a batch of points. Reuse the object, since it identifies compiled programs."""
        features = np.ascontiguousarray(self.features, float)
        chosen = np.eye(self.classes)[np.asarray(self.labels, int)].T / len(features)  # (C, n)

        def value(x: jax.Array) -> jax.Array:
            a, y = jnp.asarray(features, x.dtype), jnp.asarray(chosen, x.dtype)
            _, z = self._forward(x, a)
            fit = jnp.sum(jax.nn.logsumexp(z, axis=1), axis=1) / a.shape[0] - jnp.sum(z * y, axis=(1, 2))
            return fit + self.l2 / 2 * jnp.sum(x**2, axis=0)

        return Landscape(value, self._slope(features, chosen))

    def _taken_apart(self, x: jax.Array) -> Iterator[jax.Array]:
        """W, b, V and c of all paths, with the path as first axis."""
        sizes = np.cumsum([int(np.prod(shape)) for shape in self.shapes])[:-1]
        return (
            part.T.reshape(x.shape[1], *shape) for part, shape in zip(jnp.split(x, sizes), self.shapes, strict=True)
        )

    def _forward(self, x: jax.Array, a: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The outputs tanh(..) of the first layer, (paths, h, n), and z, (paths, C, n), for samples a (n, p) or (paths, n, p)."""
        w, b, v, c = self._taken_apart(x)
        # one product for all paths, whose rows are (path, unit)
        if a.ndim == 2:
            inner = (w.reshape(-1, a.shape[1]) @ a.T).reshape(x.shape[1], self.hidden, -1)
        else:
            inner = jnp.einsum("phq,pnq->phn", w, a)
        units = jnp.tanh(inner + b[..., None])
        return units, jnp.einsum("pch,phn->pcn", v, units) + c[..., None]

    def _parts(
        self, x: jax.Array, v: jax.Array, a: jax.Array, y: jax.Array, weight: jax.Array
    ) -> tuple[jax.Array, ...]:
        """The gradient of sum_m weight_m log sum_c exp z_mc - sum_mc y_cm z_mc in W, b, V and c, each (paths, its size).

        a (n, p), weight (n,) and y (C, n) are the same for all paths, or have the path as an additional first axis.
        """
        paths = x.shape[1]
        units, z = self._forward(x, a)
        at_z = weight[..., None, :] * jax.nn.softmax(z, axis=1) - y
        inside = jnp.einsum("pch,pcn->phn", v, at_z) * (1 - units**2)
        at_w = inside.reshape(-1, a.shape[0]) @ a if a.ndim == 2 else inside @ a
        parts = (at_w, jnp.sum(inside, axis=2), jnp.einsum("pcn,phn->pch", at_z, units), jnp.sum(at_z, axis=2))
        return tuple(part.reshape(paths, -1) for part in parts)

    def weighted_gradient(self, x: jax.Array, weights: jax.Array, rows: jax.Array) -> jax.Array:
        """See `SampleLoss`."""
        weights, rows = weights.T.astype(x.dtype), rows.T
        a = jnp.asarray(self.features, x.dtype)[rows]
        labels = jnp.asarray(self.labels, jnp.int32)[rows]
        chosen = jnp.moveaxis(jax.nn.one_hot(labels, self.classes, dtype=x.dtype) * weights[..., None], -1, -2)
        parts = self._parts(x, list(self._taken_apart(x))[2], a, chosen, weights)
        return jnp.concatenate(parts, axis=1).T + self.l2 * x

    def _slope(self, features: np.ndarray, chosen: np.ndarray) -> Callable[[jax.Array], jax.Array]:
        """A function for grad f, by the chain rule over blocks of samples whose layers stay in a core's cache.

        In a loop on one core it takes an eighth less time than `jax.grad` of the value, and its Hessian products take a third less.
        """
        n = len(features)
        count = -(-n // _SAMPLES)
        short = count * -(-n // count) - n  # samples of weight 0 fill up the last block
        a_blocks = np.split(np.pad(features, ((0, short), (0, 0))), count)
        y_blocks = np.split(np.pad(chosen, ((0, 0), (0, short))), count, axis=1)
        blocks = (np.stack(a_blocks), np.stack(y_blocks), np.split(np.pad(np.full(n, 1 / n), (0, short)), count))

        def slope(x: jax.Array) -> jax.Array:
            paths = x.shape[1]
            v = list(self._taken_apart(x))[2]

            def add(total: tuple[jax.Array, ...], block: tuple[jax.Array, ...]) -> tuple[tuple[jax.Array, ...], None]:
                return tuple(t + part for t, part in zip(total, self._parts(x, v, *block), strict=True)), None

            zero = tuple(jnp.zeros((paths, int(np.prod(shape))), x.dtype) for shape in self.shapes)
            total, _ = jax.lax.scan(add, zero, tuple(jnp.asarray(b, x.dtype) for b in blocks))
            return jnp.concatenate(total, axis=1).T + self.l2 * x

        return slope


@lru_cache(maxsize=8)
def digits_network(samples: int | None = None, hidden: int = 32) -> tuple[Network, Landscape]:
    """The network on the first `samples` images of the digits data (None: on all), and its loss; d = 2410 for 32 units.

    Refusal without scikit-learn; BadInput if `samples` or `hidden` is out of its range, or the samples contain 0 alone.
    """
    data: Dataset = load_digits(samples)
    network = Network(data.features, data.labels, hidden)
    return network, network.landscape()
