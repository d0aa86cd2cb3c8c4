"""The three continuous models of a step, the checks that tell them apart, and the use of each (theory 2 and 5)."""

from __future__ import annotations

from typing import Any, final

import sympy as sp

from sdescent.derive.equations.models import MODELS
from sdescent.derive.expressions.coordinates import g, hvp
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.schedules import Free
from sdescent.derive.sanity.every import all_checks
from sdescent.derive.sanity.table import model_table
from sdescent.reports.document.notation import Notation, macro
from sdescent.reports.sections.base import Inputs, Section


@final
class Models(Section):
    """Drifts of the three models, the table of their virtues, and the sanity checks, whose lines are in the appendix."""

    name, title = "models", "The three models"

    def compute(self, context: Inputs) -> dict[str, Any]:
        notation = Notation()
        b = sp.Symbol("b")
        method = DSGD(schedule=Free())
        drifts = []
        for name, model in MODELS.items():
            drift = model(g, method).subs({g: b})
            letters = {b: f"{macro('b')}_j", hvp(g): f"({macro('H')}{macro('b')})_j"}
            drifts.append({"model": name, "drift": notation(drift, letters)})
        context.tick("what each model is good for")
        rows = [
            {
                "model": row.model,
                "threshold": r"\text{none}" if row.threshold == sp.oo else notation(row.threshold),
                "right": row.threshold_right,
                "variance": notation(row.variance),
                "ratio": notation(row.variance_ratio),
                "rate_error": notation(row.rate_error),
                "weak_order": row.weak_order,
                "source": row.weak_order_source,
            }
            for row in model_table()
        ]
        context.tick("sanity checks")
        checks = [
            {
                "name": check.name,
                "title": check.title,
                "statement": _segments(check.statement_latex),
                "status": "holds" if check.passed else "FAILS",
                "lines": [{"tex": n.latex, "reason": n.reason, "status": _mark(n.holds)} for n in check.lines],
            }
            for check in all_checks()
        ]
        statuses = {check["name"]: check["status"] for check in checks}
        return {"drifts": drifts, "rows": rows, "checks": checks, "statuses": statuses}


def _segments(tex: str) -> list[str]:
    """A long formula cut at its wide spaces (where braces and brackets balance), so that the line can break there."""
    found: list[str] = []
    for piece in tex.replace(r"\qquad", r"\quad").split(r"\quad"):
        whole = not found or all(found[-1].count(a) == found[-1].count(b) for a, b in ("{}", (r"\left", r"\right")))
        if whole:
            found.append(piece.strip())
        else:
            found[-1] += r"\quad" + piece
    return found


def _mark(holds: bool | None) -> str:
    return "" if holds is None else "agrees" if holds else "DISAGREES"
