"""The claims one by one: source text, statement, scope, proofs, witnesses and all numbers, contradictions first."""

from typing import Any, final

from sdescent.reports.claims.evidence import AGAINST
from sdescent.reports.claims.verdict_of_claim import Results, ledger
from sdescent.reports.paper.application import GROUPS
from sdescent.reports.sections.base import Inputs, Section
from sdescent.reports.sections.first_page import displayed

#: prefix of a label -> the kind of object that it names
KINDS = {"fig": "Figure", "tab": "Table", "sec": "Section"}
#: a check is consistent with the proof or not; it confirms nothing
CHECKS = {True: "consistent", False: "INCONSISTENT", None: "not decided"}


@final
class Claims(Section):
    """Each claim of the ledger, with all the evidence for and against it."""

    name, title = "claims", "The claims one by one"

    def compute(self, context: Inputs) -> dict[str, Any]:
        results = Results.of(context.results)
        groups = [displayed(g) for g in ledger(GROUPS, results)]
        certified = [i for i, e in results.entries.items() if e["certificate"]]
        for row in (row for group in groups for row in group["rows"]):
            proofs = (results.entries.get(e["id"], {}) for e in row["entries"])
            row["axioms"] = sorted({axiom for proof in proofs for axiom in proof.get("axioms", ())})
            for entry in row["entries"]:
                checked = results.entries.get(entry["id"], {})
                entry |= {
                    "certified": entry["id"] in certified,
                    "claim": checked.get("claim") if not checked.get("law") else None,
                }
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
