"""Figures in one style that is readable in black and white: vector PDF for the paper, and SVG for the page.

Sizes are those on the printed page: a figure is included at its own width, so 8 pt here are 8 pt on paper. Words and letters are in
Computer Modern, the font of the document.
"""

import logging
import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sdescent.reports.document.tex import escape
from sdescent.reports.store.files import atomic_path

#: inches: the width of the document's text, 166 mm, which the figures of several panels fill
WIDTH = 166 / 25.4

#: line styles and colours (Okabe and Ito, safe for colour-blind readers), in the order of use
STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#000000", "linestyle": "-"},
    {"color": "#0072B2", "linestyle": "--"},
    {"color": "#D55E00", "linestyle": "-."},
    {"color": "#009E73", "linestyle": ":"},
)
#: styles of series that occur in many figures, the same in all of them: the method (also on data) and its models
NAMED = dict(zip(("method", "first-order", "corrected", "second-order"), STYLES, strict=True)) | {"real": STYLES[0]}
#: the style of a bound that a theorem proves: a thick line, to tell it from the method's line without colours
BOUND: dict[str, Any] = {"color": "#CC79A7", "linestyle": "-"}
#: a perceptual colour map from light to dark, so that it is read in grey print and by colour-blind readers
SHADES = "cividis_r"
TIME = r"time (steps $\times$ step size)"
BAND = (0.10, 0.90)  # quantiles of all bands: the middle 80 % of the paths
_FILL = "#DDDDDD"
#: metadata without dates and versions, so that equal figures have equal files
_UNDATED: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {"Software": None}}
_DPI = 300  # dots per inch of raster pictures
#: characters that the font has elsewhere, or matplotlib calls otherwise -> their mathematics
_MATHEMATICS = {
    "$": r"\$", "<": "$<$", ">": "$>$", "|": "$|$", "_": r"$\_$", "{": r"$\{$", "}": r"$\}$", "\\": r"$\backslash$",
    "≤": r"$\leq$", "≥": r"$\geq$", "√": r"$\sqrt{\ }$",
}  # fmt: skip
#: an axis is logarithmic if its largest value is more than this many times the smallest
_LOG_FROM = 20.0


def in_words(name: str) -> str:
    """The name of a series in a title or a legend."""
    others = {"method": "method", "real": "method on the data"}
    return others.get(name, f"{name} model") if name in NAMED else name


def styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """A style for each series of a figure: the one under its name in `NAMED`, or the next free one of `STYLES`."""
    names = list(names)
    named = {name: NAMED[name] for name in names if name in NAMED}
    free = [style for style in STYLES if style not in named.values()] or list(STYLES)
    rest = [name for name in names if name not in named]
    return named | {name: free[n % len(free)] for n, name in enumerate(rest)}


def load() -> Any:
    """The module matplotlib.pyplot, set to draw into files, with the PDF writer loaded; the first call takes half a second."""
    import matplotlib

    matplotlib.use("Agg")
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it logs the dates inside the fonts that it embeds
    import matplotlib.backends.backend_pdf
    import matplotlib.pyplot as plt

    return plt


@contextmanager
def figure(
    folder: Path, name: str, columns: int = 1, size: tuple[float, float] = (3.2, 2.5), suffixes: Sequence[str] = ("pdf", "svg"),
    rows: int = 1,
) -> Iterator[Any]:  # fmt: skip
    """A figure with rows of `columns` axes of `size` (inches), written at the block's end as `folder`/<name>.pdf etc. (OSError)."""
    plt = load()
    settings: dict[Any, Any] = {
        "font.family": "cmr10",
        "mathtext.fontset": "cm",
        "axes.formatter.use_mathtext": True,  # the font itself has no minus
        "font.size": 8,
        "axes.titlesize": 9,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "sdescent",
        "pdf.fonttype": 42,
    }
    with plt.rc_context(settings):
        whole = size[0] * columns, size[1] * rows
        picture, axes = plt.subplots(rows, columns, figsize=whole, layout="constrained", squeeze=False)
        try:
            yield list(axes.flat)
            write(picture, folder, name, suffixes)
        finally:
            plt.close(picture)


def write(picture: Any, folder: Path, name: str, suffixes: Sequence[str]) -> None:
    """Lay a figure out once for all its files, without tick labels that would overlap, and write it. Raises OSError."""
    from matplotlib.backend_bases import get_registered_canvas_class

    picture.draw_without_rendering()
    for axis in picture.axes:
        _thin(axis.xaxis, "x0", "x1")
        _thin(axis.yaxis, "y0", "y1")
    for suffix in suffixes:
        if suffix == "png":
            picture.set_dpi(_DPI)  # writing a PDF changes it
        with atomic_path(folder / f"{name}.{suffix}") as path:
            # the canvas itself, since `savefig` would lay the figure out again for each file
            canvas = get_registered_canvas_class(suffix)(picture)
            getattr(canvas, f"print_{suffix}")(path, metadata=_UNDATED[suffix])


def _thin(axis: Any, low: str, high: str) -> None:
    """Leave out the labels of an x or y axis that would overlap the one before them."""
    ends = sorted(axis.get_view_interval())
    labels = [tick.label1 for tick in axis.get_major_ticks() if ends[0] <= tick.get_loc() <= ends[1]]
    places = [(label.get_window_extent(), label) for label in labels if label.get_text() and label.get_visible()]
    last = -math.inf
    for box, label in sorted(places, key=lambda place: getattr(place[0], low) + getattr(place[0], high)):
        label.set_visible(getattr(box, low) > last)
        last = getattr(box, high) + 2 if label.get_visible() else last


def bands(axis: Any, times: Sequence[float], series: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Draw the mean of each named series {"mean", "low", "high"} over the times (S,), with 10 % and 90 % quantiles `low`, `high`.

    The quantiles of the first series, the reference, are the edges of a grey band. The quantiles of every other series are thin
    lines in its own colour and dashes, since overlapping bands would mix into a grey of neither.
    """
    look = styles(series)
    for n, (name, values) in enumerate(series.items()):
        style = look[name]
        if n == 0:
            axis.fill_between(times, values["low"], values["high"], color=_FILL, linewidth=0, zorder=0)
        else:
            for edge in ("low", "high"):
                axis.plot(times, values[edge], linewidth=0.7, **style)
        axis.plot(times, values["mean"], label=name, linewidth=1.3, **style)
    axis.set_xlabel(TIME)
    if spans_much([v for s in series.values() for edge in ("mean", "low", "high") for v in s[edge]]):
        logarithmic(axis)


def gaps(axis: Any, times: Sequence[float], differences: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Draw (gap, half-width) in per cent at each time, by name, from the reference of `bands`; nan if a gap is not known."""
    look = styles(["method", *differences])  # the reference of `bands`, whatever its name
    axis.axhline(0, linewidth=1.3, **look["method"])
    for n, (name, pairs) in enumerate(differences.items(), 1):
        style = look[name]
        axis.plot(times, [gap for gap, _ in pairs], linewidth=1.3, **style)
        # each series shows its intervals at times of its own, so that they do not cover each other
        for t, (gap, half) in list(zip(times, pairs, strict=True))[n :: len(differences) + 1]:
            axis.plot([t, t], [gap - half, gap + half], linewidth=0.8, color=style["color"])
    axis.set_xlabel(TIME)


def legend(axes: Sequence[Any]) -> None:
    """Add one legend for a row of axes that show the same runs, above the axes so that it covers no data."""
    from matplotlib.patches import Patch

    lines, names = axes[0].get_legend_handles_labels()
    reference = (Patch(color=_FILL, linewidth=0), lines[0])
    _above(axes, [reference, *lines[1:]], [*map(in_words, names)], len(names), handlelength=2.8)


def legend_of_all(axes: Sequence[Any], columns: int = 0, handlelength: float = 2.4, **options: Any) -> None:
    """Add one legend, with matplotlib's options, above a row of axes, listing every label once; `columns` 0 makes a single row."""
    lines = {
        in_words(label): line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    _above(axes, list(lines.values()), list(lines), columns or len(lines), handlelength=handlelength, **options)


def _above(axes: Sequence[Any], lines: Sequence[Any], names: Sequence[str], columns: int, **options: Any) -> None:
    axes[0].figure.legend(lines, names, loc="outside upper center", ncols=columns, frameon=False, **options)


def logarithmic(axis: Any, letter: str = "y") -> None:
    """Make the x or y axis logarithmic: labels at powers of ten, plain from 0.001 to 10000; 2 and 5 too if fewer than two fit."""
    from matplotlib.ticker import FuncFormatter, LogFormatterMathtext, LogLocator, NullFormatter

    getattr(axis, f"set_{letter}scale")("log")
    low, high = getattr(axis, f"get_{letter}lim")()
    decades = math.floor(math.log10(high)) - math.ceil(math.log10(low)) + 1
    powers, chosen = LogFormatterMathtext(), getattr(axis, f"{letter}axis")

    def label(value: float, _: int) -> str:
        low, high = chosen.get_view_interval()
        return f"{value:g}" if min(low, high) >= 1e-3 and max(low, high) <= 1e4 else powers(value)

    chosen.set_major_locator(LogLocator(subs=(1.0,) if decades >= 2 else (1.0, 2.0, 5.0)))
    chosen.set_major_formatter(FuncFormatter(label))
    chosen.set_minor_formatter(NullFormatter())


def spans_much(values: Iterable[float]) -> bool:
    """Whether the finite values are positive and the largest is so many times the smallest that their axis is logarithmic."""
    finite = list(filter(math.isfinite, values))
    return bool(finite) and min(finite) > 0 and max(finite) > _LOG_FROM * min(finite)


def rim() -> list[Any]:
    """Path effects for a white rim, which sets a line off from dark cells."""
    from matplotlib.patheffects import Normal, withStroke

    return [withStroke(linewidth=3.0, foreground="white"), Normal()]


def as_text(words: str) -> str:
    """Words made safe for a figure: a bare dollar sign would begin mathematics, and the font lacks some characters."""
    return "".join(map(_character, words))


def _character(one: str) -> str:
    if one in _MATHEMATICS or one.isascii():
        return _MATHEMATICS.get(one, one)
    return re.sub(r"\\ensuremath\{(.*)\}", r"$\1$", escape(one))


def filled(title: str, width: int) -> str:
    """A title in lines of at most `width` characters, made safe for a figure."""
    return "\n".join(map(as_text, textwrap.wrap(title, width)))
