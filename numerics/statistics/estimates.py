"""Estimates from independent paths, with intervals, and with blow-ups counted separately. Units are those of the values.

Values that are not finite stand for blown-up paths: they are counted and never averaged. Every interval states its assumption. The
interval of a mean comes from the central limit theorem and needs a finite variance, which no sample can establish: a heavy-tailed
statistic with a rare blow-up may look harmless. Intervals of quantiles and proportions are exact for every law (theory 7).
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any, final

import numpy as np
import scipy  # submodules are loaded when they are used: stored results need none of them

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.statistics.record import Record

CENTRAL_LIMIT = "finite variance of the statistic: Student's interval, by the central limit theorem"
EXACT = "independent paths only: the interval is exact for every law"


@final
@dataclass(frozen=True)
class Estimate(Record, null=True):
    """An estimate with a two-sided confidence interval.

    Attributes:
        value: the estimate.
        lower, upper: the ends of the interval; an end is infinite if the sample is too small for a finite one.
        level: the confidence level, such as 0.95.
        count: the number of paths from which the estimate is computed.
        blown: the number of paths left out because they blew up.
        assumes: the assumption that the interval needs.
    """

    value: float
    lower: float
    upper: float
    level: float
    count: int
    blown: int
    assumes: str

    def __str__(self) -> str:
        paths = f"{self.count} paths" + (f", {self.blown} blew up" if self.blown else "")
        return f"{self.value:.6g} [{self.lower:.6g}, {self.upper:.6g}] ({100 * self.level:g} %, {paths})"

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}<br><small>{escape(self.assumes)}</small></p>"


@final
@dataclass(frozen=True)
class Series(Record, null=True):
    """Estimates over the surviving paths at each saved time, as arrays of shape (S,).

    Attributes:
        mean, mean_lower, mean_upper: the mean and its interval, which needs a finite variance.
        median, median_lower, median_upper: the median and its exact interval.
        low, high: the outer quantiles.
        count, blown: the numbers of surviving and of blown-up paths.
        level: the confidence level of the intervals.
        quantiles: the probabilities of `low` and `high`, such as (0.1, 0.9).
        assumes: the assumption that the interval of the mean needs.
    """

    mean: np.ndarray
    mean_lower: np.ndarray
    mean_upper: np.ndarray
    median: np.ndarray
    median_lower: np.ndarray
    median_upper: np.ndarray
    low: np.ndarray
    high: np.ndarray
    count: np.ndarray
    blown: np.ndarray
    level: float
    quantiles: tuple[float, float]
    assumes: str = CENTRAL_LIMIT


def mean(values: Any, level: float = 0.95) -> Estimate:
    """The mean over the surviving paths, with the interval m +- t s/sqrt(n), where t is a quantile of Student's t_{n-1}.

    The interval needs a finite variance of the statistic.

    Args:
        values: one for each path; values that are not finite stand for blown-up paths.
        level: the confidence level, in (0, 1).

    Raises:
        BadInput: more than one value for each path (values at several times are not independent); a level outside (0, 1).
    """
    finite, blown = _split(values)
    check_chances(level=level)
    n = len(finite)
    if n < 2:
        return Estimate(float(finite[0]) if n else math.nan, -math.inf, math.inf, level, n, blown, CENTRAL_LIMIT)
    centre, half = float(np.mean(finite)), float(student(level, n - 1) * np.std(finite, ddof=1) / math.sqrt(n))
    return Estimate(centre, centre - half, centre + half, level, n, blown, CENTRAL_LIMIT)


def quantile(values: Any, q: float = 0.5, level: float = 0.95) -> Estimate:
    """The q-quantile over the surviving paths, with an interval between two order statistics, X_(l) and X_(u).

    l and u come from the binomial law of the number of paths below the quantile, P(l <= Bin(n, q) < u) >= level, so the
    interval holds for every law.

    Args:
        values: one for each path; values that are not finite stand for blown-up paths.
        q: the probability of the quantile, in (0, 1).
        level: the confidence level, in (0, 1).

    Raises:
        BadInput: q or level outside (0, 1); more than one value for each path.
    """
    check_chances(q=q, level=level)
    finite, blown = _split(values)
    return _of_ordered(np.sort(finite), blown, q, level)


def _of_ordered(ordered: np.ndarray, blown: int, q: float, level: float) -> Estimate:
    """The estimate of `quantile`, from the surviving values in increasing order."""
    n = len(ordered)
    if n == 0:
        return Estimate(math.nan, -math.inf, math.inf, level, 0, blown, EXACT)
    place, low, high = ranks(n, q, level)
    lower = float(ordered[low - 1]) if low >= 1 else -math.inf
    upper = float(ordered[high - 1]) if high <= n else math.inf
    return Estimate(float(ordered[place - 1]), lower, upper, level, n, blown, EXACT)


@lru_cache(maxsize=4096)
def ranks(n: int, q: float, level: float = 0.95) -> tuple[int, int, int]:
    """The ranks, from 1 to n, of the q-quantile and of the ends of its interval; ranks 0 and n + 1 are infinite ends."""
    tail = (1 - level) / 2
    low, high = _binomial(tail, n, q), _binomial(1 - tail, n, q) + 1
    return min(n, max(1, math.ceil(n * q - 1e-9))), low, high


def _binomial(chance: float, n: int, q: float) -> int:
    """The quantile, at probability `chance`, of the number of successes in n trials with probability q.

    It equals the quantile of `scipy.stats`, which takes longer to load than many runs take to solve.
    """
    return bisect_left(range(n), chance, key=lambda events: scipy.special.bdtr(events, n, q))


def proportion(count: int, total: int, level: float = 0.95) -> Estimate:
    """The probability of an event that occurred on `count` of `total` paths, with the exact interval of Clopper and Pearson (1934).

    Raises:
        BadInput: unless 0 <= count <= total and total >= 1; a level outside (0, 1).
    """
    if not 0 <= count <= total or total < 1:
        raise BadInput("count", f"{count} of {total}", "0 <= count <= total, total >= 1")
    check_chances(level=level)
    tail = (1 - level) / 2
    lower = float(scipy.special.betaincinv(count, total - count + 1, tail)) if count else 0.0
    upper = float(scipy.special.betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return Estimate(count / total, lower, upper, level, total, 0, EXACT)


def difference(first: Any, second: Any, level: float = 0.95) -> Estimate:
    """The mean of `first` minus the mean of `second`, two independent samples, with Welch's interval.

    The interval needs finite variances. In the estimate `count` is the smaller of the two numbers of surviving paths, and `blown`
    is the number of blown-up paths in both samples.
    """
    check_chances(level=level)
    (a, lost_a), (b, lost_b) = _split(first), _split(second)
    n, lost = min(len(a), len(b)), lost_a + lost_b
    if n < 2:
        return Estimate(math.nan, -math.inf, math.inf, level, n, lost, CENTRAL_LIMIT)
    va, vb = np.var(a, ddof=1) / len(a), np.var(b, ddof=1) / len(b)
    gap = float(np.mean(a) - np.mean(b))
    if va + vb == 0:
        return Estimate(gap, gap, gap, level, n, lost, CENTRAL_LIMIT)
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    half = float(scipy.special.stdtrit(freedom, (1 + level) / 2) * np.sqrt(va + vb))
    return Estimate(gap, gap - half, gap + half, level, n, lost, CENTRAL_LIMIT)


def over_time(values: Any, low: float = 0.1, high: float = 0.9, level: float = 0.95) -> Series:
    """The mean, the median and two outer quantiles at each saved time, from an array (S, paths) such as `Ensemble.values["loss"]`.

    Args:
        values: an array (S, paths); values that are not finite stand for blown-up paths.
        low, high: the probabilities of the outer quantiles, the ends of a band. All figures use the band from 10 to 90 per cent.
        level: the confidence level of the intervals, in (0, 1).

    Raises:
        BadInput: an array of another shape; a probability or a level outside (0, 1).
    """
    array = np.asarray(values, float)
    if array.ndim != 2:
        raise BadInput("values", array.shape, "an array (saved times, paths)")
    for q in (low, high):
        check_chances(q=q)
    check_chances(level=level)
    if array.shape[1] > 1 and np.isfinite(array).all():
        return _all_at_once(np.ascontiguousarray(array), low, high, level)
    rows = []
    for finite, blown in map(_split, array):
        ordered = np.sort(finite)
        rows.append([_of_ordered(ordered, blown, q, level) for q in (low, 0.5, high)])
    return series([mean(row, level) for row in array], rows, level, (low, high))


def series(
    means: Sequence[Estimate], rows: Sequence[Sequence[Estimate]], level: float, quantiles: tuple[float, float]
) -> Series:
    """The estimates at each time as arrays; each row has the lower quantile, the median and the upper quantile."""
    of = lambda estimates, name: np.array([getattr(e, name) for e in estimates])  # noqa: E731
    low, median, high = zip(*rows, strict=True)
    return Series(
        of(means, "value"), of(means, "lower"), of(means, "upper"), of(median, "value"), of(median, "lower"), of(median, "upper"),
        of(low, "value"), of(high, "value"), of(means, "count"), of(means, "blown"), level, quantiles,
    )  # fmt: skip


def _all_at_once(array: np.ndarray, low: float, high: float, level: float) -> Series:
    """The series of `over_time` if all paths survive and there are at least two."""
    count, n = array.shape
    centre, ordered = np.mean(array, axis=1), np.sort(array, axis=1)
    half = student(level, n - 1) * np.std(array, axis=1, ddof=1) / math.sqrt(n)
    (first, _, _), (place, below, above), (last, _, _) = (ranks(n, q, level) for q in (low, 0.5, high))
    lower = ordered[:, below - 1] if below >= 1 else np.full(count, -np.inf)
    upper = ordered[:, above - 1] if above <= n else np.full(count, np.inf)
    medians, outer = (ordered[:, place - 1], lower, upper), (ordered[:, first - 1], ordered[:, last - 1])
    counts = np.full(count, n), np.zeros(count, int)
    return Series(centre, centre - half, centre + half, *medians, *outer, *counts, level, (low, high))


def _split(values: Any) -> tuple[np.ndarray, int]:
    """The finite values, and the number of values that are not finite.

    Raises:
        BadInput: an array with more than one axis.
    """
    array = np.atleast_1d(np.asarray(values, float))
    if array.ndim > 1:
        one = "one value for each path, (paths,), such as values['loss'][-1] at the last saved time (over_time: at each time)"
        raise BadInput("values", f"an array {array.shape}", one)
    finite = np.isfinite(array)
    return array[finite], int(np.sum(~finite))


@lru_cache(maxsize=4096)
def student(level: float, freedom: int) -> float:
    """The quantile of Student's t, with `freedom` degrees of freedom, for a two-sided interval of this level."""
    return float(scipy.special.stdtrit(freedom, (1 + level) / 2))


def check_chances(**chances: float) -> None:
    """Raise BadInput for a probability or a level outside (0, 1)."""
    for name, chance in chances.items():
        if not 0 < chance < 1:
            raise BadInput(name, chance, "a number in (0, 1)")
