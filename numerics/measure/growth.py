"""How noise and curvature grow with the gradient along a run: affine fits and lines above the points, with their spread.

The points of one run depend on each other, so that no interval from independent points is sound. The spread of a coefficient is the
range that it takes when each of `WINDOWS` consecutive windows of the run is left out, and says how much rests on one part of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.optimize import linprog, nnls

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.statistics.estimates import Record

WINDOWS = 8
#: with fewer points, 95 % of them are all, and lines say little
FEW = 20


@final
@dataclass(frozen=True)
class Line(Record, null=True):
    """constant + slope z, with the spread (least, greatest) of both over runs of points without one window."""

    constant: float
    slope: float
    constant_spread: tuple[float, float]
    slope_spread: tuple[float, float]


@final
@dataclass(frozen=True)
class Growth(Record, null=True):
    """sigma^2 = s0 + s1 G^2 for the trace sigma^2 of one example's noise and the full gradient's norm G.

    `fit` is the relative least-squares fit, `above` the lowest line above all points, which a theorem with a bound needs,
    `r_squared` is 1 - (squared errors of log sigma^2)/(its variation), and `exponent` p of sigma^2 ~ G^(2p), None if these do not
    vary.
    """

    fit: Line
    above: Line
    r_squared: float | None
    exponent: float | None


@final
@dataclass(frozen=True)
class Fits(Record, null=True):
    """Fits over the points: `growth` of the trace of one example with G^2 (None if one is 0), fewer than `FEW` points if `few`.

    `smooth` is the line L0 + L1 G above all points ||H||, `smooth_95` above 95 % of them by quantile regression. L0 = 0 says that
    H vanishes with the gradient, which a network's does not.
    """

    growth: Growth | None
    smooth: Line
    smooth_95: Line
    few: bool


#: the constant and the slope of a line
Coefficients = tuple[float, float]


def affine_growth(gradient_squared: np.ndarray, variance: np.ndarray) -> Growth:
    """The growth of the noise; `gradient_squared` must not contain a mini-batch's noise (subtract its trace over B first)."""
    fit = _with_spread(_relative_fit, gradient_squared, variance)
    logs, predicted = np.log(variance), np.log(fit.constant + fit.slope * gradient_squared)
    spread, moves = float(np.var(logs)), gradient_squared > 0
    r_squared = float(1 - np.mean((predicted - logs) ** 2) / spread) if spread > 1e-12 else None
    exponent = None
    if moves.sum() > 1 and np.ptp(np.log(gradient_squared[moves])) > 1e-9:
        exponent = float(np.polyfit(np.log(gradient_squared[moves]), logs[moves], 1)[0])
    return Growth(fit, _with_spread(upper_line, gradient_squared, variance), r_squared, exponent)


def fits(gradient: np.ndarray, variance: np.ndarray, curvature: np.ndarray) -> Fits:
    """The fits over all points (G, sigma^2, ||H||)."""
    growth = affine_growth(gradient**2, variance) if np.all(variance > 0) else None
    above, most = (_with_spread(line, gradient, curvature) for line in (upper_line, quantile_line))
    return Fits(growth, above, most, len(gradient) < FEW)


def upper_line(z: np.ndarray, values: np.ndarray) -> Coefficients:
    """The c0, c1 >= 0 with c0 + c1 z_i >= values_i at these points, of smallest sum of c0 + c1 z_i; else BadInput."""
    if not np.all(np.isfinite(z) & np.isfinite(values) & (z >= 0) & (values >= 0)):
        raise BadInput("a line", values.shape, "as many finite numbers >= 0 as points")
    # in units of the largest values, since the solver gives up on numbers of very different sizes
    wide, high = float(np.max(z)) or 1.0, float(np.max(values)) or 1.0
    rows = -np.column_stack([np.ones_like(z), z / wide])
    optimum = linprog([1.0, float(np.mean(z / wide))], A_ub=rows, b_ub=-values / high, bounds=(0, None)).x
    first, second = (float(v) for v in optimum * [high, high / wide])
    short = float(np.max(values - first - second * z))  # the violation that the solver's tolerance leaves
    return first + (short if short > 1e-13 * high else 0.0), second


def quantile_line(z: np.ndarray, values: np.ndarray, share: float = 0.95) -> Coefficients:
    """The line with coefficients >= 0 of quantile regression (Koenker and Bassett 1978): about `share` of the points lie below."""
    n, unit, wide = len(z), float(np.max(values)) or 1.0, float(np.max(z)) or 1.0
    costs = np.concatenate([[0.0, 0.0], np.full(n, share), np.full(n, 1 - share)])
    equal = np.column_stack([np.ones(n), z / wide, np.eye(n), -np.eye(n)])
    first, second = linprog(costs, A_eq=equal, b_eq=values / unit, bounds=(0, None)).x[:2] * [unit, unit / wide]
    return float(first), float(second)


def _relative_fit(z: np.ndarray, values: np.ndarray) -> Coefficients:
    design = np.column_stack([np.ones_like(z), z]) / values[:, None]
    size = np.where(np.linalg.norm(design, axis=0) > 0, np.linalg.norm(design, axis=0), 1.0)
    first, second = nnls(design / size, np.ones_like(values))[0] / size
    return float(first), float(second)


def _with_spread(line: Callable[[np.ndarray, np.ndarray], Coefficients], z: np.ndarray, values: np.ndarray) -> Line:
    constant, slope = line(z, values)
    windows = np.array_split(np.arange(len(z)), min(WINDOWS, len(z)))
    others = [np.setdiff1d(np.arange(len(z)), window) for window in windows] if len(z) > 1 else []
    varied = [(constant, slope), *(line(z[kept], values[kept]) for kept in others)]
    (low0, low1), (high0, high1) = np.min(varied, axis=0).tolist(), np.max(varied, axis=0).tolist()
    return Line(constant, slope, (low0, high0), (low1, high1))
