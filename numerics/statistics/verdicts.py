"""Whether a mean obeys a bound: CONFIRMED, VIOLATED or INCONCLUSIVE (theory 7), from a confidence sequence alone.

The verdict is CONFIRMED if the upper confidence limit, plus the solver's own error, is at most the bound. It is VIOLATED if the
lower limit, less that error, is above the bound, and INCONCLUSIVE otherwise, with the reason. An interval from the central limit
theorem decides nothing here: a heavy-tailed statistic with a rare blow-up would pass falsely.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.estimates import CENTRAL_LIMIT, BoundedMean, Estimate, Record

#: (number of paths, number of the first path) -> one value for each path; path n must not depend on the call that draws it
Sample = Callable[[int, int], Any]
HEAVY = "heavy tails: the functional is unbounded and no bound on its variance is stated, so no interval for its mean is sound"
FEW = "too few paths: the interval contains the bound"
SOLVER = "the solver's error: without it the interval would decide"
#: the assumption of an unbounded interval
NONE = "nothing is assumed, so there is no interval"
#: the level of the limit by which a theorem is VIOLATED, since a proved theorem then counts as CONTRADICTED: in a hundred such
#: comparisons, more than in the whole catalogue, the probability of any wrong one is at most 1e-4
CERTAIN = 1 - 1e-6


@final
@dataclass(frozen=True)
class Decision(Record, null=True):
    """A verdict with its evidence. Units are those of the functional.

    Attributes:
        verdict: the verdict on E X <= bound.
        bound: the bound with which the mean is compared.
        estimate: the estimate of the mean with its interval; `blown` paths enter the interval at the ends of the range, but do not
            enter the value.
        error: the solver's own error in the mean, not included in the interval.
        tightness, tightness_lower, tightness_upper: bound/estimate, and its range over the interval widened by the error; infinite
            if the mean may be <= 0. None without a value, or for a bound below 0, for which a quotient says nothing.
        reason: the reason if the verdict is INCONCLUSIVE, otherwise empty.
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
        """The number of paths, including those that blew up."""
        return self.estimate.count + self.estimate.blown


def judge(estimate: Estimate, bound: float, error: float = 0.0) -> Decision:
    """The verdict on E X <= bound, from an estimate whose interval is sound for X; one from the central limit theorem is not.

    `error` >= 0 is an upper bound on the solver's error in the mean. BadInput for this or the bound outside its range.
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
    """Draw batches, each as large as all earlier ones together, until E X <= bound is decided or `most` paths are spent.

    The interval depends on what is stated about X. With a range [low, high] it has both limits. With X >= low alone and a `cap`, it
    has a lower limit, from E min(X, cap) <= E X, so that VIOLATED is possible and CONFIRMED is not. Otherwise there is no interval,
    and the verdict is INCONCLUSIVE. Values that are not finite stand for blown-up paths: with a range they count as `high` in the
    upper limit and as `low` in the lower limit, with a `cap` as `low`.

    Args:
        sample: (n, first) -> values of the paths first, .., first + n - 1.
        bound: a finite number.
        low, high: the range of X.
        cap: the value at which X is cut off, above `low`.
        level: the confidence of the whole procedure, whatever the number of paths at which it stops.
        error: the solver's error, see `judge`.
        batch: the number of paths in the first batch, >= 1.
        most: the largest number of paths in all batches together.
        least: the number of paths drawn even if fewer decide, for a narrower range of the tightness. Intervals only shrink, so the
            verdict stays.
        certain: the confidence of the lower limit, by which VIOLATED is decided; `level` by default.

    Raises:
        BadInput: an argument outside its range; a value outside the stated range.
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
    """Two confidence sequences, for the upper and the lower limit, which differ in the value that stands for a blown-up path."""

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
    """The quotient bound/value; infinite for a value <= 0, which the bound exceeds by any factor; None for a bound < 0 or a NaN."""
    if bound < 0 or math.isnan(value):
        return None
    return bound / value if value > 0 else math.inf
