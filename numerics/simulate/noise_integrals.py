"""Drift and covariance if only the moments given the message are known: integrals over the noise, at fixed nodes.

b = (1/N) sum_i E m(v_i) and S = (1/N) sum_i (E Cov(C | v_i) + Cov m(v_i)) with v_i = g + s_i Z and m(v) = E[C(v) | v]
(theory 4). If every coordinate is treated by itself, the integral is one-dimensional: Gauss-Legendre panels on the quantiles,
graded towards both tails. The integral of Top-1 is one-dimensional too (`sdescent.numerics.simulate.largest`). Otherwise the nodes
are the quantiles at a symmetric Sobol set, scrambled once and for all. The nodes are the same at every point and time, so the
result is a deterministic function of point and time; `doubling_error` bounds its error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, final

import numpy as np
import scipy.special
import sympy as sp

from sdescent.derive.equations.step.covariance import Conditional
from sdescent.derive.expressions.coordinates import v
from sdescent.derive.methods.noise import Gaussian, Law, StudentT
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.noises import quantile_function
from sdescent.numerics.lowering.factors import FEW, lane_root, symmetric_root
from sdescent.numerics.lowering.to_jax import Environment, concrete, lower_all
from sdescent.numerics.simulate.largest import Largest, keeps_largest
from sdescent.numerics.simulate.roots import DENSE_LIMIT, Diffusion, core_of, root_of_variance

#: the most coordinates for which Sobol's direction numbers are used
SOBOL_LIMIT = 4096
_SCRAMBLE = 20250131  # the seed of Owen's scrambling, which is three to seven times as accurate as a random shift
_TAIL = 1e-12  # the probability beyond the outermost panel
#: constants of `doubling_error`: FINER, KINKS factors for the numbers of nodes; DOUBT, MARGIN factors for differences; COPIES
#: scramblings; ERRORS standard errors; UNSEEN numerator for events that no node meets; ROUNDING of sums
FINER, KINKS, DOUBT, MARGIN, COPIES, ERRORS, UNSEEN, ROUNDING = 4, 4, 2.0, 0.5, 16, 5.0, 4.0, 1e-13
#: nodes and weights
Rule = tuple[np.ndarray, np.ndarray]


@final
@dataclass(frozen=True, eq=False)
class NoiseIntegral(Diffusion):
    """The mean of C(g + s Z) and a root of its covariance, integrated over the noise.

    Args:
        conditional: the moments given the message.
        parameters: values by symbol name; a measured covariance as a matrix.
        nodes: the number of nodes of a quasi-random set, rounded up to a power of two. With panels, the panel at the median has
            nodes/4 points, and the m-th panel from there 1/(1 + m) of that number (at least 2). For Top-1 each panel has nodes/32
            points (at least 4).
    """

    conditional: Conditional
    dim: int
    parameters: Mapping[str, Any]
    nodes: int = 256
    _finer: dict[int, NoiseIntegral] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        if not self.conditional.linear and self.dim > DENSE_LIMIT and not self.conditional.separable:
            raise BadInput("dim", self.dim, f"at most {DENSE_LIMIT} for this compressor: its covariance is dense")
        if not self.conditional.separable and self.dim > SOBOL_LIMIT:
            most = f"at most {SOBOL_LIMIT}: the integral over the noise has one dimension per coordinate"
            raise BadInput("dim", self.dim, most)

    @property
    def normals(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """d, the number of normals to which the diagonal or the symmetric root is applied."""
        return self.dim

    @cached_property
    def diagonal(self) -> bool:
        """Whether S is diagonal."""
        return self.conditional.uncorrelated

    def coefficients(self, env: Environment) -> Any:
        return self.root(*self.moments(env))

    def root(self, mean: jax.Array, covariance: jax.Array) -> Any:
        """The coefficients for `apply`, from the two `moments`."""
        if self.diagonal:
            return root_of_variance(covariance, mean)
        scale = jnp.max(mean**2, axis=0) + jnp.max(jnp.abs(covariance), axis=(1, 2))
        if covariance.shape[1] <= FEW and (self.top_one or not self.selects):
            most = math.inf if self.top_one else None
            root = lane_root(jnp.moveaxis(covariance, 0, 2), jnp.broadcast_to(scale, mean.shape), most)
            return jnp.moveaxis(root, 2, 0)
        # a negative eigenvalue here is an error of the integral, which `doubling_error` bounds
        return symmetric_root(covariance, jnp.inf * scale if self.selects or self.top_one else scale)

    def apply(self, coefficients: Any, z: jax.Array, scale: Any = 1.0) -> jax.Array:
        return scale * (coefficients * z if self.diagonal else jnp.einsum("pij,jp->ip", coefficients, z))

    def moments(self, env: Environment, rule: Rule | None = None) -> tuple[jax.Array, jax.Array]:
        """b, (d, paths), and S, diagonals (d, paths) or matrices (paths, d, d), by another quasi-random set if `rule` is given."""
        of_client = self._largest_kept if self.top_one else partial(self._client, rule=rule or self._rule)
        parts = [of_client(env, s) for s in lower_all(self.conditional.scales)(env)]
        weight = 1 / len(parts)
        first, second = parts[0]
        for p, q in parts[1:]:
            first, second = first + p, second + q
        return (env.vectors["g"] if self.conditional.linear and self._centre == 0 else weight * first), weight * second

    @cached_property
    def _centre(self) -> float:
        """E Z of the standardised law."""
        return concrete(self.conditional.law.mean, self.parameters)

    def finer(self, times: int) -> NoiseIntegral:
        """The same integral with `times` as many nodes."""
        if times not in self._finer:
            self._finer[times] = NoiseIntegral(self.conditional, self.dim, self.parameters, times * self.nodes)
        return self._finer[times]

    def values(self, env: Environment, rule: Rule | None = None) -> list[np.ndarray]:
        """The `moments` as numbers, compiled once for all environments of the same shapes."""
        return [np.asarray(a) for a in self._compiled(env.vectors, env.scalars, env.matrices, rule)]

    @cached_property
    def _compiled(self) -> Callable[..., tuple[jax.Array, jax.Array]]:
        return jit(lambda vectors, scalars, matrices, rule: self.moments(Environment(vectors, scalars, matrices), rule))

    @cached_property
    def top_one(self) -> bool:
        """Whether only the largest coordinate is kept and the noise is independent, so that the integrals have one variable."""
        return keeps_largest(self.conditional, self.dim, self.parameters)

    @cached_property
    def selects(self) -> bool:
        """Whether a coordinate is sent unchanged or not at all, as by Top-k: then (v - g)(v - g)' is a control variate."""
        moments = self.conditional.given_v
        values = {e for e, _ in moments.mean.args} if isinstance(moments.mean, sp.Piecewise) else set()  # pyright: ignore[reportGeneralTypeIssues]
        return values == {v, sp.S.Zero} and not (moments.rank or self.diagonal)

    @cached_property
    def _largest(self) -> Largest:
        return Largest(self.conditional.law, self.parameters, max(4, self.nodes // 32))

    def _largest_kept(self, env: Environment, scale: jax.Array) -> tuple[jax.Array, jax.Array]:
        mean, variance = self._largest.moments(env.vectors["g"], scale)
        diagonal = jnp.eye(self.dim, dtype=bool)  # products of two coordinates vanish
        return mean, jnp.where(diagonal, variance.T[:, None, :], -jnp.einsum("ip,jp->pij", mean, mean))

    @cached_property
    def _rule(self) -> Rule:
        return self._panels if self.conditional.separable else self.quasi_random()

    def _client(self, env: Environment, scale: jax.Array, rule: Rule) -> tuple[jax.Array, jax.Array]:
        moments, g = self.conditional.given_v, env.vectors["g"]
        lowered = lower_all([moments.mean, moments.diag, *moments.factors, *moments.core], self.parameters)
        points, weights = rule
        centre = g + scale * self._centre if self._centre else g
        unit = jnp.ones(()) if self.conditional.dense is not None else scale
        dense = not (self.conditional.linear or self.diagonal)

        def add(total: Any, node: Any) -> tuple[Any, None]:
            z, weight = node
            message = g + unit * (z if self.conditional.separable else z[:, None])
            at = Environment({**env.vectors, "v": message}, env.scalars, env.matrices, env.directional)
            mean, diag, *rest = (
                jnp.broadcast_to(a, g.shape) if n < 2 + moments.rank else a for n, a in enumerate(lowered(at))
            )
            low_rank = _low_rank(rest, moments.rank, g.shape)
            first = mean - g  # centred, to avoid cancellation
            second = jnp.einsum("ip,jp->pij", first, first) if dense else first**2
            conditional = diag if low_rank is None else low_rank + jnp.eye(self.dim) * diag.T[:, None, :]
            with_control = ()
            if self.selects:
                control = jnp.einsum("ip,jp->pij", message - centre, message - centre) - spread
                with_control = (control, control * second, control**2)
            return jax.tree.map(lambda s, a: s + weight * a, total, (first, second, conditional, with_control)), None

        square = jnp.zeros((g.shape[1], self.dim, self.dim))
        zero = jnp.zeros_like(g)
        begin = (zero, square if dense else zero, square if moments.rank else zero)
        spread = self._of_message(env, scale, jnp.zeros_like(g)) if self.selects else 0.0
        begin = (*begin, (square,) * 3 if self.selects else ())
        (first, second, sent, control), _ = jax.lax.scan(add, begin, (jnp.asarray(points), jnp.asarray(weights)))
        if self.selects:
            second = _controlled(second, *control)
        if self.conditional.linear:
            return centre, self._of_message(env, scale, sent)
        if dense:
            sent = sent if moments.rank else jnp.eye(self.dim) * sent.T[:, None, :]
            return g + first, sent + second - jnp.einsum("ip,jp->pij", first, first)
        return g + first, sent + second - first**2

    def _of_message(self, env: Environment, scale: jax.Array, conditional: jax.Array) -> jax.Array:
        """Cov v, known exactly, plus the integral of Cov(C | v), a diagonal (d, paths); only the diagonal if S is diagonal."""
        dense = self.conditional.dense
        if dense is None:
            variance = concrete(self.conditional.law.variance, self.parameters)
            conditional = conditional + jnp.broadcast_to(scale**2 * variance, conditional.shape)
            return conditional if self.diagonal else jnp.eye(self.dim) * conditional.T[:, None, :]
        return env.matrices[dense.name] + jnp.eye(self.dim) * conditional.T[:, None, :]

    def _quantiles(self, law: Law, u: np.ndarray) -> np.ndarray:
        with jax.ensure_compile_time_eval():  # nodes are numbers, even while a solver is being traced
            return np.asarray(quantile_function(law, self.parameters)(u))

    @cached_property
    def _panels(self) -> Rule:
        """One-dimensional nodes and weights: panels in u = F(z) that shrink by 4 towards 0, and their mirror images."""
        edges = np.array([0.5 * 4.0**-m for m in range(21)])
        edges = np.append(edges[edges > _TAIL], 0.0)
        counts = [max(2, self.nodes // 4 // (1 + m)) for m in range(len(edges) - 1)]
        rules = [scipy.special.roots_legendre(count) for count in counts]
        middle, half = (edges[:-1] + edges[1:]) / 2, (edges[:-1] - edges[1:]) / 2
        u = np.concatenate([m + h * x for m, h, (x, _) in zip(middle, half, rules, strict=True)])
        weights = np.concatenate([h * w for h, (_, w) in zip(half, rules, strict=True)])
        return self._both_tails(self.conditional.law, u), np.concatenate([weights, weights])

    def _both_tails(self, law: Law, u: np.ndarray) -> np.ndarray:
        """The quantiles at u, then those at 1 - u, which are their mirror images if the law is symmetric."""
        z = self._quantiles(law, u)
        return np.concatenate([z, -z if law.symmetric else self._quantiles(law, 1 - u)])

    def quasi_random(self, times: int = 1, scramble: int = _SCRAMBLE) -> Rule:
        """Quasi-random nodes (M, d), `times` as many, each with its mirror image in u; nodes of the noise if correlated."""
        law, dense = self.conditional.law, self.conditional.dense
        mixed = dense is not None and isinstance(law, StudentT)
        power = max(1, int(np.ceil(np.log2(self.nodes * times))) - 1)
        from scipy.stats import qmc  # loading takes a second, and only these integrals need it

        u = qmc.Sobol(self.dim + mixed, scramble=True, rng=scramble).random_base2(power)
        u = np.clip(u, 1e-15, 1 - 1e-15)
        weights = np.full(2 * len(u), 0.5 / len(u))
        if dense is None:
            return self._both_tails(law, u), weights
        z = self._correlated(self._quantiles(Gaussian() if mixed else law, u[:, : self.dim]), u[:, -1])
        return np.concatenate([z, -z]), weights

    def _correlated(self, z: np.ndarray, mixing: np.ndarray) -> np.ndarray:
        """Nodes of correlated noise, constructed as its samples are (`sdescent.numerics.laws.noises.correlate`)."""
        law, dense = self.conditional.law, self.conditional.dense
        assert dense is not None  # for the type checker; the caller has checked this
        if dense.name not in self.parameters:
            raise BadInput(f"parameter {dense.name}", "no value", "the d x d covariance matrix")
        values, vectors = np.linalg.eigh(np.asarray(self.parameters[dense.name], float))
        spread = np.sqrt(np.maximum(values, 0))
        if isinstance(law, Gaussian):
            return z @ (vectors * spread) @ vectors.T
        if isinstance(law, StudentT):
            nu = concrete(law.nu, self.parameters)
            stretch = np.sqrt((nu - 2) / (2 * scipy.special.gammaincinv(nu / 2, mixing)))
            return z @ (vectors * spread) @ vectors.T * stretch[:, None]
        return z @ (vectors * spread).T / np.sqrt(concrete(law.variance, self.parameters))


@np.errstate(over="ignore", invalid="ignore")
def doubling_error(integral: NoiseIntegral, env: Environment) -> float:
    """A bound on the error of mean and covariance, relative to the largest second moment at each point (its root, for the mean).

    The bound is the distance to finer values, plus a bound on the error of the finer values, plus the rounding of sums:

    - Top-1: the finer values have FINER times the nodes; their error is DOUBT times their distance from values with half as many.
    - Panels, where the kinks of a grid make convergence irregular: the same with KINKS FINER times the nodes, plus MARGIN times
      the first distance.
    - A quasi-random set: the finer values are means over COPIES independent scramblings of sets FINER times as large; their error
      is ERRORS standard errors of that mean, plus UNSEEN over the number of all these nodes, for events so rare that no node may
      have met them.

    The bound is infinite if a moment, or its square, is infinite.
    """
    coarse, floor = integral.values(env), ROUNDING
    if integral.conditional.separable or integral.top_one:
        times = FINER if integral.top_one else KINKS * FINER
        half, best = (integral.finer(n).values(env) for n in (times // 2, times))
        far = 0.0 if integral.top_one else MARGIN
        doubt = [DOUBT * np.abs(a - b) + far * np.abs(a - c) for a, b, c in zip(best, half, coarse, strict=True)]
        if integral.top_one:
            scales = lower_all(integral.conditional.scales)(env)
            floor = max(floor, *(Largest.rounding(env.vectors["g"], s) for s in scales))
    else:
        sets = (integral.quasi_random(FINER, _SCRAMBLE + 1 + n) for n in range(COPIES))
        values = [integral.values(env, rule) for rule in sets]
        best = [np.mean(v, axis=0) for v in zip(*values, strict=True)]
        doubt = [ERRORS * np.std(v, axis=0, ddof=1) / np.sqrt(COPIES) for v in zip(*values, strict=True)]
        floor += UNSEEN / (COPIES * FINER * integral.nodes)
    b, s = (_largest(np.abs(a - c) + e) for a, c, e in zip(coarse, best, doubt, strict=True))
    size = _largest(np.abs(best[1])) + _largest(best[0] ** 2)
    if not all(np.isfinite(a).all() for a in (*coarse, size)):
        return math.inf
    there = size > 0
    if not there.any():
        return 0.0
    return float(np.max(np.maximum(b[there] / np.sqrt(size[there]), s[there] / size[there])) + floor)


def _largest(entries: np.ndarray) -> np.ndarray:
    """The largest entry on each path, (paths,), of an array (d, paths) or (paths, d, d)."""
    return np.max(entries, axis=0) if entries.ndim == 2 else np.max(entries, axis=(1, 2))


def _controlled(second: jax.Array, control: jax.Array, product: jax.Array, square: jax.Array) -> jax.Array:
    """The mean of second moments, corrected by a control variate, a variable whose mean is known to be 0; all means (paths, d, d).

    The coefficient is that of the regression, entry by entry. It is 0 for a coordinate that is never sent, and near 1 if the
    tails of the law dominate, which few nodes reach but the exact covariance includes.
    """
    variance = square - control**2
    slope = jnp.where(variance > 0, (product - second * control) / jnp.where(variance > 0, variance, 1.0), 0.0)
    return second - jnp.clip(slope, 0.0, 1.0) * control


def _low_rank(rest: list[Any], rank: int, shape: tuple[int, ...]) -> jax.Array | None:
    """The low-rank part U core U' of the covariance given v, (paths, d, d); None for rank 0."""
    if not rank:
        return None
    u, core = jnp.stack(rest[:rank], axis=2), core_of(rest[rank:], rank, shape[1])
    return jnp.einsum("ipa,pab,jpb->pij", u, core, u)
