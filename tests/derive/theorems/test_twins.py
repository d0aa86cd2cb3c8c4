"""The theorems on the method are those on its SDE with 2 psi(c) L0 and 2 psi(c) L1: with 1/2 for psi(c) they say the same."""

from fractions import Fraction

import pytest

from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, fn, norm, num, times, x
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.discrete.sde_counterparts import BESIDE, SAME, factor
from sdescent.derive.theorems.entry.from_method import put
from sdescent.derive.theorems.entry.instances import value
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem

ALL = entries()
#: of the SDE, and by how much its condition is multiplied to be the method's
TWINS = {"6.4-global-scheduled": "1/2", "6.4-clients-pathwise": "1", "6.4-corrected": "1"}
ETA = x("eta")
OTHERS = (x("N"), x("L0"), x("D0"), x("eps"), x("theta"), x("f0"), x("fstar"), norm(("v", "g")))


def entry(id: str) -> Theorem:
    theorem = ALL[id]
    assert isinstance(theorem, Theorem)
    return theorem


def halved(t: Term) -> Term:
    """With 1/2 for psi."""
    return num("1/2") if t[:2] == ("f", "psi") else Term(halved(part) if isinstance(part, Term) else part for part in t)


def in_steps(t: Term) -> Term:
    """With eta times the sum over steps for an integral over time."""
    if t[0] in ("I", "EI"):
        return times(ETA, t)
    return Term(in_steps(part) if isinstance(part, Term) else part for part in t)


#: of each kind of claim, with L1 and without
KINDS = (
    "6.2-pathwise-method", "6.2-pathwise-bounded-method", "6.2-scheduled-method", "6.2-scheduled-bounded-method",
    "6.4-corrected-method",
)  # fmt: skip


@pytest.mark.parametrize("id", KINDS)
def test_the_bound_with_one_half_is_that_of_the_sde(id: str) -> None:
    """Per time eta for one step; with eta times a sum for an integral where steps are summed. With L1 = 0 where nothing bends."""
    own, other = entry(id), entry(BESIDE[id])
    ours, theirs = (e.prove(Derivation(e)).claim.right for e in (own, other))
    theirs = in_steps(theirs) if "scheduled" in BESIDE[id] else ETA * theirs
    if factor(own) == SAME:
        theirs = put(theirs, {x("L1"): num(0)})
    normal = Normal(own.context)
    assert normal.key(theirs.eq(halved(ours))) == normal.key(num(0).eq(0))
    assert (normal.key(theirs.eq(ours)) == normal.key(num(0).eq(0))) == (factor(own) == SAME)


def test_the_heavy_ball_has_the_constants_of_its_sde() -> None:
    """At 1 - beta = mu sqrt(eta), per time sqrt(eta)."""
    at = {x("eta"): "1/4", x("beta"): "1/4", x("mu"): "3/2", x("K"): 6, x("T"): 3}
    numbers = {t: Fraction(v) for t, v in at.items()} | {nm: Fraction(n, 7) for n, nm in enumerate(OTHERS, 2)}
    for id, time in (("6.2-heavy-ball-step-method", Fraction(1, 2)), ("6.2-heavy-ball-method", Fraction(1))):
        claims = (e.prove(Derivation(e)).claim.right for e in (entry(id), entry(BESIDE[id])))
        ours, theirs = (Fraction(value(put(claim, {fn("sqrt", ETA): num("1/2")}), numbers)) for claim in claims)  # type: ignore[arg-type]
        assert ours == time * theirs != 0
        assert factor(entry(id)) == SAME


@pytest.mark.parametrize("id", TWINS)
def test_the_condition_with_one_half_is_that_of_the_sde(id: str) -> None:
    own, other = entry(f"{id}-method"), entry(id)
    ours, theirs = own.assumptions["step"], other.assumptions["step"]
    normal = Normal(own.context)
    scaled = Relation((theirs.op, num(TWINS[id]) * theirs.left, num(TWINS[id]) * theirs.right))
    assert normal.key(scaled) == normal.key(Relation((ours.op, halved(ours.left), ours.right)))
    assert normal.key(scaled) != normal.key(ours)
    assert set(own.assumptions) - set(other.assumptions) <= {"reach", "eta > 0", "sum u > 0", "f(x_K) >= f*"}
    assert set(own.definitions) <= set(other.definitions)
