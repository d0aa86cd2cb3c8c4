"""How noise and curvature grow with the gradient along a run: affine fits and lines above the points, with their spread.

The points of one run depend on each other, so that no interval from independent points is sound. The spread of a coefficient is the
range that it takes when each of `WINDOWS` consecutive windows of the run is left out, and says how much rests on one part of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.optimize import linprog, nnls

from sdescent.numerics.statistics.record import Record
from sdescent.numerics.tasks.curvature import lowest_line

WINDOWS = 8
#: with fewer points, 95 % of them are all, and lines say little
FEW = 20


@final
@dataclass(frozen=True)
class Line(Record, null=True):
    """constant + slope z, with the spread (least, greatest) of both over runs of points without one window.

    Attributes:
        share: the share of points at or below the line; None for a fit through the middle.
        points: the number of points.
        few: whether there are fewer than `FEW`.
    """

    constant: float
    slope: float
    constant_spread: tuple[float, float]
    slope_spread: tuple[float, float]
    share: float | None
    points: int
    few: bool


@final
@dataclass(frozen=True)
class Growth(Record, null=True):
    """sigma^2 = s0 + s1 G^2 for the trace sigma^2 of one example's noise and the full gradient's norm G.

    Attributes:
        fit: the relative least-squares fit.
        above: the lowest line above all points, which a theorem with a bound needs.
        r_squared: 1 - (squared errors of log sigma^2)/(its variation); None if sigma^2 does not vary.
        exponent: p of the fit sigma^2 ~ G^(2p); None if G does not vary.
        worst: the largest sigma^2/fit.
    """

    fit: Line
    above: Line
    r_squared: float | None
    exponent: float | None
    worst: float


Coefficients = tuple[float, float]


def affine_growth(gradient_squared: np.ndarray, variance: np.ndarray) -> Growth:
    """The growth of the noise; `gradient_squared` must not contain a mini-batch's noise (subtract its trace over B first)."""
    fit = _with_spread(_relative_fit, gradient_squared, variance, None)
    above = _with_spread(upper_line, gradient_squared, variance, 1.0)
    predicted = fit.constant + fit.slope * gradient_squared
    logs, spread = np.log(variance), float(np.var(np.log(variance)))
    flat = spread <= 1e-12
    moves = gradient_squared[gradient_squared > 0]
    varied = len(moves) > 1 and np.ptp(np.log(moves)) > 1e-9
    exponent = np.polyfit(np.log(moves), logs[gradient_squared > 0], 1)[0] if varied else None
    worst = float(np.max(variance / predicted))
    r_squared = None if flat else float(1 - np.mean((np.log(predicted) - logs) ** 2) / spread)
    return Growth(fit, above, r_squared, None if exponent is None else float(exponent), worst)


def smoothness_lines(gradient: np.ndarray, curvature: np.ndarray) -> tuple[Line, Line]:
    """The lines L0 + L1 G above 100 % and 95 % of the points (G, ||H||), the second one by quantile regression."""
    return _with_spread(upper_line, gradient, curvature, 1.0), _with_spread(quantile_line, gradient, curvature, 0.95)


def upper_line(z: np.ndarray, values: np.ndarray) -> Coefficients:
    """The lowest line above all points, with coefficients >= 0."""
    line = lowest_line(z, values)
    return line.l0, line.l1


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


def _with_spread(
    line: Callable[[np.ndarray, np.ndarray], Coefficients], z: np.ndarray, values: np.ndarray, share: float | None
) -> Line:
    constant, slope = line(z, values)
    windows = np.array_split(np.arange(len(z)), min(WINDOWS, len(z)))
    others = [np.setdiff1d(np.arange(len(z)), window) for window in windows] if len(z) > 1 else []
    varied = [(constant, slope), *(line(z[kept], values[kept]) for kept in others)]
    (low0, low1), (high0, high1) = np.min(varied, axis=0).tolist(), np.max(varied, axis=0).tolist()
    inside = None if share is None else float(np.mean(values <= (constant + slope * z) * (1 + 1e-9)))
    return Line(constant, slope, (low0, high0), (low1, high1), inside, len(z), len(z) < FEW)
