"""The experiments with another compressor, other noise, or clients that differ; in some of these settings no theorem holds.

The rules are those of the main setting, with the multipliers held there; they are not tuned again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any, final

import numpy as np

from sdescent.derive.methods.noise import Affine, Cauchy, Scaled
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.tasks import criteria as claims
from sdescent.numerics.tasks.data import OwnGradients, data_by_label
from sdescent.numerics.tasks.step_rules import CONSTANT, NORMALISED, THEORY, RaceProblem, bounded_share
from sdescent.numerics.tasks.verdicts import Finding
from sdescent.reports.claims.evidence import METHOD
from sdescent.reports.claims.evidence import evidence as result
from sdescent.reports.paper.experiments import findings as shared
from sdescent.reports.paper.experiments.findings import Losses, plain
from sdescent.reports.paper.experiments.study import HELD, UNTUNED, Study, VariantSize

#: keys of the first study
RUNS, SIGNS = 707, 808
NAMES = FLOOR, BY_LABEL, BATCHES = ("floor", "by-label", "mini-batches")
RAND_K = "rand-k"
AFFINE, CAUCHY = "affine", "cauchy"
KINDS = ((CONSTANT, HELD), (NORMALISED, HELD), (THEORY, HELD), (THEORY, UNTUNED))
#: claim -> its text; all but the last have counterparts in the main setting
CLAIMS = {
    "a": r"(a) Constant steps diverge as $\omega$ grows.",
    "b": r"(b) The theory's own steps fall by more than half, to a floor at most.",
    "b-held": r"(b, held) So does the theory's rule with one multiplier for all $\omega$.",
    "c-held": r"(c, held) Normalised steps end higher than the theory's rule, each with one multiplier.",
    "d-constant": "(d, constant) DSignSGD with constant steps is stable and stalls.",
    "d-decaying": "(d, decaying) DSignSGD with decaying steps converges.",
    "bound": r"The mean of $\|g\|_2^2/K$ with the theory's own steps is below the bound of 6.3, floor included.",
}
LABEL = "tab:experiment-variant-numbers"


@final
@dataclass(frozen=True)
class Variant:
    """A variant and its differences from the main setting: titles in LaTeX, `short` for a column, and whether DSignSGD is run too.

    `broken` is the assumption of the theorems that it breaks, if any, and what they say of it, in LaTeX.
    """

    name: str
    title: str
    short: str
    broken: str
    signs: bool


def variants(size: VariantSize) -> dict[str, Variant]:
    """The variants to run, by name."""
    every = (
        Variant(
            FLOOR, rf"noise with a floor, $\sigma_0={plain(size.sigma0)}$", "floor",
            r"6.3 covers this noise, but its bound has a floor then: it does not claim that the loss converges", False,
        ),
        Variant(
            BY_LABEL, "clients with data of their own, split by label", "by label",
            r"outside the theorems: $\mathbb{E}v_k=\nabla f$ fails for every client", True,
        ),
        Variant(
            BATCHES, f"mini-batches of {size.batch} of such data, no other noise", "mini-batches",
            r"outside the theorems: $\mathbb{E}v_k=\nabla f$ fails, and the noise is neither affine nor that of one law", True,
        ),
        Variant(
            RAND_K, r"Rand-$k$, with $k$ of the $d$ coordinates kept, in place of the Bernoulli sparsifier", "Rand-$k$",
            r"6.3 covers it with $\omega=d/k-1$, as it covers the main setting", False,
        ),
    )  # fmt: skip
    return {v.name: v for v in every if v.name in size.names}


def run(study: Study, main: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs of all variants of a study, given the result of its main setting."""
    size = study.task.variants
    return [] if size is None else [_run(study, size, v, main) for v in variants(size).values()]


def _run(study: Study, size: VariantSize, variant: Variant, main: Mapping[str, Any]) -> dict[str, Any]:
    # with p = 1 the sparsifier and Rand-k are the identity, and the runs are those of the main setting
    runs = [{**main["runs"][0], "loss": main["runs"][0]["loss"][:, : len(KINDS)]}] if variant.name == RAND_K else []
    keeps = size.keeps[len(runs) :]
    apart = [[p] for p in keeps]  # each size of a Rand-k is a compressor of its own
    for group in apart if variant.name == RAND_K else study.together(keeps, len(KINDS) * size.seeds):
        problem = _problem(study, size, variant.name, (AFFINE, study.task.sigma1), group[0])
        multipliers = [1.0 if kind == UNTUNED else main["held"][rule] for rule, kind in KINDS]
        of_kinds = [(rule, m) for (rule, _), m in zip(KINDS, multipliers, strict=True)]
        names = [f"{p:g}" for p in group]
        study.tick(f"{variant.name}, p = {', '.join(names)}")
        listed = [[study.setting(p, rule, m, problem[0]) for rule, m in of_kinds] for p in group]
        label = "-".join([variant.name, *names]).replace(".", "-")
        together = study.run(
            label, [*chain(*listed)], size.steps, size.seeds, study.key(RUNS), saved=size.saved, variant=problem
        )
        for n, p in enumerate(group):
            at = slice(n * len(KINDS), (n + 1) * len(KINDS))
            raced = {name: together[name][:, at] for name in ("loss", "gradient_norm")}
            last, norm, steps = listed[n][-1], raced["gradient_norm"][:, -1], together["steps"]
            runs.append({
                "omega": problem[0].omega(p), "m": multipliers, "steps": steps.tolist(), "loss": raced["loss"],
                "blown": together["blown"][at].sum(axis=1).tolist(),
                "share": np.trapezoid(norm**2 / (last["k0"] + last["k1"] * norm), steps, axis=0) / size.steps,
                "bound": bounded_share(study.first, size.steps, problem[0].growth(p), study.line, problem[0].floor(p)),
            })  # fmt: skip
    return {"name": variant.name, "runs": runs, "signs": _signs(study, size, variant, main) if variant.signs else None}


def _signs(study: Study, size: VariantSize, variant: Variant, main: Mapping[str, Any]) -> dict[str, Any]:
    """The losses of DSignSGD, (S, scales, [constant, decaying], seeds). Mini-batches are their own noise, without a scale."""
    steps, scales = min(size.sign_most, main["signs"]["steps"][-1]), size.scales if variant.name == BY_LABEL else (1.0,)
    loss, blown = [], []
    for sigma in scales:
        study.tick(f"{variant.name}, DSignSGD")
        kinds = ((0.0, study.task.constant[0]), (0.5, study.task.decaying[0]))
        settings = [{"c": c, "q": q, "sigma": sigma} for q, c in kinds]
        problem = _problem(study, size, variant.name, (CAUCHY, sigma))
        label = f"{variant.name}-signs-{sigma:g}".replace(".", "-")
        every: dict[str, Any] = {"signs": True, "saved": study.task.sign_saved, "variant": problem}
        raced = study.run(label, settings, steps, size.sign_seeds, study.key(SIGNS), **every)
        loss.append(raced["loss"])
        blown.append(raced["blown"].sum(axis=1).tolist())
    return {
        "steps": raced["steps"].tolist(), "loss": np.stack(loss, axis=1), "blown": blown,
        "scales": list(scales) if variant.name == BY_LABEL else [],
    }  # fmt: skip


def _problem(
    study: Study, size: VariantSize, name: str, noise: tuple[str, float], p: float = 1.0
) -> tuple[RaceProblem, Mapping[str, Any]]:
    """The problem of a variant, for Rand-k that at p, and the values that identify it among stored results."""
    if name == RAND_K:
        problem = study.problem.with_rand_k(p)
        return problem, {"compressor": str(problem.compressor)}
    if name == FLOOR:
        return replace(study.problem, sigma0=size.sigma0), {"sigma0": size.sigma0}
    batch = size.batch if name == BATCHES else None
    law = None if batch else noise
    gradients = _gradients(study.loss, study.task.clients, batch, law)
    return replace(study.problem, oracle=gradients), {"data": "by label", "batch": batch, "noise": law}


@lru_cache(maxsize=32)
def _gradients(loss: Any, clients: int, batch: int | None, noise: tuple[str, float] | None) -> OwnGradients:
    """The gradients of these clients, one object for equal arguments, since it identifies compiled programs."""
    data = data_by_label(np.asarray(loss.labels), clients, batch)
    if noise is None:
        return OwnGradients(loss, data)
    law, scale = noise
    if law == AFFINE:
        return OwnGradients(loss, data, Affine(0, "sigma1"), {"sigma1": scale})
    return OwnGradients(loss, data, Scaled(Cauchy(), "sigma"), {"sigma": scale})


def findings(study: Mapping[str, Any], variant: Mapping[str, Any]) -> dict[str, Finding]:
    """The findings on this variant, by claim."""
    runs, start = variant["runs"], study["about"]["start"]
    losses = Losses(runs, KINDS)
    converges = shared.converges(study) if variant["name"] == RAND_K else claims.settles
    by_claim = shared.of_steps(losses, start, converges)
    by_claim["c-held"] = claims.worse(losses.last(NORMALISED, HELD), losses.last(THEORY, HELD))
    if variant["signs"]:
        by_claim |= shared.of_signs(variant["signs"], 1, start)
    if variant["name"] == FLOOR:
        by_claim["bound"] = claims.bounded([np.asarray(run["share"]) for run in runs], [run["bound"] for run in runs])
    return by_claim


def _as_study(study: Mapping[str, Any], variant: Mapping[str, Any]) -> dict[str, Any]:
    """The variant in the form of the study with the main setting."""
    signs, task = variant["signs"], study["task"]
    task = {**task, "steps": task["variants"]["steps"], "scales": signs["scales"] if signs else []}
    return {**study, "task": task, "runs": variant["runs"], "signs": signs}


def evidence(
    study: Mapping[str, Any], variant: Mapping[str, Any], findings: Mapping[str, Finding], anchor: str = ""
) -> dict[str, dict[str, Any]]:
    """The findings as evidence on separate topics, since the claims of the first page are about the main setting alone."""
    sentences, task = shared.says(_as_study(study, variant), findings, KINDS), study["task"]
    described = variants(VariantSize(**task["variants"]))[variant["name"]]
    return {
        f"variant-{claim}-{variant['name']}-{task['name']}-study-{1 + study['seed']}": result(
            f"variant-{claim}", METHOD, finding.verdict,
            f"{task['title']}, study {1 + study['seed']}, {described.title} ({described.broken}). {sentences[claim]}",
            anchor or LABEL,
        )
        for claim, finding in findings.items()
    }  # fmt: skip


def rows(
    studies: Sequence[Mapping[str, Any]], findings: Sequence[Sequence[Mapping[str, Finding]]]
) -> list[dict[str, Any]]:
    """For each variant of a problem its title, the assumption it breaks, and every study's verdicts and numbers by claim."""
    tables = []
    size = studies[0]["task"]["variants"]
    for n, variant in enumerate(studies[0]["variants"]):
        described = variants(VariantSize(**size))[variant["name"]]
        here = [_as_study(study, study["variants"][n]) for study in studies]
        lines = shared.rows(here, [one[n] for one in findings], KINDS, CLAIMS)
        tables.append({"title": described.title, "short": described.short, "broken": described.broken, "rows": lines})
    return tables


def grid(problems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The combined verdicts of the studies: a column for each variant of each problem from `rows`, a row for each claim or None.

    "failing" has the broken conditions of claims that fail, "against" the first page's claims whose contrary is seen elsewhere.
    """
    columns = [(problem, variant) for problem in problems for variant in problem["variants"]]
    by_name = [{row["key"]: row for row in variant["rows"]} for _, variant in columns]
    failing = [(p, v, row) for p, v in columns for row in v["rows"] if row["together"] == Verdict.SEEN_TO_FAIL]
    return {
        "columns": [{"name": variant["short"], "data": problem["title"].lower()} for problem, variant in columns],
        "rows": [
            {"claim": text, "cells": [named_rows.get(claim) for named_rows in by_name]}
            for claim, text in CLAIMS.items()
            if any(claim in named_rows for named_rows in by_name)
        ],
        "failing": [
            {"name": row["name"], "where": f"{p['title'].lower()}, {v['short']}", "broken": row["broken"]}
            for p, v, row in failing
        ],
        "against": sorted({f"({row['key'][0]})" for _, _, row in failing if row["key"] != "bound"}),
    }
