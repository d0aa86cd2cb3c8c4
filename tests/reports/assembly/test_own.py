"""A user's own report: every symbol and law explained, refusals with reasons, and no line too wide, on hard specifications."""

import re
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.equations import sde
from sdescent.derive.reading.problems import problem
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.registry import entries
from sdescent.reports.assembly.report import build_report
from sdescent.reports.document.notation import Notation, macro, own_macro, prose
from sdescent.reports.document.tex import vector
from sdescent.reports.sections.base import Inputs
from sdescent.reports.sections.problem import ProblemSection
from sdescent.reports.store.cache import ResultsCache
from tests.support.commands.solved import quietly

ALL = list(sde.MODELS)
CLIENTS = "|".join(f"s{n}" for n in range(1, 30))
SIXTY_FOUR = "|".join(f"{n}/7" for n in range(1, 65))
TWENTY = "|".join(f"123456789012/{12345678901 + n}" for n in range(20))

HARD: dict[str, dict[str, Any]] = {
    "top-k": {"method": "dcsgd", "compressor": "top-k:k=1", "noise": "gaussian:sigma=1|2", "dim": 3},
    "natural": {"method": "dcsgd", "compressor": "natural", "noise": "student-t", "dim": 2},
    "pages": {
        "method": "dcsgd", "compressor": "scaled-sign", "noise": "affine:nu=7,sigma0=1|2|3,sigma1=1|2|3", "dim": 3, "clients": 3,
    },
    "clients": {"method": "dcsgd", "compressor": "bernoulli:p=pp", "noise": f"gaussian:sigma={CLIENTS}"},
    "numbers": {"method": "dsignsgd", "noise": f"gaussian:sigma={TWENTY}"},
    "symbols": {
        "method": "dcsgd", "compressor": "bernoulli:p=pp", "noise": "gaussian:sigma=tau", "loss": "quadratic:h=h1|lam_2",
        "schedule": "power",
    },
    "dimension": {
        "method": "dsgd", "noise": "gaussian:sigma=1", "loss": f"quadratic:h={SIXTY_FOUR}", "clients": 2,
        "x0": ["12345678/1234567"] * 63 + ["1000000000000000000000000000001"],
    },
}  # fmt: skip
#: name -> what stands in the part on the problem, and in the notation
EXPLAINED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "top-k": (
        ("No closed form of the expectations", "is not simulated", "the coordinate with the largest"),
        tuple(
            f"${shown}$ &" for shown in (
                r"\mathbb{E}", r"\operatorname{Cov}", macro("noise"), macro("messagemean"), macro("unitnoise"),
                macro("compressor"), r"\cdot^{(n)}",
            )
        ),
    ),
    "natural": ((), (f"${macro('messagecov')}$ &", r"\lfloor\cdot\rfloor")),
    "clients": ((), (rf"${own_macro('s1')}$, \dots, ${own_macro('s29')}$", "one for each client")),
    "symbols": (
        (rf"{macro('h')}=({own_macro('h1')}, {own_macro('lam_2')})",),
        (
            rf"${own_macro('pp')}$ & probability with which bernoulli keeps a coordinate",
            rf"${own_macro('h1')}$ & entry of the diagonal of the Hessian of the quadratic loss, of coordinate 1",
            "of coordinate 2", rf"${macro('p')}$ & exponent of the power schedule",
        ),
    ),
}  # fmt: skip


def parts(fields: dict[str, Any], folder: Path) -> tuple[str, str, list[str]]:
    made = build_report(problem({"models": ALL, **fields}), folder, True, None, quietly)
    if "pdf" not in made["files"]:
        pytest.skip("; ".join(made["notes"]))
    text = (folder / "parts" / "problem.tex").read_text()
    notes = [n for n in made["notes"] if not n.startswith("pandoc")]
    return text, (folder / "parts" / "notation.tex").read_text(), notes


@pytest.mark.slow
@pytest.mark.parametrize("name", HARD)
def test_hard_specifications_fit_on_the_page_and_are_explained(name: str, tmp_path: Path) -> None:
    """Symbols of any name, long covariances, equations over pages: no error, every symbol explained, nothing too wide."""
    text, notation, notes = parts(HARD[name], tmp_path)
    assert notes == []  # no box more than 5 pt too wide, no error, nothing left out on the page
    assert r"\mathrm{d}X" in text and "$X$ &" in notation and r"$\sdDiffusion$ &" in notation and "$W$ &" in notation
    symbols = set(re.findall(r"\\sd[A-Z][A-Za-z]*", text))
    in_one_row = {own_macro(f"s{n}") for n in range(2, 29)}  # of 29 clients
    missing = {s for s in symbols if s not in notation} - in_one_row
    assert missing == set()
    for part, wanted in zip((text, notation), EXPLAINED.get(name, ((), ())), strict=True):
        assert [words for words in wanted if words not in part] == []
    assert name != "natural" or "is not simulated" not in text


def test_every_noise_law_is_written_as_mathematics() -> None:
    texts = {name: entry.build().definition(Notation()) for name, entry in entries("noise").items()}
    for name, text in texts.items():
        assert text.count("$") % 2 == 0 and macro("noise") in text
        assert name in ("none", "stable") or ("F'(" in text and "variance" in text)
    assert r"\mathbb{E}\,e^{" in texts["stable"]
    square = rf"\left({macro('sigma0')}^{{2}} + {macro('sigma1')}^{{2}}\,\|{macro('g')}\|_2^{{2}}\right)I"
    assert square in texts["affine"]


@pytest.mark.slow
def test_a_refusal_is_stated_with_its_reason(tmp_path: Path) -> None:
    text = parts({"method": "dsgd", "noise": "cauchy", "models": ["first-order"]}, tmp_path)[0]
    assert r"\textbf{Refused} (no-drift): the mean of the increment does not exist" in text
    assert rf"grows like $|{macro('v')}|$" in text
    assert r"\textasciicircum" not in text
    text = parts({"method": "dsignsgd", "models": ["corrected"]}, tmp_path / "sign")[0]
    assert rf"needs ${{{macro('b')}}}_j/{{{macro('g')}}}_j$, which is unbounded at ${{{macro('g')}}}_j = 0$" in text
    refusal = Refusal("no-drift", "it needs $nu > 2$")
    assert refusal.message == str(refusal) == "it needs nu > 2"
    assert prose(refusal.marked) == rf"it needs ${macro('nu')} > 2$"


@pytest.mark.slow
def test_what_a_file_cannot_say_is_told(tmp_path: Path) -> None:
    fields = {
        "method": "dsgd", "noise": "gaussian:sigma=1", "loss": "logistic-regression", "dim": 2, "clients": 2,
        "eta": "1/10", "T": "1", "x0": "1",
    }  # fmt: skip
    text, _, _ = parts({**fields, "models": ["first-order"]}, tmp_path)
    assert rf"f({macro('x')})=\log" in text and "the features of one sample" in text
    ensembles_part = (tmp_path / "parts" / "ensembles.tex").read_text()
    assert "No key of a specification gives a1, a2 numbers" in ensembles_part and "In Python" in ensembles_part


def test_vectors_are_shortened_and_break() -> None:
    assert vector(["1", "2"], "h=") == "$h=(1, 2)$"
    assert vector(["1"] * 9) == r"$(1, \dots, 1)$" and vector([str(n) for n in range(9)]) == r"$(0, 1, \dots, 8)$"
    assert vector(["1" * 30, "2" * 30]) == "$(" + "1" * 30 + ",$ $" + "2" * 30 + ")$"


def test_equal_entries_of_the_specification_are_counted() -> None:
    asked = problem({"method": "dsgd", "noise": "none", "x0": ["2"] * 9, "eta": "1/2"})
    context = Inputs(True, asked, ResultsCache("unused", {}), lambda label: None)
    rows = {row["field"]: row["value"] for row in ProblemSection().compute(context)["specs"]}
    assert rows["x0"] == "2 (9 times)"
