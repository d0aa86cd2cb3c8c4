"""Expressions as text that parses back, long ones with their repeated parts by name; and where an equation holds, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp
from sympy.printing.str import StrPrinter

from sdescent.derive.equations.rule_equation import LARGE, RangeKind
from sdescent.derive.expressions.coordinates import longer_than, symbols_of
from sdescent.derive.expressions.graphs import bottom_up, uses

#: from this total number of characters on, repeated parts are written once, under names
LIMIT = 10_000_000
#: shorter parts than this are written out every time
SHORT = 40


class _Printer(StrPrinter):
    """SymPy's own text, each repeated part printed once, and long sums in the order in which they are stored."""

    def __init__(self, order: str | None) -> None:
        super().__init__({"order": order})
        self._printed: dict[Any, str] = {}

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if not isinstance(expr, sp.Expr) or kwargs:
            return super()._print(expr, **kwargs)
        if expr not in self._printed:
            self._printed[expr] = super()._print(expr)
        return self._printed[expr]

    def define(self, expr: sp.Expr, name: str) -> str:
        """The text of a part, which is written by its name from now on."""
        self._printed[expr] = name
        return super()._print(expr)


#: a sum with this many nodes is written in the order in which it is stored, since sorting would take longer than all the rest
UNSORTED = 300


def text(e: sp.Expr) -> str:
    """An expression as it parses back."""
    return _Printer("none" if longer_than(e, UNSORTED) else None).doprint(e)


class ExpressionWriter:
    """The text of several expressions; where that would be long, with names for repeated parts.

    `where` holds (name, text) for each name, in an order in which a text uses only earlier names; empty where everything is short.

    Args:
        expressions: all expressions whose text will be needed.
    """

    def __init__(self, expressions: Iterable[sp.Expr]) -> None:
        self.where: list[tuple[str, str]] = []
        self._named: _Printer | None = None
        self._sorted, self._stored = _Printer(None), _Printer("none")
        listed = list(expressions)
        parts = bottom_up(listed)
        sizes = _sizes(parts)
        if sum(sizes[e] for e in listed) > LIMIT:
            self._name(listed, parts, sizes)

    def __call__(self, e: sp.Expr) -> str:
        short = self._stored if longer_than(e, UNSORTED) else self._sorted
        return (self._named or short).doprint(e)

    def _name(self, listed: list[sp.Expr], parts: list[sp.Basic], sizes: dict[sp.Basic, int]) -> None:
        count = uses(listed, parts)
        letter, taken = "c", {s.name for s in symbols_of(listed)}
        while any(name.startswith(letter) and name[len(letter) :].isdigit() for name in taken):
            letter += "c"
        self._named = _Printer("none")
        for e in parts:
            if count.get(e, 0) > 1 and sizes[e] >= SHORT and isinstance(e, sp.Expr):
                name = f"{letter}{len(self.where) + 1}"
                self.where.append((name, self._named.define(e, name)))


def written_sizes(expressions: Iterable[sp.Expr]) -> list[int]:
    """About how many characters each expression takes when written out, without writing it."""
    listed = list(expressions)
    sizes = _sizes(bottom_up(listed))
    return [sizes[e] for e in listed]


def _sizes(parts: Iterable[sp.Basic]) -> dict[sp.Basic, int]:
    """About how many characters each part takes when written out."""
    sizes: dict[sp.Basic, int] = {}
    for e in parts:
        head = (
            len(str(e)) if not e.args else 3 if isinstance(e, (sp.Add, sp.Mul, sp.Pow)) else 2 + len(type(e).__name__)
        )
        sizes[e] = head + sum(sizes[a] + 2 for a in e.args)
    return sizes


#: what is small where the equation holds
MEANT = {
    RangeKind.MEMORY_LAG: "the lag of the averaged memory behind the gradient, in standard deviations of the sign's argument"
}


def left_range(kind: RangeKind, largest: float) -> str:
    """The warning of a run in which the quantity exceeded `LARGE`."""
    return (
        f"the run left the range of the model: {MEANT[kind]}, reached {largest:.3g}, and the model is meant where it is small "
        f"against 1 (said from {LARGE:g} on); take a smaller step size, or a regime in which the memory is slow, such as ballistic"
    )
