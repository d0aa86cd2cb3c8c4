"""The findings of a check of a piece, such as a law or a compressor."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

#: the property that a finding names if nothing can be tested
EVERYTHING = "everything"
#: advice for a property that holds only at some values of the symbols
WHICH = "say which values the piece takes, by a BadInput from its __post_init__ for other numbers"
Status = Literal["passed", "failed", "untested"]


@dataclass(frozen=True)
class Finding:
    """The finding about one property of a piece.

    Args:
        what: the property, such as "symmetry".
        status: "passed", "failed" or "untested".
        detail: the comparison and the number of its points; for a failure, the numbers; for an untested property, the reason.
    """

    what: str
    status: Status
    detail: str

    def __str__(self) -> str:
        return f"{self.status:8}  {self.what}: {self.detail}"


@dataclass(frozen=True)
class Findings:
    """The findings of `sd.check` about a piece; `print` shows one per line.

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
        """Whether no property failed its test."""
        return not self.failed

    @property
    def passed(self) -> tuple[Finding, ...]:
        """The properties that passed their tests."""
        return self._with("passed")

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The properties that failed their tests, with the numbers."""
        return self._with("failed")

    @property
    def untested(self) -> tuple[Finding, ...]:
        """The properties that could not be tested, with the reasons."""
        return self._with("untested")

    def to_dict(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {"piece": str(self.piece), "ok": self.ok, "findings": [asdict(f) for f in self.all]}

    def __str__(self) -> str:
        count = f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.untested)} not tested"
        return "\n".join([f"{self.piece}: {count}", *(f"  {f}" for f in self.all)])


@dataclass(frozen=True)
class Compared:
    """Pairs of values that should agree. A pair whose stated value is nan (as for 0 log 0) does not count.

    Args:
        places: the places of the pairs, in words.
        stated: the values that the piece states.
        implied: the values that follow from its other statements.
        slack: the accepted difference of each pair.
    """

    places: list[str]
    stated: np.ndarray
    implied: np.ndarray
    slack: np.ndarray

    @property
    def count(self) -> int:
        """The number of pairs that count."""
        return int(np.sum(~np.isnan(self.stated)))

    def worst(self) -> str | None:
        """The pair with the largest difference relative to its slack, in words; None if all pairs agree."""
        gap = np.where(np.isnan(self.stated), 0.0, np.abs(self.stated - self.implied) / self.slack)
        gap = np.where(np.isnan(gap), np.inf, gap)
        if not len(gap) or gap.max() <= 1:
            return None
        n = int(np.argmax(gap))
        return f"{self.places[n]} it says {self.stated[n]:.6g}, which should be {self.implied[n]:.6g}"


def joined(runs: Iterable[tuple[str, list[Finding]]]) -> list[Finding]:
    """The findings at several values of a piece's symbols, merged into one list.

    A property that fails at some values has failed. The detail then lists the values at which it holds, since the others may lie
    outside the domain for which the piece is meant.

    Args:
        runs: pairs of the values in words ("" for a piece without symbols) and the findings there.
    """
    table: dict[str, list[tuple[str, Finding]]] = {}
    for at, findings in runs:
        for finding in findings:
            table.setdefault(finding.what, []).append((at, finding))
    if len(table) > 1:
        table.pop(EVERYTHING, None)  # it came from values at which nothing can be tested
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
