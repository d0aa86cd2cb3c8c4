"""The user's inequalities: proved with a certificate, refuted by exact numbers with the smallest repairs, or undecided."""

from typing import Any, final

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.claims.verdict import Judged, counterexample_latex, steps
from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.language.text import TermWriter
from sdescent.derive.proof.repair.smallest import repairs
from sdescent.derive.reading.claims import TitledClaim
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.sections.base import Certified, Inputs
from sdescent.reports.sections.proof_lines import formula

#: time limits in seconds for the proof of a claim, and for the repairs of a false one
SECONDS, REPAIR_SECONDS = 10.0, 10.0
#: largest number of shown steps of a proof
MAX_STEPS = 60


@final
class OwnClaims(Certified):
    """Each claim with its assumptions, verdict, steps or counterexample, and a certificate for each proof."""

    name, title = "own-claims", "Your claims"

    def compute(self, context: Inputs) -> dict[str, Any]:
        every = enumerate(context.announced(context.problem.claims, lambda titled: titled.title), 1)
        entries = [_entry(f"claim-{n}", titled, prove(titled.claim, seconds=SECONDS)) for n, titled in every]
        failed = {e["title"]: "refuted" for e in entries if e["status"] == Verdict.REFUTED}
        return {"entries": entries, "statuses": failed}


def _entry(id: str, titled: TitledClaim, verdict: Judged) -> dict[str, Any]:
    writer = TermWriter()
    smallest = repairs(verdict, seconds=REPAIR_SECONDS) if verdict.status == Verdict.REFUTED else []
    lines = steps(verdict)
    return {
        "id": id,
        "title": titled.title,
        **{name: getattr(verdict, name) for name in ("status", "vacuous", "satisfiability", "reason")},
        "claim": formula(writer.relation(verdict.claim)),
        "assumptions": [formula(writer.relation(a)) for a in verdict.assume],
        "lines": [{**formula(tex), "rule": rule} for rule, tex in lines[:MAX_STEPS]],
        "more": max(0, len(lines) - MAX_STEPS),
        "witness": counterexample_latex(verdict),
        "repairs": [
            {"words": r.words, "claim": writer.relation(r.claim), "assume": [writer.relation(a) for a in r.assume]}
            for r in smallest
        ],
        **{"assumed": [], "axioms": [], "repair": "", "mended": []},
        "certificate": None if verdict.certificate is None else dumps(verdict.certificate),
    }
