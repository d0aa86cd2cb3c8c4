"""Short names for moments of one coordinate of the message v = g + sigma Z, of its sign and of its size.

    r_j = E sgn(v_j),    a_j = E|v_j|,    c_j = E v_j|v_j|      (dimensionless)

Let R_m(y) = E[Z^m sgn(y + Z)] as in theory 3. At y = g_j/sigma: r_j = R_0, a_j = g_j r_j + sigma R_1 and
c_j = 2 g_j a_j - g_j^2 r_j + sigma^2 R_2. The covariance of a compressor that mixes coordinates, such as scaled sign,
fills a page if written in the R_m, but only a few lines in these names.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from sdescent.derive.equations.sde import lam
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.expressions.coordinates import Coordinate, CoordSum, g, to_slot
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import GenericLaw, Law, Scaled
from sdescent.derive.methods.noise.law import GenericDensity, SignedMoment
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.symbols import parameter

# the names are words that no symbol of a user has; the printer typesets them as r, a and c
r, a, c = Coordinate("meansign"), Coordinate("meansize"), Coordinate("meansquare")


MESSAGE_MOMENTS = frozenset((r, a, c))
#: the scale of a client, if clients differ or the scale is a longer expression
CLIENT_SCALE = sp.Dummy("sigma", positive=True)


@dataclass(frozen=True)
class Named:
    """A form in the names r, a, c; for one client with `CLIENT_SCALE` if the clients' scales differ or are long."""

    mean: sp.Expr  # b_j
    ratio_at_zero: sp.Expr  # the limit of b_j/g_j at g_j = 0 (Lambda_jj of the corrected model)
    diagonal: sp.Expr  # S_jj, multiplied by `denominator`
    off_diagonal: sp.Expr  # S_ij for i != j, with the other coordinate in slot i, multiplied by `denominator`
    denominator: sp.Expr  # a scalar that makes S_jj and S_ij polynomials in the names, apart from the variance
    meanings: dict[Coordinate, sp.Expr]  # the definitions of r_j, a_j and c_j
    scales: tuple[sp.Expr, ...]  # the clients' scales; the form is averaged over them if there are several


def definitions(law: Law, scale: sp.Expr) -> dict[Coordinate, sp.Expr]:
    """The definitions of r_j, a_j by r_j, and c_j by both, for a law with this scale. Raises NoClosedForm without
    elementary R_1, R_2.
    """
    y = g / scale
    first, second = (scale**m * law.signed_moment(m, y) for m in (1, 2))
    return {r: law.sign_mean(y), a: g * r + first, c: 2 * g * a - g**2 * r + second}


def named(method: Method, dim: int | None = None) -> Named | None:
    """Mean and covariance of a step in the names r, a, c; None if the names do not suffice.

    They suffice if the law is symmetric with known R_1 and R_2, and if the moments of the compressor over an unspecified
    symmetric law are polynomials in R_0, R_1 and R_2 at g_j/sigma.
    """
    noise = method.noise
    if noise.dense is not None or noise.law.degenerate or not noise.law.symmetric:
        return None
    letter = parameter("sigma")
    scale = CLIENT_SCALE if lettered(noise.scales) else noise.scales[0]
    step = moments(Method(method.compressor, Scaled(GenericLaw(), letter), method.clients), dim)
    if step.form is None:
        return None
    parts = [in_names(e, letter) for e in (step.form.mean, step.form.variance, step.form.pair)]
    if any(p.has(SignedMoment) for p in parts):
        return None
    try:
        meanings = definitions(noise.law, scale)
    except NoClosedForm:
        return None
    values = {letter: scale}
    if not isinstance(noise.law, GenericLaw):
        zero = sp.S.Zero
        values |= {parameter("mu2"): noise.law.moment(2), GenericDensity(zero): noise.law.density(zero)}
        values |= {SignedMoment(1, zero): noise.law.signed_moment(1, zero)}
    ratio = lam(step.form.mean)
    ratio = ratio.args[-1].args[0] if isinstance(ratio, sp.Piecewise) else ratio
    mean, *rest = parts
    # only the denominator from the compressor: a variance such as nu/(nu - 2) stays in its terms
    common = sp.fraction(sp.together(rest[0] + Coordinate("other") * rest[1]))[1]
    at_zero = sp.expand(in_names(ratio, letter).xreplace(values))
    mean, diagonal, off_diagonal = (sp.expand(p).xreplace(values) for p in (mean, *(p * common for p in rest)))
    return Named(mean, at_zero, diagonal, off_diagonal, common, meanings, noise.scales)


def by_second_moments(entry: Named, b: sp.Symbol, bi: sp.Symbol) -> tuple[sp.Expr, sp.Expr, dict[sp.Expr, sp.Expr]]:
    """S_jj and S_ij times the denominator, as second moments minus products of the means b_j (`b`) and b_i (`bi`).

    If coordinates of a message are mixed, E C_i C_j has fewer terms than the covariance, in which b_i b_j is multiplied out. It
    has fewest if its sums leave out the coordinates i and j.

    Returns:
        S_jj, S_ij, and the symbols of such sums in S_ij, each with the expression that is summed over k other than i and j.
    """
    diagonal = sp.expand(entry.diagonal + entry.denominator * entry.mean**2)
    pair = sp.expand(entry.off_diagonal + entry.denominator * entry.mean * to_slot(entry.mean, "j", "i"))
    left = {whole: (sp.Dummy("rest"), whole.args[0]) for whole in sorted(pair.atoms(CoordSum), key=str)}
    pair = sp.expand(pair.xreplace({
        whole: rest + to_slot(e, "k", "i") + to_slot(e, "k", "j") for whole, (rest, e) in left.items()
    }))  # fmt: skip
    pair = sp.collect(pair, [r.at("i") * r, r, r.at("i")], _numbers_together)
    return diagonal - entry.denominator * b**2, pair - entry.denominator * bi * b, dict(left.values())


def _numbers_together(e: sp.Expr) -> sp.Expr:
    """A sum with the terms that do not depend on the state factored into one product."""
    numbers, others = sp.expand(e).as_independent(Coordinate, sp.Dummy, as_Add=True)
    return sp.factor(numbers) + others


def lettered(scales: Sequence[sp.Expr]) -> bool:
    """Whether a client's scale is written as `CLIENT_SCALE`: clients differ, or it is an expression, such as an affine scale."""
    return len(scales) > 1 or not scales[0].is_Atom


def in_names(expr: sp.Expr, scale: sp.Expr) -> sp.Expr:
    """An expression with every R_m(g/scale), in any slot, written in the names."""
    if isinstance(expr, SignedMoment):
        order, y = expr.args
        point = y * scale
        if not isinstance(point, Coordinate) or point.base != "g" or order not in (0, 1, 2):
            return expr
        sign, size, square = (n.at(point.slot) for n in (r, a, c))
        first = size - point * sign
        return (sign, first / scale, (square - 2 * point * first - point**2 * sign) / scale**2)[int(order)]
    return expr.func(*[in_names(e, scale) for e in expr.args]) if expr.args else expr  # pyright: ignore[reportArgumentType]
