"""The theorems on the method are those on its SDE with 2 psi(c) L0 and 2 psi(c) L1: with 1/2 for psi(c) they say the same."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from scipy.optimize import brentq

from derive.proof.language.normal import Normal
from derive.proof.language.terms import Relation, Term, fn, num, times, x
from derive.theorems.catalogue import entries
from derive.theorems.entry.from_sde import put
from derive.theorems.entry.theorem import Derivation, Theorem

ALL = entries()
#: of the SDE, and by how much its condition is multiplied to be the method's
TWINS = {
    "6.4-global-pathwise": "1/2", "6.4-global-scheduled": "1/2", "6.4-clients-pathwise": "1", "6.4-clients-scheduled": "1",
    "6.4-corrected": "1", "6.4-corrected-scheduled": "1",
}  # fmt: skip
ETA, C = x("eta"), x("c")


def entry(id: str) -> Theorem:
    found = ALL[id]
    assert isinstance(found, Theorem)
    return found


def halved(t: Term) -> Term:
    """With 1/2 for psi(c)."""
    return put(t, {fn("psi", C): num("1/2")})


def in_steps(t: Term) -> Term:
    """With eta times the sum over steps for an integral over time."""
    if t[0] in ("I", "EI"):
        return times(ETA, t)
    return Term(in_steps(part) if isinstance(part, Term) else part for part in t)


@pytest.mark.parametrize("id", TWINS)
def test_the_bound_with_one_half_is_that_of_the_sde(id: str) -> None:
    """Per time eta for one step; with eta times a sum for an integral where steps are summed."""
    own, other = entry(f"{id}-method"), entry(id)
    ours, theirs = (e.prove(Derivation(e)).claim.right for e in (own, other))
    theirs = in_steps(theirs) if "scheduled" in id else ETA * theirs
    normal = Normal(own.context)
    assert normal.key(theirs.eq(halved(ours))) == normal.key(num(0).eq(0))
    assert normal.key(theirs.eq(ours)) != normal.key(num(0).eq(0))


@pytest.mark.parametrize("id", TWINS)
def test_the_condition_with_one_half_is_that_of_the_sde(id: str) -> None:
    own, other = entry(f"{id}-method"), entry(id)
    ours, theirs = own.assumptions["step"], other.assumptions["step"]
    normal = Normal(own.context)
    scaled = Relation((theirs.op, num(TWINS[id]) * theirs.left, num(TWINS[id]) * theirs.right))
    assert normal.key(scaled) == normal.key(Relation((ours.op, halved(ours.left), ours.right)))
    assert normal.key(scaled) != normal.key(ours)


@pytest.mark.parametrize("id", TWINS)
def test_the_method_assumes_no_more_than_the_sde_but_its_reach(id: str) -> None:
    own, other = entry(f"{id}-method"), entry(id)
    assert set(own.assumptions) - set(other.assumptions) <= {"reach", "eta > 0", "sum u > 0", "f(x_K) >= f*"}
    assert set(own.definitions) <= set(other.definitions)


def test_the_numbers_of_the_statements() -> None:
    """Of 2 psi(c), and where eta u psi(eta u) = 1, to the digits given."""
    psi = lambda s: (math.exp(s) - 1 - s) / s**2  # noqa: E731
    assert [round(2 * psi(s), 2) for s in (Fraction(1, 5), 1, 2 / math.sqrt(100))] == [1.07, 1.44, 1.07]
    assert round(brentq(lambda s: s * psi(s) - 1, 1, 2), 3) == 1.256
