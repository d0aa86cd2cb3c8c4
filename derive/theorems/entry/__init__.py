"""Entries of the catalogue as data, and the check of an entry: its proof, and its definitions against the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.theorems.entry.theorem import Derivation as Derivation
    from derive.theorems.entry.theorem import Refutation as Refutation
    from derive.theorems.entry.theorem import Theorem as Theorem
if not TYPE_CHECKING:  # a type checker that saw this would let every misspelt name pass
    __getattr__, __dir__, __all__ = face(__name__, {"derive.theorems.entry.theorem": ["Derivation", "Refutation", "Theorem"]})
