"""The noise of one client's mini-batch gradients of a linear model at a point: moments, tails, and Student's t fitted to it.

Z is the gradient over B samples, drawn with replacement, minus its mean grad f(x). Its law is that of a mean of B rows of y.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.measure.tails import Tail, tail
from sdescent.numerics.tasks.losses_over_data import LinearModel

#: the largest 1/nu that is tried
LARGEST = 2.0


@dataclass(frozen=True)
class GradientNoise:
    """The noise at one point.

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
    """The noise at x, (d,), with the law of Z from `draws` mini-batches of `batch` samples.

    Raises:
        BadInput: a coordinate has no noise.
    """
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

    nu is inf where the normal law is at least as likely.

    Raises:
        BadInput: a draw is not finite, or all draws of a coordinate are 0.
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
