"""Solve an SDE for an ensemble of paths, through diffrax: one batched state, one `diffeqsolve`, constant steps.

Ito equations take predictor-corrector or Euler steps (`numerics.ito`); without noise the equation is an ODE and takes Tsit5
steps; a Stratonovich equation takes Heun steps. The step is a fraction of eta: a step of eta itself would hide the order of
the model behind the solver's own error, which `numerics.refinement` measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import diffrax
import numpy as np

from derive.errors import BadInput
from derive.models import SDE
from derive.models import sde as derive_sde
from derive.specialise import specialise
from numerics._jax import jax, jnp
from numerics.expect import doubling_error
from numerics.ito import SOLVERS, ItoTerm
from numerics.landscape import landscape
from numerics.parameters import parameters_of, specialised
from numerics.runs import (
    BOUND,
    Ensemble,
    Statistic,
    Stream,
    at_time,
    check_shared,
    inside,
    positive,
    save_grid,
    start,
    statistics_of,
    stream,
)
from numerics.systems import System, ito_system, stratonovich_system

#: solver steps a step of the method, unless `dt` says otherwise
SUBSTEPS = 8


def solve(
    equation: SDE,
    x0: Any,
    T: float,
    paths: int | None = None,
    key: Any = 0,
    params: Mapping[str, Any] | None = None,
    dt: float | None = None,
    save: int | Sequence[float] = 50,
    statistics: Mapping[str, Statistic] | None = None,
    loss: Any = None,
    u: Callable[[Any], Any] | None = None,
    bound: float = BOUND,
    nodes: int = 256,
    scheme: str = "predictor-corrector",
    halvings: int = 0,
    by_halves: bool = False,
) -> Ensemble:
    """Simulate independent paths of an SDE and keep statistics at times n eta, the same as `numerics.optimizers.run`.

    A path outside the ball |x_j| <= bound stays where it is; it is counted from the first saved time at which it is seen
    outside. Memory is O((d + S) paths).

    Args:
        equation: from `derive.sde`.
        x0: the starting point (d,), or one for each path (d, paths).
        T: horizon.
        paths: how many, when x0 is one point.
        key: JAX key or seed; models solved with equal keys and steps share their Brownian motion.
        params: values by symbol name: eta, N if it is a symbol, scales, compressor and loss parameters; measured
            covariances as matrices.
        dt: largest solver step (default eta/8); steps are equal between two saved times.
        save, statistics: see `numerics.runs`; the loss and the norm of the gradient are always kept.
        loss: a derive loss, a `Landscape`, or a function x (d,) -> number; the equation's own where it has one.
        u: the function t -> u(t) of a free schedule.
        bound: see above.
        nodes: of the integral over the noise, where only moments given the message are known; the change on doubling them
            at x0 is in the settings.
        scheme: "predictor-corrector" or "euler" (Ito), or "heun" (the equivalent Stratonovich equation in named
            coordinates, small d).
        halvings: how often every step is halved.
        by_halves: whether the Brownian increment of a step is the sum of those of its two halves: of one key, the run with
            one more halving then has the same Brownian motion.

    Raises:
        BadInput: an argument outside its range, a symbol without a value, a value without a symbol.
        Refusal: "heun" where no Stratonovich form exists; numbers at which the equation does not (nu = 1.5 where nu > 2
            is needed).
        NoClosedForm: a corrected or second-order model, or "heun", where only moments given the message are known.
        LoweringError: a function without array form.
    """
    parameters = parameters_of(params)
    eta: float = parameters["eta"]
    x = start(x0, paths)
    dim, count = x.shape
    if equation.dim not in (None, dim):
        raise BadInput("x0", f"{dim} coordinates", f"{equation.dim}, the dimension of the equation")
    loss = equation.loss if loss is None else loss
    equation = _at_these(equation, loss, dim, parameters)
    if "N" not in parameters and equation.method.clients.is_number:
        parameters["N"] = int(equation.method.clients)
    land = landscape(loss, dim, parameters)
    check_shared(bound, u, equation.method.schedule)
    if isinstance(nodes, bool) or not isinstance(nodes, (int, np.integer)) or nodes < 2:
        raise BadInput("nodes", nodes, "a whole number >= 2")
    steps = save_grid(positive("T", T), eta, save)
    grid = halved(step_grid(steps * eta, eta / SUBSTEPS if dt is None else dt), halvings)
    settings: dict[str, Any] = {"kind": "sde", "method": equation.method.name, "model": equation.model, "eta": eta}
    settings |= {"dim": dim, "paths": count, "scheme": scheme, "solver_steps": len(grid) - 1, "bound": bound}
    settings |= {"seed": int(key) if isinstance(key, (int, np.integer)) else None}

    if scheme not in SOLVERS:
        raise BadInput("scheme", scheme, "one of " + ", ".join(SOLVERS))
    at = partial(at_time, parameters, land, u=u)
    build = stratonovich_system if scheme == "heun" else ito_system
    system = build(equation, dim, parameters, at, nodes)
    if system.integral is not None:
        settings |= {"nodes": nodes, "doubling_error": doubling_error(system.integral, at(x[:, :1], 0.0))}
    lanes = x[:, :1] if not system.normals and np.ndim(x0) == 1 else x  # without noise all paths are the same one
    shown = statistics_of(land, statistics)

    def saved(t: Any, y: jax.Array, args: Any) -> dict[str, jax.Array]:
        return {name: function(y) for name, function in shown.items()} | {_ALIVE: inside(y, bound)}

    final, values = jax.jit(partial(_integrate, system, saved, grid, steps * eta, bound, scheme, by_halves))(
        lanes, stream(key, Stream.EQUATION)
    )
    return _ensemble(steps * eta, values, final, count, settings)


def _at_these(equation: SDE, loss: Any, dim: int, parameters: Mapping[str, Any]) -> SDE:
    """The equation, if it exists at these numbers; derived anew where they make it another one."""
    exact = specialised(equation.method, loss, dim, parameters, (s.name for s in equation.parameters))
    method = replace(equation.method, noise=exact.noise) if exact.noise.law.degenerate else equation.method
    if method is not equation.method or (equation.dim is None and dim == 1):
        # without noise, and for formulas with d - 1 in a denominator
        equation = derive_sde(method, equation.model, equation.loss, dim)
    if any(specialise(c, parameters).met is False for c in equation.conditions if c.met is None):
        derive_sde(exact, equation.model, equation.loss, dim)  # refused, unless the condition is one of accuracy alone
    return equation


_ALIVE = "inside the ball"


def step_grid(saved: np.ndarray, dt: float) -> np.ndarray:
    """Solver times: from 0 through every saved time, in equal steps of at most dt between two of them.

    Raises:
        BadInput: dt is no positive number, or asks for more than ten million steps.
    """
    dt = positive("dt", dt)
    stops = np.unique(np.concatenate([[0.0], saved]))
    counts = np.maximum(1, np.ceil(np.diff(stops) / dt * (1 - 1e-12)).astype(int))
    if counts.sum() > 10**7:
        raise BadInput("dt", dt, "at most ten million solver steps")
    pieces = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(stops[:-1], stops[1:], counts, strict=True)]
    return np.concatenate([*pieces, stops[-1:]])


def halved(grid: np.ndarray, times: int) -> np.ndarray:
    """The grid with every step halved that many times."""
    for _ in range(times):
        finer = np.empty(2 * len(grid) - 1)
        finer[::2], finer[1::2] = grid, 0.5 * (grid[:-1] + grid[1:])
        grid = finer
    return grid


def _integrate(
    system: System,
    saved: Callable[..., Any],
    grid: np.ndarray,
    times: np.ndarray,
    bound: float,
    scheme: str,
    by_halves: bool,
    x: jax.Array,
    key: jax.Array,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The one place that steps in time; a faster solver replaces it."""
    term: diffrax.AbstractTerm
    solver: Any
    if system.normals:
        shape = jax.ShapeDtypeStruct((system.normals, x.shape[1]), x.dtype)
        term = ItoTerm(system, diffrax.UnsafeBrownianPath(shape, key), bound, by_halves)
        solver = SOLVERS[scheme]()
    else:
        term = diffrax.ODETerm(lambda t, y, args: jnp.where(inside(y, bound), system.evaluate(y, t)[0], 0.0))
        solver = diffrax.Tsit5()
    solution = diffrax.diffeqsolve(
        term,
        solver,
        t0=0.0,
        t1=float(grid[-1]),
        dt0=None,
        y0=x,
        saveat=diffrax.SaveAt(
            subs=[diffrax.SubSaveAt(ts=jnp.asarray(times[times > 0]), fn=saved), diffrax.SubSaveAt(t1=True)]
        ),
        stepsize_controller=diffrax.StepTo(ts=jnp.asarray(grid)),
        adjoint=diffrax.ForwardMode(),
        max_steps=len(grid),
    )
    saves: Any = solution.ys
    values, final = saves
    if times[0] == 0:  # interpolated at its first point, a step that ends in NaN would be NaN there too
        values = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), saved(0.0, x, None), values)
    return final[0], values


def _ensemble(
    times: np.ndarray, values: Mapping[str, jax.Array], final: jax.Array, paths: int, settings: Mapping[str, Any]
) -> Ensemble:
    """Blow-ups counted from the first saved time at which a path is outside; nothing of it is kept after."""
    alive = np.logical_and.accumulate(np.asarray(values[_ALIVE]), axis=0)
    blown = np.where(alive.all(axis=0), np.inf, times[np.argmin(alive, axis=0)])
    repeat = paths // alive.shape[1]
    kept = {name: np.where(alive, np.asarray(a), np.nan) for name, a in values.items() if name != _ALIVE}
    return Ensemble(
        times=times,
        values={name: np.repeat(a, repeat, axis=1) for name, a in kept.items()},
        blow_up=np.repeat(blown, repeat),
        final=np.repeat(np.asarray(final), repeat, axis=1),
        settings=settings,
    )
