"""Piecewise polynomials of one coordinate, such as a clipping, a dead zone or a saturated ramp, and their sums and products."""

from collections.abc import Callable

import sympy as sp

from sdescent.derive.expressions.coordinates import v
from sdescent.derive.vocabulary.errors import NoClosedForm

Pieces = tuple[list[sp.Expr], list[sp.Expr]]  # breakpoints in increasing order; polynomials between them


def pieces(phi: sp.Expr) -> Pieces:
    """The pieces of a piecewise polynomial made of maxima, minima, |.|, signs, steps, and their sums, products and powers.

    Values at breakpoints, of probability 0, are dropped. Raises NoClosedForm for pieces of undecided order or no
    polynomials.
    """
    if phi.is_polynomial(v):
        return [], [sp.expand(phi)]
    if isinstance(phi, (sp.Max, sp.Min)):
        upper = isinstance(phi, sp.Max)
        return _folded(phi.args, lambda a, b, sign: a if (sign > 0) == upper else b)
    if isinstance(phi, sp.Abs):
        return _folded((phi.args[0], sp.S.Zero), lambda a, _, sign: sp.expand(sign * a))
    if isinstance(phi, sp.sign):
        return _folded((phi.args[0], sp.S.Zero), lambda a, _, sign: sp.S(sign) if a.has(v) else sp.sign(a))
    if isinstance(phi, sp.Heaviside):
        return pieces((1 + sp.sign(phi.args[0])) / 2)
    if isinstance(phi, (sp.Add, sp.Mul)):
        return _folded(phi.args, lambda a, b, _: sp.expand(phi.func(a, b)), crossings=False)
    if isinstance(phi, sp.Pow) and phi.exp.is_Integer and phi.exp.is_positive:
        breaks, values = pieces(phi.base)
        return breaks, [sp.expand(value**phi.exp) for value in values]
    raise NoClosedForm(f"{phi} is not a polynomial")


def _folded(
    args: tuple[sp.Basic, ...], chosen: Callable[[sp.Expr, sp.Expr, int], sp.Expr], crossings: bool = True
) -> Pieces:
    """Join functions pairwise: `chosen` combines polynomials a and b, given the sign of a - b (1 without `crossings`)."""
    breaks, values = pieces(args[0])  # pyright: ignore[reportArgumentType]
    for other in args[1:]:
        others = pieces(other)  # pyright: ignore[reportArgumentType]
        both = (breaks, values), others
        cuts = _ordered([*breaks, *others[0]])
        breaks, values = [], []
        for low, high in zip([-sp.oo, *cuts], [*cuts, sp.oo], strict=True):
            a, b = (values_[sum(_before(c, high) for c in breaks_)] for breaks_, values_ in both)
            for start, sign in _signs(a - b, low, high) if crossings else [(low, 1)]:
                value = chosen(a, b, sign)
                if values and values[-1] == value:
                    continue
                if values:
                    breaks.append(start)
                values.append(value)
    return breaks, values


def _signs(gap: sp.Expr, low: sp.Expr, high: sp.Expr) -> list[tuple[sp.Expr, int]]:
    """The sign of a polynomial on (low, high), as (start, sign) for each interval between its zeros; 1 if it is identically 0.

    If it is unknown whether a zero lies in the interval, the zero is moved to the nearest point of the interval.
    """
    poly = sp.Poly(sp.expand(gap), v)
    lead = poly.LC()
    if poly.degree() <= 0:
        if not (lead.is_nonnegative or lead.is_nonpositive):
            raise NoClosedForm("pieces whose order is unknown")
        return [(low, 1 if lead.is_nonnegative else -1)]
    if poly.degree() > 2 or not (lead.is_positive or lead.is_negative):
        what = "pieces that cross more than twice" if poly.degree() > 2 else "pieces whose order is unknown"
        raise NoClosedForm(what)
    zeros = _ordered([z for z, times in _zeros(poly).items() if times % 2])
    sign = (1 if lead.is_positive else -1) * (-1) ** len(zeros)
    intervals = [(low, sign)]
    for zero in zeros:
        sign = -sign
        try:
            if not _before(low, zero):
                intervals = [(low, sign)]
            elif _before(zero, high):
                intervals.append((zero, sign))
        except NoClosedForm:
            intervals.append((sp.Min(sp.Max(zero, low), high), sign))
    return intervals


def _zeros(poly: sp.Poly) -> dict[sp.Expr, int]:
    """The real zeros of a polynomial of degree 1 or 2, with multiplicities.

    If the sign of the discriminant is unknown, there are two, which coincide at the vertex if there is in fact no zero.
    """
    if poly.degree() == 2:
        lead, linear, _ = poly.all_coeffs()
        discriminant = sp.expand(poly.discriminant())
        if discriminant.is_negative:
            return {}
        if not discriminant.is_nonnegative:
            half_gap = sp.sqrt(sp.Max(0, sp.expand(discriminant / (4 * lead**2))))
            return {-linear / (2 * lead) - half_gap: 1, -linear / (2 * lead) + half_gap: 1}
    return sp.roots(poly)


def _before(a: sp.Expr, b: sp.Expr) -> bool:
    """Whether a < b, or a <= b with equality only for some values of the symbols; NoClosedForm if this is undecided."""
    if a in (b, sp.oo) or b == -sp.oo:
        return False
    if a == -sp.oo or b == sp.oo:
        return True
    gap = sp.factor(b - a)
    if gap == 0 or gap.is_nonnegative or gap.is_nonpositive:
        return gap != 0 and bool(gap.is_nonnegative)
    raise NoClosedForm(f"the order of {a} and {b} is unknown")


def _ordered(points: list[sp.Expr]) -> list[sp.Expr]:
    ordered: list[sp.Expr] = []
    for p in points:
        if p not in ordered:
            ordered.insert(sum(_before(q, p) for q in ordered), p)
    return ordered


def in_signs(parts: Pieces) -> sp.Expr:
    """The pieces as p_0 + sum_m (p_{m+1} - p_m) 1{v > c_m}, with 1{v > c} = (1 + sgn(v - c))/2."""
    breaks, values = parts
    total = values[0]
    for c, before, after in zip(breaks, values, values[1:], strict=False):
        total += (after - before) * (1 + sp.sign(v - c)) / 2
    return sp.expand(total)
