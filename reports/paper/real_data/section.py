"""Real mini-batch gradients: their measured noise, and real methods compared with the SDE that has this noise."""

from pathlib import Path
from typing import Any, final

from sdescent.reports.claims.evidence import NOISE_MODEL
from sdescent.reports.claims.following import following
from sdescent.reports.document.figures import WIDTH, bands, figure, legend
from sdescent.reports.paper.real_data import study
from sdescent.reports.paper.real_data.study import MethodRun, NoiseTask, Setting, StudySize
from sdescent.reports.sections.base import Inputs, Section, computed, reduced

SIZES = {
    "quick": StudySize(draws=1000, runs=512, models=("first-order",)),
    "full": StudySize(draws=10000, runs=512, models=("first-order", "corrected")),
}


def settings() -> tuple[Setting, ...]:
    """The data sets, losses and methods to study."""
    clients = {"clients": 4, "batch": 4}
    cancer = NoiseTask("load_breast_cancer", {}, "logistic_regression", l2=0.01, start=0.0, **clients)
    design = {"n": 500, "d": 10, "seed": study.SEED, "noise_std": 1.0, "correlation": 0.7}
    squares = NoiseTask("random_design", design, "least_squares", l2=0.0, start=1.0, **clients)
    return (
        Setting(
            "breast-cancer", "Logistic regression on the breast-cancer data", cancer, 0.25,
            (MethodRun("dsgd", 0.25, 100), MethodRun("dcsgd", 0.0625, 200, keep=6), MethodRun("dsignsgd", 0.01, 200)),
        ),
        Setting(
            "random-design", "Least squares with random design", squares, 0.02,
            (MethodRun("dsgd", 0.02, 100), MethodRun("dcsgd", 0.005, 200, keep=3), MethodRun("dsignsgd", 0.01, 200)),
        ),
    )  # fmt: skip


#: a field of `StudySize` that a quick report reduces -> what it counts, in words
COUNTED = {"draws": "draws", "runs": "runs", "models": "models"}
#: the noise of each method's equations, in words
NOISE = {
    "dsgd": "covariance at the minimum", "dcsgd": "covariance at the minimum", "dsignsgd": "independent symmetric noise fitted",
}  # fmt: skip


def _followed(cases: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """How closely the SDEs follow methods with the SDE's noise (the equations), and those real mini-batches (the noise)."""
    pieces: dict[str, dict[str, Any]] = {}
    for case in cases:
        for method in case["methods"]:
            series = dict(method["series"])
            real, fitted = series.pop(study.REAL), series[study.FITTED]
            name, data = f"real-{case['name']}", case["name"].replace("-", " ")
            words = f"{data}, {NOISE[method['method']]}"
            pieces |= following(series, study.FITTED, method["method"], (name, words), f"fig:{name}")
            pair, words = {study.REAL: real, NOISE_MODEL: fitted}, f"mini-batches of {data}, {NOISE[method['method']]}"
            pieces |= following(pair, study.REAL, method["method"], (name, words), f"fig:{name}")
    return pieces


@final
class RealData(Section):
    """The noise of real gradients, and how closely the SDE with the fitted noise follows the real methods."""

    name, title = "real-data", "Real input"
    pieces = tuple(setting.name for setting in settings())

    def prepare(self, piece: str, context: Inputs) -> None:
        setting = next(setting for setting in settings() if setting.name == piece)
        study.NoiseStudy(setting, SIZES[context.size], context).result()

    def compute(self, context: Inputs) -> dict[str, Any]:
        size = SIZES[context.size]
        cases, missing = computed(settings(), lambda setting: study.NoiseStudy(setting, size, context).result())
        return {
            "draws": size.draws, "runs": size.runs, "seed": study.SEED, "steps": study.ALONG, "fitted": study.FITTED,
            "cases": cases, "missing": missing, "evidence": _followed(cases),
            "left_out": reduced(size, SIZES["full"], COUNTED),
        }  # fmt: skip

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        for case in result["cases"]:
            with figure(folder, f"real-{case['name']}", columns=len(case["methods"]), size=(WIDTH / 3, 1.9)) as axes:
                for axis, method in zip(axes, case["methods"], strict=True):
                    bands(axis, method["series"][study.REAL]["times"], method["series"])
                    axis.set_title(method["title"])
                axes[0].set_ylabel(r"excess loss $f(x)-f^*$")
                legend(axes)
