"""Theorems of one's own compared with numbers: instances, one step, the horizon, outside; false ones are found, keys are fixed.

One step and closed means are exact, up to a relative rounding of 1e-9; simulated verdicts come from confidence sequences at 95 %.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.proof.language.terms import Relation, num, under, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks.points import scaled
from sdescent.numerics.evidence.paths.functional import AtTheHorizon, by_paths
from sdescent.numerics.evidence.stated.horizon import at_the_horizon, horizon, means_of_the_method, without_sampling
from sdescent.numerics.evidence.stated.instance import Instance, NoInstance
from sdescent.numerics.evidence.stated.one_step import (
    Seen,
    _result,
    moment,
    of_the_method,
    of_the_sde,
    one_step,
    seen,
    states,
)
from sdescent.numerics.evidence.stated.search import instances
from sdescent.numerics.evidence.verify import verify_stated
from sdescent.numerics.simulate.method import run
from sdescent.numerics.without_sampling.closed_moments import discrete_moment
from tests.support.own_theorems import THEOREMS

PL: dict[str, Any] = {
    "method": "dsgd", "assume": ["smooth: L", "pl: mu", "variance: s", "eta*L <= 1"], "V": "f - fstar",
    "claim": "change <= -eta*mu*V + eta^2*L*s/(2*N)", "conclude": "gronwall",
}  # fmt: skip
SMOOTH: dict[str, Any] = {
    "method": "dsgd", "assume": ["smooth: L", "variance: s", "eta*L <= 1"], "V": "f - fstar",
    "claim": "change <= -eta*G^2/2 + eta^2*L*s/(2*N)", "conclude": "telescope",
}  # fmt: skip
SDE: dict[str, Any] = {
    "method": "dsgd", "model": "corrected", "noise": "gaussian:sigma=sigma", "V": "f - fstar", "conclude": "integrate",
    "assume": ["smooth: L0, L1", "kap > 0", "eta*((L0+L1*G)+kap*L1*d*sigma^2/N) <= 2*eps"],
    "claim": "LV <= -(1-eps)*G^2 + eta*(L0+L1/(4*kap))*d*sigma^2/(2*N)",
}  # fmt: skip
BALL: dict[str, Any] = {
    "method": "heavy-ball", "assume": ["smooth: L", "variance: s", "beta^2 <= 1-eta*L", "eta*L<=1"], "conclude": "telescope",
    "V": "f - fstar + (1-eta*L)/(2*eta)*||v||^2", "claim": "change <= -eta*G^2/2 + eta*s/(2*N)",
}  # fmt: skip
CONFIRMED, VIOLATED, INCONCLUSIVE = Verdict.CONFIRMED, Verdict.VIOLATED, Verdict.INCONCLUSIVE


_INSTANCES: dict[str, tuple[Stated, list[Instance]]] = {}


def instances_of(table: dict[str, Any], **other: Any) -> tuple[Stated, list[Instance]]:
    """A theorem with its instances, which several tests share."""
    key = repr(sorted({**table, **other}.items()))
    if key not in _INSTANCES:
        stated = Stated({**table, **other})
        _INSTANCES[key] = stated, list(instances(stated))
    return _INSTANCES[key]


def step(stated: Stated) -> Relation:
    assert stated.step is not None
    return stated.step


# --- instances


@pytest.mark.slow
def test_every_assumption_holds_at_the_start_of_an_instance_and_not_with_a_larger_step() -> None:
    stated, chosen = instances_of(BALL)
    assert {one.dim for one in chosen} == {1, 2, 5} and {one.clients for one in chosen} == {1, 4}
    for one in chosen:
        state = {"x": one.start[:, None]} | {letter: np.zeros((one.dim, 1)) for letter, _ in one.method.rule.memory}
        assert one.most is not None
        for factor, holds in ((1.0, True), (1.01, False)):
            own = one.with_step(factor * one.most)
            held = own.held(own.numbers(state))
            assert held.keys() >= {name for name in stated.inequalities}
            assert all(np.all(h) for h in held.values()) == holds


def test_a_contradiction_has_no_instance() -> None:
    with pytest.raises(NoInstance):
        instances_of(SMOOTH, assume=["smooth: L", "variance: s", "L >= 2", "L <= 1"])
    (only,) = verify_stated(Stated({**SMOOTH, "assume": ["smooth: L", "variance: s", "L >= 2", "L <= 1"]}))
    assert only.verdict is INCONCLUSIVE and only.count == 0 and only.note.startswith("no instance")


# --- one step


@pytest.mark.slow
def test_the_change_is_that_of_the_method_as_it_is_run() -> None:
    """E f(x_1) - f(x_0) by enumeration against 20000 paths of one step: within five standard errors, 2 comparisons."""
    for one in [one for one in instances_of(SMOOTH)[1] if one.dim == 2 and one.member.curvatures is None]:
        exact = of_the_method(one, {"x": one.start[:, None]}, moment(one, np.zeros(1)))
        made = run(
            one.specialised, one.start, one.eta * 1.001, 20000, 5, params={"eta": one.eta}, loss=one.member.loss, save=2
        )
        change = made.values["loss"][1] - made.values["loss"][0]
        value = next(iter(exact.values())).item()
        assert abs(change.mean() - value) < 5 * change.std() / np.sqrt(change.size)


def test_a_step_that_was_compared_nowhere_is_not_confirmed() -> None:
    assert (
        _result("own", "method", "inside", [Seen(instances_of(PL)[1][0], 0, 0, None, {}, 0)], {}).verdict
        is INCONCLUSIVE
    )


def test_one_step_is_confirmed_tight_and_fails_beyond_the_condition() -> None:
    stated, chosen = instances_of(PL)
    at, inside = one_step("own", chosen, "method", step(stated))
    assert (at.instance["case"], inside.instance["case"]) == ("at the largest step size", "well inside")
    for result in (at, inside):
        assert result.verdict is CONFIRMED and result.failing == 0 and result.count == 400 * len(chosen)
        assert result.tightness == pytest.approx(1, abs=1e-9)
    assert at.outside == {"twice the largest step": True, "ten times the largest step": True} and inside.outside == {}


@pytest.mark.parametrize(
    ("table", "claim"),
    [
        (PL, "change <= -eta*mu*V + eta^2*L*s/(4*N)"),
        pytest.param(BALL, "change <= -eta*G^2/2 + eta*s/(4*N)", marks=pytest.mark.slow),
    ],
)
def test_a_false_theorem_is_violated(table: dict[str, Any], claim: str) -> None:
    stated, chosen = instances_of(table, claim=claim)
    at = one_step("own", chosen, "method", step(stated))[0]
    assert at.verdict is VIOLATED and at.failing > 0
    assert at.instance["worst"]["value"] > at.instance["worst"]["bound"]


@pytest.mark.slow
def test_sums_of_vectors_and_constants_that_equalities_define_have_numbers() -> None:
    """The shifted point of the convex heavy ball: attained in one step, and fails with a smaller floor."""
    table = THEOREMS["convex heavy ball"][0]
    stated, chosen = instances_of(table)
    at = one_step("own", chosen, "method", step(stated))[0]
    assert at.verdict is CONFIRMED and at.tightness is not None and at.tightness < 1 + 1e-6
    values = chosen[0].all_values
    assert values["gain"] * (1 - values["beta"]) == pytest.approx(1, rel=1e-12)
    end = at_the_horizon(stated)
    assert end is not None
    assert horizon("own", [one for one in chosen if one.member.curvatures], "method", end)[0].verdict is CONFIRMED
    less = instances_of(table, claim=str(table["claim"]).replace("scale*L/2", "scale*L/4"))
    assert one_step("own", less[1], "method", step(less[0]))[0].verdict is VIOLATED


@pytest.mark.slow
def test_a_rule_uses_the_value_of_the_loss() -> None:
    """Polyak's step halves x where f = h x^2/2, so that ||x - x*||^2 falls to a quarter."""
    table = {"noise": "none", "assume": ["strongly convex: mu", "smooth: L"], "V": "||x - xstar||^2",
             "method": {"update": ["x = x - (f - fstar)/norm(G)^2*G"]}}  # fmt: skip
    for claim, verdict in (("change <= -3*V/4*mu/L", CONFIRMED), ("change <= -4*V/5", VIOLATED)):
        stated, chosen = instances_of(table, claim=claim)
        small = [one for one in chosen if one.dim == 1]
        assert one_step("own", small, "method", step(stated))[0].verdict is verdict
    # no simulation knows the loss in a rule, which is no error
    last = verify_stated(Stated(THEOREMS["Polyak's step"][0]))[-1]
    assert (last.verdict, last.instance["what"]) == (INCONCLUSIVE, "horizon") and last.note


@pytest.mark.slow
def test_an_sde_and_its_method_are_told_apart() -> None:
    """The SDE of f on a quadratic decays faster than the method, whose step leaves eta h g^2/2: true of one, false of the other."""
    table = {**SDE, "model": "first-order", "assume": ["smooth: L", "strongly convex: mu"], "hints": []}
    stated, chosen = instances_of(table, claim="LV <= -2*mu*V + eta*L*d*sigma^2/(2*N)")
    small = [one for one in chosen if one.dim == 1]
    assert one_step("own", small, "SDE", step(stated))[0].verdict is CONFIRMED
    method = one_step("own", small, "method", step(stated))[0]
    assert method.verdict is VIOLATED and method.note
    one = small[0]
    state, now = states(one, 50, 1), moment(one, np.zeros(50))
    generated, moved = (next(iter(of(one, state, now).values())).ravel() for of in (of_the_sde, of_the_method))
    slope = one.derivative(1, state["x"])[0]
    h = (one.member.curvatures or (0.0,))[0]
    assert np.allclose(moved / one.eta - generated, one.eta * h * slope**2 / 2, rtol=1e-9)


def test_what_the_engine_computes_is_checked_against_the_enumeration() -> None:
    stated = Stated(SMOOTH)
    chosen = list(instances(stated))
    made, name = stated.setting, "covariance of a message"
    assert seen(chosen[0], "method", step(stated)).failing == 0
    wrong = Relation(("==", made.definitions[name].left, num(7)))
    object.__setattr__(made, "definitions", {**made.definitions, name: wrong})
    with pytest.raises(ValueError, match="covariance of a message: the engine and the enumeration differ"):
        seen(chosen[0], "method", step(stated))


SIGNS = {"method": "dsignsgd", "noise": "cauchy:sigma=sigma"}
NORMALISED = {"method": {"memory": {}, "update": ["x = x - eta*G/norm(G)"]}, "noise": "none"}
RAND_1 = {"method": "dcsgd", "compressor": "rand-k:k=1", "noise": "none", "dim": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "claim", "verdict"),
    [
        (SIGNS, "change <= -eta*<g,b> + eta^2*L*d/2", CONFIRMED),
        (SIGNS, "change <= -eta*<g,b> + eta^2*L*d/4", VIOLATED),
        (NORMALISED, "change <= -eta*G + eta^2*L/3", VIOLATED),
        (RAND_1, "change <= -eta*G^2 + 3*eta^2*L*G^2/8", VIOLATED),
    ],
)
def test_other_messages(table: dict[str, Any], claim: str, verdict: Verdict) -> None:
    """Signs, a normalised gradient, Rand-1 of two coordinates (E of a message's square is 2 G^2), each with a false constant."""
    stated, chosen = instances_of({**table, "schedule": "one", "assume": ["smooth: L"], "V": "f - fstar"}, claim=claim)
    assert one_step("own", chosen, "method", step(stated))[0].verdict is verdict
    if table is SIGNS:
        with pytest.raises(NoClosedForm, match="do not close"):
            means_of_the_method(next(one for one in chosen if one.member.curvatures), 2)


@pytest.mark.slow
def test_numbers_that_a_theorem_gives_are_taken() -> None:
    _, chosen = instances_of(
        PL, clients=2, assume=["smooth: 1", "pl: 1/4", "variance: 1", "eta == 1/2"], claim="change <= -V/8 + 1/16"
    )
    assert {(one.eta, one.clients, one.most) for one in chosen} == {(0.5, 2, None)}
    _, many = instances_of(SMOOTH, assume=[*SMOOTH["assume"], "N >= 16"])
    assert min(one.clients for one in many) >= 16


# --- the horizon


@pytest.mark.slow
def test_closed_means_are_those_of_the_moment_recursion() -> None:
    one = next(one for one in instances_of(SMOOTH)[1] if one.dim == 2 and one.member.curvatures is not None)
    method_means = means_of_the_method(one, 5)
    for j in range(2):
        other = discrete_moment(
            one.specialised, one.member.loss, one.start, 5 * one.eta, f"x{j + 1}^2", {"eta": one.eta}
        )
        assert method_means.product("x", "x")[5, j] == pytest.approx(other.value, rel=1e-10)


@pytest.mark.slow
def test_the_horizon_without_sampling_and_a_false_one() -> None:
    for claim, verdict in ((SMOOTH["claim"], CONFIRMED), ("change <= -3*eta*G^2/4 + eta^2*L*s/(2*N)", VIOLATED)):
        stated, chosen = instances_of(SMOOTH, claim=claim)
        small = [one for one in chosen if one.dim == 1]
        end = at_the_horizon(stated)
        assert end is not None
        at = horizon("own", small, "method", end)[0]
        assert at.verdict is verdict and at.route == "closed moments" and (at.tightness or 0) < 1.1
    with pytest.raises(NoClosedForm):
        without_sampling("own", next(one for one in chosen if one.member.curvatures is None), "method", end, "")


STEPS = {**SMOOTH, "step": SMOOTH["claim"]}
START = {**STEPS, "assume": [*STEPS["assume"], "V0 <= D"], "claim": "Esum(G^2)/K <= 2*D/(eta*K) + eta*L*s/N"}


def test_assumptions_about_the_start_hold() -> None:
    """A constant that bounds V0 is at least V0 of the instance."""
    for one in instances(Stated(START)):
        (v0,) = one.starts.values()
        assert one.values["D"] >= v0


def test_a_time_must_be_positive() -> None:
    with pytest.raises(BadInput):
        sd.verify(Stated(SMOOTH), seconds=0)


@pytest.mark.slow
def test_paths_confirm_and_a_wrong_bound_is_violated() -> None:
    stated, chosen = instances_of(SMOOTH)
    one, end = next(one for one in chosen if one.dim == 2 and one.member.curvatures is None), at_the_horizon(stated)
    assert end is not None
    right = by_paths("own", one, "method", end, "at the largest step size")
    assert (
        right.verdict is CONFIRMED
        and 1 < (right.tightness or 0) < 1.5
        and right.outside["twice the largest step"] is True
    )
    wrong = by_paths("own", one, "method", scaled(end, 0.5), "at the largest step size", 1.0)
    assert wrong.verdict is VIOLATED


def test_a_stop_cuts_what_is_random_and_not_the_sum_of_the_schedule() -> None:
    """Two paths that stay at the start, and leave it after the first of five steps: E sum u G^2/sum u is G^2, and a fifth of it."""
    _, chosen = instances_of(SMOOTH)
    one = next(one for one in chosen if one.dim == 2 and one.member.curvatures is None)
    u = x("u")
    claim = (under("EI", u * nm.G**2) / under("I", u)).le(1)
    sides = AtTheHorizon(one, claim, "method", 5)
    at = np.repeat(one.start[:, None, None], 6, axis=1).repeat(2, axis=2)
    at[:, 1:, 1] = np.nan
    values, stopped = sides.of(SimpleNamespace(values={"x1": at[0], "x2": at[1]}))  # pyright: ignore[reportArgumentType]
    square = np.sum(one.derivative(1, one.start[:, None]) ** 2)
    assert values == pytest.approx([square, square / 5]) and stopped == 1


@pytest.mark.slow
def test_a_theorem_about_an_sde_by_verify() -> None:
    results = sd.verify(Stated(SDE), seconds=300)
    kinds = {(v.subject, v.instance["what"], v.route) for v in results}
    assert kinds == {
        ("SDE", "one step", "points"), ("method", "one step", "enumeration"),
        ("SDE", "horizon", "Monte Carlo"), ("method", "horizon", "Monte Carlo"),
    }  # fmt: skip
    assert all(v.verdict is CONFIRMED for v in results)
    assert 1 <= min(v.tightness or 0 for v in results if v.subject == "SDE") < 1.1


@pytest.mark.slow
def test_assumptions_about_the_number_of_steps_hold() -> None:
    """The textbook telescope with K = 2 put in."""
    claim = "Esum(G^2) <= 2*V0/eta + 2*eta*L*s/N"
    stated, chosen = instances_of({**STEPS, "assume": [*SMOOTH["assume"], "K == 2"], "claim": claim})
    relation = at_the_horizon(stated)
    assert relation is not None
    ran = horizon("own", chosen, "method", relation)
    one = by_paths("own", next(one for one in chosen if one.member.curvatures is None), "method", relation, "inside")
    assert {v.verdict for v in (*ran, one)} <= {CONFIRMED, INCONCLUSIVE} and CONFIRMED in {v.verdict for v in ran}
    assert {v.instance["steps"] for v in (*ran, one)} == {2}


def test_a_number_of_steps_that_is_not_met_has_no_verdict() -> None:
    stated, chosen = instances_of({**SMOOTH, "assume": [*SMOOTH["assume"], "K == 1/2"]})
    relation = at_the_horizon(stated)
    assert relation is not None
    one = next(one for one in chosen if one.member.curvatures is not None)
    with pytest.raises(NoInstance, match="no number of steps"):
        without_sampling("own", one, "method", relation, "inside")
