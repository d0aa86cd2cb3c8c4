"""Certificates by semidefinite programming: mult * p = sum of b_k * (sum of squares)_k + columns + equations."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import clarabel
import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat
from scipy.linalg import qr
from scipy.sparse import csc_matrix

from sdescent.derive.proof.language.clock import now, spend
from sdescent.derive.proof.search.linear import Base, Maker, Solution, System, solution_of
from sdescent.derive.proof.search.ring import GiveUp, Piece, Poly, cone_product, product, rational

MAX_UNKNOWNS = 2500
MAX_ROWS = 400
DENOMINATORS = (1, 2, 12, 60, 840, 10**4, 10**6, 10**9)


class Block:
    """The product base * v' Q v, with v the basis and Q positive semidefinite."""

    def __init__(self, maker: Maker, base: Base, basis: Sequence[Poly]) -> None:
        self.base, self.basis = base, list(basis)
        products = (maker.reduce(product(base.poly, product(basis[a], basis[b]))) for a, b in self.places)
        #: base * v_i * v_j for i <= j, in the order of the columns of the upper triangle
        self.products = [maker.ring.packed(p) for p in products]

    @property
    def size(self) -> int:
        """The order of Q."""
        return len(self.basis)

    @property
    def places(self) -> list[tuple[int, int]]:
        """The places (row, column) in the upper triangle of Q, column by column."""
        return [(a, b) for b in range(self.size) for a in range(b + 1)]


@dataclass
class Sos:
    """One problem: sum of mult_j M_j p = columns + blocks + equations, where the strict mult_j add up to 1."""

    maker: Maker
    system: System
    blocks: list[Block]

    def solve(self) -> Solution | None:
        """A solution over QQ, or None."""
        for _ in range(6):
            unknowns = [*self.system.sums, *self.system.equations, *(p for b in self.blocks for p in b.products)]
            if now() > self.maker.stop or len(unknowns) > MAX_UNKNOWNS or not all(self.system.strict_groups):
                return None
            try:
                rows, right = self._rows()
            except GiveUp:
                return None
            point = self._numeric(rows, right)
            if point is None:
                return None
            x, least = point
            if least > 1e-7:
                solution = self._rounded(rows, right, x)
                if solution is not None:
                    return solution
            if least < -1e-3 or not self._reduced(x):
                return None
        return None

    def _rows(self) -> tuple[list[dict[int, Any]], list[Any]]:
        """The linear equations in mults, columns, equations and triangles: a row per monomial and one for the normalisation."""
        mults = self.system.mults
        signed = [(c.terms, 1 if j < len(mults) else -1) for j, c in enumerate(self.system.columns)]
        for block in self.blocks:  # an entry off the diagonal counts twice
            entries = zip(block.places, block.products, strict=True)
            signed += [(terms, -1 if a == b else -2) for (a, b), terms in entries]
        of_monomial: dict[int, dict[int, Any]] = {}
        for j, (terms, factor) in enumerate(signed):
            for m, c in terms.items():
                of_monomial.setdefault(m, {})[j] = c * factor
        rows = [*of_monomial.values(), {i: fmpq(1) for i, m in enumerate(mults) if m.strict}]
        if len(rows) > MAX_ROWS:
            raise GiveUp
        # Dependent rows break the interior point method and the projection; the system is consistent without them.
        # A random projection keeps the rank and makes the pivoted QR small.
        data = [(i, k, float(c)) for i, row in enumerate(rows) for k, c in row.items()]
        size = len(rows), len(signed)
        random = np.random.default_rng(0).standard_normal((size[1], min(size[1], len(rows) + 4)))
        r, order = qr((_sparse(data, size) @ random).T, mode="r", pivoting=True)
        diagonal = np.abs(np.diag(r))
        independent = sorted(int(i) for i in order[: int((diagonal > 1e-9 * diagonal[0]).sum())])
        return [rows[i] for i in independent], [fmpq(int(i == len(rows) - 1)) for i in independent]

    def _numeric(self, rows: list[dict[int, Any]], right: list[Any]) -> tuple[Any, float] | None:
        """The unknowns and the largest t with x_j >= t for mults and columns and Q >= t I; None if the solver fails."""
        free, scalars = len(self.system.equations), self.system.signed
        n = scalars + free + sum(len(b.products) for b in self.blocks)
        data = [(i, j, float(c)) for i, row in enumerate(rows) for j, c in row.items()]
        top = len(rows)
        cones: list[Any] = [clarabel.ZeroConeT(top), clarabel.NonnegativeConeT(scalars + 1)]
        # t <= 1, then x_j - t >= 0.
        data.append((top, n, 1.0))
        for j in range(scalars):
            data += [(top + 1 + j, j, -1.0), (top + 1 + j, n, 1.0)]
        row, j = top + 1 + scalars, scalars + free
        for block in self.blocks:
            for a, b in block.places:
                data += [(row, j, -1.0), (row, n, 1.0)] if a == b else [(row, j, -math.sqrt(2))]
                row, j = row + 1, j + 1
            cones.append(clarabel.PSDTriangleConeT(block.size))
        matrix = _sparse(data, (row, n + 1))
        rhs = np.concatenate([[float(r) for r in right], [1.0], np.zeros(row - top - 1)])
        cost = np.append(np.zeros(n), -1.0)
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.time_limit = self.maker.time_of_day()
        settings.max_threads = 1
        result = clarabel.DefaultSolver(csc_matrix((n + 1, n + 1)), cost, matrix, rhs, cones, settings).solve()
        x = np.array(result.x)
        if str(result.status) not in ("Solved", "AlmostSolved", "InsufficientProgress") or not np.all(np.isfinite(x)):
            return None
        return x[:n], float(x[n])

    def _grams(self, x: Any) -> list[list[list[Any]]]:
        """The Gram matrix of each block, row by row."""
        grams, unknowns = [], iter(x[len(self.system.columns) :])
        for block in self.blocks:
            q: list[list[Any]] = [[0] * block.size for _ in block.basis]
            for a, b in block.places:
                q[a][b] = q[b][a] = next(unknowns)
            grams.append(q)
        return grams

    def _reduced(self, x: Any) -> bool:
        """Drop vanishing columns and divide kernels out of the blocks; False if nothing changes or no multiplier is left."""
        system = self.system
        sizes = [float(np.abs(q).max()) for q in self._grams(x)]
        tiny = 3e-5 * max(float(np.abs(x[: system.signed]).max(initial=0.0)), *sizes, 1e-3)
        mults = [m for m, v in zip(system.mults, x, strict=False) if v > tiny]
        sums = [c for c, v in zip(system.sums, x[len(system.mults) :], strict=False) if v > tiny]
        changed = len(mults) + len(sums) < system.signed
        blocks: list[Block] = []
        for block, q in zip(self.blocks, self._grams(x), strict=True):
            values, vectors = np.linalg.eigh(q)
            null = int((values < tiny).sum())
            if null == 0:
                blocks.append(block)
                continue
            changed = True
            if null == block.size:
                continue
            rest = _complement(vectors[:, :null])
            if not rest:
                continue
            zero = self.maker.ring.number(0)
            basis = [sum((v * c for v, c in zip(block.basis, row, strict=True) if c), zero) for row in rest]
            blocks.append(Block(self.maker, block.base, basis))
        self.system, self.blocks = replace(system, mults=mults, sums=sums), blocks
        return changed and bool(mults)

    def _rounded(self, rows: list[dict[int, Any]], right: list[Any], x: Any) -> Solution | None:
        """A solution from x rounded to ever finer rationals, projected exactly onto the equations, and tested for positivity."""
        rank = len(rows)
        normal = fmpq_mat(rank, rank)
        for a in range(rank):
            for b in range(a, rank):
                short, long = sorted((rows[a], rows[b]), key=len)
                normal[a, b] = normal[b, a] = sum((c * long[j] for j, c in short.items() if j in long), fmpq(0))
        starts = [[rational(Fraction(round(float(v) * d), d)) for v in x] for d in DENOMINATORS]
        rest = fmpq_mat(rank, len(starts))
        for k, start in enumerate(starts):
            for a in range(rank):
                rest[a, k] = right[a] - sum((c * start[j] for j, c in rows[a].items()), fmpq(0))
        try:
            shift = normal.solve(rest)
        except ZeroDivisionError:
            return None
        for k, start in enumerate(starts):
            moved = list(start)
            for a in range(rank):
                for j, c in rows[a].items():
                    moved[j] += c * shift[a, k]
            solution = self._exact(moved)
            if solution is not None:
                return solution
            if now() > self.maker.stop:
                return None
        return None

    def _exact(self, x: list[Any]) -> Solution | None:
        """The solution with these unknowns, or None if a coefficient is negative or a matrix is not positive semidefinite."""
        if any(v < 0 for v in x[: self.system.signed]):
            return None
        scalars = x[: len(self.system.columns)]
        solution = solution_of(self.maker, self.system, {j: v for j, v in enumerate(scalars) if v})
        if solution is None:
            return None
        for block, q in zip(self.blocks, self._grams(x), strict=True):
            squares = squares_of(q, block.basis)
            if squares is None:
                return None
            pieces: list[Piece] = [(d, (), (*block.base.squares, s)) for d, s in squares]
            try:
                solution.total.extend(cone_product(pieces, *[f.cone for f in block.base.factors]))
            except GiveUp:
                return None
        return solution


def _sparse(entries: Sequence[tuple[int, int, float]], shape: tuple[int, int]) -> Any:
    """The sparse matrix with the given entries (row, column, value)."""
    rows, columns, values = zip(*entries, strict=True)
    return csc_matrix((values, (rows, columns)), shape=shape)


def squares_of(q: list[list[Any]], basis: Sequence[Poly]) -> list[tuple[Any, Poly]] | None:
    """The form v' Q v as a sum of d * s^2 with d > 0, by Q = L D L'; None if Q is not positive semidefinite. Overwrites q."""
    n = len(basis)
    squares: list[tuple[Any, Poly]] = []
    for i in range(n):
        d = q[i][i]
        if d < 0:
            return None
        if d == 0:
            if any(q[i][j] for j in range(i + 1, n)):
                return None
            continue
        row = [q[i][j] / d for j in range(n)]
        square = basis[i]
        for j in range(i + 1, n):
            if row[j]:
                square = square + basis[j] * row[j]
        squares.append((d, square))
        for a in range(i + 1, n):
            if row[a]:
                for b in range(i + 1, n):
                    q[a][b] -= d * row[a] * row[b]
    return squares


def _complement(kernel: Any) -> list[list[Any]]:
    """Rational rows that span the orthogonal complement of a kernel, or as much of it as rational rows can.

    The kernel's reduced echelon form is rounded to simple rationals. If it is not simple (say for a zero at x = sqrt(2)), lattice
    reduction finds the short integer rows w with w k = 0: a rational matrix that vanishes at an irrational point also vanishes at
    its conjugates.
    """
    n, k = kernel.shape
    _, order = qr(kernel.T, pivoting=True, mode="r")
    pivots = sorted(int(i) for i in order[:k])
    echelon = kernel @ np.linalg.inv(kernel[pivots, :])
    rows: list[list[Any]] = []
    for i in sorted(set(range(n)) - set(pivots)):
        # w = e_i - sum of echelon[i, l] e_(pivot l) is orthogonal to every column of the echelon form.
        row = [fmpq(0)] * n
        row[i] = fmpq(1)
        for c, p in zip(echelon[i], pivots, strict=True):
            value = Fraction(float(c)).limit_denominator(30)
            if abs(float(value) - float(c)) > 2e-4:
                return _short_rows(echelon)
            row[p] = -rational(value)
        rows.append(row)
    return rows


def _short_rows(echelon: Any) -> list[list[Any]]:
    n, weight = echelon.shape[0], 10**6
    entries = [[*(int(i == j) for j in range(n)), *(round(weight * float(c)) for c in echelon[i])] for i in range(n)]
    reduced = fmpz_mat(entries).lll()
    rows: list[list[Any]] = []
    for i in range(n):
        w = [int(reduced[i, j]) for j in range(n)]
        if max(map(abs, w)) <= 12 and np.abs(np.array(w) @ echelon).max() < 1e-5 * sum(map(abs, w)):
            rows.append([fmpq(c) for c in w])
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
