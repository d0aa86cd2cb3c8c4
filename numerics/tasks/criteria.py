"""When a claim counts as seen in the experiments of theory 9: criteria on losses over seeds.

They were fixed before any result but for two, which came after it. `HALF`: a loss that went from 2.33 to 2.32 had counted as one
that converges. `LEVEL_WITHIN`: a run had counted as stalled where its last loss was above 0.9 of that half-way, also while it fell.

`without_half` and `stalls_by_ratio` are the criteria as they were.

A criterion is a set of inequalities (`Condition`). A claim is seen where all of them hold for the whole interval, and fails where
for a fatal one the whole interval is on the other side.

All intervals are for medians over independent seeds, between two order statistics, exact for every law of the loss
(`sdescent.numerics.statistics.estimates.quantile`). A claim that looks at several intervals gives each the level
1 - 0.05/(their number), so that all of them hold at once with probability 0.95 at least. A loss counts up to a cap, and a run that
left the bound counts as the cap: a blow-up is an outcome. Losses are f - f* with the lower bound f* = 0 where the minimum is not
known; dimensionless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.estimates import Estimate, mean, quantile
from sdescent.numerics.tasks.verdicts import Condition, Finding

#: of all intervals of a claim together
LEVEL = 0.95
#: a loss counts up to this many times the loss at the start
CAP = 1000.0
#: a run is stationary where the mean losses of its last quarter and of the quarter before it are equal within this share
LEVEL_WITHIN = 0.1
#: in place of that, before any result: a run is stalled where its last loss is above this share of that half-way
STALL = 0.9
#: a loss this small relative to the loss at the start is rounding, and nothing can fall below it
ROUNDING = 1e-12
#: a loss has fallen by more than half where it is below this share of the start
HALF = 0.5
#: lengths are equal within this share
MATCH = 0.05
#: least number of seeds
LEAST = 10


#: what conditions are about
LAST, HALFWAY = "the last loss", "the last loss over that half-way"
QUARTERS = "the last quarter's mean over that before"
DIFFERENCE, MEAN = "the difference", "the mean"


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


def quarters(loss: Any, start: float) -> np.ndarray:
    """The mean loss of the last quarter of each run over that of the quarter before it, (seeds,).

    Args:
        loss: (S, seeds), capped, at evenly spread times with at least two in a quarter.
        start: the loss at the start; what is below rounding of it counts as rounding.
    """
    array = np.asarray(loss, float)
    last = len(array) - 1
    times = np.arange(len(array)) / max(last, 1)
    late, before = array[times > 0.75], array[(times > 0.5) & (times <= 0.75)]
    if min(len(late), len(before)) < 2:
        raise BadInput("loss", array.shape, "at least nine saved times: two in each of the last quarters of the run")
    least = ROUNDING * start
    return np.maximum(late.mean(axis=0), least) / np.maximum(before.mean(axis=0), least)


def stationary(loss: Any, start: float, intervals: int = 1, setting: int = 0) -> tuple[str, tuple[Condition, ...]]:
    """Whether the last quarter of the runs and the quarter before it agree: the median of `quarters` is 1 within 10 per cent.

    Returns:
        "stationary" where the whole interval is within; "still falls" and "still rises" where it is wholly beyond; else "open";
        and the two conditions, of which none is fatal: runs that have not settled decide nothing.
    """
    e = median(quarters(loss, start), intervals)
    two = (
        Condition(setting, QUARTERS, e, 1 + LEVEL_WITHIN), Condition(setting, QUARTERS, e, 1 - LEVEL_WITHIN, below=False),
    )  # fmt: skip
    word = "still rises" if two[0].broken else "still falls" if two[1].broken else "open"
    return "stationary" if all(c.met for c in two) else word, two


def _finding(
    conditions: Sequence[Condition], each: Sequence[str], estimates: Sequence[Estimate], reason: str, hindered: str = "",
    fatal: bool = False,
) -> Finding:  # fmt: skip
    """The finding of these conditions; `fatal`: whether what hinders makes the claim fail."""
    holds = not hindered and all(c.met for c in conditions)
    fails = (fatal and bool(hindered)) or any(c.fatal and c.broken for c in conditions)
    return Finding(holds, fails, tuple(each), tuple(estimates), "" if holds else reason, tuple(conditions), hindered)


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
    estimates, words, conditions = [], [], []
    for n, loss in enumerate(losses):
        last, ratio = median(loss[-1], 2 * len(losses)), median(_ratio(loss), 2 * len(losses))
        estimates += [last, ratio]
        both = [Condition(n, LAST, last, start, fatal=True)]
        if last.upper >= ROUNDING * start:
            both.append(Condition(n, HALFWAY, ratio, 1.0, fatal=True))
        far = Condition(n, LAST, last, HALF * start)
        words.append(_fall(both, far, "falls", "does not fall"))
        conditions += [*both, far]
    rest = [word for word in words if word != "falls"]
    worst = [word for word in words if word == "does not fall"] or rest
    reason = f"{worst[0]} in {len(worst)} of {len(words)}" if worst else ""
    return _finding(conditions, words, estimates, reason)


def _fall(conditions: Sequence[Condition], far: Condition, falls: str, broken: str) -> str:
    """The word for a loss that is to fall: `falls` where it has fallen far enough, `broken` where the contrary is shown."""
    if all(c.met for c in conditions):
        return falls if far.met else "falls by less than half"
    return broken if any(c.broken for c in conditions) else "open"


def settles(losses: Sequence[Any], start: float) -> Finding:
    """Claim (b) where the theory gives a bound with a floor: in every setting the loss falls by more than half, and does not rise.

    Seen where for each setting the median of the last loss is below half of the start, and that of `quarters` is below 1.1; it
    fails where in one setting one of the two is not below the start, or 1.1.

    Args:
        losses, start: as for `falls`, with at least nine times.

    Returns:
        each: "falls", "level", "rises", "falls by less than half" or "open"; estimates: last and `quarters` of each in turn.
    """
    estimates, words, conditions = [], [], []
    for n, loss in enumerate(losses):
        last = median(loss[-1], 2 * len(losses))
        moving, (rise, _) = stationary(loss, start, 2 * len(losses), n)
        estimates += [last, rise.estimate]
        both = [Condition(n, LAST, last, start, fatal=True), replace(rise, fatal=True)]
        far = Condition(n, LAST, last, HALF * start)
        words.append(_fall(both, far, "level" if moving == "stationary" else "falls", "rises"))
        conditions += [*both, far]
    rest = sorted(set(words) - {"falls", "level"})
    return _finding(conditions, words, estimates, ", ".join(rest))


def without_half(finding: Finding) -> Verdict:
    """The verdict that `falls` or `settles` gave before `HALF` was added: the only condition of theirs that is not fatal."""
    return replace(finding, seen=all(c.met for c in finding.conditions if c.fatal)).verdict


def diverges(losses: Sequence[Any], start: float) -> Finding:
    """Claim (a): the loss falls in the first setting (least compression) and grows in the last.

    Seen where the median of the last loss is below the start in the first setting and above it in the last one; it fails where
    one of the two is on the other side.

    Returns:
        each: "falls", "grows" or "open"; estimates: the last loss of each setting.
    """
    estimates = [median(loss[-1], len(losses)) for loss in losses]
    words = tuple("falls" if e.upper < start else "grows" if e.lower > start else "open" for e in estimates)
    conditions = (
        Condition(0, LAST, estimates[0], start, fatal=True),
        Condition(len(estimates) - 1, LAST, estimates[-1], start, below=False, fatal=True),
    )
    return _finding(conditions, words, estimates, f"{words[0]} first, {words[-1]} last")


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
    estimates = [median(np.asarray(a) - np.asarray(b), len(pairs)) for a, b in pairs]
    words = tuple("worse" if e.lower > 0 else "better" if e.upper < 0 else "open" for e in estimates)
    unfair = list(fair or [""] * len(pairs))[-1]
    condition = Condition(len(pairs) - 1, DIFFERENCE, estimates[-1], 0.0, below=False, fatal=not unfair)
    reason = unfair or {"worse": "", "better": "better", "open": "no difference"}[words[-1]]
    return _finding([condition], words, estimates, reason, unfair)


def equal_lengths(first: Any, second: Any) -> tuple[Estimate, str]:
    """The ratio of the lengths of two rules' paths, seed by seed, and "" where its median is 1 within 5 per cent.

    Equal means that the whole interval of the median is within; otherwise the text says why the comparison is not fair.
    """
    ratio = median(np.asarray(first, float) / np.asarray(second, float))
    ok = ratio.lower >= 1 - MATCH and ratio.upper <= 1 + MATCH
    return ratio, "" if ok else "lengths differ"


def stalls(losses: Sequence[Any], blown: Sequence[int], start: float) -> Finding:
    """Claim (d) for constant steps: stable, and at a floor, in every setting.

    Stable where no run left the bound and the median of the last loss is below the start; at a floor where the runs are
    `stationary` and the median of the last loss is above rounding, 1e-12 times the start. It fails where a run left the bound, or
    the last loss is not below the start, or is rounding. Runs that are not stationary decide nothing.

    Args:
        losses, start: as for `falls`, with at least nine times.
        blown: runs that left the bound, of each setting.

    Returns:
        each: "stalls", "not yet stationary", "unstable", "at the minimum" or "open"; estimates: last and `quarters` of each setting
        in turn.
    """
    estimates, words, conditions = [], [], []
    for n, (loss, blown_up) in enumerate(zip(losses, blown, strict=True)):
        last = median(loss[-1], 2 * len(losses))
        moving, two = stationary(loss, start, 2 * len(losses), n)
        estimates += [last, two[0].estimate]
        stable = Condition(n, LAST, last, start, fatal=True)
        floor = Condition(n, LAST, last, ROUNDING * start, below=False, fatal=True)
        if blown_up or stable.broken:
            words.append("unstable")
        elif floor.broken:
            words.append("at the minimum")
        elif not (stable.met and floor.met):
            words.append("open")
        else:
            words.append("stalls" if moving == "stationary" else f"not yet stationary: {moving}")
        conditions += [stable, floor, *two]
    off = ", ".join(sorted({word for word in words if word != "stalls"}))
    lost = sum(map(int, blown))
    return _finding(conditions, words, estimates, off, f"{lost} runs left the bound" if lost else "", fatal=True)


def stalls_by_ratio(losses: Sequence[Any], blown: Sequence[int], start: float) -> Verdict:
    """The verdict of `stalls` before `LEVEL_WITHIN` was added: stable, and last/half-way is above 0.9; both are fatal."""
    conditions, level = [], 2 * len(losses)
    for n, loss in enumerate(losses):
        conditions.append(Condition(n, LAST, median(loss[-1], level), start, fatal=True))
        conditions.append(Condition(n, HALFWAY, median(_ratio(loss), level), STALL, below=False, fatal=True))
    return _finding(conditions, [], [], "", "a run left the bound" if sum(blown) else "", fatal=True).verdict


def bounded(values: Sequence[Any], bounds: Sequence[float]) -> Finding:
    """A bound on a mean: in every setting the mean over seeds is below it, and it fails where in one it is not.

    The only criterion with an interval for a mean, which needs a finite variance; a blown-up run makes the claim fail.

    Args:
        values: (seeds,) of each setting, not finite where a run blew up.
        bounds: of each setting.

    Returns:
        each: "below", "not below" or "open"; estimates: the means.
    """
    means = [mean(v, 1 - (1 - LEVEL) / len(values)) for v in values]
    conditions = [
        Condition(n, MEAN, e, bound, fatal=True) for n, (e, bound) in enumerate(zip(means, bounds, strict=True))
    ]
    words = ["below" if c.met else "not below" if c.broken else "open" for c in conditions]
    lost = sum(e.blown for e in means)
    reason = ", ".join(sorted(set(words) - {"below"}))
    return _finding(conditions, words, means, reason, f"{lost} runs left the bound" if lost else "", fatal=True)
