"""A replayed certificate in plain text: the theorem, its context's declarations, and what was checked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sdescent.derive.proof.replay.conventions import KINDS


@dataclass(frozen=True)
class Replayed:
    """A theorem whose proof was re-checked: `claim` holds under `assumptions` and `definitions`, given the axioms.

    The relations are as the certificate writes them. `context` declares the names; its declared properties are part of the
    theorem: flags of matrices, properties of functions, potentials with the equation or the steps of their state. `reading` lists
    what the format leaves implicit, for example which symbol is time, or that the dimension is the number of coordinates.
    `outside` lists as (where, kind, term) the denominators and the arguments of sqrt and log that are not shown to be inside their
    domains; there 1/0 = 0 and the like are part of the statement. `conventions` puts them in words.
    `witness` is a model in which the hypotheses and all declarations were checked to hold; None if the certificate has none.
    `sources` are free texts that say what backs each assumption and each definition; like the title they are not checked.
    `contradictory` says that the hypotheses were shown to contradict each other, so the claim says nothing.
    `trusted` counts the steps whose rule adds an axiom (`sdescent.derive.proof.replay.check.brings_axiom`),
    `rechecked` all other steps.
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
    sources: tuple[tuple[str, ...], tuple[str, ...]] | None = None

    @property
    def conventions(self) -> tuple[str, ...]:
        """The terms of the statement and the proof that are not shown to be inside their domains, in words."""
        return tuple(convention(*entry) for entry in self.outside)

    @property
    def satisfiability(self) -> str:
        """Whether anything satisfies the hypotheses and declarations: "shown", "impossible" or "not shown"."""
        return "impossible" if self.contradictory else "not shown" if self.witness is None else "shown"


def convention(where: str, kind: str, raw: Any, written: Callable[[Any], str] | None = None) -> str:
    """The words for a term that may be outside its domain. `written` writes the term; by default as `infix` does."""
    meaning, has, condition = KINDS[kind]
    if raw is None:
        return f"{meaning}: the {where} has more terms that may be outside their domains than were looked at"
    if kind == "/" and raw == ["q", "0"]:
        return f"{meaning}: something in the {where} {has} 0"
    text = (written or infix)(raw)
    return f"{meaning}: something in the {where} {has} {text}, and no step shows that this {condition}"


def infix(raw: Any) -> str:
    """A term or relation in plain text. Declared names that look like notation are put in quotes."""
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
    """An argument, in brackets if its own operation binds no more tightly than the one around it."""
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
    """The witness in words, line by line; a value that all coordinates or clients share is written once."""
    if raw is None:
        return []

    def written(value: list) -> str:
        parts = list(dict.fromkeys(infix(part) for part in value)) if type(value[0]) is list else [infix(value)]
        return parts[0] if len(parts) == 1 else f"({', '.join(infix(part) for part in value)})"

    lines = [f"{name} = {written(value)}" for table in ("symbols", "vectors") for name, value in raw[table].items()]
    lines += [f"{name} = diag {written(value)}" for name, value in raw["matrices"].items()]
    lines = [", ".join(lines[n : n + 8]) for n in range(0, len(lines), 8)]
    for name, f in raw["functions"].items():
        lines.append(f"{name}(t) = {f['level']} + {f['height']} * max(-1, min(1, t / {f['width']}))")
    return lines


def _potential(name: str, entry: dict[str, Any], steps: bool) -> list[str]:
    """The context's declarations about a potential and the motion of its state, in words."""
    named = [key for key in ("gradient", "hessian", "change", "start", "end") if key in entry]
    parts = ", ".join(f"{key} {entry[key]}" for key in named)
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
        return [
            f"potential {name}: {'a' if steps else 'a C^2'} function of the state X, {parts}; its change is {moves}"
        ]
    low, growth = (infix(raw) for raw in entry["smoothness"])
    radius = "" if entry["radius"] is None else f", |D| <= {infix(entry['radius'])} almost surely"
    return [
        f"potential {name}: a C^2 function of a point x of the state, {parts}; its change is {moves}",
        f"smoothness of {name}: |Hess {name}| <= ({low}) + ({growth})*|grad {name}| everywhere",
        f"step of {name}: x moves by D of mean {sums['mean']} and E |D|^2 <= {infix(entry['square'])} given what is known{radius}",
    ]


def standing(conventions: Iterable[str], axioms: Iterable[str], satisfiability: str) -> list[str]:
    """The lines, for every command that says PROVED, on what a proof needs besides its hypotheses and on their satisfiability."""
    lines = [f"convention: {line}" for line in conventions]
    return [*lines, f"axioms: {', '.join(axioms) or 'none'}", *satisfiable(satisfiability)]


def satisfiable(satisfiability: str) -> list[str]:
    """The line that says whether anything satisfies the hypotheses."""
    return [f"satisfiability {satisfiability}{_WHY[satisfiability]}"]


def describe(replayed: Replayed) -> list[str]:
    """The theorem in plain text, by lines: claim, hypotheses, declarations, the reading of the format, and what was checked."""
    context = replayed.context
    lines = [f"claim: {infix(replayed.claim)}"]
    hypotheses = replayed.assumptions, replayed.definitions
    sources = replayed.sources or ((), ())
    for kind, relations, words in zip(("assumption", "definition"), hypotheses, sources, strict=True):
        notes = [f"  ({_printable(word)})" for word in words] or [""] * len(relations)
        lines += [f"{kind}: {infix(raw)}{note}" for raw, note in zip(relations, notes, strict=True)]
    if replayed.sources:
        lines.append("sources of assumptions and definitions, in parentheses: free text, not checked")
    kinds: dict[str, list[str]] = {}
    for symbol, kind in context["symbols"].items():
        kinds.setdefault(kind, []).append(symbol)
    lines += [f"{kind}: {', '.join(names)}" for kind, names in kinds.items()]
    lines += [f"vectors: {', '.join(context['vectors'])}"] if context["vectors"] else []
    lines += [f"matrix {name}: {', '.join(flags) or 'any'}" for name, flags in context["matrices"].items()]
    for name, properties in context["functions"].items():
        texts = [key if value is True else f"{key} {infix(value)}" for key, value in properties.items()]
        lines.append(f"function {name}: {', '.join(texts) or 'any'}")
    for name, entry in context["potentials"].items():
        lines += _potential(name, entry, "steps" in context)
    lines += [f"{key}: {context[key]}" for key in ("horizon", "dimension", "clients") if context[key] is not None]
    lines += [f"reading: {line}" for line in replayed.reading]
    lines += standing(replayed.conventions, replayed.axioms, replayed.satisfiability)
    lines += [f"witness: {line}" for line in _witness(replayed.witness)]
    axioms = ", ".join(replayed.axioms) or "none"
    lines += [f"{replayed.rechecked} steps re-checked, {replayed.trusted} trusted (axioms: {axioms})"]
    return [*lines, f"title (free text, not checked): {_printable(replayed.title)}"]


def _printable(words: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):x}" for c in words)
