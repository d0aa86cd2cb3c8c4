"""Numerical infima of functions on an interval, and simple rationals near them. Nothing here is proved."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from flint import arb, ctx

from sdescent.derive.proof.kernel.one_variable_forms import Forms
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Polynomial
from sdescent.derive.proof.language.terms import Term
from sdescent.derive.proof.search.intervals.points import extreme_points, points_of
from sdescent.derive.proof.search.ring import rational

BITS = 300
REFINEMENTS = 70
#: the last two values towards an excluded end are taken for a limit if they are this close
SETTLED = Fraction(1, 10**9)
#: a number this close to a rational with a small denominator is identified with it
CLOSE = Fraction(1, 10**18)
SMALL_DENOMINATOR = 1000


@dataclass(frozen=True)
class Least:
    """The approximate infimum of a function and the point that attains it; `at` is None if the infimum is a limit."""

    value: Fraction
    at: Fraction | None


def value_of(term: Term, variable: str, at: Fraction) -> Fraction | None:
    """The value of a term in one variable at a point, to about 300 bits; None outside its domain or on overflow."""
    return _value(*_read(term, variable), at)


def least(term: Term, variable: str, low: Fraction | None, high: Fraction | None) -> Least | None:
    """The approximate infimum of a term in one variable on [low, high]; None if it seems to be -oo.

    Raises:
        ProofError: the term contains more than the one variable, or abs.
    """
    forms, phi = _read(term, variable)
    if forms.constant(phi):
        value = _value(forms, phi, Fraction(0))
        return None if value is None else Least(value, Fraction(0))
    points = sorted({*points_of(low, high), *extreme_points(low, high)})
    values = [(p, v) for p in points if (v := _value(forms, phi, p)) is not None]
    if not values:
        return None
    place = min(range(len(values)), key=lambda k: values[k][1])
    at, value = values[place]
    if at in (low, high):
        return Least(value, at)
    if place in (0, len(values) - 1):
        neighbour = values[min(1, len(values) - 1) if place == 0 else place - 1][1]
        settled = abs(value - neighbour) <= SETTLED * max(1, abs(value))
        return Least(_limit(forms, phi, place > 0, high if place else low, value), None) if settled else None
    return _refined(forms, phi, values[place - 1][0], values[place + 1][0], Least(value, at))


@lru_cache(maxsize=200)
def _read(term: Term, variable: str) -> tuple[Forms, Polynomial]:
    forms = Forms(variable)
    return forms, forms.read(term)


def _value(forms: Forms, phi: Polynomial, at: Fraction) -> Fraction | None:
    with ctx.workprec(BITS):
        ball = forms.ball(phi, arb(rational(at)))
        if not ball.is_finite() or ball.rad() > 1:
            return None
        mantissa, exponent = (int(v) for v in ball.mid().man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent if abs(exponent) < 5000 else None


def _limit(forms: Forms, phi: Polynomial, up: bool, end: Fraction | None, value: Fraction) -> Fraction:
    """The limit at +oo if the kernel has one, else the given value far out."""
    if not up or end is not None:
        return value
    try:
        exact = _value(forms, forms.limit(phi), Fraction(0))
    except ProofError:
        return value
    return value if exact is None else exact


def _refined(forms: Forms, phi: Polynomial, left: Fraction, right: Fraction, best: Least) -> Least:
    """The lowest value found by trisecting an interval around a minimum, at a simple rational if that is as low."""
    for _ in range(REFINEMENTS):
        first, second = (2 * left + right) / 3, (left + 2 * right) / 3
        most = 10**14 if right - left < Fraction(1, 10**6) else 10**8
        first, second = first.limit_denominator(most), second.limit_denominator(most)
        if not left < first < second < right:
            break
        values = [_value(forms, phi, p) for p in (first, second)]
        if values[0] is None or values[1] is None:
            break
        for p, v in zip((first, second), values, strict=True):
            if v is not None and v < best.value:
                best = Least(v, p)
        left, right = (left, second) if values[0] <= values[1] else (first, right)
    if best.at is not None:
        simple = best.at.limit_denominator(SMALL_DENOMINATOR)
        value = _value(forms, phi, simple) if abs(simple - best.at) < Fraction(1, 10**6) else None
        if value is not None and value <= best.value + CLOSE:
            return Least(value, simple)
    return best


def rational_near(value: Fraction) -> Fraction | None:
    """The rational with a small denominator that agrees with a number to 18 digits, or None."""
    simple = value.limit_denominator(SMALL_DENOMINATOR)
    return simple if abs(simple - value) <= CLOSE * max(1, abs(value)) else None


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """The rational with the least denominator in [low, high], low < high, by continued fractions."""
    whole = math.ceil(low)
    if whole <= high:
        return Fraction(whole) if low > 0 or whole > 0 or high < 0 else Fraction(0)
    floor = math.floor(low)
    return floor + 1 / simplest_between(1 / (high - floor), 1 / (low - floor))


def rounded_down(value: Fraction, digits: int) -> Fraction:
    """The largest number with the given number of decimal digits that does not exceed the value."""
    return Fraction(math.floor(value * 10**digits), 10**digits)
