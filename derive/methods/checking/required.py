"""The test that `sd.sde` runs on users' classes of compressors and laws. NumPy is loaded only if there is such a class."""

from importlib import import_module

from sdescent.derive.methods.distributed import Method
from sdescent.derive.vocabulary.errors import Refusal

#: users' classes with an instance that has passed
_SOUND: set[type] = set()


def require_sound(method: Method) -> None:
    """Refuse a method whose compressor or law contradicts itself; users' classes alone are tested, until an instance has passed.

    Raises Refusal "unsound-piece", with the first property that passes at none of the values tried for the symbols.
    """
    for piece in (method.compressor, method.noise.law):
        kind = type(piece)
        if kind in _SOUND or kind.__module__.startswith("sdescent.derive."):
            continue
        for f in import_module("sdescent.derive.methods.checking.pieces").symbolic(piece, patient=False):
            if f.status == "failed" and "it holds at" not in f.detail:
                wrong = f"{kind.__name__} is not what it says: {f.what}: {f.detail}"
                raise Refusal("unsound-piece", f"{wrong}. sd.check shows all that was tested")
        _SOUND.add(kind)
