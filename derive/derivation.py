"""From a method to its SDE: `sde`, and the equation that prints, expands and solves itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

from derive.equations.in_coordinates import CoordinateSDE, expand
from derive.equations.models import derived, dimension
from derive.equations.sde import Equation
from derive.methods.distributed import Method
from derive.methods.losses import Loss
from derive.printing.sde_latex import sde_latex
from derive.printing.serialise import to_dict
from derive.simulated import Simulated as Simulated
from derive.simulated import simulate
from derive.stated.equation import StateSDE, stated
from derive.vocabulary.choices import Model, Precision, SchemeName

if TYPE_CHECKING:
    import numpy as np


@final
class SDE(Equation):
    """dX = drift dt + L dW with L L' = rate S, an Ito equation in the dimension-free gradient form.

    Made by `sde`. `_repr_latex_` shows it in a notebook, `latex()` prints it for a paper, `coordinates()` expands it,
    `solve(...)` simulates it.

    Args:
        method, model, loss, dim: the arguments that it was derived from.
        moments: mean and covariance of the step.
        drift: the drift of the generic coordinate, or None when only moments given the message are known.
    """

    @cached_property
    def expanded(self) -> CoordinateSDE:
        """The equation in named coordinates, for the dimension that it was derived for.

        Raises:
            BadInput: it was derived without a dimension (use `coordinates(dim)`).
            NoClosedForm: only moments given the message are known.
        """
        return expand(self)

    def coordinates(self, dim: int | None = None) -> CoordinateSDE:
        """The equation in named coordinates of R^dim, by default of the dimension that it was derived for."""
        dim = dimension(dim)
        if dim is None or dim == self.dim:
            return self.expanded
        return expand(derived(self.method, self.model, self.loss, dim))

    @staticmethod
    def from_coordinates(
        state: Sequence[Any],
        drift: Any,
        covariance: Any = None,
        *,
        diffusion: Any = None,
        positive: Sequence[Any] = (),
        conditions: Sequence[Any] = (),
    ) -> StateSDE:
        """An equation of one's own in named coordinates: `derive.stated.equation.stated`, where each argument is described."""
        return stated(state, drift, covariance, diffusion=diffusion, positive=positive, conditions=conditions)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of the command `derive`."""
        return to_dict(self, lambda: self.expanded)

    def latex(self, macros: dict[str, str] | None = None) -> str:
        """LaTeX of the equation: drift, covariance, conditions; `macros` maps symbol names to the user's own commands."""
        return sde_latex(self, macros)

    def _repr_latex_(self) -> str:
        return "$\\displaystyle " + self.latex() + "$"

    def solve(
        self,
        x0: Sequence[float] | Sequence[Sequence[float]] | np.ndarray,
        T: float,
        paths: int | None = None,
        key: Any = 0,
        params: Mapping[str, Any] | None = None,
        dt: float | None = None,
        save: int | Sequence[float] | np.ndarray = 50,
        statistics: Mapping[str, Callable[[Any], Any]] | None = None,
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
    ) -> Simulated:
        """Simulate an ensemble of the equation: `sdescent.solve` with this equation, where each argument is described."""
        return simulate(
            self, x0, T, paths, key, params, dt, save, statistics, loss, u, bound, nodes, scheme, halvings, by_halves, dtype,
            wide, chunk, first,
        )  # fmt: skip


def sde(method: Method, model: Model = "first-order", loss: Loss | None = None, dim: int | None = None) -> SDE:
    """The SDE of a distributed method (theory 2): dX = drift dt + sqrt(eta/N) h B dW, B B' = S.

    Args:
        method: compressor, noise, clients and schedule.
        model: "first-order", "second-order" or "corrected".
        loss: the loss whose gradient is put in when the equation is expanded.
        dim: a dimension, or None for any.

    Raises:
        Refusal: the drift or the covariance does not exist, with the reason.
        BadInput: an argument of another kind; an unknown model; a compressor or loss that does not exist in this dimension.

    Example:
        >>> import sdescent as sd
        >>> method = sd.DCSGD(sd.RandK(2), sd.StudentT(5), clients=4)
        >>> sd.sde(method, "first-order").drift
        -g_j
        >>> equation = sd.sde(method, "corrected", loss=sd.Quadratic(1), dim=3)
        >>> equation.coordinates().drift[0]
        eta*x1/2 - x1
    """
    found = derived(method, model, loss, dim)
    return SDE(**{f.name: getattr(found, f.name) for f in fields(found)})
