"""The arithmetic of SymPy expressions for update rules; a subclass supplies letters, functions and draws."""

from collections.abc import Sequence
from fractions import Fraction

import sympy as sp

from sdescent.derive.methods.rules.update import Operators


class Expressions(Operators):
    """The arithmetic part of an `sdescent.derive.methods.rules.update.Algebra`, on SymPy expressions."""

    def number(self, value: Fraction) -> sp.Expr:
        return sp.Rational(value.numerator, value.denominator)

    def add(self, terms: Sequence[sp.Expr]) -> sp.Expr:
        return sp.Add(*terms)

    def multiply(self, factors: Sequence[sp.Expr]) -> sp.Expr:
        return sp.Mul(*factors)
