"""Data sets: the breast-cancer and digits data that ship with scikit-learn, and least squares with a Gaussian random design."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from derive.vocabulary.errors import BadInput, Refusal


@dataclass(frozen=True, eq=False)
class Dataset:
    """A regression or classification data set.

    Attributes:
        features: shape (n, d), one sample per row; dimensionless where standardised.
        labels: shape (n,); -1 or +1 for two classes, 0, 1, .. for several, a real response for regression.
        name: the name of the data, for captions.
        feature_names: d names, in the order of the columns.
    """

    features: np.ndarray
    labels: np.ndarray
    name: str
    feature_names: tuple[str, ...]

    @property
    def samples(self) -> int:
        """n, the number of samples."""
        return self.features.shape[0]

    @property
    def dim(self) -> int:
        """d, the number of features."""
        return self.features.shape[1]


def load_breast_cancer(n_features: int | None = None) -> Dataset:
    """The Wisconsin diagnostic breast-cancer data: n = 569 samples, up to d = 30 features, labels -1 and +1.

    Each feature is standardised over the samples: mean 0, standard deviation 1 (divisor n), dimensionless. Label +1 is
    "malignant" (212 samples), -1 "benign" (357). No column of ones is added: a classifier has no intercept.

    Args:
        n_features: keep the first n_features columns in the data set's own order (1-10: means of ten measurements of
            the cell nuclei, 11-20: their standard errors, 21-30: their worst values); None keeps all 30.

    Raises:
        Refusal: kind "missing-extra", where scikit-learn is not installed.
        BadInput: n_features is not an integer from 1 to 30.

    Source: W. N. Street, W. H. Wolberg, O. L. Mangasarian (1993), as shipped by scikit-learn.
    """
    if n_features is not None and (isinstance(n_features, bool) or not isinstance(n_features, int)):
        raise BadInput("n_features", n_features, "an integer from 1 to 30")
    if n_features is not None and not 1 <= n_features <= 30:
        raise BadInput("n_features", n_features, "an integer from 1 to 30")
    bunch = _bundled("breast_cancer")
    kept = np.asarray(bunch["data"], dtype=np.float64)[:, : n_features or 30]
    features = (kept - kept.mean(axis=0)) / kept.std(axis=0)
    # scikit-learn codes malignant as 0 and benign as 1.
    labels = np.where(np.asarray(bunch["target"]) == 0, 1.0, -1.0)
    shown = tuple(str(name) for name in bunch["feature_names"][: features.shape[1]])
    return Dataset(features, labels, f"breast cancer ({features.shape[1]} features)", shown)


def load_digits(samples: int | None = None) -> Dataset:
    """Handwritten digits: n = 1797 images of 8 x 8 pixels, labels 0 to 9.

    Pixels, whole numbers from 0 to 16, are divided by 16: features in [0, 1], dimensionless.

    Args:
        samples: keep the first of them, in the data set's own order; None keeps all.

    Raises:
        Refusal: kind "missing-extra", where scikit-learn is not installed.
        BadInput: samples is not an integer from 1 to 1797.

    Source: E. Alpaydin, C. Kaynak (1998), the test set of the UCI optical recognition data, as shipped by scikit-learn.
    """
    if samples is not None and (isinstance(samples, bool) or not isinstance(samples, int) or not 1 <= samples <= 1797):
        raise BadInput("samples", samples, "an integer from 1 to 1797")
    bunch = _bundled("digits")
    features = np.asarray(bunch["data"], dtype=np.float64)[:samples] / 16
    labels = np.asarray(bunch["target"], dtype=np.float64)[:samples]
    names = tuple(f"pixel {j}" for j in range(features.shape[1]))
    return Dataset(features, labels, f"handwritten digits ({len(features)} images)", names)


def _bundled(name: str) -> dict[str, Any]:
    try:
        from sklearn import datasets
    except ImportError:
        shown = name.replace("_", "-")
        raise Refusal(
            "missing-extra",
            f"the {shown} data ships with scikit-learn, which is not installed; install the extra: sdescent[data]",
        ) from None
    return dict(getattr(datasets, f"load_{name}")())


def random_design(
    n: int,
    d: int,
    seed: int = 0,
    noise_std: float = 1.0,
    correlation: float = 0.0,
    noise_nu: float | None = None,
) -> Dataset:
    """Random design: labels_i = a_i . w + noise_std * e_i, a_i ~ N(0, R) independent, R_jk = correlation^|j-k|.

    w has coordinates +-1/sqrt(d) with random signs, so the signal has variance of order 1. R has unit diagonal:
    features are dimensionless, and so are labels. e_i is standard normal, or Student-t with noise_nu degrees of freedom
    and scale 1 (variance noise_nu/(noise_nu-2)). The data are drawn once; the loss is over these n samples.

    Args:
        n: number of samples, at least 1.
        d: number of features, at least 1.
        seed: any integer >= 0; equal seeds give equal data.
        noise_std: scale of the label noise, >= 0, dimensionless.
        correlation: rho of neighbouring features, in (-1, 1).
        noise_nu: degrees of freedom of the label noise, > 0; None is Gaussian.

    Raises:
        BadInput: an argument outside its range.
    """
    for field, value in (("n", n), ("d", d)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000_000:
            raise BadInput(field, value, "an integer from 1 to 10000000")
    if n * d > 500_000_000:
        raise BadInput("n * d", n * d, "at most 500000000 numbers (4 GB)")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise BadInput("seed", seed, "an integer >= 0")
    _require("noise_std", noise_std, noise_std >= 0, "a finite number >= 0")
    _require("correlation", correlation, -1 < correlation < 1, "a number between -1 and 1, both excluded")
    if noise_nu is not None:
        _require("noise_nu", noise_nu, noise_nu > 0, "a finite number > 0, or None for Gaussian noise")
    # Separate children of one seed: changing the noise law must not change the design.
    design, signs, noise = (np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(seed).spawn(3))
    white = design.standard_normal((n, d))
    features = np.empty_like(white)
    features[:, 0] = white[:, 0]
    innovation = math.sqrt(1.0 - correlation**2)
    for j in range(1, d):
        features[:, j] = correlation * features[:, j - 1] + innovation * white[:, j]
    weights = signs.choice([-1.0, 1.0], size=d) / math.sqrt(d)
    errors = noise.standard_normal(n) if noise_nu is None else noise.standard_t(noise_nu, n)
    labels = features @ weights + noise_std * errors
    law = "Gaussian" if noise_nu is None else f"Student-t (nu = {noise_nu:g})"
    name = f"random design (n = {n}, d = {d}, correlation {correlation:g}, {law} label noise {noise_std:g})"
    return Dataset(features, labels, name, tuple(f"a{j}" for j in range(1, d + 1)))


def _require(field: str, value: float, ok: bool, accepted: str) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or not ok:
        raise BadInput(field, value, accepted)
