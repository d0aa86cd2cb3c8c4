"""Scaling rules: exponents solved for, confirmed with numbers, and refused where no powers do it."""

from dataclasses import dataclass

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.equations.process.stationary import discrete_second_moments
from sdescent.derive.equations.rule_drift_and_covariance import derived_rule
from sdescent.derive.equations.scaling import Scaling, confirmed, scaling_rules, stationary_scaling, variance_at_rest
from sdescent.derive.expressions.vanishing import solved
from sdescent.derive.methods.distributed import DSGD, Method
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.methods.optimisers import EMAMomentum, HeavyBall, Lion, RMSprop
from sdescent.derive.methods.schedules import Schedule
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.symbols import t
from tests.support.samples import slow_but

NOISE = Scaled(Gaussian(), "sigma")
HALF = sp.Rational(1, 2)
#: method, exponents of k by hand: what multiplies the covariance by k where B -> k B divides it
RULES = [
    (DSGD(NOISE), {"eta": 1}),
    (HeavyBall(noise=NOISE), {"eta": 2, "1 - beta": 1}),
    (HeavyBall(noise=NOISE, regime="fixed"), {"eta": 1, "beta": 0}),
    (EMAMomentum(noise=NOISE), {"eta": 1, "1 - beta": 1}),
    (RMSprop(noise=NOISE, regime="batch-equivalent"), {"eta": HALF, "1 - beta": 1, "eps": -HALF}),
    (Lion(noise=NOISE, regime="batch-equivalent"), {"eta": HALF, "beta1": 0, "1 - beta2": 1, "wd": HALF}),
]


@pytest.mark.parametrize(
    ("method", "expected"),
    slow_but(RULES, [r for r in RULES if r[0].name != "lion"], rows=True),
    ids=lambda x: getattr(x, "name", ""),
)
def test_exponents_and_the_numbers_that_confirm_them(method: Method, expected: dict[str, sp.Expr]) -> None:
    found = scaling_rules(method)
    # k times as few steps, whatever the regime
    assert found.rule_constants == expected and not found.free and found.steps == -1
    equation = derived_rule(method, "first-order", None, None)
    assert all(abs(float(a) - float(b)) <= 1e-10 * abs(float(a)) for _, a, b in confirmed(equation, found))
    wrong = Scaling(
        {**found.exponents, "eta": found.exponents["eta"] + 1}, found.letters, (), found.rule_constants, found.steps
    )
    assert any(abs(float(a) - float(b)) > 1e-3 * abs(float(a)) for _, a, b in confirmed(equation, wrong))


def test_numbers_of_a_method_are_no_obstacle_and_no_freedom() -> None:
    """A constant that has a number is solved for as any other: it must not come out free."""
    symbols = RMSprop(noise=NOISE, regime="batch-equivalent")
    solved_for = scaling_rules(RMSprop(c=2, noise=Scaled(Gaussian(), "1/2"), regime="batch-equivalent"))
    assert solved_for.rule_constants == scaling_rules(symbols).rule_constants and not solved_for.free


def test_a_variance_that_the_equation_leaves_out_is_not_zero() -> None:
    rule = Method(
        noise=NOISE, memory={"m": 0}, update=["m = b*m + (1-b)*G^3", "x = x - eta*m"], regime={"b": "1 - rho*eta"}
    )
    equation = derived_rule(rule, "first-order", None, None)
    with pytest.raises(Refusal, match="leaves out"):
        variance_at_rest(equation)


@dataclass(frozen=True)
class Falling(Schedule):
    """u(t) = exp(-t), whose coefficients look like a bias correction that dies away."""

    @property
    def factor(self) -> sp.Expr:
        return sp.exp(-t)


@pytest.mark.parametrize(
    "method",
    [EMAMomentum(noise=NOISE, schedule=Falling()), Method(noise=NOISE, update="x = x - eta*G/(1 + t)")],
    ids=["schedule", "update"],
)
def test_what_depends_on_time_has_no_variance_at_rest(method: Method) -> None:
    with pytest.raises(Refusal, match="no stationary law") as refused:
        variance_at_rest(derived_rule(method, "first-order", None, None))
    assert refused.value.kind == "time-dependent"


def test_a_method_without_a_rule_is_refused_with_the_term() -> None:
    """G^2 has a mean of g^2 and one of the noise's variance, which do not change together."""
    with pytest.raises(Refusal, match="cannot stay together") as refused:
        scaling_rules(RMSprop(noise=NOISE))
    assert refused.value.kind == "no-scaling-rule"


def test_a_whole_space_of_solutions_is_given() -> None:
    """E x^2 = sqrt(eta) s/(2 mu h) of heavy ball: one equation, a_eta/2 - 1 - a_mu = 0, for two exponents."""
    equation = derived_rule(HeavyBall(noise=NOISE), "first-order", None, None)
    found = stationary_scaling(equation, variance_at_rest(equation))
    (free,) = found.free
    assert sp.expand(found.exponents["eta"] / 2 - 1 - found.exponents["mu"]) == 0 and found.exponents["mu"].has(free)
    with pytest.raises(Refusal):
        stationary_scaling(equation, variance_at_rest(equation) + sp.Symbol("sigma", positive=True))


def number(e: sp.Expr, **values: float) -> float:
    return float(e.subs({sp.Symbol(name, positive=True): value for name, value in values.items()}))


def test_the_variance_at_rest_is_the_methods_own_for_small_steps() -> None:
    method = EMAMomentum(noise=NOISE, clients=1)
    equation = derived_rule(method, "first-order", None, None)
    numbers = {"eta": 1e-6, "sigma": 0.7, "rho": 1.3}
    near = number(variance_at_rest(equation), h=2, **numbers)
    own = {"eta", "sigma", *dict(method.constants)}
    exact = discrete_second_moments(method, 1, 2).at({n: v for n, v in numbers.items() if n in own})
    assert abs(near / exact[0, 0] - 1) < 5e-3


def test_the_variance_at_rest_of_lion_is_that_of_a_lyapunov_equation_in_numbers() -> None:
    """Its coefficients hold roots of 2, pi and N."""
    equation = derived_rule(Lion(noise=NOISE, clients=3, regime="ballistic"), "first-order", None, None)
    h, beta1, rho, s = 2.0, 0.6, 1.4, 0.7
    decay, eta = 0.3, 0.01
    slope = np.sqrt(2 * 3 / np.pi) / s
    keep = beta1 / (1 - beta1)  # of m
    a = np.array([[-decay - slope * h, -slope * keep], [rho * h, -rho]])
    both = -np.sqrt(2 / np.pi) * eta * rho * s / np.sqrt(3)
    cov = np.array([[eta, both], [both, eta * rho**2 * s**2 / 3]])
    v = np.linalg.solve(np.kron(a, np.eye(2)) + np.kron(np.eye(2), a), -cov.ravel())
    names = {"sigma": s, "wd": decay, "w": decay, "eta": eta, "beta1": beta1, "rho": rho, "h": h}
    assert number(variance_at_rest(equation), **names) == pytest.approx(v[0], rel=1e-12)


def test_second_moments_that_are_not_unique_only_through_roots_that_depend_on_each_other_are_refused() -> None:
    """x and m drift by -x + sqrt(2) m and sqrt(2) x - 2 m: the determinant vanishes because sqrt(2)^2 = 2."""
    r = sp.sqrt(2)
    unknowns = [sp.Symbol("u"), sp.Symbol("w")]
    u, w = unknowns
    assert solved([-u + r * w + 1, r * u - 2 * w + 1], unknowns) is None
    found = solved([-u + r * w + 1, r * u - 3 * w + 1], unknowns)
    assert found is not None and [sp.expand(e) for e in found] == [3 + r, 1 + r]
