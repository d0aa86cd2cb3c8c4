"""The texts together, in order; a file has those whose names it uses, and those that they use."""

from __future__ import annotations

import re

from derive.proof.rocq.library.error_function import ERF, ERF_BOUNDS, ERF_DERIVATIVE, ERF_LIMIT
from derive.proof.rocq.library.limits import LIMITS
from derive.proof.rocq.library.means import MEANS, PATHS, SUM_MEAN
from derive.proof.rocq.library.preamble import CALCULUS, PREAMBLE, SUMS, TANH, TANH_DERIVATIVE
from derive.proof.rocq.library.processes import FUNDAMENTAL, ITO, TIME
from derive.proof.rocq.library.vectors import VECTORS

PARTS = (TANH, SUMS, MEANS, SUM_MEAN, PATHS, VECTORS, TIME, ITO, CALCULUS, TANH_DERIVATIVE, LIMITS)
PARTS += (ERF, ERF_DERIVATIVE, ERF_BOUNDS, ERF_LIMIT, FUNDAMENTAL)
_COQUELICOT = 'Set Warnings "-ambiguous-paths".\nFrom Coquelicot Require Import Coquelicot.\n'
_INTERVAL = "From Interval Require Import Tactic.\n"
_DEFINED = re.compile(r"^(?:Lemma|Definition|Fixpoint|Notation|Ltac) ([A-Za-z0-9_]+)", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z0-9_]+")


def library(text: str) -> str:
    """What a file begins with whose lemmas and section are the text."""
    words = set(_WORD.findall(text))
    parts: list[str] = []
    for part in reversed(PARTS):
        if not words.isdisjoint(_DEFINED.findall(part)):
            parts.append(part)
            words.update(_WORD.findall(part))
    numerical = "interval with (" in text or "interval_intro" in words
    imports = _INTERVAL * numerical + _COQUELICOT * ("RInt" in words)
    return "".join([imports, PREAMBLE, *reversed(parts)])
