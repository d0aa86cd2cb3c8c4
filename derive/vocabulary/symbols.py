"""The symbols that every module shares. All are real and dimensionless; parameters are positive.

A SymPy symbol is identified by its name *and* its assumptions, so two spellings of "nu" would not cancel. Every
parameter therefore enters through `coerce`, which gives each name one symbol.
"""

from __future__ import annotations

import builtins
from fractions import Fraction
from typing import Any

import sympy as sp

from derive.vocabulary.errors import BadInput
from derive.vocabulary.names import belongs_to_the_engine, parse_value


def parameter(name: str) -> sp.Symbol:
    """The positive scalar parameter called `name` (dimensionless)."""
    return sp.Symbol(name, positive=True)


eta = parameter("eta")  # step size
N = parameter("N")  # number of clients
d = parameter("d")  # dimension
u = parameter("u")  # a free schedule u(t)
du = sp.Symbol("du", real=True)  # its derivative u'(t)
t = sp.Symbol("t", nonnegative=True)  # time

SHARED: dict[str, sp.Symbol] = {s.name: s for s in (eta, N, d, u, du, t)}


def coerce(value: Any, field: str = "value") -> sp.Expr:
    """An exact SymPy expression from an int, a Fraction, a SymPy expression, or the text of a number or symbol.

    Symbols of an expression are exchanged for the toolkit's own of the same name (`parameter`).

    Raises:
        BadInput: text that is neither a plain number nor a bare symbol; a float (inexact); a non-finite value.
    """
    if isinstance(value, bool):
        raise _bad(field, value)
    if isinstance(value, int):
        return sp.Integer(value)
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    if isinstance(value, str):
        parsed = parse_value(value, field)
        return _named(parsed, field) if isinstance(parsed, str) else sp.Rational(parsed.numerator, parsed.denominator)
    if isinstance(value, sp.Expr):
        if value.has(sp.Float) or value.has(sp.nan, sp.zoo) or value in (sp.oo, -sp.oo):
            raise _bad(field, value)
        plain = [s for s in value.free_symbols if type(s) is sp.Symbol]
        return value.xreplace({s: SHARED[s.name] if s.name in SHARED else _named(s.name, field) for s in plain})
    raise _bad(field, value)


def _named(name: str, field: str) -> sp.Symbol:
    # printed, such a name would be read back as another object
    if name in sp.__all__ or hasattr(builtins, name) or belongs_to_the_engine(name):
        raise BadInput(field, name, "the name of a symbol that SymPy, Python and the engine do not use themselves")
    return parameter(name)


def _bad(field: str, value: object) -> Exception:
    return BadInput(field, value, "an exact number (int, Fraction, '1/2', '0.1') or the name of a symbol")
