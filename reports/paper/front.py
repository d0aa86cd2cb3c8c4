"""The first page of the report, with the verdicts on the paper's claims, and its last section, with the references."""

import re
from pathlib import Path
from typing import Any, final

from sdescent.reports.claims.verdict_of_claim import Group
from sdescent.reports.document.tex import listed
from sdescent.reports.paper.application import FOLLOWED, GROUPS
from sdescent.reports.sections.appendix import Appendix
from sdescent.reports.sections.base import Inputs
from sdescent.reports.sections.first_page import Ledger
from sdescent.reports.store.files import write_atomic

_ENTRY = re.compile(r"@\w+\{(?P<key>\w+),\n(?P<fields>.*?)\n\}\n", re.DOTALL)
_FIELD = re.compile(r"  (\w+) = \{+(.*?)\}+,?$", re.MULTILINE)


@final
class Front(Ledger):
    """The claims of the paper and others, and how closely the equations of the last table follow their methods."""

    followed = FOLLOWED

    def groups(self, problem: Any) -> tuple[Group, ...]:
        return GROUPS


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
        works.append(
            (authors, {"key": entry["key"], "authors": _listed(authors), "title": title, "where": where, "year": year})
        )
    return [work for _, work in sorted(works, key=lambda one: (one[0].partition(" and ")[0], one[1]["year"]))]


def _listed(authors: str) -> str:
    return listed([" ".join(reversed(a.split(", ", 1))) for a in authors.split(" and ")])
