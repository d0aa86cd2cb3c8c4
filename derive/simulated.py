"""What solving an equation gives, and where a solver is found: solving is not part of this package, which only knows the name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

#: where `solve` of an equation finds a solver, as "module:function"
SOLVER = "numerics.simulate.equation:solve"


class Simulated(Protocol):
    """The result of `SDE.solve`, as far as this package knows it; `numerics.simulate.runs.Ensemble` describes each part."""

    @property
    def times(self) -> np.ndarray:
        """The saved times, (S,)."""
        ...

    @property
    def values(self) -> Mapping[str, np.ndarray]:
        """For each statistic an array (S, paths)."""
        ...

    @property
    def blow_up(self) -> np.ndarray:
        """The time at which each path blew up, (paths,); infinity where it did not."""
        ...

    @property
    def final(self) -> np.ndarray:
        """Last points, (d, paths)."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the run, as JSON values."""
        ...

    @property
    def paths(self) -> int:
        """Number of paths."""
        ...

    @property
    def blow_ups(self) -> np.ndarray:
        """How many paths had blown up by each saved time, (S,)."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Settings, times and counts as JSON values."""
        ...


def simulate(*arguments: Any) -> Simulated:
    """The solver's answer to these arguments, an equation first."""
    module, _, function = SOLVER.partition(":")
    return getattr(import_module(module), function)(*arguments)
