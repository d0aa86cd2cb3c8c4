"""The discrete method itself, from the same `Method` object that its SDE is derived from (theory 1).

x_{n+1} = x_n - eta h(x_n, n eta) (1/N) sum_i C(grad f(x_n) + Z_i), for a batch of independent paths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from derive.methods import Method
from numerics._jax import jax, jnp
from numerics.landscape import Landscape, landscape
from numerics.lower import lower_coordinate
from numerics.parameters import parameters_of, specialised
from numerics.random import compress, sample_noise
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
from numerics.scalars import whole

#: (key, x (d, paths), client) -> that client's stochastic gradient at each path's point, (d, paths)
Oracle = Callable[[jax.Array, jax.Array, Any], jax.Array]


def run(
    method: Method,
    x0: Any,
    T: float,
    paths: int | None = None,
    key: Any = 0,
    params: Mapping[str, Any] | None = None,
    loss: Any = None,
    save: int | Sequence[float] = 50,
    statistics: Mapping[str, Statistic] | None = None,
    u: Callable[[Any], Any] | None = None,
    oracle: Oracle | None = None,
    bound: float = BOUND,
) -> Ensemble:
    """Run independent paths of a method and keep statistics at saved steps. Memory is O((d + S) paths).

    A path that leaves the ball |x_j| <= bound, or stops being finite, is frozen at its last point inside and counted with
    the time of the step at which that happened.

    Args:
        method: compressor, noise, clients and schedule.
        x0: the starting point (d,), or one for each path (d, paths).
        T: horizon; floor(T/eta) steps are made.
        paths: how many, when x0 is one point.
        key: JAX key or seed; each step, client and purpose folds its own stream from it.
        params: values by symbol name: eta, N if it is a symbol, scales, compressor and loss parameters.
        loss: a derive loss, a `Landscape`, or a function x (d,) -> number.
        save, statistics: see `numerics.runs`; the loss and the norm of the gradient are always kept.
        u: the function t -> u(t) of a free schedule.
        oracle: gradients of the clients in place of grad f + Z_i, for noise that comes from data.

    Raises:
        BadInput: an argument outside its range, a symbol without a value, a value without a symbol.
    """
    parameters = parameters_of(params)
    eta: float = parameters["eta"]
    x = start(x0, paths)
    clients = whole(specialised(method, loss, x.shape[0], parameters).clients, parameters, "N")
    land = landscape(loss, x.shape[0], parameters)
    check_shared(bound, u, method.schedule)
    steps = save_grid(positive("T", T), eta, save)
    factor = lower_coordinate(method.schedule.factor)
    draw = oracle or _model_oracle(method, land, parameters)
    shown = statistics_of(land, statistics)

    def message(step_key: jax.Array, x: jax.Array, client: Any) -> jax.Array:
        noise_key, compressor_key = jax.random.split(jax.random.fold_in(step_key, client))
        return compress(method.compressor, compressor_key, draw(noise_key, x, client), parameters)

    def total(step_key: jax.Array, x: jax.Array) -> jax.Array:
        if len(method.noise.scales) > 1:  # each client has an expression of its own, so the loop is unrolled
            return sum((message(step_key, x, i) for i in range(clients)), jnp.zeros_like(x))
        return jax.lax.fori_loop(0, clients, lambda i, s: s + message(step_key, x, i), jnp.zeros_like(x))

    def step(n: jax.Array, state: tuple[jax.Array, jax.Array], base: jax.Array) -> tuple[jax.Array, jax.Array]:
        x, blown = state
        h = factor(at_time(parameters, land, x, n * eta, u))
        moved = x - eta * h / clients * total(jax.random.fold_in(base, n), x)
        blown = jnp.where((blown < 0) & ~inside(moved, bound), n + 1, blown)
        return jnp.where(blown < 0, moved, x), blown

    @jax.jit
    def simulate(x: jax.Array, base: jax.Array) -> tuple[tuple[jax.Array, jax.Array], dict[str, jax.Array]]:
        def segment(state: Any, bounds: jax.Array) -> Any:
            state = jax.lax.fori_loop(bounds[0], bounds[1], lambda n, s: step(n, s, base), state)
            alive = state[1] < 0
            return state, {name: jnp.where(alive, function(state[0]), jnp.nan) for name, function in shown.items()}

        begin = (x, jnp.full(x.shape[1], -1))
        bounds = jnp.stack([jnp.concatenate([jnp.zeros(1, int), jnp.asarray(steps)[:-1]]), jnp.asarray(steps)], axis=1)
        return jax.lax.scan(segment, begin, bounds)

    (final, blown), values = simulate(x, stream(key, Stream.METHOD))
    when = np.asarray(blown)
    return Ensemble(
        times=steps * eta,
        values={name: np.asarray(value) for name, value in values.items()},
        blow_up=np.where(when < 0, np.inf, when * eta),
        final=np.asarray(final),
        settings={
            "kind": "method",
            "method": method.name,
            "eta": eta,
            "clients": clients,
            "dim": x.shape[0],
            "paths": x.shape[1],
            "steps": int(steps[-1]),
            "bound": bound,
            "seed": int(key) if isinstance(key, (int, np.integer)) else None,
        },
    )


def _model_oracle(method: Method, land: Landscape, parameters: Mapping[str, Any]) -> Oracle:
    """grad f + Z_i with the method's own noise."""

    def draw(key: jax.Array, x: jax.Array, client: Any) -> jax.Array:
        g = land.gradient(x)
        return g + sample_noise(method.noise, key, g, parameters, client)

    return draw
