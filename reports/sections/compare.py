"""Comparison of a method with the equations that model it, by the same statistic over time and at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sdescent.reports.claims.following import WIDEST, gaps_at_once, largest, relative_gap
from sdescent.reports.document.figures import BAND
from sdescent.reports.document.tex import number, uncertain

if TYPE_CHECKING:
    from sdescent.numerics.simulate.equation import Refined

#: cap on a statistic, relative to the method's own upper quantile, so that its mean exists for every law
_CAP = 10
#: a percentage above the first is shown only as larger than it, and one below the second only as smaller
_FAR, _NEAR = 1000, 0.01


def summary(run: Any, statistic: str, cap: float | None = None) -> dict[str, Any]:
    """The summary in a report of one run of a method or an equation: a statistic over the S saved times, dimensionless.

    The statistic is min(f, c), and c for a path that blew up. It is bounded, so its mean and the interval of the mean exist for
    every law of the noise (theory 7). Under a heavy tail neither the mean of f nor its variance need be finite. c is `cap`, or
    ten times the largest upper quantile (`BAND`) over time of the run's own surviving paths, rounded up to one digit.

    Returns times, mean, interval (half-width of the 95 % interval of the mean), low and high (the quantiles `BAND`), S numbers
    each; cap; blow_ups, the number of paths that blew up.
    """
    from sdescent.numerics.statistics.estimates import over_time

    values = np.asarray(run.values[statistic], float)
    cap = _cap(values) if cap is None else cap
    estimates = over_time(bounded(values, cap), *BAND)
    return {
        "cap": cap,
        "times": np.asarray(run.times, float).tolist(),
        "mean": estimates.mean.tolist(),
        "interval": ((estimates.mean_upper - estimates.mean_lower) / 2).tolist(),
        "low": estimates.low.tolist(),
        "high": estimates.high.tolist(),
        "blow_ups": int(np.asarray(run.blow_ups)[-1]),
    }


def bounded(values: Any, cap: float) -> np.ndarray:
    """min(values, cap), and `cap` where a value is not finite."""
    values = np.asarray(values, float)
    return np.where(np.isfinite(values), np.minimum(values, cap), cap)


def solved(run: Refined, statistic: str, cap: float) -> dict[str, Any]:
    """The `summary` of a refined equation: "solver" is the mean's change at the last halving (S,); "substeps", "converged"."""
    sums = summary(run.ensemble, statistic, cap)
    return {**sums, "solver": run.error.tolist(), "substeps": run.substeps, "converged": run.converged}


def _cap(values: np.ndarray) -> float:
    finite = [row[np.isfinite(row)] for row in values]
    largest = max((float(np.quantile(row, BAND[1])) for row in finite if row.size), default=0.0)
    if largest <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(_CAP * largest))
    return math.ceil(_CAP * largest / unit) * unit


def final_rows(series: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row of LaTeX cells for each run: its last mean and quantiles, and its gap from the first run, the method itself.

    With last means a of the run and b of the method, the gap is 100 (a/b - 1) per cent with half-width that of `relative_gap`.
    `largest` is the interval of the largest 100 |a/b - 1| over the saved times at which b is known well enough. `solver` is the
    largest change of the mean on halving the solver's steps, in per cent of b.
    """
    base = next(iter(series.values()))
    rows = []
    for name, run in series.items():
        gap = farthest = solver = ""
        if run is not base:
            gap = _gap_text(*(100 * v for v in relative_gap(base, run, -1)))
            ends = [_capped_text(100 * end) for end in largest(gaps_at_once(base, run)) or (math.nan,)]
            farthest = r"\text{--}".join(dict.fromkeys(ends))
            solver = _capped_text(_solver_error(run, base), 2) if "solver" in run else ""
        rows.append(
            {
                "name": name,
                "mean": uncertain(run["mean"][-1], run["interval"][-1]),
                "low": number(run["low"][-1]),
                "high": number(run["high"][-1]),
                "gap": gap,
                "largest": farthest,
                "solver": solver,
                "substeps": run.get("substeps", ""),
                "blow_ups": run["blow_ups"],
            }
        )
    return rows


def _capped_text(value: float, digits: int = 3) -> str:
    """A percentage >= 0 in LaTeX; if it is above a thousand, or below a hundredth and not 0, only that fact."""
    return rf"{{>}}{_FAR}" if value > _FAR else rf"{{<}}{_NEAR}" if 0 < value < _NEAR else number(value, digits)


def _gap_text(value: float, half: float) -> str:
    """A gap in per cent, in LaTeX; if it is above a thousand, only that fact. A half-width below a hundredth is left out."""
    if value > _FAR:
        return rf"{{>}}{_FAR}"
    return uncertain(value, 0.0 if half < _NEAR else half, sign=True)


def _solver_error(run: Mapping[str, Any], base: Mapping[str, Any]) -> float:
    """The solver's largest error in per cent of the method's mean, over the times at which that mean is known precisely."""
    columns = zip(run["solver"], base["mean"], base["interval"], strict=True)
    errors = [100 * e / b for e, b, half in columns if b > 0 and half <= WIDEST * b]
    return max(errors, default=math.nan)


def relative_gaps(series: Mapping[str, Mapping[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """The gap of each run from the first, the method itself, at every saved time: `relative_gap` in per cent."""
    base = next(iter(series.values()))
    return {
        name: [(100 * gap, 100 * half) for gap, half in (relative_gap(base, run, n) for n in range(len(base["mean"])))]
        for name, run in series.items()
        if run is not base
    }
