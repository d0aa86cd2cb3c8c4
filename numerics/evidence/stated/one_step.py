"""One step at many states: the exact change of V against the claim, within the assumptions, at their limit and beyond."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from sdescent.derive.proof.language.terms import Relation, x
from sdescent.numerics.evidence.checks.formulas import Numbers, obeyed, paths
from sdescent.numerics.evidence.checks.points import tightness_of
from sdescent.numerics.evidence.checks.result import Verified, verdict_of
from sdescent.numerics.evidence.stated.change import Change, moment, of_the_method, of_the_sde, reached, states
from sdescent.numerics.evidence.stated.instance import Instance, State

#: number of states of each instance
COUNT = 400
#: step sizes within the condition and beyond it, relative to the largest allowed one
INSIDE, BEYOND = 0.25, (2.0, 10.0)
WORDS = {2.0: "twice the largest step", 10.0: "ten times the largest step"}
#: notes for the method if the theorem is about its SDE
ABOUT_THE_SDE = "the theorem is about the SDE"
IN_PLACE = f"{ABOUT_THE_SDE}: (E V(x_(n+1)) - V(x_n))/eta in place of L V"
#: the largest time at which a changing schedule is evaluated
LATE = 10.0


@final
@dataclass(frozen=True)
class Seen:
    """The claim at the states of one instance.

    Args:
        one: the instance.
        count: the number of states at which the assumptions hold.
        failing: the number of these states at which the claim fails.
        tightness: the least bound/value over these states.
        worst: the state with the least relative room, among those at which the claim fails if there are any.
        broken: the number of states at which the claim fails, with or without the assumptions.
    """

    one: Instance
    count: int
    failing: int
    tightness: float | None
    worst: Mapping[str, Any]
    broken: int


def changes(one: Instance, subject: str) -> Change:
    """The function for the change of V: that of the method (divided by eta for a theorem about an SDE), or L V."""
    if subject == "SDE":
        return of_the_sde
    if one.stated.about == "method":
        return of_the_method
    return lambda one, state, now: {t: a / one.eta for t, a in of_the_method(one, state, now).items()}


def seen(one: Instance, subject: str, claim: Relation, count: int = COUNT, seed: int = 0) -> Seen:
    """The claim about one step at random states.

    Raises:
        ValueError: a definition that the engine computed does not hold at these states.
        NoClosedForm: the step has no finite law here.
    """
    state = states(one, count, seed)
    late = np.random.default_rng((22, seed)).uniform(0, LATE, count)
    now = moment(one, late)
    with np.errstate(all="ignore"):
        numbers = one.numbers(state).plus({x("u"): paths(now.u), **changes(one, subject)(one, state, now)})
        return _judged(one, state, numbers, claim, subject, reached(one, state, now))


def _judged(one: Instance, state: State, numbers: Numbers, claim: Relation, subject: str, short: np.ndarray) -> Seen:
    held = np.all([*one.held(numbers).values(), short], axis=0)
    if subject == "SDE" or one.stated.about == "method":
        _check_definitions(one, numbers)
    left, right = (np.broadcast_to(a, (1, numbers.size[-1])) for a in numbers.sides(claim))
    good = obeyed(claim.op, left, right)[0]
    failing = held & ~good
    candidates = failing if np.any(failing) else held
    room = (right - left)[0] / (np.abs(left) + np.abs(right) + 1e-300)[0]
    worst = int(np.argmin(np.where(candidates, np.nan_to_num(room, nan=-np.inf), np.inf)))
    tightness = tightness_of(left[:, held], right[:, held]) if np.any(held) else None
    place = {letter: [float(f"{v:.5g}") for v in a[:, worst]] for letter, a in state.items()}
    place |= {"value": float(f"{left[0, worst]:.6g}"), "bound": float(f"{right[0, worst]:.6g}")}
    broken, worst_state = int(np.sum(~good)), place if np.any(candidates) else {}
    return Seen(one, int(np.sum(held)), int(np.sum(failing)), tightness, worst_state, broken)


def _check_definitions(one: Instance, numbers: Numbers) -> None:
    """Checks the definitions that the engine computed against the numbers of the enumeration."""
    for name, relation in one.stated.setting.definitions.items():
        try:
            holds = numbers.holds(relation)
        except ValueError:  # it is about the start, or a part has no number
            continue
        finite = np.isfinite(numbers.sides(relation)[0]).all(axis=0)
        if not np.all(holds | ~finite):
            raise ValueError(f"{name}: the engine and the enumeration differ on {one.member.name}")


def steps_of(one: Instance) -> dict[str, Instance]:
    """The instance at the largest allowed step size (or at any, if there is no limit), and well inside the limit."""
    if one.constants.fixed:
        return {"at its step size": one}
    first = "at the largest step size" if one.most is not None else "at any step size"
    return {first: one, "well inside": one.with_step(INSIDE * one.eta)}


def one_step(id: str, chosen: Sequence[Instance], subject: str, claim: Relation) -> list[Verified]:
    """The claim about one step on all instances, at the largest step size and well inside the limit.

    Args:
        id: the id of the theorem.
        chosen: the instances, at least one.
        subject: "SDE" or "method".
        claim: the claim, in the terms of the setting.
    """
    groups: dict[str, list[Seen]] = {}
    for one in chosen:
        for words, instance in steps_of(one).items():
            groups.setdefault(words, []).append(seen(instance, subject, claim))
    outside = {words: beyond(chosen, subject, claim) if "largest" in words else {} for words in groups}
    return [_result(id, subject, words, several, outside[words]) for words, several in groups.items()]


def beyond(chosen: Sequence[Instance], subject: str, claim: Relation) -> dict[str, bool | None]:
    """Whether the claim fails at some state if the step size exceeds the limit."""
    bounded = [one for one in chosen if one.most is not None]
    fails: dict[str, bool | None] = {}
    for factor in BEYOND:
        fails[WORDS[factor]] = any(seen(one.with_step(factor * one.eta), subject, claim).broken for one in bounded)
    return fails if bounded else {}


def _result(id: str, subject: str, words: str, results: Sequence[Seen], outside: Mapping[str, bool | None]) -> Verified:
    count, failing = sum(s.count for s in results), sum(s.failing for s in results)
    measured = [s for s in results if s.tightness is not None]
    if failing:
        worst = max(results, key=lambda s: s.failing)
    else:
        worst = min(measured, key=lambda s: s.tightness or 0.0, default=results[0])
    verdict = verdict_of(failing, count)
    about = worst.one.stated.about == "method"
    note = "" if about or subject == "SDE" else IN_PLACE
    instance = {"what": "one step", "case": words, "cases": len(results), **worst.one.description}
    instance["worst"] = dict(worst.worst)
    tight = min((s.tightness for s in measured if s.tightness is not None), default=None)
    route = "points" if subject == "SDE" else "enumeration"
    return Verified(id, subject, route, verdict, tight, instance, count, failing, outside, (), note)
