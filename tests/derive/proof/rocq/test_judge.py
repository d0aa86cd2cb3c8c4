"""The judge: which files it accepts, and that it stops."""

import shutil
import subprocess
from typing import Any

import pytest

from sdescent.derive.proof.rocq.export import translated
from tests.derive.proof.rocq.asking import rocq
from tests.derive.proof.rocq.judging import Judged, NoRocqError, judge
from tests.support.certificates.invalid import ALL


def test_judge_says_that_there_is_no_coqc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NoRocqError, match="apt-get install coq"):
        judge("")


@pytest.mark.slow
@rocq
def test_judge_wants_standard_axioms_alone() -> None:
    text = translated(ALL["certify squares"]).text
    start = text.index("Theorem certified")
    proof = text[text.index("Proof.", start) : text.index("Qed.", start)]
    assert not judge(text.replace(proof, "Proof. Admitted. (* ").replace("Qed.\nEnd Cert", "*)\nEnd Cert")).accepted
    assert not judge(text.replace("Print Assumptions certified.", "")).accepted
    axiom = text.replace("Section Certificate.", "Axiom false : False.\nSection Certificate.")
    verdict = judge(axiom.replace(proof, "Proof. destruct false. "))
    assert not verdict.accepted
    assert "false" in verdict.assumptions


def test_a_file_that_takes_too_long_is_not_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*command: Any, timeout: float, **_: Any) -> None:
        raise subprocess.TimeoutExpired("coqc", timeout)

    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", never)
    assert judge("", timeout=3) == Judged(False, (), "coqc took more than 3 s")


@pytest.mark.slow
@rocq
def test_judge_stops() -> None:
    slow = "Fixpoint slow (n : nat) : nat := match n with O => 1 | S m => slow m + slow m end."
    verdict = judge(f"{slow}\nCompute slow 40.", timeout=2)
    assert not verdict.accepted
    assert "2 s" in verdict.output
