"""The command line starts without anything heavy, bears whatever becomes of its output, and ends at once when interrupted."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sdescent.reports.cli import BAD_INPUT, HUNG_UP, INTERRUPTED
from tests.support.commands.command_line import COMMAND, ENVIRONMENT, completed, in_shell, raises
from tests.support.samples import slow_but

pytestmark = pytest.mark.usefixtures("narrow")


def test_help_loads_nothing_heavy():
    code = "import sys; from sdescent.reports.cli import main; status = main(['--help']); print(*sorted(sys.modules)); exit(status)"
    done = completed(sys.executable, "-c", code, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "typer" in loaded
    assert not loaded & {
        "sympy",
        "mpmath",
        "numpy",
        "scipy",
        "jax",
        "jaxlib",
        "diffrax",
        "matplotlib",
        "jinja2",
        "sklearn",
    }
    assert all(name in done.stdout for name in ("report", "derive", "list", "doctor")) and done.stderr == ""


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help(run, arguments):
    status, out, err = run(*arguments)
    assert (status, err) == (0, "") and "Usage: sdescent" in out


def test_version(run):
    status, out, err = run("--version")
    assert (status, err) == (0, "") and re.fullmatch(r"\d+\.\d+\.\d+\S*\n|not installed: .*\n", out)


# Output that nobody takes


@pytest.mark.slow
def test_the_reader_may_leave():
    done = in_shell("sdescent list | true; exit ${PIPESTATUS[0]}")
    assert done.returncode in (0, HUNG_UP) and done.stderr == ""
    done = in_shell("(sleep 0.5; sdescent list --json; echo $? >&2) | true")
    assert done.stderr == f"{HUNG_UP}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", slow_but(["list --json", "list", "derive dsgd --noise x --json"], ["list"]))
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
def test_closed_errors():
    done = in_shell("sdescent derive x 2>&-")
    assert (done.returncode, done.stdout) == (BAD_INPUT, "")
    done = in_shell("sdescent list --json <&- 2>&-")
    assert done.returncode == 0 and json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_errors():
    done = in_shell("sdescent derive x 2>/dev/full")
    assert (done.returncode, done.stdout, done.stderr) == (BAD_INPUT, "", "")


@pytest.mark.parametrize(
    ("name", "width", "shown"),
    [
        ("COLUMNS", "0", 40),
        pytest.param("COLUMNS", "9" * 30, 10_000, marks=pytest.mark.slow),
        pytest.param("TERMINAL_WIDTH", "x", 80, marks=pytest.mark.slow),
    ],
)
def test_absurd_widths(name, width, shown):
    """Of 0 columns Rich prints nothing, of one a letter a line; Typer fails at a width that is no number."""
    environment = {key: value for key, value in ENVIRONMENT.items() if key != "COLUMNS"} | {name: width}
    done = completed(*COMMAND, "--help", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) == shown


def test_too_little_memory_is_one_line(run, build, tmp_path):
    for error in (MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes.")):
        build.then = raises(error)
        status, out, err = run("report", "-o", str(tmp_path))
        assert (status, out) == (BAD_INPUT, "")
        assert err.splitlines()[-1].startswith("out of memory: use fewer paths or a smaller dimension")
        assert "Trace" not in err


def test_interrupt():
    code = """
import signal, sys, time, sdescent.reports.commands.answers, sdescent.reports.cli
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts the tests in the background ignores it
sdescent.reports.commands.answers.derive = lambda **options: (print("ready", flush=True), time.sleep(60))
sys.exit(sdescent.reports.cli.main(["derive", "x"]))
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    with child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=30)
    assert child.returncode == INTERRUPTED and err.startswith("interrupted") and err.count("\n") == 1


def test_an_interrupt_does_not_wait_for_threads():
    """Of the interpreter's end: threads that compile made it crash there, with a status of its own."""
    code = """
import atexit, os, sys, sdescent.reports.commands.answers, sdescent.reports.cli
atexit.register(os.abort)
def derive(**options):
    raise KeyboardInterrupt
sdescent.reports.commands.answers.derive = derive
sys.argv = ["sdescent", "derive", "x"]
sys.exit(sdescent.reports.cli.main())
"""
    done = completed(sys.executable, "-c", code)
    assert done.returncode == INTERRUPTED and done.stderr.startswith("interrupted")
