"""The verdicts of the sweeps, computed from numbers, each with its criterion.

CONFIRMED and VIOLATED need a gap that exceeds the errors of the numbers; otherwise the verdict is INCONCLUSIVE.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks.formulas import verdict_of
from sdescent.numerics.evidence.sweeps.quadratic import METHOD, Bracket, Stationary, Strength
from sdescent.numerics.evidence.sweeps.quartic import Descent, Scheduled
from sdescent.numerics.statistics.estimates import Estimate, proportion

#: largest relative difference of equal numbers that are computed without sampling and without a grid
EQUAL = 1e-9
#: largest distance from 1 for the limit of a ratio to count as 1
NEAR = 0.01
#: largest half-width of an interval for agreement to count: absolute for a slope, relative for an exact value
NARROW = 0.1
#: the blow-up probability that `never` must exclude, at the 95 % level
RARE = 1e-3


def together(parts: Sequence[Verdict]) -> Verdict:
    """The joint verdict: VIOLATED if one part is, CONFIRMED if there are parts and all are, else INCONCLUSIVE."""
    return verdict_of(Verdict.VIOLATED in parts, parts and all(p is Verdict.CONFIRMED for p in parts))


def _straddles(bracket: Bracket) -> Verdict:
    """Whether E x^2 contracts below the threshold and grows above it."""
    outside = bracket.below - bracket.error > 1 or bracket.above + bracket.error < 1
    return verdict_of(outside, bracket.below + bracket.error < 1 < bracket.above - bracket.error)


def same_threshold(method: Sequence[Bracket], model: Sequence[Bracket]) -> Verdict:
    """Whether the model's threshold is the method's, up to the width of the brackets.

    INCONCLUSIVE unless the method contracts below its threshold and grows above; the same if the model does so at every pair.
    """
    if together([_straddles(b) for b in method]) is not Verdict.CONFIRMED:
        return Verdict.INCONCLUSIVE
    return together([_straddles(b) for b in model])


def same_stationary(method: Sequence[Stationary], model: Sequence[Stationary]) -> Verdict:
    """Whether stationary values agree at every setting, up to rounding and the remaining transient."""
    pairs = list(zip(method, model, strict=True))
    equal = [abs(one.value - other.value) <= one.error + other.error + EQUAL * abs(one.value) for one, other in pairs]
    return verdict_of(not all(equal), equal)


def interval_of_growth(sweep: Descent) -> tuple[float, float]:
    """The largest q up to which no path grows and the next q, from which all grow (inf if none); nan if not so ordered."""
    order = np.argsort(sweep.q)
    q, grows = sweep.q[order], sweep.size[-1][order] > 1 + EQUAL
    if not grows.any():
        return float(q[-1]), np.inf
    first = int(np.argmax(grows))
    if first == 0 or not grows[first:].all():
        return np.nan, np.nan
    return float(q[first - 1]), float(q[first])


def conservative(method: Descent, model: Descent, thresholds: Mapping[str, float]) -> Verdict:
    """Whether the model already grows at a lower threshold than gradient descent.

    Each threshold of the formulas must be in its observed interval, and the intervals must not overlap.
    """
    intervals = {METHOD: interval_of_growth(method), model.subject: interval_of_growth(model)}
    if not np.all(np.isfinite([a for pair in intervals.values() for a in pair])):
        return Verdict.VIOLATED if np.inf in intervals[model.subject] else Verdict.INCONCLUSIVE
    inside = all(low <= thresholds[name] <= high for name, (low, high) in intervals.items())
    return Verdict.CONFIRMED if inside and intervals[model.subject][1] < intervals[METHOD][0] else Verdict.VIOLATED


def blows_up(sweep: Scheduled, thresholds: Sequence[float]) -> Verdict:
    """Whether every path of a sweep without noise that starts at or above its exponent's threshold blows up."""
    above = sweep.q[None, :] >= np.asarray(thresholds, float)[:, None]
    if not above.any():
        return Verdict.INCONCLUSIVE
    return Verdict.CONFIRMED if np.all(sweep.blown[above] == sweep.paths) else Verdict.VIOLATED


def within_steps(sweep: Scheduled) -> Verdict:
    """Whether no path blew up or moved farther from its start than the sum of its steps, a bound that signs obey on every path."""
    fine = sweep.excess <= EQUAL * float(np.sqrt(sweep.q.max())) and not sweep.blown.any()
    return Verdict.CONFIRMED if fine else Verdict.VIOLATED


def blown(sweep: Scheduled) -> Estimate:
    """The share of all paths that blew up, with its exact 95 % interval."""
    return proportion(int(sweep.blown.sum()), sweep.blown.size * sweep.paths)


def never(sweep: Scheduled) -> Verdict:
    """Whether no path blew up, among enough paths to exclude a probability above `RARE` at the 95 % level."""
    share = blown(sweep)
    return verdict_of(share.value > 0, share.upper <= RARE)


def monotone(strengths: Sequence[Strength], rising: bool) -> Verdict:
    """Whether the largest stable step moves in the direction of the formula, and is nowhere below the formula's step.

    `strengths`, at least two (else BadInput), are at increasing values of one parameter; the formula's steps must move so too.
    """
    if len(strengths) < 2:
        raise BadInput("strengths", len(strengths), "strengths at two or more settings")
    sign = 1 if rising else -1
    ways = [sign * np.diff([getattr(f, name) for f in strengths]) for name in ("formula", "measured")]
    least = EQUAL * max(f.measured for f in strengths)
    wrong = np.any(ways[1] < -least) or any(f.measured < f.formula * (1 - 1e-6) for f in strengths)
    return verdict_of(wrong, all(np.all(way > least) for way in ways))


def agree(pairs: Sequence[tuple[Estimate, float]]) -> Verdict:
    """Whether each exact value is in its estimate's interval (jointly). A relative half-width above `NARROW` confirms nothing."""
    inside = [estimate.lower <= exact <= estimate.upper for estimate, exact in pairs]
    fine = [(estimate.upper - estimate.lower) / 2 <= NARROW * abs(exact) for estimate, exact in pairs]
    return verdict_of(not all(inside), fine and all(fine))


def largest_at_the_end(values: Sequence[float]) -> Verdict:
    """Whether the last of these numbers is the largest. Their only error is rounding."""
    if len(values) < 2:
        return Verdict.INCONCLUSIVE
    return Verdict.CONFIRMED if max(values) <= values[-1] * (1 + EQUAL) else Verdict.VIOLATED


def slope_is(value: float, half: float, expected: float) -> Verdict:
    """Whether a slope has the expected value, within the half-width of its interval. One above `NARROW` confirms nothing."""
    return verdict_of(abs(value - expected) > half, half <= NARROW)


def limits(ratios: Mapping[Any, tuple[float, float]]) -> Verdict:
    """Whether every limit, given with its doubt, is within `NEAR` of 1."""
    gaps = [(abs(limit - 1), doubt) for limit, doubt in ratios.values()]
    wrong, right = ([gap > NEAR + doubt for gap, doubt in gaps], [gap + doubt <= NEAR for gap, doubt in gaps])
    return verdict_of(any(wrong), right and all(right))
