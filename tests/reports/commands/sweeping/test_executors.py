"""One sweep gives the same bytes everywhere: in this process, in others, in shares, on Dask, whoever is killed meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sdescent.reports.commands.sweeping.executors.process_pool import Processes
from sdescent.reports.commands.sweeping.tasks import Done, Task
from tests.support.commands.solved import ROOT

pytestmark = pytest.mark.slow

#: points of one compiled program, which compiles quickly, and several tasks
SPEC = """
method = "dsgd"
noise = "gaussian:sigma=1/2"
loss = "quadratic:h=1|2"
x0 = [1, -1]
T = 20
paths = 500
models = []
save = 3
[sweep]
seeds = 4
[sweep.grid]
"noise.sigma" = [0.1, 1, 2]
eta = [0.01, 0.02]
clients = [2, 6]
"""
POINTS = 48
#: a loss that ends the process which evaluates it, but for the one that the test began
DEADLY = """
import os, signal, multiprocessing
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.vocabulary.registry import register, positive
from sdescent.numerics.lowering.landscape import landscape, Landscape
from dataclasses import dataclass

@register("loss", "deadly", "ends the process", positive("h", "h", per_coordinate=True))
@dataclass(frozen=True)
class Deadly(Quadratic):
    pass

@landscape.register
def _(loss: Deadly, dim, parameters=None):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "study.toml").write_text(SPEC)
    return tmp_path / "study.toml"


def command(spec: Path, out: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "sdescent.reports.cli", "sweep", str(spec), "-o", str(out), *options]


def swept(*runs: tuple[Path, Path, str]) -> list[dict[str, Any]]:
    """The answers of sweeps (file, folder, options), one after the other in a process without the tests' own pieces."""
    words = [["sweep", str(spec), "-o", str(out), "--json", *options.split()] for spec, out, options in runs]
    code = "import json, sys; from sdescent.reports.cli import main; sys.exit(max(map(main, json.loads(sys.argv[1]))))"
    arguments = [sys.executable, "-c", code, json.dumps(words)]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads("{" + text) for text in re.split(r"^\{", done.stdout, flags=re.MULTILINE)[1:]]


def tables(out: Path) -> list[str]:
    names = "table.csv", "table.parquet", "manifest.json"
    return [hashlib.sha256((out / name).read_bytes()).hexdigest() for name in names]


def children(pid: int) -> list[int]:
    """Processes that a process started, by /proc."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:
            continue
        own, parent = int(text.partition(" ")[0]), int(text.rpartition(")")[2].split()[1])
        found += [own] if parent == pid else []
    return found


def workers(pid: int) -> list[int]:
    """Those of them that are spawned workers, and not the tracker of their semaphores."""
    found = []
    for child in children(pid):
        try:
            line = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"spawn_main" in line:
            found.append(child)
    return found


def done(out: Path) -> int:
    return len(list(out.glob("points/??/*.json")))


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds
        time.sleep(0.05)


@contextmanager
def started(arguments: list[str], **more: object) -> Iterator[subprocess.Popen]:
    """A process that hears interrupts, also where the tests run in a job of the background and ignore them.

    What a process ignores its children ignore, and what it handles they do not: so this one handles interrupts
    while it begins another. ``preexec_fn`` would fork, against which JAX warns.
    """
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(arguments, cwd=ROOT, **{**quiet, **more})  # pyright: ignore[reportCallIssue, reportArgumentType]
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The tables of a process that solves all points, which are those of four shares of them."""
    folder = tmp_path_factory.mktemp("expected")
    (study := folder / "study.toml").write_text(SPEC)
    shares = [(study, folder / "shares", f"--shard {n}/4 --jobs 1") for n in (2, 4, 1, 3)]
    answer, *parts = swept((study, folder / "out", "--jobs 1"), *shares)
    assert answer["points"] == answer["done"] == POINTS
    assert [(part["missing"], bool(part["missing_of_all"])) for part in parts] == [(0, n != 3) for n in (2, 4, 1, 3)]
    assert tables(folder / "shares") == tables(folder / "out")
    return tables(folder / "out")


def test_a_sweep_that_is_ended_goes_on(spec: Path, tmp_path: Path, expected: list[str]) -> None:
    """A worker is killed and replaced, then the sweep; the next one is interrupted; so many repeats that neither is done before."""
    out, orphans = tmp_path / "out", []
    for how in (signal.SIGKILL, signal.SIGINT):
        before = done(out)
        with started(command(spec, out, "sweep.seeds=80", "--jobs", "2")) as process:
            wait_for(lambda: done(out) > before or process.poll() is not None, 200)  # noqa: B023
            if how == signal.SIGKILL:
                before = done(out)
                os.kill(workers(process.pid)[0], signal.SIGKILL)
                wait_for(lambda: done(out) > before + 12 or process.poll() is not None, 200)  # noqa: B023
            orphans += workers(process.pid)
            process.send_signal(how)
            status = process.wait(60)
        assert status == (-signal.SIGKILL if how == signal.SIGKILL else 130)
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), 30)  # no worker outlives its sweep
    there = done(out)
    state, answer = swept((spec, out, "sweep.seeds=80 --status"), (spec, out, "--jobs 1"))
    assert state["done"] == there and answer["done"] == POINTS
    assert tables(out) == expected


def test_a_point_that_kills_its_process_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    """The others ran beside it, in a process that the pool ends with it."""
    (tmp_path / "deadly.py").write_text(DEADLY)
    grid = '[sweep.grid]\nloss = ["deadly:h=3|1", "quadratic:h=1|2"]\n"noise.sigma" = [1, 2]\neta = [0.01]\nclients = [6]\n'
    text = SPEC.partition("[sweep.grid]")[0].replace("seeds = 4", "seeds = 1") + grid
    (tmp_path / "study.toml").write_text('plugins = ["deadly.py"]\n' + text)
    arguments = command(tmp_path / "study.toml", tmp_path / "out", "--jobs", "2", "--json")
    ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)
    answer = json.loads(ended.stdout)
    assert ended.returncode == 1 and answer["points"] == 4 and answer["done"] == 2 == len(answer["failed"])
    assert all("deadly" in failure["at"] and "died" in failure["reason"] for failure in answer["failed"])
    assert ended.stderr.count("failed: ") == 2


def test_workers_that_die_while_nothing_runs_are_replaced() -> None:
    """Tasks that a worker refuses, since they were made elsewhere."""
    ended = []
    for one in Processes(1).run([Task(n, (), 0.0, "another context") for n in range(2)]):
        assert isinstance(one, Done) and "other packages, source, plugins or kind of machine" in str(one.refusal)
        ended.append(one.number)
        for pid in workers(os.getpid()):
            os.kill(pid, signal.SIGKILL)
    assert ended == [0, 1]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def test_dask_whose_worker_and_scheduler_are_killed(spec: Path, tmp_path: Path, expected: list[str]) -> None:
    """A worker and the scheduler are killed after some points, and others take their places at the same address."""
    pytest.importorskip("distributed")
    port, out = free_port(), tmp_path / "out"
    address = f"tcp://127.0.0.1:{port}"
    of_dask, quiet = [sys.executable, "-m"], "--no-dashboard"
    scheduler = [*of_dask, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), quiet]
    worker = [*of_dask, "distributed.cli.dask_worker", address, "--nthreads", "1", quiet, "--death-timeout", "60"]
    worker += ["--local-directory", str(tmp_path)]
    sweep = command(spec, out, "--executor", f"dask:{address}")
    with (
        started([*worker, "--no-nanny"]) as first, started(worker), started(worker), started(scheduler) as one,
        started(sweep) as process,
    ):  # fmt: skip
        wait_for(lambda: done(out) > 5, 200)
        first.kill()
        time.sleep(1)
        one.kill()
        one.wait()
        with started(scheduler), started(worker):
            assert process.wait(300) == 0
    assert tables(out) == expected
