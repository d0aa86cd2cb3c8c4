"""Losses over data whose samples enter through a linear predictor: logistic regression and least squares.

f(x) = (1/n) sum_m l(a_m . x, y_m) + (l2/2)||x||^2, where a_m is the m-th row of the features and y_m its label. With z = a.x:

    logistic regression   l = log(1 + exp(-y z))     l' = -y s(-y z)     l'' = s(z) s(-z)     s(z) = 1/(1+exp(-z))
    least squares         l = (z - y)^2/2            l' = z - y          l'' = 1

so grad f = (1/n) A' l' + l2 x and Hess f = (1/n) A' diag(l'') A + l2 I. The l2 term belongs to every sample, hence to
every mini-batch in full: it adds nothing to the gradient noise. Everything is dimensionless.

A point has shape (d,), or (d, R) for R points at once (layout: coordinates x paths).
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.tasks.data import Dataset, require


@dataclass(frozen=True, eq=False)
class LinearModel(ABC):
    """A loss over data with a linear predictor; subclasses give l(z, y) and its first two derivatives in z.

    Attributes:
        features: A, shape (n, d).
        labels: y, shape (n,).
        l2: coefficient of ||x||^2/2, >= 0.
    """

    features: jax.Array
    labels: jax.Array
    l2: jax.Array | float

    @abstractmethod
    def sample_value(self, z: jax.Array, y: jax.Array) -> jax.Array:
        """The values l(z, y), elementwise."""

    @abstractmethod
    def sample_slope(self, z: jax.Array, y: jax.Array) -> jax.Array:
        """The derivatives dl/dz, elementwise."""

    @abstractmethod
    def sample_curvature(self, z: jax.Array, y: jax.Array) -> jax.Array:
        """The second derivatives d^2 l/dz^2, elementwise."""

    @property
    def samples(self) -> int:
        """The number n of samples."""
        return self.features.shape[0]

    @property
    def dim(self) -> int:
        """The number d of coordinates of x."""
        return self.features.shape[1]

    @final
    def loss(self, x: jax.Array) -> jax.Array:
        """The loss f(x): shape () for a point (d,), shape (R,) for points (d, R)."""
        z = self.features @ x
        return jnp.mean(self.sample_value(z, self._labels_like(z)), axis=0) + 0.5 * self.l2 * jnp.sum(x * x, axis=0)

    @final
    def gradient(self, x: jax.Array) -> jax.Array:
        """The gradient grad f(x), with the shape of x."""
        z = self.features @ x
        return self.features.T @ self.sample_slope(z, self._labels_like(z)) / self.samples + self.l2 * x

    @final
    def sample_gradients(self, x: jax.Array) -> jax.Array:
        """The gradient of every sample's own loss, l2 term included, at one point (d,), shape (n, d)."""
        slopes = self.sample_slope(self.features @ x, self.labels)
        return slopes[:, None] * self.features + self.l2 * x

    @final
    def batch_gradient(self, x: jax.Array, batch: jax.Array) -> jax.Array:
        """The mini-batch gradients (1/B) sum_b l'(a.x, y) a + l2 x, one mini-batch per path.

        Args:
            x: points, shape (d, R).
            batch: sample numbers, shape (B, R); column r is the mini-batch of path r.

        Returns:
            shape (d, R).
        """
        points = x.T

        def add(total: jax.Array, chosen: jax.Array) -> tuple[jax.Array, None]:
            rows = self.features[chosen]
            slope = self.sample_slope(jnp.sum(rows * points, axis=1), self.labels[chosen])
            return total + slope[:, None] * rows, None

        # One sample per path at a time keeps memory at O(d R) for every batch size.
        total, _ = jax.lax.scan(add, jnp.zeros_like(points), batch)
        return total.T / batch.shape[0] + self.l2 * x

    @final
    def weighted_gradient(self, x: jax.Array, weights: jax.Array, rows: jax.Array | None = None) -> jax.Array:
        """The weighted gradient sum_m weights_m grad l_m(x) + l2 x at R points, shape (d, R).

        Args:
            x: the points, shape (d, R).
            weights: weights that sum to 1, one for each sample in `rows`, or for each of the n samples if `rows` is None.
            rows: indices of samples, with the same shape as `weights`.
        """
        features, labels = (self.features, self.labels) if rows is None else (self.features[rows], self.labels[rows])
        return features.T @ (weights[:, None] * self.sample_slope(features @ x, labels[:, None])) + self.l2 * x

    @final
    def hessian(self, x: jax.Array) -> jax.Array:
        """The Hessian Hess f(x), (d, d), at one point (d,)."""
        curvature = self.sample_curvature(self.features @ x, self.labels)
        return (self.features.T * curvature) @ self.features / self.samples + self.l2 * jnp.eye(self.dim)

    @final
    def _labels_like(self, z: jax.Array) -> jax.Array:
        return self.labels if z.ndim == 1 else self.labels[:, None]


@final
@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class LogisticRegression(LinearModel):
    """The loss l(z, y) = log(1 + exp(-y z)) with labels -1 and +1; make it with `logistic_regression`."""

    def sample_value(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.logaddexp(0.0, -y * z)

    def sample_slope(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return -y * jax.nn.sigmoid(-y * z)

    def sample_curvature(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return jax.nn.sigmoid(z) * jax.nn.sigmoid(-z)


@final
@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class LeastSquares(LinearModel):
    """The loss l(z, y) = (z - y)^2/2; make it with `least_squares`."""

    def sample_value(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return 0.5 * (z - y) ** 2

    def sample_slope(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return z - y

    def sample_curvature(self, z: jax.Array, y: jax.Array) -> jax.Array:
        return jnp.ones_like(z)


def logistic_regression(data: Dataset, l2: float = 0.01) -> LogisticRegression:
    """Logistic regression on `data` with the term (l2/2)||x||^2.

    Raises:
        BadInput: a label is neither -1 nor +1, a feature is not finite, or l2 is negative or not finite.
    """
    if not bool(np.all(np.abs(data.labels) == 1.0)):
        raise BadInput("labels", data.labels[np.abs(data.labels) != 1.0][0], "-1 and +1")
    features, labels = _arrays(data)
    return LogisticRegression(features, labels, _coefficient(l2))


def least_squares(data: Dataset, l2: float = 0.0) -> LeastSquares:
    """Least squares on `data` with the term (l2/2)||x||^2.

    Raises:
        BadInput: a label or feature is not finite, or l2 is negative or not finite.
    """
    features, labels = _arrays(data)
    return LeastSquares(features, labels, _coefficient(l2))


class Minimum(NamedTuple):
    """A minimiser x*, shape (d,), and f(x*)."""

    point: np.ndarray
    loss: float


def minimise(
    problem: LinearModel, start: np.ndarray | None = None, tolerance: float = 1e-10, limit: int = 100
) -> Minimum:
    """The minimum by Newton's method with halved steps (Armijo, slope fraction 1/4), stopped at ||grad f||_2 <= tolerance.

    Raises:
        Refusal: kind "no-minimiser", if the Hessian is singular or `limit` steps do not reach the tolerance, as for logistic
            regression on separable data without an l2 term.
    """
    x = jnp.zeros(problem.dim) if start is None else jnp.asarray(start, dtype=jnp.float64)
    value = float(problem.loss(x))
    for _ in range(limit + 1):
        gradient = problem.gradient(x)
        if float(jnp.linalg.norm(gradient)) <= tolerance:
            return Minimum(np.asarray(x), value)
        step = jnp.linalg.solve(problem.hessian(x), gradient)
        decrease = float(gradient @ step)
        if not (math.isfinite(decrease) and decrease > 0.0):
            break
        length, moved, trial = 1.0, x - step, float(problem.loss(x - step))
        # Rounding hides decreases below the last bits of f; the full Newton step is right there.
        slack = 4.0 * np.finfo(float).eps * abs(value)
        while not trial <= value - 0.25 * length * decrease + slack and length > 1e-10:
            length *= 0.5
            moved = x - length * step
            trial = float(problem.loss(moved))
        x, value = moved, trial
    raise Refusal("no-minimiser", f"Newton's method did not reach a gradient norm of {tolerance:g} in {limit} steps")


def _arrays(data: Dataset) -> tuple[jax.Array, jax.Array]:
    for field, values in (("features", data.features), ("labels", data.labels)):
        if not bool(np.all(np.isfinite(values))):
            raise BadInput(field, "a value that is not finite", "finite numbers")
    return jnp.asarray(data.features, dtype=jnp.float64), jnp.asarray(data.labels, dtype=jnp.float64)


def _coefficient(l2: float) -> float:
    require("l2", l2, l2 >= 0, "a finite number >= 0")
    return float(l2)
