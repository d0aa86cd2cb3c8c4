"""Sample points of an interval, numerical infima on it, and counterexamples in one variable. Nothing here is proved."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from flint import arb, ctx

from sdescent.derive.proof.kernel.one_variable_forms import Forms
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Polynomial
from sdescent.derive.proof.language.terms import Term, num
from sdescent.derive.proof.search.ring import rational


def middle_of(low: Fraction | None, high: Fraction | None) -> Fraction:
    """A point inside the interval."""
    if low is not None and high is not None:
        return (low + high) / 2
    end = high if low is None else low
    return Fraction(0) if end is None else end + (-1 if low is None else 1) * max(Fraction(1), abs(end))


@lru_cache(maxsize=1000)
def points_of(low: Fraction | None, high: Fraction | None) -> tuple[Fraction, ...]:
    """Points of [low, high] in ascending order, including its ends."""
    # 1 and Fraction(1) would share one key of the cache
    low, high = (None if end is None else Fraction(end) for end in (low, high))
    powers = [Fraction(2) ** k for k in range(-8, 9)]
    if low is not None and high is not None:
        width = high - low
        points = [low + width * Fraction(k, 12) for k in range(13)]
        points += [low + width * p for p in powers[:5]] + [high - width * p for p in powers[:5]]
    elif low is not None:
        points = [low, *(low + p for p in powers)]
    else:
        end = Fraction(0) if high is None else high
        points = [end, *(end - p for p in powers), *(powers if high is None else ())]
    points += [Fraction(k) for k in range(-3, 4)]
    return tuple(sorted({p for p in points if (low is None or low <= p) and (high is None or p <= high)}))


def extreme_points(low: Fraction | None, high: Fraction | None) -> list[Fraction]:
    """Points of [low, high] that are very far out, or very close to 0 or to an end."""
    far = [Fraction(2) ** k for k in (10, 12, 16, 24, 40, 100, 300)]
    near = [1 / p for p in far]
    points = [*far, *near, *[-p for p in far], *[-p for p in near]]
    points += [] if low is None else [low + p for p in (*near, *far)]
    points += [] if high is None else [high - p for p in (*near, *far)]
    return [p for p in points if (low is None or low <= p) and (high is None or p <= high)]


BITS = 300
REFINEMENTS = 70
#: the last value towards an excluded end counts as a limit if the value before it is this close
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
    """The value of a term in one variable at a point, to about 300 bits; None if it is undefined, uncertain or too large."""
    return _value(*_read(term, variable), at)


def least(term: Term, variable: str, low: Fraction | None, high: Fraction | None) -> Least | None:
    """The approximate infimum of a term in one variable, without abs, on [low, high]; None if it seems to be -oo."""
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
        one, two = _value(forms, phi, first), _value(forms, phi, second)
        if one is None or two is None:
            break
        best = min(best, Least(one, first), Least(two, second), key=lambda least: least.value)
        left, right = (left, second) if one <= two else (first, right)
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


def disprove(
    term: Term, variable: str, low: Fraction | None, high: Fraction | None, strict: bool, seconds: float = 1.0
) -> Fraction | None:
    """A rational in [low, high] with term < 0 (if strict, with term <= 0), by balls of at most 2000 bits; None if none is found.

    The search tries a grid, then ever closer points around the least values on it, then points near the ends and far out.
    """
    forms, phi = _read(term, variable)
    deadline = now() + seconds
    points = list(points_of(low, high))
    if false_at(forms, phi, points, strict, deadline) is None:
        points = nearest_minima(forms, phi, points, deadline)
    points += extreme_points(low, high)
    point = false_at(forms, phi, points, strict, deadline)
    if point is None:
        return None
    simpler = [point.limit_denominator(10**k) for k in range(13)]
    inside = [p for p in simpler if (low is None or low <= p) and (high is None or p <= high)]
    return next((p for p in inside if false_at(forms, phi, [p], strict, deadline) is not None), point)


def false_at(forms: Forms, phi: Polynomial, points: list[Fraction], strict: bool, deadline: float) -> Fraction | None:
    """The first point at which the inequality fails, tested at rising precision."""
    for bits in (64, 400, 2000):
        for p in points:
            if now() > deadline:
                return None
            with ctx.workprec(bits):
                value = forms.ball(phi, arb(rational(p)))
            if value.is_finite() and value < 0:
                return p
            if strict and bits == 400 and not value > 0 and not forms.at(phi, num(p)):
                return p
    return None


def nearest_minima(forms: Forms, phi: Polynomial, points: list[Fraction], deadline: float) -> list[Fraction]:
    """Ever closer points around the four lowest local minima of a grid."""

    def value(p: Fraction) -> float:
        with ctx.workprec(200):
            ball = forms.ball(phi, arb(rational(p)))
        return float(ball.mid()) if ball.is_finite() else float("inf")

    values = [value(p) for p in points]
    lowest = [k for k in range(len(points)) if values[k] == min(values[max(k - 1, 0) : k + 2])]
    closer: list[Fraction] = []
    for k in sorted(lowest, key=lambda k: values[k])[:4]:
        left, right = points[max(k - 1, 0)], points[min(k + 1, len(points) - 1)]
        for _ in range(60):
            if now() > deadline:
                return closer
            first, second = (2 * left + right) / 3, (left + 2 * right) / 3
            first, second = first.limit_denominator(10**12), second.limit_denominator(10**12)
            left, right = (left, second) if value(first) <= value(second) else (first, right)
            closer += [first, second]
    return closer[::-1]
