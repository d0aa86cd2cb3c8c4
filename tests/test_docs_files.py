"""Claims and theorems of the pages: what is proved replays and says so, and no mutant of a certificate proves what is false."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.reading.claims import read_claim
from sdescent.derive.theorems.bounds.stated import read_stated
from sdescent.derive.vocabulary.verdicts import EXIT_STATUS, Verdict
from sdescent.reports.cli import main
from sdescent.toml_files import reader
from tests.support.certificates.mutants import tally
from tests.support.commands.pages import PAGES, blocks

COMMANDS = {read_claim: "claim", read_stated: "prove"}
#: name -> (command, text) of every file of the pages that one of the two reads
FILES = {
    f"{page.stem}:{block.line}": (COMMANDS[read], block.text)
    for page in PAGES
    for block in blocks(page)
    if block.language == "toml" and (read := reader(tomllib.loads(block.text))) in COMMANDS
}
#: random edits of each certificate about steps
MUTANTS = 150


def answered(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    command, text = FILES[name]
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    status = main([command, str(path), "--no-repair", "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_the_pages_have_claims_and_theorems() -> None:
    commands = [command for command, _ in FILES.values()]
    assert commands.count("claim") >= 6 and commands.count("prove") >= 12


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_what_is_proved_of_a_file_of_the_pages_replays(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = answered(name, tmp_path, capsys)
    if "error" in found:  # a page shows how a claim is refused
        assert status == 2 and found["field"]
        return
    assert status == EXIT_STATUS[found["verdict"]]
    assert (
        (found["verdict"] == Verdict.PROVED) == (found["certificate"] is not None) == (found["statement"] is not None)
    )
    if found["certificate"] is not None:
        assert main(["replay", found["certificate"], "--json"]) == 0
        again = json.loads(capsys.readouterr().out)
        assert found["statement"] == {key: again[key] for key in found["statement"]}
        proof = json.loads(Path(found["certificate"]).read_text(encoding="utf-8"))
        if "steps" in proof["context"]:
            edited = tally({name: proof}, MUTANTS, len(name))  # raises where one is accepted that fails in a model
            assert edited["invalid"] + edited["unreadable"] > MUTANTS / 2
