"""Closed-form square roots of the covariance, by its structure, and the type of noise that a root gives (theory 2)."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import mpmath
import sympy as sp

from sdescent.derive.equations.kinks import kinked, near_kinks, random_vector
from sdescent.derive.expressions.coordinates import longer_than, parts_of, symbols_of
from sdescent.derive.expressions.gradient_form import Expansion, GradientForm
from sdescent.derive.expressions.graphs import numeric
from sdescent.derive.expressions.vanishing import vanishes


class Structure(Enum):
    """The structure of S = diag(D) + U core U' + dense, which determines the cheapest exact root."""

    ZERO = "zero"
    DIAGONAL = "diagonal"
    RANK_ONE = "diagonal plus rank one"
    LOW_RANK = "diagonal plus low rank"
    DENSE = "dense"


def structure(form: GradientForm) -> Structure:
    """The structure of a form's covariance."""
    if form.dense:
        return Structure.DENSE
    if form.rank == 1:
        return Structure.RANK_ONE
    if form.rank:
        return Structure.LOW_RANK
    return Structure.ZERO if form.diag == 0 else Structure.DIAGONAL


def rank_one_root(delta: list[sp.Expr], f: list[sp.Expr], c: sp.Expr) -> sp.Matrix:
    """The exact root B = diag(delta)^{1/2} (I - tau w w') with B B' = diag(delta) - c f f' (theory 4).

    w_j = f_j/sqrt(delta_j) (0 where delta_j = 0) and tau = c/(1 + sqrt(1 - c w'w)). The matrix must be positive semidefinite
    and delta >= 0; then delta_j = 0 forces f_j = 0 for c > 0. Applying B costs O(d).
    """
    w = []
    for delta_j, f_j in zip(delta, f, strict=True):
        if delta_j == 0:
            w.append(sp.S.Zero)
            continue
        ratio = f_j / sp.sqrt(delta_j)
        w.append(ratio if delta_j.is_positive else sp.Piecewise((ratio, delta_j > 0), (0, True)))
    tau = c / (1 + sp.sqrt(1 - c * sp.Add(*[e**2 for e in w])))
    dim = len(w)
    return sp.Matrix(dim, dim, lambda i, j: sp.sqrt(delta[i]) * (int(i == j) - tau * w[i] * w[j]))


def _sum_root(delta: list[sp.Expr], f: list[sp.Expr], c: sp.Expr) -> sp.Matrix:
    """A root B with B B' = diag(delta) + c f f' for c >= 0: a column for each nonzero delta_j, and sqrt(c) f."""
    diagonal = sp.diag(*[signed_root(e) for e in delta])
    return sp.Matrix.hstack(*[diagonal[:, j] for j in range(len(delta)) if delta[j] != 0], sp.sqrt(c) * sp.Matrix(f))


def signed_root(variance: sp.Expr) -> sp.Expr:
    """A square root of a variance; for c q^2 with real q the smooth sqrt(c) q instead of sqrt(c)|q|."""
    # exp(-100 |g|) would be a polynomial of degree 100 in exp(-|g|)
    short = variance.count_ops() < 60 and variance.is_rational_function()
    root = sp.sqrt(sp.factor(variance) if short else variance)
    return sp.Mul(*[a.args[0] if isinstance(a, sp.Abs) else a for a in sp.Mul.make_args(root)])


def root(form: GradientForm, expansion: Expansion, covariance: sp.Matrix | None = None) -> sp.Matrix | None:
    """A root B with B B' = S in named coordinates, chosen by the structure of S; None if no closed form is known.

    `covariance` is S in these coordinates, if it is already known. A dense or low-rank covariance has a closed root in one
    dimension or if it turns out to be diagonal; otherwise `numerics` computes the root.
    """
    kind = structure(form)
    if kind is Structure.ZERO:
        return sp.zeros(expansion.dim, 1)
    core = expansion.scalar(form.core[0, 0]) if kind is Structure.RANK_ONE else sp.S.Zero
    if kind is Structure.DIAGONAL or (kind is Structure.RANK_ONE and vanishes(core)):
        return sp.diag(*[signed_root(e) for e in expansion.vector(form.diag)])
    if kind is Structure.RANK_ONE:
        delta, f = expansion.vector(form.diag), expansion.vector(form.factors[0])
        if core.is_nonnegative or any(a == 0 and b != 0 for a, b in zip(delta, f, strict=True)):
            return _sum_root(delta, f, core)
        return rank_one_root(delta, f, -core)
    whole: Any = form.covariance(expansion) if covariance is None else covariance
    # compared with 0 structurally: SymPy would test in vain whether every long entry vanishes
    if all(whole[i, j] == 0 for i in range(expansion.dim) for j in range(expansion.dim) if i != j):
        return sp.diag(*[signed_root(whole[i, i]) for i in range(expansion.dim)])
    return None


def differentiable(root: sp.Matrix, gradient: list[sp.Symbol]) -> bool:
    """Whether a root, as a function of the gradient, is differentiable everywhere, including at zero gradients.

    It is not differentiable if it contains a case, a clipping, an |g| with a kink, or the square root of an expression that
    vanishes with the gradient, since the covariance is singular there (theory 4).
    """
    letters, origin = set(gradient), dict.fromkeys(gradient, sp.S.Zero)
    for e in root:
        if any(a.free_symbols & letters for a in e.atoms(sp.Max, sp.Min, sp.Piecewise)):
            return False
        kinks = [a for a in e.atoms(sp.Abs, sp.sign) if a.free_symbols & letters]
        if kinks and not _joins_at_zero(e, kinks, letters):
            return False
        for power in e.atoms(sp.Pow):
            rooted = power.exp.is_Rational and power.exp.q == 2 and power.base.free_symbols & letters
            if rooted and power.base.xreplace(origin) == 0:
                return False
    return True


def _joins_at_zero(e: sp.Expr, kinks: list[sp.Expr], letters: set[sp.Symbol]) -> bool:
    """Whether a function of |x| and sign x is C^1 at x = 0, where x is one coordinate of the gradient up to a factor.

    An example is sqrt(1 - b^2) with b = sign(x)(1 - e^{-|x|}): 1 - b^2 = 2 e^{-|x|} - e^{-2|x|} has slope 0 on both sides.
    """
    symbols = set[sp.Basic]().union(*(a.free_symbols & letters for a in kinks))
    if len(symbols) != 1 or e.free_symbols & letters != symbols:
        return False
    (x,) = symbols
    if any(sp.diff(a.args[0], x).has(x) or a.args[0].subs(x, 0) != 0 for a in kinks):
        return False
    y = sp.Dummy("y", positive=True)
    right, left = (e.xreplace({x: s * y}).doit() for s in (1, -1))
    values = [f.subs(y, 0) for f in (right - left, sp.diff(right, y) + sp.diff(left, y))]
    return not any(v.has(sp.nan, sp.zoo, sp.oo) for v in values) and all(vanishes(v) for v in values)


def blocks(covariance: sp.Matrix) -> list[list[int]]:
    """The coordinates with noise, in groups without covariance between them: in this order the covariance is block diagonal."""
    groups = map(sorted, covariance.connected_components())
    return [group for group in groups if len(group) > 1 or covariance[group[0], group[0]] != 0]


def block_root(covariance: sp.Matrix) -> sp.Matrix | None:
    """A root L with L L' = `covariance`, which must be positive semidefinite; None if no closed form is known.

    L is built block by block: the Cholesky factor of a block of up to three coordinates, or the vector f of a block f f' of any
    size. If a pivot vanishes, so does its column, since the matrix is positive semidefinite.
    """
    columns: list[sp.Matrix] = []
    for block in blocks(covariance):
        factor = _cholesky(covariance.extract(block, block))
        if factor is None:
            return None
        for j in range(factor.cols):
            columns.append(sp.zeros(covariance.rows, 1))
            for i, place in enumerate(block):
                columns[-1][place] = factor[i, j]
    return sp.Matrix.hstack(*columns) if columns else sp.zeros(covariance.rows, 1)


def _cholesky(block: sp.Matrix) -> sp.Matrix | None:
    """The nonzero columns of the Cholesky factor; None for a block of more than three coordinates and rank above one."""
    rest, columns = block, list[sp.Matrix]()
    for j in range(block.rows):
        if vanishes(rest[j, j]):
            continue
        pivot, top = rest[j, j], signed_root(rest[j, j])
        columns.append(sp.zeros(block.rows, 1))
        columns[-1][j] = top
        for i in range(j + 1, block.rows):
            columns[-1][i] = _quotient(rest[i, j], top, pivot)
        rest = _complement(rest, j)
        if all(vanishes(e) for e in rest.extract(range(j + 1, block.rows), range(j + 1, block.rows))):
            return sp.Matrix.hstack(*columns)
        if block.rows > 3:
            return None
    return sp.Matrix.hstack(*columns)


def _complement(matrix: sp.Matrix, j: int) -> sp.Matrix:
    """The Schur complement of the entry (j, j), embedded in the whole matrix."""
    taken = sp.Matrix(*matrix.shape, lambda a, b: _quotient(matrix[a, j] * matrix[b, j], matrix[j, j], matrix[j, j]))
    return (matrix - taken).applyfunc(_short)


def _quotient(above: sp.Expr, below: sp.Expr, pivot: sp.Expr) -> sp.Expr:
    """The quotient above/below, or 0 where the pivot vanishes."""
    ratio = _short(above / below)
    if above == 0 or pivot.is_positive or not symbols_of([sp.fraction(ratio)[1]]):
        return ratio
    return sp.Piecewise((ratio, pivot > 0), (0, True))


def _short(e: sp.Expr) -> sp.Expr:
    return sp.factor(e) if not longer_than(e, 60) and not e.has(sp.Piecewise) else e


def smooth_in(root: sp.Matrix, state: Sequence[sp.Symbol]) -> bool:
    """Whether a root is clearly differentiable everywhere in the state: without kinks, cases or roots of terms that may vanish."""
    letters = set(state)
    for e in root:
        if any(a.free_symbols & letters for a in e.atoms(sp.Max, sp.Min, sp.Piecewise, sp.Abs, sp.sign, sp.Heaviside)):
            return False
        powers = [p for p in e.atoms(sp.Pow) if p.base.free_symbols & letters and not p.exp.is_integer]
        if any(not p.base.is_positive for p in powers):
            return False
    return True


POINTS = 6
Rows = list[list[Any]]
#: a function that maps a direction to the derivative of the root along it
Slope = Callable[[list[Any]], Rows]
#: divisors of the points' coordinates, in turn: far out, where signs have saturated, a root looks constant
SIZES = (1, 50, 1000)


@dataclass(frozen=True)
class Precision:
    """The precision of the decision: a parameter of 10^-7 changes a root by 10^-14 of itself, which must not count as zero."""

    digits: int  # decimal digits of the arithmetic
    step: int  # central differences use the step 10^-step and are accurate to the digits of `zero`
    zero: int  # a number counts as zero if it is below 10^-zero relative to its surroundings
    sizes: tuple[int, ...]  # the numbers by which the coordinates of the points are divided, in turn

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
        self._others = self._others and self._own_coordinates(len(value), slope, draw)
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
        columns, small = range(len(self._matrices[0][0])), self.exact.small
        return [j for j in columns if any(not small(row[j]) for m in self._matrices for row in m)]

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
        """Whether each column has a row of its own, and its entry there is constant along directions that fix its coordinate."""
        places = self._own_places()
        for j, i in (places or {}).items():
            direction = random_vector(draw, rows)
            direction[i] = 0
            if any(direction) and not self.exact.small(slope(direction)[i][j]):
                return False
        return places is not None

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

    def points() -> Iterator[tuple[list[Any], list[Any]]]:
        values: list[Any] = []
        for attempt in range(200):
            if points_used == POINTS:
                break
            values = [mpmath.mpf(draw.randint(250, 8000)) / 997 for _ in parameters]
            divisor = exact.sizes[attempt % len(exact.sizes)]
            yield [draw.choice((-1, 1)) * mpmath.mpf(draw.randint(997, 2991)) / 997 / divisor for _ in state], values
        for x in near_kinks(root, state, parameters)(values, draw):
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
            pairs = list(zip(x, direction, strict=True))
            ahead, behind = (flat(*(a + s * step * e for a, e in pairs), *values) for s in (1, -1))
            return rows([(a - b) / (2 * step * size) for a, b in zip(ahead, behind, strict=True)])

        points_used += 1
        yield rows([e / size for e in here]), slope, draw
    if not points_used:
        raise ArithmeticError("no point was found at which the root of the covariance is real")
