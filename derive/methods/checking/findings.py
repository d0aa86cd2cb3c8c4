"""The findings of a check of a piece."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

#: the name of the property in a finding that nothing can be tested
EVERYTHING = "everything"
#: advice if a property holds at some values of the symbols only
WHICH = "say which values the piece takes, by a BadInput from its __post_init__ for other numbers"
Status = Literal["passed", "failed", "untested"]


@dataclass(frozen=True)
class Finding:
    """One property of a piece.

    Args:
        what: the property, such as "symmetry".
        status: "passed", "failed" or "untested".
        detail: the comparison and its places; the numbers of a failure; the reason for no test.
    """

    what: str
    status: Status
    detail: str

    def __str__(self) -> str:
        return f"{self.status:8}  {self.what}: {self.detail}"


@dataclass(frozen=True)
class Findings:
    """The findings of `sd.check` about a piece; `print` shows one a line.

    Args:
        piece: the piece that was checked.
        all: the findings, in the order of the tests.
    """

    piece: Any
    all: tuple[Finding, ...] = field(repr=False)

    def _with(self, status: Status) -> tuple[Finding, ...]:
        return tuple(f for f in self.all if f.status == status)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    @property
    def passed(self) -> tuple[Finding, ...]:
        """Properties that were tested and hold."""
        return self._with("passed")

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Properties that were tested and do not hold, with the numbers."""
        return self._with("failed")

    @property
    def untested(self) -> tuple[Finding, ...]:
        """Properties that could not be tested, with the reasons."""
        return self._with("untested")

    def to_dict(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {"piece": str(self.piece), "ok": self.ok, "findings": [asdict(f) for f in self.all]}

    def __str__(self) -> str:
        count = f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.untested)} not tested"
        return "\n".join([f"{self.piece}: {count}", *(f"  {f}" for f in self.all)])


@dataclass(frozen=True)
class Compared:
    """Values that should agree. A stated value that is not a number (0 log 0) does not count.

    Args:
        places: of the pairs, in words.
        stated: the values that the piece states.
        implied: the values that follow from its other statements.
        slack: how far the values of each pair may be apart.
    """

    places: list[str]
    stated: np.ndarray
    implied: np.ndarray
    slack: np.ndarray

    @property
    def count(self) -> int:
        """The number of pairs that are compared."""
        return int(np.sum(~np.isnan(self.stated)))

    def worst(self) -> str | None:
        """The pair that exceeds its slack most, in words; None if all pairs agree."""
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
        by = {s: [(at, f) for at, f in entries if f.status == s] for s in ("failed", "passed", "untested")}
        status: Any = next(s for s in by if by[s])
        at, first = by[status][0]
        detail = first.detail if not at else f"at {at}: {first.detail}"
        if status == "failed" and by["passed"]:
            detail += f"; it holds at {', '.join(a for a, _ in by['passed'])}: {WHICH}"
        merged.append(Finding(what, status, detail))
    return merged
