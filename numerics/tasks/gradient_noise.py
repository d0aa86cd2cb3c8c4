"""The noise of real mini-batch gradients at a point: exact moments, measured moments, correlation, tails.

A client draws B of its n samples with replacement; Z = (1/B) sum_b grad l_b(x) - mean over its samples. With y_m the
centred per-sample gradients and E over the client's n samples (divisor n, not n - 1: the samples are the population),

    Cov Z_jk = E[y_j y_k]/B          skewness_j = skew(y_j)/sqrt(B)          excess kurtosis_j = exkurt(y_j)/B,

so every number that a simulation estimates is known exactly, and the simulation is a check of the draws (and supplies
the tails, which these moments do not). Z is bounded: a Student-t fit describes the body and shoulders of its law, not
its extreme tail. Units are those of the gradient (loss per unit of x; dimensionless here).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from derive.vocabulary.errors import BadInput, Refusal
from numerics.backend.compiler import jit
from numerics.backend.double import jax, jnp
from numerics.statistics.record import Record
from numerics.tasks.clients import ClientData, Purpose, stream_keys
from numerics.tasks.linear_models import LinearModel
from numerics.tasks.tails import PooledTail, TailFits, fit_tails, pooled_tail


@dataclass(frozen=True)
class CorrelationSummary(Record):
    """How far a covariance is from diagonal and from isotropic.

    Attributes:
        largest: largest |rho_jk|, j != k (0 for d = 1), and `pair`, the coordinates (0-based) that have it.
        mean_absolute: mean of |rho_jk| over j != k.
        off_diagonal_share: sum_{j != k} rho_jk^2 / sum_{jk} rho_jk^2, in [0, 1 - 1/d]; 0 for independent coordinates.
        effective_rank: (tr C)^2/tr(C^2) in [1, d]: the number of equal directions with the same concentration.
        top_share: largest eigenvalue of C divided by tr C.
    """

    largest: float
    pair: tuple[int, int]
    mean_absolute: float
    off_diagonal_share: float
    effective_rank: float
    top_share: float


@dataclass(frozen=True)
class NoiseMoments(Record):
    """Exact moments of the mini-batch gradient of one client at one point; no sampling error.

    Attributes:
        batch: B.
        mean: the client's exact gradient, shape (d,); grad f(x) where all clients share the data.
        covariance: of Z, shape (d, d).
        scale: standard deviations of Z, shape (d,).
        skewness, excess_kurtosis: of each coordinate of Z, shape (d,); 0 where the coordinate has no noise.
        correlation: summary of `covariance`.
    """

    batch: int
    mean: np.ndarray
    covariance: np.ndarray
    scale: np.ndarray
    skewness: np.ndarray
    excess_kurtosis: np.ndarray
    correlation: CorrelationSummary


@dataclass(frozen=True)
class SignMeans(Record):
    """E sign of each coordinate of the mini-batch gradient, the drift of DSignSGD: measured, and by each fitted law.

    Attributes:
        measured, error: mean of sign(gradient + Z) over the draws and its standard error, shape (d,).
        gaussian, student_t: 2F(g/sigma) - 1 by the coordinate's own fit, shape (d,).
        worst_gaussian, worst_student_t: largest |measured - law| over coordinates.
    """

    measured: np.ndarray
    error: np.ndarray
    gaussian: np.ndarray
    student_t: np.ndarray
    worst_gaussian: float
    worst_student_t: float


@dataclass(frozen=True)
class GradientNoise(Record):
    """Measured noise of one client at one point, next to the exact moments.

    Attributes:
        point: x, shape (d,); loss and gradient_norm: f(x) and ||grad f(x)||_2 of the whole problem.
        client, draws, seed: which client, how many draws, and their seed.
        exact: see NoiseMoments.
        mean_z: (mean of Z)/(its exact standard error), shape (d,).
        covariance: measured around the exact mean, shape (d, d); covariance_error: exact standard error of each entry;
            covariance_z: (measured - exact)/error, 0 where the error is 0.
        excess_kurtosis, kurtosis_error: measured, with the delta-method standard error, shape (d,).
        tails, pooled: fits of Gaussian and Student-t by coordinate, and with one nu for all.
        sign_means: drift of the sign method, measured against the fitted laws.
    """

    point: np.ndarray
    loss: float
    gradient_norm: float
    client: int
    draws: int
    seed: int
    exact: NoiseMoments
    mean_z: np.ndarray
    covariance: np.ndarray
    covariance_error: np.ndarray
    covariance_z: np.ndarray
    excess_kurtosis: np.ndarray
    kurtosis_error: np.ndarray
    tails: TailFits
    pooled: PooledTail
    sign_means: SignMeans


def correlation_summary(covariance: np.ndarray) -> CorrelationSummary:
    """Summary of a covariance of shape (d, d); coordinates without variance count as uncorrelated."""
    d = covariance.shape[0]
    std = np.sqrt(np.diag(covariance))
    safe = np.where(std > 0.0, std, 1.0)
    rho = covariance / np.outer(safe, safe)
    np.fill_diagonal(rho, 0.0)
    absolute = np.abs(rho)
    j, k = np.unravel_index(int(np.argmax(absolute)), absolute.shape)
    off, spectrum = float(np.sum(rho**2)), np.linalg.eigvalsh(covariance)
    trace = float(np.trace(covariance))
    if trace <= 0.0:
        raise Refusal("no-noise", "the mini-batch gradient has no noise at this point, so it has no correlation")
    return CorrelationSummary(
        largest=float(absolute[j, k]),
        pair=(int(min(j, k)), int(max(j, k))),
        mean_absolute=float(np.sum(absolute) / (d * (d - 1))) if d > 1 else 0.0,
        off_diagonal_share=off / (off + float(np.sum(std > 0.0))),
        effective_rank=trace**2 / float(np.sum(covariance**2)),
        top_share=float(spectrum[-1]) / trace,
    )


def exact_moments(problem: LinearModel, x: np.ndarray, data: ClientData, client: int = 0) -> NoiseMoments:
    """Exact moments of a client's mini-batch gradient at x, from its per-sample gradients.

    Raises:
        BadInput: x of another shape, an unknown client, or deterministic clients (batch None).
        Refusal: kind "no-noise", where all per-sample gradients of the client are equal.
    """
    batch = _checked(problem, x, data, client)
    centred, mean = _centred(problem, x, data, client)
    second = centred.T @ centred / centred.shape[0]
    variance = np.diag(second)
    safe = np.where(variance > 0.0, variance, 1.0)
    third, fourth = np.mean(centred**3, axis=0), np.mean(centred**4, axis=0)
    covariance = second / batch
    return NoiseMoments(
        batch=batch,
        mean=mean,
        covariance=covariance,
        scale=np.sqrt(np.diag(covariance)),
        skewness=third / safe**1.5 / np.sqrt(batch),
        excess_kurtosis=np.where(variance > 0.0, fourth / safe**2 - 3.0, 0.0) / batch,
        correlation=correlation_summary(covariance),
    )


def draw_noise(
    problem: LinearModel, x: np.ndarray, data: ClientData, draws: int, seed: int = 0, client: int = 0
) -> np.ndarray:
    """M independent draws of Z = mini-batch gradient - its exact mean, shape (M, d).

    Draw m uses the stream (seed, measurement, client, m), which is separate from the streams of `run_minibatch`.

    Raises:
        BadInput: as `exact_moments`, or draws outside 20..10^7, or a bad seed.
    """
    batch = _checked(problem, x, data, client)
    if isinstance(draws, bool) or not isinstance(draws, int) or not 20 <= draws <= 10**7:
        raise BadInput("draws", draws, "an integer from 20 to 10000000")
    gradients, _ = _centred(problem, x, data, client, whole=True)
    noise = np.empty((draws, problem.dim))
    # Blocks of about 4 million numbers bound the memory whatever B and d are.
    block = min(draws, max(1, 4_000_000 // (batch * problem.dim)))
    for start in range(0, draws, block):
        # Blocks share one size, so that one compilation serves all; the last one's surplus is dropped.
        numbers = jnp.arange(start, start + block)
        keys = stream_keys(seed, Purpose.MEASUREMENT, jnp.asarray([client]), numbers)[0]
        chosen = np.asarray(_draw_batches(data, keys, client))[: draws - start]
        noise[start : start + len(chosen)] = gradients[chosen].mean(axis=1)
    return noise


@jit
def _draw_batches(data: ClientData, keys: jax.Array, client: jax.Array | int) -> jax.Array:
    return jax.vmap(data.draw, in_axes=(0, None))(keys, client)


def measure_noise(
    problem: LinearModel, x: np.ndarray, data: ClientData, draws: int = 10_000, seed: int = 0, client: int = 0
) -> GradientNoise:
    """Draw mini-batch gradients of one client at x and compare them with the exact moments and with two laws.

    Args:
        problem: the loss.
        x: the point, shape (d,).
        data: the clients' samples and the batch size.
        draws: M, mini-batches drawn.
        seed: of the draws.
        client: which client, from 0.

    Raises:
        BadInput, Refusal: as `exact_moments` and `draw_noise`.
    """
    exact = exact_moments(problem, x, data, client)
    noise = draw_noise(problem, x, data, draws, seed, client)
    centred, _ = _centred(problem, x, data, client)
    measured = noise.T @ noise / draws
    error = np.sqrt(_product_variance(centred, exact) / draws)
    safe = np.where(error > 0.0, error, 1.0)
    scale = np.where(exact.scale > 0.0, exact.scale, 1.0)
    kurtosis, kurtosis_error = _kurtosis(noise)
    tails, point = fit_tails(noise), jnp.asarray(x)
    return GradientNoise(
        point=np.asarray(x, dtype=float),
        loss=float(problem.loss(point)),
        gradient_norm=float(jnp.linalg.norm(problem.gradient(point))),
        client=client,
        draws=draws,
        seed=seed,
        exact=exact,
        mean_z=np.mean(noise, axis=0) / scale * np.sqrt(draws),
        covariance=measured,
        covariance_error=error,
        covariance_z=np.where(error > 0.0, (measured - exact.covariance) / safe, 0.0),
        excess_kurtosis=kurtosis,
        kurtosis_error=kurtosis_error,
        tails=tails,
        pooled=pooled_tail(noise),
        sign_means=_sign_means(noise, exact.mean, tails),
    )


def _centred(
    problem: LinearModel, x: np.ndarray, data: ClientData, client: int, whole: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Per-sample gradients minus the client's mean, (n_client, d), or (n, d) for all samples; and that mean."""
    gradients = np.asarray(problem.sample_gradients(jnp.asarray(x, dtype=jnp.float64)))
    own = gradients[data.members(client)]
    mean = own.mean(axis=0)
    return (gradients if whole else own) - mean, mean


def _product_variance(centred: np.ndarray, exact: NoiseMoments) -> np.ndarray:
    """Var(Z_j Z_k) = C_jj C_kk + C_jk^2 + cum(y_j, y_j, y_k, y_k)/B^3, exact, shape (d, d)."""
    single, squares = exact.covariance * exact.batch, centred**2
    joint = squares.T @ squares / centred.shape[0]
    cumulant = joint - np.outer(np.diag(single), np.diag(single)) - 2.0 * single**2
    variance = np.diag(exact.covariance)
    return np.maximum(np.outer(variance, variance) + exact.covariance**2 + cumulant / exact.batch**3, 0.0)


def _kurtosis(noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Excess kurtosis around the exact mean 0 and its delta-method standard error, shape (d,)."""
    second, fourth = np.mean(noise**2, axis=0), np.mean(noise**4, axis=0)
    influence = (noise**4 - fourth) / second**2 - 2.0 * fourth * (noise**2 - second) / second**3
    return fourth / second**2 - 3.0, np.std(influence, axis=0) / np.sqrt(noise.shape[0])


def _sign_means(noise: np.ndarray, mean: np.ndarray, tails: TailFits) -> SignMeans:
    signs = np.sign(mean + noise)
    measured = signs.mean(axis=0)
    gaussian = 2.0 * stats.norm.cdf(mean / tails.sigma_gaussian) - 1.0
    # scipy's t at nu = inf is the normal law.
    student = 2.0 * stats.t.cdf(mean / tails.sigma_student_t, tails.nu) - 1.0
    error = np.sqrt(np.maximum(1.0 - measured**2, 0.0) / noise.shape[0])
    return SignMeans(
        measured,
        error,
        gaussian,
        student,
        float(np.max(np.abs(measured - gaussian))),
        float(np.max(np.abs(measured - student))),
    )


def _checked(problem: LinearModel, x: np.ndarray, data: ClientData, client: int) -> int:
    if np.shape(x) != (problem.dim,) or not bool(np.all(np.isfinite(x))):
        raise BadInput("x", np.shape(x), f"{problem.dim} finite numbers")
    if data.order.shape[0] != problem.samples:
        raise BadInput("clients' samples", data.order.shape[0], f"the problem's {problem.samples} samples")
    if isinstance(client, bool) or not isinstance(client, int) or not 0 <= client < data.clients:
        raise BadInput("client", client, f"an integer from 0 to {data.clients - 1}")
    if data.batch is None:
        raise BadInput("batch", None, "a mini-batch size: deterministic clients have no noise")
    return data.batch
