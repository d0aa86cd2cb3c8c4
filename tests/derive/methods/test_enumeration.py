"""Where outcomes are finitely many: moments and compression ratios equal exactly, in rationals (theory 4)."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import given_message, gradient_symbols, message_symbols
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.methods.compressors import (
    QSGD,
    Bernoulli,
    Biased,
    Clip,
    Compressor,
    FixedGrid,
    Identity,
    Natural,
    NormClip,
    RandK,
    ScaledSign,
    Sign,
    Ternary,
    TopK,
    Unbiased,
)
from sdescent.derive.methods.distributed import DCSGD
from sdescent.derive.methods.noise import NoNoise, Scaled
from sdescent.derive.vocabulary.symbols import eta
from tests.support.enumeration import after_noise, moments_of, outcomes, squared_error
from tests.support.laws.atoms import TWO, Atoms
from tests.support.samples import mostly_slow, slow_but

R = sp.Rational
DIMS = (1, 3, 5)
POINTS = {
    1: ([0], [R(-7, 5)], [4]),
    3: ([0, 0, 0], [R(1, 2), R(-1, 2), 0], [R(4, 3), R(4, 3), R(-5, 7)], [-3, 0, 2]),
    5: ([0] * 5, [R(3, 4)] * 5, [0, R(1, 3), R(-1, 3), 2, -2], [R(-9, 4), R(5, 6), 0, R(1, 8), R(5, 6)]),
}
COMPRESSORS = [
    Identity(), Bernoulli("1/3"), Bernoulli(1), RandK(1), RandK(2), RandK(3), RandK(5), QSGD(1), QSGD(2), QSGD(3), Ternary(),
    Natural(), FixedGrid("1/2"), FixedGrid("2/3"), Sign(), ScaledSign(), TopK(1), TopK(2), TopK(5),
]  # fmt: skip
EXISTING = [(c, dim) for c in COMPRESSORS for dim in DIMS if getattr(c, "k", sp.S.One) <= dim]
#: has the most outcomes
LONG = (QSGD(2), 5)


def equal(a: sp.Matrix, b: sp.Matrix) -> bool:
    """Exact equality of matrices of algebraic numbers."""
    return all(sp.radsimp(sp.expand(x)) == 0 for x in a - b)


def at(expr: sp.Matrix, symbols: list[sp.Symbol], point: list[sp.Expr]) -> sp.Matrix:
    return expr.xreplace({s: sp.sympify(x) for s, x in zip(symbols, point, strict=True)})


@pytest.mark.parametrize(
    ("compressor", "dim"), slow_but(EXISTING, [p for p in EXISTING[::2] if p != LONG], rows=True), ids=str
)
def test_moments_given_the_message_equal_the_enumeration(compressor: Compressor, dim: int) -> None:
    mean, covariance = given_message(compressor.conditional_moments(sp.Integer(dim)), dim)
    for point in POINTS[dim]:
        v = [sp.sympify(x) for x in point]
        law = outcomes(compressor, v)
        assert sp.nsimplify(sp.expand(sp.Add(*[p for p, _ in law]))) == 1
        true_mean, true_covariance = moments_of(law)
        assert equal(at(sp.Matrix(mean), message_symbols(dim), v), true_mean), point
        assert equal(at(covariance, message_symbols(dim), v), true_covariance), point


@pytest.mark.parametrize(("compressor", "dim"), mostly_slow(EXISTING, 2, rows=True), ids=str)
def test_noise_free_moments_and_sde_equal_the_enumeration(compressor: Compressor, dim: int) -> None:
    method = DCSGD(compressor, NoNoise(), 3)
    form = moments(method, dim).form
    assert form is not None
    expanded = sde(method, dim=dim).expanded
    for point in POINTS[dim]:
        g = [sp.sympify(x) for x in point]
        mean, covariance = moments_of(outcomes(compressor, g))
        assert equal(at(-expanded.drift, gradient_symbols(dim), g), mean), point
        assert equal(at(expanded.covariance, gradient_symbols(dim), g) * 3 / eta, covariance), point


HALVES = Atoms(((Fraction(1, 4), Fraction(1)),))  # 1 and -1 at odds of 1/4 each, else 0
# g with zero and equal coordinates; with three points no g_j may sit on an atom, since laws with densities have no ties
FINITE = [
    (TWO, [R(0)]),
    (TWO, [R(0), R(1, 3), R(1, 3)]),
    (HALVES, [R(-1, 3), R(5, 4), R(5, 4)]),
    (TWO, [R(0), R(1, 4), R(1, 4), R(-1, 4), R(2)]),
]


@pytest.mark.parametrize(
    "compressor",
    [Identity(), Bernoulli("1/3"), RandK(1), RandK(3), Sign(), pytest.param(ScaledSign(), marks=pytest.mark.slow)],
    ids=str,
)
@pytest.mark.parametrize(
    ("law", "point"), mostly_slow(FINITE, 2, rows=True), ids=["two-1", "two-3", "three-3", "two-5"]
)
def test_noise_and_compressor_enumerated_together(compressor: Compressor, law: Atoms, point: list[sp.Expr]) -> None:
    dim = len(point)
    if getattr(compressor, "k", sp.S.One) > dim:
        compressor = RandK(dim)
    scales = (R(1, 2), R(3, 4))
    expanded = sde(DCSGD(compressor, Scaled(law, scales)), dim=dim).expanded
    mean, covariance = sp.zeros(dim, 1), sp.zeros(dim, dim)
    for scale in scales:
        joint = after_noise([(p, scale * z) for p, z in law.values], point, lambda v: outcomes(compressor, v))
        b, s = moments_of(joint)
        mean, covariance = mean + b / 2, covariance + s / 2
    assert equal(at(-expanded.drift, gradient_symbols(dim), point), mean)
    assert equal(at(expanded.covariance, gradient_symbols(dim), point) * 2 / eta, covariance)


def random_points(dim: int, count: int = 6) -> list[list[sp.Expr]]:
    draw = random.Random(dim)
    return [[R(draw.randint(-24, 24), draw.randint(1, 8)) for _ in range(dim)] for _ in range(count)]


WITH_OMEGA = [(c, dim) for c, dim in EXISTING if isinstance(c, Unbiased) and not isinstance(c, FixedGrid)]


QUICK = [p for p in WITH_OMEGA[::2] if p not in (LONG, (QSGD(3), 3))]


@pytest.mark.parametrize(("compressor", "dim"), slow_but(WITH_OMEGA, QUICK, rows=True), ids=str)
def test_omega_bounds_the_error_everywhere(compressor: Unbiased, dim: int) -> None:
    omega = compressor.omega(sp.Integer(dim)).value
    for v in [*random_points(dim), *([sp.sympify(x) for x in p] for p in POINTS[dim])]:
        gap = omega * sum(x**2 for x in v) - squared_error(outcomes(compressor, v), v)
        assert sp.expand(gap) >= 0, v


def maximisers(compressor: Unbiased, dim: int) -> list[sp.Expr]:
    """A message at which the error ratio should reach omega."""
    if isinstance(compressor, Natural):
        return [R(4, 3)] * dim
    # one coordinate 1, the others x: x(1-x)(d-1)/(1+(d-1)x^2) peaks at 1/(1+sqrt d)
    if isinstance(compressor, Ternary):
        return [sp.S.One] + [1 / (1 + sp.sqrt(dim))] * (dim - 1)
    return [R(2, 3)] * dim


CLAIMED = [Identity(), Bernoulli("1/3"), RandK(1), RandK(3), QSGD(1), QSGD(2), Ternary(), Natural()]


@pytest.mark.parametrize("dim", [1, 3, 4, 5])
@pytest.mark.parametrize("compressor", CLAIMED, ids=str)
def test_an_omega_claimed_exact_is_attained(compressor: Unbiased, dim: int) -> None:
    if getattr(compressor, "k", sp.S.One) > dim:
        compressor = RandK(dim)
    omega = compressor.omega(sp.Integer(dim))
    assert omega.exact is not (isinstance(compressor, QSGD) and 1 < dim < 4 * compressor.s**2)
    if omega.exact:
        v = maximisers(compressor, dim)
        gap = omega.value * sum(x**2 for x in v) - squared_error(outcomes(compressor, v), v)
        assert sp.radsimp(sp.expand(gap)) == 0
    else:
        assert omega.value == R(dim) / (4 * compressor.s**2)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("dim", [3, 5])
@pytest.mark.parametrize("compressor", [ScaledSign(), TopK(2)], ids=str)
def test_contraction_of_the_biased_compressors(compressor: Biased, dim: int) -> None:
    a = compressor.contraction(sp.Integer(dim))
    assert a is not None
    assert 0 <= a < 1
    for v in [*random_points(dim), *([sp.sympify(x) for x in p] for p in POINTS[dim])]:
        assert squared_error(outcomes(compressor, v), v) <= a * sum(x**2 for x in v), v
    spike = [sp.S.One] * dim if isinstance(compressor, TopK) else [sp.S.One] + [sp.S.Zero] * (dim - 1)
    if isinstance(compressor, TopK):  # equal coordinates reach the bound
        assert squared_error(outcomes(compressor, spike), spike) == a * dim


def test_ties_of_top_k_go_to_the_lowest_index() -> None:
    assert outcomes(TopK(2), [R(1), R(2), R(-2), R(2)]) == [(1, [0, 2, -2, 0])]
    mean, _ = given_message(TopK(2).conditional_moments(sp.Integer(4)), 4)
    assert list(at(sp.Matrix(mean), message_symbols(4), [R(1), R(2), R(-2), R(2)])) == [0, 2, -2, 0]


@pytest.mark.parametrize("compressor", [Clip("3/4"), NormClip("3/4"), Sign()], ids=str)
def test_the_greatest_length_of_a_message_is_reached(compressor: Compressor) -> None:
    for dim in (1, 3):
        mean, _ = given_message(compressor.conditional_moments(sp.Integer(dim)), dim)
        sent = at(sp.Matrix(mean), message_symbols(dim), [R(9) * (-1) ** j for j in range(dim)])
        assert sp.simplify(sent.norm() - compressor.longest(sp.Integer(dim))) == 0
