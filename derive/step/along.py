"""The derivative of a function of the state along a field, in generic coordinates: (D b) c, with Hessian products of the loss."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate, CoordSum, Hvp, coord_sum, frozen, hvp, third, to_slot
from sdescent.derive.expressions.derivatives import partial, smooth
from sdescent.derive.expressions.gathered import gathered
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.vocabulary.symbols import du, t, u


def along(b: sp.Expr, field: Mapping[str, sp.Expr], time: int = 1) -> sp.Expr:
    """sum over letters of the derivative of b in the letter times the field, and time times d/dt.

    The gradient follows x: its derivative along the field is H times the field's x.

    Args:
        b: at coordinate j, in x, the memory letters, the gradient, sums over coordinates, Hessian products, t.
        field: letter -> value at coordinate j.

    Raises:
        TypeError: b contains an aggregate that has no derivative, such as a maximum.
    """
    body, back = frozen(b)
    total = time * (sp.diff(body, t) + sp.diff(body, u) * du)
    for symbol in sorted((c for c in body.atoms(Coordinate) if isinstance(c, Coordinate)), key=str):
        rate = hvp(field["x"]) if symbol.base == "g" else field.get(symbol.base)
        if rate is not None:
            total += smooth(partial(body, symbol)) * rate
    for dummy, node in back.items():
        total += smooth(partial(body, dummy)) * _node_along(node, field, time)
    return exchange(total, back)


def _node_along(node: sp.Expr, field: Mapping[str, sp.Expr], time: int) -> sp.Expr:
    inner = to_slot(node.args[0], "k", "j")
    if isinstance(node, CoordSum):
        return coord_sum(gathered(along(inner, field, time)))
    if isinstance(node, Hvp):
        return to_slot(third(inner, field["x"]) + hvp(along(inner, field, time)), "j", node.slot)
    raise TypeError(f"{type(node).__name__} is not differentiable here")
