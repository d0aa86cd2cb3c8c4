"""Whether a mean obeys a bound: CONFIRMED, VIOLATED or INCONCLUSIVE (theory 7), from a confidence sequence alone.

CONFIRMED when the upper confidence limit, with the solver's own error added, is at most the bound; VIOLATED when the lower limit,
less that error, is above it; else INCONCLUSIVE, with the reason. An interval of the central limit theorem decides nothing
here: a heavy-tailed statistic with a rare blow-up would pass it falsely.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.estimates import CENTRAL_LIMIT, Estimate
from sdescent.numerics.statistics.record import Record
from sdescent.numerics.statistics.sequential import BoundedMean

#: (how many paths, the number of the first of them) -> one value for each; path n must not depend on how it is drawn
Sample = Callable[[int, int], Any]
HEAVY = "heavy tails: the functional is unbounded and no bound on its variance is stated, so no interval for its mean is sound"
FEW = "too few paths: the interval holds the bound"
SOLVER = "the solver's error: the interval alone would decide"
#: the assumption of an interval that is unbounded
NONE = "nothing is assumed, so there is no interval"
#: level of the limit by which a theorem is VIOLATED, since one that is proved is then CONTRADICTED: of a hundred such comparisons,
#: which are more than those of the whole catalogue, one or more wrongly with a chance of at most 1e-4
CERTAIN = 1 - 1e-6


@final
@dataclass(frozen=True)
class Decision(Record, null=True):
    """A verdict with its evidence. Units are those of the functional.

    Attributes:
        verdict: on E X <= bound.
        bound: the number that is compared.
        estimate: with its interval; `blown` paths enter the interval at the range's ends, but not the value.
        error: the solver's own error of the mean, not included in the interval.
        tightness, tightness_lower, tightness_upper: bound/estimate, and over the interval widened by the error; infinite where
            the mean may be 0. None for a bound below 0, for which a quotient says nothing.
        reason: why it is INCONCLUSIVE; otherwise empty.
    """

    verdict: Verdict
    bound: float
    estimate: Estimate
    error: float
    tightness: float | None
    tightness_lower: float | None
    tightness_upper: float | None
    reason: str = ""

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        numbers = f"mean {self.estimate}, bound {self.bound:.6g}, solver's error {self.error:.2g}"
        return f"{self.verdict.value}{why}\n{numbers}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self)).replace(chr(10), '<br>')}</p>"

    @property
    def paths(self) -> int:
        """Number of paths, blown-up ones among them."""
        return self.estimate.count + self.estimate.blown


def judge(estimate: Estimate, bound: float, error: float = 0.0) -> Decision:
    """The verdict on a mean with an interval.

    Args:
        estimate: with an interval that is sound for the functional; an interval of the central limit theorem counts as none.
        bound: a finite number.
        error: an upper bound of the solver's error of the mean, >= 0.

    Raises:
        BadInput: a bound or an error that is not such a number.
    """
    if not math.isfinite(bound):
        raise BadInput("bound", bound, "a finite number")
    if not error >= 0:
        raise BadInput("error", error, "a number >= 0")
    lower, upper = estimate.lower - error, estimate.upper + error
    reason = ""
    if estimate.assumes == CENTRAL_LIMIT:
        lower, upper, reason = -math.inf, math.inf, HEAVY
    if upper <= bound:
        verdict = Verdict.CONFIRMED
    elif lower > bound:
        verdict = Verdict.VIOLATED
    else:
        verdict = Verdict.INCONCLUSIVE
        if not reason:
            alone = estimate.upper <= bound or estimate.lower > bound
            reason = SOLVER if alone else HEAVY if math.isinf(estimate.upper) and math.isinf(estimate.lower) else FEW
    ratios = [_ratio(bound, value) for value in (estimate.value, upper, lower)]
    return Decision(verdict, float(bound), estimate, float(error), ratios[0], ratios[1], ratios[2], reason)


def decide(
    sample: Sample,
    bound: float,
    low: float | None = None,
    high: float | None = None,
    cap: float | None = None,
    level: float = 0.95,
    error: float = 0.0,
    batch: int = 256,
    most: int = 100_000,
    least: int = 0,
    certain: float | None = None,
) -> Decision:
    """Draws batches, each as large as all before, until E X <= bound is decided or `most` paths are spent.

    Which interval is used depends on what is stated about X: a range [low, high]; else, from X >= low alone, a lower limit from
    E min(X, cap) <= E X, so that VIOLATED is possible and CONFIRMED is not; else none, and INCONCLUSIVE. Values that are not finite
    are blown-up paths. In a range they count as `high` in the upper limit and as `low` in the lower one; with `cap` as `low`.

    Args:
        sample: (n, first) -> values of the paths first, .., first + n - 1.
        bound: a finite number.
        low, high: range of X.
        cap: the value at which X is cut, above low.
        level: confidence of the whole procedure, at whatever number of paths it stops.
        error: the solver's error, see `judge`.
        batch: paths in the first batch, >= 1.
        most: paths in all.
        least: number of paths drawn even where fewer decide, for a narrower tightness; intervals only shrink, so a verdict stays.
        certain: confidence of the lower limit, by which VIOLATED is decided; `level` unless given.

    Raises:
        BadInput: arguments outside their range; a value outside the stated range.
    """
    if batch < 1 or most < batch:
        raise BadInput("batch", f"{batch}, {most}", "1 <= batch <= most")
    tracker = _tracker(low, high, cap, level, level if certain is None else certain)
    paths, size = 0, batch
    while True:
        tracker.update(np.asarray(sample(size, paths), float).ravel())
        paths += size
        decision = judge(tracker.estimate, bound, error)
        if (decision.verdict is not Verdict.INCONCLUSIVE and paths >= least) or paths >= most:
            return decision
        size = min(paths, most - paths)


class _Tracker:
    """Two sequences, for the upper and for the lower limit, which differ in the value that stands for a blown-up path."""

    def __init__(
        self, ends: tuple[BoundedMean | None, BoundedMean | None], stands: tuple[float, float], cap: float = math.inf
    ) -> None:
        self.upper, self.lower, self.stands, self.cap = *ends, stands, cap
        self.total, self.count, self.blown = 0.0, 0, 0

    def update(self, values: np.ndarray) -> None:
        finite = np.isfinite(values)
        surviving = values[finite]
        self.total += float(np.sum(surviving))
        self.count, self.blown = self.count + len(surviving), self.blown + int(np.sum(~finite))
        for sequence, stand in zip((self.upper, self.lower), self.stands, strict=True):
            if sequence is not None:
                sequence.update(np.where(finite, np.minimum(values, self.cap), stand))

    @property
    def estimate(self) -> Estimate:
        value = self.total / self.count if self.count else math.nan
        sequence = self.upper or self.lower
        return Estimate(
            value, -math.inf if self.lower is None else self.lower.lower, math.inf if self.upper is None else self.upper.upper,
            sequence.level if sequence else math.nan, self.count, self.blown, sequence.assumes if sequence else NONE,
        )  # fmt: skip


def _tracker(low: float | None, high: float | None, cap: float | None, level: float, certain: float) -> _Tracker:
    if low is not None and high is not None:
        return _Tracker((BoundedMean(low, high, level), BoundedMean(low, high, certain)), (high, low))
    if low is not None and cap is not None:
        return _Tracker((None, BoundedMean(low, cap, certain)), (low, low), cap)
    return _Tracker((None, None), (0.0, 0.0))


def _ratio(bound: float, value: float) -> float | None:
    """bound/value; infinite for a value <= 0, which it exceeds by any factor; None for a bound below 0."""
    if bound < 0 or math.isnan(value):
        return None
    return bound / value if value > 0 else math.inf
