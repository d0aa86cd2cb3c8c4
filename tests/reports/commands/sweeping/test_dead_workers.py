"""Workers that die while they start, and workers that do not end: no finished work is lost, and no process stays."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.reports.commands.sweeping.executors import dask_cluster, process_pool
from sdescent.reports.commands.sweeping.tasks import Done, Task

distributed = pytest.importorskip("distributed")
TASKS = [Task(n, {}, 0.0, "") for n in range(3)]


class Pretended:
    """A cluster, or its client, that starts and ends as it is told."""

    starts: Iterator[BaseException | None]
    begun = 0

    def __init__(self, *_: Any, **__: Any) -> None:
        type(self).begun += 1
        error = next(self.starts)
        if error is not None:
            raise error

    def close(self, timeout: float) -> None:
        raise TimeoutError


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> type[Pretended]:
    monkeypatch.setattr(distributed, "LocalCluster", type("Cluster", (Pretended,), {}))
    monkeypatch.setattr(distributed, "Client", type("Client", (Pretended,), {"starts": iter([None] * 100)}))
    monkeypatch.setattr(dask_cluster, "_ended", lambda client, tasks: (Done(task.number, {}, {}) for task in tasks))
    return distributed.LocalCluster


def test_a_cluster_whose_worker_died_as_it_started_is_started_again(pretended: type[Pretended]) -> None:
    pretended.starts = iter([RuntimeError("Nanny failed to start."), TimeoutError("x"), None])
    assert [ended.number for ended in dask_cluster.Cluster("", 2).run(TASKS)] == [0, 1, 2]
    assert pretended.begun == 3


def test_a_cluster_that_never_starts_is_said(pretended: type[Pretended]) -> None:
    pretended.starts = iter([RuntimeError("Nanny failed to start.")] * 100)
    with pytest.raises(BadInput, match="found 'dask: RuntimeError: Nanny failed to start"):
        list(dask_cluster.Cluster("", 2).run(TASKS))
    assert pretended.begun == 5


def test_where_the_scheduler_is_gone_the_connection_is_tried_again_and_the_rest_submitted(
    pretended: type[Pretended], monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted: list[list[int]] = []

    def ended(client: Any, tasks: list[Task]) -> Iterator[Done]:
        submitted.append([task.number for task in tasks])
        yield Done(tasks[0].number, {}, {})
        if len(submitted) > 1:
            yield Done(tasks[1].number, {}, {})
        else:
            raise dask_cluster._Gone("the connection was lost")

    monkeypatch.setattr(dask_cluster, "_ended", ended)
    monkeypatch.setattr(dask_cluster, "PAUSE", 0.0)
    distributed.Client.starts = iter([None, OSError("refused"), None])
    assert [one.number for one in dask_cluster.Cluster("tcp://host:8786", 1).run(TASKS)] == [0, 1, 2]
    assert submitted == [[0, 1, 2], [1, 2]] and distributed.Client.begun == 3


@contextmanager
def watched(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


def test_a_child_that_is_stopped_is_ended() -> None:
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,), daemon=True)
    other.start()
    with watched(20), dask_cluster._none_left():
        child = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,), daemon=True)
        child.start()
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSTOP)
    child.join(10)
    assert child.exitcode == -signal.SIGKILL and other.is_alive()  # what was there before is not its own
    other.kill()
    other.join()


def test_a_pool_whose_workers_are_stopped_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_pool, "_begin", _nothing)
    with watched(60), pytest.raises(KeyboardInterrupt), process_pool._Pool(1) as pool:
        pid = pool.submit(os.getpid).result()
        os.kill(pid, signal.SIGSTOP)
        raise KeyboardInterrupt
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_ran_beside_a_worker_that_died_is_done_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first pool the worker of task 0 dies while task 1 runs; in pools of their own both are done."""
    pools: list[int] = []

    class Pool:
        def __init__(self, count: int) -> None:
            pools.append(count)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def submit(self, job: Any, task: Task) -> Future[Done]:
            future = Future[Done]()
            if len(pools) > 1:
                future.set_result(Done(task.number, {}, {}))
            elif task.number == 0:
                future.set_exception(BrokenProcessPool())
            return future

    monkeypatch.setattr(process_pool, "_Pool", Pool)
    assert [ended.number for ended in process_pool.Processes(2).run(TASKS)] == [0, 1, 2] and pools == [2, 1, 1, 2]


def _nothing(share: int) -> None:
    pass


@pytest.mark.slow
def test_a_real_cluster_survives_a_worker_that_is_killed_as_it_starts(capfd: pytest.CaptureFixture[str]) -> None:
    killed = []

    def kill() -> None:
        while not killed:
            for child in multiprocessing.active_children():
                child.kill()
                killed.append(child.pid)
            time.sleep(0.02)

    threading.Thread(target=kill, daemon=True).start()
    outcomes = list(dask_cluster.Cluster("", 1).run([Task(0, {}, 0.0, "another context")]))
    assert killed and [ended.number for ended in outcomes] == [0]
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_a_task_that_kills_its_workers_is_lost_and_the_others_are_done(tmp_path: Path) -> None:
    """The second of them is refused, since it was made elsewhere."""
    (deadly := tmp_path / "deadly.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    tasks = [Task(0, {"a": {}}, 0.0, "", (str(deadly),)), Task(1, {}, 0.0, "another context")]
    ended = {one.number: one for one in process_pool.Processes(2).run(tasks)}
    assert "its process died, 2 times" in ended[0].failed["a"]
    assert isinstance(ended[1], Done) and "other packages, source, plugins or kind of machine" in str(ended[1].refusal)
