"""A law that states its density and tail alone has moments that are exact and as short as those of one that states them."""

import time

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.methods.noise import Gaussian, Laplace, Law, Scaled, law
from sdescent.derive.vocabulary.errors import NoClosedForm
from tests.support.laws.skewed import SkewedMixture

Y = sp.Symbol("y", real=True)


class Mixture(SkewedMixture):
    moment, signed_moment = Law.moment, Law.signed_moment


class Normal(Gaussian):
    moment, signed_moment = Law.moment, Law.signed_moment


class Exponentials(Laplace):
    moment, signed_moment = Law.moment, Law.signed_moment


class Wide(Gaussian):
    """N(0, w^2) with a symbol for w."""

    w = sp.Symbol("w", positive=True)
    moment, signed_moment = Law.moment, Law.signed_moment

    def density(self, x: sp.Expr) -> sp.Expr:
        return Gaussian().density(x / self.w) / self.w


@pytest.fixture
def without_sympys(monkeypatch):
    def integrate(*_):
        raise AssertionError("left to SymPy, which takes many seconds")

    law._closed_form.cache_clear()
    monkeypatch.setattr(law.sp, "integrate", integrate)


@pytest.mark.parametrize(
    ("law", "stated"), [(Mixture(), SkewedMixture()), (Normal(), Gaussian()), (Exponentials(), Laplace())]
)
def test_integrals_are_what_another_law_states(law, stated, without_sympys):
    for m in range(1, 5):
        if m % 2 == 0 or not law.symmetric:  # others are 0
            assert law.moment(m) == stated.moment(m)
        for y in (-2, sp.Rational(-1, 3), 0, sp.Rational(7, 5)):
            assert sp.N(law.signed_moment(m, Y).subs(Y, y) - stated.signed_moment(m, sp.S(y)), 30, chop=True) == 0
        assert not law.signed_moment(m, Y).has(sp.erfc)


def test_a_symbol_of_the_density_is_kept(without_sympys):
    w = Wide.w
    assert Wide().moment(4) == 3 * w**4
    assert sp.simplify(Wide().signed_moment(1, Y) - w * Gaussian().signed_moment(1, Y / w)) == 0


def test_a_mean_of_zero_is_seen_to_be_zero(without_sympys):
    """9/10 (-1/3) + 1/10 3 = 0; with a zero that is not seen, b_j/g_j of the corrected model is 0/0 at the optimum."""
    law = Mixture("-1/3")
    shifted, plain = (
        sd.sde(method, "corrected", sd.losses.Quadratic(), 1).expanded.drift
        for method in (sd.DSGD(Scaled(law, "sigma")), sd.DSGD())
    )
    assert law.mean == 0 and shifted == plain


def test_what_it_does_not_cover_is_left_to_sympy():
    z, a, oo = sp.Symbol("z", real=True), sp.Symbol("a"), sp.oo
    for integrand, low, high in (
        (sp.exp(z**2), 0, 1), (sp.exp(z), 0, oo), (sp.exp(-z), -oo, 0), (sp.exp(-(z**4)), 0, oo), (z**a * sp.exp(-z), 0, 1),
        (z, 0, 1),
    ):  # fmt: skip
        assert law._exponential(integrand, z, sp.S(low), sp.S(high)) is None, integrand


def test_no_closed_form_is_found_once_and_a_long_search_says_what_would_help(monkeypatch, caplog):
    z, tried = sp.Symbol("z", real=True), []

    def integrate(integrand, limits):
        tried.append(integrand)
        time.sleep(0.05)
        return sp.Integral(integrand, limits)

    monkeypatch.setattr(law.sp, "integrate", integrate)
    monkeypatch.setattr(law, "PATIENCE", 0)
    for _ in range(2):
        with pytest.raises(NoClosedForm, match="closed form"):
            law.integral(sp.sin(z) / sp.cosh(z**3), (z, sp.S.Zero, sp.oo), "Mine")
    assert len(tried) == 1 and "Mine takes long: its class can state moment(m)" in caplog.text
