"""The sampler of each standardised noise law, and its quantile function and Gauss rule if they improve on the general ones.

A sampler draws from `sdescent.numerics.laws.counter.Draws`, which stand for one purpose at one step of some paths; the draws of a
path do not depend on other paths. A JAX key may take the place of the draws. A new law registers its own sampler. Quantiles and
Gauss rules follow from its definition; quicker ones are registered in the same way:

    @sample_law.register
    def _(law: MyLaw, draws, shape, parameters=None):
        return jnp.sign(draws.fold(0).symmetric(shape)) * draws.fold(1).exponential(shape) ** 2

Quantiles are computed in NumPy, for integration nodes that are made once before a run. Dimensionless.
"""

from collections.abc import Callable, Mapping
from functools import partial, singledispatch
from typing import Any

import numpy as np
import scipy.special
import sympy as sp

from sdescent.derive.methods.noise import Gaussian, Laplace, Law, Logistic, Point, Stable, StudentT, Uniform
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.dispatch import Sampler, unregistered
from sdescent.numerics.laws.gauss_rules import Rule, compressed
from sdescent.numerics.lowering.scalars import Parameters, concrete, function_of_one, number

Quantile = Callable[[np.ndarray], np.ndarray]
#: a density is summed on [-REACH, REACH] in panels of this width; beyond REACH e^{-|z|} is close to the smallest normal number
REACH, PANEL = 700.0, 0.5


@Sampler
def sample_law(law: Any, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """Independent draws of a standardised law, of the given shape (.., paths).

    Args:
        law: a `sdescent.derive.methods.noise.Law`.
        draws: the draws of this call alone, or a JAX key.
        shape: the shape (.., paths).
        parameters: values of the law's symbols by name.

    Raises:
        NoSampler: no sampler is registered for the law's class; the message says how to register one.
    """
    raise unregistered("law", law, "sample_law", "draws, shape, parameters=None")


@singledispatch
def quantile_function(law: Any, parameters: Mapping[str, Any] | None = None) -> Quantile:
    """The quantile function of a standardised law: u in (0, 1) -> the u-quantile.

    Args:
        law: a `sdescent.derive.methods.noise.Law`.
        parameters: values of the law's symbols by name.

    Raises:
        TypeError: an object that is not a law.
        BadInput: a symbol without a value.
    """
    raise TypeError(f"{type(law).__name__} is not a noise law")


@singledispatch
def gauss_rule(law: Any, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    """The Gauss rule of a standardised law.

    Args:
        law: a `sdescent.derive.methods.noise.Law`.
        count: the number of nodes, >= 1.
        parameters: values of the law's symbols by name.

    Raises:
        TypeError: an object that is not a law.
        BadInput: a symbol without a value.
        NoClosedForm: a law that lacks moments (Student-t, stable laws), or whose tails are heavier than exponential.
    """
    raise TypeError(f"{type(law).__name__} is not a noise law")


# any law


@quantile_function.register
def _(law: Law, parameters: Mapping[str, Any] | None = None) -> Quantile:
    """The quantile function of any law, by bisection on 2F - 1, which the law states (stable laws, laws of the user)."""
    sign_mean = jit(function_of_one(law.sign_mean, parameters))

    def quantile(u: np.ndarray) -> np.ndarray:
        if not law.symmetric:
            return _bisected(lambda z: (1 - np.asarray(sign_mean(jnp.asarray(-z)))) / 2, np.asarray(u, float))
        target = np.abs(2 * u - 1)
        low, high = np.full_like(target, -80.0), np.full_like(target, 80.0)  # bounds on log z
        for _ in range(70):
            middle = (low + high) / 2
            below = np.asarray(sign_mean(jnp.exp(jnp.asarray(middle)))) < target
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(target == 0, 0.0, np.sign(2 * u - 1) * np.exp((low + high) / 2))

    return quantile


def _bisected(cdf: Quantile, u: np.ndarray) -> np.ndarray:
    """The u-quantiles, by bisection in the logarithm of the distance from 0, on the side of the quantile."""
    side = np.where(u > cdf(np.zeros_like(u)), 1.0, -1.0)
    low, high = np.full_like(u, -80.0), np.full_like(u, 80.0)
    for _ in range(70):
        middle = (low + high) / 2
        short = side * (u - cdf(side * np.exp(middle))) > 0
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return side * np.exp((low + high) / 2)


@gauss_rule.register
def _(law: Law, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    """The Gauss rule of any law with exponential tails, from its density on panels (0, the kink of Laplace's, is an edge)."""
    if law.tail != sp.oo:
        raise NoClosedForm(f"the law has moments up to order {law.tail} only, so it has no Gauss rules of any size")
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
        raise NoClosedForm(
            f"the density sums to {mass} within {REACH:g} of 0: its tails are too heavy for a Gauss rule"
        )
    return compressed((nodes[positive], weights[positive] / mass), count)


# samplers, quantiles and Gauss rules of single laws

for _kind, _sampler in {
    Point: lambda law, draws, shape, parameters=None: jnp.zeros(shape, draws.dtype),
    Gaussian: lambda law, draws, shape, parameters=None: draws.normal(shape),
    Uniform: lambda law, draws, shape, parameters=None: draws.symmetric(shape),
    Logistic: lambda law, draws, shape, parameters=None: draws.logistic(shape),
}.items():
    sample_law.register(_kind, _sampler)


@sample_law.register
def _(law: StudentT, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """Draws of Student's t; for nu = 1, the Cauchy law, they are tangents of uniform angles."""
    if law.nu == 1:
        cosine, sine = draws.direction(shape)
        return sine / cosine
    return draws.student(shape, number(law.nu, parameters))


@sample_law.register
def _(law: Laplace, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    sign, size = draws.sign_and_exponential(shape)
    return sign * size


@sample_law.register
def _(law: Stable, draws: Draws, shape: tuple[int, ...], parameters: Parameters = None) -> jax.Array:
    """Draws by Chambers, Mallows and Stuck (1976): the characteristic function is exp(-|t|^alpha), so alpha = 2 gives N(0, 2)."""
    alpha = number(law.alpha, parameters)
    angle, size = np.pi / 2 * draws.fold(0).symmetric(shape), draws.fold(1).exponential(shape)
    cosine = jnp.cos(angle)
    return (
        jnp.sin(alpha * angle) / cosine ** (1 / alpha) * (jnp.cos((1 - alpha) * angle) / size) ** ((1 - alpha) / alpha)
    )


for _kind, _quantile in {
    Point: lambda law, parameters=None: np.zeros_like,
    Gaussian: lambda law, parameters=None: scipy.special.ndtri,
    StudentT: lambda law, parameters=None: partial(scipy.special.stdtrit, concrete(law.nu, parameters)),
    Laplace: lambda law, parameters=None: lambda u: np.where(u < 0.5, np.log(2 * u), -np.log(2 * (1 - u))),
    Uniform: lambda law, parameters=None: lambda u: 2 * u - 1,
    Logistic: lambda law, parameters=None: scipy.special.logit,
}.items():
    quantile_function.register(_kind, _quantile)


@gauss_rule.register
def _(law: Point, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    return np.zeros(1), np.ones(1)


@gauss_rule.register
def _(law: Gaussian, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()


@gauss_rule.register
def _(law: Uniform, count: int, parameters: Mapping[str, Any] | None = None) -> Rule:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights / 2
