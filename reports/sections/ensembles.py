"""Runs of each method, compared with the SDEs that model it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final, final

from sdescent.derive.derivation import sde
from sdescent.derive.equations.sde import MODELS
from sdescent.derive.methods.compressors import Unbiased
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.reading.problems import Problem, problem
from sdescent.derive.reading.specs import Spec
from sdescent.derive.reading.sweeps.figures_and_bounds import ESTIMATES
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.names import Kind
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import METHOD as THE_METHOD
from sdescent.reports.claims.evidence import evidence
from sdescent.reports.claims.following import FOLLOW, LEVEL, following, gaps_at_once, largest, percent, quantile_of_all
from sdescent.reports.document.figures import BAND, WIDTH, bands, figure, gaps, legend
from sdescent.reports.document.notation import MEANING, Notation, macro
from sdescent.reports.document.tex import number, uncertain, vector
from sdescent.reports.sections.base import Inputs, Section, reduced
from sdescent.reports.sections.compare import bounded, final_rows, relative_gaps, solved, summary

SEED = 20250600181
#: paths of a pilot run, and of every run of a user's problem that names no number
PATHS = {"quick": 2000, "full": 20000}
#: the runs have so many paths that every gap gets this half-width, but at most so many
HALF_WIDTH = {"quick": 0.02, "full": 0.004}
MOST_PATHS = 1_000_000
#: paths of such a run at a time, as in its pilot run: both use one compiled program
CHUNK = 1024
#: number of saved times; a path that leaves |x_j| <= BOUND has blown up (starting points are within 2)
SAVED, BOUND = 25, 100.0
METHOD: Final = "method"


def cases() -> dict[str, dict[str, Any]]:
    """The built-in comparisons by name, with the fields of a problem file (docs/command-line.md)."""
    rows = (
        ("dsgd", {}, "gaussian:sigma=1", "quadratic:h=1|2", ["2", "-1"], "1/4", "8"),
        ("dcsgd", {"compressor": "rand-k:k=1"}, "student-t:nu=5,sigma=1/2", "cosh", ["3/2", "-1", "1/2"], "1/16", "6"),
        ("dsignsgd", {}, "cauchy:sigma=1", "quadratic:h=1|2", ["2", "-1"], "1/8", "12"),
    )
    keys = ("noise", "loss", "x0", "eta", "T")
    return {
        method: {"method": method, "clients": 4, **more, **dict(zip(keys, values, strict=True))}
        for method, more, *values in rows
    }


@final
class Ensembles(Section):
    """The mean and the 10 % and 90 % quantiles of the loss, for a method and its models, with intervals at the last time.

    With a problem, the method and the further statistics (`quantities`) are the user's; without one, the methods are `cases`.
    """

    name, title = "ensembles", "Methods and their equations, simulated"

    def compute(self, context: Inputs) -> dict[str, Any]:
        user = context.problem
        paths, seed = PATHS[context.size], SEED
        if user is None:
            chosen = {name: problem({**fields, "models": list(MODELS)}) for name, fields in cases().items()}
        else:
            chosen = {} if user.lacking else {"own": user}
            paths = paths if user.paths is None else user.paths
            seed = seed if user.seed is None else user.seed
        half = HALF_WIDTH[context.size] if user is None else None
        bound = max([BOUND, *(BOUND * abs(float(v)) for one in chosen.values() for v in one.x0 or ())])
        runs = RunSettings(paths, seed, bound, half)
        simulated = [{**_settings(name, one), **_simulate(name, one, runs, context)} for name, one in chosen.items()]
        left_out = reduced({"paths": paths}, {"paths": PATHS["full"]}, {"paths": "paths"}) if context.quick else []
        refused = {r["model"]: "refused" for c in simulated for r in c["refused"] if not r["exists"]}
        return {
            "statuses": {} if user is None else refused,
            "evidence": _followed(simulated) if user is None else {},
            "paths": paths,
            "seed": seed,
            "bound": number(bound),
            "half_width": half and number(100 * half),
            "most": f"{MOST_PATHS:,}",
            "decided": half and [*(number(100 * gap) for gap in decided(half)), number(_PROBABILITY)],
            "cases": simulated,
            "left_out": left_out,
            "lacking": [] if user is None else list(map(str, user.lacking)),
            "unwritten": [] if user is None else _unwritten(user),
        }

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        for case in result["cases"]:
            with figure(folder, f"ensemble-{case['name']}", columns=2, size=(WIDTH / 2, 1.9)) as axes:
                times = case["series"][METHOD]["times"]
                bands(axes[0], times, case["series"])
                gaps(axes[1], times, relative_gaps(case["series"]))
                axes[1].set_ylabel("gap to the method (%)")
                axes[0].set_ylabel(r"loss $f(x)$")
                legend(axes)


def _followed(simulated: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The evidence of how closely the models follow the built-in methods."""
    pieces: dict[str, dict[str, Any]] = {}
    for case in simulated:
        words = f"{case['loss']['name']}, {case['noise']['name']} noise"
        anchor = f"fig:ensemble-{case['name']}"
        pieces |= following(case["series"], METHOD, case["name"], ("ensemble", words), anchor)
        if case["sampled"]:
            pieces[f"sampled-{case['name']}"] = _sampled(case, words, anchor)
    return pieces


#: the probability with which a gap that is far enough from the tolerance is told from it
_PROBABILITY = (1 + LEVEL) / 2


def decided(half_width: float) -> tuple[float, float]:
    """The gaps below and above which a gap with this half-width, of all times at once, is decided with `_PROBABILITY`."""
    error = half_width / quantile_of_all(SAVED)
    room = half_width + quantile_of_all(2) * error
    return FOLLOW - room, FOLLOW + room


def _sampled(case: Mapping[str, Any], words: str, anchor: str) -> dict[str, Any]:
    """The evidence that the simulated means agree with the exact ones, at all times and for all runs at once."""
    level = quantile_of_all(1 + sum(len(one["mean"]) - 1 for one in case["sampled"].values())) / quantile_of_all(2)
    outside, compared, worst = 0, 0, 0.0
    for kind, one in case["sampled"].items():
        exact = case["series"][kind]
        for value, half, mean in list(zip(one["mean"], one["interval"], exact["mean"], strict=True))[1:]:
            compared += 1
            worst = max(worst, abs(value / mean - 1))
            outside += abs(value - mean) > level * half + one["solver"]
    return evidence(
        "sampled", THE_METHOD, Verdict.VIOLATED if outside else Verdict.CONFIRMED,
        rf"{case['method']}, {words}: at {compared} times of {len(case['sampled'])} runs the simulated means are within their "
        rf"intervals of the exact ones, which they miss by at most ${number(100 * worst, 2)}\,\%$",
        anchor, compared, outside,
    )  # fmt: skip


@dataclass(frozen=True)
class RunSettings:
    """A section's runs: paths (chosen for the `half_width` of a gap unless None), the method's seed, the bound on |x_j|."""

    paths: int
    seed: int
    bound: float
    half_width: float | None = None


def _settings(name: str, problem: Problem) -> dict[str, Any]:
    """Everything needed to rerun the case, as names, symbols with values, and LaTeX."""
    described = {kind: _described(spec) for kind, spec in problem.specs.items()}
    notation, factor = Notation(), problem.method.schedule.factor
    unbiased = problem.method.plain and isinstance(problem.method.compressor, Unbiased)
    return {
        "name": name,
        "method": problem.method.name,
        "compressor": described.get("compressor"),
        "noise": described.get("noise", {"name": "none", "values": []}),
        "loss": {**described["loss"], "definition": problem.loss.definition(notation)},
        "schedule": None if factor == 1 else notation(factor),
        "clients": str(problem.method.clients),
        "dim": problem.dim,
        "x0": vector(list(map(str, _start(problem)))),
        "unbiased_on_quadratic": unbiased and isinstance(problem.loss, Quadratic) and factor == 1,
        "horizon": str(problem.T),
        "eta": str(problem.eta),
        "steps": math.floor(problem.T / problem.tau) if problem.T and problem.tau else 0,
    }


def _start(problem: Problem) -> tuple[Fraction, ...]:
    assert problem.x0 and problem.dim  # for the type checker
    return problem.x0 * problem.dim if len(problem.x0) == 1 else problem.x0


def _described(spec: Spec) -> dict[str, Any]:
    """A specification such as student-t:nu=5,sigma=1/2 as its name and its values in TeX; several values form a vector."""
    values = []
    for key, value in spec.values:
        head = f"{macro(key) if key in MEANING else key}="
        values.append(vector(list(map(str, value)), head) if isinstance(value, tuple) else f"${head}{value}$")
    return {"name": spec.entry.name, "values": values}


def _unwritten(problem: Problem) -> list[str]:
    """The symbols of the user's loss that no key of the specification can set."""
    if problem.loss is None or problem.dim is None:
        return []
    spec = problem.specs["loss"]
    if any(p.per_coordinate for p in spec.entry.parameters):
        return []
    named = {symbol for _, symbol, _ in spec.symbols()}
    return [name for name in problem.loss.parameters(problem.dim) if name not in named]


def _simulate(name: str, problem: Problem, runs: RunSettings, context: Inputs) -> dict[str, Any]:
    """The results of the method and each model; every run is a separate result in the cache."""
    series, refused, cap = {}, [], None  # the cap is that of the method itself, which comes first
    sampled: dict[str, Any] = {}
    runs = _with_paths(name, problem, runs, context)
    for n, kind in enumerate((METHOD, *MODELS)):
        if kind != METHOD and kind not in problem.models:
            continue
        settings = replace(runs, seed=runs.seed + n)
        context.tick(f"{problem.method.name}: {'the method itself' if kind == METHOD else f'the {kind} model'}")
        spec = {
            "problem": problem.to_dict(), "run": kind, "paths": settings.paths, "seed": settings.seed, "bound": settings.bound,
            "saved": SAVED, "quantiles": BAND, "cap": cap,
        }  # fmt: skip
        compute = partial(_run, problem, kind, settings, cap)
        run = context.cache.load_or_compute(f"ensembles-{name}-{kind}", spec, compute)
        if "refused" in run:
            refused.append({"model": kind, "why": run["refused"], "exists": run["exists"]})
        else:
            exact = context.cache.load_or_compute(
                f"ensembles-{name}-{kind}-exact", {"problem": problem.to_dict(), "run": kind, "times": run["times"]},
                partial(_exact, problem, kind, run["times"]),
            )  # fmt: skip
            if exact["value"]:
                sampled[kind] = {k: run[k] for k in ("mean", "interval")} | {"solver": max(run.get("solver", [0.0]))}
                run = {**run, "mean": exact["value"], "interval": exact["error"]}
                run |= {"solver": [0.0] * len(run["mean"])} if "solver" in run else {}
            series[kind] = run
            cap = series[METHOD]["cap"]
    return {
        "paths": runs.paths,
        "sampled": sampled,
        "series": series,
        "refused": refused,
        "rows": final_rows(series),
        "further": _further_rows(series),
        "seen": _extremes(series),
        "cap": number(series[METHOD]["cap"], 1),
    }


def _exact(problem: Problem, kind: Kind, times: Sequence[float]) -> dict[str, Any]:
    """E f at the saved times where it is known without sampling, {"value", "error", "route"}; "value" is None elsewhere."""
    from sdescent.numerics.without_sampling.mean_losses import mean_losses

    assert problem.eta and problem.tau  # for the type checker: a complete problem states both
    exact = [round(t / float(problem.tau)) * problem.tau for t in times]
    means = mean_losses(problem.method, kind, problem.loss, _start(problem), problem.eta, exact)
    return {"value": None} if means is None else {k: getattr(means, k) for k in ("value", "error", "route")}


def _with_paths(name: str, problem: Problem, runs: RunSettings, context: Inputs) -> RunSettings:
    """The settings with the paths for gaps of this half-width, from a pilot run's spread, or its own number if means are exact."""
    if runs.half_width is None:
        return runs
    pilot = replace(runs, seed=runs.seed + len(MODELS) + 1)
    spec = {"problem": problem.to_dict(), "pilot": asdict(pilot), "saved": SAVED}

    def needed() -> dict[str, Any]:
        assert problem.tau and problem.T  # for the type checker: a complete problem states both
        if _exact(problem, METHOD, [0.0, float(problem.tau)])["value"]:
            return {"paths": runs.paths}
        run = _run(problem, METHOD, pilot, None)
        spread = max(half / mean for half, mean in zip(run["interval"], run["mean"], strict=True) if mean > 0)
        # a gap near the tolerance has the half-width of two means whose spreads are nearly equal
        half = spread * math.sqrt(1 + (1 + FOLLOW) ** 2) * quantile_of_all(SAVED) / quantile_of_all(2)
        return {"paths": min(MOST_PATHS, max(runs.paths, math.ceil(runs.paths * (half / runs.half_width) ** 2)))}

    return replace(runs, **context.cache.load_or_compute(f"ensembles-{name}-paths", spec, needed))


def _further(ensemble: Any, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """The named statistics at the last time, over the paths that did not blow up."""
    from sdescent.numerics.statistics.estimates import over_time

    estimates = {name: over_time(ensemble.values[name][-1:], *BAND).to_dict() for name in names}
    return {
        name: {key: math.nan if (value := estimate[key][0]) is None else value for key in ESTIMATES}
        for name, estimate in estimates.items()
    }


def _further_rows(series: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """A row of LaTeX cells for each further statistic and run."""
    names = next(iter(series.values()))["further"]
    return [
        {
            "statistic": name if n == 0 else "",
            "name": kind,
            "mean": uncertain(estimate["mean"], (estimate["mean_upper"] - estimate["mean_lower"]) / 2),
            **{key: number(estimate[key], 4) for key in ("median", "median_lower", "median_upper", "low", "high")},
        }
        for name in names
        for n, (kind, estimate) in enumerate((kind, run["further"][name]) for kind, run in series.items())
    ]


def _extremes(series: dict[str, Any]) -> str:
    """A sentence about the figure if it shows several models: the largest gap, if one is, and the smallest at the end."""
    method, *_ = series.values()
    ends = {name: largest(gaps_at_once(method, run)) for name, run in series.items() if run is not method}
    last = {name: gaps[-1] for name, gaps in relative_gaps(series).items() if math.isfinite(gaps[-1][0])}
    if len(last) < 2:
        return ""
    bounds = {name: pair for name, pair in ends.items() if pair}
    far = max(bounds, key=lambda name: bounds[name][0])
    near = min(last, key=lambda name: abs(last[name][0]))
    apart = all(bounds[far][0] > high for name, (_, high) in bounds.items() if name != far)
    end = "it" if apart and near == far else f"the {near} model"
    smallest = rf"at the last time {end} has the smallest gap, ${uncertain(*last[near], sign=True)}\,\%$"
    return f"the {far} model has the largest gap, {percent(*bounds[far])}; {smallest}" if apart else smallest


def _run(problem: Problem, kind: Kind, runs: RunSettings, cap: float | None) -> dict[str, Any]:
    """The summary of one run, or {"refused": reason, "exists"} if a model does not exist or cannot be solved."""
    from sdescent.numerics.simulate.equation import refined
    from sdescent.numerics.simulate.method import run
    from sdescent.numerics.simulate.streams_and_statistics import named_statistics

    assert problem.T and problem.eta  # for the type checker: a complete problem states both
    x0 = [float(v) for v in _start(problem)]
    names = [name for name in problem.quantities if name != "loss"]
    shared: dict[str, Any] = {
        "T": float(problem.T), "paths": runs.paths, "key": runs.seed, "params": {"eta": float(problem.eta)},
        "loss": problem.loss, "save": SAVED, "bound": runs.bound, "statistics": named_statistics(names),
    }  # fmt: skip
    if kind == METHOD:
        ensemble = run(problem.method, x0, chunk=None if runs.half_width is None else CHUNK, **shared)
        return {**summary(ensemble, "loss", cap), "further": _further(ensemble, names)}
    try:
        equation = sde(problem.method, kind, problem.loss, problem.dim)
        assert cap is not None  # for the type checker: the method itself comes first
        fine = refined(equation, x0, statistic=lambda e: bounded(e.values["loss"], cap), **shared)
        return {**solved(fine, "loss", cap), "further": _further(fine.ensemble, names)}
    except (Refusal, NoClosedForm) as refusal:
        return {"refused": getattr(refusal, "marked", str(refusal)), "exists": isinstance(refusal, NoClosedForm)}
