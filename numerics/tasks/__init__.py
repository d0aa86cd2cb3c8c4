"""Real input: data sets, losses over them, the noise of real mini-batch gradients, the real mini-batch methods, step rules.

Names are loaded on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.vocabulary.faces import face

if TYPE_CHECKING:
    from numerics.tasks.clients import ClientData as ClientData
    from numerics.tasks.clients import shared_data as shared_data
    from numerics.tasks.clients import split_data as split_data
    from numerics.tasks.covariance_path import CovarianceChange as CovarianceChange
    from numerics.tasks.covariance_path import covariance_change as covariance_change
    from numerics.tasks.covariance_path import gradient_descent_path as gradient_descent_path
    from numerics.tasks.curvature import Curvature as Curvature
    from numerics.tasks.curvature import lowest_line as lowest_line
    from numerics.tasks.curvature import measure_curvature as measure_curvature
    from numerics.tasks.data import Dataset as Dataset
    from numerics.tasks.data import load_breast_cancer as load_breast_cancer
    from numerics.tasks.data import load_digits as load_digits
    from numerics.tasks.data import random_design as random_design
    from numerics.tasks.gradient_noise import GradientNoise as GradientNoise
    from numerics.tasks.gradient_noise import NoiseMoments as NoiseMoments
    from numerics.tasks.gradient_noise import draw_noise as draw_noise
    from numerics.tasks.gradient_noise import exact_moments as exact_moments
    from numerics.tasks.gradient_noise import measure_noise as measure_noise
    from numerics.tasks.linear_models import LeastSquares as LeastSquares
    from numerics.tasks.linear_models import LinearModel as LinearModel
    from numerics.tasks.linear_models import LogisticRegression as LogisticRegression
    from numerics.tasks.linear_models import Minimum as Minimum
    from numerics.tasks.linear_models import least_squares as least_squares
    from numerics.tasks.linear_models import logistic_regression as logistic_regression
    from numerics.tasks.linear_models import minimise as minimise
    from numerics.tasks.minibatch import LossSummary as LossSummary
    from numerics.tasks.minibatch import MiniBatchDCSGD as MiniBatchDCSGD
    from numerics.tasks.minibatch import MiniBatchDSGD as MiniBatchDSGD
    from numerics.tasks.minibatch import MiniBatchDSignSGD as MiniBatchDSignSGD
    from numerics.tasks.minibatch import MiniBatchMethod as MiniBatchMethod
    from numerics.tasks.minibatch import MiniBatchRun as MiniBatchRun
    from numerics.tasks.minibatch import run_minibatch as run_minibatch
    from numerics.tasks.network import Network as Network
    from numerics.tasks.network import digits_network as digits_network
    from numerics.tasks.step_rules import RaceProblem as RaceProblem
    from numerics.tasks.step_rules import RaceRuns as RaceRuns
    from numerics.tasks.step_rules import SmoothnessLine as SmoothnessLine
    from numerics.tasks.step_rules import race as race
    from numerics.tasks.tails import PooledTail as PooledTail
    from numerics.tasks.tails import TailFits as TailFits
    from numerics.tasks.tails import fit_tails as fit_tails
    from numerics.tasks.tails import pooled_tail as pooled_tail

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "numerics.tasks.clients": ("ClientData", "shared_data", "split_data"),
        "numerics.tasks.covariance_path": ("CovarianceChange", "covariance_change", "gradient_descent_path"),
        "numerics.tasks.curvature": ("Curvature", "lowest_line", "measure_curvature"),
        "numerics.tasks.data": ("Dataset", "load_breast_cancer", "load_digits", "random_design"),
        "numerics.tasks.gradient_noise": (
            "GradientNoise",
            "NoiseMoments",
            "draw_noise",
            "exact_moments",
            "measure_noise",
        ),
        "numerics.tasks.minibatch": (
            "LossSummary",
            "MiniBatchDCSGD",
            "MiniBatchDSGD",
            "MiniBatchDSignSGD",
            "MiniBatchMethod",
            "MiniBatchRun",
            "run_minibatch",
        ),
        "numerics.tasks.network": ("Network", "digits_network"),
        "numerics.tasks.linear_models": (
            "LeastSquares",
            "LinearModel",
            "LogisticRegression",
            "Minimum",
            "least_squares",
            "logistic_regression",
            "minimise",
        ),
        "numerics.tasks.step_rules": ("RaceProblem", "RaceRuns", "SmoothnessLine", "race"),
        "numerics.tasks.tails": ("PooledTail", "TailFits", "fit_tails", "pooled_tail"),
    },
)
