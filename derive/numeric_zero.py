"""Deciding whether an expression vanishes identically, by exact cancellation or by evaluation to many digits."""

from __future__ import annotations

import random

import sympy as sp

POINTS = 6
DIGITS = 60
NEGLIGIBLE = sp.Float("1e-40")


def vanishes(expr: sp.Expr, span: tuple[int, int] = (1, 3)) -> bool:
    """Whether expr is zero for all values of its symbols, away from kinks.

    False is certain: a point was found where the value is far from zero. True means that it cancelled exactly, or that an
    expression made of piecewise analytic functions is below 1e-40 at six random rational points evaluated to 60 digits.

    Args:
        expr: an expression in real symbols.
        span: magnitudes of the random points; symbols not declared positive take both signs.
    """
    expr = sp.sympify(expr)
    if expr == 0:
        return True
    if not expr.free_symbols:
        return abs(expr.evalf(DIGITS)) < NEGLIGIBLE
    draw = random.Random(20250600181)
    symbols = sorted(expr.free_symbols, key=str)
    for _ in range(POINTS):
        point = {s: _rational(draw, span) * (1 if s.is_positive else draw.choice((-1, 1))) for s in symbols}
        value = expr.xreplace(point).evalf(DIGITS)
        if not value.is_number or value.has(sp.nan, sp.zoo):
            continue
        if abs(value) > NEGLIGIBLE:
            return False
    return True


def _rational(draw: random.Random, span: tuple[int, int]) -> sp.Rational:
    return sp.Rational(draw.randint(span[0] * 997, span[1] * 997), 997)
