"""A statement in LaTeX and in plain text, made from its relations: assumptions, the claim, and the meaning of the letters.

Nothing in it is typed but "Let", "Then" and "where"; the formulas are the kernel's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sdescent.derive.proof.language.terms import Relation, Term
from sdescent.derive.proof.language.text import Printer, TermWriter

_TURNED = {"<=": r"\ge", "<": ">"}


@dataclass(frozen=True)
class Said:
    """One formula, or declaration, in both notations."""

    latex: str
    plain: str


@dataclass(frozen=True)
class Statement:
    """A statement as it is printed.

    Args:
        premises: assumptions and definitions.
        declared: declarations of functions, matrices and processes: LaTeX with formulas in dollars.
        claim: the formula that is claimed.
        where: the meaning of those letters in the LaTeX of all these that are short for terms.
    """

    premises: tuple[Said, ...]
    declared: tuple[Said, ...]
    claim: Said
    where: tuple[str, ...]

    @property
    def latex(self) -> str:
        """Let .. Then .., where ..: a sentence for running text."""
        premises = [f"${g.latex}$" for g in self.premises] + [d.latex for d in self.declared]
        where = f", where {', '.join(f'${w}$' for w in self.where)}" if self.where else ""
        return (f"Let {'; '.join(premises)}. Then " if premises else "") + f"${self.claim.latex}${where}."

    @property
    def text(self) -> str:
        """The same in plain text, which writes every term out."""
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
    """The statement that the claim holds under the assumptions and definitions, each (name, relation).

    Args:
        writer: a new one; `declared` may have been written by it.
        declared: as `sdescent.derive.theorems.entry.declarations` makes them.
    """
    formulas = tuple(Said(turned(writer, relation), plain.relation(relation)) for _, relation in premises)
    claimed = Said(writer.relation(claim), plain.relation(claim))
    return Statement(formulas, tuple(Said(d["latex"], d["text"]) for d in declared), claimed, tuple(_where(writer)))


def turned(writer: TermWriter, relation: Relation) -> str:
    """A relation in LaTeX, x >= 0 rather than 0 <= x."""
    op, left, right = relation
    if left[0] == "q" and right[0] != "q" and op in _TURNED:
        return f"{writer.term(right)} {_TURNED[op]} {writer.term(left)}"
    return writer.relation(relation)


def _same(latex: str) -> str:
    """LaTeX without spaces and sizes of brackets."""
    return re.sub(r"\\left|\\right|\\[!,]|\s", "", latex).replace(r"\tfrac", r"\frac")


def _where(writer: TermWriter) -> list[str]:
    """The meaning of each letter that was written, then of the letters in these meanings."""
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
