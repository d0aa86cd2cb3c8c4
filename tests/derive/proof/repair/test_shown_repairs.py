"""Where repairs are shown: in a notebook, by `sdescent claim`, and at the refuted entries of the catalogue."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.language.terms import x
from sdescent.derive.proof.language.text import said
from sdescent.derive.proof.repair.smallest import repaired, repairs
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.entry.theorem import Refutation
from sdescent.reports.cli import main
from tests.derive.proof.repair.test_smallest import checked
from tests.support.certificates.entries import checked_entry
from tests.support.samples import slow_but


def test_a_verdict_shows_repairs_when_they_were_looked_for() -> None:
    plain = prove("a*b <= (a^2 + b^2)/3")
    assert plain.repairs is None and "repaired" not in plain._repr_latex_() and "<li>" not in plain._repr_html_()
    shown = repaired(plain, 2)
    assert shown.repairs and shown == plain
    latex, page = shown._repr_latex_(), shown._repr_html_()
    assert latex.startswith("$") and latex.count("repaired") == len(shown.repairs)
    assert r"\frac{a^{2} + b^{2}}{2}" in latex
    assert page.count("<li>") == len(shown.repairs) and "1/2 in place of 1/3" in page
    assert "no repair was found" in repaired(prove("x^2 + 1 <= 0"), 0.5)._repr_html_()


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(list(arguments))
    shown = capsys.readouterr()
    return status, shown.out, shown.err


@pytest.mark.slow
def test_the_command_shows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    claim = "1 - eta*L + eta^2*L^2/2 <= 1 - eta*L/2"
    file.write_text(f'variables = ["eta", "L"]\nassume = ["eta >= 0", "L >= 0"]\nclaim = "{claim}"')
    status, out, _ = command(capsys, "claim", str(file))
    assert status == 1 and out.startswith("REFUTED\nat ")
    assert "repair: holds where eta*L <= 1: weakest such bound; fails for " in out
    status, out, _ = command(capsys, "claim", str(file), "--json", "--repair-seconds", "5")
    first = json.loads(out)["repairs"][0]
    assert status == 1 and set(first) == {"kind", "text", "claim", "assume", "needed", "sharp"}
    assert first["kind"] == "bound" and first["assume"] == ["eta >= 0", "L >= 0", "eta*L <= 1"] and first["sharp"]
    assert set(first["needed"]) == {"eta", "L"}
    # what it says is a claim file that is proved
    again = tmp_path / "again.toml"
    assume, claim = json.dumps(first["assume"]), json.dumps(first["claim"])
    again.write_text(f'variables = ["eta", "L"]\nassume = {assume}\nclaim = {claim}')
    assert command(capsys, "claim", str(again))[0] == 0


@pytest.mark.slow
def test_the_command_without_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('variables = ["x"]\nclaim = "x^2 + 1 <= 0"')
    status, out, _ = command(capsys, "claim", str(file))
    assert status == 1 and "no repair was found" in out
    status, out, _ = command(capsys, "claim", str(file), "--no-repair")
    assert status == 1 and "repair" not in out
    assert json.loads(command(capsys, "claim", str(file), "--no-repair", "--json")[1])["repairs"] is None
    assert json.loads(command(capsys, "claim", str(file), "--json")[1])["repairs"] == []
    for wrong in ("0", "-1", "601", "soon", "1e2"):
        status, out, _ = command(capsys, "claim", str(file), "--json", "--repair-seconds", wrong)
        assert status == 2 and json.loads(out)["field"] == "--repair-seconds"


REFUTATIONS = [e for e in entries().values() if isinstance(e, Refutation)]


@pytest.mark.parametrize("entry", REFUTATIONS, ids=lambda e: e.id)
def test_entries_have_a_repair(entry: Refutation) -> None:
    found = checked_entry(entry.id)
    assert found.status == "REFUTED" and entry.mended
    assert [c["instead"] in ("", *entry.assume) for c in found.repair["changes"]] == [True] * len(entry.mended)
    assert found.repair["entry"] == entry.repair


@pytest.mark.parametrize("entry", REFUTATIONS, ids=lambda e: e.id)
def test_a_repair_that_repairs_nothing_is_not_shown(entry: Refutation) -> None:
    (name, *_) = entry.witness
    broken = dataclasses.replace(entry, mended={"nothing": x(name).eq(x(name))})
    assert check(broken).status == "UNDECIDED"


FOUND = {
    "6.2-kappa-fifth": "kap == 1/4", "6.4-chord": "v <= 100", "6.9-equality": "1 + theta < q", "8-rosenbrock": "abs(v) <= 31/63",
}  # fmt: skip


@pytest.mark.parametrize("name", slow_but(FOUND, ["6.4-chord"]))
def test_the_search_finds_those_of_the_catalogue(name: str) -> None:
    entry = entries()[name]
    assert isinstance(entry, Refutation)
    verdict = prove(entry.claim, list(entry.assume.values()), list(entry.witness), seconds=3)
    found = repairs(verdict, seconds=5)
    for r in found:
        checked(r, verdict)
    assert [said(r) for r in entry.mended.values()] == [FOUND[name]]
    assert any(FOUND[name] in map(said, r.assume) for r in found)


def test_check_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = command(capsys, "check", "6.9-equality", "8-rosenbrock")
    assert status == 0 and "proved with abs(v) <= 31/63" in out
    assert "proved with 1 + theta < q; repaired by 6.9-growth" in out
    (result,) = json.loads(command(capsys, "check", "6.2-kappa-fifth", "--json")[1])["results"]
    assert result["repair"]["entry"] == "6.2-pathwise"
    assert [(c["plain"], c["instead"]) for c in result["repair"]["changes"]] == [("kap == 1/4", "kappa")]
