"""Compressors of theory 4, alone and under noise: every formula against enumeration, quadrature and its closed form."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import mpmath as mp
import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import given_message, message_symbols, vectors
from sdescent.derive.expressions.expansion import Expansion
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.compressors import (
    QSGD,
    Bernoulli,
    FixedGrid,
    Identity,
    Natural,
    RandK,
    ScaledSign,
    Sign,
    Ternary,
    TopK,
    Unbiased,
)
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.noise import Affine, Cauchy, Gaussian, Laplace, Logistic, Scaled, Stable, StudentT, Uniform
from sdescent.derive.step.moments import moments
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from tests.support.laws.densities import DIGITS, LAWS, close, exact, number
from tests.support.samples import mostly_slow

mp.mp.dps = DIGITS  # for the constants below; put back at the end of the file
X = sp.Symbol("x", real=True)
ARGUMENTS = (sp.Rational(-27, 10), sp.Rational(-3, 5), sp.Rational(1, 7), sp.Rational(4, 5), sp.Rational(19, 8))


@pytest.fixture(autouse=True)
def digits():
    """25 digits in the tests of this file, and in no other."""
    with mp.workdps(DIGITS):
        yield


# --- theory 3: densities typed here, everything else by quadrature


# --- theory 4, given v


def s_matrix(compressor, dim):
    """(v symbols, mean, covariance) given v."""
    mean, covariance = given_message(compressor.given(sp.Integer(dim)), dim)
    return list(message_symbols(dim)), mean, covariance


V3 = (sp.Rational(3, 2), sp.Rational(-2, 5), sp.Rational(5, 7))
p, k = sp.Symbol("p", positive=True), sp.Symbol("k", positive=True)


def by_outcomes(outcomes):
    """Mean and covariance of a finite law [(probability, vector)]."""
    assert sum(chance for chance, _ in outcomes) == 1
    mean = sum((chance * sp.Matrix(c) for chance, c in outcomes), sp.zeros(3, 1))
    second = sum((chance * sp.Matrix(c) * sp.Matrix(c).T for chance, c in outcomes), sp.zeros(3, 3))
    return mean, second - mean * mean.T


def masks(chance, scale):
    return [
        (sp.prod([chance if m else 1 - chance for m in mask]), [scale * m * v for m, v in zip(mask, V3, strict=True)])
        for mask in itertools.product((0, 1), repeat=3)
    ]


def subsets(size):
    sets = list(itertools.combinations(range(3), size))
    return [(sp.Rational(1, len(sets)), [sp.Rational(3, size) * V3[j] * int(j in kept) for j in range(3)]) for kept in sets]


def rounding(cells):
    """Independent rounding of |v_j| to an end of [lo, hi]."""
    outcomes = []
    for ends in itertools.product((0, 1), repeat=3):
        chance, vector = sp.S.One, []
        for (low, high), end, v in zip(cells, ends, V3, strict=True):
            up = (abs(v) - low) / (high - low)
            chance *= up if end else 1 - up
            vector.append(sp.sign(v) * (high if end else low))
        outcomes.append((chance, vector))
    return outcomes


TOP = max(abs(v) for v in V3)
HALF = sp.Rational(1, 2)
GIVEN = {
    "identity": (Identity(), [(sp.S.One, V3)]),
    "Bernoulli": (Bernoulli("2/5"), masks(sp.Rational(2, 5), sp.Rational(5, 2))),
    "Rand-1": (RandK(1), subsets(1)),
    "Rand-2": (RandK(2), subsets(2)),
    "Rand-3": (RandK(3), subsets(3)),
    "TernGrad": (Ternary(), rounding([(sp.S.Zero, TOP)] * 3)),
    "natural": (Natural(), rounding([(sp.S.One, sp.Integer(2)), (HALF / 2, HALF), (HALF, sp.S.One)])),
    "fixed grid": (FixedGrid(1), rounding([(sp.S.One, sp.Integer(2)), (sp.S.Zero, sp.S.One), (sp.S.Zero, sp.S.One)])),
    "sign": (Sign(), [(sp.S.One, [sp.sign(v) for v in V3])]),
    "scaled sign": (ScaledSign(), [(sp.S.One, [sum(map(abs, V3)) / 3 * sp.sign(v) for v in V3])]),
    "Top-2": (TopK(2), [(sp.S.One, [V3[0], 0, V3[2]])]),
}


@pytest.mark.parametrize("name", GIVEN)
def test_moments_given_the_message_by_enumeration(name):
    compressor, outcomes = GIVEN[name]
    symbols, mean, covariance = s_matrix(compressor, 3)
    put = dict(zip(symbols, V3, strict=True))
    expected_mean, expected = by_outcomes(outcomes)
    assert [exact(e.xreplace(put)) for e in mean] == list(expected_mean)
    assert covariance.xreplace(put).applyfunc(exact) == expected
    if isinstance(compressor, Unbiased):
        assert list(expected_mean) == list(V3)


def test_qsgd_given_the_message_by_enumeration():
    # ||v||_2 = 3 exactly, s = 2: levels 0, 3/2, 3
    v = (sp.Integer(2), sp.Integer(-1), sp.Integer(2))
    cells = [(sp.Rational(3, 2), sp.Integer(3)), (sp.S.Zero, sp.Rational(3, 2)), (sp.Rational(3, 2), sp.Integer(3))]
    symbols, mean, covariance = s_matrix(QSGD(2), 3)
    put = dict(zip(symbols, v, strict=True))
    assert [e.xreplace(put) for e in mean] == list(v)
    expected = [(abs(w) - low) * (high - abs(w)) for w, (low, high) in zip(v, cells, strict=True)]
    assert covariance.xreplace(put) == sp.diag(*expected)


d = sp.Symbol("d", positive=True)
OMEGAS = {
    "identity": (Identity(), 0),
    "Bernoulli": (Bernoulli("p"), 1 / p - 1),
    "Rand-k": (RandK("k"), d / k - 1),
    "TernGrad": (Ternary(), (sp.sqrt(d) - 1) / 2),
    "natural": (Natural(), sp.Rational(1, 8)),
}


@pytest.mark.parametrize("name", OMEGAS)
def test_omega(name):
    compressor, expected = OMEGAS[name]
    found = compressor.omega(d)
    assert sp.cancel(found.value - expected) == 0 and found.exact


@pytest.mark.parametrize(("dim", "s", "expected", "exact"), [(16, 2, 1, True), (25, 2, sp.Rational(3, 2), True),
                                                             (9, 2, sp.Rational(9, 16), False), (1, 3, 0, True)])
def test_omega_of_qsgd(dim, s, expected, exact):
    found = QSGD(s).omega(sp.Integer(dim))
    assert found.value == expected and found.exact == exact


@pytest.mark.parametrize(("compressor", "worst"), [
    (Bernoulli("2/5"), [(1, 1, 1)]),
    (RandK(2), [(1, 0, 0), (1, -2, 1)]),
    (Natural(), [(sp.Rational(4, 3), sp.Rational(4, 3), sp.Rational(2, 3))]),
    (Ternary(), [(1, (sp.sqrt(3) - 1) / 2, (sp.sqrt(3) - 1) / 2)]),
    (QSGD(2), [(1, 0, 0)]),
], ids=["Bernoulli", "Rand-k", "natural", "TernGrad", "QSGD"])
def test_omega_bounds_the_error_and_is_attained_where_it_says_so(compressor, worst):
    symbols, _, covariance = s_matrix(compressor, 3)
    error = sp.lambdify(symbols, covariance.trace(), "math")
    omega = compressor.omega(sp.Integer(3))
    draw = random.Random(7)
    points = [tuple(draw.gauss(0, 1) for _ in symbols) for _ in range(400)] + [tuple(map(float, w)) for w in worst]
    ratios = [error(*v) / sum(e * e for e in v) for v in points]
    assert max(ratios) <= float(omega.value) * (1 + 1e-9)
    if omega.exact:
        assert max(ratios) >= float(omega.value) * (1 - 1e-9)


def test_no_omega_where_there_is_none():
    with pytest.raises(Refusal) as refused:
        FixedGrid(1).omega(d)
    assert refused.value.kind == "no-omega"
    assert moments(DSignSGD(Gaussian())).omega is None
    assert moments(DCSGD(TopK(1), Gaussian())).omega is None
    assert moments(DCSGD(FixedGrid(1), Gaussian())).omega is None


@pytest.mark.parametrize(("compressor", "expected"), [(TopK("k"), 1 - k / d), (ScaledSign(), 1 - 1 / d)])
def test_contraction_of_biased_compressors(compressor, expected):
    assert sp.cancel(compressor.contraction(d) - expected) == 0
    a = sp.lambdify((d, k), expected)
    mean = [sp.lambdify(message_symbols(4), e) for e in s_matrix(TopK(2) if isinstance(compressor, TopK) else compressor, 4)[1]]
    draw = random.Random(3)
    for _ in range(200):
        v = [draw.gauss(0, 1) for _ in range(4)]
        error = sum((m(*v) - e) ** 2 for m, e in zip(mean, v, strict=True))
        assert error <= a(4, 2) * sum(e * e for e in v) * (1 + 1e-12)


# --- theory 4, over the noise

SIZES = {"g1": sp.Rational(3, 4), "g2": sp.Rational(-1, 2), "g3": sp.Rational(2)}


def over_noise(method, dim=3):
    """(b, S) at g = (3/4, -1/2, 2), and numbers for the parameters."""
    form = moments(method, dim).form
    assert isinstance(form, GradientForm)
    known = {"g": [SIZES[f"g{j + 1}"] for j in range(dim)]}
    expansion = Expansion(dim, vectors(form.expressions, dim, known))
    return expansion.vector(form.mean), form.covariance(expansion)


def test_rand_k_with_noise_of_variance_s():
    # Cov_jj = (d/k)(g_j^2 + s) - g_j^2, Cov_ij = -g_i g_j (d-k)/(k(d-1))
    gr = list(SIZES.values())
    for size in (1, 2, 3):
        mean, s = over_noise(DCSGD(RandK(size), Scaled(Laplace(), "1/3")))
        var = sp.Rational(2, 9)
        assert mean == gr
        for i, j in itertools.product(range(3), repeat=2):
            if i == j:
                expected = sp.Rational(3, size) * (gr[j] ** 2 + var) - gr[j] ** 2
            else:
                expected = -gr[i] * gr[j] * sp.Rational(3 - size, size * 2)
            assert exact(s[i, j]) == expected


def test_rand_k_structure():
    # S = diag(delta) - c g g', c = (d-k)/(k(d-1)), delta_j = (d/k)(g_j^2+s) - g_j^2 + c g_j^2
    form = moments(DCSGD(RandK("k"), Gaussian())).form
    c = (d - k) / (k * (d - 1))
    g = sp.Symbol("g_j", real=True)
    sigma = sp.Symbol("sigma", positive=True)
    assert form.rank == 1 and form.factors[0].name == "g_j"
    assert sp.cancel(form.core[0, 0] + c) == 0
    diag = form.diag.xreplace({form.factors[0]: g})
    assert sp.cancel(diag - (d / k * (g**2 + sigma**2) - g**2 + c * g**2)) == 0


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("zero", [False, True])
def test_rand_k_root(dim, zero):
    # diag(delta)^{1/2} (I - tau w w') squares to S, also at a zero gradient coordinate
    for size in range(1, dim + 1):
        equation = sde(DCSGD(RandK(size), Gaussian()), dim=dim).expanded
        put = {s: sp.Rational(n + 2, n + 5) for n, s in enumerate(sorted(equation.covariance.free_symbols, key=str))}
        if zero:
            put[equation.gradient[0]] = sp.S.Zero
        put |= {s: sp.S.One for s in equation.root.free_symbols - set(put)}
        root = equation.root.xreplace(put)
        gap = (root * root.T - equation.covariance.xreplace(put)).applyfunc(lambda e: abs(sp.N(e, 40)))
        assert max(gap) < 1e-30


def test_sign_moments():
    # b_j = 2F(g_j/sigma) - 1, second moments 1 on the diagonal and products of means off it, averaged over clients
    scales = (sp.Rational(1, 2), sp.Rational(3, 2))
    mean, s = over_noise(DSignSGD(Scaled(Gaussian(), scales)))
    gr = [number(e) for e in SIZES.values()]
    each = [[mp.erf(v / number(c) / mp.sqrt(2)) for v in gr] for c in scales]
    for i in range(3):
        assert close(number(mean[i]), (each[0][i] + each[1][i]) / 2, 18)
        for j in range(3):
            expected = sum((1 - b[i] ** 2) * (i == j) for b in each) / 2
            assert close(number(s[i, j]), expected, 18)


@pytest.mark.parametrize("law", mostly_slow([Uniform(), Gaussian(), Laplace(), StudentT(3), Logistic()], 5), ids=str)
def test_scaled_sign_by_quadrature(law):
    # d = 2, C_1 = (|v_1| + |v_2|) sgn(v_1)/2 with v = g + Z: from one-dimensional integrals, independent coordinates
    mean, s = over_noise(DCSGD(ScaledSign(), Scaled(law, 1)), 2)
    density = next(p for other, p, _ in LAWS.values() if other == law)
    gr = [number(SIZES["g1"]), number(SIZES["g2"])]

    def expect(phi, j):
        cuts = sorted({mp.mpf(-1), mp.mpf(0), mp.mpf(1), -gr[j]})
        ends = [] if isinstance(law, Uniform) else [mp.inf]
        cuts = [c for c in cuts if ends or abs(c) <= 1]
        return mp.quad(lambda z: phi(gr[j] + z) * density(z), [*(-e for e in ends), *cuts, *ends])

    signs = [expect(mp.sign, j) for j in range(2)]
    sizes = [expect(abs, j) for j in range(2)]
    squares = [expect(lambda v: v**2, j) for j in range(2)]
    b = [(gr[j] + sizes[1 - j] * signs[j]) / 2 for j in range(2)]
    second = (squares[0] + squares[1] + 2 * sizes[0] * sizes[1]) / 4
    # E (|v1|+|v2|)^2 sgn v1 sgn v2 / 4
    odd = [expect(lambda v: v * abs(v), j) for j in range(2)]
    cross = (odd[0] * signs[1] + odd[1] * signs[0] + 2 * gr[0] * gr[1]) / 4
    for j in range(2):
        assert close(number(mean[j]), b[j], 8)
        assert close(number(s[j, j]), second - b[j] ** 2, 8)
    assert close(number(s[0, 1]), cross - b[0] * b[1], 8)


@pytest.mark.parametrize("method", [DCSGD(QSGD(2), Gaussian()), DCSGD(TopK(1), Gaussian()), DCSGD(Ternary(), Gaussian()),
                                    DCSGD(Natural(), Gaussian())], ids=["QSGD", "Top-k", "TernGrad", "natural"])
def test_conditional_moments_where_no_closed_form_exists(method):
    found = moments(method, 3)
    assert found.form is None and found.conditional is not None


# --- existence


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        (DSGD(Cauchy()), "no-drift"),
        (DSGD(Stable("1/2")), "no-drift"),
        (DSGD(Stable("3/2")), "infinite-variance"),
        (DSGD(StudentT(2)), "infinite-variance"),
        (DCSGD(RandK(1), StudentT("3/2")), "infinite-variance"),
        (DCSGD(TopK(1), StudentT(2)), "infinite-variance"),
        (DCSGD(ScaledSign(), Cauchy()), "no-drift"),
    ],
)
def test_refusals(method, kind):
    with pytest.raises(Refusal) as refused:
        moments(method, 2)
    assert refused.value.kind == kind


def test_signs_need_no_moment():
    for law in (Cauchy(), Stable("1/2"), StudentT("1/10")):
        assert moments(DSignSGD(law), 2).conditions == ()


def test_a_symbolic_nu_keeps_its_condition():
    nu = sp.Symbol("nu", positive=True)
    (condition,) = moments(DSGD(StudentT("nu"))).conditions
    assert (condition.left, condition.right, condition.met) == (nu, 2, None)
    second = {str(c): c.purpose for c in moments(DSGD(StudentT("nu")), orders=3).conditions}
    assert second == {"nu > 2": "the covariance exists", "nu > 3": "weak order 2"}
    unmet = [c for c in moments(DSGD(StudentT("5/2")), orders=3).conditions if c.met is False]
    assert [c.purpose for c in unmet] == ["weak order 2"]


def test_k_beyond_the_dimension():
    with pytest.raises(BadInput):
        moments(DCSGD(RandK(3), Gaussian()), 2)


# --- Tr S <= A_1 G^2 + D0


@pytest.mark.parametrize("seed", range(6))
def test_the_trace_bound_on_random_instances(seed):
    draw = random.Random(seed)
    dim, clients = draw.choice((1, 2, 4)), draw.choice((1, 2, 3))
    values = [(Fraction(draw.randint(0, 9), 7), Fraction(draw.randint(1, 9), 7)) for _ in range(clients)]
    noise = Affine(tuple(a for a, _ in values), tuple(b for _, b in values))
    chance = Fraction(draw.randint(1, 8), 8)
    for compressor in (Identity(), Bernoulli(chance), RandK(draw.randint(1, dim))):
        form = moments(DCSGD(compressor, noise), dim).form
        omega = compressor.omega(sp.Integer(dim)).value
        s0 = sum((sp.Rational(a.numerator, a.denominator) ** 2 for a, _ in values), sp.S.Zero) / clients
        s1 = sum((sp.Rational(b.numerator, b.denominator) ** 2 for _, b in values), sp.S.Zero) / clients
        slope, floor = omega + dim * (s1 + s1 * omega), dim * (s0 + s0 * omega)
        for _ in range(3):
            gr = [sp.Rational(draw.randint(-30, 30), 10) for _ in range(dim)]
            expansion = Expansion(dim, vectors(form.expressions, dim, {"g": gr}))
            trace = exact(form.covariance(expansion).trace())
            bound = slope * sum((e**2 for e in gr), sp.S.Zero) + floor
            assert trace <= bound
            # these compressors and this noise attain it
            assert trace == bound


mp.mp.dps = 15
