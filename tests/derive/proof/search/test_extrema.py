"""Infima found numerically, and simple rationals near them, against mpmath and by exhaustion."""

import random
from fractions import Fraction
from typing import Any

import mpmath
import pytest

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import fn, x
from sdescent.derive.proof.search.intervals.extrema import (
    least,
    rational_near,
    rounded_down,
    simplest_between,
    value_of,
)

X = x("x")
F = Fraction


@pytest.mark.parametrize(
    ("term", "low", "high", "value", "at"),
    [
        (X**2 - X, None, None, "-0.25", F(1, 2)),
        (fn("exp", X), None, None, "0", None),
        (-1 * fn("atan", X), None, None, "-pi/2", None),
        (fn("tanh", X), F(1), None, "tanh(1)", F(1)),
        (X * fn("log", X), F(0), None, "-exp(-1)", "inside"),
        (-1 * fn("erf", X) / X, F(0), None, "-2/sqrt(pi)", None),
        (fn("sqrt", X), F(0), F(3), "0", F(0)),
    ],
)
def test_known_infima(
    term: Any, low: Fraction | None, high: Fraction | None, value: str, at: Fraction | str | None
) -> None:
    infimum = least(term, "x", low, high)
    assert infimum is not None and (infimum.at == at or at == "inside")
    with mpmath.workdps(40):
        expected = mpmath.mpf(eval(value, {}, {name: getattr(mpmath, name) for name in ("pi", "exp", "tanh", "sqrt")}))
        assert abs(mpmath.mpf(infimum.value.numerator) / infimum.value.denominator - expected) < mpmath.mpf(10) ** -20


def test_what_has_no_infimum() -> None:
    assert least(-1 * fn("exp", X), "x", None, None) is None
    assert least(fn("log", X), "x", F(0), None) is None
    assert least(X**3, "x", None, F(1)) is None
    with pytest.raises(ProofError):
        least(fn("abs", X), "x", None, None)
    assert value_of(fn("log", X), "x", F(-1)) is None and value_of(1 / X, "x", F(0)) is None


def test_the_simplest_rational_of_an_interval() -> None:
    rng = random.Random(3)
    for _ in range(300):
        low = F(rng.randint(-300, 300), rng.randint(1, 100))
        high = low + F(rng.randint(1, 100), rng.randint(1, 1000))
        simplest = simplest_between(low, high)
        assert low <= simplest <= high
        for denominator in range(1, simplest.denominator):
            assert -(-low * denominator // 1) > high * denominator // 1, (low, high, denominator)


def test_rational_numbers_are_recognised() -> None:
    assert rational_near(F(1, 3) + F(1, 10**25)) == F(1, 3)
    assert rational_near(F(1, 3) + F(1, 10**9)) is None
    assert rounded_down(F(-1, 3), 3) == F(-334, 1000) and rounded_down(F(1, 3), 3) == F(333, 1000)
    assert rounded_down(F(5), 4) == 5
