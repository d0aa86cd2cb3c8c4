"""The result of comparing an entry with numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from derive.vocabulary.verdicts import Verdict
from numerics.statistics.record import Record
from numerics.statistics.verdicts import Decision


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
        note: how far the result carries.
        decision: of a Monte Carlo route.
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
