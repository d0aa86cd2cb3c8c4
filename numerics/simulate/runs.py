"""The choices that the discrete method and its SDE share, so that the two can be compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from functools import cache, lru_cache, wraps
from inspect import signature
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.methods.losses import Loss
from sdescent.derive.methods.schedules import Free
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.registry import BUILT_IN_STATISTICS, entries
from sdescent.derive.vocabulary.symbols import matched
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import words_of
from sdescent.numerics.lowering.environment import Environment, environment
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.lowering.norms import norm
from sdescent.numerics.lowering.to_jax import lower_function
from sdescent.numerics.simulate.ensemble import Ensemble as Ensemble
from sdescent.numerics.simulate.ensemble import last_step

#: x (d, paths) -> (paths,), written with jax.numpy; of a method with memory also (x, memory) -> (paths,), memory being (d, paths)
#: by letter; or a formula in x1, .., xd, as text or in SymPy
Statistic = Callable[..., jax.Array] | sp.Expr | str
#: starting points: one, (d,), or one for each path, (d, paths)
Points = Sequence[float] | Sequence[Sequence[float]] | np.ndarray
#: a derive loss, its batch form, or a function x (d,) -> number written with jax.numpy
AnyLoss = Loss | Landscape | Callable[[jax.Array], Any]
#: numbers by the names of symbols: scalars (exact ones too), vectors (d,), matrices (d, d)
Numbers = Mapping[str, Any]
#: a path whose largest |x_j| passes this, or is not finite, has blown up; so has one at whose saved point the loss or its gradient
#: is infinite
BOUND = 1e8
#: paths have numbers of 31 bits, which determine their draws
MOST_PATHS = 2**31


def positive(field: str, value: Any) -> float:
    """A finite number > 0.

    Raises:
        BadInput: anything else.
    """
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise BadInput(field, value, "a finite number > 0")
    return number


def check_dimension(own: int | None, dim: int) -> None:
    """Raises BadInput for a starting point in another dimension than the equation was derived for, if it was for one."""
    if own not in (None, dim):
        raise BadInput("x0", f"{dim} coordinates", f"{own}, the dimension of the equation")


def check_schedule(u: Any, schedule: Any) -> None:
    """Raises BadInput for a u without a free schedule."""
    if u is not None and not isinstance(schedule, Free):
        raise BadInput("u", u, "None, because the method's schedule is not a free one")


def save_grid(horizon: float, eta: float, save: int | Sequence[float] | np.ndarray = 50) -> np.ndarray:
    """Step numbers n at which both the method and the SDE (at time n eta) are saved; increasing.

    Args:
        horizon: T > 0. The last step is the largest n with n eta <= T.
        eta: step size > 0.
        save: number of saved times, evenly spread from 0 to T; or the times themselves, each moved to its nearest step.

    Raises:
        BadInput: a value outside its range.
    """
    last = last_step(positive("T", horizon), positive("eta", eta))
    if last < 1:
        raise BadInput("T", horizon, f"at least one step (eta = {eta})")
    if isinstance(save, (int, np.integer)) and not isinstance(save, bool):
        if save < 2:
            raise BadInput("save", save, "at least 2 times, or a list of times")
        return np.unique(np.rint(np.linspace(0, last, int(save))).astype(int))
    times = np.asarray(save, float)
    if times.ndim != 1 or not times.size or not np.all((times >= 0) & (times <= horizon * (1 + 1e-12))):
        raise BadInput("save", save, "times from 0 to T")
    steps = np.unique(np.rint(times / eta).astype(int))
    if steps[-1] < 1:
        raise BadInput("save", save, f"a time of at least half a step (eta = {eta})")
    return steps


def with_memory(x: np.ndarray, paths: int, starts: Mapping[str, Any], given: Mapping[str, Any] | None) -> np.ndarray:
    """The state at the start, (rows, 1) or (rows, paths): x, then the memory letters in their order.

    Args:
        starts: letter -> the value of all coordinates at the start, unless another is given.
        given: letter -> values (d,) or (d, paths), by the user.

    Raises:
        BadInput: a letter that the method does not have; another shape; a value that is not finite.
    """
    parts = [x]
    for letter in given or {}:
        if letter not in starts:
            told = f"a letter of the method's memory: {', '.join(starts) or 'it has none'}"
            raise unknown_name("memory", letter, starts, told)
    for letter, value in starts.items():
        try:
            own = np.asarray((given or {}).get(letter, np.full(len(x), float(value))), float)
        except (TypeError, ValueError):
            own = np.array(np.nan)
        own = own[:, None] if own.ndim == 1 else own
        if own.shape not in ((len(x), 1), (len(x), paths)) or not np.all(np.isfinite(own)):
            raise BadInput(
                f"memory {letter}", np.shape(own), f"finite numbers of shape ({len(x)},), or ({len(x)}, {paths})"
            )
        parts.append(own)
    columns = max(part.shape[1] for part in parts)
    return np.concatenate([np.broadcast_to(part, (len(x), columns)) for part in parts]) if len(parts) > 1 else x


def start(x0: Any, paths: int | None, first: int = 0) -> tuple[np.ndarray, int]:
    """x0 as (d, 1), one point for all paths, or (d, paths), and how many paths there are.

    Raises:
        BadInput: another shape, a value that is not finite, no number of paths, or a path number out of range.
    """
    point = np.asarray(x0, float)
    if point.ndim not in (1, 2) or point.size == 0 or not np.all(np.isfinite(point)):
        raise BadInput("x0", np.shape(x0), "finite numbers of shape (d,), or (d, paths)")
    if point.ndim == 2:
        if paths is not None and paths != point.shape[1]:
            raise BadInput("paths", paths, f"{point.shape[1]}, the number of starting points")
        count = point.shape[1]
    elif isinstance(paths, bool) or not isinstance(paths, (int, np.integer)) or not 1 <= paths < MOST_PATHS:
        raise BadInput("paths", paths, "a whole number from 1 to 2^31")
    else:
        point, count = point[:, None], int(paths)
    if isinstance(first, bool) or not isinstance(first, (int, np.integer)) or not 0 <= first <= MOST_PATHS - count:
        raise BadInput("first", first, f"a whole number from 0 to {MOST_PATHS - count}, for {count} paths")
    return point, count


def precision(dtype: Any) -> Any:
    """The type of this name; raises BadInput for another name than float64 or float32."""
    if dtype not in ("float64", "float32"):
        raise BadInput("dtype", dtype, "float64 or float32")
    return np.dtype(dtype)


class Stream(IntEnum):
    """The purpose of a seed: the method and its equation never share a draw, even with one seed for both."""

    METHOD = 0
    EQUATION = 1


def nth_key(seed: int, n: int) -> Any:
    """The key of the n-th of several experiments with one seed, from 0: the seed itself, then keys that share no draw with it.

    `stream` folds 0 and 1 into the key of the first; the others begin at 2.
    """
    return seed if n == 0 else jax.random.fold_in(jax.random.key(seed), n + len(Stream) - 1)


def stream(key: Any, purpose: Stream) -> jax.Array:
    """The JAX key of one purpose, from a key or a whole-number seed.

    Raises:
        BadInput: neither a JAX key nor a whole number from 0 to 2^63 - 1.
    """
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool) and 0 <= key < 2**63:
        key = jax.random.key(int(key))
    try:
        return jax.random.fold_in(key, purpose)
    except (TypeError, ValueError):
        raise BadInput("key", key, "a JAX key, or a whole number from 0 to 2^63 - 1") from None


def stream_words(key: Any, purpose: Stream) -> np.ndarray:
    """The two words of `stream`, from which `sdescent.numerics.laws.counter` draws."""
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        return _seed_words(int(key), purpose)
    return np.asarray(jax.random.key_data(stream(key, purpose)))


@lru_cache(maxsize=256)
def _seed_words(seed: int, purpose: Stream) -> np.ndarray:
    own = jax.config.jax_default_prng_impl  # pyright: ignore[reportAttributeAccessIssue]
    plain = own == "threefry2x32" and 0 <= seed < 2**63
    words = words_of(seed, purpose) if plain else np.array(jax.random.key_data(stream(seed, purpose)))
    words.flags.writeable = False
    return words


def at_time(
    parameters: Mapping[str, Any], land: Landscape, x: jax.Array, t: Any, u: Callable[[Any], Any] | None = None
) -> Environment:
    """The environment at a batch of points: gradient, time, schedule, Hessian products.

    Args:
        u: the schedule t -> u(t) that the symbol u stands for, written with jax.numpy.
    """
    scalars = {"t": t}
    if u is not None:
        own: list[Callable[[Any], Any]] = [u, jax.grad(lambda s: jnp.asarray(u(s), float))]
        if jnp.ndim(t):  # a time for each path
            own = [jax.vmap(function) for function in own]
        scalars |= {"u": own[0](t), "du": own[1](jnp.asarray(t, float))}
        scalars = {name: jnp.asarray(value, x.dtype) for name, value in scalars.items()}
    return environment(
        {name: value if jnp.ndim(value) == 0 else jnp.asarray(value, x.dtype) for name, value in parameters.items()},
        {"x": x, "g": land.gradient(x)},
        scalars=scalars,
        directional=lambda c, n: land.directional(x, c, n),
    )


def statistics_of(
    land: Landscape | None, extra: Mapping[str, Statistic], state: Sequence[sp.Symbol], dim: int
) -> dict[str, Callable[..., jax.Array]]:
    """The loss, the norm of the gradient, and further statistics by name, as functions of x, or of x and the memory.

    Args:
        extra: from `statistics_key`.
        state: the symbols of x, then those of the memory.

    Raises:
        BadInput: a name that is taken.
        LoweringError: a formula without array form.
    """
    built_in: dict[str, Callable[..., jax.Array]] = {}
    if land is not None:
        built_in = {"loss": land.value, "gradient_norm": lambda x: norm(land.gradient(x))}
    for name in built_in.keys() & extra.keys():
        raise BadInput("statistics", name, "a name other than loss and gradient_norm, which are always kept")
    return built_in | {name: _one_per_path(name, _function(given, state, dim)) for name, given in extra.items()}


def _one_per_path(name: str, function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """The statistic with its shape checked: a number alone or (1, paths) would be spread over the paths without a word."""

    @wraps(function)
    def checked(x: jax.Array, *more: Any) -> jax.Array:
        value = function(x, *more)
        if jnp.shape(value) != x.shape[1:]:
            told = f"a function x (d, paths) -> (paths,), here {x.shape} to {x.shape[1:]}: a sum over coordinates has axis=0"
            raise BadInput(f"statistic {name}", f"shape {jnp.shape(value)}", told)
        return value

    return checked


def named_statistics(names: Iterable[str]) -> dict[str, Statistic]:
    """The statistics that a file names, as `run` and `solve` take them: without the loss and the gradient's norm, which both keep.

    Args:
        names: from `sdescent.derive.reading.statistics.read_quantities`.
    """
    own = entries("statistic")
    kept = [name for name in names if name not in ("loss", "gradient_norm")]
    named = dict.fromkeys(BUILT_IN_STATISTICS, norm) | {name: one.build for name, one in own.items()}
    return {name: named[name] if name in named else coordinate(int(name[1:]) - 1) for name in kept}


@cache
def coordinate(n: int) -> Statistic:
    """A coordinate of x, from 0; the same function object each time, so that compiled programs are reused."""
    return lambda x: x[n]


def of_memory(statistic: Callable[..., Any]) -> bool:
    """Whether a statistic is a function of x and the memory: it has two arguments that must be given by their place."""
    try:
        given = signature(statistic).parameters.values()
    except (TypeError, ValueError):  # a compiled function that does not say
        return False
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in given) > 1


def _function(given: Any, state: Sequence[sp.Symbol], dim: int) -> Callable[..., jax.Array]:
    if not isinstance(given, sp.Expr):
        return given
    if given.free_symbols <= set(state[:dim]):
        of_x = lower_function(given, list(state[:dim]))
        return lambda x: of_x(*x) + 0 * x[0]
    lowered = lower_function(given, list(state))
    return lambda x, memory: lowered(*x, *(row for letter in memory.values() for row in letter)) + 0 * x[0]


def statistics_key(
    extra: Mapping[str, Statistic] | None, state: Sequence[sp.Symbol]
) -> tuple[tuple[str, Statistic], ...]:
    """Further statistics as part of the key of a compiled function: functions, and formulas in the state's own symbols.

    Raises:
        BadInput: a formula in other symbols than those; neither a function nor a formula.
    """
    found = []
    for name, given in (extra or {}).items():
        if not (callable(given) or isinstance(given, (sp.Expr, str))):
            told = f"a function x (d, paths) -> (paths,), or a formula in {_listed(state)}"
            raise BadInput(f"statistic {name}", given, told)
        found.append(
            (name, formula_in(given, state, f"statistic {name}") if isinstance(given, (sp.Expr, str)) else given)
        )
    return tuple(found)


def symbols_of_state(letters: Sequence[str], dim: int) -> list[sp.Symbol]:
    """x1, .., xd, and those of each letter of the memory."""
    return [symbol for letter in letters for symbol in _of_letter(letter, dim)]


@lru_cache(maxsize=32)
def _of_letter(letter: str, dim: int) -> tuple[sp.Symbol, ...]:
    """Kept: every run asks, and a thousand symbols take as long as ten steps of a thousand paths in few coordinates."""
    return tuple(sp.Symbol(f"{letter}{m + 1}", real=True) for m in range(dim))


def formula_in(given: Any, state: Sequence[sp.Symbol], field: str) -> sp.Expr:
    """A formula of the user's, as text or in SymPy, in the symbols of a state, x1, .., xd, and nothing else.

    Raises:
        BadInput: another symbol; not a formula.
    """
    accepted = f"a formula in {_listed(state)}"
    found = matched(given, state, field, others=False, accepted=accepted)
    if strange := found.free_symbols - set(state):
        raise BadInput(field, min(map(str, strange)), accepted)
    return found


def _listed(state: Sequence[sp.Symbol]) -> str:
    """x1, .., x5, m1, .., m5: the first and the last of each letter."""
    runs: list[list[str]] = []
    for name in (s.name for s in state):
        if runs and runs[-1][0].rstrip("0123456789") == name.rstrip("0123456789"):
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(part for run in runs for part in (run if len(run) < 2 else [run[0], "..", run[-1]]))


def inside(x: jax.Array, bound: float) -> jax.Array:
    """Which paths are finite and within the bound, (paths,)."""
    return jnp.all(jnp.abs(x) <= bound, axis=0)  # False for NaN
