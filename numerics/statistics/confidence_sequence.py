"""A confidence sequence: intervals that hold simultaneously at every number of paths, so that one may look and stop at any time.

`BoundedMean` consumes batches of values, one for each independent path, in O(1) memory, and keeps the intersection of its intervals
so far: P(the mean is in the interval after n paths, for every n) >= level.

An unbounded statistic has no such sequence: no sample can show that its mean exists (theory 7).
"""

import math
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.statistics.estimates import Estimate, check_chances

SEQUENCE = "a confidence sequence, valid at every number of paths at once"
#: largest bet of `BoundedMean`, below 1 (Waudby-Smith and Ramdas use 1/2 or 3/4)
LARGEST = 0.5


@final
class BoundedMean:
    """A confidence sequence for the mean of values in [low, high].

    This is the predictable plug-in empirical-Bernstein sequence of Waudby-Smith and Ramdas, "Estimating means of bounded random
    variables by betting", JRSS B 86 (2024), Theorem 2. Let X_i be the values scaled to [0, 1], mu_i = (1/2 + sum_{j<=i} X_j)/(i +
    1), s_i = (1/4 + sum_{j<=i} (X_j - mu_j)^2)/(i + 1), l_i = min(1/2, sqrt(2 log(2/alpha)/(s_{i-1} i log(1 + i)))) the bets, alpha
    = 1 - level and psi(l) = -(log(1 - l) + l). The interval after n paths is sum l_i X_i/sum l_i +- (log(2/alpha) + sum (X_i -
    mu_{i-1})^2 psi(l_i))/sum l_i.

    Args:
        low, high: finite numbers, low < high; every value must lie between them.
        level: the confidence level, in (0, 1).

    Raises:
        BadInput: the range or the level is not as above; in `update`, a value is outside the range.
    """

    def __init__(self, low: float, high: float, level: float = 0.95) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise BadInput("low", f"{low}, {high}", "two finite numbers, low < high")
        check_chances(level=level)
        self.level, self.assumes = level, f"values in [{low:g}, {high:g}]: {SEQUENCE}"
        self.low, self.high = float(low), float(high)
        self.lower, self.upper = self.low, self.high
        self.count, self._total = 0, 0.0
        self._log = math.log(2 / (1 - level))
        self._sum, self._squares = 0.5, 0.25
        self._bets, self._wins, self._paid = 0.0, 0.0, 0.0

    @property
    def estimate(self) -> Estimate:
        """The mean of all values so far (NaN if there are none), with its interval."""
        value = self._total / self.count if self.count else math.nan
        return Estimate(value, self.lower, self.upper, self.level, self.count, 0, self.assumes)

    def update(self, values: Any) -> Estimate:
        """Add a batch of values, (n,), and return the estimate from all values so far."""
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
        low, high = self.low + width * (centre - half), self.low + width * (centre + half)
        if max(self.lower, low) <= min(self.upper, high):  # an empty intersection has probability <= 1 - level
            self.lower, self.upper = max(self.lower, low), min(self.upper, high)
        return self.estimate
