"""Piecewise polynomials of one coordinate, made of maxima and minima: a clipping, a dead zone, a saturated ramp."""

from __future__ import annotations

import sympy as sp

from derive.expressions.coordinates import v
from derive.vocabulary.errors import NoClosedForm

Pieces = tuple[list[sp.Expr], list[sp.Expr]]  # breakpoints in increasing order; polynomials between them


def pieces(phi: sp.Expr) -> Pieces:
    """A piecewise polynomial made of maxima and minima, such as a clipping, as its pieces.

    Raises:
        NoClosedForm: pieces whose crossing cannot be decided, or that are not polynomials.
    """
    if not isinstance(phi, (sp.Max, sp.Min)):
        if not phi.is_polynomial(v):
            raise NoClosedForm(f"{phi} is not a polynomial")
        return [], [sp.expand(phi)]
    upper = isinstance(phi, sp.Max)
    breaks, values = pieces(phi.args[0])
    for other in phi.args[1:]:
        breaks, values = _envelope((breaks, values), pieces(other), upper)
    return breaks, values


def _envelope(one: Pieces, two: Pieces, upper: bool) -> Pieces:
    cuts = _ordered([*one[0], *two[0]])
    breaks: list[sp.Expr] = []
    values: list[sp.Expr] = []
    for m in range(len(cuts) + 1):
        low, high = (cuts[m - 1] if m else -sp.oo), (cuts[m] if m < len(cuts) else sp.oo)
        a, b = (values_[sum(_before(c, high) for c in breaks_)] for breaks_, values_ in (one, two))
        gap = sp.Poly(sp.expand(a - b), v)
        if gap.degree() > 1:
            raise NoClosedForm("pieces that cross more than once")
        slope = gap.coeff_monomial(v)
        crossing = None if slope == 0 else -gap.coeff_monomial(1) / slope
        rising = slope if slope != 0 else gap.coeff_monomial(1)
        if not (rising.is_nonnegative or rising.is_nonpositive):
            raise NoClosedForm("pieces whose order is unknown")
        first, last = (b, a) if bool(rising.is_nonnegative) == upper else (a, b)  # before and after the crossing
        if crossing is None or not _before(low, crossing):
            parts = [(low, last)]
        elif not _before(crossing, high):
            parts = [(low, first)]
        else:
            parts = [(low, first), (crossing, last)]
        for start, value in parts:
            if values and values[-1] == value:
                continue
            if values:
                breaks.append(start)
            values.append(value)
    return breaks, values


def _before(a: sp.Expr, b: sp.Expr) -> bool:
    """Whether a < b; where a <= b is all that is known it is taken so, for a piece of length 0 has no weight."""
    if a == b:
        return False
    if a == -sp.oo or b == sp.oo:
        return True
    if a == sp.oo or b == -sp.oo:
        return False
    gap = sp.expand(b - a)
    if gap.is_nonnegative or gap.is_nonpositive:
        return not gap.is_nonpositive
    raise NoClosedForm(f"the order of {a} and {b} is unknown")


def _ordered(points: list[sp.Expr]) -> list[sp.Expr]:
    found: list[sp.Expr] = []
    for p in points:
        if p not in found:
            found.insert(sum(_before(q, p) for q in found), p)
    return found


def in_signs(parts: Pieces) -> sp.Expr:
    """p_0 + sum_m (p_{m+1} - p_m) 1{v > c_m}, with 1{v > c} = (1 + sgn(v - c))/2."""
    breaks, values = parts
    total = values[0]
    for c, before, after in zip(breaks, values, values[1:], strict=False):
        total += (after - before) * (1 + sp.sign(v - c)) / 2
    return sp.expand(total)
