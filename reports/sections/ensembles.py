"""Each method as it is run, compared with the SDEs that model it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final, final

from sdescent.derive.derivation import sde
from sdescent.derive.equations.models import MODELS
from sdescent.derive.reading.problems import Problem, problem
from sdescent.derive.reading.specs import Spec
from sdescent.derive.vocabulary.choices import Kind
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.reports.claims.following import following
from sdescent.reports.document.figures import BAND, bands, figure, gaps, legend
from sdescent.reports.document.notation import MEANING, Notation, macro
from sdescent.reports.document.numbers import number, uncertain
from sdescent.reports.document.vectors import vector
from sdescent.reports.sections.base import Inputs, Section, reduced
from sdescent.reports.sections.compare import bounded, final_rows, relative_gaps, solved, summary

SEED = 20250600181
PATHS = {"quick": 2000, "full": 20000}
#: saved times; a path that leaves |x_j| <= BOUND has blown up (the starting points are within 2)
SAVED, BOUND = 25, 100.0
METHOD: Final = "method"


def cases() -> dict[str, dict[str, Any]]:
    """The built-in comparisons by name, in the fields of a problem file (docs/command-line.md)."""
    return {
        "dsgd": {
            "method": "dsgd",
            "noise": "gaussian:sigma=1",
            "clients": 4,
            "loss": "quadratic:h=1|2",
            "x0": ["2", "-1"],
            "eta": "1/4",
            "T": "8",
        },
        "dcsgd": {
            "method": "dcsgd",
            "compressor": "rand-k:k=1",
            "noise": "student-t:nu=5,sigma=1/2",
            "clients": 4,
            "loss": "cosh",
            "x0": ["3/2", "-1", "1/2"],
            "eta": "1/16",
            "T": "6",
        },
        "dsignsgd": {
            "method": "dsignsgd",
            "noise": "cauchy:sigma=1",
            "clients": 4,
            "loss": "quadratic:h=1|2",
            "x0": ["2", "-1"],
            "eta": "1/8",
            "T": "12",
        },
    }


@final
class Ensembles(Section):
    """Mean, 10 % and 90 % quantiles of the loss, of a method and its models, with intervals at the last time.

    With a problem, the method is the user's, and further statistics that it names (`quantities`) are compared at the last time;
    without one, the methods of `cases` are compared.
    """

    name, title = "ensembles", "Methods and their equations, simulated"

    def compute(self, context: Inputs) -> dict[str, Any]:
        own = context.problem
        paths, seed = PATHS["quick" if context.quick else "full"], SEED
        if own is None:
            chosen = {name: problem({**fields, "models": list(MODELS)}) for name, fields in cases().items()}
        else:
            chosen = {} if own.lacking else {"own": own}
            paths = paths if own.paths is None else own.paths
            seed = seed if own.seed is None else own.seed
        bound = max([BOUND, *(BOUND * abs(float(v)) for asked in chosen.values() for v in asked.x0 or ())])
        runs = RunSettings(paths, seed, bound)
        found = [{**_settings(name, asked), **_simulate(name, asked, runs, context)} for name, asked in chosen.items()]
        return {
            "statuses": {}
            if own is None
            else {r["model"]: "refused" for c in found for r in c["refused"] if not r["exists"]},
            "paths": paths,
            "seed": seed,
            "bound": number(bound),
            "cases": found,
            "evidence": {} if own is not None else _followed(found),
            "left_out": reduced({"paths": paths}, {"paths": PATHS["full"]}, {"paths": "paths"})
            if context.quick
            else [],
            "lacking": [] if own is None else [str(lack) for lack in own.lacking],
            "unwritten": [] if own is None else _unwritten(own),
        }

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        for case in result["cases"]:
            with figure(folder, f"ensemble-{case['name']}", columns=2, size=(3.1, 1.9)) as axes:
                times = case["series"][METHOD]["times"]
                bands(axes[0], times, case["series"])
                gaps(axes[1], times, relative_gaps(case["series"]))
                axes[1].set_ylabel("gap (%)")
                axes[0].set_ylabel(r"loss $f(x)$")
                legend(axes)


def _followed(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """How closely the models follow the built-in methods."""
    made: dict[str, dict[str, Any]] = {}
    for case in found:
        words = f"{case['loss']['name']}, {case['noise']['name']} noise"
        made |= following(case["series"], METHOD, case["name"], ("ensemble", words), f"fig:ensemble-{case['name']}")
    return made


@dataclass(frozen=True)
class RunSettings:
    """How every run of a section is made: independent paths, the seed of the method, and the box |x_j| <= bound."""

    paths: int
    seed: int
    bound: float


def _settings(name: str, asked: Problem) -> dict[str, Any]:
    """Everything needed to run the case again, as names, symbols with values, and LaTeX."""
    described = {kind: _described(spec) for kind, spec in asked.specs.items()}
    notation, factor = Notation(), asked.method.schedule.factor
    return {
        "name": name,
        "method": asked.method.name,
        "compressor": described.get("compressor"),
        "noise": described.get("noise", {"name": "none", "values": []}),
        "loss": {**described["loss"], "definition": asked.loss.definition(notation)},
        "schedule": None if factor == 1 else notation(factor),
        "clients": str(asked.method.clients),
        "dim": asked.dim,
        "x0": vector(list(map(str, _start(asked)))),
        "horizon": str(asked.T),
        "eta": str(asked.eta),
        "steps": math.floor(asked.T / asked.tau) if asked.T and asked.tau else 0,
    }


def _numbers(asked: Problem) -> tuple[list[float], float, float]:
    """Starting point (d,), horizon and step size of a case."""
    assert asked.T and asked.eta  # for the type checker: a problem that lacks nothing states them
    return [float(v) for v in _start(asked)], float(asked.T), float(asked.eta)


def _start(asked: Problem) -> tuple[Fraction, ...]:
    assert asked.x0 and asked.dim  # for the type checker
    return asked.x0 * asked.dim if len(asked.x0) == 1 else asked.x0


def _described(spec: Spec) -> dict[str, Any]:
    """student-t:nu=5,sigma=1/2 -> its name and its values as TeX; several values of one symbol as a vector."""
    values = []
    for key, value in spec.values:
        left = f"{macro(key) if key in MEANING else key}="
        values.append(vector(list(map(str, value)), left) if isinstance(value, tuple) else f"${left}{value}$")
    return {"name": spec.entry.name, "values": values}


def _unwritten(asked: Problem) -> list[str]:
    """Symbols of the loss to which no key of a specification can give a number."""
    if asked.loss is None or asked.dim is None:
        return []
    spec = asked.specs["loss"]
    if any(p.per_coordinate for p in spec.entry.parameters):
        return []
    named = {symbol for _, symbol, _ in spec.symbols()}
    return [name for name in asked.loss.parameters(asked.dim) if name not in named]


def _simulate(name: str, asked: Problem, runs: RunSettings, context: Inputs) -> dict[str, Any]:
    """The method and each model; every run is a separate result in the cache."""
    series, refused, cap = {}, [], None  # of the method itself, which comes first
    for n, kind in enumerate((METHOD, *MODELS)):
        if kind != METHOD and kind not in asked.models:
            continue
        own = replace(runs, seed=runs.seed + n)
        context.tick(f"{asked.method.name}: {'the method itself' if kind == METHOD else f'the {kind} model'}")
        spec = {
            "problem": asked.to_dict(), "run": kind, **asdict(own), "saved": SAVED, "quantiles": BAND, "cap": cap,
        }  # fmt: skip
        found = context.cache.load_or_compute(f"ensembles-{name}-{kind}", spec, partial(_run, asked, kind, own, cap))
        if "refused" in found:
            refused.append({"model": kind, "why": found["refused"], "exists": found["exists"]})
        else:
            series[kind] = found
            cap = series[METHOD]["cap"]
    return {
        "series": series,
        "refused": refused,
        "rows": final_rows(series),
        "further": _further_rows(series),
        "seen": _seen(series),
        "cap": number(series[METHOD]["cap"], 1),
    }


def _further(ensemble: Any, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """The named statistics at the last time, over the paths that did not blow up."""
    from sdescent.numerics.statistics.estimates import over_time

    found = {name: over_time(ensemble.values[name][-1:], *BAND).to_dict() for name in names}
    kept = ("mean", "mean_lower", "mean_upper", "median", "median_lower", "median_upper", "low", "high")
    return {
        name: {key: math.nan if (value := own[key][0]) is None else value for key in kept}
        for name, own in found.items()
    }


def _further_rows(series: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """A row of LaTeX cells for each further statistic and run."""
    names = next(iter(series.values()))["further"]
    return [
        {
            "statistic": name if n == 0 else "",
            "name": kind,
            "mean": uncertain(own["mean"], (own["mean_upper"] - own["mean_lower"]) / 2),
            **{key: number(own[key], 4) for key in ("median", "median_lower", "median_upper", "low", "high")},
        }
        for name in names
        for n, (kind, own) in enumerate((kind, run["further"][name]) for kind, run in series.items())
    ]


def _seen(series: dict[str, Any]) -> str:
    """What the figure of several models shows: which one has the largest gap, and which one the smallest at the last time."""
    found = relative_gaps(series)
    largest = {
        name: max((abs(g) for g, _ in gaps if math.isfinite(g)), default=math.nan) for name, gaps in found.items()
    }
    last = {name: gaps[-1] for name, gaps in found.items() if math.isfinite(gaps[-1][0])}
    if len(last) < 2:
        return ""
    far, near = max(last, key=lambda name: largest[name]), min(last, key=lambda name: abs(last[name][0]))
    end = "it" if near == far else f"the {near} model"
    return (
        rf"the {far} model has the largest gap, ${number(largest[far])}\,\%$; at the last time {end} has the smallest, "
        rf"${uncertain(*last[near], sign=True)}\,\%$"
    )


def _run(asked: Problem, kind: Kind, runs: RunSettings, cap: float | None) -> dict[str, Any]:
    """The summary of one run, or {"refused": reason, "exists"} for a model that does not exist or cannot be solved."""
    from sdescent.numerics.simulate.method import run
    from sdescent.numerics.simulate.refinement import refined
    from sdescent.numerics.simulate.runs import named_statistics

    x0, horizon, eta = _numbers(asked)
    names = [name for name in asked.quantities if name != "loss"]
    shared: dict[str, Any] = {
        "T": horizon, "paths": runs.paths, "key": runs.seed, "params": {"eta": eta},
        "loss": asked.loss, "save": SAVED, "bound": runs.bound, "statistics": named_statistics(names),
    }  # fmt: skip
    if kind == METHOD:
        found = run(asked.method, x0, **shared)
        return {**summary(found, "loss", cap), "further": _further(found, names)}
    try:
        equation = sde(asked.method, kind, asked.loss, asked.dim)
        assert cap is not None  # for the type checker: the method itself comes first
        fine = refined(equation, x0, statistic=lambda e: bounded(e.values["loss"], cap), **shared)
        return {**solved(fine, "loss", cap), "further": _further(fine.ensemble, names)}
    except (Refusal, NoClosedForm) as refusal:
        return {"refused": getattr(refusal, "marked", str(refusal)), "exists": isinstance(refusal, NoClosedForm)}
