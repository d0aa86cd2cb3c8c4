"""The answer on one page: every claim with its status, computed from the results of all other sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from reports.document.tex import escape
from reports.paper.ledger import Group, PaperClaim, Results, Status, counts, ledger
from reports.sections.base import Inputs, Section

#: statuses in words, for the sentence above the table
WORDS = {
    Status.PROVED: "proved",
    Status.ASSUMING: "proved under an assumption that the paper does not name",
    Status.REFUTED: "refuted as stated, by exact numbers",
    Status.CONFIRMED: "confirmed numerically",
    Status.SEEN: "seen in the experiment",
    Status.NOT_SEEN: "not seen in the experiment",
    Status.OPEN: "open",
}


def groups_of(problem: Any) -> tuple[Group, ...]:
    """The claims of the paper, or of the user's problem."""
    if problem is None:
        from reports.paper.statements import GROUPS

        return GROUPS
    own = tuple(
        PaperClaim(f"claim-{n}", escape(c.title), "your specification", (f"claim-{n}",), refutations=(f"claim-{n}",))
        for n, c in enumerate(problem.claims, 1)
    )
    return (Group("Your claims", own),) if own else ()


def ledger_of(problem: Any, sections: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The ledger computed from the results of these sections; in an incomplete report, the claims that they bear on."""
    results = Results.of(sections)
    found = ledger(groups_of(problem), results)
    for group in found:
        group["rows"] = [row for row in group["rows"] if _touched(row)]
    return [group for group in found if group["rows"]]


def _touched(row: Mapping[str, Any]) -> bool:
    found = (*row["numbers"], *row["experiments"], *row["beside"])
    return any(e["status"] for e in row["entries"]) or any(e["verdict"] for e in found)


@final
class Ledger(Section):
    """A table of claims on the title page, with the results that a reader of the paper should know."""

    name, title = "ledger", "The answer on one page"

    def compute(self, context: Inputs) -> dict[str, Any]:
        groups = ledger(groups_of(context.problem), Results.of(context.results))
        rows = [row for group in groups for row in group["rows"]]
        said = [{"count": n, "words": WORDS[Status(s)]} for s, n in counts(rows).items()]
        return {
            "own": context.problem is not None, "quick": context.quick, "groups": [_marked(g) for g in groups], "total": len(rows),
            "said": said, "whole": context.whole, "refuted": [_refuted(r) for r in rows if r["witnesses"]],
        }  # fmt: skip


def _marked(group: dict[str, Any]) -> dict[str, Any]:
    marks = [{"numbers": _mark(r["numbers"]), "runs": _mark(r["experiments"] + r["beside"])} for r in group["rows"]]
    return {**group, "rows": [{**r, "marks": m} for r, m in zip(group["rows"], marks, strict=True)]}


def _refuted(row: dict[str, Any]) -> dict[str, Any]:
    """The refuted claims, the numbers at which they fail, and the statements that hold instead."""
    return {**row["witnesses"][-1], "says": row["says"]}


def _mark(rows: list[dict[str, Any]]) -> str:
    """The joint result of the evidence: "agree", "against", "open", or nothing where there is none."""
    if not rows:
        return ""
    if any(r["supports"] is False for r in rows):
        return "against"
    return "agree" if all(r["supports"] for r in rows) else "open"
