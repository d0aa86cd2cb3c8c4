"""(L0, L1) measured: ||Hess f||_op along gradient descent, and the lowest line L0 + L1 ||grad f|| above the measurements.

The constants hold where they were measured and are not a bound elsewhere. Dimensionless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from scipy.optimize import linprog

from derive.vocabulary.errors import BadInput
from numerics.backend.compiler import jit
from numerics.backend.double import jax, jnp
from numerics.lowering.landscape import Landscape
from numerics.tasks.step_rules import SmoothnessLine


@final
@dataclass(frozen=True)
class Curvature:
    """Measured points.

    Attributes:
        gradient_norm, curvature: ||grad f||_2 and ||Hess f||_op at each, (m,).
        change: the largest relative change of a curvature in the second half of the power iterations. A power iteration
            comes from below and its values never fall, so this says how far they may still be short.
    """

    gradient_norm: np.ndarray
    curvature: np.ndarray
    change: float


def measure_curvature(
    land: Landscape, start: np.ndarray, etas: Sequence[float], steps: int, keep: int, iterations: int = 40,
    dtype: Any = np.float64, seed: int = 0,
) -> Curvature:  # fmt: skip
    """||Hess f||_op at `keep` evenly spaced points of gradient descent with each of several step sizes, start and end among them.

    v <- H v/||H v|| from a random v: ||H v|| never falls and tends to ||H||_op, also where the two ends of the spectrum have
    equal size.

    Raises:
        BadInput: fewer than 2 points, or an odd number of iterations.
    """
    if keep < 2 or iterations % 2 or iterations < 2:
        raise BadInput("keep, iterations", (keep, iterations), "at least 2, and an even number of them")
    x = jnp.repeat(jnp.asarray(start, dtype)[:, None], len(etas), axis=1)
    sizes = jnp.asarray(etas, dtype)
    kept = np.unique(np.rint(np.linspace(0, steps, keep)).astype(int))

    def descend(x: jax.Array, count: Any) -> tuple[jax.Array, jax.Array]:
        x = jax.lax.fori_loop(0, count, lambda _, y: y - sizes * land.gradient(y), x)
        return x, x

    @jit
    def measure(x: jax.Array, counts: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        points = jnp.moveaxis(jax.lax.scan(descend, x, counts)[1], 0, 1).reshape(x.shape[0], -1)

        def iterate(_: Any, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            v, _ = state
            hv = land.hessian_product(points, v)
            size = jnp.sqrt(jnp.sum(hv**2, axis=0))
            return hv / jnp.where(size > 0, size, 1), size

        half = jax.lax.fori_loop(0, iterations // 2, iterate, (v, jnp.zeros(v.shape[1], v.dtype)))
        whole = jax.lax.fori_loop(0, iterations // 2, iterate, half)
        return jnp.sqrt(jnp.sum(land.gradient(points) ** 2, axis=0)), half[1], whole[1]

    v = np.random.default_rng(seed).standard_normal((len(start), len(etas) * len(kept)))
    v = jnp.asarray(v / np.linalg.norm(v, axis=0), dtype)
    norms, half, whole = (np.asarray(a, float) for a in measure(x, jnp.asarray(np.diff(kept, prepend=0)), v))
    return Curvature(norms, whole, float(np.max(np.where(whole > 0, 1 - half / np.where(whole > 0, whole, 1), 0))))


def lowest_line(gradient_norm: np.ndarray, curvature: np.ndarray) -> SmoothnessLine:
    """The L0, L1 >= 0 with L0 + L1 G_i >= curvature_i at all points and the smallest sum of L0 + L1 G_i (a linear program).

    Raises:
        BadInput: values that are not finite numbers >= 0.
    """
    g, lam = np.asarray(gradient_norm, float), np.asarray(curvature, float)
    if g.shape != lam.shape or g.ndim != 1 or not g.size or not np.all(np.isfinite(g) & np.isfinite(lam) & (g >= 0) & (lam >= 0)):
        raise BadInput("curvature", lam.shape, "as many finite numbers >= 0 as gradient norms")
    found = linprog([1.0, float(np.mean(g))], A_ub=-np.column_stack([np.ones_like(g), g]), b_ub=-lam, bounds=(0, None))
    l0, l1 = (float(v) for v in found.x)
    short = float(np.max(lam - l0 - l1 * g))  # the violation that the solver's tolerance leaves
    return SmoothnessLine(l0 + max(short, 0.0), l1)
