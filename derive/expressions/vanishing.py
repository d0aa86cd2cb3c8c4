"""Whether an expression vanishes identically, by exact cancellation or by evaluation to many digits."""

import random

import sympy as sp

from sdescent.derive.expressions.moderate import climbs, moderate, rounded
from sdescent.derive.vocabulary.formulas.special import SignSum

POINTS, TRIES = 6, 40  # the expression may have no value at some points
DIGITS = 60
NEGLIGIBLE = sp.Float("1e-40")


def vanishes(expr: sp.Expr) -> bool:
    """Whether expr is zero for all values of its symbols, away from kinks.

    False is certain: the value at some point is far from zero. True means that the expression cancels exactly, or that an
    expression made of piecewise analytic functions is below 1e-40 of its summands at six random rational points evaluated
    to 60 digits.

    Args:
        expr: an expression in real symbols; those that may be negative take both signs at the random points.

    Raises:
        ArithmeticError: it has no value at any of the points.
    """
    expr = sp.sympify(expr)
    if expr == 0:
        return True
    draw = random.Random(20250600181)
    symbols = sorted(expr.free_symbols, key=str)
    seen = 0
    for _ in range(TRIES):
        point = {s: _rational(draw) * (1 if s.is_nonnegative else draw.choice((-1, 1))) for s in symbols}
        zero = _zero_at(expr, point)
        if zero is False:
            return False
        seen += zero is not None
        if seen == POINTS:
            return True
    if not seen:
        raise ArithmeticError(f"{expr} has no value at the points where it was tried")
    return True


def vanishes_in_letters(expr: sp.Expr, *kinds: type) -> bool:
    """The test `vanishes` with an independent letter in place of each part of these kinds."""
    return vanishes(expr.xreplace({part: sp.Dummy(real=True) for kind in kinds for part in expr.atoms(kind)}))


def _zero_at(expr: sp.Expr, point: dict[sp.Basic, sp.Expr]) -> bool | None:
    """Whether expr is zero at a point, relative to its summands; None if it has no value there."""
    if expr.is_Rational or expr.is_Symbol:
        return bool(expr.xreplace(point) == 0)
    if isinstance(expr, sp.Mul):
        zeros = [_zero_at(factor, point) for factor in expr.args]
        return None if None in zeros else any(zeros)
    if isinstance(expr, sp.Pow) and expr.exp.is_number:
        base = _zero_at(expr.base, point)
        return None if base and not expr.exp.is_positive else base
    if isinstance(expr, sp.Pow) and _zero_at(expr.base, point) is False:
        return False
    if isinstance(expr, SignSum):  # it has no digits if the random value of a correlation exceeds 1
        return False if expr.is_extended_positive else None
    if isinstance(expr, sp.exp):
        return False if expr.args[0].xreplace(point).evalf(DIGITS).is_finite else None
    parts = [_number(e, point) for e in sp.Add.make_args(expr)]
    values = [v for v in parts if v is not None]
    if len(values) < len(parts):
        return None
    return bool(abs(sp.Add(*values)) <= NEGLIGIBLE * (sum(abs(v) for v in values) if len(values) > 1 else 1))


def _number(expr: sp.Expr, point: dict[sp.Basic, sp.Expr]) -> sp.Expr | None:
    if climbs(expr):
        if not moderate([expr], point):
            return None
        point = rounded(point, 3 * DIGITS)
    try:
        value = expr.xreplace(point).evalf(DIGITS)
    except TypeError:  # complex numbers are compared: for nu < 2, under a root of nu - 2
        return None
    return value if value.is_number and not value.has(sp.nan, sp.zoo, sp.oo, SignSum) else None


def _rational(draw: random.Random) -> sp.Rational:
    return sp.Rational(draw.randint(997, 3 * 997), 997)
