"""The compiled program of an equation, derived from a method or stated by the user: all its steps through diffrax."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import diffrax
import numpy as np
import sympy as sp

from sdescent.derive.expressions.coordinates import symbols_of
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.lowering.landscape import landscape
from sdescent.numerics.lowering.rows import materialised
from sdescent.numerics.lowering.tape import Environment
from sdescent.numerics.simulate import blow_up, settings
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.noise_integrals import doubling_error
from sdescent.numerics.simulate.parameters import combinations, unfrozen
from sdescent.numerics.simulate.programs import Program, Result
from sdescent.numerics.simulate.schemes import SCHEMES, ItoTerm, MacroSolver, OneByOne, Stepping, segment, tsit5
from sdescent.numerics.simulate.streams_and_statistics import Statistic, statistics_of
from sdescent.numerics.simulate.systems import System


def check_milstein(kind: str | None) -> None:
    """Raise BadInput unless the noise is of a type for which Milstein's scheme is defined: additive or diagonal."""
    if kind not in ("additive", "diagonal"):
        why = f"milstein needs diagonal noise or additive noise, and this noise is {kind or 'of unknown type'}"
        raise BadInput("scheme", "milstein", f"another scheme, such as euler: {why}")


@final
@dataclass(frozen=True)
class Subject:
    """An equation to be compiled, compared by its identity (expressions and more), since its matrices have no hash.

    Users' formulas may have the symbols `state`; `loss`, `u` as for `sd.solve`; `fixed` are numbers of every call, `varied` names.
    """

    equation: Any = field(compare=False)
    identity: tuple[Any, ...]
    state: tuple[sp.Symbol, ...]
    dim: int
    loss: Any
    u: Any
    fixed: settings.Constants
    varied: tuple[str, ...]


@final
@dataclass(frozen=True)
class Setting:
    """The key of a compiled program: the equation and the way in which it is solved."""

    subject: Subject
    scheme: str
    nodes: int
    statistics: tuple[tuple[str, Statistic], ...]
    dtype: Any
    wide: bool
    stepping: Stepping


@final
@dataclass(frozen=True, eq=False)
class Problem:
    """An equation at the numbers of a solve.

    `program` maps a setting to its program, `scheme` a name to the scheme to compile, `settings` the horizon to the settings that
    any ensemble has, to which `about` adds those of this kind. `rows` are the state at the start, (rows, 1) or (rows, paths),
    `free` the parameters of all paths, `lanes` those that differ, (paths,) each, `unit` is the time of a step of the method, if
    any, and `usual` the statistics if the user names none.
    """

    program: Callable[[Setting], EquationProgram]
    subject: Subject
    rows: np.ndarray
    free: dict[str, Any]
    lanes: settings.Lanes
    unit: float | None
    scheme: Callable[[str], str]
    settings: Callable[[float], dict[str, Any]]
    about: Mapping[str, Any]
    usual: Mapping[str, Statistic] | None = None


class EquationProgram(Program):
    """The program of a lowered equation.

    It has the loss `land`, if any, `system` as functions of an environment from `at`, and the `scheme`, tsit5 without noise.
    """

    has_loss = True

    def __init__(self, setting: Setting) -> None:
        self.setting, self.subject = setting, setting.subject
        self.fixed, self.dim = unfrozen(self.subject.fixed), self.subject.dim
        self.dtype, self.wide = setting.dtype, setting.wide
        self.land: Any = landscape(self.subject.loss, self.dim, self.fixed) if self.has_loss else None
        self.system = self.lowered()
        self.scheme = SCHEMES[setting.scheme] if self.system.normals else tsit5
        self.observables = statistics_of(self.land, dict(setting.statistics), self.subject.state, self.dim)
        if self.system.integral is not None and setting.dtype != np.float64:
            accepted = "float64, because drift and covariance are integrals over the noise"
            raise BadInput("dtype", str(setting.dtype), accepted)
        self._doubling: dict[Any, float] = {}

    @abstractmethod
    def lowered(self) -> System:
        """The equation of the setting as a system."""

    @abstractmethod
    def at(self, y: Any, t: Any, free: Mapping[str, Any]) -> Environment:
        """The environment at a batch of points y, in the form that the system uses, with the values `free` from `prepared`."""

    def prepared(self, free: Mapping[str, Any]) -> Mapping[str, Any]:
        """The free parameters, numbers or (1, paths) each, with the values computed from them once for all steps."""
        return free

    def begun(self, rows: jax.Array, more: Any, term: ItoTerm) -> Any:
        """The state at the start, in the form that the system uses."""
        return self.system.split(rows)

    def held(self, rows: Any, numbers: Mapping[str, Any]) -> Any:
        """A state in the form that the system uses, from one array."""
        return self.system.split(rows)

    def rows(self, y: Any, more: Any) -> jax.Array:
        """A state as one array."""
        return self.system.join(y)

    def statistics(self, y: Any, more: Any) -> dict[str, jax.Array]:
        """The values of a state that are saved."""
        x = self.system.join(y)
        return {name: function(x) for name, function in self.observables.items()}

    def beginning(
        self, rows: np.ndarray, free: settings.Numbers, lanes: settings.Lanes, unit: float
    ) -> tuple[settings.Numbers, settings.Lanes]:
        """The free parameters and the parameters by path, with the values that the start adds to them."""
        return free, lanes

    def about(self, rows: np.ndarray, free: settings.Numbers, lanes: settings.Lanes) -> dict[str, Any]:
        """Nodes and `doubling_error`, the largest at x0, of an integral over the noise; kept, since it can outlast a solve."""
        integral = self.system.integral
        if integral is None:
            return {}
        start, some = rows[:, :1], combinations(lanes)
        names = {s.name for s in symbols_of([*integral.conditional.scales, *integral.conditional.given_v.expressions])}
        numbers = sorted((name, value) for name, value in free.items() if name in names)
        place = (start.tobytes(), *numbers, *(tuple(one.items()) for one in some))
        if place not in self._doubling:
            by_path = {n: np.array([[one[n] for one in some]]) if len(some) > 1 else some[0][n] for n in some[0]}
            values = {**free, **by_path}
            points = self.held(jnp.asarray(np.repeat(start, len(some), axis=1)), values)
            self._doubling[place] = doubling_error(integral, self.at(points, 0.0, values))
        error = self._doubling[place]
        return {"nodes": self.setting.nodes, "doubling_error": error if math.isfinite(error) else None}

    def ended(self, ensemble: Ensemble) -> Ensemble:
        """The ensemble as it is returned to the user."""
        return ensemble

    def _term(self, draws: Draws, more: Any) -> ItoTerm:
        at = partial(self.at, free=self.prepared(self.numbers(more)))
        halves, stepping = more["by_halves"], self.setting.stepping
        return ItoTerm(self.system, at, draws, more["segments"], more["bound"], halves, stepping)

    def run(self, x: jax.Array, draws: Draws, more: Any) -> Result:
        term, saved, begin = self._term(draws, more), diffrax.SubSaveAt, self.setting.stepping.saves_start
        statistics = saved(t0=begin, steps=1, fn=lambda t, y, args: self.statistics(y, more))
        solution = diffrax.diffeqsolve(
            term,
            MacroSolver(self.scheme),
            t0=-more["last"],
            t1=jnp.zeros_like(more["last"]),
            dt0=None,
            y0=self.begun(x, more, term),
            saveat=diffrax.SaveAt(subs=[statistics, saved(t1=True, fn=lambda t, y, args: self.rows(y, more))]),
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
        last, exit_time = blow_up.exits(step, more["last"].astype(jnp.int32), term.bound, y)
        values = materialised(lambda y, t: jax.tree.map(jnp.asarray, term.vf(t, y, None)), last, exit_time)
        wrong = blow_up.numberless(values, x.shape[1])
        return self.rows(last, more), {"left": exit_time[None], "numberless": wrong[None]}
