"""The result of a comparison of an entry with numbers, and its verdict."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.record import Record
from sdescent.numerics.statistics.verdicts import CERTAIN, Decision


def verdict_of(wrong: Any, right: Any) -> Verdict:
    """The verdict on a claim: `wrong` says whether numbers refute it, `right` whether they confirm it."""
    return Verdict.VIOLATED if wrong else Verdict.CONFIRMED if right else Verdict.INCONCLUSIVE


@final
@dataclass(frozen=True)
class Verified(Record, null=True):
    """The comparison of an entry with one instance.

    Attributes:
        id: the id of the entry.
        subject: "SDE", "method", or "formula" for facts without a process. If the theorem does not cover the subject, the result
            shows how far the theorem carries over.
        route: "points", "closed moments", "quadrature", "enumeration", "Monte Carlo" or "witness".
        verdict: the verdict on the entry's last claim, or on the claim that a refutation refutes.
        tightness: bound/estimate, the least one for points. None if neither side says more than the other (an equality).
        instance: the numbers, as JSON values.
        count: the number of points at which the assumptions hold, or of paths.
        failing: the number of these points at which the claim fails.
        outside: assumption -> whether the claim fails at a point where only that assumption fails (None: no such point occurred).
            If the claim never fails without an assumption, the assumption may be stronger than needed.
        unchecked: assumptions and definitions without a value on the instance, which is constructed so that they hold.
        note: the scope of the result.
        decision: the decision of a Monte Carlo route.
        apart: how far an equality is from holding, or why a claim need not hold if the theorem is not about the subject.
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
        """The numbers shown beside a proof, as JSON values: points and failures, or the interval, with all settings.

        "level" is the confidence level of the end of the interval that is nearer to the bound: 1 without sampling.
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
        about: the subject of the theorem, "method" or an SDE.
    """
    subjects = {"method"} if about == "method" else {"SDE", "formula"}
    return [one for one in results if one.subject in subjects and one.verdict is Verdict.VIOLATED]
