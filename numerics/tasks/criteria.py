"""Criteria for when a claim counts as seen in the experiments of theory 9, based on the losses of independent seeds.

They were fixed before any result was known, except for two later changes. `HALF`: a loss that went from 2.33 to 2.32 had counted
as convergent. `LEVEL_WITHIN`: a run had counted as stalled if its last loss was above 0.9 times the half-way loss, even if it was
still falling. `without_half` and `stalls_by_ratio` are the original criteria.

A criterion is a set of inequalities (`Condition`). A claim is seen if all of them hold on the whole interval. It fails if, for
one of the fatal conditions, the whole interval is on the other side of the boundary.

All intervals but those of `bounded` are for medians over independent seeds, between two order statistics, and exact for every law
(`sdescent.numerics.statistics.estimates.quantile`). A claim that uses several intervals gives each the level
1 - 0.05/(their number), so that all hold at once with probability at least 0.95. A loss counts up to a cap, and a run that blew
up counts as the cap: a blow-up is an outcome. Losses are f - f*, with the lower bound 0 in place of f* if the minimum
is not known; they are dimensionless.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.estimates import Estimate, mean, quantile
from sdescent.numerics.tasks.verdicts import Condition, Finding

#: joint level of all intervals of a claim
LEVEL = 0.95
#: cap on a loss, relative to the initial loss
CAP = 1000.0
#: a run is stationary if the mean losses of its last quarter and of the quarter before it agree within this share
LEVEL_WITHIN = 0.1
#: the original criterion instead: a run is stalled if its last loss is above this share of the half-way loss
STALL = 0.9
#: a loss this small relative to the initial loss is rounding error, so that no further fall can be seen
ROUNDING = 1e-12
#: a loss has fallen by more than half if it is below this share of the initial loss
HALF = 0.5
#: relative difference within which lengths are equal
MATCH = 0.05
#: least number of seeds
LEAST = 10


#: names of the quantities in the conditions
LAST, HALFWAY = "the last loss", "the last loss over that half-way"
QUARTERS = "the last quarter's mean over that of the quarter before"
DIFFERENCE, MEAN = "the difference", "the mean"
CORRELATION = "the rank correlation"


def capped(losses: Any, start: float) -> np.ndarray:
    """The capped loss min(loss, c), c = 1000 times the initial loss: c if not finite (a blow-up), 0 if negative (rounding)."""
    array = np.asarray(losses, float)
    return np.clip(np.where(np.isfinite(array), array, np.inf), 0.0, CAP * start)


def median(values: Any, intervals: int = 1) -> Estimate:
    """The median with its interval, for a claim that uses `intervals` of them; BadInput unless ten or more finite values (n,)."""
    array = np.asarray(values, float)
    if array.ndim != 1 or len(array) < LEAST or not np.all(np.isfinite(array)):
        raise BadInput("seeds", array.shape, f"finite values of at least {LEAST} seeds")
    return quantile(array, 0.5, 1 - (1 - LEVEL) / intervals)


def _ratio(loss: np.ndarray) -> np.ndarray:
    """The last loss divided by the half-way loss, (seeds,), from losses (S, seeds) at an odd number S of evenly spaced times."""
    if len(loss) % 2 == 0:
        raise BadInput("loss", loss.shape, "an odd number of saved times, so that one of them is half-way")
    tiny = np.finfo(float).tiny
    return np.maximum(loss[-1], tiny) / np.maximum(loss[len(loss) // 2], tiny)


def quarters(loss: Any, start: float) -> np.ndarray:
    """The mean loss of the last quarter of each run over that of the quarter before, (seeds,), of capped losses (S, seeds).

    At least two times are in each quarter. Means below 1e-12 times the initial loss, the size of rounding, are raised to it.
    """
    array = np.asarray(loss, float)
    last = len(array) - 1
    times = np.arange(len(array)) / max(last, 1)
    late, before = array[times > 0.75], array[(times > 0.5) & (times <= 0.75)]
    if min(len(late), len(before)) < 2:
        raise BadInput("loss", array.shape, "at least eight saved times: two in each of the last two quarters")
    least = ROUNDING * start
    return np.maximum(late.mean(axis=0), least) / np.maximum(before.mean(axis=0), least)


def stationary(loss: Any, start: float, intervals: int = 1, setting: int = 0) -> tuple[str, tuple[Condition, ...]]:
    """Whether the median of `quarters` is 1 within 10 per cent, and the two conditions, none of them fatal.

    "stationary" if its whole interval is, "still falls" or "still rises" if that is wholly beyond a limit, else "open": unsettled
    runs decide nothing.
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
    """The finding from these conditions; `fatal` says whether `hindered` makes the claim fail."""
    holds = not hindered and all(c.met for c in conditions)
    fails = (fatal and bool(hindered)) or any(c.fatal and c.broken for c in conditions)
    return Finding(holds, fails, tuple(each), tuple(estimates), "" if holds else reason, tuple(conditions), hindered)


def falls(losses: Sequence[Any], start: float) -> Finding:
    """Claims (b), (d): in every setting the loss falls by more than half, and still falls in the second half of the run.

    The claim is seen if in each setting the median of the last loss is below half of the initial loss (`start`), and the median
    of last/half-way is below 1 or the last loss is rounding error, below 1e-12 times the initial loss. It fails if in one setting
    the last loss is not below the initial loss, or not below the half-way loss. A finite run cannot show a limit; the criterion
    describes a run that converges, rather than diverges or stalls. A loss that has fallen by less than half has hardly begun to
    fall, so such a run decides nothing.

    `losses` are capped, (S, seeds) for each setting, S odd. Words: "falls", "falls by less than half", "does not fall" or "open";
    the estimates are the last loss and last/half-way of each setting in turn.
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
    """The word for a loss that should fall: `falls` if it has fallen far enough, `broken` if the contrary is shown."""
    if all(c.met for c in conditions):
        return falls if far.met else "falls by less than half"
    return broken if any(c.broken for c in conditions) else "open"


def settles(losses: Sequence[Any], start: float) -> Finding:
    """Claim (b) if the theory gives a bound with a floor: in every setting the loss falls by more than half, and does not rise.

    The claim is seen if in each setting the median of the last loss is below half of the initial loss, and the median of `quarters`
    is below 1.1. It fails if in one setting the last loss is not below the initial one, or `quarters` not below 1.1.

    Arguments as for `falls`, with at least nine times. Words: "falls", "level", "rises", "falls by less than half" or "open"; the
    estimates are the last loss and `quarters` of each setting in turn.
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
    """The verdict of `falls` or `settles` before `HALF` was added: the condition of `HALF` is the only one that is not fatal."""
    return replace(finding, seen=all(c.met for c in finding.conditions if c.fatal)).verdict


def diverges(losses: Sequence[Any], start: float) -> Finding:
    """Claim (a): the loss falls in the first setting (least compression) and grows in the last.

    The claim is seen if the median of the last loss is below the initial loss in the first setting and above it in the last one.
    It fails if one of the two is on the other side. Words: "falls", "grows" or "open"; the estimates are the last losses.
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

    The claim is seen if the comparison is fair in the last setting (`fair` has the reason, or "") and the median of the
    difference of last losses, seed by seed, is above 0 there. It fails if the comparison is fair and that median is below 0.
    (Seeds of the two rules are independent, so the differences are too.) `first`, `second` are capped last losses (seeds,) in
    each setting. Words: "worse", "better" or "open"; the estimates are the medians of the differences.
    """
    pairs = list(zip(first, second, strict=True))
    estimates = [median(np.asarray(a) - np.asarray(b), len(pairs)) for a, b in pairs]
    words = tuple("worse" if e.lower > 0 else "better" if e.upper < 0 else "open" for e in estimates)
    unfair = list(fair or [""] * len(pairs))[-1]
    condition = Condition(len(pairs) - 1, DIFFERENCE, estimates[-1], 0.0, below=False, fatal=not unfair)
    reason = unfair or {"worse": "", "better": "better", "open": "no difference"}[words[-1]]
    return _finding([condition], words, estimates, reason, unfair)


def equal_lengths(first: Any, second: Any) -> tuple[Estimate, str]:
    """The ratio of two rules' path lengths, seed by seed, and "" if its median's interval is 1 within 5 per cent, else why not."""
    ratio = median(np.asarray(first, float) / np.asarray(second, float))
    ok = ratio.lower >= 1 - MATCH and ratio.upper <= 1 + MATCH
    return ratio, "" if ok else "lengths differ"


def stalls(losses: Sequence[Any], blown: Sequence[int], start: float) -> Finding:
    """Claim (d) for constant steps: in every setting the runs are stable, and at a floor.

    They are stable if no run left the bound (`blown`) and the median of the last loss is below the initial loss. They are at a
    floor if they are `stationary` and the median of the last loss is above the rounding error, 1e-12 times the initial loss. The
    claim fails if a run left the bound, the last loss is not below the initial loss, or the last loss is rounding error. Runs
    that are not stationary decide nothing.

    Losses as for `falls`, at nine times or more. Words: "stalls", "not yet stationary: ..", "unstable", "at the minimum" or
    "open"; the estimates are the last loss and `quarters` of each setting in turn.
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


def grows_with(first: Any, second: Any) -> Finding:
    """The claim that the second quantity grows with the first, (points >= 3, starts): if the median rank correlation is > 0.

    The whole interval must be above 0, and below 0 for the claim to fail. The points of one start are dependent: it counts once.
    """
    a, b = (np.argsort(np.argsort(np.asarray(v, float), axis=0), axis=0) for v in (first, second))
    correlations = [np.corrcoef(x, y)[0, 1] for x, y in zip(a.T, b.T, strict=True)]
    estimate = median(correlations)
    word = "grows" if estimate.lower > 0 else "falls" if estimate.upper < 0 else "open"
    return _finding([Condition(0, CORRELATION, estimate, 0.0, below=False, fatal=True)], [word], [estimate], word)


def stalls_by_ratio(losses: Sequence[Any], blown: Sequence[int], start: float) -> Verdict:
    """The verdict of `stalls` before `LEVEL_WITHIN` was added: stable, and last/half-way above 0.9, both fatal conditions."""
    conditions, level = [], 2 * len(losses)
    for n, loss in enumerate(losses):
        conditions.append(Condition(n, LAST, median(loss[-1], level), start, fatal=True))
        conditions.append(Condition(n, HALFWAY, median(_ratio(loss), level), STALL, below=False, fatal=True))
    return _finding(conditions, [], [], "", "a run left the bound" if sum(blown) else "", fatal=True).verdict


def bounded(values: Sequence[Any], bounds: Sequence[float]) -> Finding:
    """A claim that means are bounded: seen if in every setting the mean over seeds is below the bound, failed if in one it is not.

    This is the only criterion with an interval for a mean, which needs a finite variance. A run that blew up, whose value is not
    finite, makes the claim fail. Words: "below", "not below" or "open"; the estimates are the means.
    """
    means = [mean(v, 1 - (1 - LEVEL) / len(values)) for v in values]
    conditions = [
        Condition(n, MEAN, e, bound, fatal=True) for n, (e, bound) in enumerate(zip(means, bounds, strict=True))
    ]
    words = ["below" if c.met else "not below" if c.broken else "open" for c in conditions]
    lost = sum(e.blown for e in means)
    reason = ", ".join(sorted(set(words) - {"below"}))
    return _finding(conditions, words, means, reason, f"{lost} runs left the bound" if lost else "", fatal=True)
