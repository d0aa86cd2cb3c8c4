"""The tail of one-dimensional draws: the shape xi of a generalised Pareto law for the largest values, with its interval.

xi > 0 is a power tail with index 1/xi, xi = 0 an exponential or lighter one, xi < 0 a bounded support. Hill's estimator is left
out: it is positive by construction (about 6 for the normal law), so that it finds a power tail everywhere. Draws of different
coordinates are never pooled: normal draws with different scales look heavy together.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from sdescent.numerics.statistics.estimates import Record

#: below this shape the estimate has no standard error
NO_ERROR = -0.5
#: the least number of largest values
LEAST = 30
_NORMAL = 1.959963984540054  # the 97.5 % quantile of the normal law


@final
@dataclass(frozen=True)
class Shape:
    """xi of one sample, dimensionless, with an interval of level 0.95; the ends are None below `NO_ERROR`."""

    xi: float
    lower: float | None
    upper: float | None


@final
@dataclass(frozen=True)
class Tail(Record):
    """The tails of several projections at one point, from `draws` draws, of which each estimate uses the largest absolute values.

    `shapes` has xi of each projection; over half of the intervals are above 0 if `heavy`; `not_excluded` is the top end, or None.
    """

    draws: int
    shapes: tuple[Shape, ...]
    heavy: bool
    not_excluded: float | None


def shape(values: np.ndarray, largest: int) -> Shape:
    """xi of the `largest` largest absolute values over the next (Zhang and Stephens 2009, p. 316), error (1 + xi)/sqrt(largest)."""
    ordered = np.sort(np.abs(values))
    excesses = ordered[-largest:] - ordered[-largest - 1]
    if not excesses[-1] > 0 or not excesses[largest // 4] > 0:  # many ties: a law on few points
        return Shape(-1.0, None, None)
    count = 30 + math.isqrt(largest)
    quartile = excesses[int(largest / 4 + 0.5) - 1]
    grid = 1 / excesses[-1] + (1 - np.sqrt(count / (np.arange(1, count + 1) - 0.5))) / (3 * quartile)
    minus_xi = -np.mean(np.log1p(-grid[:, None] * excesses), axis=1)
    likelihood = largest * (np.log(grid / minus_xi) + minus_xi - 1)
    weights = np.exp(likelihood - likelihood.max())
    xi = float(np.mean(np.log1p(-(grid @ weights / weights.sum()) * excesses)))
    if xi < NO_ERROR:
        return Shape(xi, None, None)
    half = _NORMAL * (1 + xi) / math.sqrt(largest)
    return Shape(xi, xi - half, xi + half)


def tail(columns: np.ndarray) -> Tail | None:
    """The tails of the columns of an array (draws, projections), from a twentieth of them, at least 30; None with too few draws."""
    draws = len(columns)
    largest = max(LEAST, draws // 20)
    if draws < 4 * LEAST:
        return None
    shapes = tuple(shape(column, largest) for column in columns.T)
    above = sum(s.lower is not None and s.lower > 0 for s in shapes)
    upper = max((s.upper for s in shapes if s.upper is not None), default=None)
    return Tail(draws, shapes, 2 * above > len(shapes), upper)
