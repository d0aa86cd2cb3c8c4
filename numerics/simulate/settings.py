"""The settings of a simulation as objects, its saved times, and which paths leave the bound."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.names import Precision
from sdescent.numerics.backend.double import jax, jnp

#: starting points: one for all paths, (d,), or one for each, (d, paths)
Points = Sequence[float] | Sequence[Sequence[float]] | np.ndarray
#: numbers by symbol name: scalars (exact numbers too), vectors (d,), matrices (d, d)
Numbers = Mapping[str, Any]
#: the numbers that differ from path to path, (paths,) each, by name
Lanes = Mapping[str, np.ndarray]
#: the numbers that a program is compiled for, by name and as part of its key
Constants = tuple[tuple[str, Any], ...]
#: a path has blown up if its largest |x_j| exceeds this bound or is not finite, or if the loss or its gradient is infinite at a
#: saved point
BOUND = 1e8
#: the most paths: the number of a path, which determines its draws, has 31 bits
MOST_PATHS = 2**31


def positive(field: str, value: Any) -> float:
    """The value as a finite number > 0.

    Raises:
        BadInput: the value is not such a number.
    """
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise BadInput(field, value, "a finite number > 0")
    return number


def is_whole(value: Any, least: int) -> bool:
    """Whether a value is an integer, not a bool, and at least `least`."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= least)


@final
@dataclass(frozen=True, eq=False)
class Paths:
    """The paths of an ensemble, or of a part of one.

    Attributes:
        x: the starting points, (d, 1) for all paths or (d, count).
        count: the number of paths.
        key: a JAX key or a seed.
        first: the number of the first path; number and key determine the draws of a path.
        blocks: the number of runs of equal size that follow one another.
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
    """The paths that start at x0, one point (d,) for all paths or (d, paths); arguments as for `sd.solve`.

    Raises:
        BadInput: an array of another shape, a value that is not finite, a missing number of paths, a path number out of range, or
            a number of blocks that does not divide the number of paths.
    """
    point = np.asarray(x0, float)
    if point.ndim not in (1, 2) or point.size == 0 or not np.all(np.isfinite(point)):
        raise BadInput("x0", np.shape(x0), "finite numbers of shape (d,), or (d, paths)")
    if point.ndim == 2:
        if paths is not None and paths != point.shape[1]:
            raise BadInput("paths", paths, f"{point.shape[1]}, the number of starting points")
        count = point.shape[1]
    elif not is_whole(paths, 1) or paths >= MOST_PATHS:  # pyright: ignore[reportOptionalOperand]
        raise BadInput("paths", paths, "a whole number from 1 to 2^31")
    else:
        point, count = point[:, None], int(paths)  # pyright: ignore[reportArgumentType]
    if not is_whole(first, 0) or first > MOST_PATHS - count:
        raise BadInput("first", first, f"a whole number from 0 to {MOST_PATHS - count}, for {count} paths")
    if not is_whole(blocks, 1) or count % blocks:
        raise BadInput("blocks", blocks, f"a whole number >= 1 that divides the number of paths, {count}")
    return Paths(point, count, key, int(first), int(blocks))


@final
@dataclass(frozen=True)
class Arithmetic:
    """The arithmetic of a run: precision, bits of a draw, bound, paths at a time; attributes as the arguments of `sd.solve`.

    Raises:
        BadInput: an attribute outside its range.
    """

    dtype: Precision = "float64"
    wide: bool = False
    bound: float = BOUND
    chunk: int | None = None

    def __post_init__(self) -> None:
        positive("bound", self.bound)
        if self.dtype not in ("float64", "float32"):
            raise BadInput("dtype", self.dtype, "float64 or float32")
        if self.chunk is not None and not is_whole(self.chunk, 1):
            raise BadInput("chunk", self.chunk, "a whole number >= 1")

    @property
    def kind(self) -> np.dtype:
        """The type of the numbers."""
        return np.dtype(self.dtype)

    def to_dict(self) -> dict[str, Any]:
        """The arithmetic as settings of an ensemble, without the chunk, on which no result depends."""
        return {"bound": self.bound, "dtype": self.dtype, "wide": bool(self.wide)}


@final
@dataclass(frozen=True, eq=False)
class Inputs:
    """The numbers and functions with which an equation is solved; attributes as the arguments of `sd.solve`."""

    params: Numbers | None = None
    varied: Mapping[str, Any] | None = None
    loss: Any = None
    u: Any = None
    memory: Mapping[str, Any] | None = None
    checked: bool = False


def last_step(horizon: float, eta: float) -> int:
    """The largest n with n eta <= T, up to rounding."""
    return math.floor(horizon / eta * (1 + 1e-12))


def save_grid(horizon: float, eta: float, save: int | Sequence[float] | np.ndarray = 50) -> np.ndarray:
    """The step numbers n, increasing, at which the method is saved; the SDE is saved at the times n eta.

    Args:
        horizon: T > 0; the last step is the largest n with n eta <= T.
        eta: the step size, > 0.
        save: the number of saved times, evenly spread from 0 to T; or the times themselves, each moved to the nearest step.

    Raises:
        BadInput: a value outside its range.
    """
    last = last_step(positive("T", horizon), positive("eta", eta))
    if last < 1:
        raise BadInput("T", horizon, f"at least one step (eta = {eta})")
    if (count := _count(save)) is not None:
        return np.unique(np.rint(np.linspace(0, last, count)).astype(int))
    times = np.asarray(save, float)
    if times.ndim != 1 or not times.size or not np.all((times >= 0) & (times <= horizon * (1 + 1e-12))):
        raise BadInput("save", save, "times from 0 to T")
    steps = np.unique(np.rint(times / eta).astype(int))
    if steps[-1] < 1:
        raise BadInput("save", save, f"a time of at least half a step (eta = {eta})")
    return steps


def _count(save: Any) -> int | None:
    """The number of saved times, or None if `save` lists them."""
    if not isinstance(save, (int, np.integer)) or isinstance(save, bool):
        return None
    if save < 2:
        raise BadInput("save", save, "at least 2 times, or a list of times")
    return int(save)


def solve_times(horizon: float, unit: float | None, save: int | Sequence[float] | np.ndarray) -> np.ndarray:
    """The saved times of a solve, increasing: multiples of `unit`, the time of a step of the method, or any times if it is None.

    Raises:
        BadInput: times outside their range.
    """
    if unit is not None:
        return save_grid(horizon, unit, save) * unit
    if (count := _count(save)) is not None:
        return np.linspace(0, float(horizon), count)
    times = np.unique(np.asarray(save, float))
    inside = np.ndim(save) == 1 and times.size and np.all((times >= 0) & (times <= horizon * (1 + 1e-12)))
    if not inside or times[-1] <= 0:
        raise BadInput("save", save, "times from 0 to T, one of them > 0")
    return times


class NotANumber(ArithmeticError):
    """A loss, a drift, a covariance or a step has no value at a point within the bound.

    Args:
        path, step: the number of the path, from 0, and of the step that gave no number, from 1.
        time: the time after that step.
    """

    def __init__(self, path: int, step: int, time: float) -> None:
        self.path, self.step, self.time = path, step, time
        super().__init__(
            f"path {path}, step {step} (t = {time:g}): the loss, its gradient, the drift or the root of the covariance is not a "
            "number there, and nothing is infinite: this is not a blow-up but a point outside the domain of the equation"
        )


#: the points, (d, paths) or several arrays; or a dictionary with the points under "x" and other arrays, which have no bound
State = Any
#: (y -> y after the step, the time after it)
Step = tuple[Callable[[State], State], Any]
#: (steps one after the other, state) -> state
Advance = Callable[[Sequence[Step], Any], Any]


def marked(bound: Any, steps: Sequence[Step], y: Any) -> Any:
    """y after the steps, with NaN for each coordinate of its points that is NaN, or leaves |y_j| <= bound, along the way."""
    # an update rule may turn a NaN into a number; the steps of an equation keep it
    good: Any = jax.tree.map(lambda part: ~jnp.isnan(part) if isinstance(y, dict) else True, _points(y))
    for step, _ in steps:
        y = step(y)
        good = jax.tree.map(lambda g, part: g & (jnp.abs(part) <= bound), good, _points(y))
    points = jax.tree.map(lambda g, part: jnp.where(g, part, jnp.nan), good, _points(y))
    return {**y, "x": points} if isinstance(y, dict) else points


def _points(y: Any) -> Any:
    """The points of a state, whose other arrays have no bound."""
    return y["x"] if isinstance(y, dict) else y


def _watched(bound: Any, steps: Sequence[Step], state: Any) -> Any:
    y, exit_time = state
    for step, t in steps:
        y1 = step(y)
        here, good = jnp.isinf(exit_time), _inside(y1, bound)
        y = jax.tree.map(lambda new, old, stays=here & good: jnp.where(stays, new, old), y1, y)
        exit_time = jnp.where(here & ~good, jnp.asarray(t).astype(exit_time.dtype), exit_time)
    return y, exit_time


def _inside(y: Any, bound: Any) -> Any:
    """Whether every part of a path's point is inside the bound, (paths,)."""
    good: Any = True
    for part in jax.tree.leaves(_points(y)):
        within = jnp.abs(part) <= bound  # False for NaN
        good &= jnp.all(within, axis=0) if part.ndim > 1 else within
    return good


def exits(segment: Callable[[Any, Advance, Any], Any], count: int, bound: Any, y: Any) -> tuple[Any, jax.Array]:
    """The last points inside |y_j| <= bound, in the form of y, and the time after the step that led outside, (paths,).

    Args:
        segment: (number, function that makes steps, state) -> the state after that segment of the run.
        count: the number of segments.
    """
    some = jax.tree.leaves(y)[0]
    start = (y, jnp.full(some.shape[-1], jnp.inf, some.dtype))
    return jax.lax.fori_loop(0, count, lambda n, state: segment(n, partial(_watched, bound), state), start)


def numberless(parts: Any, paths: int) -> jax.Array:
    """Whether a path has NaN and no infinity, (paths,), among arrays that broadcast to (d, paths) or end in (.., paths)."""
    nan, infinite = marks(parts, paths)
    return nan & ~infinite


def marks(parts: Any, paths: int) -> tuple[jax.Array, jax.Array]:
    """Whether a path has NaN, and whether it has an infinity, (paths,) each, among arrays as for `numberless`."""
    nan, infinite = jnp.zeros(paths, bool), jnp.zeros(paths, bool)
    for part in jax.tree.leaves(parts):
        a = jnp.asarray(part)
        if a.ndim > 2 or (a.ndim and a.shape[-1] not in (1, paths)):
            a = jnp.moveaxis(a, 0, -1) if a.shape[0] == paths else jnp.broadcast_to(a.reshape(-1, 1), (a.size, paths))
        rows = a.reshape(-1, a.shape[-1] if a.ndim else 1)
        nan |= jnp.isnan(rows).any(axis=0)
        infinite |= jnp.isinf(rows).any(axis=0)
    return nan, infinite


#: statistics saved in every run with a loss; a path has blown up if one of them is infinite, even inside the bound
ALWAYS_SAVED = ("loss", "gradient_norm")


def as_saved(
    exit_time: np.ndarray, times: np.ndarray, values: Mapping[str, np.ndarray], stopped: np.ndarray
) -> np.ndarray:
    """The times at which paths stopped, in double precision.

    Args:
        exit_time: from `exits`. A time equal to a saved time up to the rounding of its type becomes that saved time. An infinite
            time means that only the first of the two programs, which round differently, saw the path leave: the path then counts
            as stopped at the first saved time without a value.
        times: the saved times, (S,).
        values: statistics at the saved times, (S, paths).
        stopped: the columns of the stopped paths.
    """
    gone = np.logical_or.reduce([np.isnan(value[:, stopped]) for value in values.values()])
    gone[-1] = True
    exits = np.where(np.isfinite(exit_time), exit_time.astype(float), times[gone.argmax(axis=0)])
    nearest = times[np.abs(exits[:, None] - times).argmin(axis=1)]
    return np.where(np.abs(exits - nearest) <= 8 * np.finfo(exit_time.dtype).eps * nearest, nearest, exits)


def with_infinite(
    values: Mapping[str, np.ndarray], times: np.ndarray, blown: np.ndarray, numbers: np.ndarray, step: float
) -> np.ndarray:
    """The times of blow-ups, including paths inside the bound whose loss or gradient is infinite at a saved point.

    From that time on the values of such a path become NaN, as for any blow-up.

    Args:
        values: statistics at the saved times, (S, paths).
        blown: the times at which paths left the bound, infinity for paths that did not, (paths,).
        numbers: the numbers of the paths, (paths,).
        step: the time of a step, by which an error counts steps.

    Raises:
        NotANumber: the loss or the norm of its gradient is NaN at a saved point.
    """
    saved = [values[name] for name in ALWAYS_SAVED if name in values]
    if all(np.isfinite(value).all() for value in saved):
        return blown
    still = ~(blown <= times[:, None] * (1 + 1e-12))
    nan, infinite = (still & np.logical_or.reduce([test(value) for value in saved]) for test in (np.isnan, np.isinf))
    first, lost = (nan | infinite).argmax(axis=0), np.flatnonzero((nan | infinite).any(axis=0))
    wrong = lost[(nan & ~infinite)[first[lost], lost]]
    if len(wrong):
        path = wrong[first[wrong].argmin()]
        time = float(times[first[path]])
        raise NotANumber(int(numbers[path]), round(time / step), time)
    when = np.array(blown)
    when[lost] = times[first[lost]]
    for value in values.values():
        value[:, lost] = np.where(when[lost] <= times[:, None] * (1 + 1e-12), np.nan, value[:, lost])
    return when


def check_numbers(stopped: np.ndarray, when: np.ndarray, wrong: np.ndarray, step: float) -> None:
    """Raise NotANumber for the earliest of the stopped paths, given by number, that have no value at their last point."""
    if wrong.any():
        first = np.flatnonzero(wrong)[np.argmin(when[wrong])]
        raise NotANumber(int(stopped[first]), max(1, round(float(when[first]) / step)), float(when[first]))
