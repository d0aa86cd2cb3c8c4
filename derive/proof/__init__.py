"""Proofs of bounds: a kernel, its independent replay, and the untrusted search for certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.proof.claims import Verdict as Verdict
    from derive.proof.claims import prove as prove

_LAZY = ("Verdict", "prove")
__all__ = ["Verdict", "prove"]


def __getattr__(name: str) -> Any:
    """`prove` and `Verdict`, which load the search and its solvers, only when asked for."""
    if name in _LAZY:
        from derive.proof import claims

        return getattr(claims, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
