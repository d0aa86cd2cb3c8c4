"""The curvature ||Hess f||_op and the noise of one sample along gradient descent. All quantities are dimensionless."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.measure.primitives import Population, lanczos


@final
@dataclass(frozen=True)
class Curvature:
    """The measured points.

    Attributes:
        gradient_norm, curvature: ||grad f||_2 and ||Hess f||_op at each point, (m,). All paths' first points come first, and so on.
        residual: the largest ||H v - s v||/|s| over the unit vectors v and numbers s of the points, |s| being the curvature. H has
            an eigenvalue within this share of s (Parlett 1998, 4.5).
        iterations: the largest number of Hessian products at a point.
    """

    gradient_norm: np.ndarray
    curvature: np.ndarray
    residual: float
    iterations: int


def descent_points(
    land: Landscape, start: np.ndarray, etas: Sequence[float], steps: Any, dtype: Any = np.float64
) -> jax.Array:
    """The points at these steps of gradient descent from each start with each step size, (d, m).

    Args:
        start: one start (d,), or several (d, k); the m points are sorted by the number of the step.
        steps: step numbers, rounded to whole ones, of which equal ones count once.
    """
    starts = np.asarray(start).reshape(len(start), -1)
    x = jnp.asarray(np.tile(starts, len(etas)), dtype)
    sizes = jnp.asarray(np.repeat(etas, starts.shape[1]), dtype)
    saved_steps = np.unique(np.rint(steps).astype(int))

    def descend(x: jax.Array, count: Any) -> tuple[jax.Array, jax.Array]:
        x = jax.lax.fori_loop(0, count, lambda _, y: y - sizes * land.gradient(y), x)
        return x, x

    @jit
    def path(x: jax.Array, counts: jax.Array) -> jax.Array:
        return jnp.moveaxis(jax.lax.scan(descend, x, counts)[1], 0, 1).reshape(x.shape[0], -1)

    return path(x, jnp.asarray(np.diff(saved_steps, prepend=0)))


def measure_curvature(land: Landscape, points: jax.Array, iterations: int = 24, seed: int = 0) -> Curvature:
    """The curvature ||Hess f||_op at points (d, m), by Lanczos' method from a random vector.

    The largest |Ritz value| is at most ||H||_op and tends to it, for either end of the spectrum. The result shows how far it got.
    """
    rng, product = np.random.default_rng(seed), jit(land.hessian_product)
    along = lambda x, v: product(x[:, None], jnp.asarray(v, x.dtype)[:, None])[:, 0]  # noqa: E731
    ritz = [lanczos(partial(along, x), rng.standard_normal(len(x)), iterations) for x in points.T]
    return Curvature(
        gradient_norms(land, points), np.array([r.norm for r in ritz]), max(r.accuracy for r in ritz),
        max(len(r.values) for r in ritz),
    )  # fmt: skip


def gradient_norms(land: Landscape, points: jax.Array) -> np.ndarray:
    """||grad f||_2 at points (d, m), (m,)."""
    return np.linalg.norm(np.asarray(jit(land.gradient)(points), float), axis=0)


def sample_variance(population: Population, points: jax.Array) -> np.ndarray:
    """The trace of the covariance of the gradient of one sample, drawn uniformly, at points (d, m): shape (m,).

    The mean of B samples drawn with replacement has this variance over B.
    """

    def variance(x: jax.Array) -> float:
        means = population.group_means(x)
        return sum(float(np.sum(np.square(y, dtype=float))) for _, y in population.centred(x, means)) / population.units

    return np.array([variance(x) for x in points.T])
