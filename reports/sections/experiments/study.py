"""One problem of the experiments: its step rules tuned, run over seeds and compared (theory 9).

Every run is a separate result in the cache; all else here is a function of the results of the runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, final

import numpy as np

import derive
from derive.vocabulary.choices import Model
from numerics.backend.double import jnp
from numerics.tasks import criteria as claims
from numerics.tasks import tuning
from numerics.tasks.curvature import lowest_line, measure_curvature
from numerics.tasks.step_rules import NORMALISED, RULES, THEORY, RaceProblem, SmoothnessLine, race, step
from reports.sections.base import Inputs
from reports.sections.compare import bounded

#: seeds of the start, of the tuning runs, of the reported runs, of DSignSGD, of the method and its models
START, TUNED, REPORTED, SIGNS, METHOD, MODEL = 0, 101, 202, 303, 404, 505
#: initial number of solver steps per step of the method
COARSEST = 1
#: the equations that are solved; theory 9 makes no claim about the second-order one
MODELS = ("first-order", "corrected")
#: the runs at each sparsity that are reported: the rule and the origin of its multiplier
HELD, BEST, OWN = "held", "tuned", "own"
KINDS = (
    *((rule, HELD) for rule in RULES),
    (THEORY, OWN),
    *((rule, BEST) for rule in RULES),
    (NORMALISED, "as long as own"),
    (NORMALISED, "as long as tuned"),
)
EQUAL = {OWN: "as long as own", BEST: "as long as tuned"}


@dataclass(frozen=True)
class ModelRun:
    """A run and its equations: the sparsity, the theory rule's multiplier, numbers of steps and paths, c over the start."""

    p: float
    multiplier: float
    steps: int
    paths: int
    cap: float = 10.0


@dataclass(frozen=True)
class Task:
    """The runs on one problem. Dimensionless.

    Args:
        name, title: of the problem; `name` is one of `PROBLEMS`.
        samples: how many of the data's, the first ones; None for all.
        keeps: probabilities p of the sparsifier, from 1 down.
        grids: for each rule of `RULES` the first and the last exponent of its grid (`numerics.tasks.tuning.grid`).
        steps, saved: of DCSGD: their number, and saved times besides the first.
        tuned, seeds: the number of seeds used for tuning, and of further seeds that are reported.
        sign_steps, scales, constant, decaying: of DSignSGD: steps, scales sigma of the Cauchy noise, the steps c and c/sqrt(n+1).
        descent: step sizes of the gradient descent along which the Hessian is measured, its number of steps, points kept of each.
        equations: runs that are compared with their equations; if there are several, the verdict is about the first.
        clients, sigma1: N, and the affine noise of DCSGD.
    """

    name: str
    title: str
    samples: int | None
    keeps: tuple[float, ...]
    grids: tuple[tuple[int, int], ...]
    steps: int
    saved: int
    tuned: int
    seeds: int
    sign_steps: int
    scales: tuple[float, ...]
    constant: tuple[float, ...]
    decaying: tuple[float, ...]
    descent: tuple[tuple[float, ...], int, int]
    equations: tuple[ModelRun, ...]
    clients: int = 8
    sigma1: float = 0.2


def digits(task: Task) -> tuple[RaceProblem, dict[str, Any]]:
    """The network on the digits data; f* >= 0 is not known, and losses are f itself."""
    from numerics.tasks.network import digits_network

    network, land = digits_network(task.samples)
    problem = RaceProblem(task.name, land, network.start(START), task.clients, task.sigma1)
    return problem, {"samples": len(network.labels), "hidden": network.hidden, "lowest": 0.0}


def breast_cancer(task: Task) -> tuple[RaceProblem, dict[str, Any]]:
    """Logistic regression; losses are f - f* with the minimum by Newton's method."""
    from numerics import tasks
    from numerics.lowering.landscape import Landscape

    data = tasks.load_breast_cancer()
    regression = tasks.logistic_regression(data, l2=0.01)
    problem = RaceProblem(
        task.name, Landscape(regression.loss), np.zeros(regression.dim), task.clients, task.sigma1, "float64"
    )
    return problem, {"samples": data.samples, "l2": "0.01", "lowest": tasks.minimise(regression).loss}


PROBLEMS: dict[str, Callable[[Task], tuple[RaceProblem, dict[str, Any]]]] = {
    "digits": digits, "breast-cancer": breast_cancer,
}  # fmt: skip


@final
class Study:
    """The results of one task.

    Raises:
        Refusal: the data are not installed.
    """

    def __init__(self, task: Task, context: Inputs) -> None:
        self.task, self.context = task, context
        context.tick(f"{task.title}: curvature")
        self.problem, self.about = PROBLEMS[task.name](task)
        self.lowest = self.about["lowest"]
        self.first = float(self.problem.land.value(jnp.asarray(self.problem.start)[:, None])[0]) - self.lowest
        self.curvature = self._stored("curvature", {}, self._curvature)
        self.line = SmoothnessLine(self.curvature["l0"], self.curvature["l1"])

    def result(self) -> dict[str, Any]:
        """Settings, losses over seeds and findings."""
        growth = {p: self.problem.growth(p) for p in self.task.keeps}
        tuned = {p: self._tuned(p, growth[p]) for p in self.task.keeps}
        held = {rule: tuned[self.task.keeps[0]][rule]["best"] for rule in RULES}
        runs = [self._reported(p, growth[p], tuned[p], held) for p in self.task.keeps]
        return {
            "task": asdict(self.task),
            "about": {**self.about, "dim": len(self.problem.start), "dtype": self.problem.dtype, "start": self.first},
            "curvature": self.curvature,
            "growth": list(growth.values()),
            "held": held,
            "tuned": list(tuned.values()),
            "runs": runs,
            "signs": self._signs(),
            "equations": [self._equation(asked) for asked in self.task.equations],
        }

    def _stored(self, label: str, more: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
        """A run, identified by the problem and the run's own settings."""
        t = self.task
        spec = {"name": t.name, "samples": t.samples, "clients": t.clients, "sigma1": t.sigma1, "start": START}
        spec |= {"descent": t.descent, **more}
        return self.context.cache.load_or_compute(f"experiments-{t.name}-{label}", spec, compute)

    def _curvature(self) -> dict[str, Any]:
        etas, steps, keep = self.task.descent
        found = measure_curvature(self.problem.land, self.problem.start, etas, steps, keep, dtype=self.problem.dtype)
        line = lowest_line(found.gradient_norm, found.curvature)
        return {**asdict(found), "l0": line.l0, "l1": line.l1}

    def _race(self, settings: list[dict[str, float]], steps: int, seeds: int, key: int, signs: bool = False) -> Any:
        method = self.problem.signs if signs else self.problem.compressed
        found = race(self.problem, method, settings, steps, self.task.saved, seeds, key)
        return {**asdict(found), "loss": found.loss - self.lowest}

    def _run(self, label: str, settings: list[dict[str, float]], steps: int, seeds: int, key: int, signs: bool = False) -> Any:
        """(S, settings, seeds) of each statistic; losses counted up to the cap, as all that follows counts them."""
        spec = {"settings": settings, "steps": steps, "saved": self.task.saved, "seeds": seeds, "key": key, "signs": signs}
        found = self._stored(label, spec, partial(self._race, settings, steps, seeds, key, signs))
        return {**found, "loss": claims.capped(found["loss"], self.first)}

    def _setting(self, p: float, rule: str, m: float) -> dict[str, float]:
        k0, k1 = step(rule, m, self.problem.growth(p), self.line)
        return {"p": p, "k0": k0, "k1": k1}

    def _tuned(self, p: float, growth: float) -> dict[str, Any]:
        """For each rule its grid, the last losses there, the best multiplier; and how far the theory's own steps go."""
        self.context.tick(f"{self.task.title}: tuning, p = {p:g}")
        points = {rule: tuning.grid(*ends) for rule, ends in zip(RULES, self.task.grids, strict=True)}
        grids = {rule: [tuning.multiplier(rule, x, growth) for x in points[rule]] for rule in RULES}
        settings = [self._setting(p, rule, m) for rule in RULES for m in grids[rule]] + [self._setting(p, THEORY, 1.0)]
        runs = self._run(f"tuning-{_name(p)}", settings, self.task.steps, self.task.tuned, TUNED)
        found, at = {}, 0
        for rule, grid in grids.items():
            losses, lengths = (runs[name][-1, at : at + len(grid)] for name in ("loss", "length"))
            at += len(grid)
            chosen = tuning.best(losses)
            found[rule] = {
                "x": list(points[rule]), "m": grid, "best": grid[chosen.index], "index": chosen.index,
                "edge": chosen.edge, "loss": np.median(losses, axis=1).tolist(),
                "low": losses.min(axis=1).tolist(), "high": losses.max(axis=1).tolist(),
                "length": _middle(lengths).tolist(),
            }  # fmt: skip
        return {**found, "own": float(_middle(runs["length"][-1, at:])[0])}

    def _reported(self, p: float, growth: float, tuned: Mapping[str, Any], held: Mapping[str, float]) -> dict[str, Any]:
        """Losses of all kinds at one sparsity, on seeds that were not used for tuning."""
        self.context.tick(f"{self.task.title}: runs, p = {p:g}")
        plain = tuned[NORMALISED]
        lengths = {OWN: tuned["own"], BEST: tuned[THEORY]["length"][tuned[THEORY]["index"]]}
        matched = {EQUAL[k]: tuning.matched(plain["m"], plain["length"], target) for k, target in lengths.items()}
        multipliers = [
            held[rule] if kind == HELD else 1.0 if kind == OWN else tuned[rule]["best"] if kind == BEST else matched[kind]
            for rule, kind in KINDS
        ]
        settings = [self._setting(p, rule, m) for (rule, _), m in zip(KINDS, multipliers, strict=True)]
        runs = self._run(f"runs-{_name(p)}", settings, self.task.steps, self.task.seeds, REPORTED)
        return {
            "p": p, "omega": 1 / p - 1, "growth": growth, "m": multipliers, "steps": runs["steps"].tolist(),
            "loss": runs["loss"], "length": runs["length"][-1], "blown": runs["blown"].sum(axis=1).tolist(),
        }  # fmt: skip

    def _signs(self) -> dict[str, Any]:
        """DSignSGD with constant and decaying steps for each scale of the noise."""
        self.context.tick(f"{self.task.title}: DSignSGD")
        t = self.task
        kinds = [(0.0, c) for c in t.constant] + [(0.5, c) for c in t.decaying]
        settings = [{"c": c, "q": q, "sigma": sigma} for sigma in t.scales for q, c in kinds]
        runs = self._run("signs", settings, t.sign_steps, t.seeds, SIGNS, signs=True)
        shape = (t.saved + 1, len(t.scales), len(kinds), t.seeds)
        return {
            "kinds": [{"q": q, "c": c} for q, c in kinds],
            "steps": runs["steps"].tolist(),
            "loss": runs["loss"].reshape(shape),
            "blown": runs["blown"].sum(axis=1).reshape(shape[1:3]).tolist(),
        }

    def _equation(self, asked: ModelRun) -> dict[str, Any]:
        """The method, and its models."""
        title, k = self.task.title, self._setting(asked.p, THEORY, asked.multiplier)
        self.context.tick(f"{title}: {asked.paths} paths")
        runs = self._run(f"method-{_name(asked.multiplier)}", [k], asked.steps, asked.paths, METHOD)
        found = {"method": {"steps": runs["steps"].tolist(), "loss": runs["loss"][:, 0], "blown": int(np.sum(runs["blown"]))}}
        spec = {**asdict(asked), "setting": k, "saved": self.task.saved, "seed": MODEL, "coarsest": COARSEST}
        for kind in MODELS:
            self.context.tick(f"{title}: {kind} SDE")
            compute = partial(self._solved, kind, asked, k)
            found[kind] = self._stored(f"{kind}-{_name(asked.multiplier)}", spec, compute)
        return {**found, "setting": asdict(asked)}

    def _solved(self, model: Model, asked: ModelRun, setting: Mapping[str, float]) -> dict[str, Any]:
        from numerics.simulate.refinement import refined

        cap = asked.cap * self.first

        def statistic(ensemble: Any) -> np.ndarray:
            return bounded(ensemble.values["loss"] - self.lowest, cap)

        fine = refined(
            derive.sde(self.problem.compressed, model), self.problem.start, float(asked.steps), statistic, COARSEST, key=MODEL,
            paths=asked.paths, params={"eta": 1.0, "sigma1": self.problem.sigma1, **setting}, loss=self.problem.land,
            save=self.task.saved + 1, dtype=self.problem.dtype,
        )  # fmt: skip
        made = fine.ensemble
        return {
            "loss": np.asarray(made.values["loss"], float) - self.lowest, "error": fine.error, "substeps": fine.substeps,
            "blown": int(made.blow_ups[-1]),
        }  # fmt: skip


def _middle(lengths: np.ndarray) -> np.ndarray:
    """Medians over seeds; the path of a run that left the bound has no length and counts as the longest."""
    return np.median(np.where(np.isfinite(lengths), lengths, np.finfo(np.float32).max), axis=-1)


def _name(p: float) -> str:
    return f"{p:g}".replace(".", "-")
