"""Constants that differ by coordinate in runs: draws, and second moments that have known recursions, within 5 standard errors."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.laws.samplers import compress
from sdescent.numerics.lowering.to_jax import number
from tests.support.laws.importance import Importance

P = (Fraction(1, 2), Fraction(1, 4), Fraction(1))
LOSS, START = sd.losses.Quadratic((1, 2, 3)), [1.0, 1.0, 1.0]
ETA, CLIENTS, PATHS = 0.05, 2, 20_000


@compress.register
def _(compressor: Importance, draws: Any, v: Any, parameters: Any = None) -> Any:
    p = number(compressor.p, parameters)
    return jnp.where(draws.uniform(v.shape) < p, v / p, 0.0)


def method(compressor: Any) -> sd.Method:
    return sd.DCSGD(compressor, sd.noise.Scaled(sd.noise.Gaussian(), "1/10"), CLIENTS)


@pytest.mark.slow
def test_draws_are_compared_with_the_numbers_of_each_coordinate() -> None:
    assert sd.check(Importance(P)).ok


@pytest.mark.slow
def test_second_moments_of_the_method_and_of_its_equation() -> None:
    """On a quadratic E x_j^2 is multiplied by (1 - eta h)^2 + eta^2 h^2 (1/p - 1)/N a step, and grows by eta^2 s^2/(p N).

    In the equation its rate is -2h + eta h^2 (1/p - 1)/N, and eta s^2/(p N). Six comparisons each, at 5 standard errors.
    """
    h, p = np.array([1.0, 2.0, 3.0]), np.array(P, float)
    spread, force = (1 / p - 1) / CLIENTS, 0.01 / p / CLIENTS
    params = {"eta": ETA, "p": p}
    shown = {f"square{j}": f"x{j}^2" for j in (1, 2, 3)}
    common = {"T": 1.0, "paths": PATHS, "params": params, "loss": LOSS, "save": 2, "statistics": shown}
    kept = (1 - ETA * h) ** 2 + ETA**2 * h**2 * spread
    stepped = kept**20 + ETA**2 * force * (1 - kept**20) / (1 - kept)
    rate = -2 * h + ETA * h**2 * spread
    flowed = np.exp(rate) + ETA * force * np.expm1(rate) / rate
    ran = sd.run(method(Importance()), START, **common)
    solved = sd.solve(sd.sde(method(Importance())), START, dt=ETA / 64, **common)
    for found, exact in ((ran, stepped), (solved, flowed)):
        values = np.stack([found.values[name][-1] for name in shown])
        error = values.std(axis=1) / np.sqrt(PATHS)
        assert np.all(np.abs(values.mean(axis=1) - exact) < 5 * error)
        assert not np.all(np.abs(values.mean(axis=1) - exact[::-1]) < 5 * error)
