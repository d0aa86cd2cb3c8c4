"""Formulas as SymPy expressions, parsed from text and never evaluated.

The grammar is that of claims with more functions, more exponents, and pi:

    function = sqrt exp log atan erf tanh abs psi (as in claims) sign sin cos sinh cosh; min and max of 2 to 8 arguments
    exponent = any term; if it is a number, from -64 to 64, also after multiplication by the exponent of a base that is a power

Exponentials and powers with letters in the exponent may be nested at most two deep. Any other name is a symbol, which the caller
supplies.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import reduce
from math import comb, prod
from typing import Any

import sympy as sp

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.grammar import MAX_MONOMIALS, MAX_POWER, Term, parse_relation, parse_term
from sdescent.derive.vocabulary.formulas.special import Psi
from sdescent.derive.vocabulary.formulas.text import FUNCTIONS, Language, names_function

_OF_ONE = dict.fromkeys((*FUNCTIONS, "sign", "sin", "cos", "sinh", "cosh"), (1, 1))
FORMULAS = Language({**_OF_ONE, "min": (2, 8), "max": (2, 8)}, powers=True)
#: the functions of the grammar, which act by coordinate
MEANING: Mapping[str, Callable[..., Any]] = {
    "sqrt": sp.sqrt, "exp": sp.exp, "log": sp.log, "atan": sp.atan, "erf": sp.erf, "tanh": sp.tanh, "abs": sp.Abs,
    "psi": Psi,
    "sign": sp.sign, "sin": sp.sin, "cos": sp.cos, "sinh": sp.sinh, "cosh": sp.cosh,
    "min": lambda *a: reduce(sp.Min, a), "max": lambda *a: reduce(sp.Max, a),
}  # fmt: skip
_NAME = re.compile(r"(?<![0-9A-Za-z_.])([A-Za-z_][A-Za-z0-9_]*)(?: *(\())?", re.ASCII)

MAX_BITS = 4096  # the largest size of a power of numbers
#: the depth of nested exponentials; three of them, at 22, have a value with more digits than memory can hold
MAX_HEIGHT = 2

#: (name of a symbol, field of its formula) -> the symbol
Letter = Callable[[str, str], sp.Expr]
#: receives expressions that must be >= 0 (True) or nonzero (False) for the formula as written to have a value
Needs = Callable[[sp.Expr, bool], None]


def names_in(text: object, functions: Collection[str] = FORMULAS.functions) -> list[str]:
    """The names in a text that do not denote functions, in the order of first occurrence."""
    matches = _NAME.findall(text) if isinstance(text, str) else []
    return list(dict.fromkeys(name for name, called in matches if not names_function(name, bool(called), functions)))


def read_formula(text: object, letter: Letter, field: str, names: Collection[str] | None = None) -> sp.Expr:
    """The SymPy expression of a formula in `names`, by default all that `letter` accepts, which makes the symbol of a name.

    Raises BadInput if the text is outside the grammar, its value is not finite, or a name is not accepted.
    """
    value = expression(parse_term(text, names_in(text) if names is None else names, field, FORMULAS), letter, field)
    if value.has(sp.zoo, sp.nan, sp.oo):
        raise BadInput(field, text, "a formula without a division by zero")
    return value


def parse_formula(
    text: str, letters: Mapping[str, sp.Symbol], field: str, other: Callable[[str], sp.Symbol] | None = None
) -> sp.Expr:
    """The SymPy expression of a text in `letters`; `other` makes the symbol of any other name, if other names are accepted.

    Raises BadInput as for `read_formula`; for an unknown name, with its column.
    """
    symbols = dict(letters)
    for name in names_in(text):
        if name == "pi":
            symbols[name] = sp.Symbol(name)  # `expression` replaces it
        elif name not in symbols and other is not None:
            with suppress(BadInput):  # the parser refuses the name later, with its column
                symbols[name] = other(name)
    return read_formula(text, lambda name, field: symbols[name], field, list(symbols))


def read_inequality(text: object, letter: Letter, field: str) -> tuple[str, sp.Expr, sp.Expr]:
    """The triple (op, left, right) of a relation, with op "<", "<=" or "==". Raises BadInput as `read_formula`."""
    op, left, right = parse_relation(text, names_in(text), field, FORMULAS)
    return op, expression(left, letter, field), expression(right, letter, field)


def expression(
    term: Term,
    letter: Letter,
    field: str,
    more: Mapping[str, Callable[..., Any]] | None = None,
    needs: Needs | None = None,
) -> sp.Expr:
    """The SymPy expression of a term from `sdescent.derive.vocabulary.formulas.grammar.parse_term`.

    `letter` makes the symbol of a name, `more` has functions besides those of `MEANING`, such as norm, and `needs`
    receives each part that must lie in a domain. Raises BadInput for a division by zero, a power beyond the limits,
    exponentials nested too deeply, or a name that `letter` does not accept.
    """
    functions = {**MEANING, **(more or {})}

    def need(name: str, parts: Sequence[Any]) -> None:
        if needs is None:
            return
        base = sp.sympify(parts[0])
        if name == "asin":
            needs(1 - base**2, True)
        exponent = sp.sympify(parts[1]) if name == "^" else {"/": -sp.S.One, "sqrt": sp.S.Half}.get(name)
        if name == "log" or (exponent is not None and not exponent.is_Integer):
            needs(base, True)
        if name == "log" or (exponent is not None and not (exponent.is_Number and exponent.is_positive)):
            needs(base, False)

    def value(t: Term) -> Any:
        head, *rest = t
        if head == "q":
            return sp.Rational(rest[0])
        if head == "x":
            return sp.pi if rest[0] == "pi" else letter(rest[0], field)
        if head == "^":
            return _raised(value(rest[0]), rest[1], field)
        if head == "f":
            parts = [value(part) for part in rest[1:]]
            need(rest[0], parts)
            return _power(parts[0], parts[1], field) if rest[0] == "^" else functions[rest[0]](*parts)
        parts = [value(part) for part in rest]
        if head == "/":
            if parts[1] == 0:
                raise BadInput(field, "a division by zero", "denominators other than zero")
            need("/", parts[1:])
            return parts[0] / parts[1]
        return {"+": sp.Add, "*": sp.Mul}[head](*parts)

    result = value(term)
    if _height(result) > MAX_HEIGHT:
        accepted = f"exp, sinh, cosh, psi and exponents with letters, {MAX_HEIGHT} deep"
        raise BadInput(field, "exponentials in one another", accepted)
    return result


def _height(e: Any) -> int:
    """The nesting depth of exponentials and powers with letters in the exponent."""
    inner = [_height(a) for a in e.args]
    if e.is_Pow and not e.exp.is_number:
        return max(inner[0], inner[1] + 1)
    return max(inner, default=0) + isinstance(e, (sp.exp, sp.sinh, sp.cosh, Psi))


def _power(base: Any, exponent: Any, field: str) -> sp.Expr:
    """base^exponent, with a limit on powers of numbers, which could fill the memory."""
    if base.is_Rational and exponent.is_Rational:
        if not base and exponent < 0:
            raise BadInput(field, "a division by zero", "denominators other than zero")
        if abs(exponent) * max(abs(base.p), base.q).bit_length() > MAX_BITS:
            accepted = f"powers of numbers of at most {MAX_BITS} bits"
            raise BadInput(field, f"a power with the exponent {exponent}", accepted)
    return _raised(base, exponent, field)


def _raised(base: Any, exponent: Any, field: str) -> sp.Expr:
    """base^exponent, with limits on powers of letters, which may become large numbers or long sums later."""
    exponent = sp.sympify(exponent)
    if exponent.is_Rational and not base.is_Rational:
        quoted = "an exponent of many digits" if abs(exponent) > 10**9 else f"the exponent {exponent}"
        if abs(exponent) * _nested(base) > MAX_POWER:
            accepted = f"exponents, and products of those of a power of a power, from -{MAX_POWER} to {MAX_POWER}"
            raise BadInput(field, quoted, accepted)
        if _of_power(_monomials(base), exponent) > MAX_MONOMIALS:
            raise BadInput(field, quoted, f"at most {MAX_MONOMIALS} monomials when multiplied out")
    return base**exponent


def _nested(e: Any) -> Any:
    """The largest exponent in an expression, where exponents of powers of powers are multiplied; 1 if there are no powers."""
    if e.is_Mul:
        return max(map(_nested, e.args))
    return abs(e.exp) * _nested(e.base) if e.is_Pow and e.exp.is_Rational else sp.S.One


def _monomials(e: Any) -> int:
    if e.is_Add:
        return sum(map(_monomials, e.args))
    if e.is_Mul:
        return prod(map(_monomials, e.args))
    return _of_power(_monomials(e.base), e.exp) if e.is_Pow and e.exp.is_Rational else 1


def _of_power(monomials: int, exponent: Any) -> int:
    n = int(abs(exponent))
    return comb(monomials + n - 1, n) if monomials > 1 else 1
