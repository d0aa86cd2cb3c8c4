"""The result of comparing an entry with numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.record import Record
from sdescent.numerics.statistics.verdicts import CERTAIN, Decision


def verdict_of(wrong: Any, right: Any) -> Verdict:
    """The verdict on a claim, by whether numbers show it wrong and whether they show it right."""
    return Verdict.VIOLATED if wrong else Verdict.CONFIRMED if right else Verdict.INCONCLUSIVE


@final
@dataclass(frozen=True)
class Verified(Record, null=True):
    """The comparison of an entry with one instance.

    Attributes:
        id: of the entry.
        subject: "SDE", "method" (not covered: shows how far the theorem carries over), or "formula" for facts without a process.
        route: "points", "closed moments", "quadrature", "enumeration", "Monte Carlo" or "witness".
        verdict: on the entry's last claim; for a refutation, on the claim that it refutes.
        tightness: bound/estimate, at points the least of it; None where neither side says more than the other (an equality).
        instance: the numbers, as JSON values.
        count: points at which the assumptions hold, or paths; failing: at how many of these points the claim does not.
        outside: assumption -> whether the claim fails at a point where that assumption alone does not hold (None: no such point was
            met). An assumption without which the claim never fails may be stronger than needed.
        unchecked: assumptions and definitions that have no value on the instance, which is made so that they hold.
        note: the scope of the result.
        decision: of a Monte Carlo route.
        apart: how far an equality is from holding, or why a claim need not hold, where the theorem is not about the subject.
    """

    id: str
    subject: str
    route: str
    verdict: Verdict
    tightness: float | None
    instance: Mapping[str, Any]
    count: int
    failing: int = 0
    outside: Mapping[str, bool | None] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()
    note: str = ""
    decision: Decision | None = None
    apart: str = ""

    @property
    def measured(self) -> dict[str, Any]:
        """The numbers beside a proof, as JSON values: points and failures, or the interval, with all settings.

        "level" is the confidence of the end of the interval nearer to the bound: 1 without sampling.
        """
        numbers = {
            name: value
            for name, value in self.to_dict().items()
            if name not in ("id", "verdict", "outside", "unchecked")
        }
        return {**numbers, "level": 1.0 if self.decision is None else CERTAIN}


def contradicting(results: Iterable[Verified], about: str) -> list[Verified]:
    """The results that contradict a proof of the theorem: violations on the subject that it covers.

    Args:
        about: what the theorem is about, "method" or an SDE.
    """
    subjects = {"method"} if about == "method" else {"SDE", "formula"}
    return [one for one in results if one.subject in subjects and one.verdict is Verdict.VIOLATED]
