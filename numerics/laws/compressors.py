"""Compress a batch of messages, by each compressor.

A new compressor registers its own function:

    @compress.register
    def _(compressor: MyCompressor, draws, v, parameters=None):
        return jnp.where(draws.uniform(v.shape) < 0.5, 2 * v, 0.0)
"""

from typing import Any

import numpy as np

from sdescent.derive.methods import compressors
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.noises import Sampler, unregistered
from sdescent.numerics.lowering.functions import among_largest
from sdescent.numerics.lowering.rows import divided, in_rows, norm
from sdescent.numerics.lowering.to_jax import Parameters, number, whole

#: a loop over at most this many coordinates is unrolled
UNROLLED = 8


@Sampler
def compress(compressor: Any, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    """C(v) for messages v, (d, paths), independent across paths given v, from the draws for this call alone, or a JAX key.

    `parameters` are values of the compressor's symbols by name. NoSampler, which says how to register one; BadInput for a symbol
    without a value, or a k that is not an integer from 1 to d.
    """
    raise unregistered("compressor", compressor, "compress", "draws, v, parameters=None")


for _kind, _message in {
    compressors.Identity: lambda compressor, draws, v, parameters=None: v,
    compressors.Sign: lambda compressor, draws, v, parameters=None: jnp.sign(v),
    # divided before they are added: the sum of large numbers may overflow
    compressors.ScaledSign: lambda compressor, draws, v, parameters=None: (
        jnp.sum(jnp.abs(v) / len(v), axis=0, keepdims=True) * jnp.sign(v)
    ),
}.items():
    compress.register(_kind, _message)


@compress.register
def _(compressor: compressors.Clip, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    c = number(compressor.c, parameters)
    return jnp.clip(v, -c, c)


@compress.register
def _(compressor: compressors.Bernoulli, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    p = number(compressor.p, parameters)
    return jnp.where(draws.uniform(v.shape) < p, v / p, 0.0)


@compress.register
def _(compressor: compressors.RandK, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    """Rand-k: few of many by `few_rows`, else selection sampling with (still wanted)/(still left) (Knuth, 3.4.2, S), in O(d)."""
    dim = v.shape[0]
    if (sparse := few_rows(compressor, draws, dim, parameters)) is not None:
        rows, factor = sparse
        place = jnp.zeros_like(v).at[rows, jnp.arange(rows.shape[1])]
        return place.set(factor * in_rows(v, rows), unique_indices=True, mode="promise_in_bounds")
    k = _within(compressor.k, parameters, dim, "rand-k:k")
    if k == dim:
        return v
    u = draws.uniform(v.shape)
    remaining = jnp.full(v.shape[1:], k, v.dtype)

    def choose(remaining: jax.Array, row: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        chosen_row = row[0] * row[1] < remaining
        return remaining - chosen_row.astype(v.dtype), chosen_row

    unvisited = jnp.arange(dim, 0, -1).astype(v.dtype)
    if dim <= UNROLLED:
        rows = []
        for j in range(dim):
            remaining, chosen_row = choose(remaining, (u[j], unvisited[j]))
            rows.append(chosen_row)
        chosen = jnp.stack(rows)
    else:
        _, chosen = jax.lax.scan(choose, remaining, (u, unvisited))
    return jnp.where(chosen, dim / k * v, 0.0)


@compress.register
def _(compressor: compressors.QSGD, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    s = number(compressor.s, parameters)
    size = norm(v)
    level = s * divided(jnp.abs(v), jnp.where(size > 0, size, 1.0))
    return jnp.sign(v) * size / s * _round(draws, level)


@compress.register
def _(compressor: compressors.Ternary, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    size = jnp.max(jnp.abs(v), axis=0, keepdims=True)
    return jnp.where(draws.uniform(v.shape) * size < jnp.abs(v), size * jnp.sign(v), 0.0)


@compress.register
def _(compressor: compressors.Natural, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    """Natural compression: |v| = m 2^e, m in [1/2, 1), becomes 2^{e-1} or 2^e at random; powers of two and 0 do not change."""
    mantissa, exponent = jnp.frexp(jnp.abs(v))
    up = draws.uniform(v.shape) < 2 * mantissa - 1
    rounded = jnp.ldexp(jnp.ones_like(v), jnp.where(up, exponent, exponent - 1))
    return jnp.where(v == 0, 0.0, jnp.sign(v) * rounded)


@compress.register
def _(compressor: compressors.FixedGrid, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    step = number(compressor.step, parameters)
    level = v / step
    # very large numbers are points of the grid up to rounding
    return jnp.where(jnp.isinf(level), v, step * _round(draws, level))


@compress.register
def _(compressor: compressors.NormClip, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    size, c = norm(v), number(compressor.c, parameters)
    return jnp.where(size > c, c * divided(v, jnp.where(size > 0, size, 1.0)), v)


@compress.register
def _(compressor: compressors.TopK, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    return jnp.where(among_largest(v, _within(compressor.k, parameters, v.shape[0], "top-k:k")), v, 0.0)


def few_rows(compressor: Any, draws: Draws, dim: int, parameters: Parameters = None) -> tuple[jax.Array, float] | None:
    """The coordinates kept whatever the message, (k, paths) in no order, and their factor; None unless few of many.

    Floyd's algorithm (Bentley and Floyd 1987), in O(k^2): all sets are equally likely up to d^2/2^32. The draws are `compress`'s.
    """
    k = few(compressor, dim, parameters)
    if k is None:
        return None
    shape, last = (k, draws.paths), np.arange(dim - k, dim)[:, None]
    if draws.wide:
        candidates = (draws.uniform(shape) * (last + 1)).astype(jnp.int32)
    else:
        products = draws.bits(shape).astype(jnp.uint64) * (last + 1).astype(np.uint64)
        candidates = (products >> np.uint64(32)).astype(jnp.int32)
    order = jnp.arange(k)[:, None]

    def add(n: Any, rows: jax.Array) -> jax.Array:
        repeated = jnp.any((rows == rows[n]) & (order < n), axis=0)
        return rows.at[n].set(jnp.where(repeated, dim - k + n, rows[n]).astype(rows.dtype))

    return jax.lax.fori_loop(1, k, add, candidates), dim / k


def few(compressor: Any, dim: int, parameters: Parameters = None) -> int | None:
    """The number of coordinates that `few_rows` gives; None if it gives none."""
    if compress.dispatch(type(compressor)) is not compress.dispatch(compressors.RandK):
        return None
    k = _within(compressor.k, parameters, dim, "rand-k:k")
    return k if dim > UNROLLED and 4 * k <= dim and k * k <= 4 * dim else None


def _round(draws: Draws, a: jax.Array) -> jax.Array:
    """The values rounded to a neighbouring integer, at random and without bias."""
    low = jnp.floor(a)
    return low + (draws.uniform(a.shape) < a - low)


def _within(k: Any, parameters: Parameters, dim: int, field: str) -> int:
    value = whole(k, parameters, field)
    if not 1 <= value <= dim:
        raise BadInput(field, value, f"a whole number from 1 to the dimension {dim}")
    return value
