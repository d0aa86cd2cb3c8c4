"""What `sd.sde` asks of every class of compressor or law that is not the package's own; NumPy is loaded for those alone."""

from __future__ import annotations

from importlib import import_module

from sdescent.derive.methods.distributed import Method
from sdescent.derive.vocabulary.errors import Refusal

#: classes of the user's with an instance that nothing was found against
_SOUND: set[type] = set()


def require_sound(method: Method) -> None:
    """Refuses a method with a piece that contradicts itself; each class of the user's is tested until it has passed once.

    Raises:
        Refusal: "unsound-piece", with the property that fails.
    """
    for piece in (method.compressor, method.noise.law):
        kind = type(piece)
        if kind in _SOUND or kind.__module__.startswith("sdescent.derive."):
            continue
        symbolic = import_module("sdescent.derive.methods.checking.pieces").symbolic
        failed = next(
            (f for f in symbolic(piece, patient=False) if f.status == "failed" and "it holds at" not in f.detail), None
        )
        if failed is not None:
            raise Refusal(
                "unsound-piece",
                f"{kind.__name__} is not what it says: {failed.what}: {failed.detail}. sd.check shows all that was tested",
            )
        _SOUND.add(kind)
