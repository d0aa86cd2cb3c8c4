"""The discrete method itself, from the same `Method` object that its SDE is derived from (theory 1).

x_{n+1} = x_n - eta h(x_n, n eta) (1/N) sum_i C(grad f(x_n) + Z_i), for a batch of independent paths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

from derive.methods.distributed import Method
from derive.vocabulary.choices import Precision
from numerics.backend.compiled import Compiled
from numerics.backend.double import jax, jnp
from numerics.laws.compressors import compress
from numerics.laws.counter import Draws, over_pairs
from numerics.laws.noises import noise_at
from numerics.lowering.environment import Environment
from numerics.lowering.landscape import landscape
from numerics.lowering.scalars import whole
from numerics.lowering.to_jax import lower_coordinate
from numerics.simulate.blow_up import Advance, exits, marked, numberless
from numerics.simulate.chunks import check_chunk
from numerics.simulate.ensemble import Ensemble, settings_of
from numerics.simulate.parameters import (
    combinations,
    constants,
    on_these_paths,
    padded,
    parameters_of,
    specialised,
    unfrozen,
    varied_of,
)
from numerics.simulate.programs import Program, Result
from numerics.simulate.runs import (
    BOUND,
    AnyLoss,
    Numbers,
    Points,
    Statistic,
    Stream,
    at_time,
    check_shared,
    positive,
    precision,
    save_grid,
    start,
    statistics_key,
    statistics_of,
    stream_words,
)

#: (draws, x (d, paths), client) -> that client's stochastic gradient at each path's point, (d, paths)
Oracle = Callable[[Draws, jax.Array, Any], jax.Array]
#: up to this number of clients, if the method has it, the loop over them is unrolled; one that is a symbol is given with each call
UNROLLED = 4


def run(
    method: Method,
    x0: Points,
    T: float,
    paths: int | None = None,
    key: int | jax.Array = 0,
    params: Numbers | None = None,
    loss: AnyLoss | None = None,
    save: int | Sequence[float] | np.ndarray = 50,
    statistics: Mapping[str, Statistic] | None = None,
    u: Callable[[Any], Any] | None = None,
    oracle: Oracle | None = None,
    bound: float = BOUND,
    dtype: Precision = "float64",
    wide: bool = False,
    chunk: int | None = None,
    first: int = 0,
    varied: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    travelled: bool = False,
) -> Ensemble:
    """Run independent paths of a method and keep statistics at saved steps. Memory is O(S paths), and O(d) per path of a chunk.

    A path that leaves the ball |x_j| <= bound is counted with the time of the step at which that happened, and stays at its last
    point inside.

    Args:
        method: compressor, noise, clients and schedule.
        x0: the starting point (d,), or one for each path (d, paths).
        T: horizon; floor(T/eta) steps are made.
        paths: number of paths, when x0 is one point.
        key: JAX key or seed; each step, client and purpose has its own draws. Path n is bitwise the same for any `paths` and
            `chunk`.
        params: values by symbol name: eta, N if it is a symbol, scales, compressor and loss parameters. Another eta or N compiles
            nothing; a small number of clients that the method itself has (clients=4) is up to twice as fast.
        loss: a derive loss, a `Landscape`, or a function x (d,) -> number; a run needs one.
        save: how many times are kept, evenly spread from 0 to T; or the times themselves, each taken to its nearest step.
        statistics: by name, functions x (d, paths) -> (paths,) written with jax.numpy, or formulas in x1, .., xd, "x1^2"; the
            loss and the norm of the gradient are always kept, as "loss" and "gradient_norm".
        u: the function t -> u(t) of a free schedule.
        oracle: gradients of the clients in place of grad f + Z_i, for noise that comes from data.
        bound: see above.
        dtype, wide, chunk, first: as for `solve` (`numerics.simulate.equation`).
        varied: values of scalar symbols that differ from path to path, (paths,) by name: many settings in one run, of one
            compiled function. Not eta, N or symbols of the loss.
        travelled: whether to keep "length" too, the sum of ||x_{m+1} - x_m||_2 over the steps so far.

    Raises:
        BadInput: an argument outside its range, a symbol without a value, a value without a symbol.
        NotANumber: the gradient or the step has no value at a point that a path reached (`numerics.simulate.blow_up`).

    Example:
        >>> import sdescent as sd
        >>> method = sd.DSignSGD(sd.Scaled(sd.Cauchy(), 1), clients=4)
        >>> found = sd.run(method, [2.0, -1.0], T=1.0, paths=100, params={"eta": 0.1}, loss=sd.Quadratic(1), save=3)
        >>> found.values["loss"].shape
        (3, 100)
    """
    parameters = parameters_of(params)
    eta: float = parameters["eta"]
    x, count = start(x0, paths, first)
    dim = x.shape[0]
    lanes = varied_of(varied, count, parameters)
    for own in combinations(lanes):
        clients = whole(specialised(method, loss, dim, parameters | own).clients, parameters, "N")
    check_shared(bound, u, method.schedule)
    steps = save_grid(positive("T", T), eta, save)
    open_number = not method.clients.is_number and len(method.noise.scales) == 1 and oracle is None
    fixed, free = constants(method, loss, dim, parameters, also=() if open_number else ("N",))
    setting = _Setting(
        method, loss, dim, fixed, statistics_key(statistics, dim), u, oracle, None if open_number else clients, precision(dtype),
        bool(wide), bool(travelled), tuple(sorted(lanes)),
    )  # fmt: skip
    more = {"words": stream_words(key, Stream.METHOD), "free": free, "bound": bound, "steps": steps.astype(np.int32)}
    more |= {"varied": padded(lanes), "first": np.uint32(first), "clients": np.int32(clients)}
    settings = {"kind": "method", **settings_of(method, loss, u, x, count, int(first), key, parameters, lanes, float(T))}
    settings |= {"clients": clients, "steps": int(steps[-1]), "bound": bound, "dtype": dtype, "wide": bool(wide)}
    return _program(setting).ensemble(x, count, steps * eta, more, check_chunk(chunk), eta, settings, int(first))


@final
@dataclass(frozen=True)
class _Setting:
    """The key of a compiled function: everything that it depends on."""

    method: Method
    loss: Any
    dim: int
    fixed: tuple[tuple[str, Any], ...]
    statistics: tuple[tuple[str, Statistic], ...]
    u: Any
    oracle: Oracle | None
    clients: int | None  # None: given with every call
    dtype: Any
    wide: bool
    travelled: bool
    varied: tuple[str, ...]


class _Program(Program):
    def __init__(self, setting: _Setting) -> None:
        self.setting, self.dim, self.dtype, self.wide = setting, setting.dim, setting.dtype, setting.wide
        self.fixed = unfrozen(setting.fixed)
        self.land = landscape(setting.loss, setting.dim, self.fixed)
        self.factor = lower_coordinate(setting.method.schedule.factor)
        self.shown = statistics_of(self.land, dict(setting.statistics), self.dim)

    def _gradients(self, here: Environment, parameters: Mapping[str, Any]) -> Callable[[Draws, Any], jax.Array]:
        """(draws, client) -> that client's stochastic gradient; the full gradient is computed once, not for each client."""
        oracle, g = self.setting.oracle, here.vectors["g"]
        if oracle is not None:
            return lambda draws, client: oracle(draws, here.vectors["x"], client)
        return lambda draws, client: g + noise_at(self.setting.method.noise, draws, here, parameters, client)

    def _total(self, draws: Draws, here: Environment, clients: Any, parameters: Mapping[str, Any]) -> jax.Array:
        """The sum of the messages."""
        method, gradient = self.setting.method, self._gradients(here, parameters)
        x = here.vectors["x"]

        def message(client: Any) -> jax.Array:
            own = draws.fold(client)
            return compress(method.compressor, own.fold(1), gradient(own.fold(0), client), parameters)

        known = self.setting.clients is not None
        if known and (len(method.noise.scales) > 1 or clients <= UNROLLED):  # other scales are other expressions
            return sum((message(i) for i in range(clients)), jnp.zeros_like(x))
        return jax.lax.fori_loop(0, clients, lambda i, s: s + message(i), jnp.zeros_like(x))

    def _after(self, draws: Draws, n: Any, more: Any, x: jax.Array) -> jax.Array:
        """x after step n."""
        parameters = self.fixed | more["free"] | on_these_paths(more["varied"], draws.lanes, more["first"], x.dtype)
        eta = parameters["eta"]
        here = at_time(parameters, self.land, x, n * eta, self.setting.u)
        clients = more["clients"] if self.setting.clients is None else self.setting.clients
        return x - eta * self.factor(here) / clients * self._total(draws, here, clients, parameters)

    def _further(self, draws: Draws, n: Any, more: Any, y: jax.Array) -> jax.Array:
        """x, and below it the length of the path so far, after step n."""
        x = self._after(draws, n, more, y[:-1])
        return jnp.concatenate([x, y[-1:] + jnp.sqrt(jnp.sum((x - y[:-1]) ** 2, axis=0, keepdims=True))])

    def _segment(
        self, draws: Draws, more: Any, begin: Any, end: Any, advance: Advance, state: Any, after: Callable[..., jax.Array]
    ) -> Any:
        """The state after the steps begin, .., end - 1, of which `after` makes one."""
        eta = more["free"]["eta"]

        def body(own: Draws, pair: Any, state: Any) -> Any:
            for half in (0, 1):
                n = 2 * pair + half
                step = partial(after, own.at(own.pair, half), n, more), (n + 1) * eta
                # one of the two where a saved time divides the pair: which do is not known when this is compiled
                state = jax.tree.map(partial(jnp.where, (begin <= n) & (n < end)), advance([step], state), state)
            return state

        return over_pairs(draws, begin // 2, (end + 1) // 2, body, state)

    def run(self, x: jax.Array, draws: Draws, more: Any) -> Result:
        advance, further = partial(marked, more["bound"]), self.setting.travelled
        after = self._further if further else self._after

        def segment(y: jax.Array, ends: tuple[jax.Array, jax.Array]) -> Any:
            y = self._segment(draws, more, *ends, advance, y, after)
            x = y[: self.dim]
            values = {name: function(x) for name, function in self.shown.items()}
            return y, values | ({"length": y[-1]} if further else {})

        last, values = jax.lax.scan(segment, jnp.pad(x, ((0, 1), (0, 0))) if further else x, _ends(more["steps"]))
        return last[: self.dim], values

    def leave(self, x: jax.Array, draws: Draws, more: Any) -> Result:
        begin, end = _ends(more["steps"])

        def segment(n: Any, advance: Advance, state: Any) -> Any:
            return self._segment(draws, more, begin[n], end[n], advance, state, self._after)

        last, left = exits(segment, begin.shape[0], more["bound"], x)
        return last, {"left": left[None], "numberless": numberless((self.land.gradient(last),), x.shape[1])[None]}


def _ends(steps: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The first step of each segment, and the first after it."""
    return jnp.concatenate([jnp.zeros(1, steps.dtype), steps[:-1]]), steps


_program = Compiled(_Program)
