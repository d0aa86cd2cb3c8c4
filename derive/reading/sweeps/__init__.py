"""Sweeps: many experiments by one TOML file, read and listed as points, each of which is an experiment."""

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "derive.reading.sweeps.values": ("as_json",),
        "derive.reading.sweeps.points": ("Point", "Sweep"),
        "derive.reading.sweeps.shown": ("Bound", "Figure", "Shown", "Threshold"),
        "derive.reading.sweeps.checks": ("check",),
        "derive.reading.sweeps.files": ("read_sweep",),
    },
)

if TYPE_CHECKING:
    from derive.reading.sweeps.checks import check as check
    from derive.reading.sweeps.files import read_sweep as read_sweep
    from derive.reading.sweeps.points import Point as Point
    from derive.reading.sweeps.points import Sweep as Sweep
    from derive.reading.sweeps.shown import Bound as Bound
    from derive.reading.sweeps.shown import Figure as Figure
    from derive.reading.sweeps.shown import Shown as Shown
    from derive.reading.sweeps.shown import Threshold as Threshold
    from derive.reading.sweeps.values import as_json as as_json
