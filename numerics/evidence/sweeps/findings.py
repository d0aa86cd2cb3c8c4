"""The verdicts of the sweeps, computed from numbers, each with its criterion.

CONFIRMED and VIOLATED need the numbers to be clear of their own errors; otherwise the verdict is INCONCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.sweeps.quadratic import METHOD, Bracket, Stationary, Strength
from sdescent.numerics.evidence.sweeps.quartic import Descent, Scheduled
from sdescent.numerics.statistics.estimates import Estimate, proportion

#: relative difference that counts as none, of numbers that are computed without sampling and without a grid
EQUAL = 1e-9
#: required distance of the limit of a ratio from 1
NEAR = 0.01
#: half-width of an interval, of a slope or relative to an exact value, up to which agreement says something
NARROW = 0.1
#: the probability of a blow-up that "never" has to exclude, at 95 %
RARE = 1e-3


def _verdict(wrong: Any, right: Any) -> Verdict:
    return Verdict.VIOLATED if wrong else Verdict.CONFIRMED if right else Verdict.INCONCLUSIVE


def together(parts: Sequence[Verdict]) -> Verdict:
    """VIOLATED if one of them is; CONFIRMED if there are some and all of them are."""
    return _verdict(Verdict.VIOLATED in parts, parts and all(p is Verdict.CONFIRMED for p in parts))


def _straddles(found: Bracket) -> Verdict:
    """Whether E x^2 contracts below and grows above."""
    outside = found.below - found.error > 1 or found.above + found.error < 1
    return _verdict(outside, found.below + found.error < 1 < found.above - found.error)


def same_threshold(method: Sequence[Bracket], model: Sequence[Bracket]) -> Verdict:
    """Whether the model's threshold is the method's, to within the width of the brackets.

    The method itself has to contract below and grow above its threshold, or nothing is decided. The model's threshold is the
    method's if it does the same at every pair of step sizes, and it is not if it fails to at one.
    """
    if together([_straddles(b) for b in method]) is not Verdict.CONFIRMED:
        return Verdict.INCONCLUSIVE
    return together([_straddles(b) for b in model])


def same_stationary(method: Sequence[Stationary], model: Sequence[Stationary]) -> Verdict:
    """Whether stationary values agree at every setting, to rounding and the rest of the transient."""
    pairs = list(zip(method, model, strict=True))
    equal = [abs(one.value - other.value) <= one.error + other.error + EQUAL * abs(one.value) for one, other in pairs]
    return _verdict(not all(equal), equal)


def interval_of_growth(found: Descent) -> tuple[float, float]:
    """(largest q below which all paths shrink, least q from which all grow); nan if the paths are not ordered like this."""
    order = np.argsort(found.q)
    q, grows = found.q[order], found.size[-1][order] > 1 + EQUAL
    if not grows.any():
        return float(q[-1]), np.inf
    first = int(np.argmax(grows))
    if first == 0 or not grows[first:].all():
        return np.nan, np.nan
    return float(q[first - 1]), float(q[first])


def conservative(method: Descent, model: Descent, thresholds: Mapping[str, float]) -> Verdict:
    """Whether the model grows from its own threshold on, where gradient descent shrinks, and gradient descent from its own.

    The thresholds of the formulas have to be in the observed intervals, which must not overlap.
    """
    seen = {METHOD: interval_of_growth(method), model.subject: interval_of_growth(model)}
    if not np.all(np.isfinite([a for pair in seen.values() for a in pair])):
        return Verdict.VIOLATED if np.inf in seen[model.subject] else Verdict.INCONCLUSIVE
    inside = all(low <= thresholds[name] <= high for name, (low, high) in seen.items())
    return Verdict.CONFIRMED if inside and seen[model.subject][1] < seen[METHOD][0] else Verdict.VIOLATED


def blows_up(found: Scheduled, thresholds: Sequence[float]) -> Verdict:
    """Whether every path from at or above its threshold blows up.

    Args:
        found: the sweep of a method without noise.
        thresholds: one for each exponent.
    """
    above = found.q[None, :] >= np.asarray(thresholds, float)[:, None]
    if not above.any():
        return Verdict.INCONCLUSIVE
    return Verdict.CONFIRMED if np.all(found.blown[above] == found.paths) else Verdict.VIOLATED


def within_steps(found: Scheduled) -> Verdict:
    """Whether no path is farther from its start than the sum of its steps, and none blew up: exact for signs, path by path."""
    fine = found.excess <= EQUAL * float(np.sqrt(found.q.max())) and not found.blown.any()
    return Verdict.CONFIRMED if fine else Verdict.VIOLATED


def blown(found: Scheduled) -> Estimate:
    """The share of all paths that blew up, with its exact interval of 95 %."""
    return proportion(int(found.blown.sum()), found.blown.size * found.paths)


def never(found: Scheduled) -> Verdict:
    """Whether no path blew up, and enough of them for a probability above `RARE` to be excluded at 95 %."""
    share = blown(found)
    return _verdict(share.value > 0, share.upper <= RARE)


def monotone(found: Sequence[Strength], rising: bool) -> Verdict:
    """Whether the largest stable step moves in the direction of the formula, and is nowhere below the formula's step.

    Args:
        found: at increasing values of one setting, all others fixed; the formula's own steps have to move in that direction too.
        rising: the direction.

    Raises:
        BadInput: fewer than two settings.
    """
    if len(found) < 2:
        raise BadInput("found", len(found), "two or more settings")
    sign = 1 if rising else -1
    ways = [sign * np.diff([getattr(f, name) for f in found]) for name in ("formula", "measured")]
    least = EQUAL * max(f.measured for f in found)
    wrong = np.any(ways[1] < -least) or any(f.measured < f.formula * (1 - 1e-6) for f in found)
    return _verdict(wrong, all(np.all(way > least) for way in ways))


def agree(found: Sequence[tuple[Estimate, float]]) -> Verdict:
    """Whether every exact value is in the interval of its estimate; a half-width above `NARROW` of the value decides nothing.

    Args:
        found: estimates, whose levels are for them jointly, each with the exact value.
    """
    inside = [estimate.lower <= exact <= estimate.upper for estimate, exact in found]
    fine = [(estimate.upper - estimate.lower) / 2 <= NARROW * abs(exact) for estimate, exact in found]
    return _verdict(not all(inside), fine and all(fine))


def largest_at_the_end(values: Sequence[float]) -> Verdict:
    """Whether none of these numbers, which have no errors but rounding, is above the last of them."""
    if len(values) < 2:
        return Verdict.INCONCLUSIVE
    return Verdict.CONFIRMED if max(values) <= values[-1] * (1 + EQUAL) else Verdict.VIOLATED


def slope_is(value: float, half: float, expected: float) -> Verdict:
    """Whether a slope with this half-width of its interval is the expected one; an interval wider than `NARROW` decides nothing."""
    return _verdict(abs(value - expected) > half, half <= NARROW)


def limits(found: Mapping[Any, tuple[float, float]]) -> Verdict:
    """Whether every limit, given with its doubt, is 1 to within `NEAR`."""
    gaps = [(abs(limit - 1), doubt) for limit, doubt in found.values()]
    wrong, right = ([gap > NEAR + doubt for gap, doubt in gaps], [gap + doubt <= NEAR for gap, doubt in gaps])
    return _verdict(any(wrong), right and all(right))
