"""Square roots of the covariance, and the type of noise that they make."""

from __future__ import annotations

from enum import Enum

import sympy as sp

from derive.coordinates import Expansion
from derive.form import GradientForm
from derive.numeric_zero import vanishes


class Structure(Enum):
    """How S = diag(D) + U core U' + dense is built, and with it the cheapest exact root."""

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
    """B with B B' = diag(delta) - c f f', exactly: diag(delta)^{1/2} (I - tau w w') (theory 4).

    w_j = f_j/sqrt(delta_j) (0 where delta_j = 0) and tau = c/(1 + sqrt(1 - c w'w)). Needs the matrix to be positive
    semi-definite and delta >= 0; then delta_j = 0 forces f_j = 0 for c > 0. Costs O(d) to apply.
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


def signed_root(variance: sp.Expr) -> sp.Expr:
    """A square root; of c q^2 with real q the smooth sqrt(c) q rather than sqrt(c)|q|."""
    root = sp.sqrt(sp.factor(variance)) if variance.count_ops() < 60 else sp.sqrt(variance)
    factors = sp.Mul.make_args(root)
    return sp.Mul(*[a.args[0] if isinstance(a, sp.Abs) else a for a in factors])


def root(form: GradientForm, expansion: Expansion) -> sp.Matrix | None:
    """B with B B' = S in named coordinates, chosen by the structure; None where no closed form is known.

    Dense and low-rank covariances have one in one dimension, or when they come out diagonal; numerics roots them else.
    """
    kind = structure(form)
    if kind is Structure.ZERO:
        return sp.zeros(expansion.dim, 1)
    if kind is Structure.DIAGONAL:
        return sp.diag(*[signed_root(e) for e in expansion.vector(form.diag)])
    if kind is Structure.RANK_ONE:
        core = expansion.scalar(form.core[0, 0])
        if vanishes(core):
            return sp.diag(*[signed_root(e) for e in expansion.vector(form.diag)])
        return rank_one_root(expansion.vector(form.diag), expansion.vector(form.factors[0]), -core)
    covariance = form.covariance(expansion)
    if covariance.is_diagonal():
        return sp.diag(*[signed_root(covariance[i, i]) for i in range(expansion.dim)])
    return None


def noise_type(root: sp.Matrix, state: list[sp.Symbol]) -> str:
    """The narrowest type of dX = a dt + root(X) dW among additive, scalar, diagonal, commutative and general.

    additive: the root does not depend on the state; scalar: one Brownian motion drives all coordinates (the columns are
    fixed multiples of one); diagonal: square and diagonal, entry i a function of x_i alone; commutative: the columns
    commute as vector fields, sum_k B_kj d_k B_il = sum_k B_kl d_k B_ij (Kloeden and Platen, chapter 10); else general.
    """
    columns = [root[:, j] for j in range(root.cols) if any(e != 0 for e in root[:, j])]
    matrix = sp.Matrix.hstack(*columns) if columns else sp.zeros(root.rows, 0)
    jacobians = [_state_jacobian(matrix[:, j], state) for j in range(matrix.cols)]
    if all(vanishes(e) for jac in jacobians for e in jac):
        return "additive"
    if _one_direction(matrix, jacobians):
        return "scalar"
    if _own_coordinate_only(matrix, jacobians):
        return "diagonal"
    for j in range(matrix.cols):
        for k in range(j):
            bracket = jacobians[k] * matrix[:, j] - jacobians[j] * matrix[:, k]
            if not all(vanishes(e) for e in bracket):
                return "general"
    return "commutative"


def _state_jacobian(column: sp.Matrix, state: list[sp.Symbol]) -> sp.Matrix:
    """d column_i / d x_k; signs and steps are constant away from their kinks, a null set."""

    def slope(e: sp.Expr, s: sp.Symbol) -> sp.Expr:
        value = sp.diff(e, s)
        return value.replace(lambda a: isinstance(a, sp.DiracDelta), lambda a: sp.S.Zero)

    return sp.Matrix(column.rows, len(state), lambda i, k: slope(column[i], state[k]))


def _one_direction(matrix: sp.Matrix, jacobians: list[sp.Matrix]) -> bool:
    """Whether every column is a constant multiple of the first."""
    first, first_jac = matrix[:, 0], jacobians[0]
    anchor = next(i for i in range(matrix.rows) if first[i] != 0)
    for j in range(1, matrix.cols):
        column, jac = matrix[:, j], jacobians[j]
        minors = [first[anchor] * column[i] - first[i] * column[anchor] for i in range(matrix.rows)]
        drifts = [
            jac[anchor, k] * first[anchor] - column[anchor] * first_jac[anchor, k] for k in range(first_jac.cols)
        ]
        if not all(vanishes(e) for e in [*minors, *drifts]):
            return False
    return True


def _own_coordinate_only(matrix: sp.Matrix, jacobians: list[sp.Matrix]) -> bool:
    if matrix.rows < matrix.cols:
        return False
    rows = []
    for j in range(matrix.cols):
        filled = [i for i in range(matrix.rows) if not vanishes(matrix[i, j])]
        if len(filled) != 1 or filled[0] in rows:
            return False
        rows.append(filled[0])
        jac = jacobians[j]
        if not all(vanishes(jac[filled[0], k]) for k in range(jac.cols) if k != filled[0]):
            return False
    return True
