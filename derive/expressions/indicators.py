"""Steps in derivatives as case distinctions: the derivative of a clipping is one indicator, not a product of steps."""

from __future__ import annotations

import sympy as sp
from sympy.logic.boolalg import Boolean


def steps_as_cases(expr: sp.Expr) -> sp.Expr:
    """Heaviside(e) as 1 where e > 0 and 0 elsewhere; a product of steps as one case with all of their conditions."""
    products = expr.replace(lambda e: isinstance(e, sp.Mul) and any(isinstance(a, sp.Heaviside) for a in e.args), _one_case)
    return products.replace(lambda e: isinstance(e, sp.Heaviside), _one_case)


def _one_case(e: sp.Expr) -> sp.Expr:
    steps, others = [], []
    for factor in sp.Mul.make_args(e):
        (steps if isinstance(factor, sp.Heaviside) else others).append(factor)
    return sp.Mul(*others, sp.Piecewise((1, positive_where([s.args[0] for s in steps])), (0, True)))


def positive_where(expressions: list[sp.Expr]) -> Boolean:
    """The condition that all of the expressions are positive; |s| < a where it is equivalent, as for 1 - s/a and 1 + s/a, a > 0."""
    condition = sp.And(*[_positive(e) for e in expressions])
    relations = set(condition.args if isinstance(condition, sp.And) else ())
    for low in [r for r in relations if isinstance(r, sp.StrictGreaterThan)]:
        high = sp.StrictLessThan(low.lhs, -low.rhs)
        if high in relations:
            relations = (relations - {low, high}) | {sp.StrictLessThan(sp.Abs(low.lhs), -low.rhs)}
            condition = sp.And(*relations)
    return condition


def _positive(e: sp.Expr) -> Boolean:
    """e > 0; for e with a maximum or minimum of known sign, as relations between the arguments of that maximum or minimum."""
    for term in sp.Add.make_args(e):
        factor, rest = term.as_independent(sp.Max, sp.Min)
        if not isinstance(rest, (sp.Max, sp.Min)) or not (factor.is_positive or factor.is_negative):
            continue
        both = isinstance(rest, sp.Min) == bool(factor.is_positive)
        return (sp.And if both else sp.Or)(*[_positive(e - term + factor * a) for a in rest.args])
    symbols = sorted(e.free_symbols, key=sp.default_sort_key)
    for s in symbols:  # a bound on the one symbol in which e is linear with a coefficient of known sign
        slope = e.coeff(s)
        offset = sp.expand(e - slope * s)
        if s in offset.free_symbols or s in slope.free_symbols or s.is_positive:
            continue
        if slope.is_positive:
            return sp.StrictGreaterThan(s, -offset / slope)
        if slope.is_negative:
            return sp.StrictLessThan(s, -offset / slope)
    return e > 0  # pyright: ignore[reportReturnType]
