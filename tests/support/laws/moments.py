"""Expectations of a step over letters of which the moments are given."""

from collections.abc import Callable, Mapping

import sympy as sp

from sdescent.derive.expressions.power_series import Series
from sdescent.derive.expressions.written import refusal
from sdescent.derive.vocabulary.errors import Refusal


def moments_of(table: Mapping[sp.Symbol, Mapping[int, sp.Expr]]) -> Callable[[Series], Series]:
    """E over independent letters from their moments; a moment that is not named is 0 if its order is odd.

    Args:
        table: letter -> order -> moment.

    Raises:
        Refusal: "no-moment" (of the function that is returned) for an even moment that is not named, and for an expression that is
            not a polynomial in the letters.
    """

    def expect(expr: sp.Expr) -> sp.Expr:
        letters = [letter for letter in table if expr.has(letter)]
        if not letters:
            return expr
        if not expr.is_polynomial(*letters):
            raise refusal("no-moment", "{step} is not a polynomial in the noise", step=expr)
        total = sp.S.Zero
        for powers, a in sp.Poly(expr, *letters).terms():
            total += a * sp.prod([_moment(table[letter], n, letter) for letter, n in zip(letters, powers, strict=True)])
        return total

    return lambda series: series.map(lambda a: expect(sp.expand(a)))


def _moment(known: Mapping[int, sp.Expr], n: int, letter: sp.Symbol) -> sp.Expr:
    if n == 0:
        return sp.S.One
    if n in known:
        return known[n]
    if n % 2:
        return sp.S.Zero
    raise Refusal("no-moment", f"the step needs the moment of order {n} of ${letter}$, which is not given")
