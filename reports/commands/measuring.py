"""`sdescent measure`: read the settings and the model, measure the missing points, say what follows from all, and print it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, final

import numpy as np
from rich.console import Console

from sdescent.derive.reading.measurements import read_measurement
from sdescent.derive.reading.toml_file import MEASUREMENT, MEASUREMENT_FORMAT
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.files import read_regular
from sdescent.derive.vocabulary.plugin_loading import load, modules
from sdescent.numerics.backend.double import (  # before the user's files make their arrays: it sets the precision
    jax,
    jnp,
)
from sdescent.numerics.measure.growth import fits
from sdescent.numerics.measure.model import model_of
from sdescent.numerics.measure.points import Point
from sdescent.numerics.measure.study import Study
from sdescent.numerics.statistics.estimates import rebuilt
from sdescent.reports.commands.progress import Progress
from sdescent.reports.commands.report_derive_list import path_of, print_json, writable
from sdescent.reports.commands.solving.runs import Parts, alone, packed
from sdescent.reports.commands.terminal import table
from sdescent.reports.sections.measured import draw, forecast_notes, forecast_rows, lines, theorem_rows
from sdescent.reports.store.cache import canonical_json, damaged_note, provenance, surroundings
from sdescent.reports.store.files import one_line, sweep_temporaries, write_atomic

FIGURES = "figures"
#: the work of a forecast and of the grid, in points
_FORECAST, _GRID = 6.0, 4.0


def measure(spec: str, out: str, quick: bool, models: Sequence[str] | None, as_json: bool) -> int:
    """`sdescent measure`: return 0, or 1 if the run blows up before two points are measured.

    Raises BadInput for settings, model, or a folder in use or with another format, Refusal if a batch's loss is no mean, OSError.
    """
    defined = _loaded(models or ())
    settings = read_measurement(path_of(spec, "FILE.toml"), quick)
    folder = path_of(out, "--out")
    _require_same_format(folder / MEASUREMENT, out)
    if len(defined) != 1:
        accepted = "--load model.py, one Python file that defines loss, params and data (docs/howto/measure.md)"
        raise BadInput("--load", f"{len(defined) or 'no'} file{'s' if len(defined) > 1 else ''} with a loss", accepted)
    study = Study(model_of(vars(defined[0]), Path(str(defined[0].__file__)).name, settings.clients), settings)
    with writable(folder, (FIGURES, ".work"), (MEASUREMENT,)), alone(folder, out), Progress(sys.stderr) as progress:
        sweep_temporaries(folder / FIGURES, older=0.0)
        work = Parts(folder / ".work", _identity(study))
        answer = carry_out(study, work, folder, progress)
    if work.damaged:
        print(damaged_note(work.damaged), file=sys.stderr)
    if as_json:
        print_json(answer)
    else:
        show(answer, folder)
    return 1 if len(answer["points"]) < 2 else 0


def _loaded(files: Sequence[str]) -> list[ModuleType]:
    """The modules of the files that define a loss; the other files are pieces of the user's own."""
    defined = []
    for file in files:
        root = load(path_of(file, "--load")).root
        defined += [m for m in modules() if getattr(m, "__file__", None) == str(root) and hasattr(m, "loss")]
    return defined


def _require_same_format(path: Path, option: str) -> None:
    """Raise BadInput for a measurement.json of another format, which would be replaced."""
    if not path.is_file():
        return
    try:
        written = json.loads(read_regular(path))["format"]
    except (ValueError, TypeError, KeyError, RecursionError):
        written = None
    if written != MEASUREMENT_FORMAT:
        accepted = f"another folder, or {option} without this file (this version writes {MEASUREMENT_FORMAT})"
        raise BadInput("--out", f"{MEASUREMENT} of the format {written}", accepted)


def _identity(study: Study) -> str:
    """A text that is equal only for measurements with equal results; the model's arrays may come from elsewhere than its file."""
    model = study.model
    arrays = {str(n): np.asarray(a) for n, a in enumerate(jax.tree.leaves((model.params, model.data, model.shards)))}
    digest = hashlib.sha256(packed(arrays)).hexdigest()
    return canonical_json({"settings": study.settings.to_dict(), "arrays": digest, **surroundings()})


def carry_out(study: Study, work: Parts, folder: Path, progress: Progress) -> dict[str, Any]:
    """Measure what is missing, conclude, write measurement.json and figures (OSError) into `folder`; return the answer."""
    steps, run, population = study.steps(), _Run(study, work), study.population
    starts = study.starts(steps)
    whole, finished = len(steps) + _FORECAST * len(starts) + _GRID, 0.0

    def piece(name: str, label: str, size: float, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The stored piece of the work with this name and size in points, computed and stored if it is missing."""
        nonlocal finished
        progress(label, finished / whole)
        record = work.get_record(name)
        if record is None:
            work.put_record(name, record := compute())
        finished += size
        return record

    points, reached, forecasts, blown = [], list[Point](), [], None
    for step in steps:
        compute = lambda s=step: {} if study.blown_up(run.at(s)) else study.point(run.at(s), s).to_dict()  # noqa: E731
        record = piece(f"point-{step}", f"step {step} of {steps[-1]}", 1.0, compute)
        if not record:
            blown = step
            break
        points.append(record)
        reached.append(point := rebuilt(Point, record))
        if step in starts:
            ahead = lambda s=step, p=point: study.forecast(run.at(s), s, p).to_dict()  # noqa: E731
            forecasts.append(piece(f"forecast-{step}", f"forecast from step {step}", _FORECAST, ahead))
    rows = piece("grid", "a grid of step sizes", _GRID, lambda: {"rows": study.grid()})["rows"]
    progress("theorems and figures", 1.0)
    sound = {row["eta"]: row["loss"]["value"] for row in rows if not row["loss"]["blown"]}
    measured = (np.array(v) for v in zip(*((p.gradient, p.trace.value, p.hessian) for p in reached), strict=True))
    answer = {
        "format": MEASUREMENT_FORMAT,
        "settings": study.settings.to_dict(),
        "population": {
            "n": study.model.examples,
            "d": population.d,
            "units": population.units,
            "all_examples": population.whole,
            "curvature_units": study.curved.units,
            "curvature_of_all": study.curved.whole,
            "omega": study.omega,
        },
        "blown_up_by": blown,
        "points": points,
        "fits": fits(*measured).to_dict() if len(reached) > 1 else None,
        "forecast": forecasts,
        "assumptions": [judged.to_dict() for judged in study.theorems(reached)],
        "grid": {"rows": rows, "best": min(sound, key=sound.__getitem__, default=None)} if rows else None,
        "context": provenance(),
    }
    answer["figures"] = draw(answer, folder / FIGURES) if len(reached) > 1 else []
    write_atomic(folder / MEASUREMENT, json.dumps(answer, indent=1, allow_nan=False) + "\n")
    progress("done", 1.0)
    return answer


@final
class _Run:
    """The main run, whose last state is stored: what was measured before it is stored too."""

    def __init__(self, study: Study, work: Parts) -> None:
        self._study, self._work, self._step, self._state = study, work, 0, study.runs.start()
        if arrays := work.get_arrays("state"):
            self._step = int(arrays.pop("step"))
            self._state = jax.tree.unflatten(jax.tree.structure(self._state), map(jnp.asarray, arrays.values()))

    def at(self, step: int) -> Any:
        """The state at a step; before the last one, which a damaged piece of the work asks for, from the start."""
        if step < self._step:
            self._step, self._state = 0, self._study.runs.start()
        if self._step < step:
            self._step, self._state = step, self._study.advance(self._state, self._step, step)
            self._work.drop("state")
            leaves = {str(n): np.asarray(a) for n, a in enumerate(jax.tree.leaves(self._state))}
            self._work.put_arrays("state", {"step": np.array(step), **leaves})
        return self._state


def show(answer: Mapping[str, Any], folder: Path) -> None:
    """Print the answer: what was measured and on what, theorems, forecasts, limits, files."""
    console = Console(file=sys.stdout)
    settings, population, points = answer["settings"], answer["population"], answer["points"]
    method = " ".join(settings["method"].values())
    eta = f"eta {settings['eta']}" if settings["eta"] else "the file's update"
    head = f"{method}: d {population['d']}, n {population['n']}, N {settings['clients']} x B {settings['batch']}, {eta}"
    print(f"{head}, {settings['sampling']}, {len(points)} points, {settings['steps']} steps")
    if answer["blown_up_by"] is not None:
        print(f"the run BLEW UP by step {answer['blown_up_by']}")
    if len(points) < 2:
        return
    for name, text in lines(answer):
        print(f"{name:<12}{text}")
    print()
    if rows := forecast_rows(answer["forecast"]):
        table(console, "loss ahead, with 95 % intervals", ("from", "run", "gauss", "quadratic"), rows)
    for note in forecast_notes(answer["forecast"]):
        print(note)
    if rows := theorem_rows(answer["assumptions"]):
        grid = answer["grid"]
        best = f" (the best of the grid is {grid['best']:g})" if grid and grid["best"] else ""
        title = (
            f"theorems: the largest eta at the points measured{best}, and the longest steps at them if they differ; assumptions "
            "that fail, that no data decide, and that hold with fitted constants (in brackets: with constants from every second "
            "point they fail)"
        )
        table(console, title, ("theorem", "eta", "assumptions"), rows)
    elif settings["eta"] is None:
        print("theorems    none: they are about x - eta G, and the model file has its own update\n")
    for path in (folder / MEASUREMENT, *(folder / FIGURES / name for name in answer["figures"])):
        print(one_line(str(path), 10_000))
