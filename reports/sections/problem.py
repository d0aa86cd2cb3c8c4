"""The user's own method: its SDE in each requested model, or the reason why there is none."""

from collections.abc import Iterator, Mapping
from typing import Any, final

from sdescent.derive.derivation import RuleSDE, sde
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.compressors import Identity
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.methods.specialise import kept_scales
from sdescent.derive.printing.latex import condition_latex
from sdescent.derive.reading.problems import CLAIMS, THEOREMS
from sdescent.derive.reading.specs import Spec
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.registry import entries
from sdescent.derive.vocabulary.symbols import coerce, u
from sdescent.derive.vocabulary.symbols import parameter as constant
from sdescent.reports.document.notation import MEANING, PARAMETERS, SINGLY, VECTORS, Notation, macro, memory_macro
from sdescent.reports.document.tex import escape, vector
from sdescent.reports.sections.base import Inputs, Section


@final
class ProblemSection(Section):
    """The equations of a specification."""

    name, title = "problem", "Your method"

    def compute(self, context: Inputs) -> dict[str, Any]:
        problem = context.problem
        method, factor = problem.method, problem.method.schedule.factor
        meanings, here = _meanings(problem.specs)
        memory = method.rule.letters[1:]
        if not method.plain:
            meanings = _constants(method) | meanings
        # v is a message here, but may be a memory letter in the equations
        notation, stated = Notation(meanings), Notation(meanings, memory)
        if not method.plain:
            here["t"] = f"time: the number of steps of the method times ${stated(method.regime.tau)}$"
            here["diffusion"] = r"a root of the covariance $\sdDiffusion\sdDiffusion^{\top}$ of the equation"
        definition = method.compressor.definition(notation) or _summary(method.compressor, "compressor")
        whole = method.plain or method.compressor != Identity()  # otherwise the letter v of a message would be unused
        models = context.announced(problem.models, "the {} model".format)
        equations = [_equation(problem, model, stated) for model in models]
        fields = {k: v for k, v in problem.to_dict().items() if v is not None and k not in (CLAIMS, THEOREMS)}
        return {
            "specs": [{"field": k, "value": _spaced(v)} for k, v in _flat(fields)],
            "method": problem.method.name,
            "rule": _rule(method, stated),
            "compressed": method.compressor != Identity(),
            "clients": notation(problem.method.clients),
            "dim": problem.dim,
            "definition": definition if whole else "",
            "noise": problem.method.noise.definition(notation),
            "loss": None if problem.loss is None else _loss(problem, notation),
            "schedule": None if factor == 1 else "" if factor == u else notation(factor),
            "equations": equations,
            # no checks: an equation is derived in closed form, or is conditional on a client's message
            "statuses": {
                e["model"]: "refused" if e["refused"] else "conditional" if e["given"] else "derived" for e in equations
            },
            "meanings": meanings,
            "here": here,
            "memory": list(memory),
        }


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields and values of a table; those of inner tables have dotted names, such as `method.update`."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", one) for inner, one in _flat(value) if one not in ([], "", None))
        else:
            yield key, value


def _rule(method: Any, notation: Notation) -> dict[str, Any] | None:
    """The assignments in one step of an update rule, its regime and the time of a step; None if the step is x - eta h mean C(v)."""
    if method.plain:
        return None
    regime, letters = method.regime, method.rule.letters
    memory = {constant(a): memory_macro(a) for a in letters[1:]}
    rules = {name: notation(e, memory) for name, e in regime.rules.items()}
    return {
        "steps": list(method.update or ("x = x - eta*G",)),
        "regime": regime.name,
        "sets": [f"{notation(constant(name))}={e}" for name, e in rules.items() if name not in (NOISE, *letters)],
        "noise": rules.get(NOISE),
        "rescaled": [[memory_macro(name), e] for name, e in rules.items() if name in letters],
        "time": notation(regime.tau),
    }


def _constants(method: Any) -> dict[str, str]:
    """The meanings of the constants of an update rule and its regime, and of the noise's scale if the regime changes it."""
    rules, constants = method.regime.rules, method.rule.parameters
    meanings = {name: "constant of the rule" for name, _ in method.constants if name in constants}
    meanings |= {name: "constant of the regime" for name, _ in method.constants if name not in constants}
    meanings |= {
        name: "constant of the rule; in the regime it depends on the step size" for name in rules if name in constants
    }
    factor = Notation()(rules[NOISE]) if NOISE in rules else ""
    return meanings | {
        scale: f"scale of the noise that stays as the step size changes; the noise of a step has this scale times ${factor}$"
        for scale in kept_scales(method)
    }


def _loss(problem: Any, notation: Notation) -> str:
    definition = problem.loss.definition(notation) or _summary(problem.loss, "loss")
    return definition + _entries(problem.specs["loss"], notation)


def _summary(piece: Any, kind: str) -> str:
    """The registered summary of a user's piece, in LaTeX; "" for other pieces."""
    return next(
        (escape(e.summary) for e in entries(kind).values() if e.build is type(piece) and e.owner is not None), ""
    )


def _spaced(value: Any) -> str:
    """A value of the specification as text that can be broken over lines: with spaces at separators that may have them."""
    if isinstance(value, list) and len(value) > SINGLY and len(set(value)) == 1:
        return f"{value[0]} ({len(value)} times)"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.replace(" ", "").replace(",", ", ").replace("|", " | ")


def _meanings(specs: Mapping[str, Spec]) -> tuple[dict[str, str], dict[str, str]]:
    """The meanings of the user's symbols, and of standard symbols that stand for omitted values or head a list of values."""
    texts_of: dict[str, list[str]] = {}
    here: dict[str, str] = {}
    headed: dict[str, str] = {}
    for kind, spec in specs.items():
        for parameter, symbol, omitted, place in _symbols(spec):
            meaning = PARAMETERS.get(kind, {}).get(parameter, f"{parameter} of the {kind} {{name}}")
            text = meaning.format(name=spec.entry.name)
            if omitted and symbol in MEANING:
                here[symbol] = text
            elif symbol is None and parameter in MEANING and parameter not in VECTORS and kind != "schedule":
                # the letter precedes the value in a caption; a schedule is typeset as a formula
                headed[parameter] = text
            if symbol is not None and (not omitted or symbol not in MEANING):
                texts_of.setdefault(symbol, []).append(text + place)
    return {symbol: "; ".join(dict.fromkeys(texts)) for symbol, texts in texts_of.items()}, headed | here


def _symbols(spec: Spec) -> Iterator[tuple[str, str | None, bool, str]]:
    """Tuples (parameter, the symbol that is its value or None, whether the value was omitted, its place in a vector)."""
    for parameter, value in spec.values:
        owner = "client" if f"{spec.entry.name}:{parameter}" in spec.lengths("per_client") else "coordinate"
        several = value if isinstance(value, tuple) else (value,)
        many = sum(isinstance(v, str) for v in several) > SINGLY
        for n, v in enumerate(several, 1):
            place = "" if len(several) == 1 else f", one for each {owner}" if many else f", of {owner} {n}"
            yield parameter, v if isinstance(v, str) else None, False, place
    valued = {parameter for parameter, _ in spec.values}
    for field, symbol, omitted in spec.symbols():
        if field.partition(":")[2] not in valued:
            yield field.partition(":")[2], symbol, omitted, ""


def _entries(loss: Spec, notation: Notation) -> str:
    """The values of a loss that has one value for each coordinate, in LaTeX."""
    text = ""
    for parameter, value in loss.values:
        letter = macro(parameter) if parameter in MEANING else parameter
        if isinstance(value, tuple):
            text += ", " + vector([notation(coerce(v)) for v in value], f"{letter}=")
        elif any(p.name == parameter and p.per_coordinate for p in loss.entry.parameters):
            text += rf", ${letter}_j={notation(coerce(value))}$"
    return text


def _equation(problem: Any, model: Model, notation: Notation) -> dict[str, Any]:
    entry = {"model": model, "refused": None, "kind": "", "rows": "", "conditions": [], "noise_type": None}
    try:
        equation = sde(problem.method, model, problem.loss, problem.dim)
    except Refusal as refusal:
        return {**entry, "refused": refusal.marked, "kind": refusal.kind}
    except BadInput as error:
        return {**entry, "refused": error.message.replace("$", ""), "kind": "bad input"}
    without_form = isinstance(equation, RuleSDE) and equation.rule is None
    aligned = "" if without_form else equation.typeset(notation.commands())
    return {
        **entry,
        # for another environment, which can break over pages
        "rows": aligned.removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}"),
        "given": equation.form is None
        and (not isinstance(equation, RuleSDE) or equation.conditional is not None or without_form),
        "rule": _of_rule(equation, notation),
        "solved": equation.drift is not None or equation.model == "first-order",
        "conditions": [
            {"tex": condition_latex(c, notation.commands()), "why": "" if c.of_order else c.purpose}
            for c in equation.conditions
        ],
        "noise_type": equation.to_dict()["noise_type"],
    }


def _of_rule(equation: Any, notation: Notation) -> dict[str, Any] | None:
    """The weak order of an update rule's equation, and the terms that the first-order model leaves out; None for others."""
    if not isinstance(equation, RuleSDE) or equation.rule is None:
        return None
    omitted = []
    for one in equation.rule.left_out:
        _, *letters = one.where.split()  # such as "covariance m s"
        first, second = (notation(Coordinate(letter)) for letter in letters)
        omitted.append(f"the covariance of ${first}$ and ${second}$ (moment of order {one.needs} of the noise)")
    caveat = equation.rule.caveat(lambda e: f"${notation(e)}$")
    return {"order": equation.rule.weak_order, "caveat": caveat, "left": omitted, "near": bool(equation.rule.ranges)}
