"""What the lines of a derivation rest on and which of them carry it, and its object; `test_catalogue` has both of every entry."""

import copy
from dataclasses import replace
from fractions import Fraction

from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import num, xs
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import CORRECTED, FIRST, ODE, STATE, about, carrying, grounds
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from tests.support.certificates.entries import checked_entry

a, b, c = xs("a b c")


def derivation() -> Derivation:
    assumed = {"small": a.le(b), "smaller": b.le(c), "sign": a.ge(0)}
    context = Context(dict.fromkeys("abc", "const"))
    return Derivation(Theorem("t", "t", "t", context, assumed, lambda w: w["small"], None))


def test_facts_between_two_lines_are_passed_through() -> None:
    w = derivation()
    first = w.combine("first", a.le(c), [(1, ["small"], ()), (1, ["smaller"], ())])
    hidden = w.kernel.certify((2 * a).le(2 * c), [first], sum=[(Fraction(2), (0,), ())])
    sign = w.combine("a sign", num(0).le(2 * a), [(2, ["sign"], ())])
    w.combine("last", (2 * a).le(2 * c + a), [(1, [hidden], ()), ("1/2", [sign], ())])
    names = {w.kernel.normal.key(fact.claim): name for name, fact in w._premises.items()}
    found = grounds(w.lines, names)
    assert found == [([], ["small", "smaller"]), ([], ["sign"]), ([0, 1], [])]
    assert carrying(w.lines, found, 5) == [0, 2]  # a sign carries nothing
    assert carrying(w.lines, found, 1) == [2]


def test_a_changed_process_changes_the_object():
    """Without its curvature term a corrected drift is that of the first-order SDE; without a diffusion it is an ODE's."""
    theorem, reading = (entries()[name] for name in ("6.2-scheduled", "6.4-reading"))
    assert isinstance(theorem, Theorem) and isinstance(reading, Theorem)
    last = theorem.prove(Derivation(theorem))

    def changed(**parts):
        context = copy.copy(theorem.context)
        object.__setattr__(context, "potentials", {"f": {**theorem.context.potentials["f"], **parts}})
        return about(replace(theorem, context=context), last.claim, last.axioms)

    assert changed() == CORRECTED
    assert changed(drift=theorem.context.potentials["f"]["drift"][:1]) == FIRST
    assert changed(diffusion=[]) == ODE
    # no process is solved, and no generator is in the claim: the moments of a step are left
    assert about(theorem, reading.prove(Derivation(reading)).claim, ()) != ODE
    assert checked_entry("6.4-reading").about == STATE
