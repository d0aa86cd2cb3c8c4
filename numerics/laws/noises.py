"""Samplers, quantiles and Gauss rules of standardised noise laws, and samplers of the noise at a gradient.

A sampler is chosen by the class of a law, a noise or a compressor; a new class registers its own function.
"""

from collections.abc import Callable, Mapping
from functools import partial, singledispatch, update_wrapper
from typing import Any, final

import numpy as np
import scipy.special
import sympy as sp

from sdescent.derive.methods import noise as laws
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws, draws_from
from sdescent.numerics.lowering.rows import product
from sdescent.numerics.lowering.tape import Environment, environment
from sdescent.numerics.lowering.to_jax import Parameters, concrete, function_of_one, lower_coordinate, number

#: nodes and weights, arrays (.., n); weights sum to 1 along the last axis
Rule = tuple[np.ndarray, np.ndarray]
#: Lanczos' algorithm has used up the points of a law when a step leaves less than this share of the spread
_END = 1e-13


def compressed(rule: Rule, count: int) -> Rule:
    """The Gauss rule with `count` nodes for each finite law, (.., m) -> (.., count); laws with m <= `count` do not change.

    It comes from Lanczos' algorithm with full reorthogonalisation. If a law has fewer points, the rest have weight 0.
    """
    nodes, weights = np.broadcast_arrays(*(np.asarray(a, float) for a in rule))
    if nodes.shape[-1] <= count:
        return nodes, weights
    shape = nodes.shape[:-1]
    nodes, weights = nodes.reshape(-1, nodes.shape[-1]), weights.reshape(-1, nodes.shape[-1])
    mass = weights.sum(axis=1, keepdims=True)
    centre = (weights * nodes).sum(axis=1, keepdims=True) / mass
    spread = np.sqrt((weights * (nodes - centre) ** 2).sum(axis=1, keepdims=True) / mass)
    unit = (nodes - centre) / np.where(spread > 0, spread, 1.0)
    basis = np.zeros((count, *nodes.shape))
    basis[0] = np.sqrt(weights / mass)
    tridiagonal = np.zeros((len(nodes), count, count))
    for k in range(count):
        image = unit * basis[k]
        tridiagonal[:, k, k] = np.einsum("bm,bm->b", basis[k], image)
        for _ in range(2):  # twice is enough (Parlett 1980)
            image = image - np.einsum("kbm,kb->bm", basis[: k + 1], np.einsum("kbm,bm->kb", basis[: k + 1], image))
        size = np.linalg.norm(image, axis=1)
        alive = size > _END
        if k + 1 < count:
            tridiagonal[alive, k, k + 1] = tridiagonal[alive, k + 1, k] = size[alive]
            basis[k + 1, alive] = image[alive] / size[alive, None]
    values, vectors = np.linalg.eigh(tridiagonal)
    nodes, weights = centre + spread * values, (mass * vectors[:, 0, :] ** 2)
    return nodes.reshape(*shape, count), weights.reshape(*shape, count)


def convolved(first: Rule, second: Rule, count: int) -> Rule:
    """The rule with `count` nodes for the sum of two independent variables with these rules."""
    nodes = first[0][..., :, None] + second[0][..., None, :]
    weights = first[1][..., :, None] * second[1][..., None, :]
    flat = (*nodes.shape[:-2], -1)
    return compressed((nodes.reshape(flat), weights.reshape(flat)), count)


def mean_of(rule: Rule, copies: int, count: int) -> Rule:
    """The rule with `count` nodes for the mean of independent copies, by doubling, in O(log copies) convolutions."""
    power, total, remaining = rule, None, copies
    while True:
        if remaining % 2:
            total = power if total is None else convolved(total, power, count)
        remaining //= 2
        if not remaining:
            break
        power = convolved(power, power, count)
    assert total is not None  # copies >= 1
    return total[0] / copies, total[1]


@final
class NoSampler(BadInput, TypeError):
    """The user's own class has moments, so that its equation can be derived, but no sampler."""


def unregistered(kind: str, obj: Any, function: str, arguments: str) -> NoSampler:
    """The error that says how to register a sampler."""
    name = type(obj).__name__
    decorator = f"@sdescent.numerics.laws.samplers.{function}.register"
    accepted = f"one that is registered by {decorator} above def _({kind}: {name}, {arguments})"
    return NoSampler(f"{kind} {name}", "no sampler", accepted)


@final
class Sampler:
    """A function chosen by the class of its first argument; `register` adds one. A JAX key is turned into draws."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = singledispatch(function)
        self.register, self.dispatch = self._function.register, self._function.dispatch
        self.registry = self._function.registry
        update_wrapper(self, function)

    def __call__(self, obj: Any, draws: Any, of: Any, *more: Any, **named: Any) -> jax.Array:
        paths = of[-1] if isinstance(of, tuple) else of.shape[-1]
        dtype = (draws.dtype if isinstance(draws, Draws) else np.float64) if isinstance(of, tuple) else of.dtype
        return self._function(obj, draws_from(draws, paths, dtype=dtype), of, *more, **named).astype(dtype)


Quantile = Callable[[np.ndarray], np.ndarray]
#: a density is summed on [-REACH, REACH] in panels of this width; beyond REACH e^{-|z|} is close to the smallest normal number
REACH, PANEL = 700.0, 0.5


@Sampler
def sample_law(law: Any, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """Independent draws of a standardised law, of the shape (.., paths), from the draws for this call alone, or a JAX key.

    `parameters` are values of the law's symbols by name. NoSampler for a law without a sampler: it says how to register one.
    """
    raise unregistered("law", law, "sample_law", "draws, shape, parameters=None")


@singledispatch
def quantile_function(law: Any, parameters: Mapping[str, Any] | None = None) -> Quantile:
    """The quantile function of a standardised law, u in (0, 1) -> the u-quantile; TypeError for no law, BadInput."""
    raise TypeError(f"{type(law).__name__} is not a noise law")


@singledispatch
def gauss_rule(law: Any, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    """The Gauss rule with `count` >= 1 nodes of a standardised law; TypeError for no law, BadInput for a symbol without a value.

    NoClosedForm if the law lacks moments (Student-t, stable laws), or has tails heavier than exponential.
    """
    raise TypeError(f"{type(law).__name__} is not a noise law")


# any law


@quantile_function.register
def _(law: laws.Law, parameters: Mapping[str, Any] | None = None) -> Quantile:
    """The quantile function of any law, by bisection on 2F - 1, which the law states (stable laws, laws of the user)."""
    sign_mean = jit(function_of_one(law.sign_mean, parameters))

    def cdf(z: np.ndarray) -> np.ndarray:
        return (1 - np.asarray(sign_mean(jnp.asarray(-z)))) / 2

    def quantile(u: np.ndarray) -> np.ndarray:
        if not law.symmetric:
            u = np.asarray(u, float)
            side = np.where(u > cdf(np.zeros_like(u)), 1.0, -1.0)
            return side * _bisected(lambda logs: side * (u - cdf(side * np.exp(logs))) > 0, u)
        target = np.abs(2 * u - 1)
        size = _bisected(lambda logs: np.asarray(sign_mean(jnp.exp(jnp.asarray(logs)))) < target, target)
        return np.where(target == 0, 0.0, np.sign(2 * u - 1) * size)

    return quantile


def _bisected(short: Callable[[np.ndarray], np.ndarray], u: np.ndarray) -> np.ndarray:
    """The distances from 0 up to which `short` holds, by bisection in their logarithms, its argument; an array like u."""
    low, high = np.full_like(u, -80.0), np.full_like(u, 80.0)
    for _ in range(70):
        middle = (low + high) / 2
        farther = short(middle)
        low, high = np.where(farther, middle, low), np.where(farther, high, middle)
    return np.exp((low + high) / 2)


@gauss_rule.register
def _(law: laws.Law, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    """The Gauss rule of any law with exponential tails, from its density on panels (0, the kink of Laplace's, is an edge)."""
    if law.tail != sp.oo:
        raise NoClosedForm(f"the law has moments up to order {law.tail} only, so it lacks Gauss rules of large size")
    density = function_of_one(law.density, parameters)
    points, point_weights = np.polynomial.legendre.leggauss(16)
    starts = np.arange(0.0, REACH, PANEL)
    right = (starts[:, None] + PANEL * (1 + points) / 2).ravel()
    nodes = np.concatenate([-right[::-1], right])
    values = np.asarray(density(jnp.asarray(nodes)))
    weights = values * np.tile(PANEL / 2 * point_weights, 2 * len(starts))
    positive = weights > 0
    mass = float(weights[positive].sum())
    if not abs(mass - 1) < 1e-10:
        reason = f"the density sums to {mass} within {REACH:g} of 0: its tails are too heavy for a Gauss rule"
        raise NoClosedForm(reason)
    return compressed((nodes[positive], weights[positive] / mass), count)


# samplers, quantiles and Gauss rules of single laws

for _kind, _sampler in {
    laws.Point: lambda law, draws, shape, parameters=None: jnp.zeros(shape, draws.dtype),
    laws.Gaussian: lambda law, draws, shape, parameters=None: draws.normal(shape),
    laws.Uniform: lambda law, draws, shape, parameters=None: draws.symmetric(shape),
    laws.Logistic: lambda law, draws, shape, parameters=None: draws.logistic(shape),
}.items():
    sample_law.register(_kind, _sampler)


@sample_law.register
def _(law: laws.StudentT, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """Draws of Student's t; for nu = 1, the Cauchy law, they are tangents of uniform angles."""
    if law.nu == 1:
        cosine, sine = draws.direction(shape)
        return sine / cosine
    return draws.student(shape, number(law.nu, parameters))


@sample_law.register
def _(law: laws.Laplace, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    sign, size = draws.sign_and_exponential(shape)
    return sign * size


@sample_law.register
def _(law: laws.Stable, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """Draws by Chambers, Mallows and Stuck (1976): the characteristic function is exp(-|t|^alpha), so alpha = 2 gives N(0, 2)."""
    alpha = number(law.alpha, parameters)
    angle, size = np.pi / 2 * draws.fold(0).symmetric(shape), draws.fold(1).exponential(shape)
    cosine = jnp.cos(angle)
    stretch = (jnp.cos((1 - alpha) * angle) / size) ** ((1 - alpha) / alpha)
    return jnp.sin(alpha * angle) / cosine ** (1 / alpha) * stretch


for _kind, _quantile in {
    laws.Point: lambda law, parameters=None: np.zeros_like,
    laws.Gaussian: lambda law, parameters=None: scipy.special.ndtri,
    laws.StudentT: lambda law, parameters=None: partial(scipy.special.stdtrit, concrete(law.nu, parameters)),
    laws.Laplace: lambda law, parameters=None: lambda u: np.where(u < 0.5, np.log(2 * u), -np.log(2 * (1 - u))),
    laws.Uniform: lambda law, parameters=None: lambda u: 2 * u - 1,
    laws.Logistic: lambda law, parameters=None: scipy.special.logit,
}.items():
    quantile_function.register(_kind, _quantile)


@gauss_rule.register
def _(law: laws.Point, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    return np.zeros(1), np.ones(1)


@gauss_rule.register
def _(law: laws.Gaussian, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()


@gauss_rule.register
def _(law: laws.Uniform, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights / 2


@Sampler
def sample_noise(noise: Any, draws: Draws, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    """Z_i at gradients g, (d, paths), independent across paths, from the draws for this call alone, or a JAX key.

    `parameters` are values of symbols by name; a vector of scales is an array (d,), a measured covariance (d, d). `client`, from 0,
    selects the scale, unless all have a common one. NoSampler, which says how to register one; BadInput for a symbol without a
    value.
    """
    raise unregistered("noise", noise, "sample_noise", "draws, g, parameters=None, client=0")


@sample_noise.register
def _(noise: laws.Noise, draws: Draws, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    """The scale times draws of the law, which is the definition of every noise with independent coordinates."""
    return _scaled(noise, draws, environment(parameters or {}, {"g": g}), parameters, client)


@sample_noise.register
def _(noise: laws.Correlated, draws: Draws, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    covariance = (parameters or {}).get(noise.covariance.name)
    if covariance is None:
        raise BadInput(f"parameter {noise.covariance.name}", "no value", "the d x d covariance matrix")
    law = laws.Gaussian() if isinstance(noise.law, laws.StudentT) else noise.law
    independent = sample_law(law, draws.fold(0), g.shape, parameters)
    return correlate(noise.law, jnp.asarray(covariance, g.dtype), independent, draws.fold(1), parameters)


#: the sampler for noise that is a scale times a law
_SCALED = sample_noise.dispatch(laws.Noise)


def noise_at(noise: Any, draws: Draws, here: Environment, parameters: Parameters = None, client: int = 0) -> jax.Array:
    """Z_i at the points of an environment (g, x, t, u, Hessian products), (d, paths), on all of which the scales may depend."""
    if sample_noise.dispatch(type(noise)) is not _SCALED:
        return sample_noise(noise, draws, here.vectors["g"], parameters, client)
    return _scaled(noise, draws, here, parameters, client)


def by_coordinate(noise: laws.Noise) -> bool:
    """Whether the sampler of a noise is a scale times draws of its law, so that some coordinates can be drawn without the rest."""
    return sample_noise.dispatch(type(noise)) is _SCALED


def scale_and_law(noise: laws.Noise) -> bool:
    """Whether `by_coordinate` holds and the noise is not 0: its law can then be drawn before the gradient is computed."""
    return by_coordinate(noise) and not noise.law.degenerate


def scale_of(noise: laws.Noise, here: Environment, client: int = 0) -> jax.Array:
    """The scale of a client's noise at the points of an environment; it broadcasts to (d, paths)."""
    return lower_coordinate(noise.scales[client if len(noise.scales) > 1 else 0])(here)


def _scaled(noise: laws.Noise, draws: Draws, here: Environment, parameters: Parameters, client: int) -> jax.Array:
    g = here.vectors["g"]
    if noise.law.degenerate:
        return jnp.zeros_like(g)
    return scale_of(noise, here, client) * sample_law(noise.law, draws, g.shape, parameters)


def correlate(
    law: laws.Law, covariance: jax.Array, z: jax.Array, draws: Any, parameters: Parameters = None
) -> jax.Array:
    """Dependent coordinates with a given covariance Sigma, from independent standardised coordinates z (d, paths).

    Gaussian noise is Sigma^{1/2} z. Student-t noise is the multivariate t, with a single mixing variable for all coordinates, so
    that every linear combination is Student-t with the same nu. For other laws the coordinates in the eigenbasis of Sigma are
    independent: the covariance is exact, but the marginals are sums of such variables and do not have the law itself.
    """
    values, vectors = jnp.linalg.eigh(covariance)
    spread = jnp.sqrt(jnp.maximum(values, 0))[:, None]
    if isinstance(law, laws.Gaussian):
        return product(vectors, spread * product(vectors.T, z))
    if isinstance(law, laws.StudentT):
        nu = number(law.nu, parameters)
        keys = draws_from(draws, z.shape[1]).keys()
        mixing = jax.vmap(lambda key: jax.random.chisquare(key, nu, dtype=z.dtype))(keys) / nu
        return product(vectors, spread * product(vectors.T, z)) * jnp.sqrt((nu - 2) / nu / mixing)
    return product(vectors, spread * z) / jnp.sqrt(number(law.variance, parameters))
