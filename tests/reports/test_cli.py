"""The command line starts without anything heavy, bears whatever becomes of its output, and ends at once when interrupted."""

import os
import re
import sys
from pathlib import Path

import pytest

from sdescent.reports.cli import BAD_INPUT, HUNG_UP, INTERRUPTED
from sdescent.reports.commands.streams import prepare_streams
from tests.support.commands.command_line import completed, in_shell
from tests.support.samples import slow_but

pytestmark = pytest.mark.usefixtures("narrow")


def test_help_loads_nothing_heavy():
    code = "import sys; from sdescent.reports.cli import main; status = main(['--help']); print(*sorted(sys.modules)); exit(status)"
    done = completed(sys.executable, "-c", code, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    heavy = {"sympy", "mpmath", "numpy", "scipy", "jax", "jaxlib", "diffrax", "matplotlib", "jinja2", "sklearn"}
    assert "typer" in loaded and not loaded & heavy
    assert all(name in done.stdout for name in ("report", "derive", "list", "doctor")) and done.stderr == ""


def test_help_and_version(run):
    for arguments in ((), ("-h",)):
        status, out, err = run(*arguments)
        assert (status, err) == (0, "") and "Usage: sdescent" in out
    status, out, err = run("--version")
    assert (status, err) == (0, "") and re.fullmatch(r"\d+\.\d+\.\d+\S*\n|not installed: .*\n", out)


# Output that nobody takes


@pytest.mark.slow
def test_the_reader_may_leave():
    done = in_shell("(sleep 0.5; sdescent list --json; echo $? >&2) | true")
    assert done.stderr == f"{HUNG_UP}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", slow_but(["list", "derive dsgd --noise x --json"], ["list"]))
def test_a_full_disk_under_the_output(command):
    done = in_shell(f"sdescent {command} > /dev/full")
    assert done.returncode == BAD_INPUT and done.stderr.count("\n") <= 1 and "Traceback" not in done.stderr
    assert "--json" in command or done.stderr == "cannot read or write a file: the disk is full\n"


def test_closed_streams():
    """Python has no object for a stream that is closed, prints errors on the other one, and gives its number to a file."""
    done = in_shell("sdescent derive dsgd >&-")
    line = "standard output: found closed; accepted: an open stream to print to\n"
    assert (done.returncode, done.stderr) == (BAD_INPUT, line)


@pytest.mark.slow
@pytest.mark.parametrize("errors", ["2>&-", "2>/dev/full"])
def test_errors_that_cannot_be_printed(errors):
    done = in_shell(f"sdescent derive x <&- {errors}")
    assert (done.returncode, done.stdout, done.stderr) == (BAD_INPUT, "", "")


@pytest.mark.parametrize(
    ("name", "width", "used"), [("COLUMNS", "0", "40"), ("COLUMNS", "9" * 30, "10000"), ("TERMINAL_WIDTH", "x", None)]
)
def test_absurd_widths(name, width, used, monkeypatch):
    """Of 0 columns Rich prints nothing, of one a letter a line; Typer fails at a width that is no number."""
    monkeypatch.setenv(name, width)
    assert prepare_streams() and os.environ.get(name) == used


def test_an_interrupt_does_not_wait_for_threads():
    """Of the interpreter's end: threads that compile made it crash there, with a status of its own."""
    code = """
import atexit, os, sys, sdescent.reports.commands.report_derive_list, sdescent.reports.cli
atexit.register(os.abort)
def derive(**options):
    raise KeyboardInterrupt
sdescent.reports.commands.report_derive_list.derive = derive
sys.argv = ["sdescent", "derive", "x"]
sys.exit(sdescent.reports.cli.main())
"""
    done = completed(sys.executable, "-c", code)
    assert done.returncode == INTERRUPTED and done.stderr.startswith("interrupted")
