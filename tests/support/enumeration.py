"""Every outcome of a compressor with its probability, straight from the definition in words, in exact numbers.

An independent reading of the definitions: nothing here calls `Compressor.conditional_moments`. Messages are lists of SymPy numbers
(rationals, or algebraic numbers where a norm is irrational); all of it is dimensionless.
"""

from collections.abc import Callable, Iterable
from functools import singledispatch
from itertools import combinations, product

import sympy as sp

import sdescent as sd

Vector = list[sp.Expr]
Law = list[tuple[sp.Expr, Vector]]


def _sgn(x: sp.Expr) -> int:
    return 1 if x > 0 else -1 if x < 0 else 0


def _independent(choices: Iterable[list[tuple[sp.Expr, sp.Expr]]]) -> Law:
    """Coordinates drawn independently, each from its own list of (probability, value)."""
    return [
        (sp.Mul(*[p for p, _ in row]), [x for _, x in row])
        for row in product(*[[(p, x) for p, x in one if p != 0] for one in choices])
    ]


def _round(x: sp.Expr, low: sp.Expr, high: sp.Expr) -> list[tuple[sp.Expr, sp.Expr]]:
    """x in [low, high] goes to an end, with the probabilities that keep its mean."""
    up = (x - low) / (high - low)
    return [(1 - up, low), (up, high)]


@singledispatch
def outcomes(compressor: sd.compressors.Compressor, v: Vector) -> Law:
    """All (probability, C(v)); probabilities sum to 1.

    Raises:
        NotImplementedError: the class has not been written down here.
    """
    raise NotImplementedError(type(compressor).__name__)


@outcomes.register
def _(compressor: sd.compressors.Identity, v: Vector) -> Law:
    return [(sp.S.One, list(v))]


@outcomes.register
def _(compressor: sd.compressors.Bernoulli, v: Vector) -> Law:
    p = compressor.p
    return _independent([(1 - p, sp.S.Zero), (p, x / p)] for x in v)


@outcomes.register
def _(compressor: sd.compressors.RandK, v: Vector) -> Law:
    d, k = len(v), int(compressor.k)
    kept = list(combinations(range(d), k))
    return [
        (sp.Rational(1, len(kept)), [sp.Rational(d, k) * x if j in chosen else sp.S.Zero for j, x in enumerate(v)])
        for chosen in kept
    ]


@outcomes.register
def _(compressor: sd.compressors.QSGD, v: Vector) -> Law:
    s, norm = compressor.s, sp.sqrt(sum(x**2 for x in v))
    if norm == 0:
        return [(sp.S.One, [sp.S.Zero] * len(v))]

    def one(x: sp.Expr) -> list[tuple[sp.Expr, sp.Expr]]:
        level = s * abs(x) / norm
        low = sp.floor(level)
        return [(p, norm * _sgn(x) * xi / s) for p, xi in _round(level, low, low + 1)]

    return _independent(one(x) for x in v)


@outcomes.register
def _(compressor: sd.compressors.Ternary, v: Vector) -> Law:
    top = max(abs(x) for x in v)
    if top == 0:
        return [(sp.S.One, [sp.S.Zero] * len(v))]
    return _independent([(1 - abs(x) / top, sp.S.Zero), (abs(x) / top, _sgn(x) * top)] for x in v)


@outcomes.register
def _(compressor: sd.compressors.Natural, v: Vector) -> Law:
    def one(x: sp.Expr) -> list[tuple[sp.Expr, sp.Expr]]:
        if x == 0:
            return [(sp.S.One, sp.S.Zero)]
        low = sp.S.One
        while low > abs(x):
            low /= 2
        while 2 * low <= abs(x):
            low *= 2
        return [(p, _sgn(x) * y) for p, y in _round(abs(x), low, 2 * low)]

    return _independent(one(x) for x in v)


@outcomes.register
def _(compressor: sd.compressors.FixedGrid, v: Vector) -> Law:
    h = compressor.step
    return _independent(_round(x, h * sp.floor(x / h), h * (sp.floor(x / h) + 1)) for x in v)


@outcomes.register
def _(compressor: sd.compressors.Sign, v: Vector) -> Law:
    return [(sp.S.One, [sp.Integer(_sgn(x)) for x in v])]


@outcomes.register
def _(compressor: sd.compressors.ScaledSign, v: Vector) -> Law:
    size = sum((abs(x) for x in v), sp.S.Zero) / len(v)
    return [(sp.S.One, [size * _sgn(x) for x in v])]


@outcomes.register
def _(compressor: sd.compressors.TopK, v: Vector) -> Law:
    order = sorted(range(len(v)), key=lambda j: (-abs(v[j]), j))
    kept = set(order[: int(compressor.k)])
    return [(sp.S.One, [x if j in kept else sp.S.Zero for j, x in enumerate(v)])]


def moments_of(law: Law) -> tuple[sp.Matrix, sp.Matrix]:
    """Mean and covariance of a finite law on R^d."""
    dim = len(law[0][1])
    mean = sp.Matrix(dim, 1, lambda i, _: sp.Add(*[p * x[i] for p, x in law]))
    second = sp.Matrix(dim, dim, lambda i, j: sp.Add(*[p * x[i] * x[j] for p, x in law]))
    return mean, second - mean * mean.T


def squared_error(law: Law, v: Vector) -> sp.Expr:
    """E||C(v) - v||^2."""
    return sp.Add(*[p * sum((a - b) ** 2 for a, b in zip(x, v, strict=True)) for p, x in law])


def after_noise(noise: list[tuple[sp.Expr, sp.Expr]], g: Vector, compress: Callable[[Vector], Law]) -> Law:
    """The law of C(g + Z) for independent coordinates Z_j of a finite law given as (probability, value)."""
    found: Law = []
    for weight, z in _independent([noise] * len(g)):
        found += [(weight * p, x) for p, x in compress([a + b for a, b in zip(g, z, strict=True)])]
    return found
