"""The figures of a sweep: the choice of figures, their files and their captions."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.reading.sweeps.figures_and_bounds import Figure
from sdescent.derive.reading.sweeps.formula_letters import Numbers
from sdescent.derive.reading.sweeps.panels import Survey, automatic, layout
from sdescent.derive.reading.sweeps.plans import Sweep
from sdescent.derive.reading.sweeps.values import as_json, spoken
from sdescent.numerics.studies.records import LEVEL, MOST_SHARE
from sdescent.reports.commands.sweeping.panels import Curve, curves, panels, rows_at, scale
from sdescent.reports.commands.sweeping.table import Table
from sdescent.reports.store.files import make_folder

FIGURES = "figures"
_FILE = re.compile(r"figure-[0-9]+\.(?:pdf|png)")
_WORDS = {"mean": "Mean", "median": "Median", "low": "10 % quantile", "high": "90 % quantile"}


def draw_figures(
    sweep: Sweep, table: Table, axes: Survey, folder: Path, numbers: Callable[[str], Numbers]
) -> tuple[list[dict[str, Any]], str]:
    """Draw the figures that a sweep's file requests, or else figures of its first axes, into `folder`/figures (OSError).

    Returns {"name", "files", "caption", "x", "y", "quantity", ..} for each figure, and a line that says why there is none, or "".
    `axes` is the survey of the sweep's points, `numbers` has those of each point by its name.
    """
    requests, line = (list(sweep.displays.figures), "") if sweep.displays.figures else automatic(sweep, axes)
    entries = [_figure(sweep, table, one, f"figure-{n}", axes, folder, numbers) for n, one in enumerate(requests, 1)]
    files = {name for entry in entries for name in entry["files"]}
    for path in (folder / FIGURES).glob("figure-*"):  # from an earlier sweep, so the new ones contradict them
        if _FILE.fullmatch(path.name) and f"{FIGURES}/{path.name}" not in files:
            path.unlink()
    return entries, line


def _figure(
    sweep: Sweep, table: Table, request: Figure, name: str, axes: Survey, folder: Path, numbers: Callable[[str], Numbers]
) -> dict[str, Any]:  # fmt: skip
    # the import loads matplotlib, which a dry run need not wait for
    from sdescent.reports.commands.sweeping.drawing import Drawing, draw

    runs = [run for run in axes.runs if request.runs is None or run in request.runs]
    bounds = sweep.displays.bounds if request.estimate == "mean" else ()
    arrangement = layout(sweep, request)
    filled = [panel for panel in panels(table, request, arrangement, runs, bounds) if panel.runs]
    entry: dict[str, Any] = {"name": name, "files": [], **request.to_dict()}
    entry |= {"runs": runs, "panels": [panel.title for panel in filled]}
    if not filled:
        return {**entry, "caption": "No point has values of these axes."}
    # in the order of the table, which is the order of the points
    rows = [tuple(table.columns[axis][n] for axis in request.axes) for n in range(len(table))]
    places = [{place for place, _ in panel.cells} for panel in filled]
    ordered = [place for place in dict.fromkeys(rows) if any(place in of_panel for of_panel in places)]
    x, *y = (scale(axis, [place[n] for place in ordered]) for n, axis in enumerate(request.axes))
    # if points fill less than half of the cells of a plane, they are drawn as points
    few = bool(y) and all(2 * len(of_panel) < len(x.values) * len(y[0].values) for of_panel in places)
    numeric = [axis.name for axis in (x, *y) if axis.kind != "text"]
    every = curves(sweep.displays.thresholds, axes.letters)
    visible = [c for c in every if any(map(c.depends_on, numeric)) and not any(map(c.depends_on, arrangement.tied))]
    drawing = Drawing(request, filled, runs, x, y[0] if y else None, arrangement.random_axis or few, visible, numbers)
    make_folder(folder / FIGURES)
    entry["files"] = [f"{FIGURES}/{file}" for file in draw(drawing, folder / FIGURES, name)]
    sentences = _caption(sweep, request, drawing.ratios, arrangement.tied, every, visible, runs)
    absent = {table.columns["point"][n] for n in rows_at(table, request) if None in rows[n]}
    if absent:
        sentences.insert(1, f"Points without a value for an axis are left out ({len(absent)}).")
    if unseen := sum(cell.unseen for panel in filled for _, cell in panel.cells):
        sentences.append(
            f"Means that the sample does not see are marked ({unseen}), and have no interval: second moments grow faster than the "
            f"square of the mean, or one path is more than {MOST_SHARE:.0%} of it."
        )
    return {**entry, "caption": " ".join(sentences)}


def _caption(
    sweep: Sweep, request: Figure, ratios: bool, tied: Sequence[str], curves: Sequence[Curve], visible: Sequence[Curve],
    runs: Sequence[str],
) -> list[str]:  # fmt: skip
    over = " and ".join(request.axes)
    sentences = [f"{_WORDS[request.estimate]} of {request.quantity} at the last saved time, over {over}."]
    if request.y is None:
        sentences.append(f"Bars are intervals of level {LEVEL}." if request.estimate in ("mean", "median") else "")
    elif METHOD in runs and len(runs) > 1:
        sentences.append(f"Models are compared by {'model/method' if ratios else 'the difference model - method'}.")
    if request.at:
        sentences.append("Fixed: " + ", ".join(f"{name} = {value.as_toml}" for name, value in request.at.items()) + ".")
    if tied:
        sentences.append(f"Changing together with {over}: {', '.join(tied)}.")
    if any(block.seeds is not None for block in sweep.blocks) and "seed" not in (*request.axes, *(request.at or {})):
        sentences.append("Repeats are averaged.")
    if visible:
        relations = "; ".join(f"{curve.name}, {curve.relation}" for curve in visible)
        sentences.append(f"Thresholds, where they lie in the figure: {relations}.")
    if elsewhere := [curve.name for curve in curves if curve not in visible]:
        sentences.append(f"Not a curve over these axes: {', '.join(elsewhere)}.")
    bounded = any(b.of == request.quantity for b in sweep.displays.bounds)
    if bounded and request.estimate == "mean" and request.y is None:
        sentences.append("Bounds are compared with numbers; this is not a proof.")
    fixed = {name: as_json(value.exact) for name, value in sweep.settings.items() if name not in sweep.axes}
    sentences.append("Settings: " + ", ".join(f"{name} = {spoken(value)}" for name, value in fixed.items()) + ".")
    return [sentence for sentence in sentences if sentence]
