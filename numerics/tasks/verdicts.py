"""Verdicts on claims from inequalities judged by intervals, the smallest change of a verdict, and verdicts of several studies."""

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
    """What a criterion needs of a setting: an estimate below, or above, a boundary; if `fatal`, its contrary fails the claim."""

    setting: int
    quantity: str
    estimate: Estimate
    boundary: float
    below: bool = True
    fatal: bool = False

    def end(self, far: bool) -> float:
        """The end of the interval that is nearer to the forbidden side if `far`, else the other end."""
        return self.estimate.upper if self.below is far else self.estimate.lower

    @property
    def met(self) -> bool:
        """Whether the inequality holds for the whole interval."""
        return self.end(True) < self.boundary if self.below else self.end(True) > self.boundary

    @property
    def broken(self) -> bool:
        """Whether the contrary holds for the whole interval: not below the boundary if `below`, else below it."""
        return self.end(False) >= self.boundary if self.below else self.end(False) < self.boundary

    def widths(self, far: bool) -> float:
        """The distance of `end(far)` from the boundary, in widths of the interval; infinite for an interval of width 0 off it."""
        width, off = self.estimate.upper - self.estimate.lower, abs(self.end(far) - self.boundary)
        return off / width if width > 0 else np.inf if off else 0.0


@final
@dataclass(frozen=True)
class Change:
    """The least move of an interval's end across a boundary, in widths, that would change a verdict, and the verdict then."""

    to: Verdict
    condition: Condition
    upper: bool
    end: float
    widths: float


@final
@dataclass(frozen=True)
class Finding:
    """The finding on whether a claim was seen.

    Attributes:
        seen: whether the claim meets the criterion of the function that made the finding.
        fails: whether the contrary is shown, by an interval wholly on the other side or by `hindered`. If neither holds, the runs
            do not decide.
        each: one word for each setting, in order.
        estimates: the intervals, in the order that the function's description gives.
        reason: why the claim was not seen, in a few words; empty if it was seen.
        conditions: all inequalities that the criterion requires.
        hindered: a fact that decides without an interval: runs left the bound, or a comparison is not fair; else "".
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
        """The verdict: SEEN, SEEN TO FAIL or UNDECIDED."""
        return Verdict.SEEN if self.seen else Verdict.SEEN_TO_FAIL if self.fails else Verdict.UNDECIDED

    @property
    def change(self) -> Change | None:
        """The smallest move of an end that would change the verdict; None if no such move changes it.

        If the claim is seen, one condition must give way. If it fails, all broken fatal conditions must. If it is undecided, either
        all unmet conditions must become met, or a fatal one broken.
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
    """The change at the end nearest to its boundary in widths of its interval (`extreme` min), or farthest from it (max)."""
    if not ends:
        return None
    condition, far = extreme(ends, key=lambda end: end[0].widths(end[1]))
    return Change(to, condition, condition.below is far, condition.end(far), condition.widths(far))


def combined(verdicts: Sequence[Verdict]) -> tuple[Verdict, str]:
    """The verdict on a claim from studies with different seeds: seen or failed if it is in every one, else undecided, with why."""
    if len(set(verdicts)) > 1:
        return Verdict.UNDECIDED, DISAGREE
    return verdicts[0], "no study decides" if verdicts[0] == Verdict.UNDECIDED else ""
