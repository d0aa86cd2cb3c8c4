"""Linear equations over nonnegative scalars and psd blocks: solved in floating point, then rounded to exact rationals.

Untrusted. `interior` finds the point farthest from the border, `optimum` the least value of a linear form. `rounded` moves a point
exactly onto the equations and tests all signs over QQ. A problem without interior points is rounded on the face that contains its
solutions: scalars that vanish, and rational kernels of blocks, become equations (`on_face`).
"""

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import clarabel
import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat
from scipy.linalg import qr
from scipy.sparse import csc_matrix

#: denominators to round to, coarse ones first
DENOMINATORS = (1, 2, 12, 60, 840, 10**4, 10**6, 10**9, 10**12)
#: statuses of clarabel after which its point may be of use
USEFUL = ("Solved", "AlmostSolved", "InsufficientProgress")

#: unknown -> coefficient, and the right-hand side
Row = tuple[Mapping[int, Any], Any]


@dataclass(frozen=True)
class Block:
    """A symmetric matrix of unknowns, numbered column by column of its upper triangle."""

    first: int  # the number of its first unknown
    order: int  # the number of its rows

    def at(self, i: int, j: int) -> int:
        """The unknown in row i and column j."""
        return self.first + max(i, j) * (max(i, j) + 1) // 2 + min(i, j)

    @property
    def places(self) -> list[tuple[int, int]]:
        """The places (row, column) of the unknowns, in the order of their numbers."""
        return [(i, j) for j in range(self.order) for i in range(j + 1)]

    def matrix(self, values: Sequence[Any]) -> list[list[Any]]:
        """The matrix with these values of all unknowns."""
        return [[values[self.at(i, j)] for j in range(self.order)] for i in range(self.order)]


@dataclass
class ConicProblem:
    """Unknowns with signs, psd blocks, and linear equations with exact rational coefficients."""

    #: for each unknown "+" (>= 0, and kept away from 0 by `interior`), "0" (>= 0), "free" or "block"
    signs: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)  # the psd blocks
    rows: list[Row] = field(default_factory=list)  # the equations
    seconds: float | None = None  # the time that the solver may take, or None

    def scalar(self, sign: str = "+") -> int:
        """A new scalar."""
        self.signs.append(sign)
        return len(self.signs) - 1

    def block(self, order: int) -> Block:
        """A new psd block."""
        self.blocks.append(Block(len(self.signs), order))
        self.signs += ["block"] * (order * (order + 1) // 2)
        return self.blocks[-1]

    def equation(self, row: Mapping[int, Any], right: Any = 0) -> None:
        """Add the equation sum of row[k] x_k = right."""
        row = {k: c for k, v in row.items() if (c := fmpq(v))}
        if row or right:
            self.rows.append((row, fmpq(right)))

    # --- in floating point

    def interior(self, tolerance: float | None = None) -> tuple[Any, float] | None:
        """The unknowns and the largest t <= 1 with all "+" scalars >= t and all blocks >= t I; None if the solver fails."""
        x = self._solved(None, (), frozenset(), tolerance)
        return None if x is None else (x[:-1], float(x[-1]))

    def optimum(
        self,
        cost: Mapping[int, float],
        more: Sequence[Row] = (),
        zero: frozenset[int] = frozenset(),
        tolerance: float = 1e-10,
    ) -> Any | None:
        """The unknowns with the least cost, under further equations and with the scalars `zero` at 0; None if the solver fails."""
        x = self._solved(cost, more, zero, tolerance)
        return None if x is None else x[:-1]

    def _solved(
        self, cost: Mapping[int, float] | None, more: Sequence[Row], zero: frozenset[int], tolerance: float | None
    ) -> Any | None:
        """The unknowns and t. Without a cost t is as large as possible, else 0."""
        n = len(self.signs)
        rows = [*self.rows, *more, *(({k: fmpq(1)}, fmpq(0)) for k in sorted(zero))]
        data = [(r, k, float(c)) for r, (row, _) in enumerate(rows) for k, c in row.items()]
        right = [float(b) for _, b in rows]
        # t = 0, or else t <= 1
        data.append((len(rows), n, 1.0))
        right.append(0.0 if cost is not None else 1.0)
        equations = len(rows) + (cost is not None)
        r = len(rows) + 1
        for k, sign in enumerate(self.signs):
            if sign in ("+", "0") and k not in zero:
                data += [(r, k, -1.0), *([(r, n, 1.0)] if sign == "+" else [])]
                right.append(0.0)
                r += 1
        cones: list[Any] = [clarabel.ZeroConeT(equations)] if equations else []
        cones += [clarabel.NonnegativeConeT(r - equations)] if r > equations else []
        for block in self.blocks:
            for k, (i, j) in enumerate(block.places, block.first):
                data += [(r, k, -1.0), (r, n, 1.0)] if i == j else [(r, k, -math.sqrt(2))]
                right.append(0.0)
                r += 1
            cones.append(clarabel.PSDTriangleConeT(block.order))
        objective = np.zeros(n + 1)
        objective[n] = -1.0 if cost is None else 0.0
        for k, c in (cost or {}).items():
            objective[k] = c
        matrix = csc_matrix(([v for *_, v in data], ([i for i, *_ in data], [k for _, k, _ in data])), shape=(r, n + 1))
        settings = clarabel.DefaultSettings()
        settings.verbose, settings.max_threads = False, 1
        if self.seconds is not None:
            settings.time_limit = self.seconds
        if tolerance is not None:
            settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
        try:
            problem = clarabel.DefaultSolver(
                csc_matrix((n + 1, n + 1)), objective, matrix, np.array(right), cones, settings
            )
            with _quiet():
                result = problem.solve()
        except BaseException as error:  # near the border the solver may panic, with an exception outside of Exception
            if type(error).__name__ != "PanicException":
                raise
            return None
        x = np.array(result.x)
        return x if str(result.status) in USEFUL and bool(np.all(np.isfinite(x))) else None

    # --- exactly

    def rounded(self, x: Any, more: Iterable[Row] = (), accept: Callable[[list[Any]], Any] | None = None) -> Any | None:
        """Rational unknowns near x that solve all equations, also those of `more`, and have all signs, or None.

        If given, `accept` tests the unknowns in place of `holds` and returns a result or None.
        """
        rows = [*self.rows, *more]
        kept = independent(rows, len(self.signs))
        rank = len(kept)
        normal = fmpq_mat(rank, rank)
        for a in range(rank):
            for b in range(a, rank):
                short, long = sorted((kept[a][0], kept[b][0]), key=len)
                normal[a, b] = normal[b, a] = sum((c * long[k] for k, c in short.items() if k in long), fmpq(0))
        starts = [[fmpq(round(float(v) * d), d) for v in x] for d in DENOMINATORS]
        rest = fmpq_mat(rank, len(starts))
        for s, start in enumerate(starts):
            for a, (row, right) in enumerate(kept):
                rest[a, s] = right - sum((c * start[k] for k, c in row.items()), fmpq(0))
        try:
            shift = normal.solve(rest)
        except ZeroDivisionError:
            return None
        for s, start in enumerate(starts):
            moved = list(start)
            for a, (row, _) in enumerate(kept):
                for k, c in row.items():
                    moved[k] += c * shift[a, s]
            result = accept(moved) if accept is not None else moved if self.holds(moved, rows) else None
            if result is not None:
                return result
        return None

    def holds(self, y: Sequence[Any], rows: Sequence[Row] | None = None) -> bool:
        """Whether rational unknowns solve all equations exactly, with nonnegative scalars and positive semidefinite blocks."""
        equations = self.rows if rows is None else rows
        if any(sum((c * y[k] for k, c in row.items()), fmpq(0)) != right for row, right in equations):
            return False
        if any(sign in ("+", "0") and v < 0 for sign, v in zip(self.signs, y, strict=True)):
            return False
        return all(squares(block.matrix(y)) is not None for block in self.blocks)

    def on_face(
        self,
        cost: Mapping[int, float],
        fixed: Sequence[Row] = (),
        optimal: bool = False,
        tiny: float = 1e-5,
        limit: int = 1000,
    ) -> Any | None:
        """An exact solution of these and `fixed` equations where solutions have no interior, such as at the optimum of `cost`.

        If `optimal`, the solution must be the optimum itself, where it is unique. Scalars and eigenvalues below `tiny`
        count as 0, and `limit` is the largest denominator of an entry of a kernel.
        """
        zero: frozenset[int] = frozenset()
        kernels: list[Row] = []
        for attempt in range(4):
            x = self.optimum(cost, [*fixed, *kernels], zero)
            if x is None:
                return None
            # a point rounded before its face is known need not be the optimum
            if attempt or not optimal:
                vanishing = [({k: fmpq(1)}, fmpq(0)) for k in sorted(zero)]
                exact = self.rounded(x, [*fixed, *kernels, *vanishing])
                if exact is not None:
                    return exact
            zero |= {k for k, sign in enumerate(self.signs) if sign in ("+", "0") and x[k] < tiny}
            kernels = []
            for block in self.blocks:
                rows = _kernel_rows(block, x, tiny, limit)
                if rows is None:
                    return None
                kernels += rows
        return None


@contextmanager
def _quiet() -> Iterator[None]:
    """A context in which nothing reaches the file descriptor of stderr: near the border the solver panics and prints a trace."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _kernel_rows(block: Block, x: Any, tiny: float, limit: int) -> list[Row] | None:
    """The equations S k = 0 for rational vectors k that span the kernel of a block; None if the kernel is not rational."""
    if not block.order:
        return []
    values, vectors = np.linalg.eigh(np.array(block.matrix(x), dtype=float))
    kernel = vectors[:, values < tiny]
    if not kernel.shape[1]:
        return []
    echelon, _ = reduced(kernel)
    rows: list[Row] = []
    for column in echelon.T:
        k = [Fraction(float(v)).limit_denominator(limit) for v in column]
        if max(abs(float(a) - b) for a, b in zip(k, column, strict=True)) > 1e-3:
            return None
        for i in range(block.order):
            rows.append(({block.at(i, j): fmpq(v.numerator, v.denominator) for j, v in enumerate(k) if v}, fmpq(0)))
    return rows


def reduced(kernel: Any) -> tuple[Any, list[int]]:
    """The reduced echelon form of a matrix with independent columns, and its pivot rows."""
    _, order = qr(kernel.T, pivoting=True, mode="r")
    pivots = sorted(int(i) for i in order[: kernel.shape[1]])
    return kernel @ np.linalg.inv(kernel[pivots, :]), pivots


def independent(rows: Sequence[Row], size: int) -> list[Row]:
    """A largest independent part of the rows, since dependent ones break the interior point method and the projection.

    A random projection keeps the rank and makes the pivoted QR small.
    """
    if not rows:
        return []
    data = [(i, k, float(c)) for i, (row, _) in enumerate(rows) for k, c in row.items()]
    matrix = csc_matrix(
        ([v for *_, v in data], ([i for i, *_ in data], [k for _, k, _ in data])), shape=(len(rows), size)
    )
    random = np.random.default_rng(0).standard_normal((size, min(size, len(rows) + 4)))
    r, order = qr((matrix @ random).T, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(r))
    return [rows[i] for i in sorted(int(i) for i in order[: int((diagonal > 1e-9 * diagonal[0]).sum())])]


def squares(matrix: Sequence[Sequence[Any]]) -> list[tuple[Any, list[Any]]] | None:
    """[(d, row), ..] with d > 0 and the sum of d row row' equal to the matrix (L D L'); None if it is not positive semidefinite."""
    n, q = len(matrix), [list(row) for row in matrix]
    terms: list[tuple[Any, list[Any]]] = []
    for i in range(n):
        d = q[i][i]
        if d < 0:
            return None
        if d == 0:
            if any(q[i][j] for j in range(i + 1, n)):
                return None
            continue
        row = [fmpq(0)] * i + [q[i][j] / d for j in range(i, n)]
        terms.append((d, row))
        for a in range(i + 1, n):
            if row[a]:
                for b in range(i + 1, n):
                    q[a][b] -= d * row[a] * row[b]
    return terms


def short_rows(echelon: Any) -> list[list[Any]]:
    """Integer rows w with w k = 0 for the columns k of an echelon form, found by lattice reduction."""
    n, weight = echelon.shape[0], 10**6
    entries = [[*(int(i == j) for j in range(n)), *(round(weight * float(c)) for c in echelon[i])] for i in range(n)]
    lattice = fmpz_mat(entries).lll()
    rows: list[list[Any]] = []
    for i in range(n):
        w = [int(lattice[i, j]) for j in range(n)]
        if max(map(abs, w)) <= 12 and np.abs(np.array(w) @ echelon).max() < 1e-5 * sum(map(abs, w)):
            rows.append([fmpq(c) for c in w])
    return rows
