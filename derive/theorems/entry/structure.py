"""How a derivation hangs together: what each of its lines rests on, and the few lines that carry it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import num
from sdescent.derive.theorems.entry.theorem import ProofLine

#: rules whose result is a small fact about one number or function: no step that a reader looks for
SMALL = ("inverse", "function", "declared", "assume")


@dataclass(frozen=True)
class Grounds:
    """What a line rests on directly.

    Args:
        lines: numbers of earlier lines.
        premises: names of assumptions and definitions.
    """

    lines: tuple[int, ...]
    premises: tuple[str, ...]


def grounds(lines: Sequence[ProofLine], names: Mapping[Any, str]) -> list[Grounds]:
    """The grounds of each line: facts between two lines that are no lines themselves are passed through.

    Args:
        lines: of a derivation, in order.
        names: of assumptions and definitions, by the kernel's key of their relation.
    """
    number = {id(line.fact): n for n, line in reversed(list(enumerate(lines)))}
    return [_grounds(line.fact, n, number, names) for n, line in enumerate(lines)]


def _grounds(fact: Fact, line: int, number: Mapping[int, int], names: Mapping[Any, str]) -> Grounds:
    lines: list[int] = []
    premises: list[str] = []
    seen: set[int] = set()

    def visit(fact: Fact) -> None:
        if id(fact) in seen:
            return
        seen.add(id(fact))
        if number.get(id(fact), line) < line:
            lines.append(number[id(fact)])
            return
        if fact.rule == "assume":
            premises.extend(names[key] for key in fact.hypotheses if key in names)
        for premise in fact.premises:
            visit(premise)

    visit(fact)
    return Grounds(tuple(sorted(set(lines))), tuple(dict.fromkeys(premises)))


def carrying(lines: Sequence[ProofLine], rests: Sequence[Grounds], most: int) -> list[int]:
    """At most this many lines: the last, what it rests on, what that rests on, and so on; small facts are left out."""
    chosen: list[int] = [len(lines) - 1]
    level = [len(lines) - 1]
    while level and len(chosen) < most:
        below = [n for m in level for n in rests[m].lines]
        level = [n for n in dict.fromkeys(sorted(below, reverse=True)) if n not in chosen]
        for n in level:
            said = [lines[m].fact.claim for m in chosen]
            if len(chosen) < most and not _small(lines[n]) and lines[n].fact.claim not in said:
                chosen.append(n)
    return sorted(chosen)


def _small(line: ProofLine) -> bool:
    """A sign, a fact of one number or function, or an assumption under an operator."""
    fact, claim = line.fact, line.fact.claim
    assumed = fact.rule == "monotone" and all(p.rule == "assume" for p in fact.premises)
    return fact.rule in SMALL or assumed or num(0) in (claim.left, claim.right)
