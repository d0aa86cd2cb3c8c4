"""Real mini-batch gradients: their noise measured, the SDE with that noise derived and solved, the real methods beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, final

import numpy as np

import derive
from derive.coordinates import Coordinate
from derive.errors import Refusal
from reports.figures import bands, figure
from reports.sections.compare import comparison, final_rows
from reports.sections.section import Context, Section

SEED = 11
CLIENTS = 4


@dataclass(frozen=True)
class Setting:
    """One data set with its loss and the step sizes that it is run with."""

    name: str
    title: str
    batch: int
    keep: int
    steps: int
    eta: float
    eta_sign: float


SETTINGS = (
    Setting("breast-cancer", "Logistic regression on the breast-cancer data (l2 weight 0.01)", 4, 6, 100, 0.25, 0.01),
    Setting("random-design", "Least squares with random design (correlated features)", 4, 3, 100, 0.02, 0.01),
)


@final
class RealData(Section):
    """What the noise of real gradients is like, and how far the SDE with the fitted noise follows the real methods."""

    name, title = "real-data", "Real input"

    def compute(self, context: Context) -> dict[str, Any]:
        draws, replicas = (1000, 200) if context.quick else (10000, 1000)
        done, missing = [], []
        for setting in SETTINGS:
            context.tick(setting.title)
            try:
                problem, start = _problem(setting)
            except Refusal as refusal:
                missing.append({"title": setting.title, "why": refusal.message})
                continue
            done.append(_study(setting, problem, start, draws, replicas, context))
        return {
            "draws": draws, "replicas": replicas, "clients": CLIENTS, "cases": done, "missing": missing,
            "used": ["eta", "t", "x", "g", "N", "nu", "k"],
        }  # fmt: skip

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        for case in result["cases"]:
            with figure(folder, f"real-{case['name']}", columns=3, size=(2.6, 2.5)) as axes:
                for axis, method in zip(axes, case["methods"], strict=True):
                    bands(axis, method["times"], method["series"], r"excess loss $f(x)-f^*$")
                    axis.set_title(method["title"], fontsize=9)
                axes[0].legend(frameon=False, fontsize=7)


def _problem(setting: Setting) -> tuple[Any, np.ndarray]:
    from numerics import tasks

    if setting.name == "breast-cancer":
        problem = tasks.logistic_regression(tasks.load_breast_cancer(), l2=0.01)
        return problem, np.zeros(problem.dim)
    data = tasks.random_design(500, 10, seed=SEED, noise_std=1.0, correlation=0.7)
    problem = tasks.least_squares(data)
    return problem, np.ones(problem.dim)


def _study(setting: Setting, problem: Any, start: np.ndarray, draws: int, replicas: int, context: Context) -> dict[str, Any]:
    from numerics import tasks

    best = tasks.minimise(problem)
    data = tasks.shared_data(problem.samples, clients=CLIENTS, batch=setting.batch)
    context.tick("measuring gradient noise")
    measured = {
        "start": tasks.measure_noise(problem, start, data, draws=draws, seed=SEED),
        "minimum": tasks.measure_noise(problem, best.point, data, draws=draws, seed=SEED + 1),
    }
    path = tasks.gradient_descent_path(problem, start, setting.eta, (0, 1, 3, 10, 30, 100))
    change = tasks.covariance_change(problem, np.vstack([path, best.point]), data)
    noise = [{"where": where, **_noise_row(m)} for where, m in measured.items()]
    trace = [float(v) for v in np.asarray(change.to_dict()["trace_ratio"], float)]
    affine = change.affine
    methods = _methods(setting, problem, best, start, measured["minimum"], replicas, context)
    return {
        "name": setting.name,
        "title": setting.title,
        "samples": int(problem.samples),
        "dim": int(problem.dim),
        "batch": setting.batch,
        "keep": setting.keep,
        "minimum": f"{best.loss:.4g}",
        "noise": noise,
        "trace": [f"{v:.3g}" for v in trace],
        "trace_steps": ["0", "1", "3", "10", "30", "100", "minimum"],
        "affine": {"r_squared": f"{affine.r_squared:.3f}", "worst": f"{100 * affine.worst:.0f}"},
        "methods": methods,
    }


def _noise_row(measured: Any) -> dict[str, str]:
    correlation = measured.exact.correlation
    tails = measured.tails
    preferred = int(np.sum(np.asarray(tails.p_value) < 0.05))
    nu = np.asarray(tails.nu, float)
    return {
        "largest": f"{abs(correlation.largest):.2f}",
        "off_diagonal": f"{100 * correlation.off_diagonal_share:.0f}",
        "rank": f"{correlation.effective_rank:.1f}",
        "nu": f"{np.min(nu):.2g} to {np.max(nu):.2g}" if np.isfinite(np.max(nu)) else f"{np.min(nu):.2g} to inf",
        "pooled": f"{measured.pooled.nu:.1f}",
        "preferred": f"{preferred} of {len(nu)}",
        "skew": f"{np.max(np.abs(measured.exact.skewness)):.1f}",
        "kurtosis": f"{np.max(measured.exact.excess_kurtosis):.1f}",
        "sign": f"{measured.sign_means.worst_student_t:.2f}",
    }


def _methods(
    setting: Setting, problem: Any, best: Any, start: np.ndarray, noise: Any, replicas: int, context: Context
) -> list[dict[str, Any]]:
    from numerics import tasks
    from numerics.ensembles import solve
    from numerics.landscape import Landscape

    dense = derive.Correlated(derive.Gaussian(), derive.DenseCov("Sigma"))
    tails = derive.Scaled(derive.StudentT("nu"), Coordinate("sigma", "j", True))
    covariance = {"Sigma": np.asarray(noise.exact.covariance)}
    fitted = {"nu": float(noise.pooled.nu), "sigma": np.asarray(noise.pooled.sigma)}
    table = [
        ("DSGD", tasks.MiniBatchDSGD(), derive.DSGD(dense, clients=CLIENTS), covariance, setting.eta),
        (
            f"DCSGD, rand-{setting.keep}",
            tasks.MiniBatchDCSGD(setting.keep),
            derive.DCSGD(derive.RandK(setting.keep), dense, clients=CLIENTS),
            covariance,
            setting.eta / 4,
        ),
        ("DSignSGD", tasks.MiniBatchDSignSGD(), derive.DSignSGD(tails, clients=CLIENTS), fitted, setting.eta_sign),
    ]
    data = tasks.shared_data(problem.samples, clients=CLIENTS, batch=setting.batch)
    done = []
    for title, real, method, params, eta in table:
        context.tick(f"{title}: real mini-batches")
        steps = setting.steps * (1 if eta == setting.eta else 2)  # smaller steps, more of them
        grid = np.unique(np.linspace(0, steps, 21).astype(int))
        run = tasks.run_minibatch(problem, real, data, start, eta, grid.tolist(), replicas, seed=SEED)
        runs = {"real mini-batches": _excess(run.times, run.loss, run.blow_ups, best.loss)}
        for model in ("first-order",) if context.quick else ("first-order", "corrected"):
            context.tick(f"{title}: {model} SDE")
            equation = derive.sde(method, model, None, problem.dim)
            ensemble = solve(
                equation, start, steps * eta, paths=replicas, key=SEED, params={"eta": eta, **params},
                loss=Landscape(problem.loss), save=(grid * eta).tolist(), dt=eta / 2,
            )  # fmt: skip
            runs[model] = _excess(ensemble.times, ensemble.values["loss"], ensemble.blow_ups, best.loss)
        compared = comparison(runs, "loss")
        done.append({"title": title, "eta": eta, "steps": steps, "rows": final_rows(compared), **compared})
    return done


def _excess(times: Any, loss: Any, blow_ups: Any, best: float) -> SimpleNamespace:
    return SimpleNamespace(times=times, values={"loss": np.asarray(loss) - best}, blow_ups=np.atleast_1d(blow_ups))
