"""Data sets: the breast-cancer and digits data shipped with scikit-learn, and least squares with a Gaussian random design."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput, Refusal


@dataclass(frozen=True, eq=False)
class Dataset:
    """A regression or classification data set.

    Attributes:
        features: shape (n, d), one sample per row; dimensionless if standardised.
        labels: shape (n,); -1 or +1 for two classes, 0, 1, .. for several, a real response for regression.
        name: the name of the data, for captions.
    """

    features: np.ndarray
    labels: np.ndarray
    name: str

    @property
    def samples(self) -> int:
        """The number n of samples."""
        return self.features.shape[0]

    @property
    def dim(self) -> int:
        """The number d of features."""
        return self.features.shape[1]


def load_breast_cancer() -> Dataset:
    """The Wisconsin diagnostic breast-cancer data: n = 569 samples, d = 30 features, labels -1 and +1.

    Each feature is standardised over the samples: mean 0, standard deviation 1 (divisor n), dimensionless. Label +1 is
    "malignant" (212 samples), -1 "benign" (357). No column of ones is added: a classifier has no intercept.

    Features 1 to 10 are means of ten measurements of the cell nuclei, 11 to 20 their standard errors, 21 to 30 their worst values.

    Raises:
        Refusal: kind "missing-extra", if scikit-learn is not installed.

    Source: W. N. Street, W. H. Wolberg, O. L. Mangasarian (1993), as shipped by scikit-learn.
    """
    bunch = _bundled("breast_cancer")
    measurements = np.asarray(bunch["data"], dtype=np.float64)
    features = (measurements - measurements.mean(axis=0)) / measurements.std(axis=0)
    # scikit-learn codes malignant as 0 and benign as 1
    labels = np.where(np.asarray(bunch["target"]) == 0, 1.0, -1.0)
    return Dataset(features, labels, f"breast cancer ({features.shape[1]} features)")


def load_digits(samples: int | None = None) -> Dataset:
    """Handwritten digits: n = 1797 images of 8 x 8 pixels, labels 0 to 9.

    Pixels, integers from 0 to 16, are divided by 16, so features are in [0, 1] and dimensionless.

    Args:
        samples: the number of images to keep, from the first on in the data set's own order; None keeps all.

    Raises:
        Refusal: kind "missing-extra", if scikit-learn is not installed.
        BadInput: samples is not an integer from 1 to 1797.

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
    """Random design: labels_i = a_i . w + noise_std * e_i, a_i ~ N(0, R) independent, R_jk = correlation^|j-k|.

    w has coordinates +-1/sqrt(d) with random signs, so the signal has variance of order 1. R has unit diagonal:
    features and labels are dimensionless. e_i is standard normal. The data are drawn once; the loss is over
    these n samples.

    Args:
        n: number of samples, at least 1.
        d: number of features, at least 1.
        seed: an integer >= 0; equal seeds give equal data.
        noise_std: scale of the label noise, >= 0, dimensionless.
        correlation: the correlation of neighbouring features, in (-1, 1).

    Raises:
        BadInput: an argument is outside its range.
    """
    for field, value, low, high in (("n", n, 1, 10**7), ("d", d, 1, 10**7), ("seed", seed, 0, 2**128)):
        require_integer(field, value, low, high)
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


def step_numbers(field: str, steps: Sequence[int]) -> np.ndarray:
    """Step numbers as an array, shape (S,); raises BadInput unless they are increasing."""
    numbers = np.asarray(steps)
    ordered = numbers.ndim == 1 and numbers.size > 0 and numbers.dtype.kind in "iu" and numbers[0] >= 0
    if not (ordered and bool(np.all(np.diff(numbers) > 0)) and numbers[-1] < 2**31):
        raise BadInput(field, list(steps), "increasing integers from 0 to 2^31 - 1")
    return numbers.astype(np.int64)


def require(field: str, value: float, ok: bool, accepted: str) -> None:
    """Raise BadInput unless `value` is a finite number and `ok` is true."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or not ok:
        raise BadInput(field, value, accepted)
