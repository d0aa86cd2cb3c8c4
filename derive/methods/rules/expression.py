"""A term of a formula as a SymPy expression, for scalars: constants of a regime, and equations that somebody states."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import sympy as sp

from derive.formulas.grammar import Term
from derive.vocabulary.errors import BadInput

#: functions by coordinate
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": sp.sqrt, "exp": sp.exp, "log": sp.log, "atan": sp.atan, "erf": sp.erf, "tanh": sp.tanh, "abs": sp.Abs, "sign": sp.sign,
    "sinh": sp.sinh, "cosh": sp.cosh, "sin": sp.sin, "cos": sp.cos,
    "min": lambda *a: reduce(sp.Min, a), "max": lambda *a: reduce(sp.Max, a),
}  # fmt: skip

MAX_BITS = 4096  # of a power of numbers


def expression(
    term: Term, letter: Callable[[str], sp.Expr], field: str, more: dict[str, Callable[[sp.Expr], sp.Expr]] | None = None
) -> sp.Expr:
    """The value of a term.

    Args:
        term: from `derive.formulas.grammar.parse_term`.
        letter: the value of a name.
        field: the user's name of the formula, for error messages.
        more: functions besides `FUNCTIONS`, such as norm.

    Raises:
        BadInput: a function that this formula may not hold; a division by zero; a number of too many digits.
    """
    functions = FUNCTIONS | (more or {})

    def value(t: Term) -> sp.Expr:
        head = t[0]
        if head == "q":
            return sp.Rational(t[1])
        if head == "x":
            return sp.pi if t[1] == "pi" else letter(t[1])
        if head == "+":
            return sp.Add(*[value(part) for part in t[1:]])
        if head == "*":
            return sp.Mul(*[value(part) for part in t[1:]])
        if head == "/":
            below = value(t[2])
            if below == 0:
                raise BadInput(field, "a division by zero", "denominators other than zero")
            return value(t[1]) / below
        if head == "^":
            return value(t[1]) ** t[2]
        if t[1] == "^":
            return _power(value(t[2]), value(t[3]), field)
        if t[1] not in functions:
            raise BadInput(field, t[1], "the functions " + " ".join(functions))
        return functions[t[1]](*[value(part) for part in t[2:]])

    return value(term)


def _power(base: sp.Expr, exponent: sp.Expr, field: str) -> sp.Expr:
    """base^exponent; a power of numbers is a number, which must not fill the memory."""
    if base.is_Rational and exponent.is_Rational:
        if base == 0 and exponent < 0:
            raise BadInput(field, "a division by zero", "denominators other than zero")
        if abs(exponent) * max(abs(base.p), base.q).bit_length() > MAX_BITS:
            raise BadInput(field, f"a power with the exponent {exponent}", f"powers of numbers of at most {MAX_BITS} bits")
    return base**exponent
