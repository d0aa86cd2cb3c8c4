"""`sdescent solve` killed and run again: nothing half written is believed, nothing whole is computed twice."""

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
from sdescent.reports.commands.solving import results
from sdescent.reports.commands.solving import runs as runs_module
from sdescent.reports.commands.solving.command import carry_out, identity, part_name
from sdescent.reports.commands.solving.runs import Parts, runs
from sdescent.reports.store import cache
from tests.support.commands.solved import FIELDS, LONG, ROOT, contents, quietly


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


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_name(path: Path) -> None:
    (other,) = path.parent.glob("eta1-method-00001-*")
    digest = other.name.rpartition("-")[2]
    path.unlink()
    shutil.copy(other, path.parent / f"eta1-method-00000-{digest}")


@pytest.mark.slow
def test_damaged_parts_are_computed_again(tmp_path, blocks):
    blocks(whole=False)
    asked = experiment({**FIELDS, "models": [], "eta": "1/8"})
    carry_out(asked, tmp_path / "right", quietly)
    for damage in (cut, flip, other_name):
        folder = tmp_path / damage.__name__
        work = half_done(folder, asked)
        assert {part_name(runs(asked)[0], n) for n in (0, 1)} <= work.names()
        (path,) = work.folder.glob("eta1-method-00000-*")
        damage(path)
        assert carry_out(asked, folder, quietly)[1]["damaged"] == ["eta1-method-00000"]
        assert contents(folder) == contents(tmp_path / "right")
        assert not list(work.folder.glob("eta1-method-0????-*"))  # parts go when the run is whole


CHANGES: list[dict[str, Any]] = [
    {"seed": 6}, {"paths": 201}, {"noise": "student-t:nu=6,sigma=1/2"}, {"x0": ["1", "1"]}, {"eta": ["1/10", "1/9"]}, {"T": "2"},
    {"save": ["1"]}, {"quantities": ["loss"]}, {"models": []}, {"discrete": False}, {"substeps": 9}, {"dtype": "float32"},
]  # fmt: skip


@pytest.mark.slow
def test_every_change_of_what_results_depend_on_is_another_experiment(monkeypatch):
    known = [identity(experiment({**FIELDS, **changes})) for changes in ({}, *CHANGES)]
    assert len(set(known)) == len(CHANGES) + 1
    assert identity(experiment({**FIELDS, "chunk": 7})) == known[0]
    monkeypatch.setattr(cache, "provenance", lambda: {"versions": {"sdescent": "9.9.9"}, "source": "0"})
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


# Figures


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the figures that are drawn from here on."""
    names: list[str] = []
    original = results.figure

    def figure(folder: Path, name: str, *args: Any, **options: Any) -> Any:
        names.append(name)
        return original(folder, name, *args, **options)

    monkeypatch.setattr(results, "figure", figure)
    return names


def swapped(path: Path) -> None:
    path.write_bytes(path.with_name(path.name.replace("norm", "loss")).read_bytes())


@pytest.mark.slow
def test_a_figure_is_drawn_again_only_where_it_is_not_whole(tmp_path: Path, drawn: list[str]) -> None:
    damages: list[tuple[Callable[[Path], None], str]] = [(Path.unlink, "pdf"), (cut, "png"), (swapped, "pdf")]
    fields = {**FIELDS, "models": [], "eta": "1/8", "quantities": ["loss", "norm"]}
    carry_out(asked := experiment(fields), tmp_path, quietly)
    assert drawn == ["loss-eta1", "norm-eta1"]
    right = contents(tmp_path)
    for damage, suffix in damages:
        drawn.clear()
        assert carry_out(asked, tmp_path, quietly)[0]["figures"] and drawn == []
        damage(tmp_path / f"figures/norm-eta1.{suffix}")
        carry_out(asked, tmp_path, quietly)
        assert drawn == ["norm-eta1"] and contents(tmp_path) == right


# Killed


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


@pytest.mark.slow
def test_runs_that_are_killed_go_on(tmp_path, monkeypatch):
    """Twice, at some moment after a few more parts are there, which may be during the figures; without a half-written file."""
    monkeypatch.setattr(runs_module, "_PATHS", 128)
    spec, out, chance = tmp_path / "long.toml", tmp_path / "out", random.Random(50)
    spec.write_text(LONG.replace('models = ["first-order"]', "models = []"))
    carry_out(read_experiment(spec), tmp_path / "right", quietly)
    for _ in range(2):
        child = start(spec, out, 10**9)
        before, more = len(seen := parts(tmp_path)), chance.randrange(1, 6)
        while child.poll() is None and len(seen) < before + more:  # parts of a run go when it is whole
            time.sleep(0.002)
            seen |= parts(tmp_path)
        time.sleep(chance.uniform(0, 0.1))
        child.kill()
        child.communicate(timeout=60)
    (out / "results").mkdir(exist_ok=True)
    for name in ("results/.eta1-method.0123456789ab.part.npz", ".summary.0123456789ab.part.json"):
        (out / name).write_bytes(b"half")
    child = start(spec, out, 10**9)
    _, err = child.communicate(timeout=300)
    assert child.returncode == 0, err
    assert contents(out) == contents(tmp_path / "right") and not list(out.rglob(".*.part*"))


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
