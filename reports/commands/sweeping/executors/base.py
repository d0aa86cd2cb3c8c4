"""An executor runs tasks, in any order, and reports how each ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, final

from sdescent.reports.commands.sweeping.tasks import Done, Task

#: how often a task is tried whose worker died
TRIES = 2


@final
@dataclass(frozen=True)
class Lost:
    """A task whose workers died, each time that it was tried.

    Args:
        number: of the task.
        reason: how its workers died.
    """

    number: int
    reason: str


class Executor(Protocol):
    """Runs tasks (`sdescent.reports.commands.sweeping.tasks.carry_out`).

    A new one is a class with this method in a file of this folder, and a line in
    `sdescent.reports.commands.sweeping.executors.choose`.
    """

    @property
    def workers(self) -> int:
        """How many tasks run at the same time."""
        ...

    @property
    def elsewhere(self) -> bool:
        """Whether tasks run in other processes, which must load the user's pieces first."""
        ...

    def run(self, tasks: Sequence[Task]) -> Iterator[Done | Lost]:
        """How each task ended, as it ends. When the iterator is closed, what still runs is stopped.

        Raises:
            BadInput: the workers cannot do the tasks: another version, a cluster that cannot be reached.
            KeyboardInterrupt: the user interrupted.
        """
        ...
