"""Whether an expression vanishes identically, by exact cancellation or by evaluation; linear systems over such expressions."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import mpmath
import sympy as sp

from sdescent.derive.vocabulary.formulas.special import SignSum

#: the largest |log| of a value, and the largest exponent, for exact evaluation
LOGARITHM, EXPONENT = 10**5, 10**4
_GROWING = (sp.exp, sp.sinh, sp.cosh)


class _Large(Exception):
    """A part is too large or has no value."""


def moderate(expressions: Any, point: Mapping[sp.Basic, Any]) -> bool:
    """Whether every part of the expressions is small enough at the point to be evaluated to many digits, by an estimate
    to 15 digits.

    Functions other than powers, exp, log and hyperbolic ones are assumed to be no larger than their arguments.
    """
    with mpmath.workdps(15):
        try:
            estimates: dict[sp.Basic, Any] = {}
            for e in expressions:
                _estimated(sp.sympify(e), point, estimates)
        except (_Large, ZeroDivisionError, ValueError, OverflowError, TypeError):
            return False
    return True


def _estimated(e: sp.Basic, point: Mapping[sp.Basic, Any], estimates: dict[sp.Basic, Any]) -> Any:
    """The value; for a function that is not computed here, the size of its largest argument."""
    if e not in estimates:
        if e in point or e.is_Rational:
            value = sp.Rational(point.get(e, e))
            size = mpmath.mpf(value.p) / value.q
        else:
            size = _of(e, [_estimated(a, point, estimates) for a in e.args]) if e.args else mpmath.mpf(1)
        if size and abs(mpmath.log(abs(size))) > LOGARITHM:
            raise _Large
        estimates[e] = size
    return estimates[e]


def _of(e: sp.Basic, parts: list[Any]) -> Any:
    if isinstance(e, sp.Add):
        return mpmath.fsum(parts)
    if isinstance(e, sp.Mul):
        return mpmath.fprod(parts)
    if isinstance(e, sp.Pow):
        if abs(parts[1]) > EXPONENT:
            raise _Large
        return parts[0] ** parts[1]
    if isinstance(e, _GROWING):
        if abs(parts[0]) > LOGARITHM:
            raise _Large
        return mpmath.exp(parts[0] if isinstance(e, sp.exp) else abs(parts[0]))
    if isinstance(e, sp.log) and parts[0]:
        return mpmath.log(parts[0])
    return max(abs(part) for part in parts)


def climbs(expr: Any) -> bool:
    """Whether an expression has a power with letters in the exponent, which SymPy evaluates exactly at a rational point."""
    return any(not power.exp.is_number for power in expr.atoms(sp.Pow))


def rounded(point: Mapping[sp.Basic, Any], digits: int) -> dict[sp.Basic, Any]:
    """The rational point as floats with `digits` digits, whose powers SymPy does not compute exactly."""
    return {letter: sp.Float(value, digits) for letter, value in point.items()}


POINTS, TRIES = 6, 40  # the expression may have no value at some points
DIGITS = 60
NEGLIGIBLE = sp.Float("1e-40")


def vanishes(expr: sp.Expr) -> bool:
    """Whether expr is zero for all values of its real symbols, away from kinks.

    False is certain: the value at some point is far from zero. True means that the expression cancels exactly, or that
    an expression made of piecewise analytic functions is below 1e-40 of its summands, evaluated to 60 digits, at six
    random rational points, or at fewer if it has no value at most of the 40 points tried. Symbols that may be negative
    take both signs. Raises ArithmeticError if the expression has no value at any of the points.
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


def solved(
    equations: Sequence[sp.Expr], unknowns: Sequence[sp.Symbol], count: int | None = None
) -> list[sp.Expr] | None:
    """The first `count` unknowns (by default all) of a linear system, factored; None unless it determines them uniquely."""
    degrees: dict[sp.Expr, int] = {}
    for power in (p for e in equations for p in e.atoms(sp.Pow) if p.exp.is_Rational and not p.exp.is_Integer):
        degrees[power.base] = sp.ilcm(degrees.get(power.base, 1), power.exp.q)
    letters = {base: sp.Dummy(positive=True) for base in degrees}

    def rational(e: sp.Expr) -> sp.Expr:
        base, power = e.as_base_exp() if e.is_Pow else (e, sp.S.One)
        if base in letters and power.is_Rational and not (e.is_Rational or e.is_Add):
            return letters[base] ** (power * degrees[base])
        return e.func(*map(rational, e.args)) if e.args else e

    solutions = list(sp.linsolve([rational(e) for e in equations], unknowns))
    if len(solutions) != 1 or any(e.free_symbols & set(unknowns) for e in solutions[0][:count]):
        return None
    back = {letter: sp.Pow(base, sp.Rational(1, degrees[base])) for base, letter in letters.items()}
    parts = [[part.xreplace(back) for part in sp.fraction(sp.factor(e))] for e in solutions[0][:count]]
    if any(vanishes(below) for _, below in parts):  # letters for the roots of 2 and of 8 depend on each other
        return None
    return [above / below for above, below in parts]
