"""`sdescent solve`: its files, and that its numbers are those of numerics."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.reading.experiments import METHOD, experiment
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.streams_and_statistics import named_statistics, nth_key
from sdescent.numerics.statistics.estimates import over_time
from sdescent.reports.cli import main
from sdescent.reports.commands.solving import command, results
from sdescent.reports.commands.solving import runs as runs_module
from sdescent.reports.commands.solving.command import carry_out
from sdescent.reports.commands.solving.runs import Run, packed, runs, unpacked
from tests.support.commands.solved import FIELDS, SPEC, contents, quietly, solved, with_line

# The contract


@pytest.mark.slow
def test_files_json_and_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text(with_line('quantities = ["loss"]'))
    assert main(["solve", "my.toml", "-o", "out", "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer.keys() == {"files", "hash", "runs", "refused", "notes", "reused", "damaged", "seconds"}
    assert [(r["eta"], r["model"]) for r in answer["runs"]] == [
        ("1/10", "method"), ("1/10", "first-order"), ("1/8", "method"), ("1/8", "first-order"),
    ]  # fmt: skip
    assert answer["refused"] == answer["reused"] == answer["damaged"] == []
    assert all((tmp_path / path).is_file() for path in answer["files"]["results"] + answer["files"]["figures"])
    figures = answer["files"]["figures"]
    assert {path.rpartition(".")[2] for path in figures} == {"pdf", "png"} and len(figures) == 4
    assert "% of the paths" in err and all(line.startswith("[") for line in err.splitlines())
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary.keys() == set(
        ["hash", "experiment", "context", "layout", "runs", "refused", "notes", "figures", "seconds"]
    )
    assert summary["experiment"]["noise"] == "student-t:nu=5,sigma=1/2" and summary["context"]["versions"]["jax"]
    entry = summary["runs"][1]
    keys = "eta model file sha256 storage settings times quantities growth unseen blow_ups"
    assert entry.keys() == set(keys.split())
    assert entry["settings"]["paths"] == 400 and entry["blow_ups"]["count"] == 0
    assert len(entry["blow_ups"]["by_time"]) == 5
    values = unpacked((tmp_path / "out" / entry["file"]).read_bytes())
    assert values["loss"].shape == (5, 400) and values["final"].shape == (2, 400)
    assert values["times"].tolist() == entry["times"]
    assert entry["quantities"]["loss"]["median"] == over_time(values["loss"]).median.tolist()
    # again: nothing is computed; and without --json the estimates and the files
    before = contents(tmp_path / "out")
    monkeypatch.setattr(Run, "compute", None)
    monkeypatch.setattr(results, "draw", lambda entries, folder, work: summary["figures"])  # seconds of work
    assert main(["solve", "my.toml", "-o", "out"]) == 0
    out, err = capsys.readouterr()
    assert "eta = 1/10, method: 0 of 400 paths blew up; at t = 1" in out and "out/summary.json" in out
    assert "    loss: mean" in out
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize(("end", "said"), [(0.9, 1), (1.0, 0)])
def test_a_horizon_that_is_not_a_multiple_of_eta_is_said_in_one_line(end, said, tmp_path, monkeypatch, capsys):
    run = {"eta": "3/10", "file": "a", "blow_ups": {"count": 0}, "unseen": {}, "quantities": {}, "times": [0, end]}
    settings = {"paths": 2, "T": 1.0, "end": end}
    runs = [{**run, "model": model, "settings": settings} for model in ("method", "corrected")]
    summary = {"hash": "", "runs": runs, "refused": [], "notes": [], "figures": [], "seconds": 0}
    monkeypatch.setattr(command, "carry_out", lambda *a: (summary, {"damaged": []}))
    (tmp_path / "my.toml").write_text(SPEC)
    assert main(["solve", str(tmp_path / "my.toml"), "-o", str(tmp_path / "out")]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "whole number" in line]
    assert lines == ["T = 1 is not a whole number of steps (eta = 3/10): the last step ends at t = 0.9"] * said


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(("x0", "said"), [("1", 1), ("[1, 1]", 0)])
def test_one_number_for_the_start_of_several_coordinates_is_said(x0, said, tmp_path, capsys):
    text = f'method = "dsgd"\nclients = 1\nloss = "quadratic:h=1"\ndim = 2\nx0 = {x0}\neta = 0.1\nT = 0.1\npaths = 3\nmodels = []'
    (tmp_path / "my.toml").write_text(text)
    assert main(["solve", str(tmp_path / "my.toml"), "-o", str(tmp_path / "out")]) == 0
    notes = ["x0 = 1 is the start of each of the 2 coordinates"] * said
    assert [line for line in capsys.readouterr().err.splitlines() if "x0" in line] == notes
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["notes"] == notes and summary["runs"][0]["settings"]["x0"] == [1.0, 1.0]


@pytest.mark.slow
@pytest.mark.usefixtures("blocks")
def test_a_model_that_does_not_exist_is_said_and_the_method_runs(tmp_path, capsys):
    spec = SPEC.replace("student-t:nu=5,sigma=1/2", "cauchy:sigma=1").replace('[0.1, "1/8"]', "0.1")
    (tmp_path / "my.toml").write_text(spec)
    assert main(["solve", str(tmp_path / "my.toml"), "-o", str(tmp_path / "out")]) == 1
    out, err = capsys.readouterr()
    assert "eta = 1/10, method" in out and "no first-order (no-drift)" in err
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert [r["model"] for r in summary["runs"]] == [METHOD] and summary["refused"][0]["refused"] == "no-drift"


@pytest.mark.slow
@pytest.mark.usefixtures("blocks")
def test_blow_ups_are_counted_with_their_times(tmp_path):
    steep = {"loss": "quartic", "x0": "6", "dim": 1, "eta": "1/16", "quantities": ["loss"], "models": []}
    (first,) = solved(tmp_path, **steep)["runs"]
    kept, listed = unpacked((tmp_path / first["file"]).read_bytes()), first["blow_ups"]["listed"]
    assert [kept["blow_up"][b["path"]] for b in listed] == [b["time"] for b in listed] and 0 < len(listed) <= 100
    lost = np.isnan(kept["loss"][-1]).sum()
    assert lost == first["blow_ups"]["by_time"][-1] == first["quantities"]["loss"]["blown"][-1]


# The same numbers as numerics gives


def direct(asked: Any, number: int, kind: str) -> Any:
    """All paths at once, by the public functions."""
    problem = asked.problems[number]
    arguments: dict[str, Any] = {
        "T": float(problem.T), "paths": asked.paths, "key": nth_key(asked.seed, number), "params": {"eta": float(problem.eta)},
        "loss": problem.loss, "save": asked.save, "statistics": named_statistics(asked.quantities), "dtype": asked.dtype,
    }  # fmt: skip
    x0 = [float(v) for v in problem.x0]
    if kind == METHOD:
        return run(problem.method, x0, **arguments)
    equation = sd.sde(problem.method, kind, problem.loss, problem.dim)
    return solve(equation, x0, dt=float(asked.step(problem)), **arguments)


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


@pytest.mark.slow
@pytest.mark.usefixtures("blocks")
def test_the_numbers_of_a_model_in_float32_are_those_of_numerics(tmp_path):
    asked = experiment({**FIELDS, "dtype": "float32", "dt": "1/16", "eta": "1/8", "discrete": False})
    assert all(len(r.parts) == 4 for r in runs(asked))
    check_equal(tmp_path, asked, carry_out(asked, tmp_path, quietly)[0])


@pytest.mark.slow
@pytest.mark.usefixtures("blocks")
def test_the_methods_numbers_are_those_of_numerics_and_a_planted_error_in_the_draws_is_seen(tmp_path, monkeypatch):
    asked = experiment({**FIELDS, "models": []})
    check_equal(tmp_path / "right", asked, carry_out(asked, tmp_path / "right", quietly)[0])
    monkeypatch.setattr(runs_module, "nth_key", lambda seed, n: seed)
    summary = carry_out(asked, tmp_path / "wrong", quietly)[0]
    with pytest.raises(AssertionError):
        check_equal(tmp_path / "wrong", asked, summary)


def test_blocks_have_their_own_paths_and_their_blow_ups_are_added(monkeypatch, blocks):
    blocks(whole=False)
    (one,) = runs(experiment({**FIELDS, "models": [], "eta": "1/8", "quantities": ["loss"]}))
    asked, lost = [], np.array([0, 0, 1, 1, 1])

    def part(self: Run, first: int, paths: int) -> Any:
        asked.append((first, paths))
        blow_up = np.where(np.arange(paths) == 2, 0.5, np.inf)
        return SimpleNamespace(values={"loss": np.ones((5, paths))}, blow_up=blow_up, blow_ups=lost, settings={})

    monkeypatch.setattr(Run, "solve", part)
    found, _ = one.compute(128, 400)
    assert asked == [(128, 128), (256, 128), (384, 16)]
    assert found["blow_ups"].tolist() == (3 * lost).tolist() and found["blown"] == 3
    assert found["blown_paths"].tolist() == [130, 258, 386] and found["blown_times"].tolist() == [0.5] * 3


def test_a_blow_up_at_a_saved_time_counts_at_that_time():
    times = np.array([2, 3, 5]) * 0.1  # the second of them is 0.30000000000000004
    assert results.blow_ups_by(np.array([0.3, 0.5, 0.51]), times).tolist() == [0, 1, 2]


def test_the_numbers_of_a_block_are_bounded_however_many_paths_there_are():
    (one,) = runs(experiment({**FIELDS, "paths": 10**8, "models": [], "eta": "1/8"}))
    kept = len(one.grid) * 4 + 2  # loss, gradient norm, norm and x2, and the last point
    assert not one.whole and one.block <= 2**16 and one.block * kept <= 2**22 and len(one.parts) <= 1024
    assert one.parts[0][0] == 0 and one.parts[-1][1] == 10**8


@pytest.mark.slow
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
                digest, exact_value = (run["quantities"][name][field] for run in (other, one))
                np.testing.assert_allclose(digest, exact_value, rtol=1 / 256)
            variance = paths[name].var(axis=1, ddof=1)
            np.testing.assert_allclose(kept[f"{name}.variance"], variance, rtol=1e-11, atol=1e-30)
            assert kept[f"{name}.least"].tolist() == paths[name].min(axis=1).tolist()
            for n in range(5):
                own = kept[f"{name}.bin_time"] == n
                left, right, count = (kept[f"{name}.bin_{f}"][own] for f in ("left", "right", "count"))
                inside = (paths[name][n][:, None] >= left) & (paths[name][n][:, None] <= right)
                assert count.sum() == 400 and np.all(inside.sum(axis=0) >= count) and np.all(inside.any(axis=1))


def test_archives_keep_shapes_and_types():
    arrays = {"a": np.array(3), "b": np.arange(6.0).reshape(2, 3).T, "x.c": np.zeros((0, 2), np.uint32)}
    back = unpacked(packed(arrays))
    for n, a in arrays.items():
        assert np.array_equal(back[n], a) and back[n].shape == a.shape and back[n].dtype == a.dtype
    assert packed(back) == packed({n: a.copy() for n, a in arrays.items()})


@pytest.mark.slow
@pytest.mark.usefixtures("blocks")
def test_a_run_that_leaves_the_range_of_its_model_says_so(tmp_path, monkeypatch, capsys):
    """The largest over all parts: the lag of Signum's memory at its start, 0.18 of the gradient's unit over sqrt(1/19)."""
    monkeypatch.setattr(runs_module, "MOST_KEPT", 0)
    spec = tmp_path / "s.toml"
    rule = {"method": "signum:beta=9/10", "regime": "fixed"}
    fields = {**rule, "noise": "gaussian:sigma=1", "loss": "quadratic:h=2", "dim": 1}
    more = {"clients": 1, "models": ["first-order"], "x0": 1, "eta": "1/100", "T": "1/50", "paths": 200, "seed": 1}
    spec.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in (fields | more).items()))
    assert main(["solve", str(spec), "-o", str(tmp_path / "out"), "--json"]) == 0
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert note.startswith("eta = 1/100, first-order: the run left the range") and "0.785" in note
    (_, model) = json.loads((tmp_path / "out" / "summary.json").read_text())["runs"]
    assert model["settings"]["ranges"] == {"memory-lag": pytest.approx(0.18 * np.sqrt(19), rel=1e-6)}
    assert not any("range" in name for name in unpacked((tmp_path / "out" / model["file"]).read_bytes()))
