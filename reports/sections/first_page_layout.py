"""The first page: the claims, each with verdict, scope and evidence, computed from all other sections."""

from collections.abc import Mapping
from typing import Any

from sdescent.reports.claims.verdict_of_claim import LOOKS, Claim, Group, Judged, counts, uncited, word_on_page_one
from sdescent.reports.document.tex import escape
from sdescent.reports.sections.base import Inputs, Section, reduced_sections


def own_groups(problem: Any) -> tuple[Group, ...]:
    """The claims and theorems of the user's problem, in groups."""
    groups = []
    for kind, listed in (("claim", problem.claims), ("theorem", problem.theorems)):
        titles = {f"{kind}-{n}": escape(one.title) for n, one in enumerate(listed, 1)}
        claims = tuple(Claim(id, title, proofs=(id,), refutations=(id,)) for id, title in titles.items())
        groups += [Group(f"Your {kind}s", claims, source="your specification", front=True)] if claims else []
    return tuple(groups)


def ledger_of(judged: Judged) -> list[dict[str, Any]]:
    """The ledger of an incomplete report: only the claims about which it has results."""
    groups = [{**group, "rows": [row for row in group["rows"] if _touched(row)]} for group in judged.ledger]
    return [group for group in groups if group["rows"]]


def _touched(row: Mapping[str, Any]) -> bool:
    evidence = (*row["numbers"], *row["experiments"], *row["beside"])
    return any(e["status"] for e in row["entries"]) or any(e["verdict"] for e in evidence)


class Ledger(Section):
    """A table of the claims in groups that are `front`, and how many others there are."""

    name, title = "ledger", "The answer on one page"

    def compute(self, context: Inputs) -> dict[str, Any]:
        every = [displayed(g) for g in context.judged.ledger]
        groups, rest = [g for g in every if g["front"]], [g for g in every if not g["front"]]
        rows = [row for group in groups for row in group["rows"] if not group["grid"]]
        cells = [row for group in groups for row in group["rows"] if group["grid"]]
        return {
            "own": context.problem is not None, "whole": context.whole, "groups": groups,
            "total": len(rows), "said": in_words(rows), "cells": {"total": len(cells), "said": in_words(cells)},
            "others": _others([row for group in rest for row in group["rows"]]),
            "uncited": uncited(context.judged.groups, context.judged.results), "left_out": left_out(context.results),
        }  # fmt: skip


def left_out(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """The sections that a quick report reduces, and the items that they leave out altogether."""
    less = reduced_sections(sections)
    return {
        "less": [section["name"] for section in less],
        "none": [f"{section['name']}: {what}" for section in less for what in section["none"]],
    }


def in_words(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The number of claims with each status, in words."""
    return [{"count": n, "words": LOOKS[s].words} for s, n in counts(rows).items()]


def _others(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The numbers for a sentence about the claims that are not on the first page."""
    keys = ("compared", "failing", "undecided")
    check, beyond = (
        {key: sum(r[name][key] for r in rows) for key in keys} | {"empty": 0} for name in ("check", "beyond")
    )
    return {"total": len(rows), "said": in_words(rows), "check": counted(check), "beyond": counted(beyond)}


def displayed(group: dict[str, Any]) -> dict[str, Any]:
    """A group with a badge and the counts of every row in words; for a grid also its columns, and its rows by name."""
    rows = [
        {
            **r, "badge": LOOKS[r["status"]].badge, "word": word_on_page_one(r["status"]),
            "checked": counted(r["check"]), "found": counted(r["beyond"]),
        }
        for r in group["rows"]
    ]  # fmt: skip
    row_group = {**group, "rows": rows}
    if group["grid"]:
        names, columns = (list(dict.fromkeys(r[key] for r in rows)) for key in ("row", "column"))
        row_group["columns"] = columns
        row_group["lines"] = [{"name": name, "cells": [r for r in rows if r["row"] == name]} for name in names]
    return row_group


def counted(tally: Mapping[str, int]) -> dict[str, Any]:
    """The failing comparisons, such as "52 of 3674", or "" if there are none; and the share of runs with something to compare."""
    text = f"{tally['failing']} of {tally['compared']}" if tally["compared"] else ""
    filled = f"{tally['pieces'] - tally['empty']}/{tally['pieces']}" if text and tally["empty"] else ""
    return {"said": text, "failing": tally["failing"] > 0, "undecided": tally["undecided"], "filled": filled}
