"""What a check of a piece found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

#: the property of a piece of which nothing can be tested
EVERYTHING = "everything"
#: what helps where a property holds at some values of the symbols only
WHICH = "say which values the piece takes, by a BadInput from its __post_init__ for other numbers"
Status = Literal["passed", "failed", "untested"]


@dataclass(frozen=True)
class Finding:
    """One property of a piece.

    Args:
        what: the property, such as "symmetry".
        status: "passed", "failed" or "untested".
        detail: what was compared where; of a failure the numbers, of what was not tested the reason.
    """

    what: str
    status: Status
    detail: str

    def __str__(self) -> str:
        return f"{self.status:8}  {self.what}: {self.detail}"


@dataclass(frozen=True)
class Findings:
    """What `sd.check` found about a piece; `print` shows it line by line.

    Args:
        piece: what was checked.
        all: every property, in the order of the tests.
    """

    piece: Any
    all: tuple[Finding, ...] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    @property
    def passed(self) -> tuple[Finding, ...]:
        """What was tested and holds."""
        return tuple(f for f in self.all if f.status == "passed")

    @property
    def failed(self) -> tuple[Finding, ...]:
        """What was tested and does not hold, with the numbers."""
        return tuple(f for f in self.all if f.status == "failed")

    @property
    def untested(self) -> tuple[Finding, ...]:
        """What could not be tested, and why."""
        return tuple(f for f in self.all if f.status == "untested")

    def to_dict(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {"piece": str(self.piece), "ok": self.ok, "findings": [asdict(f) for f in self.all]}

    def __str__(self) -> str:
        count = f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.untested)} not tested"
        return "\n".join([f"{self.piece}: {count}", *(f"  {f}" for f in self.all)])


@dataclass(frozen=True)
class Compared:
    """Values that should agree, at places, in words. A stated value that is not a number (0 log 0) is left out.

    Args:
        places: where each pair of values stands.
        stated: what the piece says.
        implied: what follows from its other statements.
        slack: how far they may be apart, each.
    """

    places: list[str]
    stated: np.ndarray
    implied: np.ndarray
    slack: np.ndarray

    @property
    def count(self) -> int:
        """How many pairs are compared."""
        return int(np.sum(~np.isnan(self.stated)))

    def worst(self) -> str | None:
        """The pair that is furthest apart beyond its slack, in words; None if all agree."""
        gap = np.where(np.isnan(self.stated), 0.0, np.abs(self.stated - self.implied) / self.slack)
        gap = np.where(np.isnan(gap), np.inf, gap)
        if not len(gap) or gap.max() <= 1:
            return None
        n = int(np.argmax(gap))
        return f"{self.places[n]} it says {self.stated[n]:.6g}, which should be {self.implied[n]:.6g}"


def joined(runs: Iterable[tuple[str, list[Finding]]]) -> list[Finding]:
    """The findings at several values of a piece's symbols as one list.

    A property has failed if it fails at some value; the detail says at which it holds, since a value may lie outside of the
    domain that the piece is meant for.

    Args:
        runs: (the values in words, "" for a piece without symbols; the findings there).
    """
    table: dict[str, list[tuple[str, Finding]]] = {}
    for at, findings in runs:
        for finding in findings:
            table.setdefault(finding.what, []).append((at, finding))
    if len(table) > 1:
        table.pop(EVERYTHING, None)  # of values at which there is nothing to test
    merged = []
    for what, entries in table.items():
        by = {
            status: [(at, f) for at, f in entries if f.status == status] for status in ("failed", "passed", "untested")
        }
        status: Any = next(s for s in by if by[s])
        at, first = by[status][0]
        detail = first.detail if not at else f"at {at}: {first.detail}"
        if status == "failed" and by["passed"]:
            detail += f"; it holds at {', '.join(a for a, _ in by['passed'])}: {WHICH}"
        merged.append(Finding(what, status, detail))
    return merged
