"""Named coordinates: ranks with ties, and slopes of a loss put in place of the gradient's symbols."""

import itertools

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.expressions.coordinates import fourth, g, hvp, rank, third
from sdescent.derive.expressions.gradient_form import Expansion, Substitution, without_cases

x, y = sp.symbols("x y", real=True)
SLOPE = sp.Piecewise((sp.exp(x) - 1, x >= 0), (x, True))


def test_ranks_count_larger_coordinates_and_equal_ones_before() -> None:
    symbols = sp.symbols("g1:4", real=True)
    ranks = Expansion(3, {"g": list(symbols)}).vector(rank(sp.Abs(g)))
    for values in itertools.product((-2, -1, 0, 1, 2), repeat=3):
        order = sorted(range(3), key=lambda m: (-abs(values[m]), m))
        assert [r.subs(dict(zip(symbols, values, strict=True))) for r in ranks] == [order.index(m) for m in range(3)]


MEETING = [
    SLOPE,
    sp.Piecewise((sp.sin(x), x > 0), (x**3, True)) + y,
    sp.Abs(sp.Piecewise((x, x <= -2), (-2, True))),
]
OTHERS = [
    sp.Piecewise((x + 1, x >= 0), (x, True)),  # a jump
    sp.Piecewise((x, x >= y), (y, True)),  # a boundary that moves
    sp.Piecewise((x, x < 0), (0, x < 1), (x - 1, True)),
]


def test_two_functions_that_meet_are_written_without_cases() -> None:
    for cases in MEETING:
        flat = without_cases(cases)
        assert not flat.has(sp.Piecewise)
        for value in (-3.5, -2, -0.3, 0, 0.7, 1, 2.9):
            assert sp.N((flat - cases).subs({x: value, y: 0.4})) == pytest.approx(0, abs=1e-12)
    assert [without_cases(cases) for cases in OTHERS] == OTHERS


def test_substitution_has_the_value_of_sympys_own() -> None:
    a, b = sp.symbols("g1 g2", real=True)
    longer = sp.log(1 + sp.exp(-x * y - x**2 + y / 3)) + sum(sp.sin(n * x) for n in range(1, 12))
    table = {a: SLOPE, b: longer}
    inside = sp.Max(0, sp.sign(sp.Abs(a) - sp.Abs(b))) < 1
    expr = sp.Piecewise((a * b, inside), (sp.Max(-1, sp.Min(1, b)) + sp.sign(a), True))
    put = Substitution(table)(expr)
    for at in np.random.default_rng(3).normal(size=(4, 2)):
        values = {x: sp.Float(at[0], 30), y: sp.Float(at[1], 30)}
        direct = expr.subs({s: e.subs(values) for s, e in table.items()})
        assert sp.N(put.subs(values) - direct) == pytest.approx(0, abs=1e-20)


def test_constants_leave_a_derivative_of_the_loss_once_for_each_place() -> None:
    assert hvp(3 * g) == 3 * hvp(g) and third(3 * g) == 9 * third(g) and fourth(-3 * g) == -27 * fourth(g)
