"""One sweep gives the same bytes everywhere: in this process, in others, in shares, whoever is killed meanwhile."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

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
seeds = 2
[sweep.grid]
"noise.sigma" = [0.1, 1, 2]
eta = [0.01, 0.02]
clients = [2, 6]
"""
POINTS = 24


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (path := tmp_path / "study.toml").write_text(SPEC)
    return path


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


def workers(pid: int) -> list[int]:
    """Spawned workers of a process, by /proc; the tracker of their semaphores is none."""
    spawned = []
    for child in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((child / "stat").read_text().rpartition(")")[2].split()[1])
            spawned += [int(child.name)] if parent == pid and b"spawn_main" in (child / "cmdline").read_bytes() else []
    return spawned


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
    """The tables of a process that solves all points, which are those of two shares of them."""
    folder = tmp_path_factory.mktemp("expected")
    (study := folder / "study.toml").write_text(SPEC)
    shares = [(study, folder / "shares", f"--shard {n}/2 --jobs 1") for n in (2, 1)]
    answer, *parts = swept((study, folder / "out", "--jobs 1"), *shares)
    assert answer["points"] == answer["done"] == POINTS
    assert [(part["missing"], bool(part["missing_of_all"])) for part in parts] == [(0, True), (0, False)]
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
