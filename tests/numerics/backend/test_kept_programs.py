"""Programs are found by later processes, whole or not at all, and only in a folder that is the user's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from numerics.backend import kept_programs as module
from numerics.backend.kept_programs import VARIABLE, begin, store
from tests.support.commands.solved import ROOT


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
    (first / "a").write_bytes(b"program")
    assert not (shared / "a").exists()  # it may be half of one
    store()
    assert [path.name for path in shared.iterdir()] == ["a"]
    second = begun()
    assert (second / "a").read_bytes() == b"program"
    (shared / "a").unlink()  # another process removed it to make room
    assert (second / "a").read_bytes() == b"program"
    store()
    assert not list(shared.iterdir())


def test_a_process_that_was_killed_leaves_nothing_to_others(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = begun()
    (killed / "a").write_bytes(b"half of a pro")
    module._begun.clear()
    assert not list(begun().iterdir()) and killed.exists()  # it may be running
    monkeypatch.setattr(module, "ABANDONED", -1.0)
    begun()
    assert not killed.exists()


def test_the_oldest_programs_make_room(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 250)
    made = begun()
    for age, name in enumerate("abc"):
        (made / name).write_bytes(bytes(100))
        os.utime(made / name, (1e9 - age, 1e9 - age))
    store()
    assert sorted(path.name for path in shared.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("why", ["not asked", "refused", "a folder of JAX's", "no cache", "for all to write", "a file in the way"])
def test_nothing_is_kept(why: str, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config("elsewhere" if why == "a folder of JAX's" else None, why != "no cache")
    if why == "not asked":
        monkeypatch.delenv(VARIABLE)
    if why == "refused":
        monkeypatch.setenv(VARIABLE, "0")
        module.ask()
    if why == "for all to write":
        shared.mkdir()
        shared.chmod(0o777)
    if why == "a file in the way":
        shared.write_text("")
    begin(config)
    assert not config.changed and not module._begun and (not shared.is_dir() or not list(shared.iterdir()))


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
from numerics.backend.kept_programs import ask
ask()
from numerics.backend.double import jax
found = []
jax.monitoring.register_event_listener(lambda event, **_: found.append(event) if event.endswith("cache_hits") else None)
from reports.cli import main
status = main(["solve", *sys.argv[1:]])
print(json.dumps([status, len(found)]))
"""


@pytest.mark.slow
def test_a_second_solve_finds_the_programs_of_the_first_and_a_damaged_one_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(SPEC)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")} | {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    def solved(name: str) -> tuple[int, list[bytes], str]:
        arguments = [sys.executable, "-c", COUNTED, str(tmp_path / "spec.toml"), "-o", str(tmp_path / name)]
        done = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=300)
        status, found = json.loads(done.stdout.splitlines()[-1])
        assert status == 0
        return found, [path.read_bytes() for path in sorted((tmp_path / name / "results").iterdir())], done.stderr

    (first, results, _), (second, again, told) = solved("one"), solved("two")
    assert (first, len(results)) == (0, 2) and second >= 2 and again == results
    assert "prefer-no-gather" not in told
    kept = list((tmp_path / "cache").rglob("jit_compiled-*"))  # those of the two runs
    for path in kept:
        path.write_bytes(path.read_bytes()[:5000])
    _, again, told = solved("three")
    assert len(kept) == 2 == told.count("Error reading persistent compilation cache entry") and again == results
