"""The noise of real mini-batch gradients: moments and tails at a point, and the change of its covariance with x."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.tasks.data import ClientData, Purpose, require, require_integer, step_numbers, stream_keys
from sdescent.numerics.tasks.losses_over_data import LinearModel

LARGEST_LAM = 2.0
"""Largest 1/nu searched: nu >= 1/2."""

_GRID = (0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, LARGEST_LAM)


@dataclass(frozen=True)
class TailFits:
    """Fits of the Gaussian law and Student's t law to each of d coordinates; every array has the shape (d,).

    Attributes:
        nu: the maximum-likelihood degrees of freedom; inf if the Gaussian is at least as likely.
        sigma: the scale of the fitted Student's t, in the units of the draws.
        likelihood_ratio: LR = twice the gain in log-likelihood of Student's t over the Gaussian, >= 0, in nats.
        p_value: the probability of at least this LR if the draws were Gaussian; 1 if LR = 0.
    """

    nu: np.ndarray
    sigma: np.ndarray
    likelihood_ratio: np.ndarray
    p_value: np.ndarray


@dataclass(frozen=True)
class PooledTail:
    """One nu for all coordinates and a scale for each, as a Student's t noise model with a single nu needs.

    Attributes:
        nu: the maximiser of the sum of the coordinates' profile log-likelihoods; inf for the Gaussian.
        sigma: the scales at that nu, shape (d,).
    """

    nu: float
    sigma: np.ndarray


def fit_tails(draws: np.ndarray) -> TailFits:
    """Fit the Gaussian law and Student's t law to each coordinate of centred draws.

    Args:
        draws: shape (M, d), M >= 20, location 0 (subtract the exact mean first), finite, no coordinate all zero.

    Raises:
        BadInput: the draws have another shape, are not finite, or are all 0 in a coordinate.
    """
    likelihood = _Likelihood(draws)
    profile = likelihood.profile
    lam = _maximise(profile, draws.shape[1])
    lr = np.maximum(2.0 * (profile(lam) - profile(np.zeros_like(lam))), 0.0)
    p_value = np.where(lr > 0.0, 0.5 * stats.chi2.sf(lr, 1), 1.0)
    return TailFits(_inverse(lam), likelihood.scale(lam), lr, p_value)


def pooled_tail(draws: np.ndarray) -> PooledTail:
    """The single nu that maximises the sum over coordinates of the profile log-likelihoods, and the scales at that nu.

    Args:
        draws: as for `fit_tails`, shape (M, d).

    Raises:
        BadInput: as for `fit_tails`.
    """
    likelihood, d = _Likelihood(draws), draws.shape[1]
    lam = _maximise(lambda lam: np.sum(likelihood.profile(np.repeat(lam, d)), keepdims=True), 1)
    return PooledTail(float(_inverse(lam)[0]), likelihood.scale(np.repeat(lam, d)))


class _Likelihood:
    """The Student's t log-likelihood of each coordinate with its scale profiled out, as a function of lam = 1/nu, (d,)."""

    def __init__(self, draws: np.ndarray) -> None:
        if draws.ndim != 2 or draws.shape[0] < 20 or draws.shape[1] < 1:
            raise BadInput("draws", draws.shape, "an array (M, d) of at least 20 draws")
        if not bool(np.all(np.isfinite(draws))):
            raise BadInput("draws", "a value that is not finite", "finite numbers")
        self.squares = np.ascontiguousarray(draws.T**2)
        mean, quantile = self.squares.mean(axis=1), np.quantile(self.squares, 0.6, axis=1)
        if not bool(np.all(mean > 0.0)):
            raise BadInput("draws", "a coordinate whose draws are all 0", "a draw other than 0 in every coordinate")
        self._mean = np.log(mean)
        self._quantile = np.log(np.where(quantile > 0.0, quantile, mean))

    def profile(self, lam: np.ndarray) -> np.ndarray:
        """The log-likelihood at lam maximised over the scale, shape (d,)."""
        log_square = self._log_square_scale(lam)
        q = self.squares * np.exp(-log_square)[:, None]
        tail = np.maximum(lam, 1e-12)[:, None]
        power = np.where(lam[:, None] > 1e-12, 0.5 * (1.0 + 1.0 / tail) * np.log1p(tail * q), 0.5 * q)
        terms = (_log_constant(lam) - 0.5 * np.log(2.0 * np.pi) - 0.5 * log_square)[:, None] - power
        return terms.sum(axis=1)

    def scale(self, lam: np.ndarray) -> np.ndarray:
        """The maximising sigma, shape (d,)."""
        return np.exp(0.5 * self._log_square_scale(lam))

    def _log_square_scale(self, lam: np.ndarray) -> np.ndarray:
        """The logarithm of sigma^2, by Newton's method; later sweeps skip coordinates that have converged."""
        # At nu = inf the mean square is exact. For small nu it is far too high as a starting value, unlike a quantile.
        log_square = np.where(lam < 0.2, self._mean, self._quantile)
        open_ = np.arange(lam.size)
        for _ in range(200):
            q = self.squares[open_] * np.exp(-log_square[open_])[:, None]
            weight = 1.0 / (1.0 + lam[open_, None] * q)
            q *= weight
            gain = (1.0 + lam[open_]) * q.mean(axis=1)
            slope = (1.0 + lam[open_]) * np.einsum("dm,dm->d", q, weight) / q.shape[1]
            step = np.clip((gain - 1.0) / slope, -1.5, 1.5)
            log_square[open_] += step
            open_ = open_[np.abs(step) > 1e-7]  # Newton's next error is the square of this
            if open_.size == 0:
                break
        return log_square


def _inverse(lam: np.ndarray) -> np.ndarray:
    return np.where(lam > 0.0, 1.0 / np.where(lam > 0.0, lam, 1.0), np.inf)


def _log_constant(lam: np.ndarray) -> np.ndarray:
    """The constant log Gamma((nu+1)/2) - log Gamma(nu/2) - (1/2) log(nu/2) with nu = 1/lam; 0 at lam = 0."""
    nu = 1.0 / np.maximum(lam, 1e-3)
    exact = special.gammaln(0.5 * (nu + 1.0)) - special.gammaln(0.5 * nu) - 0.5 * np.log(0.5 * nu)
    # For large nu the two log-gammas cancel; the series in 1/nu is exact to 1e-15 there.
    return np.where(lam < 1e-3, -0.25 * lam + lam**3 / 24.0, exact)


def _maximise(profile: Callable[[np.ndarray], np.ndarray], d: int) -> np.ndarray:
    """The lam that maximises each of d profiles: the best of a grid, then golden section; 0 if lam = 0 is at least as good."""
    grid = np.asarray(_GRID)
    values = np.stack([profile(np.full(d, lam)) for lam in _GRID])
    top = np.argmax(values, axis=0)
    low, high = grid[np.maximum(top - 1, 0)], grid[np.minimum(top + 1, grid.size - 1)]
    ratio = 0.5 * (5.0**0.5 - 1.0)
    inner, outer = high - ratio * (high - low), low + ratio * (high - low)
    f_inner, f_outer = profile(inner), profile(outer)
    for _ in range(28):
        keep_left = f_inner >= f_outer
        low, high = np.where(keep_left, low, inner), np.where(keep_left, outer, high)
        new = np.where(keep_left, high - ratio * (high - low), low + ratio * (high - low))
        f_new = profile(new)
        inner, outer = np.where(keep_left, new, outer), np.where(keep_left, inner, new)
        f_inner, f_outer = np.where(keep_left, f_new, f_outer), np.where(keep_left, f_inner, f_new)
    lam = 0.5 * (low + high)
    return np.where(values[0] >= profile(lam), 0.0, lam)


@dataclass(frozen=True)
class CorrelationSummary:
    """How far a covariance is from diagonal and from isotropic.

    Attributes:
        largest: the largest |rho_jk|, j != k (0 for d = 1).
        off_diagonal_share: sum_{j != k} rho_jk^2 / sum_{jk} rho_jk^2, in [0, 1 - 1/d]; 0 for independent coordinates.
        effective_rank: (tr C)^2/tr(C^2) in [1, d]: the number of equal eigenvalues, the others 0, that give the same value.
    """

    largest: float
    off_diagonal_share: float
    effective_rank: float


@dataclass(frozen=True)
class NoiseMoments:
    """Exact moments of the mini-batch gradient of one client at one point, without sampling error.

    Attributes:
        mean: grad f(x), shape (d,).
        covariance: the covariance of Z, the mini-batch gradient minus its mean, shape (d, d).
        skewness, excess_kurtosis: of each coordinate of Z, shape (d,); 0 if the coordinate has no noise.
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
        tails, pooled: fits of the Gaussian and Student's t law, for each coordinate and with one nu for all.
        sign_gap: the largest distance over coordinates between two estimates of E sign(mini-batch gradient), which determines the
            drift of DSignSGD: the mean over the draws, and 2F(g/sigma) - 1 from the coordinate's own Student's t fit.
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
        BadInput: x is not finite or has another shape; the data do not fit the problem, are not shared, or have batch None.
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
    require_integer("seed", seed, 0, 2**63 - 1)
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
    """The exact moments of a client's mini-batch gradient at x, and the Gaussian and Student's t law fitted to its noise.

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
    # For nu = inf, scipy's t is the Gaussian law.
    fitted = 2.0 * stats.t.cdf(exact.mean / tails.sigma, tails.nu) - 1.0
    gap = np.max(np.abs(np.sign(exact.mean + noise).mean(axis=0) - fitted))
    return GradientNoise(exact, tails, pooled_tail(noise), float(gap))


def _centred(problem: LinearModel, x: np.ndarray, data: ClientData) -> tuple[int, np.ndarray, np.ndarray]:
    """The batch size, the per-sample gradients minus their mean, (n, d), and that mean."""
    if np.shape(x) != (problem.dim,) or not bool(np.all(np.isfinite(x))):
        raise BadInput("x", np.shape(x), f"{problem.dim} finite numbers")
    if data.scheme != "shared":
        raise BadInput("data", data.scheme, "data that the clients share, so that all clients have the same noise")
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
        BadInput: the steps are not increasing integers >= 0, or eta is not a finite number > 0.
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
        BadInput: the points have another shape; otherwise as for `exact_moments`.
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
