"""The test that `sd.sde` runs on each class of compressor or law from outside the package; only then is NumPy loaded."""

from __future__ import annotations

from importlib import import_module

from sdescent.derive.methods.distributed import Method
from sdescent.derive.vocabulary.errors import Refusal

#: user classes of which an instance has passed
_SOUND: set[type] = set()


def require_sound(method: Method) -> None:
    """Refuse a method with a piece that contradicts itself; a user's class is tested until one instance has passed.

    Raises:
        Refusal: "unsound-piece", with the property that fails.
    """
    for piece in (method.compressor, method.noise.law):
        kind = type(piece)
        if kind in _SOUND or kind.__module__.startswith("sdescent.derive."):
            continue
        findings = import_module("sdescent.derive.methods.checking.pieces").symbolic(piece, patient=False)
        for f in findings:
            if f.status == "failed" and "it holds at" not in f.detail:
                reason = (
                    f"{kind.__name__} is not what it says: {f.what}: {f.detail}. sd.check shows all that was tested"
                )
                raise Refusal("unsound-piece", reason)
        _SOUND.add(kind)
