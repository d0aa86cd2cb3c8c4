"""The compiled program of an equation, whether it was derived from a method or stated: all its steps through diffrax."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import diffrax
import numpy as np

from derive.vocabulary.errors import BadInput, unknown_name
from numerics.backend.double import jax, jnp
from numerics.laws.counter import Draws
from numerics.lowering.environment import Environment
from numerics.lowering.kept import kept
from numerics.simulate.blow_up import exits, numberless
from numerics.simulate.ensemble import Ensemble
from numerics.simulate.parameters import by_place
from numerics.simulate.programs import Program, Result, roomy
from numerics.simulate.schemes import (
    SCHEMES,
    ItoTerm,
    MacroSolver,
    OneByOne,
    Scheme,
    Segments,
    segment,
    segments,
    tsit5,
)
from numerics.simulate.systems import System

#: solver steps in a step eta, unless `dt` is given
SUBSTEPS = 8
#: steps of numbers from which a run is long: it takes a twentieth of a second, and is compiled half a second longer
LONG = 5 * 10**7
#: greatest number of steps of a solve
MOST_STEPS = 10**7


class Stepping(NamedTuple):
    """How a program steps, which it is compiled for.

    Attributes:
        by_halves, divided: as in `ItoTerm`.
        saves_start: whether the starting point is saved.
        long: as in `ItoTerm`.
    """

    by_halves: bool
    divided: bool
    saves_start: bool
    long: bool


def stepping(steps: Segments, times: np.ndarray, by_halves: bool, numbers: int) -> Stepping:
    """The stepping of a solve of so many numbers, the points of all paths, that is saved at these times."""
    return Stepping(by_halves, not by_halves and steps.divided, bool(times[0] == 0), steps.total * numbers >= LONG)


def steps_through(times: np.ndarray, dt: float, halvings: int, by_halves: bool) -> Segments:
    """The steps from 0 through all saved times.

    Raises:
        BadInput: too many of them.
    """
    made = segments(times[times > 0], dt, halvings, by_halves)
    if made.total > MOST_STEPS * 2**halvings:
        raise BadInput("dt", dt, "a step that leads to T in at most ten million solver steps")
    return made


def check_scheme(scheme: Any) -> None:
    """Raises BadInput for a name that is not that of a scheme."""
    if scheme not in SCHEMES:
        raise unknown_name("scheme", scheme, SCHEMES)


def scheme_of(name: str, system: System) -> Scheme:
    """The scheme of this name, and without noise one for ordinary differential equations."""
    return SCHEMES[name] if system.normals else tsit5


class EquationProgram(Program):
    """An equation, lowered.

    Attributes:
        system: its drift and root, at an environment that `at` makes.
        scheme: the small step.
        stepping: see there.
    """

    system: System
    scheme: Scheme
    stepping: Stepping

    @abstractmethod
    def at(self, y: Any, t: Any, free: Mapping[str, Any]) -> Environment:
        """The values that the system reads at a batch of points, held as it holds them, with these from `prepared`."""

    def prepared(self, free: Mapping[str, Any]) -> Mapping[str, Any]:
        """The free parameters, numbers or (1, paths) each, with what is made from them once for all steps."""
        return free

    def begun(self, rows: jax.Array, more: Any, term: ItoTerm) -> Any:
        """The state at the start, as the system holds it."""
        return self.system.split(rows)

    def rows(self, y: Any, more: Any) -> jax.Array:
        """A state as one array."""
        return self.system.join(y)

    def statistics(self, y: Any, more: Any) -> dict[str, jax.Array]:
        """The values that are saved of a state."""
        x = self.system.join(y)
        return {name: function(x) for name, function in self.shown.items()}

    def solved(
        self, x: np.ndarray, count: int, times: np.ndarray, steps: Segments, words: np.ndarray, free: Mapping[str, Any],
        lanes: Mapping[str, np.ndarray], bound: float, chunk: int | None, unit: float, settings: Mapping[str, Any], first: int,
        blocks: int = 1,
    ) -> Ensemble:  # fmt: skip
        """The ensemble of count paths from x (d, 1) or (d, count).

        Args:
            words: of the seed, from `stream_words`.
            free: parameters that all paths have in common.
            lanes: parameters that differ from path to path, (count,) each.
            unit: the step that errors count in.
            blocks: how many runs follow one another in this one.
        """
        self.require_held(x, bound, unit, settings, free, lanes)  # before anything is rounded
        same = not self.system.normals and x.shape[1] == 1 and not lanes  # without noise all paths are the same
        more = {"words": words, "free": free, "bound": bound, "segments": tuple(map(roomy, steps.arrays(self.dtype)))}
        more |= by_place(lanes, blocks, count, first)
        more["last"] = np.asarray(len(steps.count), self.dtype)
        made = self.ensemble(x, 1 if same else count, times, more, chunk, unit, settings, int(first))
        return made.repeated(count) if same else made

    def _term(self, draws: Draws, more: Any) -> ItoTerm:
        at = partial(self.at, free=self.prepared(self.numbers(more)))
        own = self.stepping
        return ItoTerm(self.system, at, draws, more["segments"], more["bound"], own.by_halves, own.divided, own.long)

    def run(self, x: jax.Array, draws: Draws, more: Any) -> Result:
        def saved(t: Any, y: Any, args: Any) -> dict[str, jax.Array]:
            return self.statistics(y, more)

        def last(t: Any, y: Any, args: Any) -> jax.Array:
            return self.rows(y, more)

        term = self._term(draws, more)
        solution = diffrax.diffeqsolve(
            term,
            MacroSolver(self.scheme),
            t0=-more["last"],
            t1=jnp.zeros_like(more["last"]),
            dt0=None,
            y0=self.begun(x, more, term),
            saveat=diffrax.SaveAt(
                subs=[diffrax.SubSaveAt(t0=self.stepping.saves_start, steps=1, fn=saved), diffrax.SubSaveAt(t1=True, fn=last)]
            ),
            stepsize_controller=OneByOne(),
            adjoint=diffrax.ForwardMode(),
            max_steps=more["segments"][0].shape[0],
            throw=False,  # an error inside calls Python, and programs that call Python are not kept on disk
        )
        saves: Any = solution.ys
        values, final = saves
        return jnp.where(diffrax.is_successful(solution.result), final[0], jnp.nan), values

    def leave(self, x: jax.Array, draws: Draws, more: Any) -> Result:
        term = self._term(draws, more)
        step, y = partial(segment, term, self.scheme), self.begun(x, more, term)
        last, left = exits(step, more["last"].astype(jnp.int32), term.bound, y)
        wrong = numberless(kept(lambda y, t: jax.tree.map(jnp.asarray, term.vf(t, y, None)), last, left), x.shape[1])
        return self.rows(last, more), {"left": left[None], "numberless": wrong[None]}
