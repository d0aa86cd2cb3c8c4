"""Claims of the corpus through Rocq: what is proved is accepted by it, on the standard axioms of the reals alone."""

from __future__ import annotations

import copy
import shutil
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from derive.proof.claims.prove import prove
from derive.proof.rocq.export import export
from derive.proof.rocq.judge import judge
from derive.proof.rocq.notation import ExportError
from tests.support.corpus.cases import Case, claim_of
from tests.support.corpus.holding import TRUE

rocq = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not installed")
#: thirty from all parts of the corpus
CASES = TRUE[:: max(1, len(TRUE) // 16)][:16]


@cache
def _certificate(name: str) -> dict[str, Any]:
    verdict = prove(claim_of(next(case for case in TRUE if case.name == name)), seconds=10.0)
    assert verdict.certificate is not None, verdict.status
    return verdict.certificate


@rocq
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_claims_are_accepted(case: Case) -> None:
    exported = export(_certificate(case.name))
    judged = judge(exported.text, timeout=240)
    assert judged.accepted, judged.output[-2000:]


@rocq
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[::4], ids=lambda case: case.name)
def test_stronger_claims_are_not_accepted(case: Case) -> None:
    """The same proof with a claim that is stronger by one in the statement and in its last step."""
    found = copy.deepcopy(_certificate(case.name))
    op, left, right = found["statement"]["claim"]
    stronger = [op, ["+", left, ["q", str(Fraction(1))]], right]
    found["statement"]["claim"] = found["steps"][-1]["claim"] = stronger
    try:
        exported = export(found)
    except ExportError:
        return
    assert not judge(exported.text, timeout=240).accepted
