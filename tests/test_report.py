"""The report: every part compiles alone, a planted error shows, a second run reuses, a user's problem gets its own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from derive import models
from derive.errors import BadInput
from derive.problems import problem
from derive.sanity import model_table
from reports.build import SECTIONS, build_report
from reports.notation import MEANING, Notation, macro
from reports.tex import TexAbsent, compile_tex

ALONE = r"""\documentclass{article}
\usepackage[T1]{fontenc}\usepackage{lmodern}
\usepackage[margin=24mm]{geometry}
\usepackage{amsmath,amssymb,amsthm,mathtools,booktabs,graphicx,microtype}
\newcommand{\sdEta}{\gamma}
\begin{document}\input{parts/NAME}\end{document}
"""
SYMBOLIC = ("sde-table", "models", "stationary")


def quietly(label: str, fraction: float) -> None:
    assert 0 <= fraction <= 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("report")
    for name in SYMBOLIC:
        build_report(None, where, True, name, quietly)
    return where


@pytest.mark.parametrize("name", SYMBOLIC)
def test_a_part_compiles_alone_with_the_users_own_macro(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(folder / "parts", tmp_path / "parts")
    main = tmp_path / "alone.tex"
    main.write_text(ALONE.replace("NAME", name))
    made = compile_tex(main)
    if isinstance(made, TexAbsent):
        pytest.skip(made.message)
    assert made.pdf is not None and not made.errors
    assert not [box for box in made.overfull if box.points > 10]
    assert r"\sdEta" in (folder / "parts" / f"{name}.tex").read_text()  # so the user's macro is what is printed


def test_the_page_has_every_table_and_row_of_the_parts(folder: Path) -> None:
    for name in SYMBOLIC:
        build_report(None, folder, True, name, quietly)
        part, page = (folder / "parts" / f"{name}.tex").read_text(), (folder / "report.html").read_text()
        notation = (folder / "parts" / "notation.tex").read_text()
        tables = re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", part + notation, re.S)
        rows = sum(len(re.findall(r"\\\\(?:\[[^\]]*\])?\s*$", table, re.M)) for table in tables)
        assert len(re.findall("<table", page)) == len(tables) > 1
        assert len(re.findall("<tr", page)) == rows
        if name == "models":
            text = re.sub("<[^>]*>", "", page)
            assert all(f"{row.weak_order} ({row.weak_order_source})" in " ".join(text.split()) for row in model_table())


def test_every_symbol_used_has_a_meaning_and_a_macro_of_its_own() -> None:
    assert len({macro(name) for name in MEANING}) == len(MEANING)
    with pytest.raises(KeyError, match="zeta"):
        unknown = Notation()
        unknown.use("zeta")
        unknown.rows()


def test_a_factor_two_in_a_drift_changes_the_statuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    right = build_report(None, tmp_path / "right", True, "models", quietly)
    assert set(right["statuses"].values()) == {"holds"}
    honest = models.MODELS["corrected"]
    monkeypatch.setitem(models.MODELS, "corrected", lambda b, method: 2 * honest(b, method))
    wrong = build_report(None, tmp_path / "wrong", True, "models", quietly)
    assert "FAILS" in wrong["statuses"].values()


def test_a_second_run_reuses_what_was_finished(folder: Path) -> None:
    assert build_report(None, folder, True, "stationary", quietly)["reused"] == ["stationary"]
    assert build_report(None, folder, False, "stationary", quietly)["reused"] == []  # the full run is another result


def test_a_problem_of_the_users_own(tmp_path: Path) -> None:
    asked = problem({"method": "dcsgd", "compressor": "rand-k:k=2", "noise": "student-t", "dim": 3, "models": ["corrected"]})
    made = build_report(asked, tmp_path, True, None, quietly)
    text = (tmp_path / "parts" / "problem.tex").read_text()
    assert made["statuses"] == {"corrected": "holds"}
    assert r"\sdNu > 2" in text and "rand-k:k=2" in text
    refused = problem({"method": "dsgd", "noise": "cauchy", "models": ["first-order"]})
    assert build_report(refused, tmp_path / "no", True, None, quietly)["statuses"] == {"first-order": "refused"}


def test_an_unknown_section_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--only"):
        build_report(None, tmp_path, True, "nothing", quietly)
    assert list(tmp_path.iterdir()) == []
    assert set(SYMBOLIC) < set(SECTIONS)
