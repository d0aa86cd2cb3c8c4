"""Lanczos' method with products by a symmetric matrix: its extreme eigenvalues, and quadratic forms of its functions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

#: a step whose new direction is shorter than this share of the spectrum ends the method: the subspace is invariant
_INVARIANT = 1e-7


@final
@dataclass(frozen=True)
class Ritz:
    """Eigenvalues of a symmetric d x d matrix A in a Krylov subspace of k dimensions.

    Attributes:
        values: the Ritz values in increasing order, (k,), in the units of A; all lie within the spectrum of A.
        weights: v' phi(A) v is about sum_i weights_i phi(values_i), with equality for polynomials phi of degree below 2k
            (Golub and Meurant 1994); their sum is ||v||^2.
        residuals: an eigenvalue of A lies within residuals_i of values_i (Parlett 1998, 4.5).
    """

    values: np.ndarray
    weights: np.ndarray
    residuals: np.ndarray

    @property
    def norm(self) -> float:
        """The largest |Ritz value|, which is at most the norm of A."""
        return float(np.max(np.abs(self.values)))

    @property
    def accuracy(self) -> float:
        """The residual of the largest |Ritz value| relative to it."""
        largest = int(np.argmax(np.abs(self.values)))
        return float(self.residuals[largest]) / self.norm if self.norm > 0 else 0.0


def lanczos(
    product: Callable[[np.ndarray], np.ndarray], v: np.ndarray, least: int, most: int = 0, accuracy: float = 0.0
) -> Ritz:
    """Lanczos' method with full reorthogonalisation, in memory O(d k).

    Args:
        product: w -> A w.
        v: the first vector, (d,), which must not be 0.
        least, most: at least and at most this many products; `most` is at least `least`.
        accuracy: the method ends when the largest |Ritz value| has a relative residual of at most this, after `least` products.
    """
    length = float(np.linalg.norm(v))
    basis = [np.asarray(v, np.float64) / length]
    diagonal: list[float] = []
    beside: list[float] = []
    while True:
        w = np.asarray(product(basis[-1]), np.float64)
        diagonal.append(float(w @ basis[-1]))
        for _ in range(2):  # twice is enough (Parlett 1998, 6.9)
            w = w - sum((q @ w) * q for q in basis)
        beside.append(float(np.linalg.norm(w)))
        ritz = _ritz(diagonal, beside, length)
        steps, scale = len(diagonal), max(ritz.norm, np.finfo(float).tiny)
        if beside[-1] <= _INVARIANT * scale or steps >= max(least, most) or steps >= len(w):
            return ritz
        if steps >= least and ritz.accuracy <= accuracy:
            return ritz
        basis.append(w / beside[-1])


def _ritz(diagonal: list[float], beside: list[float], length: float) -> Ritz:
    matrix = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    values, vectors = np.linalg.eigh(matrix)
    return Ritz(values, vectors[0] ** 2 * length**2, np.abs(beside[-1] * vectors[-1]))
