"""Formulas of a few characters whose values would fill the memory: refused where they are read, or not evaluated."""

import time

import pytest
import sympy as sp

from sdescent.derive.audit.equation_in_coordinates import stated
from sdescent.derive.expressions.vanishing import moderate, vanishes
from sdescent.derive.vocabulary.errors import BadInput


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x^(64^64)", "-64 to 64"),
        ("sqrt(2*x)^(10^9*2)", "-64 to 64"),
        ("(x^(-33/1))^(2/1)", "-64 to 64"),
        # the exponent of a quotient, which the grammar takes for that of any term
        ("(1 + x + x^2 + p + p*x)^(64/1)", "monomials"),
        ("((1 + x)^(60/1) + p)^(30/1)", "monomials"),
        ("exp(exp(exp(x)))", "2 deep"),
        ("p^(p^(p^x))", "2 deep"),
        ("exp(min(exp(exp(x)), 1))", "2 deep"),
    ],
)
def test_a_formula_of_huge_values_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        stated(["x"], ["-p*x"], [[text]], positive=["x", "p"])


@pytest.mark.parametrize("text", ["x^(1/3)", "(x^(1/2))^(100/1)", "exp(p^x)", "x^(1000000000*p)"])
def test_others_are_read_quickly(text: str) -> None:
    begun = time.process_time()
    equation = stated(["x"], ["-p*x"], [[text]], positive=["x", "p"])
    assert not vanishes(equation.covariance[0])
    assert time.process_time() - begun < 2


def test_what_is_moderate() -> None:
    x, p = sp.symbols("x p", positive=True)
    at = {x: sp.Rational(9, 2), p: sp.Rational(3)}
    assert moderate([x**p, sp.exp(sp.exp(x)), sp.log(x - p), sp.sqrt(-x), x**64], at)
    near = 1 + sp.Rational(1, 10**9)
    for large in (
        x ** (10**9),
        x ** (p ** (p**p)),
        sp.exp(sp.exp(sp.exp(x))),
        near ** (10**9 * p),
        1 / (x - x * p / 3),
    ):
        assert not moderate([large], at)
    assert vanishes((x + 1) ** (10**9 * p) - (x + 1) ** (10**9 * p)) and not vanishes((x + 1) ** (10**9 * p))
