"""Compressors of theory 4: ratios in closed form, moments under noise against quadrature and closed forms."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import mpmath as mp
import pytest
import sympy as sp

from sdescent.derive.equations.in_coordinates import vectors
from sdescent.derive.equations.step.moments import moments
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
    Ternary,
    TopK,
)
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.noise import Affine, Gaussian, Laplace, Logistic, Scaled, StudentT, Uniform
from tests.support.laws.densities import DIGITS, LAWS, close, exact, number
from tests.support.samples import mostly_slow

mp.mp.dps = DIGITS  # for the constants below; put back at the end of the file


@pytest.fixture(autouse=True)
def digits():
    """25 digits in the tests of this file, and in no other."""
    with mp.workdps(DIGITS):
        yield


k, p = sp.symbols("k p", positive=True)
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


@pytest.mark.parametrize(
    ("dim", "s", "expected", "exact"),
    [(16, 2, 1, True), (25, 2, sp.Rational(3, 2), True), (9, 2, sp.Rational(9, 16), False), (1, 3, 0, True)],
)
def test_omega_of_qsgd(dim, s, expected, exact):
    found = QSGD(s).omega(sp.Integer(dim))
    assert found.value == expected and found.exact == exact


def test_no_omega_where_there_is_none():
    assert moments(DSignSGD(Gaussian())).omega is None
    assert moments(DCSGD(TopK(1), Gaussian())).omega is None
    assert moments(DCSGD(FixedGrid(1), Gaussian())).omega is None


@pytest.mark.parametrize(("compressor", "expected"), [(TopK("k"), 1 - k / d), (ScaledSign(), 1 - 1 / d)])
def test_contraction_of_biased_compressors(compressor, expected):
    assert sp.cancel(compressor.contraction(d) - expected) == 0


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


@pytest.mark.parametrize(
    "method",
    [
        DCSGD(QSGD(2), Gaussian()),
        DCSGD(TopK(1), Gaussian()),
        DCSGD(Ternary(), Gaussian()),
        DCSGD(Natural(), Gaussian()),
    ],
    ids=["QSGD", "Top-k", "TernGrad", "natural"],
)
def test_conditional_moments_where_no_closed_form_exists(method):
    found = moments(method, 3)
    assert found.form is None and found.conditional is not None


# --- existence


def test_a_symbolic_nu_keeps_its_condition():
    nu = sp.Symbol("nu", positive=True)
    (condition,) = moments(DSGD(StudentT("nu"))).conditions
    assert (condition.left, condition.right, condition.met) == (nu, 2, None)
    second = {str(c): c.purpose for c in moments(DSGD(StudentT("nu")), orders=3).conditions}
    assert second == {"nu > 2": "the covariance exists", "nu > 3": "weak order 2"}
    unmet = [c for c in moments(DSGD(StudentT("5/2")), orders=3).conditions if c.met is False]
    assert [c.purpose for c in unmet] == ["weak order 2"]


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
