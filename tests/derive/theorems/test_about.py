"""The object of a theorem, against a process that is changed; `test_catalogue` has what titles say."""

from __future__ import annotations

import copy
from dataclasses import replace

from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.about import CORRECTED, FIRST, ODE, STATE, about
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from tests.support.certificates.entries import checked_entry

THEOREMS = {i: e for i, e in entries().items() if isinstance(e, Theorem)}


def test_a_changed_process_changes_the_object():
    """Without its curvature term a corrected drift is that of the first-order SDE; without a diffusion it is an ODE's."""
    theorem = THEOREMS["6.2-scheduled"]
    last = theorem.prove(Derivation(theorem))

    def changed(**parts):
        context = copy.copy(theorem.context)
        object.__setattr__(context, "potentials", {"f": {**theorem.context.potentials["f"], **parts}})
        return about(replace(theorem, context=context), last.claim, last.axioms)

    assert changed() == CORRECTED
    assert changed(drift=theorem.context.potentials["f"]["drift"][:1]) == FIRST
    assert changed(diffusion=[]) == ODE
    # no process is solved, and no generator is in the claim: the moments of a step are left
    assert about(theorem, THEOREMS["6.4-reading"].prove(Derivation(THEOREMS["6.4-reading"])).claim, ()) != ODE
    assert checked_entry("6.4-reading").about == STATE
