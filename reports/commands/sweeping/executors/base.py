"""The interface of executors, which run tasks in any order and report how each ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, final

from sdescent.reports.commands.sweeping.tasks import Done, Task

#: how often a task is tried if its workers die
TRIES = 2


@final
@dataclass(frozen=True)
class Lost:
    """A task whose worker died each time that it was tried.

    Args:
        number: the number of the task.
        reason: how its workers died.
    """

    number: int
    reason: str


class Executor(Protocol):
    """Runs tasks (`sdescent.reports.commands.sweeping.tasks.carry_out`).

    A new executor is a class with these members in a file of this folder, and a line in
    `sdescent.reports.commands.sweeping.executors.choose`.
    """

    @property
    def workers(self) -> int:
        """The number of tasks that run at the same time."""
        ...

    @property
    def elsewhere(self) -> bool:
        """Whether tasks run in other processes, which must first load the user's pieces."""
        ...

    def run(self, tasks: Sequence[Task]) -> Iterator[Done | Lost]:
        """Run the tasks and yield the outcome of each as it ends. Closing the iterator stops all tasks that still run.

        Raises:
            BadInput: the workers cannot do the tasks, as they have another version or the cluster cannot be reached.
            KeyboardInterrupt: the user interrupted.
        """
        ...
