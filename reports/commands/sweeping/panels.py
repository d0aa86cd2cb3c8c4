"""The content of a sweep's figure before it is drawn: the panels, the numbers of each run in each panel, and the thresholds."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from sdescent.derive.proof.language.text import latex_name
from sdescent.derive.reading.sweeps.figures_and_bounds import Bound, Figure, Threshold
from sdescent.derive.reading.sweeps.formula_letters import OMEGA, Numbers
from sdescent.derive.reading.sweeps.panels import Layout
from sdescent.numerics.studies.records import Formula, formula
from sdescent.reports.commands.sweeping.table import UNSEEN, Table, Value, plain
from sdescent.reports.document.figures import as_text

#: field -> (the words before its letter, the letter in LaTeX)
_LETTERS = {"eta": ("step size", r"\eta"), "clients": ("clients", "N"), "dim": ("dimension", "d"), "T": ("time", "T")}


@final
@dataclass
class Cell:
    """The numbers of a run at one place: the estimate, averaged over repeats, and the ends of its interval, if there are any.

    `refused` says that the run has no numbers there, `lost` how many of the `paths` blew up, `unseen` that the value is a mean
    that the sample does not see. `bounds` are values by name, `point` is the first point's.
    """

    value: float | None
    ends: tuple[float, float] | None
    refused: bool
    lost: int
    paths: int
    bounds: Mapping[str, float]
    point: str
    unseen: bool = False

    @property
    def all_lost(self) -> bool:
        """Whether every path blew up."""
        return not self.refused and self.lost == self.paths


Place = tuple[Value, ...]


@final
@dataclass
class Panel:
    """The numbers of a panel: the values of the axes in which panels differ, and name of a run -> {(x,) or (x, y): its cell}."""

    values: Mapping[str, Value]
    runs: dict[str, dict[Place, Cell]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The title of the panel: its values as equations."""
        return ", ".join(_equation(name, value) for name, value in self.values.items())

    @property
    def cells(self) -> list[tuple[Place, Cell]]:
        """The cells of all runs with their places."""
        return [placed for cells in self.runs.values() for placed in cells.items()]

    @property
    def point(self) -> str | None:
        """The name of one point of the panel, or None if it has none."""
        return next((cell.point for _, cell in self.cells), None)


@final
@dataclass(frozen=True)
class Scale:
    """The values along x or y in order, their places, the name of the axis and its kind: "text", "linear" or "log"."""

    name: str
    kind: str
    values: tuple[Value, ...]

    def at(self, value: Value) -> float:
        """The place of a value; texts are at 0, 1, .."""
        return float(self.values.index(value)) if self.kind == "text" else float(value or 0)

    @property
    def places(self) -> np.ndarray:
        """The places of all values."""
        return np.array([self.at(value) for value in self.values])

    @property
    def edges(self) -> np.ndarray:
        """The edges of cells around the values: half-way between neighbours, geometrically on a logarithmic axis."""
        places = np.log(self.places) if self.kind == "log" else self.places
        if len(places) == 1:
            half = math.log(1.5) if self.kind == "log" else 0.5 if self.kind == "text" else abs(places[0]) / 2 or 0.5
            edges = np.array([places[0] - half, places[0] + half])
        else:
            middle = (places[1:] + places[:-1]) / 2
            edges = np.concatenate([[2 * places[0] - middle[0]], middle, [2 * places[-1] - middle[-1]]])
        return np.exp(edges) if self.kind == "log" else edges

    def room(self, scattered: bool) -> tuple[float, float]:
        """The ends of the axis as drawn, with some room around the points if they are scattered."""
        low, high = self.edges[[0, -1]]
        if not scattered or self.kind == "text":
            return low, high
        if self.kind == "log":
            return low / (high / low) ** 0.05, high * (high / low) ** 0.05
        return low - (high - low) / 20, high + (high - low) / 20

    def fine(self, count: int) -> np.ndarray:
        """`count` places from the first edge to the last, evenly spaced on the axis as drawn."""
        low, high = self.edges[[0, -1]]
        return np.geomspace(low, high, count) if self.kind == "log" else np.linspace(low, high, count)


def scale(name: str, values: Sequence[Value]) -> Scale:
    """The scale for the values of an axis: logarithmic if that spaces numbers more evenly, text if any value is not a number."""
    distinct = list(dict.fromkeys(values))
    numbers = sorted(v for v in distinct if isinstance(v, int | float))
    if len(numbers) < len(distinct):
        return Scale(name, "text", tuple(distinct))
    return Scale(name, "log" if _geometric(numbers) else "linear", tuple(numbers))


def _geometric(places: Sequence[float]) -> bool:
    if len(places) < 2 or places[0] <= 0:
        return False
    if len(places) == 2:
        return places[1] > 10 * places[0]
    steps, ratios = np.diff(places), np.diff(np.log(places))
    return bool(ratios.std() / ratios.mean() < steps.std() / steps.mean())


def panels(table: Table, figure: Figure, layout: Layout, runs: Sequence[str], bounds: Sequence[Bound]) -> list[Panel]:
    """The panels of a figure with their numbers; points without a value for x or y are left out."""
    keys = [tuple(map(plain, values)) for values in layout.panels]
    by_key = {key: Panel(dict(zip(layout.axes, key, strict=True))) for key in keys}
    rows: dict[tuple[str, Place, Place], list[int]] = {}
    columns = table.columns
    for n in rows_at(table, figure):
        run, place = str(columns["run"][n]), tuple(columns[name][n] for name in figure.axes)
        key = tuple(columns[name][n] for name in layout.axes)
        if run in runs and None not in place and key in by_key:
            rows.setdefault((run, key, place), []).append(n)
    for (run, key, place), numbers in sorted(rows.items(), key=lambda item: runs.index(item[0][0])):
        by_key[key].runs.setdefault(run, {})[place] = _cell(table, figure, numbers, bounds)
    return list(by_key.values())


def rows_at(table: Table, figure: Figure) -> list[int]:
    """The rows of the points with the values that the figure fixes."""
    at = {name: plain(value.exact) for name, value in (figure.at or {}).items()}
    return [n for n in range(len(table)) if all(table.columns[name][n] == value for name, value in at.items())]


def _cell(table: Table, figure: Figure, rows: Sequence[int], bounds: Sequence[Bound]) -> Cell:
    """The cell of one row, or of several repeats, whose errors are independent."""
    columns, name = table.columns, f"{figure.quantity}_{figure.estimate}"
    solved = [n for n in rows if columns["refused"][n] is None]
    lost, paths = (sum(int(columns[key][n] or 0) for n in solved) for key in ("blow_ups", "paths"))
    limits = {b.name: columns[b.column][rows[0]] for b in bounds if b.of == figure.quantity}
    limits = {key: float(value) for key, value in limits.items() if value is not None}
    cell = Cell(None, None, not solved, lost, paths, limits, str(columns["point"][rows[0]]))
    values, *ends = ([_number(columns.get(name + end), n) for n in solved] for end in ("", "_lower", "_upper"))
    if not solved or None in values:
        return cell
    cell.value = sum(values) / len(solved)
    reasons = [columns[f"{figure.quantity}_{UNSEEN}"][n] for n in solved] if figure.estimate == "mean" else []
    cell.unseen = any(reason is not None for reason in reasons)
    if not cell.unseen and None not in (*ends[0], *ends[1]):
        below, above = (math.hypot(*(v - e for v, e in zip(values, end, strict=True))) / len(solved) for end in ends)
        cell.ends = cell.value - below, cell.value + above
    return cell


def _number(column: Sequence[Value] | None, n: int) -> Any:
    value = None if column is None else column[n]
    return None if value is None or not math.isfinite(float(value)) else float(value)


def _letter(name: str) -> str:
    """The LaTeX letter of an axis of numbers, such as the Greek letter of noise.nu; "" if it has none."""
    return _LETTERS[name][1] if name in _LETTERS else latex_name(name.rpartition(".")[2]) if "." in name else ""


def axis_label(name: str) -> str:
    """The label of an axis, with a mathematical letter if it has one: noise.nu is labelled "noise" and a Greek nu."""
    words = _LETTERS[name][0] if name in _LETTERS else name.partition(".")[0]
    return f"{words} ${letter}$" if (letter := _letter(name)) else as_text(name)


def _equation(name: str, value: Value) -> str:
    text, letter = f"{value:.4g}" if isinstance(value, float) else str(value), _letter(name)
    if value is None:
        return f"no {as_text(name)}"
    if isinstance(value, str):
        return as_text(text if name in ("method", "compressor", "noise", "loss", "schedule") else f"{name} = {text}")
    return f"${letter}={text}$" if letter else f"{as_text(name)} $={text}$"


# --- thresholds: the places where both sides are equal, along one axis or in the plane of two axes ---

#: the number of points of a fine grid along an axis, and of halvings of an interval with a change of sign
FINE, HALVINGS = 241, 50
#: at a zero the difference is at most this share of the values around it; at a pole or a jump it is larger
_SMALL = 1e-3


@final
@dataclass(frozen=True)
class Curve:
    """A threshold whose letters are known."""

    name: str
    relation: str
    left: Formula
    right: Formula

    def depends_on(self, axis: str) -> bool:
        """Whether the threshold changes along this axis."""
        of_omega = axis.partition(".")[0] == "compressor" or axis == "dim"
        names = self.left.names | self.right.names
        return any(name == axis or name.startswith(f"{axis}.") for name in names) or (OMEGA in names and of_omega)

    def difference(self, numbers: Numbers, at: Mapping[str, np.ndarray]) -> np.ndarray:
        """Left side minus right side at the numbers of a point, with some of them replaced by arrays of one shape."""
        replaced = Numbers({**numbers.values, **at}, numbers.compressor)
        shape = next(iter(at.values())).shape
        return np.broadcast_to(self.left.value(replaced) - self.right.value(replaced), shape).astype(float)


def curves(thresholds: Sequence[Threshold], letters: Mapping[str, tuple[str, ...]]) -> list[Curve]:
    """The thresholds of a sweep, with the names that each letter may stand for. BadInput as `formula`."""
    return [Curve(t.name, t.relation, *(formula(side, t.field, letters) for side in t.sides)) for t in thresholds]


def zeros(difference: Callable[[np.ndarray], np.ndarray], places: np.ndarray) -> np.ndarray:
    """The zeros of a function between the places, not poles or jumps; those without a change of sign only at a place."""
    values = difference(places)
    exact = places[values == 0]
    with np.errstate(invalid="ignore"):
        changes = np.nonzero(values[:-1] * values[1:] < 0)[0]
    low, high = places[changes], places[changes + 1]
    sizes = np.maximum(np.abs(values[changes]), np.abs(values[changes + 1]))
    middle, remainder = _halved(difference, low, high, values[changes])
    return np.sort(np.concatenate([exact, middle[remainder <= _SMALL * sizes]]))


def _halved(
    difference: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, below: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The points between `low` and `high` where the sign changes, by halving, and the absolute differences there."""
    if not low.size:
        return low, low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below_middle = np.sign(difference(middle)) == np.sign(below)
        low, high = np.where(below_middle, middle, low), np.where(below_middle, high, middle)
    ends = np.abs(np.stack([difference(low), difference(high)]))
    return (low + high) / 2, np.nan_to_num(ends.min(axis=0), nan=np.inf)


def in_plane(curve: Curve, numbers: Numbers, x: Scale, y: Scale) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x (n,), y (m,) and the difference (m, n) on a fine grid; nan beside poles and jumps, whose sign changes are no curve."""
    across, up = x.fine(FINE), y.fine(FINE)
    grid_x, grid_y = np.meshgrid(across, up)
    values = curve.difference(numbers, {x.name: grid_x.ravel(), y.name: grid_y.ravel()}).reshape(grid_x.shape).copy()
    poles = np.zeros(values.shape, bool)
    for name, along, other, beside, lines, marks in (
        (x.name, across, y.name, up, values.T, poles.T),
        (y.name, up, x.name, across, values, poles),
    ):
        with np.errstate(invalid="ignore"):
            k, n = np.nonzero(lines[:-1] * lines[1:] < 0)  # between the places k and k + 1 of the line n
        at = beside[n]

        def difference(places: np.ndarray, name: str = name, other: str = other, at: np.ndarray = at) -> np.ndarray:
            return curve.difference(numbers, {name: places, other: at})

        sizes = np.maximum(np.abs(lines[k, n]), np.abs(lines[k + 1, n]))
        _, remainder = _halved(difference, along[k], along[k + 1], lines[k, n])
        pole = remainder > _SMALL * sizes
        for end in (k, k + 1):
            marks[end[pole], n[pole]] = True
    values[poles] = np.nan
    return across, up, values
