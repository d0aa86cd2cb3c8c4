"""Closed-form square roots of the covariance, by its structure."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import longer_than, symbols_of
from sdescent.derive.expressions.gradient_form import Expansion, GradientForm
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
    size = sp.Add(*[e**2 for e in w])
    tau = c / (1 + sp.sqrt(1 - c * size))
    dim = len(w)
    return sp.Matrix(dim, dim, lambda i, j: sp.sqrt(delta[i]) * (int(i == j) - tau * w[i] * w[j]))


def _sum_root(delta: list[sp.Expr], f: list[sp.Expr], c: sp.Expr) -> sp.Matrix:
    """A root B with B B' = diag(delta) + c f f' for c >= 0: a column for each nonzero delta_j, and sqrt(c) f."""
    diagonal = sp.diag(*[signed_root(e) for e in delta])
    columns = [diagonal[:, j] for j in range(len(delta)) if delta[j] != 0]
    return sp.Matrix.hstack(*columns, sp.sqrt(c) * sp.Matrix(f))


def signed_root(variance: sp.Expr) -> sp.Expr:
    """A square root of a variance; for c q^2 with real q the smooth sqrt(c) q instead of sqrt(c)|q|."""
    # exp(-100 |g|) would be a polynomial of degree 100 in exp(-|g|)
    short = variance.count_ops() < 60 and variance.is_rational_function()
    root = sp.sqrt(sp.factor(variance) if short else variance)
    factors = sp.Mul.make_args(root)
    return sp.Mul(*[a.args[0] if isinstance(a, sp.Abs) else a for a in factors])


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
        if any(
            p.base.free_symbols & letters and not p.exp.is_integer and not p.base.is_positive for p in e.atoms(sp.Pow)
        ):
            return False
    return True
