"""Random claims whose truth is known by how they were made: never is a false one proved or decided, nor a true one refuted."""

import random
from collections import Counter
from fractions import Fraction

import pytest

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.language.terms import Relation, Term, num, plus, times, x
from sdescent.derive.proof.refute.exact import Values

NAMES = ("a", "b", "c")


def polynomial(rng: random.Random, degree: int, terms: int) -> Term:
    """A random polynomial with small whole coefficients."""
    powers = ([x(rng.choice(NAMES)) for _ in range(rng.randint(0, degree))] for _ in range(terms))
    return plus(*(times(num(rng.choice([-3, -2, -1, 1, 2, 3])), *factors) for factors in powers))


def assumptions(rng: random.Random) -> list[Relation]:
    """Bounds of some variables."""
    return [x(n).ge(rng.choice([0, 0, -1])) if rng.random() < 0.7 else x(n).le(2) for n in NAMES if rng.random() < 0.6]


def true_claim(rng: random.Random) -> tuple[list[Relation], Relation]:
    """l <= r with r - l a sum of squares and of products of assumptions, on both sides of which a polynomial is added."""
    assume, weights = (
        assumptions(rng),
        [num(Fraction(rng.randint(1, 4), rng.randint(1, 3))) for _ in range(rng.randint(1, 2))],
    )
    pieces = [weight * polynomial(rng, 1, 2) ** 2 for weight in weights]
    for _ in range(rng.randint(0, 2) if assume else 0):
        pieces.append(times(*[r.slack for r in rng.sample(assume, min(len(assume), rng.randint(1, 2)))]))
    shift = polynomial(rng, 2, 2)
    return assume, shift.le(plus(shift, *pieces))


def false_claim(rng: random.Random) -> tuple[list[Relation], Relation]:
    """l <= r that fails at a point where the assumptions hold: r is l and a polynomial less more than its value there."""
    assume, values = assumptions(rng), Values({})
    while not values.point or not all(values.holds(r) for r in assume):
        values = Values({n: Fraction(rng.randint(-4, 8), rng.randint(1, 3)) for n in NAMES})
    left, other = polynomial(rng, 2, 3), polynomial(rng, 2, 3) ** rng.randint(1, 2)
    at = Fraction(str(values.value(other)))
    return assume, left.le(left + other - num(at + Fraction(rng.randint(1, 3), rng.randint(1, 60))))


@pytest.mark.slow
def test_random_claims() -> None:
    """Half of them true; half a second each."""
    rng, counts = random.Random(100), Counter[tuple[bool, str]]()
    for n in range(100):
        assume, claim = (true_claim if n % 2 else false_claim)(rng)
        verdict = prove(claim, assume, NAMES, seconds=0.5)
        assert verdict.status not in (("REFUTED",) if n % 2 else ("PROVED", "DECIDED")), (n, assume, claim, verdict)
        counts[bool(n % 2), verdict.status] += 1
    assert counts[True, "PROVED"] >= 32 and counts[False, "REFUTED"] >= 44, counts
