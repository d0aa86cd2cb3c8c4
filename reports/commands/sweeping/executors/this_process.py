"""Tasks in this process, one after the other; each uses all processors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import final

from sdescent.reports.commands.sweeping.executors.base import Lost
from sdescent.reports.commands.sweeping.tasks import Done, Task, carry_out


@final
class Here:
    """One task at a time, in this process."""

    workers, elsewhere = 1, False

    def run(self, tasks: Sequence[Task]) -> Iterator[Done | Lost]:
        """See `sdescent.reports.commands.sweeping.executors.base.Executor`."""
        for task in tasks:
            yield carry_out(task)
