"""Balls of the functions of the format, by Arb, and the rules of calculus for the whole replay (FORMAT.md, "Derivatives")."""

from collections.abc import Callable

from flint import arb, ctx, fmpq

from sdescent.derive.proof.replay.algebra import Algebra, Poly


def value_of(name: str, t: arb) -> arb:
    """A ball that contains f(s) for every s in the ball t, not finite if f is undefined there; for all functions except abs."""
    return psi(t) if name == "psi" else getattr(t, name)()


def psi(t: arb) -> arb:
    """A ball that contains psi(s) for every s in the ball t: psi increases, so the union of its values at both ends."""
    if not t.is_finite():
        return arb("nan")
    return _at(t.lower()).union(_at(t.upper()))


def _at(t: arb) -> arb:
    """A ball for psi at the point that the ball t encloses.

    The definition is used if |t| >= 1. Near 0 it cancels, so otherwise the series psi(t) = sum t^k/(k + 2)! is summed. Each term
    after the first n is at most |t|/(n + 2) <= 1/2 of its predecessor, so the remaining terms add up to at most twice the next one.
    """
    if abs(t) >= 1:
        return (t.exp() - 1 - t) / t**2
    total, term, n = arb(0), arb(1) / 2, 0
    while n < 2 or not abs(term) * 2 < arb(2) ** -(ctx.prec + 8):
        total, n = total + term, n + 1
        term = term * t / (n + 2)
    return total + arb(0, 2 * abs(term).upper())


Pair = tuple[Poly, Poly]


def total(algebra: Algebra, first: Pair, second: Pair) -> Pair:
    """(p + q)' = p' + q'."""
    (p, dp), (q, dq) = first, second
    return algebra.add(p, q), algebra.add(dp, dq)


def product(algebra: Algebra, first: Pair, second: Pair) -> Pair:
    """(p q)' = p' q + p q'."""
    (p, dp), (q, dq) = first, second
    return algebra.mul(p, q), algebra.add(algebra.mul(dp, q), algebra.mul(p, dq))


def power(algebra: Algebra, base: Pair, n: int) -> Pair:
    """(p^n)' = n p^(n-1) p'."""
    p, dp = base
    return algebra.power(p, n), algebra.scale(algebra.mul(algebra.power(p, n - 1), dp), fmpq(n)) if n else {}


def reciprocal(algebra: Algebra, of: Pair) -> Pair:
    """(1/q)' = -q' (1/q)^2 if q is not 0. 1/q is the inverse of the polynomial q, and nothing cancels."""
    q, dq = of
    inverse = algebra.inverse(q)
    return inverse, algebra.mul(algebra.scale(dq, fmpq(-1)), algebra.power(inverse, 2))


def function(algebra: Algebra, name: str, of: Pair) -> Pair:
    """f(q)' = f'(q) q', provided 0 < q if f is log or sqrt."""
    q, dq = of
    value = algebra.function(name, q)
    return value, algebra.mul(OUTER[name](algebra, q, value), dq)


def chain(algebra: Algebra, p: Poly, slope: Callable[[int], Poly]) -> Poly:
    """The sum of (dp/da) slope(a) over the atoms a of the polynomial p, without atoms that depend on no letter."""
    out: Poly = {}
    for m, c in p.items():
        pairs = algebra.monomials[m]
        for position, (a, n) in enumerate(pairs):
            if algebra.atoms[a].deps:
                others = pairs[:position] + (((a, n - 1),) if n > 1 else ()) + pairs[position + 1 :]
                algebra.accumulate(out, algebra.mul({algebra.monomial(others): c * n}, slope(a)))
    return out


def _bell(algebra: Algebra, q: Poly) -> Poly:
    """erf' = 2/sqrt(pi) exp(-q^2)."""
    bell = algebra.function("exp", algebra.scale(algebra.power(q, 2), fmpq(-1)))
    return algebra.mul(algebra.scale(bell, fmpq(2)), algebra.inverse(algebra.function("sqrt", algebra.pi())))


#: f -> f'(q) from q and f(q); abs is missing, as it has no derivative at 0
OUTER: dict[str, Callable[[Algebra, Poly, Poly], Poly]] = {
    "exp": lambda algebra, q, value: value,
    "log": lambda algebra, q, value: algebra.inverse(q),
    "sqrt": lambda algebra, q, value: algebra.scale(algebra.inverse(value), fmpq(1, 2)),
    "atan": lambda algebra, q, value: algebra.inverse(algebra.add(algebra.number(1), algebra.power(q, 2))),
    "erf": lambda algebra, q, value: _bell(algebra, q),
    "tanh": lambda algebra, q, value: algebra.sub(algebra.number(1), algebra.power(value, 2)),
}
