"""The two sets of samplers, `draws` (NumPy, for the tests) and `sdescent.numerics.laws.samplers` (JAX), draw from the same laws.

Two samples a comparison, fixed keys. Noises: Kolmogorov-Smirnov for each coordinate, for all together, and for the sum of
the coordinates, which would show a dependence. Compressors at a fixed message: the chi-square test that both have the same
frequencies of the outcomes C(v), whole vectors. The level is 1e-4 for all comparisons together (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sdescent.derive.methods import compressors, noise
from sdescent.derive.methods.compressors import (
    QSGD,
    Bernoulli,
    Compressor,
    FixedGrid,
    Identity,
    Natural,
    RandK,
    Sign,
    Ternary,
)
from sdescent.derive.methods.noise import (
    Affine,
    Correlated,
    Gaussian,
    Laplace,
    Law,
    Noise,
    NoNoise,
    Scaled,
    Stable,
    StudentT,
)
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.samplers import compress, sample_noise
from tests.support import draws
from tests.support.conformance import SYMBOLIC, shipped
from tests.support.samples import mostly_slow, slow_but

Array = np.ndarray
GRADIENT = np.array([0.0, 0.5, -2.0])
COUNT = 50_000  # draws of a noise on each side, so that a factor 1.1 in its scale is found whatever the law
LAWS: list[Law] = [
    Gaussian(), StudentT("1/2"), noise.Cauchy(), Laplace(), noise.Uniform(), noise.Logistic(), Stable("7/10"),
]  # fmt: skip
NOISES: list[tuple[Noise, int]] = [  # and the client whose noise is compared
    *((Scaled(law, "3/4"), 0) for law in LAWS), (Scaled(Laplace(), ("1/2", "3/4", "5/4")), 1),
    (Affine("1/2", "1/3", 5), 0), (Affine(("0", "1/2", "1"), ("1/3", "0", "1/4")), 2), (Correlated(Gaussian()), 0),
]  # fmt: skip
COMPRESSORS: list[Compressor] = [
    Identity(), Bernoulli("2/5"), RandK(1), RandK(2), QSGD(1), Ternary(), Natural(), FixedGrid("1/2"), Sign(),
    compressors.ScaledSign(), compressors.TopK(2), compressors.Clip("3/4"), compressors.NormClip("3/4"),
]  # fmt: skip
MESSAGES = {
    "generic": [0.7, -1.3, 0.35, 2.2],
    "zeros": [0.0, 0.25, -4.1, 0.0],
    "equal sizes": [1.1, 1.1, -1.1, 1.1],
    "two pairs": [-0.6, 0.9, 0.9, -0.6],
    "nothing": [0.0, 0.0, 0.0, 0.0],
    "one coordinate": [-0.7],
}
OUTCOMES = 20_000  # draws of a compressor on each side
PAIRS = [
    (compressor, name)
    for compressor in COMPRESSORS
    for name, v in MESSAGES.items()
    if not isinstance(compressor, (RandK, compressors.TopK)) or compressor.k <= len(v)
]
COMPARISONS = len(NOISES) * (GRADIENT.size + 2) + len(PAIRS)  # for a noise its coordinates, their sum, and all of them
LEVEL = 1e-4 / COMPARISONS


def same_distribution(left: Array, right: Array, independent: bool = True) -> bool:
    """Kolmogorov-Smirnov for (n, d) arrays: all entries together if they are independent, the sum of the coordinates, and each."""
    pairs = [(left.ravel(), right.ravel())] if independent else []
    pairs += [(left.sum(1), right.sum(1)), *zip(left.T, right.T, strict=True)]
    return all(stats.ks_2samp(a, b, method="asymp").pvalue >= LEVEL for a, b in pairs)


def same_frequencies(left: Array, right: Array) -> bool:
    """Chi-square of the rows of two (n, d) arrays with finitely many values; rounding errors do not make a new value."""
    outcome = np.zeros(len(left) + len(right), dtype=int)
    for column in np.round(np.concatenate([left, right]), 9).T:
        values, code = np.unique(column, return_inverse=True)
        outcome = np.unique(outcome * len(values) + code, return_inverse=True)[1]
    table = np.array([np.bincount(half, minlength=outcome.max() + 1) for half in np.split(outcome, [len(left)])])
    rare = table.sum(0) < 20  # on both sides together: cells of 10 and more keep the test's level
    table = np.column_stack([table[:, ~rare], table[:, rare].sum(1)])
    table = table[:, table.sum(0) > 0]
    return table.shape[1] == 1 or bool(stats.chi2_contingency(table, correction=False).pvalue >= LEVEL)


@lru_cache(maxsize=64)
def two_noises(law: Noise, client: int) -> tuple[Array, Array]:
    """(n, d) draws of one client's noise at GRADIENT from either side."""
    left = draws.noise(law, GRADIENT, np.random.default_rng(31), COUNT, len(law.scales))[:, client]
    batch = jnp.broadcast_to(jnp.asarray(GRADIENT)[:, None], (GRADIENT.size, COUNT))
    values = {"Sigma": draws.measured(GRADIENT.size)} if isinstance(law, Correlated) else {}
    # one operation at a time: compiling a function for each of these takes longer than running it
    return left, np.asarray(sample_noise(law, jax.random.key(32), batch, values, client)).T


@lru_cache(maxsize=64)
def outcomes(compressor: Compressor, dim: int) -> dict[str, tuple[Array, Array]]:
    """(n, d) draws of C(v) from either side, for every message of a dimension."""
    names = [name for name, v in MESSAGES.items() if len(v) == dim]
    v = np.repeat([MESSAGES[name] for name in names], OUTCOMES, axis=0)
    left = draws.compress(compressor, v, np.random.default_rng(33))
    right = np.asarray(compress(compressor, jax.random.key(34), jnp.asarray(v.T))).T
    assert left.shape == right.shape == v.shape
    halves = (np.split(side, len(names)) for side in (left, right))
    return dict(zip(names, zip(*halves, strict=True), strict=True))


def two_outcomes(compressor: Compressor, message: str) -> tuple[Array, Array]:
    """(n, d) draws of C(v) from either side."""
    return outcomes(compressor, len(MESSAGES[message]))[message]


def told(x: Any) -> str:
    return x if isinstance(x, str) else str(x).replace(" ", "")


@pytest.mark.slow
@pytest.mark.parametrize("pair", mostly_slow(NOISES, 20), ids=told)
def test_noises_have_the_same_distribution_and_a_wrong_scale_is_found(pair: tuple[Noise, int]) -> None:
    left, right = two_noises(*pair)
    assert left.shape == right.shape == (COUNT, GRADIENT.size)
    assert same_distribution(left, right, pair[0].dense is None)
    assert not same_distribution(left, 1.1 * right, pair[0].dense is None)


def test_no_noise_is_zero_on_both_sides() -> None:
    for zeros in two_noises(NoNoise(), 0):
        assert not zeros.any()


def test_a_dependence_between_coordinates_is_found() -> None:
    left, right = two_noises(Scaled(Gaussian(), "3/4"), 0)
    assert not same_distribution(left, right[:, [0, 1, 1]], False)
    left, right = two_noises(Correlated(Gaussian()), 0)
    mixed = np.column_stack([np.roll(c, 7 * m) for m, c in enumerate(right.T)])  # the same marginals, independent
    assert not same_distribution(left, mixed, False)


@pytest.mark.parametrize("compressor", slow_but(COMPRESSORS, [Identity(), RandK(1), Sign()]), ids=told)
def test_compressors_have_the_same_outcomes_and_a_wrong_scale_is_found(compressor: Compressor) -> None:
    for name in (name for c, name in PAIRS if c == compressor):
        left, right = two_outcomes(compressor, name)
        assert same_frequencies(left, right), name
        assert same_frequencies(left, 1.1 * right) == (not right.any()), name


# C with probabilities that are wrong by a tenth, for messages v that are all equal
WRONG_PROBABILITIES: dict[Compressor, Callable[[Array, np.random.Generator], Array]] = {
    Bernoulli("2/5"): lambda v, rng: np.where(rng.random(v.shape) < 0.44, v / 0.4, 0.0),
    RandK(1): lambda v, rng: 4 * v * np.eye(4)[rng.choice(4, len(v), p=[0.275, 0.225, 0.25, 0.25])],
    QSGD(1): lambda v, rng: _kept(v, float(np.linalg.norm(v[0])), rng),
    Ternary(): lambda v, rng: _kept(v, np.abs(v).max(), rng),
    Natural(): lambda v, rng: draws.compress(Natural(), v * [1.1, 1, 1, 1], rng),
    FixedGrid("1/2"): lambda v, rng: draws.compress(FixedGrid("1/2"), v * [1.1, 1, 1, 1], rng),
}


def _kept(v: Array, size: float, rng: np.random.Generator) -> Array:
    return np.where(rng.random(v.shape) * size < 1.1 * np.abs(v), size * np.sign(v), 0.0)


@pytest.mark.parametrize(
    "compressor", slow_but(WRONG_PROBABILITIES, WRONG_PROBABILITIES.keys() - {QSGD(1), Natural()}), ids=told
)
def test_a_wrong_probability_of_a_compressor_is_found(compressor: Compressor) -> None:
    """No value that C takes is changed, only how often it takes it."""
    left, _ = two_outcomes(compressor, "generic")
    v = np.tile(MESSAGES["generic"], (OUTCOMES, 1))
    wrong = WRONG_PROBABILITIES[compressor](v, np.random.default_rng(35))
    assert {tuple(row) for row in np.round(wrong, 9) + 0.0} <= {tuple(row) for row in np.round(left, 9) + 0.0}
    assert not same_frequencies(left, wrong)


def test_every_shipped_class_is_compared() -> None:
    assert {type(law).__name__ for law in LAWS} | SYMBOLIC == shipped(Law)
    assert {type(kind).__name__ for kind, _ in NOISES} | {"NoNoise"} == shipped(Noise)
    assert {type(c).__name__ for c, _ in PAIRS} == shipped(Compressor)
