"""Gaussian against Student-t by maximum likelihood, coordinate by coordinate, for centred draws.

The laws are sigma * Z with Z standard normal, or Student-t with nu degrees of freedom and location 0 (theory 3: sigma
is a scale, the variance is sigma^2 nu/(nu-2)). The tail enters as lam = 1/nu in [0, 2], so that the Gaussian is the
ordinary boundary point lam = 0. For each lam the scale is profiled out: it solves

    mean_m (1 + lam) q_m/(1 + lam q_m) = 1,   q_m = z_m^2/sigma^2,

whose left side decreases in sigma. LR = 2 (max_lam l - l(0)) has the limit law (1/2) delta_0 + (1/2) chi^2_1 under the
Gaussian, and the interval for nu is {lam: 2 (max l - l(lam)) <= quantile of chi^2_1} (conservative at the boundary).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from derive.errors import BadInput
from numerics._jax import jax, jnp
from numerics.tasks._record import Record

LARGEST_LAM = 2.0
"""Largest 1/nu searched: nu >= 1/2."""

_GRID = (0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, LARGEST_LAM)


@dataclass(frozen=True)
class TailFits(Record):
    """Fits of both laws to each of d coordinates; every array has shape (d,).

    Attributes:
        draws: M, draws a coordinate.
        level: coverage of the intervals.
        nu: maximum-likelihood degrees of freedom, inf where the Gaussian is at least as likely.
        nu_low, nu_high: profile-likelihood interval; nu_high = inf where it contains the Gaussian, nu_low = 1/2 where
            it reaches the end of the range searched.
        sigma_student_t: scale of the fitted Student-t, in the units of the draws.
        sigma_gaussian: root mean square of the draws.
        variance_ratio: variance of the fitted Student-t over the measured variance; inf where nu <= 2. Where it is far
            from 1, no single Student-t has both the body and the variance of the draws.
        likelihood_ratio: LR = twice the gain in log-likelihood of Student-t over Gaussian, >= 0, in nats.
        p_value: P(LR or more) if the draws were Gaussian; 1 where LR = 0.
        ks_student_t, ks_gaussian: Kolmogorov-Smirnov distance between the empirical and the fitted cdf; about
            0.9/sqrt(M) or less when the law is right.
    """

    draws: int
    level: float
    nu: np.ndarray
    nu_low: np.ndarray
    nu_high: np.ndarray
    sigma_student_t: np.ndarray
    sigma_gaussian: np.ndarray
    variance_ratio: np.ndarray
    likelihood_ratio: np.ndarray
    p_value: np.ndarray
    ks_student_t: np.ndarray
    ks_gaussian: np.ndarray


@dataclass(frozen=True)
class PooledTail(Record):
    """One nu for all coordinates, a scale for each: what a Student-t noise model with a single nu can use.

    Attributes:
        nu: maximiser of the sum of the coordinates' profile log-likelihoods; inf for the Gaussian.
        nu_low, nu_high: 95% interval, from the normal law of lam = 1/nu cut to [0, 2].
        lam, lam_se: 1/nu and its standard error. Coordinates of one draw are dependent, so this is a composite
            likelihood; the error is the sandwich over draws and stays right under any dependence within a draw.
        sigma: scales at that nu, shape (d,).
    """

    nu: float
    nu_low: float
    nu_high: float
    lam: float
    lam_se: float
    sigma: np.ndarray


def fit_tails(draws: np.ndarray, level: float = 0.95) -> TailFits:
    """Fit both laws to centred draws.

    Args:
        draws: shape (M, d), M >= 20, location 0 (subtract the exact mean first), finite, no coordinate all zero.
        level: coverage of the interval for nu, in (0, 1).

    Raises:
        BadInput: draws of another shape, not finite, or a coordinate without spread; a level outside (0, 1).
    """
    sample = _sample(draws)
    if not 0.0 < level < 1.0:
        raise BadInput("level", level, "a number between 0 and 1, both excluded")
    lam, best, log_scale = _maximise(sample)
    gaussian, _ = _profile(sample, jnp.zeros_like(lam))
    lr = np.maximum(2.0 * np.asarray(best - gaussian), 0.0)
    drop = best - 0.5 * float(stats.chi2.ppf(level, 1))
    low_lam = _cross(sample, jnp.zeros_like(lam), lam, drop)
    high_lam = _cross(sample, jnp.full_like(lam, LARGEST_LAM), lam, drop)
    p_value = np.where(lr > 0.0, 0.5 * stats.chi2.sf(lr, 1), 1.0)
    nu, sigma_t = _inverse(lam), np.exp(0.5 * np.asarray(log_scale))
    sigma_g = np.sqrt(np.mean(draws**2, axis=0))
    ordered = np.sort(draws, axis=0).T
    ks_t = np.array([_distance(z, s, n) for z, s, n in zip(ordered, sigma_t, nu, strict=True)])
    ks_g = np.array([_distance(z, s, np.inf) for z, s in zip(ordered, sigma_g, strict=True)])
    low, high = _inverse(high_lam), _inverse(low_lam)
    # Var Z = 1/(1 - 2 lam) for lam < 1/2, in scales squared.
    stretch = np.where(lam < 0.5, 1.0 / np.where(lam < 0.5, 1.0 - 2.0 * np.asarray(lam), 1.0), np.inf)
    variance_ratio = stretch * (sigma_t / sigma_g) ** 2
    return TailFits(draws.shape[0], level, nu, low, high, sigma_t, sigma_g, variance_ratio, lr, p_value, ks_t, ks_g)


def pooled_tail(draws: np.ndarray) -> PooledTail:
    """The single nu that maximises the sum over coordinates of the profile log-likelihoods.

    Args:
        draws: as for `fit_tails`, shape (M, d).

    Raises:
        BadInput: as `fit_tails`.
    """
    sample = _sample(draws)
    d, count = sample.squares.shape

    def total(lam: float) -> float:
        return float(jnp.sum(_profile(sample, jnp.full(d, lam))[0]))

    values = [total(lam) for lam in _GRID]
    top = int(np.argmax(values))
    left, right = _GRID[max(top - 1, 0)], _GRID[min(top + 1, len(_GRID) - 1)]
    lam = _golden_scalar(total, left, right)
    if values[0] >= total(lam):
        lam = 0.0
    # Central differences of the per-draw profile log-likelihood: its slope along the profile is the efficient score,
    # and (sum of squared scores)/(curvature)^2 the sandwich variance. At the Gaussian boundary: taken just inside.
    width = 1e-3
    middle = max(lam, width)
    terms = []
    for point in (middle - width, middle, middle + width):
        _, log_scale = _profile(sample, jnp.full(d, point))
        terms.append(np.asarray(jnp.sum(_log_density(sample.squares, jnp.full(d, point), log_scale), axis=0)))
    score = (terms[2] - terms[0]) / (2.0 * width)
    curvature = -float(np.sum(terms[2] - 2.0 * terms[1] + terms[0])) / width**2
    error = float(np.sqrt(count * np.var(score)) / curvature) if curvature > 0 else float("inf")
    half = float(stats.norm.ppf(0.975)) * error
    low, high = (_inverse(np.clip(value, 0.0, LARGEST_LAM)) for value in (lam + half, lam - half))
    _, log_scale = _profile(sample, jnp.full(d, lam))
    return PooledTail(
        float(_inverse(np.asarray(lam))), float(low), float(high), lam, error, np.exp(0.5 * np.asarray(log_scale))
    )


class _Sample(NamedTuple):
    """Squared draws, shape (d, M), and where Newton's method for the scale starts."""

    squares: jax.Array
    log_mean: jax.Array
    log_quantile: jax.Array


def _sample(draws: np.ndarray) -> _Sample:
    if draws.ndim != 2 or draws.shape[0] < 20 or draws.shape[1] < 1:
        raise BadInput("draws", draws.shape, "an array (M, d) of at least 20 draws")
    if not bool(np.all(np.isfinite(draws))):
        raise BadInput("draws", "a value that is not finite", "finite numbers")
    squares = np.ascontiguousarray(draws.T**2)
    mean, quantile = squares.mean(axis=1), np.quantile(squares, 0.6, axis=1)
    if not bool(np.all(mean > 0.0)):
        raise BadInput("draws", "a coordinate that is always 0", "coordinates with spread")
    quantile = np.where(quantile > 0.0, quantile, mean)
    return _Sample(jnp.asarray(squares), jnp.asarray(np.log(mean)), jnp.asarray(np.log(quantile)))


def _inverse(lam: np.ndarray | jax.Array) -> np.ndarray:
    values = np.asarray(lam, dtype=float)
    return np.where(values > 0.0, 1.0 / np.where(values > 0.0, values, 1.0), np.inf)


def _log_constant(lam: jax.Array) -> jax.Array:
    """log Gamma((nu+1)/2) - log Gamma(nu/2) - (1/2) log(nu/2), nu = 1/lam; 0 at lam = 0."""
    nu = 1.0 / jnp.maximum(lam, 1e-3)
    exact = jax.scipy.special.gammaln(0.5 * (nu + 1.0)) - jax.scipy.special.gammaln(0.5 * nu) - 0.5 * jnp.log(0.5 * nu)
    # For large nu the two log-gammas cancel; the series in 1/nu is exact to 1e-15 there.
    series = -0.25 * lam + lam**3 / 24.0
    return jnp.where(lam < 1e-3, series, exact)


def _log_density(squares: jax.Array, lam: jax.Array, log_scale: jax.Array) -> jax.Array:
    """Log density of each draw, shape (d, M), for lam and log sigma^2 of shape (d,)."""
    q = squares * jnp.exp(-log_scale)[:, None]
    tail = lam[:, None]
    safe = jnp.maximum(tail, 1e-12)
    power = jnp.where(tail > 1e-12, 0.5 * (1.0 + 1.0 / safe) * jnp.log1p(safe * q), 0.5 * q)
    return (_log_constant(lam) - 0.5 * jnp.log(2.0 * jnp.pi) - 0.5 * log_scale)[:, None] - power


@jax.jit
def _profile(sample: _Sample, lam: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Log-likelihood maximised over the scale and the maximising log sigma^2, both of shape (d,)."""
    squares = sample.squares
    # At nu = inf the mean square is exact; for small nu it starts far too high, a quantile does not.
    start = jnp.where(lam < 0.2, sample.log_mean, sample.log_quantile)

    def newton(state: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
        log_scale, _, count = state
        q = squares * jnp.exp(-log_scale)[:, None]
        weight = 1.0 / (1.0 + lam[:, None] * q)
        gain = (1.0 + lam) * jnp.mean(q * weight, axis=1)
        slope = (1.0 + lam) * jnp.mean(q * weight**2, axis=1)
        step = jnp.clip((gain - 1.0) / slope, -1.5, 1.5)
        return log_scale + step, jnp.max(jnp.abs(step)), count + 1

    def unfinished(state: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        return (state[1] > 1e-9) & (state[2] < 200)

    log_scale, _, _ = jax.lax.while_loop(unfinished, newton, (start, jnp.asarray(jnp.inf), jnp.asarray(0)))
    return jnp.sum(_log_density(squares, lam, log_scale), axis=1), log_scale


def _maximise(sample: _Sample) -> tuple[jax.Array, jax.Array, jax.Array]:
    """lam, log-likelihood and log sigma^2 at the maximum of each coordinate's profile."""
    d = sample.squares.shape[0]
    grid = jnp.asarray(_GRID)
    values = jnp.stack([_profile(sample, jnp.full(d, lam))[0] for lam in _GRID])
    top = jnp.argmax(values, axis=0)
    left, right = grid[jnp.maximum(top - 1, 0)], grid[jnp.minimum(top + 1, len(_GRID) - 1)]
    ratio = 0.5 * (5.0**0.5 - 1.0)
    inner, outer = right - ratio * (right - left), left + ratio * (right - left)
    f_inner, f_outer = _profile(sample, inner)[0], _profile(sample, outer)[0]
    for _ in range(28):
        keep_left = f_inner >= f_outer
        left, right = jnp.where(keep_left, left, inner), jnp.where(keep_left, outer, right)
        new = jnp.where(keep_left, right - ratio * (right - left), left + ratio * (right - left))
        f_new = _profile(sample, new)[0]
        inner, outer = jnp.where(keep_left, new, outer), jnp.where(keep_left, inner, new)
        f_inner, f_outer = jnp.where(keep_left, f_new, f_outer), jnp.where(keep_left, f_inner, f_new)
    lam = 0.5 * (left + right)
    best, log_scale = _profile(sample, lam)
    gaussian = values[0] >= best
    lam = jnp.where(gaussian, 0.0, lam)
    best, log_scale = _profile(sample, lam)
    return lam, best, log_scale


def _cross(sample: _Sample, far: jax.Array, near: jax.Array, level: jax.Array) -> jax.Array:
    """Bisection from `near` (profile above `level`) to `far` for where the profile meets it; `far` if it never does."""
    reaches = _profile(sample, far)[0] >= level
    outside, inside = far, near
    for _ in range(26):
        middle = 0.5 * (outside + inside)
        above = _profile(sample, middle)[0] >= level
        inside, outside = jnp.where(above, middle, inside), jnp.where(above, outside, middle)
    return jnp.where(reaches, far, inside)


def _golden_scalar(function: Callable[[float], float], left: float, right: float) -> float:
    ratio = 0.5 * (5.0**0.5 - 1.0)
    inner, outer = right - ratio * (right - left), left + ratio * (right - left)
    f_inner, f_outer = function(inner), function(outer)
    for _ in range(28):
        if f_inner >= f_outer:
            right, outer, f_outer = outer, inner, f_inner
            inner = right - ratio * (right - left)
            f_inner = function(inner)
        else:
            left, inner, f_inner = inner, outer, f_outer
            outer = left + ratio * (right - left)
            f_outer = function(outer)
    return 0.5 * (left + right)


def _distance(ordered: np.ndarray, sigma: float, nu: float) -> float:
    """Kolmogorov-Smirnov distance of sorted draws to sigma * Student-t(nu), or to the Gaussian at nu = inf."""
    cdf = stats.t.cdf(ordered / sigma, nu) if np.isfinite(nu) else stats.norm.cdf(ordered / sigma)
    upper = np.arange(1, ordered.size + 1) / ordered.size
    return float(max(np.max(upper - cdf), np.max(cdf - upper) + 1.0 / ordered.size))
