"""One entry at many points: at each point where all assumptions hold, the claim must hold.

At points where exactly one assumption fails, the claim may fail too. If it does, that assumption is needed.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from sdescent.derive.proof.language.terms import Relation
from sdescent.derive.theorems.catalogue import with_own
from sdescent.derive.theorems.entry.theorem import Refutation
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks.formulas import Numbers, conclusion, obeyed, paths, theorem_of
from sdescent.numerics.evidence.checks.result import Verified, verdict_of


def at_points(
    id: str, numbers: Numbers, subject: str = "SDE", claim: Relation | None = None, route: str = "points", note: str = "",
    instance: dict[str, Any] | None = None, shared: bool = False, covered: bool = True, apart: str = "",
) -> Verified:  # fmt: skip
    """The verdict on an entry's claim at points.

    Args:
        id: the id of a theorem.
        numbers: values of its atoms at the points (the last axis). Definitions supply missing values.
        subject, route, note, instance, apart: see `Verified`; the note ends with `apart`.
        claim: the claim to judge instead of the entry's own.
        shared: whether all points form one case, such as the outcomes in an expectation.
        covered: whether the theorem is about these numbers. If not, its definitions may fail there: the stationary law of the
            method differs from that of its SDE, for example.

    Raises:
        NoNumber: a part of the claim has no value.
        ValueError: a definition fails at the points, so that the theorem is not about them.
    """
    theorem = theorem_of(id)
    numbers = numbers.defined(theorem.definitions)
    defined, open_ = numbers.held(theorem.definitions if covered else {})
    held, unknown = numbers.held(theorem.assumptions)
    wrong = [name for name, holds in defined.items() if not np.all(holds)]
    if wrong:
        raise ValueError(f"{id}: the points do not satisfy {', '.join(wrong)}")
    claim = conclusion(id) if claim is None else claim
    left, right = numbers.sides(claim)
    good = np.broadcast_to(np.all(obeyed(claim.op, left, right), axis=0), (numbers.size[-1],))
    if shared:
        held, good = {name: np.all(h, keepdims=True) for name, h in held.items()}, np.all(good, keepdims=True)
    everything = np.all([*held.values(), np.ones(len(good), bool)], axis=0)
    outside: dict[str, bool | None] = {}
    for name, holds in held.items():
        rest = np.all([*(h for other, h in held.items() if other != name), ~holds], axis=0)
        outside[name] = bool(np.any(~good[rest])) if np.any(rest) else None
    count = int(np.sum(everything))
    inside = everything if left.shape[1] == len(everything) else np.ones(left.shape[1], bool)
    says = claim.op not in ("==", "!=") and count > 0 and np.any(left)
    tightness = tightness_of(left[:, inside], right[:, inside]) if says else None
    failing = int(np.sum(~good[everything]))
    verdict = verdict_of(failing, count)
    note, unchecked = f"{note}: {apart}" if apart else note, (*open_, *unknown)
    return Verified(
        id, subject, route, verdict, tightness, instance or {}, count, failing, outside, unchecked, note, apart=apart
    )


def scaled(claim: Relation, scale: float) -> Relation:
    """The claim with its right side multiplied by `scale`. A scale below 1 plants an error."""
    return claim if scale == 1 else Relation((claim.op, claim.left, claim.right * Fraction(scale)))


def merged(results: Sequence[Verified]) -> Verified:
    """One result for several families of points: violated if one of them is. An assumption is needed if one family needs it."""
    first = results[0]
    verdicts = [one.verdict for one in results if one.count or one.verdict is Verdict.VIOLATED] or [first.verdict]
    ratios = [one.tightness for one in results if one.tightness is not None]
    return replace(
        first, outside=needed(results), count=sum(one.count for one in results), failing=sum(one.failing for one in results),
        tightness=min(ratios) if ratios else None,
        verdict=Verdict.VIOLATED if Verdict.VIOLATED in verdicts else verdicts[0],
        instance={"cases": len(results), "first": dict(first.instance)} if len(results) > 1 else first.instance,
    )  # fmt: skip


def needed(results: Sequence[Verified]) -> dict[str, bool | None]:
    """The combined `outside` of several results: for an assumption, one failure counts."""
    outside: dict[str, bool | None] = {}
    for one in results:
        for name, fails in one.outside.items():
            outside[name] = fails if outside.get(name) is None else bool(outside[name] or fails)
    return outside


def at_witness(id: str) -> Verified:
    """Evaluates a refuted claim at its witness in floats: VIOLATED if the assumptions hold there and the claim fails.

    `outside` says for each assumption of the repair whether the witness satisfies it; at least one of them must fail.
    """
    entry = with_own()[id]
    assert isinstance(entry, Refutation)
    numbers = Numbers({("x", name): paths(float(value)) for name, value in entry.witness.items()})  # pyright: ignore[reportArgumentType]
    assumed = all(bool(np.all(numbers.holds(r))) for r in entry.assume.values())
    holds = bool(np.all(numbers.holds(entry.claim)))
    verdict = verdict_of(assumed and not holds, assumed)
    mended: dict[str, bool | None] = {name: bool(np.all(numbers.holds(r))) for name, r in entry.mended.items()}
    left, right = numbers.sides(entry.claim)
    witness = {name: float(value) for name, value in entry.witness.items()}
    note = "the numbers refute the claim; `outside` says which assumptions of the repair they satisfy"
    tightness, failing = tightness_of(left, right), int(assumed and not holds)
    return Verified(id, "formula", "witness", verdict, tightness, witness, 1, failing, mended, (), note)


def tightness_of(left: np.ndarray, right: np.ndarray) -> float:
    """The least ratio bound/value: right/left if left > 0, left/right if both sides are negative (1 is equality)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        both = np.where(left > 0, right / left, np.where(right < 0, left / right, np.inf))
    both = np.where((left > 0) & (right <= 0), 0.0, both)
    both = both[~np.isnan(both)]
    return float(np.min(both)) if both.size else float("inf")
