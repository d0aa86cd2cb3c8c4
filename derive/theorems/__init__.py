"""The catalogue: one theorem per file. `derive.theorems.catalogue` collects them, `derive.theorems.entry.checking` checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

_FORMER = {
    "checking": "derive.theorems.entry.checking",
    "reading": "derive.theorems.entry.from_sde",
}
if not TYPE_CHECKING:  # a type checker that saw this would let every misspelt name pass
    __getattr__, __dir__, __all__ = face(__name__, {}, _FORMER)
