"""Where the two sides of a threshold are equal, along one axis or in the plane of two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from sdescent.derive.reading.sweeps.figures_and_bounds import Threshold
from sdescent.derive.reading.sweeps.formula_letters import OMEGA, Numbers
from sdescent.numerics.studies.formulas import Formula, formula
from sdescent.reports.commands.sweeping.cells import Scale

#: points of a fine grid along an axis; halvings of an interval with a change of sign
FINE, HALVINGS = 241, 50
#: what is left of a difference at a zero of it, and not at a pole or a jump
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
        """Whether a value of this axis is a letter of it."""
        of_omega = axis.partition(".")[0] == "compressor" or axis == "dim"
        names = self.left.names | self.right.names
        return any(name == axis or name.startswith(f"{axis}.") for name in names) or (OMEGA in names and of_omega)

    def difference(self, numbers: Numbers, at: Mapping[str, np.ndarray]) -> np.ndarray:
        """Left side minus right side at the numbers of a point, some of them replaced by arrays of one shape."""
        own = Numbers({**numbers.values, **at}, numbers.compressor)
        shape = next(iter(at.values())).shape
        return np.broadcast_to(self.left.value(own) - self.right.value(own), shape).astype(float)


def curves(thresholds: Sequence[Threshold], known: Mapping[str, tuple[str, ...]]) -> list[Curve]:
    """The thresholds of a sweep.

    Args:
        known: what letters may stand for.

    Raises:
        BadInput: as `sdescent.numerics.studies.formulas.formula`.
    """
    return [Curve(t.name, t.relation, *(formula(side, t.field, known) for side in t.sides)) for t in thresholds]


def zeros(difference: Callable[[np.ndarray], np.ndarray], places: np.ndarray) -> np.ndarray:
    """Where a function has a zero between the first and the last of these places; poles and jumps are none.

    A zero without a change of sign is found only at one of the places.
    """
    found = difference(places)
    exact = places[found == 0]
    with np.errstate(invalid="ignore"):
        changes = np.nonzero(found[:-1] * found[1:] < 0)[0]
    low, high = places[changes], places[changes + 1]
    sizes = np.maximum(np.abs(found[changes]), np.abs(found[changes + 1]))
    middle, left = _halved(difference, low, high, found[changes])
    return np.sort(np.concatenate([exact, middle[left <= _SMALL * sizes]]))


def _halved(
    difference: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, below: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where the sign changes between `low` and `high`, and the absolute difference there."""
    if not low.size:
        return low, low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        left = np.sign(difference(middle)) == np.sign(below)
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    ends = np.abs(np.stack([difference(low), difference(high)]))
    return (low + high) / 2, np.nan_to_num(ends.min(axis=0), nan=np.inf)


def in_plane(curve: Curve, numbers: Numbers, x: Scale, y: Scale) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The difference on a fine grid of the plane, nan beside poles and jumps, whose changes of sign are not part of the curve.

    Returns:
        x (n,), y (m,), and the difference (m, n).
    """
    across, up = x.fine(FINE), y.fine(FINE)
    grid_x, grid_y = np.meshgrid(across, up)
    found = curve.difference(numbers, {x.name: grid_x.ravel(), y.name: grid_y.ravel()}).reshape(grid_x.shape).copy()
    poles = np.zeros(found.shape, bool)
    for axis, moving, still in ((1, (x.name, grid_x), (y.name, grid_y)), (0, (y.name, grid_y), (x.name, grid_x))):
        first, second = (_cut(found, axis, part) for part in (0, 1))
        with np.errstate(invalid="ignore"):
            rows, columns = np.nonzero(first * second < 0)
        low, high, other = (
            _cut(a, axis, part)[rows, columns] for a, part in ((moving[1], 0), (moving[1], 1), (still[1], 0))
        )

        def along(
            places: np.ndarray, name: str = moving[0], beside: tuple[str, np.ndarray] = (still[0], other)
        ) -> np.ndarray:
            return curve.difference(numbers, {name: places, beside[0]: beside[1]})

        sizes = np.maximum(np.abs(first[rows, columns]), np.abs(second[rows, columns]))
        _, left = _halved(along, low, high, first[rows, columns])
        at = left > _SMALL * sizes
        poles[rows[at], columns[at]] = True
        poles[rows[at] + (axis == 0), columns[at] + (axis == 1)] = True
    found[poles] = np.nan
    return across, up, found


def _cut(array: np.ndarray, axis: int, part: int) -> np.ndarray:
    """All but the last entries along an axis, or all but the first."""
    own: list[Any] = [slice(None), slice(None)]
    own[axis] = slice(1, None) if part else slice(None, -1)
    return array[tuple(own)]
