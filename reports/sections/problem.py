"""The user's own method: its SDE in each model asked for, or the reason why there is none."""

from __future__ import annotations

from typing import Any, final

from derive.errors import BadInput, Refusal
from derive.models import sde
from reports.notation import Notation, macro
from reports.sections.section import Context, Section


@final
class Problem(Section):
    """The equations of a specification."""

    name, title = "problem", "Your method"

    def compute(self, context: Context) -> dict[str, Any]:
        notation = Notation()
        notation.use("eta", "N", "t", "b", "S", "x", "g", "H")
        method = context.problem.method
        equations = []
        for model in context.problem.models:
            context.tick(f"the {model} model")
            equations.append(self._equation(context, model, notation))
        statuses = {e["model"]: "refused" if e["refused"] else "holds" for e in equations}
        return {
            "specs": [{"field": k, "value": v} for k, v in sorted(context.problem.specs.items())],
            "compressor": method.compressor.latex(),
            "equations": equations,
            "statuses": statuses,
            "used": sorted(notation.used),
        }

    def _equation(self, context: Context, model: str, notation: Notation) -> dict[str, Any]:
        try:
            equation = sde(context.problem.method, model, context.problem.loss, context.problem.dim)
        except Refusal as refusal:
            return {"model": model, "refused": refusal.message, "tex": "", "conditions": [], "noise_type": None}
        except BadInput as error:
            return {"model": model, "refused": error.message, "tex": "", "conditions": [], "noise_type": None}
        for e in equation.expressions:
            notation(e)
        described = equation.to_dict()
        return {
            "model": model,
            "refused": None,
            "tex": equation.latex({n: macro(n) for n in notation.used}),
            "conditions": [f"{c} (so that {c.purpose})" for c in equation.conditions],
            "noise_type": described["noise_type"],
        }
