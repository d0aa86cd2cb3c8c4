"""Joints of formulas: where they are, and how many derivatives agree there, against answers worked out by hand."""

from typing import Any

import pytest
import sympy as sp

from sdescent.derive.expressions.joints import Unresolved, joints, rough, smoothness_at, value_at

x, y = sp.symbols("x y", real=True)
delta = sp.Symbol("delta", positive=True)
cases = sp.Piecewise
#: formula -> {place: the largest k <= 3 for which it is C^k there}, places where it is C^3 left out
SMOOTH: list[tuple[sp.Expr, dict[Any, int]]] = [
    (sp.Abs(x), {0: 0}),
    (x * sp.Abs(x), {0: 1}),
    (sp.Abs(x) ** 5, {}),
    (sp.sign(x), {0: -1}),
    (sp.cos(sp.Abs(x)), {}),
    (sp.exp(-sp.Abs(x)) * (1 + sp.Abs(x)), {0: 2}),
    (sp.Max(0, 1 - x) ** 2, {1: 1}),
    (sp.Max(-x, x, 1), {-1: 0, 1: 0}),
    (sp.Min(x**2, 1), {-1: 0, 1: 0}),
    (sp.sqrt(x**2 - 2 * x + 1), {1: 0}),
    (sp.sqrt(1 + x**2), {}),
    (sp.Abs(x) ** sp.Rational(3, 2), {0: 1}),
    (sp.Abs(x**2 - 2), {-sp.sqrt(2): 0, sp.sqrt(2): 0}),
    (cases((x**2 / 2, sp.Abs(x) <= delta), (delta * (sp.Abs(x) - delta / 2), True)), {-delta: 1, delta: 1}),
    (cases((sp.exp(x) - x - 1, x >= 0), (x**2 / 2, True)), {0: 2}),
    (cases((x**2, x < 1), (x**2, True)), {}),
    (cases((x, x < 1), (5, sp.Eq(x, 1)), (x, True)), {1: -1}),
    (cases((x, x < 1), (x + sp.Rational(1, 10**30), True)), {1: -1}),
    (sp.Abs(sp.Max(x, 0) - 1), {0: 0, 1: 0}),
    (sp.Max(0, x - 1) * sp.Max(0, -1 - x), {}),
    (x * sp.log(sp.Abs(x)), {0: 0}),
    (x**2 * sp.log(x**2), {0: 1}),
    (cases((sp.exp(-1 / x**2), sp.Ne(x, 0)), (0, True)), {}),
]


@pytest.mark.parametrize(("e", "expected"), SMOOTH, ids=lambda v: str(v) if isinstance(v, sp.Expr) else "")
def test_joints_are_told_apart_by_their_derivatives(e: sp.Expr, expected: dict[Any, int]) -> None:
    orders = {at: smoothness_at(e, x, at, 3) for at in joints(e, x)}
    assert {at: k for at, k in orders.items() if k < 3} == expected


def test_zeros_without_a_closed_form_are_not_guessed() -> None:
    with pytest.raises(Unresolved):
        joints(sp.Max(0, sp.exp(x) + x), x)
    (one,) = rough(sp.Max(0, sp.exp(x) + x), [x], 2)
    assert one.parts == (sp.Max(0, sp.exp(x) + x),) and not one.at


@pytest.mark.parametrize(
    ("e", "order"),
    [
        (sp.sqrt(x**2 + y**2), 0),
        (sp.sqrt(1 + x**2 + y**2), 3),
        (sp.Max(0, 1 - x - y) ** 2, 1),
        (sp.Max(0, 1 - x - y) ** 5, 3),
        (sp.Abs(x**2 + y**2 - 1), 0),
        (x * y + sp.Abs(x) * y**2, 0),
    ],
    ids=str,
)
def test_in_the_plane_they_are_seen_along_lines(e: sp.Expr, order: int) -> None:
    """With `order` derivatives nothing is rough, with one more something is."""
    assert not rough(e, [x, y], order)
    assert order == 3 or any(one.at and one.order == order for one in rough(e, [x, y], order + 1))


def test_a_switch_that_no_line_meets_counts_as_a_kink() -> None:
    (one,) = rough(sp.Abs((x - 50) ** 2 + (y - 70) ** 2 - sp.Rational(1, 100)), [x, y], 2)
    assert not one.at
    assert value_at(sp.Max(0, 1 / y), y, sp.S.Zero) is None  # a maximum with a pole
