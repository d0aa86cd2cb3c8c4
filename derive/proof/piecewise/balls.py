"""The value of an expression at rational numbers: an exact rational, or a ball that encloses it (Arb)."""

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from math import isqrt
from typing import Any

import flint
import sympy as sp
from flint import arb, fmpq
from sympy.core.evalf import PrecisionExhausted

from sdescent.derive.expressions.joints import Unresolved, holds

PRECISIONS = (128, 1024)
#: for functions that Arb lacks (those of a law, infinite sums): the digits that SymPy computes, and the digits that are trusted
DIGITS, TRUSTED = 30, 20
#: the largest exponent of a power
LARGEST = 10**4
_BALLS: Mapping[type, Callable[[Any], Any]] = {
    sp.exp: arb.exp, sp.log: arb.log, sp.sin: arb.sin, sp.cos: arb.cos, sp.sinh: arb.sinh, sp.cosh: arb.cosh, sp.tanh: arb.tanh,
    sp.atan: arb.atan, sp.asin: arb.asin, sp.erf: arb.erf, sp.erfc: arb.erfc, sp.gamma: arb.gamma,
}  # fmt: skip
#: values at 0, if they are rational
AT_ZERO = {sp.exp: 1, sp.cos: 1, sp.cosh: 1, sp.erfc: 1} | dict.fromkeys(
    (sp.sin, sp.sinh, sp.tanh, sp.atan, sp.asin, sp.erf), 0
)

Point = Mapping[sp.Basic, fmpq]


class NoValue(Unresolved):
    """There is no real value, or a sign on which it depends is not decided."""


def sign_at(e: sp.Expr, point: Point) -> int | None:
    """The certain sign of an expression at a point; None if it has no value there or the sign is not decided."""
    for bits in PRECISIONS:
        with flint.ctx.workprec(bits):
            try:
                return sign(value_at(e, point))
            except (Unresolved, ZeroDivisionError, OverflowError, ValueError):
                continue
    return None


def sign(value: Any) -> int:
    """The sign of a value: -1, 0 or 1. Raises NoValue if the value is a ball that contains zero or is not finite."""
    if value > 0 or value < 0:
        return 1 if value > 0 else -1
    if isinstance(value, arb):
        raise NoValue
    return 0


def of_cases(e: Any, value: Callable[[Any], Any], order: Callable[[Any, Any, bool], int]) -> Any:
    """The value of a maximum, a minimum or a Piecewise (that of nan if no case holds), by the sign `order` of the
    difference of values.
    """
    if isinstance(e, sp.Piecewise):
        sign_of = lambda gap: order(value(gap), value(sp.S.Zero), True)  # noqa: E731
        return value(next((case for case, condition in e.args if holds(condition, sign_of)), sp.nan))
    way = 1 if isinstance(e, sp.Max) else -1
    return reduce(lambda a, b: a if way * order(a, b, False) >= 0 else b, map(value, e.args))


def value_at(e: sp.Expr, point: Point) -> Any:
    """The value as a rational or a ball, at the precision that is set. Raises NoValue, ZeroDivisionError if there is none."""
    values: dict[sp.Basic, Any] = dict(point)

    def value(e: Any) -> Any:
        if e not in values:
            values[e] = computed(e)
        return values[e]

    def computed(e: Any) -> Any:
        if e.is_Rational:
            return fmpq(int(e.p), int(e.q))
        if e is sp.pi or e is sp.E:
            return arb.pi() if e is sp.pi else arb(1).exp()
        if e.is_Add or e.is_Mul:
            return reduce(operator.add if e.is_Add else operator.mul, map(value, e.args))
        if e.is_Pow:
            return _power(value(e.base), value(e.exp))
        if isinstance(e, sp.Abs):
            return value(e.args[0]) * sign(value(e.args[0]))
        if isinstance(e, sp.sign):
            return fmpq(sign(value(e.args[0])))
        if isinstance(e, (sp.Max, sp.Min, sp.Piecewise)):
            return of_cases(e, value, lambda a, b, strict: sign(a - b))
        if type(e) in _BALLS:
            at = value(e.args[0])
            if at == 0 and type(e) in AT_ZERO:
                return fmpq(AT_ZERO[type(e)])
            return _finite(_BALLS[type(e)](arb(at)))
        return _by_digits(e, point)

    return value(e)


def _finite(ball: Any) -> Any:
    if not ball.is_finite():
        raise NoValue
    return ball


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, fmpq):
        if abs(exponent) > LARGEST:
            raise NoValue
        p, q = int(exponent.p), int(exponent.q)
        if q == 1:
            return base**p
        if sign(base) <= 0:
            if sign(base) < 0 or p < 0:
                raise NoValue
            return fmpq(0)
        if q == 2 and isinstance(base, fmpq):
            above, below = isqrt(int(base.p)), isqrt(int(base.q))
            if above**2 == base.p and below**2 == base.q:
                return fmpq(above, below) ** p
        return _finite(arb(base).root(q) ** p)
    if sign(base) <= 0:
        raise NoValue
    return _finite((exponent * arb(base).log()).exp())


def _by_digits(e: Any, point: Point) -> Any:
    """The value of a function that Arb lacks, from SymPy's digits, of which only the first are trusted."""
    at = {letter: sp.Rational(int(v.p), int(v.q)) for letter, v in point.items()}
    try:
        number = e.xreplace(at).evalf(DIGITS, maxn=20 * DIGITS, strict=not e.has(sp.Sum))
    except (TypeError, PrecisionExhausted) as error:
        raise NoValue from error
    if not number.is_Float or not number.is_finite:
        raise NoValue
    middle = arb(str(number))
    return middle + arb(0, abs(middle) * arb(10) ** -TRUSTED)
