"""Test configuration: 64-bit JAX, programs dropped after each module, and no silent skip where the environment asks for none.

Some tests need a program that a researcher's machine may lack (TeX, pandoc, a browser); they skip there. With
SDESCENT_NO_SKIP=1, as in continuous integration, every skip is a failure.
"""

import gc
import os
import sys
from collections.abc import Generator
from functools import cache

# Before the first import of jax in this process or any child: a test in 32 bits would test another program.
os.environ["JAX_ENABLE_X64"] = "1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
import typer.main

from sdescent.reports.commands.garbage import collect_rarely

NO_SKIP = os.environ.get("SDESCENT_NO_SKIP", "") not in ("", "0")


def _forbid(report: pytest.TestReport | pytest.CollectReport) -> None:
    # An expected failure also has the outcome "skipped"; it ran, so it stays.
    if NO_SKIP and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped while SDESCENT_NO_SKIP is set: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid(report)
    return report


def pytest_collection_finish() -> None:
    """Garbage collections pass over what the imports made, which stays to the end, and are rarer."""
    gc.freeze()
    collect_rarely()


@pytest.fixture(scope="session", autouse=True)
def _shared_proofs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where tests run in several processes, an entry of the catalogue that one of them has proved the others read."""
    if hasattr(request.config, "workerinput"):
        from tests.support.certificates import entries

        folder = tmp_path_factory.getbasetemp().parent / "entries"  # of this run, and of its processes alone
        folder.mkdir(exist_ok=True)
        entries.share(folder)


@pytest.fixture(scope="session", autouse=True)
def _one_command() -> Generator[None, None, None]:
    """Typer makes the commands anew at each call, which takes longer than most calls do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@pytest.fixture(scope="module", autouse=True)
def _compiled_programs() -> Generator[None, None, None]:
    """What a module has compiled, no other asks for; kept, it takes gigabytes by the end."""
    yield
    if "jax" in sys.modules:
        import jax

        jax.clear_caches()
