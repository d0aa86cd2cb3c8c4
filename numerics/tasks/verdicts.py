"""Verdicts on claims by inequalities with intervals: the verdict, what would change it, and that of two studies together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.estimates import Estimate

DISAGREE = "the two studies disagree"


@final
@dataclass(frozen=True)
class Condition:
    """An inequality that a criterion asks for, judged by an interval.

    Attributes:
        setting: the index of the setting.
        quantity: what is estimated, in words.
        estimate: the median with its interval.
        boundary: the number that it is compared with.
        below: whether the quantity has to be below the boundary, or else above it.
        fatal: whether the claim fails where the contrary is shown.
    """

    setting: int
    quantity: str
    estimate: Estimate
    boundary: float
    below: bool = True
    fatal: bool = False

    def end(self, far: bool) -> float:
        """The end of the interval that is nearer to the forbidden side (`far` False: the other one)."""
        return self.estimate.upper if self.below is far else self.estimate.lower

    @property
    def met(self) -> bool:
        """Whether it holds for the whole interval."""
        return self.end(True) < self.boundary if self.below else self.end(True) > self.boundary

    @property
    def broken(self) -> bool:
        """Whether the contrary holds for the whole interval: not below the boundary, or below it."""
        return self.end(False) >= self.boundary if self.below else self.end(False) < self.boundary

    def widths(self, far: bool) -> float:
        """How far that end is from the boundary, in widths of the interval."""
        width, off = self.estimate.upper - self.estimate.lower, abs(self.end(far) - self.boundary)
        return off / width if width > 0 else np.inf if off else 0.0


@final
@dataclass(frozen=True)
class Change:
    """The least that would change a verdict: an end of an interval at the other side of a boundary.

    Attributes:
        to: the verdict that would follow.
        condition: whose boundary it is.
        upper: whether it is the upper end.
        end, widths: where this end is, and how far from the boundary in widths of the interval.
    """

    to: Verdict
    condition: Condition
    upper: bool
    end: float
    widths: float


@final
@dataclass(frozen=True)
class Finding:
    """Whether a claim was seen.

    Attributes:
        seen: by the criterion of the function that made it.
        fails: whether the contrary is shown: an interval lies wholly on the other side. Neither: the runs do not decide.
        each: one word for each setting, in their order.
        estimates: the intervals, in the order of the function's description.
        reason: why not, in a few words; empty where seen.
        conditions: all inequalities that the criterion asks for.
        hindered: what no interval says and yet decides: runs that left the bound, a comparison that is not fair; else "".
    """

    seen: bool
    fails: bool
    each: tuple[str, ...]
    estimates: tuple[Estimate, ...]
    reason: str = ""
    conditions: tuple[Condition, ...] = ()
    hindered: str = ""

    @property
    def verdict(self) -> Verdict:
        """SEEN, SEEN TO FAIL or UNDECIDED."""
        return Verdict.SEEN if self.seen else Verdict.SEEN_TO_FAIL if self.fails else Verdict.UNDECIDED

    @property
    def change(self) -> Change | None:
        """The least move of an end that would change the verdict; None if no interval can change it.

        Of a claim that is seen one condition has to give way, of one that fails all that are broken, and of an undecided one
        either all that are not met, or a fatal one.
        """
        if self.seen:
            return _change(min, [(c, True) for c in self.conditions], Verdict.UNDECIDED)
        fatal = [c for c in self.conditions if c.fatal]
        if self.fails:
            return None if self.hindered else _change(max, [(c, False) for c in fatal if c.broken], Verdict.UNDECIDED)
        ways = [_change(min, [(c, False) for c in fatal], Verdict.SEEN_TO_FAIL)]
        if not self.hindered:
            ways.append(_change(max, [(c, True) for c in self.conditions if not c.met], Verdict.SEEN))
        return min((way for way in ways if way), key=lambda way: way.widths, default=None)


def _change(extreme: Callable[..., Any], ends: Sequence[tuple[Condition, bool]], to: Verdict) -> Change | None:
    """The change by the end that is nearest to its boundary in widths of its interval (min), or farthest from it (max)."""
    if not ends:
        return None
    condition, far = extreme(ends, key=lambda end: end[0].widths(end[1]))
    return Change(to, condition, condition.below is far, condition.end(far), condition.widths(far))


def combined(verdicts: Sequence[Verdict]) -> tuple[Verdict, str]:
    """The verdict on a claim of several studies, each made anew with other seeds, and the reason where they do not settle it.

    Seen where it is seen in all of them, seen to fail where it fails in all of them, else undecided.
    """
    if len(set(verdicts)) > 1:
        return Verdict.UNDECIDED, DISAGREE
    return verdicts[0], "no study decides" if verdicts[0] == Verdict.UNDECIDED else ""
