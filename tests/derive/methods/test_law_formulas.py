"""Noise laws of theory 3: every formula of the table against quadrature and its closed form."""

from dataclasses import dataclass

import mpmath as mp
import pytest
import sympy as sp

from sdescent.derive.equations.sde import lam
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.expressions.coordinates import v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.compressors import Biased
from sdescent.derive.methods.distributed import DCSGD
from sdescent.derive.methods.noise import Laplace, Logistic, Scaled, Stable, StableDensity, StableSignMean, StudentT
from sdescent.derive.methods.noise.law import Cdf, GenericDensity, OpenLaw, SignedMoment
from sdescent.derive.vocabulary.symbols import coerce
from tests.support.laws.densities import DIGITS, LAWS, close, number
from tests.support.samples import mostly_slow

X = sp.Symbol("x", real=True)


ARGUMENTS = (sp.Rational(-27, 10), sp.Rational(-3, 5), sp.Rational(1, 7), sp.Rational(4, 5), sp.Rational(19, 8))


@pytest.fixture(autouse=True)
def digits():
    """25 digits in the tests of this file, and in no other."""
    with mp.workdps(DIGITS):
        yield


@pytest.mark.parametrize("law", [Laplace(), StudentT(5)], ids=str)
def test_an_unspecified_law_is_as_symmetric_as_every_law(law):
    """F, p and R_m at a negative argument are those at the positive one, as for laws that are known."""
    c, point = sp.Symbol("c", positive=True), sp.Rational(4, 5)
    assert Cdf(-c) == 1 - Cdf(c) and GenericDensity(-c) == GenericDensity(c) and Cdf(X) + Cdf(-X) != 1
    for m in range(4):
        sign = SignedMoment(m, -c) / SignedMoment(m, c)
        assert sign in (-1, 1) and close(
            number(law.signed_moment(m, -point)), sign * number(law.signed_moment(m, point)), 20
        )


@pytest.mark.parametrize("bound", [1, "c"])
def test_the_slope_of_a_clipped_message_exists_by_symmetry_alone(bound):
    """b_j/g_j of the corrected model at g_j = 0, where the law's name stands for its formulas: P(|Z| < c)."""

    @dataclass(frozen=True)
    class Clip(Biased):
        growth = 0

        def conditional_moments(self, dim):
            return GradientForm(sp.Max(-coerce(bound), sp.Min(coerce(bound), v)), sp.S.Zero)

        def latex(self):
            return "C"

    slope = lam(moments(DCSGD(Clip(), Scaled(OpenLaw(Laplace()), 1)), 1).mean).args[-1].args[0].subs(coerce(bound), 1)
    slope = slope.replace(Cdf, lambda z: (1 + Laplace().sign_mean(z)) / 2).replace(GenericDensity, Laplace().density)
    assert close(number(slope), 1 - mp.exp(-1), 18)


def integral(density, m, low, high):
    cuts = sorted({low, high, *(c for c in (mp.mpf(-1), mp.mpf(0), mp.mpf(1)) if low < c < high)})
    return mp.quad(lambda z: z**m * density(z), cuts)


@pytest.mark.parametrize("name", mostly_slow(LAWS, 2))
def test_density_sign_mean_and_signed_moments(name):
    """E Z^m sign(y + Z): even m integrates over |z| < |y|, odd m over |z| > |y|."""
    law, density, tail = LAWS[name]
    for x in ARGUMENTS:
        y = number(x)
        assert close(number(law.density(x)), density(y))
        assert close(number(law.sign_mean(x)), 2 * mp.sign(y) * integral(density, 0, mp.mpf(0), abs(y)), 12)
        for m in (m for m in (1, 2) if m < tail):
            end = mp.mpf(1) if name == "uniform" else mp.inf
            beyond, within = integral(density, m, abs(y), end), integral(density, m, mp.mpf(0), abs(y))
            assert close(number(law.signed_moment(m, x)), 2 * (beyond if m % 2 else mp.sign(y) * within), 9)


def test_integer_student_laws_are_elementary_by_a_rule_and_others_hypergeometric():
    z = sp.Rational(4, 5)
    symbolic = StudentT("nu").sign_mean(X)
    for nu in (*range(1, 31), sp.Rational(7, 3)):
        closed = StudentT(nu).sign_mean(X)
        assert closed.has(sp.hyper) != sp.sympify(nu).is_Integer
        n, y = mp.mpf(sp.sympify(nu).p) / sp.sympify(nu).q, mp.mpf(4) / 5
        front = y * mp.gamma((n + 1) / 2) / (mp.sqrt(mp.pi * n) * mp.gamma(n / 2))
        stated = 2 * front * mp.hyp2f1(0.5, (n + 1) / 2, 1.5, -(y**2) / n)
        assert close(number(closed.subs(X, z)), stated, 20)
        assert close(number(symbolic.subs({sp.Symbol("nu", positive=True): nu, X: z})), stated, 18)


def test_stable_sign_mean_by_the_inversion_formula():
    law = Stable("3/2")
    y = mp.mpf(4) / 5
    expected = 2 / mp.pi * mp.quad(lambda s: mp.sin(s * y) / s * mp.exp(-(s ** mp.mpf(1.5))), [0, 1, 3, 6, 12])
    assert close(number(law.sign_mean(sp.Rational(4, 5))), expected, 10)
    assert law.tail == sp.Rational(3, 2) and not law.closed_form


@pytest.mark.parametrize("law", [Laplace(), Logistic(), StudentT(5)], ids=str)
def test_the_signed_mean_is_the_integral_of_its_definition(law):
    """R_1(y) = E Z sign(y + Z) = 2 E Z 1{Z > -y}, by quadrature."""
    density = sp.lambdify(X, law.density(X), "mpmath")
    for y in (mp.mpf(1) / 3, mp.mpf(2)):
        assert close(
            number(law.signed_moment(1, sp.nsimplify(y))), 2 * mp.quad(lambda z: z * density(z), [-y, 0, 1, mp.inf]), 12
        )


def test_the_slope_of_the_stable_sign_mean_is_twice_its_density():
    """By differences of its integral at 3/2; at 0 the density is Gamma(1 + 1/alpha)/pi."""
    alpha, step = sp.Rational(3, 2), mp.mpf(10) ** -6
    at = [number(StableSignMean(alpha, sp.Rational(1, 2) + sp.Rational(n, 10**6))) for n in (-1, 1)]
    density = mp.quad(lambda t: mp.cos(t / 2) * mp.exp(-(t ** mp.mpf("1.5"))), [0, 2, 5, 15]) / mp.pi
    assert close((at[1] - at[0]) / (2 * step), 2 * density, 9)
    slope = sp.diff(StableSignMean(alpha, X), X)
    assert slope == 2 * StableDensity(alpha, X) and slope.subs(X, 0) == 2 * sp.gamma(sp.Rational(5, 3)) / sp.pi
