"""Formulas written as text, such as "x^4/4", as SymPy expressions: the terms of `derive.reading.grammar`, never evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy as sp

from derive.reading.grammar import Term, parse_term
from derive.reading.tokens import FUNCTIONS
from derive.vocabulary.errors import BadInput

#: the functions of the grammar in SymPy, by name
_IN_SYMPY = {name: getattr(sp, {"abs": "Abs"}.get(name, name)) for name in FUNCTIONS}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def parse_formula(
    text: str, known: Mapping[str, sp.Symbol], field: str, other: Callable[[str], sp.Symbol] | None = None
) -> sp.Expr:
    """The expression that a text stands for.

    Args:
        text: in the grammar of claims: numbers, names, + - * / ^, and the functions sqrt, exp, log, atan, erf, tanh, abs.
        known: the symbols that names stand for.
        field: the user's name of this input, for the error message.
        other: makes the symbol of another name, or raises BadInput; None where there are no others.

    Raises:
        BadInput: text outside the grammar, or a name that stands for nothing.
    """
    symbols = dict(known)
    for name in dict.fromkeys(_NAME.findall(text)) if other is not None else ():
        if name not in symbols and name not in FUNCTIONS:
            try:
                symbols[name] = other(name)  # pyright: ignore[reportOptionalCall]
            except BadInput:
                continue  # the grammar refuses it, and says in which column
    made = _expression(parse_term(text, symbols, field), symbols)
    if made.has(sp.zoo, sp.nan, sp.oo):
        raise BadInput(field, text, "a formula without a division by zero")
    return made


def _expression(term: Term, symbols: Mapping[str, sp.Symbol]) -> sp.Expr:
    kind, *parts = term
    if kind == "x":
        return symbols[parts[0]]
    if kind == "q":
        value = Fraction(parts[0])
        return sp.Rational(value.numerator, value.denominator)
    if kind == "f":
        return _IN_SYMPY[parts[0]](_expression(parts[1], symbols))
    if kind == "^":
        return _expression(parts[0], symbols) ** parts[1]
    made = [_expression(part, symbols) for part in parts]
    if kind == "/":
        return made[0] / made[1]
    return sp.Add(*made) if kind == "+" else sp.Mul(*made)
