"""Confidence sequences: intervals that hold at every number of paths at once, so that one may look, and stop, at any time.

Each consumes batches of values, one for each independent path, in O(1) memory, and keeps the intersection of its intervals so far.
P(the mean is in the interval after n paths, for every n) >= level. The classes, by what they estimate:

- `BoundedMean`: of values in a known range. The predictable plug-in empirical-Bernstein sequence of Waudby-Smith and Ramdas,
  "Estimating means of bounded random variables by betting", JRSS B 86 (2024), Theorem 2.
- `FiniteVariance`: of values whose variance is at most a number that the caller states (and answers for). The self-normalised
  sequence of Wang and Ramdas, "Catoni-style confidence sequences for heavy-tailed mean estimation", SPA 163 (2023), from
  Delyon's exp(x - x^2/6) <= 1 + x + x^2/3.

For an unbounded statistic without a stated variance there is no such sequence: no sample shows that a mean exists (theory 7).
"""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.statistics.estimates import Estimate, check_level

SEQUENCE = "a confidence sequence, valid at every number of paths at once"
#: share of the error that the coarse sequence of `FiniteVariance` takes
COARSE = 0.1
#: largest bet of `BoundedMean`, below 1 (Waudby-Smith and Ramdas use 1/2 or 3/4)
LARGEST = 0.5


class _Sequence:
    """The intersection of the intervals so far, with the mean of all values."""

    def __init__(self, level: float, assumes: str) -> None:
        check_level(level)
        self.level, self.assumes = level, assumes
        self.count, self._total = 0, 0.0
        self.lower, self.upper = -math.inf, math.inf

    @property
    def estimate(self) -> Estimate:
        """Mean of all values so far (NaN of none), with the interval."""
        value = self._total / self.count if self.count else math.nan
        return Estimate(value, self.lower, self.upper, self.level, self.count, 0, self.assumes)

    def _meet(self, lower: float, upper: float) -> None:
        """The intersection; an empty one, which has probability <= 1 - level, leaves the last interval."""
        low, high = max(self.lower, lower), min(self.upper, upper)
        if low <= high:
            self.lower, self.upper = low, high


@final
class BoundedMean(_Sequence):
    """The mean of values in [low, high].

    With X_i scaled to [0, 1], mu_i = (1/2 + sum_{j<=i} X_j)/(i + 1), s_i = (1/4 + sum_{j<=i} (X_j - mu_j)^2)/(i + 1), the bets
    l_i = min(1/2, sqrt(2 log(2/alpha)/(s_{i-1} i log(1 + i)))) and psi(l) = -(log(1 - l) + l): the interval after n paths is
    sum l_i X_i/sum l_i +- (log(2/alpha) + sum (X_i - mu_{i-1})^2 psi(l_i))/sum l_i.

    Args:
        low, high: finite numbers, low < high; every value must be between them.
        level: confidence.

    Raises:
        BadInput: another range or level; in `update`, a value that is not in the range.
    """

    def __init__(self, low: float, high: float, level: float = 0.95) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise BadInput("low", f"{low}, {high}", "two finite numbers, low < high")
        super().__init__(level, f"values in [{low:g}, {high:g}]: {SEQUENCE}")
        self.low, self.high = float(low), float(high)
        self.lower, self.upper = self.low, self.high
        self._log = math.log(2 / (1 - level))
        self._sum, self._squares = 0.5, 0.25
        self._bets, self._wins, self._paid = 0.0, 0.0, 0.0

    def update(self, values: Any) -> Estimate:
        """Takes a batch of values (n,) and gives the estimate from all so far."""
        array = np.asarray(values, float).ravel()
        if not np.all((array >= self.low) & (array <= self.high)):
            raise BadInput("values", "a value outside the range, or NaN", f"numbers from {self.low:g} to {self.high:g}")
        if not array.size:
            return self.estimate
        x = (array - self.low) / (self.high - self.low)
        at = self.count + np.arange(1, len(x) + 1)
        sums = self._sum + np.cumsum(x)
        means = sums / (at + 1)
        before = np.concatenate([[self._sum / (self.count + 1)], means[:-1]])
        squares = self._squares + np.cumsum((x - means) ** 2)
        spread = np.concatenate([[self._squares], squares[:-1]]) / at
        bet = np.minimum(LARGEST, np.sqrt(2 * self._log / (spread * at * np.log1p(at))))
        self._bets += float(np.sum(bet))
        self._wins += float(np.sum(bet * x))
        self._paid += float(np.sum((x - before) ** 2 * -(np.log1p(-bet) + bet)))
        self.count, self._sum, self._squares = int(at[-1]), float(sums[-1]), float(squares[-1])
        self._total += float(np.sum(array))
        centre, half = self._wins / self._bets, (self._log + self._paid) / self._bets
        width = self.high - self.low
        self._meet(self.low + width * (centre - half), self.low + width * (centre + half))
        return self.estimate


@final
class FiniteVariance(_Sequence):
    """The mean m of values of any size whose variance is at most `variance`.

    With bets l_i = sqrt(2 log(2/alpha)/(v i log(1 + i))), exp of +-sum l_i (X_i - m) - sum l_i^2 ((X_i - m)^2/6 + v/3) are
    supermartingales by exp(x - x^2/6) <= 1 + x + x^2/3. Each excludes an interval of m, between the roots of a quadratic.
    Values of m beyond are excluded by |mean_n - m| < sqrt(2 v/(alpha' n)) (1 + log n), from the inequality of Hajek and Renyi with
    sum_n 1/(n (1 + log n)^2) <= 2. alpha' is a tenth of the error, alpha the rest.

    Args:
        variance: a finite number > 0, an upper bound that is known and not estimated.
        level: confidence.

    Raises:
        BadInput: another variance or level; in `update`, a value that is not finite.
    """

    def __init__(self, variance: float, level: float = 0.95) -> None:
        if not (math.isfinite(variance) and variance > 0):
            raise BadInput("variance", variance, "a finite number > 0")
        super().__init__(level, f"a variance of at most {variance:g}: {SEQUENCE}")
        self.variance = float(variance)
        self._log = math.log(2 / ((1 - COARSE) * (1 - level)))
        self._origin = 0.0
        self._sums = np.zeros(5)

    def update(self, values: Any) -> Estimate:
        """Takes a batch of values (n,) and gives the estimate from all so far."""
        x = np.asarray(values, float).ravel()
        if not np.all(np.isfinite(x)):
            raise BadInput("values", "a value that is not finite", "finite numbers")
        if not x.size:
            return self.estimate
        if not self.count:
            self._origin = float(x[0])  # sums of squares about a value of about their size do not cancel
        at = self.count + np.arange(1, len(x) + 1)
        bet = np.sqrt(2 * self._log / (self.variance * at * np.log1p(at)))
        # sums that overflow exclude no mean below: the stated variance is wrong, or the range of numbers too small for it
        with np.errstate(over="ignore", invalid="ignore"):
            y = bet * (x - self._origin)
            self._sums += np.array([np.sum(bet), np.sum(y), np.sum(bet**2), np.sum(bet * y), np.sum(y**2)])
        self.count = int(at[-1])
        self._total += float(np.sum(x))
        self._meet(*self._set())
        return self.estimate

    def _set(self) -> tuple[float, float]:
        """The least and the largest mean that are not excluded."""
        a, b, p, q, r = map(float, self._sums)
        rest = r / 6 + self.variance * p / 3 + self._log
        # -(p/6) m^2 + (q/3 -+ a) m +- b - rest > 0 excludes m, as measured from the origin
        gaps = [_positive(p / 6, q / 3 - sign * a, sign * b - rest) for sign in (1, -1)]
        reach = math.sqrt(2 * self.variance / (COARSE * (1 - self.level) * self.count)) * (1 + math.log(self.count))
        middle = self._total / self.count - self._origin
        lower, upper = middle - reach, middle + reach
        for _ in gaps:  # one may begin inside the other
            for low, high in gaps:
                if low < lower < high:
                    lower = high
                if low < upper < high:
                    upper = low
        return self._origin + lower, self._origin + upper


def _positive(a: float, b: float, c: float) -> tuple[float, float]:
    """Where -a m^2 + b m + c > 0, a > 0: between two roots, or nowhere, (inf, -inf)."""
    inner = b * b + 4 * a * c
    if not inner > 0:
        return math.inf, -math.inf
    # the root of larger size first: the other one from the product of the two
    large = b + math.copysign(math.sqrt(inner), b)
    one, two = large / (2 * a), -2 * c / large
    return min(one, two), max(one, two)
