"""Counterexamples to inequalities in one variable."""

from fractions import Fraction

from flint import arb, ctx

from sdescent.derive.proof.kernel.one_variable_forms import Forms
from sdescent.derive.proof.language.normal import Polynomial
from sdescent.derive.proof.language.terms import Term, num
from sdescent.derive.proof.language.time_limits import now
from sdescent.derive.proof.search.intervals.points import extreme_points, points_of
from sdescent.derive.proof.search.ring import rational


def disprove(
    term: Term, variable: str, low: Fraction | None, high: Fraction | None, strict: bool, seconds: float = 1.0
) -> Fraction | None:
    """A rational in [low, high] with term < 0 (if strict, with term <= 0), by balls of at most 2000 bits; None if none is found.

    The search tries a grid, then ever closer points around the least values on it, then points near the ends and far out.
    """
    forms = Forms(variable)
    phi = forms.read(term)
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
