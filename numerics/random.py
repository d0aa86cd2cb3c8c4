"""Samplers: one for every noise law and every compressor. Dimensionless.

Streams are independent by construction: a caller derives one key a purpose with `jax.random.fold_in` or `split`, and no
function here uses a key twice. A new class joins by registering its own sampler:

    @sample_law.register
    def _(law: MyLaw, key, shape, parameters=None): ...
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from derive.compressors import (
    QSGD,
    Bernoulli,
    FixedGrid,
    Identity,
    Natural,
    RandK,
    ScaledSign,
    Sign,
    Ternary,
    TopK,
)
from derive.errors import BadInput
from derive.noise import (
    Correlated,
    Gaussian,
    Laplace,
    Law,
    Logistic,
    Noise,
    Point,
    Stable,
    StudentT,
    Uniform,
)
from numerics._jax import jax, jnp
from numerics.environment import environment
from numerics.functions import rank_descending
from numerics.lower import lower_coordinate
from numerics.scalars import Parameters, number, whole


def _unregistered(kind: str, obj: Any, function: str, arguments: str) -> TypeError:
    name = type(obj).__name__
    return TypeError(
        f"no sampler for the {kind} {name}; register one:\n"
        f"    @numerics.random.{function}.register\n    def _({kind}: {name}, {arguments}): ..."
    )


@singledispatch
def sample_law(law: Any, key: jax.Array, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """Independent draws of a standardised law, of the given shape.

    Args:
        law: a `derive.noise.Law`.
        key: used by this call alone.
        parameters: values of the law's symbols, by name.

    Raises:
        TypeError: no sampler is registered for the law's class; the message says how to register one.
    """
    raise _unregistered("law", law, "sample_law", "key, shape, parameters=None")


@sample_law.register
def _(law: Point, key: jax.Array, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return jnp.zeros(shape)


@sample_law.register
def _(law: Gaussian, key: jax.Array, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return jax.random.normal(key, shape)


@sample_law.register
def _(law: StudentT, key: jax.Array, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """A normal over the root of an independent mean square; a ratio of normals for nu = 1 (the Cauchy law)."""
    if law.nu == 1:
        return jax.random.cauchy(key, shape)
    return jax.random.t(key, number(law.nu, parameters), shape)


@sample_law.register
def _(law: Laplace, key: jax.Array, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return jax.random.laplace(key, shape)


@sample_law.register
def _(law: Uniform, key: jax.Array, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)


@sample_law.register
def _(law: Logistic, key: jax.Array, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return jax.random.logistic(key, shape)


@sample_law.register
def _(law: Stable, key: jax.Array, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """Chambers, Mallows and Stuck (1976): characteristic function exp(-|t|^alpha), so N(0, 2) at alpha = 2."""
    alpha = number(law.alpha, parameters)
    angle_key, size_key = jax.random.split(key)
    edge = np.pi / 2
    angle = jax.random.uniform(angle_key, shape, minval=-edge, maxval=edge)
    size = jax.random.exponential(size_key, shape)
    cosine = jnp.cos(angle)
    return (
        jnp.sin(alpha * angle) / cosine ** (1 / alpha) * (jnp.cos((1 - alpha) * angle) / size) ** ((1 - alpha) / alpha)
    )


@singledispatch
def sample_noise(noise: Any, key: jax.Array, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    """Z_i for a batch of points: (d, paths), independent over paths.

    Args:
        noise: a `derive.noise.Noise`; its scale may depend on the gradient (affine) or the coordinate.
        g: gradients, (d, paths).
        parameters: values of symbols by name; a scale that is a vector as an array (d,), a measured covariance (d, d).
        client: whose scale to take, from 0; clients with one common scale share it.

    Raises:
        TypeError: not a noise.
        BadInput: a symbol without a value.
    """
    raise _unregistered("noise", noise, "sample_noise", "key, g, parameters=None, client=0")


@sample_noise.register
def _(noise: Noise, key: jax.Array, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    """Scale times law, which defines every noise with independent coordinates."""
    if noise.law.degenerate:
        return jnp.zeros_like(g)
    scale = noise.scales[client if len(noise.scales) > 1 else 0]
    size = lower_coordinate(scale)(environment(parameters or {}, {"g": g}))
    return size * sample_law(noise.law, key, g.shape, parameters)


@sample_noise.register
def _(noise: Correlated, key: jax.Array, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    uniform_key, mix_key = jax.random.split(key)
    covariance = (parameters or {}).get(noise.covariance.name)
    if covariance is None:
        raise BadInput(f"parameter {noise.covariance.name}", "no value", "the d x d covariance matrix")
    draws = sample_law(_base(noise.law), uniform_key, g.shape, parameters)
    return correlate(noise.law, jnp.asarray(covariance), draws, mix_key, parameters)


def _base(law: Law) -> Law:
    return Gaussian() if isinstance(law, StudentT) else law


def correlate(
    law: Law, covariance: jax.Array, draws: jax.Array, key: jax.Array, parameters: Parameters = None
) -> jax.Array:
    """Dependent coordinates with a given covariance from independent standardised draws (d, paths).

    Gaussian: Sigma^{1/2} z. Student-t: the multivariate t, one mixing variable for all coordinates, so that every
    linear combination is Student-t with the same nu. Other laws: independent in Sigma's eigenbasis, with exactly this
    covariance, while the marginals are sums of such variables and not of the law itself.
    """
    values, vectors = jnp.linalg.eigh(covariance)
    spread = jnp.sqrt(jnp.maximum(values, 0))[:, None]
    if isinstance(law, Gaussian):
        return vectors @ (spread * (vectors.T @ draws))
    if isinstance(law, StudentT):
        nu = number(law.nu, parameters)
        mixing = jax.random.chisquare(key, nu, (1, *draws.shape[1:])) / nu
        return vectors @ (spread * (vectors.T @ draws)) * jnp.sqrt((nu - 2) / nu / mixing)
    return vectors @ (spread * draws) / jnp.sqrt(number(law.variance, parameters))


@singledispatch
def compress(compressor: Any, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    """C(v) for a batch of messages: (d, paths), independent over paths given v.

    Args:
        compressor: a `derive.compressors.Compressor`.
        key: used by this call alone (deterministic compressors ignore it).
        v: messages, (d, paths).
        parameters: values of the compressor's symbols, by name.

    Raises:
        TypeError: no sampler is registered for the compressor's class; the message says how to register one.
        BadInput: a symbol without a value, or a k that does not fit.
    """
    raise _unregistered("compressor", compressor, "compress", "key, v, parameters=None")


@compress.register
def _(compressor: Identity, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    return v


@compress.register
def _(compressor: Bernoulli, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    p = number(compressor.p, parameters)
    return jnp.where(jax.random.uniform(key, v.shape) < p, v / p, 0.0)


@compress.register
def _(compressor: RandK, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    """The k coordinates of smallest random rank: without replacement, exactly k."""
    k = _within(compressor.k, parameters, v.shape[0], "rand-k:k")
    kept = rank_descending(jax.random.uniform(key, v.shape)) < k
    return jnp.where(kept, v.shape[0] / k * v, 0.0)


@compress.register
def _(compressor: QSGD, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    s = number(compressor.s, parameters)
    norm = jnp.sqrt(jnp.sum(v**2, axis=0, keepdims=True))
    level = jnp.where(norm > 0, s * jnp.abs(v) / jnp.where(norm > 0, norm, 1.0), 0.0)
    return jnp.sign(v) * norm / s * _round(key, level)


@compress.register
def _(compressor: Ternary, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    size = jnp.max(jnp.abs(v), axis=0, keepdims=True)
    kept = jax.random.uniform(key, v.shape) * size < jnp.abs(v)
    return jnp.where(kept, size * jnp.sign(v), 0.0)


@compress.register
def _(compressor: Natural, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    """|v| = m 2^e with m in [1/2, 1): the ends of its binade are 2^{e-1} and 2^e; a power of two and 0 stay."""
    mantissa, exponent = jnp.frexp(jnp.abs(v))
    up = jax.random.uniform(key, v.shape) < 2 * mantissa - 1
    rounded = jnp.ldexp(jnp.ones_like(v), jnp.where(up, exponent, exponent - 1))
    return jnp.where(v == 0, 0.0, jnp.sign(v) * rounded)


@compress.register
def _(compressor: FixedGrid, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    step = number(compressor.step, parameters)
    return step * _round(key, v / step)


@compress.register
def _(compressor: Sign, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    return jnp.sign(v)


@compress.register
def _(compressor: ScaledSign, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    return jnp.mean(jnp.abs(v), axis=0, keepdims=True) * jnp.sign(v)


@compress.register
def _(compressor: TopK, key: jax.Array, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    k = _within(compressor.k, parameters, v.shape[0], "top-k:k")
    return jnp.where(rank_descending(jnp.abs(v)) < k, v, 0.0)


def _round(key: jax.Array, a: jax.Array) -> jax.Array:
    """a to a neighbouring integer, at random and without bias."""
    low = jnp.floor(a)
    return low + (jax.random.uniform(key, a.shape) < a - low)


def _within(k: Any, parameters: Parameters, dim: int, field: str) -> int:
    value = whole(k, parameters, field)
    if not 1 <= value <= dim:
        raise BadInput(field, value, f"a whole number from 1 to the dimension {dim}")
    return value
