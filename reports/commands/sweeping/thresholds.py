"""The places where both sides of a threshold are equal, along one axis or in the plane of two axes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from sdescent.derive.reading.sweeps.figures_and_bounds import Threshold
from sdescent.derive.reading.sweeps.formula_letters import OMEGA, Numbers
from sdescent.numerics.studies.records import Formula, formula
from sdescent.reports.commands.sweeping.panels import Scale

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
    """The thresholds of a sweep.

    Args:
        letters: letter -> the names that it may stand for.

    Raises:
        BadInput: as raised by `sdescent.numerics.studies.records.formula`.
    """
    return [Curve(t.name, t.relation, *(formula(side, t.field, letters) for side in t.sides)) for t in thresholds]


def zeros(difference: Callable[[np.ndarray], np.ndarray], places: np.ndarray) -> np.ndarray:
    """The zeros of a function between the first and the last of the places; poles and jumps do not count.

    A zero without a change of sign is found only if it is one of the places.
    """
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
    """The difference on a fine grid of the plane; nan beside poles and jumps, whose sign changes are not part of the curve.

    Returns:
        x (n,), y (m,), and the difference (m, n).
    """
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
