"""Counterexamples: exact, inside the domain, and none for what is true; z3's word on both."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from derive.proof.language.terms import Relation, norm, num, vec
from derive.proof.refute.counterexample import refute
from derive.proof.refute.exact import Algebraic, counterexample
from derive.proof.refute.z3 import decide
from tests.support.claims import FALSE, TRUE, Claim, names, relation, relations

MORE = [
    Claim("exp", "x >= 0", "exp(x) <= 1 + x + x^2"),
    Claim("exp near", "", "exp(x) <= 1 + x + x^2/2 + 1/100"),
    Claim("tanh", "x >= 0", "x - x^3/4 <= tanh(x)"),
    Claim("log", "x > 0", "log(x) <= x - 1 - 1/1000"),
    Claim("erf", "x >= 0", "erf(x) <= x"),
    Claim("atan", "x >= 0", "x/(1+x^2) + x^3 <= atan(x)"),
    Claim("irrational", "x^2 == 2, x > 0", "x <= 7/5"),
    Claim("irrational by equality", "x^2 == 2, x > 0, y == x^2", "y < 2"),
    Claim("tower", "x^2 == 2, y^3 == x + 1, x > 0", "y < 1"),
    Claim("circle", "x^2 + y^2 == 1, x + y == 0, x > 0", "x < 1/2"),
    Claim("tight", "x >= 0, x <= 1", "x*(1-x) <= 1/4 - 1/1000000"),
    Claim("slope", "x*1000003 == y*999983, x > 0", "y < x"),
    Claim("strict by roots", "", "sqrt(2)*sqrt(3) < sqrt(6)"),
    Claim("far", "", "x < sqrt(x^2 + 1) - 1/100000000"),
    Claim("rational", "", "x*y/(1 + x^2 + y^2) < 1/2 - 1/10000"),
]
#: true where all terms are defined, and false only outside
EDGES = [
    Claim("denominator", "", "1/x <= 1/x + x^2"),
    Claim("denominator 0", "x == 0", "1/x <= -1"),
    Claim("log of 0", "x <= 0", "log(x) <= -1"),
    Claim("sqrt of -1", "x < 0", "sqrt(x) <= -1"),
    Claim("roots", "", "sqrt(2)*sqrt(3) <= sqrt(6)"),
    Claim("nested roots", "", "sqrt(3 + 2*sqrt(2)) == 1 + sqrt(2)"),
    Claim("exp equal", "", "exp(x) == exp(x)"),
    Claim("log exp", "x > 0", "log(x) <= x - 1"),
]


def _of(entry: Claim) -> tuple[list[str], list[Relation], Relation]:
    claim, assume = relation(entry.claim), relations(entry.assume)
    return names([claim, *assume]), assume, claim


@pytest.mark.parametrize("entry", FALSE + MORE, ids=lambda e: e.name)
def test_false_claims_have_a_counterexample(entry: Claim) -> None:
    variables, assume, claim = _of(entry)
    point = refute(variables, assume, claim, 10.0)
    assert point is not None
    assert sorted(point) == variables
    assert counterexample(point, assume, claim)


@pytest.mark.parametrize("entry", TRUE + EDGES, ids=lambda e: e.name)
def test_true_claims_have_none(entry: Claim) -> None:
    variables, assume, claim = _of(entry)
    assert refute(variables, assume, claim, 0.1) is None


@pytest.mark.parametrize("entry", [*FALSE, *(e for e in TRUE if e.name != "hurwitz 6")], ids=lambda e: e.name)
def test_the_oracle_agrees(entry: Claim) -> None:
    assert decide(*_of(entry), 10.0) == ("false" if entry in FALSE else "true")


def test_the_oracle_knows_no_exponentials() -> None:
    assert decide(*_of(Claim("", "", "0 <= exp(x)"))) is None


def test_vectors_are_not_refuted() -> None:
    assert refute([], [], norm(vec("g")).le(num(-1)), 0.2) is None


def test_algebraic_numbers_print() -> None:
    assert str(Algebraic((-2, 0, 1), 2)) == "root(x^2 - 2, 2)"
    assert str(Algebraic((1, -3, 0, -4), 1)) == "root(-4*x^3 - 3*x + 1, 1)"
    assert abs(float(Algebraic((-2, 0, 1), 1)) + 2**0.5) < 1e-12


def test_counterexamples_are_checked_exactly() -> None:
    assume, claim = relations("x^2 == 2"), relation("x < 0")
    assert counterexample({"x": Algebraic((-2, 0, 1), 2)}, assume, claim)
    assert not counterexample({"x": Algebraic((-2, 0, 1), 1)}, assume, claim)
    # 1.41421356237309504880 is a float's idea of it.
    assert not counterexample({"x": Fraction(141421356237309504880, 10**20)}, assume, claim)
    assert not counterexample({"x": Fraction(0)}, [], relation("1/x <= -1"))


def test_the_oracle_stops_in_time_and_answers_again() -> None:
    slow = next(e for e in TRUE if e.name == "hurwitz 6")
    assert decide(*_of(Claim("", "", "0 <= x^2")), 10.0) == "true"
    start = time.monotonic()
    assert decide(*_of(slow), 0.3) is None
    assert time.monotonic() - start < 1.5
    assert decide(*_of(Claim("", "", "0 < x^2")), 10.0) == "false"
