"""The type of noise that a root of the covariance gives; solvers need it (theory 2)."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import mpmath
import sympy as sp

from sdescent.derive.equations.kinks import kinked, near_kinks, random_vector
from sdescent.derive.expressions.coordinates import parts_of, symbols_of
from sdescent.derive.expressions.graphs import numeric

POINTS = 6
Rows = list[list[Any]]
#: a function that maps a direction to the derivative of the root along it
Slope = Callable[[list[Any]], Rows]
#: divisors of the points' coordinates, in turn: far out, where signs have saturated, a root looks constant
SIZES = (1, 50, 1000)


@dataclass(frozen=True)
class Precision:
    """The precision of the decision: a parameter of 10^-7 changes a root by 10^-14 of itself, which must not count as zero.

    Args:
        digits: decimal digits of the arithmetic.
        step: central differences use the step 10^-step and are accurate to the digits of `zero`.
        zero: a number counts as zero if it is below 10^-zero relative to its surroundings.
        sizes: the numbers by which the coordinates of the points are divided, in turn.
    """

    digits: int
    step: int
    zero: int
    sizes: tuple[int, ...]

    def small(self, value: Any, scale: Any = 1) -> bool:
        """Whether a value counts as zero relative to `scale`."""
        return abs(value) <= scale * sp.Float(10) ** -self.zero


def precision(root: sp.Matrix) -> Precision:
    """The precision that a root needs: if its largest integer has m + 1 digits, it may look constant except near 10^-m."""
    numbers = [e for e in parts_of(root) if isinstance(e, sp.Rational)]
    m = max((len(str(max(abs(e.p), e.q))) for e in numbers), default=1) - 1
    return Precision(60 + 6 * m, 20 + 2 * m, 12 + 2 * m, (*SIZES, *(10 ** (m * k // 3 + 1) for k in (1, 2, 3))))


def noise_type(root: sp.Matrix, state: list[sp.Symbol]) -> str:
    """The narrowest type of dX = a dt + root(X) dW among additive, scalar, diagonal, commutative and general.

    additive: the root does not depend on the state; scalar: one Brownian motion drives all coordinates (the columns are
    fixed multiples of one); diagonal: square and diagonal, entry i a function of x_i alone; commutative: the columns
    commute as vector fields, sum_k B_kj d_k B_il = sum_k B_kl d_k B_ij (Kloeden and Platen, chapter 10); else general.

    The type is decided at random points and at points beside the kinks and saturations found along random lines
    (`sdescent.derive.equations.kinks`), in arithmetic of 60 digits or more (`Precision`). The narrower types are excluded for
    certain, since their identities fail at some point; the type itself holds to more than 10 digits at each point. A root that
    may bend somewhere but does not change at any tested point counts as general, which every solver for general noise handles.
    """
    if not symbols_of(root) & set(state):
        return "additive"
    exact = precision(root)
    seen = _Seen(exact)
    with mpmath.workdps(exact.digits):
        for jet in _jets(root, state, exact):
            seen.add(*jet)
            if not seen.commutative and seen.narrowest() == "general":
                return "general"
    return seen.narrowest() if seen.depends or not kinked(root, state) else "general"


@dataclass
class _Seen:
    """The types that remain possible after the points seen so far."""

    exact: Precision
    commutative: bool = True
    depends: bool = False
    _matrices: list[Rows] = field(default_factory=list)
    _others: bool = True  # entry i is alone in its column and depends on x_i alone

    def add(self, value: Rows, slope: Slope, draw: random.Random) -> None:
        """Add the root at a point, scaled to size 1; `draw` supplies directions and combinations of columns."""
        small, along = self.exact.small, slope(random_vector(draw, len(value)))
        self._matrices += [value, along]
        self.depends = self.depends or not all(small(e) for row in along for e in row)
        self._others = (
            self._others and self._own_places() is not None and self._own_coordinates(len(value), slope, draw)
        )
        self.commutative = self.commutative and self._commutes(value, slope, draw)

    def narrowest(self) -> str:
        if not self.depends:
            return "additive"
        if self._one_direction():
            return "scalar"
        if self._others:
            return "diagonal"
        return "commutative" if self.commutative else "general"

    def _columns(self) -> list[int]:
        small = self.exact.small
        return [
            j for j in range(len(self._matrices[0][0])) if any(not small(row[j]) for m in self._matrices for row in m)
        ]

    def _one_direction(self) -> bool:
        """Whether every column is the same constant multiple of the first at all points and along the directions tried."""
        first, *rest = self._columns()
        small = self.exact.small
        for j in rest:
            ratios = []
            for row in (row for m in self._matrices for row in m):
                if small(row[first]) != small(row[j]):
                    return False
                if not small(row[first]):
                    ratios.append(row[j] / row[first])
            if any(not small(r - ratios[0], 1) for r in ratios):
                return False
        return True

    def _own_places(self) -> dict[int, int] | None:
        """The map from a column to the only row that it fills; None if a column fills several rows or two share one."""
        small, places = self.exact.small, dict[int, int]()
        for j in self._columns():
            filled = {i for m in self._matrices for i, row in enumerate(m) if not small(row[j])}
            if len(filled) != 1 or filled & set(places.values()):
                return None
            places[j] = filled.pop()
        return places

    def _own_coordinates(self, rows: int, slope: Slope, draw: random.Random) -> bool:
        """Whether the entries are constant along directions that leave their own coordinate fixed."""
        places = self._own_places() or {}
        for j, i in places.items():
            direction = random_vector(draw, rows)
            direction[i] = 0
            if any(direction) and not self.exact.small(slope(direction)[i][j]):
                return False
        return True

    def _commutes(self, value: Rows, slope: Slope, draw: random.Random) -> bool:
        """Whether two random combinations of the columns commute; all combinations do exactly if all columns do."""
        one, two = (random_vector(draw, len(value[0])) for _ in range(2))
        u, w = (_times(value, c) for c in (one, two))
        there, back = _times(slope(u), two), _times(slope(w), one)  # the derivative of w along u, and of u along w
        return all(self.exact.small(a - b, 1 + abs(a)) for a, b in zip(there, back, strict=True))


def _times(matrix: Rows, vector: list[Any]) -> list[Any]:
    return [sum((a * b for a, b in zip(row, vector, strict=True)), 0 * vector[0]) for row in matrix]


def _jets(root: sp.Matrix, state: list[sp.Symbol], exact: Precision) -> Iterator[tuple[Rows, Slope, random.Random]]:
    """The root, with its slopes, at random points where it is real."""
    parameters = sorted(symbols_of(root) - set(state), key=str)
    # a stable law has no closed cdf, and its quadrature and a sum over signs are slow: any smooth function of the same argument
    # has the same type
    named = {"StableSignMean": lambda alpha, x: mpmath.tanh(x), "SignSum": lambda r, q, a: mpmath.exp(-(a**2))}
    flat = numeric(root.flat(), [*state, *parameters], [named, "mpmath"])
    step, draw, points_used = mpmath.mpf(10) ** -exact.step, random.Random(20250600181), 0
    beside = near_kinks(root, state, parameters)

    def points() -> Iterator[tuple[list[Any], list[Any]]]:
        values: list[Any] = []
        for attempt in range(200):
            if points_used == POINTS:
                break
            values = [mpmath.mpf(draw.randint(250, 8000)) / 997 for _ in parameters]
            divisor = exact.sizes[attempt % len(exact.sizes)]
            yield [draw.choice((-1, 1)) * mpmath.mpf(draw.randint(997, 2991)) / 997 / divisor for _ in state], values
        for x in beside(values, draw):
            yield x, values

    for attempt, (x, values) in enumerate(points()):
        here = flat(*x, *values)
        if any(abs(mpmath.im(e)) > 0 or not mpmath.isfinite(e) for e in here):
            continue  # outside the domain (p > 1, nu < 2, v < 0, ..), or a variance that cancels to less than 0
        if not any(here) and attempt < 100:
            continue  # signs that are saturated here
        size = max(abs(e) for e in here) or mpmath.mpf(1)

        def rows(entries: list[Any]) -> Rows:
            return [entries[i * root.cols : (i + 1) * root.cols] for i in range(root.rows)]

        def slope(direction: list[Any], x: list[Any] = x, values: list[Any] = values, size: Any = size) -> Rows:
            ahead, behind = (
                flat(*(a + s * step * e for a, e in zip(x, direction, strict=True)), *values) for s in (1, -1)
            )
            return rows([(a - b) / (2 * step * size) for a, b in zip(ahead, behind, strict=True)])

        points_used += 1
        yield rows([e / size for e in here]), slope, draw
    if not points_used:
        raise ArithmeticError("no point was found at which the root of the covariance is real")
