"""Candidates for repairs, before they are tried: a parameter of a claim or of its assumptions, or one single change.

The repaired claim is true for all large t, where t is the parameter or minus it. Ranks say what is offered first: a claim that is
weaker by its strictness alone, constants that change little, hypotheses from weak to strong, other constants, equalities.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.claims.verdict import Question
from sdescent.derive.proof.repair.samples import Threshold

WEAK, SMALL, HYPOTHESIS, LARGE, THIN = range(5)


@dataclass(frozen=True)
class Family:
    """Repairs with one number c.

    Args:
        kind: "constant", "term", "factor", "assumption" or "bound".
        sign: 1 when larger c make it true, -1 when smaller ones do.
        start: the value at which the counterexample refutes it.
        guess: about where it begins to hold.
        at: the question for a value; `strictly` that with < in the hypothesis, where there is one.
        threshold: for points, the least sign c that excludes them; None when only proofs can tell.
        phrase, beyond: words for a value that holds, and for one that does not.
        noun: what c is.
        convex: what fails for c fails for all values from `start` to c.
        allowed: whether a value is one that should be offered.
    """

    kind: str
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
    #: points near those that decide
    rows: Any = None

    @property
    def constant(self) -> bool:
        """Whether it is the claim that changes."""
        return self.kind in ("constant", "term", "factor")


@dataclass(frozen=True)
class Single:
    """A repair that is one change, of kind "weak", "strict", "signs", "order", "equal" or "constant".

    `sharp`: nothing weaker of its kind is there.
    """

    kind: str
    question: Question
    words: str
    rank: tuple[float, float]
    sharp: bool = False

    @property
    def constant(self) -> bool:
        """Whether it is the claim that changes."""
        return self.kind in ("weak", "constant")


Candidate = Family | Single
