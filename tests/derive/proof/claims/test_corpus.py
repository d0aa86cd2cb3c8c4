"""The corpus of claims, checked without the prover: every true one on many points, every false one at its witness.

Values are exact fractions where only + - * / and powers occur (and functions where their values are rational and known),
else numbers of 50 digits. A denominator of zero, or a root or logarithm outside its domain, is an error of the corpus.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from math import isqrt
from typing import Any

import mpmath
import pytest

from sdescent.derive.reading.claims import Claim
from sdescent.derive.vocabulary.formulas.grammar import Relation, Term, parse_term
from tests.support.corpus.cases import Case, claim_of
from tests.support.corpus.failing import FALSE
from tests.support.corpus.holding import TRUE
from tests.support.corpus.one_step import HARD, ONE_STEP, REFUTED

POINTS = 150
_context = mpmath.MPContext()
_context.dps = 50
_MARGIN = _context.mpf(10) ** -40
_ORIGIN = {"sqrt": (0, 0), "exp": (0, 1), "log": (1, 0), "atan": (0, 0), "erf": (0, 0), "tanh": (0, 0)}

Number = Any  # Fraction where exact, else a number of 50 digits


def value(term: Term, at: dict[str, Number]) -> Number:
    kind, *parts = term
    if kind == "q":
        return Fraction(parts[0])
    if kind == "x":
        return at[parts[0]]
    if kind == "^":
        return value(parts[0], at) ** parts[1]
    if kind == "f":
        return function(parts[0], value(parts[1], at))
    first, *rest = (value(part, at) for part in parts)
    for other in rest:
        first, other = alike(first, other)
        if kind == "/":
            assert other != 0, "a denominator of zero"
        first = first + other if kind == "+" else first * other if kind == "*" else first / other
    return first


def function(name: str, x: Number) -> Number:
    assert name != "sqrt" or x >= 0, "a root of a negative number"
    assert name != "log" or x > 0, "a logarithm of a number <= 0"
    if name == "abs":
        return abs(x)
    if isinstance(x, Fraction):
        if name == "sqrt":
            root = Fraction(isqrt(x.numerator), isqrt(x.denominator))
            if root**2 == x:
                return root
        if x == _ORIGIN[name][0]:
            return Fraction(_ORIGIN[name][1])
    return getattr(_context, name)(inexact(x))


def inexact(x: Number) -> Number:
    return _context.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else x


def alike(x: Number, y: Number) -> tuple[Number, Number]:
    return (x, y) if isinstance(x, Fraction) and isinstance(y, Fraction) else (inexact(x), inexact(y))


def verdict(relation: Relation, at: dict[str, Number]) -> bool | None:
    """Whether the relation holds; None where 50 digits do not tell equal numbers from close ones."""
    op, left, right = relation
    x, y = alike(value(left, at), value(right, at))
    if not isinstance(x, Fraction) and abs(x - y) <= _MARGIN * max(1, abs(x), abs(y)):
        return True if op == "==" else None
    return x <= y if op == "<=" else x < y if op == "<" else x == y


def number(chance: random.Random) -> Fraction:
    kind = chance.randrange(4)
    if kind == 0:
        return Fraction(chance.choice([0, 0, 1, 1, -1, 2, -2, 3, 10]), chance.choice([1, 1, 1, 2, 3]))
    if kind == 1:
        return Fraction(chance.randrange(-2000, 2001), 1000)
    sign = chance.choice([1, 1, 1, -1])
    size = Fraction(10) ** chance.randrange(-4, 3) * Fraction(chance.randrange(10, 100), 10)
    return sign * (size if kind == 2 or size < 20 else size / 100)


def edges(claim: Claim) -> list[tuple[str, Term]]:
    """The assumptions that bound a variable, as (variable, term at which they are tight)."""
    found = []
    for op, left, right in claim.assume:
        sides = [(left, right), (right, left)] if op == "<=" else []
        found += [(side[1], other) for side, other in sides if side[0] == "x" and other != side]
    return found


def points(case: Case, claim: Claim, count: int, seed: int, tries: int) -> Iterator[dict[str, Number]]:
    """Points of the assumptions: random ones, and ones on the edges of the assumptions."""
    chance, found = random.Random(f"{case.name} {seed}"), 0
    solved = [(name, parse_term(text, claim.variables, "given")) for name, text in case.given]
    bounds = edges(claim)
    for _ in range(tries):
        at: dict[str, Number] = {name: number(chance) for name in claim.variables}
        try:
            for name, term in bounds:
                if chance.randrange(3) == 0:
                    at[name] = value(term, at)
                elif name in {n for n, t in bounds if t[0] != "q"} and chance.randrange(2):
                    at[name] = value(term, at) * Fraction(chance.randrange(1, 100), 100)
            for name, term in solved:
                at[name] = value(term, at)
            inside = all(verdict(relation, at) for relation in claim.assume)
        except AssertionError:  # a bound that has no value here: the assumptions come before what they allow
            continue
        if inside:
            yield at
            found += 1
            if found == count:
                return


def test_there_are_enough_of_them_and_each_is_named_once():
    shared = {case.name for case in (*TRUE, *FALSE)}
    cases = [*TRUE, *FALSE, *(case for case in (*ONE_STEP, *HARD, *REFUTED) if case.name not in shared)]
    assert len(TRUE) >= 60 and len(FALSE) >= 60
    assert len({case.name for case in cases}) == len(cases)
    assert len({(case.variables, case.assume, case.claim, case.hints) for case in cases}) == len(cases)


@pytest.mark.slow
def test_true_ones_hold_wherever_they_are_tried():
    wrong = {}
    for case in TRUE:
        claim = claim_of(case)
        count = 1 if not claim.variables else POINTS
        tried = [(at, verdict(claim.claim, at)) for at in points(case, claim, count, 1, 40 * POINTS)]
        failed = [at for at, held in tried if held is False]
        decided = sum(held is not None for _, held in tried)
        if failed or not case.truth or not case.why or case.witness or len(tried) != (0 if case.vacuous else count):
            wrong[case.name] = (failed, len(tried))
        elif decided < len(tried) / 2 and claim.claim[0] != "<=":  # far out, erf is 1 to 50 digits and more
            wrong[case.name] = ("decided", decided)
    assert wrong == {}


def test_false_ones_fail_at_their_witness_and_have_values_wherever_their_assumptions_hold():
    """A claim outside its domain would be bad input, not false."""
    wrong = []
    for case in (*FALSE, *REFUTED):
        claim = claim_of(case)
        assert not case.truth and set(case.witness) == set(claim.variables), case.name
        at = {name: value(parse_term(text, (), "witness"), {}) for name, text in case.witness.items()}
        inside = all(verdict(relation, at) for relation in claim.assume)
        if not inside or verdict(claim.claim, at) is not False:
            wrong.append(case.name)
        for elsewhere in points(case, claim, 20, 2, 400) if case in FALSE else ():
            verdict(claim.claim, elsewhere)
    assert wrong == []


@pytest.mark.parametrize(("multiplier", "name"), [("x^2 + y^2 + 1", "motzkin"), ("x^2 + y^2 + z^2", "motzkin_3")])
def test_hints_of_motzkin_are_its_sum_of_squares(multiplier, name):
    claim = claim_of(next(case for case in TRUE if case.name == name))
    chance, weights = random.Random(name), (1, 1, 1, Fraction(1, 4), Fraction(3, 4))
    for _ in range(100):
        at = {variable: number(chance) for variable in claim.variables}
        product = value(parse_term(multiplier, claim.variables, "m"), at) * value(claim.claim[2], at)
        squares = (weight * value(hint, at) ** 2 for weight, hint in zip(weights, claim.hints, strict=True))
        assert product == sum(squares)


def test_a_wrong_entry_is_found():
    """The checks above would find a false claim among the true ones, and a point that refutes nothing."""
    wrong = [case for case in FALSE if len(case.variables) <= 2 and not any("==" in text for text in case.assume)]
    caught = 0
    for case in wrong:
        claim = claim_of(case)
        caught += any(not verdict(claim.claim, at) for at in points(case, claim, 600, 3, 6000))
    assert caught > 0.8 * len(wrong)
