"""The laws of abs, sqrt, exp and log, and that the rising functions rise. Trusted, with the kernel."""

from __future__ import annotations

from typing import Any

from derive.proof.language.context import ProofError
from derive.proof.language.terms import Relation, Term, fn, num, term


def law_of(law: str, args: list[Term]) -> tuple[Relation, list[Relation]]:
    """What a law of functions claims of its arguments, and what it needs of them."""
    if type(law) is not str:
        raise ProofError("no law without a name")
    zero = num(0)
    one: dict[str, Any] = {
        "abs_square": lambda t: ((fn("abs", t) ** 2).eq(t**2), []),
        "abs_nonneg": lambda t: (zero.le(fn("abs", t)), []),
        "abs_of_positive": lambda t: (fn("abs", t).eq(t), [zero.le(t)]),
        "abs_of_negative": lambda t: (fn("abs", t).eq(-t), [t.le(zero)]),
        "sqrt_nonneg": lambda t: (zero.le(fn("sqrt", t)), []),
        "sqrt_of_square": lambda t: (fn("sqrt", t**2).eq(t), [zero.le(t)]),
        "sqrt_square": lambda t: ((fn("sqrt", t) ** 2).eq(t), [zero.le(t)]),
        "exp_positive": lambda t: (zero.lt(fn("exp", t)), []),
        "log_exp": lambda t: (fn("log", fn("exp", t)).eq(t), []),
        "exp_log": lambda t: (fn("exp", fn("log", t)).eq(t), [zero.lt(t)]),
    }
    two: dict[str, Any] = {
        "exp_add": lambda s, t: (fn("exp", s + t).eq(fn("exp", s) * fn("exp", t)), []),
        "log_mul": lambda s, t: (fn("log", s * t).eq(fn("log", s) + fn("log", t)), [zero.lt(s), zero.lt(t)]),
    }
    for name in ("exp", "atan", "erf", "tanh", "log", "sqrt"):
        domain = {"log": ["<"], "sqrt": ["<="]}.get(name, [])
        two[f"monotone:{name}"] = lambda s, t, n=name, ops=domain: (
            fn(n, s).le(fn(n, t)),
            [*(Relation((op, zero, s)) for op in ops), s.le(t)],
        )
    table = one if len(args) == 1 else two if len(args) == 2 else {}
    if law not in table:
        raise ProofError(f"no law {law!r} of {len(args)} arguments")
    return table[law](*[term(a) for a in args])
