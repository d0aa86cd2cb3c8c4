"""The texts together, in order; a file gets the lemmas and definitions whose names it uses, and in turn those that they use."""

import re

from sdescent.derive.proof.rocq.library.descent import DESCENT
from sdescent.derive.proof.rocq.library.error_function import ERF, ERF_BOUNDS, ERF_DERIVATIVE, ERF_LIMIT
from sdescent.derive.proof.rocq.library.gronwall import FUNDAMENTAL, ITO, TIME
from sdescent.derive.proof.rocq.library.gronwall_in_steps import EACH, MOVING, STEPS
from sdescent.derive.proof.rocq.library.gronwall_of_generators import FLOW
from sdescent.derive.proof.rocq.library.limits import LIMITS
from sdescent.derive.proof.rocq.library.means import MEANS, PATHS, SUM_MEAN
from sdescent.derive.proof.rocq.library.preamble import CALCULUS, PREAMBLE, SUMS, TANH, TANH_DERIVATIVE
from sdescent.derive.proof.rocq.library.psi import PSI, PSI_BOUNDS
from sdescent.derive.proof.rocq.library.vectors import VECTORS

PARTS = (PREAMBLE, TANH, SUMS, MEANS, SUM_MEAN, PATHS, VECTORS, TIME, ITO, CALCULUS, TANH_DERIVATIVE, LIMITS)
PARTS += (ERF, ERF_DERIVATIVE, ERF_BOUNDS, ERF_LIMIT, FUNDAMENTAL, PSI, PSI_BOUNDS, FLOW, STEPS, EACH, MOVING, DESCENT)
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
    parts = [_needed(part, words) for part in reversed(PARTS)]
    numerical = "interval with (" in text or "interval_intro" in words
    imports = _INTERVAL * numerical + _COQUELICOT * ("RInt" in words)
    return "".join([imports, *reversed(parts)])


def _needed(part: str, words: set[str]) -> str:
    """The items of a part that the words name, also through other items, with their sections; `words` grows accordingly."""
    if part is not PREAMBLE and words.isdisjoint(_DEFINED.findall(part)):
        return ""
    needed: list[str] = []
    for item in reversed(_items(part)):
        name = _DEFINED.search(item)
        if name is None or name[1] in words:
            needed.append(item)
            words.update(_WORD.findall(item))
    return "".join(reversed(needed))


def _items(part: str) -> list[str]:
    """The part split where a definition, a lemma or a section begins; a comment stays with the item that follows it."""
    items = _BEGINS.split(part)
    for n in range(len(items) - 1):
        comment = _COMMENT.search(items[n])
        if comment is not None:
            items[n], items[n + 1] = items[n][: comment.start()], comment[0] + items[n + 1]
    return items
