"""The executor that `--executor` names."""

from __future__ import annotations

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.commands.sweeping.executors.base import Executor

ACCEPTED = "processes, dask, dask:ADDRESS or slurm"


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
            from sdescent.reports.commands.sweeping.executors.this_process import Here

            return Here()
        from sdescent.reports.commands.sweeping.executors.process_pool import Processes

        return Processes(jobs)
    if name == "dask" and (address or not colon):
        from sdescent.reports.commands.sweeping.executors.cluster import Cluster

        return Cluster(address, jobs)
    raise BadInput("--executor", text, ACCEPTED)
