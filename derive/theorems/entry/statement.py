"""A statement in LaTeX and in plain text, made from its relations: assumptions, the claim, and the meaning of the letters.

Only "Let", "Then" and "where" are typed; the formulas are the kernel's.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sdescent.derive.proof.language.terms import Relation, Term
from sdescent.derive.proof.language.text import Printer, TermWriter

_TURNED = {"<=": r"\ge", "<": ">"}


@dataclass(frozen=True)
class Said:
    """A formula or declaration in both notations."""

    latex: str
    plain: str


@dataclass(frozen=True)
class Statement:
    """A statement as it is printed.

    Args:
        premises: assumptions and definitions.
        declared: declarations of functions, matrices and processes; their LaTeX is words with formulas in dollars.
        claim: the formula that is claimed.
        where: the meanings of the letters that abbreviate terms in the LaTeX of the other fields.
    """

    premises: tuple[Said, ...]
    declared: tuple[Said, ...]
    claim: Said
    where: tuple[str, ...]

    @property
    def latex(self) -> str:
        """The statement in LaTeX for running text, as "Let .. Then .., where .."."""
        premises = [f"${g.latex}$" for g in self.premises] + [d.latex for d in self.declared]
        where = f", where {', '.join(f'${w}$' for w in self.where)}" if self.where else ""
        return (f"Let {'; '.join(premises)}. Then " if premises else "") + f"${self.claim.latex}${where}."

    @property
    def text(self) -> str:
        """The statement in plain text, with every term written out."""
        premises = [said.plain for said in (*self.premises, *self.declared)]
        return (f"let {'; '.join(premises)}; then " if premises else "") + self.claim.plain

    def to_dict(self) -> dict[str, str]:
        """The claim as plain text and LaTeX, and the whole statement as text."""
        return {"plain": self.claim.plain, "latex": self.claim.latex, "text": self.text}


def statement(
    premises: Iterable[tuple[str, Relation]],
    claim: Relation,
    writer: TermWriter,
    plain: Printer,
    declared: Sequence[dict[str, str]] = (),
) -> Statement:
    """The statement that the claim holds under the assumptions and definitions, given as pairs (name, relation).

    Args:
        writer: a new writer, used before at most for `declared`.
        declared: declarations, as `sdescent.derive.theorems.entry.declarations` makes them.
    """
    formulas = tuple(Said(turned(writer, relation), plain.relation(relation)) for _, relation in premises)
    claimed = Said(writer.relation(claim), plain.relation(claim))
    return Statement(formulas, tuple(Said(d["latex"], d["text"]) for d in declared), claimed, tuple(_where(writer)))


def turned(writer: TermWriter, relation: Relation) -> str:
    """A relation in LaTeX, with x >= 0 in place of 0 <= x."""
    op, left, right = relation
    if left[0] == "q" and right[0] != "q" and op in _TURNED:
        return f"{writer.term(right)} {_TURNED[op]} {writer.term(left)}"
    return writer.relation(relation)


def _same(latex: str) -> str:
    """LaTeX without spaces and sizes of brackets, for comparison."""
    return re.sub(r"\\left|\\right|\\[!,]|\s", "", latex).replace(r"\tfrac", r"\frac")


def _where(writer: TermWriter) -> list[str]:
    """The meanings of the letters that were written, and of the letters in these meanings."""
    said, done = [], set[Term]()
    waiting = list(writer.used)
    while waiting:
        t = waiting.pop(0)
        if t in done:
            continue
        done.add(t)
        letter = writer.short[t]
        bare = TermWriter(writer.names, {u: name for u, name in writer.short.items() if name != letter}, writer.context)
        if _same(letter) != _same(meaning := bare.term(t)):
            said.append(f"{letter} = {meaning}")
        waiting += bare.used
    return said
