"""What claim, check and prove say of a proof is what replay says of its certificate, in JSON and in the lines of the terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.theorems.entry import checking
from sdescent.reports.commands.prove_and_suggest import toml_of
from tests.support.commands.command_line import Run
from tests.support.own_theorems import THEOREMS

#: 1/||x - xstar||^2 may be 1/0, and the claim is then the one without it
DIVIDED = {
    "method": "dsgd", "assume": ["smooth: L", "variance: s", "eta*L <= 1"], "V": "f - fstar",
    "claim": "change <= -eta*G^2/2 + eta^2*L*s/(2*N) + 1/||x - xstar||^2",
}  # fmt: skip
CLAIMS: dict[str, dict[str, Any]] = {
    "true": {"variables": ["a", "b"], "assume": [], "claim": "2*a*b <= a^2 + b^2"},
    "vacuous": {"variables": ["x"], "assume": ["x > 0", "x < 0"], "claim": "x == 7"},
}


def said(run: Run, *arguments: str) -> list[str]:
    return [line.strip() for line in run(*arguments)[1].splitlines()]


def answer(run: Run, *arguments: str) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json")[1])


def standing(lines: list[str]) -> list[str]:
    """The lines about what a proof rests on and what satisfies its hypotheses."""
    return [line for line in lines if line.startswith(("axioms: ", "satisfiability ", "convention: "))]


def same(found: dict[str, Any], lines: list[str], run: Run) -> dict[str, Any]:
    """The statement of an answer, which is that of the replay of its certificate."""
    again = answer(run, "replay", found["certificate"])
    statement = found["statement"]
    assert again["valid"] and statement == {key: again[key] for key in statement}
    assert {"assumptions", "claim", "axioms", "conventions", "satisfiability", "vacuous", "witness"} <= set(statement)
    for key in ("axioms", "satisfiability", "vacuous"):
        assert found.get(key, statement[key]) == statement[key]
    shown = standing(said(run, "replay", found["certificate"]))
    assert [line for line in standing(lines) if line[0] != "c"] == [line for line in shown if line[0] != "c"]
    assert len(standing(lines)) == len(shown) == 2 + len(statement["conventions"])
    return statement


def proved(tmp_path: Path, run: Run, table: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What prove says of a file: its JSON, compared with the replay, and its lines."""
    path = tmp_path / "mine.toml"
    path.write_text(toml_of(table))
    lines = said(run, "prove", str(path))
    found = answer(run, "prove", str(path))
    assert lines[0] == found["verdict"] == "PROVED"
    same(found, lines, run)
    return found, lines


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_says_what_replay_says(name: str, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(toml_of(CLAIMS[name]))
    lines = said(run, "claim", str(path))
    statement = same(answer(run, "claim", str(path)), lines, run)
    assert statement["satisfiability"] == {"true": "shown", "vacuous": "impossible"}[name]
    assert ("(the assumptions contradict each other)" in lines[0]) == statement["vacuous"] == (name == "vacuous")


def test_check_says_what_replay_says(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "2000")  # lines are not broken
    (found,) = answer(run, "check", "6.1-scheduled", "--certificates", str(tmp_path))["results"]
    statement = same(found, said(run, "check", "6.1-scheduled"), run)
    assert statement["conventions"] == [] and len(found["axioms"]) == 4


@pytest.mark.slow
def test_prove_names_conventions_in_the_letters_of_the_file(tmp_path: Path, run: Run) -> None:
    found, lines = proved(tmp_path, run, DIVIDED)
    convention = (
        "1/0 = 0: something in the statement is divided by ||x - xstar||^2, and no step shows that this is not 0"
    )
    assert found["conventions"] == [convention] and f"convention: {convention}" in lines
    assert len(found["statement"]["conventions"]) == 1 and "xstar" not in found["statement"]["conventions"][0]
    assert found["satisfiability"] == "shown" and found["axioms"] == []


def test_prove_says_that_nothing_is_seen_to_satisfy_the_hypotheses(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "find_model", lambda *_: None)
    found, lines = proved(tmp_path, run, THEOREMS["nonconvex"][0])
    assert found["satisfiability"] == "not shown" and "the claim may say nothing" in lines[-2]
    assert found["axioms"] == ["integrability"] and "axioms: integrability" in lines


def test_what_is_not_proved_has_no_statement(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(toml_of(CLAIMS["true"] | {"claim": "3*a*b <= a^2 + b^2"}))
    found = answer(run, "claim", str(path), "--no-repair")
    assert (found["verdict"], found["statement"]) == ("REFUTED", None)
    path.write_text(toml_of(THEOREMS["nonconvex"][0] | {"claim": THEOREMS["nonconvex"][1][0]}))
    found = answer(run, "prove", str(path), "--no-repair")
    assert (found["verdict"], found["statement"], found["conventions"], found["axioms"]) == ("REFUTED", None, [], [])
