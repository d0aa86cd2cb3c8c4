"""The compiled programs of a run, and the ensemble that they produce, both for a method and for its equation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, partial
from typing import Any

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.plugin_loading import named
from sdescent.numerics.backend.double import jax
from sdescent.numerics.backend.processors import require_memory
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.simulate import blow_up
from sdescent.numerics.simulate.chunks import Spread, default_chunk, run_chunks
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.parameters import on_these_paths, require_held
from sdescent.numerics.simulate.starting_points import Paths
from sdescent.numerics.simulate.streams_and_statistics import of_memory

#: (last points (d, paths), {name: (S, paths)})
Result = tuple[Any, Mapping[str, Any]]
_ahead: ContextVar[bool] = ContextVar("ahead", default=False)


class _Begun(Exception):
    """Signal that the program of a run is being compiled and the run itself is left for later."""


@contextmanager
def ahead() -> Iterator[list[bool]]:
    """Compile the program of the first run or solve in this block in another thread, and leave the block without running it.

    The same run after the block waits for that program. Wrong arguments raise the same errors as in a run. The context manager
    yields a list, which has an entry once compilation has begun.

    Example:
        >>> import sdescent as sd
        >>> from sdescent.numerics.simulate.programs import ahead
        >>> method, loss = sd.DSignSGD(sd.noise.Scaled(sd.noise.Cauchy(), 1), clients=4), sd.losses.Quadratic(1)
        >>> with ahead():
        ...     _ = sd.run(method, [2.0, -1.0], T=1.0, paths=100, params={"eta": 0.1}, loss=loss, save=3)
        ... # something else that takes time
        >>> sd.run(method, [2.0, -1.0], T=1.0, paths=100, params={"eta": 0.1}, loss=loss, save=3).paths
        100
    """
    before, begun = _ahead.set(True), list[bool]()
    try:
        yield begun
    except _Begun:
        begun.append(True)
    finally:
        _ahead.reset(before)


def roomy(array: np.ndarray) -> np.ndarray:
    """The array with its last entry repeated, up to the next of the lengths 1, 2, 4, 8, 10, 12, 14, 16, 20, ..

    A program is compiled for the lengths of its arguments and is given the number of entries that count: a few more or fewer saved
    times need no new compilation. At most a quarter of the memory is idle.
    """
    quarter = 2 ** max(0, (len(array) - 1).bit_length() - 3)
    room = -(-len(array) // quarter) * quarter if len(array) > 8 else 1 << (len(array) - 1).bit_length()
    return np.concatenate([array, np.repeat(array[-1:], room - len(array), axis=0)])


class Program(ABC):
    """A lowered method or equation, and the functions compiled for it.

    Values that may change without recompilation are given with every call, in `more`: "words" of the seed, "free" parameters,
    "bound", and everything else that a subclass reads. A path has a place, first, first + 1, .., by which it finds the values that
    differ from path to path, and a number, which determines its draws. The number is the place; but if a run has several blocks of
    "block" paths each, the numbers start from "first" again in each block.

    The rows of a state after the first d are the values of the `letters` of the memory, d rows each.
    """

    dim: int
    letters: tuple[str, ...] = ()
    dtype: Any
    wide: bool
    observables: Mapping[str, Callable[..., jax.Array]]

    @abstractmethod
    def run(self, x: jax.Array, draws: Draws, more: Any) -> Result:
        """Last points and statistics, NaN where a path has left the bound; the statistics may have more rows than saved times."""

    @abstractmethod
    def leave(self, x: jax.Array, draws: Draws, more: Any) -> Result:
        """Last points inside the bound, with "left", the exit time, and "numberless", whether the step has no value, (1, paths)."""

    @cached_property
    def _compiled(self) -> Spread:
        return Spread(lambda x, places, more: self.run(x, self._draws(places, more), {**more, "places": places}))

    @cached_property
    def _leaving(self) -> Spread:
        return Spread(lambda x, places, more: self.leave(x, self._draws(places, more), {**more, "places": places}))

    def _draws(self, places: jax.Array, more: Any) -> Draws:
        numbers = more["first"] + (places - more["first"]) % more["block"]
        return Draws((more["words"][0], more["words"][1]), numbers, dtype=self.dtype, wide=self.wide)

    def by_letter(self, rows: Any) -> dict[str, Any]:
        """The rows of a state, (rows, paths), by letter: x and each letter of the memory, (d, paths) each."""
        return {letter: rows[n * self.dim : (n + 1) * self.dim] for n, letter in enumerate(("x", *self.letters))}

    def observed(self, x: jax.Array, memory: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """The statistics at points x with the memory, (d, paths) by letter."""
        return {name: of(x, memory) if of_memory(of) else of(x) for name, of in self.observables.items()}

    def numbers(self, more: Any) -> dict[str, Any]:
        """The parameters given with a call: numbers, or (1, paths) for a parameter that differs from path to path."""
        return more["free"] | on_these_paths(more, self.dtype)

    def _require_held(self, x: np.ndarray, more: Mapping[str, Any], eta: float, about: Mapping[str, Any]) -> None:
        """Raise BadInput for a number of the user, a free parameter or one by path, which the precision does not hold."""
        once = {name: value for name, value in more["free"].items() if np.ndim(value) == 0}  # the rest are tables
        numbers = {**about["params"], **once, **more["varied"]}
        params = {f"parameter {name}": value for name, value in numbers.items()}
        for name, value in {**params, "the time of a step": eta, "bound": more["bound"], "T": about["T"]}.items():
            require_held(name, value, self.dtype)
        farthest, largest = float(np.abs(x).max()), float(np.finfo(self.dtype).max)
        if farthest > largest:
            raise BadInput("x0", farthest, f"numbers of at most {largest:.1e}, which {self.dtype} holds")

    def ensemble(
        self, x: np.ndarray, paths: Paths, times: np.ndarray, more: Mapping[str, Any], chunk: int | None, eta: float,
        about: Mapping[str, Any],
    ) -> Ensemble:  # fmt: skip
        """The ensemble of a run; paths that leave the bound are run again to find when and why (NotANumber without a value).

        The state x at the start is (rows, paths), or (rows, 1) for all; `eta` is the time of a step. The names of the user's own
        code are added to `about`. BadInput for a number that the precision does not hold, and for more numbers than memory holds.
        """
        count, first = paths.count, paths.first
        require_memory(count, len(x) + len(times) * len(self.observables), np.dtype(self.dtype).itemsize)
        self._require_held(x, more, eta, about)
        arguments = {**more, "free": {k: np.asarray(v, self.dtype) for k, v in more["free"].items()}}
        arguments |= {name: np.asarray(more[name], self.dtype) for name in ("bound", "tau", "last") if name in more}
        if "segments" in more:
            arguments["segments"] = tuple(a.astype(self.dtype) if a.dtype.kind == "f" else a for a in more["segments"])
        size, x = chunk or default_chunk(len(x), count, len(times) * len(self.observables)), x.astype(self.dtype)
        numbers = np.arange(first, first + count, dtype=np.uint32)

        def saved(y: np.ndarray, places: np.ndarray) -> Result:
            last, saves = self._compiled(y, places, arguments)
            return last, {name: np.asarray(value)[: len(times)] for name, value in saves.items()}

        lanes = self._compiled.lanes(x, min(size, count), arguments)
        if _ahead.get():
            self._compiled.ahead(x, numbers, size, lanes, arguments)
            raise _Begun
        final, values = run_chunks(saved, x, numbers, size, first, lanes)
        blown = np.broadcast_to(np.inf, count)  # this takes no memory
        stopped = np.flatnonzero(np.isnan(final[: self.dim]).any(axis=0))
        if len(stopped):
            blown = blown.copy()
            leaving = partial(self._leaving, more=arguments)
            last, exit = run_chunks(leaving, x, numbers[stopped], size, first, lanes)
            when = blow_up.as_saved(exit["left"][0], times, values, stopped)
            wrong = np.flatnonzero(exit["numberless"][0] & np.isfinite(exit["left"][0]))
            if len(wrong):
                earliest = wrong[np.argmin(when[wrong])]
                time = float(when[earliest])
                raise blow_up.NotANumber(int(numbers[stopped[earliest]]), max(1, round(time / eta)), time)
            final[:, stopped], blown[stopped] = last, when
            for value in values.values():  # even if a statistic has a value at the last point of a stopped path
                value[:, stopped] = np.where(blown[stopped] <= times[:, None] * (1 + 1e-12), np.nan, value[:, stopped])
        blown = blow_up.with_infinite(values, times, blown, numbers, eta)
        blown.flags.writeable = False  # whether or not a path has stopped
        memory = self.by_letter(final)
        return Ensemble(times, values, blown, memory.pop("x"), {**about, **named()}, memory)
