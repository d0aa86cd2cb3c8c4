"""The experiments of [S] v2 on data that ship in a package: claims, observations, and at which compression (theory 9)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np

from derive.vocabulary.errors import Refusal
from numerics.tasks import criteria as claims
from numerics.tasks.step_rules import CONSTANT, NORMALISED, RULES, THEORY
from reports.document.figures import BAND
from reports.document.numbers import number
from reports.paper.following import FOLLOW
from reports.sections.base import Inputs, Section
from reports.sections.compare import bounded
from reports.sections.experiments import findings
from reports.sections.experiments.figures import draw
from reports.sections.experiments.findings import plain
from reports.sections.experiments.study import (
    BEST,
    EQUAL,
    HELD,
    MODELS,
    OWN,
    REPORTED,
    SIGNS,
    START,
    TUNED,
    ModelRun,
    Study,
    Task,
)

_SIGN = {"scales": (0.01, 0.1, 1.0), "constant": (0.1, 1.0), "decaying": (1.0, 0.1)}
_DIGITS = Task(
    "digits", "Digits", samples=None, keeps=(1.0, 0.3, 0.1, 0.03, 0.01), grids=((-3, 6), (-4, 5), (0, 9)), steps=320,
    saved=20, tuned=8, seeds=28, sign_steps=640, descent=((0.25, 1.0), 300, 32), equations=(ModelRun(0.1, 32.0, 80, 128),),
    **_SIGN,
)  # fmt: skip
_CANCER = Task(
    "breast-cancer", "Breast cancer", samples=None, keeps=(1.0, 0.3, 0.1, 0.03, 0.01), grids=((-3, 6), (-9, 0), (-5, 4)),
    steps=320, saved=20, tuned=100, seeds=200, sign_steps=640, descent=((0.1, 0.5), 300, 32),
    equations=(ModelRun(0.1, 1.0, 40, 1024), ModelRun(0.1, 0.25, 160, 1024)), **_SIGN,
)  # fmt: skip
_FEW = {"keeps": (1.0, 0.1, 0.01), "saved": 10, "steps": 100, "sign_steps": 200}
TASKS = {
    "quick": (
        replace(_DIGITS, **_FEW, samples=256, seeds=14, descent=((0.25, 1.0), 100, 24), equations=()),
        replace(_CANCER, **_FEW, tuned=36, seeds=64, equations=(ModelRun(0.1, 1.0, 40, 256),)),
    ),
    "full": (_DIGITS, _CANCER),
}


def _tasks(context: Inputs) -> tuple[Task, ...]:
    return TASKS["quick" if context.quick else "full"]


@final
class Experiments(Section):
    """Constant, normalised and theory steps against compression; DSignSGD under Cauchy noise; the SDE against the method."""

    name, title = "experiments", "The paper's experiments"
    pieces = tuple(task.name for task in TASKS["full"])

    def prepare(self, piece: str, context: Inputs) -> None:
        task = next(task for task in _tasks(context) if task.name == piece)
        with suppress(Refusal):  # `compute` says it
            Study(task, context).result()

    def compute(self, context: Inputs) -> dict[str, Any]:
        studies, missing = [], []
        for task in _tasks(context):
            try:
                studies.append(described(Study(task, context).result()))
            except Refusal as refusal:
                missing.append({"title": task.title, "why": refusal.marked})
        evidence: dict[str, Any] = {}
        for study in studies:
            evidence |= study.pop("evidence")
        return {
            "studies": studies, "missing": missing, "evidence": evidence,
            "criteria": {
                "level": f"{100 * claims.LEVEL:g}", "cap": f"{claims.CAP:g}", "stall": f"{claims.STALL:g}",
                "rounding": f"{round(np.log10(claims.ROUNDING))}",
                "match": f"{100 * claims.MATCH:g}", "half": f"{100 * claims.HALF:g}", "follow": f"{100 * FOLLOW:g}",
            },
            "seeds": {"start": START, "tuned": TUNED, "reported": REPORTED, "signs": SIGNS},
            "solved": [s["title"] for s in studies if s["equations"]],
        }  # fmt: skip

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        if result["studies"]:
            draw(result["studies"], folder)


def described(study: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a study that figures and template show, and its evidence."""
    task, about, runs = study["task"], study["about"], study["runs"]
    found = findings.findings(study)
    suffix = "" if task["name"] == "digits" else f"-{task['name']}"
    losses = findings.Losses(study)
    middle = len(runs) // 2
    kinds = ((CONSTANT, HELD), (NORMALISED, HELD), (THEORY, HELD), (THEORY, OWN))
    names = ("constant", "normalised", "theory", "theory, own steps")
    paths = [
        {
            "title": rf"$\omega={plain(runs[n]['omega'])}$",
            "times": runs[n]["steps"],
            "series": {
                name: findings.over_time(losses.paths(*kind)[n], runs[n]["steps"], BAND)
                for name, kind in zip(names, kinds, strict=True)
            },
        }
        for n in sorted({0, middle, len(runs) - 1})
    ]
    ends = {
        HELD: {name: findings.medians(losses.last(*kind)) for name, kind in zip(names, kinds, strict=True)},
        BEST: {
            **{rule: findings.medians(losses.last(rule, BEST)) for rule in RULES},
            "normalised, length of theory": findings.medians(losses.last(NORMALISED, EQUAL[BEST])),
        },
    }
    signs = study["signs"]
    loss = np.asarray(signs["loss"])
    kinds_shown = [_step_name(kind) for kind in signs["kinds"]]
    sign_paths = [
        {
            "scale": plain(scale),
            "times": signs["steps"],
            "series": {
                name: findings.over_time(loss[:, s, k], signs["steps"], BAND) for k, name in enumerate(kinds_shown)
            },
        }
        for s, scale in enumerate(task["scales"])
    ]
    return {
        "name": task["name"],
        "title": task["title"],
        "smoothness": {n: study["curvature"][n] for n in ("gradient_norm", "curvature", "l0", "l1")},
        "evidence": findings.evidence(study, found, suffix),
        "rows": findings.rows(study, found),
        "seen": [findings.CLAIMS[c][0] for c, f in found.items() if f.seen],
        "failed": [findings.CLAIMS[c][0] for c, f in found.items() if f.fails],
        "open": [findings.CLAIMS[c][0] for c, f in found.items() if not f.seen and not f.fails],
        "lengths": findings.length_rows(study),
        "paths": paths,
        "ends": ends,
        "sign_paths": sign_paths,
        "omega": [run["omega"] for run in runs],
        "steps": task["steps"],
        "start": about["start"],
        "tuning": [
            {"omega": plain(run["omega"]), **{rule: tuned[rule] for rule in RULES}}
            for run, tuned in zip(runs, study["tuned"], strict=True)
        ],
        "edges": [
            rf"{rule} at $\omega={plain(run['omega'])}$"
            for run, tuned in zip(runs, study["tuned"], strict=True)
            for rule in RULES
            if tuned[rule]["edge"]
        ],
        "equations": [_equation(study, equation) for equation in study["equations"]],
        "blown": findings.blown(study),
        "settings": _settings(study),
    }


def _settings(study: dict[str, Any]) -> dict[str, Any]:
    """The settings that were run, for their table."""
    task, about, line = study["task"], study["about"], study["curvature"]
    grids = {rule: list(ends) for rule, ends in zip(RULES, task["grids"], strict=True)}
    return {
        "samples": about["samples"], "dim": about["dim"], "hidden": about.get("hidden"), "l2": about.get("l2"),
        "dtype": about["dtype"], "clients": task["clients"], "sigma1": plain(task["sigma1"]),
        "steps": task["steps"], "sign_steps": task["sign_steps"], "tuned": task["tuned"], "seeds": task["seeds"],
        "omegas": [plain(run["omega"]) for run in study["runs"]], "grids": grids,
        "growth": [number(a) for a in study["growth"]],
        "scales": [plain(s) for s in task["scales"]], "constant": [plain(c) for c in task["constant"]],
        "decaying": [plain(c) for c in task["decaying"]],
        "start": number(about["start"]), "lowest": number(about["lowest"], 4),
        "descent": [plain(eta) for eta in task["descent"][0]], "descent_steps": task["descent"][1],
        "points": len(line["curvature"]), "residual": number(100 * line["residual"], 2),
        "iterations": line["iterations"],
        "l0": number(line["l0"]), "l1": number(line["l1"]),
        "held": {rule: number(m) for rule, m in study["held"].items()},
    }  # fmt: skip


def _equation(study: dict[str, Any], equation: dict[str, Any]) -> dict[str, Any]:
    """Means and bands of min(loss, c) of the method and its models."""
    asked = equation["setting"]
    cap = asked["cap"] * study["about"]["start"]
    series, around = {}, findings.means(study, equation)
    for kind in ("method", *MODELS):
        values = bounded(equation[kind]["loss"], cap)
        low, high = np.quantile(values, BAND, axis=1)
        series[kind] = {**around[kind], "low": low.tolist(), "high": high.tolist()}
    return {
        "times": equation["method"]["steps"], "loss": series, "omega": plain(1 / asked["p"] - 1),
        "over": findings.over(asked["multiplier"]), "steps": asked["steps"], "paths": asked["paths"], "cap": number(cap),
        "blown": sum(equation[kind]["blown"] for kind in ("method", *MODELS)),
        "substeps": [equation[kind]["substeps"] for kind in MODELS],
    }  # fmt: skip


def _step_name(kind: dict[str, float]) -> str:
    c = plain(kind["c"])
    return f"constant ${c}$" if kind["q"] == 0 else rf"${c}/\sqrt{{n+1}}$"
