"""Solve an SDE for an ensemble of paths, through diffrax: one batched state, one `diffeqsolve` per chunk, constant steps.

Ito equations take predictor-corrector, Euler or Milstein steps (`numerics.simulate.schemes`); without noise the equation is an
ODE and takes Tsit5 steps; a Stratonovich equation takes Heun steps. The step is a fraction of eta: a step of eta itself would
hide the order of the model behind the solver's own error, which `numerics.simulate.refinement` measures.

Compiled programs are kept: a second solve of the same equation and shapes, with another eta, scale, seed or horizon, compiles
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from derive.derivation import SDE, RuleSDE
from derive.derivation import sde as derive_sde
from derive.equations.in_coordinates import state_symbols
from derive.expressions.coordinates import symbols_of
from derive.methods.specialise import specialise
from derive.stated.equation import StateSDE
from derive.step.moments import require
from derive.vocabulary.choices import Precision, SchemeName
from derive.vocabulary.errors import BadInput
from numerics.backend.compiled import Compiled
from numerics.backend.double import jax, jnp
from numerics.lowering.environment import Environment
from numerics.lowering.landscape import landscape
from numerics.lowering.to_jax import tables_for, untabulated
from numerics.simulate.chunks import check_chunk
from numerics.simulate.ensemble import Ensemble, settings_of
from numerics.simulate.equation_program import (
    SUBSTEPS,
    EquationProgram,
    Stepping,
    check_scheme,
    scheme_of,
    stepping,
    steps_through,
)
from numerics.simulate.noise_integrals import NoiseIntegral, doubling_error
from numerics.simulate.parameters import (
    combinations,
    constants,
    deciding,
    of_loss,
    parameters_of,
    specialised,
    unfrozen,
    varied_of,
)
from numerics.simulate.rule_equations.solving import solve_rule
from numerics.simulate.runs import (
    BOUND,
    AnyLoss,
    Numbers,
    Points,
    Statistic,
    Stream,
    at_time,
    check_dimension,
    check_shared,
    positive,
    precision,
    save_grid,
    start,
    statistics_key,
    statistics_of,
    stream_words,
)
from numerics.simulate.stated import solve_stated
from numerics.simulate.systems import ito_system, stratonovich_system


def solve(
    equation: SDE | StateSDE,
    x0: Points,
    T: float,
    paths: int | None = None,
    key: int | jax.Array = 0,
    params: Numbers | None = None,
    dt: float | None = None,
    save: int | Sequence[float] | np.ndarray = 50,
    statistics: Mapping[str, Statistic] | None = None,
    loss: AnyLoss | None = None,
    u: Callable[[Any], Any] | None = None,
    bound: float = BOUND,
    nodes: int = 256,
    scheme: SchemeName = "predictor-corrector",
    halvings: int = 0,
    by_halves: bool = False,
    dtype: Precision = "float64",
    wide: bool = False,
    chunk: int | None = None,
    first: int = 0,
    varied: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    memory: Mapping[str, Any] | None = None,
    blocks: int = 1,
    checked: bool = False,
) -> Ensemble:
    """Simulate independent paths of an SDE and keep statistics at times n eta, the same as `numerics.simulate.method.run`.

    A path that leaves the ball |x_j| <= bound is counted with the time of the step at which that happened, and stays at its last
    point inside. Memory is O(S paths), and O(d) for each path of a chunk.

    Args:
        equation: from `sde`; one of one's own is solved by `numerics.simulate.stated.solve_stated`, that of an update rule with
            memory by `numerics.simulate.rule_equations.solving.solve_rule`, which say what differs.
        x0: the starting point (d,), or one for each path (d, paths).
        T: horizon.
        paths: number of paths, when x0 is one point.
        key: JAX key or seed; models solved with equal keys and steps share their Brownian motion. Path n is bitwise the same,
            whatever `paths` and `chunk` are.
        params: values by symbol name: eta, N if it is a symbol, scales, compressor and loss parameters; measured
            covariances as matrices.
        dt: largest solver step (default eta/8); steps are equal between two saved times.
        save: how many times are kept, evenly spread from 0 to T; or the times themselves, each taken to its nearest step.
        statistics: by name, functions x (d, paths) -> (paths,) written with jax.numpy, or formulas in x1, .., xd, "x1^2"; the
            loss and the norm of the gradient are always kept, as "loss" and "gradient_norm".
        loss: a derive loss, a `Landscape`, or a function x (d,) -> number; the equation's own where it has one.
        u: the function t -> u(t) of a free schedule.
        bound: see above.
        nodes: of the integral over the noise, where only moments given the message are known; a bound on its error at x0 is in
            the settings, as "doubling_error", None where a moment there is infinite.
        scheme: "predictor-corrector", "euler" or "milstein" (Ito, the last for additive, scalar and diagonal noise in one
            dimension or coordinate by coordinate), or "heun" (the equivalent Stratonovich equation in named coordinates, small d).
        halvings: how often every step is halved.
        by_halves: whether the Brownian increment of a step is the sum of the increments of its two halves: with the same key,
            the run with one more halving then has the same Brownian motion.
        dtype: "float64" or "float32".
        wide: normals of 52 bits, where tails beyond 6 standard deviations matter; several times slower.
        chunk: number of paths at a time; the result does not depend on it.
        first: the number of the first path: a part of a large ensemble may be computed separately, bitwise as in the whole.
        varied: values of scalar symbols that differ from path to path, (paths,) by name, as for `run`. Not eta, N or symbols of
            the loss.
        memory: where the memory of an update rule starts.
        blocks, checked: as for `run`; then the equation is known to exist at these numbers too.

    Raises:
        BadInput: an argument outside its range, a symbol without a value, a value without a symbol.
        Refusal: "heun" where no Stratonovich form exists; numbers at which the equation does not (nu = 1.5 where nu > 2
            is needed).
        NoClosedForm: a corrected or second-order model, or "heun", where only moments given the message are known.
        LoweringError: a function without array form.
        NotANumber: the equation has no value at a point that a path reached (`numerics.simulate.blow_up`).

    Example:
        >>> import sdescent as sd
        >>> equation = sd.sde(sd.DSGD(sd.Scaled(sd.Gaussian(), 1), clients=4), loss=sd.Quadratic(1), dim=2)
        >>> found = sd.solve(equation, [2.0, -1.0], T=1.0, paths=100, params={"eta": 0.1}, save=3)
        >>> found.values["loss"].shape
        (3, 100)
    """
    if isinstance(equation, RuleSDE):
        return solve_rule(
            equation, x0, T, paths, key, params, dt, save, statistics, loss, u, bound, scheme, halvings, by_halves, dtype, wide,
            chunk, first, varied, memory, blocks,
        )  # fmt: skip
    if memory:
        raise BadInput("memory", ", ".join(memory), "nothing: this equation is not that of an update rule with memory")
    if isinstance(equation, StateSDE):
        for name, value in (("loss", loss), ("u", u)):
            if value is not None:
                raise BadInput(name, value, "None for an equation of one's own: write it into the drift")
        return solve_stated(
            equation, x0, T, paths, key, params, dt, save, statistics, bound, scheme, halvings, by_halves, dtype, wide, chunk,
            first, varied, blocks,
        )  # fmt: skip
    parameters = parameters_of(params)
    eta: float = parameters["eta"]
    x, count = start(x0, paths, first)
    dim = x.shape[0]
    check_dimension(equation.dim, dim)
    loss = equation.loss if loss is None else loss
    lanes = varied_of(varied, count, parameters)
    if not checked:
        equation = _on_all_paths(equation, loss, dim, parameters, lanes)
    if "N" not in parameters and equation.method.clients.is_number:
        parameters["N"] = int(equation.method.clients)
    check_shared(bound, u, equation.method.schedule)
    if isinstance(nodes, bool) or not isinstance(nodes, (int, np.integer)) or nodes < 2:
        raise BadInput("nodes", nodes, "a whole number >= 2")
    check_scheme(scheme)
    chunk = check_chunk(chunk)
    times = save_grid(positive("T", T), eta, save) * eta
    steps = steps_through(times, eta / SUBSTEPS if dt is None else positive("dt", dt), halvings, by_halves)

    tables = tables_for(equation.expressions, parameters)
    names = untabulated(equation.expressions, tables) | of_loss(loss, dim)
    if equation.form is None:  # the nodes of an integral are made from the numbers of the law
        names |= deciding(equation.method, loss, dim)
    fixed, free = constants(parameters, names)
    free |= tables
    known = (equation.method, equation.model, equation.loss, equation.dim, *equation.expressions)
    program = _program(
        _Setting(
            equation, known, loss, dim, fixed, statistics_key(statistics, state_symbols(dim)), u, nodes, scheme,
            stepping(steps, times, by_halves, count * dim), precision(dtype), bool(wide), tuple(sorted(lanes)),
        )
    )  # fmt: skip
    if scheme == "milstein":
        _check_milstein(equation, dim)
    if program.system.integral is not None and dtype != "float64":
        raise BadInput("dtype", dtype, "float64, where drift and covariance are integrals over the noise")
    words = stream_words(key, Stream.EQUATION)
    settings = {"kind": "sde", **settings_of(equation.method, loss, u, x, count, int(first), key, parameters, lanes, float(T))}
    settings |= {"model": equation.model, "scheme": scheme, "solver_steps": steps.total, "dt": float(steps.step.max())}
    settings |= {"halvings": halvings, "by_halves": bool(by_halves), "bound": bound, "dtype": dtype, "wide": bool(wide)}
    if program.system.integral is not None:
        error = program.doubling(program.system.integral, x[:, :1], free, combinations(lanes))
        settings |= {"nodes": nodes, "doubling_error": error if math.isfinite(error) else None}
    return program.solved(x, count, times, steps, words, free, lanes, bound, chunk, eta, settings, first, blocks)


def _check_milstein(equation: SDE, dim: int) -> None:
    """Raises BadInput where a coordinate's noise depends on others, or several noises act on one."""
    kind = equation.coordinates(dim).noise_type if dim > 1 and equation.loss is not None else None
    if dim > 1 and kind not in ("additive", "diagonal"):
        told = f"milstein needs diagonal noise, and this noise is {kind or 'of unknown type'}"
        raise BadInput("scheme", "milstein", f"another scheme, such as euler: {told}")


#: a study solves one equation many times over
_derived = Compiled(lambda asked: derive_sde(*asked), 32)


def _at_these(equation: SDE, loss: Any, dim: int, parameters: Mapping[str, Any]) -> SDE:
    """The equation, if it exists at these numbers; derived again where the numbers change it."""
    exact = specialised(equation.method, loss, dim, parameters, (s.name for s in equation.parameters))
    method = replace(equation.method, noise=exact.noise) if exact.noise.law.degenerate else equation.method
    if method is not equation.method or (equation.dim is None and dim == 1):
        # without noise, and for formulas with d - 1 in a denominator
        equation = _derived((method, equation.model, equation.loss, dim))
    if any(specialise(c, parameters).met is False for c in equation.conditions if c.met is None):
        require(exact, dim)  # refused, unless the condition is one of accuracy alone
    return equation


def _on_all_paths(
    equation: SDE, loss: Any, dim: int, parameters: Mapping[str, Any], lanes: Mapping[str, np.ndarray]
) -> SDE:
    """The equation, if it exists at the values of every path; one equation for all of them.

    Raises:
        BadInput: the equation of some paths is another one, as where their noise is 0.
    """
    found = [_at_these(equation, loss, dim, {**parameters, **own}) for own in combinations(lanes)]
    if any(one.expressions != found[0].expressions for one in found):
        told = "values at which all paths have one equation: scales > 0, or 0 for every path (`run` takes both at once)"
        raise BadInput("varied", "values of which some make the noise vanish", told)
    return found[0]


@final
@dataclass(frozen=True)
class _Setting:
    """The key of a compiled function; an equation is identified by its expressions, since its matrices have no hash."""

    equation: SDE = field(compare=False)
    known: tuple[Any, ...]
    loss: Any
    dim: int
    fixed: tuple[tuple[str, Any], ...]
    statistics: tuple[tuple[str, Statistic], ...]
    u: Any
    nodes: int
    scheme: str
    stepping: Stepping
    dtype: Any
    wide: bool
    varied: tuple[str, ...]


class _Program(EquationProgram):
    def __init__(self, setting: _Setting) -> None:
        self.setting, self.stepping = setting, setting.stepping
        self.dim, self.dtype, self.wide = setting.dim, setting.dtype, setting.wide
        self.fixed = unfrozen(setting.fixed)
        self.land = landscape(setting.loss, setting.dim, self.fixed)
        if setting.scheme == "heun":
            self.system = stratonovich_system(setting.equation, setting.dim, self.fixed)
        else:
            self.system = ito_system(setting.equation, setting.dim, self.fixed, setting.nodes, setting.loss)
        self.scheme = scheme_of(setting.scheme, self.system)
        self._doubling: dict[Any, float] = {}
        self.shown = statistics_of(self.land, dict(setting.statistics), state_symbols(self.dim), self.dim)

    def doubling(self, integral: NoiseIntegral, x: np.ndarray, free: Mapping[str, float], some: list[dict[str, float]]) -> float:
        """`doubling_error` at x0 (d, 1), at each combination of values that differ from path to path.

        Kept for these values, since it takes longer than some solves; eta and N are not among them, unless a scale or a moment is
        made of it.
        """
        read = {s.name for s in symbols_of([*integral.conditional.scales, *integral.conditional.given_v.expressions])}
        given = {name: value for name, value in free.items() if name in read}
        known = (x.tobytes(), *sorted(given.items()), *(tuple(one.items()) for one in some))
        if known not in self._doubling:
            own = {n: np.array([[one[n] for one in some]]) if len(some) > 1 else some[0][n] for n in some[0]}
            points = jnp.asarray(np.repeat(x, len(some), axis=1))
            self._doubling[known] = doubling_error(integral, self.at(points, 0.0, {**free, **own}))
        return self._doubling[known]

    def at(self, y: Any, t: Any, free: Mapping[str, Any]) -> Environment:
        return at_time({**self.fixed, **free}, self.land, y, t, self.setting.u)


_program = Compiled(_Program)
