"""Laws with a mean and a skew: moments, drift and covariance against quadrature and the real random objects, and who refuses them.

Draws: fixed keys, five standard errors, as `tests.support.conformance` states them.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from scipy import integrate

import sdescent as sd
from sdescent.derive.equations.process.stationary import (
    discrete_second_moments,
    second_moments,
    sign_near_optimum,
    stability_threshold,
)
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.expressions.coordinates import g, hvp
from sdescent.derive.methods.compressors import Compressor, Identity, Natural, RandK, ScaledSign, Sign, TopK
from sdescent.derive.methods.noise import Law, Scaled
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.symbols import eta
from tests.support.conformance import check_pair
from tests.support.laws.skewed import Exponential, SkewedMixture
from tests.support.samples import mostly_slow

LAWS = [SkewedMixture(), Exponential()]
Y, H = sp.Symbol("y", real=True), sp.Symbol("h", positive=True)


def numbers(law: Law, m: int, y: float) -> tuple[float, float]:
    """E Z^m and E[Z^m sign(y + Z)] by quadrature of the density."""
    density = sp.lambdify(Y, law.density(Y), "numpy")

    def over(low: float, high: float) -> float:
        inside = [p for p in (-1.0, 0.0, 3.0) if low < p < high]
        ends = [low, *inside, high]
        return sum(
            integrate.quad(lambda z: z**m * float(density(z)), a, b, epsabs=1e-13, limit=200)[0]
            for a, b in pairwise(ends)
        )

    below, above = over(-40.0, -y), over(-y, 60.0)
    return below + above, above - below


@pytest.mark.parametrize("law", mostly_slow(LAWS, 2), ids=lambda law: type(law).__name__)
def test_moments_are_the_integrals_of_the_density(law: Law) -> None:
    for m in range(4):
        for y in (-1.3, -0.2, 0.0, 0.7):
            whole, signed = numbers(law, m, y)
            assert float(law.moment(m)) == pytest.approx(whole, abs=1e-9)
            assert float(law.signed_moment(m, sp.Rational(str(y)))) == pytest.approx(signed, abs=1e-9), (m, y)
    first, second = numbers(law, 1, 0)[0], numbers(law, 2, 0)[0]
    assert float(law.mean) == pytest.approx(first)
    assert float(law.variance) == pytest.approx(second - first**2)


def test_the_drift_is_shifted_by_the_mean() -> None:
    """E Z = 0.9 (-1/5) + 0.1 3 = 3/25."""
    noise = Scaled(SkewedMixture(), ("1/2", "1"))
    mean = sp.Rational(3, 25) * sp.Rational(3, 4)
    assert sd.sde(sd.DSGD(noise)).drift == -g - mean
    assert sd.sde(sd.DCSGD(RandK(2), noise)).drift == -g - mean
    second = sd.sde(sd.DSGD(noise), "second-order").drift
    assert sp.expand(second + g + mean + eta / 2 * hvp(g + mean)) == 0
    equation = sd.sde(sd.DSGD(noise), "first-order", sd.losses.Quadratic(1), 1)
    assert equation.to_dict()["drift"] == ["-x1 - 9/100"]
    assert r"\frac{9}{100}" in equation.latex()


def test_no_mean_where_the_shifts_cancel() -> None:
    centred = SkewedMixture(a="-1/3")
    assert centred.mean == 0
    equation = sd.sde(sd.DSGD(Scaled(centred, 1)), "corrected")
    assert equation.drift == sd.sde(sd.DSGD(sd.noise.Gaussian()), "corrected").drift
    with pytest.raises(Refusal, match="symmetric noise"):  # E sign Z is not 0
        sd.sde(sd.DSignSGD(Scaled(centred, 1)), "corrected")


def test_the_mean_is_known_where_the_covariance_is_not() -> None:
    found = moments(sd.DCSGD(Natural(), Scaled(SkewedMixture(), ("1/2", "1"))))
    assert found.form is None
    assert found.mean == g + sp.Rational(9, 100)
    page = sd.sde(sd.DCSGD(Natural(), Scaled(SkewedMixture(), ("1/2", "1")))).latex()
    assert r"b = g," not in page and r"\frac{9}{100}" in page


#: means, signs, and products of both at two coordinates: every part of a law enters
PAIRS = [(Identity(), LAWS[0]), (Sign(), LAWS[1]), (RandK(2), LAWS[1]), (ScaledSign(), LAWS[0]), (Sign(), LAWS[0])]


@pytest.mark.parametrize(("compressor", "law"), mostly_slow(PAIRS, 2, rows=True), ids=lambda x: type(x).__name__)
def test_steps_conform_to_draws(compressor: Compressor, law: Law) -> None:
    """9 comparisons each: 3 means and 6 covariances, for one client and for three of one scale each."""
    point = np.array([0.4, 0.0, -1.2])
    assert check_pair(compressor, Scaled(law, "3/4"), point, 1) == 9
    assert check_pair(compressor, Scaled(law, ("1/2", "3/4", "5/4")), point, 3) == 9


class Folded(SkewedMixture):
    """The same law, said to be symmetric."""

    symmetric = True


def test_a_law_that_hides_its_skew_is_refused() -> None:
    with pytest.raises(Refusal, match="symmetry of the density"):
        sd.sde(sd.DSGD(Scaled(Folded(), "3/4")))


REFUSED = {
    "proofs about F": lambda law: law.branches(Y),
    "corrected model by numbers": lambda law: sd.sde(sd.DCSGD(TopK(1), Scaled(law, 1)), "corrected"),
    "measured covariance": lambda law: sd.noise.Correlated(law),
    "stationary law of the method": lambda law: discrete_second_moments(sd.DSGD(Scaled(law, 1)), 1),
    "threshold": lambda law: stability_threshold(sd.DSGD(Scaled(law, 1)), "discrete", H),
    "threshold of a model": lambda law: stability_threshold(sd.DSGD(Scaled(law, 1)), "second-order", H),
    "signs at the optimum": lambda law: sign_near_optimum(sd.DSignSGD(Scaled(law, 1)), 1),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_needs_symmetry_says_so(what: str) -> None:
    with pytest.raises(Refusal) as caught:
        REFUSED[what](SkewedMixture())
    assert caught.value.kind == "asymmetric-noise"
    assert "SkewedMixture is not symmetric" in caught.value.message and r"\mathrm{Mixture}" in caught.value.marked


def test_stationary_moments_of_the_models_take_the_mean_along() -> None:
    """dX = -(x + m) dt + sqrt(eta/N) s dW: E x^2 = m^2 + eta s^2/(2N)."""
    found = second_moments(sd.DSGD(Scaled(SkewedMixture(), 1)), 1, "first-order", 1)[0]
    law, clients = SkewedMixture(), sp.Symbol("N", positive=True)
    assert sp.simplify(found.subs({s: clients for s in found.free_symbols if s.name == "N"}) - law.mean**2
                       - sp.Symbol(eta.name, **eta.assumptions0) * law.variance / (2 * clients)) == 0  # fmt: skip
