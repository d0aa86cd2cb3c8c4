"""Derivatives of clippings, dead zones and ramps: one condition where there were products of steps, equal to differences."""

import pytest
import sympy as sp

from sdescent.derive.expressions.coordinates import g
from sdescent.derive.expressions.derivatives import gradient_derivative, partial, positive_where

s = sp.Symbol("s", positive=True)
CLIP = sp.Max(-1, sp.Min(1, g / s))
SHAPES = [
    CLIP,
    sp.Max(g - s, 0) + sp.Min(g + s, 0),
    sp.Max(-sp.Rational(1, 3), sp.Min(3, 2 - 3 * g)),
    sp.Max(g, -2 * g, sp.Min(3 * g, 4)),
    sp.sign(g) * sp.Abs(g) / (s + sp.Abs(g)),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_derivatives_equal_differences(shape: sp.Expr) -> None:
    slope, step = gradient_derivative(shape), sp.Rational(1, 10**9)
    for scale in (sp.Rational(1, 2), sp.Rational(7, 5)):
        for n in range(-40, 41, 8):
            at = sp.Rational(n, 13) + sp.Rational(1, 97)  # away from every kink by more than the step
            value = shape.subs({s: scale, g: at + step}) - shape.subs({s: scale, g: at - step})
            assert abs(value / (2 * step) - slope.subs({s: scale, g: at})) < sp.Rational(1, 10**7)


def test_conditions() -> None:
    assert gradient_derivative(CLIP) == sp.Piecewise((1, sp.Abs(g) < s), (0, True)) / s
    assert positive_where([1 - g / s, 2 + g / s]) == sp.And(g < s, g > -2 * s)
    assert positive_where([sp.Max(g, 1) - 3]) == (g > 3)
    assert positive_where([1 - sp.Min(g, s)]) == sp.Or(g < 1, 1 - s > 0)
    assert positive_where([sp.Integer(-1), 1 + g]) == sp.false


def test_the_chain_rule_is_that_of_sympy() -> None:
    for expr in (
        (g**2 + s) ** sp.Rational(-7, 2) * sp.exp(-g * s) * sp.atan(g / s),
        s**g * g + sp.erf(g / s) ** 3 * sp.tanh(g),
        sp.Piecewise((g**3, g > s), (sp.sin(g), True)) * g,
    ):
        for at in (sp.Rational(1, 3), sp.Rational(9, 4)):
            numbers = {s: sp.Rational(5, 7), g: at}
            assert abs((partial(expr, g) - sp.diff(expr, g)).subs(numbers).evalf(40)) < sp.Rational(1, 10**35)
