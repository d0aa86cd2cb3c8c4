"""Formulas of an equation that somebody states, from text to SymPy, without evaluating anything: the grammar of claims and more.

    function = sqrt exp log atan erf tanh abs (as in claims) sign sin cos sinh cosh, min and max of two arguments; pi is a number

Any other name is a symbol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from derive.reading.grammar import Term, parse_relation, parse_term
from derive.reading.tokens import OF_CLAIMS

#: the numbers of arguments
FUNCTIONS: Mapping[str, int] = {**OF_CLAIMS, "sign": 1, "sin": 1, "cos": 1, "sinh": 1, "cosh": 1, "min": 2, "max": 2}
_MEANING: Mapping[str, Callable[..., sp.Expr]] = {
    "sqrt": sp.sqrt, "exp": sp.exp, "log": sp.log, "atan": sp.atan, "erf": sp.erf, "tanh": sp.tanh, "abs": sp.Abs,
    "sign": sp.sign, "sin": sp.sin, "cos": sp.cos, "sinh": sp.sinh, "cosh": sp.cosh, "min": sp.Min, "max": sp.Max,
}  # fmt: skip
#: a name that is not called as a function
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?![A-Za-z0-9_]| *\()", re.ASCII)

#: the name of a symbol, and the field that it stands in -> the symbol
Letter = Callable[[str, str], sp.Symbol]


def read_formula(text: object, letter: Letter, field: str) -> sp.Expr:
    """An expression.

    Args:
        letter: the symbol of a name.
        field: the name of the text in errors.

    Raises:
        BadInput: it is not in the grammar, or has a name that `letter` does not accept.
    """
    return _value(parse_term(text, _names(text), field, FUNCTIONS), letter, field)


def read_inequality(text: object, letter: Letter, field: str) -> tuple[str, sp.Expr, sp.Expr]:
    """("<", "<=" or "==", left, right).

    Raises:
        BadInput: as `read_formula`.
    """
    op, left, right = parse_relation(text, _names(text), field, FUNCTIONS)
    return op, _value(left, letter, field), _value(right, letter, field)


def _names(text: object) -> list[str]:
    return list(dict.fromkeys(_NAME.findall(text))) if isinstance(text, str) else []


def _value(term: Term, letter: Letter, field: str) -> sp.Expr:
    head, *rest = term
    if head == "q":
        return sp.Rational(rest[0])
    if head == "x":
        return sp.pi if rest[0] == "pi" else letter(rest[0], field)
    if head == "^":
        return _value(rest[0], letter, field) ** rest[1]
    parts: list[Any] = [_value(part, letter, field) for part in (rest[1:] if head == "f" else rest)]
    if head == "f":
        return _MEANING[rest[0]](*parts)
    return {"+": sp.Add, "*": sp.Mul, "/": lambda above, below: above / below}[head](*parts)
