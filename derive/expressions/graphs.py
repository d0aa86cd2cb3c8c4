"""Expressions as graphs: every distinct part once, and names for repeated parts."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import mpmath
import sympy as sp
from sympy.logic.boolalg import BooleanFunction


def remade(expr: Any, args: Sequence[Any]) -> Any:
    """The result of expr.func(*args), without evaluation for a power of a sum that SymPy would leave unchanged."""
    # for two summands, however long, SymPy analyses whether either is infinite
    if expr.is_Pow and args[0].is_Add and args[1].is_Rational and args[1] not in (0, 1):
        base = args[0]
        if not base.is_number and not any(a.is_Number and a.is_finite is not True for a in base.args):
            return sp.Pow(*args, evaluate=False)
    return expr.func(*args)


def exchange(expr: sp.Expr, table: Mapping[Any, sp.Expr]) -> sp.Expr:
    """The expression with every key of the table replaced by its value, like `xreplace`, but visiting each repeated part once."""
    values: dict[Any, Any] = dict(table)
    kept: set[Any] = set()

    def put(e: Any) -> Any:
        if e in kept:
            return e
        if e not in values:
            args = [put(a) for a in e.args]
            if all(new is old for new, old in zip(args, e.args, strict=True)):
                kept.add(e)
                return e
            values[e] = remade(e, args)
        return values[e]

    return put(expr) if table else expr


def bottom_up(expressions: Iterable[sp.Basic]) -> list[sp.Basic]:
    """Every distinct subexpression, after its own parts."""
    order: list[sp.Basic] = []
    seen: set[sp.Basic] = set()
    stack: list[tuple[sp.Basic, bool]] = [(e, False) for e in reversed(list(expressions))]
    while stack:
        e, ready = stack.pop()
        if e in seen:
            continue
        if ready or not e.args:
            seen.add(e)
            order.append(e)
        else:
            stack.append((e, True))
            stack += [(a, False) for a in e.args]
    return order


def uses(expressions: Sequence[sp.Basic], parts: Sequence[sp.Basic]) -> dict[sp.Basic, int]:
    """The number of times that each part occurs in another part or among the expressions."""
    return Counter(e for used in (expressions, *(e.args for e in parts)) for e in used)


def named_parts(expressions: Sequence[sp.Expr]) -> tuple[list[tuple[sp.Symbol, sp.Expr]], list[sp.Expr]]:
    """The pairs (name, part) and the expressions, with a symbol, also in later parts, for every part that occurs more than once."""
    parts = bottom_up(expressions)
    count = uses(expressions, parts)
    names: list[tuple[sp.Symbol, sp.Expr]] = []
    new: dict[sp.Basic, Any] = {}
    for e in parts:
        new[e] = _rebuilt(e, [new[a] for a in e.args])
        if e.args and isinstance(e, sp.Expr) and count.get(e, 0) > 1:
            names.append((sp.Dummy(real=True), new[e]))
            new[e] = names[-1][0]
    return names, [new[e] for e in expressions]


def _rebuilt(e: sp.Basic, args: list[Any]) -> Any:
    if all(a is b for a, b in zip(args, e.args, strict=True)):
        return e
    if isinstance(e, (sp.core.relational.Relational, BooleanFunction, sp.Max, sp.Min, sp.Piecewise)):
        return e.func(*args, evaluate=False)
    return remade(e, args)


def numeric(expressions: Sequence[sp.Expr], arguments: Sequence[sp.Symbol], modules: Any) -> Callable[..., list[Any]]:
    """The expressions as one function of mpmath numbers, like `sympy.lambdify`, in time linear in their distinct parts.

    All values are NaN if a part has none: at a pole, or if a condition or a maximum compares complex numbers.
    """
    names, reduced = named_parts(expressions)
    compiled = sp.lambdify(arguments, [sp.S.Zero] * len(reduced), modules, cse=lambda _: (names, reduced))

    def values(*point: Any) -> list[Any]:
        try:
            return compiled(*point)
        except (ZeroDivisionError, ValueError, TypeError):
            return [mpmath.nan] * len(reduced)

    return values
