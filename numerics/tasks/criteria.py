"""When a claim counts as seen in the experiments of theory 9: criteria on losses over seeds, fixed here before any result.

All intervals are for medians over independent seeds, between two order statistics, exact for every law of the loss
(`numerics.statistics.estimates.quantile`). A claim that looks at several intervals gives each the level 1 - 0.05/(their number),
so all of them hold at once with probability 0.95 at least. A loss counts up to a cap, and a run that left the bound counts as
the cap: a blow-up is an outcome. Losses are f - f* with the lower bound f* = 0 where the minimum is not known; dimensionless.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
#: lengths are equal within this share
MATCH = 0.05
#: a model follows where its mean stays within this share of the method's
FOLLOW = 0.1
#: least number of seeds
LEAST = 10


@final
@dataclass(frozen=True)
class Finding(Record, null=True):
    """Whether a claim was seen.

    Attributes:
        seen: by the criterion of the function that made it.
        each: one word for each setting, in their order.
        estimates: the intervals, in the order of the function's description.
        reason: why not, in a few words; empty where seen.
    """

    seen: bool
    each: tuple[str, ...]
    estimates: tuple[Estimate, ...]
    reason: str = ""

    @property
    def verdict(self) -> str:
        """SEEN or NOT SEEN."""
        return "SEEN" if self.seen else "NOT SEEN"


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
    """Claims (b), (d): in every setting the loss falls, and still falls in the second half of the run.

    Seen where for each setting the median of the last loss is below the start, and the median of last/half-way is below 1, or
    the last loss is rounding, below 1e-12 times the start. A finite run cannot show a limit; this is how a run looks that
    converges, and neither diverges nor stalls.

    Args:
        losses: for each setting (S, seeds), capped, S odd.
        start: the loss at the start.

    Returns:
        estimates: last and ratio of each setting in turn.
    """
    found, words = [], []
    for loss in losses:
        last, ratio = median(loss[-1], 2 * len(losses)), median(_ratio(loss), 2 * len(losses))
        found += [last, ratio]
        down = last.upper < start and (ratio.upper < 1 or last.upper < ROUNDING * start)
        words.append("falls" if down else "does not fall")
    bad = words.count("does not fall")
    return Finding(not bad, tuple(words), tuple(found), f"does not fall in {bad} of {len(words)}" if bad else "")


def diverges(losses: Sequence[Any], start: float) -> Finding:
    """Claim (a): the loss falls in the first setting (least compression) and grows in the last.

    Seen where the median of the last loss is below the start in the first setting and above it in the last one.

    Returns:
        each: "falls", "grows" or "open"; estimates: the last loss of each setting.
    """
    found = [median(loss[-1], len(losses)) for loss in losses]
    words = tuple("falls" if e.upper < start else "grows" if e.lower > start else "open" for e in found)
    reason = "" if (words[0], words[-1]) == ("falls", "grows") else f"{words[0]} first, {words[-1]} last"
    return Finding(not reason, words, tuple(found), reason)


def worse(first: Sequence[Any], second: Sequence[Any], fair: Sequence[str] | None = None) -> Finding:
    """Claim (c): the first rule ends with a larger loss than the second in the last setting (most compression).

    Seen where the median of the difference of last losses, seed by seed, is above 0 in the last setting, and the comparison
    is fair there. (Seeds of the two rules are independent, so are the differences.)

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
    return Finding(not reason, words, tuple(found), reason)


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
    return Finding(not off, tuple(words), tuple(found), ", ".join(off))


def follows(method: Any, model: Any, error: Any, cap: float) -> Finding:
    """The mean of min(loss, c) of a model stays within a tenth of the method's, at every time.

    Seen where at each time the interval of the difference of the means (Welch; the statistic is bounded), widened by the
    solver's error, is within 0.1 times the method's mean.

    Args:
        method, model: (S, paths), without the start.
        error: of the solver, for each time.
        cap: c.

    Returns:
        each: "follows" or "leaves" at each time; estimates: the differences.
    """
    from numerics.statistics.estimates import difference

    found, words = [], []
    for own, other, e in zip(model, method, np.broadcast_to(error, len(method)), strict=True):
        a, b = (np.where(np.isfinite(v), np.minimum(v, cap), cap) for v in (own, other))
        gap = difference(a, b, 1 - (1 - LEVEL) / len(method))
        found.append(gap)
        far = max(abs(gap.lower), abs(gap.upper)) + e
        words.append("follows" if far <= FOLLOW * float(np.mean(b)) else "leaves")
    bad = words.count("leaves")
    return Finding(not bad, tuple(words), tuple(found), f"leaves at {bad} of {len(words)} times" if bad else "")


def both(found: Iterable[Finding]) -> Finding:
    """Seen where all of several findings are."""
    parts = list(found)
    return Finding(
        all(f.seen for f in parts), tuple(word for f in parts for word in f.each),
        tuple(e for f in parts for e in f.estimates), "; ".join(f.reason for f in parts if f.reason),
    )  # fmt: skip
