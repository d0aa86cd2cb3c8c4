"""`sdescent solve` killed and run again: nothing half written is believed, nothing whole is computed twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.reading.experiments import experiment, read_experiment
from sdescent.reports.cli import BAD_INPUT, INTERRUPTED, main
from sdescent.reports.commands.solving import command
from sdescent.reports.commands.solving import runs as runs_module
from sdescent.reports.commands.solving.command import carry_out, identity, part_name
from sdescent.reports.commands.solving.runs import runs
from sdescent.reports.commands.solving.work import Parts
from tests.support.commands.solved import FIELDS, LONG, ROOT, contents, quietly
from tests.support.samples import slow_but


class Stopped(Exception):
    pass


def stopped_when(reached: Callable[[str], bool]) -> Callable[[str, float], None]:
    def tick(label: str, fraction: float) -> None:
        if reached(label):
            raise Stopped

    return tick


def half_done(folder: Path, asked: Any) -> Parts:
    with pytest.raises(Stopped):
        carry_out(asked, folder, stopped_when(lambda _: any(folder.glob(".work/*/eta1-method-00001-*"))))
    return Parts(folder / ".work", identity(asked))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_part(path: Path) -> None:
    (other,) = path.parent.glob("eta1-method-00001-*")
    path.write_bytes(other.read_bytes())


def other_name(path: Path) -> None:
    (other,) = path.parent.glob("eta1-method-00001-*")
    digest = other.name.rpartition("-")[2]
    path.unlink()
    shutil.copy(other, path.parent / f"eta1-method-00000-{digest}")


@pytest.mark.parametrize("whole", slow_but([False, True], []), ids=["statistics", "paths"])
def test_damaged_parts_are_computed_again(whole, tmp_path, blocks):
    blocks(whole)
    asked = experiment({**FIELDS, "models": [], "eta": "1/8"})
    carry_out(asked, tmp_path / "right", quietly)
    for damage in (cut, empty, flip, other_part, other_name):
        folder = tmp_path / damage.__name__
        work = half_done(folder, asked)
        assert {part_name(runs(asked)[0], n) for n in (0, 1)} <= work.names()
        (path,) = work.folder.glob("eta1-method-00000-*")
        damage(path)
        assert carry_out(asked, folder, quietly)[1]["damaged"] == ["eta1-method-00000"]
        assert contents(folder) == contents(tmp_path / "right")
        assert not list(work.folder.glob("eta1-method-0????-*"))  # parts go when the run is whole


@pytest.mark.slow
@pytest.mark.usefixtures("blocks")
def test_what_a_killed_run_left_half_written_goes(tmp_path):
    asked = experiment({**FIELDS, "models": [], "eta": "1/8"})
    carry_out(asked, tmp_path, quietly)
    right = contents(tmp_path)
    for name in (
        "results/.eta1-method",
        "figures/.loss-eta1",
        f".work/{Parts(tmp_path / '.work', identity(asked)).hash}/.x",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.0123456789ab.part.npz").write_bytes(b"half")
    (tmp_path / ".summary.0123456789ab.part.json").write_text("{")
    carry_out(asked, tmp_path, quietly)
    assert contents(tmp_path) == right and not list(tmp_path.rglob(".*.part*"))


CHANGES: list[dict[str, Any]] = [
    {"seed": 6}, {"paths": 201}, {"noise": "student-t:nu=6,sigma=1/2"}, {"loss": "quadratic:h=1|3"}, {"clients": 3},
    {"x0": ["1", "1"]}, {"eta": ["1/10", "1/9"]}, {"T": "2"}, {"save": 6}, {"save": ["1"]}, {"quantities": ["loss"]},
    {"models": ["corrected"]}, {"models": []}, {"discrete": False}, {"dt": "1/100"}, {"substeps": 9}, {"dtype": "float32"},
    {"method": "dsignsgd"}, {"schedule": "power:p=1/2"},
]  # fmt: skip


@pytest.mark.slow
def test_every_change_of_what_results_depend_on_is_another_experiment(monkeypatch):
    known = [identity(experiment({**FIELDS, **changes})) for changes in ({}, *CHANGES)]
    assert len(set(known)) == len(CHANGES) + 1
    assert identity(experiment({**FIELDS, "chunk": 7})) == known[0]
    monkeypatch.setattr(command, "provenance", lambda: {"versions": {"sdescent": "9.9.9"}, "source": "0"})
    assert identity(experiment(FIELDS)) not in known


@pytest.mark.slow
@pytest.mark.usefixtures("blocks")
def test_another_experiment_in_the_same_folder_uses_nothing_and_leaves_nothing(tmp_path):
    asked = experiment({**FIELDS, "models": []})
    carry_out(asked, tmp_path / "out", quietly)
    other = experiment({**FIELDS, "models": [], "seed": 6, "eta": "1/8", "quantities": ["norm"]})
    with pytest.raises(Stopped):
        carry_out(other, tmp_path / "out", stopped_when(lambda label: label == "figures"))
    assert not (tmp_path / "out/summary.json").exists()  # the old one would name a file that is new
    assert carry_out(other, tmp_path / "out", quietly)[1] == {"reused": ["eta1-method"], "damaged": []}
    carry_out(other, tmp_path / "fresh", quietly)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
    assert carry_out(asked, tmp_path / "out", quietly)[1]["reused"] == []


CHILD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where tests run in a job of the background, which ignores it
from sdescent.reports.cli import main
from sdescent.reports.commands.solving import results, runs
runs._PATHS, runs.MOST_KEPT = 128, int(sys.argv[1])
sys.exit(main(["solve", *sys.argv[2:]]))
"""


def start(spec: Path, out: Path, kept: int) -> subprocess.Popen[str]:
    """`sdescent solve` in a process of its own, with blocks of 128 paths."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    words = [sys.executable, "-c", CHILD, str(kept), str(spec), "-o", str(out)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def parts(folder: Path) -> set[str]:
    return {path.name for path in (folder / "out").glob(".work/*/eta?-*-0????-*")}


def killed_and_resumed(folder: Path, text: str, kills: int, kept: int, chance: random.Random) -> None:
    spec = folder / "long.toml"
    spec.write_text(text)
    carry_out(read_experiment(spec), folder / "right", quietly)
    whole = 0
    for _ in range(kills):
        child = start(spec, folder / "out", kept)
        # At some moment after a few more parts are there, which may be during the figures or after the end.
        seen, more = set(parts(folder)), chance.randrange(1, 6)
        before = len(seen)
        while child.poll() is None and len(seen) < before + more:  # parts of a run go when it is whole
            time.sleep(0.002)
            seen |= parts(folder)
        time.sleep(chance.uniform(0, 0.1))
        child.kill()
        child.communicate(timeout=60)
        if (folder / "out/summary.json").exists():
            whole += 1
            assert contents(folder / "out") == contents(folder / "right")
            shutil.rmtree(folder / "out")
    child = start(spec, folder / "out", kept)
    _, err = child.communicate(timeout=300)
    assert child.returncode == 0, err
    assert contents(folder / "out") == contents(folder / "right")
    assert whole < kills


@pytest.mark.slow
@pytest.mark.parametrize(("kept", "kills"), [(10**9, 2), (0, 1)], ids=["paths", "statistics"])
def test_runs_that_are_killed_go_on(kept, kills, tmp_path, monkeypatch):
    monkeypatch.setattr(runs_module, "_PATHS", 128)
    monkeypatch.setattr(runs_module, "MOST_KEPT", kept)
    text = LONG.replace('models = ["first-order"]', "models = []")
    killed_and_resumed(tmp_path, text, kills, kept, random.Random(50 + kept))


@pytest.mark.slow
def test_an_interrupt_is_one_line_and_130_and_a_folder_has_one_writer(tmp_path, capsys):
    spec = tmp_path / "long.toml"
    spec.write_text(LONG.replace("paths = 3000", "paths = 2000000"))
    child = start(spec, tmp_path / "out", 10**9)
    try:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("out/.work/*/eta1-method-0????-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert main(["solve", str(spec), "-o", str(tmp_path / "out"), "--json"]) == BAD_INPUT
        assert json.loads(capsys.readouterr().out)["field"] == "--out"
    finally:
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    lines = [line for line in err.splitlines() if not line.startswith("[")]
    assert (child.returncode, out) == (INTERRUPTED, "") and len(lines) == 1 and lines[0].startswith("interrupted")
    assert list(tmp_path.glob("out/.work/*/eta1-method-0????-*")) and not (tmp_path / "out/summary.json").exists()
