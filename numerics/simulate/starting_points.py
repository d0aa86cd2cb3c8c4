"""The paths of a simulation: their starting points x0 and memory, their numbers and their key, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.numerics.simulate.settings import is_whole

#: starting points: one for all paths, (d,), or one for each, (d, paths)
Points = Sequence[float] | Sequence[Sequence[float]] | np.ndarray
#: path numbers are below this: the number of a path, which determines its draws, has 31 bits
MOST_PATHS = 2**31


@final
@dataclass(frozen=True, eq=False)
class Paths:
    """The paths of an ensemble, or a part of one, that start at x, (d, 1) for all or (d, count), in `blocks` runs of equal size.

    The number of a path, from `first` on, and the key, a JAX key or a seed, determine its draws.
    """

    x: np.ndarray
    count: int
    key: Any = 0
    first: int = 0
    blocks: int = 1

    @property
    def dim(self) -> int:
        """The dimension d."""
        return len(self.x)


def paths_from(x0: Any, paths: int | None, key: Any = 0, first: int = 0, blocks: int = 1) -> Paths:
    """The paths that start at x0, one point (d,) for all paths or (d, paths); arguments as for `sd.solve`, BadInput otherwise."""
    point = np.asarray(x0, float)
    if point.ndim not in (1, 2) or point.size == 0 or not np.all(np.isfinite(point)):
        raise BadInput("x0", np.shape(x0), "finite numbers of shape (d,), or (d, paths)")
    if point.ndim == 2:
        if paths is not None and paths != point.shape[1]:
            raise BadInput("paths", paths, f"{point.shape[1]}, the number of starting points")
        count = point.shape[1]
    elif not is_whole(paths, 1) or paths >= MOST_PATHS:  # pyright: ignore[reportOptionalOperand]
        raise BadInput("paths", paths, "a whole number from 1 to 2^31 - 1")
    else:
        point, count = point[:, None], int(paths)  # pyright: ignore[reportArgumentType]
    if not is_whole(first, 0) or first > MOST_PATHS - count:
        raise BadInput("first", first, f"a whole number from 0 to {MOST_PATHS - count}, for {count} paths")
    if not is_whole(blocks, 1) or count % blocks:
        raise BadInput("blocks", blocks, f"a whole number >= 1 that divides the number of paths, {count}")
    return Paths(point, count, key, int(first), int(blocks))


def check_dimension(expected: int | None, dim: int) -> None:
    """Raise BadInput if the equation was derived for one dimension and the starting point has another."""
    if expected not in (None, dim):
        raise BadInput("x0", f"{dim} coordinates", f"{expected}, the dimension of the equation")


def with_memory(paths: Paths, starts: Mapping[str, Any], memory: Mapping[str, Any] | None) -> np.ndarray:
    """The state at the start, (rows, 1) or (rows, paths): x, then the letters of the memory, from `memory` if given, else `starts`.

    BadInput for a letter that the method does not have, an array of the wrong shape, or a value that is not finite.
    """
    memory, dim, parts = memory or {}, paths.dim, [paths.x]
    for letter in (name for name in memory if name not in starts):
        accepted = f"a letter of the method's memory: {', '.join(starts) or 'it has none'}"
        raise unknown_name("memory", letter, starts, accepted)
    for letter, value in starts.items():
        try:
            values = np.asarray(memory.get(letter, np.full(dim, float(value))), float)
        except (TypeError, ValueError):
            values = np.array(np.nan)
        values = values[:, None] if values.ndim == 1 else values
        if values.shape not in ((dim, 1), (dim, paths.count)) or not np.all(np.isfinite(values)):
            accepted = f"finite numbers of shape ({dim},), or ({dim}, {paths.count})"
            raise BadInput(f"memory {letter}", np.shape(values), accepted)
        parts.append(values)
    columns = max(part.shape[1] for part in parts)
    return np.concatenate([np.broadcast_to(part, (dim, columns)) for part in parts])
