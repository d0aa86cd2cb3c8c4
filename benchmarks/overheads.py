"""What a point of a sweep costs besides its paths, the throughput of several workers, and the cost model made of both.

With n points and W workers, a sweep takes about

    start + n (check + table) + n max(work/W, serve)

seconds. One process checks and lists the points before anything runs, hands tasks out and keeps what returns (`serve`), and sums up
at the end; `work` is what a worker spends on a point. Each is processor time a point; `start` is measured by the clock. What others
do on the machine therefore reaches the throughput alone, and the model is compared with it.
"""

import pickle
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import numpy as np

from benchmarks.studies import planned, specified
from sdescent.derive.reading.sweeps.files import read_sweep
from sdescent.numerics.backend.processors import processors
from sdescent.reports.commands.sweeping.executors.choose import Here
from sdescent.reports.commands.sweeping.executors.dask_cluster import Cluster
from sdescent.reports.commands.sweeping.executors.process_pool import Processes
from sdescent.reports.commands.sweeping.table import Store, Table
from sdescent.reports.commands.sweeping.tasks import context, entries, tasks

#: paths of a small point, whose run takes ten steps
PATHS, SHORT = 100, "T = 1"


@final
@dataclass(frozen=True)
class Overheads:
    """Seconds of a point of 100 paths and ten steps, and points a second of workers.

    Attributes:
        points: how many there were.
        check: processor time to read, check, list and plan a point.
        together, alone: a worker's, where many points are solved together, and with a task for each point.
        serve: to hand a point over and keep its file.
        table: to sum it up.
        resume: to find that it is there already.
        size: bytes of its file.
        throughput: (executor, workers, points together?, points a second by the clock, start in seconds).
    """

    points: int
    check: float
    together: float
    alone: float
    serve: float
    table: float
    resume: float
    size: float
    throughput: tuple[tuple[str, int, bool, float, float], ...]

    def seconds(self, points: float, workers: int, together: bool = True) -> float:
        """The model, without the start."""
        work = self.together if together else self.alone
        return points * (self.check + self.table + max(work / workers, self.serve))

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """A table in Markdown, and what the model says of a million points."""
        parts = ("check", "together", "alone", "serve", "table", "resume")
        rows = ["| of a small point | microseconds |", "|---|---|"]
        rows += [f"| {name} | {1e6 * getattr(self, name):.0f} |" for name in parts]
        rows += [f"| bytes of its file | {self.size:.0f} |", ""]
        rows += [
            "| executor | workers | points together | points a second | the model's, without check and table | start (s) |"
        ]
        rows += ["|---|---|---|---|---|---|"]
        for name, workers, together, rate, start in self.throughput:
            model = 1 / max((self.together if together else self.alone) / workers, self.serve)
            rows.append(
                f"| {name} | {workers} | {'yes' if together else 'no'} | {rate:.0f} | {model:.0f} | {start:.1f} |"
            )
        rows += ["", "| workers | minutes for 10^6 points, together | a task each |", "|---|---|---|"]
        for workers in (1, 2, 8, 64, 1000):
            both = (self.seconds(1e6, workers, together) / 60 for together in (True, False))
            rows.append(f"| {workers} | {' | '.join(f'{m:.1f}' for m in both)} |")
        return rows


def overheads(quick: bool = False) -> Overheads:
    """Measure all of it; throughputs with one worker and with one for each processor."""
    scales = 50 if quick else 500
    with TemporaryDirectory() as folder:
        place = Path(folder)
        path = specified(place, PATHS, scales, SHORT)
        about, rows = context(), list[Any]()

        def checked() -> None:
            sweep = read_sweep(path)
            listed = entries(sweep, Store(place, about))
            rows[:] = [sweep, listed, tasks(listed, 1, about, ())]

        check = _processor(checked)
        sweep, listed, together = rows
        single = [tasks([entry], 1, about, ())[0] for entry in listed[:: 4 if quick else 20]]
        done: list[Any] = []

        def carried(tasks: list[Any]) -> Callable[[], None]:
            def work() -> None:
                done[:] = list(Here().run(tasks))

            return work

        alone = _processor(carried(single)) / len(single)
        work = _processor(carried(together)) / len(listed)
        store = Store(place, about)

        def served() -> None:
            for task in together:
                pickle.loads(pickle.dumps(task))
            for ended in done:
                for point, content in pickle.loads(pickle.dumps(ended)).files.items():
                    store.put(point, content)

        serve = _processor(served)
        size = float(np.mean([len(content) for ended in done for content in ended.files.values()]))
        resume = _processor(lambda: [store.get(entry.name) for entry in listed])

        def summed() -> None:
            table = Table(sweep.axes)
            for entry in listed:
                table.add(entry.point, entry.name, store.get(entry.name) or {})
            table.write(place)

        table = _processor(summed)
    n = len(listed)
    rates = [_throughput(*one, scales) for one in _executors()]
    return Overheads(n, check / n, work, alone, serve / n, table / n, resume / n, size, tuple(rates))


def _executors() -> list[tuple[str, int, bool]]:
    counts = sorted({1, processors()})
    names = ("processes", "dask") if find_spec("distributed") else ("processes",)
    return [(name, workers, together) for name in names for workers in counts for together in (True, False)]


def _throughput(name: str, workers: int, together: bool, scales: int) -> tuple[str, int, bool, float, float]:
    """Points a second once every worker has compiled, and the seconds until then, which are the start."""
    executor = Processes(workers) if name == "processes" else Cluster("", workers)
    _, planned_tasks = planned(PATHS, scales if together else max(1, scales // 10), workers, together, SHORT)
    warm = 2 * workers
    # the same tasks again: there must be so many that no worker waits for the last one
    number = max(len(planned_tasks), 10 * workers) + warm
    repeated = [replace(task, number=n) for n, task in enumerate(islice(cycle(planned_tasks), number))]
    begun = time.perf_counter()
    with TemporaryDirectory() as folder:
        store, ends = Store(Path(folder), context()), list[tuple[float, int]]()
        for ended in executor.run(repeated):
            files = getattr(ended, "files", {})
            for point, content in files.items():
                store.put(point, content)
            ends.append((time.perf_counter(), len(files)))
    first = ends[warm - 1][0]
    return name, workers, together, sum(count for _, count in ends[warm:]) / (ends[-1][0] - first), first - begun


def _processor(work: Callable[[], Any], repetitions: int = 3) -> float:
    """Median processor time of a function in this process, after a call that compiles and fills caches."""
    work()
    durations = []
    for _ in range(repetitions):
        begun = time.process_time()
        work()
        durations.append(time.process_time() - begun)
    return float(np.median(durations))
