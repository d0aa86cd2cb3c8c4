"""Samplers: one for every noise law and every compressor. Dimensionless.

A sampler draws from `numerics.laws.counter.Draws`, which stand for one purpose at one step of some paths; the draws of a path do
not depend on the other paths. Where draws are asked for, a JAX key is accepted as well. A new class is added by registering its
own sampler:

    @sample_law.register
    def _(law: MyLaw, draws, shape, parameters=None):
        return jnp.sign(draws.fold(0).symmetric(shape)) * draws.fold(1).exponential(shape) ** 2
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch, update_wrapper
from typing import Any, final

import numpy as np

from derive.methods.compressors import (
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
from derive.methods.noise import (
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
from derive.vocabulary.errors import BadInput
from numerics.backend.double import jax, jnp
from numerics.laws.counter import Draws, draws_from
from numerics.lowering.environment import environment
from numerics.lowering.functions import rank_descending
from numerics.lowering.products import product
from numerics.lowering.scalars import Parameters, number, whole
from numerics.lowering.to_jax import lower_coordinate

#: coordinates up to which a loop over them is written out
UNROLLED = 8


def _unregistered(kind: str, obj: Any, function: str, arguments: str) -> TypeError:
    name = type(obj).__name__
    return TypeError(
        f"no sampler for the {kind} {name}; register one:\n"
        f"    @numerics.laws.samplers.{function}.register\n    def _({kind}: {name}, {arguments}): ..."
    )


@final
class Sampler:
    """A function that is chosen by the class of its first argument; `register` adds one. A JAX key is made into draws."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = singledispatch(function)
        self.register, self.dispatch = self._function.register, self._function.dispatch
        update_wrapper(self, function)

    def __call__(self, obj: Any, draws: Any, of: Any, *more: Any, **named: Any) -> jax.Array:
        paths = of[-1] if isinstance(of, tuple) else of.shape[-1]
        dtype = (draws.dtype if isinstance(draws, Draws) else np.float64) if isinstance(of, tuple) else of.dtype
        return self._function(obj, draws_from(draws, paths, dtype=dtype), of, *more, **named).astype(dtype)


@Sampler
def sample_law(law: Any, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """Independent draws of a standardised law, of the given shape (.., paths).

    Args:
        law: a `derive.methods.noise.Law`.
        draws: used by this call alone.
        parameters: values of the law's symbols, by name.

    Raises:
        TypeError: no sampler is registered for the law's class; the message says how to register one.
    """
    raise _unregistered("law", law, "sample_law", "draws, shape, parameters=None")


@sample_law.register
def _(law: Point, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return jnp.zeros(shape, draws.dtype)


@sample_law.register
def _(law: Gaussian, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return draws.normal(shape)


@sample_law.register
def _(law: StudentT, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """For nu = 1, the Cauchy law, the tangent of a uniform angle."""
    if law.nu == 1:
        cosine, sine = draws.direction(shape)
        return sine / cosine
    return draws.student(shape, number(law.nu, parameters))


@sample_law.register
def _(law: Laplace, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    sign, size = draws.sign_and_exponential(shape)
    return sign * size


@sample_law.register
def _(law: Uniform, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return draws.symmetric(shape)


@sample_law.register
def _(law: Logistic, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    return draws.logistic(shape)


@sample_law.register
def _(law: Stable, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """Chambers, Mallows and Stuck (1976): characteristic function exp(-|t|^alpha), so N(0, 2) at alpha = 2."""
    alpha = number(law.alpha, parameters)
    angle, size = np.pi / 2 * draws.fold(0).symmetric(shape), draws.fold(1).exponential(shape)
    cosine = jnp.cos(angle)
    return (
        jnp.sin(alpha * angle) / cosine ** (1 / alpha) * (jnp.cos((1 - alpha) * angle) / size) ** ((1 - alpha) / alpha)
    )


@Sampler
def sample_noise(noise: Any, draws: Draws, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    """Z_i for a batch of points: (d, paths), independent over paths.

    Args:
        noise: a `derive.methods.noise.Noise`; its scale may depend on the gradient (affine) or the coordinate.
        g: gradients, (d, paths).
        parameters: values of symbols by name; a scale that is a vector as an array (d,), a measured covariance (d, d).
        client: the client whose scale to take, from 0; clients with one common scale share it.

    Raises:
        TypeError: not a noise.
        BadInput: a symbol without a value.
    """
    raise _unregistered("noise", noise, "sample_noise", "draws, g, parameters=None, client=0")


@sample_noise.register
def _(noise: Noise, draws: Draws, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    """Scale times law, which defines every noise with independent coordinates."""
    if noise.law.degenerate:
        return jnp.zeros_like(g)
    scale = noise.scales[client if len(noise.scales) > 1 else 0]
    size = lower_coordinate(scale)(environment(parameters or {}, {"g": g}))
    return size * sample_law(noise.law, draws, g.shape, parameters)


@sample_noise.register
def _(noise: Correlated, draws: Draws, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    covariance = (parameters or {}).get(noise.covariance.name)
    if covariance is None:
        raise BadInput(f"parameter {noise.covariance.name}", "no value", "the d x d covariance matrix")
    own = sample_law(_base(noise.law), draws.fold(0), g.shape, parameters)
    return correlate(noise.law, jnp.asarray(covariance, g.dtype), own, draws.fold(1), parameters)


def _base(law: Law) -> Law:
    return Gaussian() if isinstance(law, StudentT) else law


def correlate(
    law: Law, covariance: jax.Array, own: jax.Array, draws: Any, parameters: Parameters = None
) -> jax.Array:
    """Dependent coordinates with a given covariance from independent standardised ones, `own` (d, paths).

    Gaussian: Sigma^{1/2} z. Student-t: the multivariate t, one mixing variable for all coordinates, so that every
    linear combination is Student-t with the same nu. Other laws: independent in Sigma's eigenbasis, with exactly this
    covariance, while the marginals are sums of such variables and not of the law itself.
    """
    values, vectors = jnp.linalg.eigh(covariance)
    spread = jnp.sqrt(jnp.maximum(values, 0))[:, None]
    if isinstance(law, Gaussian):
        return product(vectors, spread * product(vectors.T, own))
    if isinstance(law, StudentT):
        nu = number(law.nu, parameters)
        keys = draws_from(draws, own.shape[1]).keys()
        mixing = jax.vmap(lambda key: jax.random.chisquare(key, nu, dtype=own.dtype))(keys) / nu
        return product(vectors, spread * product(vectors.T, own)) * jnp.sqrt((nu - 2) / nu / mixing)
    return product(vectors, spread * own) / jnp.sqrt(number(law.variance, parameters))


@Sampler
def compress(compressor: Any, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    """C(v) for a batch of messages: (d, paths), independent over paths given v.

    Args:
        compressor: a `derive.methods.compressors.Compressor`.
        draws: used by this call alone (deterministic compressors ignore them).
        v: messages, (d, paths).
        parameters: values of the compressor's symbols, by name.

    Raises:
        TypeError: no sampler is registered for the compressor's class; the message says how to register one.
        BadInput: a symbol without a value, or a k that does not fit.
    """
    raise _unregistered("compressor", compressor, "compress", "draws, v, parameters=None")


@compress.register
def _(compressor: Identity, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    return v


@compress.register
def _(compressor: Bernoulli, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    p = number(compressor.p, parameters)
    return jnp.where(draws.uniform(v.shape) < p, v / p, 0.0)


@compress.register
def _(compressor: RandK, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    """Selection sampling (Knuth, 3.4.2, algorithm S) in O(d): keep a coordinate with probability (still wanted)/(still left)."""
    dim = v.shape[0]
    k = _within(compressor.k, parameters, dim, "rand-k:k")
    if k == dim:
        return v
    u = draws.uniform(v.shape)
    wanted = jnp.full(v.shape[1:], k, v.dtype)

    def choose(wanted: jax.Array, row: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        kept = row[0] * row[1] < wanted
        return wanted - kept.astype(v.dtype), kept

    left = jnp.arange(dim, 0, -1).astype(v.dtype)
    if dim <= UNROLLED:
        rows = []
        for j in range(dim):
            wanted, kept = choose(wanted, (u[j], left[j]))
            rows.append(kept)
        chosen = jnp.stack(rows)
    else:
        _, chosen = jax.lax.scan(choose, wanted, (u, left))
    return jnp.where(chosen, dim / k * v, 0.0)


@compress.register
def _(compressor: QSGD, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    s = number(compressor.s, parameters)
    norm = jnp.sqrt(jnp.sum(v**2, axis=0, keepdims=True))
    level = jnp.where(norm > 0, s * jnp.abs(v) / jnp.where(norm > 0, norm, 1.0), 0.0)
    return jnp.sign(v) * norm / s * _round(draws, level)


@compress.register
def _(compressor: Ternary, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    size = jnp.max(jnp.abs(v), axis=0, keepdims=True)
    kept = draws.uniform(v.shape) * size < jnp.abs(v)
    return jnp.where(kept, size * jnp.sign(v), 0.0)


@compress.register
def _(compressor: Natural, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    """|v| = m 2^e with m in [1/2, 1): the ends of its binade are 2^{e-1} and 2^e; a power of two and 0 stay."""
    mantissa, exponent = jnp.frexp(jnp.abs(v))
    up = draws.uniform(v.shape) < 2 * mantissa - 1
    rounded = jnp.ldexp(jnp.ones_like(v), jnp.where(up, exponent, exponent - 1))
    return jnp.where(v == 0, 0.0, jnp.sign(v) * rounded)


@compress.register
def _(compressor: FixedGrid, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    step = number(compressor.step, parameters)
    return step * _round(draws, v / step)


@compress.register
def _(compressor: Sign, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    return jnp.sign(v)


@compress.register
def _(compressor: ScaledSign, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    return jnp.mean(jnp.abs(v), axis=0, keepdims=True) * jnp.sign(v)


@compress.register
def _(compressor: TopK, draws: Draws, v: jax.Array, parameters: Parameters = None) -> jax.Array:
    k = _within(compressor.k, parameters, v.shape[0], "top-k:k")
    return jnp.where(rank_descending(jnp.abs(v)) < k, v, 0.0)


def _round(draws: Draws, a: jax.Array) -> jax.Array:
    """a to a neighbouring integer, at random and without bias."""
    low = jnp.floor(a)
    return low + (draws.uniform(a.shape) < a - low)


def _within(k: Any, parameters: Parameters, dim: int, field: str) -> int:
    value = whole(k, parameters, field)
    if not 1 <= value <= dim:
        raise BadInput(field, value, f"a whole number from 1 to the dimension {dim}")
    return value
