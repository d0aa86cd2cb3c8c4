"""Executors, which run tasks in any order and report how each ended, and the choice that `--executor` names.

This file has the executor in this process and the submission of a SLURM array.
"""

import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, final

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.subprocesses import python
from sdescent.reports.commands.sweeping.tasks import Done, Task, carry_out
from sdescent.reports.store.files import one_line, write_atomic

ACCEPTED = "processes, dask, dask:ADDRESS or slurm"


class Executor(Protocol):
    """Runs tasks (`tasks.carry_out`); a new executor is a class with these members in a file here, and a line in `chosen`."""

    #: the number of tasks that run at the same time
    workers: int
    #: whether tasks run in other processes, which must first load the user's pieces
    elsewhere: bool

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Run the tasks and yield each outcome as it ends; closing the iterator stops all. BadInput if workers cannot do them."""
        ...


@final
class Here:
    """The executor that runs one task at a time in this process, with all of its processors."""

    workers, elsewhere = 1, False

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """See `Executor`."""
        for task in tasks:
            yield carry_out(task)


def chosen(text: str, jobs: int) -> Executor:
    """The executor with this name, for `jobs` tasks at a time, not `slurm`, whose batch system runs the command itself (`submit`).

    For Dask, the address of a scheduler may follow after a colon. BadInput for another name, or if a package is not installed.
    """
    name, colon, address = text.partition(":")
    if name == "processes" and not colon:
        if jobs == 1:
            return Here()
        from sdescent.reports.commands.sweeping.executors.process_pool import Processes

        return Processes(jobs)
    if name == "dask" and (address or not colon):
        from sdescent.reports.commands.sweeping.executors.dask_cluster import Cluster

        return Cluster(address, jobs)
    raise BadInput("--executor", text, ACCEPTED)


SCRIPT = "slurm.sh"
_PATIENCE = 60.0


def submit(folder: Path, command: Sequence[str], shares: int) -> dict[str, Any]:
    """Write the script of an array of `shares` tasks into the study's folder, which all nodes see, and submit it, given `sbatch`.

    `command` are the arguments of `sdescent sweep` without --executor and --jobs. Returns its path, "script", and sbatch's answer
    or None, "submitted". BadInput if sbatch refuses or does not answer, or for a control character in the path; OSError.
    """
    path = folder / SCRIPT
    if not f"{folder.absolute()}{Path.cwd()}".isprintable():  # a line break would become a line of the script
        raise BadInput("--out", folder, "a path without control characters, for a batch script")
    write_atomic(path, script(folder, command, shares))
    if shutil.which("sbatch") is None:
        return {"script": str(path), "submitted": None}
    try:
        answer = subprocess.run(["sbatch", str(path)], capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        accepted = f"a batch system that answers sbatch {one_line(path)}"
        raise BadInput("--executor", f"slurm, which did not answer for {_PATIENCE:g} s", accepted) from None
    if answer.returncode:
        accepted = f"a batch system that accepts {one_line(path)}; edit it and submit it yourself"
        raise BadInput("--executor", f"slurm: {one_line(answer.stderr or answer.stdout, 200)}", accepted)
    return {"script": str(path), "submitted": one_line(answer.stdout.strip())}


def script(folder: Path, command: Sequence[str], shares: int) -> str:
    """The text of the script, in which every task of the array solves its share with the processors it is given."""
    words, environment = python("-m", "sdescent.reports.cli", "sweep", *command)
    line = shlex.join(["env", f"PYTHONPATH={environment['PYTHONPATH']}", *words])
    logs = shlex.quote(str((folder / "slurm-%A_%a.log").absolute()))
    return f"""#!/bin/bash
#SBATCH --job-name=sdescent
#SBATCH --array=1-{shares}
#SBATCH --cpus-per-task=2
#SBATCH --time=24:00:00
#SBATCH --output={logs}
#SBATCH --open-mode=append
#SBATCH --requeue
# Points that exist are not solved again: a task that was cut off, or is submitted again, goes on where it stopped.
# When all tasks are done, the same command without --shard writes the tables and figures.
set -euo pipefail
cd {shlex.quote(str(Path.cwd()))}
exec {line} --jobs "${{SLURM_CPUS_PER_TASK:-1}}" --shard "$SLURM_ARRAY_TASK_ID/{shares}"
"""
