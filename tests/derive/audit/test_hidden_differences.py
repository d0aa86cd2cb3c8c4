"""Formulas that agree at all points of size 1 and differ elsewhere; rules whose limit is skewed, or that nothing here averages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import sympy as sp

from sdescent.derive.audit.counterexample import SCALES
from sdescent.derive.audit.weak_order import audit
from sdescent.derive.equations.rule_models import derived_rule
from sdescent.derive.equations.step.draws import RAW, letter
from sdescent.derive.equations.step.mean_over_step import noise_degree
from sdescent.derive.methods.compressors import ScaledSign
from sdescent.derive.methods.distributed import DSGD, Method
from sdescent.derive.methods.losses import BilinearGame, Quadratic, Quartic
from sdescent.derive.methods.noise import Gaussian, Laplace, NoNoise, StudentT
from sdescent.derive.methods.optimisers import EMAMomentum, RMSprop
from sdescent.derive.proof.piecewise.equality import difference

GAUSS = Gaussian()
NOISE = {"x x": "eta*sigma^2/N"}


HIDDEN = "-(g + 100000 - abs(g - 100000))/2"
LONGER = [pytest.param(e, marks=pytest.mark.slow) for e in ("-min(g, 50)", "-g*tanh(100000*g^2)")]


@pytest.mark.parametrize("drift", [HIDDEN, *LONGER])
def test_a_difference_away_from_the_unit_size(drift: str) -> None:
    found = audit(DSGD(GAUSS), {"x": drift}, NOISE)
    assert found.verdict == "DIFFERS" and {term.where for term in found.terms} == {"drift x"}
    example = found.example
    assert example is not None and example.state["x"][0] in {2 * scale for scale in SCALES[1:]}
    assert all(abs(row.claimed) > 1e-12 and row.derived == 0 for row in example.measured) and example.measured


@pytest.mark.parametrize(
    "extra", ["eta/(eta + x^2)", "eta^2/x", "min(1, eta^4/x^4)", "eta^2*log(x^2)", "eta^2*m/(exp(x) - 1)"]
)
def test_what_an_expansion_in_the_step_does_not_see(extra: str) -> None:
    # with eta/(eta + x^2), a path through 0 is moved by pi sqrt(eta)/|m|; with eta^2/x it never passes 0
    found = audit(EMAMomentum(noise=GAUSS), {"x": f"-m + {extra}", "m": "rho*(g - m)"}, {"m m": "eta*rho^2*sigma^2/N"})
    assert found.verdict == "UNDECIDED" and "fails where" in found.reason, found.verdict


@pytest.mark.parametrize("extra", ["eta^2/(1 + x^2)", "eta*m/(1 + norm(m))", "max(0, eta - exp(x))", "0/x"])
def test_small_terms_that_are_small_everywhere(extra: str) -> None:
    found = audit(EMAMomentum(noise=GAUSS), {"x": f"-m + {extra}", "m": "rho*(g - m)"}, {"m m": "eta*rho^2*sigma^2/N"})
    assert found.verdict == "AGREES", found.reason


def test_equal_formulas_with_kinks_stay_equal() -> None:
    g, c = sp.Symbol("g", real=True), sp.Symbol("c", positive=True)
    clipped = (sp.Abs(g + c) - sp.Abs(g - c)) / 2
    assert difference(sp.Max(-c, sp.Min(c, g)), clipped) is None and difference(sp.Max(-c, g), clipped) is not None
    assert difference(sp.tanh(g), (sp.exp(2 * g) - 1) / (sp.exp(2 * g) + 1)) is None
    # cancels to more digits than are evaluated
    assert difference(g * (1 - sp.tanh(100 * g) ** 2), g / sp.cosh(100 * g) ** 2) is None


def skewed(power: int, shift: int) -> Method:
    return Method(noise=NoNoise(), update=[f"x = x - eta*G + sqrt(eta)*(normal^{power} - {shift})"], regime={})


def test_a_skewed_limit_has_weak_order_one_half() -> None:
    # E x^3 after the time T is 8 T sqrt(eta), that of the diffusion 0
    found = audit(skewed(2, 1), {"x": "-g"}, {"x x": "2"})
    assert (found.verdict, found.kind) == ("NO SDE", "no-first-order-sde") and "8" in found.reason
    assert derived_rule(skewed(2, 1), "first-order", None, None).weak_order == 0.5
    symmetric = audit(skewed(3, 0), {"x": "-g"}, {"x x": "15"})
    assert symmetric.verdict == "AGREES" and symmetric.equation is not None and symmetric.equation.weak_order == 1


LARGE = {"update": ["x = x - eta*G"], "regime": {"noise": "1/sqrt(eta)"}, "clients": 1}


@pytest.mark.parametrize("method, order, needs", [
    (DSGD, 2, 3), (partial(Method, **LARGE), 1, 4), (partial(RMSprop, clients=1), 1, 4),
])  # fmt: skip
def test_a_weak_order_needs_moments(method: Callable[..., Method], order: int, needs: int) -> None:
    # a step exceeds 1 with a probability of the order s^(tail n/q) for parts s^n Z^q: no more than s^(2 order + 2) is allowed
    drift = {"x": "-g", "v": "-v"} if method().memory else {"x": "-g"}
    found = audit(method(noise=StudentT(needs)), drift, NOISE, order=order)
    assert found.verdict == "NO SDE" and f"the moment of order {needs} of the noise" in found.reason
    model = "second-order" if order == 2 else "first-order"
    assert not derived_rule(method(noise=StudentT(needs + 1)), model, None, None).conditions


def test_clipped_noise_needs_no_moments() -> None:
    v, c = letter(RAW, 0), sp.Symbol("c", positive=True)
    assert noise_degree(sp.Max(-c, sp.Min(c, v)), 1) == noise_degree(-2 * sp.Min(c, sp.Max(-c, -(v**3))), 1) == 0
    assert noise_degree(sp.Max(-c, v), 1) == 1 and noise_degree(sp.Min(v**2, sp.Max(-c, v)), 1) == 1
    assert noise_degree(sp.Max(-v, sp.Min(c, v**2)), 1) == 1


def test_what_is_divided_may_grow_less_than_its_factors() -> None:
    method = Method(noise=StudentT(1), clients=1, update=["x = x - eta*G/(abs(G) + eps)"], regime={})
    assert audit(method, {"x": "-g"}).verdict == "UNDECIDED"  # bounded, so that there is a limit


def test_a_power_of_the_step_in_a_denominator_is_found() -> None:
    # the variance nu/(nu - 2) of large noise is nu sigma^2/(nu s^2 - 2 s^2)
    found = audit(Method(noise=StudentT("nu"), **LARGE), {"x": "-g"}, {"x x": "nu/(nu-2)*sigma0^2"})
    assert found.verdict == "AGREES" and found.equation is not None
    assert [str(c) for c in found.equation.conditions] == ["nu > 2", "nu > 4"]


#: z + beta (x - z) is not close to x
FREE = {"memory": {"z": 0}, "update": ["z = z - eta*G((1-beta)*z + beta*x)", "x = x + (z - x)/(k+1)"], "regime": {}}


def test_a_gradient_far_from_x_is_known_for_quadratic_losses() -> None:
    method, claim = Method(noise=GAUSS, **FREE), {"z": "-2*((1-beta)*z + beta*x)", "x": "(z-x)/t"}
    noise = {"z z": "eta*sigma^2/N"}
    assert audit(method, claim, noise, loss=Quadratic(2), dim=1).verdict == "AGREES"
    wrong = audit(method, {**claim, "z": "-2*x"}, noise, loss=Quadratic(2), dim=1)
    assert wrong.verdict == "DIFFERS" and {term.where for term in wrong.terms} == {"drift z"}
    for unknown in (audit(method, {**claim, "z": "-g"}, noise), audit(method, claim, noise, loss=Quartic(), dim=1)):
        assert unknown.verdict == "UNDECIDED" and "quadratic" in unknown.reason
    assert BilinearGame(1).linear_gradient(2) and not Quartic().linear_gradient(2)


UNKNOWN = [
    # clipped, and in the two-iterate form: the limits exist, and nothing here averages these memories
    Method(
        memory={"m": 0}, update=["m = b*m + (1-b)*G", "x = x - eta*max(-1, min(1, m))"], fractions=["b"], noise=GAUSS
    ),
    Method(memory={"o": 0}, update=["p = x", "x = x - eta*G + b*(x - o)", "o = p"], fractions=["b"], noise=GAUSS),
]


@pytest.mark.parametrize("method", UNKNOWN)
def test_what_nothing_here_averages_is_undecided(method: Method) -> None:
    found = audit(method, {"x": "-g"}, NOISE)
    assert found.verdict == "UNDECIDED" and found.kind and found.reason[-40:] in found.latex()


def test_error_feedback_written_out_is_averaged() -> None:
    update = ["p = e + raw", "q = C(p)", "e = p - q", "x = x - eta*q"]
    method = Method(memory={"e": 0}, update=update, compressor=ScaledSign(), noise=Laplace())
    assert audit(method, {"x": "-g"}, {"x x": "2*eta*sigma^2/N"}).verdict == "AGREES"
