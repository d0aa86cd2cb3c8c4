"""Draws of the real random objects in NumPy, straight from their definitions, and the checks of moments against them.

Independent of `numerics`. A statistic whose mean should be zero passes when it is within five standard errors of zero.
"""

from functools import lru_cache, singledispatch
from typing import Any

import numpy as np
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.gradient_form import Expansion

STANDARD_ERRORS = 5
Array = np.ndarray
Rng = np.random.Generator


@singledispatch
def standard(law: sd.noise.Law, rng: Rng, shape: tuple[int, ...]) -> Array:
    """Independent draws of the standardised law."""
    raise NotImplementedError(type(law).__name__)


for _law, _standard in {
    sd.noise.Gaussian: lambda law, rng, shape: rng.standard_normal(shape),
    sd.noise.StudentT: lambda law, rng, shape: rng.standard_t(float(law.nu), shape),
    sd.noise.Laplace: lambda law, rng, shape: rng.laplace(size=shape),
    sd.noise.Uniform: lambda law, rng, shape: rng.uniform(-1, 1, shape),
    sd.noise.Logistic: lambda law, rng, shape: rng.logistic(size=shape),
}.items():
    standard.register(_law, _standard)


@standard.register
def _(law: sd.noise.Stable, rng: Rng, shape: tuple[int, ...]) -> Array:
    # Chambers, Mallows and Stuck (1976), symmetric case
    a, angle, w = float(law.alpha), rng.uniform(-np.pi / 2, np.pi / 2, shape), rng.standard_exponential(shape)
    return np.sin(a * angle) / np.cos(angle) ** (1 / a) * (np.cos((1 - a) * angle) / w) ** ((1 - a) / a)


@singledispatch
def noise(kind: sd.noise.Noise, g: Array, rng: Rng, count: int, clients: int) -> Array:
    """Z of shape (count, clients, d) at the gradient g."""
    raise NotImplementedError(type(kind).__name__)


@lru_cache(maxsize=8)
def _standard_block(law: sd.noise.Law, base: type, seed: int, shape: tuple[int, ...]) -> Array:
    return standard(law, np.random.default_rng(seed), shape)


def _shared(law: sd.noise.Law, rng: Rng, shape: tuple[int, ...]) -> Array:
    """The same block for every compressor at one seed, which halves the time of the suite."""
    return _standard_block(law, type(law), int(rng.integers(2**62)), shape)


@noise.register
def _(kind: sd.noise.NoNoise, g: Array, rng: Rng, count: int, clients: int) -> Array:
    return np.zeros((count, clients, g.size))


@noise.register
def _(kind: sd.noise.Scaled, g: Array, rng: Rng, count: int, clients: int) -> Array:
    sigma = np.array([float(s) for s in kind.sigma])
    return sigma[:, None] * _shared(kind.standard, rng, (count, clients, g.size))


@noise.register
def _(kind: sd.noise.Affine, g: Array, rng: Rng, count: int, clients: int) -> Array:
    s0, s1 = (np.array([float(s) for s in values]) for values in (kind.sigma0, kind.sigma1))
    unit = _shared(kind.law, rng, (count, clients, g.size))
    if kind.nu is not None:  # t_nu has variance nu/(nu-2); the noise is defined by its covariance
        unit = unit * np.sqrt((float(kind.nu) - 2) / float(kind.nu))
    return (
        np.sqrt(s0**2 + s1**2 * np.sum(g**2)) * unit
        if s0.size == s1.size == 1
        else (np.sqrt(s0**2 + s1**2 * np.sum(g**2))[:, None] * unit)
    )


def correlated_gaussian(covariance: Array, rng: Rng, count: int, clients: int) -> Array:
    """Draws of N(0, covariance)."""
    return rng.standard_normal((count, clients, len(covariance))) @ np.linalg.cholesky(covariance).T


@noise.register
def _(kind: sd.noise.Correlated, g: Array, rng: Rng, count: int, clients: int) -> Array:
    assert isinstance(kind.law, sd.noise.Gaussian)
    return correlated_gaussian(measured(g.size), rng, count, clients)


def measured(dim: int) -> Array:
    """The covariance matrix that stands for measured data in these tests: 0.3^|i-j| (1 + i/4)(1 + j/4)."""
    index = np.arange(dim)
    return 0.3 ** abs(index[:, None] - index) * np.outer(1 + index / 4, 1 + index / 4)


@singledispatch
def compress(compressor: sd.compressors.Compressor, v: Array, rng: Rng) -> Array:
    """C(v) for messages v of shape (.., d)."""
    raise NotImplementedError(type(compressor).__name__)


for _kind, _message in {
    sd.compressors.Identity: lambda compressor, v, rng: v,
    sd.compressors.Sign: lambda compressor, v, rng: np.sign(v),
    sd.compressors.ScaledSign: lambda compressor, v, rng: np.abs(v).mean(-1, keepdims=True) * np.sign(v),
    sd.compressors.Clip: lambda compressor, v, rng: np.clip(v, -float(compressor.c), float(compressor.c)),
    sd.compressors.NormClip: lambda compressor, v, rng: (
        v / np.maximum(1.0, np.linalg.norm(v, axis=-1, keepdims=True) / float(compressor.c))
    ),
    sd.compressors.Bernoulli: lambda compressor, v, rng: np.where(
        rng.random(v.shape) < (p := float(compressor.p)), v / p, 0.0
    ),
    sd.compressors.FixedGrid: lambda compressor, v, rng: (h := float(compressor.step)) * _round_up(v / h, rng),
}.items():
    compress.register(_kind, _message)


@compress.register
def _(compressor: sd.compressors.RandK, v: Array, rng: Rng) -> Array:
    d, k = v.shape[-1], int(compressor.k)
    place = rng.random(v.shape).argsort(-1).argsort(-1)
    return np.where(place < k, v * d / k, 0.0)


def _round_up(x: Array, rng: Rng) -> Array:
    low = np.floor(x)
    return low + (rng.random(x.shape) < x - low)


@compress.register
def _(compressor: sd.compressors.QSGD, v: Array, rng: Rng) -> Array:
    s, norm = int(compressor.s), np.linalg.norm(v, axis=-1, keepdims=True)
    safe = np.where(norm > 0, norm, 1.0)
    return norm * np.sign(v) * _round_up(s * np.abs(v) / safe, rng) / s


@compress.register
def _(compressor: sd.compressors.Ternary, v: Array, rng: Rng) -> Array:
    top = np.abs(v).max(-1, keepdims=True)
    return np.where(rng.random(v.shape) * top < np.abs(v), top * np.sign(v), 0.0)


@compress.register
def _(compressor: sd.compressors.Natural, v: Array, rng: Rng) -> Array:
    fraction, exponent = np.frexp(np.abs(v))  # |v| = fraction 2^exponent, fraction in [1/2, 1)
    return np.sign(v) * np.ldexp(0.5, exponent) * (1 + (rng.random(v.shape) < 2 * fraction - 1))


@compress.register
def _(compressor: sd.compressors.TopK, v: Array, rng: Rng) -> Array:
    order = np.argsort(-np.abs(v), axis=-1, kind="stable")  # stable: ties by lowest index
    return np.where(order.argsort(-1) < int(compressor.k), v, 0.0)


def assert_zero_mean(statistic: Array, told: str, floor: float = 1e-10) -> int:
    """Every column of an (n, p) array has mean zero within five standard errors; returns the number of comparisons."""
    mean = statistic.mean(0)
    error = statistic.std(0, ddof=1) / np.sqrt(len(statistic))
    worst = np.abs(mean) - STANDARD_ERRORS * error - floor
    bad = np.flatnonzero(worst > 0)
    assert not bad.size, (
        f"{told}: entries {bad.tolist()} off by {mean[bad].tolist()}, standard errors {error[bad].tolist()}"
    )
    return statistic.shape[1]


def numeric(expressions: list[sp.Expr], symbols: list[sp.Symbol]) -> Any:
    """A NumPy function of arrays, one for each symbol; hypergeometric and stable functions through SciPy and mpmath."""
    import mpmath
    from scipy import special, stats

    def hyper(upper: tuple[float, ...], lower: tuple[float, ...], z: Any) -> Array:
        if (len(upper), len(lower)) == (2, 1):
            return special.hyp2f1(*upper, *lower, z)
        return np.vectorize(lambda x: float(mpmath.hyper(upper, lower, x)), otypes=[float])(z)

    def stable(alpha: float, x: Any) -> Array:
        return 2 * stats.levy_stable.cdf(x, alpha, 0) - 1

    function = sp.lambdify(symbols, expressions, [{"hyper": hyper, "StableSignMean": stable}, "scipy", "numpy"])

    def evaluate(*values: Array) -> Array:
        with np.errstate(all="ignore"):
            found = function(*values)
        return np.stack([np.broadcast_to(np.asarray(e, dtype=float), np.shape(values[0])) for e in found], axis=-1)

    return evaluate


def value(e: Any, values: dict[sp.Symbol, sp.Expr], memo: dict[Any, Any]) -> Any:
    """e at the values of its symbols to 30 digits, every repeated part evaluated once; rational leaves stay exact."""
    if e not in memo:
        memo[e] = _value(e, values, memo)
    return memo[e]


def _value(e: Any, values: dict[sp.Symbol, sp.Expr], memo: dict[Any, Any]) -> Any:
    if isinstance(e, sp.Rational):
        return e
    if not e.args:
        return values[e] if e in values else e.evalf(30) if isinstance(e, sp.Expr) else e
    if isinstance(e, sp.Piecewise):
        return next(value(a, values, memo) for a, condition in e.args if value(condition, values, memo) == True)  # noqa: E712
    found = e.func(*[value(a, values, memo) for a in e.args])
    return found.evalf(30) if isinstance(found, sp.Expr) and not found.free_symbols else found


class Numbers(Expansion):
    """An expansion at numbers, in which every aggregate is evaluated as soon as it is met."""

    def _node(self, expr: Any, inner: list[sp.Expr], own: int | None) -> Any:
        found = super()._node(expr, [value(sp.sympify(e), {}, {}) for e in inner], own)
        if isinstance(found, list):
            return [value(sp.sympify(e), {}, {}) for e in found]
        return value(sp.sympify(found), {}, {})
