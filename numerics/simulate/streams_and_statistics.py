"""Choices that the discrete method and its SDE share, so that the two can be compared: draws, schedules, statistics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from functools import cache, lru_cache, wraps
from inspect import signature
from itertools import groupby
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.methods.losses import Loss
from sdescent.derive.methods.schedules import Free
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.registry import BUILT_IN_STATISTICS, entries
from sdescent.derive.vocabulary.symbols import matched
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import words_of
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.lowering.rows import norm
from sdescent.numerics.lowering.to_jax import Environment, environment, lower_function

#: x (d, paths) -> (paths,), written with jax.numpy; for a method with memory also (x, memory) -> (paths,), where memory holds
#: (d, paths) by letter; or a formula in x1, .., xd, as text or in SymPy
Statistic = Callable[..., jax.Array] | sp.Expr | str
#: a derive loss, its batch form, or a function x (d,) -> number written with jax.numpy
AnyLoss = Loss | Landscape | Callable[[jax.Array], Any]


def check_schedule(u: Any, schedule: Any) -> None:
    """Raise BadInput if `u` is given and the schedule is not free."""
    if u is not None and not isinstance(schedule, Free):
        raise BadInput("u", u, "None, because the method's schedule is not a free one")


class Stream(IntEnum):
    """The purpose of a seed: the method and its equation never share a draw, even if both have the same seed."""

    METHOD = 0
    EQUATION = 1


def nth_key(seed: int, n: int) -> Any:
    """The key of experiment n = 0, 1, .. with one seed: the seed itself, then folded from 2 on, since `stream` folds 0 and 1."""
    return seed if n == 0 else jax.random.fold_in(jax.random.key(seed), n + len(Stream) - 1)


def stream(key: Any, purpose: Stream) -> jax.Array:
    """The JAX key for one purpose, from a key or an integer seed from 0 to 2^63 - 1. Raises BadInput for anything else."""
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
    generator = jax.config.jax_default_prng_impl  # pyright: ignore[reportAttributeAccessIssue]
    plain = generator == "threefry2x32" and 0 <= seed < 2**63
    words = words_of(seed, purpose) if plain else np.array(jax.random.key_data(stream(seed, purpose)))
    words.flags.writeable = False
    return words


def at_time(
    parameters: Mapping[str, Any], land: Landscape, x: jax.Array, t: Any, u: Callable[[Any], Any] | None = None
) -> Environment:
    """The environment at a batch of points: gradient, time (a number or one per path), schedule u(t), Hessian products."""
    scalars = {"t": t}
    if u is not None:
        schedule: list[Callable[[Any], Any]] = [u, jax.grad(lambda s: jnp.asarray(u(s), float))]
        if jnp.ndim(t):  # a time for each path
            schedule = [jax.vmap(function) for function in schedule]
        scalars |= {"u": schedule[0](t), "du": schedule[1](jnp.asarray(t, float))}
        scalars = {name: jnp.asarray(value, x.dtype) for name, value in scalars.items()}
    numbers = {name: a if jnp.ndim(a) == 0 else jnp.asarray(a, x.dtype) for name, a in parameters.items()}
    vectors = {"x": x, "g": land.gradient(x)}
    return environment(numbers, vectors, scalars=scalars, directional=lambda c, n: land.directional(x, c, n))


def statistics_of(
    land: Landscape | None, extra: Mapping[str, Statistic], state: Sequence[sp.Symbol], dim: int
) -> dict[str, Callable[..., jax.Array]]:
    """The loss (if any), the norm of its gradient and `extra` statistics by name, as functions of x, or of x and the memory.

    `state` has the symbols of x, then of the memory. BadInput for one called "loss" or "gradient_norm"; LoweringError.
    """
    built_in: dict[str, Callable[..., jax.Array]] = {}
    if land is not None:
        built_in = {"loss": land.value, "gradient_norm": lambda x: norm(land.gradient(x))}
    for name in built_in.keys() & extra.keys():
        raise BadInput("statistics", name, "a name other than loss and gradient_norm, which are always kept")
    return built_in | {name: _one_per_path(name, _function(statistic, state, dim)) for name, statistic in extra.items()}


def _one_per_path(name: str, function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """The statistic with a check of its shape: a single number or (1, paths) would silently be spread over the paths."""

    @wraps(function)
    def checked(x: jax.Array, *more: Any) -> jax.Array:
        value = function(x, *more)
        if jnp.shape(value) != x.shape[1:]:
            accepted = f"a function x (d, paths) -> (paths,), here {x.shape} to {x.shape[1:]}: a sum over coordinates has axis=0"
            raise BadInput(f"statistic {name}", f"shape {jnp.shape(value)}", accepted)
        return value

    return checked


def named_statistics(names: Iterable[str]) -> dict[str, Statistic]:
    """The statistics that a file names (`read_quantities`), as `run` and `solve` accept them: without the two always kept."""
    registered = entries("statistic")
    chosen = [name for name in names if name not in ("loss", "gradient_norm")]
    named = dict.fromkeys(BUILT_IN_STATISTICS, norm) | {name: one.build for name, one in registered.items()}
    return {name: named[name] if name in named else coordinate(int(name[1:]) - 1) for name in chosen}


@cache
def coordinate(n: int) -> Statistic:
    """The statistic x_n, with n from 0: the same function object each time, so that compiled programs are reused."""
    return lambda x: x[n]


def of_memory(statistic: Callable[..., Any]) -> bool:
    """Whether a statistic is a function of x and the memory: it has two positional arguments without defaults."""
    try:
        parameters = signature(statistic).parameters.values()
    except (TypeError, ValueError):  # a compiled function without a readable signature
        return False
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) > 1


def _function(statistic: Any, state: Sequence[sp.Symbol], dim: int) -> Callable[..., jax.Array]:
    if not isinstance(statistic, sp.Expr):
        return statistic
    if statistic.free_symbols <= set(state[:dim]):
        of_x = lower_function(statistic, list(state[:dim]))
        return lambda x: of_x(*x) + 0 * x[0]
    lowered = lower_function(statistic, list(state))
    return lambda x, memory: lowered(*x, *(row for letter in memory.values() for row in letter)) + 0 * x[0]


def statistics_key(
    extra: Mapping[str, Statistic] | None, state: Sequence[sp.Symbol]
) -> tuple[tuple[str, Statistic], ...]:
    """Further statistics, functions and formulas in the state's symbols, as part of a program's key. Raises BadInput for others."""
    functions = []
    for name, statistic in (extra or {}).items():
        if isinstance(statistic, (sp.Expr, str)):
            statistic = formula_in(statistic, state, f"statistic {name}")
        elif not callable(statistic):
            accepted = f"a function x (d, paths) -> (paths,), or a formula in {_listed(state)}"
            raise BadInput(f"statistic {name}", statistic, accepted)
        functions.append((name, statistic))
    return tuple(functions)


def symbols_of_state(letters: Sequence[str], dim: int) -> list[sp.Symbol]:
    """The symbols x1, .., xd, and so for each letter of the memory."""
    return [symbol for letter in letters for symbol in _of_letter(letter, dim)]


@lru_cache(maxsize=32)
def _of_letter(letter: str, dim: int) -> tuple[sp.Symbol, ...]:
    """The symbols of a letter; kept, since a thousand of them cost as much as ten steps of a thousand paths in few coordinates."""
    return tuple(sp.Symbol(f"{letter}{m + 1}", real=True) for m in range(dim))


def formula_in(formula: Any, state: Sequence[sp.Symbol], field: str) -> sp.Expr:
    """The user's formula, text or SymPy, in the symbols of a state, x1, .., xd. Raises BadInput for others, or no formula."""
    accepted = f"a formula in {_listed(state)}"
    expression = matched(formula, state, field, others=False, accepted=accepted)
    if strange := expression.free_symbols - set(state):
        raise BadInput(field, min(map(str, strange)), accepted)
    return expression


def _listed(state: Sequence[sp.Symbol]) -> str:
    """The symbols in short, the first and the last of each letter: x1, .., x5, m1, .., m5."""
    runs = [list(names) for _, names in groupby((s.name for s in state), lambda name: name.rstrip("0123456789"))]
    return ", ".join(part for run in runs for part in (run if len(run) < 2 else [run[0], "..", run[-1]]))
