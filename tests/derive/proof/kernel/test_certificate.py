"""Certificates of the catalogue through two checkers that share no code, the kernel and the replay: as they are, and edited."""

import json
import random
from functools import cache
from typing import Any

import pytest

from sdescent.derive.proof.kernel.certificate import certificate, dumps
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.replay.check import Invalid, Unreadable, replay, replay_object
from tests.support.certificates.entries import entry_certificate
from tests.support.certificates.mutants import mutate, places
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


def accepted_by_kernel(value: Any) -> Fact | None:
    try:
        return rebuild(value)
    except ProofError:
        return None


def judged_by_replay(value: Any) -> str:
    try:
        replay_object(value)
    except Unreadable:
        return "unreadable"
    except Invalid:
        return "invalid"
    return "accepted"


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


@cache
def spots(name: str) -> list[tuple[Any, ...]]:
    """The places in the certificate of an entry where an edit can be made."""
    return places(json.loads(written(name)))


def compared(count: int, seed: int) -> dict[str, int]:
    """How the replay judged so many edits. The kernel accepts each that it accepts.

    Of the form of a file the kernel asks less (l == r may be written r == l, say): a proof that it alone accepts is written out
    by the kernel, and must replay then.
    """
    rng, counts = random.Random(seed), {"accepted": 0, "invalid": 0, "unreadable": 0}
    for _ in range(count):
        name = rng.choice(EDITED)
        value = json.loads(written(name))
        mutate(rng, value, spots(name))
        kernel, again = accepted_by_kernel(value), judged_by_replay(value)
        if kernel is None and again == "accepted":
            raise AssertionError(f"an edit of {name} that only the replay accepts: {json.dumps(value)[:20000]}")
        if kernel is not None and again == "invalid":
            replay(dumps(certificate(kernel, "written by the kernel")))
        counts[again] += 1
    return counts


def test_unequal_is_written_against_zero() -> None:
    """0 != p and p != 0 say the same; both checkers read only the second, in the statement as in a step."""
    value = json.loads(written("6.6-power"))
    assumed = value["statement"]["assumptions"]
    (place,) = [n for n, r in enumerate(assumed) if r[0] == "!="]
    op, left, right = assumed[place]
    for other in ([op, right, left], [op, left, ["*", ["q", "0"], left]]):
        assumed[place] = other
        assert accepted_by_kernel(value) is None and judged_by_replay(value) == "unreadable"


@pytest.mark.slow
def test_edited_certificates() -> None:
    counts = compared(300, 0)
    assert counts["invalid"] > 35 and counts["accepted"] > 20, counts
