"""Tasks in local processes, each on one processor's share of the machine.

Processes are spawned: one that is forked from a process in which JAX has threads waits for ever. When a worker dies, the standard
library's pool ends all others. Of the tasks that ran then nobody knows whose fault it was: each is tried again in a pool of its
own, which takes no other task down, and is given up when its worker dies there too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, final

from sdescent.derive.vocabulary.interpreter import shield
from sdescent.numerics.backend.processors import VARIABLE, processors
from sdescent.reports.commands.garbage import collect_rarely
from sdescent.reports.commands.sweeping.executors.base import TRIES, Lost
from sdescent.reports.commands.sweeping.tasks import Done, Task, carry_out

#: seconds between two looks for an interrupt
_PATIENCE = 0.5
#: seconds for workers that have nothing more to do to end
_FAREWELL = 30.0


@final
class Processes:
    """A pool of spawned processes.

    Args:
        workers: how many.
    """

    elsewhere = True

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, tasks: Sequence[Task]) -> Iterator[Done | Lost]:
        """See `sdescent.reports.commands.sweeping.executors.base.Executor`."""
        waiting = list(reversed(tasks))
        while waiting:
            suspects: list[Task] = []
            yield from self._pool(waiting, suspects)
            for task in suspects:
                yield from self._alone(task)

    def _pool(self, waiting: list[Task], suspects: list[Task]) -> Iterator[Done | Lost]:
        """Take tasks from the end of `waiting` until none is left, or a worker dies: then those that ran are `suspects`."""
        with _Pool(self.workers) as pool:
            running: dict[Future[Done], Task] = {}
            while waiting or running:
                while (
                    waiting and len(running) < self.workers
                ):  # no queue: what waits in a broken pool would be suspected too
                    try:
                        running[pool.submit(carry_out, waiting[-1])] = waiting[-1]
                    except BrokenProcessPool:
                        break
                    waiting.pop()
                if waiting and not running:
                    return  # it broke while nothing ran, so that nothing is suspected
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

    def _alone(self, task: Task) -> Iterator[Done | Lost]:
        for _ in range(TRIES - 1):
            again: list[Task] = []
            yield from Processes(1)._pool([task], again)
            if not again:
                return
        yield Lost(task.number, f"its process died, {TRIES} times: out of memory, or killed")


class _Pool(ProcessPoolExecutor):
    """A pool whose processes are gone when the block ends, however it ends."""

    def __init__(self, workers: int) -> None:
        share = max(1, processors() // workers)
        shield()
        context = multiprocessing.get_context("spawn")
        super().__init__(workers, context, _begin, (share,))

    def __exit__(self, *error: object) -> None:
        processes = list((self._processes or {}).values())
        self.shutdown(wait=False, cancel_futures=True)
        stop = time.monotonic() + (_FAREWELL if error[0] is None else 0)
        for process in processes:
            process.join(max(0.0, stop - time.monotonic()))
        for process in processes:  # one that is stopped does not hear that it is done
            process.kill()
        for process in processes:
            process.join()


def _begin(share: int) -> None:
    """In a worker: an interrupt is the parent's affair, and without a parent there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ[VARIABLE] = str(share)
    collect_rarely()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()  # a parent that was killed cannot end its workers, which would wait for tasks for ever
    os._exit(1)
