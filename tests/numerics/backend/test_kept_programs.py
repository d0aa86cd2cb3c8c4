"""Programs are found by later processes, whole or not at all, and only in a folder that is the user's own."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from sdescent.numerics.backend import kept_programs as module
from sdescent.numerics.backend.kept_programs import VARIABLE, begin, store
from tests.support.commands.solved import ROOT

#: what JAX writes is packed
PROGRAM = zlib.compress(b"program")


class Config:
    """Of JAX, as it is before it compiles."""

    def __init__(self, folder: str | None = None, enabled: bool = True) -> None:
        self.jax_compilation_cache_dir, self.jax_enable_compilation_cache = folder, enabled
        self.changed: dict[str, Any] = {}

    def update(self, name: str, value: Any) -> None:
        self.changed[name] = value


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, "1")
    monkeypatch.setattr(module, "folder", lambda: tmp_path / "programs")
    monkeypatch.setattr(module.atexit, "register", lambda function: function)
    monkeypatch.setattr(module, "_begun", [])
    return tmp_path / "programs"


def begun() -> Path:
    """The folder that a new process gives to JAX."""
    config = Config()
    begin(config)
    return Path(config.changed["jax_compilation_cache_dir"])


def test_what_a_process_made_is_there_for_the_next(shared: Path) -> None:
    first = begun()
    (first / "a-cache").write_bytes(PROGRAM)
    (first / "b-cache").write_bytes(PROGRAM[:-1])  # of a full disk
    assert not (shared / "a-cache").exists()  # it may not be whole yet
    store()
    assert [path.name for path in shared.iterdir()] == ["a-cache"]
    second = begun()
    assert (second / "a-cache").read_bytes() == PROGRAM
    (shared / "a-cache").unlink()  # another process removed it to make room
    assert (second / "a-cache").read_bytes() == PROGRAM
    store()
    assert not list(shared.iterdir())


def test_a_process_that_was_killed_leaves_nothing_to_others(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = begun()
    (killed / "a-cache").write_bytes(PROGRAM)
    module._begun.clear()
    assert not list(begun().iterdir()) and killed.exists()  # it may be running
    monkeypatch.setattr(module, "ABANDONED", -1.0)
    begun()
    assert not killed.exists()


def test_a_child_by_fork_removes_nothing(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = begun()
    monkeypatch.setattr(module.os, "getpid", lambda: -1)
    store()
    assert own.exists()


def test_files_of_others_stay(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 0)
    shared.mkdir(mode=0o700)
    (shared / "notes").write_text("mine")
    begun()
    store()
    assert (shared / "notes").exists()


def test_without_hard_links_nothing_is_left(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.mkdir(mode=0o700)
    (shared / "a-cache").write_bytes(PROGRAM)

    def link(*_: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(module.os, "link", link)
    config = Config()
    begin(config)
    assert not config.changed and [path.name for path in shared.iterdir()] == ["a-cache"]


@pytest.mark.parametrize(("limit", "value"), [("MOST", 5 * len(PROGRAM) // 2), ("MANY", 2)])
def test_the_oldest_programs_make_room(limit: str, value: int, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, limit, value)
    made = begun()
    for age, name in enumerate("abc"):
        (made / f"{name}-cache").write_bytes(PROGRAM)
        os.utime(made / f"{name}-cache", (1e9 - age, 1e9 - age))
    store()
    assert sorted(path.name for path in shared.iterdir()) == ["a-cache", "b-cache"]


@pytest.mark.parametrize(
    "why", ["not asked", "refused", "a folder of JAX's", "no cache", "for all to write", "a link", "a file in the way"]
)
def test_nothing_is_kept(why: str, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config("elsewhere" if why == "a folder of JAX's" else None, why != "no cache")
    if why == "not asked":
        monkeypatch.delenv(VARIABLE)
    if why == "refused":
        monkeypatch.setenv(VARIABLE, "0")
        module.ask()
    if why == "for all to write":
        shared.mkdir()
        shared.chmod(0o777)
    if why == "a link":
        shared.symlink_to(tmp_path)
    if why == "a file in the way":
        shared.write_text("")
    begin(config)
    assert not config.changed and not module._begun and not list(tmp_path.rglob("process-*"))


SPEC = """
method = "dsignsgd"
noise = "student-t:nu=3,sigma=1"
loss = "quadratic:h=1|4"
x0 = [2, -1]
clients = 4
eta = 0.1
T = 1
paths = 200
models = ["first-order"]
save = 3
"""
#: a process of the command line that says how many programs it found; it solves the specification into a folder
COUNTED = """
import json, sys
from sdescent.numerics.backend.kept_programs import ask
ask()
from sdescent.numerics.backend.double import jax
found = []
jax.monitoring.register_event_listener(lambda event, **_: found.append(event) if event.endswith("cache_hits") else None)
from sdescent.reports.cli import main
status = main(["solve", *sys.argv[1:]])
print(json.dumps([status, len(found)]))
"""


@pytest.mark.slow
def test_a_second_solve_finds_the_programs_of_the_first_and_a_damaged_one_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")

    def solved(name: str) -> tuple[int, list[bytes]]:
        arguments = [sys.executable, "-c", COUNTED, str(tmp_path / "spec.toml"), "-o", str(tmp_path / name)]
        shared: dict[str, Any] = {"cwd": ROOT, "env": environment, "text": True, "timeout": 300}
        done = subprocess.run(arguments, capture_output=True, check=True, **shared)
        status, found = json.loads(done.stdout.splitlines()[-1])
        assert status == 0
        assert "prefer-no-gather" not in done.stderr and "Warning" not in done.stderr
        return found, [path.read_bytes() for path in sorted((tmp_path / name / "results").iterdir())]

    (first, results), (second, again) = solved("one"), solved("two")
    assert (first, len(results)) == (0, 2) and second >= 2 and again == results
    kept = list((tmp_path / "cache").rglob("jit_compiled-*"))  # those of the two runs
    for path in kept:
        path.write_bytes(path.read_bytes()[:5000])
    _, again = solved("three")
    assert again == results and len(kept) == 2 and not any(path.exists() for path in kept)
