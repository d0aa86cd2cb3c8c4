"""Table of claims with their theorems, subjects, assumptions and checks: the hypotheses and analytic facts behind each claim."""

from collections.abc import Mapping, Sequence
from typing import Any, final

from sdescent.derive.printing.width import width
from sdescent.derive.proof.kernel.rules import AXIOMS
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.verdict_of_claim import Claim, Results
from sdescent.reports.document.tex import by_key
from sdescent.reports.paper.application import GROUPS
from sdescent.reports.sections.base import Inputs, Section

#: prefix of entries about methods and their equations; facts about laws, losses and compressors list their own assumptions
METHODS = "6."
#: largest number of characters of a formula that fits next to its name
ROOM = 40
#: largest number of shown variants of a formula under one name
MOST = 3
#: a hypothesis of at least this many theorems has its own column; the others share the last one
COLUMN = 3


@final
class Assumptions(Section):
    """The hypotheses as formulas, and a table of the claims with their theorems, the theorems' subjects and their assumptions."""

    name, title = "assumptions", "Assumptions by theorem"

    def compute(self, context: Inputs) -> dict[str, Any]:
        results = Results.of(context.results)
        chosen = {i: e for i, e in results.entries.items() if i.startswith(METHODS) and e["status"] == Verdict.PROVED}
        variants = by_key((_name(a), a["tex"]) for e in chosen.values() for a in _hypotheses(e))
        hypotheses = {
            name: [{"tex": tex, "long": width(tex) > ROOM} for tex in dict.fromkeys(listed)]
            for name, listed in variants.items()
        }
        used = {name: sum(name in map(_name, _hypotheses(e)) for e in chosen.values()) for name in hypotheses}
        numbers = {name: n for n, name in enumerate(sorted(hypotheses, key=lambda name: used[name] < COLUMN), 1)}
        facts = {a for e in chosen.values() for a in e["axioms"]}
        axioms = [
            {"name": name, "text": words, "letter": name[0].upper()} for name, words in AXIOMS.items() if name in facts
        ]
        claims = [c for g in GROUPS for c in g.claims]
        return {
            "hypotheses": [_listed(numbers[name], name, hypotheses[name]) for name in numbers],
            "columns": [numbers[name] for name in numbers if used[name] >= COLUMN],
            "claims": [row for c in claims if (row := _claim(c, results, numbers, axioms))],
            "unused": [{"id": i, "tex": e["unused"]} for i, e in chosen.items() if e["unused"]],
            "axioms": axioms, "whole": context.whole,
        }  # fmt: skip


def _listed(number: int, name: str, formulas: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    label = "" if name == formulas[0]["tex"] else name
    return {"number": number, "name": label, "formulas": formulas[:MOST], "more": len(formulas) > MOST}


def _claim(
    claim: Claim, results: Results, numbers: Mapping[str, int], axioms: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """A claim with a row for each cited entry about methods, and one for all facts of a pattern; None without such entries."""
    rows: list[dict[str, Any]] = []
    for pattern in claim.entries:
        ids = [i for i in results.named([pattern]) if i in results.entries and i not in [r["id"] for r in rows]]
        if ids and not ids[0].startswith(METHODS):
            rows.append({**_row(ids, results, numbers, axioms), "name": f"{pattern} ({len(ids)} facts)", "id": ""})
        else:
            rows += [{**_row([i], results, numbers, axioms), "name": i, "id": i} for i in ids]
    return {"id": claim.id, "rows": rows} if any(r["id"] for r in rows) else None


def _row(
    ids: Sequence[str], results: Results, numbers: Mapping[str, int], axioms: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    entries = [results.entries[i] for i in ids]
    refuted = any(e["status"] == Verdict.REFUTED for e in entries)
    assumed = set() if refuted else {numbers[_name(a)] for e in entries for a in _hypotheses(e) if _name(a) in numbers}
    facts = {a for e in entries for a in e["axioms"]}
    return {
        "about": "refuted claim" if refuted else entries[0]["about"],
        "assumes": sorted(assumed),
        "axioms": [a["letter"] for a in axioms if a["name"] in facts],
        "check": _counted(ids, results, True, refuted),
        "beyond": _counted(ids, results, False, refuted),
    }


def _counted(ids: Sequence[str], results: Results, covered: bool, refuted: bool) -> dict[str, Any]:
    """The share of failing comparisons, among those that a proof covers if `covered`, else among the others."""
    pieces = [e for e in results.evidence.values() if e["about"] in ids and results.covers(e) is covered]
    compared, failing = (sum(e[key] for e in pieces) for key in ("compared", "failing"))
    text = f"{'fails at ' if refuted else ''}{failing} of {compared}"
    return {"said": text if compared else "", "failing": failing > 0 and not refuted}


def _name(assumption: Mapping[str, Any]) -> str:
    return assumption["name"] or assumption["tex"]


def _hypotheses(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The assumptions of an entry, without signs and definitions of the method's moments."""
    return [a for a in entry["assumptions"] if a["key"] in entry["assumed"]]
