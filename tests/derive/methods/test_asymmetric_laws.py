"""Laws with a mean and a skew: drift and covariance against the real random objects, and who refuses them.

`test_checking` compares their moments with integrals. Draws: fixed keys, five standard errors, as `tests.support.conformance`
states them.
"""

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.equations.process import stationary
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.expressions.coordinates import g, hvp
from sdescent.derive.methods.compressors import Compressor, Identity, Natural, RandK, ScaledSign, Sign, TopK
from sdescent.derive.methods.noise import Law, Scaled
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.symbols import N, eta
from tests.support.conformance import check_pair
from tests.support.laws.skewed import Exponential, SkewedMixture
from tests.support.samples import mostly_slow

LAW, TWO_SCALES = SkewedMixture(), Scaled(SkewedMixture(), ("1/2", "1"))
Y, H = sp.Symbol("y", real=True), sp.Symbol("h", positive=True)


def test_the_drift_is_shifted_by_the_mean() -> None:
    """E Z = 0.9 (-1/5) + 0.1 3 = 3/25."""
    mean = sp.Rational(3, 25) * sp.Rational(3, 4)
    for method in (sd.DSGD(TWO_SCALES), sd.DCSGD(RandK(2), TWO_SCALES)):
        assert sd.sde(method).drift == -g - mean
    second = sd.sde(sd.DSGD(TWO_SCALES), "second-order").drift
    assert sp.expand(second + g + mean + eta / 2 * hvp(g + mean)) == 0
    equation = sd.sde(sd.DSGD(TWO_SCALES), "first-order", sd.losses.Quadratic(1), 1)
    assert equation.to_dict()["drift"] == ["-x1 - 9/100"] and r"\frac{9}{100}" in equation.latex()


def test_no_mean_where_the_shifts_cancel() -> None:
    centred = SkewedMixture(a="-1/3")
    assert centred.mean == 0
    equation = sd.sde(sd.DSGD(Scaled(centred, 1)), "corrected")
    assert equation.drift == sd.sde(sd.DSGD(sd.noise.Gaussian()), "corrected").drift
    with pytest.raises(Refusal, match="symmetric noise"):  # E sign Z is not 0
        sd.sde(sd.DSignSGD(Scaled(centred, 1)), "corrected")


def test_the_mean_is_there_where_the_covariance_is_not() -> None:
    method = sd.DCSGD(Natural(), TWO_SCALES)
    assert moments(method).form is None and moments(method).mean == g + sp.Rational(9, 100)
    page = sd.sde(method).latex()
    assert r"b = g," not in page and r"\frac{9}{100}" in page


#: means, signs, and products of both at two coordinates: every part of a law enters
PAIRS = [(Sign(), Exponential()), (RandK(2), Exponential()), (Identity(), LAW), (ScaledSign(), LAW)]


@pytest.mark.parametrize(("compressor", "law"), mostly_slow(PAIRS, 2, rows=True), ids=lambda x: type(x).__name__)
def test_steps_conform_to_draws(compressor: Compressor, law: Law) -> None:
    """9 comparisons each: 3 means and 6 covariances, for one client and for three of one scale each."""
    point = np.array([0.4, 0.0, -1.2])
    for scales, clients in (("3/4", 1), (("1/2", "3/4", "5/4"), 3)):
        assert check_pair(compressor, Scaled(law, scales), point, clients) == 9


REFUSED = {
    "proofs about F": lambda law: law.branches(Y),
    "corrected model by numbers": lambda law: sd.sde(sd.DCSGD(TopK(1), Scaled(law, 1)), "corrected"),
    "measured covariance": lambda law: sd.noise.Correlated(law),
    "stationary law of the method": lambda law: stationary.discrete_second_moments(sd.DSGD(Scaled(law, 1)), 1),
    "threshold": lambda law: stationary.stability_threshold(sd.DSGD(Scaled(law, 1)), "discrete", H),
    "threshold of a model": lambda law: stationary.stability_threshold(sd.DSGD(Scaled(law, 1)), "second-order", H),
    "signs at the optimum": lambda law: stationary.sign_near_optimum(sd.DSignSGD(Scaled(law, 1)), 1),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_needs_symmetry_says_so(what: str) -> None:
    with pytest.raises(Refusal) as caught:
        REFUSED[what](LAW)
    assert caught.value.kind == "asymmetric-noise"
    assert "SkewedMixture is not symmetric" in caught.value.message and r"\mathrm{Mixture}" in caught.value.marked


def test_stationary_moments_of_the_models_take_the_mean_along() -> None:
    """dX = -(x + m) dt + sqrt(eta/N) s dW: E x^2 = m^2 + eta s^2/(2N)."""
    square = stationary.second_moments(sd.DSGD(Scaled(LAW, 1)), 1, "first-order", 1)[0]
    assert sp.simplify(square - LAW.mean**2 - eta * LAW.variance / (2 * N)) == 0
