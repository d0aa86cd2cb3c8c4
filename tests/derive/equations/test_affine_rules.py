"""Weak orders of affine rules whose memory is averaged out, without sampling; of slow memories: tests/derive/equations/step.

On h x^2/2 with Gaussian noise an affine rule z' = A z + n Z keeps a Gaussian law, and so does the SDE of x: mean and variance are
propagated exactly, the method's by its matrix (written down here by hand), the SDE's by its exponential. Test functions are
polynomials up to the degree 4. Slopes of their errors at T = 1 between steps of the time 1/1024 and 1/2048 are 1 and 2 within 0.05.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.methods.optimisers import EMAMomentum, HeavyBall, Nesterov
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.symbols import eta
from tests.support.samples import mostly_slow

H, SIGMA, BETA = 1.3, 0.7, 0.6
NOISE = Scaled(Gaussian(), "7/10")
STEPS = (1024, 2048)
Matrix = Any
#: eta -> A, and the direction n of the noise, over x and the memory
Step = Callable[[float], tuple[Matrix, Matrix]]


def heavy_ball(e: float) -> tuple[Matrix, Matrix]:
    return np.array([[1 - e * H, e * BETA], [-H, BETA]]), np.array([-e * SIGMA, -SIGMA])


def nesterov(e: float) -> tuple[Matrix, Matrix]:
    ahead = e * (1 + BETA)
    return np.array([[1 - ahead * H, e * BETA**2], [-H, BETA]]), np.array([-ahead * SIGMA, -SIGMA])


def average(e: float) -> tuple[Matrix, Matrix]:
    a = 1 - BETA
    return np.array([[1 - e * a * H, -e * BETA], [a * H, BETA]]), np.array([-e * a * SIGMA, a * SIGMA])


def storm(e: float) -> tuple[Matrix, Matrix]:
    """m' = G(x) + b (m - G(x + e m)), both with one draw."""
    a, keep = 1 - BETA, BETA * (1 - e * H)
    return np.array([[1 - e * a * H, -e * keep], [a * H, keep]]), np.array([-e * a * SIGMA, a * SIGMA])


STORM = Method(
    memory={"m": 0}, update=["m = G + beta*(m - G(x + eta*m))", "x = x - eta*m"], noise=NOISE, clients=1, regime={},
    fractions=["beta"],
)  # fmt: skip
RULES: dict[str, tuple[Method, Step]] = {
    "ema-momentum": (EMAMomentum(noise=NOISE, clients=1, regime="fixed"), average),
    "heavy-ball": (HeavyBall(noise=NOISE, clients=1, regime="fixed"), heavy_ball),
    "nesterov": (Nesterov(noise=NOISE, clients=1, regime="fixed"), nesterov),
    "STORM": (STORM, storm),
}


def of_method(step: Step, n: int) -> tuple[float, float]:
    """Mean and variance of x after n steps of the time 1/n; the memory starts where it settles, at m = A_mx x + A_mm m."""
    A, push = step(1 / n)
    mean, S = np.array([1.2, A[1, 0] * 1.2 / (1 - A[1, 1])]), np.zeros((2, 2))
    for _ in range(n):
        mean, S = A @ mean, A @ S @ A.T + np.outer(push, push)
    return mean[0], S[0, 0]


def of_model(method: Method, model: str, change: Callable[[sp.Expr], sp.Expr]) -> Callable[[int], tuple[float, float]]:
    """The same of the SDE dX = b X dt + sqrt(c) dW, `change` applied to its drift."""
    found = sde(method, model, Quadratic(sp.Rational(13, 10)), dim=1).expanded
    table = {sp.Symbol("beta", positive=True): sp.Rational(3, 5)}
    at = sp.lambdify(
        eta, [change(found.drift[0]).diff(found.state[0]).xreplace(table), found.covariance[0].xreplace(table)]
    )

    def numbers(n: int) -> tuple[float, float]:
        b, c = at(1 / n)
        return 1.2 * np.exp(b), c * np.expm1(2 * b) / (2 * b)

    return numbers


def slopes(name: str, model: str, change: Callable[[sp.Expr], sp.Expr] = lambda e: e) -> Matrix:
    """log_2 of the ratio of the errors of E x^2, E x^3 and E x^4."""
    method, step = RULES[name]
    numbers = of_model(method, model, change)

    def powers(m: float, s: float) -> Matrix:
        return np.array([m**2 + s, m**3 + 3 * m * s, m**4 + 6 * m**2 * s + 3 * s**2])

    first, second = (np.abs(powers(*of_method(step, n)) - powers(*numbers(n))) for n in STEPS)
    return np.log2(first / second)


@pytest.mark.parametrize("name", mostly_slow(RULES, 4))
def test_weak_orders(name: str) -> None:
    """At least p, and p itself in some test function, for each model; the corrected one is refused."""
    for model, order in (("first-order", 1), ("second-order", 2)):
        last = slopes(name, model)
        assert (last > order - 0.05).all(), (model, last)
        assert (abs(last - order) < 0.05).any(), (model, last)
    with pytest.raises(Refusal, match="gradient fields") as refused:
        sde(RULES[name][0], "corrected")
    assert refused.value.kind == "no-corrected-model"


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_a_factor_at_the_second_order_is_seen(name: str) -> None:
    """11/10 times what the second-order model adds to the drift: the slope falls to 1."""

    def more(e: sp.Expr) -> sp.Expr:
        e = sp.expand(e)
        return e + (e - e.subs(eta, 0)) / 10

    last = slopes(name, "second-order", more)
    assert (last < 1.5).any(), last
