"""Gaussian against Student's t by maximum likelihood, for each coordinate of centred draws.

The laws are sigma * Z with Z standard normal, or Student's t with nu degrees of freedom and location 0 (theory 3: sigma is a scale,
the variance is sigma^2 nu/(nu-2)). The tail enters as lam = 1/nu in [0, 2], so that the Gaussian is the ordinary boundary point
lam = 0. For each lam the scale is profiled out: it solves

    mean_m (1 + lam) q_m/(1 + lam q_m) = 1,   q_m = z_m^2/sigma^2,

whose left side decreases in sigma. Under the Gaussian, LR = 2 (max_lam l - l(0)) has the limit law
(1/2) delta_0 + (1/2) chi^2_1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from sdescent.derive.vocabulary.errors import BadInput

LARGEST_LAM = 2.0
"""Largest 1/nu searched: nu >= 1/2."""

_GRID = (0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, LARGEST_LAM)


@dataclass(frozen=True)
class TailFits:
    """Fits of both laws to each of d coordinates; every array has the shape (d,).

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
    """Fit both laws to centred draws.

    Args:
        draws: shape (M, d), M >= 20, location 0 (subtract the exact mean first), finite, no coordinate all zero.

    Raises:
        BadInput: draws have another shape, are not finite, or a coordinate has no spread.
    """
    likelihood = _Likelihood(draws)
    profile = likelihood.profile
    lam = _maximise(profile, draws.shape[1])
    lr = np.maximum(2.0 * (profile(lam) - profile(np.zeros_like(lam))), 0.0)
    p_value = np.where(lr > 0.0, 0.5 * stats.chi2.sf(lr, 1), 1.0)
    return TailFits(_inverse(lam), likelihood.scale(lam), lr, p_value)


def pooled_tail(draws: np.ndarray) -> PooledTail:
    """The single nu that maximises the sum over coordinates of the profile log-likelihoods.

    Args:
        draws: as for `fit_tails`, shape (M, d).

    Raises:
        BadInput: as for `fit_tails`.
    """
    likelihood = _Likelihood(draws)
    d = draws.shape[1]

    def total(lam: np.ndarray) -> np.ndarray:
        return np.array([np.sum(likelihood.profile(np.full(d, lam[0])))])

    lam = _maximise(total, 1)
    return PooledTail(float(_inverse(lam)[0]), likelihood.scale(np.full(d, lam[0])))


class _Likelihood:
    """The Student's t log-likelihood of each coordinate with its scale profiled out, as a function of lam (d,)."""

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
        return self.terms(lam).sum(axis=1)

    def scale(self, lam: np.ndarray) -> np.ndarray:
        """The maximising sigma, shape (d,)."""
        return np.exp(0.5 * self._log_square_scale(lam))

    def terms(self, lam: np.ndarray) -> np.ndarray:
        """The log density of each draw at lam and its maximising scale, shape (d, M)."""
        log_square = self._log_square_scale(lam)
        q = self.squares * np.exp(-log_square)[:, None]
        tail = np.maximum(lam, 1e-12)[:, None]
        power = np.where(lam[:, None] > 1e-12, 0.5 * (1.0 + 1.0 / tail) * np.log1p(tail * q), 0.5 * q)
        return (_log_constant(lam) - 0.5 * np.log(2.0 * np.pi) - 0.5 * log_square)[:, None] - power

    def _log_square_scale(self, lam: np.ndarray) -> np.ndarray:
        """The logarithm of sigma^2, by Newton's method; later sweeps skip coordinates that have converged."""
        # At nu = inf the mean square is exact. For small nu it is far too high as a start, unlike a quantile.
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
    """The lam that maximises each of d profiles: the best of a grid, then golden section; 0 if no lam beats it."""
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
