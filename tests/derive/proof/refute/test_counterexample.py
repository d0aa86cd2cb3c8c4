"""Counterexamples: exact, inside the domain, and none for what is true; z3's word on both."""

from fractions import Fraction

import flint
import numpy as np
import pytest

from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.terms import from_json, norm, num, vec, x
from sdescent.derive.proof.refute.counterexample import Search, decide, refute
from sdescent.derive.proof.refute.exact import Algebraic, Values, counterexample
from sdescent.derive.vocabulary.formulas.grammar import parse_term
from tests.support.corpus.cases import Case, no, relations_of, yes
from tests.support.corpus.one_step import ONE_STEP, REFUTED

MORE = [
    no("exp near", "x", "exp(x) <= 1 + x + x^2/2 + 1/100"),
    no("tanh", "x", "x - x^3/4 <= tanh(x)", "x >= 0"),
    no("log", "x", "log(x) <= x - 1 - 1/1000", "x > 0"),
    no("irrational", "x", "x <= 7/5", "x^2 == 2; x > 0"),
    no("tower", "x y", "y < 1", "x^2 == 2; y^3 == x + 1; x > 0"),
    no("circle", "x y", "x < 1/2", "x^2 + y^2 == 1; x + y == 0; x > 0"),
    no("tight", "x", "x*(1 - x) <= 1/4 - 1/1000000", "x >= 0; x <= 1"),
    no("slope", "x y", "y < x", "x*1000003 == y*999983; x > 0"),
    no("strict by roots", "", "sqrt(2)*sqrt(3) < sqrt(6)"),
    no("far", "x", "x < sqrt(x^2 + 1) - 1/100000000"),
]
#: true where all terms are defined, and false only outside
EDGES = [
    yes("denominator 0", "x", "1/x <= -1", "x == 0"),
    yes("log of 0", "x", "log(x) <= -1", "x <= 0"),
    yes("sqrt of -1", "x", "sqrt(x) <= -1", "x < 0"),
    yes("nested roots", "", "sqrt(3 + 2*sqrt(2)) == 1 + sqrt(2)"),
]


@pytest.mark.parametrize("entry", (*REFUTED, *MORE), ids=lambda e: e.name)
def test_false_claims_have_a_counterexample(entry: Case) -> None:
    variables, assume, claim = relations_of(entry)
    point = refute(variables, assume, claim, 10.0)
    assert point is not None and sorted(point) == variables
    assert counterexample(point, assume, claim)


@pytest.mark.parametrize("entry", (*ONE_STEP[::4], *EDGES), ids=lambda e: e.name)
def test_true_claims_have_none(entry: Case) -> None:
    assert refute(*relations_of(entry), 0.1) is None


@pytest.mark.parametrize(
    "entry", [*REFUTED[::2], *(e for e in ONE_STEP[::3] if e.name != "hurwitz 6")], ids=lambda e: e.name
)
def test_the_oracle_agrees(entry: Case) -> None:
    assert decide(*relations_of(entry), 10.0) == ("false" if entry in REFUTED else "true")


def test_what_is_foreign_is_not_judged() -> None:
    assert decide(*relations_of(yes("", "x", "0 <= exp(x)"))) is None
    assert refute([], [], norm(vec("g")).le(num(-1)), 0.2) is None


@pytest.mark.parametrize(
    ("coefficients", "index", "printed"),
    [
        ((11, 0, -1), 1, "-sqrt(11)"),
        ((-121, -1, 1), 2, "(1 + sqrt(485))/2"),
        ((-121, -1, 1), 1, "(1 - sqrt(485))/2"),
        ((-1, -2, 1), 2, "1 + sqrt(2)"),
        ((-2, 0, 9), 2, "sqrt(2)/3"),
        ((-4, 0, 0, 0, 1), 2, "sqrt(2)"),  # of degree 2 all the same
        ((-2, 2, 1, -1), 2, "1"),
        ((3, 2), 1, "-3/2"),
        ((1, -3, 0, -4), 1, "root(-4*x^3 - 3*x + 1, 1)"),
    ],
)
def test_algebraic_numbers_print(coefficients: tuple[int, ...], index: int, printed: str) -> None:
    """With square roots up to degree two, and then as the claim language reads them."""
    root = Algebraic(coefficients, index)
    assert str(root) == printed
    if not printed.startswith("root"):
        assert reads_as(printed, root)
        assert Values({"a": root}).holds(x("a").eq(from_json(parse_term(printed, (), "value"))))


def reads_as(text: str, number: Algebraic) -> bool:
    """Whether a text has the value of a number, to 40 digits."""
    values = Values({})
    with flint.ctx.workprec(200):
        ball = values.ball(values.value(from_json(parse_term(text, (), "value"))), 200)
        return ball.overlaps(number.ball(200)) and ball.rad() < 1e-40


def test_counterexamples_are_checked_exactly() -> None:
    assume, claim = [(x("x") ** 2).eq(2)], x("x").lt(0)
    assert counterexample({"x": Algebraic((-2, 0, 1), 2)}, assume, claim)
    assert not counterexample({"x": Algebraic((-2, 0, 1), 1)}, assume, claim)
    # 1.41421356237309504880 is a float's idea of it.
    assert not counterexample({"x": Fraction(141421356237309504880, 10**20)}, assume, claim)
    assert not counterexample({"x": Fraction(0)}, [], (1 / x("x")).le(-1))


def test_the_oracle_stops_in_time_and_answers_again() -> None:
    slow = next(e for e in ONE_STEP if e.name == "hurwitz 6")
    assert decide(*relations_of(yes("", "x", "0 <= x^2")), 10.0) == "true"
    start = now()
    assert decide(*relations_of(slow), 0.3) is None
    assert now() - start < 1.5
    assert decide(*relations_of(no("", "x", "0 < x^2")), 10.0) == "false"


def test_a_search_draws_the_same_points_whatever_was_searched_before() -> None:
    """The first batches are shared, the next are drawn by a generator of the search's own."""
    names = ["x", "y", "z", "w"]
    one, other = (Search(names, [], num(0).le(num(1)), 0.0) for _ in range(2))
    batches = [one.batch() for _ in range(4)]
    for first in batches:
        again = other.batch()
        assert np.array_equal(first.above, again.above) and np.array_equal(first.below, again.below)
    assert not np.array_equal(batches[2].above, batches[3].above)
