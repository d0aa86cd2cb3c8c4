"""The first page of the report, with the verdicts on the paper's claims; the list of claims; and the references at the end.

In the list of claims, each has its source text, statement, scope, proofs, witnesses and all numbers, contradictions first.
"""

import re
from pathlib import Path
from typing import Any, final

from sdescent.reports.claims.evidence import AGAINST
from sdescent.reports.document.tex import listed
from sdescent.reports.paper import page_one
from sdescent.reports.sections.appendix import Appendix
from sdescent.reports.sections.base import Inputs, Section
from sdescent.reports.sections.first_page_layout import Ledger, displayed, left_out
from sdescent.reports.store.files import write_atomic

#: prefix of a label -> the kind of object that it names
KINDS = {"fig": "Figure", "tab": "Table", "sec": "Section"}
#: a check is consistent with the proof or not; it confirms nothing
CHECKS = {True: "consistent", False: "INCONSISTENT", None: "not decided"}
_ENTRY = re.compile(r"@\w+\{(?P<key>\w+),\n(?P<fields>.*?)\n\}\n", re.DOTALL)
_FIELD = re.compile(r"  (\w+) = \{+(.*?)\}+,?$", re.MULTILINE)


@final
class PageOne(Section):
    """Five sentences, a table of the paper's claims in its words, and two figures, for readers from the next field."""

    name, title = "page-one", "The answer on one page"

    def compute(self, context: Inputs) -> dict[str, Any]:
        return {
            "introduction": page_one.INTRODUCTION, "sentences": page_one.sentences(context.judged),
            "rows": page_one.table(context.judged), "drawn": page_one.drawn(context.judged),
            "quick": bool(left_out(context.results)["less"]), "whole": context.whole,
        }  # fmt: skip

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        page_one.draw(result["drawn"], folder)


@final
class Front(Ledger):
    """The claims of the paper and others, and how closely the equations in the last table follow their methods."""

    title = "Statement by statement"


@final
class Claims(Section):
    """Each claim of the ledger, with all the evidence for and against it."""

    name, title = "claims", "The claims one by one"

    def compute(self, context: Inputs) -> dict[str, Any]:
        groups = [displayed(g) for g in context.judged.ledger]
        for row in (row for group in groups for row in group["rows"]):
            proofs = [context.judged.results.entries.get(e["id"], {}) for e in row["entries"]]
            row["axioms"] = sorted({axiom for proof in proofs for axiom in proof.get("axioms", ())})
            row["entries"] = [
                {
                    **e,
                    "certified": bool(proof.get("certificate")),
                    "claim": None if proof.get("law") else proof.get("claim"),
                }
                for e, proof in zip(row["entries"], proofs, strict=True)
            ]
            pieces = sorted(
                (*row["beside"], *row["experiments"], *row["numbers"]), key=lambda e: e["supports"] is not False
            )
            row["evidence"] = [_for_reader(e) for e in pieces if e["role"] != "check"]
            row["checks"] = [_for_reader(e) for e in pieces if e["role"] == "check"]
        return {"groups": groups, "whole": context.whole}


def _for_reader(e: dict[str, Any]) -> dict[str, Any]:
    """A piece of evidence, in words for a reader."""
    word = CHECKS[e["supports"]] if e["role"] == "check" else e["verdict"] or "not run"
    if e["role"] != "check" and e["supports"] and e["verdict"] in AGAINST:
        word = "fails, as claimed"
    what = f"{e['about']}, {e['subject']}" if e["subject"] else e["about"]
    counts = [f"{e['against']} of {e['compared']} fail"] if e["compared"] > 1 else []
    counts += [f"{e['undecided']} open"] if e["compared"] > 1 and e["undecided"] else []
    return {
        "counts": ", ".join(counts), "word": word, "what": what, "says": e["says"].rstrip("."),
        "anchor": e["anchor"],
        "kind": KINDS.get(e["anchor"].partition(":")[0], "Section"), "against": e["supports"] is False,
    }  # fmt: skip


@final
class BackMatter(Appendix):
    """The appendix with references."""

    def compute(self, context: Inputs) -> dict[str, Any]:
        return {**super().compute(context), "references": references()}

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        """Write references.bib into the folder of the report."""
        write_atomic(folder.parent / "references.bib", bibtex())


def bibtex() -> str:
    """The cited works as a BibTeX file in order of keys: one line per field, with braces only around titles."""
    return Path(__file__).with_name("references.bib").read_text(encoding="utf-8")


def references() -> list[dict[str, str]]:
    """Each cited work as {"key", "authors", "title", "where", "year"}, by first author."""
    works = []
    for entry in _ENTRY.finditer(bibtex()):
        authors, title, where, year = (value for _, value in _FIELD.findall(entry["fields"]))
        names = [" ".join(reversed(author.split(", ", 1))) for author in authors.split(" and ")]
        works.append(
            (authors, {"key": entry["key"], "authors": listed(names), "title": title, "where": where, "year": year})
        )
    return [work for _, work in sorted(works, key=lambda one: (one[0].partition(" and ")[0], one[1]["year"]))]
