"""Derivatives of deterministic terms in time, with the domain on which they are right. Trusted, with the kernel."""

from __future__ import annotations

from derive.proof.language.context import Context, ProofError
from derive.proof.language.terms import Term, num, plus, substitute, times, x

#: (kind, p): "positive" for the argument of a logarithm, "nonzero" for a denominator
Domain = list[tuple[str, Term]]


def derivative(context: Context, t: Term, time: str) -> tuple[Term, Domain]:
    """dt/d(time) by the rules for sums, products, powers, quotients, exp and log; and what must be positive or not 0 for them.

    Raises:
        ProofError: `time` is not declared as the clock; t holds anything else that depends on more than constants.
    """
    context.check(t)
    if context.symbols.get(time) != "clock":
        raise ProofError(f"{time} is not declared as the clock: other functions of time are not time itself")
    domain: Domain = []
    return _slope(context, t, time, domain), domain


def _slope(context: Context, t: Term, time: str, domain: Domain) -> Term:
    head, args = t[0], t[1:]
    if head in ("q", "pi"):
        return num(0)
    if head == "x":
        if t[1] != time and context.symbols[t[1]] != "const":
            raise ProofError(f"{t[1]} is neither a constant nor {time}")
        return num(1) if t[1] == time else num(0)
    if head == "+":
        return plus(*[_slope(context, a, time, domain) for a in args])
    if head == "*":
        slopes = [_slope(context, a, time, domain) for a in args]
        return plus(*[times(*args[:m], s, *args[m + 1 :]) for m, s in enumerate(slopes)])
    if head == "^":
        inner = _slope(context, args[0], time, domain)
        return num(args[1]) * args[0] ** (args[1] - 1) * inner if args[1] else num(0)
    if head == "/":
        above, below = (_slope(context, a, time, domain) for a in args)
        if _holds(args[1], time):
            domain.append(("nonzero", args[1]))
        return above / args[1] - args[0] * below * (1 / args[1]) ** 2  # 1/q^2 is an atom of its own
    if head == "f" and args[0] in ("exp", "log"):
        inner = _slope(context, args[1], time, domain)
        if args[0] == "exp":
            return t * inner
        if _holds(args[1], time):
            domain.append(("positive", args[1]))
        return inner / args[1]
    raise ProofError(f"no derivative of {head} here")


def _holds(t: Term, time: str) -> bool:
    return t == ("x", time) or any(_holds(a, time) for a in t[1:] if isinstance(a, Term))


def endpoints(t: Term, time: str, horizon: str) -> tuple[Term, Term]:
    """t at time 0 and at the horizon."""
    return substitute(t, time, num(0)), substitute(t, time, x(horizon))
