"""What a figure of a sweep shows, without drawing it: the panels, and the numbers of each run in each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from sdescent.derive.proof.language.text import latex_name
from sdescent.derive.reading.sweeps.figures_and_bounds import Bound, Figure
from sdescent.derive.reading.sweeps.panels import Layout
from sdescent.reports.commands.sweeping.table import UNSEEN, Table, Value, plain
from sdescent.reports.document.figures import as_text

#: words before the letter of a field
_WORDS = {"eta": r"step size $\eta$", "clients": "clients $N$", "dim": "dimension $d$", "T": "time $T$"}
#: the letter alone, for panels
_LETTERS = {"eta": r"\eta", "clients": "N", "dim": "d", "T": "T"}


@final
@dataclass
class Cell:
    """A run at a place of a panel.

    Attributes:
        value: of the estimate, the mean of the repeats; None where there is none.
        ends: of its interval, or None.
        refused: whether the run has no numbers there.
        lost, paths: paths that blew up, and all of them.
        bounds: values of bounds by name.
        point: the first point's name.
        unseen: whether it is a mean that the sample does not see, which has no interval.
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
    """The numbers of a panel.

    Attributes:
        values: of the axes in which panels differ, by name.
        runs: by run, {(x,) or (x, y): its cell}.
    """

    values: Mapping[str, Value]
    runs: dict[str, dict[Place, Cell]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Its values, in mathematics."""
        return ", ".join(_equation(name, value) for name, value in self.values.items())

    @property
    def point(self) -> str | None:
        """A point of it."""
        return next((cell.point for cells in self.runs.values() for cell in cells.values()), None)


@final
@dataclass(frozen=True)
class Scale:
    """The values along x or y, and where they stand.

    Args:
        name: of the axis.
        kind: "text", "linear" or "log".
        values: in their order.
    """

    name: str
    kind: str
    values: tuple[Value, ...]

    def at(self, value: Value) -> float:
        """Where a value stands: text at 0, 1, .."""
        return float(self.values.index(value)) if self.kind == "text" else float(value or 0)

    @property
    def places(self) -> np.ndarray:
        """Where the values stand."""
        return np.array([self.at(value) for value in self.values])

    @property
    def edges(self) -> np.ndarray:
        """Of cells around the values: in the middle between two of them, geometrically on a logarithmic axis."""
        places = np.log(self.places) if self.kind == "log" else self.places
        if len(places) == 1:
            half = math.log(1.5) if self.kind == "log" else 0.5 if self.kind == "text" else abs(places[0]) / 2 or 0.5
            found = np.array([places[0] - half, places[0] + half])
        else:
            middle = (places[1:] + places[:-1]) / 2
            found = np.concatenate([[2 * places[0] - middle[0]], middle, [2 * places[-1] - middle[-1]]])
        return np.exp(found) if self.kind == "log" else found

    def room(self, scattered: bool) -> tuple[float, float]:
        """The ends of the axis as it is drawn; with some room around points that stand alone."""
        low, high = self.fine(20)[[0, -1]]
        if not scattered or self.kind == "text":
            return low, high
        return (low / (high / low) ** 0.05, high * (high / low) ** 0.05) if self.kind == "log" else (
            low - (high - low) / 20, high + (high - low) / 20)  # fmt: skip

    def fine(self, count: int) -> np.ndarray:
        """Many places from the first edge to the last, evenly on the axis as it is drawn."""
        low, high = self.edges[[0, -1]]
        return np.geomspace(low, high, count) if self.kind == "log" else np.linspace(low, high, count)

    @property
    def label(self) -> str:
        """For an axis."""
        return axis_label(self.name)


def scale(name: str, values: Sequence[Value]) -> Scale:
    """The scale of these values of an axis: logarithmic where they are spaced more evenly so."""
    found = list(dict.fromkeys(values))
    numbers = [v for v in found if isinstance(v, int | float)]
    if len(numbers) < len(found):
        return Scale(name, "text", tuple(found))
    places = sorted(float(v) for v in numbers)
    return Scale(name, "log" if _geometric(places) else "linear", tuple(sorted(numbers)))


def _geometric(places: Sequence[float]) -> bool:
    if len(places) < 2 or places[0] <= 0:
        return False
    if len(places) == 2:
        return places[1] > 10 * places[0]

    def uneven(gaps: np.ndarray) -> float:
        return float(gaps.std() / gaps.mean())

    return uneven(np.diff(np.log(places))) < uneven(np.diff(places))


def panels(table: Table, figure: Figure, asked: Layout, runs: Sequence[str], bounds: Sequence[Bound]) -> list[Panel]:
    """The panels of a figure with their numbers; points that have no value of x or y are left out."""
    found = {tuple(map(plain, own)): Panel(dict(zip(asked.axes, map(plain, own), strict=True))) for own in asked.panels}
    rows: dict[tuple[Place, str, Place], list[int]] = {}
    columns = table.columns
    for n in rows_at(table, figure):
        run, place = str(columns["run"][n]), tuple(columns[name][n] for name in figure.axes)
        if run not in runs or None in place:
            continue
        rows.setdefault((tuple(columns[name][n] for name in asked.axes), run, place), []).append(n)
    for run in runs:
        for (key, own, place), numbers in rows.items():
            if own == run and key in found:
                found[key].runs.setdefault(run, {})[place] = _cell(table, figure, numbers, bounds)
    return list(found.values())


def rows_at(table: Table, figure: Figure) -> list[int]:
    """The rows of the points that have the values which a figure fixes."""
    at = {name: plain(value.exact) for name, value in (figure.at or {}).items()}
    return [n for n in range(len(table)) if all(table.columns[name][n] == value for name, value in at.items())]


def _cell(table: Table, figure: Figure, rows: Sequence[int], bounds: Sequence[Bound]) -> Cell:
    """The cell of a row, or of several: of repeats, whose errors are independent."""
    columns, name = table.columns, f"{figure.quantity}_{figure.estimate}"
    there = [n for n in rows if columns["refused"][n] is None]
    lost, paths = (sum(int(columns[key][n] or 0) for n in there) for key in ("blow_ups", "paths"))
    known = {b.name: columns[b.column][rows[0]] for b in bounds if b.of == figure.quantity}
    own = {key: float(value) for key, value in known.items() if value is not None}
    made = Cell(None, None, not there, lost, paths, own, str(columns["point"][rows[0]]))
    read = [[_number(columns.get(column), n) for n in there] for column in (name, f"{name}_lower", f"{name}_upper")]
    if not there or None in read[0]:
        return made
    made.value = sum(read[0]) / len(there)
    made.unseen = figure.estimate == "mean" and any(
        columns[f"{figure.quantity}_{UNSEEN}"][n] is not None for n in there
    )
    if not made.unseen and None not in read[1] and None not in read[2]:
        below, above = (
            math.hypot(*(v - end for v, end in zip(read[0], ends, strict=True))) / len(there) for ends in read[1:]
        )
        made.ends = made.value - below, made.value + above
    return made


def _number(column: Sequence[Value] | None, n: int) -> Any:
    value = None if column is None else column[n]
    return None if value is None or not math.isfinite(float(value)) else float(value)


def axis_label(name: str) -> str:
    """An axis' name in mathematics where it has numbers with a letter: noise.nu is noise and the Greek letter."""
    field, dot, part = name.partition(".")
    if name in _WORDS:
        return _WORDS[name]
    return rf"{field} ${latex_name(part.rpartition('.')[2])}$" if dot else as_text(name)


def _equation(name: str, value: Value) -> str:
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    letter = _LETTERS.get(name) or (latex_name(name.rpartition(".")[2]) if "." in name else None)
    if value is None:
        return f"no {as_text(name)}"
    if isinstance(value, str):
        return as_text(shown if name in ("method", "compressor", "noise", "loss", "schedule") else f"{name} = {shown}")
    return f"${letter}={shown}$" if letter else f"{as_text(name)} $={shown}$"
