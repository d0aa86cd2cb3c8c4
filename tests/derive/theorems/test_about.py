"""The object of a theorem: against what its title says, and against a process that is changed."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.about import CORRECTED, FIRST, KINDS, LINEARISED, METHOD, ODE, STATE, about
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from tests.support.certificates.entries import checked_entry
from tests.support.samples import mostly_slow

THEOREMS = {i: e for i, e in entries().items() if isinstance(e, Theorem)}
#: words of titles that name an object
WORDS = {
    "first-order model": FIRST, "corrected model": CORRECTED, "second-order model": "second-order SDE", "without noise": ODE,
    "near the optimum": LINEARISED, "on the quartic": METHOD,
    "itself": METHOD, "integral": "schedule", "The normalisation": "constants",
    "Scaling rule": "constants",
}  # fmt: skip


def found(theorem: Theorem) -> str:
    return checked_entry(theorem.id).about


@pytest.mark.parametrize("id", mostly_slow([i for i in THEOREMS if i.startswith("6.")]))
def test_the_object_is_what_the_title_says(id):
    said = {kind for words, kind in WORDS.items() if words in THEOREMS[id].title}
    own = found(THEOREMS[id])
    assert len(said) <= 1 and (own in said if said else own in (CORRECTED, STATE, "schedule"))


@pytest.mark.slow
def test_every_kind_of_evidence_names_an_object_that_is_met():
    assert {found(e) for e in THEOREMS.values() if e.id[0] in "48"} <= set(KINDS.values())


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
    assert found(THEOREMS["6.4-reading"]) == STATE
