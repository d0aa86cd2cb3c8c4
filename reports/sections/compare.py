"""A method beside the equations that model it: the same statistic of each, over time and at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from reports.figures import BAND


def comparison(runs: Mapping[str, Any], statistic: str) -> dict[str, Any]:
    """Mean with its 95 % interval, quantiles and blow-ups over time for each run, and the gap of its last mean to the first's.

    Args:
        runs: name -> an ensemble with `times`, `values[statistic]` (S, paths) and `blow_ups`; the method itself first.
        statistic: which.

    Paths that blew up are counted and left out of the means; "assumes" says what the intervals need.
    """
    from numerics.estimates import difference, over_time

    base = next(iter(runs.values()))
    series, assumes = {}, ""
    for name, run in runs.items():
        found = over_time(run.values[statistic], *BAND)
        gap = difference(run.values[statistic][-1], base.values[statistic][-1])
        assumes = found.assumes
        series[name] = {
            "mean": found.mean.tolist(),
            "interval": ((found.mean_upper - found.mean_lower) / 2).tolist(),
            "low": found.low.tolist(),
            "median": found.median.tolist(),
            "high": found.high.tolist(),
            "blow_ups": int(np.asarray(run.blow_ups)[-1]),
            "gap": gap.value,
            "gap_interval": (gap.upper - gap.lower) / 2,
        }
    return {"times": np.asarray(base.times, float).tolist(), "series": series, "assumes": assumes}


def final_rows(compared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each run the mean at the last time with its interval, and its relative distance to the method's with an interval."""
    series = compared["series"]
    names = list(series)
    base = series[names[0]]
    rows = []
    for name in names:
        own = series[name]
        mean, half = own["mean"][-1], own["interval"][-1]
        peak = max(abs(a - b) / b for a, b in zip(own["mean"], base["mean"], strict=True) if b > 0)
        rows.append(
            {
                "name": name,
                "mean": f"{mean:.4g}",
                "half": f"{half:.2g}",
                "low": f"{own['low'][-1]:.3g}",
                "high": f"{own['high'][-1]:.3g}",
                "gap": "" if name == names[0] else f"{100 * own['gap'] / base['mean'][-1]:+.1f}",
                "gap_half": "" if name == names[0] else f"{100 * own['gap_interval'] / base['mean'][-1]:.1f}",
                "largest": "" if name == names[0] else f"{100 * peak:.1f}",
                "blow_ups": own["blow_ups"],
            }
        )
    return rows
