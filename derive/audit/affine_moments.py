"""Weak errors over a time if a step is affine in the state, from exact first and second moments of the method and an equation.

The expectation over a step maps polynomials of degree 2 in the state to such polynomials, by a matrix on monomials. So does the
generator of an equation with affine drift and a covariance of degree 2. The moments after n steps follow from a power of the first
matrix, and those after the time n tau from the exponential of the second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import Any

import mpmath
import sympy as sp

from sdescent.derive.audit.one_step import DIGITS, NumericStep, Vector
from sdescent.derive.equations.process.generator import moment_equations
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.symbols import eta

#: the time over which errors are measured
HORIZON = 1
#: the largest number of letters times coordinates
MOST = 6
#: the relative accuracy to which two evaluations of one polynomial must agree
AGREE = mpmath.mpf(10) ** -25

Monomial = tuple[int, ...]


def monomials(size: int) -> list[Monomial]:
    """The indices of the factors of each monomial up to degree 2: (), (0,), .., (0, 0), (0, 1), .."""
    return [monomial for degree in range(3) for monomial in combinations_with_replacement(range(size), degree)]


def _product(z: Sequence[Any], monomial: Monomial) -> Any:
    return mpmath.fprod(z[i] for i in monomial)


class AffineSteps:
    """The moments of a method over many steps.

    Args:
        step: one step on numbers.
        letters: the letters of the rule, x first.

    Raises:
        NoClosedForm: the step is not affine or depends on the time, or the state is large.
    """

    @mpmath.workdps(DIGITS)
    def __init__(self, step: NumericStep, letters: Sequence[str]) -> None:
        self.step, self.letters, self.size = step, tuple(letters), len(letters) * step.dim
        if self.size > MOST or step.method.rule.uses("k", "t", "sign", "abs", "min", "max", "norm"):
            raise NoClosedForm("the moments of this rule are not iterated")
        self.table = monomials(self.size)
        unit = [[mpmath.mpf(i == j) for j in range(self.size)] for i in range(self.size)]
        nodes = [[sum((unit[i][j] for i in m), mpmath.mpf(0)) for j in range(self.size)] for m in self.table]
        values = mpmath.matrix([self._after(z) for z in nodes])
        design = mpmath.matrix([self._monomials(z) for z in nodes])
        #: each row expresses the mean of a monomial of the next state in the monomials of the state
        self.matrix = (design**-1 * values).T
        other = [mpmath.mpf(3 * i - 4) / 7 for i in range(self.size)]
        exact, predicted = self._after(other), self.matrix * mpmath.matrix(self._monomials(other))
        if any(abs(a - b) > AGREE * (1 + abs(a)) for a, b in zip(exact, predicted, strict=True)):
            raise NoClosedForm("the step is not affine in the state")

    def _monomials(self, z: Sequence[Any]) -> list[Any]:
        return [_product(z, monomial) for monomial in self.table]

    def _after(self, z: Sequence[Any]) -> list[Any]:
        """The mean of every monomial of the next state."""
        dim = self.step.dim
        at = {a: tuple(z[n * dim : (n + 1) * dim]) for n, a in enumerate(self.letters)}

        def functions(after: Mapping[str, Vector]) -> list[Any]:
            return self._monomials([v for a in self.letters for v in after[a]])

        return self.step.mean(functions, at, mpmath.mpf(1))

    @mpmath.workdps(DIGITS)
    def settled(self, fast: Sequence[str], at: Mapping[str, Vector]) -> dict[str, Vector]:
        """The state with the fast letters at the means to which they settle while the other letters are held fixed."""
        dim = self.step.dim
        places = [self.letters.index(a) * dim + m for a in fast for m in range(dim)]
        rest = [0 if n // dim in [self.letters.index(a) for a in fast] else v for n, v in enumerate(self._flat(at))]
        constants = self.matrix * mpmath.matrix(self._monomials(rest))
        gain = mpmath.matrix([[self.matrix[1 + i, 1 + j] for j in places] for i in places])
        means = mpmath.lu_solve(mpmath.eye(len(places)) - gain, mpmath.matrix([constants[1 + i] for i in places]))
        state = dict(at)
        for n, a in enumerate(fast):
            state[a] = tuple(means[n * dim + m] for m in range(dim))
        return state

    def _flat(self, at: Mapping[str, Vector]) -> list[Any]:
        return [v for a in self.letters for v in at.get(a, (mpmath.mpf(0),) * self.step.dim)]

    @mpmath.workdps(DIGITS)
    def moments(self, at: Mapping[str, Vector], count: int) -> dict[Monomial, Any]:
        """The mean of every monomial after `count` steps."""
        start = mpmath.matrix(self._monomials(self._flat(at)))
        return dict(zip(self.table, self.matrix**count * start, strict=True))


@mpmath.workdps(DIGITS)
def equation_moments(system: Any, at: Sequence[Any], time: Any, step: sp.Rational) -> dict[Monomial, Any]:
    """The mean of every monomial of an equation's state after a time.

    Args:
        system: state, drift and covariance in named coordinates, with eta as the only symbol.
        at: the state at the start.
        step: the number for eta.

    Raises:
        NoClosedForm: the drift is not affine, the covariance is not of degree 2, or one of them depends on the time.
    """
    numbers = replace(system, drift=system.drift.subs(eta, step), covariance=system.covariance.subs(eta, step))
    closed, table = moment_equations(numbers, 2), monomials(len(system.state))
    rates = zip(closed.constant, closed.matrix.tolist(), strict=True)
    rows = [[mpmath.mpf(0)] * len(table)] + [[_number(c), *map(_number, row)] for c, row in rates]
    start = mpmath.matrix([_product(at, monomial) for monomial in table])
    return dict(zip(table, mpmath.expm(mpmath.matrix(rows) * time) * start, strict=True))


def _number(e: sp.Expr) -> Any:
    if not e.is_number:
        raise NoClosedForm(f"no number for {e}")
    return mpmath.mpf(str(sp.sympify(e).evalf(mpmath.mp.dps)))
