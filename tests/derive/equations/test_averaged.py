"""Memories that are averaged out: second-order models against the method itself, and what cannot be averaged.

Without noise the method is a recursion and its model an ODE: their distance at T = 1 falls like the step to the power of the
model's order, on a loss that is not separable. The memory starts where it settles. With noise:
tests/derive/equations/test_published_rules.py.
"""

from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

from sdescent.derive.derivation import sde
from sdescent.derive.expressions.coordinates import g
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.compressors import Bernoulli, TopK
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Gaussian, NoNoise
from sdescent.derive.methods.optimisers import (
    Adam,
    EMAMomentum,
    ErrorFeedback,
    HeavyBall,
    RMSprop,
    Signum,
)
from sdescent.derive.methods.schedules import Free
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.symbols import eta, t
from tests.support import samples
from tests.support.real_steps import Mixed, RealSteps, Vector


def rule(*update: str, **more: Any) -> Method:
    fractions = ("beta",) if any("beta" in line for line in update) else ()
    return samples.rule(*update, start=0, **{"noise": NoNoise(), "regime": None, "fractions": fractions, **more})


M = "m = beta*m + (1-beta)*G"
RULES = {
    "small decay": rule(M, "x = x - eta*(m + wd*x)", regime={"wd": "w*eta"}),
    "memory that x moves after the step": rule(M, "x = x - eta*m", "m = m + x"),
    "gradient ahead": rule("m = beta*m + (1-beta)*G(x - eta*m)", "x = x - eta*m"),
    "time in the memory": rule("m = beta*m + (1-beta)*G*(1+t)", "x = x - eta*m"),
}


def distances(method: Method, model: str, dim: int, counts: tuple[int, ...]) -> list[float]:
    """max_j |x_n - X(1)| with steps of the time 1/n."""
    mp.mp.dps = 25
    values = {name: sp.Rational(3, 5) if name == "beta" else sp.Rational(1, 2) for name, _ in method.constants}
    table = {sp.Symbol(name, positive=True): v for name, v in values.items()}
    found = sde(method, model, loss=Mixed(), dim=dim).expanded
    drift = sp.lambdify([list(found.state), eta, t], list(sp.Matrix(found.drift).xreplace(table)), "math")
    steps, start = RealSteps(method, Mixed(), dim, values), np.array([0.7, -0.4][:dim])

    def one(state: dict[str, Vector], s: mp.mpf, time: mp.mpf) -> dict[str, Vector]:
        ((_, after),) = steps.all(state, s, time)
        return after

    gaps = []
    for n in counts:
        s = mp.sqrt(mp.mpf(1) / n)
        x = np.array([mp.mpf(a) for a in start], dtype=object)
        state = {a: x if a == "x" else 0 * x for a in method.rule.letters}
        for _ in range(80):
            state = {**one(state, s, mp.mpf(0)), "x": x}
        for k in range(n):
            state = one(state, s, mp.mpf(k) / n)
        flow = solve_ivp(
            lambda time, z, n=n: drift(list(z), 1 / n, time), (0, 1), start, rtol=1e-11, atol=1e-13, method="DOP853"
        )
        gaps.append(float(max(abs(a - b) for a, b in zip(state["x"], flow.y[:, -1], strict=True))))
    return gaps


def test_a_schedule_enters_the_second_order() -> None:
    """With u = u(t), l E m = -u beta g/(1 - beta) for averaged momentum and beta (-u g)/(1 - beta)^2 for heavy ball:

    -(d/dt b)/2 - l d/dt E m is u' g/2 for the first and u' g (1 + beta)/(2 (1 - beta)^2) for the second; f'' enters with u^2.
    """
    slope, H, du = sp.symbols("g1 H1_1 du", real=True)
    b, u = sp.symbols("beta u", positive=True)
    bend = (1 + b) / (2 * (1 - b)) * u**2 * H * slope
    wanted = {
        EMAMomentum: -u * slope + eta * (du * slope / 2 - bend),
        HeavyBall: -u * slope / (1 - b) + eta * ((1 + b) / (2 * (1 - b) ** 2) * du * slope - bend / (1 - b) ** 2),
    }
    for build, drift in wanted.items():
        found = sde(build(regime="fixed", clients=1, schedule=Free()), "second-order", dim=1).expanded
        assert vanishes(found.drift[0] - drift)


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_the_second_order_of_averaged_memories(name: str) -> None:
    """Orders between steps of 1/128 and 1/256."""
    dim = 2 if "ahead" in name else 1
    first, second = (distances(RULES[name], model, dim, (128, 256)) for model in ("first-order", "second-order"))
    assert np.log2(first[0] / first[1]) == pytest.approx(1, abs=0.05)
    assert np.log2(second[0] / second[1]) == pytest.approx(2, abs=0.1)
    assert second[1] < first[1] / 5


@pytest.mark.slow
def test_a_slow_average_beside_a_fast_one() -> None:
    """Adam with a constant beta_1: x moves by -G/(sqrt(v/gamma) + eps), gamma = 1 - exp(-rho2 t), whatever beta_1 is."""
    found = sde(Adam(noise=Gaussian(), clients=1, regime="slow-v"), dim=1).expanded
    slope, v = sp.symbols("g1 v1", real=True)
    eps, rho, sigma = sp.symbols("eps rho2 sigma", positive=True)
    D = 1 / (sp.sqrt(v / (1 - sp.exp(-rho * t))) + eps)
    assert [str(z) for z in found.state] == ["x1", "v1"]
    assert vanishes(found.drift[0] + slope * D) and vanishes(found.drift[1] - rho * (slope**2 + sigma**2 - v))
    assert vanishes(found.covariance[0, 0] - eta * sigma**2 * D**2)


# --- signs -----------------------------------------------------------------------------------------------------------


def test_the_covariance_of_signum_holds_at_every_gradient() -> None:
    """It was the one at g = 0, and with a loss its noise type was not found within 900 s."""
    found = sde(Signum(noise=Gaussian(), clients=1, regime="fixed"), loss=Quadratic(), dim=1)
    shown = found.to_dict()
    assert shown["noise_type"] == "scalar" and "Sum(" in shown["covariance"][0][0] and "near" not in shown
    assert [near["kind"] for near in shown["ranges"]] == ["memory-lag"]
    put = {"eta": 1, "beta": sp.Rational(9, 10), "sigma": 1, "h1": 1}
    far = {"x1": 5 * sp.sqrt(sp.Rational(1, 19))}  # five standard deviations of the memory
    values = {s: {**put, **far}[s.name] for s in found.expanded.covariance.free_symbols}
    assert float(found.expanded.covariance[0].xreplace(values).evalf()) == pytest.approx(2.07e-6, rel=0.01)


# --- refusals --------------------------------------------------------------------------------------------------------

REFUSED = {
    "a memory that grows": (rule("m = 2*m + G", "x = x - eta*m"), "the memory m never settles while x is held fixed"),
    "two that grow together": (
        Method(clients=1, memory=dict.fromkeys("mpq", 0),
               update=["q = q/2 + G", "r = m", "m = p + G", "p = r", "x = x - eta*(m + p + q)"]),
        "the memory m, p never settles",
    ),
    "a memory that oscillates": (rule("m = G - m", "x = x - eta*m"), "multiplies it by -1,"),
    "half an order": (rule(M, "x = x - eta*(m + wd*x)", regime={"wd": "w*sqrt(eta)"}), "order s^3"),
    "squares": (RMSprop(noise=Gaussian(), clients=1, regime="fixed"), "the memory v cannot be averaged out: no linear combination"),
    "signs without noise": (Signum(clients=1, regime="fixed"), "the memory m cannot be averaged out: no linear combination"),
    "signs of masked gradients": (
        Signum(noise=Gaussian(), clients=1, regime="fixed", compressor=Bernoulli("1/2")), "no linear combination"
    ),
    "feedback of a sparse mask": (ErrorFeedback(compressor=Bernoulli("1/3"), noise=Gaussian()), "here it is 2:"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_averaged_is_refused(name: str) -> None:
    method, reason = REFUSED[name]
    for model in ("first-order", "second-order"):
        with pytest.raises(Refusal) as refused:
            sde(method, model)
        assert refused.value.kind == "no-averaged-model" and reason in str(refused.value)


@pytest.mark.parametrize("compressor", [TopK(1), Bernoulli("2/3")], ids=lambda c: type(c).__name__)
def test_feedback_of_contractions_is_averaged(compressor: Any) -> None:
    assert sde(ErrorFeedback(compressor=compressor, noise=Gaussian())).drift == -g


@pytest.mark.parametrize(
    "method",
    [
        rule(M, "x = x - eta*m/(1+x^2)"),
        Signum(noise=Gaussian(), clients=1, regime="fixed"),
        Adam(noise=NoNoise(), clients=1, regime="slow-v"),
    ],
    ids=["weights that depend on x", "signum", "a slow letter left"],
)
def test_second_orders_that_are_not_known_are_refused(method: Method) -> None:
    with pytest.raises(Refusal) as refused:
        sde(method, "second-order")
    assert refused.value.kind == "no-second-order-sde"
