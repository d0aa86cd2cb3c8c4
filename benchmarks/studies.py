"""Works of studies: a sweep beside the bare runs that it is made of, points together beside one task for each."""

from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sdescent as sd
from benchmarks.cases import Case
from benchmarks.peers import Work
from sdescent.derive.reading.sweeps.files import read_sweep
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.reports.commands.sweeping.executors.choose import Executor, Here
from sdescent.reports.commands.sweeping.table import Store
from sdescent.reports.commands.sweeping.tasks import Entry, Task, context, entries, tasks

SPEC = """
method = "dcsgd"
compressor = "bernoulli:p=1/2"
noise = "student-t:nu=5,sigma=1"
loss = "quadratic:h=1|2"
x0 = [1, -1]
dim = 2
T = 10
eta = 0.1
clients = 4
models = ["first-order"]
save = 2
paths = {paths}
[sweep.grid]
"noise.nu" = [3, 4, 5, 7]
"noise.sigma" = {{linear = [0.1, 2], count = {scales}}}
"""


def specified(folder: Path, paths: int, scales: int, horizon: str = "T = 10") -> Path:
    """The file of the sweep, which is written."""
    path = folder / "study.toml"
    path.write_text(SPEC.replace("T = 10", horizon).format(paths=paths, scales=scales))
    return path


def planned(
    paths: int, scales: int, workers: int = 1, grouped: bool = True, horizon: str = "T = 10"
) -> tuple[list[Entry], list[Task]]:
    """The points of the sweep, and its tasks: as they are planned, or one for each point."""
    with TemporaryDirectory() as folder:
        path = specified(Path(folder), paths, scales, horizon)
        listed = entries(read_sweep(path), Store(Path(folder), context()))
    if grouped:
        return listed, tasks(listed, workers, context(), ())
    return listed, [tasks([entry], workers, context(), ())[0] for entry in listed]


def swept(
    paths: int, scales: int, grouped: bool = True, executor: Executor | None = None, horizon: str = "T = 10"
) -> Work:
    """Tasks carried out, and the points' files written."""
    runner = Here() if executor is None else executor
    _, planned_tasks = planned(paths, scales, runner.workers, grouped, horizon)
    temporary, fresh = TemporaryDirectory(), count()

    def work() -> None:
        folder = Path(
            temporary.name, str(next(fresh))
        )  # all are removed with the function: that takes as long as the small points do
        folder.mkdir()
        store = Store(folder, context())
        for ended in runner.run(planned_tasks):
            for name, content in getattr(ended, "files", {}).items():
                store.put(name, content)

    return work


def bare(paths: int, scales: int) -> Work:
    """`numerics.run` and `numerics.solve` for the same points, one after the other, of two compiled programs; nothing is kept."""
    method = sd.DCSGD(sd.compressors.Bernoulli("p"), sd.noise.Scaled(sd.noise.StudentT("nu"), "sigma"))
    loss = sd.losses.Quadratic((1, 2))
    equation = sd.sde(method, "first-order", loss, 2)
    numbers: list[dict[str, Any]] = []
    for entry in planned(paths, scales)[0]:
        noise = entry.point.experiment().problems[0].specs["noise"]
        law = {name: float(value) for name, value in noise.values if not isinstance(value, tuple)}
        numbers.append({"eta": 0.1, "N": 4, "p": 0.5, **law})

    def work() -> None:
        for params in numbers:
            run(method, [1.0, -1.0], 10.0, paths, 0, params, loss, 2)
            solve(equation, [1.0, -1.0], 10.0, paths, 0, params, dt=0.1 / 8, save=2)

    return work


def studies(quick: bool = False) -> list[Case]:
    """Rows of studies."""
    many, few = (10_000, 5) if not quick else (2_000, 3), (100, 50 if not quick else 25)
    name = f"a sweep of {4 * many[1]} points of {many[0]} paths"
    rows = [Case(name, "bare runs and solves", partial(swept, *many), partial(bare, *many), 1 / 0.9, clock=True)]
    for steps, horizon, aim in (
        (10, "T = 1", 1 / 10),
        (100, "T = 10", None),
    ):  # of 100 steps, the paths take most of the time
        name = f"a sweep of {4 * few[1]} points of {few[0]} paths and {steps} steps"
        ours, alone = (partial(swept, *few, grouped, horizon=horizon) for grouped in (True, False))
        rows.append(Case(name, "one task for each point", ours, alone, aim))
    return rows
