"""Certificates by semidefinite programming: mult * p = sum of b_k * (sum of squares)_k + columns + equations."""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from flint import fmpq

from sdescent.derive.proof.language.clock import now, spend
from sdescent.derive.proof.search.conic import Block, ConicProblem, independent, reduced, short_rows, squares
from sdescent.derive.proof.search.linear import Base, Maker, Solution, System, solution_of
from sdescent.derive.proof.search.ring import GiveUp, Piece, Poly, cone_product, product, rational

MAX_UNKNOWNS = 2500
MAX_ROWS = 400


class Gram:
    """The product base * v' Q v, with v the basis and Q positive semidefinite."""

    def __init__(self, maker: Maker, base: Base, basis: Sequence[Poly]) -> None:
        self.base, self.basis = base, list(basis)
        products = (
            maker.reduce(product(base.poly, product(basis[a], basis[b]))) for a, b in Block(0, len(basis)).places
        )
        #: base * v_i * v_j for i <= j, in the order of the columns of the upper triangle
        self.products = [maker.ring.packed(p) for p in products]


@dataclass
class Sos:
    """One problem: sum of mult_j M_j p = columns + blocks + equations, where the strict mult_j add up to 1."""

    maker: Maker
    system: System
    grams: list[Gram]

    def solve(self) -> Solution | None:
        """A solution over QQ, or None."""
        for _ in range(6):
            unknowns = [*self.system.sums, *self.system.equations, *(p for g in self.grams for p in g.products)]
            if now() > self.maker.stop or len(unknowns) > MAX_UNKNOWNS or not all(self.system.strict_groups):
                return None
            try:
                problem = self._problem()
            except GiveUp:
                return None
            point = problem.interior()
            if point is None:
                return None
            x, least = point
            if least > 1e-7:
                solution = problem.rounded(x, accept=partial(self._exact, problem))
                if solution is not None:
                    return solution
            if least < -1e-3 or not self._reduced(problem, x):
                return None
        return None

    def _problem(self) -> ConicProblem:
        """The linear equations in mults, columns, equations and triangles: a row per monomial and one for the normalisation."""
        mults = self.system.mults
        problem = ConicProblem(seconds=self.maker.time_of_day())
        of_monomial: dict[int, dict[int, Any]] = {}

        def enter(j: int, terms: Mapping[int, Any], factor: int) -> None:
            for m, c in terms.items():
                of_monomial.setdefault(m, {})[j] = c * factor

        for j, column in enumerate(self.system.columns):
            enter(problem.scalar("+" if j < self.system.signed else "free"), column.terms, 1 if j < len(mults) else -1)
        for gram in self.grams:
            block = problem.block(len(gram.basis))
            for (a, b), terms in zip(
                block.places, gram.products, strict=True
            ):  # an entry off the diagonal counts twice
                enter(block.at(a, b), terms, -1 if a == b else -2)
        if len(of_monomial) >= MAX_ROWS:
            raise GiveUp
        for row in of_monomial.values():
            problem.equation(row)
        problem.equation({i: fmpq(1) for i, m in enumerate(mults) if m.strict}, 1)
        problem.rows = independent(problem.rows, len(problem.signs))
        return problem

    def _reduced(self, problem: ConicProblem, x: Any) -> bool:
        """Drop vanishing columns and divide kernels out of the blocks; False if nothing changes or no multiplier is left."""
        system = self.system
        matrices = [np.array(block.matrix(x), dtype=float) for block in problem.blocks]
        tiny = 3e-5 * max(
            float(np.abs(x[: system.signed]).max(initial=0.0)), *(float(np.abs(q).max()) for q in matrices), 1e-3
        )
        mults = [m for m, v in zip(system.mults, x, strict=False) if v > tiny]
        sums = [c for c, v in zip(system.sums, x[len(system.mults) :], strict=False) if v > tiny]
        changed = len(mults) + len(sums) < system.signed
        grams: list[Gram] = []
        for gram, q in zip(self.grams, matrices, strict=True):
            values, vectors = np.linalg.eigh(q)
            null = int((values < tiny).sum())
            if null == 0:
                grams.append(gram)
                continue
            changed = True
            if null == len(gram.basis):
                continue
            rest = _complement(vectors[:, :null])
            if not rest:
                continue
            zero = self.maker.ring.number(0)
            basis = [sum((v * c for v, c in zip(gram.basis, row, strict=True) if c), zero) for row in rest]
            grams.append(Gram(self.maker, gram.base, basis))
        self.system, self.grams = replace(system, mults=mults, sums=sums), grams
        return changed and bool(mults)

    def _exact(self, problem: ConicProblem, x: list[Any]) -> Solution | None:
        """The solution with these unknowns, or None if a coefficient is negative or a matrix is not positive semidefinite."""
        if any(v < 0 for v in x[: self.system.signed]):
            return None
        scalars = x[: len(self.system.columns)]
        solution = solution_of(self.maker, self.system, {j: v for j, v in enumerate(scalars) if v})
        if solution is None:
            return None
        for gram, block in zip(self.grams, problem.blocks, strict=True):
            terms = squares(block.matrix(x))
            if terms is None:
                return None
            zero = self.maker.ring.number(0)
            summed = [(d, sum((v * c for v, c in zip(gram.basis, row, strict=True) if c), zero)) for d, row in terms]
            pieces: list[Piece] = [(d, (), (*gram.base.squares, s)) for d, s in summed]
            try:
                solution.total.extend(cone_product(pieces, *[f.cone for f in gram.base.factors]))
            except GiveUp:
                return None
        return solution


def _complement(kernel: Any) -> list[list[Any]]:
    """Rational rows that span the orthogonal complement of a kernel, or as much of it as rational rows can.

    The kernel's reduced echelon form is rounded to simple rationals. If it is not simple (say for a zero at x = sqrt(2)), lattice
    reduction finds the short integer rows w with w k = 0: a rational matrix that vanishes at an irrational point also vanishes at
    its conjugates.
    """
    n = kernel.shape[0]
    echelon, pivots = reduced(kernel)
    rows: list[list[Any]] = []
    for i in sorted(set(range(n)) - set(pivots)):
        # w = e_i - sum of echelon[i, l] e_(pivot l) is orthogonal to every column of the echelon form.
        row = [fmpq(0)] * n
        row[i] = fmpq(1)
        for c, p in zip(echelon[i], pivots, strict=True):
            value = Fraction(float(c)).limit_denominator(30)
            if abs(float(value) - float(c)) > 2e-4:
                return short_rows(echelon)
            row[p] = -rational(value)
        rows.append(row)
    return rows


MAX_BASIS = 60


def bases_of_squares(maker: Maker, bases: Sequence[Base], system: System) -> list[list[list[int]]]:
    """The parts of the basis, packed, for each base b; b v^2 stays within the degrees of the multiples of the target."""
    ring, mults, columns, equations = maker.ring, system.mults, system.sums, system.equations
    support = sorted({m for c in (*mults, *equations) for m in c.terms} | {m for b in bases for m in b.terms})
    # the value of v^2 by a rule may occur in products of v
    ruled = [v for v in range(ring.size) if maker.high >> 8 * v & 255]
    values = [m for v in ruled for m in ring.packed(maker.reduce(ring.gens[v] ** 2))]
    exponents = [ring.unpacked(m) for m in (*support, *values)]
    box = [max(e[v] for e in exponents) for v in range(ring.size)]
    top = max((maker.degree(m) for c in mults for m in c.terms), default=0)
    top = max([top, *map(maker.degree, values)])
    top += top % 2
    candidates = [_within(maker, base, box, top, support) for base in bases]
    fixed_plus: Counter[int] = Counter()
    fixed_minus: Counter[int] = Counter()
    for sign, part, free in ((-1, mults, len(mults) > 1), (1, columns, False), (0, equations, True)):
        for column in part:
            for m, c in column.terms.items():
                fixed_plus[m] += free or c * sign > 0
                fixed_minus[m] += free or c * sign < 0
    # rules mix monomials, so that degrees are then the only bounds
    while not maker.high:
        plus, minus = fixed_plus.copy(), fixed_minus.copy()
        for base, basis in zip(bases, candidates, strict=True):
            signs = [(n, c > 0) for n, c in base.terms.items()]
            spend(len(basis) ** 2 * len(signs) // 4)
            for i, v in enumerate(basis):
                for n, positive in signs:
                    (plus if positive else minus)[n + 2 * v] += 1
                for w in basis[:i]:
                    for n, _ in signs:
                        plus[n + v + w] += 1
                        minus[n + v + w] += 1
        before = sum(map(len, candidates))
        candidates = [
            [v for v in basis if all((minus if c > 0 else plus)[n + 2 * v] for n, c in base.terms.items())]
            for base, basis in zip(bases, candidates, strict=True)
        ]
        if sum(map(len, candidates)) == before:
            break
    odd = _parities(maker, [m for c in columns for m in c.terms] + support)
    return [_parts(odd, basis) for basis in candidates]


def _parities(maker: Maker, monomials: Sequence[int]) -> list[int]:
    """An echelon basis over GF(2) of the parities of the monomials' exponents."""
    mask = sum(1 << 8 * v for v in range(maker.ring.size))
    echelon: list[int] = []
    for m in monomials:
        rest = _rest(echelon, m & mask)
        if rest:
            echelon.append(rest)
    return echelon


def _rest(echelon: Sequence[int], parity: int) -> int:
    for row in echelon:
        parity = min(parity, parity ^ row)
    return parity


def _parts(echelon: Sequence[int], basis: Sequence[int]) -> list[list[int]]:
    """The basis split into parts: v and w share a part if v w is a product of monomials of the problem times a square."""
    mask = int.from_bytes(b"\x01" * 400, "little")
    parts: dict[int, list[int]] = {}
    for v in basis:
        parts.setdefault(_rest(echelon, v & mask), []).append(v)
    return list(parts.values())


def _within(maker: Maker, base: Base, box: Sequence[int], top: int, support: Sequence[int]) -> list[int]:
    ring = maker.ring
    degrees = [max(ring.unpacked(n)[v] for n in base.terms) for v in range(ring.size)]
    limits = [max(b - o, 0) // 2 for b, o in zip(box, degrees, strict=True)]
    # a rule v^2 = value reduces the power of v to 1
    limits = [max(e, 1) if maker.high >> 8 * v & 255 else e for v, e in enumerate(limits)]
    most = (top - base.degree) // 2
    if most < 0:
        return []
    active = [v for v in range(ring.size) if limits[v]]
    if math.comb(len(active) + most, most) > 4 * MAX_BASIS:
        return _halves(maker, base, limits, most, support)
    monomials: list[int] = []
    for d in range(most + 1):
        for group in itertools.combinations_with_replacement(active, d):
            exponents = [0] * ring.size
            for v in group:
                exponents[v] += 1
            if all(e <= limit for e, limit in zip(exponents, limits, strict=True)):
                monomials.append(int.from_bytes(bytes(exponents), "little"))
    return monomials


def _halves(maker: Maker, base: Base, limits: Sequence[int], most: int, support: Sequence[int]) -> list[int]:
    """The v with n v w in the support for some w near v (balanced splits of monomials), used if there are too many candidates."""
    ring, counts = maker.ring, Counter[int]()
    for s in support:
        for n in base.terms:
            m = (s | ring.guard) - n
            if m & ring.guard != ring.guard:
                continue
            choices: list[Any] = [sorted({k // 2, (k + 1) // 2}) for k in ring.unpacked(m ^ ring.guard)]
            for half in itertools.islice(itertools.product(*choices), 64):
                if sum(half) <= most and all(h <= limit for h, limit in zip(half, limits, strict=True)):
                    counts[int.from_bytes(bytes(half), "little")] += 1
    return sorted(v for v, _ in counts.most_common(MAX_BASIS))
