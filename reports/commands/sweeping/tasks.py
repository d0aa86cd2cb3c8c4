"""Tasks: points of a study that are solved together. The result of a task depends on its points alone, wherever it runs.

Nothing here depends on the process: tasks and their results are pickled, both for local processes and for a cluster.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, final

from sdescent.derive.vocabulary.choices import Kind
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.plugin_loading import elsewhere, installed, load_elsewhere, named
from sdescent.reports.store.cache import canonical_json, provenance
from sdescent.reports.store.files import one_line

#: the most characters of the reason why a point failed
_LONGEST = 500


@final
@dataclass(frozen=True)
class TaskPoint:
    """A point of a task.

    Args:
        name: the digest that identifies it.
        fields: the fields of its experiment.
    """

    name: str
    fields: Mapping[str, Any]


@final
@dataclass(frozen=True)
class Task:
    """Points that are solved together.

    Args:
        number: the number of the task, from 0.
        points: the points.
        seconds: roughly how long they take.
        context: everything that the results depend on besides the points; a worker with another context refuses the task.
        plugins: files and modules to load first (`sdescent.derive.vocabulary.plugin_loading.elsewhere`).
    """

    number: int
    points: tuple[TaskPoint, ...]
    seconds: float
    context: str
    plugins: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class Done:
    """The result of a task.

    Args:
        number: the number of the task.
        files: name of a point -> the content of its file.
        failed: name of a point without a file -> the reason.
        refusal: the reason why this worker can do no task of the sweep; None if it can.
    """

    number: int
    files: Mapping[str, bytes]
    failed: Mapping[str, str]
    refusal: str | None = None


def own_plugins() -> tuple[str, ...]:
    """The plugins of this process, for `Task.plugins`.

    Raises:
        BadInput: some pieces cannot be loaded by another process.
    """
    paths = elsewhere()
    if paths is None:
        raise BadInput("--load", "pieces of a script or a session", "a file of pieces, which workers can load too")
    return tuple(paths)


def context() -> str:
    """Everything that the numbers of a study depend on besides its points, as canonical JSON.

    This covers versions, the digest of the source, plugins, and the kinds of machine and device.
    """
    installed()
    return _context(canonical_json(named()))


@cache
def _context(plugins: str) -> str:
    """The `context` for the loaded plugins, computed once, since it reads the source."""
    from sdescent.numerics.backend.double import jax

    return canonical_json({"context": provenance(), "machine": platform.machine(), "backend": jax.default_backend()})


def carry_out(task: Task) -> Done:
    """Solve the points of a task. All machines of one kind give the same bytes, whichever points are solved together.

    It raises nothing, since not every exception can be passed from one process to another.
    """
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


def _solved(points: Sequence[TaskPoint]) -> tuple[dict[str, bytes], dict[str, str]]:
    try:
        return _files(points), {}
    except Exception as error:  # whatever is wrong with one point, it must not take the others with it
        if len(points) == 1:
            return {}, {points[0].name: _cause(error)}
    files: dict[str, bytes] = {}
    failed: dict[str, str] = {}
    for point in points:
        written, lost = _solved([point])
        files |= written
        failed |= lost
    return files, failed


def _files(points: Sequence[TaskPoint]) -> dict[str, bytes]:
    from sdescent.numerics.studies.records import records
    from sdescent.numerics.studies.together import growth_of, members, solve_together
    from sdescent.reports.commands.sweeping.store import packed

    read = members(point.fields for point in points)
    runs: list[list[dict[str, Any]]] = [[] for _ in read]
    kinds: dict[Kind, None] = dict.fromkeys(kind for member in read for kind in member.like.kinds)
    for kind in kinds:
        numbers = [n for n, member in enumerate(read) if kind in member.like.kinds]
        outcomes = solve_together(kind, [read[n] for n in numbers])
        growths = [growth_of(kind, read[n]) for n in numbers]
        for n, run in zip(
            numbers, records(kind, outcomes, [read[n].like.quantities for n in numbers], growths), strict=True
        ):
            runs[n].append(run)
    return {
        point.name: packed({"point": member.written, "runs": listed})
        for point, member, listed in zip(points, read, runs, strict=True)
    }
