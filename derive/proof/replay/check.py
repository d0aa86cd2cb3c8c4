"""Re-check a proof certificate (FORMAT.md). It shares no code with what makes certificates.

    >>> replayed = replay(Path("proof.json").read_text())
    >>> print("\\n".join(describe(replayed)))

What is trusted: the modules of this folder, python-flint, the standard library, and the axioms that a certificate lists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from derive.proof.replay.algebra import Budget, Invalid, Unreadable
from derive.proof.replay.context import entry_terms, read_context
from derive.proof.replay.conventions import KINDS, conventions
from derive.proof.replay.linear_algebra import cauchy_schwarz, nonnegative, quad_bound, trace_bound
from derive.proof.replay.one_variable import ball
from derive.proof.replay.potentials import decay, descent, summable, summation, telescope
from derive.proof.replay.processes import gronwall, ito, primitive
from derive.proof.replay.rules import AXIOMS, Rules
from derive.proof.replay.terms import MAX_DEPTH as MAX_TERM_DEPTH
from derive.proof.replay.terms import MAX_DIGITS, Fact, Step, Terms, fields, items
from derive.proof.replay.witness import check_witness

__all__ = ["Invalid", "Replayed", "Unreadable", "convention", "describe", "replay", "replay_object", "satisfiable", "standing"]

FORMAT = "sdescent-certificate-1"
MAX_STEPS, MAX_NODES, MAX_DEPTH, MAX_TEXT = 20_000, 1_000_000, 400, 50_000_000
RULES = {
    "assume": Rules.assume,
    "certify": Rules.certify,
    "inverse": Rules.inverse,
    "function": Rules.function,
    "ball": ball,
    "declared": Rules.declared,
    "nonnegative": nonnegative,
    "quad_bound": quad_bound,
    "trace_bound": trace_bound,
    "cauchy_schwarz": cauchy_schwarz,
    "monotone": Rules.monotone,
    "component": Rules.component,
    "instantiate": Rules.instantiate,
    "cases": Rules.cases,
    "cut": Rules.cut,
    "ito": ito,
    "gronwall": gronwall,
    "primitive": primitive,
    "descent": descent,
    "telescope": telescope,
    "decay": decay,
    "summable": summable,
    "summation": summation,
    "absurd": Rules.absurd,
}
#: the rules that always add an axiom
AXIOMATIC = ("ito", "gronwall", "telescope", "decay", "summable")


@dataclass(frozen=True)
class Replayed:
    """A theorem whose proof was re-checked: `claim` holds under `assumptions` and `definitions`, given the axioms.

    The relations are as the certificate writes them. `context` says what the names are; its declared properties are part of the
    theorem: flags of matrices, properties of functions, potentials with the equation or the steps of their state. `reading` lists
    what the format says without words: which symbol is the time, that there are as many coordinates as the dimension says, etc.
    `outside` lists the denominators and the arguments of sqrt and log that are not shown to be inside their domains, where 1/0 = 0
    and the like are part of what is stated, as (where, kind, term); `conventions` says so in words.
    `witness` is a model in which the hypotheses and all declarations hold, checked; None where the certificate has none.
    `contradictory` says that the hypotheses were shown to contradict each other, so that the claim says nothing.
    `trusted` counts the steps whose rule brings in an axiom (`brings_axiom`), `rechecked` the others.
    """

    title: str
    claim: list
    assumptions: list
    definitions: list
    axioms: tuple[str, ...]
    rechecked: int
    trusted: int
    context: dict[str, Any]
    reading: tuple[str, ...]
    outside: tuple[tuple[str, str, Any], ...]
    witness: dict[str, Any] | None
    contradictory: bool

    @property
    def conventions(self) -> tuple[str, ...]:
        """What is stated, or used, of terms that are not shown to be inside their domains, in words."""
        return tuple(convention(*entry) for entry in self.outside)

    @property
    def satisfiability(self) -> str:
        """Whether anything satisfies the hypotheses and declarations: "shown", "impossible" or "not shown"."""
        return "impossible" if self.contradictory else "not shown" if self.witness is None else "shown"


def replay(text: str | bytes) -> Replayed:
    """Check a certificate in full: its shape, every step by its rule, and that the last step proves the statement.

    That is: the last step's claim is the stated one, its hypotheses are exactly the stated assumptions and definitions, its axioms
    are exactly the stated ones. Raises Invalid or Unreadable otherwise, and nothing else; the work is bounded.
    """
    try:
        value, depth = _parse(text)
        return _replay(value, depth > MAX_TERM_DEPTH)
    except (Invalid, Unreadable):
        raise
    except RecursionError as error:
        raise Unreadable("the certificate is nested too deeply") from error
    except Exception as error:  # Whatever went wrong, nothing was proved.
        raise Unreadable(f"internal: {type(error).__name__}: {error}") from error


def replay_object(value: Any) -> Replayed:
    """`replay` for what json.loads returns."""
    try:
        _check_nodes(value)
        text = json.dumps(value)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(f"not JSON: {error}") from error
    return replay(text)


def _parse(text: Any) -> tuple[Any, int]:
    """JSON without floats, without a key twice, of bounded size; and how deep it is."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in found}) != len(found):
            raise Unreadable("a key occurs twice in an object")
        return dict(found)

    def no_float(literal: str) -> Any:
        raise Unreadable(f"{literal[:40]} is not an exact number: write a rational such as \"3/4\"")

    def integer(literal: str) -> int:
        if len(literal) > MAX_DIGITS:
            raise Unreadable(f"an integer has more than {MAX_DIGITS} digits")
        return int(literal)

    if type(text) not in (str, bytes) or len(text) > MAX_TEXT:
        raise Unreadable(f"the certificate is not a text of at most {MAX_TEXT} characters")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(text, object_pairs_hook=pairs, parse_float=no_float, parse_constant=no_float, parse_int=integer)
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}") from error
    return value, _check_nodes(value)


def _check_nodes(value: Any) -> int:
    """How deep a value is. It holds only objects, lists, texts, integers, true, false and null.

    Without recursion, since the value may be anything.
    """
    level, count, huge = [value], 0, 10**MAX_DIGITS
    for depth in range(MAX_DEPTH + 1):
        deeper: list[Any] = []
        count += len(level)
        if count > MAX_NODES:
            raise Unreadable(f"the certificate has more than {MAX_NODES} values")
        for node in level:
            kind = type(node)
            if kind is list:
                deeper += node
            elif kind is dict:
                if any(type(key) is not str for key in node):
                    raise Unreadable("a key of an object is not a text")
                deeper += node.values()
            elif kind is int:
                if abs(node) >= huge:
                    raise Unreadable(f"an integer has more than {MAX_DIGITS} digits")
            elif kind is not str and kind is not bool and node is not None:
                raise Unreadable(f"a {kind.__name__} is not a value of the format")
            if len(deeper) > MAX_NODES:
                raise Unreadable(f"the certificate has more than {MAX_NODES} values")
        level = deeper
        if not level:
            return depth
    raise Unreadable("the certificate is nested too deeply")


def _replay(value: Any, deep: bool) -> Replayed:
    witness = ("witness",) if type(value) is dict and "witness" in value else ()
    form, title, context_raw, statement, steps, *given = fields(value, "format", "title", "context", "statement", "steps", *witness)
    if form != FORMAT or type(title) is not str:
        raise Unreadable(f"not a {FORMAT}")
    assumptions, axioms, claim, definitions = fields(statement, "assumptions", "axioms", "claim", "definitions")
    work = Budget()
    terms = Terms(read_context(context_raw, work, deep), work, deep)
    rules = Rules(terms)
    if not 0 < len(items(steps)) <= MAX_STEPS:
        raise Unreadable(f"a certificate has between 1 and {MAX_STEPS} steps")
    if any(type(axiom) is not str or axiom not in AXIOMS for axiom in items(axioms)) or len(set(axioms)) != len(axioms):
        raise Unreadable(f"the axioms are not among {', '.join(sorted(AXIOMS))}, or one is listed twice")
    goal = terms.relation(claim)
    stated = [terms.relation_key(terms.relation(raw)) for raw in items(assumptions) + items(definitions)]
    if goal.op == "!=" or any(raw[0] != "==" for raw in definitions):
        raise Unreadable("the claim is !=, or a definition is not ==")
    if len(set(stated)) != len(stated):
        raise Invalid("an assumption or definition is listed twice")

    facts: list[Fact] = []
    trusted = 0
    for index, raw in enumerate(steps):
        try:
            facts.append(_step(rules, facts, raw))
        except Invalid as error:
            raise Invalid(error.reason, index) from None
        except Unreadable as error:
            raise Unreadable(f"step {index}: {error}") from None
        trusted += brings_axiom(raw)
    last = facts[-1]
    if terms.relation_key(last.claim) != terms.relation_key(goal):
        raise Invalid("the last step does not prove the claim of the statement", len(facts) - 1)
    if last.hypotheses != set(stated):
        raise Invalid("the proof rests on other hypotheses than the statement lists", len(facts) - 1)
    if last.axioms != set(axioms):
        raise Invalid("the proof rests on other axioms than the statement lists", len(facts) - 1)
    if given:
        check_witness(terms, assumptions + definitions, given[0])
    terms.work = Budget()  # what follows only describes
    declared = [value for entry in context_raw["functions"].values() for value in entry.values() if value is not True]
    declared += [raw for entry in context_raw["potentials"].values() for raw in entry_terms(entry)]
    unsafe = conventions(terms, [*assumptions, *definitions, claim, *declared], [raw["claim"] for raw in steps], facts)
    return Replayed(
        title, claim, assumptions, definitions, tuple(axioms), len(steps) - trusted, trusted, context_raw, tuple(_reading(rules)),
        tuple(unsafe), given[0] if given else None, steps[-1]["rule"] == "absurd",
    )  # fmt: skip


def brings_axiom(step: dict[str, Any]) -> bool:
    """Whether the rule of a step adds an axiom to what the step rests on."""
    rule, data = step["rule"], step["data"]
    return rule in AXIOMATIC or (rule == "monotone" and data["operator"] in ("E", "I", "EI"))


def _step(rules: Rules, facts: list[Fact], raw: Any) -> Fact:
    rule, premises, data, claim = fields(raw, "rule", "premises", "data", "claim")
    if type(rule) is not str or rule not in RULES:
        raise Unreadable(f"there is no rule {str(rule)[:40]!r}")
    if any(type(n) is not int for n in items(premises)):
        raise Unreadable("a premise is not an integer, the index of a step")
    if any(not 0 <= n < len(facts) for n in premises):
        raise Invalid("a premise is not an earlier step")
    step = Step([facts[n] for n in premises], data, rules.terms.relation(claim))
    rules.terms.work.spend(4 * len(step.hypotheses))  # sets that grow with every step would fill the memory
    proved = RULES[rule](rules, step)
    if rules.terms.relation_key(proved) != rules.terms.relation_key(step.claim):
        raise Invalid(f"the rule {rule} does not prove the claim of the step")
    return Fact(step.claim, step.hypotheses, step.sealed, step.axioms)


# -- in words


def _reading(rules: Rules) -> list[str]:
    context, out = rules.context, []
    used = {atom.head[0] for atom in rules.terms.atoms}
    if used & {"E", "I", "EI"}:
        out.append("expectations and time integrals that occur are of integrable functions (they are linear)")
    horizon = f"the horizon{f' {context.horizon}' if context.horizon else ''}"
    if context.steps:
        out.append(f"time is steps, from 0 to one before {horizon}, a whole number >= 1; integrals over time are sums over them")
    elif used & {"I", "EI"} or context.horizon is not None:
        out.append(f"time runs from 0 to {horizon}, which is >= 0")
    out += [f"{name} is the time itself" for name, kind in context.symbols.items() if kind == "clock"]
    counted = ((context.dimension, "coordinates"), (context.clients, "clients"))
    out += [f"{name} is the number of {what}, a whole number >= 1" for name, what in counted if name is not None]
    if context.potentials:
        out.append("symbols of kind random, vectors and matrices are values along the state X that do not look ahead")
    if context.steps and context.potentials:
        out.append("what is known at a step is the state and every other value that a name has at it")
    return out


def convention(where: str, kind: str, raw: Any, written: Callable[[Any], str] | None = None) -> str:
    """What a term outside its domain means; `written` writes the term, in the letters of the certificate unless given."""
    meaning, has, shown = KINDS[kind]
    if raw is None:
        return f"{meaning}: the {where} has more terms that may be outside their domains than were looked at"
    if kind == "/" and raw == ["q", "0"]:
        return f"{meaning}: something in the {where} {has} 0"
    return f"{meaning}: something in the {where} {has} {(written or infix)(raw)}, and no step shows that this {shown}"


def infix(raw: Any) -> str:
    """A term or relation in plain text. Declared names that read like the notation are set in quotes."""
    tag, *args = raw

    def name(text: str) -> str:
        return f"'{text}'" if text in _NOTATION else text

    if tag in ("<=", "<", "==", "!="):
        return f"{infix(args[0])} {tag} {infix(args[1])}"
    if tag in ("q", "x", "v", "m"):
        return args[0] if tag == "q" else name(args[0])
    if tag == "xi":
        return f"{name(args[0])}[i]"
    if tag == "pi":
        return "pi"
    if tag in ("f", "F"):
        return f"{args[0] if tag == 'f' else name(args[0])}({infix(args[1])})"
    if tag in ("+", "*", "/"):
        return f" {tag} ".join(_bracket(part, tag, k) for k, part in enumerate(args))
    if tag == "^":
        return f"{_bracket(args[0], '^', 0)}^{args[1]}"
    if tag == "Mv":
        return f"{infix(args[0])} {infix(args[1])}"
    return f"{tag}({', '.join(infix(part) for part in args)})"


_NOTATION = {"pi", "E", "I", "EI", "S", "Si", "C", "norm", "opnorm", "tr", "quad", "trprod", "dot"}
_NOTATION |= {"sqrt", "exp", "log", "atan", "erf", "tanh", "abs", "psi"}


def _bracket(raw: Any, outer: str, position: int) -> str:
    """An argument, in brackets where its own operation binds no stronger than the one around it."""
    strength = {"+": 1, "*": 2, "/": 2, "^": 3}
    tag = raw[0]
    negative = tag == "q" and (raw[1].startswith("-") or "/" in raw[1])
    loose = strength.get(tag, 4) <= strength[outer] and not (tag == outer and outer in ("+", "*"))
    return f"({infix(raw)})" if loose or (negative and (outer != "+" or position > 0)) else infix(raw)


_WHY = {
    "shown": ": the witness satisfies the hypotheses and the declarations",
    "not shown": ": nothing was checked that satisfies the hypotheses and the declarations, so that the claim may say nothing",
    "impossible": ": the hypotheses and the declarations contradict each other, so that the claim says nothing",
}


def _witness(raw: dict[str, Any] | None) -> list[str]:
    """The model in words; one value for all where they are the same."""
    if raw is None:
        return []

    def shown(value: list) -> str:
        parts = list(dict.fromkeys(infix(part) for part in value)) if type(value[0]) is list else [infix(value)]
        return parts[0] if len(parts) == 1 else f"({', '.join(infix(part) for part in value)})"

    lines = [f"{name} = {shown(value)}" for table in ("symbols", "vectors") for name, value in raw[table].items()]
    lines += [f"{name} = diag {shown(value)}" for name, value in raw["matrices"].items()]
    lines = [", ".join(lines[n : n + 8]) for n in range(0, len(lines), 8)]
    for name, f in raw["functions"].items():
        lines.append(f"{name}(t) = {f['level']} + {f['height']} * max(-1, min(1, t / {f['width']}))")
    return lines


def _potential(name: str, entry: dict[str, Any], steps: bool) -> list[str]:
    """What the context says of a potential, and of how its state moves."""
    parts = ", ".join(f"{key} {entry[key]}" for key in ("gradient", "hessian", "change", "start", "end") if key in entry)
    sums = {
        key: " + ".join(f"({infix(c)})*{infix(moved)}" for c, moved in entry[key]) or "0"
        for key in ("drift", "diffusion", "mean") if key in entry
    }  # fmt: skip
    if "smooth" in entry:
        return [
            f"potential {name}: a function of the state X alone, {'C^2' if entry['smooth'] else 'not C^2'}, {parts}",
            f"process of {name}: dX = ({sums['drift']}) dt + L dW with L L' = {sums['diffusion']}",
        ]
    moves = "the mean of its change in a step, given what is known" if steps else "LV of the generator L"
    if "mean" not in entry:
        return [f"potential {name}: {'a' if steps else 'a C^2'} function of the state X, {parts}; its change is {moves}"]
    low, growth = (infix(raw) for raw in entry["smoothness"])
    radius = "" if entry["radius"] is None else f", |D| <= {infix(entry['radius'])} almost surely"
    return [
        f"potential {name}: a C^2 function of a point x of the state, {parts}; its change is {moves}",
        f"smoothness of {name}: |Hess {name}| <= ({low}) + ({growth})*|grad {name}| everywhere",
        f"step of {name}: D of x, of mean {sums['mean']} and with E |D|^2 <= {infix(entry['square'])}, given what is known{radius}",
    ]


def standing(conventions: Iterable[str], axioms: Iterable[str], satisfiability: str) -> list[str]:
    """What a proof rests on beside its hypotheses, and whether anything satisfies these: for every command that says PROVED."""
    lines = [f"convention: {line}" for line in conventions]
    return [*lines, f"axioms: {', '.join(axioms) or 'none'}", *satisfiable(satisfiability)]


def satisfiable(satisfiability: str) -> list[str]:
    """The line about what satisfies the hypotheses."""
    return [f"satisfiability {satisfiability}{_WHY[satisfiability]}"]


def describe(replayed: Replayed) -> list[str]:
    """The theorem in plain text: claim, hypotheses, what the context declares, how the format is read, and what was checked."""
    context = replayed.context
    title = "".join(c if c.isprintable() else f"\\x{ord(c):x}" for c in replayed.title)
    lines = [f"claim: {infix(replayed.claim)}"]
    lines += [f"assumption: {infix(raw)}" for raw in replayed.assumptions]
    lines += [f"definition: {infix(raw)}" for raw in replayed.definitions]
    kinds: dict[str, list[str]] = {}
    for symbol, kind in context["symbols"].items():
        kinds.setdefault(kind, []).append(symbol)
    lines += [f"{kind}: {', '.join(names)}" for kind, names in kinds.items()]
    lines += [f"vectors: {', '.join(context['vectors'])}"] if context["vectors"] else []
    lines += [f"matrix {name}: {', '.join(flags) or 'any'}" for name, flags in context["matrices"].items()]
    for name, properties in context["functions"].items():
        said = [key if value is True else f"{key} {infix(value)}" for key, value in properties.items()]
        lines.append(f"function {name}: {', '.join(said) or 'any'}")
    for name, entry in context["potentials"].items():
        lines += _potential(name, entry, "steps" in context)
    lines += [f"{key}: {context[key]}" for key in ("horizon", "dimension", "clients") if context[key] is not None]
    lines += [f"reading: {line}" for line in replayed.reading]
    lines += standing(replayed.conventions, replayed.axioms, replayed.satisfiability)
    lines += [f"witness: {line}" for line in _witness(replayed.witness)]
    axioms = ", ".join(replayed.axioms) or "none"
    lines += [f"{replayed.rechecked} steps re-checked, {replayed.trusted} trusted (axioms: {axioms})"]
    return [*lines, f"title (free text, not checked): {title}"]
