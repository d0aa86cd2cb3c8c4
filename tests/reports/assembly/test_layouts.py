"""Every part of a report in the layouts of two conferences, alone and together: ICML has two columns, NeurIPS one of 5.5 inches.

Their style files may not be copied, so the documents here have the same widths. Times is used where it is installed. Latin Modern,
which is wider, stands in for it elsewhere.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sdescent.reports.document.pdf import Absent, CompileResult, compile_together
from sdescent.reports.document.portable import FITTING, portable
from tests.support.commands.command_line import completed

ICML = r"""\documentclass[10pt]{article}
\usepackage[letterpaper,textwidth=6.75in,textheight=9in,columnsep=0.25in]{geometry}"""
NEURIPS = r"""\documentclass[10pt]{article}
\usepackage[letterpaper,textwidth=5.5in,textheight=9in]{geometry}"""
LAYOUTS = {"icml": (ICML, r"\twocolumn[\centering A paper\bigskip]"), "neurips": (NEURIPS, "")}
PACKAGES = r"""\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}
\usepackage{FONT,amsmath,amssymb,mathtools,booktabs,longtable,graphicx,hyperref}
\begin{document}
"""
#: pt: a box that is wider than its line by more is a fault, and so are letters that are smaller
WIDEST, SMALLEST = 5.0, 5.0


def font() -> str:
    finder = shutil.which("kpsewhich")
    metrics = finder and subprocess.run([finder, "ptmr8t.tfm"], capture_output=True, text=True, check=False).stdout
    return "times" if metrics else "lmodern"


def document(layout: str, parts: list[str]) -> str:
    preamble, begin = LAYOUTS[layout]
    body = "\n".join(rf"\section{{{p}}}\label{{sec:{p}}}\input{{parts/{p}}}" for p in parts)
    return preamble + PACKAGES.replace("FONT", font()) + begin + "\n" + body + "\n\\end{document}\n"


def faults(result: CompileResult) -> list[str]:
    """What is wrong with a document: errors, undefined references, wide boxes, and pieces that were scaled down too much."""
    wide = [f"{box.points} pt too wide: {box.where}" for box in result.overfull if box.where.startswith(r"\hbox")]
    sizes = map(float, re.findall(r"^sdescent: scaled to ([\d.]+)pt$", result.log, re.MULTILINE))
    return [*result.errors, *result.undefined, *wide, *(f"letters of {size} pt" for size in sizes if size < SMALLEST)]


def text_of(pdf: Path | None) -> str:
    """The words of a PDF, without hyphens at the ends of lines."""
    return " ".join(completed("pdftotext", "-raw", str(pdf), "-", check=True).stdout.replace("-\n", "").split())


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_part_goes_into_a_paper(quick_report: Path, tmp_path: Path, layout: str) -> None:
    """Alone, where a reference to another part is in words, and with all others, where it is a number."""
    for folder in ("parts", "figures"):
        shutil.copytree(quick_report / folder, tmp_path / folder)
    order = re.findall(r"\\input\{parts/([\w-]+)\}", (quick_report / "report.tex").read_text())
    assert {*order, "macros"} == {p.stem for p in (tmp_path / "parts").glob("*.tex")}
    documents = {part: [part] for part in order} | {"together": order}
    for name, parts in documents.items():
        (tmp_path / f"{name}.tex").write_text(document(layout, parts))
    compiled = compile_together([tmp_path / f"{name}.tex" for name in documents], timeout=400.0, overfull_points=WIDEST)
    if isinstance(compiled, Absent):
        pytest.skip(compiled.message)
    results = dict(zip(documents, compiled, strict=True))
    assert {name: wrong for name, result in results.items() if (wrong := faults(result))} == {}
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext")
    texts = {name: text_of(result.pdf) for name, result in results.items()}
    assert not [name for name, text in texts.items() if "??" in text]
    for part in order:
        source = (tmp_path / "parts" / f"{part}.tex").read_text()
        assert source.startswith("% Refers to other parts: ") == (r"\sdref{" in source)
        assert ("of the full report" in texts[part]) == (r"\sdref{" in source), part
    assert "of the full report" not in texts["together"]


@pytest.mark.slow
def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    """The check of the check: a long word, an unknown reference, and a table of thirty columns in one column of two."""
    rule = r"\begin{sdfit}\rule{30in}{1pt}\end{sdfit}"
    bodies = {"wide": r"\noindent\mbox{" + 60 * "wide " + "}", "unknown": r"\ref{tab:none}", "small": rule}
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "macros.tex").write_text(FITTING)
    for name, body in bodies.items():
        (tmp_path / "parts" / f"{name}.tex").write_text(portable("\\input{parts/macros}\n" + body + "\n"))
        (tmp_path / f"{name}.tex").write_text(document("icml", [name]))
    compiled = compile_together([tmp_path / f"{name}.tex" for name in bodies])
    if isinstance(compiled, Absent):
        pytest.skip(compiled.message)
    wide, unknown, small = map(faults, compiled)
    assert "too wide" in wide[0] and unknown == ["tab:none"] and "letters of" in small[0]
