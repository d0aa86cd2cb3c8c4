"""The derivative of a term in one variable, with the domain on which it is valid. Trusted, as part of the kernel.

There is only this differentiator. The rule `primitive` uses it for time derivatives of terms as written, and the analysis
of one variable (`one_variable_forms`) for the derivatives of its atoms.
"""

from collections.abc import Callable, Mapping

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Term, fn, num, plus, substitute, times, x

#: (kind, p): "positive" for the argument of log or sqrt, "nonzero" for a denominator
Domain = list[tuple[str, Term]]
PI = Term(("pi",))


#: f'(p) as a term in p, valid where f is differentiable: for log and sqrt where 0 < p, for the others everywhere. abs has no
#: entry, since it has no derivative at 0
OUTER: Mapping[str, Callable[[Term], Term]] = {
    "exp": lambda p: fn("exp", p),
    "log": lambda p: 1 / p,
    "sqrt": lambda p: 1 / (2 * fn("sqrt", p)),
    "atan": lambda p: 1 / (1 + p**2),
    "erf": lambda p: 2 * fn("exp", -(p**2)) / fn("sqrt", PI),
    "tanh": lambda p: 1 - fn("tanh", p) ** 2,
}
_POSITIVE = ("log", "sqrt")


def derivative(t: Term, variable: str) -> tuple[Term, Domain]:
    """The derivative dt/d(variable) by the rules of calculus, with all other symbols constant, and the domain the rules need.

        (a + b)' = a' + b'         (a b)' = a' b + a b'        (a^n)' = n a^(n-1) a'
        (a/b)' = a' (1/b) - a b' (1/b)^2     where b is not 0
        f(p)' = f'(p) p'                     where f is differentiable at p: for log and sqrt where 0 < p, else everywhere

    The domain lists the denominators and the arguments of log and sqrt in which the variable is written. All other
    denominators and arguments are constants, for which the rules hold at 0 too (1/0 = 0 and log 0 = 0 by convention, with
    derivative 0).

    Raises:
        ProofError: t contains abs, a declared function, an operator or a vector, for which there is no rule here.
    """
    domain: Domain = []
    return _slope(t, variable, domain), domain


def _slope(t: Term, variable: str, domain: Domain) -> Term:
    head, args = t[0], t[1:]
    if head in ("q", "pi"):
        return num(0)
    if head == "x":
        return num(1) if t[1] == variable else num(0)
    if head == "+":
        return plus(*[_slope(a, variable, domain) for a in args])
    if head == "*":
        slopes = [_slope(a, variable, domain) for a in args]
        return plus(*[times(*args[:m], s, *args[m + 1 :]) for m, s in enumerate(slopes)])
    if head == "^":
        inner = _slope(args[0], variable, domain)
        return num(args[1]) * args[0] ** (args[1] - 1) * inner if args[1] else num(0)
    if head == "/":
        above, below = (_slope(a, variable, domain) for a in args)
        if _holds(args[1], variable):
            domain.append(("nonzero", args[1]))
        return above / args[1] - args[0] * below * (1 / args[1]) ** 2  # 1/b^2 is an atom of its own
    if head == "f" and args[0] in OUTER:
        inner = _slope(args[1], variable, domain)
        if args[0] in _POSITIVE and _holds(args[1], variable):
            domain.append(("positive", args[1]))
        return inner / args[1] if args[0] == "log" else OUTER[args[0]](args[1]) * inner
    raise ProofError(f"there is no rule for the derivative of {head} {args[0] if head in ('f', 'F') else ''} here")


def _holds(t: Term, variable: str) -> bool:
    return t == ("x", variable) or any(_holds(a, variable) for a in t[1:] if isinstance(a, Term))


def endpoints(t: Term, variable: str, last: str) -> tuple[Term, Term]:
    """The values of t at both ends: with 0 for the variable, and with the symbol `last` for it."""
    return substitute(t, variable, num(0)), substitute(t, variable, x(last))
