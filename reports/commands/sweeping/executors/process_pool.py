"""Tasks in local processes, each with an equal share of the machine's processors.

Processes are spawned, since a process forked while JAX has threads waits forever. When a worker dies, the standard library's pool
ends all others, and it is unknown which of the running tasks was at fault. Each of them is tried again in a pool of its own, where
it takes no other task down, and is given up if its worker dies there too.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, final

from sdescent.derive.vocabulary.subprocesses import shield
from sdescent.numerics.backend.processors import VARIABLE, processors
from sdescent.reports.commands.garbage import collect_rarely
from sdescent.reports.commands.sweeping.tasks import Done, Task, carry_out

#: how often a task is tried if its workers die
TRIES = 2
#: seconds between two checks for an interrupt
_PATIENCE = 0.5
#: seconds allowed for idle workers to end
_FAREWELL = 30.0


@final
class Processes:
    """The executor on a pool of `workers` spawned processes."""

    elsewhere = True

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """See `sdescent.reports.commands.sweeping.executors.choose.Executor`."""
        waiting = list(reversed(tasks))
        while waiting:
            suspects: list[Task] = []
            yield from self._pool(waiting, suspects)
            for task in suspects:
                yield from self._alone(task)

    def _pool(self, waiting: list[Task], suspects: list[Task]) -> Iterator[Done]:
        """Take tasks from the end of `waiting` until none is left or a worker dies; then the running tasks go to `suspects`."""
        with _Pool(self.workers) as pool:
            running: dict[Future[Done], Task] = {}
            while waiting or running:
                # no queue: tasks that wait in a broken pool would be suspected too
                while waiting and len(running) < self.workers:
                    try:
                        running[pool.submit(carry_out, waiting[-1])] = waiting[-1]
                    except BrokenProcessPool:
                        break
                    waiting.pop()
                if waiting and not running:
                    return  # the pool broke while nothing ran, so there are no suspects
                ended = wait(running, timeout=_PATIENCE, return_when=FIRST_COMPLETED).done
                for future in ended:
                    task = running.pop(future)
                    try:
                        yield future.result()
                    except BrokenProcessPool:
                        suspects.append(task)
                if suspects:
                    suspects += running.values()
                    return

    def _alone(self, task: Task) -> Iterator[Done]:
        for _ in range(TRIES - 1):
            again: list[Task] = []
            yield from Processes(1)._pool([task], again)
            if not again:
                return
        reason = f"its process died, {TRIES} times: out of memory, or killed"
        yield Done(task.number, {}, dict.fromkeys(task.points, reason))


class _Pool(ProcessPoolExecutor):
    """A pool whose processes are gone once the block has ended, for whatever reason."""

    def __init__(self, workers: int) -> None:
        share = max(1, processors() // workers)
        shield()
        super().__init__(workers, multiprocessing.get_context("spawn"), _begin, (share,))

    def __exit__(self, *error: object) -> None:
        processes = list((self._processes or {}).values())
        self.shutdown(wait=False, cancel_futures=True)
        stop = time.monotonic() + (_FAREWELL if error[0] is None else 0)
        for process in processes:
            process.join(max(0.0, stop - time.monotonic()))
        for process in processes:  # a stopped process does not notice that the work is done
            process.kill()
        for process in processes:
            process.join()


def _begin(share: int) -> None:
    """Set up a worker: it leaves interrupts to its parent, and ends when its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ[VARIABLE] = str(share)
    collect_rarely()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()  # a killed parent cannot end its workers, which would wait for tasks forever
    os._exit(1)
