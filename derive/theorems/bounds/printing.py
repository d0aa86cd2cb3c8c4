"""Formulas of a setting in the letters of a theorem file: G, Q, ||v||, <v, w>, E f_K, sums over the steps."""

import re
from typing import Any

from sdescent.derive.proof.language.terms import Relation, Term, dot, norm, vec, x
from sdescent.derive.proof.language.text import text
from sdescent.derive.proof.language.tidy import tidy
from sdescent.derive.theorems.bounds.assumptions import Setting
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.vocabulary import OPERATORS, replaced


def relation_text(setting: Setting, relation: Relation) -> str:
    """A relation of the setting in the letters of a file."""
    return _brackets(text(Relation((relation[0], *(_lettered(setting, side) for side in relation[1:])))))


def term_text(setting: Setting, t: Term) -> str:
    """A term of the setting in the letters of a file."""
    return _brackets(text(_lettered(setting, t)))


def says_nothing(setting: Setting, relation: Relation) -> bool:
    """Whether the two sides of an equality print alike, as for the definition of a square in V."""
    return relation.op == "==" and _lettered(setting, relation.left) == _lettered(setting, relation.right)


def _lettered(setting: Setting, t: Term) -> Term:
    return tidy(_operators(replaced(tidy(t), letters_of(setting)), setting.steps))


def _brackets(words: str) -> str:
    """A text with products <v, w> in place of the letters {v, w}."""
    return words.replace("{", "<").replace("}", ">")


def letters_of(setting: Setting) -> dict[Term, Term]:
    """Terms of the kernel -> their letters in a file."""
    words = vector_words(setting)
    letters: dict[Term, Term] = {nm.Q: x("Q"), nm.CURVATURE: x("||Hess f||")}
    for v, word in words.items():
        letters[norm(vec(v))] = x("G" if v == nm.GRADIENT else f"||{word}||")
        for w, other in words.items():
            letters[dot(vec(v), vec(w))] = letters[norm(vec(v))] ** 2 if v == w else x(f"{{{word}, {other}}}")
    after = "K" if setting.steps else "T"
    for key, p in setting.potentials.items():
        if key == "f":
            letters |= {p.start: x("f_0"), p.end: x(f"f_{after}"), p.change: x("change of f")}
            continue
        letters[p.value] = letters[dot(vec(key[0]), vec(key[1]))]
        word = text(letters[p.value])
        letters |= {p.start: x(f"{word}_0"), p.end: x(f"{word}_{after}"), p.change: x(f"change of {word}")}
    return letters


def worded(setting: Setting, words: str) -> str:
    """A sentence with its vectors and traces spelt as in a file."""
    symbols = {t[1]: text(word) for t, word in letters_of(setting).items() if t[0] == "x"}
    for name, word in {**vector_words(setting), **symbols}.items():
        words = re.sub(rf"\b{name}\b", _brackets(word), words)
    return words.replace("||g||", "G").replace("tr(S)", "Q")


def vector_words(setting: Setting) -> dict[str, str]:
    """The vectors of the setting, spelt as in a file."""
    words = {**nm.VECTOR_WORDS, **{name: s.text for name, s in setting.sums.items()}}
    return {v: words.get(v, v) for v in setting.vectors}


def _operators(t: Any, steps: bool) -> Any:
    """A term with sum, Esum, int and Eint in place of I and EI."""
    if isinstance(t, Term) and t[0] in ("I", "EI"):
        name = next(name for name, meant in OPERATORS.items() if meant == (t[0], steps))
        return Term(("f", name, _operators(t[1], steps)))
    if (
        isinstance(t, Term)
        and t[:2] == ("f", "exp")
        and t[2][0] == "*"
        and len(t[2]) == 3
        and t[2][2][:2] == ("f", "log")
    ):
        return x(
            f"({text(tidy(t[2][2][2]))})^{text(t[2][1])}"
        )  # the decay over K steps; log needs 1 - k > 0, which is proved
    if isinstance(t, Term):
        return Term(_operators(a, steps) if isinstance(a, Term) else a for a in t)
    return t
