"""The methods and their parts: noise laws, compressors, losses, schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.methods.distributed import DCSGD as DCSGD
    from derive.methods.distributed import DSGD as DSGD
    from derive.methods.distributed import DSignSGD as DSignSGD
    from derive.methods.distributed import Method as Method
if not TYPE_CHECKING:  # a type checker that saw this would let every misspelt name pass
    __getattr__, __dir__, __all__ = face(__name__, {"derive.methods.distributed": ["Method", "DSGD", "DCSGD", "DSignSGD"]})
