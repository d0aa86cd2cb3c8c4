"""The solver's own error, separated from the model's error by halving the steps on the same Brownian motion."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from sdescent.derive.derivation import SDE
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.equation import solve

#: limit of halving: solver steps per step of the method
FINEST = 256
#: limit of halving: solver steps in all
MOST_STEPS = 200_000
#: steps are halved until the error is below this share of the mean, or below its statistical error
SHARE = 0.005


@final
@dataclass(frozen=True)
class Refined:
    """An ensemble whose steps were halved until its means stopped changing, as far as the limits allowed.

    Attributes:
        ensemble: the ensemble with the finest steps.
        error: |mean with the finest steps - mean with steps twice as long| on the same Brownian motion, (S,). The remaining error
            is about as large for a scheme of weak order 1, and a third of this for a scheme of order 2.
        substeps: the number of solver steps per step of the method.
        converged: whether the error is small compared with the mean, or with the statistical error of the mean.
    """

    ensemble: Ensemble
    error: np.ndarray
    substeps: int
    converged: bool


def refined(
    equation: SDE, x0: Any, T: float, statistic: Callable[[Ensemble], np.ndarray], coarsest: int = 4, **settings: Any
) -> Refined:
    """Solve with `coarsest` solver steps per step of the method and with twice as many, and halve further until the means agree.

    If a path blows up, the steps are halved down to the limit, to make sure that the equation explodes and not the solver.

    Args:
        equation, x0, T: see `solve`.
        statistic: ensemble -> finite values (S, paths), whose mean is compared.
        coarsest: the initial number of solver steps per step of the method.
        settings: further arguments of `solve`, among them `params` with eta.

    Raises:
        The errors of `solve`.
    """
    dt, halvings = settings["params"]["eta"] / coarsest, 0
    while True:
        coarse, fine = (
            solve(equation, x0, T, dt=dt, halvings=halvings + n, by_halves=n == 0, **settings) for n in (0, 1)
        )
        values = statistic(fine)
        gap = values - statistic(coarse)
        error, paths = np.abs(gap.mean(axis=1)), values.shape[1]
        doubt = np.std(values, axis=1) / np.sqrt(paths)
        substeps = coarsest * 2 ** (halvings + 1)
        converged = bool(np.all(error <= np.maximum(SHARE * np.abs(values.mean(axis=1)), doubt)))
        blown_up = bool(
            np.any(np.isfinite(fine.blow_up))
        )  # either the equation explodes, or an explicit scheme at its stability limit
        if (converged and not blown_up) or substeps >= FINEST or fine.settings["solver_steps"] > MOST_STEPS:
            return Refined(fine, error, substeps, converged)
        halvings += 3 if blown_up else 1
