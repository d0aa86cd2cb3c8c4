"""The experiments of [S] v2 on data that ship in a package: claims, runs, and verdicts with their numbers (theory 9)."""

from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.numerics.simulate.settings import BOUND
from sdescent.numerics.tasks import criteria as claims
from sdescent.numerics.tasks.step_rules import CONSTANT, NORMALISED, RULES, THEORY
from sdescent.reports.claims.following import FOLLOW, gaps_at_once, largest, percent
from sdescent.reports.document.figures import BAND
from sdescent.reports.document.tex import by_key, number
from sdescent.reports.paper.experiments import findings, variants
from sdescent.reports.paper.experiments import study as one_study
from sdescent.reports.paper.experiments.figures import draw
from sdescent.reports.paper.experiments.findings import plain
from sdescent.reports.paper.experiments.study import BEST, EQUAL, HELD, MODELS, SEEDS, ModelRun, Task, VariantSize
from sdescent.reports.sections.base import Excerpt, Inputs, Section, computed, reduced
from sdescent.reports.sections.compare import bounded

#: a field of `Task` or `VariantSize` -> what its number counts, in words
COUNTED = {
    "samples": "samples", "keeps": r"values of $\omega$", "steps": "steps", "tuned": "seeds for tuning", "seeds": "seeds",
    "sign_most": "steps of DSignSGD at most", "sign_seeds": "seeds of DSignSGD", "scales": "noise scales",
    "descent": "steps and points of gradient descent", "equations": "runs compared with equations",
    "variants": "runs with another compressor, other noise or clients", "names": "kinds",
    "saved": "", "sign_saved": "", "sign_steps": "",
}  # fmt: skip
_SIGN = {"scales": (0.01, 0.1, 1.0), "constant": (0.1,), "decaying": (1.0,)}
_DIGITS = Task(
    "digits", "Digits", samples=None, keeps=(1.0, 0.3, 0.1, 0.03, 0.01), grids=((-3, 6), (-4, 5), (0, 9)), steps=320,
    saved=20, tuned=4, seeds=14, sign_saved=80, sign_steps=1280, sign_most=1280, sign_seeds=16, descent=((0.25, 1.0), 300, 32),
    equations=(ModelRun(0.1, 32.0, 80, 128),),
    variants=VariantSize(variants.NAMES, (1.0, 0.1, 0.01), 40, 320, 16, 1280, 16, (0.1,)), **_SIGN,
)  # fmt: skip
_CANCER = Task(
    "breast-cancer", "Breast cancer", samples=None, keeps=(1.0, 0.3, 0.1, 0.03, 0.01), grids=((-3, 6), (-9, 0), (-5, 4)),
    steps=320, saved=20, tuned=100, seeds=200, sign_saved=80, sign_steps=640, sign_most=5120, sign_seeds=100,
    descent=((0.1, 0.5), 300, 32), equations=(ModelRun(0.1, 1.0, 40, 1024), ModelRun(0.1, 0.25, 160, 1024)),
    variants=VariantSize(variants.NAMES, (1.0, 0.1, 0.01), 40, 1280, 64, 2560, 64, (0.01, 1.0)), **_SIGN,
)  # fmt: skip
_FEW = {"keeps": (1.0, 0.1, 0.01), "saved": 12, "steps": 72, "sign_saved": 24, "sign_steps": 192, "sign_most": 192}
TASKS = {
    "quick": (
        replace(
            _DIGITS, **_FEW, samples=256, tuned=4, seeds=14, sign_seeds=16, descent=((0.25, 1.0), 100, 24), equations=(),
            variants=None,
        ),
        replace(
            _CANCER, **_FEW, tuned=32, seeds=64, sign_seeds=40, equations=(ModelRun(0.1, 1.0, 48, 256),),
            variants=VariantSize(variants.NAMES[:1], (1.0, 0.01), 24, 192, 16, 192, 16, (0.1,)),
        ),
    ),
    "full": (_DIGITS, _CANCER),
}  # fmt: skip


def whole_study(task: Task, seed: int, context: Inputs) -> dict[str, Any]:
    """One study of a problem: the main setting and its variants."""
    study = one_study.Study(task, seed, context)
    main = study.result()
    return {**main, "variants": variants.run(study, main)}


@final
class Experiments(Section):
    """Constant, normalised and theory steps against compression; DSignSGD with Cauchy noise; the SDE against the method."""

    name, title = "experiments", "The paper's experiments"
    pieces = tuple(task.name for task in TASKS["full"])  # the studies of a problem share their compiled programs

    def prepare(self, piece: str, context: Inputs) -> None:
        task = next(task for task in TASKS[context.size] if task.name == piece)
        for seed in SEEDS:
            whole_study(task, seed, context)

    def compute(self, context: Inputs) -> dict[str, Any]:
        problems, missing = computed(
            TASKS[context.size], lambda task: described([whole_study(task, seed, context) for seed in SEEDS])
        )
        narrowest = [{**one, "data": p["title"].lower()} for p in problems for one in p.pop("narrowest")]
        return {
            "problems": problems, "missing": missing,
            "evidence": {key: piece for problem in problems for key, piece in problem.pop("evidence").items()},
            "left_out": [
                (count, f"{what} ({task.title.lower()})")
                for task, whole in zip(TASKS[context.size], TASKS["full"], strict=False)
                for count, what in reduced(task, whole, COUNTED)
            ],
            "criteria": {
                "level": f"{100 * claims.LEVEL:g}", "cap": f"{claims.CAP:g}", "level_within": f"{100 * claims.LEVEL_WITHIN:g}",
                "rounding": f"{round(np.log10(claims.ROUNDING))}",
                "match": f"{100 * claims.MATCH:g}", "half": f"{100 * claims.HALF:g}", "follow": f"{100 * FOLLOW:g}",
                "stall": f"{claims.STALL:g}", "bound": f"10^{{{round(np.log10(BOUND))}}}",
            },
            "seeds": {
                "tuned": one_study.TUNED, "reported": one_study.REPORTED, "signs": one_study.SIGNS, "length": one_study.LENGTH,
                "variants": variants.RUNS, "variant_signs": variants.SIGNS, "apart": one_study.APART, "studies": len(SEEDS),
                "spread": f"{one_study.SPREAD**2:g}",
            },
            "solved": [p["title"] for p in problems if p["equations"]],
            "varied": [p["title"] for p in problems if p["variants"]],
            "grid": variants.grid(problems),
            "narrowest": _least(narrowest),
            "earlier": _earlier(problems),
        }  # fmt: skip

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        if result["problems"]:
            draw(result["problems"], folder)


@final
class ExperimentNumbers(Excerpt):
    """The settings of `Experiments`, the reasons for each verdict, and the change that would alter it."""

    name, title = "experiment-numbers", "The experiments: settings and numbers"
    source, keys = "experiments", ("problems", "varied", "seeds", "criteria", "solved")


def _least(margins: list[dict[str, Any]]) -> dict[str, str]:
    """The verdict with the smallest margin among those that are seen, in words; {} if there is none."""
    if not margins:
        return {}
    least = min(margins, key=lambda one: one["widths"])
    return {**least, "widths": number(least["widths"], 2)}


def _earlier(problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The combined verdicts that the original criteria, fixed before results were known, would change, and where."""
    judged = []
    for problem in problems:
        title = problem["title"].lower()
        judged += [(title, row) for row in problem["rows"]]
        for variant in problem["variants"]:
            judged += [(f"{title} ({variant['short']})", row) for row in variant["rows"]]
    where = by_key(((row["name"], row["earlier"]), place) for place, row in judged if row["earlier"] != row["together"])
    return [{"name": name, "was": was, "where": places} for (name, was), places in where.items()]


def described(studies: list[dict[str, Any]], anchor: str = "") -> dict[str, Any]:
    """The numbers of a problem for the figures (first study) and the template, and its evidence, with `anchor` as in `evidence`."""
    study = studies[0]
    task, about, runs = study["task"], study["about"], study["runs"]
    main_findings = [findings.findings(one) for one in studies]
    varied = [[variants.findings(one, variant) for variant in one["variants"]] for one in studies]
    evidence: dict[str, Any] = {}
    for one, main, other in zip(studies, main_findings, varied, strict=True):
        evidence |= findings.evidence(one, main, anchor)
        for variant, some in zip(one["variants"], other, strict=True):
            evidence |= variants.evidence(one, variant, some, anchor)
    losses = findings.Losses(runs)
    held = dict(zip(("constant", "normalised", "theory", "theory, own steps"), variants.KINDS, strict=True))
    tuned_kinds = {**{rule: (rule, BEST) for rule in RULES}, "normalised, length of theory": (NORMALISED, EQUAL[BEST])}
    paths = [
        {"title": rf"$\omega={plain(runs[n]['omega'])}$"}
        | _panels({name: losses.paths(*kind)[n] for name, kind in held.items()}, runs[n]["steps"])
        for n in sorted({0, len(runs) // 2, len(runs) - 1})
    ]
    signs, loss = study["signs"], np.asarray(study["signs"]["loss"])
    sign_paths = [
        {"scale": plain(scale)}
        | _panels({_step_name(kind): loss[:, s, k] for k, kind in enumerate(signs["kinds"])}, signs["steps"])
        for s, scale in enumerate(task["scales"])
    ]
    return {
        **{name: task[name] for name in ("name", "title", "steps")},
        "start": about["start"],
        "loss": "f" if about["lowest"] == 0 else "f-f^*",  # less the minimum, if it is known
        "omega": [run["omega"] for run in runs],
        "smoothness": _smoothness(study["curvature"]),
        "stability": _stability(study),
        "evidence": evidence,
        "rows": findings.rows(studies, main_findings),
        "narrowest": findings.margins(main_findings),
        "variants": variants.rows(studies, varied),
        "lengths": findings.length_rows(study),
        "paths": paths,
        "sign_paths": sign_paths,
        "settings": _settings(studies),
        "ends": {
            origin: {name: findings.medians(losses.last(*kind)) for name, kind in kinds.items()}
            for origin, kinds in ((HELD, held), (BEST, tuned_kinds))
        },
        "tuning": [
            {"omega": plain(run["omega"]), **{rule: tuned[rule] for rule in RULES}}
            for run, tuned in zip(runs, study["tuned"], strict=True)
        ],
        "edges": [
            rf"{rule} at $\omega={plain(run['omega'])}$ (study {1 + one['seed']})"
            for one in studies
            for run, tuned in zip(one["runs"], one["tuned"], strict=True)
            for rule in RULES
            if tuned[rule]["edge"]
        ],
        "equations": [_equation(study, equation) for equation in study["equations"]],
        "blown": [findings.blown(one) for one in studies],
        "at_cap": [findings.at_cap(one) for one in studies],
    }


def _panels(losses: dict[str, np.ndarray], steps: list[int]) -> dict[str, Any]:
    """The panels of a figure: medians and bands of losses (S, seeds), by name."""
    return {"times": steps, "series": {name: findings.over_time(loss, steps, BAND) for name, loss in losses.items()}}


def _smoothness(curvature: dict[str, Any]) -> dict[str, Any]:
    """The measured points and the line above them, the rank correlation, and the median ratio of the line to the curvature."""
    norm, bend = (np.asarray(curvature[name], float) for name in ("gradient_norm", "curvature"))
    ranks = [np.argsort(np.argsort(values)) for values in (norm, bend)]
    return {
        **{n: curvature[n] for n in ("gradient_norm", "curvature", "l0", "l1")},
        "ranks": number(float(np.asarray(np.corrcoef(ranks))[0, 1]), 2),
        "above": number(float(np.median((curvature["l0"] + curvature["l1"] * norm) / bend)), 3),
    }  # fmt: skip


def _stability(study: dict[str, Any]) -> dict[str, Any]:
    """The ratio of last to first loss for constant steps, for each sparsity and step size, and the limit 2/K at the start."""
    line, start = study["curvature"], study["about"]["start"]
    k = line["l0"] + line["l1"] * float(line["gradient_norm"][0])
    cells = [
        {
            "omega": plain(run["omega"]), "limit": 2 / (growth * k), "eta": tuned[CONSTANT]["m"],
            "ratio": [v / start for v in tuned[CONSTANT]["loss"]],
        }
        for run, tuned, growth in zip(study["runs"], study["tuned"], study["growth"], strict=True)
    ]  # fmt: skip
    grown = [
        (eta > column["limit"], r >= claims.CAP)
        for column in cells for eta, r in zip(column["eta"], column["ratio"], strict=True) if r > 1
    ]  # fmt: skip
    best = [tuned[CONSTANT]["best"] / column["limit"] for tuned, column in zip(study["tuned"], cells, strict=True)]
    return {
        "title": study["task"]["title"], "cells": cells, "cap": claims.CAP, "grown": len(grown),
        "grown_above": sum(above for above, _ in grown), "capped": sum(capped for _, capped in grown),
        "best": [number(min(best), 2), number(max(best), 2)],
    }  # fmt: skip


def _settings(studies: list[dict[str, Any]]) -> dict[str, Any]:
    """The settings of the runs, for their table; one value for each study if they differ."""
    study = studies[0]
    task, about, line = study["task"], study["about"], study["curvature"]
    lines = [one["curvature"] for one in studies]
    grids = {rule: list(ends) for rule, ends in zip(RULES, task["grids"], strict=True)}
    return {
        "samples": about["samples"], "dim": about["dim"], "hidden": about.get("hidden"), "l2": about.get("l2"),
        "dtype": about["dtype"], "clients": task["clients"], "sigma1": plain(task["sigma1"]),
        "steps": task["steps"], "sign_steps": [str(one["signs"]["steps"][-1]) for one in studies],
        "sign_least": task["sign_steps"], "sign_most": task["sign_most"], "sign_seeds": task["sign_seeds"],
        "tuned": task["tuned"], "seeds": task["seeds"], "variants": task["variants"],
        "omegas": [plain(run["omega"]) for run in study["runs"]], "grids": grids,
        "growth": [number(a) for a in study["growth"]],
        "scales": [plain(s) for s in task["scales"]], "constant": [plain(c) for c in task["constant"]],
        "decaying": [plain(c) for c in task["decaying"]],
        "start": [number(one["about"]["start"]) for one in studies], "lowest": number(about["lowest"], 4),
        "descent": [plain(eta) for eta in task["descent"][0]], "descent_steps": task["descent"][1],
        "points": len(line["curvature"]), "residual": [number(100 * one["residual"], 2) for one in lines],
        "iterations": [str(one["iterations"]) for one in lines],
        "l0": [number(one["l0"]) for one in lines], "l1": [number(one["l1"]) for one in lines],
        "held": {rule: number(m) for rule, m in study["held"].items()},
        "factors": [[number(tuned[THEORY]["best"]) for tuned in one["tuned"]] for one in studies],
    }  # fmt: skip


def _equation(study: dict[str, Any], equation: dict[str, Any]) -> dict[str, Any]:
    """The means and bands of min(loss, c) for the method and its models."""
    setting = equation["setting"]
    cap = setting["cap"] * study["about"]["start"]
    series, around = {}, findings.means(study, equation)
    for kind in ("method", *MODELS):
        low, high = np.quantile(bounded(equation[kind]["loss"], cap), BAND, axis=1)
        series[kind] = {**around[kind], "low": low.tolist(), "high": high.tolist()}
    largest_gaps = {kind: largest(gaps_at_once(series["method"], series[kind])) for kind in MODELS}
    return {
        "largest": {kind: percent(*ends) if ends else r"\text{--}" for kind, ends in largest_gaps.items()},
        "times": equation["method"]["steps"], "loss": series, "omega": plain(1 / setting["p"] - 1),
        "over": findings.over(setting["multiplier"]), "steps": setting["steps"], "paths": setting["paths"], "cap": number(cap),
        "blown": sum(equation[kind]["blown"] for kind in ("method", *MODELS)),
        "substeps": [equation[kind]["substeps"] for kind in MODELS],
    }  # fmt: skip


def _step_name(kind: dict[str, float]) -> str:
    c = plain(kind["c"])
    return f"constant ${c}$" if kind["q"] == 0 else rf"${c}/\sqrt{{n+1}}$"
