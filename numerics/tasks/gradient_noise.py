"""The noise of real mini-batch gradients: moments, correlation and tails at a point, and the change of its covariance with x."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.tasks.clients import ClientData, Purpose, check_seed, stream_keys
from sdescent.numerics.tasks.data import require, require_integer, step_numbers
from sdescent.numerics.tasks.linear_models import LinearModel
from sdescent.numerics.tasks.tails import PooledTail, TailFits, fit_tails, pooled_tail


@dataclass(frozen=True)
class CorrelationSummary:
    """How far a covariance is from diagonal and from isotropic.

    Attributes:
        largest: the largest |rho_jk|, j != k (0 for d = 1).
        off_diagonal_share: sum_{j != k} rho_jk^2 / sum_{jk} rho_jk^2, in [0, 1 - 1/d]; 0 for independent coordinates.
        effective_rank: (tr C)^2/tr(C^2) in [1, d]: the number of equal directions with the same concentration.
    """

    largest: float
    off_diagonal_share: float
    effective_rank: float


@dataclass(frozen=True)
class NoiseMoments:
    """Exact moments of the mini-batch gradient of one client at one point, without sampling error.

    Attributes:
        mean: grad f(x), shape (d,).
        covariance: the covariance of Z, shape (d, d).
        skewness, excess_kurtosis: those of each coordinate of Z, shape (d,); 0 if the coordinate has no noise.
        correlation: the summary of `covariance`.
    """

    mean: np.ndarray
    covariance: np.ndarray
    skewness: np.ndarray
    excess_kurtosis: np.ndarray
    correlation: CorrelationSummary


@dataclass(frozen=True)
class GradientNoise:
    """The noise of one client at one point: the exact moments, and the tails and signs seen in draws.

    Attributes:
        exact: see `NoiseMoments`.
        tails, pooled: fits of the normal and Student's t law, for each coordinate and with one nu for all.
        sign_gap: the largest distance over coordinates between two values of E sign of the mini-batch gradient, the drift of
            DSignSGD: its mean over the draws, and 2F(g/sigma) - 1 from the coordinate's own Student's t fit.
    """

    exact: NoiseMoments
    tails: TailFits
    pooled: PooledTail
    sign_gap: float


def correlation_summary(covariance: np.ndarray) -> CorrelationSummary:
    """The summary of a covariance of shape (d, d); coordinates without variance count as uncorrelated."""
    std = np.sqrt(np.diag(covariance))
    safe = np.where(std > 0.0, std, 1.0)
    rho = covariance / np.outer(safe, safe)
    np.fill_diagonal(rho, 0.0)
    off, trace = float(np.sum(rho**2)), float(np.trace(covariance))
    if trace <= 0.0:
        raise Refusal("no-noise", "the mini-batch gradient has no noise at this point, so it has no correlation")
    return CorrelationSummary(
        largest=float(np.max(np.abs(rho))),
        off_diagonal_share=off / (off + float(np.sum(std > 0.0))),
        effective_rank=trace**2 / float(np.sum(covariance**2)),
    )


def exact_moments(problem: LinearModel, x: np.ndarray, data: ClientData) -> NoiseMoments:
    """Exact moments of a client's mini-batch gradient at x, from the per-sample gradients.

    Raises:
        BadInput: x has another shape, or the clients do not share the data or are deterministic (batch None).
        Refusal: kind "no-noise", if all per-sample gradients are equal.
    """
    batch, centred, mean = _centred(problem, x, data)
    second = centred.T @ centred / centred.shape[0]
    variance = np.diag(second)
    safe = np.where(variance > 0.0, variance, 1.0)
    third, fourth = np.mean(centred**3, axis=0), np.mean(centred**4, axis=0)
    covariance = second / batch
    return NoiseMoments(
        mean=mean,
        covariance=covariance,
        skewness=third / safe**1.5 / np.sqrt(batch),
        excess_kurtosis=np.where(variance > 0.0, fourth / safe**2 - 3.0, 0.0) / batch,
        correlation=correlation_summary(covariance),
    )


def draw_noise(problem: LinearModel, x: np.ndarray, data: ClientData, draws: int, seed: int = 0) -> np.ndarray:
    """M independent draws of Z = mini-batch gradient - its exact mean, for the first client, shape (M, d).

    Draw m uses the stream (seed, measurement, client, m), which is separate from the streams of `run_minibatch`.

    Raises:
        BadInput: as for `exact_moments`; or draws is outside 20..10^7, or the seed is out of range.
    """
    batch, centred, _ = _centred(problem, x, data)
    require_integer("draws", draws, 20, 10**7)
    check_seed(seed)
    noise = np.empty((draws, problem.dim))
    # Blocks of about 4 million numbers bound the memory for all B and d.
    block = min(draws, max(1, 4_000_000 // (batch * problem.dim)))
    for start in range(0, draws, block):
        # Blocks have one size, so that one compilation serves all; the surplus of the last one is dropped.
        numbers = jnp.arange(start, start + block)
        keys = stream_keys(seed, int(Purpose.MEASUREMENT), jnp.arange(1), numbers)[0]
        chosen = np.asarray(_draw_batches(data, keys))[: draws - start]
        noise[start : start + len(chosen)] = centred[chosen].mean(axis=1)
    return noise


@jit
def _draw_batches(data: ClientData, keys: jax.Array) -> jax.Array:
    return jax.vmap(data.draw, in_axes=(0, None))(keys, 0)


def measure_noise(
    problem: LinearModel, x: np.ndarray, data: ClientData, draws: int = 10_000, seed: int = 0
) -> GradientNoise:
    """The exact moments of a client's mini-batch gradient at x, and two laws fitted to draws of it.

    Args:
        problem: the loss.
        x: the point, shape (d,).
        data: the clients' samples, which they share, and the batch size.
        draws: the number M of mini-batches to draw.
        seed: the seed of the draws.

    Raises:
        BadInput, Refusal: as for `exact_moments` and `draw_noise`.
    """
    exact = exact_moments(problem, x, data)
    noise = draw_noise(problem, x, data, draws, seed)
    tails = fit_tails(noise)
    # For nu = inf, scipy's t is the normal law.
    fitted = 2.0 * stats.t.cdf(exact.mean / tails.sigma, tails.nu) - 1.0
    gap = np.max(np.abs(np.sign(exact.mean + noise).mean(axis=0) - fitted))
    return GradientNoise(exact, tails, pooled_tail(noise), float(gap))


def _centred(problem: LinearModel, x: np.ndarray, data: ClientData) -> tuple[int, np.ndarray, np.ndarray]:
    """The batch size, the per-sample gradients minus their mean, (n, d), and that mean."""
    if np.shape(x) != (problem.dim,) or not bool(np.all(np.isfinite(x))):
        raise BadInput("x", np.shape(x), f"{problem.dim} finite numbers")
    if data.scheme != "shared":
        raise BadInput("data", data.scheme, "data that the clients share, so that the noise of one is that of all")
    if data.order.shape[0] != problem.samples:
        raise BadInput("clients' samples", data.order.shape[0], f"the problem's {problem.samples} samples")
    if data.batch is None:
        raise BadInput("batch", None, "a mini-batch size: deterministic clients have no noise")
    gradients = np.asarray(problem.sample_gradients(jnp.asarray(x, dtype=jnp.float64)))
    mean = gradients.mean(axis=0)
    return data.batch, gradients - mean, mean


@dataclass(frozen=True)
class AffineVariance:
    """The least-squares fit tr C(x)/d = s0 + s1 G(x)^2 over the points (theory 1's affine variance).

    Attributes:
        s0, s1: the coefficients, both >= 0 (nonnegative least squares).
        r_squared: the share of the variation of tr C/d over the points that the fit explains; None if tr C does not vary.
        worst: the largest |fit - value|/value over the points.
    """

    s0: float
    s1: float
    r_squared: float | None
    worst: float


def gradient_descent_path(problem: LinearModel, start: np.ndarray, eta: float, steps: Sequence[int]) -> np.ndarray:
    """The iterates of gradient descent x <- x - eta grad f(x) at the given step numbers, shape (len(steps), d).

    Raises:
        BadInput: steps are negative or not increasing, or eta is not positive.
    """
    numbers = step_numbers("steps", steps)
    require("eta", eta, eta > 0, "a finite number > 0")
    x, done, iterates = jnp.asarray(start, dtype=jnp.float64), 0, []
    for step in numbers:
        for _ in range(step - done):
            x = x - eta * problem.gradient(x)
        done = step
        iterates.append(np.asarray(x))
    return np.stack(iterates)


def covariance_change(problem: LinearModel, points: np.ndarray, data: ClientData) -> tuple[np.ndarray, AffineVariance]:
    """The covariances C of one client's mini-batch gradient at P points: tr C relative to the last point, and the fit to all.

    Args:
        problem: the loss.
        points: shape (P, d).
        data: the clients' samples, which they share, and the batch size.

    Returns:
        The ratios, shape (P,), and the fit of the affine-variance model.

    Raises:
        BadInput: points have another shape.
        Refusal: kind "no-noise", at a point without noise.
    """
    if points.ndim != 2 or points.shape[1] != problem.dim:
        raise BadInput("points", points.shape, f"an array (P, {problem.dim})")
    trace = np.array([np.trace(exact_moments(problem, x, data).covariance) for x in points])
    gradients = np.array([float(jnp.linalg.norm(problem.gradient(jnp.asarray(x)))) for x in points])
    return trace / trace[-1], fit_affine_variance(gradients, trace / problem.dim)


def fit_affine_variance(gradient_norm: np.ndarray, variance: np.ndarray) -> AffineVariance:
    """Nonnegative least squares of `variance` (tr C/d > 0) on 1 and G^2; both arrays have shape (P,)."""
    from scipy.optimize import nnls

    design = np.stack([np.ones_like(gradient_norm), gradient_norm**2], axis=1)
    # Columns are scaled to comparable sizes, since G^2 may be many orders of magnitude above or below 1.
    size = np.linalg.norm(design, axis=0)
    size = np.where(size > 0.0, size, 1.0)
    coefficients, _ = nnls(design / size, variance)
    s0, s1 = (float(c) for c in coefficients / size)
    residual = variance - (s0 + s1 * gradient_norm**2)
    spread = float(np.sum((variance - variance.mean()) ** 2))
    flat = spread <= (1e-12 * float(variance.mean())) ** 2 * variance.size
    r_squared = None if flat else 1.0 - float(np.sum(residual**2)) / spread
    return AffineVariance(s0, s1, r_squared, worst=float(np.max(np.abs(residual) / variance)))
