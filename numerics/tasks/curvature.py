"""Measured (L0, L1): ||Hess f||_op along gradient descent, and the lowest line L0 + L1 ||grad f|| above the measurements.

The constants hold at the measured points and are not a bound elsewhere. All quantities are dimensionless.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np
from scipy.optimize import linprog

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.tasks.step_rules import SmoothnessLine


@final
@dataclass(frozen=True)
class Curvature:
    """The measured points.

    Attributes:
        gradient_norm, curvature: ||grad f||_2 and ||Hess f||_op at each point, (m,).
        residual: the largest ||H^2 v - s^2 v||/s^2 over the final unit vectors v and curvatures s = ||H v||. H^2 has an eigenvalue
            within this share of s^2 (Parlett 1998, 4.5).
        iterations: the number of iterations.
    """

    gradient_norm: np.ndarray
    curvature: np.ndarray
    residual: float
    iterations: int


def measure_curvature(
    land: Landscape, start: np.ndarray, etas: Sequence[float], steps: int, keep: int, iterations: int = 1000,
    tolerance: float = 0.01, dtype: Any = np.float64, seed: int = 0,
) -> Curvature:  # fmt: skip
    """The curvature ||Hess f||_op at `keep` evenly spaced points, start and end included, of gradient descent with each step size.

    The iteration v <- H^2 v/||H^2 v|| begins at a random v. ||H v|| never falls and tends to ||H||_op, even if both ends of the
    spectrum have the same magnitude. It ends when every residual is at most the tolerance, or after `iterations` steps; the result
    shows which.

    Raises:
        BadInput: fewer than 2 points, no iteration, or a tolerance that is not positive.
    """
    if keep < 2 or iterations < 1 or not tolerance > 0:
        numbers = (keep, iterations, tolerance)
        raise BadInput("keep, iterations, tolerance", numbers, "at least 2, at least 1, and positive")
    size = partial(jnp.linalg.norm, axis=0)
    x = jnp.repeat(jnp.asarray(start, dtype)[:, None], len(etas), axis=1)
    sizes = jnp.asarray(etas, dtype)
    saved_steps = np.unique(np.rint(np.linspace(0, steps, keep)).astype(int))

    def descend(x: jax.Array, count: Any) -> tuple[jax.Array, jax.Array]:
        x = jax.lax.fori_loop(0, count, lambda _, y: y - sizes * land.gradient(y), x)
        return x, x

    @jit
    def measure(x: jax.Array, counts: jax.Array, v: jax.Array) -> tuple[jax.Array, ...]:
        points = jnp.moveaxis(jax.lax.scan(descend, x, counts)[1], 0, 1).reshape(x.shape[0], -1)

        def iterate(state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
            v, _, _, count = state
            once = land.hessian_product(points, v)
            twice, s = land.hessian_product(points, once), size(once)
            residual, length = size(twice - s**2 * v) / jnp.where(s > 0, s**2, 1), size(twice)
            return jnp.where(length > 0, twice / jnp.where(length > 0, length, 1), v), s, residual, count + 1

        def going(state: tuple[jax.Array, ...]) -> jax.Array:
            return (state[3] < iterations) & jnp.any(state[2] > tolerance)

        begun = v, jnp.zeros(v.shape[1], v.dtype), jnp.full(v.shape[1], jnp.inf, v.dtype), jnp.asarray(0)
        return size(land.gradient(points)), *jax.lax.while_loop(going, iterate, begun)[1:]

    v = np.random.default_rng(seed).standard_normal((len(start), len(etas) * len(saved_steps)))
    v = jnp.asarray(v / np.linalg.norm(v, axis=0), dtype)
    measured = measure(x, jnp.asarray(np.diff(saved_steps, prepend=0)), v)
    norms, largest, residual, count = (np.asarray(a, float) for a in measured)
    return Curvature(norms, largest, float(np.max(residual)), int(count))


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
