"""Moments of the largest of independent coordinates: Top-1 after the noise, by integrals over one variable (theory 4).

v_j = g_j + s_j Z_j is kept if |v_i| < |v_j| for all i != j, and products of two coordinates of C(v) vanish. With
q_j(a) = P(|v_j| < a), G_j = prod_{i != j} q_i and f_j the density of v_j

    K_n = E (v_j - g_j)^n 1{v_j is kept} = int_0^oo ((a - g_j)^n f_j(a) + (-a - g_j)^n f_j(-a)) G_j(a) da,    n = 0, 1, 2,

    E C_j = g_j K_0 + K_1,    Var C_j = g_j^2 K_0 (1 - K_0) + 2 g_j (1 - K_0) K_1 + K_2 - K_1^2.

K_1 and K_2 are computed as E (v_j - g_j)^n less the same integrals with 1 - G_j in place of G_j: 1 - G_j falls like the tail of the
law, so these integrals end early even if E v_j^2 barely exists. K_0 is computed in this way for a coordinate that is mostly kept,
and directly otherwise. So a coordinate that is almost always kept has the variance of its noise, and a coordinate that is almost
never kept has none, up to a few units in the last place of g_j^2, however small the noise (but no scale is below `LEAST`).

All coordinates share one grid in a, of Gauss-Legendre panels whose edges are the points |g_i + s_i z| for fixed quantiles z.
Between neighbouring edges every f_i and q_i is smooth, however different the scales: the kinks of a law lie at 0 or at the ends of
its support. Dimensionless.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import scipy.special
import sympy as sp

from sdescent.derive.equations.step.covariance import Conditional
from sdescent.derive.methods.compressors import TopK
from sdescent.derive.methods.noise import Law
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.noises import quantile_function
from sdescent.numerics.lowering.rows import materialised
from sdescent.numerics.lowering.to_jax import concrete, function_of_one

#: edges lie at the quantiles of u = 1/2, 1/2/RATIO, .. and their mirror images; the law has probability 1e-17 beyond the last ones
RATIO, LEVELS = 8.0, 20
#: a scale is at least LEAST times the largest |g_j| + s_j, and at least TINY
LEAST, TINY = 1e-8, 1e-140


def keeps_largest(conditional: Conditional, dim: int, parameters: Mapping[str, Any]) -> bool:
    """Whether d > 1, the moments given the message are those of Top-1, and the noise has independent, symmetric coordinates."""
    moments = conditional.given_v
    if conditional.dense is not None or moments.rank or moments.diag != 0 or dim < 2 or not conditional.law.symmetric:
        return False
    numbers = {s: parameters[s.name] for s in moments.mean.free_symbols if np.ndim(parameters.get(s.name, [])) == 0}  # pyright: ignore[reportAttributeAccessIssue]
    whole = {s: sp.Integer(int(value)) for s, value in numbers.items() if value == int(value)}
    return moments.mean.xreplace(whole) == TopK(1).conditional_moments(sp.Integer(dim)).mean


@final
@dataclass(frozen=True, eq=False)
class Largest:
    """The moments E C and Var C of Top-1 for a standardised law, symmetric with E Z^2 finite, by panels of `points` points."""

    law: Law
    parameters: Mapping[str, Any]
    points: int

    def moments(self, g: jax.Array, scale: jax.Array) -> tuple[jax.Array, jax.Array]:
        """E C and Var C of each coordinate, (d, paths) each, for gradients (d, paths) and scales that broadcast to this shape."""
        dim, s = g.shape[0], _above_zero(g, scale)
        edges = jnp.abs(g[:, None] + s[:, None] * self._quantiles[:, None]).reshape(-1, g.shape[1])
        edges = jnp.concatenate([jnp.zeros((1, g.shape[1])), jnp.sort(edges, axis=0)])
        x, w = (jnp.asarray(a)[:, None] for a in scipy.special.roots_legendre(self.points))

        def add(total: Any, ends: Any) -> tuple[Any, None]:
            middle, half = (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2
            a, weight = (middle + half * x)[:, None], (half * w)[:, None]  # (points, 1, paths)
            above, below = (a - g) / s, (a + g) / s
            inside = (self._sign_mean(above) + self._sign_mean(below)) / 2
            right, mirrored = self._density(above) / s, self._density(below) / s
            whole = _others(inside, dim)
            density = right + mirrored
            lost = [density, above * right - below * mirrored, above**2 * right + below**2 * mirrored]
            integrands = [density * whole, *(part * (1 - whole) for part in lost)]
            return total + jnp.stack([jnp.sum(weight * part, axis=0) for part in integrands]), None

        variance = concrete(self.law.variance, self.parameters)

        def joined(g: jax.Array, s: jax.Array, sums: jax.Array) -> tuple[jax.Array, jax.Array]:
            leading, lost = sums[0], sums[1:]
            mostly = lost[0] < 1 / 2
            chance, rest = jnp.where(mostly, 1 - lost[0], leading), jnp.where(mostly, lost[0], 1 - leading)
            first, second = -s * lost[1], s**2 * (variance - lost[2])
            square = g**2 * chance * rest + 2 * g * rest * first + second - first**2
            return g * chance + first, jnp.maximum(square, 0.0)

        sums, _ = jax.lax.scan(add, jnp.zeros((4, *g.shape)), (edges[:-1], edges[1:]))
        # materialised: fused with the code that uses it, its rounding could depend on that code and so on the number of paths
        return materialised(joined, g, s, sums)

    @staticmethod
    def rounding(g: jax.Array, scale: jax.Array) -> float:
        """The relative error from rounding: points near |g_j| are known to eps |g_j|, in panels of width s_j."""
        s = _above_zero(g, scale)
        return float(4 * np.finfo(float).eps * jnp.max(jnp.max(jnp.abs(g) + s, axis=0) / jnp.min(s, axis=0)))

    @cached_property
    def _quantiles(self) -> np.ndarray:
        """The quantiles of the law, symmetric about 0, with the ends of its support if that is bounded."""
        u = np.append(0.5 * RATIO ** -np.arange(LEVELS), 0.0)
        with jax.ensure_compile_time_eval(), np.errstate(divide="ignore"):
            z = np.abs(np.asarray(quantile_function(self.law, self.parameters)(u)))
        # the ends of an unbounded support are infinite, or very far away
        z = z if z[-1] < 2 * z[-2] else z[:-1]
        return np.concatenate([-z[:0:-1], z])

    @cached_property
    def _density(self) -> Callable[[Any], Any]:
        return function_of_one(self.law.density, self.parameters)

    @cached_property
    def _sign_mean(self) -> Callable[[Any], Any]:
        return function_of_one(self.law.sign_mean, self.parameters)


def _above_zero(g: jax.Array, scale: jax.Array) -> jax.Array:
    """The scales (d, paths), each raised to LEAST times the largest |g_j| + s_j; this changes the result by about as much."""
    s = jnp.broadcast_to(scale, g.shape)
    return jnp.maximum(s, jnp.maximum(LEAST * jnp.max(jnp.abs(g) + s, axis=0), TINY))


def _others(inside: jax.Array, dim: int) -> jax.Array:
    """The products over i != j along the second axis, for each j, without division."""
    one = jnp.ones_like(inside[:, :1])
    before = jnp.concatenate([one, jnp.cumprod(inside[:, : dim - 1], axis=1)], axis=1)
    after = jnp.concatenate([jnp.cumprod(inside[:, :0:-1], axis=1)[:, ::-1], one], axis=1)
    return before * after
