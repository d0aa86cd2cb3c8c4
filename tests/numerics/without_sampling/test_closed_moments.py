"""Closed moments of models and method: against recursions and solutions written out by hand."""

import math

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.process.stationary import discrete_step
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import Cosh, Quadratic
from sdescent.derive.methods.noise import Affine, Gaussian, Logistic
from sdescent.derive.methods.optimisers import HeavyBall
from sdescent.derive.methods.schedules import Power
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm
from sdescent.numerics.without_sampling.closed_moments import discrete_moment, model_moment
from tests.numerics.refusals import refused

x1, x2 = sp.symbols("x1 x2", real=True)


def test_the_recursion_of_affine_noise():
    lam, eta, s0, s1, clients = 1.5, 0.125, 0.5, 0.4, 3
    first, second = 2.0, 4.0
    for _ in range(16):
        second = (1 - eta * lam) ** 2 * second + eta**2 / clients * (s0**2 + s1**2 * lam**2 * second)
        first *= 1 - eta * lam
    params = {"eta": eta, "sigma0": s0, "sigma1": s1}
    found = discrete_moment(DSGD(Affine(), clients), Quadratic("3/2"), 2.0, 2.0, x1**2 - x1 + 3, params)
    assert abs(found.value - (second - first + 3)) <= found.error < 1e-13
    other = discrete_moment(DSGD(Affine(), 2), Quadratic("3/2"), 2.0, 2.0, x1**2, params)
    assert other.value != pytest.approx(second, rel=1e-4)


def test_a_schedule_in_the_recursion():
    eta, first, second = 0.25, 1.0, 1.0
    for n in range(8):
        h = (1 + n * eta) ** -0.5
        second = (1 - eta * h) ** 2 * second + eta**2 * h**2 * 0.49
        first *= 1 - eta * h
    method, params = DSGD(Gaussian(), 1, Power("1/2")), {"eta": eta, "sigma": 0.7}
    found = discrete_moment(method, Quadratic(1), 1.0, 2.0, x1**2 + x1, params)
    assert found.value == pytest.approx(first + second, abs=1e-14)


def test_two_coordinates_under_rand_1():
    """Against the step of E xx' that sdescent.derive.equations.process.stationary states."""
    method, eta = DCSGD(RandK(1), Affine("1/2", "1/4"), 2), sp.Rational(1, 8)
    v = sp.Matrix([[1, sp.Rational(1, 2)], [sp.Rational(1, 2), sp.Rational(1, 4)]])
    for _ in range(4):
        v = discrete_step(method, v, (1, 2)).subs(sp.Symbol("eta", positive=True), eta)
    for phi, exact in ((x1**2, v[0, 0]), (x1 * x2, v[0, 1]), (x2**2, v[1, 1])):
        found = discrete_moment(method, Quadratic((1, 2)), (1.0, 0.5), 0.5, phi, {"eta": 0.125})
        assert found.value == pytest.approx(float(exact), abs=1e-14)


RATES = [("first-order", 1.0), ("second-order", 1 + 1 / 16), ("corrected", 1 - 1 / 16)]


@pytest.mark.parametrize(("model", "rate"), RATES)
def test_the_models_on_a_quadratic(model, rate):
    """theory 5: the drift is -rate x with rate 1, 1 + eta/2, 1 - eta/2; the noise eta sigma^2."""
    decay = math.exp(-2 * rate)
    exact = decay + 0.125 * 0.49 * (1 - decay) / (2 * rate)
    params = {"eta": 0.125, "sigma": 0.7}
    found = model_moment(sde(DSGD(Gaussian(), 1), model, Quadratic(1), 1), 1.0, 1.0, x1**2, params)
    assert abs(found.value - exact) <= found.error < 1e-13
    # a schedule: int_0^1 (1 + t)^{-1/2} = 2 (sqrt 2 - 1), first order only
    if model == "first-order":
        slow = sde(DSGD(Gaussian(), 1, Power("1/2")), model, Quadratic(1), 1)
        mean = model_moment(slow, 1.0, 1.0, x1, params)
        assert abs(mean.value - math.exp(-2 * (math.sqrt(2) - 1))) <= mean.error < 1e-12


def test_what_does_not_close_is_refused():
    params = {"eta": 0.125, "sigma": 1.0}
    for method, loss in ((DSGD(Gaussian(), 1), Cosh()), (DSignSGD(Logistic(), 1), Quadratic(1))):
        with pytest.raises(NoClosedForm):
            discrete_moment(method, loss, 1.0, 1.0, x1, params)
        with pytest.raises(NoClosedForm):
            model_moment(sde(method, "first-order", loss, 1), 1.0, 1.0, x1, params)


def test_bad_input_is_named():
    method, params = DSGD(Gaussian(), 1), {"eta": 0.125, "sigma": 1.0}
    for given, field in (
        ({"phi": x1**3}, "phi"),
        ({"phi": sp.cosh(x1)}, "phi"),
        ({"phi": x2}, "phi"),
        ({"T": 0.3}, "T"),
        ({"x0": [[1.0]]}, "x0"),
        ({"params": {"eta": 0.125}}, "parameter sigma"),
    ):
        with refused(field):
            discrete_moment(method, Quadratic(1), **({"x0": 1.0, "T": 1.0, "phi": x1, "params": params} | given))
    with pytest.raises(BadInput, match="loss"):
        model_moment(sde(method, "first-order", None, 1), 1.0, 1.0, x1, params)
    assert np.isfinite(discrete_moment(method, Quadratic(1), np.array([1.0]), 1.0, sp.S(3), params).value)


def test_the_coordinates_of_a_quadratic_are_rules_of_their_own():
    """Heavy ball in two coordinates with independent noise: the moments of each are those of one coordinate, products factor."""
    params = {"eta": 1 / 64, "mu": 1, "sigma": 0.5}
    method = HeavyBall(noise=Gaussian(), clients=1)
    whole = sde(method, "first-order", Quadratic((1, 2)), 2)
    for n, (h, start) in enumerate(((1, 1.5), (2, -0.5)), 1):
        alone = sde(method, "first-order", Quadratic(h), 1)
        for phi in ("x{0}*v{0} + v{0}^2", "x{0}"):
            of_whole = model_moment(whole, (1.5, -0.5), 1.0, phi.format(n), params).value
            assert of_whole == pytest.approx(model_moment(alone, start, 1.0, phi.format(1), params).value, rel=1e-12)
    means = [model_moment(whole, (1.5, -0.5), 1.0, name, params).value for name in ("x1", "v2", "x1*v2")]
    assert means[0] * means[1] == pytest.approx(means[2], rel=1e-12)
