"""Proofs of bounds: a kernel, its independent replay, and the untrusted search for certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.proof.claims.prove import prove as prove
    from derive.proof.claims.verdict import Judged as Judged

_FORMER = {
    "terms": "derive.proof.language.terms",
    "context": "derive.proof.language.context",
    "certificate": "derive.proof.kernel.certificate",
}
if not TYPE_CHECKING:  # a type checker that saw this would let every misspelt name pass
    __getattr__, __dir__, __all__ = face(
        __name__, {"derive.proof.claims.prove": ["prove"], "derive.proof.claims.verdict": ["Judged"]}, _FORMER
    )
