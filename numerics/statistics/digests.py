"""Statistics of more paths than fit in memory: digests of blocks of paths, joined in path order. Units are those of the values.

Counts and least and greatest values are exact. Mean and variance are joined by the formulas of Chan, Golub and LeVeque (1979), in
one fixed order, so they are bitwise equal however the paths were computed. Quantiles come from a histogram, in which a bin holds
the values with equal sign, exponent and leading `BITS` bits. With 128 bins per doubling a quantile has a relative error of at
most 1/256 (below 2e-308, an error of 1e-310), whatever the law. The counts in bins are integers, and joining them loses nothing.

Values that are not finite stand for paths that blew up: they are counted and left out, as in `estimates`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from sdescent.numerics.statistics.estimates import CENTRAL_LIMIT, EXACT, Estimate, Series, ranks, series, student

#: leading bits of the fraction that distinguish bins
BITS = 7
_SHIFT = 52 - BITS
#: bins per sign, and bin numbers per saved time
_HALF, _WIDTH = 1 << (63 - _SHIFT), 1 << (64 - _SHIFT)
METHOD = (
    "middle of the bin that holds the order statistic, 128 bins to a doubling, so to within 1/256; the interval "
    "is the exact one between order statistics, widened to the edges of their bins"
)


@final
@dataclass(frozen=True)
class Digest:
    """Statistics of one quantity at S saved times, of `count` finite values of `paths` paths, (S,).

    `squares` sums deviations^2; `least`, `greatest` may be infinite; `bins` has time * 2^19 + bin, increasing, `filled` counts.
    """

    paths: int
    count: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    least: np.ndarray
    greatest: np.ndarray
    bins: np.ndarray
    filled: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """The unbiased variance of the finite values, (S,); NaN where there are fewer than two."""
        return np.where(self.count > 1, self.squares / np.maximum(self.count - 1, 1), np.nan)

    def joined(self, later: Digest) -> Digest:
        """The digest of these paths together with the paths of `later`, which come after them."""
        count = self.count + later.count
        share = later.count / np.maximum(count, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            gap = np.where((self.count > 0) & (later.count > 0), later.mean - self.mean, 0.0)
            mean = np.where(self.count > 0, self.mean + gap * share, later.mean)
            squares = self.squares + later.squares + gap * gap * (self.count * share)
        bins, place = np.unique(np.concatenate([self.bins, later.bins]), return_inverse=True)
        filled = np.zeros(len(bins), np.int64)
        np.add.at(filled, place.ravel(), np.concatenate([self.filled, later.filled]))
        least, greatest = np.minimum(self.least, later.least), np.maximum(self.greatest, later.greatest)
        return Digest(self.paths + later.paths, count, mean, squares, least, greatest, bins, filled)

    def quantile(self, time: int, q: float, level: float = 0.95) -> Estimate:
        """The q-quantile at the saved time numbered `time`, over the finite values, with its interval (see `METHOD`)."""
        n, blown = int(self.count[time]), self.paths - int(self.count[time])
        if n == 0:
            return Estimate(math.nan, -math.inf, math.inf, level, 0, blown, EXACT)
        place, low, high = ranks(n, q, level)
        first, end = np.searchsorted(self.bins, [time * _WIDTH, (time + 1) * _WIDTH])
        below = np.cumsum(self.filled[first:end])

        def edges(rank: int) -> tuple[float, float]:
            low_edge, right = _edges(self.bins[first + np.searchsorted(below, rank)] % _WIDTH)
            return max(float(low_edge), float(self.least[time])), min(float(right), float(self.greatest[time]))

        below_it, above_it = edges(place)
        lower = edges(low)[0] if low >= 1 else -math.inf
        upper = edges(high)[1] if high <= n else math.inf
        return Estimate(below_it / 2 + above_it / 2, lower, upper, level, n, blown, EXACT)

    def over_time(self, low: float = 0.1, high: float = 0.9, level: float = 0.95) -> Series:
        """The mean, median and band at each saved time, as `estimates.over_time` computes them from all values."""
        times = range(len(self.count))
        rows = [[self.quantile(n, q, level) for q in (low, 0.5, high)] for n in times]
        return series([self.mean_at(n, level) for n in times], rows, level, (low, high))

    def mean_at(self, time: int, level: float = 0.95) -> Estimate:
        """The mean at the saved time numbered `time`, with Student's interval, as `estimates.mean` computes it."""
        n = int(self.count[time])
        value = float(self.mean[time]) if n else math.nan
        with np.errstate(over="ignore", invalid="ignore"):
            half = float(student(level, n - 1) * np.sqrt(self.squares[time] / (n - 1) / n)) if n > 1 else math.inf
            ends = (value - half, value + half) if n > 1 else (-math.inf, math.inf)
        return Estimate(value, *ends, level, n, self.paths - n, CENTRAL_LIMIT)

    def histogram(self) -> dict[str, np.ndarray]:
        """The bins that are not empty: the number of the saved time, the edges left <= values <= right, and the count."""
        low_edge, right = _edges(self.bins % _WIDTH)
        return {"time": self.bins // _WIDTH, "left": low_edge, "right": right, "count": self.filled}

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The digest as arrays by name; `bins` and `filled` are of a smaller integer type if possible."""
        arrays = {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}
        small = [name for name in ("bins", "filled") if arrays[name].max(initial=0) < 2**32]
        return arrays | {name: arrays[name].astype(np.uint32) for name in small}

    @staticmethod
    def from_arrays(arrays: Mapping[str, Any]) -> Digest:
        """The digest from the arrays of `to_arrays`."""
        wide = {name: np.asarray(arrays[name]).astype(np.int64) for name in ("bins", "filled")}
        return Digest(**{**arrays, **wide, "paths": int(arrays["paths"])})


def digest(values: Any) -> Digest:
    """The digest of an array (S, paths); values that are not finite are counted as blown-up paths and left out."""
    array = np.ascontiguousarray(values, dtype=float)
    size, paths = array.shape
    count, mean, squares = np.zeros(size, np.int64), np.zeros(size), np.zeros(size)
    least, greatest = np.full(size, np.inf), np.full(size, -np.inf)
    bins, filled = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for n, row in enumerate(array):
        finite = row if np.isfinite(row).all() else row[np.isfinite(row)]
        count[n] = len(finite)
        if not len(finite):
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            mean[n] = np.mean(finite)
            squares[n] = np.sum((finite - mean[n]) ** 2)
        least[n], greatest[n] = finite.min(), finite.max()
        numbers = _bins(finite)
        lowest = numbers.min()
        counted = np.bincount(numbers - lowest)
        there = np.flatnonzero(counted)
        bins.append(n * _WIDTH + lowest + there)
        filled.append(counted[there])
    return Digest(paths, count, mean, squares, least, greatest, np.concatenate(bins), np.concatenate(filled))


def _bins(values: np.ndarray) -> np.ndarray:
    """The number of each finite value's bin, from 0, in the order of the values."""
    bits = (values + 0.0).view(np.int64)  # + 0.0 turns -0 into 0
    size = (bits & np.int64(0x7FFFFFFFFFFFFFFF)) >> _SHIFT
    return np.where(bits < 0, _HALF - 1 - size, _HALF + size)


def _edges(number: Any) -> tuple[np.ndarray, np.ndarray]:
    """The lower and upper edge of each bin."""
    number = np.asarray(number)
    above = number >= _HALF
    size = np.where(above, number - _HALF, _HALF - 1 - number)
    low, high = _at(size), _at(size + 1)
    return np.where(above, low, -high), np.where(above, high, -low)


def _at(size: np.ndarray) -> np.ndarray:
    return np.minimum((size.astype(np.int64) << _SHIFT).view(np.float64), np.finfo(float).max)
