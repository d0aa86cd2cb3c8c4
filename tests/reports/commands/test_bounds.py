"""The commands prove and suggest: contract of JSON and exit statuses, files, and what they refuse."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.reports.commands import prove_and_suggest
from sdescent.reports.commands.prove_and_suggest import _show, toml_of
from tests.support.commands.command_line import Run
from tests.support.own_theorems import THEOREMS

KEYS = {
    "verdict", "title", "about", "claim", "conclusion", "assumptions", "definitions", "declared", "unused", "steps", "axioms",
    "satisfiability", "counterexample", "loss", "repairs", "failed", "left_over", "guesses", "instead", "reason", "seconds",
    "refutes", "clients", "run", "certificate", "rocq", "verified", "statement", "conventions", "contradiction",
}  # fmt: skip


def theorem(folder: Path, **changed: object) -> Path:
    path = folder / "mine.toml"
    path.write_text(toml_of({**THEOREMS["nonconvex"][0], **changed}))
    return path


def test_a_proof_comes_with_its_certificate(tmp_path: Path, run: Run) -> None:
    status, out, _ = run("prove", str(theorem(tmp_path)), "--json")
    found = json.loads(out)
    assert (status, found["verdict"], found["about"]) == (0, "PROVED", "method") and set(found) >= KEYS
    assert found["conclusion"] == "Esum(1/2*eta*G^2) <= f_0 - fstar + sum(eta^2*L*s/(2*N))"
    assert any("variance" in a for a in found["assumptions"]) and found["axioms"] == ["integrability"]
    status, out, _ = run("replay", found["certificate"])
    assert status == 0 and "satisfiability shown" in out


def test_a_worst_case_comes_with_its_certificate_and_its_function(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "worst.toml"
    path.write_text(
        'noise = "none"\nassume = ["smooth: 1", "convex", "eta == 1"]\n[method]\nupdate = ["x = x - eta*G"]\n'
    )
    status, out, _ = run("suggest", str(path), "--steps", "2", "-o", str(tmp_path), "--json")
    result = json.loads(out)
    assert (status, result["verdict"], result["tau"], result["attained"]) == (0, "PROVED", "1/10", True)
    assert result["points"]["2"] == {"x0": "1", "g0": "-1", "g1": "-1"} and result["worst"]["value 2"] == "1/10"
    status, out, _ = run("replay", result["certificate"])
    assert status == 0 and "(1/10)" in out
    status, out, _ = run("suggest", str(path), "--steps", "1")
    assert status == 0 and "no smaller number holds" in out and "after 1 step <= 1/6" in out
    path.write_text(path.read_text().replace('"smooth: 1", ', ""))
    status, out, _ = run("suggest", str(path), "--steps", "1")
    assert status == 3 and out.startswith("no bound was found")
    for wrong in ("0", "61", "two"):
        status, _, err = run("suggest", str(path), "--steps", wrong)
        assert status == 2 and "a number from 1 to 60" in err


def test_a_proof_that_rocq_cannot_state_is_refused(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdescent.derive.proof.rocq.export.UNITS", 10)
    status, out, err = run("prove", str(theorem(tmp_path)), "--rocq", str(tmp_path / "proof.v"))
    assert (status, out) == (1, "") and "valid but cannot be exported" in err and not (tmp_path / "proof.v").exists()


def test_a_refutation_has_exact_numbers(tmp_path: Path, run: Run) -> None:
    path = theorem(tmp_path, claim="change <= -3*eta*G^2/4 + eta^2*L*s/(2*N)")
    status, out, _ = run("prove", str(path), "--no-repair", "--json")
    found = json.loads(out)
    assert (status, found["verdict"], found["certificate"]) == (1, "REFUTED", None)
    assert found["counterexample"]["eta"] and "h_q" in found["loss"] and found["satisfiability"] == "shown"
    assert (found["refutes"], found["clients"], found["dimension"]) == ("claim", 1, 1)
    assert Fraction(found["run"]["left"]) > Fraction(found["run"]["right"])
    assert all(Fraction(v) >= 0 for values in found["run"]["margins"].values() for v in values)
    assert found["run"]["states"]


def test_a_refutation_names_the_dimension_that_a_compressor_needs(tmp_path: Path, run: Run) -> None:
    path = theorem(tmp_path, method="dcsgd", compressor="rand-k:k=1", claim="change <= -eta*G^2")
    status, out, _ = run("prove", str(path), "--no-repair")
    assert status == 1 and "(one client, d = 2)" in out


def test_a_search_writes_files_that_prove_again(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "asked.toml"
    path.write_text('method = "dsgd"\nmodel = "first-order"\nassume = ["smooth: L0, L1", "variance: s"]\n')
    status, out, _ = run("suggest", str(path), "-o", str(tmp_path / "found"), "--json")
    (found,) = json.loads(out)["theorems"]
    assert status == 0 and "kap" in found["condition"]
    assert {b["change"] for b in found["beyond"]} >= {"15/16 times the floor"}
    status, out, _ = run("prove", found["file"], "--json")
    assert status == 0 and json.loads(out)["verdict"] == "PROVED"


@pytest.mark.parametrize(
    ("changed", "word"),
    [({"claim": "change <= -||w||^2"}, "vectors"), ({"method": "adam"}, "linear"), ({"extra": 1}, "keys")],
)
def test_mistakes_are_one_line(tmp_path: Path, run: Run, changed: dict[str, object], word: str) -> None:
    status, out, err = run("prove", str(theorem(tmp_path, **changed)))
    assert status in (1, 2) and word in err and not out and err.count("\n") == 1


@pytest.mark.parametrize("verdict", ["PROVED", "REFUTED"])
def test_numbers_against_a_proof_contradict_it(verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdescent.numerics.evidence.verify.verify_stated", lambda *_: [])
    against = [SimpleNamespace(measured={"failing": 3})]
    monkeypatch.setattr("sdescent.numerics.evidence.checks.formulas.contradicting", lambda *_: against)
    fields = {"verdict": verdict, "conclusion": "c", "certificate": "f"}
    told = prove_and_suggest._verified(SimpleNamespace(about="method"), 1.0, fields)
    assert told.get("verdict") == ("CONTRADICTED" if verdict == "PROVED" else None)
    assert verdict == "REFUTED" or told["contradiction"]["measured"] == [{"failing": 3}]


@pytest.mark.slow
def test_a_proof_that_numbers_contradict_is_not_proved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checker that proves the theorem of the file and says so of another claim."""
    real, claim = prove_and_suggest.answered, "change <= -3*eta*G^2/4 + eta^2*L*s/(2*N)"
    other = Stated({**THEOREMS["nonconvex"][0], "claim": claim})
    monkeypatch.setattr(prove_and_suggest, "answered", lambda *args, **more: replace(real(*args, **more), stated=other))
    path = str(theorem(tmp_path))
    status, out, _ = run("prove", path, "--json", "--verify")
    found = json.loads(out)
    assert (status, found["verdict"]) == (4, "CONTRADICTED")
    both = found["contradiction"]
    assert both["proved"] == found["conclusion"] and Path(both["certificate"]).is_file()
    assert "report it" in both["report"]
    step = next(one for one in both["measured"] if one["instance"]["what"] == "one step")
    assert step["subject"] == "method" and step["level"] == 1.0 and 0 < step["failing"] <= step["count"]
    assert step["instance"]["worst"]["value"] > step["instance"]["worst"]["bound"]
    _show(found)
    out = capsys.readouterr().out
    assert out.startswith("CONTRADICTED\n") and "report it" in out
    assert "proved for the method: Esum(" in out and "measured: method, enumeration: the claim fails at " in out


def test_tune_chooses_the_step_size_and_proves_the_bound(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "average.toml"
    path.write_text(
        'method = "dsgd"\nassume = ["smooth: L", "variance: s", "eta*L <= 1", "K >= 1"]\nV = "f - fstar"\nconclude = "telescope"\n'
        'step = "change <= -eta*G^2/2 + eta^2*L*s/(2*N)"\nclaim = "Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s/N"\n'
    )
    status, out, _ = run("tune", str(path), "--json")
    result = json.loads(out)
    assert status == 0 and result["verdict"] == "PROVED" and result["conditions"] == ["eta*L <= 1"]
    assert result["equation"] == "K*L*eta^2*s == 2*N*V0" and result["claim"] == "Esum(G^2)/K <= 2*L*eta*s/N"
    assert run("replay", result["certificate"])[0] == 0
    status, _, err = run("tune", str(path), "--over", "N")
    assert status == 2 and "sum of powers of N" in err
