"""Square roots of the covariance, and the type of noise that they make."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import sympy as sp

from derive.coordinates import parts_of
from derive.expansion import Expansion
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
    # exp(-100 |g|) would be a polynomial of degree 100 in exp(-|g|)
    short = variance.count_ops() < 60 and variance.is_rational_function()
    root = sp.sqrt(sp.factor(variance) if short else variance)
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


def differentiable(root: sp.Matrix, gradient: list[sp.Symbol]) -> bool:
    """Whether a root, as a function of the gradient, is differentiable everywhere, at zero gradients too.

    It is not where it holds |g|, a case, a clipping, or the square root of something that vanishes with the gradient: there
    the covariance is singular (theory 4).
    """
    own, origin = set(gradient), dict.fromkeys(gradient, sp.S.Zero)
    for e in root:
        if any(a.free_symbols & own for a in e.atoms(sp.Abs, sp.sign, sp.Max, sp.Min, sp.Piecewise)):
            return False
        for power in e.atoms(sp.Pow):
            rooted = power.exp.is_Rational and power.exp.q == 2 and power.base.free_symbols & own
            if rooted and power.base.xreplace(origin) == 0:
                return False
    return True


POINTS = 6
#: sizes of the coordinates of the points, in turn: where signs have saturated, far out, a root looks constant
SIZES = (1, 50, 1000)


@dataclass(frozen=True)
class Precision:
    """How exactly the type is decided, from the number of digits m of the largest whole number in the root.

    A parameter of 10^-7 changes a root by 10^-14 of itself, and that is no zero; where the root is not constant may be as
    near to the minimum as 10^-m.

    Args:
        magnitude: m.
    """

    magnitude: int

    @property
    def digits(self) -> int:
        """Of the arithmetic."""
        return 60 + 6 * self.magnitude

    @property
    def step(self) -> int:
        """Central differences have the step 10^-step: right to the digits of `zero`, also 10^-m from the minimum."""
        return 20 + 2 * self.magnitude

    @property
    def zero(self) -> int:
        """What is below 10^-zero of its surroundings counts as zero."""
        return 12 + 2 * self.magnitude

    @property
    def sizes(self) -> tuple[int, ...]:
        """By what the coordinates of the points are divided, in turn."""
        return (*SIZES, *(10 ** (self.magnitude * k // 3 + 1) for k in (1, 2, 3)))

    def small(self, value: Any, scale: Any = 1) -> bool:
        """Whether a value counts as zero beside `scale`."""
        return abs(value) <= scale * sp.Float(10) ** -self.zero


def precision(root: sp.Matrix) -> Precision:
    """What the numbers in a root ask for."""
    numbers = [e for e in parts_of(root) if isinstance(e, sp.Rational)]
    return Precision(max((len(str(max(abs(e.p), e.q))) for e in numbers), default=1) - 1)


def noise_type(root: sp.Matrix, state: list[sp.Symbol]) -> str:
    """The narrowest type of dX = a dt + root(X) dW among additive, scalar, diagonal, commutative and general.

    additive: the root does not depend on the state; scalar: one Brownian motion drives all coordinates (the columns are
    fixed multiples of one); diagonal: square and diagonal, entry i a function of x_i alone; commutative: the columns
    commute as vector fields, sum_k B_kj d_k B_il = sum_k B_kl d_k B_ij (Kloeden and Platen, chapter 10); else general.

    Decided at random rational points, in arithmetic of 60 digits or more (`Precision`): a wider type is certain (a point was
    found where the identity fails), a narrower one holds to more than 10 digits at each point, away from kinks.
    """
    if not root.free_symbols & set(state):
        return "additive"
    exact = precision(root)
    jets, small = _jets(root, state, exact), exact.small
    columns = [j for j in range(root.cols) if any(not small(b[i, j]) for b, _ in jets for i in range(root.rows))]
    if all(small(slope[i, j]) for _, slopes in jets for slope in slopes for i in range(root.rows) for j in columns):
        return "additive"
    if _one_direction(jets, columns, small):
        return "scalar"
    if _own_coordinate_only(jets, columns, root.rows, small):
        return "diagonal"
    return "commutative" if _commute(jets, columns, root.rows, small) else "general"


def _jets(root: sp.Matrix, state: list[sp.Symbol], exact: Precision) -> list[tuple[Any, list[Any]]]:
    """(root, its derivative in each coordinate) at random points where it is real, as matrices of long numbers."""
    import mpmath

    parameters = sorted(root.free_symbols - set(state), key=str)
    # a stable law has no closed cdf, and its quadrature is slow: any smooth function of the same argument has the same type
    named = {"StableSignMean": lambda alpha, x: mpmath.tanh(x)}
    function = sp.lambdify([*state, *parameters], root, [named, "mpmath"], cse=True)
    draw = random.Random(20250600181)
    found: list[tuple[Any, list[Any]]] = []
    with mpmath.workdps(exact.digits):
        step = mpmath.mpf(10) ** -exact.step
        for attempt in range(200):
            if len(found) == POINTS:
                break
            values = [mpmath.mpf(draw.randint(250, 8000)) / 997 for _ in parameters]
            divisor = exact.sizes[attempt % len(exact.sizes)]
            x = [draw.choice((-1, 1)) * mpmath.mpf(draw.randint(997, 2991)) / 997 / divisor for _ in state]
            here = function(*x, *values)
            if any(abs(mpmath.im(e)) > 0 or not mpmath.isfinite(e) for e in here):
                continue  # parameters outside their domain (p > 1, nu < 2, ..), or a variance that cancels to less than 0
            if not any(here) and attempt < 100:
                continue  # signs that are saturated here
            slopes = []
            for k in range(len(state)):
                ahead, behind = list(x), list(x)
                ahead[k] += step
                behind[k] -= step
                slopes.append((function(*ahead, *values) - function(*behind, *values)) / (2 * step))
            size = max(abs(e) for e in here) or mpmath.mpf(1)
            found.append((here / size, [slope / size for slope in slopes]))
    if not found:
        raise ArithmeticError("no point was found at which the root of the covariance is real")
    return found


def _one_direction(jets: list[tuple[Any, list[Any]]], columns: list[int], small: Callable[..., bool]) -> bool:
    """Whether every column is one constant multiple of the first, at all points and in their neighbourhoods."""
    first = columns[0]
    for j in columns[1:]:
        ratios = []
        for b, slopes in jets:
            for matrix in (b, *slopes):
                for i in range(matrix.rows):
                    if small(matrix[i, first], 1) != small(matrix[i, j], 1):
                        return False
                    if not small(matrix[i, first], 1):
                        ratios.append(matrix[i, j] / matrix[i, first])
        if any(not small(r - ratios[0], 1) for r in ratios):
            return False
    return True


def _own_coordinate_only(
    jets: list[tuple[Any, list[Any]]], columns: list[int], rows: int, small: Callable[..., bool]
) -> bool:
    taken: set[int] = set()
    for j in columns:
        filled = {i for b, _ in jets for i in range(rows) if not small(b[i, j], 1)}
        if len(filled) != 1 or filled & taken:
            return False
        taken |= filled
        (i,) = filled
        if any(not small(slope[i, j], 1) for _, slopes in jets for k, slope in enumerate(slopes) if k != i):
            return False
    return True


def _commute(jets: list[tuple[Any, list[Any]]], columns: list[int], rows: int, small: Callable[..., bool]) -> bool:
    """Whether all Lie brackets of the columns vanish."""
    for b, slopes in jets:
        for j in columns:
            for n in (m for m in columns if m < j):
                for i in range(rows):
                    one = sum(b[k, j] * slopes[k][i, n] for k in range(rows))
                    two = sum(b[k, n] * slopes[k][i, j] for k in range(rows))
                    if not small(one - two, 1 + abs(one)):
                        return False
    return True
