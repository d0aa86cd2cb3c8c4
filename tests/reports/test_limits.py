"""Where the system refuses memory or threads, each command says so in one line."""

import resource
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.subprocesses import exhausted, require_space
from sdescent.reports.cli import BAD_INPUT, main
from tests.support.commands.command_line import COMMAND, completed

SPEC = (
    'method = "dsgd"\nnoise = "gaussian:sigma=1/2"\nloss = "quadratic:h=1"\nx0 = 1\ndim = 1\nT = 0.2\neta = 0.1\n'
    "clients = 1\npaths = 50\nmodels = []\n"
)


def ran(folder: Path, most: int, *words: str) -> subprocess.CompletedProcess[str]:
    """The command with an address space of so many bytes."""
    (folder / "spec.toml").write_text(SPEC)
    shell = ["bash", "-c", f'ulimit -v {most >> 10}; exec "$0" "$@"', *COMMAND, *words]
    return completed(*shell, cwd=folder, timeout=200)


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What it says of itself, but for its progress."""
    return [line for line in done.stderr.splitlines() if not line.startswith("[")]


def test_what_no_command_works_in_is_refused(tmp_path: Path) -> None:
    done = ran(tmp_path, 3 * 2**26, "list")
    told = "ulimit -v: found '196608 KiB of address space'; accepted: at least 524288 for sdescent, or no limit"
    assert (done.returncode, lines(done)) == (BAD_INPUT, [told])


@pytest.mark.slow
def test_a_command_that_needs_jax_is_refused_before_xla_ends_it(tmp_path: Path) -> None:
    """In 1.5 GB the library ends the process, in 0.8 GB it waits for ever."""
    done = ran(tmp_path, 3 * 2**29, "solve", "spec.toml")
    (told,) = lines(done)
    assert done.returncode == BAD_INPUT
    assert told.startswith("ulimit -v: found '1572864 KiB of address space'; accepted: at least ")


def caused(error: Exception, by: BaseException) -> Exception:
    error.__cause__ = by
    return error


REFUSED = {
    "python": MemoryError(),
    "numpy": MemoryError("Unable to allocate 747. GiB for an array"),
    "a library": ImportError("libjax_common.so: failed to map segment from shared object"),
    "a library of a library": caused(ImportError("numpy"), ImportError("x.so: failed to map segment from shared object")),
    "a thread": RuntimeError("can't start new thread"),
    "a process": OSError(12, "Cannot allocate memory", "python"),
    "jax": ValueError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("error", REFUSED.values(), ids=REFUSED)
def test_errors_of_libraries_that_mean_memory(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**_: Any) -> int:
        raise error

    assert exhausted(error)
    monkeypatch.setattr("sdescent.reports.commands.report_derive_list.list_registered", fails)
    assert main(["list"]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("out of memory: use fewer paths or a smaller dimension")
    assert err.count("\n") == 1


def test_space_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (2**30, 2**30))
    require_space(2**30, "this")
    with pytest.raises(BadInput, match="at least 1048577 for this"):
        require_space(2**30 + 2**10, "this")
