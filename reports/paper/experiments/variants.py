"""The experiments once more where no theorem of the report holds, or only one with a floor: other noise, clients that differ.

The rules are those of the main setting, with the multipliers that were held there, and nothing is tuned again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, final

import numpy as np

from sdescent.derive.methods.noise import Affine, Cauchy, Scaled
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.tasks import criteria as claims
from sdescent.numerics.tasks.client_gradients import OwnGradients
from sdescent.numerics.tasks.clients import data_by_label
from sdescent.numerics.tasks.step_rules import CONSTANT, NORMALISED, THEORY, RaceProblem, bounded_share
from sdescent.numerics.tasks.verdicts import Finding
from sdescent.reports.claims.evidence import METHOD
from sdescent.reports.claims.evidence import evidence as result
from sdescent.reports.document.numbers import number
from sdescent.reports.paper.experiments.findings import (
    END_OF_RUN,
    Losses,
    at_ends,
    broken,
    by_scale,
    changed,
    compared,
    earlier,
    judged,
    named,
    of_signs,
    plain,
    sign_step,
    spanned,
)
from sdescent.reports.paper.experiments.study import HELD, OWN, Study, VariantSize

#: keys of the first study
RUNS, SIGNS = 707, 808
NAMES = FLOOR, BY_LABEL, BATCHES = ("floor", "by-label", "mini-batches")
AFFINE, CAUCHY = "affine", "cauchy"
KINDS = ((CONSTANT, HELD), (NORMALISED, HELD), (THEORY, HELD), (THEORY, OWN))
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
    """What is different from the main setting.

    Attributes:
        name, title: the title in words, LaTeX.
        short: the title at the head of a column.
        broken: what the theorems assume and this breaks, LaTeX.
        signs: whether DSignSGD is run too.
    """

    name: str
    title: str
    short: str
    broken: str
    signs: bool


def variants(size: VariantSize) -> dict[str, Variant]:
    """By name."""
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
    )  # fmt: skip
    return {v.name: v for v in every if v.name in size.names}


def run(study: Study, main: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs of all variants of a study, given the result of its main setting."""
    size = study.task.variants
    return [] if size is None else [_run(study, size, v, main) for v in variants(size).values()]


def _run(study: Study, size: VariantSize, variant: Variant, main: Mapping[str, Any]) -> dict[str, Any]:
    own = _problem(study, size, variant.name, (AFFINE, study.task.sigma1))
    runs = []
    for p in size.keeps:
        study.tick(f"{variant.name}, p = {p:g}")
        floor = own[0].floor(p)
        multipliers = [1.0 if kind == OWN else main["held"][rule] for rule, kind in KINDS]
        settings = [study.setting(p, rule, m, floor) for (rule, _), m in zip(KINDS, multipliers, strict=True)]
        label = f"{variant.name}-{p:g}".replace(".", "-")
        found = study.run(label, settings, size.steps, size.seeds, study.key(RUNS), saved=size.saved, variant=own)
        last = settings[-1]
        share = found["gradient_norm"][:, -1] ** 2 / (last["k0"] + last["k1"] * found["gradient_norm"][:, -1])
        runs.append({
            "omega": 1 / p - 1, "m": multipliers, "steps": found["steps"].tolist(), "loss": found["loss"],
            "blown": found["blown"].sum(axis=1).tolist(), "share": np.trapezoid(share, found["steps"], axis=0) / size.steps,
            "bound": bounded_share(study.first, size.steps, study.problem.growth(p), study.line, floor),
        })  # fmt: skip
    return {"name": variant.name, "runs": runs, "signs": _signs(study, size, variant, main) if variant.signs else None}


def _signs(study: Study, size: VariantSize, variant: Variant, main: Mapping[str, Any]) -> dict[str, Any]:
    """DSignSGD, (S, scales, [constant, decaying], seeds); mini-batches are their own noise, of no scale."""
    steps, scales = min(size.sign_most, main["signs"]["steps"][-1]), size.scales if variant.name == BY_LABEL else (1.0,)
    loss, blown = [], []
    for sigma in scales:
        study.tick(f"{variant.name}, DSignSGD")
        kinds = ((0.0, study.task.constant[0]), (0.5, study.task.decaying[0]))
        settings = [{"c": c, "q": q, "sigma": sigma} for q, c in kinds]
        own = _problem(study, size, variant.name, (CAUCHY, sigma))
        label = f"{variant.name}-signs-{sigma:g}".replace(".", "-")
        found = study.run(
            label,
            settings,
            steps,
            size.sign_seeds,
            study.key(SIGNS),
            signs=True,
            saved=study.task.sign_saved,
            variant=own,
        )
        loss.append(found["loss"])
        blown.append(found["blown"].sum(axis=1).tolist())
    return {
        "steps": steps, "loss": np.stack(loss, axis=1), "blown": blown,
        "scales": list(scales) if variant.name == BY_LABEL else [],
    }  # fmt: skip


def _problem(
    study: Study, size: VariantSize, name: str, noise: tuple[str, float]
) -> tuple[RaceProblem, Mapping[str, Any]]:
    """The problem with other noise, or with gradients of the clients' own, and what identifies it among stored results."""
    if name == FLOOR:
        return replace(study.problem, sigma0=size.sigma0), {"sigma0": size.sigma0}
    batch = size.batch if name == BATCHES else None
    law = None if batch else noise
    own = _gradients(study.loss, study.task.clients, batch, law)
    return replace(study.problem, oracle=own), {"data": own.data.scheme, "batch": batch, "noise": law}


@lru_cache(maxsize=32)
def _gradients(loss: Any, clients: int, batch: int | None, noise: tuple[str, float] | None) -> OwnGradients:
    """The same object again for the same clients, since compiled programs are identified by it."""
    data = data_by_label(np.asarray(loss.labels), clients, batch)
    if noise is None:
        return OwnGradients(loss, data)
    law, scale = noise
    if law == AFFINE:
        return OwnGradients(loss, data, Affine(0, "sigma1"), {"sigma1": scale})
    return OwnGradients(loss, data, Scaled(Cauchy(), "sigma"), {"sigma": scale})


def findings(study: Mapping[str, Any], variant: Mapping[str, Any]) -> dict[str, Finding]:
    """Claim -> the finding on this variant."""
    runs, start = variant["runs"], study["about"]["start"]
    losses = Losses(runs, KINDS)
    found = {
        "a": claims.diverges(losses.paths(CONSTANT, HELD), start),
        "b": claims.settles(losses.paths(THEORY, OWN), start),
        "b-held": claims.settles(losses.paths(THEORY, HELD), start),
        "c-held": claims.worse(losses.last(NORMALISED, HELD), losses.last(THEORY, HELD)),
    }
    if variant["signs"]:
        found |= of_signs(variant["signs"], 1, start)
    if variant["name"] == FLOOR:
        found["bound"] = claims.bounded([np.asarray(run["share"]) for run in runs], [run["bound"] for run in runs])
    return found


def places(variant: Mapping[str, Any], claim: str) -> list[str]:
    """The settings of a claim, as LaTeX."""
    if claim.startswith("d-"):
        return [rf"scale ${plain(s)}$" for s in variant["signs"]["scales"]] or [END_OF_RUN]
    return [rf"$\omega={plain(run['omega'])}$" for run in variant["runs"]]


def says(study: Mapping[str, Any], variant: Mapping[str, Any], found: Mapping[str, Finding]) -> dict[str, str]:
    """Of each claim the setting, numbers with intervals, and what would change the verdict, as LaTeX."""
    runs, size, first = variant["runs"], study["task"]["variants"], study["about"]["start"]
    omegas = [plain(run["omega"]) for run in runs]
    held = {rule: number(m) for rule, m in study["held"].items()}
    loss = "f" if study["about"]["lowest"] == 0 else "f-f^*"
    falling = rf"median ${loss}$ from ${number(first)}$ to {{}} after {size['steps']} steps"
    level = {
        c: ", ".join(rf"{w} at ${o}$" for w, o in zip(found[c].each, omegas, strict=True)) for c in ("b", "b-held")
    }
    last = [Losses(runs, KINDS).last(rule, HELD) for rule in (NORMALISED, THEORY)]
    said = {
        "a": rf"Constant steps ${held[CONSTANT]}$: " + falling.format(at_ends(found["a"], omegas)),
        "b": r"Steps $1/K$ ($\varepsilon=1/2$): " + falling.format(at_ends(found["b"], omegas, 2)) + f"; {level['b']}",
        "b-held": rf"Steps ${held[THEORY]}/K$: "
        + falling.format(at_ends(found["b-held"], omegas, 2))
        + f"; {level['b-held']}",
        "c-held": rf"Last ${loss}$, normalised less theory, {compared(found['c-held'], omegas, last, first)}",
    }
    where = {c: places(variant, c) for c in found}
    if signs := variant["signs"]:
        scales = [plain(s) for s in signs["scales"]]
        for claim, kind in (("d-constant", "constant"), ("d-decaying", "decaying")):
            step = f"Steps ${sign_step(kind, study['task'][kind][0])}$, {signs['steps']} steps; "
            e, word = found[claim].estimates[0], found[claim].each[0]
            said[claim] = step + (
                by_scale(found[claim], scales, loss) if scales else rf"last ${loss}={spanned(e)}$, {word}"
            )
    if bound := found.get("bound"):
        each = zip(bound.estimates, runs, omegas, strict=True)
        said["bound"] = "; ".join(rf"$\omega={o}$: ${spanned(e)}$, bound ${number(r['bound'])}$" for e, r, o in each)
    return {c: f"{text}. {changed(found[c], where[c])}." for c, text in said.items()}


def evidence(
    study: Mapping[str, Any], variant: Mapping[str, Any], found: Mapping[str, Finding]
) -> dict[str, dict[str, Any]]:
    """The findings as evidence on topics of their own: what is seen here is not what the paper or a theorem claims."""
    said, task = says(study, variant, found), study["task"]
    known = variants(VariantSize(**task["variants"]))[variant["name"]]
    return {
        f"variant-{claim}-{variant['name']}-{task['name']}-study-{1 + study['seed']}": result(
            f"variant-{claim}", METHOD, finding.verdict,
            f"{task['title']}, study {1 + study['seed']}, {known.title} ({known.broken}). {said[claim]}", LABEL,
        )
        for claim, finding in found.items()
    }  # fmt: skip


def rows(
    studies: Sequence[Mapping[str, Any]], found: Sequence[Sequence[Mapping[str, Finding]]]
) -> list[dict[str, Any]]:
    """For each variant of a problem its title, what it breaks, and each claim's verdicts and numbers of every study.

    Args:
        studies: of one problem.
        found: for each study the findings on each of its variants.
    """
    made = []
    size = studies[0]["task"]["variants"]
    for n, variant in enumerate(studies[0]["variants"]):
        known = variants(VariantSize(**size))[variant["name"]]
        said = [says(study, study["variants"][n], own[n]) for study, own in zip(studies, found, strict=True)]
        starts, here = [study["about"]["start"] for study in studies], [own[n] for own in found]
        were = [
            earlier(own, study["variants"][n]["signs"], start)
            for study, own, start in zip(studies, here, starts, strict=True)
        ]
        lines = []
        for claim in here[0]:
            verdicts = judged(claim, here, were)
            fails = verdicts["together"] == Verdict.SEEN_TO_FAIL
            lines.append({
                "name": claim, "claim": CLAIMS[claim], **verdicts, "says": [own[claim] for own in said],
                "broken": [
                    broken(own[claim], places(variant, claim), start) for own, start in zip(here, starts, strict=True)
                ] if fails else [],
            })  # fmt: skip
        made.append({"title": known.title, "short": known.short, "broken": known.broken, "rows": lines})
    return made


def grid(problems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The verdicts of both studies together: a column for each variant of each problem, a row for each claim.

    Args:
        problems: with `rows` as their "variants".

    Returns:
        columns; rows: their texts and cells, None where a variant does not have the claim; failing: what broke the claims that
        fail, in each study; against: the claims of the first page whose contrary that is, in another setting.
    """
    columns = [(problem, variant) for problem in problems for variant in problem["variants"]]
    known = [{row["name"]: row for row in variant["rows"]} for _, variant in columns]
    failing = [(p, v, row) for p, v in columns for row in v["rows"] if row["together"] == Verdict.SEEN_TO_FAIL]
    return {
        "columns": [{"name": variant["short"], "data": problem["title"].lower()} for problem, variant in columns],
        "rows": [
            {"claim": text, "cells": [own.get(claim) for own in known]}
            for claim, text in CLAIMS.items()
            if any(claim in own for own in known)
        ],
        "failing": [
            {"name": named(row["name"]), "where": f"{p['title'].lower()}, {v['short']}", "broken": row["broken"]}
            for p, v, row in failing
        ],
        "against": sorted({f"({row['name'][0]})" for _, _, row in failing if row["name"] != "bound"}),
    }
