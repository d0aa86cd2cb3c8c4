"""Find which paths leave the bound, when and why: a blow-up is an outcome and is counted, a missing value inside is an error.

A run writes NaN for the paths that have left, which costs nothing and propagates by itself. These few paths are then run again
with the same draws, and each step is checked.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from sdescent.numerics.backend.double import jax, jnp


class NotANumber(ArithmeticError):
    """No value of a loss, drift, covariance or step within the bound, on `path` (from 0) in `step` (from 1), ending at `time`."""

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

    `segment` maps (number up to `count`, function that makes steps, state) to the state after that segment of the run.
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
    """The times at which the paths in the columns `stopped` stopped, in double precision, from those of `exits`.

    A time equal to a saved one up to rounding becomes that one. An infinite time means that only the first of the two programs,
    which round differently, saw the path leave: it then counts as stopped at the first of `times` without a value.
    """
    gone = np.logical_or.reduce([np.isnan(value[:, stopped]) for value in values.values()])
    gone[-1] = True
    exits = np.where(np.isfinite(exit_time), exit_time.astype(float), times[gone.argmax(axis=0)])
    nearest = times[np.abs(exits[:, None] - times).argmin(axis=1)]
    return np.where(np.abs(exits - nearest) <= 8 * np.finfo(exit_time.dtype).eps * nearest, nearest, exits)


def with_infinite(
    values: Mapping[str, np.ndarray], times: np.ndarray, blown: np.ndarray, numbers: np.ndarray, step: float
) -> np.ndarray:
    """The times of blow-ups, given those of paths that left the bound, with paths inside whose saved loss or gradient is infinite.

    From that time on the values (S, paths) of such a path become NaN, as for any blow-up. Raises NotANumber for a NaN among them;
    `numbers` are those of the paths, `step` is the time of a step.
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
