"""The user's own method: its SDE in each model asked for, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, final

from derive.derivation import RuleSDE, sde
from derive.printing.latex import condition_latex
from derive.reading.problems import CLAIMS
from derive.reading.specs import Spec
from derive.vocabulary.choices import Model
from derive.vocabulary.errors import BadInput, Refusal
from derive.vocabulary.registry import entries
from derive.vocabulary.symbols import coerce, u
from reports.document.notation import MEANING, PARAMETERS, SINGLY, VECTORS, Notation, macro
from reports.document.tex import escape
from reports.document.vectors import vector
from reports.sections.base import Inputs, Section


@final
class ProblemSection(Section):
    """The equations of a specification."""

    name, title = "problem", "Your method"

    def compute(self, context: Inputs) -> dict[str, Any]:
        asked = context.problem
        meanings, here = _meanings(asked.specs)
        notation, factor = Notation(meanings), asked.method.schedule.factor
        equations = []
        for model in asked.models:
            context.tick(f"the {model} model")
            equations.append(_equation(asked, model, notation))
        given = {k: v for k, v in asked.to_dict().items() if v is not None and k != CLAIMS}
        return {
            "specs": [{"field": k, "value": _spaced(v)} for k, v in _flat(given)],
            "method": asked.method.name,
            "rule": _rule(asked.method),
            "clients": notation(asked.method.clients),
            "dim": asked.dim,
            "definition": asked.method.compressor.definition(notation) or _summary(asked.method.compressor, "compressor"),
            "noise": asked.method.noise.definition(notation),
            "loss": None if asked.loss is None else _loss(asked, notation),
            "schedule": None if factor == 1 else "" if factor == u else notation(factor),
            "equations": equations,
            "statuses": {e["model"]: _status(e) for e in equations},
            "meanings": meanings,
            "here": here,
        }


def _flat(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields and values, tables inside one by their own keys: `method.update`."""
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", one) for inner, one in _flat(value) if one not in ([], "", None))
        else:
            yield key, value


def _rule(method: Any) -> dict[str, Any] | None:
    """The assignments of one step of an update rule, its regime and the time of a step; None for x - eta h mean C(v)."""
    if method.plain:
        return None
    update = method.update or ("x = x - eta*G",)
    return {"steps": list(update), "regime": method.regime.as_given(), "rules": method.regime.text, "time": method.regime.time}


def _loss(asked: Any, notation: Notation) -> str:
    told = asked.loss.definition(notation) or _summary(asked.loss, "loss")
    return told + _entries(asked.specs["loss"], notation)


def _summary(piece: Any, kind: str) -> str:
    """What a class was registered as, as LaTeX: for one that defines itself by no formula."""
    return next((escape(e.summary) for e in entries(kind).values() if e.build is type(piece) and e.owner is not None), "")


def _spaced(value: Any) -> str:
    """A value of the specification as text that a line can break: spaces after its separators, where specs admit them."""
    if isinstance(value, list) and len(value) > SINGLY and len(set(value)) == 1:
        return f"{value[0]} ({len(value)} times)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.replace(" ", "").replace(",", ", ").replace("|", " | ")


def _meanings(specs: Mapping[str, Spec]) -> tuple[dict[str, str], dict[str, str]]:
    """The meaning of symbols: of the user's, and of standard ones that stand for omitted values or head a list of values."""
    own: dict[str, list[str]] = {}
    here: dict[str, str] = {}
    headed: dict[str, str] = {}
    for kind, spec in specs.items():
        for parameter, symbol, omitted, place in _symbols(spec):
            text = PARAMETERS.get((kind, parameter), f"{parameter} of the {kind} {{name}}").format(name=spec.entry.name)
            if omitted and symbol in MEANING:
                here[symbol] = text
            elif symbol is None and parameter in MEANING and parameter not in VECTORS and kind != "schedule":
                headed[parameter] = text  # the letter precedes the value in a caption; a schedule is typeset as a formula
            if symbol is not None and (not omitted or symbol not in MEANING):
                own.setdefault(symbol, []).append(text + place)
    return {symbol: "; ".join(dict.fromkeys(texts)) for symbol, texts in own.items()}, headed | here


def _symbols(spec: Spec) -> Iterator[tuple[str, str | None, bool, str]]:
    """(parameter, the symbol that is its value or None, whether it was omitted, which entry of a vector it is)."""
    for parameter, value in spec.values:
        owner = "client" if f"{spec.entry.name}:{parameter}" in spec.lengths("per_client") else "coordinate"
        several = value if isinstance(value, tuple) else (value,)
        many = sum(isinstance(v, str) for v in several) > SINGLY
        for n, v in enumerate(several, 1):
            place = "" if len(several) == 1 else f", one for each {owner}" if many else f", of {owner} {n}"
            yield parameter, v if isinstance(v, str) else None, False, place
    given = {parameter for parameter, _ in spec.values}
    for field, symbol, omitted in spec.symbols():
        if field.partition(":")[2] not in given:
            yield field.partition(":")[2], symbol, omitted, ""


def _entries(loss: Spec, notation: Notation) -> str:
    """The values of a loss that has one for each coordinate."""
    found = ""
    for parameter, value in loss.values:
        left = macro(parameter) if parameter in MEANING else parameter
        if isinstance(value, tuple):
            found += ", " + vector([notation(coerce(v)) for v in value], f"{left}=")
        elif any(p.name == parameter and p.per_coordinate for p in loss.entry.parameters):
            found += rf", ${left}_j={notation(coerce(value))}$"
    return found


def _equation(asked: Any, model: Model, notation: Notation) -> dict[str, Any]:
    entry: dict[str, Any] = {"model": model, "refused": None, "kind": "", "rows": "", "conditions": [], "noise_type": None}
    try:
        equation = sde(asked.method, model, asked.loss, asked.dim)
    except Refusal as refusal:
        return {**entry, "refused": refusal.marked, "kind": refusal.kind}
    except BadInput as error:
        return {**entry, "refused": error.message.replace("$", ""), "kind": "bad input"}
    return {
        **entry,
        "rows": _rows(equation.typeset(notation.commands())) if not _without_form(equation) else "",
        "given": equation.form is None if not isinstance(equation, RuleSDE) else equation.rule is None,
        "rule": _of_rule(equation, notation),
        "solved": equation.drift is not None or equation.model == "first-order",
        "conditions": [_condition(c, notation) for c in equation.conditions],
        "noise_type": equation.to_dict()["noise_type"],
    }


def _without_form(equation: Any) -> bool:
    return isinstance(equation, RuleSDE) and equation.rule is None


def _of_rule(equation: Any, notation: Notation) -> dict[str, Any] | None:
    """What is said of the equation of an update rule: its weak order and what the first-order model leaves out."""
    if not isinstance(equation, RuleSDE) or equation.rule is None:
        return None
    left = [f"{one.where} (moment of order {one.needs} of the noise)" for one in equation.rule.left_out]
    caveat = equation.rule.caveat(lambda e: f"${notation(e)}$")
    return {"order": equation.rule.weak_order, "caveat": caveat, "left": left, "near": equation.rule.signs is not None}


def _rows(aligned: str) -> str:
    r"""The rows of an `aligned` environment, which cannot break over pages, for an environment that can."""
    return aligned.removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}")


def _status(entry: dict[str, Any]) -> str:
    """refused; derived, in closed form; conditional, given a client's message alone. These are not checks."""
    if entry["refused"]:
        return "refused"
    return "conditional" if entry["given"] else "derived"


def _condition(condition: Any, notation: Notation) -> dict[str, str]:
    why = "" if condition.of_order else condition.purpose
    return {"tex": condition_latex(condition, notation.commands()), "why": why}
