"""What the tests of the command line share."""

import fcntl
import os
import sys
import types
from pathlib import Path

import pytest

from sdescent.reports.cli import main
from sdescent.reports.document import figures
from tests.support.commands.command_line import answer


@pytest.fixture(scope="session")
def quick_report(tmp_path_factory) -> Path:
    """The folder of the quick report on the paper: SDESCENT_REPORT names one, as in CI; else it is made once for all processes."""
    if made := os.environ.get("SDESCENT_REPORT"):
        return Path(made)
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "quick-report"
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "report.html").exists():
            from sdescent.reports.assembly.report import build_report

            build_report(None, folder, True, None, lambda label, share: None)
    return folder


@pytest.fixture(autouse=True)
def _readable_figures(monkeypatch):
    """Every figure that a test of this folder draws in its own process is checked."""
    write = figures.write

    def checked(picture, folder, name, suffixes):
        from tests.support.figure_faults import faults

        write(picture, folder, name, suffixes)
        assert faults(picture) == [], name

    monkeypatch.setattr(figures, "write", checked)


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys):
    """Run the command line in this process: (exit status, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.fixture
def build(monkeypatch):
    """A report builder that notes how it was called; a test may give it something else to do."""
    calls: list[tuple] = []
    module = types.ModuleType("sdescent.reports.assembly.report")

    def build_report(spec, out, quick, only, progress, data=None):
        calls.append((spec, out, quick, only))
        module.data = data  # pyright: ignore[reportAttributeAccessIssue]
        progress("ensembles", 0.5)
        return module.then(out)  # pyright: ignore[reportAttributeAccessIssue]

    module.build_report = build_report  # pyright: ignore[reportAttributeAccessIssue]
    module.then = answer  # pyright: ignore[reportAttributeAccessIssue]
    module.calls = calls  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "sdescent.reports.assembly.report", module)
    return module


@pytest.fixture
def blocks(monkeypatch):
    """Blocks of 128 paths, so that a small run has several; path by path, or as statistics. No figures, which take long."""
    from sdescent.reports.commands.solving import results
    from sdescent.reports.commands.solving import runs as runs_module

    monkeypatch.setattr(results, "draw", lambda entries, folder, work: [])

    def small(whole: bool = True) -> None:
        monkeypatch.setattr(runs_module, "_PATHS", 128)
        monkeypatch.setattr(runs_module, "MOST_KEPT", 10**9 if whole else 0)

    small()
    return small
