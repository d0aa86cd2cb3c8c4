"""The definitions and lemmas of Rocq that a file needs, from the texts in library/."""

import re
from functools import cache
from pathlib import Path

# The texts in their order: each uses only those before it, and its head names them.
_ORDER = """
    preamble tanh sums means means_of_sums means_over_time vectors time gronwall_of_sde calculus tanh_derivative limits
    erf erf_derivative erf_bounds erf_limit fundamental_theorem psi psi_bounds gronwall_of_generator
    steps means_over_steps gronwall_in_steps descent
"""
_LIBRARY = Path(__file__).with_name("library")
_COQUELICOT = 'Set Warnings "-ambiguous-paths".\nFrom Coquelicot Require Import Coquelicot.\n'
_INTERVAL = "From Interval Require Import Tactic.\n"
_DEFINED = re.compile(r"^(?:Lemma|Definition|Fixpoint|Notation|Ltac) ([A-Za-z0-9_]+)", re.MULTILINE)
_BEGINS = re.compile(
    r"^(?=(?:Lemma|Definition|Fixpoint|Notation|Ltac|Section|End|Context|Variables?|Hypothesis)\b)", re.MULTILINE
)
_COMMENT = re.compile(r"^\(\*(?:(?!\*\)).)*\*\)\n\Z", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"[A-Za-z0-9_]+")


def library(text: str) -> str:
    """The head of a file whose lemmas and section are `text`."""
    words = set(_WORD.findall(text))
    parts = [_needed(name, words) for name in reversed(_ORDER.split())]
    numerical = "interval with (" in text or "interval_intro" in words
    imports = _INTERVAL * numerical + _COQUELICOT * ("RInt" in words)
    return "".join([imports, *reversed(parts)])


def _needed(name: str, words: set[str]) -> str:
    """The items of a text that the words name, also through other items, with their sections; `words` grows accordingly."""
    part = _text(name)
    if name != "preamble" and words.isdisjoint(_DEFINED.findall(part)):
        return ""
    needed: list[str] = []
    for item in reversed(_items(part)):
        match = _DEFINED.search(item)
        if match is None or match[1] in words:
            needed.append(item)
            words.update(_WORD.findall(item))
    return "".join(reversed(needed))


@cache
def _text(name: str) -> str:
    """The text of that name, without the comment at its head."""
    return (_LIBRARY / f"{name}.v").read_text(encoding="utf-8").partition("*)\n")[2]


def _items(part: str) -> list[str]:
    """The part split where a definition, a lemma or a section begins; a comment stays with the item that follows it."""
    items = _BEGINS.split(part)
    for n in range(len(items) - 1):
        comment = _COMMENT.search(items[n])
        if comment is not None:
            items[n], items[n + 1] = items[n][: comment.start()], comment[0] + items[n + 1]
    return items
