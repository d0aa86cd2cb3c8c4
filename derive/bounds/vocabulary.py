"""Formulas of a theorem file: the grammar of claims with norms, inner products, expectations and sums (`derive.bounds.names`).

`||v||` and `<v, w>` are put into letters of the same length before the text is read, so that columns of errors stay right.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from derive.bounds import names as nm
from derive.formulas.grammar import parse_relation, parse_term
from derive.formulas.tokens import FUNCTIONS, Language
from derive.proof.language.context import Context, ProofError
from derive.proof.language.normal import Normal
from derive.proof.language.terms import Relation, Term, from_json, norm, plus, under, vec
from derive.vocabulary.errors import BadInput

#: name of a function in a file -> operator of the kernel, and whether it is for steps
OPERATORS = {"sum": ("I", True), "Esum": ("EI", True), "int": ("I", False), "Eint": ("EI", False)}
GRAMMAR = Language({**dict.fromkeys(FUNCTIONS, (1, 1)), **dict.fromkeys(OPERATORS, (1, 1))})
_NORM = re.compile(r"\|\|([^|<>]{1,80})\|\|", re.ASCII)
_DOT = re.compile(r"<([^<>=|,]{1,80}),([^<>=|,]{1,80})>", re.ASCII)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*", re.ASCII)
#: letters that have a meaning of their own in a file
#: those of them that are not constants
_MOVING = {"u", "f", "G", "Q", "Zsq", "clip", "change", "LV", "EVT", "V", "Phi", "G1", "B"}
KNOWN = ("eta", "u", "N", "d", "f", "fstar", "G", "Q", "Zsq", "clip", "change", "LV", "EVT", "V0", "V", "K", "T")


@dataclass
class Words:
    """Reads the texts of one file, and collects the products of vectors and the constants in them.

    Args:
        vectors: text of a vector ("g", "x - xstar", a memory letter) -> its name in the kernel.
        steps: whether time is steps.
        known: letters that are no constants of the author's own.
    """

    vectors: Mapping[str, str]
    steps: bool
    known: Sequence[str] = KNOWN
    products: list[tuple[str, str]] = field(default_factory=list)
    #: sums of vectors, by their names in the kernel
    sums: dict[str, nm.VectorSum] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)

    def relation(self, text: object, place: str) -> Relation:
        """A relation of a file; letters such as `change` are symbols of their own.

        Raises:
            BadInput: it is not in the grammar.
        """
        plain, letters = self._plain(text, place)
        return self._meant(from_json(parse_relation(plain, self._names(plain, letters, place), place, GRAMMAR), True), letters)

    def term(self, text: object, place: str) -> Term:
        """A term of a file.

        Raises:
            BadInput: as `relation`.
        """
        plain, letters = self._plain(text, place)
        return self._meant(from_json(parse_term(plain, self._names(plain, letters, place), place, GRAMMAR)), letters)

    def _plain(self, text: object, place: str) -> tuple[str, dict[str, Term]]:
        if not isinstance(text, str):
            raise BadInput(place, text, 'a text such as "change <= -eta*G^2/2"')
        letters: dict[str, Term] = {}

        def put(found: re.Match[str], meant: Term) -> str:
            name = f"v{len(letters)}q"
            while name in text:
                name += "q"
            letters[name] = meant
            return name.ljust(len(found[0]))

        def product(found: re.Match[str]) -> str:
            pair = self._vector(found[1], place), self._vector(found[2], place)
            self.products.append(pair)
            return put(found, nm.inner(*pair))

        def length(found: re.Match[str]) -> str:
            name = self._vector(found[1], place)
            self.products.append((name, name))
            return put(found, norm(vec(name)))

        return _DOT.sub(product, _NORM.sub(length, text)), letters

    def _vector(self, text: str, place: str) -> str:
        squeezed = text.replace(" ", "")
        for known, name in self.vectors.items():
            if known.replace(" ", "") == squeezed:
                return name
        found = self._sum(text, place)
        if found is None:
            accepted = "one of the vectors " + ", ".join(self.vectors) + ", or a sum of them with constant coefficients"
            raise BadInput(place, text.strip(" "), accepted)
        for name, known in self.sums.items():
            if known.parts == found:
                return name
        name = f"y{len(self.sums) + 1}"
        self.sums[name] = nm.VectorSum(" ".join(text.split()), found)
        return name

    def _sum(self, text: str, place: str) -> dict[str, Term] | None:
        """The vectors of a sum with their coefficients; None where it is not one."""
        letters: dict[str, str] = {}
        for n, (known, name) in enumerate(sorted(self.vectors.items(), key=lambda pair: -len(pair[0]))):
            word = r"\s*-\s*".join(map(re.escape, known.split(" - ")))
            letter = f"w{n}q"
            while letter in text:
                letter += "q"
            text, count = re.subn(rf"(?<![A-Za-z0-9_]){word}(?![A-Za-z0-9_])", letter, text)
            letters |= {letter: name} if count else {}
        if not letters:
            return None
        t = from_json(parse_term(text, self._names(text, letters, place), place, GRAMMAR))
        normal = Normal(Context(dict.fromkeys(symbols_of(t), "const")))
        found: dict[str, list[Term]] = {}
        try:
            poly = normal.polynomial(t)
        except ProofError:
            return None
        for m, c in poly.items():
            here = [(a, n) for a, n in m if symbols_of(normal.term({((a, 1),): Fraction(1)})) & set(letters)]
            rest = normal.term({tuple(f for f in m if f not in here): c})
            if len(here) != 1 or here[0][1] != 1 or normal.key_of(here[0][0])[0] != "x" or symbols_of(rest) & _MOVING:
                return None
            found.setdefault(letters[normal.key_of(here[0][0])[1]], []).append(rest)
        return {name: plus(*parts) for name, parts in found.items()}

    def _names(self, plain: str, letters: Collection[str], place: str) -> list[str]:
        for w in _WORD.findall(plain):
            if w in self.vectors:
                raise BadInput(place, w, f"||{w}|| for its length" + (", which is G" if w == "g" else "") + f", or <{w}, ..>")
        words = [w for w in dict.fromkeys(_WORD.findall(plain)) if w not in GRAMMAR.functions and w != "pi"]
        self.constants += [w for w in words if w not in letters and w not in self.known and w not in self.constants]
        return list(dict.fromkeys([*letters, *words]))

    def _meant(self, t: Any, letters: Mapping[str, Term]) -> Any:
        if isinstance(t, Term) and t[0] == "x":
            return letters.get(t[1], {"G": nm.G, "Q": nm.Q}.get(t[1], t))
        if isinstance(t, Term) and t[0] == "f" and t[1] in OPERATORS:
            operator, steps = OPERATORS[t[1]]
            if steps != self.steps:
                other = {"sum": "int", "Esum": "Eint", "int": "sum", "Eint": "Esum"}[t[1]]
                raise BadInput("claim", t[1], f"{other}, since time is {'steps' if self.steps else 'an interval'} here")
            return under(operator, self._meant(t[2], letters))
        if isinstance(t, Term | Relation):
            return type(t)(self._meant(a, letters) if isinstance(a, Term) else a for a in t)
        return t


def replaced(t: Any, values: Mapping[Term, Term]) -> Any:
    """t with other terms for some of its parts, whole ones first."""
    if isinstance(t, Term) and t in values:
        return values[t]
    if isinstance(t, Term | Relation):
        return type(t)(replaced(a, values) if isinstance(a, Term) else a for a in t)
    return t


def symbols_of(t: Any) -> set[str]:
    """The names of the symbols in a term or relation."""
    if isinstance(t, Term) and t[0] == "x":
        return {t[1]}
    return set().union(*[symbols_of(a) for a in t if isinstance(a, Term | Relation)]) if isinstance(t, tuple) else set()
