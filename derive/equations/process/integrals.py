"""Integrals on the line: conditions for a density to have finite mass, and antiderivatives by quadrature."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import mpmath as mp
import sympy as sp
from sympy.core.relational import Relational

from sdescent.derive.equations.process.second_moments import below, sign_part

#: for each end, the power of the distance s to it in dx/ds
_JACOBIAN = {sp.oo: -2, -sp.oo: -2, sp.S.Zero: 0}


def finite_mass(exponent: sp.Expr, spread: sp.Expr, x: sp.Symbol, positive: bool) -> sp.Basic | None:
    """The condition under which exp(exponent)/spread has finite mass on the line, or on x > 0; None if it is not known.

    It is known if the exponent is rational in x, apart from logarithms c log b(x) and arc tangents, and has no pole inside. At
    distance s from an end (x = 1/s, -1/s or s) the density times dx/ds is s^q exp(c_n s^-n + .. + c_1 s^-1 + O(1)). The mass
    there is finite iff the first nonzero c is negative, or all c are 0 and q > -1.
    """
    inside = sp.Dummy("x", positive=True) if positive else sp.Dummy("x", real=True)
    exponent, spread = sp.expand(exponent.xreplace({x: inside})), sp.factor(spread.xreplace({x: inside}))
    powers, rest = [(sp.S.NegativeOne, spread)], sp.S.Zero
    for term in sp.Add.make_args(exponent):
        special = [f for f in sp.Mul.make_args(term) if isinstance(f, (sp.log, sp.atan)) and f.has(inside)]
        if not special:
            rest += term
        elif len(special) > 1 or (term / special[0]).has(inside) or not special[0].args[0].is_rational_function(inside):
            return None
        elif isinstance(special[0], sp.log):
            powers.append((term / special[0], sp.factor(special[0].args[0])))
    rest = sp.together(rest)
    if not (rest.is_rational_function(inside) and spread.is_rational_function(inside)):
        return None
    if not all(_without_zeros(b, inside) for b in (*(b for _, b in powers), sp.denom(rest))):
        return None
    at_ends = [_at_end(powers, rest, inside, end) for end in ((sp.S.Zero, sp.oo) if positive else (-sp.oo, sp.oo))]
    conditions = [e for e in at_ends if e is not None]
    if len(conditions) < 2:
        return None
    if all(isinstance(e, sp.Gt) for e in conditions) and sp.expand(sp.Add(*(e.lhs for e in conditions))) == 0:  # pyright: ignore[reportAttributeAccessIssue]
        return sp.false  # a power of x has finite mass at one end at most, not at both
    parts = sp.And.make_args(sp.And(*conditions).replace(lambda e: isinstance(e, Relational), lambda e: e.canonical))
    return sp.And(*(e for e in parts if not (isinstance(e, sp.Or) and any(other in e.args for other in parts))))


def _without_zeros(expr: sp.Expr, x: sp.Symbol) -> bool:
    """Whether it is evident that neither numerator nor denominator vanishes for any x in the support."""
    return all(f.is_nonzero or (f.is_Pow and f.base.is_nonzero) for f in sp.Mul.make_args(sp.factor(expr)) if f.has(x))


def _at_end(powers: list[tuple[sp.Expr, sp.Expr]], rest: sp.Expr, x: sp.Symbol, end: sp.Expr) -> sp.Basic | None:
    """The condition under which the mass near one end is finite; None if the order there is not known."""
    s = sp.Dummy("s", positive=True)
    place = {x: s if end == 0 else 1 / s if end == sp.oo else -1 / s}
    power = sp.Integer(_JACOBIAN[end])
    for factor, base in powers:
        order = _order(base.xreplace(place), s)
        if order is None:
            return None
        power += factor * order
    condition = sp.Gt(sign_part(power + 1), 0)
    for c in reversed(_pole(rest.xreplace(place), s)):
        margin = sign_part(-c)
        condition = sp.Or(below(margin), sp.And(sp.Eq(margin, 0), condition))
    return condition


def _order(expr: sp.Expr, s: sp.Symbol) -> int | None:
    """The order n with expr = c s^n (1 + o(1)), c nonzero; None if the leading coefficient may be 0."""
    orders = []
    for part in sp.fraction(sp.together(expr)):
        (power,), lead = sp.Poly(part, s).terms()[-1]
        if not lead.is_nonzero and len(sp.Poly(part, s).terms()) > 1:
            return None
        orders.append(power)
    return orders[0] - orders[1]


def _pole(expr: sp.Expr, s: sp.Symbol) -> list[sp.Expr]:
    """The coefficients of s^-n, .., s^-1 of a rational function."""
    above, under = (sp.Poly(part, s) for part in sp.fraction(sp.together(expr)))
    depth = under.monoms()[-1][0]
    above, under = above.all_coeffs()[::-1], under.all_coeffs()[::-1][depth:]
    quotient: list[sp.Expr] = []
    for n in range(depth):  # above = found * under, power by power
        previous = sum((quotient[m] * under[n - m] for m in range(n) if n - m < len(under)), sp.S.Zero)
        quotient.append(sp.cancel(((above[n] if n < len(above) else sp.S.Zero) - previous) / under[0]))
    return quotient


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

    In each cell of the logarithm of |y| the slope is a Chebyshev series, which is integrated exactly. Cells are added
    outwards as needed. The slope returns infinity or nan where it does not exist (V = 0).
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
