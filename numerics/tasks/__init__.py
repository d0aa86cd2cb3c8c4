"""Real input: data sets, regression losses, the noise of real mini-batch gradients, the real mini-batch methods.

Names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numerics.tasks.clients import ClientData, shared_data, split_data
    from numerics.tasks.covariance_path import CovarianceChange, covariance_change, gradient_descent_path
    from numerics.tasks.data import Dataset, load_breast_cancer, random_design
    from numerics.tasks.gradient_noise import (
        GradientNoise,
        NoiseMoments,
        draw_noise,
        exact_moments,
        measure_noise,
    )
    from numerics.tasks.minibatch import (
        LossSummary,
        MiniBatchDCSGD,
        MiniBatchDSGD,
        MiniBatchDSignSGD,
        MiniBatchMethod,
        MiniBatchRun,
        run_minibatch,
    )
    from numerics.tasks.problems import (
        LeastSquares,
        LinearModel,
        LogisticRegression,
        Minimum,
        least_squares,
        logistic_regression,
        minimise,
    )
    from numerics.tasks.tails import PooledTail, TailFits, fit_tails, pooled_tail

_HOME = {
    "clients": ("ClientData", "shared_data", "split_data"),
    "covariance_path": ("CovarianceChange", "covariance_change", "gradient_descent_path"),
    "data": ("Dataset", "load_breast_cancer", "random_design"),
    "gradient_noise": ("GradientNoise", "NoiseMoments", "draw_noise", "exact_moments", "measure_noise"),
    "minibatch": (
        "LossSummary",
        "MiniBatchDCSGD",
        "MiniBatchDSGD",
        "MiniBatchDSignSGD",
        "MiniBatchMethod",
        "MiniBatchRun",
        "run_minibatch",
    ),
    "problems": (
        "LeastSquares",
        "LinearModel",
        "LogisticRegression",
        "Minimum",
        "least_squares",
        "logistic_regression",
        "minimise",
    ),
    "tails": ("PooledTail", "TailFits", "fit_tails", "pooled_tail"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "ClientData",
    "CovarianceChange",
    "Dataset",
    "GradientNoise",
    "LeastSquares",
    "LinearModel",
    "LogisticRegression",
    "LossSummary",
    "MiniBatchDCSGD",
    "MiniBatchDSGD",
    "MiniBatchDSignSGD",
    "MiniBatchMethod",
    "MiniBatchRun",
    "Minimum",
    "NoiseMoments",
    "PooledTail",
    "TailFits",
    "covariance_change",
    "draw_noise",
    "exact_moments",
    "fit_tails",
    "gradient_descent_path",
    "least_squares",
    "load_breast_cancer",
    "logistic_regression",
    "measure_noise",
    "minimise",
    "pooled_tail",
    "random_design",
    "run_minibatch",
    "shared_data",
    "split_data",
]


def __getattr__(name: str) -> object:
    if name in _MODULE:
        return getattr(import_module(f"numerics.tasks.{_MODULE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
