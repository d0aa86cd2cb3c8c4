"""Antiderivatives on the line by quadrature, for exponents of stationary densities without a closed form."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import mpmath as mp

#: the width of a cell in the logarithm of |y|; cells are halved where the slope is not smooth enough
WIDTH = 0.5
#: the first cell ends at e^-REACH, the last at e^REACH
REACH = 61
ORDER = 12
HALVINGS = 24
TOLERANCE = 1e-13
#: once F has fallen below this it counts as -oo, so the density is 0 from there on
FLOOR = -1e7


class Antiderivative:
    """The integral F(y) = int_0^y slope, to about 12 digits of its largest summands.

    In each cell of the logarithm of |y| the slope is a Chebyshev series, which is integrated exactly. Cells are added outwards
    as needed.

    Args:
        slope: a function of a number; it returns infinity or nan where the slope does not exist (V = 0).
    """

    def __init__(self, slope: Callable[[Any], Any]) -> None:
        self._slope = slope
        self._sides: dict[int, list[tuple[float, float, Any, list[Any]]]] = {1: [], -1: []}  # low, high, F(low), series
        self._ends: dict[int, Any] = {}

    def __call__(self, y: Any) -> Any:
        side, distance = 1 if y >= 0 else -1, abs(mp.mpf(y))
        if distance <= mp.exp(-REACH):
            return mp.mpf(0)
        s = float(mp.log(distance))
        cells = self._sides[side]
        while (not cells or cells[-1][1] < s) and side not in self._ends:
            self._grow(side)
        if not cells or cells[-1][1] < s:
            return self._ends[side]
        start, end, base, series = cells[bisect_left(cells, s, key=lambda cell: cell[1])]
        return base + _integral(series, start, end, s)

    def _grow(self, side: int) -> None:
        """Add the next cells of a side."""
        cells = self._sides[side]
        start = cells[-1][1] if cells else -float(REACH)
        base = cells[-1][2] + _integral(cells[-1][3], *cells[-1][:2], cells[-1][1]) if cells else mp.mpf(0)
        if start >= REACH:
            self._ends[side] = base
            return
        todo, limit = [(start, start + WIDTH, 0)], base
        while todo:
            low, high, depth = todo.pop()
            values = [self._scaled(side, (low + high + (high - low) * c) / 2) for c in _points()]
            infinite = not all(mp.isfinite(v) for v in values)
            series = [] if infinite else _series(values)
            rough = infinite or sum(abs(c) for c in series[-3:]) * (high - low) > TOLERANCE * max(1, abs(limit))
            if rough and depth < HALVINGS:
                todo += [((low + high) / 2, high, depth + 1), (low, (low + high) / 2, depth + 1)]
                continue
            if infinite:
                self._ends[side] = -mp.inf if self._inward(side, low) else mp.inf
                return
            cells.append((low, high, limit, series))
            limit += _integral(series, low, high, high)
            if limit < FLOOR:
                self._ends[side] = -mp.inf
                return

    def _scaled(self, side: int, s: float) -> Any:
        """The slope in s, the logarithm of the distance: dF/ds at y = side e^s."""
        distance = mp.exp(s)
        return self._slope(side * distance) * side * distance

    def _inward(self, side: int, s: float) -> bool:
        """Whether F falls outwards just beyond the point where the slope ceases to exist."""
        value = self._scaled(side, s + WIDTH)
        return bool(value == value and value < 0)


def _points() -> list[Any]:
    return [mp.cos(mp.pi * (2 * k + 1) / (2 * ORDER)) for k in range(ORDER)]


def _series(values: list[Any]) -> list[Any]:
    """The Chebyshev coefficients of the polynomial through the values at `_points`."""
    coefficients = []
    for n in range(ORDER):
        total = sum(v * mp.cos(mp.pi * n * (2 * k + 1) / (2 * ORDER)) for k, v in enumerate(values))
        coefficients.append(total * (1 if n == 0 else 2) / ORDER)
    return coefficients


def _integral(series: list[Any], low: float, high: float, s: float) -> Any:
    """The integral of a series on [low, high] from low to s: T_n, n >= 2, integrates to (T_{n+1}/(n+1) - T_{n-1}/(n-1))/2."""

    def primitive(z: Any) -> Any:
        t = [mp.mpf(1), z]
        while len(t) <= ORDER:
            t.append(2 * z * t[-1] - t[-2])
        total = series[0] * t[1] + series[1] * t[2] / 4
        return total + sum(series[n] * (t[n + 1] / (n + 1) - t[n - 1] / (n - 1)) / 2 for n in range(2, ORDER))

    z = mp.mpf(2 * s - low - high) / (high - low)
    return (primitive(z) - primitive(mp.mpf(-1))) * (high - low) / 2
