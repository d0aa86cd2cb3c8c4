"""Files that were changed: they are computed again, to the same bytes, and the user is told."""

from pathlib import Path

import pytest

from sdescent.reports.cli import main
from sdescent.reports.commands.solving import results
from sdescent.reports.commands.solving.runs import Parts
from tests.support.commands.solved import contents, quietly


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
