"""The paper's experiments once more, on a convolutional network and a vision transformer with real mini-batches."""

from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.document.tex import number
from sdescent.reports.paper.experiments import section, variants
from sdescent.reports.paper.experiments.figures import draw_main
from sdescent.reports.paper.experiments.image_problems import ARCHITECTURES, CIFAR10, CNN, DIGITS, VIT
from sdescent.reports.paper.experiments.study import SEEDS, ImageTask, Task, VariantSize
from sdescent.reports.sections.base import Inputs, Section, computed, reduced

#: the label of the table of verdicts
LABEL = "tab:network-verdicts"
#: data set -> its name in texts
NAMED = {DIGITS: "digits", CIFAR10: "CIFAR-10"}
_WORDS = {CNN: "convolutional network", VIT: "vision transformer"}
#: their names in figures
_SHORT = {CNN: "CNN", VIT: "ViT"}


def _task(data: str, architecture: str, **sizes: Any) -> Task:
    """The full task on these data: as many seeds as fill a chunk (128 paths for tuning, for each sparsity, and for the signs)."""
    title, steps = f"{_WORDS[architecture].capitalize()}, {NAMED[data]}", sizes.get("steps", 1000)
    shared: dict[str, Any] = {
        "samples": None, "keeps": (1.0, 0.01), "grids": ((-5, 0), (-5, 0), (-2, 3)), "steps": steps, "saved": 20,
        "tuned": 3, "seeds": 14, "sign_saved": 40, "sign_steps": 2000, "sign_most": 2000, "sign_seeds": 21,
        "scales": (0.01, 0.1, 1.0), "constant": (0.03,), "decaying": (0.3,), "descent": ((0.25,), 300, 8), "equations": (),
        "variants": VariantSize((variants.RAND_K,), (1.0, 0.01), 20, steps, 32),
    }  # fmt: skip
    return Task(f"network-{data}-{architecture}", title, **{**shared, "images": ImageTask(data, architecture), **sizes})


_FEW: dict[str, Any] = {
    "variants": None, "steps": 48, "saved": 12, "tuned": 2, "seeds": 10, "sign_saved": 12, "sign_steps": 48, "sign_most": 48,
    "sign_seeds": 10, "scales": (0.1,), "grids": ((-5, -3), (-6, -4), (-1, 1)), "descent": ((0.25,), 30, 4), "clients": 1,
}  # fmt: skip
TASKS = {
    "quick": (
        _task(DIGITS, CNN, **_FEW, samples=128, images=ImageTask(DIGITS, CNN, batch=1, probe=8, starts=1)),
        _task(CIFAR10, CNN, **_FEW, samples=128, images=ImageTask(CIFAR10, CNN, batch=1, probe=8, starts=1)),
    ),
    "full": (
        _task(DIGITS, CNN),
        _task(DIGITS, VIT, steps=320, sign_steps=800, sign_most=800),
        _task(CIFAR10, CNN, saved=10, sign_saved=10, images=ImageTask(CIFAR10, CNN, probe=500)),
        _task(CIFAR10, VIT, saved=10, sign_saved=10, images=ImageTask(CIFAR10, VIT, probe=500)),
    ),
}  # fmt: skip


def _tasks(context: Inputs) -> list[Task]:
    """The tasks whose data are there: those that ship with a package, and those that the user has given."""
    return [t for t in TASKS[context.size] if t.images and (t.images.data == DIGITS or t.images.data in context.data)]


@final
class Networks(Section):
    """The claims of Figure 1 on image networks, also with Rand-k, and whether curvature grows with the gradient norm."""

    name, title = "networks", "Image networks with real mini-batches"
    pieces = tuple(f"{task.name}, study {1 + seed}" for task in TASKS["full"] for seed in SEEDS)

    def prepare(self, piece: str, context: Inputs) -> None:
        for task in _tasks(context):
            for seed in _seeds(context):
                if piece == f"{task.name}, study {1 + seed}":
                    section.whole_study(task, seed, context)

    def compute(self, context: Inputs) -> dict[str, Any]:
        def described(task: Task) -> dict[str, Any]:
            studies = [section.whole_study(task, seed, context) for seed in _seeds(context)]
            return {**section.described(studies, LABEL), "facts": _facts(studies)}

        problems, missing = computed(_tasks(context), described)
        evidence = {key: piece for problem in problems for key, piece in problem.pop("evidence").items()}
        words = {**section.COUNTED, "clients": "clients", "grids": "", "images": "", "variants": "runs with Rand-k"}
        less = [
            (count, f"{what} ({whole.title[0].lower()}{whole.title[1:]})")
            for task, whole in _pairs(context)
            for count, what in (reduced(task, whole, words) if task else [("no", "runs")])
        ]
        return {
            "problems": problems, "missing": missing, "left_out": less,
            "evidence": {key: _too_small(piece) for key, piece in evidence.items()} if context.quick else evidence,
            "data": sorted({problem["facts"]["data"] for problem in problems}),
            "absent": [] if CIFAR10 in context.data else [NAMED[CIFAR10]],
            "quick": context.quick, "studies": len(_seeds(context)),
            "residual": number(max((p["facts"]["residual"] for p in problems), default=0.0), 1),
        }  # fmt: skip

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        for data in result["data"]:
            chosen = [problem for problem in result["problems"] if problem["facts"]["data"] == data]
            draw_main([{**p, "title": p["facts"]["short"]} for p in chosen], folder, f"network-{data}")


def _seeds(context: Inputs) -> tuple[int, ...]:
    """The seeds of the studies; a quick run, which decides nothing, has one."""
    return SEEDS[:1] if context.quick else SEEDS


def _too_small(piece: dict[str, Any]) -> dict[str, Any]:
    """The evidence of a quick run, which compares nothing, whatever comes out: it is too small to decide anything."""
    nothing = {"verdict": Verdict.UNDECIDED, "compared": 0, "failing": 0, "undecided": 0}
    return {**piece, **nothing, "says": f"A quick run, which is too small to decide. {piece['says']}"}


def _pairs(context: Inputs) -> list[tuple[Task | None, Task]]:
    """Each full task whose data are there, with the task that takes its place in this report, or None."""
    here = {task.name: task for task in _tasks(context)}
    return [(here.get(t.name), t) for t in _tasks(replace(context, quick=False))]


def _facts(studies: list[dict[str, Any]]) -> dict[str, Any]:
    """What a reader needs to know of the data, the network and the noise, in LaTeX; the noise of each study."""
    task, noises = studies[0]["task"], [study["about"]["sampling"] for study in studies]
    images, omegas = task["images"], [run["omega"] for study in studies for v in study["variants"] for run in v["runs"]]
    probed = np.concatenate([np.asarray(noise["probed"]) / np.asarray(noise["gradient_norm"]) for noise in noises])
    return {
        "residual": max(study["curvature"]["residual"] for study in studies),
        "data": images["data"], "called": NAMED[images["data"]],
        "architecture": _WORDS[images["architecture"]], "short": _SHORT[images["architecture"]],
        "network": _network(images), "batch": images["batch"],
        "probe": images["probe"], "starts": images["starts"], "added": section.plain(task["sigma1"]),
        "sigma0": [number(noise["sigma0"]) for noise in noises], "sigma1": [number(noise["sigma1"]) for noise in noises],
        "rand_k_omega": number(max(omegas), 4) if omegas else None,
        "probe_low": f"${number(np.min(probed))}$", "probe_high": f"${number(np.max(probed))}$",
    }  # fmt: skip


def _network(images: dict[str, Any]) -> str:
    """The architecture in words."""
    network: Any = ARCHITECTURES[images["data"], images["architecture"]]
    if images["architecture"] == CNN:
        outputs = " and ".join(map(str, network.channels))
        return rf"convolutions $3\times3$ with stride 2 and {outputs} outputs, each with $\tanh$, and a linear layer"
    return (
        rf"patches of ${network.patch}\times{network.patch}$ pixels, tokens of dimension {network.width}, {network.blocks} block "
        rf"with {network.heads} heads and {network.hidden} hidden units ($\tanh$), layer norms, the mean over tokens, "
        "a linear layer"
    )
