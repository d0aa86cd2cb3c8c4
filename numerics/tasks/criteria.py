"""When a claim counts as seen in the experiments of theory 9: criteria on losses over seeds.

They were fixed before any result but for `HALF`, which came after it: a loss that went from 2.33 to 2.32 had counted as one that
converges.

All intervals are for medians over independent seeds, between two order statistics, exact for every law of the loss
(`numerics.statistics.estimates.quantile`). A claim that looks at several intervals gives each the level 1 - 0.05/(their number),
so all of them hold at once with probability 0.95 at least. A loss counts up to a cap, and a run that left the bound counts as
the cap: a blow-up is an outcome. Losses are f - f* with the lower bound f* = 0 where the minimum is not known; dimensionless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from derive.vocabulary.errors import BadInput
from numerics.statistics.estimates import Estimate, quantile
from numerics.statistics.record import Record

#: of all intervals of a claim together
LEVEL = 0.95
#: a loss counts up to this many times the loss at the start
CAP = 1000.0
#: a run stalls where its last loss is more than this share of the loss half-way
STALL = 0.9
#: a loss this small relative to the loss at the start is rounding, and nothing can fall below it
ROUNDING = 1e-12
#: a loss has fallen by more than half where it is below this share of the start
HALF = 0.5
#: lengths are equal within this share
MATCH = 0.05
#: least number of seeds
LEAST = 10


@final
@dataclass(frozen=True)
class Finding(Record, null=True):
    """Whether a claim was seen.

    Attributes:
        seen: by the criterion of the function that made it.
        fails: whether the contrary is shown: an interval lies wholly on the other side. Neither: the runs do not decide.
        each: one word for each setting, in their order.
        estimates: the intervals, in the order of the function's description.
        reason: why not, in a few words; empty where seen.
    """

    seen: bool
    fails: bool
    each: tuple[str, ...]
    estimates: tuple[Estimate, ...]
    reason: str = ""

    @property
    def verdict(self) -> str:
        """SEEN, SEEN TO FAIL or UNDECIDED."""
        return "SEEN" if self.seen else "SEEN TO FAIL" if self.fails else "UNDECIDED"


def capped(losses: Any, start: float) -> np.ndarray:
    """min(loss, c), c = 1000 times the loss at the start; c where a run blew up (NaN), 0 where rounding made it negative."""
    array = np.asarray(losses, float)
    return np.clip(np.where(np.isfinite(array), array, np.inf), 0.0, CAP * start)


def median(values: Any, intervals: int = 1) -> Estimate:
    """The median with its interval, for a claim that looks at this many intervals.

    Raises:
        BadInput: fewer than ten seeds; a value that is not finite.
    """
    array = np.asarray(values, float)
    if array.ndim != 1 or len(array) < LEAST or not np.all(np.isfinite(array)):
        raise BadInput("seeds", array.shape, f"finite values of at least {LEAST} seeds")
    return quantile(array, 0.5, 1 - (1 - LEVEL) / intervals)


def _ratio(loss: np.ndarray) -> np.ndarray:
    """The last loss over that half-way, (seeds,), of (S, seeds) with an odd number S of evenly spread times."""
    if len(loss) % 2 == 0:
        raise BadInput("loss", loss.shape, "an odd number of saved times, so that one of them is half-way")
    tiny = np.finfo(float).tiny
    return np.maximum(loss[-1], tiny) / np.maximum(loss[len(loss) // 2], tiny)


def falls(losses: Sequence[Any], start: float) -> Finding:
    """Claims (b), (d): in every setting the loss falls by more than half, and still falls in the second half of the run.

    Seen where for each setting the median of the last loss is below half of the start, and the median of last/half-way is below
    1, or the last loss is rounding, below 1e-12 times the start. It fails where in one setting the last loss is not below the
    start, or not below that half-way. A finite run cannot show a limit; this is how a run looks that converges, and neither
    diverges nor stalls. A loss that has fallen by less than half has hardly begun to: the run does not decide.

    Args:
        losses: for each setting (S, seeds), capped, S odd.
        start: the loss at the start.

    Returns:
        each: "falls", "falls by less than half", "does not fall" or "open"; estimates: last and ratio of each setting in turn.
    """
    found, words = [], []
    for loss in losses:
        last, ratio = median(loss[-1], 2 * len(losses)), median(_ratio(loss), 2 * len(losses))
        found += [last, ratio]
        tiny = last.upper < ROUNDING * start
        down = last.upper < start and (ratio.upper < 1 or tiny)
        stuck = last.lower >= start or (ratio.lower >= 1 and not tiny)
        far = last.upper < HALF * start
        words.append("falls" if down and far else "falls by less than half" if down else "does not fall" if stuck else "open")
    bad = words.count("does not fall")
    rest = [word for word in words if word != "falls"]
    reason = f"does not fall in {bad} of {len(words)}" if bad else f"{rest[0]} in {len(rest)} of {len(words)}" if rest else ""
    return Finding(not rest, bad > 0, tuple(words), tuple(found), reason)


def diverges(losses: Sequence[Any], start: float) -> Finding:
    """Claim (a): the loss falls in the first setting (least compression) and grows in the last.

    Seen where the median of the last loss is below the start in the first setting and above it in the last one; it fails where
    one of the two is on the other side.

    Returns:
        each: "falls", "grows" or "open"; estimates: the last loss of each setting.
    """
    found = [median(loss[-1], len(losses)) for loss in losses]
    words = tuple("falls" if e.upper < start else "grows" if e.lower > start else "open" for e in found)
    reason = "" if (words[0], words[-1]) == ("falls", "grows") else f"{words[0]} first, {words[-1]} last"
    return Finding(not reason, words[0] == "grows" or words[-1] == "falls", words, tuple(found), reason)


def worse(first: Sequence[Any], second: Sequence[Any], fair: Sequence[str] | None = None) -> Finding:
    """Claim (c): the first rule ends with a larger loss than the second in the last setting (most compression).

    Seen where the median of the difference of last losses, seed by seed, is above 0 in the last setting, and the comparison is
    fair there; it fails where it is fair and that median is below 0. (Seeds of the two rules are independent, so are the
    differences.)

    Args:
        first, second: last losses (seeds,) in each setting, capped.
        fair: for each setting the reason why the comparison is not fair, or "".

    Returns:
        each: "worse", "better" or "open"; estimates: of the differences.
    """
    pairs = list(zip(first, second, strict=True))
    found = [median(np.asarray(a) - np.asarray(b), len(pairs)) for a, b in pairs]
    words = tuple("worse" if e.lower > 0 else "better" if e.upper < 0 else "open" for e in found)
    unfair = list(fair or [""] * len(pairs))[-1]
    reason = unfair or {"worse": "", "better": "better", "open": "no difference"}[words[-1]]
    return Finding(not reason, not unfair and words[-1] == "better", words, tuple(found), reason)


def equal_lengths(first: Any, second: Any) -> tuple[Estimate, str]:
    """The ratio of the lengths of two rules' paths, seed by seed, and "" where its median is 1 within 5 per cent.

    Equal means that the whole interval of the median is within; otherwise the text says why the comparison is not fair.
    """
    found = median(np.asarray(first, float) / np.asarray(second, float))
    ok = found.lower >= 1 - MATCH and found.upper <= 1 + MATCH
    return found, "" if ok else "lengths differ"


def stalls(losses: Sequence[Any], blown: Sequence[int], start: float) -> Finding:
    """Claim (d) for constant steps: stable and stalled in every setting.

    Stable where no run left the bound and the median of the last loss is below the start; stalled where the median of
    last/half-way is above 0.9.

    Args:
        losses, start: as for `falls`.
        blown: runs that left the bound, of each setting.

    Returns:
        each: "stalls", "still falls", "unstable" or "open"; estimates: last and ratio of each setting in turn.
    """
    found, words = [], []
    for loss, blown_up in zip(losses, blown, strict=True):
        last, ratio = median(loss[-1], 2 * len(losses)), median(_ratio(loss), 2 * len(losses))
        found += [last, ratio]
        if blown_up or last.lower > start:
            words.append("unstable")
        elif last.upper >= start:
            words.append("open")
        else:
            words.append("stalls" if ratio.lower > STALL else "still falls" if ratio.upper < STALL else "open")
    off = sorted({word for word in words if word != "stalls"})
    fails = bool({"unstable", "still falls"} & set(off))
    return Finding(not off, fails, tuple(words), tuple(found), ", ".join(off))
