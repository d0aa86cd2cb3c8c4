"""Figures of a sweep as pictures: curves with intervals, and heat maps of runs and of models against the method."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.reading.sweeps.figures_and_bounds import Figure
from sdescent.derive.reading.sweeps.formula_letters import Numbers
from sdescent.reports.commands.sweeping.cells import Cell, Panel, Scale
from sdescent.reports.commands.sweeping.curves import FINE, Curve, in_plane, zeros
from sdescent.reports.document.figures import BOUND, STYLES, as_text, figure, logarithmic, rim, styles

SUFFIXES = ("pdf", "png")
#: inches of a panel; columns of a figure
_HEAT, _CURVE, _COLUMNS = (1.7, 1.65), (2.4, 1.9), 4
_LETTER = 0.058  # inches of a letter of the legend
_PAGE = 8.2  # inches of a page for all rows
_TICKS = 5  # values of an axis that all have their ticks, at most
_RATIO = 10.0  # ratios beyond it, or its inverse, have its colour
_LINES = (*STYLES[1:], BOUND)
_DASHES = ("-", "--", "-.", ":")
_ABSENT, _SOME, _ALL = "refused: no such run", "some paths blew up (left out)", "all paths blew up"
_UNSEEN = "mean not seen by the sample"
_WORDS = {"mean": "mean of {}", "median": "median of {}", "low": "10 % quantile of {}", "high": "90 % quantile of {}"}


@final
@dataclass(frozen=True)
class Drawing:
    """What a figure is drawn from.

    Args:
        asked: the figure.
        panels: its panels.
        runs: the runs, the method first.
        x, y: the scales; y is None for curves.
        drawn: whether there is no grid, so that points are drawn, and not cells or lines.
        curves: thresholds that are lines in these axes.
        numbers: of a point by its name, for thresholds.
    """

    asked: Figure
    panels: Sequence[Panel]
    runs: Sequence[str]
    x: Scale
    y: Scale | None
    drawn: bool
    curves: Sequence[Curve]
    numbers: Callable[[str], Numbers]

    @property
    def words(self) -> str:
        """What is drawn, for labels."""
        return _WORDS[self.asked.estimate].format(self.asked.quantity.replace("_", " "))

    @property
    def ratios(self) -> bool:
        """Whether models are compared by ratios: all numbers are positive."""
        return all(v > 0 for v in _values(self.panels))


def draw(what: Drawing, folder: Path, name: str) -> list[str]:
    """Draw a figure and return the names of its files; equal numbers make equal bytes.

    Raises:
        OSError: the folder cannot be written.
    """
    if what.y is None:
        _curves(what, folder, name)
    else:
        _heat(what, what.y, folder, name)
    return [f"{name}.{suffix}" for suffix in SUFFIXES]


def _values(panels: Sequence[Panel], whole: bool = False) -> list[float]:
    """All numbers; those of runs of which no path blew up where `whole`."""
    cells = (c for panel in panels for own in panel.runs.values() for c in own.values())
    return [c.value for c in cells if c.value is not None and not (whole and c.lost)]


def _spans(values: Sequence[float]) -> bool:
    """Whether positive values span more than a decade."""
    return bool(values) and min(values) > 0 and max(values) > 10 * min(values)


def _axis(axis: Any, own: Scale, letter: str) -> None:
    getattr(axis, f"set_{letter}label")(own.label)
    if own.kind == "text":
        shown = [as_text("none" if v is None else str(v)) for v in own.values]
        turned = {"rotation": 90} if letter == "x" and _turned(own) else {}
        getattr(axis, f"set_{letter}ticks")(own.places, shown, fontsize=6, **turned)
        return
    if own.kind == "log":
        logarithmic(axis, letter)
    if len(own.values) <= _TICKS:
        from matplotlib.ticker import NullLocator

        getattr(axis, f"set_{letter}ticks")(own.places, [f"{place:.4g}" for place in own.places])
        getattr(axis, f"{letter}axis").set_minor_locator(NullLocator())


def _turned(x: Scale) -> bool:
    """Whether the labels along x stand upright, since they are long."""
    lengths = [len(str(v)) for v in x.values]
    return x.kind == "text" and max(lengths) * len(lengths) > 20


def _size(x: Scale, size: tuple[float, float], rows: int) -> tuple[float, float]:
    """The size of a panel of so many rows, in inches, with room for upright labels."""
    return size[0], min(_PAGE / rows, size[1]) + (0.055 * max(len(str(v)) for v in x.values) if _turned(x) else 0.0)


# --- curves


def _curves(what: Drawing, folder: Path, name: str) -> None:
    total = len(what.panels)
    columns = min(3, total)
    size = _size(what.x, _CURVE if total > 1 else (4.2, 2.8), -(-total // columns))
    every = [c.bounds for p in what.panels for cells in p.runs.values() for c in cells.values()]
    bounds = {name: f"bound {as_text(name)}" for found in every for name in found}
    with figure(folder, name, columns, size, SUFFIXES, -(-total // columns)) as axes:
        names: dict[str, Any] = {}
        log = _spans([*_values(what.panels), *(value for found in every for value in found.values())])
        for axis, panel in zip(axes, what.panels, strict=False):
            _one_curve(axis, panel, what, names)
            _bounds(axis, panel, what.x, bounds, names)
            axis.set_title(panel.title, fontsize=7)
            _axis(axis, what.x, "x")
            if log:
                axis.set_yscale("log")
        ends = [end for axis in axes[:total] for end in axis.get_ylim()]
        for n, axis in enumerate(axes):
            axis.set_visible(n < total)
            axis.set_ylim(min(ends), max(ends))  # one scale, so that panels can be compared
            if log:
                logarithmic(axis)
            axis.set_ylabel(what.words) if n % columns == 0 else axis.tick_params(labelleft=False)
        _legend(axes[0], names)


def _one_curve(axis: Any, panel: Panel, what: Drawing, names: dict[str, Any]) -> None:
    look = styles(what.runs)
    for n, run in enumerate(what.runs):  # in each panel a run has the same marker
        if (cells := panel.runs.get(run)) is None:
            continue
        style = {**look[run], "marker": "osD^v<>"[n % 7], "markersize": 3.2, "linewidth": 1.1}
        if what.drawn or what.x.kind == "text":
            style["linestyle"] = "none"
        places = sorted(cells, key=lambda place: what.x.at(place[0]))
        known = [(what.x.at(place[0]), cells[place]) for place in places if cells[place].value is not None]
        x, y = [at for at, _ in known], [c.value for _, c in known]
        broken = _with_gaps([(what.x.at(place[0]), cells[place].value) for place in places])
        (line,) = axis.plot(*broken, **style)
        names.setdefault(run, line)
        bars = [(at, c.ends) for at, c in known if c.ends is not None]
        axis.vlines(
            [at for at, _ in bars],
            [e[0] for _, e in bars],
            [e[1] for _, e in bars],
            color=style["color"],
            linewidth=0.8,
        )
        some = [k for k, (_, c) in enumerate(known) if c.lost]
        if some:
            own = axis.plot(
                [x[k] for k in some], [y[k] for k in some], "o", markersize=7, fillstyle="none", color=style["color"]
            )
            names.setdefault(_SOME, own[0])
        far = [(at, c.value) for at, c in known if c.unseen]
        _marks(axis, tuple(zip(*far, strict=True)) or ((), ()), "D", _UNSEEN, names)
        _missing(axis, what.x, cells, (0.03 + 0.05 * n, 0.97 - 0.05 * n), style["color"], names)
    if panel.point is not None and what.x.kind != "text":
        numbers = what.numbers(panel.point)
        for n, curve in enumerate(what.curves):
            for root in zeros(lambda at, c=curve: c.difference(numbers, {what.x.name: at}), what.x.fine(FINE)):
                names.setdefault(
                    as_text(curve.name), axis.axvline(root, linewidth=1.0, color="0.5", linestyle=_DASHES[n % 4])
                )
    axis.set_xlim(*what.x.room(what.drawn))


def _with_gaps(found: Sequence[tuple[float, float | None]]) -> tuple[list[float], list[float]]:
    return [at for at, _ in found], [math.nan if value is None else value for _, value in found]


def _missing(
    axis: Any, x: Scale, cells: Mapping[Any, Cell], heights: tuple[float, float], color: str, names: dict[str, Any]
) -> None:
    """Marks where there is no number: at the lower edge where the run was refused, at the upper where all paths blew up."""
    for height, marker, words, listed in (
        (heights[0], "x", _ABSENT, [place for place, c in cells.items() if c.refused]),
        (heights[1], "^", _ALL, [place for place, c in cells.items() if c.all_lost]),
    ):
        if listed:
            places = [x.at(place[0]) for place in listed]
            style = {"linestyle": "none", "marker": marker, "markersize": 4, "color": color, "clip_on": False}
            (line,) = axis.plot(places, [height] * len(places), transform=axis.get_xaxis_transform(), **style)
            names.setdefault(words, line)


def _bounds(axis: Any, panel: Panel, x: Scale, bounds: Mapping[str, str], names: dict[str, Any]) -> None:
    """Lines of bounds, broken where they claim nothing; in each panel a bound has the same line."""
    listed = [(x.at(place[0]), cell.bounds) for cells in panel.runs.values() for place, cell in cells.items()]
    for n, (name, words) in enumerate(bounds.items()):
        values = {at: math.nan for at, _ in listed} | {at: own[name] for at, own in listed if name in own}
        if any(name in own for _, own in listed):
            style = {
                **BOUND,
                "linestyle": _DASHES[n % 4],
                "linewidth": 1.6,
                "zorder": 1,
                "marker": ".",
                "markersize": 2.5,
            }
            (line,) = axis.plot(sorted(values), [values[at] for at in sorted(values)], **style)
            names.setdefault(words, line)


# --- heat maps


@final
@dataclass(frozen=True)
class _Colours:
    """A colour scale of several panels."""

    cmap: Any
    norm: Any
    label: str
    extend: str = "neither"


def _heat(what: Drawing, y: Scale, folder: Path, name: str) -> None:
    compared = [run for run in what.runs if run != METHOD] if METHOD in what.runs else []
    kinds = [(run, False) for run in what.runs] + [(run, True) for run in compared]
    if len(kinds) > _COLUMNS:  # the rows of a panel are of about equal length
        per_row = -(-len(kinds) // -(-len(kinds) // _COLUMNS))
        each = -(-len(kinds) // per_row) * per_row
    else:
        per_row, each = len(kinds) * min(_COLUMNS // len(kinds), len(what.panels)), len(kinds)
    rows = -(-len(what.panels) * each // per_row)
    names: dict[str, Any] = {}
    colours = {False: _values_colours(what), True: _compared_colours(what, compared)}
    with figure(
        folder, name, per_row, _size(what.x, _HEAT if per_row > 1 else (3.2, 2.5), rows), SUFFIXES, rows
    ) as axes:
        used: dict[bool, list[Any]] = {False: [], True: []}
        for n, panel in enumerate(what.panels):
            for k, (run, against) in enumerate(kinds):
                axis = axes[n * each + k]
                used[against].append(axis)
                cells = _against(panel, run, what.ratios) if against else panel.runs.get(run, {})
                _one_map(axis, cells, what, y, colours[against], names)
                _thresholds(axis, panel, what, y, names)
                sign = "/" if what.ratios else r" $-$ "
                words = f"{run}{sign}method" if against else run
                axis.set_title(f"{words}\n{panel.title}" if panel.title else words, fontsize=6.5)
        shown = {id(axis) for own in used.values() for axis in own}
        for k, axis in enumerate(axes):
            axis.set_visible(id(axis) in shown)
            if k % per_row:
                axis.set_ylabel("")
                axis.set_yticklabels([])
        for against, own in used.items():
            if own:
                _bar([axis for axis in axes if id(axis) in shown], colours[against])
        _legend(axes[0], names)


def _against(panel: Panel, run: str, ratios: bool) -> dict[Any, Cell]:
    """A model against the method, with the worse of what is known of the two."""
    method, found = panel.runs.get(METHOD, {}), {}
    for place, cell in panel.runs.get(run, {}).items():
        if (other := method.get(place)) is None:
            continue
        both = not (far := cell.unseen or other.unseen) and None not in (cell.value, other.value)
        value = None if not both else cell.value / other.value if ratios else cell.value - other.value  # pyright: ignore
        lost = max(cell.lost, other.lost) if both or far else cell.paths if cell.all_lost or other.all_lost else 0
        found[place] = Cell(value, None, cell.refused or other.refused, lost, cell.paths, {}, cell.point, far)
    return found


def _greys() -> Any:
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["Greys"](np.linspace(0.12, 1, 256)))  # white is what is not there


def _values_colours(what: Drawing) -> _Colours:
    from matplotlib.colors import LogNorm, Normalize

    everything = _values(what.panels) or [0.0, 1.0]
    # means of paths that are about to blow up would leave one shade for everything else
    values = _values(what.panels, whole=True) or everything
    low, high = min(values), max(values)
    under, over = min(everything) < low, max(everything) > high
    extend = "both" if under and over else "min" if under else "max" if over else "neither"
    if _spans(values):
        return _Colours(_greys(), LogNorm(low, high), what.words, extend)
    room = 0.0 if high > low else abs(low) / 10 or 1.0
    return _Colours(_greys(), Normalize(low - room, high + room), what.words, extend)


def _compared_colours(what: Drawing, compared: Sequence[str]) -> _Colours:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, Normalize

    cells = [c for p in what.panels for run in compared for c in _against(p, run, what.ratios).values()]
    values = [c.value for c in cells if c.value is not None]
    cmap = colormaps["RdBu_r"]
    if what.ratios:
        sizes = [abs(math.log(v)) for v in values if 0 < v < math.inf]
        widest = min(max([1.05, *map(math.exp, sizes)]), _RATIO)
        over = any(size > math.log(_RATIO) for size in sizes)
        return _Colours(cmap, LogNorm(1 / widest, widest), "model/method", "both" if over else "neither")
    most = max(map(abs, values), default=0.0) or 1.0
    return _Colours(cmap, Normalize(-most, most), r"model $-$ method")


def _one_map(
    axis: Any, cells: Mapping[Any, Cell], what: Drawing, y: Scale, colours: _Colours, names: dict[str, Any]
) -> None:
    from matplotlib.patches import Patch

    x = what.x
    at = {place: (x.at(place[0]), y.at(place[1])) for place in cells}
    valued = [place for place in cells if cells[place].value is not None]
    refused = [place for place in cells if cells[place].refused]
    if what.drawn:
        look = {"cmap": colours.cmap, "norm": colours.norm, "s": 14, "edgecolors": "black", "linewidths": 0.3}
        axis.scatter(*_pairs(at, valued), c=[cells[p].value for p in valued], **look)
        _marks(axis, _pairs(at, refused), "1", _ABSENT, names)
    else:
        columns, rows = ({v: n for n, v in enumerate(own.values)} for own in (x, y))
        grid, hatched = np.full((len(rows), len(columns)), np.nan), np.full((len(rows), len(columns)), np.nan)
        for place in cells:
            where = rows[place[1]], columns[place[0]]
            grid[where] = np.nan if cells[place].value is None else cells[place].value
            hatched[where] = 0.0 if cells[place].refused else np.nan
        shown = np.ma.masked_invalid(grid)
        axis.pcolormesh(x.edges, y.edges, shown, cmap=colours.cmap, norm=colours.norm, rasterized=grid.size > 1000)
        if refused:
            mesh = axis.pcolor(
                x.edges, y.edges, np.ma.masked_invalid(hatched), cmap=colours.cmap, hatch="//////", edgecolor="0.4"
            )
            mesh.set_facecolor("none")
            mesh.set_linewidth(0)
            names.setdefault(_ABSENT, Patch(facecolor="none", edgecolor="0.4", hatch="//////", linewidth=0))
    some = _pairs(at, [p for p in valued if cells[p].lost])
    if what.drawn:  # rings around points, whose colours are seen
        _marks(axis, some, "o", _SOME, names, markersize=6, fillstyle="none")
    else:
        _marks(axis, some, "o", _SOME, names)
    _marks(axis, _pairs(at, [p for p in cells if cells[p].all_lost and cells[p].value is None]), "X", _ALL, names)
    _marks(axis, _pairs(at, [p for p in cells if cells[p].unseen]), "D", _UNSEEN, names)
    for own, letter in ((x, "x"), (y, "y")):
        _axis(axis, own, letter)
        getattr(axis, f"set_{letter}lim")(*own.room(what.drawn))


def _pairs(at: Mapping[Any, tuple[float, float]], places: Sequence[Any]) -> tuple[list[float], list[float]]:
    return [at[place][0] for place in places], [at[place][1] for place in places]


def _marks(axis: Any, places: Sequence[Any], marker: str, words: str, names: dict[str, Any], **more: Any) -> None:
    if not places[0]:
        return
    look = {
        "linestyle": "none",
        "markersize": 3.2,
        "markeredgewidth": 0.6,
        "color": "white",
        "markeredgecolor": "black",
        **more,
    }
    (line,) = axis.plot(*places, marker=marker, zorder=4, **look)
    names.setdefault(words, line)


def _thresholds(axis: Any, panel: Panel, what: Drawing, y: Scale, names: dict[str, Any]) -> None:
    from matplotlib.lines import Line2D

    x = what.x
    if panel.point is None or (x.kind == y.kind == "text"):
        return
    for n, curve in enumerate(what.curves):
        style = _LINES[n % len(_LINES)]
        if "text" not in (x.kind, y.kind):
            across, up, found = in_plane(curve, what.numbers(panel.point), x, y)
            drawn = bool(np.nanmin(found, initial=np.inf) <= 0 <= np.nanmax(found, initial=-np.inf))
            if drawn:
                look = {"colors": style["color"], "linestyles": [style["linestyle"]], "linewidths": 1.4}
                made = axis.contour(across, up, found, [0.0], **look)
                made.set_path_effects(rim())
                drawn = any(len(piece) for piece in made.allsegs[0])
        else:
            drawn = _beside_text(axis, panel, what, y, curve, style)
        if drawn:
            names.setdefault(as_text(curve.name), Line2D([], [], linewidth=1.4, **style))


def _beside_text(axis: Any, panel: Panel, what: Drawing, y: Scale, curve: Curve, style: Mapping[str, Any]) -> bool:
    """A threshold over an axis of text: for each of its values, a piece across its cells."""
    upright = what.x.kind == "text"
    text, moving = (what.x, y) if upright else (y, what.x)
    points = {place[0 if upright else 1]: cell.point for cells in panel.runs.values() for place, cell in cells.items()}
    drawn = False
    for value, point in points.items():
        numbers, at = what.numbers(point), text.at(value)
        for root in zeros(lambda u, own=numbers: curve.difference(own, {moving.name: u}), moving.fine(FINE)):
            ends, level = [at - 0.5, at + 0.5], [root, root]
            axis.plot(*((ends, level) if upright else (level, ends)), linewidth=1.4, path_effects=rim(), **style)
            drawn = True
    return drawn


def _bar(axes: Sequence[Any], colours: _Colours) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator, NullFormatter

    made = axes[0].figure.colorbar(
        ScalarMappable(colours.norm, colours.cmap),
        ax=axes,
        label=colours.label,
        extend=colours.extend,
        aspect=30,
        pad=0.01,
    )
    if not isinstance(colours.norm, LogNorm):
        return
    low, high = made.vmin, made.vmax
    if high < 20 * low:
        ticks = np.geomspace(low, high, 5)
        made.set_ticks(ticks, labels=[f"{v:.3g}" for v in ticks])
    else:
        made.ax.yaxis.set_major_locator(LogLocator(numticks=8))
    made.ax.yaxis.set_minor_formatter(NullFormatter())


def _legend(axis: Any, names: Mapping[str, Any]) -> None:
    if names:
        longest = max(map(len, names)) * _LETTER + 0.5
        columns = max(1, min(len(names), 4, int(axis.figure.get_figwidth() / longest)))
        look = {"loc": "outside upper center", "ncols": columns, "frameon": False, "fontsize": 7, "handlelength": 2.4}
        axis.figure.legend(list(names.values()), list(names), **look)
