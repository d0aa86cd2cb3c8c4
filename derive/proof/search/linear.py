"""Certificates by linear programming: mult * p = sum, a sum of columns with nonnegative coefficients, equations with free ones.

Untrusted. A column is a product of factors, one square and a monomial of known sign. HiGHS finds a vertex in floating point; its
support is solved again over QQ, so what comes out is exact or nothing. Monomials are packed into integers here (Ring.packed).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from scipy.optimize import linprog
from scipy.sparse import csc_array

from sdescent.derive.proof.language.clock import now, spend
from sdescent.derive.proof.search.ring import (
    Factor,
    GiveUp,
    Piece,
    Poly,
    Ring,
    ZeroPolynomial,
    cone_product,
    degree_of,
    monomial_factor,
    power,
    product,
    rational,
    scaled_cone,
)

TINY = 1e-9
#: of monomials, compared at once
PAIRS = 2_000_000


@dataclass(frozen=True)
class Base:
    """A product of factors and squares, what columns are monomial multiples of."""

    factors: tuple[Factor, ...]
    squares: tuple[Poly, ...]
    poly: Poly
    terms: dict[int, Any]
    degree: int
    #: monomials by which it is to meet others; those of its terms when None
    hooks: tuple[int, ...] | None = None

    @property
    def strict(self) -> bool:
        """Whether it is positive by its form."""
        return not self.squares and all(f.strict for f in self.factors)


@dataclass(frozen=True)
class Column:
    """base * monomial up to sign, which is nonnegative, or, with an equation, a multiple of 0."""

    base: Base | None
    monomial: int
    terms: dict[int, Any]
    strict: bool
    cost: float
    equation: ZeroPolynomial | None = None


@dataclass
class Solution:
    """mult * p = sum + equations, with the multiplier of each equation."""

    mult: list[Piece]
    total: list[Piece]
    equalities: list[tuple[ZeroPolynomial, Poly]]


class Maker:
    """Columns of one problem."""

    def __init__(
        self, ring: Ring, reduce: Callable[[Poly], Poly], signs: dict[int, tuple[int, Factor]], stop: float
    ) -> None:
        self.ring = ring
        self.reduce = reduce
        self.signs = signs
        self.stop = stop
        self._degrees: dict[int, int] = {}
        #: bits of exponents that a rule v^2 = value reduces
        self.high = sum(255 << 8 * v for v in range(ring.size) if reduce(ring.gens[v] ** 2) != ring.gens[v] ** 2)
        # The lowest bits of exponents tell odd ones.
        self._unsigned = [v for v in range(ring.size) if v not in signs]
        self._unknown = sum(1 << 8 * v for v in range(ring.size) if v not in signs)
        self._negative = sum(1 << 8 * v for v, (sign, _) in signs.items() if sign < 0)
        self._weak = sum(255 << 8 * v for v in range(ring.size) if v not in signs or not signs[v][1].strict)

    def sign(self, m: int) -> int:
        """The sign of a monomial, 1 or -1; 0 where premises do not tell."""
        if m & self._unknown:
            return 0
        return -1 if (m & self._negative).bit_count() & 1 else 1

    def cone(self, column: Column) -> tuple[Piece, ...]:
        """What a column is in the premises.

        Raises:
            GiveUp: too many pieces.
        """
        factor = monomial_factor(self.ring, self.ring.unpacked(column.monomial), self.signs)
        if column.base is None or factor is None:
            raise GiveUp
        squares: tuple[Piece, ...] = ((fmpq(1), (), column.base.squares),)
        return cone_product(squares, factor[1].cone, *[f.cone for f in column.base.factors])

    def degree(self, m: int) -> int:
        """The total degree of a monomial."""
        if m not in self._degrees:
            self._degrees[m] = sum(self.ring.unpacked(m))
        return self._degrees[m]

    def base(
        self, factors: Sequence[Factor], squares: Sequence[Poly] = (), hooks: tuple[int, ...] | None = None
    ) -> Base:
        """The product."""
        poly = self.ring.number(1)
        for f in factors:
            poly = product(poly, f.poly)
        for s in squares:
            poly = product(poly, power(s, 2))
        poly = self.reduce(poly)
        return Base(tuple(factors), tuple(squares), poly, self.ring.packed(poly), degree_of(poly), hooks)

    def times(self, poly: Poly, terms: dict[int, Any], m: int, sign: int) -> dict[int, Any]:
        """sign * m * poly, reduced."""
        if m & self.high:
            return self.ring.packed(self.reduce(product(poly, self.ring.monomial(self.ring.unpacked(m)) * sign)))
        if sign == 1:
            return {m + n: c for n, c in terms.items()}
        return {m + n: -c for n, c in terms.items()}

    def columns(self, bases: Sequence[Base], support: set[int], rounds: int, cap: int, degree: int) -> list[Column]:
        """Monomial multiples of the bases that share a monomial with the support, or with such a multiple, ..; the cheapest."""
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
        """(cost, number of a base, monomial), the cheapest first: as many as there are, or `most`."""
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
        # one may be there for each of its hooks, or have been there before
        enough = most * max(map(len, hooks_of), default=1) + len(tried)
        if len(cost) > enough:
            cheap = cost <= np.partition(cost, enough)[enough]
            cost, place, quotient = cost[cheap], place[cheap], quotient[cheap]
        data, size = quotient.tobytes(), self.ring.size
        monomials = [int.from_bytes(data[n : n + size], "little") for n in range(0, len(data), size)]
        new = {
            (c, k, m) for c, k, m in zip(cost.tolist(), place.tolist(), monomials, strict=True) if (k, m) not in tried
        }
        cheapest = sorted(new)[:most]
        tried.update((k, m) for _, k, m in cheapest)
        return cheapest

    def _rows(self, monomials: Sequence[int]) -> Any:
        """Exponents, a monomial a row."""
        size = self.ring.size
        data = b"".join(m.to_bytes(size, "little") for m in monomials)
        return np.frombuffer(data, np.uint8).reshape(len(monomials), size)

    def multiples(
        self, equations: Sequence[ZeroPolynomial], support: Iterable[int], rounds: int, cap: int, degree: int
    ) -> list[Column]:
        """Monomial multiples of the equations that touch the support."""
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
                    # A reduced multiple is not what (equation, m) says when rules were used; assemble() allows for it.
                    columns.append(Column(None, m ^ guard, product, False, 1 + size, equation))
                    reach.update(product)
                    if len(columns) >= cap or now() > self.stop:
                        return columns
        return columns


def useful(mults: Sequence[Column], sums: Sequence[Column], equations: Sequence[Column]) -> list[Column]:
    """The sums without those that hold a monomial that nothing cancels."""
    free: set[int] = {m for column in equations for m in column.terms}
    sides: dict[int, list[int]] = {}
    for sign, part in ((-1, mults), (1, sums)):
        for column in part:
            for m, c in column.terms.items():
                sides.setdefault(m, [0, 0])[(c > 0) == (sign > 0)] += 1
    rest = list(sums)
    while True:
        remaining: list[Column] = []
        for column in rest:
            if all(m in free or sides[m][c < 0] for m, c in column.terms.items()):
                remaining.append(column)
                continue
            for m, c in column.terms.items():
                sides[m][c > 0] -= 1
        if len(remaining) == len(rest):
            return remaining
        rest = remaining


def solve(
    maker: Maker,
    mults: Sequence[Column],
    sums: Sequence[Column],
    equations: Sequence[Column],
    strict: bool,
    stop: float,
) -> Solution | None:
    """Coefficients for mults - sums - equations = 0, with a strict mult, and a strict sum where asked; None where HiGHS finds none.

    The terms of `mults` are those of mult * p.
    """
    sums = useful(mults, sums, equations)
    columns = [*mults, *sums, *equations]
    place: dict[int, int] = {}
    rows, cols, values, scales = [], [], [], []
    for j, column in enumerate(columns):
        sign = 1.0 if j < len(mults) else -1.0
        numbers = [float(c) for c in column.terms.values()]
        scale = 1 / max(map(abs, numbers), default=1.0)
        scales.append(scale)
        for m, value in zip(column.terms, numbers, strict=True):
            rows.append(place.setdefault(m, len(place)))
            cols.append(j)
            values.append(sign * scale * value)
    n = len(columns)
    matrix = csc_array((values, (rows, cols)), shape=(max(len(place), 1), n))
    strict_groups = [[j for j in range(len(mults)) if mults[j].strict]]
    if strict:
        strict_groups.append([j for j in range(len(mults), len(mults) + len(sums)) if columns[j].strict])
    if not all(strict_groups):
        return None
    bound = np.zeros((len(strict_groups), n))
    for k, group in enumerate(strict_groups):
        bound[k, group] = -1.0
    free = len(mults) + len(sums)
    # A free variable costs nothing, which leaves the vertex to the nonnegative ones.
    cost = np.array([c.cost for c in columns[:free]] + [0.0] * (n - free))
    for attempt in range(3):
        seconds = stop - now()
        if seconds <= 0:
            return None
        jitter = 1 + 0.3 * np.random.default_rng(attempt).random(n) if attempt else 1.0
        result = linprog(
            cost * jitter, A_ub=bound, b_ub=-np.ones(len(strict_groups)), A_eq=matrix, b_eq=np.zeros(matrix.shape[0]),
            bounds=[(0, None)] * free + [(None, None)] * (n - free), method="highs-ds" if attempt < 2 else "highs-ipm",
            options={"time_limit": max(seconds, 0.01)},
        )  # fmt: skip
        if result.status == 2:
            return None
        if result.x is None:
            continue
        x = np.asarray(result.x)
        for tolerance in (TINY, 1e-7, 1e-5):
            exact = _exact(
                columns,
                x * np.array(scales),
                x,
                len(mults),
                free,
                tolerance * max(1.0, float(np.abs(x).max())),
                strict_groups,
            )
            if exact is not None:
                return solution_of(maker, columns, exact, len(mults))
    return None


def _exact(
    columns: Sequence[Column],
    x: Any,
    size: Any,
    split: int,
    free: int,
    tolerance: float,
    strict_groups: Sequence[Sequence[int]],
) -> dict[int, Any] | None:
    """The support of x solved over QQ: a free direction is fixed at a simple rational near x, the rest follows."""
    support = [j for j in range(len(columns)) if abs(size[j]) > tolerance]
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
    value = {k: rational(Fraction(float(x[support[k]] / total)).limit_denominator(1000)) for k in loose}
    for i, pivot in enumerate(pivots):
        value[pivot] = reduced[i, width] - sum((reduced[i, k] * value[k] for k in loose), fmpq(0))
    if any(value[k] < 0 for k, j in enumerate(support) if j < free):
        return None
    result = {support[k]: value[k] for k in range(width) if value[k]}
    return result if all(any(j in result for j in group) for group in strict_groups) else None


def solution_of(maker: Maker, columns: Sequence[Column], exact: Mapping[int, Any], split: int) -> Solution | None:
    """The sum of columns with these coefficients, the first `split` being multiples of the target; None if it is too large."""
    solution = Solution([], [], [])
    try:
        for j, c in sorted(exact.items()):
            column = columns[j]
            if column.equation is not None:
                solution.equalities.append(
                    (column.equation, maker.ring.monomial(maker.ring.unpacked(column.monomial)) * c)
                )
            else:
                (solution.mult if j < split else solution.total).extend(scaled_cone(maker.cone(column), c))
    except GiveUp:
        return None
    return solution
