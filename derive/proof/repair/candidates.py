"""Candidates for repairs: a number in the claim or its assumptions, or a single change.

A claim repaired with a number is true for all large t, where t is the number or minus it. Ranks order the offers: first <= for <,
then constants that change little, hypotheses from weak to strong, other constants, and equalities.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.claims.verdict import Question
from sdescent.derive.proof.repair.samples import Threshold

WEAK, SMALL, HYPOTHESIS, LARGE, THIN = range(5)


@dataclass(frozen=True)
class _Change:
    kind: str

    @property
    def constant(self) -> bool:
        """Whether the claim changes rather than its assumptions."""
        return self.kind in ("constant", "term", "factor", "weak")


@dataclass(frozen=True)
class Family(_Change):
    """Repairs with one number c.

    Args:
        kind: "constant", "term", "factor", "assumption" or "bound".
        sign: 1 if larger c make the claim true, -1 if smaller ones do.
        start: a value at which the counterexample refutes the claim.
        guess: the approximate value at which the claim becomes true.
        at: gives the question for a value; `strictly` gives the same with < in the new hypothesis.
        threshold: gives for each point the least sign * c that excludes it as a counterexample.
        phrase, beyond: the words for a value with a true claim and for one with a false claim; `strict_phrase` is for <.
        noun: the word for c.
        convex: whether the claim fails for all values from `start` to c if it fails for c.
        allowed: whether a value may be offered.
    """

    sign: int
    start: Fraction
    guess: float
    at: Callable[[Fraction], Question]
    threshold: Threshold
    phrase: Callable[[Fraction], str]
    beyond: Callable[[Fraction], str]
    noun: str
    convex: bool
    rank: tuple[float, float]
    allowed: Callable[[Fraction], bool] = lambda c: True
    strictly: Callable[[Fraction], Question] | None = None
    strict_phrase: Callable[[Fraction], str] | None = None
    #: points near those that determine the threshold
    rows: Any = None


@dataclass(frozen=True)
class Single(_Change):
    """A change of kind "weak", "strict", "signs", "order", "equal" or "constant"; if `sharp`, no weaker one repairs the claim."""

    question: Question
    words: str
    rank: tuple[float, float]
    sharp: bool = False


Candidate = Family | Single
