"""Re-check a proof certificate (FORMAT.md), sharing no code with the modules that make certificates.

Trusted are the modules of this folder, python-flint, the standard library, and the axioms that a certificate lists.
"""

import json
from functools import partial
from typing import Any

from sdescent.derive.proof.replay.algebra import Budget, Invalid, Unreadable
from sdescent.derive.proof.replay.context import entry_terms, read_context
from sdescent.derive.proof.replay.conventions import conventions
from sdescent.derive.proof.replay.in_words import Replayed, describe
from sdescent.derive.proof.replay.ito_gronwall_descent import (
    decay,
    descent,
    gronwall,
    ito,
    primitive,
    summable,
    summation,
    telescope,
)
from sdescent.derive.proof.replay.logic_and_algebra import AXIOMS, BOUNDS, Rules, bound, nonnegative, squared_norm
from sdescent.derive.proof.replay.one_variable import ball
from sdescent.derive.proof.replay.terms import MAX_DEPTH as MAX_TERM_DEPTH
from sdescent.derive.proof.replay.terms import MAX_DIGITS, Fact, Step, Terms, fields, items
from sdescent.derive.proof.replay.witness import check_witness

__all__ = ["Invalid", "Replayed", "Unreadable", "describe", "replay", "replay_object"]

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
    "squared_norm": squared_norm,
    **{rule: partial(bound, rule=rule) for rule in BOUNDS},
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


def replay(text: str | bytes) -> Replayed:
    """Check a certificate in full: its shape, every step by its rule, that the last step proves the statement, and any witness.

    The last step proves the statement if its claim is the stated one, its hypotheses are exactly the stated assumptions and
    definitions, and its axioms are exactly the stated ones. The work is bounded, and no exceptions except the following are raised.

    Raises:
        Invalid: the certificate does not prove its statement, its witness is not shown to be a model, or it needs too much work.
        Unreadable: the text does not have the format of a certificate.
    """
    try:
        value, depth = _parse(text)
        return _replay(value, depth > MAX_TERM_DEPTH)
    except (Invalid, Unreadable):
        raise
    except RecursionError as error:
        raise Unreadable("the certificate is nested too deeply") from error
    except Exception as error:  # whatever went wrong, nothing was proved
        raise Unreadable(f"internal: {type(error).__name__}: {error}") from error


def replay_object(value: Any) -> Replayed:
    """`replay` for a value that json.loads returned."""
    try:
        _check_nodes(value)
        text = json.dumps(value)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(f"not JSON: {error}") from error
    return replay(text)


def _parse(text: Any) -> tuple[Any, int]:
    """The value of a JSON text, and its depth. Floats, repeated keys, and oversized integers and texts are refused."""

    def pairs(entries: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in entries}) != len(entries):
            raise Unreadable("a key occurs twice in an object")
        return dict(entries)

    def no_float(literal: str) -> Any:
        raise Unreadable(f'{literal[:40]} is not an exact number: write a rational such as "3/4"')

    def integer(literal: str) -> int:
        if len(literal) > MAX_DIGITS:
            raise Unreadable(f"an integer has more than {MAX_DIGITS} digits")
        return int(literal)

    if type(text) not in (str, bytes) or len(text) > MAX_TEXT:
        raise Unreadable(f"the certificate is not a text of at most {MAX_TEXT} characters")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        hooks = {"parse_float": no_float, "parse_constant": no_float, "parse_int": integer}
        value = json.loads(text, object_pairs_hook=pairs, **hooks)
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}") from error
    return value, _check_nodes(value)


def _check_nodes(value: Any) -> int:
    """The depth of a value, after a check that it contains only objects, lists, texts, integers, true, false and null.

    There is no recursion, since the value may be nested to any depth.
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
    optional = [key for key in ("witness", "sources") if type(value) is dict and key in value]
    keys = ("format", "title", "context", "statement", "steps")
    form, title, context_raw, statement, steps, *more = fields(value, *keys, *optional)
    options = dict(zip(optional, more, strict=True))
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
    if "witness" in options:
        check_witness(terms, assumptions + definitions, options["witness"])
    sources = _sources(options["sources"], assumptions, definitions) if "sources" in options else None
    terms.work = Budget()  # from here on nothing is checked, only described
    declared = [value for entry in context_raw["functions"].values() for value in entry.values() if value is not True]
    declared += [raw for entry in context_raw["potentials"].values() for raw in entry_terms(entry)]
    unsafe = conventions(terms, [*assumptions, *definitions, claim, *declared], [raw["claim"] for raw in steps], facts)
    return Replayed(
        title, claim, assumptions, definitions, tuple(axioms), len(steps) - trusted, trusted, context_raw, tuple(_reading(rules)),
        tuple(unsafe), options.get("witness"), steps[-1]["rule"] == "absurd", sources,
    )  # fmt: skip


def _sources(raw: Any, assumptions: list, definitions: list) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sources of the assumptions and of the definitions, after a check of their shape (FORMAT.md)."""
    listed = tuple(tuple(items(part)) for part in fields(raw, "assumptions", "definitions"))
    if any(type(word) is not str for part in listed for word in part):
        raise Unreadable("a source is not a text")
    if [len(part) for part in listed] != [len(assumptions), len(definitions)]:
        raise Unreadable("there is not one source for each assumption and definition")
    return listed[0], listed[1]


def brings_axiom(step: dict[str, Any]) -> bool:
    """Whether the rule of a step adds an axiom."""
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


def _reading(rules: Rules) -> list[str]:
    context, out = rules.context, []
    used = {atom.head[0] for atom in rules.terms.atoms}
    if used & {"E", "I", "EI"}:
        out.append("all functions under expectations and time integrals are integrable (so these are linear)")
    horizon = f"the horizon{f' {context.horizon}' if context.horizon else ''}"
    if context.steps:
        last = f"one before {horizon}, a whole number >= 1"
        out.append(f"time is steps, from 0 to {last}; integrals over time are sums over them")
    elif used & {"I", "EI"} or context.horizon is not None:
        out.append(f"time runs from 0 to {horizon}, which is >= 0")
    out += [f"{name} is the time itself" for name, kind in context.symbols.items() if kind == "clock"]
    counted = ((context.dimension, "coordinates"), (context.clients, "clients"))
    out += [f"{name} is the number of {what}, a whole number >= 1" for name, what in counted if name is not None]
    if context.potentials:
        out.append("symbols of kind random, vectors and matrices are values along the state X that do not look ahead")
    if context.steps and context.potentials:
        past = "what is known at a step is the state and every other value that a name has at that step"
        out.append(f"{past}; a product of vectors that depend on the draw of the step is its mean given this")
    return out
