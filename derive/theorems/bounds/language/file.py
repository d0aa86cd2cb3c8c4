"""Reads the formulas of a theorem file: V, claim, step and hints, the classes that it assumes, and its inequalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdescent.derive.proof.language.context import parts
from sdescent.derive.proof.language.terms import Relation, Term
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.hypotheses import OF_CONSTANTS, Hypotheses, keyword, take
from sdescent.derive.theorems.bounds.language.letters import Letters
from sdescent.derive.theorems.bounds.language.vocabulary import Words, replaced, symbols_of
from sdescent.derive.vocabulary.errors import BadInput

#: heads of terms of constants alone
ARITHMETIC = ("q", "x", "+", "*", "^", "/", "pi", "f")
#: required key -> an example of its value
REQUIRED = {"V": 'a function such as "f - fstar"', "claim": 'a bound such as "change <= -eta*G^2/2"'}


@dataclass(frozen=True)
class Formulas:
    """The formulas of a file, in its own letters.

    Args:
        words: their reader.
        hypotheses: the classes that `assume` names.
        inequalities: the other lines of `assume`, by their texts.
        value: V.
        claim, step, hints: the keys of these names; step may be None.
    """

    words: Words
    hypotheses: Hypotheses
    inequalities: Mapping[str, Relation]
    value: Term
    claim: Relation
    step: Relation | None
    hints: tuple[Term, ...]


def read_formulas(table: Mapping[str, Any], letters: Letters, steps: bool, numbers: Mapping[Term, Term]) -> Formulas:
    """The formulas of a file.

    Args:
        table: the file.
        steps: whether time is steps.
        numbers: words and constants of the method -> the numbers or terms they stand for.

    Raises:
        BadInput: a missing key, a line outside the language, a letter in a role that it cannot have.
    """
    vectors = {nm.GRADIENT: nm.GRADIENT, **{word: v for v, word in nm.VECTOR_WORDS.items()}}
    words = Words({**vectors, **{m: m for m in letters.memory}}, steps, letters)
    hypotheses, inequalities = Hypotheses(), dict[str, Relation]()
    for n, text in enumerate(_listed(table, "assume", 'a list of texts such as "smooth: L"'), 1):
        place = f"assume[{n}]"
        named = keyword(text, place) if isinstance(text, str) else None
        if named is not None:
            name, arguments = named
            take(
                hypotheses, name, [replaced(_argument(words, name, part, place), numbers) for part in arguments], place
            )
        else:
            inequalities[str(text)] = words.relation(text, place)
    for part, example in REQUIRED.items():
        if part not in table:
            raise BadInput(part, "nothing", example)
    value, claim = words.term(table["V"], "V"), words.relation(table["claim"], "claim")
    step = words.relation(table["step"], "step") if "step" in table else None
    squares = tuple(words.term(h, f"hints[{n}]") for n, h in enumerate(_listed(table, "hints", "a list of terms"), 1))
    return Formulas(words, hypotheses, inequalities, value, claim, step, squares)


def _listed(table: Mapping[str, Any], key: str, accepted: str) -> Sequence[Any]:
    lines = table.get(key, [])
    if not isinstance(lines, list | tuple):
        raise BadInput(key, lines, accepted)
    return lines


def _argument(words: Words, name: str, text: str, place: str) -> Term:
    """The argument of a keyword: a term in the state and constants, or in constants alone where the class requires it."""
    term = words.term(text, place)
    foreign = sorted(symbols_of(term) & {"V", "change", "LV", "EVT", "V0"})
    if foreign:
        raise BadInput(place, foreign[0], "a term in f, fstar, G and constants: V is written out there, as f - fstar")
    if name in OF_CONSTANTS and not (words.constant(term) and all(p[0] in ARITHMETIC for p in parts(term))):
        inequality = "; what varies with the state is an inequality, such as G^2 >= ..*(f - fstar)"
        raise BadInput(place, text.strip(), f"a constant for {name}: a number, or a term in constants{inequality}")
    return term
