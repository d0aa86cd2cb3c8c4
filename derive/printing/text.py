"""Expressions as text that parses back, with names for repeated parts of long ones; and the range of an equation in words."""

from collections.abc import Iterable
from typing import Any

import sympy as sp
from sympy.printing.str import StrPrinter

from sdescent.derive.equations.rule_equation import LARGE, RangeKind
from sdescent.derive.expressions.coordinates import longer_than, symbols_of
from sdescent.derive.expressions.graphs import bottom_up, uses

#: above this total number of characters, repeated parts are written once, under names
LIMIT = 10_000_000
#: parts shorter than this are written out every time
SHORT = 40


class _Printer(StrPrinter):
    """SymPy's own text printer, which prints each repeated part once, and with order "none" sums as stored."""

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
        """The text of a part; from now on the part is written as `name`."""
        self._printed[expr] = name
        return super()._print(expr)


#: an expression with more nodes is written in the order in which its sums are stored, since sorting would dominate the time
UNSORTED = 300


def text(e: sp.Expr) -> str:
    """An expression as text that parses back."""
    return _Printer("none" if longer_than(e, UNSORTED) else None).doprint(e)


class ExpressionWriter:
    """A writer of several expressions as text, with names for repeated parts if the text would be long.

    `where` holds (name, text) for each name; a text uses only earlier names. It is empty if the text is short.
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
        return (self._named or (self._stored if longer_than(e, UNSORTED) else self._sorted)).doprint(e)

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
    """The approximate number of characters of each expression if written out, without writing it."""
    listed = list(expressions)
    sizes = _sizes(bottom_up(listed))
    return [sizes[e] for e in listed]


def _sizes(parts: Iterable[sp.Basic]) -> dict[sp.Basic, int]:
    """The approximate number of characters of each part if written out."""
    sizes: dict[sp.Basic, int] = {}
    for e in parts:
        around = 3 if isinstance(e, (sp.Add, sp.Mul, sp.Pow)) else 2 + len(type(e).__name__)
        sizes[e] = around + sum(sizes[a] + 2 for a in e.args) if e.args else len(str(e))
    return sizes


#: the description of the quantity that is small where the equation holds
MEANT = {
    RangeKind.MEMORY_LAG: "the lag of the averaged memory behind the gradient, in standard deviations of the sign's argument"
}


def left_range(kind: RangeKind, largest: float) -> str:
    """The warning about a run in which the quantity of a range exceeded `LARGE`."""
    return (
        f"the run left the range of the model: {MEANT[kind]}, reached {largest:.3g}, but the model is meant for values small "
        f"compared with 1 (warned from {LARGE:g} on); use a smaller step size, or a regime with a slow memory, such as ballistic"
    )
