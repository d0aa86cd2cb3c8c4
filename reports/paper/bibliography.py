"""The works that the report rests on, from references.bib beside this file."""

from __future__ import annotations

import re
from pathlib import Path

from sdescent.reports.document.tex import listed

_ENTRY = re.compile(r"@\w+\{(?P<key>\w+),\n(?P<fields>.*?)\n\}\n", re.DOTALL)
_FIELD = re.compile(r"  (\w+) = \{+(.*?)\}+,?$", re.MULTILINE)


def bibtex() -> str:
    """The works as a BibTeX file, by their keys: a line for each field, and no braces in it but those around titles."""
    return Path(__file__).with_name("references.bib").read_text(encoding="utf-8")


def references() -> list[dict[str, str]]:
    """Each work as {"key", "authors", "title", "where", "year"}, by first author."""
    works = []
    for entry in _ENTRY.finditer(bibtex()):
        authors, title, where, year = (value for _, value in _FIELD.findall(entry["fields"]))
        works.append(
            (authors, {"key": entry["key"], "authors": _listed(authors), "title": title, "where": where, "year": year})
        )
    return [work for _, work in sorted(works, key=lambda one: (one[0].partition(" and ")[0], one[1]["year"]))]


def _listed(authors: str) -> str:
    return listed([" ".join(reversed(a.split(", ", 1))) for a in authors.split(" and ")])
