"""The whole quick report on the paper, once: every claim has its evidence, the page works, and a second run computes nothing."""

import hashlib
import json
import os
import re
import shutil
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.assembly.plan import chosen, contents_of
from sdescent.reports.assembly.report import build_report
from sdescent.reports.document.html import pandoc_path, read_aloud
from sdescent.reports.document.tex import TEMPLATES
from tests.reports.document.test_html import in_browser, loaded
from tests.support.commands.browser import AXE, AXE_HINT, BROWSER, faults, opened
from tests.support.commands.command_line import completed
from tests.support.commands.solved import quietly

#: claims that a quick run leaves open, if any; each with the reason
OPEN: dict[str, str] = {}


def rows(made: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for group in made["ledger"] for row in group["rows"]]


def every_claim_has_its_evidence(report: tuple[Path, dict[str, Any]]) -> None:
    _, made = report
    assert made["notes"] == []
    assert {r["id"]: r["reason"] for r in rows(made) if r["status"] == Verdict.OPEN} == OPEN
    for row in rows(made):
        assert all(e["status"] for e in row["entries"]), row["id"]
        for e in (*row["numbers"], *row["experiments"], *row["beside"]):
            assert e["verdict"] and e["says"] and e["anchor"], (row["id"], e["key"])
    assert {name: status for name, status in made["statuses"].items() if status in ("FAILS", "refused")} == {}


def sentences_have_a_space_between(report: tuple[Path, dict[str, Any]]) -> None:
    for part in sorted((report[0] / "parts").glob("*.tex")):
        assert re.findall(r".*[a-z$)][.;:,][A-Z][a-z].*", part.read_text()) == [], part.name


def what_is_by_hand_or_computed_is_said(report: tuple[Path, dict[str, Any]]) -> None:
    """Remarks say that nothing checks them."""
    theorems, further = ((report[0] / "parts" / f"{name}.tex").read_text() for name in ("theorems", "further"))
    by_hand = [e for e in entries().values() if (e.remark if isinstance(e, Theorem) else e.words)]
    assert (theorems + further).count(r"\emph{Remark, not checked:} ") == len(by_hand) > 5


def _undated(folder: Path) -> list[str]:
    """Document and ledger without the day, which may have changed since the report was made."""
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("report.tex", "parts/ledger.tex")]
    return [re.sub(r"\b20\d\d-\d\d-\d\d\b", "DATE", text) for text in texts]


def a_second_run_computes_nothing(folder: Path) -> dict[str, Any]:
    """It typesets the same."""
    before = _undated(folder)
    started = sum(os.times()[:4])  # of the processor, children included, since other work may run beside
    again = build_report(None, folder, True, None, quietly)
    assert sum(os.times()[:4]) - started < 60  # how fast is measured elsewhere
    assert {n for n in chosen(None, None) if not contents_of(None).sections[n].needs} <= set(again["reused"])
    assert before == _undated(folder)
    return again


def the_page_on_a_phone(report: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = report
    if pandoc_path() is None or BROWSER is None:
        pytest.skip("needs pandoc and Chromium")
    site = tmp_path / "site"
    shutil.copytree(folder, site, ignore=shutil.ignore_patterns("results"))
    shutil.copy(site / "report.html", site / "main.html")
    page = (site / "report.html").read_text()
    for target in set(re.findall(r'href="((?!#|https?:)[^"]+)"', page)):
        assert (site / target).is_file(), target
    proofs = (folder / "parts" / "proofs.tex").read_text().count(r"\begin{sdproof}")
    for view in in_browser(site, tmp_path / "profile").values():
        assert view["overflow"] == 0 and view["sticking"] == [] and view["dangling"] == []
        assert all(natural > 0 for natural, _ in view["pictures"]) and view["pictures"]
        assert len(view["folds"]) == proofs + 1 > 1 and all(fold[:2] == [False, True] for fold in view["folds"])


def links_land_and_nothing_stands_twice(report: tuple[Path, dict[str, Any]]) -> None:
    """On the page: no identifier twice, and every link within it has a place to go; a theorem's is where the theorem begins."""
    page = (report[0] / "report.html").read_text()
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(names)
    theorems = re.findall(r'<span id="thm:([^"]+)"></span>(?:<strong>)?([^<]*)', page)
    assert len(theorems) > 50 and all(said.startswith(name) or re.search(r"-\d+$", name) for name, said in theorems)


def the_graph_and_claims_json_are_the_ledger(report: tuple[Path, dict[str, Any]]) -> None:
    """Every claim and entry is a node; files and digests are those on the disk; every theorem has its proof on the page."""
    folder, made = report
    told = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
    claims = {c["id"]: c for c in told["claims"]}
    assert list(claims) == [c.id for group in contents_of(None).groups for c in group.claims]
    for row in rows(made):
        assert claims[row["id"]]["verdict"] == row["status"]
        assert claims[row["id"]]["theorems"] == [e["id"] for e in row["entries"]]
    page = (folder / "report.html").read_text(encoding="utf-8")
    nodes = re.findall(r'data-node="([^"]*)"', page)
    certified = [t for t in told["theorems"] if t["certificate"]]
    ends = {f"cert:{t['id']}" for t in told["theorems"] if t["certificate"] or t["witness"]}
    wanted = {
        *(f"claim:{id}" for id in claims),
        *(f"thm:{id}" for id in entries()),
        *ends,
        *(f"fact:{name}" for name in told["axioms"]),
    }
    assert len(nodes) == len(set(nodes)) and set(nodes) == wanted
    proofs = page.partition('id="sec:proofs"')[2]
    for t in certified:
        assert hashlib.sha256((folder / t["certificate"]).read_bytes()).hexdigest() == t["sha256"]
        assert f'href="#thm:{t["id"]}"' in proofs
    assert len(certified) == len(list((folder / "certificates").iterdir())) > 100
    assert told["results"] and all((folder / "results" / name).is_file() for name in told["results"].values())
    assert loaded(page) == []


def numbers_on_the_page_are_the_pdfs(report: tuple[Path, dict[str, Any]]) -> None:
    """Captions and sections have the numbers of the PDF, all of them and in order, and so do the references to them."""
    folder = report[0]
    if shutil.which("pdftotext") is None or not (folder / "report.pdf").is_file():
        pytest.skip("needs TeX and pdftotext")
    printed = "".join(map(printed_of, (folder / "report.pdf", folder / "details.pdf")))
    page = (folder / "report.html").read_text()
    pattern = r'<span class="caption-label">(Table|Figure) (\d+)\.</span>(.*?)</(?:div|figcaption)>'
    found = re.findall(pattern, page, re.DOTALL)
    differences = differing(printed, [(kind, int(number), read_aloud(said)) for kind, number, said in found])
    assert differences == [] and len(found) > 30
    spoilt = [(kind, int(number) + (number == "5"), read_aloud(said)) for kind, number, said in found]
    assert differing(printed, spoilt) != []  # the check of the check
    headings = re.findall(r'<h[23] id="([^"]*)"[^>]*><span class="header-section-number">([^<]*)</span> (.*?)</h', page)
    for _, number, title in headings:
        begins = rf"^ *{re.escape(number)} +{re.escape(read_aloud(title)[:30])}"
        assert re.search(begins, printed, re.MULTILINE), title
    assert [number for _, number, _ in headings][-1].isalpha()
    numbers = {name: number for name, number, _ in headings}
    for piece in re.split(r'(?=<figure |<div id="tab:)', page)[1:]:
        name, number = re.search(r'id="([^"]*)"', piece), re.search(r'caption-label">\w+ (\d+)', piece)
        if name and number:
            numbers[name[1]] = number[1]
    links = re.findall(r'<a\s+href="#((?:fig|tab|sec):[^"]*)"\s+data-reference-type="ref"[^>]*>([^<]*)</a>', page)
    assert [link for link in links if numbers[link[0]] != link[1]] == [] and len(links) > 30


def printed_of(pdf: Path) -> str:
    """The text of a PDF, its pages one below the other."""
    return completed("pdftotext", "-layout", str(pdf), "-", check=True).stdout.replace(
        "\f", "\n"
    )  # a page may begin so


def differing(printed: str, captions: list[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
    """The captions of the page that the PDF does not have, in its order of tables and of figures."""
    wrong = []
    for kind in ("Table", "Figure"):
        lines = re.findall(rf"^ *{kind} (\d+): (?![a-z])(.*)", printed, re.MULTILINE)
        theirs = [(int(number), said) for number, said in lines]
        ours = [(number, said) for other, number, said in captions if other == kind]
        for (number, said), (own, text) in zip_longest(theirs, ours, fillvalue=(0, "")):
            begins = re.findall(r"[A-Za-z]{4,}(?![\w-])", said)[:3]
            if number != own or re.findall(r"[A-Za-z]{4,}(?![\w-])", text)[: len(begins)] != begins:
                wrong.append((kind, own, text))
    return wrong


def no_fault_of_access(report: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """The page is usable by everybody, as far as axe-core sees."""
    if pandoc_path() is None or BROWSER is None or not AXE.is_file():
        pytest.skip(AXE_HINT)
    page = report[0] / "report.html"
    with opened(tmp_path / "profile of axe") as window:
        assert faults(window, page, 390, dark=True, formulas=False) == []  # other schemes on a smaller page


def a_page_and_a_main_text(report: tuple[Path, dict[str, Any]]) -> None:
    """The answer is on the first page, what is cited by no claim is nothing, and the main text has 25 pages at most."""
    folder = report[0]
    if shutil.which("pdftotext") is None or not (folder / "report.pdf").is_file():
        pytest.skip("needs TeX and pdftotext")
    *pages, end = completed("pdftotext", "-layout", str(folder / "report.pdf"), "-", check=True).stdout.split("\f")
    assert end == "" and len(pages) <= 25
    assert "claim, in the paper’s words unless marked" in pages[0] and "statements that are not the paper" in pages[1]
    assert "no claim cites" not in pages[0]
    details = printed_of(folder / "details.pdf")
    main = "\n".join(pages)
    assert re.search(r"^ *A +Notation", details, re.MULTILINE) and "A Notation" not in main
    said = set(re.findall(r"(?:Table|Figure|[Ss]ection) \w+(?= *\n? *of the details)", main))
    assert len(said) > 5 and "??" not in main + details


@pytest.mark.slow
def test_the_whole_report(quick_report: Path, tmp_path: Path) -> None:
    """One test, since a second run takes long."""
    folder = tmp_path / "whole"
    shutil.copytree(quick_report, folder)
    for stamp in (folder / "results").glob("drawn-*.json"):
        stamp.unlink()  # all figures are drawn again here, where they are checked
    report = folder, a_second_run_computes_nothing(folder)
    every_claim_has_its_evidence(report)
    sentences_have_a_space_between(report)
    links_land_and_nothing_stands_twice(report)
    the_graph_and_claims_json_are_the_ledger(report)
    numbers_on_the_page_are_the_pdfs(report)
    a_page_and_a_main_text(report)
    what_is_by_hand_or_computed_is_said(report)
    the_page_on_a_phone(report, tmp_path)
    no_fault_of_access(report, tmp_path)


def test_no_template_holds_a_result() -> None:
    """A decimal number, or a number with a unit or an uncertainty, is a result, and comes from the results."""
    for file in sorted(TEMPLATES.rglob("*.tex")):
        text = re.sub(r"\\(VAR|BLOCK|#)\{(?:[^{}]|\{[^{}]*\})*\}", "", file.read_text())
        lengths = r"[0-9.]+(\\linewidth|pt|mm|cm|em|ex)|width=[0-9.]+|arraystretch\}\{[0-9.]+|\{rgb\}\{[0-9.,]+\}"
        text = re.sub(lengths, "", text)
        found = re.findall(r"(?<![A-Za-z0-9_^{}])\d+\.\d+|\d+\s*\\pm|\d{3,}", text)
        allowed = {"6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7", "6.8", "6.9", "256"}  # parts of the theory; SHA-256
        assert set(found) <= allowed, (file.name, set(found) - allowed)
