"""The gradient form of one step, for any dimension: mean and covariance at a generic coordinate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate, rename_vector, to_slot
from sdescent.derive.expressions.expansion import Expansion


@dataclass(frozen=True)
class DenseCov:
    """A covariance matrix without structure (d x d, in units of the gradient squared: dimensionless).

    The matrix enters a form as a named leaf. Expanding or lowering the form inserts its numbers: measured from data or, for the
    covariance of a message, integrals over the noise.
    """

    name: str = "Sigma"

    @property
    def variance(self) -> Coordinate:
        """The diagonal entry at the generic coordinate."""
        return Coordinate(f"{self.name}_diag", "j", True)

    @property
    def pair(self) -> Coordinate:
        """The entry at two coordinates i != j."""
        return Coordinate(self.name, "ij")

    def entry(self, i: int, j: int) -> sp.Symbol:
        """The symbol of entry (i, j), counted from 1; the same for (j, i)."""
        return self.pair.between(i, j)


@dataclass(frozen=True)
class GradientForm:
    """Mean and covariance of a random vector given the gradient (or the client's message), for any dimension.

    b_j = mean, S = diag(diag) + U core U' + sum_r coef_r Dense_r (all dimensionless), where column a of the d x r matrix U
    has coordinates factors[a].
    """

    mean: sp.Expr
    diag: sp.Expr
    factors: tuple[sp.Expr, ...] = ()
    core: sp.Matrix = field(default_factory=lambda: sp.zeros(0, 0))
    dense: tuple[tuple[sp.Expr, DenseCov], ...] = ()

    @property
    def pair(self) -> sp.Expr:
        """The low-rank entry (U core U')_ij, which is S_ij for i != j unless a matrix was measured."""
        return self._low_rank([to_slot(factor, "j", "i") for factor in self.factors])

    @property
    def variance(self) -> sp.Expr:
        """The whole diagonal entry S_jj."""
        return self.diag + self._low_rank(self.factors) + sp.Add(*[c * leaf.variance for c, leaf in self.dense])

    def _low_rank(self, others: Sequence[sp.Expr]) -> sp.Expr:
        ranks = range(self.rank)
        return sp.Add(*[self.core[a, b] * others[a] * self.factors[b] for a in ranks for b in ranks])

    @property
    def rank(self) -> int:
        """The number r of factors."""
        return len(self.factors)

    @property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """All expressions of the form, for walks over symbols and functions."""
        return (self.mean, self.diag, *self.factors, *self.core, *(c for c, _ in self.dense))

    def in_vector(self, old: str, new: str) -> GradientForm:
        """The form with the vector `new` in place of `old` (without noise, the gradient g for the message v)."""
        return self.map(lambda e: rename_vector(e, old, new))

    def map(self, change: Callable[[sp.Expr], sp.Expr]) -> GradientForm:
        """The form with every expression changed, except the coefficients of measured matrices."""
        factors = tuple(map(change, self.factors))
        return GradientForm(change(self.mean), change(self.diag), factors, self.core.applyfunc(change), self.dense)

    def covariance(self, expansion: Expansion) -> sp.Matrix:
        """The dim x dim matrix S in named coordinates."""
        dim = expansion.dim
        diag, ranks = expansion.vector(self.diag), range(self.rank)
        u = [expansion.vector(factor) for factor in self.factors]
        core = self.core.applyfunc(expansion.scalar)
        # U core U' without products by zero, for which SymPy analyses whether the other factor is infinite
        half = [[sp.Add(*[core[a, b] * u[a][m] for a in ranks if core[a, b] != 0]) for b in ranks] for m in range(dim)]
        upper = ((m, n) for n in range(dim) for m in range(n + 1))
        low_rank = {(m, n): sp.Add(*[half[m][b] * u[b][n] for b in ranks if half[m][b] != 0]) for m, n in upper}
        s = sp.Matrix(dim, dim, lambda m, n: low_rank[min(m, n), max(m, n)] + (diag[m] if m == n else 0))
        for coef, leaf in self.dense:
            entries = sp.Matrix(dim, dim, lambda i, j, leaf=leaf: leaf.entry(i + 1, j + 1))
            s += expansion.scalar(coef) * entries
        return s
