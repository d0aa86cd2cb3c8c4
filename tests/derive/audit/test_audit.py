"""Stated SDEs of known truth, all judged rightly, with the wrong term named; what is shown in an example; what is refused.

Slopes of weak errors are computed without sampling at eta = 1/1000 and 1/100000. In one step an error in a term of order s^n of
drift or covariance leaves one of order tau s^n, the right equation of weak order p one of order tau^(p+1); over a time, one power
less. The interval is 0.1.
"""

from typing import Any

import pytest
import sympy as sp

from sdescent.derive.audit.counterexample import slopes
from sdescent.derive.audit.stated_equation import read_equation
from sdescent.derive.audit.weak_order import audit
from sdescent.derive.expressions.written import formula
from sdescent.derive.methods.losses import BilinearGame
from sdescent.derive.methods.noise import Gaussian, StudentT
from sdescent.derive.methods.optimisers import (
    EMAMomentum,
    Extragradient,
    HeavyBall,
    Lion,
    RMSprop,
    Signum,
)
from sdescent.derive.vocabulary.errors import BadInput
from tests.support.samples import slow_but
from tests.support.stated_sdes import CASES, Stated, averaged_iterates, euler_maruyama

GAUSS = Gaussian()
EMA = {"x": "-m", "m": "rho*(g - m)"}


@pytest.mark.parametrize("case", slow_but(CASES, [c for c in CASES if not c.slow]), ids=lambda case: case.name)
def test_stated_sdes_of_known_truth(case: Stated) -> None:
    found = audit(case.method(), **case.claim, **case.more)
    said = [(t.where, t.matters, (t.kind, str(t.factor)), t.remark) for t in found.terms]
    assert found.verdict == case.verdict, (said, found.reason)
    for where, matters, how in case.terms:
        same = [s for s in said if s[:2] == (where, matters)]
        assert any(how in kinds or f"the {how}" in remark or f"a {how}" in remark for *_, kinds, remark in same), said
    assert not [name for t in found.terms for name in t.point if name.startswith("_")], "letters of the proof"
    if len(case.terms) == 1:  # nothing that is right is accused
        assert {s[0] for s in said} == {case.terms[0][0]}, said


def test_formulas_read_back() -> None:
    method = HeavyBall(noise=GAUSS)
    written = "hess(v/(sqrt(abs(x)) + 1)) + third(g) - norm(g)*sum(v^2)*max(g, 0, v) + min(x, eta)^2/3"
    one = read_equation(method, {"x": written}).drift["x"]
    assert read_equation(method, {"x": formula(one)}).drift["x"] == one


def test_the_weak_order_that_is_left_and_the_weaker_claim() -> None:
    hb = HeavyBall(noise=GAUSS)
    silent = audit(hb, {"x": "v", "v": "-mu*v - g"})
    assert (silent.verdict, silent.holds) == ("DIFFERS", 1)  # weak order 1 of an ODE limit does not see its noise
    first = audit(hb, {"x": "v", "v": "-mu*v - g"}, {"v v": "sqrt(eta)*sigma^2/N"}, order=2)
    assert (first.verdict, first.holds, first.on_x_alone) == ("DIFFERS", 1, None)
    apart = audit(averaged_iterates(), {"x": "-g", "a": "a - x"}, {"x x": "eta*sigma^2/N"})
    assert (apart.holds, apart.on_x_alone) == (0, 1)  # x does not depend on a
    mixed = audit(averaged_iterates(), {"x": "-g", "a": "x - a"}, {"x x": "eta*sigma^2/N", "x a": "1"})
    assert (mixed.holds, mixed.on_x_alone) == (0, 1)
    fast = audit(EMAMomentum(noise=GAUSS, regime="fixed"), {"x": "-g"}, {"x x": "eta*sigma^2/N"})
    assert fast.test_functions == "x alone"


def test_terms_that_the_order_does_not_see_are_said() -> None:
    found = audit(EMAMomentum(noise=GAUSS), {**EMA, "x": "-m + 7*eta*m"}, {"m m": "eta*rho^2*sigma^2/N"})
    assert found.verdict == "AGREES" and "7*eta*m" in str(found.beyond[0])


def test_signs_of_a_fast_memory_are_judged_near_the_minimum() -> None:
    signum = Signum(noise=GAUSS, regime="fixed")
    drift = {"x": "-erf(g*sqrt(N)/(sqrt(2)*sigma*sqrt((1-beta)/(1+beta))))"}
    found = audit(signum, drift, {"x x": "eta*(1 + 4/pi*series(asin(beta^l)) - g^2)"})
    assert found.verdict == "AGREES" and "g near 0" in found.meant_for


@pytest.mark.slow
def test_terms_that_the_first_order_model_leaves_out_may_be_there() -> None:
    rms = {"x": "-g/(sqrt(v)+eps)", "v": "c*(g^2 + sigma^2/N - v)"}
    own = {"x x": "eta*sigma^2/N/(sqrt(v)+eps)^2"}
    full = {**own, "x v": "-2*c*eta*g*sigma^2/N/(sqrt(v)+eps)"}
    found = audit(RMSprop(noise=GAUSS), rms, full)
    allowed = map(str, found.allowed)
    assert found.verdict == "AGREES" and any("covariance x v" in text and "kept" in text for text in allowed)
    wrong = audit(RMSprop(noise=GAUSS), rms, {**own, "x v": "2*c*eta*g*sigma^2/N/(sqrt(v)+eps)"})
    assert [(t.where, str(t.factor)) for t in wrong.terms] == [("covariance x v", "-1")]


EM2 = {"drift": {"x": "-g-eta/2*hess(g)"}, "covariance": {"x x": "sigma^2*(1+eta*hess(1))"}, "order": 2}
SHOWN: list[tuple[Any, dict[str, Any], str, tuple[float | None, float | None]]] = [
    # None: the step's own moment is that of the equation
    (lambda: HeavyBall(noise=GAUSS), {"drift": {"x": "v", "v": "mu*v - g"}}, "x^2/2", (1, None)),
    (lambda: HeavyBall(noise=GAUSS), {"drift": {"x": "v", "v": "-mu*v - g"}, "order": 2}, "x^2/2", (2, 4)),
    (euler_maruyama, EM2, "x^2/2 + x^3/6", (2, 3)),
]


@pytest.mark.parametrize(("method", "claim", "loss", "expected"), slow_but(SHOWN, SHOWN[1:2], rows=True))
def test_the_example_shows_the_term(
    method: Any, claim: dict[str, Any], loss: str, expected: tuple[float | None, float | None]
) -> None:
    example = audit(method(), **claim).example
    assert example is not None and example.loss == loss and example.reason == ""
    assert example.claimed != example.derived
    for own, n in zip(slopes(example.measured), expected, strict=True):
        assert own is n or (own is not None and n is not None and abs(own - n) < 0.1)
    assert all(abs(row.derived) < abs(row.claimed) for row in example.measured)


FIXED = {"drift": {"x": "-g-eta/2*hess(g)"}, "covariance": {"x x": "eta*sigma^2/N"}, "order": 2}
OVER_TIME: list[tuple[Any, dict[str, Any], tuple[float, float]]] = [
    (lambda: EMAMomentum(noise=GAUSS), {"drift": {"x": "-m", "m": "-rho*(g - m)"}}, (0, 1)),
    (lambda: EMAMomentum(noise=GAUSS, regime="fixed"), FIXED, (1, 2)),
]


@pytest.mark.parametrize(("method", "claim", "expected"), slow_but(OVER_TIME, OVER_TIME[:1], rows=True))
def test_weak_orders_over_a_time(method: Any, claim: dict[str, Any], expected: tuple[float, float]) -> None:
    example = audit(method(), **claim).example
    assert example is not None and len(example.over_time) == 2
    for own, n in zip(slopes(example.over_time), expected, strict=True):
        assert own is not None and abs(own - n) < 0.1


@pytest.mark.slow
def test_an_example_through_the_law_of_the_noise() -> None:
    """The step has a jump in its noise: E sign(u) for Gaussian noise is an error function, to 1e-11."""
    drift = {"x": "-(beta1*m+(1-beta1)*g) - wd*x", "m": "rho*(g-m)"}
    example = audit(Lion(noise=GAUSS, clients=1), drift).example
    assert example is not None and example.term.where == "drift x"
    exact = -(sp.erf(3 / sp.sqrt(2)) + 2) / 1000
    assert abs(example.measured[0].derived) < 1e-11 < abs(example.measured[0].claimed)
    assert example.measured[0].exact == pytest.approx(float(example.state["x"][0] + exact), abs=1e-11)


def test_one_step_of_heavy_ball_is_what_it_is() -> None:
    """Var v' = eta sigma^2 in units of v = sqrt(eta) V, and the mean of x' - x = sqrt(eta) V' exactly."""
    found = audit(HeavyBall(noise=GAUSS), {"x": "v", "v": "-mu*v - g"})
    example = found.example
    assert example is not None and example.quantity == "variance of v1" and "after the time 1" in found.latex()
    sigma = float(example.constants["sigma"])
    assert all(row.exact == pytest.approx(float(row.eta) * sigma**2) for row in example.measured)


@pytest.mark.slow
def test_one_step_of_a_game_follows_the_field_of_the_players() -> None:
    method = Extragradient(noise=GAUSS, clients=1)
    found = audit(method, {"x": "-g + eta*hess(g)"}, {"x x": "eta*sigma^2"}, order=2, loss=BilinearGame(2), dim=2)
    assert [str(term.factor) for term in found.terms] == ["2"] and found.example is not None
    assert slopes(found.example.measured) == pytest.approx((2, 3), abs=0.1)


def test_the_paragraph_for_a_referee() -> None:
    found = audit(EMAMomentum(noise=GAUSS), EMA, {"m m": "eta*rho*sigma^2/N"})
    text = found.latex({"rho": r"\varrho"})
    assert r"it is off by the factor $\frac{1}{\varrho}$" in text and r"\texttt{m = beta*m + (1-beta)*G}" in text
    assert text.count("$") % 2 == 0 and text.count("{") == text.count("}")
    assert "no equation of weak order 1" in audit(EMAMomentum(noise=StudentT(1)), EMA).latex()
    assert "has weak order 1" in audit(EMAMomentum(noise=GAUSS), EMA, {"m m": "eta*rho^2*sigma^2/N"}).latex()


@pytest.mark.parametrize(
    ("claim", "field"),
    [
        ({"drift": {"x": "-m"}}, "drift"),
        ({"drift": {**EMA, "y": "0"}}, "drift"),
        ({"drift": {**EMA, "x": "-G"}}, "drift x"),
        ({"drift": {**EMA, "x": "-other(m)"}}, "drift x"),
        ({"drift": EMA, "covariance": {"x m": "eta", "m x": "eta"}}, "covariance"),
        ({"drift": EMA, "diffusion": {"m": ["1", "2"], "x": ["1"]}}, "diffusion"),
        ({"drift": EMA, "where": {"m": "1"}}, "where"),
    ],
)
def test_claims_that_are_not_read(claim: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as error:
        audit(EMAMomentum(noise=GAUSS), **claim)
    assert error.value.field.startswith(field)


def test_letters_that_are_known_to_nobody_are_named() -> None:
    found = audit(EMAMomentum(noise=GAUSS), {**EMA, "m": "rhoo*(g - m)"}, {"m m": "eta*rho^2*sigma^2/N"})
    assert found.unknown == ("rhoo",) and [str(t.factor) for t in found.terms] == ["rhoo/rho"]
