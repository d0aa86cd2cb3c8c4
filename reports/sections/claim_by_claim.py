"""The claims one by one: source, status, proof, certificate, witness and repair, numbers, runs, figures."""

from __future__ import annotations

import re
from typing import Any, final

from reports.paper.ledger import Results, ledger
from reports.sections.base import Inputs, Section
from reports.sections.ledger import groups_of

#: subjects of a comparison
PLACES = {
    "sde": "on the SDE", "method": "on the method", "formula": "as a formula", "sde-not-linearised": "on the SDE, not linearised",
}  # fmt: skip
#: the kind of object that a label names
KINDS = {"fig": "Figure", "tab": "Table", "sec": "Section"}


@final
class Claims(Section):
    """Each claim of the ledger with all the evidence for its status."""

    name, title = "claims", "The claims one by one"

    def compute(self, context: Inputs) -> dict[str, Any]:
        results = Results.of(context.results)
        groups = ledger(groups_of(context.problem), results)
        certified = [i for i, e in results.entries.items() if e["certificate"]]
        for row in (row for group in groups for row in group["rows"]):
            row["axioms"] = sorted({a for e in row["entries"] for a in results.entries.get(e["id"], {}).get("axioms", ())})
            for entry in row["entries"]:
                entry["certified"] = entry["id"] in certified
            for e in (*row["numbers"], *row["experiments"], *row["beside"]):
                e["says"] = e["says"].rstrip(".")
                e["what"] = _words(e["key"])
                e["kind"] = KINDS.get(e["anchor"].partition(":")[0], "Section")
        return {"groups": groups, "whole": context.whole}


def _words(key: str) -> str:
    """The key of evidence for a reader: verify-6.2-scheduled-sde is 6.2-scheduled on the SDE."""
    found = re.fullmatch(r"verify-(.+?)-(sde-not-linearised|sde|method|formula)", key)
    if found is None:
        return key.replace("-", " ")
    return f"{found[1]} {PLACES[found[2]]}"
