"""The report: every part compiles in a paper, a planted error shows, a user's problem gets its own."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import sympy as sp

from sdescent.derive.equations import sde
from sdescent.derive.equations.process.stationary import model_table
from sdescent.derive.reading.claims import titled_claims
from sdescent.derive.reading.problems import problem
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.assembly import report
from sdescent.reports.assembly.plan import contents_of
from sdescent.reports.assembly.report import build_report
from sdescent.reports.document.notation import MEANING, Notation, macro, own_macro
from tests.support.commands.command_line import completed
from tests.support.commands.solved import quietly

SYMBOLIC = ("models", "stationary")


@pytest.fixture
def untyped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither TeX nor pandoc is run."""
    monkeypatch.setattr(report, "_typeset", lambda *_: None)


@pytest.mark.slow
@pytest.mark.parametrize("name", SYMBOLIC)
def test_a_part_has_its_page_and_goes_into_a_paper_elsewhere_with_narrow_lines(name: str, tmp_path: Path) -> None:
    """The report in a folder of its own, article's own line width, macros with indices of the paper's own."""
    folder = tmp_path / "report"
    notes = build_report(None, folder, True, name, quietly)["notes"]
    assert [note for note in notes if note.startswith(("HTML:", "TeX:"))] == []  # nothing left out, nothing too wide
    part, page = (folder / "parts" / f"{name}.tex").read_text(), (folder / "report.html").read_text()
    notation = (folder / "parts" / "notation.tex").read_text()
    tables = re.findall(r"\\begin\{(?:tabular|longtable)\}.*?\\end\{(?:tabular|longtable)\}", part + notation, re.S)
    assert len(re.findall("<table", page)) == len(tables) > 1
    ends = [re.findall(r"\\\\(?:\[[^\]]*\])?\s*$", table, re.M) for table in tables]
    assert len(re.findall("<tr", page)) == sum(map(len, ends))
    if name == "models":
        text = re.sub("<[^>]*>", "", page)
        assert all(f"{row.weak_order} ({row.weak_order_source})" in " ".join(text.split()) for row in model_table())
    if name == "stationary":
        rows = json.loads(next((folder / "results").glob("stationary-*.json")).read_text())["result"]["rows"]
        assert {m["model"] for row in rows for m in row["models"] if m["exact"]} == {"corrected"}
    assert not re.search(r"\\eta(?![A-Za-z_])", part) and r"\sdEta" in part  # so the paper's macro is what is printed
    if shutil.which("pdflatex") is None:
        pytest.skip("needs TeX")
    for own in (name, "notation"):
        main = tmp_path / f"{own}.tex"
        main.write_text(
            r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern}"
            r"\usepackage{amsmath,amssymb,mathtools,booktabs,longtable,graphicx}"
            r"\newcommand{\sdRoot}{report/}\newcommand{\sdX}{\theta_t}\newcommand{\sdG}{g_t}\newcommand{\sdEta}{\gamma}"
            rf"\begin{{document}}\input{{report/parts/{own}}}\end{{document}}"
        )
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", main.name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
        log = main.with_suffix(".log").read_text(errors="replace")
        assert done.returncode == 0, log[-2000:]
        assert not [w for w in re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", log) if float(w) > 10]


def test_every_symbol_used_has_a_meaning_and_a_macro_of_its_own() -> None:
    names = [*MEANING, "ab", "a_b", "aB", "a1", "aOne", "aSubb"]
    assert len({macro(n) for n in MEANING} | {own_macro(n) for n in names}) == len(MEANING) + len(set(names))
    with pytest.raises(KeyError, match="sdZeta"):
        Notation().read(r"$\sdZeta$")
    own = Notation({"tau": "a scale"})
    own.read(rf"${own(sp.Symbol('tau'))} + {macro('eta')}$")
    rows = [row for group in own.groups().values() for row in group]
    assert rows == [(macro("eta"), MEANING["eta"][1].replace(">", r"\textgreater{}")), (own_macro("tau"), "a scale")]


@pytest.mark.slow
@pytest.mark.usefixtures("untyped")
def test_a_factor_two_in_a_drift_changes_what_the_models_are_said_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def said(name: str) -> str:
        build_report(None, tmp_path / name, True, "models", quietly)
        return (tmp_path / name / "parts" / "models.tex").read_text()

    assert "& $1$ &" in said("right")  # the corrected model has the method's stationary variance
    honest = sde.MODELS["corrected"]
    monkeypatch.setitem(sde.MODELS, "corrected", lambda b, method: 2 * honest(b, method))
    assert "& $1$ &" not in said("wrong")


def test_a_problem_of_the_users_own(tmp_path: Path) -> None:
    fields = {"method": "dcsgd", "compressor": "rand-k:k=2", "noise": "student-t", "dim": 3, "models": ["corrected"]}
    asked = problem(fields)
    made = build_report(asked, tmp_path, True, None, quietly)
    text = (tmp_path / "parts" / "problem.tex").read_text()
    assert made["statuses"] == {"corrected": "derived"}
    assert r"\sdNu > 2" in text and "rand-k:k=2" in text


@pytest.mark.usefixtures("untyped")
def test_problems_with_a_condition_and_without_a_model(tmp_path: Path) -> None:
    fields = {"method": "dcsgd", "compressor": "top-k:k=1", "noise": "gaussian", "dim": 2, "models": ["corrected"]}
    built = build_report(problem(fields), tmp_path / "given", True, None, quietly)
    assert built["statuses"] == {"corrected": "conditional"}
    refused = problem({"method": "dsgd", "noise": "cauchy", "models": ["first-order"]})
    assert build_report(refused, tmp_path / "no", True, None, quietly)["statuses"] == {"first-order": "refused"}


OWN = {
    "method": "dcsgd", "compressor": "rand-k:k=2", "noise": "student-t:nu=5,sigma=1/2", "loss": "quadratic:h=1|2|3", "clients": 4,
    "eta": "1/10", "T": "1", "x0": "2", "paths": 50, "seed": 7, "models": ["corrected"], "schedule": "power:p=1/2",
}  # fmt: skip


@pytest.mark.slow
def test_a_problem_of_the_users_own_is_simulated(tmp_path: Path) -> None:
    """With a claim: below a ledger of one's own tables begin at one, on the page and in the PDF."""
    claim = {"title": "A square", "variables": ["x", "y"], "claim": "2*x*y <= x^2 + y^2"}
    build_report(replace(problem(OWN), claims=titled_claims([claim], "claims")), tmp_path, True, None, quietly)
    caption, table = (tmp_path / "parts" / "ensembles.tex").read_text().split(r"\begin{sdtable}")
    for setting in (
        r"\sdK=2", r"\sdNu=5", r"\sdSigma=1/2", r"\sdH=(1, 2, 3)", r"schedule: $\sdU=\frac{1}{\sqrt{\sdT + 1}}$", r"\sdBigN=4",
        "(2, 2, 2)", "50 paths", "The seed of the method\nis 7",
    ):  # fmt: skip
        assert setting in caption
    assert "corrected" in table and "first-order" not in table and "second-order" not in table
    assert (tmp_path / "figures" / "ensemble-own.pdf").exists()
    page = (tmp_path / "report.html").read_text()
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names)) and "thm:claim-1" in names
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(names) and 'data-node="cert:claim-1"' in page
    assert re.findall(r'caption-label">(Table \d+)', page) == ["Table 1"]
    if shutil.which("pdftotext") is None or not (tmp_path / "report.pdf").is_file():
        pytest.skip("needs TeX and pdftotext")
    printed = completed("pdftotext", str(tmp_path / "report.pdf"), "-", check=True).stdout
    assert re.findall(r"^(Table \d+):", printed, re.MULTILINE) == ["Table 1"]


@pytest.mark.slow
@pytest.mark.usefixtures("untyped")
def test_a_model_without_a_closed_mean_is_told_and_steps_are_counted_exactly(tmp_path: Path) -> None:
    asked = problem(
        {"method": "dcsgd", "compressor": "top-k:k=1", "noise": "gaussian:sigma=1", "loss": "quartic", "dim": 2, "clients": 1,
         "eta": "0.1", "T": "0.3", "x0": "1", "paths": 5, "models": ["corrected"]}
    )  # fmt: skip
    build_report(asked, tmp_path, True, "ensembles", quietly)
    text = (tmp_path / "parts" / "ensembles.tex").read_text()
    assert "the corrected model is not solved: the corrected model needs the mean" in text and "(3 steps)" in text


@pytest.mark.parametrize(
    ("changed", "lacks"),
    [
        ({"eta": None, "x0": None}, ("x0", "eta")),
        ({"noise": "student-t:nu=5"}, ("a number for student-t:sigma",)),
        ({"loss": "quadratic", "x0": ["1", "2"]}, ("a number for h1 of the loss", "a number for h2 of the loss")),
        ({"schedule": "free"}, ("a schedule in t",)),
        ({"loss": None, "x0": None}, ("loss", "dim", "x0")),
    ],
    ids=str,
)  # fmt: skip
def test_what_an_experiment_lacks(changed: dict[str, object], lacks: tuple[str, ...]) -> None:
    asked = problem({**OWN, **changed})
    assert asked.experiment and tuple(map(str, asked.lacking)) == lacks


@pytest.mark.usefixtures("untyped")
def test_what_an_experiment_lacks_is_said(tmp_path: Path) -> None:
    build_report(problem({**OWN, "eta": None, "x0": None}), tmp_path, True, "ensembles", quietly)
    assert "lacks x0; eta." in (tmp_path / "parts" / "ensembles.tex").read_text()


def test_what_tex_and_pandoc_say_of_a_page_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the main text and of the details, which are compiled together; the page has both."""
    pdf, box = tmp_path / "report.pdf", SimpleNamespace(points=12.4, where="lines 3--5")
    compiled = SimpleNamespace(pdf=pdf, errors=["no such macro"], undefined=["label a"], overfull=[box])
    details = SimpleNamespace(pdf=tmp_path / "details.pdf", errors=["another"], undefined=[], overfull=[])
    pages = []
    monkeypatch.setattr(report, "compile_together", lambda documents: (compiled, details)[: len(documents)])
    monkeypatch.setattr(
        report,
        "tex_to_html",
        lambda main, extra: pages.append(main) or SimpleNamespace(html=None, warnings=["left out"]),
    )
    files: dict[str, str] = {}
    notes: list[str] = []
    report._typeset([tmp_path / "report.tex", tmp_path / "details.tex"], None, files, notes)
    assert files == {"pdf": str(pdf), "details": str(details.pdf)} and pages == [tmp_path / "report.tex"]
    told = ["TeX: no such macro", "TeX: label a", "TeX: a box is 12 pt too wide: lines 3--5"]
    assert notes == [*told, "TeX: another", "HTML: left out"]


def test_an_unknown_section_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--only"):
        build_report(None, tmp_path, True, "nothing", quietly)
    assert list(tmp_path.iterdir()) == []
    assert set(SYMBOLIC) < set(contents_of(None).sections)
