"""`sdescent measure`: read the settings and the model, measure the missing points, and say what follows from all."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, final

from sdescent.derive.reading.measurements import read_measurement
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.commands.progress import Progress
from sdescent.reports.commands.report_derive_list import path_of, print_json, writable
from sdescent.reports.store.cache import canonical_json, damaged_note, provenance
from sdescent.reports.store.files import sweep_temporaries, write_atomic

if TYPE_CHECKING:
    from sdescent.numerics.measure.study import Study

Tick = Callable[[str, float], None]
ANSWER, FIGURES = "measurement.json", "figures"
#: the work of a forecast and of the grid, in points
_FORECAST, _GRID = 6.0, 4.0


def measure(spec: str, out: str, quick: bool, models: Sequence[str] | None, as_json: bool) -> int:
    """`sdescent measure`: return 0, or 1 if the run blows up before two points are measured.

    Raises:
        BadInput: the settings or the model contain an error, or another process is writing into the folder.
        OSError: a file cannot be read, or the folder cannot be written.
    """
    defined = _loaded(models or ())
    settings = read_measurement(path_of(spec, "FILE.toml"), quick)
    folder = path_of(out, "--out")
    if len(defined) != 1:
        accepted = "--load model.py, one Python file that defines loss, params and data (docs/howto/measure.md)"
        raise BadInput("--load", f"{len(defined) or 'no'} file{'s' if len(defined) > 1 else ''} with a loss", accepted)
    from sdescent.numerics.measure.model import model_of
    from sdescent.numerics.measure.study import Study
    from sdescent.reports.commands.solving.runs import Parts, alone

    study = Study(model_of(vars(defined[0]), Path(str(defined[0].__file__)).name, settings.clients), settings)
    with writable(folder, (FIGURES, ".work"), (ANSWER,)), alone(folder, out), Progress(sys.stderr) as progress:
        sweep_temporaries(folder / FIGURES, older=0.0)
        work = Parts(folder / ".work", _identity(study))
        answer = carry_out(study, work, folder, progress)
    if work.damaged:
        print(damaged_note(work.damaged), file=sys.stderr)
    if as_json:
        print_json(answer)
    else:
        from sdescent.reports.commands.measuring.table import show

        show(answer, folder)
    return 1 if len(answer["points"]) < 2 else 0


def _loaded(files: Sequence[str]) -> list[ModuleType]:
    """The modules of the files that define a loss; the other files are pieces of the user's own."""
    # double precision must be set before the files make their arrays
    from sdescent.derive.vocabulary.plugin_loading import load, modules
    from sdescent.numerics.backend.double import jax  # noqa: F401

    defined = []
    for file in files:
        root = load(path_of(file, "--load")).root
        defined += [m for m in modules() if getattr(m, "__file__", None) == str(root) and hasattr(m, "loss")]
    return defined


def _identity(study: Study) -> str:
    """A text that is equal only for measurements with equal results; the model's arrays may come from elsewhere than its file."""
    import numpy as np

    from sdescent.numerics.backend.double import jax

    digest = hashlib.sha256()
    for leaf in jax.tree.leaves((study.model.params, study.model.data, study.model.shards)):
        array = np.ascontiguousarray(leaf)
        digest.update(f"{array.dtype}{array.shape}:".encode())
        digest.update(array.tobytes())
    where = {"machine": platform.machine(), "backend": jax.default_backend()}
    return canonical_json(
        {"settings": study.settings.to_dict(), "arrays": digest.hexdigest(), "context": provenance(), **where}
    )


def carry_out(study: Study, work: Any, folder: Path, progress: Tick) -> dict[str, Any]:
    """Measure what is missing, conclude, and write measurement.json and the figures into `folder`; return the answer.

    Raises:
        OSError: the folder cannot be written.
    """
    from sdescent.numerics.measure.conclusions import fits, step_sizes, theorems
    from sdescent.numerics.measure.forecast import Forecast
    from sdescent.numerics.measure.points import Point
    from sdescent.numerics.statistics.record import rebuilt

    began, steps = time.monotonic(), study.steps()
    starts, checks = study.starts(steps), study.checks(steps)
    states = _States(study, work, {*starts, *checks})
    done = _Done(progress, len(steps) + _FORECAST * len(starts) + len(checks) + _GRID)
    points, blown = [], None
    for step in steps:
        done.begin(f"step {step} of {steps[-1]}")
        record = work.get_record(f"point-{step}")
        if record is None:
            state = states.at(step)
            if study.blown_up(state):
                blown = step
                break
            record = {**study.point(state, step).to_dict(), "seconds": done.seconds()}
            work.put_record(f"point-{step}", record)
        points.append(record)
        done.end(1.0)
    reached = [rebuilt(Point, p) for p in points]
    by_step = {p.step: p for p in reached}
    forecasts, checked = [], []
    for step in (s for s in starts if s in by_step):
        done.begin(f"forecast from step {step}")
        forecasts.append(
            _kept(work, f"forecast-{step}", lambda s=step: study.forecast(states.at(s), s, by_step[s]).to_dict())
        )
        done.end(_FORECAST)
    for step in (s for s in checks if s in by_step):
        done.begin(f"curvature of all examples at step {step}")
        checked.append(_kept(work, f"check-{step}", lambda s=step: _check(study, states.at(s), by_step[s])))
        done.end(1.0)
    done.begin("a grid of step sizes")
    grid = _kept(work, "grid", lambda: {"rows": study.grid()})["rows"]
    done.begin("theorems")
    answer = {
        "settings": study.settings.to_dict(),
        "population": _population(study),
        "blown_up_by": blown,
        "points": points,
        "fits": fits(reached).to_dict() if len(reached) > 1 else None,
        "stability": [study.runs.rate(p.step) * p.hessian.norm for p in reached],
        "checks": checked,
        "forecast": [rebuilt(Forecast, f).to_dict() for f in forecasts],
        "assumptions": [{**j.to_dict(), "status": str(j.status)} for j in theorems(study, reached)],
        "step_sizes": sizes.to_dict() if len(reached) > 1 and (sizes := step_sizes(study, reached)) else None,
        "grid": _grid(grid),
        "cost": {"seconds": round(time.monotonic() - began, 1), "points": round(sum(p["seconds"] for p in points), 1)},
        "context": provenance(),
    }
    if len(reached) > 1:
        from sdescent.reports.sections.measured_figures import draw

        done.begin("figures")
        answer["figures"] = draw(answer, folder / FIGURES)
    write_atomic(folder / ANSWER, json.dumps(answer, indent=1, allow_nan=False) + "\n")
    progress("done", 1.0)
    return answer


def _kept(work: Any, name: str, compute: Callable[[], Any]) -> Any:
    """The stored record of this name, computed and stored if it is missing."""
    record = work.get_record(name)
    if record is None:
        work.put_record(name, record := compute())
    return record


def _check(study: Study, state: Any, point: Any) -> dict[str, float]:
    return {"step": point.step, "subsample": point.hessian.norm, "all": study.curvature_of_all(state, point.step)}


def _population(study: Study) -> dict[str, Any]:
    population, curved = study.population, study.curved
    return {
        "n": study.model.examples,
        "d": population.d,
        "clients_share_examples": not study.model.split,
        "mean_over_examples": study.mean_of_examples,
        "units": population.units,
        "unit": "batch" if population.batched else "example",
        "all_examples": population.whole,
        "curvature_units": curved.units,
        "curvature_of_all": curved.whole,
        "draws": study.draws,
        "sampling": study.settings.sampling,
        "update": "x - eta G" if study.model.optimizer is None else "of the model file",
        "no_forecast": study.no_forecast(),
        "omega": study.omega,
    }


def _grid(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The grid with means over runs; the best is the one with the least mean among those that did not blow up."""
    if not rows:
        return None
    from sdescent.numerics.statistics.estimates import mean

    listed = [
        {"eta": row["eta"], "loss": mean([math.inf if v is None else v for v in row["losses"]]).to_dict()}
        for row in rows
    ]
    sound = [row for row in listed if not row["loss"]["blown"]]
    return {"rows": listed, "best": min(sound, key=lambda row: row["loss"]["value"])["eta"] if sound else None}


@final
class _States:
    """The states of the main run, stored as the run goes on; those that are not kept are dropped when the next one is stored."""

    def __init__(self, study: Study, work: Any, keep: set[int]) -> None:
        self._study, self._work, self._keep = study, work, keep
        self._last: tuple[int, Any] | None = None

    def at(self, step: int) -> Any:
        """The state at a step, from the nearest stored one before it."""
        import numpy as np

        from sdescent.numerics.backend.double import jax, jnp

        first, state = 0, self._study.runs.start()
        leaves, tree = jax.tree.flatten(state)
        stored = sorted((int(n.partition("-")[2]) for n in self._work.names() if n.startswith("state-")), reverse=True)
        if self._last is not None and self._last[0] <= step and not any(self._last[0] < s <= step for s in stored):
            first, state = self._last
        else:
            for place in (s for s in stored if s <= step):
                arrays = self._work.get_arrays(f"state-{place}")
                if arrays is not None:
                    first = place
                    state = jax.tree.unflatten(tree, [jnp.asarray(arrays[f"a{n}"]) for n in range(len(leaves))])
                    break
        state = self._study.advance(state, first, step)
        if step not in stored:
            self._work.put_arrays(
                f"state-{step}", {f"a{n}": np.asarray(a) for n, a in enumerate(jax.tree.leaves(state))}
            )
            for place in (s for s in stored if s < step and s not in self._keep):
                self._work.drop(f"state-{place}")
        self._last = step, state
        return state


@final
class _Done:
    """A counter of the finished share of the work, in points."""

    def __init__(self, progress: Tick, whole: float) -> None:
        self._progress, self._whole, self._finished = progress, whole, 0.0
        self._began = time.monotonic()

    def begin(self, label: str) -> None:
        """Report what is in progress."""
        self._began = time.monotonic()
        self._progress(label, min(1.0, self._finished / self._whole))

    def seconds(self) -> float:
        """Seconds since the piece began."""
        return round(time.monotonic() - self._began, 3)

    def end(self, work: float) -> None:
        """Count a piece as finished."""
        self._finished += work
