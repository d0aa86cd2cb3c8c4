"""The executor that `--executor` names, and the one of this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.commands.sweeping.executors.base import Executor, Lost
from sdescent.reports.commands.sweeping.tasks import Done, Task, carry_out

ACCEPTED = "processes, dask, dask:ADDRESS or slurm"


@final
class Here:
    """One task at a time, in this process, with all of its processors."""

    workers, elsewhere = 1, False

    def run(self, tasks: Sequence[Task]) -> Iterator[Done | Lost]:
        """See `sdescent.reports.commands.sweeping.executors.base.Executor`."""
        for task in tasks:
            yield carry_out(task)


def chosen(text: str, jobs: int) -> Executor:
    """The executor of this name; `slurm` is not one, since a batch system runs the command itself (`slurm.submit`).

    Args:
        text: the name, with the address of a Dask scheduler after a colon.
        jobs: how many tasks at a time.

    Raises:
        BadInput: another name; a package that is not installed.
    """
    name, colon, address = text.partition(":")
    if name == "processes" and not colon:
        if jobs == 1:
            return Here()
        from sdescent.reports.commands.sweeping.executors.process_pool import Processes

        return Processes(jobs)
    if name == "dask" and (address or not colon):
        from sdescent.reports.commands.sweeping.executors.cluster import Cluster

        return Cluster(address, jobs)
    raise BadInput("--executor", text, ACCEPTED)
