"""Certificates by linear programming: mult * p = sum of columns (nonnegative coefficients) + equations (any coefficients).

Untrusted. A column is a product of factors, one square and a monomial of known sign. HiGHS finds a vertex in floating
point; the system is solved again over QQ on the vertex's support.
"""

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from scipy.optimize import linprog
from scipy.sparse import csc_array

from sdescent.derive.proof.language.clock import now, spend
from sdescent.derive.proof.search import ring as rings
from sdescent.derive.proof.search.ring import Factor, GiveUp, Piece, Poly, Ring, ZeroPolynomial, degree_of, product

TINY = 1e-9
#: the number of pairs of monomials compared at once
PAIRS = 2_000_000
#: a time in seconds too short to measure how busy the machine is, and the largest factor by which it may slow a solver down
SHORT, SLOWEST = 0.1, 10.0


@dataclass(frozen=True)
class Base:
    """A product of factors and squares, whose monomial multiples are columns."""

    factors: tuple[Factor, ...]
    squares: tuple[Poly, ...]
    poly: Poly
    terms: dict[int, Any]
    degree: int
    #: monomials, one of which must occur in the support when multiplied; None stands for the monomials of `terms`
    hooks: tuple[int, ...] | None = None

    @property
    def strict(self) -> bool:
        """Whether the base is a product of strict factors alone, and hence positive."""
        return not self.squares and all(f.strict for f in self.factors)


@dataclass(frozen=True)
class Column:
    """The nonnegative one of +-base * monomial; if `equation` is given, a multiple of that equation, which is zero."""

    base: Base | None
    monomial: int
    terms: dict[int, Any]
    strict: bool
    cost: float
    equation: ZeroPolynomial | None = None


@dataclass(frozen=True)
class System:
    """The system mult * p = sum + equations; coefficients of `mults` and `sums` are >= 0, and with `strict` the sum is positive."""

    mults: Sequence[Column]
    sums: Sequence[Column]
    equations: Sequence[Column]
    strict: bool

    @property
    def columns(self) -> list[Column]:
        """All columns, in the order in which their coefficients are numbered."""
        return [*self.mults, *self.sums, *self.equations]

    @property
    def signed(self) -> int:
        """The number of coefficients that must be nonnegative; these come first."""
        return len(self.mults) + len(self.sums)

    @property
    def strict_groups(self) -> list[list[int]]:
        """Groups of column numbers; each group needs at least one positive coefficient."""
        first = len(self.mults)
        groups = [[j for j, column in enumerate(self.mults) if column.strict]]
        return [*groups, [first + j for j, c in enumerate(self.sums) if c.strict]] if self.strict else groups


@dataclass
class Solution:
    """A solution of mult * p = sum + equations, with the multiplier of each equation."""

    mult: list[Piece]
    total: list[Piece]
    equalities: list[tuple[ZeroPolynomial, Poly]]


class Maker:
    """Makes the columns of one problem."""

    def __init__(self, ring: Ring, reduce: Callable[[Poly], Poly], signs: rings.Signs, stop: float) -> None:
        self.ring, self.reduce, self.signs, self.stop = ring, reduce, signs, stop
        self._begun = time.monotonic(), now()
        #: the bits of the exponents that a rule v^2 = value reduces
        self.high = sum(255 << 8 * v for v in range(ring.size) if reduce(ring.gens[v] ** 2) != ring.gens[v] ** 2)
        # the lowest bit of an exponent tells whether it is odd
        self._unsigned = [v for v in range(ring.size) if v not in signs]
        self._unknown = sum(1 << 8 * v for v in range(ring.size) if v not in signs)
        self._negative = sum(1 << 8 * v for v, (sign, _) in signs.items() if sign < 0)
        self._weak = sum(255 << 8 * v for v in range(ring.size) if v not in signs or not signs[v][1].strict)

    def time_of_day(self) -> float:
        """The wall-clock seconds, which solvers count, that this thread will need to reach its stop at its pace so far."""
        day, work = time.monotonic() - self._begun[0], now() - self._begun[1]
        return max(self.stop - now(), 0.01) * min(max((day + SHORT) / (work + SHORT), 1.0), SLOWEST)

    def sign(self, m: int) -> int:
        """The sign of a monomial, 1 or -1; 0 if the premises do not determine it."""
        if m & self._unknown:
            return 0
        return -1 if (m & self._negative).bit_count() & 1 else 1

    def cone(self, column: Column) -> tuple[Piece, ...]:
        """A column as a sum of products of premises and squares. Raises GiveUp for a multiple of an equation or too many pieces."""
        factor = self.ring.monomial_factor(self.ring.unpacked(column.monomial), self.signs)
        if column.base is None or factor is None:
            raise GiveUp
        squares: tuple[Piece, ...] = ((fmpq(1), (), column.base.squares),)
        return rings.cone_product(squares, factor[1].cone, *[f.cone for f in column.base.factors])

    def degree(self, m: int) -> int:
        """The total degree of a monomial."""
        return sum(m.to_bytes(self.ring.size, "little"))

    def base(
        self, factors: Sequence[Factor], squares: Sequence[Poly] = (), hooks: tuple[int, ...] | None = None
    ) -> Base:
        """The base formed by the product of `factors` and of the squares of the polynomials in `squares`."""
        parts = [*(f.poly for f in factors), *(rings.power(s, 2) for s in squares)]
        poly = self.reduce(functools.reduce(product, parts, self.ring.number(1)))
        return Base(tuple(factors), tuple(squares), poly, self.ring.packed(poly), degree_of(poly), hooks)

    def times(self, poly: Poly, terms: dict[int, Any], m: int, sign: int) -> dict[int, Any]:
        """The terms of sign * m * poly, reduced."""
        if m & self.high:
            return self.ring.packed(self.reduce(product(poly, self.ring.monomial(self.ring.unpacked(m)) * sign)))
        if sign == 1:
            return {m + n: c for n, c in terms.items()}
        return {m + n: -c for n, c in terms.items()}

    def columns(self, bases: Sequence[Base], support: set[int], rounds: int, cap: int, degree: int) -> list[Column]:
        """The cheapest monomial multiples of the bases that share a monomial with the support or with an earlier multiple."""
        columns: list[Column] = []
        tried: set[tuple[int, int]] = set()
        reach = set(support)
        for _ in range(rounds):
            room = cap - len(columns)
            if room <= 0 or not bases:
                break
            new: list[Column] = []
            for cost, k, m in self._touching(bases, sorted(reach), tried, degree, room):
                base = bases[k]
                terms = self.times(base.poly, base.terms, m, self.sign(m))
                if terms:
                    new.append(Column(base, m, terms, base.strict and not m & self._weak, cost))
                if now() > self.stop:
                    break
            columns += new
            for column in new:
                reach.update(column.terms)
        return columns

    def _touching(
        self, bases: Sequence[Base], front: Sequence[int], tried: set[tuple[int, int]], degree: int, most: int
    ) -> list[tuple[float, int, int]]:
        """Triples (cost, number of a base, monomial) not tried before, cheapest first, at most `most` of them."""
        hooks_of = [list(base.terms if base.hooks is None else base.hooks) for base in bases]
        owners = np.array([k for k, hooks in enumerate(hooks_of) for _ in hooks], np.int64)
        rows, hooks = self._rows(front), self._rows([m for part in hooks_of for m in part])
        sizes, steps = rows.sum(axis=1, dtype=np.int64), hooks.sum(axis=1, dtype=np.int64)
        room = np.array([degree - base.degree for base in bases])
        fixed = np.array([1 + base.degree + 0.1 * len(base.terms) + len(base.squares) for base in bases])
        costs, places, quotients = [np.zeros(0)], [np.zeros(0, np.int64)], [rows[:0]]
        step = max(PAIRS // max(len(rows), 1), 1)
        for start in range(0, len(hooks), step):
            if now() > self.stop:
                break
            part = slice(start, start + step)
            spend(len(hooks[part]) * len(rows) // 100)
            degrees = sizes[None] - steps[part][:, None]
            fits = degrees <= room[owners[part]][:, None]
            for v in np.flatnonzero(hooks[part].any(axis=0)):
                fits &= rows[:, v][None] >= hooks[part][:, v][:, None]
            i, j = np.nonzero(fits)
            ratio = rows[j] - hooks[part][i]
            signed = ~(ratio[:, self._unsigned] & 1).any(axis=1)
            places.append(owners[part][i[signed]])
            costs.append(fixed[places[-1]] + degrees[i[signed], j[signed]])
            quotients.append(ratio[signed])
        cost, place, quotient = np.concatenate(costs), np.concatenate(places), np.concatenate(quotients)
        # a multiple may occur once for each of its hooks, and may have been returned before
        enough = most * max(map(len, hooks_of), default=1) + len(tried)
        if len(cost) > enough:
            cheap = cost <= np.partition(cost, enough)[enough]
            cost, place, quotient = cost[cheap], place[cheap], quotient[cheap]
        data, size = quotient.tobytes(), self.ring.size
        monomials = [int.from_bytes(data[n : n + size], "little") for n in range(0, len(data), size)]
        rows = zip(cost.tolist(), place.tolist(), monomials, strict=True)
        cheapest = sorted({(c, k, m) for c, k, m in rows if (k, m) not in tried})[:most]
        tried.update((k, m) for _, k, m in cheapest)
        return cheapest

    def _rows(self, monomials: Sequence[int]) -> Any:
        """The exponents of the monomials, one row per monomial."""
        size = self.ring.size
        data = b"".join(m.to_bytes(size, "little") for m in monomials)
        return np.frombuffer(data, np.uint8).reshape(len(monomials), size)

    def multiples(
        self, equations: Sequence[ZeroPolynomial], support: Iterable[int], rounds: int, cap: int, degree: int
    ) -> list[Column]:
        """Monomial multiples of the equations that share a monomial with the support."""
        columns: list[Column] = []
        tried: set[tuple[int, int]] = set()
        reach, guard = set(support), self.ring.guard
        for _ in range(rounds):
            front = sorted(reach)
            for k, equation in enumerate(equations):
                terms, top = self.ring.packed(equation.poly), degree_of(equation.poly)
                for m in sorted({(s | guard) - n for s in front for n in terms}):
                    if m & guard != guard or (k, m) in tried:
                        continue
                    tried.add((k, m))
                    size = self.degree(m ^ guard)
                    if size + top > degree:
                        continue
                    product = self.times(equation.poly, terms, m ^ guard, 1)
                    # a product that rules have reduced is not the multiple itself; assemble() allows for that
                    columns.append(Column(None, m ^ guard, product, False, 1 + size, equation))
                    reach.update(product)
                    if len(columns) >= cap or now() > self.stop:
                        return columns
        return columns


def useful(system: System) -> System:
    """The system without the columns in `sums` that have a monomial which no other column can cancel."""
    free: set[int] = {m for column in system.equations for m in column.terms}
    sides: dict[int, list[int]] = {}
    for sign, part in ((-1, system.mults), (1, system.sums)):
        for column in part:
            for m, c in column.terms.items():
                sides.setdefault(m, [0, 0])[(c > 0) == (sign > 0)] += 1
    rest = list(system.sums)
    while True:
        remaining: list[Column] = []
        for column in rest:
            if all(m in free or sides[m][c < 0] for m, c in column.terms.items()):
                remaining.append(column)
                continue
            for m, c in column.terms.items():
                sides[m][c > 0] -= 1
        if len(remaining) == len(rest):
            return replace(system, sums=remaining)
        rest = remaining


def solve(maker: Maker, system: System) -> Solution | None:
    """A solution with a positive coefficient in each strict group, or None if none is found."""
    system = useful(system)
    columns, split, free = system.columns, len(system.mults), system.signed
    place: dict[int, int] = {}
    rows, cols, values, scales = [], [], [], []
    for j, column in enumerate(columns):
        sign = 1.0 if j < split else -1.0
        numbers = [float(c) for c in column.terms.values()]
        scale = 1 / max(map(abs, numbers), default=1.0)
        scales.append(scale)
        for m, value in zip(column.terms, numbers, strict=True):
            rows.append(place.setdefault(m, len(place)))
            cols.append(j)
            values.append(sign * scale * value)
    n = len(columns)
    matrix = csc_array((values, (rows, cols)), shape=(max(len(place), 1), n))
    strict_groups = system.strict_groups
    if not all(strict_groups):
        return None
    bound = np.zeros((len(strict_groups), n))
    for k, group in enumerate(strict_groups):
        bound[k, group] = -1.0
    # free variables have no cost: the nonnegative ones determine the vertex
    cost = np.array([c.cost for c in columns[:free]] + [0.0] * (n - free))
    for attempt in range(3):
        if maker.stop <= now():
            return None
        jitter = 1 + 0.3 * np.random.default_rng(attempt).random(n) if attempt else 1.0
        result = linprog(
            cost * jitter, A_ub=bound, b_ub=-np.ones(len(strict_groups)), A_eq=matrix, b_eq=np.zeros(matrix.shape[0]),
            bounds=[(0, None)] * free + [(None, None)] * (n - free), method="highs-ds" if attempt < 2 else "highs-ipm",
            options={"time_limit": maker.time_of_day()},
        )  # fmt: skip
        if result.status == 2:
            return None
        if result.x is None:
            continue
        x = np.asarray(result.x)
        for tolerance in (TINY, 1e-7, 1e-5):
            least = tolerance * max(1.0, float(np.abs(x).max()))
            exact = _exact(system, [j for j in range(n) if abs(x[j]) > least], x * np.array(scales))
            if exact is not None:
                return solution_of(maker, system, exact)
    return None


def _exact(system: System, support: Sequence[int], x: Any) -> dict[int, Any] | None:
    """A solution over QQ on the support of x, or None; a coefficient that stays free becomes a simple rational near x."""
    columns, split, strict_groups = system.columns, len(system.mults), system.strict_groups
    if not support or len(support) > 300:
        return None
    place = {m: i for i, m in enumerate(dict.fromkeys(m for j in support for m in columns[j].terms))}
    height, width = len(place) + 1, len(support)
    matrix = fmpq_mat(height, width + 1)
    for k, j in enumerate(support):
        for m, c in columns[j].terms.items():
            matrix[place[m], k] = c if j < split else -c
    lead = [k for k, j in enumerate(support) if j in set(strict_groups[0])]
    if not lead:
        return None
    total = sum(x[support[k]] for k in lead)
    for k in lead:
        matrix[height - 1, k] = fmpq(1)
    matrix[height - 1, width] = fmpq(1)
    reduced, rank = matrix.rref()
    pivots = []
    for i in range(rank):
        pivots.append(next(k for k in range(pivots[-1] + 1 if pivots else 0, width + 1) if reduced[i, k]))
    if pivots and pivots[-1] == width:
        return None
    loose = [k for k in range(width) if k not in set(pivots)]
    value = {k: rings.rational(Fraction(float(x[support[k]] / total)).limit_denominator(1000)) for k in loose}
    for i, pivot in enumerate(pivots):
        value[pivot] = reduced[i, width] - sum((reduced[i, k] * value[k] for k in loose), fmpq(0))
    if any(value[k] < 0 for k, j in enumerate(support) if j < system.signed):
        return None
    result = {support[k]: value[k] for k in range(width) if value[k]}
    return result if all(any(j in result for j in group) for group in strict_groups) else None


def solution_of(maker: Maker, system: System, exact: Mapping[int, Any]) -> Solution | None:
    """The solution with these coefficients of the columns, or None if it is too large."""
    columns, ring = system.columns, maker.ring
    solution = Solution([], [], [])
    try:
        for j, c in sorted(exact.items()):
            column = columns[j]
            if column.equation is not None:
                solution.equalities.append((column.equation, ring.monomial(ring.unpacked(column.monomial)) * c))
            else:
                (solution.mult if j < len(system.mults) else solution.total).extend(
                    rings.scaled_cone(maker.cone(column), c)
                )
    except GiveUp:
        return None
    return solution
