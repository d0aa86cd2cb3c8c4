"""Tasks on a Dask cluster: an existing one at an address, or one of local processes that is created for the sweep.

If a worker dies, Dask gives its tasks to other workers; a task whose workers die again and again is given up. If the scheduler at
an address dies, the connection is retried for a while, and unfinished tasks are submitted again. The scheduler of our own cluster
runs in this process.
"""

import hashlib
import multiprocessing
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, final

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.subprocesses import shield
from sdescent.numerics.backend.processors import VARIABLE, processors
from sdescent.reports.commands.sweeping.tasks import Done, Task, carry_out
from sdescent.reports.store.files import one_line

#: seconds of looking for a scheduler at first, of looking for one that has gone, and between two attempts
FIRST, PATIENCE, PAUSE = 20.0, 120.0, 2.0
_ADDRESS = re.compile(
    r"(?:[a-z]{2,8}://)?[A-Za-z0-9._-]+:[0-9]{1,5}|[a-z]{2,8}://\[[0-9A-Fa-f:]+\]:[0-9]{1,5}", re.ASCII
)
#: how many clusters may die; a failed start counts as a quarter of this number
MOST_CLUSTERS = 20


def unknown(address: str) -> BadInput:
    """The error for an address at which no scheduler answers."""
    accepted = "the address of a Dask scheduler that answers, such as dask:tcp://host:8786"
    return BadInput("--executor", f"dask:{address}", accepted)


@final
class Cluster:
    """The executor on Dask at an address, or with `workers` local ones (BadInput without Dask, or for a malformed address)."""

    elsewhere = True

    def __init__(self, address: str, workers: int) -> None:
        try:
            import distributed  # pyright: ignore[reportMissingImports] # noqa: F401
        except ImportError:
            accepted = "dask after: pip install 'sdescent[cluster]'"
            raise BadInput("--executor", "dask, without the package distributed", accepted) from None
        if address and not _ADDRESS.fullmatch(address):
            raise unknown(address)
        self.address, self.workers = address, workers

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """See `sdescent.reports.commands.sweeping.executors.choose.Executor`."""
        waiting = {task.number: task for task in tasks}
        lost = 0
        while waiting:
            try:
                with self._client(PATIENCE if lost else FIRST) as client:
                    for outcome in _ended(client, list(waiting.values())):
                        del waiting[outcome.number]
                        yield outcome
            except _Gone as error:
                lost += 1 if error.started else MOST_CLUSTERS / 4
                if lost > MOST_CLUSTERS:
                    accepted = "a cluster whose processes do not die again and again"
                    raise BadInput("--executor", f"dask: {error}", accepted) from None

    @contextmanager
    def _client(self, patience: float) -> Iterator[Any]:
        import distributed  # pyright: ignore[reportMissingImports]

        if self.address:
            client = self._connected(patience)
            try:
                yield client
            finally:
                with suppress(Exception):
                    client.close(timeout=1)
            return
        share = str(max(1, processors() // self.workers))
        from dask import config  # pyright: ignore[reportMissingImports]

        shield()
        # the environment variable reaches workers before they import anything
        with _none_left(), config.set({"distributed.nanny.environ": {VARIABLE: share}}):
            try:
                cluster = distributed.LocalCluster(
                    n_workers=self.workers, threads_per_worker=1, processes=True, silence_logs=50,
                    dashboard_address=":0",  # any free port: none is served, but two clusters may start at once
                    scheduler_kwargs={"dashboard": False},
                )  # fmt: skip
                client = distributed.Client(cluster)
            except (RuntimeError, OSError) as error:  # one worker's death during the start ends the whole start
                raise _Gone(one_line(f"{type(error).__name__}: {error}", 200), started=False) from None
            try:
                yield client
            finally:  # all the work is done, but on a busy machine neither may close in time
                for ending, seconds in ((client.close, 1), (cluster.close, 5)):
                    with suppress(Exception):
                        ending(timeout=seconds)

    def _connected(self, patience: float) -> Any:
        import distributed  # pyright: ignore[reportMissingImports]

        begun = time.monotonic()
        while True:
            try:
                return distributed.Client(self.address, timeout=10, set_as_default=False)
            except (OSError, ValueError) as error:
                if isinstance(error, ValueError) or time.monotonic() - begun > patience:
                    raise unknown(self.address) from None
                time.sleep(PAUSE)


class _Gone(Exception):
    """The scheduler no longer answers, or a cluster of our own did not start."""

    def __init__(self, reason: str, started: bool = True) -> None:
        super().__init__(reason)
        self.started = started


@contextmanager
def _none_left() -> Iterator[None]:
    """At the end, kill all processes started in the block: a stopped or waiting one would keep this process alive forever."""
    before = set(multiprocessing.active_children())
    try:
        yield
    finally:
        for child in set(multiprocessing.active_children()) - before:
            child.kill()


def _key(task: Task) -> str:
    """Dask's name for a task; tasks with equal points are the same task to Dask."""
    return "sdescent-" + hashlib.sha256("".join(task.points).encode()).hexdigest()[:32]


def _ended(client: Any, tasks: Sequence[Task]) -> Iterator[Done]:
    """Submit the tasks and yield the outcome of each as it ends."""
    import distributed  # pyright: ignore[reportMissingImports]

    futures = {client.submit(carry_out, task, key=_key(task)): task for task in tasks}
    waiting = distributed.as_completed(list(futures), loop=client.loop)
    for future in waiting:
        task = futures.pop(future)
        if future.status == "cancelled":
            raise _Gone("the connection was lost")
        try:
            # another client that asked for these points may number its tasks differently
            outcome = replace(future.result(), number=task.number)
        except distributed.KilledWorker as error:
            reason = f"its workers died, {error.allowed_failures + 1} times: out of memory, or killed"
            outcome = Done(task.number, {}, dict.fromkeys(task.points, reason))
        except (distributed.CancelledError, OSError) as error:
            raise _Gone(type(error).__name__) from None
        except Exception as error:  # a worker that cannot read a task, for example because it lacks this package
            outcome = f"a worker that failed: {type(error).__name__}: {error}"
            raise BadInput("--executor", one_line(outcome), "workers with the same installation as here") from None
        yield outcome
        future.release()
    if futures:
        raise _Gone("the connection was lost")
