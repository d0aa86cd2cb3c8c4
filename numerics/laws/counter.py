"""Counter-based random numbers: a draw depends only on seed, purpose, path and step, and is used once."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from pathlib import Path
from typing import Any, TypeVar, cast, final

import numpy as np
from jax.extend.core import get_opaque_trace_state

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.compiler import part
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.elementary_functions import circle, minus_log, root_of_expm1, wide_circle, wide_minus_log

Method = TypeVar("Method", bound=Callable[..., Any])


@final
class UsedTwice(BadInput):
    """The same `Draws`, `what`, were used twice (method, file and line): two results would be the same numbers, or share bits."""

    def __init__(self, what: str, first: str, second: str) -> None:
        self.what, self.first, self.second = what, first, second
        super().__init__("draws", f"{first}, then {second}", "one use of each")

    @property
    def message(self) -> str:
        """The two uses, the reason why they exclude each other, and the remedy."""
        return (
            f"{self.what} used twice: by {self.first}, then by {self.second}; both are made of the same random bits and are not "
            "independent. Give each its own draws, draws.fold(0) and draws.fold(1)"
        )


@final
class Uses:
    """The uses of some draws (`what` in the user's words), and of the draws that `fold` makes from them.

    Two uses in different traces, neither of them `home`, may be branches of a condition or a function traced again: no second use.
    """

    def __init__(self, what: str = "draws", home: Any = None) -> None:
        self._what, self._home = what, home or _trace()
        self._drawn: dict[int, list[tuple[Any, str]]] = {}
        self._folds: dict[Any, Uses] = {}
        self._inside = False

    def __reduce__(self) -> tuple[Any, ...]:
        return Uses, ()  # a trace does not outlive its process

    def fold(self, n: Any) -> Uses:
        """The uses of the draws for the n-th purpose; a traced n, which may differ each time, starts without uses."""
        if not isinstance(n, (int, np.integer)):
            return Uses(f"{self._what}.fold({n})", self._home)
        return self._folds.setdefault(int(n), Uses(f"{self._what}.fold({int(n)})", self._home))

    def alone(self, half: int) -> Uses:
        """The uses of the draws, with both halves, for one step of the pair."""
        return self._folds.setdefault(("alone", half), Uses(self._what, self._home))

    def draw(self, name: str, halves: tuple[int, ...], function: Callable[[], Any]) -> Any:
        """The result of the function; a draw inside another counts as part of it. Raises UsedTwice if they were used before."""
        if self._inside:
            return function()
        now, use = _trace(), f"{name} ({_place()})"
        for half in halves:
            for then, earlier in self._drawn.get(half, ()):
                if self._home in (now, then) or then == now:
                    raise UsedTwice(self._what, earlier, use)
        self._inside = True
        try:
            numbers = function()
        finally:
            self._inside = False
        for half in halves:
            self._drawn.setdefault(half, []).append((now, use))
        return numbers


def once(*halves: int) -> Callable[[Method], Method]:
    """A decorator for a method that draws: it uses these halves of the pair of steps, or by default the half of its own step."""

    def mark(method: Method) -> Method:
        @wraps(method)
        def draw(self: Any, *args: Any, **named: Any) -> Any:
            return self.uses.draw(method.__name__, halves or (self.half,), lambda: method(self, *args, **named))

        return cast(Method, draw)

    return mark


def _trace() -> Any:
    return get_opaque_trace_state(convention="sdescent")


def _place() -> str:
    """The file and line of the call, outside this module."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"


Words = tuple[Any, Any]
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)
#: counters that make keys; path numbers stay below them, so that keys and draws never share a counter
_FOLD, _ALONE = np.uint32(0xF01DF01D), np.uint32(0xA10EA10E)
#: the number of pairs of steps under one key: few enough that an array of a million rows has a counter for each entry
BLOCK = 4096


def threefry(key: Words, counter: Words) -> tuple[jax.Array, jax.Array]:
    """The Threefry-2x32-20 encryption of a counter under a key; both are pairs of uint32, which broadcast."""
    return _traced(*(jnp.asarray(word, jnp.uint32) for word in (*key, *counter)))


def words_of(seed: int, number: int) -> np.ndarray:
    """The two words of `jax.random.fold_in(jax.random.key(seed), number)`, without the eight programs that JAX compiles for it."""
    # arrays, since NumPy warns about scalars that overflow
    high, low, none, folded = np.array([[seed >> 32], [seed % 2**32], [0], [number]], np.uint32)
    return np.concatenate(_encrypted((high, low), (none, folded)))


def _encrypted(key: Words, counter: Words) -> Words:
    """The Threefry-2x32-20 encryption, for NumPy or JAX arrays."""
    first, second = key
    schedule = (first, second, first ^ second ^ _PARITY)
    a, b = counter[0] + first, counter[1] + second
    for group in range(5):
        for r in _ROTATIONS[group % 2]:
            a = a + b
            b = ((b << np.uint32(r)) | (b >> np.uint32(32 - r))) ^ a
        a, b = a + schedule[(group + 1) % 3], b + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return a, b


_traced = part(lambda first, second, high, low: _encrypted((first, second), (high, low)))


@final
@partial(
    jax.tree_util.register_dataclass,
    data_fields=["key", "lanes", "pair", "rows"],
    meta_fields=["half", "dtype", "wide", "height"],
    drop_fields=["uses"],
)
@dataclass(frozen=True)
class Draws:
    """Random numbers for one purpose at one step, for some of the paths.

    A function that draws is given one instance and calls one of the methods `uniform`, `normal`, .. once, since they all use the
    same bits. For more draws it makes further instances by `fold`, each with its own number. A second use, including that of two
    instances made by `fold` with the same number, raises `sdescent.numerics.laws.counter.UsedTwice`, which names both uses. A
    copy by `dataclasses.replace` shares the uses of its original; a copy by JAX (`jax.tree.map`, an argument of a compiled
    function) starts with none. The body of a loop is traced once and draws by `fold` with the number of the iteration.

    Attributes:
        key: two words, for the seed, the purpose and the block of steps, in which `pair` is the number of the pair of steps.
        lanes: the path numbers, (paths,) of uint32.
        half: 0 or 1, the step of the pair.
        dtype, wide: the type of the draws; whether normals and uniforms have all bits of double precision.
        rows, height: None, or the only rows to draw, (k, paths), of an array with this many rows; see `at_rows`.
    """

    key: Words
    lanes: jax.Array
    pair: Any = 0
    half: int = 0
    dtype: Any = np.float64
    wide: bool = False
    rows: jax.Array | None = None
    height: int = 0
    uses: Uses = field(default_factory=Uses, compare=False, repr=False)

    @property
    def paths(self) -> int:
        """The number of paths."""
        return self.lanes.shape[0]

    def fold(self, n: Any) -> Draws:
        """Independent draws for the n-th purpose."""
        return replace(self, key=threefry(self.key, (_FOLD, n)), uses=self.uses.fold(n))

    def at(self, pair: Any, half: int = 0) -> Draws:
        """The draws of another step of the block; it is in the counter, not the key, so XLA computes the key only once."""
        return replace(self, pair=jnp.asarray(pair).astype(jnp.uint32), half=half, uses=Uses())

    def at_rows(self, rows: jax.Array, height: int) -> Draws:
        """Draws (k, paths), entries of an array of draws (height, paths) in these rows of each path, (k, paths) below height."""
        return replace(self, rows=rows.astype(jnp.uint32), height=height)

    def alone(self) -> Draws:
        """Draws with both halves for this step; the other step of the pair has different ones."""
        key = threefry(self.key, (_ALONE, np.uint32(self.half)))
        return replace(self, key=key, half=0, uses=self.uses.alone(self.half))

    @once(0, 1)
    def words(self, shape: Sequence[int], row: int = 0, rows: int = 1) -> tuple[jax.Array, jax.Array]:
        """Two words for each entry of an array (.., paths): the pair numbered `row` of `rows` independent pairs per entry."""
        *outer, paths = shape
        if paths != self.paths:
            raise ValueError(f"{paths} columns for {self.paths} paths")
        if self.rows is not None and self.rows.shape != tuple(shape):
            raise ValueError(f"an array {tuple(shape)} of draws in {self.rows.shape} rows")
        count = (math.prod(outer) if self.rows is None else self.height) * rows
        if count * BLOCK > 2**32:
            raise ValueError(f"{count} rows: more than {2**32 // BLOCK} numbers per path and step under one key")
        if self.rows is None:
            within = jnp.arange(count, dtype=jnp.uint32)[row::rows].reshape(*outer, 1)
        else:
            within = self.rows * np.uint32(rows) + np.uint32(row)
        number = jnp.asarray(self.pair, jnp.uint32) * np.uint32(count) + within
        return threefry(self.key, (jnp.broadcast_to(self.lanes, tuple(shape)), number))

    @once()
    def keys(self) -> jax.Array:
        """A JAX key for each path, (paths,), for `jax.vmap` over samplers of `jax.random`."""
        first, second = self.alone().words((self.paths,))
        return jax.random.wrap_key_data(jnp.stack([first, second], axis=-1), impl="threefry2x32")

    @once()
    def bits(self, shape: Sequence[int]) -> jax.Array:
        """32 bits for each entry of an array (.., paths)."""
        return self.words(shape)[self.half]

    @once()
    def uniform(self, shape: Sequence[int]) -> jax.Array:
        """Uniform numbers in [0, 1): multiples of 2^-32, or of 2^-24 in single precision, or of 2^-53 if `wide`."""
        if self.wide:
            high, low = self.alone().words(shape)
            return (high.astype(float) * 2.0**21 + (low >> np.uint32(11)).astype(float)) * 2.0**-53
        bits = self.bits(shape)
        if jnp.dtype(self.dtype) == jnp.float32:
            return (bits >> np.uint32(8)).astype(jnp.float32) * np.float32(2.0**-24)
        return bits.astype(self.dtype) * 2.0**-32

    @once()
    def symmetric(self, shape: Sequence[int]) -> jax.Array:
        """Uniform numbers in (-1, 1): odd multiples of 2^-32, rounded to [-1, 1] in single precision, or of 2^-53 if `wide`."""
        if self.wide:
            return 2 * self.uniform(shape) - 1 + 2.0**-53
        signed = jax.lax.bitcast_convert_type(self.bits(shape), jnp.int32)
        return (signed.astype(self.dtype) + np.asarray(0.5, self.dtype)) * np.asarray(2.0**-31, self.dtype)

    @once()
    def exponential(self, shape: Sequence[int]) -> jax.Array:
        """Exponential numbers -log U, of mean 1."""
        if self.wide:
            return wide_minus_log(self.uniform(shape) + 2.0**-54)
        return minus_log(self.bits(shape)).astype(self.dtype)

    @once()
    def sign_and_exponential(self, shape: Sequence[int]) -> tuple[jax.Array, jax.Array]:
        """Random signs and, independent of them, exponential numbers -log U, from one word each."""
        if self.wide:
            return jnp.where(self.fold(1).uniform(shape) < 0.5, -1.0, 1.0), self.fold(2).exponential(shape)
        bits = self.bits(shape)
        sign = jnp.where(bits >> np.uint32(31) == 1, -1.0, 1.0).astype(self.dtype)
        return sign, minus_log((bits << np.uint32(1)) | np.uint32(1)).astype(self.dtype)

    @once()
    def logistic(self, shape: Sequence[int]) -> jax.Array:
        """Logistic numbers log(U/(1 - U))."""
        if self.wide:
            u = self.uniform(shape)
            return wide_minus_log((1 - 2.0**-53 - u) + 2.0**-54) - wide_minus_log(u + 2.0**-54)
        bits = self.bits(shape)
        return (minus_log(~bits) - minus_log(bits)).astype(self.dtype)

    @once()
    def direction(self, shape: Sequence[int]) -> tuple[jax.Array, jax.Array]:
        """The cosine and sine of a uniform angle."""
        if self.wide:
            return wide_circle(*self.alone().words(shape))
        cosine, sine = circle(self.bits(shape))
        return cosine.astype(self.dtype), sine.astype(self.dtype)

    @once(0, 1)
    def polar(self, shape: Sequence[int]) -> tuple[jax.Array, jax.Array, jax.Array]:
        """-log U and, independent of it, the cosine and sine of a uniform angle; the same for both steps of the pair."""
        if self.wide:
            high, low = self.words(shape, 0, 2)
            u = (high.astype(float) * 2.0**21 + (low >> np.uint32(11)).astype(float) + 0.5) * 2.0**-53
            return wide_minus_log(u), *wide_circle(*self.words(shape, 1, 2))
        first, second = self.words(shape)
        return minus_log(first), *circle(second)

    @once(0, 1)
    def normals(self, shape: Sequence[int]) -> tuple[jax.Array, jax.Array]:
        """Standard normals for both steps of the pair."""
        size, cosine, sine = self.polar(shape)
        radius = jnp.sqrt(2 * size)
        return (radius * cosine).astype(self.dtype), (radius * sine).astype(self.dtype)

    @once()
    def normal(self, shape: Sequence[int]) -> jax.Array:
        """Standard normals for this step."""
        return self.normals(shape)[self.half]

    @once()
    def student(self, shape: Sequence[int], nu: Any) -> jax.Array:
        """Student's t with nu > 0 degrees of freedom, one, or one per path: sqrt(nu (U^(-2/nu) - 1)) cos(2 pi V) (Bailey 1994).

        The radius has the relative error of -log U, 6e-7, times 1 + (2/nu) log(1/U), or that of double precision if `wide`. The
        law is normal for infinite nu.
        """
        size, cosine, _ = self.alone().polar(shape)
        if self.wide:
            nu = jnp.minimum(jnp.asarray(nu, self.dtype), 1e16)  # beyond 1e16 the law is normal up to rounding
            return jnp.sqrt(nu * jnp.expm1(2 / nu * size)) * cosine
        root, scale = root_of_expm1(size, nu, self.dtype)
        return (root * cosine).astype(self.dtype) * scale


def draws_from(key: Any, paths: int, first: int = 0, dtype: Any = np.float64, wide: bool = False) -> Draws:
    """Draws for the paths first, first + 1, .. under a JAX key, whose two words are used as they are; `Draws` are returned."""
    if isinstance(key, Draws):
        return key
    words = jax.random.key_data(key)
    lanes = jnp.arange(paths, dtype=jnp.uint32) + jnp.asarray(first).astype(jnp.uint32)
    return Draws((words[..., 0], words[..., 1]), lanes, dtype=dtype, wide=wide)


#: (draws of a pair of steps, its number, state) -> state
Body = Callable[[Draws, Any, Any], Any]


def pair_of(draws: Draws, pair: Any) -> Draws:
    """The draws of one pair of steps, as `over_pairs` gives them."""
    return draws.fold(pair // BLOCK).at(pair % BLOCK)


def over_pairs(draws: Draws, first: Any, stop: Any, body: Body, state: Any, together: int = 1) -> Any:
    """The state after the pairs of steps first, .., stop - 1, `together` in an iteration of the loop, the rest one by one.

    That number changes no bit. With more, a state with short steps is read and written less often, but compiling takes longer.
    """

    def block(b: Any, state: Any) -> Any:
        under_key, low = draws.fold(b), jnp.maximum(first, b * BLOCK)
        high = jnp.minimum(stop, (b + 1) * BLOCK)

        def one(pair: Any, state: Any) -> Any:
            return body(under_key.at(pair - b * BLOCK), pair, state)

        def several(n: Any, state: Any) -> Any:
            for pair in range(together):
                state = one(low + n * together + pair, state)
            return state

        if together == 1:
            return jax.lax.fori_loop(low, high, one, state)
        rounds = (high - low) // together
        return jax.lax.fori_loop(low + rounds * together, high, one, jax.lax.fori_loop(0, rounds, several, state))

    return jax.lax.fori_loop(first // BLOCK, (stop + BLOCK - 1) // BLOCK, block, state)
