"""E phi of the SDE models without sampling: against closed moments, stationary laws, Monte Carlo, and planted errors."""

import json
import math

import numpy as np
import pytest
import scipy.integrate
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.process.stationary import density
from sdescent.derive.methods.compressors import FixedGrid
from sdescent.derive.methods.distributed import DCSGD, DSGD
from sdescent.derive.methods.losses import Cosh, Quadratic
from sdescent.derive.methods.noise import Affine, Gaussian, StudentT
from sdescent.derive.methods.schedules import Free, Power
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.without_sampling.backward import STAGES, model_mean, radau
from sdescent.numerics.without_sampling.closed_moments import model_moment
from tests.numerics.refusals import refused

x1 = sp.Symbol("x1", real=True)


def test_radau_has_its_order():
    nodes, matrix = radau(STAGES)
    for q in range(2 * STAGES - 1):
        assert matrix[-1] @ nodes**q == pytest.approx(1 / (q + 1), abs=1e-14)
        if q < STAGES:
            assert matrix @ nodes**q == pytest.approx(nodes ** (q + 1) / (q + 1), abs=1e-14)
    assert abs(matrix[-1] @ nodes ** (2 * STAGES - 1) - 1 / (2 * STAGES)) > 1e-8
    # three stages, as printed by Hairer and Wanner (1996), table IV.5.6
    root = math.sqrt(6)
    assert radau(3)[1][0] == pytest.approx([(88 - 7 * root) / 360, (296 - 169 * root) / 1800, (-2 + 3 * root) / 225])


@pytest.mark.parametrize(
    ("method", "params", "model"),
    [
        (DSGD(Gaussian(), 1), {"sigma": 0.7}, "second-order"),
        (DSGD(Affine(), 2), {"sigma0": 0.5, "sigma1": 0.5}, "corrected"),
    ],
    ids=["gaussian", "affine"],
)
def test_on_quadratics_it_is_the_closed_moment(method, params, model):
    equation, params = sde(method, model, Quadratic("3/2"), 1), {**params, "eta": 0.125}
    phi = x1**2 - 3 * x1 + 1
    found, exact = model_mean(equation, 1.2, 1.0, phi, params), model_moment(equation, 1.2, 1.0, phi, params)
    assert abs(found.value - exact.value) <= found.error + exact.error
    assert found.error < 1e-10


@pytest.mark.slow
def test_a_schedule_that_changes_with_time():
    # a user's own u(t), and the same one as a power
    model = "second-order"
    free = sde(DSGD(Gaussian(), 1, Free()), model, Quadratic(1), 1)
    power = sde(DSGD(Gaussian(), 1, Power("1/2")), model, Quadratic(1), 1)
    params = {"eta": 0.25, "sigma": 0.7}
    own = model_mean(free, 1.0, 1.0, x1**2, params, u=lambda t: 1 / jnp.sqrt(1 + t), tolerance=1e-8)
    exact = model_moment(power, 1.0, 1.0, x1**2, params)
    assert abs(own.value - exact.value) <= own.error < 1e-7
    same = model_moment(free, 1.0, 1.0, x1**2, params, u=lambda t: 1 / jnp.sqrt(1 + t))
    assert abs(same.value - exact.value) < 1e-12


@pytest.mark.slow
def test_after_a_long_time_it_is_the_stationary_law():
    equation, params = sde(DSGD(Gaussian(), 1), "first-order", Cosh(), 1), {"eta": 0.5, "sigma": 1.0}
    p = density(equation.expanded).normalised({**params, "N": 1.0})
    exact = scipy.integrate.quad(lambda y: math.tanh(y) ** 2 * p(y), -8, 8, epsabs=1e-11, limit=200)[0]
    mean = model_mean(equation, 0.5, 15.0, sp.tanh(x1) ** 2, params)
    assert abs(mean.value - exact) < mean.error + 1e-9 < 2e-9


@pytest.mark.slow
def test_without_noise_it_is_the_flow():
    equation = sde(DSGD(clients=1), "first-order", Cosh(), 1)
    found = model_mean(equation, 1.0, 1.0, x1, {"eta": 0.125})
    exact = 2 * math.atanh(math.exp(-1.0) * math.tanh(0.5))  # x' = -sinh x
    assert abs(found.value - exact) <= found.error < 1e-10
    # and so where only numbers silence the noise
    silent = model_mean(sde(DSGD(Gaussian(), 1), "first-order", Cosh(), 1), 1.0, 1.0, x1, {"eta": 0.125, "sigma": 0.0})
    assert abs(silent.value - exact) <= silent.error


def test_an_integral_over_the_noise_will_do():
    # FixedGrid has no elementary mean: the first-order model comes from nodes
    equation = sde(DCSGD(FixedGrid("1/4"), Gaussian(), 1), "first-order", Quadratic(1), 1)
    found = model_mean(equation, 1.0, 0.5, x1, {"eta": 0.25, "sigma": 0.5})
    assert found.value == pytest.approx(math.exp(-0.5), abs=1e-6)  # rounding is unbiased


def test_the_interval_is_stated_and_may_be_given():
    equation, params = sde(DSGD(Gaussian(), 1), "corrected", Cosh(), 1), {"eta": 0.125, "sigma": 0.5}
    found = model_mean(equation, 1.0, 1.0, sp.cosh(x1), params)
    low, high = found.settings["interval"]
    assert low < 0 < 1 < high < math.acosh(2 / 0.125)  # beyond, the corrected model explodes
    own = model_mean(equation, 1.0, 1.0, sp.cosh(x1), params, interval=(-1.8, 2.4))
    assert abs(own.value - found.value) < 1e-10 and own.settings["interval"] == [-1.8, 2.4]
    assert json.loads(json.dumps(found.to_dict()))["route"] == "backward Kolmogorov equation"


def test_what_does_not_exist_is_refused():
    with pytest.raises(Refusal):
        heavy = sde(DSGD(StudentT("nu"), 1), "first-order", Cosh(), 1)
        model_mean(heavy, 1.0, 1.0, x1, {"eta": 0.1, "sigma": 1.0, "nu": 1.5})
    equation, params = sde(DSGD(Gaussian(), 1), "first-order", Cosh(), 1), {"eta": 0.125, "sigma": 1.0}
    for given, name in (
        ({"x0": [1.0, 2.0]}, "x0"),
        ({"interval": (2.0, 3.0)}, "interval"),
        ({"phi": sp.log(x1)}, "phi"),
        ({"T": -1.0}, "T"),
        ({"params": {"sigma": 1.0}}, "eta"),
    ):
        with refused(name):
            model_mean(equation, **({"x0": 1.0, "T": 1.0, "phi": x1, "params": params} | given))
    with pytest.raises(BadInput, match="dimension"):
        model_mean(sde(DSGD(Gaussian(), 1), "first-order", Cosh(), 2), 1.0, 1.0, x1, params)


def test_a_wide_interval_changes_nothing():
    equation, params = sde(DSGD(Gaussian(), 1), "first-order", Quadratic(1), 1), {"eta": 0.25, "sigma": 0.5}
    values = [model_mean(equation, 0.5, 1.0, sp.cos(x1), params, interval=(-a, a)).value for a in (2.5, 3.5)]
    mean, variance = 0.5 * math.exp(-1.0), 0.25 * 0.25 * (1 - math.exp(-2.0)) / 2
    assert np.allclose(values, math.cos(mean) * math.exp(-variance / 2), rtol=0, atol=1e-11)
