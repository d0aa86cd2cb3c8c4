"""The section on the user's theorems: read from the specification, proved or refuted, numbers beside, as LaTeX."""

import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from sdescent.derive.reading.problems import problem, read_problem
from sdescent.derive.theorems.bounds.answer import Answer
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.bounds.suggest import answered
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.assembly.plan import chosen
from sdescent.reports.assembly.report import build_report
from sdescent.reports.sections import own_theorems

TRUE = (
    'title = "True $x_1$"\nmethod = "dsgd"\nV = "f - fstar"\nassume = ["smooth: L", "variance: s", "eta*L <= 1"]\n'
    'conclude = "telescope"\nclaim = "change <= -eta*G^2/2 + eta^2*L*s/(2*N)"\n'
)


def spec(folder: Path, *theorems: str) -> Path:
    for n, text in enumerate(theorems, 1):
        (folder / f"t{n}.toml").write_text(text)
    names = ", ".join(f'"t{n}.toml"' for n in range(1, len(theorems) + 1))
    path = folder / "spec.toml"
    path.write_text(f'method = "dsgd"\ntheorems = [{names}]\n')
    return path


def test_theorems_are_read_beside_the_specification(tmp_path: Path) -> None:
    found = read_problem(spec(tmp_path, TRUE, 'method = "dsgd"\n'))
    assert [t.title for t in found.theorems] == ["True $x_1$", "t2.toml"]
    assert {"ledger", "own-theorems"} <= set(chosen(found, None)) and "own-claims" not in chosen(found, None)
    assert "own-theorems" not in chosen(problem({"method": "dsgd"}), None)
    first = found.to_dict()
    (tmp_path / "t1.toml").write_text(TRUE.replace("1", "2"))
    assert read_problem(tmp_path / "spec.toml").to_dict() != first  # what is stored is of another theorem


def test_numbers_do_not_confirm_a_theorem_that_is_refuted() -> None:
    def judged(status: str, *verdicts: str) -> str:
        fields = {"subject": "SDE", "count": 1, "tightness": 1.2, "instance": {"what": "one step"}}
        seen = [SimpleNamespace(verdict=v, **fields) for v in verdicts]
        return own_theorems._evidence("t", status, seen)["SDE"]["verdict"]

    assert judged("PROVED", "CONFIRMED", "INCONCLUSIVE") == "CONFIRMED"
    assert judged("REFUTED", "CONFIRMED") == "INCONCLUSIVE"
    assert judged("REFUTED", "CONFIRMED", "VIOLATED") == judged("PROVED", "VIOLATED") == "VIOLATED"


def test_the_text_of_a_proof_is_that_of_its_certificate_or_it_is_left_out() -> None:
    stated = Stated(tomllib.loads(TRUE))
    answer = answered(stated, 10.0)
    words = own_theorems._in_words(answer, "theorem-1")
    assert words["statement"].count(r"\label{theorem-1:") == 2 and r"\item[] (A1) \texttt" in words["statement"]
    assert words["proof"].count(r"\textbf{Proof.}") == 1 and r"\eqref{theorem-1:1}" in words["proof"]
    assert r"\penalty" not in words["statement"] + words["proof"]
    # the certificate does not prove another claim, and no text says that it does
    other = replace(answer, stated=Stated({**stated.table, "claim": "change <= -3*eta*G^2/4 + eta^2*L*s/(2*N)"}))
    words = own_theorems._in_words(other, "theorem-1")
    assert words["proof"] == words["statement"] == "" and "does not prove a claim" in words["missing"]


@pytest.mark.slow
def test_a_report_has_the_users_theorems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(own_theorems.SECONDS, "quick", {"proof": 8.0, "numbers": 60.0})
    false = TRUE.replace("True", "False").replace("-eta*G^2/2", "-3*eta*G^2/4")
    problem = read_problem(spec(tmp_path, TRUE, false))
    found = build_report(problem, tmp_path / "out", True, None, lambda label, done: None)
    rows = [r for g in found["ledger"] for r in g["rows"]]
    assert [r["status"] for r in rows] == [Verdict.PROVED, Verdict.REFUTED]
    assert [{e["verdict"] for e in row["numbers"]} for row in rows] == [{"CONFIRMED"}, {"VIOLATED"}]
    assert [title for title, status in found["statuses"].items() if status == "refuted"] == ["False $x_1$"]
    assert (tmp_path / "out" / "certificates" / "theorem-1.cert.json").is_file()
    part = (tmp_path / "out" / "parts" / "own-theorems.tex").read_text()
    assert r"True \$x\_1\$ (PROVED)" in part and r"False \$x\_1\$ (REFUTED)" in part
    assert r"\textbf{Proof.}" in part and "Counterexample" in part and "Numbers for the method" in part


@pytest.mark.slow
def test_a_proof_that_numbers_contradict_is_not_printed_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, claim = own_theorems.answered, "change <= -3*eta*G^2/4 + eta^2*L*s/(2*N)"

    def forced(stated: Stated, seconds: float) -> Answer:
        return replace(real(stated, seconds), stated=Stated({**stated.table, "claim": claim}))

    monkeypatch.setattr(own_theorems, "answered", forced)
    monkeypatch.setitem(own_theorems.SECONDS, "quick", {"proof": 8.0, "numbers": 60.0})
    asked = read_problem(spec(tmp_path, TRUE))
    found = build_report(asked, tmp_path / "out", True, "own-theorems", lambda label, done: None)
    assert found["statuses"] == {"True $x_1$": "contradicted"}
    part = (tmp_path / "out" / "parts" / "own-theorems.tex").read_text()
    assert r"True \$x\_1\$ (CONTRADICTED)" in part and "please report it" in part and "(PROVED)" not in part
