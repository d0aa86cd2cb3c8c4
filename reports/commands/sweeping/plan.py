"""The plan of a sweep: the order in which its points are solved, and the tasks that they form."""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from sdescent.derive.reading.experiments import METHOD, Experiment
from sdescent.derive.reading.sweeps.plans import Point, Sweep
from sdescent.derive.reading.sweeps.values import as_json
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.assembly.plan import run_seconds
from sdescent.reports.commands.sweeping.store import Store
from sdescent.reports.commands.sweeping.tasks import Task, TaskPoint

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
    """A point in the order of solving.

    Args:
        point: the point itself.
        name: the digest that identifies it.
        alike: a text that is equal for points that may be solved together.
    """

    point: Point
    name: str
    alike: str


def entries(sweep: Sweep, store: Store) -> list[Entry]:
    """All points of a sweep, ordered so that points that may be solved together follow one another.

    The order depends on the sweep alone.
    """
    listed = [Entry(point, store.name(point.key), _VALUES.sub(r'\1\2"', point.key)) for point in sweep.points()]
    place = {text: n for n, text in reversed(list(enumerate(entry.alike for entry in listed)))}
    return sorted(listed, key=lambda entry: (place[entry.alike], entry.point.key))


def require_room(listed: Sequence[Entry]) -> None:
    """Check that the values of every point fit into memory.

    Raises:
        BadInput: a point has more values than a task can hold.
    """
    from sdescent.numerics.studies.together import member

    for entry in {entry.alike: entry for entry in listed}.values():
        experiment = entry.point.experiment()
        sized = member(experiment)
        if sized.width > MOST_KEPT:
            most = MOST_KEPT // (sized.width // experiment.paths)
            limit = f"at most {most} in a sweep that keeps so much of each ({label(entry.point)}); `solve` takes more"
            raise BadInput("paths", experiment.paths, limit)


def shard(listed: Sequence[Entry], number: int, count: int) -> list[Entry]:
    """The share `number`, from 1, of `count` shares of about equal work; points that can be solved together mostly stay so."""
    costs = list(itertools.accumulate(_costs(listed)))
    total = costs[-1] if costs else 0.0
    shares = (max(1, math.ceil(cost / total * count - 1e-9)) for cost in costs)
    return [entry for entry, share in zip(listed, shares, strict=True) if share == number]


def tasks(missing: Sequence[Entry], workers: int, context: str, plugins: tuple[str, ...]) -> list[Task]:
    """The tasks for the missing points; none is longer than needed to keep all workers busy."""
    costs = list(_costs(missing))
    aim = min(MOST, max(LEAST, sum(costs) / (workers * EACH)))
    planned: list[Task] = []
    listed = zip(missing, costs, strict=True)
    for _, group in itertools.groupby(listed, key=lambda pair: pair[0].alike):
        for part, seconds in _parts(group, aim):
            points = tuple(TaskPoint(entry.name, entry.point.fields) for entry in part)
            planned.append(Task(len(planned), points, seconds, context, plugins))
    return planned


def label(point: Point) -> str:
    """The values of a point's axes on one line."""
    return ", ".join(f"{name} = {as_json(value)}" for name, value in point.values.items()) or "the experiment"


def _parts(group: Iterable[tuple[Entry, float]], aim: float) -> Iterator[tuple[list[Entry], float]]:
    part: list[Entry] = []
    seconds = 0.0
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
            structure = _SIZES.sub("", entry.alike)
            experiment = entry.point.experiment()
            pace = paces.setdefault(structure, {})
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
