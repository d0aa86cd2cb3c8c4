"""`sdescent sweep`: its files, options and exit statuses, and that a point's numbers are those of its experiment."""

import csv
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sdescent.derive.reading.experiments import experiment
from sdescent.derive.reading.sweeps.files import read_sweep
from sdescent.derive.reading.toml_file import study_folders
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.simulate.method import run as run_method
from sdescent.numerics.statistics.estimates import over_time
from sdescent.reports.commands.sweeping.executors import choose
from sdescent.reports.commands.sweeping.table import Damaged, Store, packed, unpacked
from sdescent.reports.commands.sweeping.tasks import Done, Task, carry_out, context, entries, shard, tasks

SPEC = """
method = "dsgd"
noise = "student-t:nu=5,sigma=1/2"
loss = "quadratic:h=1"
clients = 2
x0 = [1]
dim = 1
eta = [0.1, 0.2]
T = 1
paths = 30
models = []
save = 3
[sweep.grid]
"noise.sigma" = [0, "1/2", 1]
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "study.toml").write_text(SPEC)
    return str(tmp_path / "study.toml")


def rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "table.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_sweep_in_this_process(spec: str, tmp_path: Path, run: Any) -> None:
    out = tmp_path / "out"
    status, printed, said = run("sweep", spec, "-o", str(out), "--jobs", "1", "--json")
    answer = json.loads(printed)
    assert status == 0 and (answer["points"], answer["done"], answer["missing"], answer["reused"]) == (6, 6, 0, 0)
    assert answer["failed"] == answer["refused"] == [] and "6 of 6 points" in said
    assert len(list((out / "points").glob("??/*.json"))) == 6
    listed = rows(out)
    points = [(eta, sigma, "method") for eta in ("0.1", "0.2") for sigma in ("0", "0.5", "1")]
    assert [(row["eta"], row["noise.sigma"], row["run"]) for row in listed] == points
    row = listed[4]
    fields = {
        "method": "dsgd",
        "noise": "student-t:nu=5,sigma=1/2",
        "loss": "quadratic:h=1",
        "clients": 2,
        "eta": "0.2",
    }
    problem = experiment({**fields, "x0": [1], "dim": 1, "T": 1, "paths": 30, "models": [], "save": 3}).problems[0]
    expected = over_time(run_method(problem.method, [1.0], 1.0, 30, 0, {"eta": 0.2}, problem.loss, 3).values["loss"])
    assert np.isclose(float(row["loss_mean"]), expected.mean[-1], rtol=1e-12)
    assert np.isclose(float(row["loss_high"]), expected.high[-1], rtol=1e-12)
    before = (out / "table.csv").read_bytes(), (out / "table.parquet").read_bytes()
    again = run("sweep", spec, "-o", str(out), "--jobs", "1", "--json")
    assert json.loads(again[1])["reused"] == 6
    assert before == ((out / "table.csv").read_bytes(), (out / "table.parquet").read_bytes())
    one = next((out / "points").glob("??/*.json"))
    one.write_bytes(one.read_bytes().replace(b'"paths":30', b'"paths":31'))
    mended = json.loads(run("sweep", spec, "-o", str(out), "--jobs", "1", "--json")[1])
    assert (mended["damaged"], mended["reused"], mended["done"]) == (1, 5, 6)
    assert before[0] == (out / "table.csv").read_bytes()
    state = json.loads(run("sweep", spec, "eta=0.1,0.2,0.25", "-o", str(out), "--status", "--json")[1])
    assert (state["points"], state["done"], state["missing"]) == (9, 6, 3)
    parquet = pytest.importorskip("pyarrow.parquet").read_table(out / "table.parquet")
    assert parquet.column("loss_mean").to_pylist() == [float(row["loss_mean"]) for row in listed]


def test_a_point_whose_workers_died_is_named(
    spec: str, tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first task is lost; the other one has its file."""

    def ended(tasks: Any) -> Any:
        yield Done(0, {}, dict.fromkeys(tasks[0].points, "its process died"))
        yield Done(1, {next(iter(tasks[1].points)): packed({"point": {}, "runs": []})}, {})

    executor = SimpleNamespace(workers=2, elsewhere=False, run=ended)
    monkeypatch.setattr("sdescent.reports.commands.sweeping.executors.choose.chosen", lambda *_: executor)
    words = ["eta=0.1,0.2", "noise.sigma=1", "--json"]
    status, printed, err = run("sweep", spec, *words, "-o", str(tmp_path / "out"))
    answer = json.loads(printed)
    assert (status, answer["done"], answer["missing"]) == (1, 1, 1) and err.count("failed: ") == 1
    (failure,) = answer["failed"]
    assert failure["at"] == "eta = 1/10" and failure["reason"] == "its process died"


def test_what_would_be_done(spec: str, tmp_path: Path, run: Any) -> None:
    status, printed, _ = run("sweep", spec, "noise.sigma=range(1,5)", "-o", str(tmp_path / "none"), "--dry-run")
    assert status == 0 and printed.startswith("8 points: 0 done, 8 missing, 0 failed\naxes: eta, noise.sigma\n")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--jobs", "0"], "--jobs: found '0'; accepted: a whole number from 1 to 999999"),
        (["--shard", "3/2"], "--shard: found '3/2'; accepted: I/N"),
        (["--executor", "dask:nonsense"], "--executor: found 'dask:nonsense'; accepted: the address of a Dask scheduler"),
        (["--executor", "slurm", "--shard", "1/2"], "--shard: found '1/2'; accepted: nothing with --executor slurm"),
        (["paths=100000000"], "paths: found '100000000'; accepted: at most 9586980 in a sweep"),
        (["etta=1"], "etta"),
    ],
)  # fmt: skip
def test_mistakes(options: list[str], said: str, spec: str, tmp_path: Path, run: Any) -> None:
    status, _, err = run("sweep", spec, *options, "-o", str(tmp_path / "out"))
    assert status == 2 and said in err and len(err.splitlines()[-1:]) == 1
    assert not list(tmp_path.glob("out/points/*"))


def test_dask_is_absent(spec: str, tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    status, _, err = run("sweep", spec, "-o", str(tmp_path / "out"), "--executor", "dask")
    assert status == 2
    assert err.splitlines()[-1] == (
        "--executor: found 'dask, without the package distributed'; accepted: dask after: pip install 'sdescent[cluster]'"
    )


@pytest.mark.slow
def test_a_damaged_file_of_another_share_is_missing_and_solved_again(spec: str, tmp_path: Path, run: Any) -> None:
    out = tmp_path / "out"
    given = ["sweep", spec, "eta=0.1", "-o", str(out), "--jobs", "1", "--json"]
    assert json.loads(run(*given, "--shard", "1/2")[1])["missing_of_all"] > 0
    one = next(out.glob("points/??/*.json"))
    one.write_bytes(one.read_bytes()[:-9])
    status, printed, _ = run(*given, "--shard", "2/2")
    answer = json.loads(printed)
    assert status == 0 and (answer["missing"], answer["missing_of_all"], answer["damaged"]) == (0, 1, 1)
    assert not (out / "table.csv").exists()
    assert json.loads(run(*given)[1])["done"] == 3 and (out / "table.csv").exists()
    state = json.loads(run(*given, "noise.sigma=1,2,3", "--status")[1])
    assert state["other"] and state["missing"] == 2  # the table there is that of the other sweep


@pytest.mark.slow
def test_models_that_do_not_exist_are_counted(spec: str, tmp_path: Path, run: Any) -> None:
    """The method runs with nu = 2, its first-order model has no finite covariance."""
    words = ["models=[first-order]", "noise.nu=2,5", "noise.sigma=1", "eta=0.1", "--jobs", "1", "--json"]
    status, printed, _ = run("sweep", spec, *words, "-o", str(tmp_path / "out"))
    (refused,) = json.loads(printed)["refused"]
    assert status == 1 and refused["run"] == "first-order" and refused["points"] == 1
    assert refused["reason"].startswith("infinite-variance: ")
    assert [(r["noise.nu"], r["run"], r["refused"]) for r in rows(tmp_path / "out")] == [
        ("2", "method", ""), ("2", "first-order", "infinite-variance"), ("5", "method", ""), ("5", "first-order", ""),
    ]  # fmt: skip


def test_shares_are_all_of_the_points_once(spec: str, tmp_path: Path) -> None:
    study = read_sweep(spec, ["noise.sigma=range(1,40)", "clients=1,7"])
    listed = entries(study, Store(tmp_path, "context"))
    assert len({entry.name for entry in listed}) == len(listed) == 156
    for count in (1, 5, 40):
        shares = [shard(listed, n, count) for n in range(1, count + 1)]
        assert sorted(e.name for share in shares for e in share) == sorted(e.name for e in listed)
        assert all(shares)


def test_tasks_hold_points_that_may_be_solved_together(spec: str, tmp_path: Path) -> None:
    study = read_sweep(spec, ["noise.sigma=range(1,40)", "clients=1,7"])
    listed = entries(study, Store(tmp_path, "context"))
    made = tasks(listed, 2, "context", ())
    assert sorted(name for task in made for name in task.points) == sorted(e.name for e in listed)
    for task in made:
        assert len({(fields["clients"], str(fields["eta"])) for fields in task.points.values()}) == 1
    for values in (["method=ema-momentum:rho=2", "method.rho=1,2,3"], ["method=ema-momentum", "params.rho=1,2,3"]):
        study = read_sweep(spec, ["noise.sigma=1,2", "eta=0.1", *values])
        (task,) = tasks(entries(study, Store(tmp_path, "context")), 1, "context", ())
        assert len(task.points) == 6


def test_a_worker_with_another_source_refuses_its_task() -> None:
    own, other = (carry_out(Task(7, {}, 0.0, of)) for of in (context(), "another context"))
    assert own == Done(7, {}, {}) and "other packages, source, plugins or kind of machine" in str(other.refusal)


def test_a_points_file_says_whether_it_is_whole(tmp_path: Path) -> None:
    store = Store(tmp_path, "context")
    name, content = store.name("key"), packed({"point": {"paths": 3}, "runs": [1.5, None]})
    assert store.get(name) is None
    store.put(name, content)
    assert store.get(name) == {"point": {"paths": 3}, "runs": [1.5, None]} == unpacked(content)
    assert Store(tmp_path, "other").get(Store(tmp_path, "other").name("key")) is None
    for wrong in (b"", content[:-1], content[1:], content.replace(b"3", b"4", 1), content + b"\n", b"{}", b"\0" * 100):
        store.put(name, wrong)
        with pytest.raises(Damaged):
            store.get(name)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    store = Store(tmp_path, "context")
    name = store.name("key")
    store.path(name).parent.mkdir(parents=True)
    os.mkfifo(store.path(name))
    with pytest.raises(OSError, match="pipe"):
        store.get(name)
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(BadInput, match="pipe"):
        study_folders([tmp_path.name], tmp_path.parent, "studies")


def test_the_script_of_an_array(tmp_path: Path, spec: str, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script is Bash; sbatch is told from its output, and its absence said."""
    monkeypatch.setenv("PATH", "")
    out = tmp_path / "it's here"
    status, printed, _ = run("sweep", spec, "eta=0.1,0.2", "-o", str(out), "--executor", "slurm", "--jobs", "20")
    text = (out / "slurm.sh").read_text()
    assert status == 0 and "sbatch is not installed here" in printed
    assert "#SBATCH --array=1-20\n" in text and '--shard "$SLURM_ARRAY_TASK_ID/20"' in text
    monkeypatch.undo()
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "sbatch").write_text('#!/bin/sh\nbash -n "$1" && echo "Submitted batch job 17"\n')
    (fake / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:/usr/bin:/bin")
    assert choose.submit(out, ["study.toml"], 2)["submitted"] == "Submitted batch job 17"
    (fake / "sbatch").write_text('#!/bin/sh\necho "no such partition" >&2; exit 1\n')
    status, _, err = run("sweep", spec, "-o", str(out), "--executor", "slurm", "--jobs", "2")
    assert status == 2 and "no such partition" in err
    status, _, err = run("sweep", spec, "-o", str(tmp_path / "a\nb"), "--executor", "slurm", "--jobs", "2")
    assert status == 2 and "control characters" in err
