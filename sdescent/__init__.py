"""A stochastic optimiser and its SDE: derived symbolically, solved beside the method itself, with bounds that a kernel proves.

    >>> import sdescent as sd
    >>> method = sd.DCSGD(sd.RandK(2), sd.StudentT(5), clients=4)
    >>> equation = sd.sde(method, "corrected", loss=sd.Quadratic(1), dim=3)
    >>> equation.coordinates().drift[0]
    eta*x1/2 - x1

A method is a compressor, a noise, a number of clients and a schedule (`DSGD`, `DCSGD`, `DSignSGD`). `sde` derives its equation,
`solve` solves it, `run` runs the method itself. `prove` proves or refutes an inequality, `check` checks a theorem of the
catalogue, `verify` holds it against numbers, and `report` writes it all down. A compressor, noise, loss or schedule of one's own
is a subclass of `Unbiased`, `Biased`, `Law`, `Loss`, `Separable` or `Schedule`; `check` tests what it says about itself.

Names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

with open(f"{__file__}i", encoding="utf-8") as _stub:  # pathlib would cost more than the rest
    _HOMES = {line.split()[-1]: line.split()[1] for line in _stub if line.startswith("from ")}
__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """The name, imported from its home (PEP 562).

    Raises:
        AttributeError: the package offers no such name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, getattr(import_module(_HOMES[name]), name))


def __dir__() -> list[str]:
    return __all__
