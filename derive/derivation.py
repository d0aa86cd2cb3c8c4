"""From a method to its SDE: `sde`, and the equation that prints, expands and solves itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from importlib import import_module
from numbers import Integral
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, Protocol, final

from derive.equations.in_coordinates import CoordinateSDE, expand, state_symbols
from derive.equations.models import MODELS, derived
from derive.equations.sde import Equation
from derive.expressions.coordinates import symbols_of
from derive.methods.compressors import Identity
from derive.methods.distributed import Method
from derive.methods.losses import Loss
from derive.methods.schedules import Constant
from derive.printing.layout import layout, title_of
from derive.printing.macros import accepted
from derive.printing.sde_latex import sde_latex
from derive.printing.serialise import to_dict
from derive.printing.written_out import written_out as written_out_latex
from derive.vocabulary.choices import Model, Precision, SchemeName
from derive.vocabulary.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import sympy as sp

#: where `SDE.solve` finds a solver, as "module:function"; solving is not part of this package, which only knows the name
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
        dim = _dimension(dim)
        if dim is None or dim == self.dim:
            return self.expanded
        return expand(derived(self.method, self.model, self.loss, dim))

    @cached_property
    def symbols(self) -> dict[str, sp.Symbol]:
        """The symbol of each name: parameters, and with a dimension the state x1, .. and the parameters of the loss.

        A symbol of SymPy's own of the same name may be another one, on which nothing here depends.
        """
        state = [] if self.dim is None else state_symbols(self.dim)
        value = [] if self.loss is None or self.dim is None else symbols_of([self.loss.value(state)])
        return {s.name: s for s in (*state, *self.parameters, *sorted(value, key=str))}

    def to_dict(self) -> dict[str, Any]:
        """The JSON of the command `derive`."""
        return to_dict(self, lambda: self.expanded)

    def __str__(self) -> str:
        """What `sdescent derive` prints, as wide as the terminal; in ASCII where standard output is."""
        method = self.method
        parts = {"compressor": method.compressor, "noise": method.noise, "loss": self.loss, "schedule": method.schedule}
        about = [f"{kind} {part}" for kind, part in parts.items() if part not in (None, Identity(), Constant())]
        width, unicode = get_terminal_size((100, 24)).columns, (sys.stdout.encoding or "utf-8").lower().startswith("utf")
        pieces = layout(self, self.to_dict(), lambda: self.expanded, about, width, unicode)
        return "\n".join([title_of(self), *(written for written, _ in pieces)])

    def latex(self, macros: Mapping[str, str] | None = None, written_out: bool = False) -> str:
        r"""LaTeX of the equation: drift, covariance, conditions.

        Args:
            macros: commands of one's own by the name of a symbol ("eta": r"\stepsize"), of a vector ("g"), or of a letter: X, W,
                B, L, S, b, H, v, C, J, Lambda, U, Gamma, F, R, Z, zeta, m, V, Sigma, meansign,
                meansize, meansquare.
            written_out: whether everything stands in full, in named coordinates where the equation has a dimension, with the
                gradient of its loss put in; else formulas that are longer than a line get letters. Nothing changes where only
                moments given the message are known.

        Raises:
            BadInput: a macro for a name that no equation has.
        """
        own = accepted(self, macros)
        full = written_out_latex(self, lambda: self.expanded, own) if written_out else None
        return sde_latex(self, own) if full is None else full

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
        statistics: Mapping[str, Callable[[Any], Any] | sp.Expr | str] | None = None,
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
    ) -> Simulated:
        """Simulate an ensemble of the equation: `sdescent.solve` with this equation, where each argument is described."""
        module, _, function = SOLVER.partition(":")
        return getattr(import_module(module), function)(
            self, x0, T, paths, key, params, dt, save, statistics, loss, u, bound, nodes, scheme, halvings, by_halves, dtype,
            wide, chunk, first, varied,
        )  # fmt: skip


def _dimension(dim: Any) -> int | None:
    """A dimension as an int, from any type of whole number (NumPy's and SymPy's too)."""
    if dim is None:
        return None
    if isinstance(dim, bool) or not isinstance(dim, Integral) or dim < 1:
        raise BadInput("dim", dim, "a whole number >= 1, or None for any dimension")
    return int(dim)


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
    if not isinstance(method, Method):
        raise BadInput("method", method, "a method such as derive.DSGD(derive.Gaussian())")
    if not isinstance(model, str) or model not in MODELS:
        raise BadInput("model", model, "one of " + ", ".join(MODELS))
    if loss is not None and not isinstance(loss, Loss):
        raise BadInput("loss", loss, "a loss such as derive.Quadratic(), or None")
    dim = _dimension(dim)
    found = derived(method, model, loss, dim)
    return SDE(**{f.name: getattr(found, f.name) for f in fields(found)})
