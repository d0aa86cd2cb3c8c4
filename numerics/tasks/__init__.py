"""Real input: data sets, losses over them, the noise of real mini-batch gradients, the real mini-batch methods, step rules.

Names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numerics.tasks.clients import ClientData, shared_data, split_data
    from numerics.tasks.covariance_path import CovarianceChange, covariance_change, gradient_descent_path
    from numerics.tasks.curvature import Curvature, lowest_line, measure_curvature
    from numerics.tasks.data import Dataset, load_breast_cancer, load_digits, random_design
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
    from numerics.tasks.network import Network, digits_network
    from numerics.tasks.problems import (
        LeastSquares,
        LinearModel,
        LogisticRegression,
        Minimum,
        least_squares,
        logistic_regression,
        minimise,
    )
    from numerics.tasks.step_rules import Line, Problem, Runs, race
    from numerics.tasks.tails import PooledTail, TailFits, fit_tails, pooled_tail

_HOME = {
    "clients": ("ClientData", "shared_data", "split_data"),
    "covariance_path": ("CovarianceChange", "covariance_change", "gradient_descent_path"),
    "curvature": ("Curvature", "lowest_line", "measure_curvature"),
    "data": ("Dataset", "load_breast_cancer", "load_digits", "random_design"),
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
    "network": ("Network", "digits_network"),
    "problems": (
        "LeastSquares",
        "LinearModel",
        "LogisticRegression",
        "Minimum",
        "least_squares",
        "logistic_regression",
        "minimise",
    ),
    "step_rules": ("Line", "Problem", "Runs", "race"),
    "tails": ("PooledTail", "TailFits", "fit_tails", "pooled_tail"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "ClientData",
    "CovarianceChange",
    "Curvature",
    "Dataset",
    "GradientNoise",
    "LeastSquares",
    "Line",
    "LinearModel",
    "LogisticRegression",
    "LossSummary",
    "MiniBatchDCSGD",
    "MiniBatchDSGD",
    "MiniBatchDSignSGD",
    "MiniBatchMethod",
    "MiniBatchRun",
    "Minimum",
    "Network",
    "NoiseMoments",
    "PooledTail",
    "Problem",
    "Runs",
    "TailFits",
    "covariance_change",
    "digits_network",
    "draw_noise",
    "exact_moments",
    "fit_tails",
    "gradient_descent_path",
    "least_squares",
    "load_breast_cancer",
    "load_digits",
    "logistic_regression",
    "lowest_line",
    "measure_curvature",
    "measure_noise",
    "minimise",
    "pooled_tail",
    "race",
    "random_design",
    "run_minibatch",
    "shared_data",
    "split_data",
]


def __getattr__(name: str) -> object:
    if name in _MODULE:
        return getattr(import_module(f"numerics.tasks.{_MODULE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
