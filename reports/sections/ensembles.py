"""Each method run as it is, beside the SDEs that model it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, final

import derive
from derive.errors import Refusal
from derive.methods import Method
from derive.models import MODELS
from reports.figures import bands, figure
from reports.sections.compare import comparison, final_rows
from reports.sections.section import Context, Section

SEED = 20250600181
#: a path that leaves this box has blown up (the starting points are within 2)
BOUND = 100.0


def cases() -> list[dict[str, Any]]:
    """Method, loss, dimension, parameters and horizon of each comparison."""
    return [
        {
            "name": "dsgd",
            "title": "DSGD, gaussian noise",
            "method": derive.DSGD(derive.Gaussian(), clients=4),
            "loss": derive.Quadratic((1, 2)),
            "x0": [2.0, -1.0],
            "params": {"eta": 0.25, "sigma": 1.0},
            "horizon": 8.0,
        },
        {
            "name": "dcsgd",
            "title": "DCSGD with rand-k, Student-t noise",
            "method": derive.DCSGD(derive.RandK(1), derive.StudentT(5), clients=4),
            "loss": derive.Cosh(),
            "x0": [1.5, -1.0, 0.5],
            "params": {"eta": 0.0625, "sigma": 0.5},
            "horizon": 6.0,
        },
        {
            "name": "dsignsgd",
            "title": "DSignSGD, cauchy noise",
            "method": derive.DSignSGD(derive.Cauchy(), clients=4),
            "loss": derive.Quadratic((1, 2)),
            "x0": [2.0, -1.0],
            "params": {"eta": 0.125, "sigma": 1.0},
            "horizon": 12.0,
        },
    ]


@final
class Ensembles(Section):
    """Mean and 10-90 % band of the loss, of the method and of its three models, with intervals at the last time."""

    name, title = "ensembles", "Methods and their equations, simulated"

    def compute(self, context: Context) -> dict[str, Any]:
        paths = 2000 if context.quick else 20000
        done = []
        for case in cases():
            done.append(_simulate(case, paths, context))
        return {"paths": paths, "seed": SEED, "cases": done, "used": ["eta", "t", "x", "sigma"]}

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        for case in result["cases"]:
            with figure(folder, f"ensemble-{case['name']}", size=(4.2, 2.7)) as (axis,):
                bands(axis, case["times"], {n: s for n, s in case["series"].items()}, r"loss $f(x)$")
                axis.legend(frameon=False, fontsize=8)


def _simulate(case: dict[str, Any], paths: int, context: Context) -> dict[str, Any]:
    from numerics.ensembles import solve
    from numerics.optimizers import run

    method: Method = case["method"]
    shared = {"paths": paths, "params": case["params"], "loss": case["loss"], "save": 25, "bound": BOUND}
    context.tick(f"{case['title']}: the method itself")
    runs = {"method": run(method, case["x0"], case["horizon"], key=SEED, **shared)}
    refused = []
    for n, model in enumerate(MODELS):
        context.tick(f"{case['title']}: the {model} model")
        try:
            equation = derive.sde(method, model, case["loss"], len(case["x0"]))
        except Refusal as refusal:
            refused.append({"model": model, "why": refusal.message})
            continue
        runs[model] = solve(equation, case["x0"], case["horizon"], key=SEED + 1 + n, **shared)
    compared = comparison(runs, "loss")
    return {
        "name": case["name"],
        "title": case["title"],
        "settings": [{"name": k, "value": v} for k, v in case["params"].items()],
        "x0": case["x0"],
        "horizon": case["horizon"],
        "clients": str(method.clients),
        "loss": type(case["loss"]).__name__.lower(),
        "refused": refused,
        "rows": final_rows(compared),
        **compared,
    }
