"""The user's own method: its SDE in each model asked for, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from derive.errors import BadInput, Refusal
from derive.latex import condition_latex
from derive.models import sde
from derive.specs import parse_spec
from derive.symbols import u
from reports.notation import MEANING, Notation
from reports.sections.section import Context, Section


@final
class Problem(Section):
    """The equations of a specification."""

    name, title = "problem", "Your method"

    def compute(self, context: Context) -> dict[str, Any]:
        asked = context.problem
        meanings = _meanings(asked.specs)
        notation, factor = Notation(meanings), asked.method.schedule.factor
        equations = []
        for model in asked.models:
            context.tick(f"the {model} model")
            equations.append(_equation(asked, model, notation))
        return {
            "specs": [{"field": k, "value": _shown(v)} for k, v in asked.to_dict().items() if v is not None],
            "definition": asked.method.compressor.definition(notation),
            "loss": None if asked.loss is None else _loss(asked.loss, notation),
            "schedule": None if factor in (1, u) else notation(factor),
            "equations": equations,
            "statuses": {e["model"]: "refused" if e["refused"] else "holds" for e in equations},
            "meanings": meanings,
        }


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _meanings(specs: Mapping[str, str]) -> dict[str, str]:
    """What the symbols of the user's stand for, from the parameters that they are values of."""
    found = {}
    for kind, text in specs.items():
        for field, symbol, omitted in parse_spec(kind, text, kind).symbols():
            parameter = field.partition(":")[2]
            if not omitted or symbol not in MEANING:
                known = MEANING.get(parameter)
                found[symbol] = (
                    f"{known[1]}; " if known else ""
                ) + f"{parameter} of the {kind} {field.partition(':')[0]}"
    return found


def _loss(loss: Any, notation: Notation) -> str | None:
    """The loss of one coordinate, of a separable loss."""
    return notation(loss.coordinate) if hasattr(loss, "coordinate") else None


def _equation(asked: Any, model: str, notation: Notation) -> dict[str, Any]:
    try:
        equation = sde(asked.method, model, asked.loss, asked.dim)
    except (Refusal, BadInput) as error:
        return {"model": model, "refused": error.message, "tex": "", "conditions": [], "noise_type": None}
    return {
        "model": model,
        "refused": None,
        "tex": equation.latex(notation.commands()),
        "conditions": [_condition(c, notation) for c in equation.conditions],
        "noise_type": equation.to_dict()["noise_type"],
    }


def _condition(condition: Any, notation: Notation) -> dict[str, str]:
    why = "" if condition.purpose == "weak order 2" else condition.purpose
    return {"tex": condition_latex(condition, notation.commands()), "why": why}
