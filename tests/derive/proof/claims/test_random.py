"""Random claims whose truth is known by how they were made: never is a false one proved or decided, nor a true one refuted."""

import random
from fractions import Fraction

import pytest

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, times, x
from sdescent.derive.proof.refute.exact import Values

NAMES = ("a", "b", "c")


def polynomial(rng: random.Random, degree: int, terms: int) -> Term:
    """A random polynomial with small whole coefficients."""
    found = []
    for _ in range(terms):
        factors = [x(rng.choice(NAMES)) for _ in range(rng.randint(0, degree))]
        found.append(times(num(rng.choice([-3, -2, -1, 1, 2, 3])), *factors))
    return plus(*found)


def assumed(rng: random.Random) -> list[Relation]:
    """Bounds of some variables."""
    return [x(n).ge(rng.choice([0, 0, -1])) if rng.random() < 0.7 else x(n).le(2) for n in NAMES if rng.random() < 0.6]


def true_claim(rng: random.Random) -> tuple[list[Relation], Relation]:
    """l <= r with r - l a sum of squares and of products of assumptions, on both sides of which a polynomial is added."""
    given = assumed(rng)
    pieces = [
        num(Fraction(rng.randint(1, 4), rng.randint(1, 3))) * polynomial(rng, 1, 2) ** 2
        for _ in range(rng.randint(1, 2))
    ]
    for _ in range(rng.randint(0, 2)):
        if given:
            pieces.append(times(*[r.slack for r in rng.sample(given, min(len(given), rng.randint(1, 2)))]))
    shift = polynomial(rng, 2, 2)
    return given, shift.le(plus(shift, *pieces))


def false_claim(rng: random.Random) -> tuple[list[Relation], Relation]:
    """l <= r that fails at a point where the assumptions hold: r is l and a polynomial less more than its value there."""
    given = assumed(rng)
    while True:
        point = {n: Fraction(rng.randint(-4, 8), rng.randint(1, 3)) for n in NAMES}
        values = Values(point)
        if all(values.holds(r) for r in given):
            break
    left, other = polynomial(rng, 2, 3), polynomial(rng, 2, 3) ** rng.randint(1, 2)
    below = Fraction(rng.randint(1, 3), rng.randint(1, 60))
    at = Fraction(str(values.value(other)))
    claim = left.le(left + other - num(at + below))
    assert not values.holds(claim)
    return given, claim


def judged(count: int, seed: int) -> dict[str, int]:
    """Verdicts on so many claims, half of them true; half a second each."""
    rng, counts = random.Random(seed), {}
    for n in range(count):
        given, claim = (true_claim if n % 2 else false_claim)(rng)
        verdict = prove(claim, given, NAMES, seconds=0.5)
        wrong = ("REFUTED",) if n % 2 else ("PROVED", "DECIDED")
        assert verdict.status not in wrong, (n, given, claim, verdict)
        word = f"{'true' if n % 2 else 'false'} {verdict.status}"
        counts[word] = counts.get(word, 0) + 1
    return counts


@pytest.mark.slow
def test_random_claims() -> None:
    counts = judged(250, 100)
    assert counts["true PROVED"] >= 80 and counts["false REFUTED"] >= 110, counts
