"""Sample the noise at a gradient: a scale times a standardised law, or coordinates with a measured covariance."""

from typing import Any

from sdescent.derive.methods.noise import Correlated, Gaussian, Law, Noise, StudentT
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws, draws_from
from sdescent.numerics.laws.dispatch import Sampler, unregistered
from sdescent.numerics.laws.standardised import sample_law
from sdescent.numerics.lowering.environment import Environment, environment
from sdescent.numerics.lowering.rows import product
from sdescent.numerics.lowering.scalars import Parameters, number
from sdescent.numerics.lowering.to_jax import lower_coordinate


@Sampler
def sample_noise(noise: Any, draws: Draws, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    """Z_i for a batch of points, (d, paths), independent over paths.

    Args:
        noise: a `sdescent.derive.methods.noise.Noise`; its scale may depend on the gradient (affine) or the coordinate.
        draws: the draws of this call alone, or a JAX key.
        g: the gradients, (d, paths).
        parameters: values of symbols by name; a vector of scales as an array (d,), a measured covariance as (d, d).
        client: the client whose scale is used, from 0; without scales of their own, all clients have a common scale.

    Raises:
        NoSampler: no sampler is registered for the class of the noise; the message says how to register one.
        BadInput: a symbol without a value.
    """
    raise unregistered("noise", noise, "sample_noise", "draws, g, parameters=None, client=0")


@sample_noise.register
def _(noise: Noise, draws: Draws, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    """The scale times draws of the law, which is the definition of every noise with independent coordinates."""
    return _scaled(noise, draws, environment(parameters or {}, {"g": g}), parameters, client)


@sample_noise.register
def _(noise: Correlated, draws: Draws, g: jax.Array, parameters: Parameters = None, client: int = 0) -> jax.Array:
    covariance = (parameters or {}).get(noise.covariance.name)
    if covariance is None:
        raise BadInput(f"parameter {noise.covariance.name}", "no value", "the d x d covariance matrix")
    independent = sample_law(
        Gaussian() if isinstance(noise.law, StudentT) else noise.law, draws.fold(0), g.shape, parameters
    )
    return correlate(noise.law, jnp.asarray(covariance, g.dtype), independent, draws.fold(1), parameters)


#: the sampler for noise that is a scale times a law
_SCALED = sample_noise.dispatch(Noise)


def noise_at(noise: Any, draws: Draws, here: Environment, parameters: Parameters = None, client: int = 0) -> jax.Array:
    """Z_i at the points of an environment, (d, paths): as `sample_noise`, with scales that may depend on the whole environment.

    The environment holds the gradient g, the state x, the time t, the letter u of a free schedule, and Hessian products.
    """
    if sample_noise.dispatch(type(noise)) is not _SCALED:
        return sample_noise(noise, draws, here.vectors["g"], parameters, client)
    return _scaled(noise, draws, here, parameters, client)


def by_coordinate(noise: Noise) -> bool:
    """Whether the sampler of a noise is a scale times draws of its law, so that some coordinates can be drawn without the rest."""
    return sample_noise.dispatch(type(noise)) is _SCALED


def scale_and_law(noise: Noise) -> bool:
    """Whether `by_coordinate` holds and the noise is not 0: its law can then be drawn before the gradient is computed."""
    return by_coordinate(noise) and not noise.law.degenerate


def scale_of(noise: Noise, here: Environment, client: int = 0) -> jax.Array:
    """The scale of a client's noise at the points of an environment; it broadcasts to (d, paths)."""
    return lower_coordinate(noise.scales[client if len(noise.scales) > 1 else 0])(here)


def _scaled(noise: Noise, draws: Draws, here: Environment, parameters: Parameters, client: int) -> jax.Array:
    g = here.vectors["g"]
    if noise.law.degenerate:
        return jnp.zeros_like(g)
    return scale_of(noise, here, client) * sample_law(noise.law, draws, g.shape, parameters)


def correlate(law: Law, covariance: jax.Array, z: jax.Array, draws: Any, parameters: Parameters = None) -> jax.Array:
    """Dependent coordinates with a given covariance Sigma, from independent standardised coordinates z (d, paths).

    Gaussian noise is Sigma^{1/2} z. Student-t noise is the multivariate t, with a single mixing variable for all coordinates, so
    that every linear combination is Student-t with the same nu. For other laws the coordinates in the eigenbasis of Sigma are
    independent: the covariance is exact, but the marginals are sums of such variables and do not have the law itself.
    """
    values, vectors = jnp.linalg.eigh(covariance)
    spread = jnp.sqrt(jnp.maximum(values, 0))[:, None]
    if isinstance(law, Gaussian):
        return product(vectors, spread * product(vectors.T, z))
    if isinstance(law, StudentT):
        nu = number(law.nu, parameters)
        keys = draws_from(draws, z.shape[1]).keys()
        mixing = jax.vmap(lambda key: jax.random.chisquare(key, nu, dtype=z.dtype))(keys) / nu
        return product(vectors, spread * product(vectors.T, z)) * jnp.sqrt((nu - 2) / nu / mixing)
    return product(vectors, spread * z) / jnp.sqrt(number(law.variance, parameters))
