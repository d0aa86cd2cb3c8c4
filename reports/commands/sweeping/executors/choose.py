"""The choice of the executor that `--executor` names, and the executor in this process."""

from collections.abc import Iterator, Sequence
from typing import final

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.commands.sweeping.executors.base import Executor, Lost
from sdescent.reports.commands.sweeping.tasks import Done, Task, carry_out

ACCEPTED = "processes, dask, dask:ADDRESS or slurm"


@final
class Here:
    """The executor that runs one task at a time in this process, with all of its processors."""

    workers, elsewhere = 1, False

    def run(self, tasks: Sequence[Task]) -> Iterator[Done | Lost]:
        """See `sdescent.reports.commands.sweeping.executors.base.Executor`."""
        for task in tasks:
            yield carry_out(task)


def chosen(text: str, jobs: int) -> Executor:
    """The executor with this name. `slurm` is not among them, since a batch system runs the command itself (`slurm.submit`).

    Args:
        text: the name, for Dask with the address of a scheduler after a colon.
        jobs: how many tasks run at a time.

    Raises:
        BadInput: there is no such executor, or a package that it needs is not installed.
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
