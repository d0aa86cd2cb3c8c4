"""Run independent paths of the discrete method, from the same `Method` object that its SDE is derived from (theory 1).

x_{n+1} = x_n - eta h(x_n, n tau) (1/N) sum_i C(grad f(x_n) + Z_i), or any other update rule for x and a memory. The time of a step,
tau, is eta unless the method's regime defines another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.rules.regime import NOISE
from sdescent.derive.methods.specialise import with_scales
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.names import Precision
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.laws.compressors import few
from sdescent.numerics.laws.counter import Draws, over_pairs, pair_of
from sdescent.numerics.lowering.landscape import landscape
from sdescent.numerics.lowering.rows import materialised, norm
from sdescent.numerics.lowering.to_jax import Environment, lower_coordinate, whole
from sdescent.numerics.simulate import parameters as symbols
from sdescent.numerics.simulate import streams_and_statistics as streams
from sdescent.numerics.simulate.blow_up import Advance, exits, marked, numberless
from sdescent.numerics.simulate.chunks import ROWS
from sdescent.numerics.simulate.ensemble import Ensemble, settings_of
from sdescent.numerics.simulate.programs import Program, Result, roomy
from sdescent.numerics.simulate.settings import BOUND, Arithmetic, Constants, Lanes, Numbers, positive, save_grid
from sdescent.numerics.simulate.starting_points import Points, paths_from, with_memory
from sdescent.numerics.simulate.update_rules.arrays import Oracle, Step, StepInputs
from sdescent.numerics.simulate.update_rules.drawing import Ahead, Few, drawn_ahead
from sdescent.numerics.simulate.update_rules.regimes import of_time, own_names, settled, time_of_step

#: x and each letter of the memory, (d, paths) each, and "length" (1, paths) if it is kept
State = dict[str, jax.Array]


def run(
    method: Method,
    x0: Points,
    T: float,
    paths: int | None = None,
    key: int | jax.Array = 0,
    params: Numbers | None = None,
    loss: streams.AnyLoss | None = None,
    save: int | Sequence[float] | np.ndarray = 50,
    statistics: Mapping[str, streams.Statistic] | None = None,
    u: Callable[[Any], Any] | None = None,
    oracle: Oracle | None = None,
    bound: float = BOUND,
    dtype: Precision = "float64",
    wide: bool = False,
    chunk: int | None = None,
    first: int = 0,
    varied: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    travelled: bool = False,
    memory: Mapping[str, Any] | None = None,
    blocks: int = 1,
    checked: bool = False,
) -> Ensemble:
    """Run independent paths of a method and keep statistics at the saved steps.

    A path that leaves the ball |x_j| <= bound blows up: it is counted, with the time at the end of the step that led outside, and
    stays at its last point inside. The memory of an update rule has no bound; it is kept as the update rule computes it, before
    any rescaling by a regime. The result of a run with S saved times takes O((S + d) paths) of the computer's memory.

    Args:
        method: compressor, noise, clients, schedule, and the update rule with its regime.
        T: the horizon. The run makes floor(T/tau) steps, where tau, the time of a step, is eta unless the method defines another.
        key: a JAX key or a seed; each step, client and purpose has its own draws.
        params: values by symbol name: eta, N if it is a symbol, scales, parameters of the compressor and the loss, and the
            constants of the rule and its regime. A number that the regime computes from constants, such as beta = 1 - rho eta,
            may be given in their place. Another eta or N needs no new compilation. A method with a small, fixed number of clients
            (clients=4) runs up to twice as fast.
        loss: a derive loss, a `Landscape`, or a function x (d,) -> number; a run needs one.
        statistics: as for `solve`; formulas may also use m1, .., md for a letter m of the memory. A function with two arguments
            without defaults is called with x and the memory, {letter: (d, paths)}.
        oracle: a function that gives the gradients of the clients in place of grad f + Z_i, for noise that comes from data.
        x0, paths, save, u, bound, dtype, wide, chunk, first: as for `solve` (`sdescent.numerics.simulate.equation`).
        varied: scalar symbols whose values differ from path to path, (paths,) by name: many settings in one run of one compiled
            function. Not allowed for eta, N or the symbols of the loss.
        travelled: whether to keep "length" too, the sum of ||x_{m+1} - x_m||_2 over the steps so far.
        memory: starting values of the memory by letter, (d,) or (d, paths); by default the number that the method defines.
        blocks: the number of runs of equal size that are joined in this one. The paths of each block have the numbers,
            and so the draws, of a separate run; each block may have its own values in `varied`.
        checked: whether the numbers were already checked against the domains of their symbols, as those in a file of experiments
            are. For small blocks the check takes longer than the run.

    Raises:
        BadInput: an argument outside its range, a symbol without a value, a value without a symbol.
        NotANumber: the gradient or the step has no value at a point that a path reached (`sdescent.numerics.simulate.blow_up`).

    Example:
        >>> import sdescent as sd
        >>> method = sd.DSignSGD(sd.noise.Scaled(sd.noise.Cauchy(), 1), clients=4)
        >>> ensemble = sd.run(method, [2.0, -1.0], T=1.0, paths=100, params={"eta": 0.1}, loss=sd.losses.Quadratic(1), save=3)
        >>> ensemble.values["loss"].shape
        (3, 100)
    """
    method.rule.require_shared_memory("a run")
    parameters, arithmetic = with_scales(method, symbols.parameters_of(params)), Arithmetic(dtype, wide, bound, chunk)
    ensemble = paths_from(x0, paths, key, first, blocks)
    dim = ensemble.dim
    rows = with_memory(ensemble, dict(method.rule.memory), memory)
    by_name = symbols.varied_of(with_scales(method, varied or {}, "varied {}"), ensemble.count, parameters)
    complete = checked and not own_names(method)
    completed, lanes = (parameters, by_name) if complete else _completed(method, parameters, by_name, loss, dim)
    clients = whole(symbols.specialised(method, loss, dim, completed, own_names(method)).clients, completed, "N")
    tau = time_of_step(method, completed)
    streams.check_schedule(u, method.schedule)
    if oracle is not None and NOISE in method.regime.rules:
        accepted = "None with a regime that scales the noise, since an oracle makes its own noise"
        raise BadInput("oracle", "a function", accepted)
    steps = save_grid(positive("T", T), tau, save)
    open_number = not method.clients.is_number and len(method.noise.scales) == 1 and oracle is None
    names = symbols.of_loss(loss, dim) | symbols.needed_as_numbers(method, dim, completed)
    fixed, free = symbols.constants(completed, names | (set() if open_number else {"N"}))
    setting = _Setting(
        method, loss, dim, fixed, streams.statistics_key(statistics, streams.symbols_of_state(method.rule.letters, dim)), u, oracle,
        None if open_number else clients, arithmetic.kind, bool(wide), bool(travelled), tuple(sorted(lanes)),
        (bool(method.rule.memory) or dim >= ROWS) and bool((steps % 2 == 0).all()),
    )  # fmt: skip
    more = {
        "words": streams.stream_words(key, streams.Stream.METHOD),
        "free": free,
        "bound": bound,
        "steps": roomy(steps.astype(np.int32)),
        "saves": np.int32(len(steps)),
        "clients": np.int32(clients),
        "tau": tau,
        **symbols.by_place(lanes, ensemble),
    }
    settings = {
        "kind": "method",
        **settings_of(method, loss, u, ensemble, parameters, by_name, float(T), tau),
        "clients": clients,
        "steps": int(steps[-1]),
        **arithmetic.to_dict(),
    }
    return _program(setting).ensemble(rows, ensemble, steps * tau, more, chunk, tau, settings)


def _completed(method: Method, parameters: Numbers, lanes: Lanes, loss: Any, dim: int) -> tuple[dict[str, Any], Lanes]:
    """The parameters shared by all paths, those by path, and all that follows. Raises BadInput if numbers do not fit the method."""
    if not lanes:
        return settled(method, parameters), {}
    completed = [settled(method, {**parameters, **values}) for values in symbols.combinations(lanes)]
    for numbers in completed:
        symbols.specialised(method, loss, dim, numbers, own_names(method))
    once = {*parameters, *of_time(method), *symbols.needed_as_numbers(method, dim, completed[0])}
    return symbols.by_path(completed, lanes, once)


@final
@dataclass(frozen=True)
class _Setting:
    """The key of a compiled function: everything that the function depends on."""

    method: Method
    loss: Any
    dim: int
    fixed: Constants
    statistics: tuple[tuple[str, streams.Statistic], ...]
    u: Any
    oracle: Oracle | None
    clients: int | None  # None: the number is given with every call
    dtype: Any
    wide: bool
    travelled: bool
    varied: tuple[str, ...]
    in_pairs: bool  # no save falls within a pair of draws, so no step needs a condition; not worth compiling for a small state


class _Program(Program):
    def __init__(self, setting: _Setting) -> None:
        self.setting, self.dim, self.dtype, self.wide = setting, setting.dim, setting.dtype, setting.wide
        self.letters = setting.method.rule.letters[1:]
        self.fixed = symbols.unfrozen(setting.fixed)
        self.land = landscape(setting.loss, setting.dim, self.fixed)
        self.factor = lower_coordinate(setting.method.schedule.factor)
        state = streams.symbols_of_state(setting.method.rule.letters, self.dim)
        self.observables = streams.statistics_of(self.land, dict(setting.statistics), state, self.dim)
        #: whether a step may change only a few coordinates, in O(k); not with memory, all of whose coordinates change, or a length
        plain = not self.letters and not setting.travelled
        self.few = plain and few(setting.method.compressor, self.dim, self.fixed) is not None

    def _step(
        self, draws: Draws, n: Any, more: Any, ahead: Ahead, state: State, few: bool = False, watched: bool = False
    ) -> Step:
        """Step n from `state`; `few` as in `StepInputs`, `watched` as in `Step`."""
        setting, x, t = self.setting, state["x"], n * more["tau"]
        parameters = self.fixed | self.numbers(more)

        def at(point: jax.Array) -> Environment:
            return streams.at_time(parameters, self.land, point, t, setting.u)

        def eta() -> jax.Array:
            return parameters["eta"] * self.factor(at(x))

        noise = parameters[NOISE] if NOISE in setting.method.regime.rules else None
        clients = more["clients"] if setting.clients is None else setting.clients
        inputs = StepInputs(
            setting.method, clients, self.land, setting.oracle, parameters, noise, n, t, eta, at, ahead, few
        )
        return Step(inputs, {letter: state[letter] for letter in setting.method.rule.letters}, draws, watched)

    def _after(self, draws: Draws, n: Any, more: Any, ahead: Ahead, state: State) -> State:
        """The state after step n."""
        after = self._step(draws, n, more, ahead, state).after()
        if "length" not in state:
            return after
        return {**after, "length": state["length"] + norm(after["x"] - state["x"])[None]}

    def _in_place(self, draws: Draws, n: Any, more: Any, begin: Any, end: Any, state: State) -> State:
        """The state after step n, which changes few coordinates: NaN where these exceed the bound; `run` marks the rest later."""
        going, bound = (begin <= n) & (n < end), more["bound"]
        x = self._step(draws, n, more, {}, state, few=True).after()["x"]
        if isinstance(x, Few):
            return {"x": x.step(bound, n, going).array()}
        after = marked(bound, [(lambda _: {"x": x}, None)], state)
        return jax.tree.map(partial(jnp.where, going), after, state)

    def _segment(
        self, draws: Draws, more: Any, begin: Any, end: Any, advance: Advance, state: Any, few: bool = False
    ) -> Any:
        """The state after the steps begin, .., end - 1; if `few`, by `_in_place`, which does not need `advance`."""

        def body(of_pair: Draws, pair: Any, state: Any) -> Any:
            if few:
                for half in (0, 1):
                    state = self._in_place(of_pair.at(of_pair.pair, half), 2 * pair + half, more, begin, end, state)
                return state
            steps, setting = [], self.setting
            halves, shape = [of_pair.at(of_pair.pair, half) for half in (0, 1)], (self.dim, of_pair.paths)
            parameters = self.fixed | self.numbers(more)
            ahead = drawn_ahead(setting.method, setting.clients, halves, shape, parameters, more["bound"] > 0)
            for half in (0, 1):
                n = 2 * pair + half
                steps.append((partial(self._after, halves[half], n, more, ahead[half]), (n + 1) * more["tau"]))
            if self.setting.in_pairs:
                return advance(steps, state)
            for half, step in enumerate(steps):
                n = 2 * pair + half
                state = jax.tree.map(partial(jnp.where, (begin <= n) & (n < end)), advance([step], state), state)
            return state

        return over_pairs(draws, begin // 2, (end + 1) // 2, body, state)

    def _rows(self, state: State) -> jax.Array:
        parts = [state[letter] for letter in self.setting.method.rule.letters]
        return jnp.concatenate(parts) if self.letters else parts[0]

    def run(self, x: jax.Array, draws: Draws, more: Any) -> Result:
        begun = self.by_letter(x)
        if self.setting.travelled:
            begun["length"] = jnp.zeros((1, x.shape[1]), x.dtype)

        def values(state: State) -> dict[str, jax.Array]:
            saved = self.observed(state["x"], {letter: state[letter] for letter in self.letters})
            return saved | ({"length": state["length"][0]} if self.setting.travelled else {})

        begin, end = _ends(more["steps"])

        def segment(n: Any, carried: tuple[State, dict[str, jax.Array]]) -> Any:
            state, saves = carried
            state = self._segment(draws, more, begin[n], end[n], partial(marked, more["bound"]), state, self.few)
            if self.few:
                outside = (end[n] > 0) & ~(jnp.abs(state["x"]) <= more["bound"])
                state = {"x": jnp.where(outside, jnp.nan, state["x"])}
            return state, {name: put(saves[name], value, n, 0) for name, value in values(state).items()}

        put, shapes = jax.lax.dynamic_update_index_in_dim, jax.eval_shape(values, begun)
        room = {name: jnp.zeros((len(end), *value.shape), value.dtype) for name, value in shapes.items()}
        last, saves = jax.lax.fori_loop(0, more["saves"], segment, (begun, room))
        return self._rows(last), saves

    def leave(self, x: jax.Array, draws: Draws, more: Any) -> Result:
        begin, end = _ends(more["steps"])

        def segment(n: Any, advance: Advance, state: Any) -> Any:
            return self._segment(draws, more, begin[n], end[n], advance, state)

        last, exit_time = exits(segment, more["saves"], more["bound"], self.by_letter(x))
        wrong = numberless(materialised(partial(self._computed, draws, more), last, exit_time), x.shape[1])
        return self._rows(last), {"left": exit_time[None], "numberless": wrong[None]}

    def _computed(self, draws: Draws, more: Any, last: State, exit_time: jax.Array) -> list[jax.Array]:
        """All values computed in the step in which each path left, from its last state inside."""
        n = jnp.where(jnp.isfinite(exit_time), jnp.rint(exit_time / more["tau"]) - 1, 0).astype(more["steps"].dtype)
        by_half = []
        for half in (0, 1):
            of_pair = pair_of(draws, n // 2)
            step = self._step(of_pair.at(of_pair.pair, half), n, more, {}, last, watched=True)
            step.after()
            by_half.append(step.parts)
        return [jnp.where(n % 2 == 0, a, b) for a, b in zip(*by_half, strict=True)]


def _ends(steps: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The first step of each segment, and the first step after it."""
    return jnp.concatenate([jnp.zeros(1, steps.dtype), steps[:-1]]), steps


_program = Memo(_Program)
