"""Formulas of a few characters whose values would fill the memory: refused where they are read, or not evaluated."""

from __future__ import annotations

import time

import pytest
import sympy as sp

from sdescent.derive.audit.equation import stated
from sdescent.derive.expressions.moderate import moderate
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.vocabulary.errors import BadInput


@pytest.mark.parametrize("text", ["x^(64^64)", "x^(65/1)", "((x^(64/1))^2)", "sqrt(2*x)^(10^9*2)", "(x^(-33/1))^(2/1)"])
def test_exponents_that_are_numbers_have_a_limit(text: str) -> None:
    with pytest.raises(BadInput, match="-64 to 64"):
        stated(["x"], ["-x"], [[text]], positive=["x"])


@pytest.mark.parametrize("text", ["(1 + x + x^2 + p + p*x)^(64/1)", "((1 + x)^(60/1) + p)^(30/1)"])
def test_sums_that_are_multiplied_out_have_a_limit(text: str) -> None:
    """By the exponents of a quotient, which the grammar takes for those of any term."""
    with pytest.raises(BadInput, match="monomials"):
        stated(["x"], ["-p*x"], [[text]], positive=["x", "p"])


@pytest.mark.parametrize("text", ["exp(exp(exp(x)))", "p^(p^(p^x))", "cosh(exp(p^x))", "exp(min(exp(exp(x)), 1))"])
def test_exponentials_in_one_another_have_a_limit(text: str) -> None:
    with pytest.raises(BadInput, match="2 deep"):
        stated(["x"], ["-x"], [[text]], positive=["x", "p"])


@pytest.mark.parametrize(
    "text", ["x^(1/3)", "(x^(1/2))^(100/1)", "x^(p/2)", "exp(exp(x))", "exp(p^x)", "x^(1000000000*p)"]
)
def test_others_are_read_quickly(text: str) -> None:
    begun = time.process_time()
    made = stated(["x"], ["-p*x"], [[text]], positive=["x", "p"])
    assert not vanishes(made.covariance[0])
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
