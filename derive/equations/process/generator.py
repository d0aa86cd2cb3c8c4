"""The generator of an SDE, and the equations of its moments if these close (theory 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import sympy as sp

from sdescent.derive.equations.in_coordinates import CoordinateSDE
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.symbols import du, matched, t, u

#: systems of more moments are refused
MOST_MOMENTS = 200


def generator(equation: CoordinateSDE, phi: Any) -> sp.Expr:
    """The generator L phi = sum_i drift_i d_i phi + (1/2) sum_ij covariance_ij d_i d_j phi, for phi in x1, ..

    E phi(X_t) - phi(x0) = E int_0^t L phi(X_s) ds up to localisation (theory 6).

    Args:
        equation: the equation in named coordinates.
        phi: a formula in x1, .. and the parameters of the equation, as text or in SymPy; its symbols are matched by name.

    Raises:
        BadInput: phi contains a symbol that the equation does not have (make constants of your own with
            `sdescent.derive.vocabulary.symbols.parameter`), or the time: d phi/dt is not part of L.
    """
    x = equation.state
    phi = matched(phi, [s for s in equation.symbols.values() if s not in (t, u, du)], "phi", others=False)
    rows = range(len(x))
    first = sum((equation.drift[i] * sp.diff(phi, x[i]) for i in rows), sp.S.Zero)
    second = sum((equation.covariance[i, j] * sp.diff(phi, x[i], x[j]) for i in rows for j in rows), sp.S.Zero)
    return first + second / 2


def quadratic_mean(
    expr: sp.Expr,
    x: Sequence[sp.Symbol],
    second: sp.Matrix | Mapping[tuple[int, int], sp.Expr],
    other: str,
    linear: bool = True,
) -> sp.Expr:
    """The mean of a polynomial of degree at most two in variables of mean 0, where `second` has E x_i x_j for i <= j.

    Raises NoClosedForm with the message `other` for any other expression, or for terms of degree one unless `linear`.
    """
    if not expr.is_polynomial(*x):
        raise NoClosedForm(other)
    total = sp.S.Zero
    for powers, coefficient in sp.Poly(expr, *x).terms():
        where = [m for m, p in enumerate(powers) for _ in range(p)]
        if len(where) > 2 or (len(where) == 1 and not linear):
            raise NoClosedForm(other)
        if len(where) != 1:
            total += coefficient * (second[where[0], where[1]] if where else 1)
    return total


@dataclass(frozen=True)
class MomentEquations:
    """The equations d/dt m = matrix m + constant of moments m = E x^a that are closed under the generator.

    Rows and columns are sorted by degree, then by the order of the state: for (x, v) they are E x, E v, E x^2, E xv, E v^2.
    `moments` lists the monomials; the printed equations use them too.

    Args:
        exponents: the multi-index a of each moment, in order.
        matrix, constant: the linear system.
        state: the letters of x, in order.
    """

    exponents: tuple[tuple[int, ...], ...]
    matrix: sp.Matrix
    constant: sp.Matrix
    state: tuple[sp.Symbol, ...]

    @property
    def moments(self) -> tuple[sp.Expr, ...]:
        """The monomials x^a whose means are the rows and columns."""
        return tuple(sp.Mul(*[s**p for s, p in zip(self.state, a, strict=True)]) for a in self.exponents)

    def __str__(self) -> str:
        means = [sp.Symbol(f"E[{e}]") for e in self.moments]
        rates = self.matrix * sp.Matrix(means) + self.constant
        return "\n".join(f"d/dt {mean} = {rate}" for mean, rate in zip(means, rates, strict=True))

    def stationary(self) -> dict[tuple[int, ...], sp.Expr]:
        """The fixed point, by an exact linear solve.

        A fixed point may exist even if no stationary law has these moments. The moments converge to it if every
        eigenvalue of `matrix` has a negative real part; for second moments, if `StationaryMoments.condition` holds.
        Raises NoClosedForm if the matrix is singular.
        """
        if vanishes(self.matrix.det(method="berkowitz")):
            raise NoClosedForm("the moment equations have no unique fixed point")
        return {a: sp.factor(e) for a, e in zip(self.exponents, self.matrix.LUsolve(-self.constant), strict=True)}

    def growing(self) -> tuple[sp.Expr, sp.Expr] | None:
        """A pair (q, c) with d/dt E q = c for all laws: q is a polynomial in the state, c is constant and not always 0.

        E q of a stationary law does not change, so no stationary law has these moments if c is nonzero. If there is no such
        q, the result is None and the equations have at least one fixed point.
        """
        rates = []
        for row in self.matrix.T.nullspace(iszerofunc=vanishes):
            scale = sp.lcm_list([sp.fraction(sp.together(e))[1] for e in row])
            rate = sp.factor(scale * row.dot(self.constant))
            if not vanishes(rate):
                q = sp.Add(*[sp.factor(scale * e) * m for e, m in zip(row, self.moments, strict=True)])
                rates.append((q, rate))
        return min(rates, key=lambda pair: pair[1].is_zero is not False, default=None)


def moment_equations(equation: CoordinateSDE, order: int) -> MomentEquations:
    """The equations of all moments up to total degree `order`, if drift and covariance are polynomials that let them close.

    They are sorted as in `MomentEquations`. Raises NoClosedForm if the hierarchy does not close, the generator does not
    yield polynomials, or there are more than `MOST_MOMENTS` moments.
    """
    x = equation.state
    factors = (f for degree in range(1, order + 1) for f in combinations_with_replacement(range(len(x)), degree))
    exponents = [tuple(map(f.count, range(len(x)))) for f in factors]
    count = len(exponents)
    if count > MOST_MOMENTS:
        raise NoClosedForm(f"{count} moments are more than the limit {MOST_MOMENTS}")
    index = {a: n for n, a in enumerate(exponents)}
    matrix, constant = sp.zeros(count, count), sp.zeros(count, 1)
    for a, row in index.items():
        image = sp.expand(generator(equation, sp.Mul(*[s**p for s, p in zip(x, a, strict=True)])))
        if not image.is_polynomial(*x):
            raise NoClosedForm("drift or covariance is not a polynomial in the state")
        for powers, coefficient in sp.Poly(image, *x).terms():
            if not any(powers):
                constant[row] += coefficient
            elif powers in index:
                matrix[row, index[powers]] += coefficient
            else:
                what = f"the equation of the moment {a} needs the moment {powers}: the hierarchy does not close"
                raise NoClosedForm(what)
    return MomentEquations(tuple(exponents), matrix, constant, tuple(x))
