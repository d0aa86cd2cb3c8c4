"""Claims of the corpus through Rocq: what is proved is accepted by it, on the standard axioms of the reals alone."""

from __future__ import annotations

import copy
import re
import shutil
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.rocq.export import export
from sdescent.derive.proof.rocq.judge import judge
from sdescent.derive.proof.rocq.notation import ExportError
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


@rocq
@pytest.mark.slow
def test_variables_may_have_names_of_the_library_and_of_the_file():
    """Rinv, which stands in a step's proof, and words of every other kind; all others keep their names."""
    words = "Rinv exp_pos Rle_lt_trans lra I O S Lemma Qed certified fun Sum k j i w t E J coords Rabs"
    names = words.split()
    below = " + ".join(["1/Rinv", "abs(Rabs)", "exp(exp_pos)", *names[2:-1]])
    verdict = prove(f"{below} <= {below} + Rinv", ["Rinv > 0"], [*names])
    assert verdict.certificate is not None
    exported = export(verdict.certificate)
    assert exported.premises == ()
    text = exported.text
    judged = judge(text, timeout=240)
    assert judged.accepted, judged.output[-2000:]
    assert all(re.search(rf"Variable {name}'* : R\.", text) for name in names)
    assert "Variable lra : R." in text and "Variable Rinv' : R." in text and "Variable fun' : R." in text


def test_what_does_not_replay_is_not_exported():
    """1 <= 0 in the statement, over the steps of another proof: coqc would refuse the file, but there is none."""
    found = prove("x <= x^2 + 1/4").certificate
    assert found is not None and export(found).proved
    for broken in (
        {**found, "statement": {**found["statement"], "claim": ["<=", ["q", "1"], ["q", "0"]]}},
        {**found, "steps": [*found["steps"][:-1], {**found["steps"][-1], "rule": "absurd"}]},
        {**found, "more": 1},
    ):
        with pytest.raises(ExportError, match="the certificate is"):
            export(broken)
