"""Weak orders of the models of update rules with memory, without sampling, with test functions that involve the memory."""

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.equations.process.second_moments import second_moments_of_rule
from sdescent.derive.methods.losses import Quadratic, Quartic
from sdescent.derive.methods.noise import Scaled
from sdescent.derive.methods.optimisers.momentum import EMAMomentum, HeavyBall, Nesterov
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.evidence.weak_order import weak_order, weak_order_sampled
from sdescent.numerics.without_sampling.closed_moments import discrete_moment
from tests.support.samples import slow_but

GAUSS = Scaled(sd.noise.Gaussian(), "sigma")
X, M, V = sp.symbols("x1 m1 v1")
ETAS = tuple(1 / n for n in (16, 32, 64, 128))
#: rule, its memory letter, step sizes: the time of a step is sqrt(eta) for the ones with a velocity
RULES = {
    "ema": (EMAMomentum, M, ETAS, {"rho": 3, "sigma": 1}),
    "heavy-ball": (HeavyBall, V, tuple(e**2 for e in ETAS), {"mu": 1, "sigma": 1}),
    "nesterov": (Nesterov, V, tuple(e**2 for e in ETAS), {"mu": 1, "sigma": 1}),
}
CASES = [
    ("ema", "ballistic", "second-order"), ("ema", "batch-equivalent", "first-order"),
    ("heavy-ball", "batch-equivalent", "second-order"), ("nesterov", "ballistic", "first-order"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "regime", "model"), slow_but(CASES, CASES[:1], rows=True))
def test_the_order_of_a_model_is_measured_in_the_time_of_a_step(name, regime, model):
    make, letter, etas, params = RULES[name]
    method = make(noise=GAUSS, clients=1, regime=regime)
    measured = weak_order(method, model, Quadratic(2), [1.0], 1.0, X * letter, etas, params)
    assert abs(measured.slope.order - {"first-order": 1, "second-order": 2}[model]) < 0.05
    assert measured.resolution < 1e-8


@pytest.mark.slow
def test_the_order_falls_where_a_term_of_the_second_order_is_dropped():
    """The first-order equation, measured as if it were the second-order one."""
    method = EMAMomentum(noise=GAUSS, clients=1)
    for model, order in (("second-order", 2), ("first-order", 1)):
        equation = sd.sde(method, model, Quadratic(2), 1)
        measured = weak_order(method, equation, Quadratic(2), [1.0], 1.0, M, ETAS, {"rho": 3, "sigma": 1})
        assert abs(measured.slope.order - order) < 0.05


@pytest.mark.slow
def test_the_recursion_of_a_rule_ends_at_its_stationary_moments():
    method = EMAMomentum(noise=GAUSS, clients=2)
    numbers = {"eta": 0.125, "rho": 2.0, "sigma": 0.7}
    exact = second_moments_of_rule(method, 2).matrix
    put = {"eta": 0.125, "rho": 2.0, "beta": 0.75, "sigma": 0.7}
    for phi, (i, j) in ((X**2, (0, 0)), (X * M, (0, 1)), (M**2, (1, 1))):
        value = float(exact[i, j].xreplace({s: sp.Float(put[s.name], 30) for s in exact[i, j].free_symbols}))
        assert abs(discrete_moment(method, Quadratic(2), 1.0, 125.0, phi, numbers).value - value) < 1e-12


@pytest.mark.slow
def test_sampled_gaps_are_those_without_sampling():
    """The memory in the rule's own units, v = sqrt(eta) V; both gaps within 5 standard errors."""
    method, etas, params = HeavyBall(noise=GAUSS, clients=1), (1 / 16, 1 / 64), {"mu": 1, "sigma": 1}
    exact = weak_order(method, "first-order", Quadratic(2), [1.0], 1.0, X * V, etas, params)
    sampled = weak_order_sampled(method, "first-order", Quadratic(2), [1.0], 1.0, X * V, etas, 20_000, 3, params)
    for n, eta in enumerate(exact.etas):
        gap = (exact.discrete[n].value - exact.continuous[n].value) * np.sqrt(eta)
        half = sampled.gaps[n].upper - sampled.gaps[n].value  # 2.58 standard errors
        assert abs(sampled.gaps[n].value - gap) < 2 * half + 1e-3 * abs(gap)


@pytest.mark.slow
def test_wrong_arguments_are_refused():
    method = EMAMomentum(noise=GAUSS, clients=1)
    for given, match in (
        ({"route": "line"}, "memory"), ({"T": 1.03}, "multiple"), ({"phi": M**3}, "degree"), ({"loss": Quartic()}, "loss"),
    ):  # fmt: skip
        asked = {"loss": Quadratic(2), "x0": [1.0], "T": 1.0, "phi": X * M, "etas": ETAS, **given}
        with pytest.raises(BadInput, match=match):
            weak_order(method, "first-order", params={"rho": 3, "sigma": 1}, **asked)
