"""Sections computed side by side: the same results as one after the other, and no process left behind, whatever happens."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from sdescent.derive.vocabulary import plugin_loading
from sdescent.reports.assembly import section_processes
from sdescent.reports.assembly.plan import PROCESSES, Plan, section_of
from sdescent.reports.assembly.section_processes import WorkerFailed, compute
from sdescent.reports.paper.real_data import section as real_data
from sdescent.reports.paper.real_data import study
from sdescent.reports.sections.base import Inputs
from sdescent.reports.store.cache import ResultsCache
from tests.support.commands.command_line import completed
from tests.support.commands.own_pieces import forgotten

ASKED = {"quick": True, "problem": None}
NAMES = ["stationary"]


def running() -> dict[int, int]:
    """Workers that run, with the process that each was started by."""
    listed = completed("ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args=", check=True)
    rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
    ours = [r for r in rows if len(r) == 4 and "sdescent.reports.assembly.section_processes" in r[3]]
    return {int(r[0]): int(r[1]) for r in ours if not r[2].startswith("Z")}


def children(of: int | None = None) -> set[int]:
    """Workers of this process, or of another."""
    return {pid for pid, parent in running().items() if parent == (of or os.getpid())}


def work(said: list[tuple[str, float]]) -> Plan:
    return Plan(None, True, None, lambda label, share: said.append((label, share)))


#: a plugin that makes the section on real input small, in every process, and writes down who measures which noise
SMALL = """
import os
from dataclasses import replace
from sdescent.derive.vocabulary.registry import register
from sdescent.reports.paper.real_data import section, study

register("statistic", "far", "")(len)
few = tuple(replace(one, runs=one.runs[:1]) for one in section.settings())
section.settings = lambda: few
section.SIZES["quick"] = study.StudySize(draws=60, runs=4, models=())
measure = study.NoiseStudy._measure

def written(self):
    with open(SEEN, "a") as file:
        file.write(f"{self.setting.name} {os.getpid()}\\n")
    return measure(self)

study.NoiseStudy._measure = written
"""


@pytest.mark.slow
def test_pieces_side_by_side_are_the_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real input by two workers, a data set each; a piece made in this process is the same, and nothing is computed twice."""
    for owner, name in ((real_data, "settings"), (study.NoiseStudy, "_measure")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setitem(real_data.SIZES, "quick", real_data.SIZES["quick"])
    (tmp_path / "small.py").write_text(SMALL.replace("SEEN", repr(str(tmp_path / "seen"))))
    section, said, pieces = section_of("real-data"), list[tuple[str, float]](), tmp_path / "pieces"
    assert len(section.pieces) == 2
    with forgotten():
        plugin_loading._PLUGINS.clear()
        plugin_loading.load(tmp_path / "small.py")
        assert compute(["real-data", "models"], pieces, ASKED, work(said)) == ([], [])
        labels, shares = Counter(label for label, _ in said), [share for _, share in said]
        # once for each data set
        assert labels[section.title] == labels["The three models"] == 1 and max(labels.values()) == 2
        assert shares == sorted(shares) and children() == set()
        measured = dict(line.split() for line in (tmp_path / "seen").read_text().splitlines())
        assert len((tmp_path / "seen").read_text().splitlines()) == 2 and str(os.getpid()) not in measured.values()
        assert measured.keys() == set(section.pieces)
        theirs = ResultsCache(pieces)
        whole = section.compute(Inputs(True, None, theirs, lambda label: None))
        assert (
            theirs.computed == [] and len(theirs.reused) == 10
        )  # noise, change, and one method three times, for each data set
        stored = json.loads(theirs.path("real-data", ASKED).read_text())
        assert stored["result"]["seconds"] > 0.5  # the seconds of the pieces, not of putting them together
        assert [one["name"] for one in stored["context"]["plugins"]] == ["small.py"]
        # a section without pieces, and one piece that is lost, are computed here to the bit; the others come from disk
        alone = tmp_path / "alone"
        shutil.copytree(pieces, alone, ignore=shutil.ignore_patterns("real-data-random-design-*"))
        mine = ResultsCache(alone)
        assert section.compute(Inputs(True, None, mine, lambda label: None)) == whole
        assert mine.computed == [name for name in theirs.reused if "random-design" in name] != []
        assert sorted(mine.computed + mine.reused) == sorted(theirs.reused)
        models = section_of("models").compute(Inputs(True, None, mine, lambda label: None))
        assert json.loads(theirs.path("models", ASKED).read_text())["result"] == {**models, "seconds": ANY}
        # one run is lost: a worker computes it, and neither worker says it of a wrong one
        theirs.path("real-data", ASKED).unlink()
        (lost,) = pieces.glob("real-data-random-design-noise-*.json")
        lost.unlink()
        reused, damaged = compute(["real-data"], pieces, ASKED, work([]))
        assert reused == sorted(name for name in theirs.reused if name != "real-data-random-design-noise")
        assert damaged == [] and lost.is_file()


def test_a_section_is_put_together_after_its_last_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker, which does nothing and says that each task is done."""
    pieces: list[str | None] = []

    @contextmanager
    def crew(count: int, folder: Path, spec: Any, answers: Any) -> Iterator[list[int]]:
        def give(worker: int, section: str, piece: str | None, spent: float) -> None:
            pieces.append(piece)
            answers.put((worker, {"stored": [], "reused": [], "damaged": [], "seconds": 1.0}))

        monkeypatch.setattr(section_processes, "_give", give)
        yield [0]

    monkeypatch.setattr(section_processes, "_crew", crew)
    compute(["real-data"], tmp_path, ASKED, work([]))
    assert pieces == [*section_of("real-data").pieces, None]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError) as caught:
        compute(NAMES, tmp_path / "file" / "results", ASKED, work([]))
    assert caught.value.errno and caught.value.filename
    assert children() == set()


@pytest.mark.slow
def test_a_section_that_fails_says_where(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match="KeyError"):
        compute(["proofs"], tmp_path, ASKED, work([]))  # it is made of others, which are not there
    assert children() == set()


@pytest.mark.slow
def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    def kill(label: str, share: float) -> None:
        for pid in children():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(WorkerFailed, match="status -9"):
        compute(["theorems"], tmp_path, ASKED, Plan(None, True, None, kill))
    assert children() == set()


@pytest.mark.slow
def test_workers_end_when_who_started_them_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from sdescent.reports.assembly.plan import Plan\n"
        "from sdescent.reports.assembly.section_processes import compute\n"
        "work = Plan(None, True, None, lambda label, share: print(label, flush=True))\n"
        "compute(['theorems', 'sde-table'], Path(sys.argv[1]), {'quick': True, 'problem': None}, work)\n"
    )
    started = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None and started.stdout.readline()
    pids = children(started.pid)
    assert len(pids) == PROCESSES
    started.kill()
    started.wait()
    started.stdout.close()
    deadline = time.monotonic() + 60
    while pids & running().keys() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not pids & running().keys()
