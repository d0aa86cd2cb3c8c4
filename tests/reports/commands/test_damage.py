"""A disk that is full and files that were changed: one line, no work lost, and the same bytes as without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.reading.experiments import read_experiment
from sdescent.reports.cli import BAD_INPUT, main
from sdescent.reports.commands.solving import results
from sdescent.reports.commands.solving import runs as runs_module
from sdescent.reports.commands.solving.command import carry_out
from sdescent.reports.commands.solving.work import Parts
from tests.support.commands.solved import LONG, ROOT, contents, quietly

#: `sdescent solve` with small blocks, in a process whose files may have at most so many bytes
LIMITED = """
import resource, sys
from sdescent.reports.cli import main
from sdescent.reports.commands.solving import runs
from sdescent.reports.commands import answers
runs._PATHS, answers.LEAST_ROOM = 128, 1
main(["list"])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(main(["solve", *sys.argv[2:]]))
"""


@pytest.mark.slow
def test_a_full_disk_ends_a_solve_in_one_line_and_its_parts_are_used_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every part fits, the archive of the run does not."""
    monkeypatch.setattr(runs_module, "_PATHS", 128)
    (spec := tmp_path / "long.toml").write_text(LONG.replace('models = ["first-order"]', "models = []"))
    carry_out(read_experiment(spec), tmp_path / "right", quietly)
    words = [sys.executable, "-c", LIMITED, "50000", str(spec), "-o", str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, check=False)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("[")]
    archive = tmp_path / "out/results/eta1-method.npz"
    expected = f"cannot use {archive}: the file is larger than this system allows"
    assert (done.returncode, lines) == (BAD_INPUT, [expected])
    parts = list(tmp_path.glob("out/.work/*/eta1-method-0????-*"))
    assert len(parts) > 10 and not list(tmp_path.glob("out/results/*")) and not (tmp_path / "out/summary.json").exists()
    computed: list[Any] = []
    compute = runs_module.Run.compute
    counted = lambda self, *a: computed.append((self.kind, *a)) or compute(self, *a)  # noqa: E731
    monkeypatch.setattr(runs_module.Run, "compute", counted)
    carry_out(read_experiment(spec), tmp_path / "out", quietly)
    assert [c for c in computed if c[0] == "method"] == []
    assert contents(tmp_path / "out") == contents(tmp_path / "right")


@pytest.mark.usefixtures("blocks")
def test_a_result_that_was_changed_is_computed_again_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (spec := tmp_path / "my.toml").write_text(
        'method = "dsgd"\nclients = 1\nloss = "quadratic:h=1"\ndim = 1\nx0 = 1\neta = 0.1\nT = 0.1\npaths = 3\nmodels = []'
    )
    words = ["solve", str(spec), "-o", str(tmp_path / "out")]
    assert main(words) == 0
    before, archive = contents(tmp_path / "out"), tmp_path / "out/results/eta1-method.npz"
    archive.write_bytes(archive.read_bytes()[:-1])
    capsys.readouterr()
    assert main(words) == 0
    assert "damaged on disk, and computed again: eta1-method" in capsys.readouterr().err.splitlines()
    archive.unlink()  # what its user removed is not damaged
    assert main(words) == 0 and "damaged" not in capsys.readouterr().err
    assert contents(tmp_path / "out") == before


def test_a_part_that_was_changed_is_none_and_so_is_the_summary_of_another_experiment(tmp_path: Path) -> None:
    work = Parts(tmp_path, "identity")
    work.put("a", b"one")
    (path,) = work.folder.iterdir()
    assert Parts(tmp_path, "identity").get("a") == b"one"
    path.write_bytes(b"two")
    again = Parts(tmp_path, "identity")
    assert again.get("a") is None and again.damaged == ["a"] and not path.exists()
    (summary := tmp_path / "summary.json").write_text('{"hash": "own"}')
    for own, there in (("own", True), ("other", False)):
        results._make_way(tmp_path, own)
        assert summary.exists() == there


def test_a_report_says_which_results_were_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sdescent.derive.reading.problems import problem
    from sdescent.reports.assembly import report
    from sdescent.reports.assembly.report import build_report

    monkeypatch.setattr(report, "_typeset", lambda *_: None)
    asked = problem({"method": "dsgd", "noise": "gaussian"})
    first = build_report(asked, tmp_path, True, "problem", quietly)
    assert first["notes"] == []
    (path,) = (p for p in (tmp_path / "results").glob("problem-*.json"))
    path.write_text(path.read_text().replace("gaussian", "Gaussian", 1))
    again = build_report(asked, tmp_path, True, "problem", quietly)
    assert again["notes"] == ["damaged on disk, and computed again: problem"] and again["reused"] == []
    assert build_report(asked, tmp_path, True, "problem", quietly)["reused"] == ["problem"]
