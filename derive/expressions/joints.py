"""Joints, where a function changes its formula along a line: their places, the formulas beside them, and their smoothness."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

import sympy as sp

from sdescent.derive.expressions.vanishing import vanishes

#: functions with infinitely many jumps, and those with a kink or a jump where an argument is 0
STEPS = (sp.floor, sp.ceiling, sp.frac, sp.Mod)
SWITCHES = (sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min, sp.Piecewise, *STEPS)
#: functions without a derivative where their base or argument is 0, or +-1 for asin and acos
SINGULAR = (sp.Pow, sp.log, sp.asin, sp.acos)
#: the largest order of a zero, and the largest number of formulas with a choice at each switch
DEPTH, CHOICES = 8, 256
#: lines in R^dim: a number for the start, and one for the direction
LINES = ((sp.S.Zero, 3), (sp.Rational(5, 7), 5), (-sp.Rational(11, 3), -13))
_ODD = (sp.atan, sp.tanh, sp.sinh, sp.asinh, sp.erf)


class Unresolved(Exception):
    """The joints of a function cannot be determined, for instance because the zeros of an argument have no closed form."""


def joints(e: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    """All places where a function of x changes its formula or has no derivative, and perhaps others; Unresolved if
    zeros stay open.
    """
    return list(dict.fromkeys(at for node in nodes_of(e, x) for at in joints_of(node, x)))


def joints_of(node: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    """The joints of a switch or a power, or of an expression that was one before substitution."""
    if not isinstance(node, (*SWITCHES, *SINGULAR)):
        return joints(node, x)
    if isinstance(node, STEPS):
        raise Unresolved(f"{node} jumps at infinitely many places")
    plain = (e for argument in arguments_of(node, x) for e in _plain(argument, x))
    return list(dict.fromkeys(place for e in plain for place in _zeros(e, x)))


def nodes_of(e: sp.Expr, *x: sp.Symbol) -> list[sp.Expr]:
    """The switches in e that depend on the letters, and the powers, quotients and logarithms that may be singular."""
    candidates = [a for a in sp.preorder_traversal(e) if isinstance(a, (*SWITCHES, *SINGULAR)) and a.has(*x)]
    return list(dict.fromkeys(a for a in candidates if isinstance(a, SWITCHES) or _singular(a)))


def _singular(a: sp.Expr) -> bool:
    if not isinstance(a, sp.Pow):
        return not (isinstance(a, sp.log) and a.args[0].is_positive)
    return not (a.exp.is_Integer and a.exp.is_nonnegative) and not a.base.is_positive


def arguments_of(node: sp.Expr, *x: sp.Symbol) -> Iterator[sp.Expr]:
    """The expressions whose zeros are the joints of a switch or a power."""
    if isinstance(node, (sp.Max, sp.Min)):
        arguments = [a - b for a, b in combinations(node.args, 2)]
    elif isinstance(node, sp.Piecewise):
        relations = {r for _, cond in node.args for r in cond.atoms(sp.core.relational.Relational)}
        arguments = [r.lhs - r.rhs for r in sorted(relations, key=sp.default_sort_key)]
    else:
        arguments = [1 - node.args[0] ** 2 if isinstance(node, (sp.asin, sp.acos)) else node.args[0]]
    yield from (a for a in arguments if a.has(*x))


def _plain(e: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    """The formulas of e, one for every choice at each of its switches."""
    if not e.has(*SWITCHES) or not e.has(x):
        return [e]
    parts = [_plain(a, x) for a in ([v for v, _ in e.args] if isinstance(e, sp.Piecewise) else e.args)]
    if isinstance(e, (sp.Piecewise, sp.Max, sp.Min)):
        formulas = [one for part in parts for one in part]
    elif isinstance(e, (sp.Abs, sp.sign, sp.Heaviside)):
        either = {sp.Abs: lambda a: (a, -a), sp.sign: lambda a: (1, -1), sp.Heaviside: lambda a: (1, 0)}[e.func]
        formulas = [sp.sympify(value) for one in parts[0] for value in either(one)]
    else:
        formulas = [e.func(*chosen) for chosen in product(*parts)]
    if len(formulas) > CHOICES:
        raise Unresolved(f"{e} has too many switches")
    return list(dict.fromkeys(formulas))


def _zeros(a: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    """The real zeros and the poles of a formula without switches. Raises Unresolved if they have no closed form."""
    if not a.has(x) or a.is_positive or a.is_negative or isinstance(a, sp.exp):
        return []
    if isinstance(a, sp.Mul):
        return [at for factor in a.args for at in _zeros(factor, x)]
    if isinstance(a, sp.log):
        return [*_zeros(a.args[0] - 1, x), *_zeros(a.args[0], x)]
    if isinstance(a, _ODD) or (isinstance(a, sp.Pow) and not a.exp.has(x)):
        return _zeros(a.args[0], x)
    parts = sp.fraction(sp.together(a))
    if not all(part.is_polynomial(x) for part in parts):
        raise Unresolved(f"no closed form is known for the zeros of {a}")
    return [at for part in parts for poly, _ in sp.Poly(part, x).factor_list()[1] for at in _roots(poly)]


def _roots(poly: sp.Poly) -> list[sp.Expr]:
    if all(c.is_Rational for c in poly.all_coeffs()):
        return list(dict.fromkeys(sp.real_roots(poly)))
    if poly.degree() > 2:
        raise Unresolved(f"no closed form is known for the zeros of {poly.as_expr()}")
    return [at for at in sp.roots(poly) if at.is_real is not False]


def beside(e: sp.Expr, x: sp.Symbol, at: sp.Expr, side: int) -> sp.Expr:
    """The formula of e just right (side = 1) or left (-1) of a place; signs that depend on symbols become letters.

    Raises Unresolved if a case depends on symbols, an argument has no value, or a zero is of too high an order.
    """
    if not e.has(x) or not e.args:
        return e
    if isinstance(e, sp.Piecewise):
        values = (value for value, cond in e.args if holds(cond, lambda gap: _certain_sign(gap, x, at, side)))
        value = next(values, None)
        return sp.nan if value is None else beside(value, x, at, side)
    args = [beside(a, x, at, side) for a in e.args]
    if isinstance(e, sp.Abs):
        return _sign(args[0], x, at, side) * args[0]
    if isinstance(e, sp.sign):
        return _sign(args[0], x, at, side)
    if isinstance(e, sp.Heaviside):
        return (1 + _sign(args[0], x, at, side)) / 2
    if isinstance(e, (sp.Max, sp.Min)):
        way, total = (1 if isinstance(e, sp.Max) else -1), args[0]
        for other in args[1:]:
            gap = total - other
            total = (total + other + way * _sign(gap, x, at, side) * gap) / 2
        return sp.expand(total)
    if isinstance(e, sp.Pow) and e.exp.is_Rational and e.exp.q == 2 and args[0].is_polynomial(x):
        root = sp.factor(args[0]) ** e.exp  # the root of (x - 1)^2 is an absolute value
        return beside(root, x, at, side) if root.has(sp.Abs) else root
    return e.func(*args)


def holds(condition: sp.Basic, sign_of: Callable[[sp.Expr], int]) -> bool:
    """Whether a condition is true, by the signs of lhs - rhs of the comparisons in it; Unresolved if it has other parts."""
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, sp.core.relational.Relational):
        return bool(condition.func(sign_of(condition.lhs - condition.rhs), 0))
    if isinstance(condition, sp.Not):
        return not holds(condition.args[0], sign_of)
    if not isinstance(condition, (sp.And, sp.Or)):
        raise Unresolved(f"the condition {condition} does not consist of comparisons")
    parts = (holds(a, sign_of) for a in condition.args)
    return all(parts) if isinstance(condition, sp.And) else any(parts)


def _certain_sign(gap: sp.Expr, x: sp.Symbol, at: sp.Expr, side: int) -> int:
    sign = _sign(beside(gap, x, at, side), x, at, side)
    if not sign.is_Integer:
        raise Unresolved(f"the sign of {gap}, which selects a case, depends on symbols")
    return int(sign)


def _sign(a: sp.Expr, x: sp.Symbol, at: sp.Expr, side: int) -> sp.Expr:
    """The sign of a formula just beside a place: 1, -1, 0, or a letter if it depends on symbols."""
    if vanishes(a):
        return sp.S.Zero
    for k in range(DEPTH):
        value = value_at(a, x, at)
        if value is None:
            raise Unresolved(f"no sign is known for {a} at {at}")
        if not vanishes(value):
            if value.is_number:
                return sp.Integer(side**k if value.evalf(40) > 0 else -(side**k))
            sign = 1 if value.is_positive else -1 if value.is_negative else sp.Symbol(f"sign of {value}", real=True)
            return sp.sympify(side**k * sign)
        a = sp.diff(a, x)
    raise Unresolved(f"{a} vanishes to too high an order at {at}")


def value_at(a: sp.Expr, x: sp.Symbol, at: sp.Expr) -> sp.Expr | None:
    """The value of a formula at a place; None if it is infinite or undefined, as at a pole or for the slope of a root."""
    try:
        value = sp.expand(a.subs(x, at))
    except ValueError:  # SymPy cannot compare a pole in a maximum
        return None
    return None if value.has(sp.nan, sp.zoo, sp.oo, sp.S.NegativeInfinity) else value


def _limit(a: sp.Expr, y: sp.Symbol) -> sp.Expr | None:
    """The limit of a formula as y decreases to 0; None if there is no finite one."""
    value = value_at(a, y, sp.S.Zero)
    if value is None:  # 0 log 0, say
        try:
            value = sp.limit(a, y, 0, "+")
        except (NotImplementedError, ValueError) as error:
            raise Unresolved(f"no limit is known for {a}") from error
    return None if value.has(sp.oo, sp.S.NegativeInfinity, sp.zoo, sp.nan, sp.Limit, sp.AccumBounds) else value


def smoothness_at(e: sp.Expr, x: sp.Symbol, at: sp.Expr, most: int = 2) -> int:
    """The largest k <= most for which e is C^k at a place; -1 if it jumps. If e has no value there, its limit counts as its value.

    Raises Unresolved if the formulas on both sides are not determined.
    """
    y = sp.Dummy("y", positive=True)  # the distance, in which roots stay real
    sides = [sp.expand(beside(e, x, at, side).subs(x, at + side * y)) for side in (1, -1)]
    here = value_at(e, x, at)
    for k in range(most + 1):
        right, left = (_limit(one, y) for one in sides)
        if right is None or left is None or right.is_real is False or left.is_real is False:
            return k - 1
        if not vanishes(right - (-1) ** k * left) or (k == 0 and here is not None and not vanishes(right - here)):
            return k - 1
        sides = [sp.diff(one, y) for one in sides]
    return most


@dataclass(frozen=True)
class Rough:
    """A switch or a power at which a function has too few derivatives."""

    #: the switch or the power; for a Piecewise, the expressions whose zeros separate its cases
    parts: tuple[sp.Expr, ...]
    #: such a place, a number for each letter; empty if none was found
    at: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    order: int = -1  # the function is C^order there; -1 if it jumps or no place was found


def rough(e: sp.Expr, letters: Sequence[sp.Symbol], order: int) -> list[Rough]:
    """Switches and powers at which a function of real letters is not C^order: exact in one letter, else along a few lines.

    A switch counts as rough if its joints are not determined or no line meets them; a root or a logarithm does not.
    """
    y = sp.Dummy("y", real=True)
    lines = [{s: p * (m + 1) ** 2 + y * sp.Rational(q + m, 7 + m) for m, s in enumerate(letters)} for p, q in LINES]
    paths = lines if len(letters) > 1 else [{letters[0]: y}]
    return [one for node in nodes_of(e, *letters) if (one := _rough(e, node, paths, y, order)) is not None]


def _rough(e: sp.Expr, node: sp.Expr, lines: list[dict[sp.Symbol, sp.Expr]], y: sp.Symbol, order: int) -> Rough | None:
    switch, seen = isinstance(node, SWITCHES), len(lines) == 1
    parts = tuple(arguments_of(node, *lines[0])) if isinstance(node, sp.Piecewise) else (node,)
    for line in lines:
        along = e.xreplace(line)
        try:
            for at in joints_of(node.xreplace(line), y):
                seen = True
                if (degree := smoothness_at(along, y, at, order)) < order:
                    return Rough(parts, {s: place.xreplace({y: at}) for s, place in line.items()}, degree)
        except Unresolved:
            if switch:
                return Rough(parts)
    return Rough(parts) if switch and not seen else None
