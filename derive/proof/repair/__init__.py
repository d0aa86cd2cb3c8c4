"""The smallest changes that make a refuted claim true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.proof.repair.smallest import repairs as repairs
if not TYPE_CHECKING:  # a type checker that saw this would let every misspelt name pass
    __getattr__, __dir__, __all__ = face(__name__, {"derive.proof.repair.smallest": ["repairs"]})
