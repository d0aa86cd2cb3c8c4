"""The corpus of claims, checked without the prover, to 50 digits: true ones at random points, false ones at their witness.

A denominator of zero, or a root or logarithm outside its domain, is an error of the corpus.
"""

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import mpmath
import pytest

from sdescent.derive.reading.claims import Claim
from sdescent.derive.vocabulary.formulas.grammar import Relation, parse_term
from tests.support.corpus.cases import Case, claim_of, no, value, yes
from tests.support.corpus.one_step import REFUTED
from tests.support.corpus.textbook import FALSE, TRUE

POINTS = 30
_mp = mpmath.MPContext()
_mp.dps = 50
Point = dict[str, Any]


def holds(relation: Relation, at: Point) -> bool | None:
    """Whether the relation holds; None where 50 digits do not tell equal numbers from close ones."""
    op, left, right = relation
    x, y = value(left, at, _mp), value(right, at, _mp)
    if abs(x - y) <= _mp.mpf(10) ** -40 * max(1, abs(x), abs(y)):
        return True if op == "==" else None
    return op in ("<=", "<") and x < y


def inside(claim: Claim, at: Point) -> bool:
    """Whether the assumptions hold at a point."""
    return all(held or (held is None and r[0] == "<=") for r in claim.assume for held in [holds(r, at)])


def points(case: Case, claim: Claim) -> Iterator[Point]:
    """Random points of the assumptions, in which equal and whole numbers are frequent."""
    chance = random.Random(case.name)
    solved = [(name, parse_term(text, claim.variables, "given")) for name, text in case.given]
    for _ in range(400 * POINTS):
        sizes = [Fraction(chance.randrange(1, 13), chance.choice((1, 2, 10, 100))) for _ in claim.variables]
        numbers = [chance.choice((0, 1, 1, 2, s, s, -s)) for s in sizes]
        at: Point = {
            name: _mp.mpf(n.numerator) / n.denominator for name, n in zip(claim.variables, numbers, strict=True)
        }
        for name, term in solved:
            at[name] = value(term, at, _mp)
        try:
            if inside(claim, at):
                yield at
        except (ZeroDivisionError, AssertionError):  # a bound that has no value here: other assumptions come before it
            continue


def wrong(case: Case) -> bool:
    claim = claim_of(case)
    if not case.truth:
        at = {name: value(parse_term(text, (), "witness"), {}, _mp) for name, text in case.witness.items()}
        return not inside(claim, at) or holds(claim.claim, at) is True
    tried = [holds(claim.claim, at) for _, at in zip(range(POINTS), points(case, claim), strict=False)]
    return False in tried or len(tried) < (0 if case.vacuous else POINTS)


@pytest.mark.parametrize("case", (*TRUE, *FALSE, *REFUTED), ids=lambda case: case.name)
def test_the_corpus_is_right(case: Case) -> None:
    assert case.truth is bool(case.why) and not wrong(case)


def test_a_wrong_entry_is_seen() -> None:
    assert wrong(no("", "x", "x <= x^2 + 1/4", witness="x = 1")) and wrong(no("", "x", "x <= 1", "x <= 0", "x = 2"))
    assert wrong(yes("", "a b", "a*b <= 0.49*(a^2 + b^2)")) and wrong(yes("", "a", "a >= 1", "a > 1; a < 0"))
