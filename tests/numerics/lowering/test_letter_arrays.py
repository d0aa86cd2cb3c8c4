"""Formulas of numbered letters that are one formula, and those that are not."""

import numpy as np
import pytest
import sympy as sp

from sdescent.numerics.lowering.letter_arrays import Apart, Templates, grouped, single
from sdescent.numerics.lowering.to_jax import lower_function

x = sp.symbols("x1:13", real=True)
m = sp.symbols("m1:13", real=True)
h = sp.symbols("h1:13", real=True)
STATE = [*m, *x]


def test_letters_with_one_base_are_one_group_and_come_back_in_order():
    """In an order that is not its own inverse, so that the way back is another one."""
    state = [x[0], m[0], m[1], x[1], sp.Symbol("theta", real=True)]
    families = grouped(state)
    assert families.groups == ((0, 3), (1, 2), (4,))
    points = np.arange(10.0).reshape(5, 2)
    assert np.array_equal(families.join(families.split(points), 2), points)
    assert [len(group) for group in single(state).groups] == [1] * 5


@pytest.mark.parametrize(
    "formula",
    [
        lambda n: -h[n] * x[n] + m[n],
        lambda n: -(n + 1) * x[n] / 4 + m[n] * sp.Rational(3, 7),  # coefficients that are whole, broken and 1
        lambda n: x[n] ** 3 / (1 + sp.sqrt(1 + m[n] ** 2)) - sp.exp(-(n + 3) * x[n]) + h[0],
        lambda n: sp.Piecewise((x[n], m[n] > n), (-x[n], True)),
    ],
)
@pytest.mark.slow
def test_one_formula_has_the_values_of_all(formula):
    families = grouped(STATE)
    templates = Templates(families)
    formulas = [sp.sympify(formula(n)) for n in range(12)]
    found = templates(formulas)
    draw = np.random.default_rng(1)
    points, values = draw.normal(size=(24, 5)), {s.name: v for s, v in zip(h, draw.normal(size=12), strict=True)}
    scalars = {**families.named(families.split(points)), **values, **templates.values(values, float)}
    symbols = sorted(found.free_symbols, key=str)
    ours = lower_function(found, symbols)(*[scalars[s.name] for s in symbols])
    given = [*STATE, *h]
    one_by_one = [lower_function(e, given)(*points, *values.values()) for e in formulas]
    assert np.allclose(ours, np.stack(one_by_one), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    "formula",
    [
        lambda n: -x[(n + 1) % 12],  # a neighbour
        lambda n: -x[n] + x[0],  # one of the group for all
        lambda n: sp.sin(x[n]) if n == 5 else sp.cos(x[n]),
        lambda n: x[n] + (m[n] if n else 0),
    ],
)
def test_formulas_that_differ_are_apart(formula):
    with pytest.raises(Apart):
        Templates(grouped(STATE))([sp.sympify(formula(n)) for n in range(12)])


def test_matrices_between_groups():
    templates = Templates(grouped([*x[:2], *m[:2]]))
    block = sp.Matrix([[1, 0, 3, 0], [0, 2, 0, 3], [3, 0, 5, 0], [0, 3, 0, 5]])
    found = templates.between(block)
    assert found.shape == (2, 2) and found[0, 1] == 3 and found[1, 1] == 5
    assert templates.vectors[found[0, 0].name] == (1, 2)
    block[0, 1] = block[1, 0] = 1
    with pytest.raises(Apart):
        templates.between(block)
    assert templates.rows(sp.Matrix([[2, 0, 1], [0, 2, 1], [0, 0, 0], [0, 0, 0]])) == [(0, 0, 2, 2), (0, 2, 1, 1)]
    with pytest.raises(Apart):
        templates.rows(sp.Matrix([[0, 2], [2, 0], [0, 0], [0, 0]]))
