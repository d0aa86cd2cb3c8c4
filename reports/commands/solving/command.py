"""`sdescent solve`: read the experiment, compute the missing parts, and summarise them."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sdescent.derive.reading.experiments import METHOD, Experiment, read_experiment
from sdescent.derive.reading.sweeps.figures_and_bounds import ESTIMATES
from sdescent.reports.assembly.plan import COMPILING
from sdescent.reports.commands.progress import Progress
from sdescent.reports.commands.report_derive_list import path_of, print_json, print_lines, writable
from sdescent.reports.store.cache import canonical_json, damaged_note, provenance, surroundings

Tick = Callable[[str, float], None]


def solve(spec: str, out: str, as_json: bool) -> int:
    """`sdescent solve`: return 0, or 1 if a requested model does not exist; others are solved all the same. BadInput, OSError."""
    experiment = read_experiment(path_of(spec, "SPEC.toml"))
    folder = path_of(out, "--out")
    from sdescent.reports.commands.solving.results import FIGURES, RESULTS, SUMMARY
    from sdescent.reports.commands.solving.runs import alone

    folders = (RESULTS, FIGURES, ".work")
    with writable(folder, folders, (SUMMARY,)), alone(folder, out), Progress(sys.stderr) as progress:
        summary, history = carry_out(experiment, folder, progress)
    (print_json if as_json else _show)({**_short(summary, folder), **history})
    return 1 if any(not refused["exists"] for refused in summary["refused"]) else 0


def identity(experiment: Experiment, context: Mapping[str, Any] | None = None) -> str:
    """A text that is equal only for experiments with equal results: the request, and its `surroundings`."""
    return canonical_json({"experiment": experiment.to_dict(), **surroundings(context)})


def carry_out(experiment: Experiment, folder: Path, progress: Tick) -> tuple[dict[str, Any], dict[str, Any]]:
    """Solve the missing runs, and write archives, figures and summary.json into `folder`; report the fraction done to `progress`.

    Returns the summary, and the names of runs that already existed and of parts that were damaged and computed again. Raises
    BadInput for a number that makes a run impossible, OSError.
    """
    from sdescent.numerics.studies.records import CANNOT, reason
    from sdescent.reports.commands.solving.results import LAYOUT, draw, finish, sweep
    from sdescent.reports.commands.solving.runs import Parts, runs

    sweep(folder)
    started = time.monotonic()
    context = provenance()
    work = Parts(folder / ".work", identity(experiment, context))
    listed, entries, refused, reused = runs(experiment), [], [], []
    done = _Done(listed, work, progress)
    _compile_ahead(listed, work, done)
    for run in listed:
        entry = _complete_entry(run, folder, work)
        if entry is None:
            try:
                entry = _computed(run, folder, work, done)
            except CANNOT as error:
                refused.append({"eta": str(run.problem.eta), "model": run.kind, **reason(error)})
                continue
        else:
            reused.append(run.name)
        entries.append(entry)
    progress("figures", 1.0)
    summary = {
        "hash": work.hash,
        "experiment": experiment.to_dict(),
        "context": context,
        "layout": LAYOUT,
        "runs": entries,
        "refused": refused,
        "notes": notes(experiment) + [note for entry in entries for note in _of_run(entry)],
        "figures": draw(entries, folder, work),
        "seconds": round(time.monotonic() - started, 1),
    }
    finish(summary, folder)
    return summary, {"reused": reused, "damaged": work.damaged}


def notes(experiment: Experiment) -> list[str]:
    """Notes on default choices that may surprise the user."""
    problem = experiment.problems[0]
    x0, dim = list(problem.x0 or ()), problem.dim or 1
    return [f"x0 = {x0[0]} is the start of each of the {dim} coordinates"] if len(x0) == 1 < dim else []


def _of_run(entry: Mapping[str, Any]) -> Iterator[str]:
    """Warnings about the numbers of a run."""
    from sdescent.derive.equations.rule_equation import LARGE, RangeKind
    from sdescent.derive.printing.text import left_range

    for kind, largest in entry["settings"].get("ranges", {}).items():
        if largest > LARGE:
            yield f"eta = {entry['eta']}, {entry['model']}: {left_range(RangeKind(kind), largest)}"
    for reason in dict.fromkeys(reason for reasons in entry["unseen"].values() for reason in reasons):
        of = ", ".join(name for name, reasons in entry["unseen"].items() if reason in reasons)
        yield f"eta = {entry['eta']}, {entry['model']}: mean not seen by the sample ({reason}), so its interval is not sound: {of}"


def _compile_ahead(listed: list[Any], work: Any, done: _Done) -> None:
    """Start compiling for the first step size with missing runs (most share its programs), and load the libraries for figures."""
    there, begun = work.names(), None
    for run in listed:
        lacking = [part for n, part in enumerate(run.parts) if part_name(run, n) not in there]
        if run.name in there or not lacking:
            continue
        if begun not in (None, run.number):
            break
        done.tell(run, "its program")
        try:
            if run.ahead(*lacking[0]):
                begun = run.number
                done.compiled(run)
        except Exception:  # the run raises it again when its turn comes
            break
    if begun is not None:
        from sdescent.reports.document.figures import load

        load()


class _Done:
    """A counter of the finished share of the missing work of all runs, by the estimates of `run_seconds`, for `progress`."""

    def __init__(self, listed: list[Any], work: Any, progress: Tick) -> None:
        there, self._progress = work.names(), progress
        self._total, self._done = 0.0, 0.0
        self._begun: set[str] = set()
        for run in listed:
            if run.name not in there:
                missing = sum(b - a for n, (a, b) in enumerate(run.parts) if part_name(run, n) not in there)
                self._total += run.seconds(missing) + COMPILING if missing else 0.0

    def tell(self, run: Any, state: str) -> None:
        """Report the state of a run as progress."""
        what = "the method" if run.kind == METHOD else f"the {run.kind} model"
        share = min(1.0, self._done / self._total) if self._total else 0.0
        self._progress(f"eta = {run.problem.eta}: {what}, {state}", share)

    def add(self, run: Any, paths: int) -> None:
        """Count `paths` more paths of a run as done, and its compilation if not yet counted."""
        self.compiled(run)
        self._done += run.seconds(paths)

    def compiled(self, run: Any) -> None:
        """Count the run's compilation as done."""
        self._done += 0.0 if run.name in self._begun else COMPILING
        self._begun.add(run.name)


def part_name(run: Any, n: int) -> str:
    """The name of the n-th part of a run, from 0."""
    return f"{run.name}-{n:05d}"


def _complete_entry(run: Any, folder: Path, work: Any) -> dict[str, Any] | None:
    """The entry of a run if its archive exists and is complete, else None."""
    from sdescent.reports.commands.solving.results import sha256_of

    entry = work.get_record(run.name)
    if entry is None or sha256_of(folder / entry["file"]) != entry["sha256"]:
        if entry is not None and (folder / entry["file"]).exists():
            work.damaged.append(run.name)
        return None
    _drop_parts(run, work)  # parts left by a process that was killed before it could drop them
    return entry


def _drop_parts(run: Any, work: Any) -> None:
    # by their names, since the number of parts is known only from the derived equation
    for name in work.names():
        if re.fullmatch(rf"{run.name}-\d{{5,}}", name):
            work.drop(name)


def _computed(run: Any, folder: Path, work: Any, done: _Done) -> dict[str, Any]:
    """Compute the missing parts of a run and return its entry; it raises what `Run.solve` raises."""
    from sdescent.reports.commands.solving.results import publish

    settings = work.get_record(f"{run.name}-settings")
    for n, (first, stop) in enumerate(run.parts):
        done.tell(run, f"{100 * n // len(run.parts) // 10 * 10} % of the paths")
        if settings is not None and work.get(part_name(run, n)) is not None:
            continue
        arrays, settings = run.compute(first, stop)
        if n == 0:
            work.put_record(f"{run.name}-settings", settings)
        work.put_arrays(part_name(run, n), arrays)
        done.add(run, stop - first)

    def stored_parts() -> Iterator[Any]:
        for n, (first, stop) in enumerate(run.parts):
            arrays = work.get_arrays(part_name(run, n))
            yield run.compute(first, stop)[0] if arrays is None else arrays  # the part was damaged after the check

    entry = publish(run, run.joined(stored_parts()), settings or {}, folder, work)
    work.put_record(run.name, entry)
    _drop_parts(run, work)
    return entry


def _short(summary: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The command's answer: the files, and the estimates at the last saved time."""
    return {
        "files": {
            "summary": str(folder / "summary.json"),
            "results": [str(folder / run["file"]) for run in summary["runs"]],
            "figures": [str(folder / name) for name in summary["figures"]],
        },
        "hash": summary["hash"],
        "runs": [
            {
                **{name: run[name] for name in ("eta", "model")},
                **{name: run["settings"][name] for name in ("T", "end")},
                "time": run["times"][-1],
                "paths": run["settings"]["paths"],
                "blow_ups": run["blow_ups"]["count"],
                "unseen": run["unseen"],
                "quantities": {
                    q: {name: estimates[name][-1] for name in ESTIMATES} for q, estimates in run["quantities"].items()
                },
            }
            for run in summary["runs"]
        ],
        **{name: summary[name] for name in ("refused", "notes", "seconds")},
    }


def _show(answer: Mapping[str, Any]) -> None:
    for run in answer["runs"]:
        lost = f"{run['blow_ups']} of {run['paths']} paths blew up"
        print(f"eta = {run['eta']}, {run['model']}: {lost}; at t = {run['time']:g}")
        for name, estimates in run["quantities"].items():
            text = {key: "-" if value is None else f"{value:.5g}" for key, value in estimates.items()}
            mean = f"mean {text['mean']} [{text['mean_lower']}, {text['mean_upper']}]"
            print(f"    {name}: {mean}, median {text['median']}, 10-90 % [{text['low']}, {text['high']}]")
    short = {run["eta"]: run for run in answer["runs"] if run["end"] != run["T"]}
    for eta, run in short.items():
        end_note = f"T = {run['T']:g} is not a whole number of steps (eta = {eta})"
        print(f"{end_note}: the last step ends at t = {run['end']:g}", file=sys.stderr)
    for note in [*answer["notes"], *([damaged_note(answer["damaged"])] if answer["damaged"] else [])]:
        print(note, file=sys.stderr)
    print_lines((answer["files"]["summary"], *answer["files"]["results"], *answer["files"]["figures"]))
    refused = (f"eta = {r['eta']}: no {r['model']} ({r['refused']}): {r['message']}" for r in answer["refused"])
    print_lines(refused, 1000, sys.stderr)
