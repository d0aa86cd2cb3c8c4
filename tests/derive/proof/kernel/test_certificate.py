"""Certificates of the catalogue through two checkers that share no code, the kernel and the replay: as they are, and edited."""

import json

import pytest

from sdescent.derive.proof.kernel.certificate import certificate, dumps
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.replay.check import replay
from tests.support.certificates.edits import refused
from tests.support.certificates.entries import entry_certificate
from tests.support.certificates.mutants import tally
from tests.support.samples import slow_but

#: small ones of every kind for the edits: algebra, clients, time, signs, analysis
EDITED = (
    "6.1-pathwise", "6.1-scheduled", "6.2-expectation-repaired", "6.4-classic", "6.4-chord-zero", "6.4-bounded-ratio",
    "6.5-corrected", "6.5-sign", "6.6-power", "6.6-logarithm", "6.6-ratio", "6.8-needed", "6.9-growth", "6.9-induction",
    "8-cauchy-4", "8-gaussian-2",
    "8-laplace-3", "8-quartic", "8-cosh", "4-natural",
)  # fmt: skip


def written(name: str) -> str:
    return dumps(entry_certificate(name))


#: two take seconds; the replay of all entries is among the tests of the replay
@pytest.mark.parametrize("name", slow_but(EDITED, set(EDITED) - {"6.4-classic", "6.4-bounded-ratio"}))
def test_both_accept_what_was_proved(name: str) -> None:
    """What the kernel makes of a certificate is that certificate."""
    value = json.loads(written(name))
    fact, again = rebuild(value), replay(written(name))
    assert list(again.axioms) == value["statement"]["axioms"] == sorted(fact.axioms)
    anew = certificate(fact, value["title"])
    assert anew["steps"][-1]["claim"] == value["steps"][-1]["claim"]
    assert again.rechecked + again.trusted == len(value["steps"]) == len(anew["steps"])


def test_unequal_is_written_against_zero() -> None:
    """0 != p and p != 0 say the same; both checkers read only the second, in the statement as in a step."""
    value = json.loads(written("6.6-power"))
    assumed = value["statement"]["assumptions"]
    (place,) = [n for n, r in enumerate(assumed) if r[0] == "!="]
    op, left, right = assumed[place]
    for other in ([op, right, left], [op, left, ["*", ["q", "0"], left]]):
        assumed[place] = other
        refused(value)


@pytest.mark.slow
def test_edited_certificates() -> None:
    """What both checkers accept of the edits holds in drawn models, where it can be modelled."""
    edits = tally({name: entry_certificate(name) for name in EDITED}, 900, 0, share=1.0)
    assert edits["invalid"] > 35 and edits["accepted"] > 20, edits
