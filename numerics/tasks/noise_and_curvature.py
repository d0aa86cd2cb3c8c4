"""The noise of one client's mini-batch gradients, and the curvature ||Hess f||_op, at points of gradient descent. Dimensionless."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np
from scipy import optimize, stats

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.measure.primitives import Population, lanczos
from sdescent.numerics.measure.tails import Tail, tail
from sdescent.numerics.tasks.losses_over_data import LinearModel

#: the largest 1/nu that is tried
LARGEST = 2.0


@dataclass(frozen=True)
class GradientNoise:
    """The noise at one point: Z is the gradient over B samples, drawn with replacement, minus its mean grad f(x).

    Attributes:
        covariance: of Z, exact, (d, d).
        correlation: the largest |rho_jk|, j != k.
        off_diagonal: sum_{j != k} rho_jk^2 / sum_{jk} rho_jk^2, in [0, 1 - 1/d].
        rank: (tr C)^2/tr(C^2), in [1, d].
        skewness, kurtosis: the largest |skewness| and the largest excess kurtosis of a coordinate of Z, exact.
        tails: the shape of the tail of each coordinate, from draws; None with fewer than 120 draws.
        nu, scale: Student's t fitted to draws, with one nu for all coordinates (`student`).
        sign_gap: the largest distance over coordinates between two values of E sign(mini-batch gradient), which is the drift of
            DSignSGD: the mean over the draws, and 2 F(g/scale) - 1 for the fitted law.
    """

    covariance: np.ndarray
    correlation: float
    off_diagonal: float
    rank: float
    skewness: float
    kurtosis: float
    tails: Tail | None
    nu: float
    scale: np.ndarray
    sign_gap: float


def centred(problem: LinearModel, x: np.ndarray) -> np.ndarray:
    """y, the gradient of each sample at x minus their mean, (n, d)."""
    gradients = np.asarray(problem.sample_gradients(jnp.asarray(x, dtype=jnp.float64)))
    return gradients - gradients.mean(axis=0)


def covariance(problem: LinearModel, x: np.ndarray, batch: int) -> np.ndarray:
    """The covariance of Z at x, (d, d)."""
    y = centred(problem, x)
    return y.T @ y / (batch * len(y))


def measure_noise(problem: LinearModel, x: np.ndarray, batch: int, draws: int, seed: int = 0) -> GradientNoise:
    """The noise at x, (d,), from `draws` batches of `batch` samples. Raises BadInput for a coordinate without noise."""
    y = centred(problem, x)
    z = y[np.random.default_rng(seed).integers(0, len(y), (draws, batch))].mean(axis=1)
    nu, scale = student(z)
    g = np.asarray(problem.gradient(jnp.asarray(x, dtype=jnp.float64)))
    fitted = 2.0 * stats.t.cdf(g / scale, nu) - 1.0
    c, rho = covariance(problem, x, batch), np.corrcoef(y, rowvar=False)
    return GradientNoise(
        covariance=c,
        correlation=float(np.max(np.abs(rho - np.diag(np.diag(rho))))),
        off_diagonal=1.0 - len(rho) / float(np.sum(rho**2)),
        rank=float(np.trace(c) ** 2 / np.sum(c**2)),
        skewness=float(np.max(np.abs(stats.skew(y)))) / batch**0.5,
        kurtosis=float(np.max(stats.kurtosis(y))) / batch,
        tails=tail(z),
        nu=nu,
        scale=scale,
        sign_gap=float(np.max(np.abs(np.sign(g + z).mean(axis=0) - fitted))),
    )


def student(draws: np.ndarray) -> tuple[float, np.ndarray]:
    """Student's t of maximum likelihood for centred draws (M, d): one nu >= 1/2 for all coordinates, and a scale for each, (d,).

    nu is inf where the normal law is at least as likely. BadInput if a draw is not finite, or all draws of a coordinate are 0.
    """
    squares = draws**2
    if not (np.all(np.isfinite(squares)) and np.all(squares.mean(axis=0) > 0.0)):
        raise BadInput("draws", draws.shape, "finite draws, not all of them 0 in a coordinate")

    def scale(lam: float) -> np.ndarray:
        """The most likely scales for nu = 1/lam, by the EM algorithm of Kent, Tyler and Vardi (1994), Comm. Stat. Sim. 23, 441."""
        s, last = squares.mean(axis=0), np.zeros(draws.shape[1])
        while np.any(np.abs(s - last) > 1e-9 * s):
            weights = 1.0 / (1.0 + lam * squares / s)
            s, last = np.sum(weights * squares, axis=0) / np.sum(weights, axis=0), s
        return np.sqrt(s)

    def unlikely(lam: float) -> float:
        return -float(np.sum(stats.t.logpdf(draws, 1.0 / lam if lam > 0.0 else np.inf, scale=scale(lam))))

    best = optimize.minimize_scalar(unlikely, bounds=(0.0, LARGEST), method="bounded", options={"xatol": 1e-6})
    lam = float(best.x) if float(best.fun) < unlikely(0.0) else 0.0
    return 1.0 / lam if lam > 0.0 else np.inf, scale(lam)


@final
@dataclass(frozen=True)
class Curvature:
    """||grad f||_2 and ||Hess f||_op at the measured points, (m,): all paths' first points come first, and so on.

    `residual` is the largest ||H v - s v||/|s| over the unit vectors v and numbers s, |s| being the curvature: H has an
    eigenvalue within this share of s (Parlett 1998, 4.5). `iterations` is the largest number of Hessian products at a point.
    """

    gradient_norm: np.ndarray
    curvature: np.ndarray
    residual: float
    iterations: int


def descent_points(
    land: Landscape, start: np.ndarray, etas: Sequence[float], steps: Any, dtype: Any = np.float64
) -> jax.Array:
    """Points (d, m) of gradient descent at these steps (rounded, each once), from each start (d,) or (d, k) and each eta."""
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
    ritz = [lanczos(partial(along, x), rng.standard_normal(len(x)), iterations) for x in np.asarray(points).T]
    return Curvature(
        gradient_norms(land, points), np.array([r.norm for r in ritz]), max(r.accuracy for r in ritz),
        max(len(r.values) for r in ritz),
    )  # fmt: skip


def gradient_norms(land: Landscape, points: jax.Array) -> np.ndarray:
    """||grad f||_2 at points (d, m), (m,)."""
    return np.linalg.norm(np.asarray(jit(land.gradient)(points), float), axis=0)


def sample_variance(population: Population, points: jax.Array) -> np.ndarray:
    """The trace of the covariance of a random sample's gradient at points (d, m), (m,); over B for a mean of B such samples."""

    def variance(x: jax.Array) -> float:
        means = population.group_means(x)
        return sum(float(np.sum(np.square(y, dtype=float))) for _, y in population.centred(x, means)) / population.units

    return np.array([variance(x) for x in points.T])
