"""One problem of the experiments: its step rules are tuned, run over seeds and compared (theory 9).

A study does all this for one seed of `SEEDS`, from which the starting point and every key follow. Every run is a separate result in
the cache; everything else here is a function of the results of the runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import Any, final

import numpy as np

from sdescent.derive.derivation import sde
from sdescent.derive.vocabulary.names import Model
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.measure.growth import upper_line
from sdescent.numerics.simulate.chunks import LANES
from sdescent.numerics.simulate.equation import refined
from sdescent.numerics.tasks import criteria as claims
from sdescent.numerics.tasks import step_rules
from sdescent.numerics.tasks.data import load_breast_cancer
from sdescent.numerics.tasks.losses_over_data import digits_network, logistic_regression, minimise
from sdescent.numerics.tasks.noise_and_curvature import descent_points, measure_curvature
from sdescent.numerics.tasks.step_rules import NORMALISED, RULES, THEORY, RaceProblem, race, step
from sdescent.reports.paper.experiments import image_problems
from sdescent.reports.paper.experiments.image_problems import ImageTask
from sdescent.reports.sections.base import Inputs
from sdescent.reports.sections.compare import bounded

#: the seeds of the studies
SEEDS = (0, 1)
#: keys of the first study: for tuning, the reported runs, DSignSGD, the method, its models, and the choice of DSignSGD's length
TUNED, REPORTED, SIGNS, METHOD, MODEL, LENGTH = 101, 202, 303, 404, 505, 606
#: the first seed of the further starts from which curvature is measured
START = 900
#: the keys of another study are larger by this number times its seed
APART = 1000
#: the logistic regression starts at 0 in the first study, and at a draw from N(0, SPREAD^2 I) in the others
SPREAD = 1.0
#: largest number of seeds for the choice of DSignSGD's number of steps
LOOKED_AT = 40
#: initial number of solver steps per step of the method
COARSEST = 1
#: the models that are solved; theory 9 makes no claim about the second-order one
MODELS = ("first-order", "corrected")
#: the reported runs at each sparsity: the rule and the origin of its multiplier
HELD, BEST, UNTUNED = "held", "tuned", "own"
EQUAL = {UNTUNED: "as long as own", BEST: "as long as tuned"}
KINDS = (
    *((rule, HELD) for rule in RULES),
    (THEORY, UNTUNED),
    *((rule, BEST) for rule in RULES),
    *((NORMALISED, kind) for kind in EQUAL.values()),
)


@dataclass(frozen=True)
class ModelRun:
    """A run and its equations: sparsity, multiplier of the theory rule, numbers of steps and paths, and cap over initial loss."""

    p: float
    multiplier: float
    steps: int
    paths: int
    cap: float = 10.0


@dataclass(frozen=True)
class VariantSize:
    """The variants of `sdescent.reports.paper.experiments.variants` to run, and their sizes.

    `names` are keys of `variants` there, `keeps` probabilities p of the sparsifier, the largest first (for Rand-k 1). DCSGD has
    `steps` (Rand-k as many as the main setting), `saved` times after the first and `seeds`; DSignSGD at most `sign_most` steps, if
    a variant has it, else those of the main setting. `scales` are of Cauchy noise, `sigma0` of affine noise; `batch` is a client's.
    """

    names: tuple[str, ...]
    keeps: tuple[float, ...]
    saved: int
    steps: int
    seeds: int
    sign_most: int = 0
    sign_seeds: int = 0
    scales: tuple[float, ...] = ()
    sigma0: float = 0.1
    batch: int = 16


@dataclass(frozen=True)
class Task:
    """The runs on one problem. Dimensionless.

    Args:
        name, title: names of the problem; `name` is a key of `PROBLEMS`.
        samples: number of the data's samples to use, from the first on; None for all.
        keeps: probabilities p of the sparsifier, from 1 down.
        grids: for each rule of `RULES` the first and the last exponent of its grid (`sdescent.numerics.tasks.step_rules.grid`).
        steps, saved: number of steps of DCSGD, and of saved times after the first one.
        tuned, seeds: number of seeds for tuning, and of further seeds that are reported.
        sign_saved: number of saved times of DSignSGD after the first one.
        sign_steps, sign_most: least and largest number of its steps; the number doubles until constant steps are stationary.
        sign_seeds, scales, constant, decaying: number of seeds of DSignSGD, scales sigma of the Cauchy noise, and c of the steps c
            and c/sqrt(n+1); the first of each is judged.
        descent: step sizes of the gradient descent along which the Hessian is measured, its number of steps, and the number of
            points kept for each step size.
        equations: runs of the first study that are compared with their equations.
        variants: the runs with another compressor, and those that theory 1 does not cover, or None.
        clients, sigma1: N, and the affine noise of DCSGD.
        images: the classifier of images, for a problem with one.
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
    sign_saved: int
    sign_steps: int
    sign_most: int
    sign_seeds: int
    scales: tuple[float, ...]
    constant: tuple[float, ...]
    decaying: tuple[float, ...]
    descent: tuple[tuple[float, ...], int, int]
    equations: tuple[ModelRun, ...]
    variants: VariantSize | None = None
    clients: int = 8
    sigma1: float = 0.2
    images: ImageTask | None = None


#: (task, seed) -> the problem, its loss over samples, and facts for the tables
Prepared = tuple[RaceProblem, Any, dict[str, Any]]


def digits(task: Task, seed: int) -> Prepared:
    """The network on the digits data. Its minimum f* >= 0 is not known, so losses are f itself."""
    network, land = digits_network(task.samples)
    problem = RaceProblem(task.name, land, network.start(seed), task.clients, task.sigma1)
    return problem, network, {"samples": len(network.labels), "hidden": network.hidden, "lowest": 0.0}


def breast_cancer(task: Task, seed: int) -> Prepared:
    """Logistic regression on the breast-cancer data. Losses are f - f*, with the minimum from Newton's method."""
    regression, land = _regression()
    start = SPREAD * np.random.default_rng(seed).standard_normal(regression.dim) if seed else np.zeros(regression.dim)
    problem = RaceProblem(task.name, land, start, task.clients, task.sigma1, "float64")
    return problem, regression, {"samples": regression.samples, "l2": "0.01", "lowest": minimise(regression).loss}


@cache
def _regression() -> tuple[Any, Any]:
    """The loss and its batch form, kept because the object identifies compiled programs."""
    regression = logistic_regression(load_breast_cancer(), l2=0.01)
    return regression, Landscape(regression.loss)


PROBLEMS: dict[str, Callable[[Task, int], Prepared]] = {"digits": digits, "breast-cancer": breast_cancer}


@final
class Study:
    """The results of one task with one seed. Refusal if the data are not installed."""

    def __init__(self, task: Task, seed: int, context: Inputs) -> None:
        self.task, self.seed, self.context = task, seed, context
        self.tick("curvature")
        if task.images is None:
            self.problem, self.loss, self.about = PROBLEMS[task.name](task, seed)
        else:
            self.problem, self.loss, self.about = image_problems.prepared(
                task.name, task.samples, task.clients, task.sigma1, task.images, seed, context.data
            )
            way = task.images.batch, task.descent[0][0], task.descent[1], task.sigma1
            noise = self.stored("noise", {}, lambda: image_problems.affine_noise(self.problem, self.loss, *way))
            self.problem = replace(self.problem, sigma0=noise["sigma0"], sigma1=noise["sigma1"])
            self.about["sampling"] = noise
        self.lowest = self.about["lowest"]
        self.first = float(self.problem.land.value(jnp.asarray(self.problem.start)[:, None])[0]) - self.lowest
        self.curvature = self.stored("curvature", {}, self._curvature)
        self.line = self.curvature["l0"], self.curvature["l1"]

    def result(self) -> dict[str, Any]:
        """The settings, the losses over seeds and the runs of the equations."""
        growth = {p: self.problem.growth(p) for p in self.task.keeps}
        tuned = self._tuned(growth)
        held = {rule: tuned[self.task.keeps[0]][rule]["best"] for rule in RULES}
        runs = [self._reported(p, growth[p], tuned[p], held) for p in self.task.keeps]
        about = {**self.about, "dim": len(self.problem.start), "dtype": self.problem.dtype, "start": self.first}
        return {
            "task": asdict(self.task),
            "seed": self.seed,
            "about": about,
            "curvature": self.curvature,
            "growth": list(growth.values()),
            "held": held,
            "tuned": list(tuned.values()),
            "runs": runs,
            "signs": self._signs(),
            "equations": [self._equation(run) for run in self.task.equations] if self.seed == SEEDS[0] else [],
        }

    def tick(self, label: str) -> None:
        """Announce a part of the work."""
        self.context.tick(f"{self.task.title}, study {1 + self.seed}: {label}")

    def key(self, purpose: int) -> int:
        """The key for runs with this purpose in this study."""
        return purpose + APART * self.seed

    def stored(self, label: str, more: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
        """The result of a run, stored or computed now; it is identified by the problem and the run's own settings."""
        t = self.task
        spec = {"name": t.name, "samples": t.samples, "clients": t.clients, "sigma1": t.sigma1, "seed": self.seed}
        spec |= {"spread": SPREAD, "descent": t.descent, **more}
        if t.images is not None:
            spec |= {"images": asdict(t.images), "digest": self.about["digest"]}
        return self.context.cache.load_or_compute(f"experiments-{t.name}-{self.seed}-{label}", spec, compute)

    def _curvature(self) -> dict[str, Any]:
        etas, steps, keep = self.task.descent
        land, start, dtype, image_task = self.problem.land, self.problem.start, self.problem.dtype, self.task.images
        if image_task is not None:
            others = [self.loss.start(self.key(START + n)) for n in range(image_task.starts)]
            start = np.stack([start, *others], axis=1)
        points = descent_points(land, start, etas, np.linspace(0, steps, keep), dtype)
        measured = measure_curvature(land, points, seed=self.seed)
        l0, l1 = upper_line(measured.gradient_norm, measured.curvature)
        return {**asdict(measured), "starts": start.size // len(start), "l0": l0, "l1": l1}

    def run(
        self, label: str, settings: list[dict[str, float]], steps: int, seeds: int, key: int, signs: bool = False,
        saved: int | None = None, variant: tuple[RaceProblem, Mapping[str, Any]] | None = None,
    ) -> Any:  # fmt: skip
        """The statistics of the runs (`race`), (S, settings, seeds) each, with losses capped, stored under `label`.

        `variant` is another problem with this loss, and the values that identify it.
        """
        saved = self.task.saved if saved is None else saved
        problem, more = variant or (self.problem, {})
        work: dict[str, Any] = {"settings": settings, "steps": steps, "saved": saved, "seeds": seeds, "key": key}

        def raced() -> dict[str, Any]:
            result = race(problem, problem.signs if signs else problem.compressed, **work)
            return {**asdict(result), "loss": result.loss - self.lowest}

        result = self.stored(label, {**work, "signs": signs, **more}, raced)
        return {**result, "loss": claims.capped(result["loss"], self.first)}

    def setting(self, p: float, rule: str, m: float, problem: RaceProblem | None = None) -> dict[str, float]:
        """The numbers of a run of the problem, or of another one with this loss, at this sparsity."""
        problem = problem or self.problem
        k0, k1 = step(rule, m, problem.growth(p), self.line, problem.floor(p))
        return {**({"p": p} if problem.compressor == step_rules.SPARSIFIER else {}), "k0": k0, "k1": k1}

    @staticmethod
    def together(keeps: Sequence[float], paths: int) -> list[Sequence[float]]:
        """The sparsities in groups for one run each, which fill a chunk (`paths` each): it takes as long if it is half empty."""
        size = max(1, LANES // paths)
        return [keeps[n : n + size] for n in range(0, len(keeps), size)]

    def _tuned(self, growth: Mapping[float, float]) -> dict[float, dict[str, Any]]:
        """For each sparsity and rule its grid, the last losses and the best multiplier; also the length of the theory's path."""
        points = {rule: step_rules.grid(*ends) for rule, ends in zip(RULES, self.task.grids, strict=True)}

        def settings(p: float) -> list[dict[str, float]]:
            tried = [(rule, step_rules.multiplier(rule, x, growth[p])) for rule in RULES for x in points[rule]]
            return [self.setting(p, rule, m) for rule, m in [*tried, (THEORY, 1.0)]]

        tuned = {}
        paths = (1 + sum(map(len, points.values()))) * self.task.tuned
        for group in self.together(self.task.keeps, paths):
            self.tick(f"tuning, p = {', '.join(f'{p:g}' for p in group)}")
            listed = [one for p in group for one in settings(p)]
            label = "-".join(["tuning", *map(_name, group)])
            runs = self.run(label, listed, self.task.steps, self.task.tuned, self.key(TUNED))
            last = {name: np.split(runs[name][-1], len(group)) for name in ("loss", "length")}
            for n, p in enumerate(group):
                tuned[p] = _best(points, growth[p], last["loss"][n], last["length"][n])
        return tuned

    def _reported(self, p: float, growth: float, tuned: Mapping[str, Any], held: Mapping[str, float]) -> dict[str, Any]:
        """The losses of all kinds of runs at one sparsity, on seeds that were not used for tuning."""
        self.tick(f"runs, p = {p:g}")
        plain = tuned[NORMALISED]
        lengths = {UNTUNED: tuned["own"], BEST: tuned[THEORY]["length"][tuned[THEORY]["index"]]}
        matched = {EQUAL[k]: step_rules.matched(plain["m"], plain["length"], target) for k, target in lengths.items()}
        of_kind = {HELD: held, UNTUNED: {THEORY: 1.0}, BEST: {rule: tuned[rule]["best"] for rule in RULES}}
        of_kind |= {kind: {NORMALISED: m} for kind, m in matched.items()}
        multipliers = [of_kind[kind][rule] for rule, kind in KINDS]
        settings = [self.setting(p, rule, m) for (rule, _), m in zip(KINDS, multipliers, strict=True)]
        runs = self.run(f"runs-{_name(p)}", settings, self.task.steps, self.task.seeds, self.key(REPORTED))
        return {
            "p": p, "omega": 1 / p - 1, "growth": growth, "m": multipliers, "steps": runs["steps"].tolist(),
            "loss": runs["loss"], "length": runs["length"][-1], "blown": runs["blown"].sum(axis=1).tolist(),
        }  # fmt: skip

    def _signs(self) -> dict[str, Any]:
        """The runs of DSignSGD with constant and decaying steps, for each noise scale."""
        t = self.task
        steps = self._stationary_from()
        self.tick(f"DSignSGD, {steps} steps")
        kinds = [(0.0, c) for c in t.constant] + [(0.5, c) for c in t.decaying]
        settings = [{"c": c, "q": q, "sigma": sigma} for sigma in t.scales for q, c in kinds]
        variant, key, saved = None, self.key(SIGNS), t.sign_saved
        if t.images is not None:
            noisy = image_problems.with_signs(self.problem, self.loss, settings, t.sign_seeds, t.images.batch)
            variant = noisy, {}
        runs = self.run("signs", settings, steps, t.sign_seeds, key, signs=True, saved=saved, variant=variant)
        shape = (t.sign_saved + 1, len(t.scales), len(kinds), t.sign_seeds)
        return {
            "kinds": [{"q": q, "c": c} for q, c in kinds],
            "steps": runs["steps"].tolist(),
            "loss": runs["loss"].reshape(shape),
            "blown": runs["blown"].sum(axis=1).reshape(shape[1:3]).tolist(),
        }

    def _stationary_from(self) -> int:
        """The least of sign_steps, twice that, .. below sign_most (judged on its own runs) that is stationary on other seeds."""
        t = self.task
        tried = t.sign_most // 2
        if tried < t.sign_steps:
            return t.sign_most
        self.tick("DSignSGD, number of steps")
        settings = [{"c": t.constant[0], "q": 0.0, "sigma": sigma} for sigma in t.scales]
        saved, seeds = t.sign_saved * (tried // t.sign_steps), min(t.sign_seeds, LOOKED_AT)
        loss = self.run("length", settings, tried, seeds, self.key(LENGTH), signs=True, saved=saved)["loss"]
        stride = 1
        while stride * t.sign_saved <= saved:
            runs = np.moveaxis(loss[: stride * t.sign_saved + 1 : stride], 1, 0)
            if all(claims.stationary(run, self.first, len(t.scales))[0] == "stationary" for run in runs):
                return t.sign_steps * stride
            stride *= 2
        return t.sign_most

    def _equation(self, run: ModelRun) -> dict[str, Any]:
        """The losses of the method and of its models."""
        k = self.setting(run.p, THEORY, run.multiplier)
        self.tick(f"{run.paths} paths")
        runs = self.run(f"method-{_name(run.multiplier)}", [k], run.steps, run.paths, self.key(METHOD))
        method = {"steps": runs["steps"].tolist(), "loss": runs["loss"][:, 0], "blown": int(np.sum(runs["blown"]))}
        by_kind = {"method": method}
        spec = {**asdict(run), "setting": k, "saved": self.task.saved, "key": self.key(MODEL), "coarsest": COARSEST}
        for kind in MODELS:
            self.tick(f"{kind} SDE")
            compute = partial(self._solved, kind, run, k)
            by_kind[kind] = self.stored(f"{kind}-{_name(run.multiplier)}", spec, compute)
        return {**by_kind, "setting": asdict(run)}

    def _solved(self, model: Model, run: ModelRun, setting: Mapping[str, float]) -> dict[str, Any]:
        params = {"eta": 1.0, "sigma1": self.problem.sigma1, **setting}
        fine = refined(
            sde(self.problem.compressed, model), self.problem.start, float(run.steps),
            lambda ensemble: bounded(ensemble.values["loss"] - self.lowest, run.cap * self.first), COARSEST,
            key=self.key(MODEL), paths=run.paths, params=params, loss=self.problem.land, save=self.task.saved + 1,
            dtype=self.problem.dtype,
        )  # fmt: skip
        solution = fine.ensemble
        return {
            "loss": np.asarray(solution.values["loss"], float) - self.lowest, "error": fine.error, "substeps": fine.substeps,
            "blown": int(solution.blow_ups[-1]),
        }  # fmt: skip


def _best(points: Mapping[str, Sequence[float]], growth: float, loss: np.ndarray, length: np.ndarray) -> dict[str, Any]:
    """The best points at one sparsity, from last losses and lengths (settings, seeds); the last setting is the theory itself."""
    by_rule, at = {}, 0
    for rule, xs in points.items():
        grid = [step_rules.multiplier(rule, x, growth) for x in xs]
        losses, lengths = loss[at : at + len(grid)], length[at : at + len(grid)]
        at += len(grid)
        index, edge = step_rules.best(losses)
        by_rule[rule] = {
            "x": list(xs), "m": grid, "best": grid[index], "index": index,
            "edge": edge, "loss": np.median(losses, axis=1).tolist(),
            "low": losses.min(axis=1).tolist(), "high": losses.max(axis=1).tolist(),
            "length": np.median(finite(lengths), axis=-1).tolist(),
        }  # fmt: skip
    return {**by_rule, "own": float(np.median(finite(length[at])))}


def finite(lengths: np.ndarray) -> np.ndarray:
    """The lengths of paths; a run that exceeded the bound counts as the longest."""
    return np.where(np.isfinite(lengths), lengths, np.finfo(np.float32).max)


def _name(p: float) -> str:
    return f"{p:g}".replace(".", "-")
