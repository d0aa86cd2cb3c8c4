"""The loss some steps ahead of a point: runs, Gaussian noise of the same covariance, and a closed form.

For constant H and S = Cov of the mean message z the loss after k steps of x <- x - eta_j (g + H(x - x_0) + z_j) is

    E f_k = f_0 + g' p_k(H) g + (1/2) tr(S H q_k(H)),
    p_k(l) = y_k + l y_k^2/2,  y_{j+1} = y_j - eta_j (1 + l y_j),  y_0 = 0,
    q_{j+1}(l) = (1 - eta_j l)^2 q_j(l) + eta_j^2,  q_0 = 0.

Lanczos from g and from independent draws of z gives both forms. So noise in stiff directions contracts, unlike in the sum
k eta^2 tr(HS)/2, which is right only for the first steps and is never used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from sdescent.numerics.measure.primitives import Ritz
from sdescent.numerics.statistics.estimates import Estimate, Record

#: gates of the closed form: eta ||H|| below this (.96 worked and 2.8 did not, on one network), and ||H|| at the two ends of the
#: horizon equal up to this factor (a factor of 2.5 was too much)
STEEPEST, CHANGE = 1.0, 1.25
#: the probability with which all intervals of a measurement that test a closed form hold together
LEVEL = 0.95
#: products of each Lanczos run, and draws of the noise
PRODUCTS, DRAWS = 12, 8


@final
@dataclass(frozen=True)
class Prediction(Record, null=True):
    """The loss after `steps` steps by one model. With a reason `why` it is None, where the model says nothing, or invalid.

    `model` is "run" (the method itself), "gauss" or "quadratic"; `value` the mean over runs, or the closed form with its interval.
    """

    steps: int
    model: str
    value: Estimate | None
    why: str = ""


@final
@dataclass(frozen=True)
class Forecast(Record, null=True):
    """Predictions from the point at `step`, by `runs` runs of the method and of the Gaussian variant.

    At the end, `law` is run minus gauss, the effect of the law of the noise beyond its covariance, and `model` gauss minus
    quadratic, the effect of constant H and S, with the level of `each_level`; None without a closed form.
    """

    step: int
    runs: int
    predictions: tuple[Prediction, ...]
    law: Estimate | None
    model: Estimate | None


def closed_form(loss: float, slope: Ritz, noise: Sequence[Ritz], rates: Sequence[float]) -> np.ndarray:
    """E f_k for k = 0, .., K, (draws, K + 1), from f_0, Lanczos with H from g and from draws of z of variance S, and the eta_k."""
    with np.errstate(over="ignore", invalid="ignore"):
        drift, y = [0.0], np.zeros_like(slope.values)
        for eta in rates:
            y = y - eta * (1 + slope.values * y)
            drift.append(float(slope.weights @ (y + slope.values * y**2 / 2)))
        rows = []
        for ritz in noise:
            part, q = [0.0], np.zeros_like(ritz.values)
            for eta in rates:
                q = (1 - eta * ritz.values) ** 2 * q + eta**2
                part.append(float(ritz.weights @ (ritz.values * q)) / 2)
            rows.append(part)
        return loss + np.array(drift) + np.array(rows)


def refusal(steepest: float, first_run: Estimate, first_closed: Estimate, change: float) -> str:
    """Why the closed form gives no forecast; "" if its gates hold.

    `steepest` is the largest eta_k ||H||, `first_run` and `first_closed` the loss after one step, `change` the ratio of ||H|| at
    the ends.
    """
    if not steepest < STEEPEST:
        return f"eta ||H|| = {steepest:.2g} is not below {STEEPEST:g}"
    if first_closed.lower > first_run.upper or first_closed.upper < first_run.lower:
        return f"after one step it has {first_closed.value:.4g} and the runs have {first_run.value:.4g}"
    if not 1 / CHANGE <= change <= CHANGE:
        return f"||H|| changes by a factor of {change:.2g} over the horizon, more than {CHANGE:g}"
    return ""


def each_level(tests: int) -> float:
    """The level of each of so many intervals, all of which hold with probability `LEVEL` or more (Bonferroni)."""
    return 1 - (1 - LEVEL) / max(tests, 1)


def disagreement(gap: Estimate) -> str:
    """Why a closed form is invalid whose difference from the Gaussian runs, theirs minus its, is `gap`; "" if that may be 0."""
    if gap.lower <= 0 <= gap.upper:
        return ""
    interval = f"[{gap.lower:.3g}, {gap.upper:.3g}], at the level {gap.level:.4g}"
    return f"Gaussian noise gives {gap.value:.3g} {interval}, more, which excludes 0"
