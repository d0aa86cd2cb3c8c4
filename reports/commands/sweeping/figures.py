"""The figures of a sweep: which there are, their files, and what is said under each."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.reading.sweeps.figures_and_bounds import Figure
from sdescent.derive.reading.sweeps.formula_letters import Numbers
from sdescent.derive.reading.sweeps.panels import Survey, automatic, layout
from sdescent.derive.reading.sweeps.points import Sweep
from sdescent.derive.reading.sweeps.values import as_json, spoken
from sdescent.numerics.studies.records import LEVEL, MOST_SHARE
from sdescent.reports.commands.sweeping.cells import Panel, Scale, panels, rows_at, scale
from sdescent.reports.commands.sweeping.curves import Curve, curves
from sdescent.reports.commands.sweeping.table import Table
from sdescent.reports.store.files import make_folder

FIGURES = "figures"
_OWN = re.compile(r"figure-[0-9]+\.(?:pdf|png)")
_WORDS = {"mean": "Mean", "median": "Median", "low": "10 % quantile", "high": "90 % quantile"}


def draw_figures(
    sweep: Sweep, table: Table, found: Survey, folder: Path, numbers: Callable[[str], Numbers]
) -> tuple[list[dict[str, Any]], str]:
    """Draw the figures that a sweep's file asks for, or those of its first axes, into the folder "figures" of its folder.

    Args:
        numbers: of a point by its name.

    Returns:
        {"name", "files", "caption", "x", "y", "quantity", ..} of each, and a line that says why there is none, or nothing.

    Raises:
        OSError: the folder cannot be written.
    """
    asked, line = (list(sweep.displays.figures), "") if sweep.displays.figures else automatic(sweep, found)
    listed = [_figure(sweep, table, one, f"figure-{n}", found, folder, numbers) for n, one in enumerate(asked, 1)]
    there = {name for one in listed for name in one["files"]}
    for path in (folder / FIGURES).glob("figure-*"):  # of an earlier sweep, which these would contradict
        if _OWN.fullmatch(path.name) and f"{FIGURES}/{path.name}" not in there:
            path.unlink()
    return listed, line


def _figure(
    sweep: Sweep, table: Table, asked: Figure, name: str, found: Survey, folder: Path, numbers: Callable[[str], Numbers]
) -> dict[str, Any]:
    from sdescent.reports.commands.sweeping.drawing import (  # loads matplotlib, which a dry run need not wait for
        Drawing,
        draw,
    )

    runs = [run for run in found.runs if asked.runs is None or run in asked.runs]
    bounds = sweep.displays.bounds if asked.estimate == "mean" else ()
    made = layout(sweep, asked)
    listed = [panel for panel in panels(table, asked, made, runs, bounds) if panel.runs]
    places = [place for panel in listed for cells in panel.runs.values() for place in cells]
    scales = [scale(axis, [place[n] for place in _in_order(table, asked, places)]) for n, axis in enumerate(asked.axes)]
    x, y = scales[0], scales[1] if len(scales) > 1 else None
    drawn = made.random_axis or (y is not None and _scattered(listed, scales))
    numeric = [axis.name for axis in scales if axis.kind != "text"]
    there, left_out = _shown_curves(curves(sweep.displays.thresholds, found.letters), numeric, made.tied)
    entry: dict[str, Any] = {
        "name": name,
        "files": [],
        **asked.to_dict(),
        "runs": runs,
        "panels": [p.title for p in listed],
    }
    if not listed:
        return {**entry, "caption": "No point has values of these axes."}
    what = Drawing(asked, listed, runs, x, y, drawn, there, numbers)
    make_folder(folder / FIGURES)
    entry["files"] = [f"{FIGURES}/{file}" for file in draw(what, folder / FIGURES, name)]
    said = _caption(sweep, asked, what.ratios, made.tied, there, left_out, runs)
    kept = rows_at(table, asked)
    if absent := {table.columns["point"][n] for n in kept if None in (table.columns[axis][n] for axis in asked.axes)}:
        said.insert(1, f"Points without a value of an axis are not in it ({len(absent)}).")
    if far := sum(cell.unseen for panel in listed for cells in panel.runs.values() for cell in cells.values()):
        said.append(
            f"Means that the sample does not see are marked ({far}), and have no interval: second moments grow faster than the "
            f"square of the mean, or one path is more than {MOST_SHARE:.0%} of it."
        )
    entry["caption"] = " ".join(said)
    return entry


def _in_order(table: Table, asked: Figure, places: Sequence[Any]) -> list[Any]:
    """Places in the order of the table, which is that of the points."""
    wanted = set(places)
    listed = (tuple(table.columns[name][n] for name in asked.axes) for n in range(len(table)))
    return [place for place in dict.fromkeys(listed) if place in wanted]


def _scattered(listed: Sequence[Panel], scales: Sequence[Scale]) -> bool:
    """Whether there are points in less than half of the cells."""
    total = len(scales[0].values) * len(scales[1].values)
    return all(2 * len({place for cells in panel.runs.values() for place in cells}) < total for panel in listed)


def _shown_curves(found: Sequence[Curve], axes: Sequence[str], tied: Sequence[str]) -> tuple[list[Curve], list[str]]:
    """Thresholds that are curves over these axes of numbers, and the names of those that are not."""
    there = [c for c in found if any(c.depends_on(a) for a in axes) and not any(c.depends_on(a) for a in tied)]
    return there, [c.name for c in found if c not in there]


def _caption(
    sweep: Sweep, asked: Figure, ratios: bool, tied: Sequence[str], there: Sequence[Curve], left_out: Sequence[str],
    runs: Sequence[str],
) -> list[str]:  # fmt: skip
    over = " and ".join(asked.axes)
    said = [f"{_WORDS[asked.estimate]} of {asked.quantity} at the last saved time, over {over}."]
    if asked.y is None:
        said.append(f"Bars are intervals of level {LEVEL}." if asked.estimate in ("mean", "median") else "")
    elif METHOD in runs and len(runs) > 1:
        said.append(
            "Models are compared by model/method."
            if ratios
            else "Models are compared by the difference model - method."
        )
    if asked.at:
        said.append("Fixed: " + ", ".join(f"{name} = {value.as_toml}" for name, value in asked.at.items()) + ".")
    if tied:
        said.append(f"With {over} changes {', '.join(tied)}.")
    if any(block.seeds is not None for block in sweep.blocks) and "seed" not in (*asked.axes, *(asked.at or {})):
        said.append("Repeats are averaged.")
    if there:
        said.append(
            "Thresholds, where they lie in the figure: " + "; ".join(f"{c.name}, {c.relation}" for c in there) + "."
        )
    if left_out:
        said.append(f"Not a curve over these axes: {', '.join(left_out)}.")
    if asked.estimate == "mean" and asked.y is None and any(b.of == asked.quantity for b in sweep.displays.bounds):
        said.append("Bounds are compared with numbers; this is not a proof.")
    fixed = {name: as_json(value.exact) for name, value in sweep.settings.items() if name not in sweep.axes}
    said.append("Settings: " + ", ".join(f"{name} = {spoken(value)}" for name, value in fixed.items()) + ".")
    return [part for part in said if part]
