"""The plan of a sweep: the order in which its points are solved, and the tasks that they form."""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, final

from sdescent.derive.reading.experiments import METHOD, Experiment
from sdescent.derive.reading.sweeps.plans import Point, Sweep
from sdescent.derive.reading.sweeps.values import as_json
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.names import Kind
from sdescent.derive.vocabulary.plugin_loading import elsewhere, installed, load_elsewhere, named
from sdescent.reports.assembly.plan import run_seconds
from sdescent.reports.commands.sweeping.table import Store, packed
from sdescent.reports.store.cache import canonical_json, surroundings
from sdescent.reports.store.files import one_line

#: the most characters of the reason why a point failed
_LONGEST = 500


@final
@dataclass(frozen=True)
class Task:
    """Points that are solved together, by their digests with the fields of their experiments, in about so many seconds.

    `context` is all else that results depend on: a worker with another one refuses the task. `plugins` are loaded first.
    """

    number: int
    points: Mapping[str, Mapping[str, Any]]
    seconds: float
    context: str
    plugins: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class Done:
    """Each point's file by name, or why it failed, all if the workers died; `refusal` is why this worker can do no task at all."""

    number: int
    files: Mapping[str, bytes]
    failed: Mapping[str, str]
    refusal: str | None = None


def own_plugins() -> tuple[str, ...]:
    """The plugins of this process, for `Task.plugins`. Raises BadInput if another process cannot load some of them."""
    paths = elsewhere()
    if paths is None:
        raise BadInput("--load", "pieces of a script or a session", "a file of pieces, which workers can load too")
    return tuple(paths)


def context() -> str:
    """All on which a study's numbers depend besides its points, as JSON: versions, source, plugins, kinds of machine and device."""
    installed()
    return _context(canonical_json(named()))


@cache
def _context(plugins: str) -> str:
    """The `context` for the loaded plugins, computed once, since it reads the source."""
    return canonical_json(surroundings())


def carry_out(task: Task) -> Done:
    """Solve a task's points; one kind of machine gives the same bytes. Raises nothing, since not every exception can be sent."""
    try:
        _load(task.plugins)
        if context() != task.context:
            context_found = "other packages, source, plugins or kind of machine"
            accepted = "those of this process; restart workers that loaded other plugins before"
            raise BadInput("a worker", context_found, accepted)
    except Exception as error:  # whatever a plugin or a broken installation raises
        return Done(task.number, {}, {}, _cause(error))
    return Done(task.number, *_solved(task.points))


def _cause(error: Exception) -> str:
    return one_line(error.message if isinstance(error, BadInput) else f"{type(error).__name__}: {error}", _LONGEST)


@cache
def _load(plugins: tuple[str, ...]) -> None:
    """Load the plugins once per process: a file that is executed again has new classes, and so new programs."""
    load_elsewhere(list(plugins))


def _solved(points: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, bytes], dict[str, str]]:
    try:
        return _files(points), {}
    except Exception as error:  # a fault of one point must not make the others fail
        if len(points) == 1:
            return {}, dict.fromkeys(points, _cause(error))
    files: dict[str, bytes] = {}
    failed: dict[str, str] = {}
    for name, fields in points.items():
        written, lost = _solved({name: fields})
        files |= written
        failed |= lost
    return files, failed


def _files(points: Mapping[str, Mapping[str, Any]]) -> dict[str, bytes]:
    from sdescent.numerics.studies.records import records
    from sdescent.numerics.studies.together import growth_of, members, solve_together

    read = members(points.values())
    runs: list[list[dict[str, Any]]] = [[] for _ in read]
    kinds: dict[Kind, None] = dict.fromkeys(kind for member in read for kind in member.like.kinds)
    for kind in kinds:
        numbers = [n for n, member in enumerate(read) if kind in member.like.kinds]
        outcomes = solve_together(kind, [read[n] for n in numbers])
        growths = [growth_of(kind, read[n]) for n in numbers]
        quantities = [read[n].like.quantities for n in numbers]
        for n, run in zip(numbers, records(kind, outcomes, quantities, growths), strict=True):
            runs[n].append(run)
    each = zip(points, read, runs, strict=True)
    return {name: packed({"point": member.written, "runs": listed}) for name, member, listed in each}


#: the least and the most seconds of a task, the number of tasks for each worker, and the most points of a task
LEAST, MOST, EACH, TOGETHER = 1.0, 20.0, 6, 512
#: the most numbers that the paths of a point may have: 512 MiB in double precision
MOST_KEPT = 2**26
#: the values of a noise, a compressor, a method and its constants, which may differ between points that are solved together
_VALUES = re.compile(r'("(?:noise|compressor|method)":"[A-Za-z0-9-]+):[^"]*"|("params":\{)[^{}]*\}')
_SIZES = re.compile(r'"(?:eta|T|clients|paths|x0|seed)":(?:"[^"]*"|\[[^\]]*\]|[^,}]*)')


@final
@dataclass(frozen=True)
class Entry:
    """A point in the order of solving, its name (a digest), and a text that is equal for points that may be solved together."""

    point: Point
    name: str
    alike: str


def entries(sweep: Sweep, store: Store) -> list[Entry]:
    """All points of a sweep, in an order that depends on the sweep alone, with points that may be solved together side by side."""
    listed = [Entry(point, store.name(point.key), _VALUES.sub(r'\1\2"', point.key)) for point in sweep.points()]
    place = {text: n for n, text in reversed(list(enumerate(entry.alike for entry in listed)))}
    return sorted(listed, key=lambda entry: (place[entry.alike], entry.point.key))


def require_room(listed: Sequence[Entry]) -> None:
    """Raise BadInput if the values of a point do not fit into the memory of a task."""
    from sdescent.numerics.studies.together import member

    for entry in {entry.alike: entry for entry in listed}.values():
        experiment = entry.point.experiment()
        if (sized := member(experiment)).width > MOST_KEPT:
            most = MOST_KEPT // (sized.width // experiment.paths)
            limit = f"at most {most} in a sweep that keeps so much of each ({label(entry.point)}); `solve` accepts more"
            raise BadInput("paths", experiment.paths, limit)


def shard(listed: Sequence[Entry], number: int, count: int) -> list[Entry]:
    """Share `number`, from 1, of `count` shares of about equal work; points that can be solved together mostly stay together."""
    costs = list(itertools.accumulate(_costs(listed)))
    total = costs[-1] if costs else 0.0
    shares = (max(1, math.ceil(cost / total * count - 1e-9)) for cost in costs)
    return [entry for entry, share in zip(listed, shares, strict=True) if share == number]


def tasks(missing: Sequence[Entry], workers: int, context: str, plugins: tuple[str, ...]) -> list[Task]:
    """The tasks for the missing points; none is longer than needed to keep all workers busy."""
    costs = list(_costs(missing))
    aim, planned = min(MOST, max(LEAST, sum(costs) / (workers * EACH))), list[Task]()
    for _, group in itertools.groupby(zip(missing, costs, strict=True), key=lambda pair: pair[0].alike):
        for part, seconds in _parts(group, aim):
            points = {entry.name: entry.point.fields for entry in part}
            planned.append(Task(len(planned), points, seconds, context, plugins))
    return planned


def label(point: Point) -> str:
    """The values of a point's axes on one line."""
    return ", ".join(f"{name} = {as_json(value)}" for name, value in point.values.items()) or "the experiment"


def _parts(group: Iterable[tuple[Entry, float]], aim: float) -> Iterator[tuple[list[Entry], float]]:
    part, seconds = list[Entry](), 0.0
    for entry, cost in group:
        if part and (seconds + cost > aim or len(part) == TOGETHER):
            yield part, seconds
            part, seconds = [], 0.0
        part.append(entry)
        seconds += cost
    if part:
        yield part, seconds


def _costs(listed: Sequence[Entry]) -> Iterator[float]:
    """The approximate seconds for each point, without compilation."""
    by_kind: dict[str, float] = {}
    paces: dict[str, dict[str, float]] = {}
    for entry in listed:
        if entry.alike not in by_kind:
            experiment = entry.point.experiment()
            pace = paces.setdefault(_SIZES.sub("", entry.alike), {})
            by_kind[entry.alike] = OVERHEAD + sum(_seconds(experiment, kind, pace) for kind in experiment.kinds)
        yield by_kind[entry.alike]


#: seconds for a point besides its paths: to read it, sum it up and write it
OVERHEAD = 0.002


def _seconds(experiment: Experiment, kind: str, paces: dict[str, float]) -> float:
    problem = experiment.problems[0]
    assert problem.T is not None and problem.tau is not None  # for the type checker: an experiment is complete
    clients = int(problem.method.clients) if kind == METHOD else 1
    steps = float(problem.T / (problem.tau if kind == METHOD else experiment.step(problem)))
    if kind not in paces:  # the time is proportional to paths, steps and, for the method, clients
        thousand, none = (run_seconds(problem, kind, paths, steps) for paths in (1000, 0))
        paces[kind] = (thousand - none) / (1000 * steps * clients)
    return paces[kind] * experiment.paths * steps * clients
