"""Assumptions by theorem: which hypothesis, and which analytic fact, each theorem on the methods uses."""

from __future__ import annotations

from typing import Any, final

from derive.printing.width import width
from derive.proof.kernel.rules import AXIOMS
from reports.sections.base import Inputs, Section

#: theorems on methods; the facts about laws, losses and compressors list their assumptions themselves
PARTS = ("6.1", "6.2", "6.3", "6.4", "6.5")
#: characters of a formula that fits next to its name
ROOM = 40
#: variants of a formula under one name that are shown
MOST = 3


@final
class Assumptions(Section):
    """A table of theorems and hypotheses, and the hypotheses as formulas."""

    name, title = "assumptions", "Assumptions by theorem"

    def compute(self, context: Inputs) -> dict[str, Any]:
        entries = context.results["theorems"]["entries"]
        chosen = [e for e in entries if e["id"][:3] in PARTS and e["status"] == "PROVED"]
        hypotheses: dict[str, list[dict[str, Any]]] = {}
        for entry in chosen:
            for a in _hypotheses(entry):
                known = hypotheses.setdefault(a["name"] or a["tex"], [])
                if a["tex"] not in [k["tex"] for k in known]:
                    known.append({"tex": a["tex"], "long": width(a["tex"]) > ROOM})
        names = list(hypotheses)
        rows = [
            {
                "id": e["id"], "axioms": e["axioms"], "unused": e["unused"],
                "uses": [any((a["name"] or a["tex"]) == name for a in _hypotheses(e)) for name in names],
            }
            for e in chosen
        ]  # fmt: skip
        listed = [
            {
                "number": n, "name": "" if name == formulas[0]["tex"] else name, "formulas": formulas[:MOST],
                "more": len(formulas) > MOST,
            }
            for n, (name, formulas) in enumerate(hypotheses.items(), 1)
        ]  # fmt: skip
        used = {a for e in chosen for a in e["axioms"]}
        return {
            "hypotheses": listed, "rows": rows, "whole": context.whole,
            "axioms": [{"name": name, "text": words} for name, words in AXIOMS.items() if name in used],
        }  # fmt: skip


def _hypotheses(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The assumptions other than signs; definitions of the method's moments are not assumptions."""
    return [a for a in entry["assumptions"] if a["key"] in entry["assumed"]]
