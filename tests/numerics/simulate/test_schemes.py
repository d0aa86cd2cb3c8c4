"""Schemes under a schedule: their second moments, step by step and without sampling, against those of the equation.

The equation dX = -u(t) h X dt + u(t) s dW (DSGD on a quadratic) is linear, so that a step of a scheme is y -> alpha y + beta xi
with xi normal. Both numbers are read off the scheme itself, by one step from (y, xi) = (1, 0) and one from (0, 1).
"""

from functools import partial

import numpy as np
import pytest
from scipy import integrate

import sdescent as sd
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Scaled
from sdescent.derive.methods.schedules import Free, Power
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import landscape
from sdescent.numerics.simulate.schemes import SCHEMES, Increment, ItoTerm
from sdescent.numerics.simulate.streams_and_statistics import at_time
from sdescent.numerics.simulate.systems import ito_system, stratonovich_system

ETA, CURVATURE, T, START = 0.5, 1.5, 1.0, 2.0
#: schedule, u of a free one, the function
SCHEDULES = {
    "free": (Free(), lambda t: jnp.exp(-t), lambda t: np.exp(-t)),
    "power": (Power("1/2"), None, lambda t: (1 + t) ** -0.5),
}


def equation(schedule, model="first-order"):
    return sd.sde(DSGD(Scaled(sd.noise.Gaussian(), 1), clients=1, schedule=schedule), model, Quadratic("3/2"), 1)


def exact(u, model="first-order") -> tuple[float, float]:
    """E X_T and Var X_T by their own differential equations, to 12 digits."""
    slope = {"first-order": 0, "corrected": ETA / 2}[model]

    def rate(t, y):
        a = -u(t) * CURVATURE + slope * u(t) ** 2 * CURVATURE**2
        return [a * y[0], 2 * a * y[1] + ETA * u(t) ** 2]

    made = integrate.solve_ivp(rate, (0, T), [START, 0.0], method="DOP853", rtol=1e-13, atol=1e-15)
    return float(made.y[0, -1]), float(made.y[1, -1])


def propagated(name: str, schedule: str, steps: int, model="first-order") -> tuple[float, float]:
    """E X_T and Var X_T of a scheme."""
    made, u, _ = SCHEDULES[schedule]
    found = equation(made, model)
    system = stratonovich_system(found, 1, {}) if name == "heun" else ito_system(found, 1, {}, 2, found.loss)
    at = partial(at_time, {"eta": ETA}, landscape(found.loss, 1, {}), u=u)
    term = ItoTerm(system, at, None, (), 1e8)  # pyright: ignore[reportArgumentType]
    length = T / steps

    @jax.jit
    def one(t, y, xi):
        return SCHEMES[name](term, t, y, length, Increment(jnp.sqrt(length), xi))

    mean, variance = START, 0.0
    for n in range(steps):
        alpha, beta = np.asarray(one(n * length, jnp.asarray([[1.0, 0.0]]), jnp.asarray([[0.0, 1.0]])))[0]
        mean, variance = alpha * mean, alpha**2 * variance + beta**2
    return float(mean), float(variance)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "order", "schedule"),
    [("predictor-corrector", 2, "free"), ("heun", 2, "power"), ("euler", 1, "power"), ("milstein", 1, "free")],
)
def test_the_weak_error_has_the_order_that_the_scheme_states(name, order, schedule):
    """Mean and variance; the order is log2 of the ratio of errors on halving the step, within 0.15."""
    goal = np.array(exact(SCHEDULES[schedule][2]))
    errors = np.array([np.abs(propagated(name, schedule, steps) - goal) for steps in (16, 32, 64)])
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), order, atol=0.15)
    if order == 2:  # at the default step, eta/8
        assert errors[0, 1] < 0.002 * goal[1]


def test_only_equations_with_a_schedule_are_timed():
    assert not ito_system(equation(sd.schedules.Constant()), 1, {}, 2).timed
    for schedule, _, _ in SCHEDULES.values():
        assert ito_system(equation(schedule), 1, {}, 2).timed
