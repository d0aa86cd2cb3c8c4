"""The shared symbols. All are real and dimensionless; parameters are positive.

SymPy identifies a symbol by its name *and* its assumptions: two symbols "nu" would not cancel, and a derivative in the
wrong x1 be 0. Expressions of a user therefore pass through `matched`, which maps each name to one symbol.
"""

import builtins
from collections.abc import Iterable
from fractions import Fraction
from importlib import import_module
from numbers import Integral
from typing import Any

import sympy as sp

from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.names import belongs_to_the_engine, is_a_word, parse_value

#: the function that parses formulas, as "module:function"; formulas belong to a layer above this one
READER = "sdescent.derive.vocabulary.formulas.expressions:parse_formula"
#: the assumptions of users' symbols that are checked: if our symbol lacks one, SymPy may have used it already to simplify
_DECLARED = ("real", "positive", "negative", "nonnegative", "nonpositive", "zero", "nonzero", "imaginary")


def parameter(name: str) -> sp.Symbol:
    """The symbol of the positive scalar parameter `name` (dimensionless)."""
    return sp.Symbol(name, positive=True)


eta = parameter("eta")  # step size
N = parameter("N")  # number of clients
d = parameter("d")  # dimension
u = parameter("u")  # a free schedule u(t)
du = sp.Symbol("du", real=True)  # its derivative u'(t)
t = sp.Symbol("t", nonnegative=True)  # time

SHARED: dict[str, sp.Symbol] = {s.name: s for s in (eta, N, d, u, du, t)}


def coerce(value: Any, field: str = "value") -> sp.Expr:
    """A user's value as an exact SymPy expression in parameters and shared symbols; see `matched`."""
    return matched(value, SHARED.values(), field)


def matched(value: Any, symbols: Iterable[sp.Symbol], field: str, others: bool = True, accepted: str = "") -> sp.Expr:
    """A user's expression in our symbols. SymPy symbols in it are matched by name; an indexed one also matches its base name.

    The value is an int, a Fraction, a SymPy expression, or the text of one, which is parsed by a whitelist and never
    evaluated. If `others`, any other name becomes a parameter (`parameter`); if not, only symbols made by `parameter`
    are accepted. Raises BadInput for text outside the grammar; a float, which is inexact; a value that is not finite; a
    name that is not accepted; a symbol with more assumptions than ours, such as x1 > 0, since our x1 has any sign.
    """
    by_name = {name: s for s in symbols for name in (s.name, getattr(s, "base", s.name))}
    if isinstance(value, str):
        if not is_a_word(value):
            return _read(value, by_name, field, others)
        parsed = parse_value(value, field) if value.strip(" ") not in by_name else value.strip(" ")
        value = sp.Symbol(parsed) if isinstance(parsed, str) else parsed
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    if isinstance(value, Integral) and not isinstance(value, bool):
        return sp.Integer(int(value))
    if not isinstance(value, sp.Expr) or value.has(sp.nan, sp.zoo, sp.Float) or value in (sp.oo, -sp.oo):
        raise _bad(field, value)
    plain = [s for s in value.atoms(sp.Symbol) if type(s) is sp.Symbol]
    return value.xreplace({s: _ours(s, by_name, field, others, accepted) for s in plain})


def require_ours(expr: sp.Expr, symbols: Iterable[sp.Symbol], field: str, where: str) -> None:
    """Check that an expression from a user's class, whose symbols are not matched, has no foreign symbol with a reserved name.

    Raises BadInput for such a symbol, for example Symbol("t"), with respect to which no time derivative would be taken.
    """
    by_name = {name: s for s in symbols for name in (s.name, getattr(s, "base", s.name))}
    for s in sorted((s for s in expr.atoms(sp.Symbol) if type(s) is sp.Symbol), key=str):
        if by_name.get(s.name, s) != s or (s.name not in by_name and belongs_to_the_engine(s.name)):
            raise BadInput(field, f"a symbol {s.name} that is not the engine's", where)


def _read(text: str, by_name: dict[str, sp.Symbol], field: str, others: bool) -> sp.Expr:
    module, _, function = READER.partition(":")
    other = (lambda name: _named(name, field)) if others else None
    return getattr(import_module(module), function)(text, by_name, field, other)


def _ours(symbol: sp.Symbol, by_name: dict[str, sp.Symbol], field: str, others: bool, accepted: str) -> sp.Symbol:
    name = symbol.name
    if name not in by_name and not others and symbol != parameter(name):
        raise unknown_name(field, name, by_name, accepted or "a formula in " + ", ".join(list(by_name)[:8]))
    ours = by_name[name] if name in by_name else _named(name, field)
    more = [fact for fact in _DECLARED if symbol.assumptions0.get(fact) not in (None, ours.assumptions0.get(fact))]
    if more:
        assumptions = ", ".join(f"{fact}={symbol.assumptions0[fact]}" for fact in more)
        accepted = f"Symbol('{name}') without assumptions, which is matched by its name"
        raise BadInput(field, f"a symbol {name} declared {assumptions}", accepted)
    return ours


def _named(name: str, field: str) -> sp.Symbol:
    # printed text with such a name would be read back as another object
    if name in sp.__all__ or hasattr(builtins, name) or belongs_to_the_engine(name):
        raise BadInput(field, name, "the name of a symbol that SymPy, Python and the engine do not use themselves")
    return parameter(name)


def _bad(field: str, value: Any) -> Exception:
    accepted = "an exact number (int, Fraction, '1/2', '0.1'), a formula as text, or the name of a symbol"
    floats = value.atoms(sp.Float) if isinstance(value, sp.Expr) else {value} if isinstance(value, float) else set()
    finite = [f for f in map(float, floats) if abs(f) < float("inf")]
    if finite:
        least = repr(min(finite))
        exact = ", ".join(map(str, Fraction(least).as_integer_ratio()))
        accepted = f"exact numbers: '{least}' as text, or sympy.Rational({exact}), in place of a float"
    return BadInput(field, value, accepted)
