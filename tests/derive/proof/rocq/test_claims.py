"""Claims of the corpus through Rocq: what is proved is accepted by it, on the standard axioms of the reals alone."""

import copy
import re
from typing import Any

import pytest

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.rocq.notation import ExportError
from tests.derive.proof.rocq.asking import check, rocq
from tests.derive.proof.rocq.judging import MACHINE, STANDARD, export, judge
from tests.support.corpus.cases import claim_of
from tests.support.corpus.textbook import TRUE

#: five from all parts of the corpus
NAMES = ("young", "am_gm_4_power", "cancelled", "substitution", "exp_sum")
CASES = [case for case in TRUE if case.name in NAMES]


@rocq
@pytest.mark.slow
def test_claims_are_accepted_and_stronger_ones_are_not() -> None:
    """Stronger by one in the statement and in the last step of the same proof: the replay refuses it, and so does Rocq."""
    valid, false = dict[str, Any](), dict[str, Any]()
    for case in CASES:
        verdict = prove(claim_of(case), seconds=10.0)
        assert verdict.certificate is not None, verdict.status
        valid[case.name], stronger = verdict.certificate, copy.deepcopy(verdict.certificate)
        op, left, right = stronger["statement"]["claim"]
        stronger["statement"]["claim"] = stronger["steps"][-1]["claim"] = [op, ["+", left, ["q", "1"]], right]
        with pytest.raises(ExportError):
            export(stronger)
        false[f"{case.name} stronger"] = stronger
    check(valid, false, STANDARD | MACHINE)


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
