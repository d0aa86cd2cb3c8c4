"""Derivatives of expressions for one generic coordinate: in that coordinate, and along a field; a shorter form of a sum."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy as sp
from sympy.logic.boolalg import Boolean

from sdescent.derive.expressions import coordinates
from sdescent.derive.expressions.graphs import exchange, remade
from sdescent.derive.vocabulary.symbols import du, t, u


def gradient_derivative(expr: sp.Expr) -> sp.Expr:
    """The derivative d expr / d g_j with aggregates held fixed; at a kink of a continuous expression, as `smooth` defines it."""
    return smooth(partial(expr, coordinates.g))


def partial(expr: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """The derivative d expr / d symbol.

    Unlike this function, `sp.diff` tests whether the derivative of every part is zero, which takes seconds for long expressions.
    """
    return _partial(expr, symbol, {symbol: sp.S.One})


def _partial(expr: sp.Expr, symbol: sp.Symbol, slopes_of: dict[sp.Expr, sp.Expr]) -> sp.Expr:
    if expr in slopes_of:
        return slopes_of[expr]
    slope_of = sp.S.Zero
    if symbol in expr.free_symbols:
        args: Any = expr.args
        if isinstance(expr, sp.Add):
            slope_of = sp.Add(*[_partial(a, symbol, slopes_of) for a in args])
        elif isinstance(expr, sp.Mul):
            slopes = [(m, _partial(a, symbol, slopes_of)) for m, a in enumerate(args)]
            slope_of = sp.Add(*[sp.Mul(*args[:m], slope, *args[m + 1 :]) for m, slope in slopes if slope != 0])
        elif isinstance(expr, sp.Pow) and symbol not in args[1].free_symbols:
            slope_of = sp.Mul(args[1], args[0] ** (args[1] - 1), _partial(args[0], symbol, slopes_of))
        elif isinstance(expr, sp.exp):
            slope_of = sp.Mul(expr, _partial(args[0], symbol, slopes_of))
        else:
            slope_of = sp.diff(expr, symbol)
    slopes_of[expr] = slope_of
    return slope_of


def smooth(expr: sp.Expr) -> sp.Expr:
    """The derivative of a continuous function without point masses, with cases for Heaviside steps and 1 for squares of signs.

    Where a sign is 0, the result is the mean of the one-sided derivatives, which is the derivative if there is one.
    """
    if expr.has(sp.DiracDelta):
        expr = expr.replace(lambda e: isinstance(e, sp.DiracDelta), lambda e: sp.S.Zero)
    if expr.has(sp.Heaviside):
        expr = steps_as_cases(expr)
    for sign in sorted(expr.atoms(sp.sign), key=sp.default_sort_key):
        even, odd = _by_parity(expr, sign, {})
        expr = even + odd * sign
    return expr


def _by_parity(
    expr: sp.Expr, sign: sp.Expr, parities: dict[sp.Expr, tuple[sp.Expr, sp.Expr]]
) -> tuple[sp.Expr, sp.Expr]:
    """The pair (a, b) with expr = a + b sign and sign^2 = 1, by sums, products and integer powers; a sign elsewhere stays."""
    if expr not in parities:
        parity = (expr, sp.S.Zero)
        if expr == sign:
            parity = (sp.S.Zero, sp.S.One)
        elif isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 0 and expr.base.has(sign):
            parity = _product([_by_parity(expr.base, sign, parities)] * int(expr.exp))
        elif isinstance(expr, sp.Add) and expr.has(sign):
            parts = [_by_parity(a, sign, parities) for a in expr.args]
            parity = (sp.Add(*[a for a, _ in parts]), sp.Add(*[b for _, b in parts]))
        elif isinstance(expr, sp.Mul) and expr.has(sign):
            parity = _product([_by_parity(a, sign, parities) for a in expr.args])
        parities[expr] = parity
    return parities[expr]


def _product(parts: Iterable[tuple[sp.Expr, sp.Expr]]) -> tuple[sp.Expr, sp.Expr]:
    even, odd = sp.S.One, sp.S.Zero
    for a, b in parts:
        even, odd = even * a + odd * b, even * b + odd * a
    return even, odd


def steps_as_cases(expr: sp.Expr) -> sp.Expr:
    """The expression with Heaviside(e) as 1 if e > 0 and 0 otherwise; a product of steps is one case with all their conditions."""
    products = expr.replace(lambda e: e.is_Mul and any(isinstance(a, sp.Heaviside) for a in e.args), _one_case)
    return products.replace(lambda e: isinstance(e, sp.Heaviside), _one_case)


def _one_case(e: sp.Expr) -> sp.Expr:
    steps, others = [], []
    for factor in sp.Mul.make_args(e):
        (steps if isinstance(factor, sp.Heaviside) else others).append(factor)
    return sp.Mul(*others, sp.Piecewise((1, positive_where([s.args[0] for s in steps])), (0, True)))


def positive_where(expressions: list[sp.Expr]) -> Boolean:
    """The condition that all expressions are positive; |s| < a if that is equivalent, as for 1 - s/a and 1 + s/a, a > 0."""
    condition = sp.And(*[_positive(e) for e in expressions])
    relations = set(condition.args if isinstance(condition, sp.And) else ())
    for low in [r for r in relations if isinstance(r, sp.StrictGreaterThan)]:
        high = sp.StrictLessThan(low.lhs, -low.rhs)
        if high in relations:
            relations = (relations - {low, high}) | {sp.StrictLessThan(sp.Abs(low.lhs), -low.rhs)}
            condition = sp.And(*relations)
    return condition


def _positive(e: sp.Expr) -> Boolean:
    """The condition e > 0; for a maximum or minimum with a coefficient of known sign, as relations between its arguments."""
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


def jacobian_product(b: sp.Expr, c: sp.Expr) -> sp.Expr:
    """The product (J_b c)_j, with J_b the Jacobian in x of the vector field with coordinate b.

    If a sum is 0 and b has no derivative in it (b = ||g|| g_j at g = 0, say), its part is 0. Raises TypeError if b
    contains an aggregate without a derivative (a maximum or a rank).
    """
    return along(b, {"x": c}, 0, lambda slope, dummy, sums: at_zero_gradient(sums[dummy]) == 0)


#: (the derivative in a sum over coordinates, the letter of that sum, every sum by its letter) -> whether the product with the
#: derivative of the sum vanishes as g does
Vanishing = Callable[[sp.Expr, sp.Dummy, Mapping[sp.Dummy, coordinates.Node]], bool]


def along(b: sp.Expr, field: Mapping[str, sp.Expr], time: int = 1, vanishing: Vanishing | None = None) -> sp.Expr:
    """The sum over letters of (derivative of b in the letter) * (field of the letter), plus time * db/dt.

    The gradient is a function of x: its derivative along the field is H times the field of x. Values of `field` are at
    coordinate j; all other letters are constant. `vanishing` is called if the derivative of b in a sum has no value at
    g = 0; without it the result has none there. Raises TypeError if b contains an aggregate without a derivative, such
    as a maximum.
    """
    body, back = coordinates.frozen(b)
    rates = {**field, **({"g": coordinates.hvp(field["x"])} if "x" in field else {})}
    total = time * (sp.diff(body, t) + sp.diff(body, u) * du)
    for symbol in sorted(body.atoms(coordinates.Coordinate), key=str):
        if symbol.base in rates:
            total += smooth(partial(body, symbol)) * rates[symbol.base]
    at_zero = {dummy: at_zero_gradient(node) for dummy, node in back.items()}
    for dummy, node in back.items():
        slope = smooth(partial(body, dummy))
        term = slope * _node_along(node, field, time)
        if vanishing is not None and is_singular(slope.xreplace(at_zero)) and vanishing(slope, dummy, back):
            term = sp.Piecewise((term, node > 0), (0, True))
        total += term
    return exchange(total, back)


def _node_along(node: coordinates.Node, field: Mapping[str, sp.Expr], time: int) -> sp.Expr:
    inner = coordinates.to_slot(node.args[0], "k", "j")
    if isinstance(node, coordinates.CoordSum):
        return coordinates.coord_sum(along(inner, field, time))
    if isinstance(node, coordinates.Hvp):
        slope = coordinates.third(inner, field["x"]) + coordinates.hvp(along(inner, field, time))
        return coordinates.to_slot(slope, "j", node.slot)
    raise TypeError(f"{type(node).__name__} is not differentiable")


def at_zero_gradient(expr: sp.Expr) -> sp.Expr:
    """An expression at g = 0; nan, zoo or oo if it has no value."""
    if isinstance(expr, coordinates.Coordinate):
        return sp.S.Zero if expr.base == "g" else expr
    return expr.func(*[at_zero_gradient(a) for a in expr.args]) if expr.args else expr  # pyright: ignore[reportArgumentType]


def is_singular(value: sp.Expr) -> bool:
    """Whether a value contains an infinity or an undefined quotient."""
    return value.has(sp.nan, sp.zoo, sp.oo, -sp.oo)


def gathered(expr: sp.Expr) -> sp.Expr:
    """An equal expression with numerators multiplied out; functions, aggregates, and sums in roots and denominators stay unchanged.

    `sp.expand` would multiply denominators out, which makes the quotients of adaptive methods many pages long.
    """
    names: dict[sp.Expr, sp.Dummy] = {}
    return exchange(sp.expand(_frozen(sp.sympify(expr), names)), {dummy: e for e, dummy in names.items()})


def factored(expr: sp.Expr) -> sp.Expr:
    """The result of `gathered`, with one factored coefficient for each product of coordinates."""
    names: dict[sp.Expr, sp.Dummy] = {}
    body = sp.expand(_frozen(sp.sympify(expr), names))
    back = {dummy: e for e, dummy in names.items()}

    def dependent(factor: sp.Expr) -> bool:
        base = factor.as_base_exp()[0]
        return isinstance(base, (coordinates.Coordinate, coordinates.Node)) or base in back

    return exchange(sp.Add(*[sp.factor(c) * e for e, c in coefficients(body, dependent).items()]), back)


def coefficients(expr: sp.Expr, monomial: Callable[[sp.Expr], bool]) -> dict[sp.Expr, sp.Expr]:
    """Each product of the factors for which `monomial` is true -> its coefficient, summed over the terms."""
    beside: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(expr):
        coefficient, product = coordinates.split_product(term, monomial)
        beside[product] = beside.get(product, sp.S.Zero) + coefficient
    return beside


def split_hvp(vector: sp.Expr) -> sp.Expr:
    """The Hessian times a vector, written for coordinate j, as a sum of Hessian products of its terms."""
    return sp.Add(*[coordinates.hvp(term) for term in sp.Add.make_args(gathered(vector))])


def linear(expr: sp.Expr) -> sp.Expr:
    """An equal expression in which Hessian products of sums are sums of Hessian products."""
    split = {n: split_hvp(coordinates.to_slot(n.args[0], "k", "j")) for n in expr.atoms(coordinates.Hvp)}
    return exchange(expr, {n: coordinates.to_slot(e, "j", n.slot) for n, e in split.items()})


def _frozen(expr: Any, names: dict[sp.Expr, sp.Dummy]) -> Any:
    if not expr.args or isinstance(expr, coordinates.Node):
        return expr
    if expr.is_Pow and expr.exp.is_Integer and not expr.has(coordinates.Coordinate, coordinates.Node, sp.Function):
        return expr  # a quotient of parameters, which may cancel with others
    if isinstance(expr, sp.Pow):
        if (expr.exp.is_Integer and expr.exp > 0) or not expr.base.is_Add:
            return remade(expr, [_frozen(a, names) for a in expr.args])
        return _named(expr.base, names) ** expr.exp
    if isinstance(expr, (sp.Add, sp.Mul)):
        return expr.func(*[_frozen(a, names) for a in expr.args])
    return _named(expr, names)


def _named(expr: sp.Expr, names: dict[sp.Expr, sp.Dummy]) -> sp.Dummy:
    return names.setdefault(expr, sp.Dummy(real=True, positive=expr.is_positive or None))
