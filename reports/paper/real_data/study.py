"""One data set: the noise of its mini-batch gradients, and the real methods compared with equations that have this noise.

Every measurement and every run is a separate result in the cache, whose specification contains everything on which it depends.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, final

import numpy as np

from sdescent.derive.derivation import sde
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.expressions.gradient_form import DenseCov
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.noise import Correlated, Gaussian, NoNoise, Scaled, StudentT
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.names import Model
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.measure.growth import affine_growth
from sdescent.numerics.simulate.equation import refined
from sdescent.numerics.simulate.method import run as run_method
from sdescent.numerics.tasks import data, losses_over_data
from sdescent.numerics.tasks.data import OwnGradients, shared_data
from sdescent.numerics.tasks.noise_and_curvature import covariance, descent_points, measure_noise
from sdescent.numerics.without_sampling import fitted_moments as fitted
from sdescent.reports.claims.following import METHODS
from sdescent.reports.document.figures import BAND
from sdescent.reports.document.tex import number
from sdescent.reports.sections.base import Inputs
from sdescent.reports.sections.compare import bounded, final_rows, solved, summary

SEED = 11
COARSEST = 2  # initial number of solver steps per step of the method
SAVED = 21  # number of saved times
#: step numbers along gradient descent at which the covariance of the noise is computed
ALONG = (0, 1, 3, 10, 30, 100)
REAL = "real"
#: the method itself with the noise of its equations: its gap is due to the noise, not to the equations
FITTED = "SDE's noise"


@dataclass(frozen=True)
class NoiseTask:
    """A loss over data, and the clients that draw from it. Dimensionless.

    `source` and `loss` are the functions of `sdescent.numerics.tasks` that make data and loss, with `arguments` and the weight `l2`
    of ||x||^2/2; `start` is each coordinate's. Each client draws `batch` samples per step, with replacement.
    """

    source: str
    arguments: Mapping[str, Any]
    loss: str
    l2: float
    start: float
    clients: int
    batch: int


@dataclass(frozen=True)
class MethodRun:
    """A method by its name in specifications, with step size, number of steps, and for dcsgd the k of its rand-k."""

    method: str
    eta: float
    steps: int
    keep: int | None = None

    @property
    def title(self) -> str:
        """The method's title in tables."""
        return METHODS[self.method] + (f", rand-{self.keep}" if self.method == "dcsgd" else "")


@dataclass(frozen=True)
class Setting:
    """A task, the methods to run on it, and the step size of the gradient descent along which its noise is measured."""

    name: str
    title: str
    task: NoiseTask
    descent: float
    runs: tuple[MethodRun, ...]


@dataclass(frozen=True)
class StudySize:
    """The sizes of a study: mini-batches drawn to measure the noise at a point, runs of each method and equation, and models."""

    draws: int
    runs: int
    models: tuple[Model, ...]


@final
class NoiseStudy:
    """The results of one setting. Refusal if the data are not installed."""

    def __init__(self, setting: Setting, size: StudySize, context: Inputs) -> None:
        self.setting, self.task, self.size, self.context = setting, setting.task, size, context
        context.tick(setting.title)
        self.dataset = getattr(data, self.task.source)(**self.task.arguments)
        self.problem = getattr(losses_over_data, self.task.loss)(self.dataset, l2=self.task.l2)
        self.land, self.start = Landscape(self.problem.loss), np.full(self.problem.dim, self.task.start)
        self.drawing = shared_data(self.problem.samples, clients=self.task.clients, batch=self.task.batch)
        self.best = losses_over_data.minimise(self.problem)

    def result(self) -> dict[str, Any]:
        """All values about the setting that the templates and figures show."""
        draws = {"draws": self.size.draws, "seed": SEED}
        noise = self._stored("noise", draws, self._measure)
        change = self._stored("change", {"descent": self.setting.descent, "along": ALONG}, self._change)
        return {
            "name": self.setting.name,
            "title": self.setting.title,
            "data": self.dataset.name,
            "l2": f"{self.task.l2:g}",
            "start": f"{self.task.start:g}",
            "clients": self.task.clients,
            "batch": self.task.batch,
            "samples": int(self.problem.samples),
            "dim": int(self.problem.dim),
            "descent": f"{self.setting.descent:g}",
            "minimum": number(self.best.loss, 4),
            "noise": noise["rows"],
            **change,
            "methods": [self._method(run, noise) for run in self.setting.runs],
        }

    def _stored(self, label: str, more: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
        spec = {"task": asdict(self.task), **more}
        return self.context.cache.load_or_compute(f"real-data-{self.setting.name}-{label}", spec, compute)

    def _measure(self) -> dict[str, Any]:
        """The noise at the start and at the minimum, and the values at the minimum that the equations need."""
        self.context.tick("measuring gradient noise")
        points = {"start": self.start, "minimum": self.best.point}
        measured_at = {
            where: measure_noise(self.problem, point, self.task.batch, self.size.draws, SEED + n)
            for n, (where, point) in enumerate(points.items())
        }
        noise = measured_at["minimum"]
        rows = [{"where": where, **_noise_row(measured)} for where, measured in measured_at.items()]
        return {"rows": rows, "covariance": noise.covariance, "nu": noise.nu, "scale": noise.scale}

    def _change(self) -> dict[str, Any]:
        """The trace of the covariance along gradient descent, relative to the minimum, and the fit of an affine variance."""
        path = descent_points(self.land, self.start, (self.setting.descent,), ALONG)
        points = [*np.asarray(path).T, self.best.point]
        trace = np.array([np.trace(self._covariance(x)) for x in points])
        squares = np.array([np.sum(np.asarray(self.problem.gradient(x)) ** 2) for x in points])
        growth = affine_growth(squares, trace)
        errors = np.abs(growth.fit.constant + growth.fit.slope * squares - trace) / trace
        return {
            "trace": [number(v) for v in (trace / trace[-1])[:-1]],
            "r_squared": number(math.nan if growth.r_squared is None else growth.r_squared),
            "worst": number(100 * np.max(errors), 2),
        }

    def _covariance(self, x: np.ndarray) -> np.ndarray:
        """The covariance of a client's mini-batch gradient at x."""
        return covariance(self.problem, x, self.task.batch)

    def _method(self, run: MethodRun, noise: Mapping[str, Any]) -> dict[str, Any]:
        method, params = _forms(run, self.task.clients, noise)
        grid = np.unique(np.linspace(0, run.steps, SAVED).astype(int))
        base = {
            "eta": run.eta, "grid": grid.tolist(), "paths": self.size.runs, "seed": SEED, "quantiles": BAND,
        }  # fmt: skip
        self.context.tick(f"{run.title}: real mini-batches")
        real = replace(method, noise=NoNoise())  # the mini-batches have the noise
        # The repr of a frozen dataclass shows every parameter, so it distinguishes any two methods.
        compute = partial(self._run, real, {}, run.eta, grid, None, OwnGradients(self.problem, self.drawing))
        series = {REAL: self._stored(f"{run.method}-real", {**base, "method": repr(real)}, compute)}
        cap = series[REAL]["cap"]
        values = {name: np.asarray(value).tolist() for name, value in params.items()}
        self.context.tick(f"{run.title}: {FITTED}")
        spec = {**base, "method": repr(method), "params": values}
        compute = partial(self._run, method, params, run.eta, grid, cap)
        series[FITTED] = self._stored(f"{run.method}-fitted", {**spec, "cap": cap}, compute)
        for model in self.size.models:
            self.context.tick(f"{run.title}: {model} SDE")
            more = {"model": model, "coarsest": COARSEST, "cap": cap}
            compute = partial(self._equation, method, model, params, run.eta, grid, cap)
            series[model] = self._stored(f"{run.method}-{model}", {**spec, **more}, compute)
        compute = partial(self._exact, run, method, params, grid)
        exact = self._stored(f"{run.method}-exact", {**spec, "models": self.size.models}, compute)
        for name, means in exact.items():
            series[name] = {**series[name], "mean": means["value"], "interval": means["error"]}
            series[name] |= {"solver": [0.0] * len(grid)} if "solver" in series[name] else {}
        return {
            "title": run.title, "method": run.method, "eta": f"{run.eta:g}", "steps": run.steps, "series": series,
            "rows": [
                *final_rows({name: series[name] for name in (REAL, FITTED)}),
                *final_rows({name: one for name, one in series.items() if name != REAL})[1:],
            ],
            "cap": number(cap, 1), "exact": bool(exact),
            "apart": [model for model in self.size.models if _apart(series[REAL], series[model])],
        }  # fmt: skip

    def _run(
        self, method: Any, params: Mapping[str, Any], eta: float, grid: np.ndarray, cap: float | None, oracle: Any = None
    ) -> dict[str, Any]:  # fmt: skip
        """The excess loss of the method, with real mini-batches if there is an oracle."""
        ensemble = run_method(
            method, self.start, float(grid[-1] * eta), self.size.runs, SEED, {"eta": eta, **params}, self.land,
            (grid * eta).tolist(), oracle=oracle,
        )  # fmt: skip
        return summary(self._excess(ensemble), "excess", cap)

    def _equation(
        self, method: Any, model: Model, params: Mapping[str, Any], eta: float, grid: np.ndarray, cap: float
    ) -> dict[str, Any]:
        solution = refined(
            sde(method, model, None, self.problem.dim), self.start, float(grid[-1] * eta),
            paths=self.size.runs, key=SEED, params={"eta": eta, **params}, loss=self.land,
            save=(grid * eta).tolist(), coarsest=COARSEST,
            statistic=lambda run: bounded(run.values["loss"] - self.best.loss, cap),
        )  # fmt: skip
        return solved(replace(solution, ensemble=self._excess(solution.ensemble)), "excess", cap)

    def _excess(self, run: Any) -> Any:
        """The ensemble with f - f* alone."""
        return replace(run, values={"excess": run.values["loss"] - self.best.loss})

    def _exact(
        self, run: MethodRun, method: Any, params: Mapping[str, Any], grid: np.ndarray
    ) -> dict[str, dict[str, list[float]]]:
        """The means without sampling, "value" and "error" by name, of a quadratic loss; {} if they do not close."""
        if "Sigma" not in params:
            return {}
        times, eta = (grid * run.eta).tolist(), run.eta

        def terms(model: Model) -> Any:
            return fitted.coefficients(sde(method, model, None, self.problem.dim), self.land, {"eta": eta, **params})

        def excess(x: np.ndarray) -> np.ndarray:
            return np.array([float(self.problem.loss(column)) for column in x.T]) - self.best.loss

        def means(one: Any, discrete: bool) -> Any:
            return fitted.mean_values(one, excess, self.start, times, eta, discrete)

        try:
            # first the equations' noise, where a loss that is not quadratic is refused before anything is compiled
            exact = {FITTED: means(terms("first-order"), True)}
            real = fitted.with_noise(terms("first-order"), eta / self.task.clients, params["Sigma"], self._covariance)
            exact |= {REAL: means(real, True), **{model: means(terms(model), False) for model in self.size.models}}
        except NoClosedForm:
            return {}
        return {name: {"value": v.tolist(), "error": e.tolist()} for name, (v, e) in exact.items()}


def _apart(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether the bands of two runs are disjoint at the last time."""
    return first["high"][-1] < second["low"][-1] or second["high"][-1] < first["low"][-1]


def _forms(run: MethodRun, clients: int, noise: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The method with the measured noise, and the values of that noise's symbols."""
    dense = Correlated(Gaussian(), DenseCov("Sigma"))
    covariance = {"Sigma": noise["covariance"]}
    if run.method == "dsgd":
        return DSGD(dense, clients), covariance
    if run.method == "dcsgd":
        assert run.keep is not None  # for the type checker
        return DCSGD(RandK(run.keep), dense, clients), covariance
    heavy = math.isfinite(noise["nu"])  # otherwise the fit is Gaussian, with no finite number of degrees of freedom
    law = StudentT("nu") if heavy else Gaussian()
    fitted = {"sigma": noise["scale"], **({"nu": noise["nu"]} if heavy else {})}
    return DSignSGD(Scaled(law, Coordinate("sigma", "j", True)), clients), fitted


def _noise_row(measured: Any) -> dict[str, str]:
    """A row of the table of noises, in LaTeX."""
    shapes = measured.tails.shapes if measured.tails else ()
    xi = [shape.xi for shape in shapes] or [math.nan]
    return {
        "largest": f"{measured.correlation:.2f}",
        "off_diagonal": number(100 * measured.off_diagonal, 2),
        "rank": number(measured.rank, 2),
        "xi_low": number(min(xi), 2),
        "xi_high": number(max(xi), 2),
        "power": f"{sum(shape.lower is not None and shape.lower > 0 for shape in shapes)}/{len(shapes)}",
        "nu": number(measured.nu, 2),
        "skew": number(measured.skewness, 2),
        "kurtosis": number(measured.kurtosis, 2),
        "sign": f"{measured.sign_gap:.2f}",
    }
