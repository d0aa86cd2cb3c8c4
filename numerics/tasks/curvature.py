"""Measured (L0, L1): ||Hess f||_op along gradient descent, and the lowest line L0 + L1 ||grad f|| above the measurements.

The constants hold at the measured points and are not a bound elsewhere. All quantities are dimensionless.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import linprog

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.tasks.data import SampleLoss
from sdescent.numerics.tasks.step_rules import SmoothnessLine


@final
@dataclass(frozen=True)
class Curvature:
    """The measured points.

    Attributes:
        gradient_norm, curvature: ||grad f||_2 and ||Hess f||_op at each point, (m,). All paths' first points come first, and so on.
        residual: the largest ||H v - s v||/|s| over the unit vectors v and numbers s of the points, |s| being the curvature. H has
            an eigenvalue within this share of s (Parlett 1998, 4.5).
        iterations: the number of Hessian products at each point.
    """

    gradient_norm: np.ndarray
    curvature: np.ndarray
    residual: float
    iterations: int


def descent_points(
    land: Landscape, start: np.ndarray, etas: Sequence[float], steps: int, keep: int, dtype: Any = np.float64
) -> jax.Array:
    """`keep` evenly spaced points, start and end included, of gradient descent from each start with each step size, (d, m).

    Args:
        start: one start (d,), or several (d, k); the m = keep len(etas) k points are sorted by the number of the step.

    Raises:
        BadInput: fewer than 2 points.
    """
    if keep < 2:
        raise BadInput("keep", keep, "at least 2")
    starts = np.asarray(start).reshape(len(start), -1)
    x = jnp.asarray(np.tile(starts, len(etas)), dtype)
    sizes = jnp.asarray(np.repeat(etas, starts.shape[1]), dtype)
    saved_steps = np.unique(np.rint(np.linspace(0, steps, keep)).astype(int))

    def descend(x: jax.Array, count: Any) -> tuple[jax.Array, jax.Array]:
        x = jax.lax.fori_loop(0, count, lambda _, y: y - sizes * land.gradient(y), x)
        return x, x

    @jit
    def path(x: jax.Array, counts: jax.Array) -> jax.Array:
        return jnp.moveaxis(jax.lax.scan(descend, x, counts)[1], 0, 1).reshape(x.shape[0], -1)

    return path(x, jnp.asarray(np.diff(saved_steps, prepend=0)))


def measure_curvature(land: Landscape, points: jax.Array, iterations: int = 24, seed: int = 0) -> Curvature:
    """The curvature ||Hess f||_op at points (d, m), by Lanczos' algorithm with full reorthogonalisation from a random vector.

    The largest |eigenvalue| of the tridiagonal matrix never exceeds ||H||_op and tends to it, for either end of the spectrum. The
    result shows how far it got.

    Raises:
        BadInput: no iteration.
    """
    if iterations < 1:
        raise BadInput("iterations", iterations, "at least 1")
    d, count = points.shape
    iterations = min(iterations, d)
    size = partial(jnp.linalg.norm, axis=0)

    @jit
    def tridiagonal(points: jax.Array, v: jax.Array) -> tuple[jax.Array, ...]:
        def one(basis: jax.Array, k: Any) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
            image = land.hessian_product(points, basis[k])
            rest = image
            for _ in range(2):  # a second pass removes what rounding leaves of the first
                rest = rest - jnp.einsum("kdm,km->dm", basis, jnp.einsum("kdm,dm->km", basis, rest))
            beta = size(rest)
            going = beta > 100 * jnp.finfo(v.dtype).eps * size(image)  # else the space is invariant
            following = jnp.where(going, rest / jnp.where(going, beta, 1), 0)
            return basis.at[k + 1].set(following, mode="drop"), (jnp.sum(image * basis[k], axis=0), beta * going)

        basis = jnp.zeros((iterations, *v.shape), v.dtype).at[0].set(v)
        return size(land.gradient(points)), *jax.lax.scan(one, basis, jnp.arange(iterations))[1]

    v = np.random.default_rng(seed).standard_normal((d, count))
    measured = tridiagonal(points, jnp.asarray(v / np.linalg.norm(v, axis=0), points.dtype))
    norms, alpha, beta = (np.asarray(a, float) for a in measured)
    largest, residual = np.zeros(count), 0.0
    for m in range(count):
        values, vectors = eigh_tridiagonal(alpha[:, m], beta[:-1, m])
        n = int(np.argmax(np.abs(values)))
        largest[m] = abs(values[n])
        residual = max(residual, beta[-1, m] * abs(vectors[-1, n]) / max(largest[m], np.finfo(float).tiny))
    return Curvature(norms, largest, residual, iterations)


def sample_variance(loss: SampleLoss, samples: int, points: jax.Array, block: int = 512) -> np.ndarray:
    """The trace of the covariance of the gradient of one sample, drawn uniformly, at points (d, m): shape (m,).

    The mean of B samples drawn with replacement has this variance over B.
    """
    rows = np.arange(samples)

    @jit
    def sums(point: jax.Array, chosen: jax.Array) -> tuple[jax.Array, jax.Array]:
        gradients = loss.batch_gradient(jnp.repeat(point[:, None], chosen.shape[0], axis=1), chosen[None])
        return jnp.sum(gradients, axis=1), jnp.sum(gradients**2)

    def variance(point: jax.Array) -> float:
        parts = [sums(point, jnp.asarray(rows[n : n + block])) for n in range(0, samples, block)]
        mean, square = (np.sum([np.asarray(part[n], float) for part in parts], axis=0) / samples for n in (0, 1))
        return float(square - mean @ mean)

    return np.array([variance(point) for point in points.T])


def lowest_line(gradient_norm: np.ndarray, curvature: np.ndarray) -> SmoothnessLine:
    """The L0, L1 >= 0 with L0 + L1 G_i >= curvature_i at all points and the smallest sum of L0 + L1 G_i (a linear program).

    Raises:
        BadInput: a value is not a finite number >= 0, or the arrays are empty, not one-dimensional or of different lengths.
    """
    g, lam = np.asarray(gradient_norm, float), np.asarray(curvature, float)
    pairs = g.shape == lam.shape and g.ndim == 1 and g.size
    if not (pairs and np.all(np.isfinite(g) & np.isfinite(lam) & (g >= 0) & (lam >= 0))):
        raise BadInput("curvature", lam.shape, "as many finite numbers >= 0 as gradient norms")
    # in units of the largest values, since the solver gives up on numbers of very different sizes
    wide, high = float(np.max(g)) or 1.0, float(np.max(lam)) or 1.0
    z = g / wide
    optimum = linprog(
        [1.0, float(np.mean(z))], A_ub=-np.column_stack([np.ones_like(z), z]), b_ub=-lam / high, bounds=(0, None)
    )
    l0, l1 = (float(v) for v in optimum.x * [high, high / wide])
    short = float(np.max(lam - l0 - l1 * g))  # the violation that the solver's tolerance leaves
    return SmoothnessLine(l0 + max(short, 0.0), l1)
