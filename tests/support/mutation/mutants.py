"""The mutants of a claim, and the steps whose claims are mutated."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term, num
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem

#: a mutant that is the claim itself, without one of its premises
MISSING = "a premise left out"


@dataclass(frozen=True)
class Step:
    """A step of a derivation: of `entry`, with the words and number of its line; the last one with what the theorem assumes."""

    entry: str
    number: int
    words: str
    fact: Fact
    final: bool
    hypotheses: tuple[Relation, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.entry}:{self.number} ({self.words})"


def changed(t: Term) -> Iterator[tuple[str, Term]]:
    """Every term that differs from t by one change of a sign, a constant or a power."""
    if t[0] == "q":
        value = Fraction(t[1])
        if value:
            yield "half of a constant", num(value / 2)
            yield "a hundredth of a constant", num(value / 100)
    if t[0] == "+":
        for n, part in enumerate(t[1:], 1):
            yield "sign of a term", Term((*t[:n], -part, *t[n + 1 :]))
    if t[0] == "^":
        yield "power + 1", t[1] ** (t[2] + 1)
        if t[2] > 1:
            yield "power - 1", t[1] ** (t[2] - 1)
    for n, part in enumerate(t[1:], 1):
        if isinstance(part, Term):
            for kind, other in changed(part):
                yield kind, Term((*t[:n], other, *t[n + 1 :]))


def mutants(claim: Relation) -> Iterator[tuple[str, Relation]]:
    """The mutants of a claim."""
    op, left, right = claim
    for side in (1, 2):
        yield "sign of a side", Relation((op, *(-t if n == side else t for n, t in ((1, left), (2, right)))))
        for kind, other in changed(claim[side]):
            yield kind, Relation((op, *((other, right) if side == 1 else (left, other))))
        # the constant 1 that is not written
        for kind, factor in (("half of a side", "1/2"), ("a hundredth of a side", "1/100")):
            sides = (left * num(factor), right) if side == 1 else (left, right * num(factor))
            yield kind, Relation((op, *sides))
    if op != "==":
        yield "reversed", Relation((op, right, left))
    yield "strict", Relation(("<", left, right))


@cache
def steps() -> list[Step]:
    """Every line of every derivation, those that say the same from the same once."""
    lines: dict[str, Step] = {}
    for entry in entries().values():
        if not isinstance(entry, Theorem):
            continue
        hypotheses = tuple(r for r in {**entry.assumptions, **entry.definitions}.values() if r.op != "!=")
        w = Derivation(entry)
        last = entry.prove(w)
        facts = [(line.words, line.fact) for line in w.lines]
        if all(fact is not last for _, fact in facts):
            facts.append(("so", last))
        for n, (words, fact) in enumerate(facts):
            final = fact is last
            key = str(
                (entry.context.described(), tuple(fact.claim), fact.rule, tuple(tuple(p.claim) for p in fact.premises))
            )
            if key not in lines or final:
                lines[key] = Step(entry.id, n, words, fact, final, hypotheses if final else ())
    return list(lines.values())
