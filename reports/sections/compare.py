"""A method beside the equations that model it: the same statistic of each, over time and at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from reports.figures import BAND

#: z of a two-sided 95 % interval
Z95 = 1.959963984540054


def comparison(runs: Mapping[str, Any], statistic: str) -> dict[str, Any]:
    """Mean with its 95 % interval, quantiles and blow-ups over time for each run, in the order of `runs`.

    Args:
        runs: name -> an ensemble with `times`, `values[statistic]` (S, paths) and `blow_ups`; the method itself first.
        statistic: which.

    Paths that blew up are counted and left out of the means; the interval is the central limit theorem's, so it needs a
    finite variance of the statistic.
    """
    series, times = {}, None
    for name, run in runs.items():
        values = np.asarray(run.values[statistic], float)
        times = np.asarray(run.times, float)
        count = np.sum(np.isfinite(values), axis=1)
        with np.errstate(invalid="ignore"):
            mean, spread = np.nanmean(values, axis=1), np.nanstd(values, axis=1, ddof=1)
        half = Z95 * spread / np.sqrt(count)
        low, middle, high = np.nanquantile(values, (BAND[0], 0.5, BAND[1]), axis=1)
        series[name] = {
            "mean": mean.tolist(),
            "interval": half.tolist(),
            "low": low.tolist(),
            "median": middle.tolist(),
            "high": high.tolist(),
            "blow_ups": int(np.asarray(run.blow_ups)[-1]),
        }
    return {"times": [] if times is None else times.tolist(), "series": series}


def final_rows(compared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each run the mean at the last time with its interval, and its relative distance to the method's with an interval."""
    series = compared["series"]
    names = list(series)
    base = series[names[0]]
    rows = []
    for name in names:
        own = series[name]
        mean, half = own["mean"][-1], own["interval"][-1]
        gap = mean - base["mean"][-1]
        both = float(np.hypot(half, base["interval"][-1]))
        peak = max(abs(a - b) / b for a, b in zip(own["mean"], base["mean"], strict=True) if b > 0)
        rows.append(
            {
                "name": name,
                "mean": f"{mean:.4g}",
                "half": f"{half:.2g}",
                "low": f"{own['low'][-1]:.3g}",
                "high": f"{own['high'][-1]:.3g}",
                "gap": "" if name == names[0] else f"{100 * gap / base['mean'][-1]:+.1f}",
                "gap_half": "" if name == names[0] else f"{100 * both / base['mean'][-1]:.1f}",
                "largest": "" if name == names[0] else f"{100 * peak:.1f}",
                "blow_ups": own["blow_ups"],
            }
        )
    return rows
