"""Theorems of the pages: a certificate replays and says what was printed, and no mutant of it proves what is false."""

import json
import tomllib
from pathlib import Path

import pytest

from sdescent.derive.theorems.bounds.stated import read_stated
from sdescent.derive.vocabulary.verdicts import EXIT_STATUS, Verdict
from sdescent.reports.cli import main
from sdescent.toml_files import reader
from tests.support.certificates.mutants import tally
from tests.support.commands.pages import PAGES, blocks

#: name -> text of every file of the pages that states a theorem
FILES = {
    f"{page.stem}:{block.line}": block.text
    for page in PAGES
    for block in blocks(page)
    if block.language == "toml" and reader(tomllib.loads(block.text)) is read_stated
}
#: random edits of each certificate about steps
MUTANTS = 60


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_what_is_proved_of_a_file_of_the_pages_replays(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(FILES) >= 12
    (tmp_path / "mine.toml").write_text(FILES[name], encoding="utf-8")
    status = main(["prove", str(tmp_path / "mine.toml"), "--no-repair", "--json"])
    answer = json.loads(capsys.readouterr().out)
    proved = answer["verdict"] == Verdict.PROVED
    assert status == EXIT_STATUS[answer["verdict"]]
    assert proved == (answer["certificate"] is not None) == (answer["statement"] is not None)
    if proved:
        assert main(["replay", answer["certificate"], "--json"]) == 0
        again = json.loads(capsys.readouterr().out)
        assert answer["statement"] == {key: again[key] for key in answer["statement"]}
        proof = json.loads(Path(answer["certificate"]).read_text(encoding="utf-8"))
        if "steps" in proof["context"]:
            edited = tally({name: proof}, MUTANTS, len(name))  # raises where one is accepted that fails in a model
            assert edited["invalid"] + edited["unreadable"] > MUTANTS / 2
