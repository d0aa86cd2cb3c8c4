"""Balls of the functions of the format, by Arb; psi(t) = (exp(t) - 1 - t)/t^2, psi(0) = 1/2, has its own code here."""

from flint import arb, ctx


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
