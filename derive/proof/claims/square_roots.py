"""Roots in claims: squares under them, and which monomials stand on which side when both sides are squared."""

from __future__ import annotations

from fractions import Fraction

from flint.utils.flint_exceptions import DomainError

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.language.normal import Polynomial, freeze, scaled
from sdescent.derive.proof.language.terms import Term
from sdescent.derive.proof.search.ring import Ring


def sides(branch: Branch, poly: Polynomial) -> list[tuple[Polynomial, Polynomial]]:
    """(B, A) with B - A the polynomial: monomials with roots on one side, or on the side of their sign."""
    rooted = {m for m in poly if branch.roots({m: Fraction(1)})}
    groups = [
        {m for m in rooted if poly[m] > 0},
        {m for m in poly if m not in rooted},
        {m for m in poly if m not in rooted or poly[m] > 0},
        {m for m in poly if poly[m] > 0},
    ]
    pairs: list[tuple[Polynomial, Polynomial]] = []
    for group in groups:
        b = {m: c for m, c in poly.items() if m in group}
        a = scaled({m: c for m, c in poly.items() if m not in group}, Fraction(-1))
        if a and b and all(freeze(b) != freeze(other) for other, _ in pairs):
            pairs.append((b, a))
    return pairs


def root_of(branch: Branch, of: Term) -> Term | None:
    """t with t^2 the same as a term; None where there is none."""
    ring = Ring(branch.normal, [of])
    poly = ring.poly(of)
    try:
        return None if poly.is_constant() else ring.term(poly.sqrt())
    except DomainError:
        return None
