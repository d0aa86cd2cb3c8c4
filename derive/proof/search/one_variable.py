"""The search for proofs of phi(x) >= 0 in one real variable. Untrusted: `derive/proof/kernel/one_variable.py` checks its results.

The signs of phi and phi' at a few dozen points, computed as balls, select the steps to try on an interval:
the coefficients of a polynomial, or the signs of the factors of a product;
phi cleared of denominators, and of exponentials that all its monomials share;
phi >= 0 at one end (or in the limit) and phi' of one sign, by the same search (a zero of order k at an end takes k such steps);
a ball over a narrow bracket of a minimum, and monotonicity on both sides of it;
a split at a zero of phi or phi', or at the end of a stretch on which phi' has constant sign;
balls over bounded intervals, halved until they lie above 0.
"""

from fractions import Fraction
from typing import Any

from sdescent.derive.proof.kernel.one_variable import check_ball
from sdescent.derive.proof.kernel.one_variable_forms import Forms
from sdescent.derive.proof.language.clock import OutOfTime, now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Term
from sdescent.derive.proof.search.intervals.search_steps import STEPS
from sdescent.derive.proof.search.intervals.tree_search import TreeSearch


def find(
    term: Term, variable: str, low: Fraction | None, high: Fraction | None, strict: bool, seconds: float = 1.0
) -> dict[str, Any] | None:
    """A proof of 0 <= term (0 < if strict) on [low, high] as the fields of FORMAT.md without `at`, or None.

    If strict and low is finite, the proof may leave out low itself: see `needs_open`. The term has no other variable.
    """
    Forms(variable).read(term)
    domain: list[tuple[Term, int]] = []
    deadline = now() + seconds
    # the second round starts with the domain that the first one needed
    for _ in range(2):
        search = TreeSearch(variable, low, high, deadline, STEPS)
        try:
            proof = search.run(term, strict, domain)
        except (OutOfTime, RecursionError, ProofError, OverflowError):
            return None
        if proof is None:
            return None
        ends = [None if end is None else str(end) for end in (low, high)]
        fields = {"variable": variable, "term": term, "strict": strict, "low": ends[0], "high": ends[1], **proof}
        try:
            check_ball(fields)
        except ProofError:
            domain = [(q, sign) for q, sign, _ in proof["domain"]]
            continue
        return fields
    return None
