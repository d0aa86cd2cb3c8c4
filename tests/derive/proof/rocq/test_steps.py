"""Potentials that are known by how they change, and psi: Rocq accepts the rules, and not what is false or does not follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.rocq.export import translated
from tests.derive.proof.rocq.drafts import (
    ONE,
    Certificate,
    Tamper,
    add,
    both,
    changed,
    check,
    eq,
    f,
    last_claim,
    le,
    mul,
    put,
    q,
    rocq,
    sq,
    sub,
    without,
    x,
)
from tests.derive.proof.rocq.valid_steps import (
    VALID,
    ball_of_psi,
    decay_in_time,
    decay_of_steps,
    descent_,
    equal_over_time,
    laws_of_psi,
    scheduled_steps,
    summable_in_time,
    summable_of_steps,
    summed,
    telescope_in_time,
    telescope_of_steps,
    unbounded,
)

ALL = ("fatou", "integrability", "localisation", "weak-existence")


@pytest.mark.parametrize("certificate", VALID, ids=lambda c: c.__name__)
def test_kernel_accepts(certificate: Any) -> None:
    """So that what Rocq is asked about is of the format."""
    good = certificate()
    in_time = certificate.__name__.endswith("_in_time")
    integrals = any(s["rule"] in ("telescope", "decay", "summable", "monotone") for s in good["steps"])
    good["statement"]["axioms"] = list(ALL if in_time else ALL[1:2] if integrals else ())
    rebuild(good)


def kinds(certificate: Certificate) -> dict[str, list[str]]:
    """The premises of an exported file, by their kind."""
    found: dict[str, list[str]] = {}
    for p in translated(certificate).premises:
        found.setdefault(p.kind, []).append(p.words)
    return found


def test_the_descent_lemma_has_no_general_premise_but_of_expectations() -> None:
    """What is known of the function and of its step is declared; the lemma, the sum and psi are proved."""
    exported = translated(unbounded())
    assert [p.kind for p in exported.premises] == ["general", "declared", "declared"]
    assert exported.premises[0].words.endswith("(a regular conditional probability)")
    assert exported.proved == 1
    short = "almost surely, given what is known at n"
    assert not any(p.words.endswith(short) for p in exported.premises)
    steps = kinds(descent_())
    assert len(steps["general"]) == 3  # E(. | F_n), the tower property, E
    assert any(words.endswith(short) for words in steps["declared"])
    assert set(steps) == {"general", "declared", "integrable"}


def test_sums_over_steps_need_no_integral() -> None:
    steps, time = kinds(summable_of_steps()), kinds(summable_in_time())
    assert not any("Int" in words for words in [*steps["general"], *steps["integrable"]])
    assert any("Int is linear" in words for words in time["general"])
    assert kinds(summed()) == {"declared": ["T is the number of steps, count__"]}


def test_in_continuous_time_the_sum_of_the_changes_is_dominated() -> None:
    """Without |C| the rule is false: a stochastic integral that is 1 at T is one up to each time that localises it only."""
    assert any(words.startswith("integrable_wt (fun w t => Rabs") for words in kinds(telescope_in_time())["integrable"])
    assert not any("Rabs" in words for words in kinds(telescope_of_steps())["integrable"])


# What is false, or does not follow


def replaced(old: Any, new: Any) -> Tamper:
    """Another term for one, everywhere in the claims from the last rule about a potential on."""

    def put(value: Any) -> Any:
        return new if value == old else [put(v) for v in value] if isinstance(value, list) else value

    def tamper(c: Certificate) -> None:
        found = put([s["claim"] for s in c["steps"] if s["rule"] != "assume"])
        assert found != [s["claim"] for s in c["steps"] if s["rule"] != "assume"]
        for step, claim in zip([s for s in c["steps"] if s["rule"] != "assume"], found, strict=True):
            step["claim"] = claim
        c["statement"]["claim"] = c["steps"][-1]["claim"]

    return tamper


def declared_as(part: str, value: Any) -> Tamper:
    """The context says something else of V."""
    return put("context", "potentials", "V", part, to=value)


def in_time(c: Certificate) -> None:
    del c["context"]["steps"]


def larger(c: Certificate) -> None:
    """The left side of the last claim is more by 1/10."""
    op, left, right = c["statement"]["claim"]
    both(c, [op, add(left, q("1/10")), right])


STEP = mul(x("eta"), x("B"))
RATE = ["/", x("k"), q(2)]
POWER = f("exp", mul(x("T"), f("log", sub(ONE, RATE))))
FASTER = f("exp", mul(q(2), x("T"), f("log", sub(ONE, RATE))))
GROWTH = ["I", mul(q(2), x("up"))]
NORM = ["norm", ["v", "g"]]

TAMPERED: dict[str, tuple[Callable[[], Certificate], Tamper]] = {
    "psi is its value at 0": (descent_, replaced(f("psi", mul(x("L1"), STEP)), q("1/2"))),
    "smoothness that does not grow": (descent_, replaced(add(x("L0"), mul(x("L1"), NORM)), x("L0"))),
    "a longer step": (descent_, declared_as("radius", mul(q(2), STEP))),
    "steps of any length": (descent_, declared_as("radius", None)),
    "another mean": (descent_, declared_as("mean", [[x("eta"), ["v", "g"]]])),
    "L1 may be negative": (descent_, without(0)),
    "a third for a sixth less": (unbounded, larger),
    "L1 with steps of any length": (unbounded, declared_as("smoothness", [["/", x("eta"), q(3)], ONE])),
    "more than the changes": (telescope_of_steps, larger),
    "W may be unbounded": (telescope_of_steps, without(0)),
    "a faster decay": (decay_of_steps, replaced(POWER, FASTER)),
    "the decay of continuous time": (decay_of_steps, replaced(POWER, f("exp", mul(q(-1), RATE, x("T"))))),
    "the decay of steps": (decay_in_time, replaced(f("exp", mul(q(-1), mul(RATE, x("T")))), POWER)),
    "a rate that may be 1": (decay_of_steps, without(3)),
    "steps taken for time": (decay_of_steps, in_time),
    "a sum that grows less": (summable_of_steps, replaced(f("exp", GROWTH), add(ONE, GROWTH))),
    "a drop that may be negative": (summable_of_steps, without(4)),
    "W that may be negative": (summable_in_time, without(0)),
    "a sum up to T + 1": (summed, replaced(sq(x("T")), sq(add(x("T"), ONE)))),
    "an integral for a sum": (summed, in_time),
    "a sum over one step more": (scheduled_steps, last_claim(lambda c: le(add(c[1], ["I", x("h")]), c[2]))),
    "an equality that is none": (equal_over_time, last_claim(lambda c: eq(c[1], add(c[2], x("T"))))),
}


def laws_that_are_none() -> dict[str, Certificate]:
    """Every third law of psi with 1 + t^2 added to the left side of its claim."""
    laws = {}
    for number, draft in enumerate(laws_of_psi()[::3]):
        claim = draft.steps[-1]["claim"]
        draft.steps[-1]["claim"] = [claim[0], add(claim[1], sq(x("t")), ONE), claim[2]]
        laws[f"law of psi {number}"] = draft.done(*(s["claim"] for s in draft.steps[:-1]))
    return laws


@rocq
@pytest.mark.slow
def test_rocq_accepts_the_rules_of_steps_and_nothing_false() -> None:
    valid = {c.__name__: c() for c in VALID if c is not ball_of_psi}
    false = {name: changed(make, tamper) for name, (make, tamper) in TAMPERED.items()}
    check(valid, {**false, **laws_that_are_none()})
    assert not [name for name, c in valid.items() for p in translated(c).premises if p.kind == "assumed"]
