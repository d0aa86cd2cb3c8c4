"""The change of the gradient noise's covariance with x, and how well the affine-variance model describes it.

Covariances are exact (see `gradient_noise`), so the numbers here have no sampling error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.tasks.clients import ClientData
from sdescent.numerics.tasks.data import require, step_numbers
from sdescent.numerics.tasks.gradient_noise import exact_moments
from sdescent.numerics.tasks.linear_models import LinearModel


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
