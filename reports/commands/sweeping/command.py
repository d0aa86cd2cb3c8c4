"""`sdescent sweep`: read the study, solve the missing points, and summarise them."""

import hashlib
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

from sdescent.derive.reading.sweeps.files import read_sweep
from sdescent.derive.reading.sweeps.panels import check
from sdescent.derive.reading.sweeps.plans import Sweep
from sdescent.derive.reading.toml_file import MANIFEST
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.files import read_regular
from sdescent.reports.commands.progress import Progress
from sdescent.reports.commands.report_derive_list import path_of, print_json, print_lines, writable
from sdescent.reports.commands.sweeping.table import POINTS, Damaged, Store, Table, locked
from sdescent.reports.commands.sweeping.tasks import context, entries, label, own_plugins, require_room, shard, tasks
from sdescent.reports.store.cache import canonical_json
from sdescent.reports.store.files import one_line, write_atomic

#: the most failures that are printed by name
MOST_PRINTED = 10
#: the least number of seconds between two messages of progress
PAUSE = 1.0
LAYOUT = {
    "points": "points/<two digits>/<point>.json: the experiment of each point, and its runs with estimates at each saved time",
    "table": "a row for each point and run: the point's axes, and for each quantity the estimates at the last saved time",
    "intervals": "of level 0.95, over the paths that did not blow up; for means by the central limit theorem (Student), for "
    "medians exact for every law; low and high are the 10 % and 90 % quantiles",
    "unseen": 'for each quantity, why the sample does not see its mean, whose interval is then not sound: "mean-square growth", '
    'second moments grow faster than the square of the mean; "one path", one path has more than a tenth of the sum of all',
    "draws": "points with one seed have common draws: a difference of two of them has less noise than each of them, and their "
    "errors are not independent; repeats (seeds) are independent",
}


def sweep(
    spec: str,
    overrides: Sequence[str] | None,
    out: str,
    jobs: str | None,
    shard: str | None,
    executor: str,
    dry_run: bool,
    status: bool,
    as_json: bool,
    plugins: Sequence[str] | None,
) -> int:
    """`sdescent sweep`: return 0, or 1 if a point failed or a requested model does not exist.

    Raises BadInput for the specification, an override, an option or workers that cannot do the work, and OSError.
    """
    workers, share = _jobs(jobs), _share(shard)
    path = path_of(spec, "SPEC.toml")
    study = read_sweep(path, overrides or ())
    folder = path_of(out, "--out")
    covers: dict[str, Any] = {}
    if any(bound.theorem is not None for bound in study.displays.bounds):
        from sdescent.reports.commands.sweeping.bounds import with_theorems

        study, covers = with_theorems(study, path.parent)
    check(study)
    work = _Work(study, folder, covers, workers, share)
    if status:
        answer = work.state(work.missing())
    elif dry_run:
        answer = work.planned()
    elif executor == "slurm":
        if shard is not None:
            accepted = "nothing with --executor slurm, which makes the shares: --jobs is their number"
            raise BadInput("--shard", shard, accepted)
        loads = [word for file in plugins or () for word in ("--load", str(Path(file).absolute()))]
        answer = work.submitted([str(path.absolute()), *(overrides or ()), "-o", str(folder.absolute()), *loads])
    else:
        answer = work.carried_out(executor)
    (print_json if as_json else _show)(answer)
    return 1 if answer["failed"] or any(not one["exists"] for one in answer.get("refused", [])) else 0


@final
class _Work:
    """A sweep and its folder. `covers` maps the name of a bound to the test of whether its theorem applies."""

    def __init__(self, study: Sweep, folder: Path, covers: Any, workers: int, share: tuple[int, int] | None) -> None:
        self.study, self.folder, self.covers, self.workers = study, folder, covers, workers
        self.store = Store(folder, context())
        self.listed = entries(study, self.store)
        require_room(self.listed)
        self.mine = self.listed if share is None else shard(self.listed, *share)
        self.damaged: set[str] = set()
        self.failed: dict[str, str] = {}

    def carried_out(self, executor: str) -> dict[str, Any]:
        """Solve the missing points, and write table and figures if none is missing any more."""
        with writable(self.folder, (POINTS,), (MANIFEST,)), Progress(sys.stderr) as progress:
            self.store.sweep()
            missing = self.missing()
            reused = len(self.mine) - len(missing)
            started = time.monotonic()
            if missing:
                self._solve(missing, executor, progress)
            answer = {**self.state(self.missing()), "reused": reused, "seconds": round(time.monotonic() - started, 1)}
            if not answer["missing_of_all"]:
                progress("table and figures", 1.0)
                with locked(self.folder):
                    answer |= self._summed_up()
            return answer

    def missing(self) -> list[Any]:
        """The points of this process's share without a complete file."""
        return [entry for entry in self.mine if not self._is_there(entry.name)]

    def _is_there(self, name: str) -> bool:
        try:
            return self.store.get(name) is not None
        except (Damaged, OSError):
            self.damaged.add(name)
            return False

    def _solve(self, missing: Sequence[Any], name: str, progress: Progress) -> None:
        from sdescent.reports.commands.sweeping.executors.choose import chosen

        executor = chosen(name, self.workers)
        planned = tasks(missing, executor.workers, self.store.context, own_plugins() if executor.elsewhere else ())
        labels = {entry.name: label(entry.point) for entry in missing}
        total, done, points, announced = sum(task.seconds for task in planned), 0.0, 0, time.monotonic()
        progress(f"0 of {len(missing)} points", 0.0)
        running = executor.run(planned)
        try:
            for ended in running:
                task = planned[ended.number]
                if ended.refusal is not None:
                    able = "workers that can do the work: the same installation as here"
                    raise BadInput("--executor", ended.refusal, able)
                for point, content in ended.files.items():
                    self.store.put(point, content)
                for point, reason in ended.failed.items():
                    progress.note(f"failed: {labels[point]}: {reason}")
                self.failed |= ended.failed
                done, points = done + task.seconds, points + len(task.points)
                if time.monotonic() - announced > PAUSE or points == len(missing):
                    failures, announced = f", {len(self.failed)} failed" if self.failed else "", time.monotonic()
                    progress(f"{points} of {len(missing)} points{failures}", min(1.0, done / total))
        finally:
            running.close()  # pyright: ignore[reportAttributeAccessIssue]

    def state(self, missing: Sequence[Any]) -> dict[str, Any]:
        """The numbers of points that are done, missing, damaged and failed."""
        labels = {entry.name: label(entry.point) for entry in missing}
        failed = [{"point": name, "at": labels.get(name, name), "reason": why} for name, why in self.failed.items()]
        everywhere = len(missing)
        if self.mine is not self.listed:
            everywhere = sum(not self.store.path(entry.name).exists() for entry in self.listed)
            # files of other processes are read once all are there: one of them may be damaged
            everywhere = everywhere or sum(not self._is_there(entry.name) for entry in self.listed)
        return {
            "points": len(self.listed),
            "share": len(self.mine),
            "done": len(self.mine) - len(missing),
            "missing": len(missing),
            "missing_of_all": everywhere,
            "damaged": len(self.damaged),
            "other": bool(everywhere) and self._is_other(),
            "failed": sorted(failed, key=lambda failure: failure["point"]),
        }

    def _is_other(self) -> bool:
        """Whether the folder's manifest is unreadable or belongs to other points."""
        try:
            return json.loads(read_regular(self.folder / MANIFEST))["hash"] != self._hash
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError):
            return True

    @property
    def _hash(self) -> str:
        """The digest of all points in order."""
        ordered = sorted(self.listed, key=lambda entry: entry.point.number)
        return hashlib.sha256("".join(entry.name for entry in ordered).encode()).hexdigest()

    def planned(self) -> dict[str, Any]:
        """The tasks for the missing points, and how long they may take."""
        missing = self.missing()
        planned = tasks(missing, self.workers, self.store.context, ())
        return {
            **self.state(missing),
            "axes": list(self.study.axes),
            "tasks": len(planned),
            "together": max((len(task.points) for task in planned), default=0),
            "estimated_seconds": round(sum(task.seconds for task in planned) / self.workers, 1),
            "workers": self.workers,
        }

    def submitted(self, command: Sequence[str]) -> dict[str, Any]:
        """The state and the script of an array of tasks, which is submitted if possible."""
        from sdescent.reports.commands.sweeping.executors.choose import submit

        with writable(self.folder, (), ()):
            return {**self.state(self.missing()), **submit(self.folder, command, self.workers)}

    def _summed_up(self) -> dict[str, Any]:
        """Write the table, the figures and the manifest of a sweep whose points are all solved."""
        from sdescent.derive.reading.sweeps.formula_letters import Numbers, numbers_of, of_bounds
        from sdescent.derive.reading.sweeps.panels import survey
        from sdescent.reports.commands.sweeping.bounds import add_bounds, counts, with_the_run
        from sdescent.reports.commands.sweeping.figures import draw_figures

        table, axes, bounds = Table(self.study.axes), survey(self.study), self.study.displays.bounds
        points: dict[str, Numbers] = {}
        experiments: dict[str, Any] = {}
        refused: dict[tuple[str, str], dict[str, Any]] = {}
        for entry in sorted(self.listed, key=lambda entry: entry.point.number):
            body = self._body(entry.name)
            table.add(entry.point, entry.name, body)
            if bounds:
                points[entry.name] = numbers_of(body["point"], entry.point.values)
                experiments[entry.name] = body["point"]
            for run in body["runs"]:
                # the first point's message is used for all, which may differ only in the path and the step
                if "refused" in run:
                    why = f"{run['refused']}: {run['message']}"
                    one = {"run": run["model"], "reason": why, "exists": run["exists"], "points": 0}
                    refused.setdefault((run["model"], run["refused"]), one)["points"] += 1
        letters = of_bounds(axes.letters)
        full, where = with_the_run(bounds, letters, points, experiments), dict[str, dict[str, bool]]()
        if self.covers:  # the import loads the code that proves theorems
            from sdescent.reports.commands.sweeping.bounds import covered

            where = covered(bounds, self.covers, letters, full, experiments)
        add_bounds(table, bounds, letters, full, where)
        places = {entry.name: entry.point.values for entry in self.listed}

        def numbers(name: str) -> Numbers:
            return numbers_of(self._body(name)["point"], places[name])

        figures, line = draw_figures(self.study, table, axes, self.folder, numbers)
        files = [*table.write(self.folder), *(file for figure in figures for file in figure["files"])]
        counted = counts(table, bounds)
        listed = [refused[of] for of in sorted(refused)]
        manifest = {
            "sweep": self.study.to_dict(),
            "axes": list(self.study.axes),
            "points": len(self.listed),
            "hash": self._hash,
            **json.loads(self.store.context),
            "layout": LAYOUT,
            "bounds": counted,
            "refused": listed,
            "runs": table.counts(),
            "figures": figures,
            "no_figures": line,
            "files": files,
            "digests": {name: hashlib.sha256((self.folder / name).read_bytes()).hexdigest() for name in files},
        }
        manifest["sha256"] = hashlib.sha256(canonical_json(manifest).encode()).hexdigest()
        write_atomic(self.folder / MANIFEST, json.dumps(manifest, indent=1, allow_nan=False) + "\n")
        paths = [str(self.folder / name) for name in (MANIFEST, *files)]
        return {"files": paths, "rows": len(table), "refused": listed, "bounds": counted, "no_figures": line}

    def _body(self, name: str) -> dict[str, Any]:
        body = self.store.get(name)
        assert body is not None  # for the type checker: all points are there
        return body


def _jobs(text: str | None) -> int:
    from sdescent.numerics.backend.processors import processors

    if text is None:
        return processors()
    if not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) or int(text) < 1:
        raise BadInput("--jobs", text, "a whole number from 1 to 999999")
    return int(text)


def _share(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    share = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text, re.ASCII)
    if share is None or not 1 <= int(share[1]) <= int(share[2]):
        raise BadInput("--shard", text, "I/N with whole numbers 1 <= I <= N, such as 3/10 for the third of ten shares")
    return int(share[1]), int(share[2])


def _show(answer: dict[str, Any]) -> None:
    share = "" if answer["share"] == answer["points"] else f" (this share: {answer['share']})"
    states = f"{answer['done']} done, {answer['missing']} missing, {len(answer['failed'])} failed"
    print(f"{answer['points']} points{share}: {states}")
    if answer.get("bounds"):
        from sdescent.reports.commands.sweeping.bounds import granted, summary_line

        print_lines((*map(summary_line, answer["bounds"]), *granted(answer["bounds"])), 1000)
    if answer["damaged"]:
        then = "were solved again" if "reused" in answer and not answer["missing"] else "count as missing"
        print(f"{answer['damaged']} damaged files were found: their points {then}", file=sys.stderr)
    if "estimated_seconds" in answer:
        print(f"axes: {', '.join(answer['axes']) or 'none'}")
        print(f"{answer['tasks']} tasks of at most {answer['together']} points, at most about {answer['estimated_seconds']:g} s "
              f"on {answer['workers']} workers, plus some seconds to compile each kind of run")  # fmt: skip
    if "script" in answer:
        print(one_line(answer["script"], 10_000))
        print(answer["submitted"] or "sbatch is not installed here: submit the script on a machine that has it")
    failed = (f"failed: {failure['at']}: {failure['reason']}" for failure in answer["failed"][:MOST_PRINTED])
    print_lines(failed, 1000, sys.stderr)
    if len(answer["failed"]) > MOST_PRINTED:
        print(f"and {len(answer['failed']) - MOST_PRINTED} more; --json lists all", file=sys.stderr)
    what, listed = {True: "no numbers of", False: "no"}, answer.get("refused", [])
    refused = [f"{what[r['exists']]} {r['run']} at {r['points']} points ({r['reason']})" for r in listed]
    print_lines([*refused, *filter(None, [answer.get("no_figures")])], 1000, sys.stderr)
    print_lines(answer.get("files", []))
    if answer["other"]:
        print("table, figures and manifest in the folder belong to another sweep", file=sys.stderr)
    if "reused" in answer and answer["missing_of_all"] and not answer["missing"]:
        missing = f"{answer['missing_of_all']} points of other shares are missing"
        print(f"{missing}; when none is missing, run without --shard to write tables and figures")
