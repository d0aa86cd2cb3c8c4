"""The drawing of a sweep's figures: curves with intervals, and heat maps of runs and of models compared with the method."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.reading.sweeps.figures_and_bounds import Figure
from sdescent.derive.reading.sweeps.formula_letters import Numbers
from sdescent.reports.commands.sweeping.panels import FINE, Cell, Curve, Panel, Scale, axis_label, in_plane, zeros
from sdescent.reports.document.figures import (
    BOUND,
    SHADES,
    STYLES,
    WIDTH,
    as_text,
    figure,
    in_words,
    logarithmic,
    rim,
    styles,
)

SUFFIXES = ("pdf", "png")
#: width and height of a panel in inches, for heat maps and for curves; the most columns of a figure
_HEAT, _CURVE, _COLUMNS = (WIDTH / 4, 1.7), (WIDTH / 3, 1.9), 4
_LETTER, _ROW = 0.055, 0.17  # inches per letter and per row of the legend
_PAGE = 8.2  # inches of page height for all rows
_TICKS = 5  # the most values of an axis for which each value has a tick
_RATIO = 10.0  # larger ratios have the colour of this one, and ratios below its inverse have the colour of the inverse
#: the colour map of comparisons: red above, blue below, safe for colour-blind readers
_COMPARED = "RdBu_r"
_LINES = (*STYLES[1:], BOUND)
_DASHES = ("-", "--", "-.", ":")
_ABSENT, _SOME, _ALL = "refused: no such run", "some paths blew up (left out)", "all paths blew up"
_UNSEEN = "mean not seen by the sample"
_WORDS = {"mean": "mean of {}", "median": "median of {}", "low": "10 % quantile of {}", "high": "90 % quantile of {}"}
_MARK = {"linestyle": "none", "markersize": 3.2, "markeredgewidth": 0.6, "color": "white", "markeredgecolor": "black"}

#: words of a figure's legend -> the artist that they explain
Legend = dict[str, Any]


@final
@dataclass(frozen=True)
class Drawing:
    """The data of a figure that the sweep's file requests: its panels, its runs, the method first, and scales, y None for curves.

    Points are drawn, not cells or lines, if they form no grid (`scattered`); thresholds (`curves`) take the `numbers` of a point.
    """

    request: Figure
    panels: Sequence[Panel]
    runs: Sequence[str]
    x: Scale
    y: Scale | None
    scattered: bool
    curves: Sequence[Curve]
    numbers: Callable[[str], Numbers]

    @property
    def words(self) -> str:
        """The name of the drawn quantity, for labels."""
        return _WORDS[self.request.estimate].format(self.request.quantity.replace("_", " "))

    @property
    def ratios(self) -> bool:
        """Whether models are compared by ratios, that is, whether all numbers are positive."""
        return all(v > 0 for v in _values(self.panels))


def draw(drawing: Drawing, folder: Path, name: str) -> list[str]:
    """Draw a figure and return the names of its files; equal numbers give equal bytes. Raises OSError."""
    if drawing.y is None:
        _curves(drawing, folder, name)
    else:
        _heat(drawing, drawing.y, folder, name)
    return [f"{name}.{suffix}" for suffix in SUFFIXES]


def _values(panels: Sequence[Panel], whole: bool = False) -> list[float]:
    """All numbers of the panels; if `whole`, only those of runs without a path that blew up."""
    cells = (cell for panel in panels for _, cell in panel.cells)
    return [c.value for c in cells if c.value is not None and not (whole and c.lost)]


def _lines(title: str, width: float) -> str:
    """The title of a panel of this width (inches), broken at its commas if it may be too long for one line."""
    return re.sub(r",\s*", ",\n", title) if len(title) * _LETTER > 0.7 * width else title


def _spans(values: Sequence[float]) -> bool:
    """Whether positive values span more than a decade."""
    return bool(values) and min(values) > 0 and max(values) > 10 * min(values)


def _axis(axis: Any, scale: Scale, letter: str) -> None:
    set_ticks = getattr(axis, f"set_{letter}ticks")
    getattr(axis, f"set_{letter}label")(axis_label(scale.name))
    if scale.kind == "text":
        labels = [as_text("none" if v is None else str(v)) for v in scale.values]
        set_ticks(scale.places, labels, fontsize=7, **({"rotation": 90} if letter == "x" and _upright(scale) else {}))
        return
    if scale.kind == "log":
        logarithmic(axis, letter)
    if len(scale.values) <= _TICKS:
        set_ticks(scale.places, [f"{place:.4g}" for place in scale.places])
        getattr(axis, f"{letter}axis").set_minor_locator(NullLocator())


def _upright(x: Scale) -> bool:
    """Whether the labels along x are upright because they are long."""
    lengths = [len(str(v)) for v in x.values]
    return x.kind == "text" and max(lengths) * len(lengths) > 20


def _size(x: Scale, size: tuple[float, float], rows: int) -> tuple[float, float]:
    """The size in inches of a panel in a figure of `rows` rows, with room for upright labels."""
    return size[0], min(_PAGE / rows, size[1]) + (0.055 * max(len(str(v)) for v in x.values) if _upright(x) else 0.0)


# --- curves


def _curves(drawing: Drawing, folder: Path, name: str) -> None:
    total = len(drawing.panels)
    columns = min(3, total)
    rows = -(-total // columns)
    size = _size(drawing.x, _CURVE if total > 1 else (4.2, 2.8), rows)
    limits = [cell.bounds for panel in drawing.panels for _, cell in panel.cells]
    bounds = {name: f"bound {as_text(name)}" for by_name in limits for name in by_name}
    with figure(folder, name, columns, size, SUFFIXES, rows) as axes:
        legend: Legend = {}
        log = _spans([*_values(drawing.panels), *(value for by_name in limits for value in by_name.values())])
        for axis, panel in zip(axes, drawing.panels, strict=False):
            _one_curve(axis, panel, drawing, legend)
            _bounds(axis, panel, drawing.x, bounds, legend)
            axis.set_title(_lines(panel.title, _CURVE[0]), fontsize=7)
            _axis(axis, drawing.x, "x")
            if log:
                axis.set_yscale("log")
        ends = [end for axis in axes[:total] for end in axis.get_ylim()]
        for n, axis in enumerate(axes):
            axis.set_visible(n < total)
            axis.set_ylim(min(ends), max(ends))  # one scale for all panels, so that they can be compared
            if log:
                logarithmic(axis)
            axis.set_ylabel(drawing.words) if n % columns == 0 else axis.tick_params(labelleft=False)
        _legend(axes[0], legend)


def _one_curve(axis: Any, panel: Panel, drawing: Drawing, legend: Legend) -> None:
    look, x = styles(drawing.runs), drawing.x
    for n, run in enumerate(drawing.runs):  # a run has the same marker in each panel
        if (cells := panel.runs.get(run)) is None:
            continue
        style = {**look[run], "marker": "osD^v<>"[n % 7], "markersize": 3.2, "linewidth": 1.1}
        if drawing.scattered or x.kind == "text":
            style["linestyle"] = "none"
        points = sorted(((x.at(place[0]), cell) for place, cell in cells.items()), key=lambda point: point[0])
        broken = [math.nan if cell.value is None else cell.value for _, cell in points]
        (line,) = axis.plot([at for at, _ in points], broken, **style)
        legend.setdefault(in_words(run), line)
        bars = [(at, *cell.ends) for at, cell in points if cell.ends is not None]
        axis.vlines(*([bar[k] for bar in bars] for k in range(3)), color=style["color"], linewidth=0.8)
        some = [(at, cell.value) for at, cell in points if cell.lost and cell.value is not None]
        if some:
            ring = {"markersize": 7, "fillstyle": "none", "color": style["color"]}
            (rings,) = axis.plot(*zip(*some, strict=True), "o", **ring)
            legend.setdefault(_SOME, rings)
        _marks(axis, [(at, cell.value) for at, cell in points if cell.unseen], "D", _UNSEEN, legend)
        # marks without a number: at the lower edge if the run was refused, at the upper edge if all paths blew up
        for height, marker, words, absent in (
            (0.03 + 0.05 * n, "x", _ABSENT, [place for place, cell in cells.items() if cell.refused]),
            (0.97 - 0.05 * n, "^", _ALL, [place for place, cell in cells.items() if cell.all_lost]),
        ):
            if absent:
                mark = {"linestyle": "none", "marker": marker, "markersize": 4, "color": style["color"]}
                ends = [x.at(place[0]) for place in absent], [height] * len(absent)
                (line,) = axis.plot(*ends, transform=axis.get_xaxis_transform(), clip_on=False, **mark)
                legend.setdefault(words, line)
    if panel.point is not None and x.kind != "text":
        numbers = drawing.numbers(panel.point)
        for n, curve in enumerate(drawing.curves):
            for root in zeros(lambda at, c=curve: c.difference(numbers, {x.name: at}), x.fine(FINE)):
                line = axis.axvline(root, linewidth=1.0, color="0.5", linestyle=_DASHES[n % 4])
                legend.setdefault(as_text(curve.name), line)
    axis.set_xlim(*x.room(drawing.scattered))


def _bounds(axis: Any, panel: Panel, x: Scale, bounds: Mapping[str, str], legend: Legend) -> None:
    """Draw the lines of bounds, with gaps where they claim nothing; a bound has the same line style in each panel."""
    limits = [(x.at(place[0]), cell.bounds) for place, cell in panel.cells]
    for n, (name, words) in enumerate(bounds.items()):
        claimed = {at: by_name[name] for at, by_name in limits if name in by_name}
        if claimed:
            values = {at: math.nan for at, _ in limits} | claimed
            style = {**BOUND, "linestyle": _DASHES[n % 4], "linewidth": 1.6, "marker": ".", "markersize": 2.5}
            (line,) = axis.plot(sorted(values), [values[at] for at in sorted(values)], zorder=1, **style)
            legend.setdefault(words, line)


# --- heat maps


@final
@dataclass(frozen=True)
class _Colours:
    """A colour scale that several panels share."""

    cmap: str
    norm: Any
    label: str
    extend: str = "neither"


def _heat(drawing: Drawing, y: Scale, folder: Path, name: str) -> None:
    compared = [run for run in drawing.runs if run != METHOD] if METHOD in drawing.runs else []
    kinds = [(run, False) for run in drawing.runs] + [(run, True) for run in compared]
    if len(kinds) > _COLUMNS:  # make the rows of a panel about equally long
        per_row = -(-len(kinds) // -(-len(kinds) // _COLUMNS))
        each = -(-len(kinds) // per_row) * per_row
    else:
        per_row, each = len(kinds) * min(_COLUMNS // len(kinds), len(drawing.panels)), len(kinds)
    rows = -(-len(drawing.panels) * each // per_row)
    legend: Legend = {}
    colours = {False: _values_colours(drawing), True: _compared_colours(drawing, compared)}
    size = _size(drawing.x, _HEAT if per_row > 1 else (3.2, 2.5), rows)
    with figure(folder, name, per_row, size, SUFFIXES, rows) as axes:
        visible = set[int]()
        for n, panel in enumerate(drawing.panels):
            for k, (run, against) in enumerate(kinds):
                axis = axes[n * each + k]
                visible.add(n * each + k)
                cells = _against(panel, run, drawing.ratios) if against else panel.runs.get(run, {})
                _one_map(axis, cells, drawing, y, colours[against], legend)
                _thresholds(axis, panel, drawing, y, legend)
                words = in_words(run) + f"\n{'over' if drawing.ratios else 'minus'} method" * against
                axis.set_title(f"{words}\n{_lines(panel.title, _HEAT[0])}".strip(), fontsize=7)
        for k, axis in enumerate(axes):
            axis.set_visible(k in visible)
            if k % per_row:
                axis.set_ylabel("")
                axis.set_yticklabels([])
        for against in dict.fromkeys(against for _, against in kinds):
            _bar([axes[k] for k in sorted(visible)], colours[against])
        _legend(axes[0], legend)


def _against(panel: Panel, run: str, ratios: bool) -> dict[Any, Cell]:
    """The cells that compare a model with the method; each has the worse status of the two."""
    method, compared = panel.runs.get(METHOD, {}), {}
    for place, cell in panel.runs.get(run, {}).items():
        if (other := method.get(place)) is None:
            continue
        both = not (far := cell.unseen or other.unseen) and None not in (cell.value, other.value)
        value = None if not both else cell.value / other.value if ratios else cell.value - other.value  # pyright: ignore
        lost = max(cell.lost, other.lost) if both or far else cell.paths if cell.all_lost or other.all_lost else 0
        compared[place] = Cell(value, None, cell.refused or other.refused, lost, cell.paths, {}, cell.point, far)
    return compared


def _values_colours(drawing: Drawing) -> _Colours:
    everything = _values(drawing.panels) or [0.0, 1.0]
    # means of paths that are about to blow up would leave a single shade for all other values
    values = _values(drawing.panels, whole=True) or everything
    low, high = min(values), max(values)
    under, over = min(everything) < low, max(everything) > high
    room = 0.0 if high > low else abs(low) / 10 or 1.0
    norm = LogNorm(low, high) if _spans(values) else Normalize(low - room, high + room)
    extended = "both" if under and over else "min" if under else "max" if over else "neither"
    return _Colours(SHADES, norm, drawing.words, extended)


def _compared_colours(drawing: Drawing, compared: Sequence[str]) -> _Colours:
    cells = [c for p in drawing.panels for run in compared for c in _against(p, run, drawing.ratios).values()]
    values = [c.value for c in cells if c.value is not None]
    if drawing.ratios:
        sizes = [abs(math.log(v)) for v in values if 0 < v < math.inf]
        widest = min(max([1.05, *map(math.exp, sizes)]), _RATIO)
        over = any(size > math.log(_RATIO) for size in sizes)
        return _Colours(_COMPARED, LogNorm(1 / widest, widest), "model over method", "both" if over else "neither")
    most = max(map(abs, values), default=0.0) or 1.0
    return _Colours(_COMPARED, Normalize(-most, most), "model minus method")


def _one_map(
    axis: Any, cells: Mapping[Any, Cell], drawing: Drawing, y: Scale, colours: _Colours, legend: Legend
) -> None:
    x = drawing.x

    def where(condition: Callable[[Cell], bool]) -> list[tuple[float, float]]:
        return [(x.at(place[0]), y.at(place[1])) for place, cell in cells.items() if condition(cell)]

    refused = where(lambda cell: cell.refused)
    if drawing.scattered:
        look = {"cmap": colours.cmap, "norm": colours.norm, "s": 14, "edgecolors": "black", "linewidths": 0.3}
        places = where(lambda cell: cell.value is not None)
        shades = [cell.value for cell in cells.values() if cell.value is not None]
        axis.scatter([p[0] for p in places], [p[1] for p in places], c=shades, **look)
        _marks(axis, refused, "1", _ABSENT, legend)
    else:
        columns, rows = ({v: n for n, v in enumerate(scale.values)} for scale in (x, y))
        grid, hatched = np.full((2, len(rows), len(columns)), np.nan)
        for place, cell in cells.items():
            at = rows[place[1]], columns[place[0]]
            grid[at] = np.nan if cell.value is None else cell.value
            hatched[at] = 0.0 if cell.refused else np.nan
        look = {"cmap": colours.cmap, "norm": colours.norm, "rasterized": grid.size > 1000}
        axis.pcolormesh(x.edges, y.edges, np.ma.masked_invalid(grid), **look)
        if refused:
            look = {"cmap": colours.cmap, "hatch": "//////", "edgecolor": "0.4"}
            mesh = axis.pcolor(x.edges, y.edges, np.ma.masked_invalid(hatched), **look)
            mesh.set_facecolor("none")
            mesh.set_linewidth(0)
            legend.setdefault(_ABSENT, Patch(facecolor="none", edgecolor="0.4", hatch="//////", linewidth=0))
    # rings around points leave their colours visible
    ring = {"markersize": 6, "fillstyle": "none"} if drawing.scattered else {}
    _marks(axis, where(lambda cell: bool(cell.lost) and cell.value is not None), "o", _SOME, legend, **ring)
    _marks(axis, where(lambda cell: cell.all_lost and cell.value is None), "X", _ALL, legend)
    _marks(axis, where(lambda cell: cell.unseen), "D", _UNSEEN, legend)
    for scale, letter in ((x, "x"), (y, "y")):
        _axis(axis, scale, letter)
        getattr(axis, f"set_{letter}lim")(*scale.room(drawing.scattered))


def _marks(axis: Any, places: Sequence[tuple[Any, Any]], marker: str, words: str, legend: Legend, **look: Any) -> None:
    if places:
        (line,) = axis.plot(*zip(*places, strict=True), marker=marker, zorder=4, **{**_MARK, **look})
        legend.setdefault(words, line)


def _thresholds(axis: Any, panel: Panel, drawing: Drawing, y: Scale, legend: Legend) -> None:
    x = drawing.x
    if panel.point is None or (x.kind == y.kind == "text"):
        return
    for n, curve in enumerate(drawing.curves):
        style = _LINES[n % len(_LINES)]
        if "text" in (x.kind, y.kind):
            visible = _beside_text(axis, panel, drawing, y, curve, style)
        else:
            across, up, values = in_plane(curve, drawing.numbers(panel.point), x, y)
            visible = bool(np.nanmin(values, initial=np.inf) <= 0 <= np.nanmax(values, initial=-np.inf))
            if visible:
                look = {"colors": style["color"], "linestyles": [style["linestyle"]], "linewidths": 1.4}
                contour = axis.contour(across, up, values, [0.0], **look)
                contour.set_path_effects(rim())
                visible = any(len(piece) for piece in contour.allsegs[0])
        if visible:
            legend.setdefault(as_text(curve.name), Line2D([], [], linewidth=1.4, **style))


def _beside_text(axis: Any, panel: Panel, drawing: Drawing, y: Scale, curve: Curve, style: Mapping[str, Any]) -> bool:
    """Draw a threshold beside an axis of text: one piece across the cells of each value. Returns whether any is visible."""
    upright = drawing.x.kind == "text"
    text, moving = (drawing.x, y) if upright else (y, drawing.x)
    points = {place[0 if upright else 1]: cell.point for place, cell in panel.cells}
    visible = False
    for value, point in points.items():
        numbers, at = drawing.numbers(point), text.at(value)
        for root in zeros(lambda u, numbers=numbers: curve.difference(numbers, {moving.name: u}), moving.fine(FINE)):
            ends, level = [at - 0.5, at + 0.5], [root, root]
            axis.plot(*((ends, level) if upright else (level, ends)), linewidth=1.4, path_effects=rim(), **style)
            visible = True
    return visible


def _bar(axes: Sequence[Any], colours: _Colours) -> None:
    look = {"label": colours.label, "extend": colours.extend, "aspect": 30, "pad": 0.01}
    bar = axes[0].figure.colorbar(ScalarMappable(colours.norm, colours.cmap), ax=axes, **look)
    if not isinstance(colours.norm, LogNorm):
        return
    low, high = bar.vmin, bar.vmax
    if high < 20 * low:
        ticks = np.geomspace(low, high, 5)
        bar.set_ticks(ticks, labels=[f"{v:.3g}" for v in ticks])
    else:
        bar.ax.yaxis.set_major_locator(LogLocator(numticks=8))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())


def _legend(axis: Any, legend: Mapping[str, Any]) -> None:
    if legend:
        longest = max(len(re.sub(r"[$\\]", "", words)) for words in legend) * _LETTER + 0.5
        columns = max(1, min(len(legend), 4, int(axis.figure.get_figwidth() / longest)))
        axis.figure.set_figheight(axis.figure.get_figheight() + _ROW * -(-len(legend) // columns))
        look = {"loc": "outside upper center", "ncols": columns, "frameon": False, "handlelength": 2.4}
        axis.figure.legend(list(legend.values()), list(legend), **look)
