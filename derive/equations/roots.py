"""Closed-form square roots of the covariance, by its structure."""

from __future__ import annotations

from enum import Enum
from typing import Any

import sympy as sp

from derive.expressions.expansion import Expansion
from derive.expressions.gradient_form import GradientForm
from derive.expressions.vanishing import vanishes


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


def _sum_root(delta: list[sp.Expr], f: list[sp.Expr], c: sp.Expr) -> sp.Matrix:
    """B with B B' = diag(delta) + c f f' for c >= 0: a column for each delta_j that is not 0, and sqrt(c) f."""
    own = sp.diag(*[signed_root(e) for e in delta])
    columns = [own[:, j] for j in range(len(delta)) if delta[j] != 0]
    return sp.Matrix.hstack(*columns, sp.sqrt(c) * sp.Matrix(f))


def signed_root(variance: sp.Expr) -> sp.Expr:
    """A square root; of c q^2 with real q the smooth sqrt(c) q rather than sqrt(c)|q|."""
    # exp(-100 |g|) would be a polynomial of degree 100 in exp(-|g|)
    short = variance.count_ops() < 60 and variance.is_rational_function()
    root = sp.sqrt(sp.factor(variance) if short else variance)
    factors = sp.Mul.make_args(root)
    return sp.Mul(*[a.args[0] if isinstance(a, sp.Abs) else a for a in factors])


def root(form: GradientForm, expansion: Expansion, covariance: sp.Matrix | None = None) -> sp.Matrix | None:
    """B with B B' = S in named coordinates, chosen by the structure; None where no closed form is known.

    `covariance` is S in these coordinates, if it is already known.
    Dense and low-rank covariances have one in one dimension, or when they turn out to be diagonal; otherwise `numerics` roots them.
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
        delta, f = expansion.vector(form.diag), expansion.vector(form.factors[0])
        if core.is_nonnegative or any(a == 0 and b != 0 for a, b in zip(delta, f, strict=True)):
            return _sum_root(delta, f, core)
        return rank_one_root(delta, f, -core)
    whole: Any = form.covariance(expansion) if covariance is None else covariance
    # unevaluated: SymPy would test in vain whether every long entry vanishes
    if all(whole[i, j] == 0 for i in range(expansion.dim) for j in range(expansion.dim) if i != j):
        return sp.diag(*[signed_root(whole[i, i]) for i in range(expansion.dim)])
    return None


def differentiable(root: sp.Matrix, gradient: list[sp.Symbol]) -> bool:
    """Whether a root, as a function of the gradient, is differentiable everywhere, at zero gradients too.

    It is not where it contains a case, a clipping, an |g| whose kink is left in it, or the square root of an expression that
    vanishes with the gradient: there the covariance is singular (theory 4).
    """
    own, origin = set(gradient), dict.fromkeys(gradient, sp.S.Zero)
    for e in root:
        if any(a.free_symbols & own for a in e.atoms(sp.Max, sp.Min, sp.Piecewise)):
            return False
        kinks = [a for a in e.atoms(sp.Abs, sp.sign) if a.free_symbols & own]
        if kinks and not _joins_at_zero(e, kinks, own):
            return False
        for power in e.atoms(sp.Pow):
            rooted = power.exp.is_Rational and power.exp.q == 2 and power.base.free_symbols & own
            if rooted and power.base.xreplace(origin) == 0:
                return False
    return True


def _joins_at_zero(e: sp.Expr, kinks: list[sp.Expr], own: set[sp.Symbol]) -> bool:
    """Whether a function of |x| and sign x, x one coordinate of the gradient up to a factor, has one value and one slope at x = 0.

    So it is for sqrt(1 - b^2) with b = sign(x)(1 - e^{-|x|}): 1 - b^2 = 2 e^{-|x|} - e^{-2|x|} has the slope 0 on both sides.
    """
    symbols = set[sp.Basic]().union(*(a.free_symbols & own for a in kinks))
    if len(symbols) != 1 or e.free_symbols & own != symbols:
        return False
    (x,) = symbols
    if any(sp.diff(a.args[0], x).has(x) or a.args[0].subs(x, 0) != 0 for a in kinks):
        return False
    y = sp.Dummy("y", positive=True)
    right, left = (e.xreplace({x: s * y}).doit() for s in (1, -1))
    values = [f.subs(y, 0) for f in (right - left, sp.diff(right, y) + sp.diff(left, y))]
    return not any(v.has(sp.nan, sp.zoo, sp.oo) for v in values) and all(vanishes(v) for v in values)
