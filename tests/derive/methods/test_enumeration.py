"""Where outcomes are finitely many: moments and compression ratios equal exactly, in rationals (theory 4)."""

import random
from fractions import Fraction
from itertools import combinations

import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import given_message, gradient_symbols, message_symbols
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.methods import compressors as c
from sdescent.derive.methods.distributed import DCSGD
from sdescent.derive.methods.noise import NoNoise, Scaled
from sdescent.derive.vocabulary.symbols import eta
from tests.support.enumeration import after_noise, moments_of, outcomes, squared_error
from tests.support.laws.atoms import TWO, Atoms
from tests.support.samples import mostly_slow

R = sp.Rational
POINTS = {
    1: ([0], [R(-7, 5)], [4]),
    3: ([0, 0, 0], [R(1, 2), R(-1, 2), 0], [R(4, 3), R(4, 3), R(-5, 7)], [-3, 0, 2]),
    5: ([0] * 5, [R(3, 4)] * 5, [0, R(1, 3), R(-1, 3), 2, -2], [R(-9, 4), R(5, 6), 0, R(1, 8), R(5, 6)]),
}
#: each class in dimension 3, and what is its own in the others
CASES = [
    (c.Identity(), 3), (c.Bernoulli("1/3"), 3), (c.Bernoulli(1), 3), (c.RandK(1), 1), (c.RandK(2), 3), (c.RandK(3), 3),
    (c.RandK(5), 5), (c.QSGD(1), 1), (c.QSGD(1), 3), (c.QSGD(2), 3), (c.Ternary(), 1), (c.Ternary(), 5), (c.Natural(), 3),
    (c.FixedGrid("2/3"), 3), (c.Sign(), 3), (c.ScaledSign(), 1), (c.ScaledSign(), 5), (c.TopK(2), 3), (c.TopK(5), 5),
]  # fmt: skip


def equal(a: sp.Matrix, b: sp.Matrix) -> bool:
    """Exact equality of matrices of algebraic numbers."""
    return all(sp.radsimp(sp.expand(x)) == 0 for x in a - b)


def at(expr: sp.Matrix, symbols: list[sp.Symbol], point: list[sp.Expr]) -> sp.Matrix:
    return expr.xreplace({s: sp.sympify(x) for s, x in zip(symbols, point, strict=True)})


@pytest.mark.parametrize(("compressor", "dim"), mostly_slow(CASES, 2, rows=True), ids=str)
def test_moments_given_the_message_and_without_noise_equal_the_enumeration(compressor: c.Compressor, dim: int) -> None:
    conditional, method = (
        given_message(compressor.conditional_moments(sp.Integer(dim)), dim),
        DCSGD(compressor, NoNoise(), 3),
    )
    assert moments(method, dim).form is not None
    expanded, v, g = sde(method, dim=dim).expanded, message_symbols(dim), gradient_symbols(dim)
    for point in POINTS[dim]:
        law = outcomes(compressor, [sp.sympify(x) for x in point])
        assert sp.nsimplify(sp.expand(sp.Add(*[p for p, _ in law]))) == 1
        mean, covariance = moments_of(law)
        assert equal(at(sp.Matrix(conditional[0]), v, point), mean) and equal(
            at(conditional[1], v, point), covariance
        ), point
        assert equal(at(-expanded.drift, g, point), mean), point
        assert equal(at(expanded.covariance, g, point) * 3 / eta, covariance), point


HALVES = Atoms(((Fraction(1, 4), Fraction(1)),))  # 1 and -1 at odds of 1/4 each, else 0
# g with zero and equal coordinates; with three points no g_j may sit on an atom, since laws with densities have no ties
TOGETHER = [
    (c.Identity(), TWO, [R(0)]),
    (c.Bernoulli("1/3"), HALVES, [R(-1, 3), R(5, 4), R(5, 4)]),
    (c.RandK(3), TWO, [R(0), R(1, 4), R(1, 4), R(-1, 4), R(2)]),
    (c.Sign(), HALVES, [R(-1, 3), R(5, 4), R(5, 4)]),
    (c.RandK(1), TWO, [R(0), R(1, 3), R(1, 3)]),
    pytest.param(c.ScaledSign(), HALVES, [R(-1, 3), R(5, 4), R(5, 4)], marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("compressor", "law", "point"), TOGETHER, ids=str)
def test_noise_and_compressor_enumerated_together(compressor: c.Compressor, law: Atoms, point: list[sp.Expr]) -> None:
    dim, scales = len(point), (R(1, 2), R(3, 4))
    expanded = sde(DCSGD(compressor, Scaled(law, scales)), dim=dim).expanded
    mean, covariance = sp.zeros(dim, 1), sp.zeros(dim, dim)
    for scale in scales:
        joint = after_noise([(p, scale * z) for p, z in law.values], point, lambda v: outcomes(compressor, v))
        b, s = moments_of(joint)
        mean, covariance = mean + b / 2, covariance + s / 2
    assert equal(at(-expanded.drift, gradient_symbols(dim), point), mean)
    assert equal(at(expanded.covariance, gradient_symbols(dim), point) * 2 / eta, covariance)


def messages(dim: int) -> list[list[sp.Expr]]:
    draw = random.Random(dim)
    drawn = [[R(draw.randint(-24, 24), draw.randint(1, 8)) for _ in range(dim)] for _ in range(6)]
    return [*drawn, *([sp.sympify(x) for x in point] for point in POINTS[dim])]


def maximiser(compressor: c.Compressor, dim: int) -> list[sp.Expr]:
    """A message at which the error ratio should reach omega."""
    if isinstance(compressor, c.Natural):
        return [R(4, 3)] * dim
    # one coordinate 1, the others x: x(1-x)(d-1)/(1+(d-1)x^2) peaks at 1/(1+sqrt d)
    if isinstance(compressor, c.Ternary):
        return [sp.S.One] + [1 / (1 + sp.sqrt(dim))] * (dim - 1)
    return [R(2, 3)] * dim


OMEGAS = [
    (c.Identity(), 3), (c.Bernoulli("1/3"), 3), (c.RandK(2), 3), (c.QSGD(1), 1), (c.QSGD(1), 5), (c.QSGD(2), 3),
    (c.Ternary(), 5), (c.Natural(), 3),
]  # fmt: skip


@pytest.mark.parametrize(("compressor", "dim"), OMEGAS, ids=str)
def test_omega_bounds_the_error_everywhere_and_is_attained_where_it_says_so(compressor: c.Compressor, dim: int) -> None:
    omega = compressor.omega(sp.Integer(dim))
    for v in messages(dim):
        gap = omega.value * sum(x**2 for x in v) - squared_error(outcomes(compressor, v), v)
        assert sp.expand(gap) >= 0, v
    assert omega.exact is not (isinstance(compressor, c.QSGD) and 1 < dim < 4 * compressor.s**2)
    if omega.exact:
        v = maximiser(compressor, dim)
        gap = omega.value * sum(x**2 for x in v) - squared_error(outcomes(compressor, v), v)
        assert sp.radsimp(sp.expand(gap)) == 0
    else:
        assert omega.value == R(dim) / (4 * compressor.s**2)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("compressor", [c.ScaledSign(), c.TopK(2)], ids=str)
def test_contraction_of_the_biased_compressors(compressor: c.Biased) -> None:
    a = compressor.contraction(sp.Integer(5))
    assert a is not None and 0 <= a < 1
    for v in messages(5):
        assert squared_error(outcomes(compressor, v), v) <= a * sum(x**2 for x in v), v
    if isinstance(compressor, c.TopK):  # equal coordinates reach the bound
        assert squared_error(outcomes(compressor, [sp.S.One] * 5), [sp.S.One] * 5) == a * 5


def test_ties_of_top_k_go_to_the_lowest_index() -> None:
    assert outcomes(c.TopK(2), [R(1), R(2), R(-2), R(2)]) == [(1, [0, 2, -2, 0])]
    mean, _ = given_message(c.TopK(2).conditional_moments(sp.Integer(4)), 4)
    assert list(at(sp.Matrix(mean), message_symbols(4), [R(1), R(2), R(-2), R(2)])) == [0, 2, -2, 0]


@pytest.mark.parametrize("compressor", [c.Clip("3/4"), c.NormClip("3/4"), c.Sign()], ids=str)
def test_the_greatest_length_of_a_message_is_reached(compressor: c.Compressor) -> None:
    mean, _ = given_message(compressor.conditional_moments(sp.Integer(3)), 3)
    sent = at(sp.Matrix(mean), message_symbols(3), [R(9) * (-1) ** j for j in range(3)])
    assert sp.simplify(sent.norm() - compressor.longest(sp.Integer(3))) == 0


@pytest.mark.parametrize(("k", "dim"), [(1, 3), (2, 3), (3, 5)])
def test_the_mask_of_rand_k_by_its_subsets(k: int, dim: int) -> None:
    """M_j is dim/k for the k coordinates of a subset, each of which is as likely."""
    mask, subsets = c.RandK(k).mask(sp.Integer(dim)), list(combinations(range(dim), k))
    for a, b in [(1, 1), (1, 2), (3, 2)]:
        both = sum(R(dim, k) ** (a + b) for s in subsets if {0, 1} <= set(s)) / R(len(subsets))
        alone = sum(R(dim, k) ** a for s in subsets if 0 in s) / R(len(subsets))
        assert mask.pair(a, b) == both and mask.moment(a) == alone
