"""Theory 6.9 in the mean: the second moment of pre-scheduled D(C)SGD on the quartic, over all outcomes of a few steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.numerics.evidence.checks.families import Points
from sdescent.numerics.evidence.checks.formulas import Numbers, paths, symbols

#: steps whose outcomes are enumerated, and equally likely outcomes of one message: two signs of the noise, kept or not
STEPS, OUTCOMES = 3, 4


def states(theorem: Theorem, count: int = 400) -> Iterator[Points]:
    """Random laws of x_n on eight points with random weights, and centred messages of two values at each."""
    rng = np.random.default_rng(69)
    for number in range(count):
        at, weight = np.repeat(rng.normal(size=8) * 2, 2), np.repeat(rng.uniform(0, 1, 8) * rng.choice([0, 1, 1], 8), 2)
        weight[:2] = rng.uniform(0.1, 1)
        if number % 8 == 0:  # where all inequalities of the proof are equalities
            at, weight = np.tile([1.5, 1.5, -1.5, -1.5], 4), np.ones(16)
        noise = np.repeat(rng.normal(size=8) * np.exp(rng.uniform(-2, 2)), 2) * np.tile([1, -1], 8) * (number % 8 > 0)
        m, k = float(np.mean(weight * at**2) / np.mean(weight)), float(rng.uniform(0.8, 3))
        e = (1 + k) * float(rng.choice([0.7, 1, 1.02, 1.5])) / m
        weight = weight * float(rng.choice([1, 1, 1, 2]))
        yield f"law {number}", outcomes(at, at**3 + noise, weight, k, e, e / k**2 * float(rng.choice([0.8, 1, 1.5])), m)


def outcomes(at: np.ndarray, message: np.ndarray, weight: np.ndarray, k: float, e: float, e1: float, m: float) -> Numbers:
    """One step over equally likely outcomes (count,)."""
    values = symbols(paths, x0=at, c=message, w=weight, x1=at - e * message, f=at**4 / 4, theta=k, e=e, e1=e1, m=m)
    return Numbers(values, size=(1, 1, 1, len(at)), mean=True)


def of_the_method(theorem: Theorem) -> Iterator[tuple[dict[str, float], Numbers]]:
    """DCSGD with Bernoulli(1/2), noise +-sigma and eta_n = (1 + n eta)^(-1/2): all outcomes of three steps, from below
    the threshold.

    w is the indicator of a first step beyond the threshold.
    """
    eta, sigma = 0.1, 24.0
    grid = np.indices((OUTCOMES,) * STEPS).reshape(STEPS, -1)
    rate = eta * (1 + eta * np.arange(STEPS + 1)) ** -0.5
    k = 1.05 * float(np.max(np.sqrt(rate[:-1] / rate[1:])))
    for start in (0.0, 1.0, -2.0):
        at, weight = np.full(grid.shape[1], start), np.ones(grid.shape[1])
        for n in range(STEPS):
            sign, kept = 1 - 2 * (grid[n] % 2), grid[n] // 2
            message = 2 * kept * (at**3 + sigma * sign)
            if n == 1:
                weight = (rate[1] * at**2 >= 1 + k).astype(float)
            if n:
                m = float(np.mean(weight * at**2) / np.mean(weight))
                numbers = outcomes(at, message, weight, k, float(rate[n]), float(rate[n + 1]), m)
                yield {"eta": eta, "sigma": sigma, "start": start, "step": n, "share": float(np.mean(weight))}, numbers
            at = at - rate[n] * message
