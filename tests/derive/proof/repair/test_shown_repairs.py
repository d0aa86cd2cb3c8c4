"""Where repairs are shown: by `sdescent claim`, and at the refuted entries of the catalogue."""

import dataclasses
import json
from pathlib import Path

import pytest

from sdescent.derive.proof.language.terms import x
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.entry.theorem import Refutation
from sdescent.reports.cli import main
from tests.support.certificates.entries import checked_entry


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(list(arguments))
    shown = capsys.readouterr()
    return status, shown.out, shown.err


@pytest.mark.slow
def test_the_command_shows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    claim, assume = "1 - eta*L + eta^2*L^2/2 <= 1 - eta*L/2", ["eta >= 0", "L >= 0"]
    file.write_text(f'variables = ["eta", "L"]\nassume = {json.dumps(assume)}\nclaim = "{claim}"')
    status, out, _ = command(capsys, "claim", str(file), "--repair-seconds", "2")
    assert status == 1 and out.startswith("REFUTED\nat ")
    assert "repair: holds where eta*L <= 1: weakest such bound; fails for " in out
    status, out, _ = command(capsys, "claim", str(file), "--json", "--repair-seconds", "2")
    first = json.loads(out)["repairs"][0]
    assert status == 1 and set(first) == {"kind", "text", "claim", "assume", "needed", "sharp"}
    assert first["kind"] == "bound" and first["assume"] == [*assume, "eta*L <= 1"] and first["sharp"]
    assert set(first["needed"]) == {"eta", "L"}
    # what it says is a claim file that is proved
    file.write_text(f'variables = ["eta", "L"]\nassume = {json.dumps(first["assume"])}\nclaim = "{first["claim"]}"')
    assert command(capsys, "claim", str(file))[0] == 0


@pytest.mark.slow
def test_the_command_without_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('variables = ["x"]\nclaim = "x^2 + 1 <= 0"')
    status, out, _ = command(capsys, "claim", str(file))
    assert status == 1 and "no repair was found" in out
    status, out, _ = command(capsys, "claim", str(file), "--no-repair")
    assert status == 1 and "repair" not in out
    assert json.loads(command(capsys, "claim", str(file), "--no-repair", "--json")[1])["repairs"] is None
    for wrong in ("0", "601", "soon"):
        status, out, _ = command(capsys, "claim", str(file), "--json", "--repair-seconds", wrong)
        assert status == 2 and json.loads(out)["field"] == "--repair-seconds"


REFUTATIONS = [e for e in entries().values() if isinstance(e, Refutation)]


@pytest.mark.parametrize("entry", REFUTATIONS, ids=lambda e: e.id)
def test_entries_have_a_repair_and_one_that_repairs_nothing_is_not_shown(entry: Refutation) -> None:
    checked = checked_entry(entry.id)
    assert checked.status == "REFUTED" and entry.mended
    assert [c["instead"] in ("", *entry.assume) for c in checked.repair["changes"]] == [True] * len(entry.mended)
    assert checked.repair["entry"] == entry.repair
    (name, *_) = entry.witness
    assert check(dataclasses.replace(entry, mended={"nothing": x(name).eq(x(name))})).status == "UNDECIDED"


def test_check_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = command(capsys, "check", "6.9-equality", "8-rosenbrock")
    assert status == 0 and "proved with abs(v) <= 31/63" in out
    assert "proved with 1 + theta < q; repaired by 6.9-growth" in out
    (result,) = json.loads(command(capsys, "check", "6.2-kappa-fifth", "--json")[1])["results"]
    assert result["repair"]["entry"] == "6.2-pathwise"
    assert [(c["plain"], c["instead"]) for c in result["repair"]["changes"]] == [("kap == 1/4", "kappa")]
