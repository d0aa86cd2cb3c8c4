"""The result of solving an equation, and the name of the solver, which is part of another package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import sympy as sp

from sdescent.derive.methods.losses import Loss
from sdescent.derive.vocabulary.names import Precision, SchemeName

if TYPE_CHECKING:
    import numpy as np

#: the solver that `solve` of an equation calls, as "module:function"
SOLVER = "sdescent.numerics.simulate.equation:solve"


class Simulated(Protocol):
    """The parts of the result of `SDE.solve` on which this package relies; `Ensemble` of `sdescent.numerics` documents them."""

    @property
    def times(self) -> np.ndarray:
        """The saved times, with shape (S,)."""
        ...

    @property
    def values(self) -> Mapping[str, np.ndarray]:
        """The values of each statistic, with shape (S, paths)."""
        ...

    @property
    def blow_up(self) -> np.ndarray:
        """The time at which each path blew up, with shape (paths,); infinity for a path that did not."""
        ...

    @property
    def final(self) -> np.ndarray:
        """The last point of each path, with shape (d, paths)."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of the run, as JSON values."""
        ...

    @property
    def paths(self) -> int:
        """The number of paths."""
        ...

    @property
    def blow_ups(self) -> np.ndarray:
        """The number of paths that had blown up by each saved time, with shape (S,)."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Settings, times and counts as JSON values."""
        ...


class Solvable:
    """An equation that can be solved."""

    def solve(
        self,
        x0: Sequence[float] | Sequence[Sequence[float]] | np.ndarray,
        T: float,
        paths: int | None = None,
        key: Any = 0,
        params: Mapping[str, Any] | None = None,
        dt: float | None = None,
        save: int | Sequence[float] | np.ndarray = 50,
        statistics: Mapping[str, Callable[..., Any] | sp.Expr | str] | None = None,
        loss: Loss | Callable[[Any], Any] | None = None,
        u: Callable[[Any], Any] | None = None,
        bound: float = 1e8,
        nodes: int = 256,
        scheme: SchemeName = "predictor-corrector",
        halvings: int = 0,
        by_halves: bool = False,
        dtype: Precision = "float64",
        wide: bool = False,
        chunk: int | None = None,
        first: int = 0,
        varied: Mapping[str, Sequence[float] | np.ndarray] | None = None,
        memory: Mapping[str, Any] | None = None,
        blocks: int = 1,
        checked: bool = False,
    ) -> Simulated:
        """Simulate an ensemble of sample paths of the equation; see `sdescent.solve` for the arguments."""
        settings = {name: value for name, value in locals().items() if name != "self"}
        module, _, function = SOLVER.partition(":")
        return getattr(import_module(module), function)(self, **settings)
