"""What the points of a run say together: growth of the noise, smoothness, and the step sizes that theorems give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from sdescent.numerics.measure.assumptions import Judged, Setting, fitted, of_catalogue, of_file
from sdescent.numerics.measure.growth import Growth, Line, affine_growth, smoothness_lines
from sdescent.numerics.measure.points import Point
from sdescent.numerics.measure.study import Study
from sdescent.numerics.statistics.record import Record
from sdescent.numerics.tasks.step_rules import THEORY, SmoothnessLine, step


@final
@dataclass(frozen=True)
class Fits(Record, null=True):
    """Fits over the points.

    Attributes:
        growth: of the trace of one example with G^2; None if a trace is 0.
        smooth: the line L0 + L1 G above all points ||H||; smooth_95: above 95 % of them.
        no_constant: whether L0 = 0, so that the line says that H vanishes with the gradient, which a network's does not.
    """

    growth: Growth | None
    smooth: Line
    smooth_95: Line
    no_constant: bool


@final
@dataclass(frozen=True)
class StepSizes(Record, null=True):
    """What theorems 6.2 and 6.3 give with the constants of the run, for unbiased messages.

    Attributes:
        normalised: (k0, k1) of the steps h = 1/(k0 + k1 G) of theory 6.3 with eta = 1 and eps = 1/2.
        horizon: the constant step size that minimises the bound of theory 6.2 for the method with L1 = 0 over the K steps of the
            run, min(1/(L A), sqrt(2 N (f_0 - f*)/(K L D0))); None without f*.
    """

    normalised: tuple[float, float]
    horizon: float | None


def fits(points: Sequence[Point]) -> Fits:
    """The fits over all points."""
    g = np.array([p.gradient for p in points])
    traces = np.array([p.trace.value for p in points])
    growth = affine_growth(g**2, traces) if np.all(traces > 0) else None
    above, most = smoothness_lines(g, np.array([p.hessian.norm for p in points]))
    return Fits(growth, above, most, above.constant == 0)


def setting_of(study: Study, points: Sequence[Point]) -> Setting | None:
    """The setting of theorems; None if the file's own update makes the steps, about which the theorems say nothing."""
    s = study.settings
    if s.eta is None:
        return None
    rates = [study.runs.rate(p.step) for p in points]
    constants = {name: float(v) for name, v in s.constants}
    optimum = None if s.optimum is None else float(s.optimum)
    d = study.everything.d
    return Setting(study.signs, s.clients, s.batch, d, study.omega, float(s.eta), rates, optimum, constants)


def theorems(study: Study, points: Sequence[Point]) -> list[Judged]:
    """The theorems of the catalogue and of the user's files along the run.

    Raises:
        BadInput, Refusal: a file states no theorem.
    """
    setting = setting_of(study, points)
    if setting is None or len(points) < 2:
        return []
    from sdescent.derive.theorems.bounds.stated import read_stated

    files = [of_file(read_stated(file.path), file.name, points, setting) for file in study.settings.theorems]
    return [*files, *of_catalogue(points, setting)]


def step_sizes(study: Study, points: Sequence[Point]) -> StepSizes | None:
    """The step sizes of theory 6.2 and 6.3; None for signs, biased messages and the file's own update."""
    setting = setting_of(study, points)
    if setting is None or setting.signs or setting.omega is None:
        return None
    constants = fitted(points, setting, False)
    # A = 1 + A_1/N and D0/N of theory 4
    omega, d, n = setting.omega, setting.dim, setting.clients
    growth, floor = 1 + (omega + d * constants["s1"] * (1 + omega)) / n, d * constants["s0"] * (1 + omega) / n
    normalised = step(THEORY, 1.0, growth, SmoothnessLine(constants["L0"], constants["L1"]), floor)
    if setting.optimum is None:
        return StepSizes(normalised, None)
    largest = fitted(points, setting, True)["L0"]
    best = 1 / (largest * growth)
    if floor > 0:
        best = min(
            best, float(np.sqrt(2 * (points[0].loss - setting.optimum) / (study.settings.steps * largest * floor)))
        )
    return StepSizes(normalised, best)
