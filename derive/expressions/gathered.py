"""A shorter form of a sum of products: numerators multiplied out and like terms gathered. No decision rests on it."""

from collections.abc import Callable
from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate, Hvp, Node, hvp, split_product, to_slot
from sdescent.derive.expressions.graphs import exchange, remade


def gathered(expr: sp.Expr) -> sp.Expr:
    """An equal expression with numerators multiplied out; functions, aggregates, and sums in roots and denominators stay unchanged.

    `sp.expand` would multiply denominators out, which makes the quotients of adaptive methods many pages long.
    """
    names: dict[sp.Expr, sp.Dummy] = {}
    body = _frozen(sp.sympify(expr), names)
    return exchange(sp.expand(body), {dummy: e for e, dummy in names.items()})


def factored(expr: sp.Expr) -> sp.Expr:
    """The result of `gathered`, with one factored coefficient for each product of coordinates."""
    names: dict[sp.Expr, sp.Dummy] = {}
    body = sp.expand(_frozen(sp.sympify(expr), names))
    back = {dummy: e for e, dummy in names.items()}

    def dependent(factor: sp.Expr) -> bool:
        base = factor.as_base_exp()[0]
        return isinstance(base, (Coordinate, Node)) or base in back

    return exchange(sp.Add(*[sp.factor(c) * e for e, c in coefficients(body, dependent).items()]), back)


def coefficients(expr: sp.Expr, monomial: Callable[[sp.Expr], bool]) -> dict[sp.Expr, sp.Expr]:
    """Each product of the factors for which `monomial` is true -> its coefficient, summed over the terms."""
    beside: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(expr):
        coefficient, product = split_product(term, monomial)
        beside[product] = beside.get(product, sp.S.Zero) + coefficient
    return beside


def split_hvp(vector: sp.Expr) -> sp.Expr:
    """The Hessian times a vector, written for coordinate j, as a sum of Hessian products of its terms."""
    return sp.Add(*[hvp(term) for term in sp.Add.make_args(gathered(vector))])


def linear(expr: sp.Expr) -> sp.Expr:
    """An equal expression in which Hessian products of sums are sums of Hessian products."""
    products = [n for n in expr.atoms(Hvp) if isinstance(n, Hvp)]
    return exchange(expr, {n: to_slot(split_hvp(to_slot(n.args[0], "k", "j")), "j", n.slot) for n in products})


def _frozen(expr: Any, names: dict[sp.Expr, sp.Dummy]) -> Any:
    if not expr.args or isinstance(expr, Node):
        return expr
    if (
        isinstance(expr, sp.Pow)
        and expr.exp.is_Integer
        and not expr.atoms(Coordinate)
        and not expr.has(Node, sp.Function)
    ):
        return expr  # a quotient of parameters, which may cancel with others
    if isinstance(expr, sp.Pow):
        if (expr.exp.is_Integer and expr.exp > 0) or not expr.base.is_Add:
            return remade(expr, [_frozen(a, names) for a in expr.args])
        return _named(expr.base, names) ** expr.exp
    if isinstance(expr, (sp.Add, sp.Mul)):
        return expr.func(*[_frozen(a, names) for a in expr.args])
    return _named(expr, names)


def _named(expr: sp.Expr, names: dict[sp.Expr, sp.Dummy]) -> sp.Dummy:
    return names.setdefault(
        expr, sp.Dummy(positive=expr.is_positive, real=True) if expr.is_positive else sp.Dummy(real=True)
    )
