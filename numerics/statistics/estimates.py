"""Estimates from independent paths, with intervals, and with blow-ups counted separately; records of numbers as JSON values.

Units are those of the values.

Values that are not finite stand for blown-up paths: they are counted and never averaged. Every interval states its assumption. The
interval of a mean comes from the central limit theorem and needs a finite variance, which no sample can establish: a heavy-tailed
statistic with a rare blow-up may look harmless. Intervals of quantiles and proportions are exact for every law (theory 7).
"""

import dataclasses
import math
import types
import typing
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any, ClassVar, final

import numpy as np
import scipy  # submodules are loaded when they are used: stored results need none of them

from sdescent.derive.vocabulary.errors import BadInput


def plain(value: Any, null: bool = False) -> Any:
    """The value as nested lists, dictionaries, numbers and strings.

    Strict JSON has neither infinity nor NaN. Infinity, where it has a meaning (a loss of inf is a blow-up), becomes "inf" or
    "-inf". With `null`, all that is not finite becomes None. Else ValueError for a NaN, TypeError without a JSON form.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name), null) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item, null) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, null) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isnan(value) and not null:
            raise ValueError("a record holds a NaN")
        return value if math.isfinite(value) else None if null else str(float(value))
    if hasattr(value, "__array__"):
        return plain(np.asarray(value).tolist(), null)
    raise TypeError(f"no JSON form for {type(value).__name__}")


class Record:
    """Base class of result dataclasses: `to_dict()` gives a dictionary of strict JSON values (see `plain`).

    A class chooses the form of numbers that are not finite, as in `class Estimate(Record, null=True)`; records in it follow.
    """

    _null: ClassVar[bool]

    def __init_subclass__(cls, null: bool = False) -> None:
        super().__init_subclass__()
        cls._null = null

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return plain(self, self._null)


def rebuilt(kind: Any, value: Any) -> Any:
    """The object of type `kind` whose `plain` form is `value`: a dataclass of these, of tuples, numbers, texts, enums and None.

    With `null`, an infinity comes back as None where that is allowed, else as nan.
    """
    if kind is Any:
        return value
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        kinds = [arguments[0]] * len(value) if arguments[1:] == (...,) else arguments
        return tuple(rebuilt(k, item) for k, item in zip(kinds, value, strict=True))
    if types.NoneType in arguments:
        (inner,) = (k for k in arguments if k is not types.NoneType)
        return None if value is None else rebuilt(inner, value)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{f.name: rebuilt(hints[f.name], value[f.name]) for f in dataclasses.fields(kind)})  # pyright: ignore
    return math.nan if value is None else kind(value)


CENTRAL_LIMIT = "finite variance of the statistic: Student's interval, by the central limit theorem"
EXACT = "independent paths only: the interval is exact for every law"


@final
@dataclass(frozen=True)
class Estimate(Record, null=True):
    """An estimate with a two-sided confidence interval.

    The interval from `lower` to `upper`, with an infinite end if the sample is too small for a finite one, has the confidence
    `level`, such as 0.95, and needs what `assumes` says. `count` paths are used, and `blown` ones are left out because they blew
    up.
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

    The interval of the mean needs what `assumes` says, a finite variance; that of the median is exact. `low` and `high` are the
    outer quantiles, with the probabilities `quantiles`, such as (0.1, 0.9). `count` and `blown` are the numbers of surviving and of
    blown-up paths, `level` is the confidence of the intervals.
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
    """The mean over the surviving paths, with the interval m +- t s/sqrt(n), t from Student's t_{n-1}, needing a finite variance.

    One value for each path, not finite for blown-up paths. BadInput for more (dependent times), or a level outside (0, 1).
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

    P(l <= Bin(n, q) < u) >= level for the number of paths below the quantile, so the interval holds for every law. One value a
    path, not finite if it blew up. BadInput for q or level outside (0, 1), or more values.
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
    """The quantile at `chance` of the binomial law of n trials; `scipy.stats` takes longer to load than many runs to solve."""
    return bisect_left(range(n), chance, key=lambda events: scipy.special.bdtr(events, n, q))


def proportion(count: int, total: int, level: float = 0.95) -> Estimate:
    """The probability of an event, by Clopper and Pearson (1934), seen on `count` of `total` >= 1 paths (else BadInput)."""
    if not 0 <= count <= total or total < 1:
        raise BadInput("count", f"{count} of {total}", "0 <= count <= total, total >= 1")
    check_chances(level=level)
    tail = (1 - level) / 2
    lower = float(scipy.special.betaincinv(count, total - count + 1, tail)) if count else 0.0
    upper = float(scipy.special.betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return Estimate(count / total, lower, upper, level, total, 0, EXACT)


def difference(first: Any, second: Any, level: float = 0.95) -> Estimate:
    """The mean of `first` minus the mean of `second`, two independent samples, with Welch's interval.

    It needs finite variances. `count` is the smaller number of surviving paths, `blown` that of blown-up paths in both samples.
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

    Values that are not finite stand for blown-up paths. `low`, `high` are the probabilities of the outer quantiles; all figures
    use the band from 10 to 90 per cent. BadInput for an array of another shape, or a probability or a level outside (0, 1).
    """
    array = np.asarray(values, float)
    if array.ndim != 2:
        raise BadInput("values", array.shape, "an array (saved times, paths)")
    for q in (low, high):
        check_chances(q=q)
    check_chances(level=level)
    if array.shape[1] > 1 and np.isfinite(array).all():
        return _all_at_once(np.ascontiguousarray(array), low, high, level)
    ordered = ((np.sort(finite), blown) for finite, blown in map(_split, array))
    rows = [[_of_ordered(*one, q, level) for q in (low, 0.5, high)] for one in ordered]
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
    """The finite values, and the number of the others. Raises BadInput for an array with more than one axis."""
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


SEQUENCE = "a confidence sequence, valid at every number of paths at once"
#: largest bet of `BoundedMean`, below 1 (Waudby-Smith and Ramdas use 1/2 or 3/4)
LARGEST = 0.5


@final
class BoundedMean:
    """A confidence sequence for the mean of values in [low, high]: intervals that hold simultaneously at every number of paths.

    One may therefore look and stop at any time: P(the mean is in the interval after n paths, for every n) >= level. It consumes
    batches of values, one for each independent path, in O(1) memory, and keeps the intersection of its intervals so far. An
    unbounded statistic has no such sequence: no sample can show that its mean exists (theory 7).

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
