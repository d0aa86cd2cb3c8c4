"""Deterministic evaluation on the line: numbers for symbols, test functions, interpolation, results. All are dimensionless."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.equations.in_coordinates import state_symbols
from sdescent.derive.expressions.coordinates import symbols_of
from sdescent.derive.methods.distributed import Method
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import du, t
from sdescent.derive.vocabulary.symbols import u as free_u
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.to_jax import lower_function, whole
from sdescent.numerics.simulate.parameters import parameters_of, specialised
from sdescent.numerics.simulate.settings import positive
from sdescent.numerics.simulate.streams_and_statistics import check_schedule, formula_in

#: phi of an expectation E phi(x), a function of the state: a formula in x1 (SymPy or text), or a function of an array, elementwise
TestFunction = Any
#: the ends of an interval on which functions are represented
Interval = tuple[float, float]
#: the least number of points at which expressions are evaluated
PADDED = 257


@final
@dataclass(frozen=True)
class Value:
    """A number without sampling error, with the route by which and the settings (JSON values) with which it was computed.

    `error` is an estimate of the absolute discretisation error, not a bound: the change in the last refinement, plus rounding,
    plus the contribution of the interval's ends.
    """

    value: float
    error: float
    route: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values; numbers that are not finite become None."""
        finite = {name: a if math.isfinite(a) else None for name, a in (("value", self.value), ("error", self.error))}
        return {**finite, "route": self.route, "settings": dict(self.settings)}


def numbers_of(
    method: Method, loss: Any, dim: int, params: Mapping[str, Any] | None, u: Any = None, more: Any = ()
) -> dict[str, Any]:
    """The parameters as floats, checked as in a run of the method, with the number of clients as N. Raises BadInput as a run."""
    parameters = parameters_of(params)
    check_schedule(u, method.schedule)
    return parameters | {"N": whole(specialised(method, loss, dim, parameters, more).clients, parameters, "N")}


def steps_of(horizon: Any, eta: float) -> int:
    """The number of steps T/eta. Raises BadInput unless it is an integer: weak errors compare both sides at the same time."""
    count = positive("T", horizon) / eta
    if count < 0.5 or abs(count - round(count)) > 1e-9 * count:
        raise BadInput("T", horizon, f"a multiple of {eta:g}, the time of a step of the method")
    return round(count)


def point(x0: Any) -> float:
    """The starting point on the line, as a number. Raises BadInput if x0 is not a single finite number."""
    array = np.asarray(x0, float)
    if array.size != 1 or not np.all(np.isfinite(array)):
        raise BadInput("x0", x0, "one finite number: this route is for one dimension")
    return float(array.reshape(()))


def padded(points: np.ndarray, least: int) -> jax.Array:
    """The points, padded with copies of the last one to at least `least`: one compiled function serves up to `least` points."""
    return jnp.asarray(np.pad(points, (0, max(0, least - len(points))), mode="edge"))


def follows_time(method: Method) -> bool:
    """Whether the schedule or the size of the noise changes with time."""
    return bool({t, du, free_u} & symbols_of([method.schedule.factor, *method.noise.scales]))


def test_function(phi: TestFunction) -> Callable[[np.ndarray], np.ndarray]:
    """phi of points, (points,) -> (points,). Raises BadInput unless a function or an expression in x1; LoweringError."""
    if isinstance(phi, (sp.Expr, str)):
        lowered = _lowered(formula_in(phi, state_symbols(1), "phi"))
        return lambda x: np.array(
            np.broadcast_to(np.asarray(lowered(padded(x, PADDED))), (max(PADDED, len(x)),))[: len(x)]
        )
    if not callable(phi):
        raise BadInput("phi", phi, "a formula in x1, or a function of an array of points")
    return lambda x: np.array(np.broadcast_to(np.asarray(phi(jnp.asarray(x)), float), np.shape(x)))


@lru_cache(maxsize=16)
def _lowered(phi: sp.Expr) -> Callable[..., Any]:
    return jit(lower_function(phi, state_symbols(1)))


test_function.__test__ = False  # type: ignore[attr-defined]  # by its name, pytest would take it for a test


def chebyshev_points(low: float, high: float, degree: int) -> np.ndarray:
    """The degree + 1 Chebyshev points of the second kind on [low, high], increasing, with both ends."""
    points = (low + high) / 2 - (high - low) / 2 * np.cos(np.pi * np.arange(degree + 1) / degree)
    points[0], points[-1] = low, high
    return points


def interpolation(low: float, high: float, degree: int, at: np.ndarray) -> np.ndarray:
    """The matrix (at.size, degree + 1) from values at Chebyshev points to the interpolant's (Berrut and Trefethen 2004) at `at`."""
    weights = (-1.0) ** np.arange(degree + 1)
    weights[[0, -1]] /= 2
    gap = np.ravel(at)[:, None] - chebyshev_points(low, high, degree)
    hit = gap == 0
    terms = weights / np.where(hit, 1.0, gap)
    matrix = terms / terms.sum(axis=1, keepdims=True)
    exact = hit.any(axis=1)
    matrix[exact] = hit[exact]
    return matrix


def differentiation(low: float, high: float, degree: int) -> np.ndarray:
    """The matrix (degree + 1, degree + 1) of d/dx at the Chebyshev points (Trefethen 2000, chapter 6)."""
    angle = np.pi * np.arange(degree + 1) / degree
    ends = np.ones(degree + 1)
    ends[[0, -1]] = 2
    signed = ends * (-1.0) ** np.arange(degree + 1)
    # -cos a + cos b by the product formula, which does not cancel
    half = (angle[:, None] + angle[None, :]) / 2, (angle[:, None] - angle[None, :]) / 2
    gap = 2 * np.sin(half[0]) * np.sin(half[1])
    matrix = np.outer(signed, 1 / signed) / (gap + np.eye(degree + 1))
    matrix -= np.diag(matrix.sum(axis=1))  # the derivative of 1 is 0
    return matrix * 2 / (high - low)
