"""The parts made from the results of others: ledger, claims one by one, assumptions, appendix; alone in a paper, and linked."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.reading.problems import problem, read_problem
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.assembly.plan import chosen, computed, contents_of, section_of
from sdescent.reports.assembly.report import _parts, build_report
from sdescent.reports.claims.evidence import evidence
from sdescent.reports.claims.verdict_of_claim import STATUSES, Judged, Results, word_on_page_one
from sdescent.reports.document.notation import prose
from sdescent.reports.document.pdf import Absent
from sdescent.reports.document.tex import TEMPLATES, Tex, environment
from sdescent.reports.paper.application import GROUPS
from sdescent.reports.paper.assumptions import COLUMN
from sdescent.reports.paper.front import Claims, Front, bibtex, references
from sdescent.reports.paper.theorems import _entry_of
from sdescent.reports.sections.base import Inputs
from sdescent.reports.store.cache import ResultsCache
from tests.reports.document.test_tex import compile_tex
from tests.reports.paper.test_ledger import SETTLED, otherwise

DERIVED = ("page-one", "ledger", "claims", "assumptions", "appendix")
#: entries that are checked for real here; the others are taken as what the catalogue expects
REAL = (
    "6.1-scheduled", "6.2-pathwise", "6.2-scheduled", "6.2-expectation", "6.4-corrected", "6.4-bounded-ratio", "6.5-sign",
)  # fmt: skip
ALONE = r"""\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern}
\usepackage{amsmath,amssymb,mathtools,booktabs,longtable,graphicx}
\begin{document}\input{parts/NAME}\end{document}
"""


@pytest.fixture(scope="module")
def sections() -> dict[str, dict[str, Any]]:
    """Results of all sections in which everything is as the paper's claims want it."""
    known = entries()
    shown = {i: _entry_of(check(known[i])) for i in REAL}
    for e in SETTLED.entries.values():
        shown.setdefault(e["id"], {**shown["6.5-sign"], **e, "certificate": None, "assumptions": [], "unused": []})
    found: dict[str, dict[str, Any]] = {"verification": {}, "experiments": {}}
    for key, e in SETTLED.evidence.items():
        found["verification" if key.startswith("verify") else "experiments"][key] = {**e, "anchor": ""}
    return {
        "theorems": {"entries": list(shown.values()), "seconds": 1.5},
        **{name: {"evidence": kept, "seed": 7, "seconds": 2.0} for name, kept in found.items()},
    }


def made(sections: dict[str, dict[str, Any]], folder: Path, own: Any = None, whole: bool = True) -> dict[str, Any]:
    judged = Judged(contents_of(own).groups, Results.of(sections))
    context = Inputs(True, own, ResultsCache(folder / "results"), lambda label: None, sections, whole, judged=judged)
    found = {n: section_of(n) for n in DERIVED if own is None}
    results = {n: s.compute(context) for n, s in found.items()}
    _parts(found, results, folder, whole)
    return results


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ledger", "assumptions"])
def test_a_part_goes_into_a_paper_with_narrow_lines(sections: dict[str, Any], tmp_path: Path, name: str) -> None:
    made(sections, tmp_path, whole=False)
    main = tmp_path / "paper.tex"
    main.write_text(ALONE.replace("NAME", name))
    compiled = compile_tex(main)
    if isinstance(compiled, Absent):
        pytest.skip(compiled.message)
    assert compiled.pdf is not None and not compiled.errors
    assert not [box for box in compiled.overfull if box.points > 10]


def test_the_answer_fits_on_one_page(sections: dict[str, Any], tmp_path: Path) -> None:
    """The title page holds the whole ledger: the table of contents begins the second page."""
    made(sections, tmp_path)
    front = [{"name": name, "title": "", "file": name} for name in ("page-one", "ledger")]
    rest = [{"name": "notation", "title": "Notation", "file": "notation"}]
    template = environment(tex=Tex).get_template("report.tex")
    title = contents_of(None).title
    fields = {"title": title, "version": "1", "date": "2026-01-01", "letters": True, "appendix": []}
    fields |= {"document": "report", "companion": ""}
    text = template.render(front=front, parts=rest, **fields)
    (tmp_path / "report.tex").write_text(text)
    compiled = compile_tex(tmp_path / "report.tex")
    if isinstance(compiled, Absent) or shutil.which("pdftotext") is None:
        pytest.skip("needs TeX and pdftotext")
    assert compiled.pdf is not None
    command = ["pdftotext", "-layout", str(compiled.pdf), "-"]
    pages = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\f")
    assert (
        "claim, in the paper’s words unless marked" in pages[0] and "statements that are not the paper" not in pages[0]
    )
    assert "statements that are not the paper" in pages[1]
    assert "Words and letters" in pages[2] and "Contents" in pages[2]


def test_every_status_is_on_the_page_and_none_is_in_a_template(sections: dict[str, Any], tmp_path: Path) -> None:
    results = made(sections, tmp_path)
    certified = {e["id"]: json.loads(e["certificate"]) for e in sections["theorems"]["entries"] if e["certificate"]}
    assert {c["id"]: c["steps"] for c in results["appendix"]["certificates"]} == {
        id: len(certificate["steps"]) for id, certificate in certified.items()
    }
    works = references()
    assert len({w["key"] for w in works}) == len(works) == bibtex().count("@") > 10
    rows = [row for group in results["ledger"]["groups"] for row in group["rows"]]
    part = (tmp_path / "parts" / "ledger.tex").read_text()
    for badge in {word_on_page_one(status) for status in STATUSES}:
        assert part.count(rf"}}{{{badge}}}}}") == sum(row["word"] == badge for row in rows)
    detail = (tmp_path / "parts" / "claims.tex").read_text()
    for row in rows:
        assert rf"\sdlink{{claim:{row['id']}}}" in part and rf"\sdtarget{{claim:{row['id']}}}" in detail
    for file in TEMPLATES.rglob("*.tex"):
        before_the_legend = file.read_text().partition("Words and letters of the first page")[0]
        assert not re.search(r"\b(CONFIRMED NUMERICALLY|STEP REFUTED|SEEN TO FAIL)\b", before_the_legend), file


TEMPLATE = environment(tex=Tex, prose=prose).get_template("parts/ledger.tex")


def first_page(sections: dict[str, Any]) -> str:
    """The LaTeX of the first page from results."""
    judged = Judged(GROUPS, Results.of(sections))
    context = Inputs(True, None, ResultsCache("unused", {}), lambda label: None, sections, judged=judged)
    return TEMPLATE.render(**Front().compute(context))


@pytest.mark.slow
def test_every_single_result_shows_on_the_first_page(sections: dict[str, Any]) -> None:
    """A sample of the evidence comes out otherwise: the first page is another one. The tests of the ledger do so for its rows."""
    before = first_page(sections)
    for section in ("verification", "experiments"):
        for key, entry in list(sections[section]["evidence"].items())[::40]:
            other, *_ = otherwise(entry)
            changed = {**sections, section: {"evidence": {**sections[section]["evidence"], key: other}}}
            assert first_page(changed) != before, (key, other["verdict"])


def test_what_contradicts_a_claim_stands_first_among_its_evidence() -> None:
    (own, *_) = (c for g in GROUPS for c in g.claims if c.topics and not c.entries)
    verdicts = "CONFIRMED", "VIOLATED"
    pieces = {f"k{v}": evidence(own.topics[0], "method", v, f"piece {v}", "") for v in verdicts}
    judged = Judged(GROUPS, Results.of({"real-data": {"evidence": pieces}}))
    context = Inputs(True, None, ResultsCache("unused", {}), lambda label: None, judged=judged)
    rows = {row["id"]: row for group in Claims().compute(context)["groups"] for row in group["rows"]}
    assert [e["against"] for e in rows[own.id]["evidence"]][:2] == [True, False]


def test_evidence_that_no_claim_cites_is_named(sections: dict[str, Any]) -> None:
    stray = evidence("a-new-topic", "method", "CONFIRMED", "", "")
    assert "a-new-key" in first_page({**sections, "real-data": {"evidence": {"a-new-key": stray}}})


def test_a_claim_leads_to_its_proof_certificate_and_figure(sections: dict[str, Any], tmp_path: Path) -> None:
    sections["verification"]["evidence"]["verify-6.2-scheduled-method"]["anchor"] = "fig:bounds"
    made(sections, tmp_path)
    detail = (tmp_path / "parts" / "claims.tex").read_text()
    start = detail.index("claim:corrected-compressed")
    own = detail[start : detail.index("sdtarget{claim:", start + 10)]
    assert r"\sdlink{thm:6.2-scheduled}" in own
    assert r"certificates/6.2-scheduled.cert.json}{certificate}" in own
    assert r"CONFIRMED, 6.2-scheduled, method (0 of 10 fail): a (Figure~\ref{fig:bounds})" in own
    sections["verification"]["evidence"]["verify-6.2-scheduled-method"]["anchor"] = ""


def test_assumptions_are_those_that_the_proofs_used(sections: dict[str, Any], tmp_path: Path) -> None:
    """From a claim to its entries, their object, their hypotheses by number, their analytic facts, and what was compared."""
    found = made(sections, tmp_path)["assumptions"]
    names = {h["number"]: h["name"] for h in found["hypotheses"]}
    assert list(names) == list(range(1, len(names) + 1)) and "total variance" not in names.values()  # a definition
    claims = {c["id"]: {r["id"]: r for r in c["rows"]} for c in found["claims"]}
    uses = {i: {names[n] for n in row["assumes"]} for rows in claims.values() for i, row in rows.items()}
    assert uses["6.2-scheduled"] >= {"smooth", "compression", "noise", "step"}
    assert uses["6.4-corrected"] >= {"smooth", "bounded ratio"} and "compression" not in uses["6.4-corrected"]
    compressed = claims["corrected-compressed"]
    assert list(compressed) == ["6.2-pathwise", "6.2-scheduled"] and claims["polyak-sign"]["6.5-sign"]["about"] == "ODE"
    assert compressed["6.2-pathwise"]["axioms"] == [] and compressed["6.2-scheduled"]["axioms"] == ["W", "L", "F", "I"]
    assert claims["corrected-expectation"]["6.2-expectation"]["about"] == "refuted claim"
    # facts about laws stand beside theorems on methods, and not alone
    assert [r["name"] for r in claims["heavy-tails"].values()] == ["6.4-global-scheduled", "8-cauchy-* (6 facts)"]
    assert "smooth-examples" not in claims
    common = [n for n in names if sum(n in r["assumes"] for r in _rows(found).values()) >= COLUMN]
    assert found["columns"] == common and names[common[0]] == "smooth"


def test_what_fails_is_counted_where_it_belongs(sections: dict[str, Any], tmp_path: Path) -> None:
    """Of the SDE that a proof is about, and of the method beyond it."""
    before = _rows(made(sections, tmp_path)["assumptions"])["6.2-pathwise"]
    more = {
        "a": evidence("6.2-pathwise", "SDE", "VIOLATED", "", "", 900, 2),
        "b": evidence("6.2-pathwise", "method", "VIOLATED", "", "", 70, 3),
    }
    checks = sections["verification"]
    own = {**sections, "verification": {**checks, "evidence": checks["evidence"] | more}}
    after = _rows(made(own, tmp_path)["assumptions"])["6.2-pathwise"]
    counts = [[_count(row[key]) for key in ("check", "beyond")] for row in (before, after)]
    assert counts[1] == [(counts[0][0][0] + 2, counts[0][0][1] + 900), (counts[0][1][0] + 3, counts[0][1][1] + 70)]
    assert after["check"]["failing"] and after["beyond"]["failing"] and not before["check"]["failing"]


def _count(tally: dict[str, Any]) -> tuple[int, int]:
    failing, _, compared = tally["said"].partition(" of ")
    return (int(failing), int(compared)) if compared else (0, 0)


def _rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {r["id"]: r for c in found["claims"] for r in c["rows"] if r["id"]}


def test_the_order_of_sections() -> None:
    names = chosen(None, None)
    order = computed(None, names)
    assert set(order) == set(names) and names == list(contents_of(None).sections)
    for name in order:
        needs = contents_of(None).sections[name].needs
        assert all(order.index(other) < order.index(name) for other in needs if other in order)
    assert computed(None, ["assumptions"]) == ["theorems", "verification", "assumptions"]


@pytest.mark.slow
def test_a_report_of_ones_own_has_ones_own_claims(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'method = "dsgd"\n[[claims]]\ntitle = "True $x_1$"\nvariables = ["a", "b"]\nclaim = "a*b <= (a^2+b^2)/2"\n'
        '[[claims]]\ntitle = "False"\nvariables = ["a", "b"]\nclaim = "a*b <= (a^2+b^2)/3"\n'
        '[[claims]]\ntitle = "Of something?"\nvariables = ["x"]\nassume = ["x^3 == 2"]\nclaim = "x^3 <= 3"\n'
    )
    found = build_report(read_problem(tmp_path / "own.toml"), tmp_path / "out", True, None, lambda label, done: None)
    rows = [r for g in found["ledger"] for r in g["rows"]]
    assert [r["status"] for r in rows] == [Verdict.PROVED, Verdict.REFUTED, Verdict.PROVED]
    assert found["statuses"]["False"] == "refuted"
    assert (tmp_path / "out" / "certificates" / "claim-1.cert.json").is_file()
    part = (tmp_path / "out" / "parts" / "own-claims.tex").read_text()
    assert r"True \$x\_1\$ (PROVED)" in part and r"\frac{a^{2} + b^{2}}{2}" in part
    assert "Counterexample" in part and "Repair" in part
    assert part.count("It was not shown that anything satisfies the assumptions") == 1
    assert "ledger" not in chosen(problem({"method": "dsgd"}), None)
