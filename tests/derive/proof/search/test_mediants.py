"""The walk by mediants finds the least rational of a small denominator for which something holds, and never says too much."""

import itertools
import random
from fractions import Fraction

import pytest

from sdescent.derive.proof.search.mediants import Tried, Walked, at_least, between, least_near, next_above, next_below

F = Fraction


def test_neighbours_of_small_denominator() -> None:
    every = sorted({F(p, q) for q in range(1, 13) for p in range(-2 * q, 2 * q + 1)})
    for below, above in itertools.pairwise(every):
        assert next_above(below, 12) == above and next_below(above, 12) == below
        middle = (below + above) / 2
        assert at_least(middle, 12) == above and at_least(above, 12) == above


@pytest.mark.parametrize("least", [F(1, 64), F(31, 47), F(58, 41), F(-3, 7), F(0)])
@pytest.mark.parametrize("guess", [0, F(1, 10**6), F(1, 3)])
def test_the_walk_finds_the_least(least: Fraction, guess: Fraction) -> None:
    judgements: list[Fraction] = []

    def judge(value: Fraction) -> Tried:
        judgements.append(value)
        return Tried(value >= least, str(value))

    walked = least_near(judge, least + guess, F(-10), "start")
    assert walked is not None and walked.neighbours
    assert (walked.certified, walked.proof) == (least, str(least))
    assert walked.refuted == next_below(least) and walked.witness == str(walked.refuted)
    assert len(judgements) <= 40 and (guess != 0 or len(judgements) == 2)
    low = F(least.__floor__() - (least.denominator == 1))
    again = between(judge, Walked(low + 1, "", low, "", True))
    assert (again.certified, again.refuted, again.neighbours) == (least, walked.refuted, True)


def test_the_walk_stops_where_nothing_is_known() -> None:
    def judge(value: Fraction) -> Tried | None:
        return Tried(value >= 1, value) if value >= 1 or value <= F(1, 2) else None

    walked = least_near(judge, F(3, 4), F(0), "start")
    assert walked is not None and not walked.neighbours
    assert walked.certified == 1 and walked.refuted is not None and walked.refuted <= F(1, 2)
    assert least_near(lambda value: None, F(3, 4), F(0), "start") is None
    assert least_near(lambda value: Tried(False, value), F(3, 4), F(0), "start") is None


def test_the_walk_never_says_too_much() -> None:
    """Whatever is known and guessed: it holds above, fails below, and neighbours have no small denominator between them."""
    chance = random.Random(0)
    ended = 0
    for _ in range(400):
        least = F(chance.randrange(-400, 400), chance.randrange(1, 90))
        gap = F(chance.randrange(0, 40), 400) if chance.random() < 0.5 else F(0)
        strict = chance.random() < 0.3
        start = least - F(chance.randrange(1, 300), chance.randrange(1, 90))
        guess = least + F(chance.randrange(-100, 100), chance.choice([1, 10, 1000, 10**6]))

        def judge(value: Fraction, least: Fraction = least, gap: Fraction = gap, strict: bool = strict) -> Tried | None:
            if value > least + gap or (value == least + gap and not strict):
                return Tried(True, value)
            return Tried(False, value) if value < least or (strict and not gap) else None

        walked = least_near(judge, guess, start, start)
        if walked is None:
            continue
        ended += walked.neighbours
        below = walked.refuted
        assert walked.proof == walked.certified and walked.witness == below and below is not None
        assert start <= below <= least and walked.certified >= least + gap
        if walked.neighbours:
            assert next_above(below) == walked.certified or (below == start and next_below(walked.certified) <= start)
    assert ended > 100
