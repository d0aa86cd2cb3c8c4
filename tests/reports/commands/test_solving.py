"""`sdescent solve`: the contract, the same numbers as `numerics` gives, and runs that are killed and go on."""

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

import numpy as np
import pytest

import derive
from derive.reading.experiments import METHOD, experiment, read_experiment
from derive.vocabulary.errors import BadInput
from numerics.simulate.equation import solve
from numerics.simulate.method import run
from numerics.simulate.runs import nth_key
from numerics.statistics.estimates import over_time
from reports.cli import BAD_INPUT, INTERRUPTED, main
from reports.commands.solving import command, results
from reports.commands.solving import runs as runs_module
from reports.commands.solving.command import carry_out, identity, part_name
from reports.commands.solving.runs import Run, runs, statistic
from reports.commands.solving.work import Parts, packed, unpacked

ROOT = Path(__file__).parents[3]
SPEC = """
method = "dsgd"
noise = "student-t:nu=5,sigma=1/2"
loss = "quadratic:h=1|2"
clients = 2
x0 = [1, -1]
eta = [0.1, "1/8"]
T = 1
paths = 400
seed = 5
save = 5
quantities = ["loss", "norm", "x2"]
"""
FIELDS: dict[str, Any] = {
    "method": "dsgd", "noise": "student-t:nu=5,sigma=1/2", "loss": "quadratic:h=1|2", "clients": 2, "x0": ["1", "-1"],
    "eta": ["1/10", "1/8"], "T": "1", "paths": 400, "seed": 5, "save": 5, "quantities": ["loss", "norm", "x2"],
}  # fmt: skip


@pytest.fixture
def blocks(monkeypatch):
    """Blocks of 128 paths, so that a small run has several; path by path, or as statistics. No figures, which take long."""
    monkeypatch.setattr(results, "draw", lambda entries, folder: [])

    def small(whole: bool = True) -> None:
        monkeypatch.setattr(runs_module, "_PATHS", 128)
        monkeypatch.setattr(runs_module, "MOST_KEPT", 10**9 if whole else 0)

    small()
    return small


def quietly(label: str, fraction: float) -> None:
    assert 0 <= fraction <= 1 and label.isprintable()


def solved(folder: Path, **changes: Any) -> dict[str, Any]:
    return carry_out(experiment({**FIELDS, **changes}), folder, quietly)[0]


def contents(folder: Path) -> dict[str, bytes]:
    """All that an experiment leaves, but for the seconds that it took and the parts."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
    found = {name: content for name, content in found.items() if not name.startswith(".work")}
    summary = json.loads(found["summary.json"])
    del summary["seconds"]
    return {**found, "summary.json": json.dumps(summary).encode()}


def archives(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if name.endswith(".npz")}


# The contract


def test_files_json_and_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text(with_line('quantities = ["loss", "x2"]'))
    assert main(["solve", "my.toml", "-o", "out", "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer.keys() == {"files", "hash", "runs", "refused", "reused", "damaged", "seconds"}
    assert [(r["eta"], r["model"]) for r in answer["runs"]] == [
        ("1/10", "method"), ("1/10", "first-order"), ("1/8", "method"), ("1/8", "first-order"),
    ]  # fmt: skip
    assert answer["refused"] == answer["reused"] == answer["damaged"] == []
    assert all((tmp_path / path).is_file() for path in answer["files"]["results"] + answer["files"]["figures"])
    figures = answer["files"]["figures"]
    assert {path.rpartition(".")[2] for path in figures} == {"pdf", "png"} and len(figures) == 8
    assert "% of the paths" in err and all(line.startswith("[") for line in err.splitlines())
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary.keys() == {"hash", "experiment", "context", "layout", "runs", "refused", "figures", "seconds"}
    assert summary["experiment"]["noise"] == "student-t:nu=5,sigma=1/2" and summary["context"]["versions"]["jax"]
    entry = summary["runs"][1]
    assert entry.keys() == {
        "eta", "model", "file", "sha256", "storage", "settings", "times", "quantities", "blow_ups",
    }  # fmt: skip
    assert entry["settings"]["paths"] == 400 and entry["blow_ups"]["count"] == 0 and len(entry["blow_ups"]["by_time"]) == 5
    values = unpacked((tmp_path / "out" / entry["file"]).read_bytes())
    assert values["loss"].shape == (5, 400) and values["final"].shape == (2, 400) and values["times"].tolist() == entry["times"]
    assert entry["quantities"]["loss"]["median"] == over_time(values["loss"]).median.tolist()
    # again: nothing is computed; and without --json the estimates and the files
    before = contents(tmp_path / "out")
    monkeypatch.setattr(Run, "compute", None)
    monkeypatch.setattr(results, "draw", lambda entries, folder: summary["figures"])  # seconds of work
    assert main(["solve", "my.toml", "-o", "out"]) == 0
    out, err = capsys.readouterr()
    assert "eta = 1/10, method: 0 of 400 paths blew up; at t = 1" in out and "out/summary.json" in out and "    x2: mean" in out
    assert contents(tmp_path / "out") == before


@pytest.mark.usefixtures("blocks")
def test_a_model_that_does_not_exist_is_said_and_the_method_runs(tmp_path, capsys):
    (tmp_path / "my.toml").write_text(SPEC.replace("student-t:nu=5,sigma=1/2", "cauchy:sigma=1").replace('[0.1, "1/8"]', "0.1"))
    assert main(["solve", str(tmp_path / "my.toml"), "-o", str(tmp_path / "out")]) == 1
    out, err = capsys.readouterr()
    assert "eta = 1/10, method" in out and "no first-order (no-drift)" in err
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert [r["model"] for r in summary["runs"]] == [METHOD] and summary["refused"][0]["refused"] == "no-drift"


def test_blow_ups_are_counted_with_their_times(tmp_path, blocks):
    steep = {"loss": "quartic", "x0": "6", "dim": 1, "eta": "1/16", "quantities": ["loss", "x1"], "models": []}
    found = [solved(tmp_path / "whole", **steep)]
    blocks(whole=False)
    found.append(solved(tmp_path / "statistics", **steep))
    (first,), (second,) = (f["runs"] for f in found)
    assert first["blow_ups"] == second["blow_ups"] and first["blow_ups"]["count"] > 0
    kept = unpacked((tmp_path / "whole" / first["file"]).read_bytes())
    listed = first["blow_ups"]["listed"]
    assert [kept["blow_up"][b["path"]] for b in listed] == [b["time"] for b in listed] and len(listed) <= 100
    assert np.isnan(kept["loss"][-1]).sum() == first["blow_ups"]["by_time"][-1] == first["quantities"]["loss"]["blown"][-1]
    assert first["quantities"]["loss"]["count"] == second["quantities"]["loss"]["count"]


# The same numbers as numerics gives


def direct(asked: Any, number: int, kind: str) -> Any:
    """All paths at once, by the public functions."""
    problem = asked.problems[number]
    names = [n for n in asked.quantities if n not in ("loss", "gradient_norm")]
    arguments: dict[str, Any] = {
        "T": float(problem.T), "paths": asked.paths, "key": nth_key(asked.seed, number), "params": {"eta": float(problem.eta)},
        "loss": problem.loss, "save": asked.save, "statistics": {n: statistic(n) for n in names}, "dtype": asked.dtype,
    }  # fmt: skip
    x0 = [float(v) for v in problem.x0]
    if kind == METHOD:
        return run(problem.method, x0, **arguments)
    return solve(derive.sde(problem.method, kind, problem.loss, problem.dim), x0, dt=float(asked.step(problem)), **arguments)


def check_equal(folder: Path, asked: Any, summary: dict[str, Any]) -> None:
    for number in range(len(asked.problems)):
        for kind in asked.kinds:
            entry = next(e for e in summary["runs"] if e["file"].endswith(f"eta{number + 1}-{kind}.npz"))
            kept, ensemble = unpacked((folder / entry["file"]).read_bytes()), direct(asked, number, kind)
            for name in asked.quantities:
                np.testing.assert_array_equal(kept[name], ensemble.values[name])
                assert kept[name].dtype == ensemble.values[name].dtype
            np.testing.assert_array_equal(kept["blow_up"], ensemble.blow_up)
            np.testing.assert_array_equal(kept["final"], ensemble.final)
            np.testing.assert_array_equal(kept["times"], ensemble.times)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(
    "changes",
    [{}, pytest.param({"dtype": "float32", "dt": "1/16", "eta": "1/8"}, marks=pytest.mark.slow)],
    ids=["float64", "float32"],
)
def test_the_numbers_are_those_of_numerics(changes, tmp_path):
    asked = experiment({**FIELDS, **changes})
    assert all(len(r.parts) == 4 for r in runs(asked))
    check_equal(tmp_path, asked, carry_out(asked, tmp_path, quietly)[0])


def wrong_key(monkeypatch) -> None:
    monkeypatch.setattr(runs_module, "nth_key", lambda seed, n: nth_key(seed + 1, n))


def same_key_for_all(monkeypatch) -> None:
    monkeypatch.setattr(runs_module, "nth_key", lambda seed, n: seed)


def numbers_from_zero(monkeypatch) -> None:
    right = Run.solve
    monkeypatch.setattr(Run, "solve", lambda self, first, paths: right(self, 0, paths))


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("plant", [wrong_key, same_key_for_all, numbers_from_zero])
def test_a_planted_error_in_the_draws_is_seen(plant: Callable[[Any], None], tmp_path, monkeypatch):
    asked = experiment({**FIELDS, "models": []})
    plant(monkeypatch)
    summary = carry_out(asked, tmp_path, quietly)[0]
    with pytest.raises(AssertionError):
        check_equal(tmp_path, asked, summary)


@pytest.mark.slow
def test_a_part_alone_is_what_it_is_in_the_whole():
    asked = experiment({**FIELDS, "eta": "1/8"})
    problem = asked.problems[0]
    x = np.random.default_rng(0).normal(size=(2, 100)) * 2
    shared: dict[str, Any] = {"T": 1.0, "params": {"eta": 0.125}, "loss": problem.loss, "save": 3, "bound": 2.5, "key": 3}
    equation = derive.sde(problem.method, "first-order", problem.loss, 2)
    for whole, part in (
        (run(problem.method, x, **shared), run(problem.method, x[:, 30:71], first=30, chunk=7, **shared)),
        (solve(equation, x, **shared), solve(equation, x[:, 30:71], first=30, chunk=7, **shared)),
    ):
        assert 0 < np.isfinite(whole.blow_up[30:71]).sum() < 41
        np.testing.assert_array_equal(whole.values["loss"][:, 30:71], part.values["loss"])
        np.testing.assert_array_equal(whole.blow_up[30:71], part.blow_up)
        np.testing.assert_array_equal(whole.final[:, 30:71], part.final)
    for first in (-1, 2**31, True, 1.5):
        with pytest.raises(BadInput, match="first"):
            run(problem.method, x, first=first, **shared)


@pytest.mark.parametrize("whole", [True, False], ids=["paths", "statistics"])
def test_chunks_of_every_size_give_the_same_files(whole, tmp_path, blocks):
    blocks(whole)
    found = []
    for chunk in (None, 1, 7, 1000):
        solved(tmp_path / str(chunk), chunk=chunk, eta="1/8")
        found.append(contents(tmp_path / str(chunk)))
    assert len(found[0]) == 3 and all(other == found[0] for other in found[1:])


def test_statistics_are_those_of_the_paths(tmp_path, blocks):
    exact = solved(tmp_path / "paths", eta="1/8")
    blocks(whole=False)
    digests = solved(tmp_path / "statistics", eta="1/8")
    for one, other in zip(exact["runs"], digests["runs"], strict=True):
        assert (one["storage"], other["storage"]) == ("paths", "statistics")
        kept = unpacked((tmp_path / "statistics" / other["file"]).read_bytes())
        paths = unpacked((tmp_path / "paths" / one["file"]).read_bytes())
        for name in FIELDS["quantities"]:
            for field in ("mean", "mean_lower", "mean_upper"):
                np.testing.assert_allclose(other["quantities"][name][field], one["quantities"][name][field], rtol=1e-12)
            for field in ("median", "low", "high"):
                np.testing.assert_allclose(other["quantities"][name][field], one["quantities"][name][field], rtol=1 / 256)
            np.testing.assert_allclose(kept[f"{name}.variance"], paths[name].var(axis=1, ddof=1), rtol=1e-11, atol=1e-30)
            assert kept[f"{name}.least"].tolist() == paths[name].min(axis=1).tolist()
            for n in range(5):
                own = kept[f"{name}.bin_time"] == n
                left, right, count = (kept[f"{name}.bin_{f}"][own] for f in ("left", "right", "count"))
                inside = (paths[name][n][:, None] >= left) & (paths[name][n][:, None] <= right)
                assert count.sum() == 400 and np.all(inside.sum(axis=0) >= count) and np.all(inside.any(axis=1))


# Killed and run again


class Stopped(Exception):
    pass


def stopped_after(ticks: int) -> Callable[[str, float], None]:
    left = iter(range(ticks))

    def tick(label: str, fraction: float) -> None:
        if next(left, None) is None:
            raise Stopped

    return tick


def half_done(folder: Path, asked: Any) -> Parts:
    with pytest.raises(Stopped):
        carry_out(asked, folder, stopped_after(3))
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


@pytest.mark.parametrize("whole", [True, False], ids=["paths", "statistics"])
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


@pytest.mark.usefixtures("blocks")
def test_damaged_results_are_computed_again(tmp_path):
    asked = experiment({**FIELDS, "models": [], "eta": "1/8"})
    summary = carry_out(asked, tmp_path, quietly)[0]
    right, path = contents(tmp_path), tmp_path / summary["runs"][0]["file"]
    for damage in (cut, Path.unlink):
        damage(path)
        assert carry_out(asked, tmp_path, quietly)[1]["reused"] == []
        assert contents(tmp_path) == right


@pytest.mark.usefixtures("blocks")
def test_what_a_killed_run_left_half_written_goes(tmp_path):
    asked = experiment({**FIELDS, "models": [], "eta": "1/8"})
    carry_out(asked, tmp_path, quietly)
    right = contents(tmp_path)
    for name in ("results/.eta1-method", "figures/.loss-eta1", f".work/{Parts(tmp_path / '.work', identity(asked)).hash}/.x"):
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


def test_every_change_of_what_results_depend_on_is_another_experiment(monkeypatch):
    known = [identity(experiment({**FIELDS, **changes})) for changes in ({}, *CHANGES)]
    assert len(set(known)) == len(CHANGES) + 1
    assert identity(experiment({**FIELDS, "chunk": 7})) == known[0]
    monkeypatch.setattr(command, "provenance", lambda: {"versions": {"sdescent": "9.9.9"}, "source": "0"})
    assert identity(experiment(FIELDS)) not in known


@pytest.mark.usefixtures("blocks")
def test_another_experiment_in_the_same_folder_uses_nothing_and_leaves_nothing(tmp_path):
    asked = experiment({**FIELDS, "models": []})
    carry_out(asked, tmp_path / "out", quietly)
    other = experiment({**FIELDS, "models": [], "seed": 6, "eta": "1/8", "quantities": ["norm"]})
    with pytest.raises(Stopped):
        carry_out(other, tmp_path / "out", stopped_after(4))
    assert not (tmp_path / "out/summary.json").exists()  # the old one would name a file that is new
    assert carry_out(other, tmp_path / "out", quietly)[1] == {"reused": ["eta1-method"], "damaged": []}
    carry_out(other, tmp_path / "fresh", quietly)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
    assert carry_out(asked, tmp_path / "out", quietly)[1]["reused"] == []


CHILD = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where tests run in a job of the background, which ignores it
from reports.cli import main
from reports.commands.solving import results, runs
runs._PATHS, runs.MOST_KEPT = 128, int(sys.argv[1])
sys.exit(main(["solve", *sys.argv[2:]]))
"""
LONG = """
method = "dsgd"
noise = "gaussian:sigma=1"
loss = "quadratic:h=1"
clients = 1
dim = 1
x0 = 1
eta = 0.05
T = 3
paths = 3000
save = 9
models = ["first-order"]
quantities = ["loss"]
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
        seen, more = set(parts(folder)), chance.randrange(6)
        before = len(seen)
        while child.poll() is None and len(seen) < before + more:  # parts of a run go when it is whole
            time.sleep(0.002)
            seen |= parts(folder)
        time.sleep(chance.uniform(0, 0.1 if more else 2.0))
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
def test_killed_runs_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(runs_module, "_PATHS", 128)
    monkeypatch.setattr(runs_module, "MOST_KEPT", 0)
    # The method alone: a process that never loads the solver starts in half the time.
    killed_and_resumed(tmp_path, LONG.replace('["first-order"]', "[]"), 5, 0, random.Random(5))


@pytest.mark.slow
@pytest.mark.parametrize("kept", [10**9, 0], ids=["paths", "statistics"])
def test_runs_killed_fifty_times_go_on(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(runs_module, "_PATHS", 128)
    monkeypatch.setattr(runs_module, "MOST_KEPT", kept)
    killed_and_resumed(tmp_path, LONG, 50, kept, random.Random(50 + kept))


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


@pytest.mark.slow
def test_ten_million_paths_need_less_than_two_gibibytes(tmp_path):
    (tmp_path / "big.toml").write_text(LONG.replace("paths = 3000", "paths = 10_000_000").replace("T = 3", "T = 1"))
    code = "import sys\nfrom reports.cli import main\nstatus = main(sys.argv[1:])\n"
    if sys.platform == "darwin":
        code += "import resource\npeak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
    else:  # what `resource` has here may be the peak of the process that started this one
        code += "peak = next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
    code += "print(peak, file=sys.stderr)\nsys.exit(status)"
    words = ["solve", str(tmp_path / "big.toml"), "-o", str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stderr.split()[-1]) * 1024 < 2 * 2**30
    entry = json.loads((tmp_path / "out/summary.json").read_text())["runs"][0]
    mean, exact = entry["quantities"]["loss"]["mean"][-1], 0.5 * (0.95**40 + 0.0025 * (1 - 0.95**40) / (1 - 0.95**2))
    assert entry["quantities"]["loss"]["count"][-1] == 10**7 and mean == pytest.approx(exact, rel=5e-3)


# Hostile specifications


def with_line(line: str) -> str:
    key = line.partition(" ")[0]
    return "\n".join([*(old for old in SPEC.splitlines() if old.partition(" ")[0] != key), line])


def without(key: str) -> str:
    return "\n".join(line for line in SPEC.splitlines() if line.partition(" ")[0] != key)


HOSTILE: list[tuple[str | bytes, str]] = [
    (with_line("eta = nan"), "eta"),
    (with_line("eta = [0.1, inf]"), "eta"),
    (with_line("eta = 1e400"), "eta"),
    (with_line("eta = 1e-400"), "eta"),
    (with_line("eta = 0"), "eta"),
    (with_line("eta = []"), "eta"),
    (with_line("eta = [0.1, 0.10]"), "eta"),
    (with_line("eta = [[0.1]]"), "eta"),
    (with_line("eta = true"), "eta"),
    (with_line("eta = " + str([1 + n for n in range(17)])), "eta"),
    (with_line("T = -1"), "T"),
    (with_line("T = 0.01"), "T"),
    (with_line("T = nan"), "T"),
    (with_line("T = 1e400"), "T"),
    (with_line("T = 10_000_000"), "eta"),
    (with_line('T = "__import__(\'os\').system(\'touch pwned\')"'), "T"),
    (with_line('noise = "gaussian:sigma=__import__(1)"'), "gaussian:sigma"),
    (with_line('noise = "gaussian:sigma=s"'), "gaussian:sigma"),
    (with_line('noise = "gaussian"'), "gaussian:sigma"),
    (with_line('loss = "quadratic"'), "loss"),
    (with_line('loss = "logistic-regression"'), "loss"),
    (with_line('loss = "rosenbrock"'), "loss"),
    (with_line('schedule = "free"'), "schedule"),
    (with_line("paths = 99999999999999"), "paths"),
    (with_line("paths = 0"), "paths"),
    (with_line("paths = -5"), "paths"),
    (with_line("paths = 1.5"), "paths"),
    (with_line("paths = nan"), "paths"),
    (with_line('paths = "many"'), "paths"),
    (with_line("dim = -1"), "dim"),
    (with_line("dim = 0"), "dim"),
    (with_line("dim = 65"), "dim"),
    (with_line("dim = 1979-05-27"), "dim"),
    (with_line("x0 = [1, nan]"), "x0"),
    (with_line("x0 = [1, 2, 3]"), "x0"),
    (with_line("x0 = []"), "x0"),
    (with_line("clients = 0"), "clients"),
    (with_line('clients = "N"'), "clients"),
    (with_line("seed = -1"), "seed"),
    (with_line("seed = 0.5"), "seed"),
    (with_line("save = 1"), "save"),
    (with_line("save = 100_000"), "save"),
    (with_line("save = true"), "save"),
    (with_line("save = 0.5"), "save"),
    (with_line("save = []"), "save"),
    (with_line("save = [0]"), "save"),
    (with_line("save = [0.5, 1.1]"), "save"),
    (with_line("save = [-0.5, 1]"), "save"),
    (with_line("save = [nan]"), "save"),
    (with_line("quantities = []"), "quantities"),
    (with_line('quantities = ["x3"]'), "quantities"),
    (with_line('quantities = ["x0"]'), "quantities"),
    (with_line('quantities = ["loss", "loss"]'), "quantities"),
    (with_line('quantities = ["../../x"]'), "quantities"),
    (with_line("quantities = [1]"), "quantities"),
    (with_line('quantities = {a = "loss"}'), "quantities"),
    (with_line('models = ["zeroth-order"]'), "models"),
    (with_line('models = ["corrected", "corrected"]'), "models"),
    (with_line("models = []\ndiscrete = false"), "models"),
    (with_line('discrete = "yes"'), "discrete"),
    (with_line("dt = 0"), "dt"),
    (with_line("dt = -0.1"), "dt"),
    (with_line("dt = 1e400"), "dt"),
    (with_line('dt = "1/99999999999"'), "dt"),
    (with_line("dt = 0.01\nsubsteps = 4"), "substeps"),
    (with_line("substeps = 0"), "substeps"),
    (with_line("substeps = 1.5"), "substeps"),
    (with_line("substeps = 1_000_000_000"), "substeps"),
    (with_line('dtype = "float16"'), "dtype"),
    (with_line('dtype = ["float64"]'), "dtype"),
    (with_line("chunk = 0"), "chunk"),
    (with_line("chunk = 99999999999"), "chunk"),
    (with_line("chunk = 100_000_000"), "chunk"),
    (with_line('shell = "touch pwned"'), "hostile.toml"),
    (with_line('"\\u001b[31m" = 1'), "hostile.toml"),
    (without("method"), "method"),
    (without("loss"), "loss"),
    (without("x0"), "x0"),
    (without("eta"), "eta"),
    (without("T"), "T"),
    (without("clients"), "clients"),
    ("not TOML at all", "hostile.toml"),
    (SPEC + "paths = 3", "hostile.toml"),
    ("[[a]]\n", "hostile.toml"),
    ("", "method"),
    (b"\x00\x01\x02\xff\xfe", "hostile.toml"),
    (b"\x7fELF" + bytes(range(256)) * 20, "hostile.toml"),
    ("x" * 100_000, "hostile.toml"),
]


@pytest.mark.parametrize(("text", "field"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_specifications(text, field, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hostile.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["solve", "hostile.toml", "-o", "out", "--json"]) == BAD_INPUT
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert (answer["field"], err, answer.keys()) == (field, "", {"error", "field", "column"})
    assert main(["solve", "hostile.toml", "-o", "out"]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert out == "" and err.endswith("\n") and err[:-1].isprintable() and len(err) < 600
    assert field in err and "found" in err and "accepted" in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["hostile.toml"]


def test_the_specification_that_the_hostile_ones_are_made_from_is_good(tmp_path):
    (tmp_path / "good.toml").write_text(SPEC)
    asked = read_experiment(tmp_path / "good.toml")
    assert asked == experiment(FIELDS) and len(asked.problems) == 2
    for line in ("paths = 1_000_000_000", "save = [0.5, 1]", "chunk = 7", "models = []", 'quantities = "x1"', "eta = 0.25"):
        (tmp_path / "good.toml").write_text(with_line(line))
        read_experiment(tmp_path / "good.toml")


@pytest.mark.parametrize(
    "arguments",
    [["missing.toml"], ["."], ["a\0b"], [""], ["good.toml", "-o", ""], ["good.toml", "-o", "taken"]],
)
def test_paths_that_cannot_be_used(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.toml").write_text(SPEC)
    (tmp_path / "taken").write_text("a file")
    assert main(["solve", *arguments]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good.toml", "taken"]


def test_archives_keep_shapes_and_types():
    arrays = {"a": np.array(3), "b": np.arange(6.0).reshape(2, 3).T, "x.c": np.zeros((0, 2), np.uint32)}
    back = unpacked(packed(arrays))
    assert all(np.array_equal(back[n], a) and back[n].shape == a.shape and back[n].dtype == a.dtype for n, a in arrays.items())
    assert packed(back) == packed({n: a.copy() for n, a in arrays.items()})
