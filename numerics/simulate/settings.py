"""The settings of a simulation as objects (its arithmetic and the inputs of a solve), and its saved times.

`run` and `solve` take the settings one by one, as keywords, and pass them on as these objects.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.names import Precision

#: numbers by symbol name: scalars (exact numbers too), vectors (d,), matrices (d, d)
Numbers = Mapping[str, Any]
#: the numbers that differ from path to path, (paths,) each, by name
Lanes = Mapping[str, np.ndarray]
#: the numbers for which a program is compiled, as pairs (name, value); they are part of its key
Constants = tuple[tuple[str, Any], ...]
#: a path has blown up if its largest |x_j| exceeds this bound or is not finite, or if the loss or its gradient is infinite at a
#: saved point
BOUND = 1e8


def positive(field: str, value: Any) -> float:
    """The value as a finite number > 0. Raises BadInput if it is none."""
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise BadInput(field, value, "a finite number > 0")
    return number


def is_whole(value: Any, least: int) -> bool:
    """Whether a value is an integer, not a bool, and at least `least`."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= least)


@final
@dataclass(frozen=True)
class Arithmetic:
    """Precision, bits of a draw, bound, paths at a time, as for `sd.solve`. Raises BadInput for one outside its range."""

    dtype: Precision = "float64"
    wide: bool = False
    bound: float = BOUND
    chunk: int | None = None

    def __post_init__(self) -> None:
        positive("bound", self.bound)
        if self.dtype not in ("float64", "float32"):
            raise BadInput("dtype", self.dtype, "float64 or float32")
        if self.chunk is not None and not is_whole(self.chunk, 1):
            raise BadInput("chunk", self.chunk, "a whole number >= 1")

    @property
    def kind(self) -> np.dtype:
        """The type of the numbers."""
        return np.dtype(self.dtype)

    def to_dict(self) -> dict[str, Any]:
        """The arithmetic as settings of an ensemble, without the chunk, on which no result depends."""
        return {"bound": self.bound, "dtype": self.dtype, "wide": bool(self.wide)}


@final
@dataclass(frozen=True, eq=False)
class Inputs:
    """The numbers and functions with which an equation is solved. Its attributes are arguments of `sd.solve`."""

    params: Numbers | None = None
    varied: Mapping[str, Any] | None = None
    loss: Any = None
    u: Any = None
    memory: Mapping[str, Any] | None = None
    checked: bool = False


def last_step(horizon: float, eta: float) -> int:
    """The largest n with n eta <= T, up to rounding."""
    return math.floor(horizon / eta * (1 + 1e-12))


def save_grid(horizon: float, eta: float, save: int | Sequence[float] | np.ndarray = 50) -> np.ndarray:
    """The step numbers n, increasing, at which the method is saved up to `horizon` > 0; the SDE is saved at the times n eta.

    `save` is the number of saved times, evenly spread, or the times, each rounded to the nearest step. BadInput for other values.
    """
    last = last_step(positive("T", horizon), positive("eta", eta))
    if last < 1:
        raise BadInput("T", horizon, f"at least one step (of length {eta})")
    if (count := _count(save)) is not None:
        return np.unique(np.rint(np.linspace(0, last, count)).astype(int))
    times = np.asarray(save, float)
    if times.ndim != 1 or not times.size or not np.all((times >= 0) & (times <= horizon * (1 + 1e-12))):
        raise BadInput("save", save, "times from 0 to T")
    steps = np.unique(np.rint(times / eta).astype(int))
    if steps[-1] < 1:
        raise BadInput("save", save, f"a time of more than half a step (of length {eta})")
    return steps


def _count(save: Any) -> int | None:
    """The number of saved times, or None if `save` lists them."""
    if not isinstance(save, (int, np.integer)) or isinstance(save, bool):
        return None
    if save < 2:
        raise BadInput("save", save, "at least 2 times, or a list of times")
    return int(save)


def solve_times(horizon: float, unit: float | None, save: int | Sequence[float] | np.ndarray) -> np.ndarray:
    """The saved times of a solve: multiples of `unit`, the time of a step, or any if it is None. Raises BadInput out of range."""
    if unit is not None:
        return save_grid(horizon, unit, save) * unit
    if (count := _count(save)) is not None:
        return np.linspace(0, float(horizon), count)
    times = np.unique(np.asarray(save, float))
    inside = np.ndim(save) == 1 and times.size and np.all((times >= 0) & (times <= horizon * (1 + 1e-12)))
    if not inside or times[-1] <= 0:
        raise BadInput("save", save, "times from 0 to T, one of them > 0")
    return times
