"""The noise of real mini-batch gradients at a point: exact moments, measured moments, correlation, tails.

A client draws B of its n samples with replacement; Z = (1/B) sum_b grad l_b(x) - mean over its samples. With y_m the centred
per-sample gradients and E over the client's n samples (divisor n, not n - 1: the samples are the population),

    Cov Z_jk = E[y_j y_k]/B          skewness_j = skew(y_j)/sqrt(B)          excess kurtosis_j = exkurt(y_j)/B.

So the moments are known exactly, and the draws add the tails and signs, which these moments do not determine. Z is bounded: a
Student's t fit describes the body and shoulders of its law, not its extreme tail.
Units are those of the gradient (loss per unit of x; dimensionless here).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.tasks.clients import ClientData, Purpose, check_seed, stream_keys
from sdescent.numerics.tasks.data import require_integer
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
