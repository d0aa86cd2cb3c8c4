"""How the covariance of the gradient noise changes with x, and how far the affine-variance model describes it.

Covariances are exact (see `gradient_noise`), so the numbers here carry no sampling error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from derive.vocabulary.errors import BadInput
from numerics.backend.double import jnp
from numerics.statistics.record import Record
from numerics.tasks.clients import ClientData
from numerics.tasks.gradient_noise import exact_moments
from numerics.tasks.linear_models import LinearModel


@dataclass(frozen=True)
class AffineVariance(Record):
    """Least squares of tr C/d against G^2 over the points: tr C(x)/d = s0 + s1 G(x)^2 (theory 1's affine variance).

    Attributes:
        s0, s1: coefficients, both >= 0 (non-negative least squares).
        r_squared: share of the variation of tr C/d over the points that the fit explains; None if tr C does not vary.
        worst: largest |fit - value|/value over the points.
    """

    s0: float
    s1: float
    r_squared: float | None
    worst: float


@dataclass(frozen=True)
class CovarianceChange(Record):
    """Covariance of one client's mini-batch gradient at P points, compared with the covariance at a reference point.

    Attributes:
        labels: a name for each point.
        reference: number of the reference point.
        loss, gradient_norm: f and ||grad f||_2, shape (P,).
        trace: tr C, shape (P,); trace_ratio: tr C/tr C_ref.
        frobenius_change: ||C - C_ref||_F/||C_ref||_F, shape (P,).
        shape_change: ||C/tr C - C_ref/tr C_ref||_F/||C_ref/tr C_ref||_F, shape (P,): the change that is left after rescaling.
        scale_ratio_low, scale_ratio_high: smallest and largest over coordinates of std_j/std_j,ref, shape (P,).
        off_diagonal_share, effective_rank: see CorrelationSummary, shape (P,).
        affine: fit of the affine-variance model over the points.
    """

    labels: tuple[str, ...]
    reference: int
    loss: np.ndarray
    gradient_norm: np.ndarray
    trace: np.ndarray
    trace_ratio: np.ndarray
    frobenius_change: np.ndarray
    shape_change: np.ndarray
    scale_ratio_low: np.ndarray
    scale_ratio_high: np.ndarray
    off_diagonal_share: np.ndarray
    effective_rank: np.ndarray
    affine: AffineVariance


def gradient_descent_path(problem: LinearModel, start: np.ndarray, eta: float, steps: Sequence[int]) -> np.ndarray:
    """Iterates of gradient descent x <- x - eta grad f(x) at the given step numbers, shape (len(steps), d).

    Raises:
        BadInput: steps that are negative or not increasing, or eta not positive.
    """
    _check_steps(steps)
    if not (eta > 0 and np.isfinite(eta)):
        raise BadInput("eta", eta, "a finite number > 0")
    x, done, kept = jnp.asarray(start, dtype=jnp.float64), 0, []
    for step in steps:
        for _ in range(step - done):
            x = x - eta * problem.gradient(x)
        done = step
        kept.append(np.asarray(x))
    return np.stack(kept)


def covariance_change(
    problem: LinearModel,
    points: np.ndarray,
    data: ClientData,
    labels: Sequence[str] | None = None,
    reference: int = -1,
    client: int = 0,
) -> CovarianceChange:
    """Exact covariances at each point and their distance from the one at point number `reference`.

    Args:
        problem: the loss.
        points: shape (P, d).
        data: the clients' samples and the batch size.
        labels: P names; "0", "1", ... if left out.
        reference: which point the others are compared with; negative numbers count from the end.
        client: the client whose noise is measured.

    Raises:
        BadInput: points of another shape, labels of another number, a reference outside the points.
        Refusal: kind "no-noise" at a point without noise.
    """
    if points.ndim != 2 or points.shape[1] != problem.dim:
        raise BadInput("points", points.shape, f"an array (P, {problem.dim})")
    count = points.shape[0]
    names = tuple(str(i) for i in range(count)) if labels is None else tuple(labels)
    if len(names) != count:
        raise BadInput("labels", len(names), f"{count} names")
    if not -count <= reference < count:
        raise BadInput("reference", reference, f"a point number below {count}")
    moments = [exact_moments(problem, x, data, client) for x in points]
    gradients = [float(jnp.linalg.norm(problem.gradient(jnp.asarray(x)))) for x in points]
    base = moments[reference].covariance
    trace = np.array([np.trace(m.covariance) for m in moments])
    ratios = [m.scale / np.where(np.diag(base) > 0.0, np.sqrt(np.diag(base)), np.nan) for m in moments]
    return CovarianceChange(
        labels=names,
        reference=reference % count,
        loss=np.array([float(problem.loss(jnp.asarray(x))) for x in points]),
        gradient_norm=np.array(gradients),
        trace=trace,
        trace_ratio=trace / trace[reference],
        frobenius_change=np.array([_distance(m.covariance, base) for m in moments]),
        shape_change=np.array(
            [_distance(m.covariance / t, base / trace[reference]) for m, t in zip(moments, trace, strict=True)]
        ),
        scale_ratio_low=np.array([np.nanmin(r) for r in ratios]),
        scale_ratio_high=np.array([np.nanmax(r) for r in ratios]),
        off_diagonal_share=np.array([m.correlation.off_diagonal_share for m in moments]),
        effective_rank=np.array([m.correlation.effective_rank for m in moments]),
        affine=fit_affine_variance(np.array(gradients), trace / problem.dim),
    )


def fit_affine_variance(gradient_norm: np.ndarray, variance: np.ndarray) -> AffineVariance:
    """Non-negative least squares of `variance` (tr C/d, > 0) on 1 and G^2; both arrays have shape (P,)."""
    from scipy.optimize import nnls

    design = np.stack([np.ones_like(gradient_norm), gradient_norm**2], axis=1)
    # Columns are scaled to compare, since G^2 may be many orders above or below 1.
    size = np.linalg.norm(design, axis=0)
    size = np.where(size > 0.0, size, 1.0)
    coefficients, _ = nnls(design / size, variance)
    s0, s1 = (float(c) for c in coefficients / size)
    residual = variance - (s0 + s1 * gradient_norm**2)
    spread = float(np.sum((variance - variance.mean()) ** 2))
    flat = spread <= (1e-12 * float(variance.mean())) ** 2 * variance.size
    return AffineVariance(
        s0=s0,
        s1=s1,
        r_squared=None if flat else 1.0 - float(np.sum(residual**2)) / spread,
        worst=float(np.max(np.abs(residual) / variance)),
    )


def _distance(matrix: np.ndarray, base: np.ndarray) -> float:
    return float(np.linalg.norm(matrix - base) / np.linalg.norm(base))


def _check_steps(steps: Sequence[int]) -> None:
    previous = -1
    for step in steps:
        if isinstance(step, bool) or not isinstance(step, (int, np.integer)) or step <= previous:
            raise BadInput("steps", step, "increasing integers >= 0")
        previous = int(step)
    if previous < 0:
        raise BadInput("steps", "none", "at least one step number")
