"""Methods and their parts: noise, compressors, losses, schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from derive.methods.method import DCSGD as DCSGD
    from derive.methods.method import DSGD as DSGD
    from derive.methods.method import DSignSGD as DSignSGD
    from derive.methods.method import Method as Method

__getattr__, __dir__, __all__ = face(__name__, {"derive.methods.method": ["Method", "DSGD", "DCSGD", "DSignSGD"]})
