"""The kernel: facts and the rules that alone make them. Trusted; no search, no solver, no float."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.proof.kernel.rules import Fact as Fact
    from derive.proof.kernel.rules import Kernel as Kernel

__getattr__, __dir__, __all__ = face(__name__, {"derive.proof.kernel.rules": ["Fact", "Kernel"]})
