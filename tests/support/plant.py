"""Plants the faults of `tests/support/faults` one by one in a copy of the tree, and runs the tests that should find each.

    python -m tests.support.plant [--only PART-OF-A-NAME] [--list]

One line a fault: found, by which test and after how long, or NOT FOUND. The exit code is 1 if any was not found.
"""

import argparse
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.faults import FAULTS, Fault

ROOT = Path(__file__).parent.parent.parent
#: what a copy of the tree needs for its tests to run
COPIED = ("derive", "numerics", "reports", "sdescent", "benchmarks", "tests", "docs")
SECONDS = 900
#: of pytest, which warns of libraries that were imported before it
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
#: imported once, before the first fault
LIBRARIES = ("scipy.special", "scipy.stats", "sympy", "jax.numpy", "diffrax", "typer.main", "rich.console")


def edited(fault: Fault, text: str) -> str:
    """The text with the fault in it.

    Raises:
        ValueError: what the fault changes does not stand there exactly once.
    """
    count = text.count(fault.old)
    if count != 1:
        raise ValueError(f"{fault.file}: the text of the fault {fault.name!r} stands there {count} times, not once")
    return text.replace(fault.old, fault.new)


def copied(folder: Path) -> None:
    """A copy of the tree, with its compiled files, whose links point into the copy."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    for file in ROOT.iterdir():
        if file.is_file() and file.suffix in (".toml", ".md", ".cff"):
            shutil.copy(file, folder)


def found_by(fault: Fault, folder: Path) -> str | None:
    """The first test that fails with the fault planted in the copy, or None: those of a default run come first, slow ones then."""
    file = folder / fault.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(edited(fault, whole), encoding="utf-8")
    try:
        return next(filter(None, (_failing(fault.tests, folder, marks) for marks in ("not slow", "slow"))), None)
    finally:
        file.write_text(whole, encoding="utf-8")


def _failing(tests: Sequence[str], folder: Path, marks: str) -> str | None:
    """The first test with these marks that fails, or None."""
    with tempfile.TemporaryFile("w+") as output:
        if not (child := os.fork()):
            _run([*OPTIONS, "-m", marks, *tests], folder, output.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        printed = output.read()
    if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", printed, re.MULTILINE)
    if code not in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED) or failed is None:
        raise RuntimeError(f"pytest ended with {code}:\n{printed[-2000:]}")
    return failed[1]


def _run(arguments: list[str], folder: Path, output: int) -> NoReturn:
    """End this process as pytest ends in the copy; the libraries that its parent has imported need no second import."""
    code: int = pytest.ExitCode.INTERNAL_ERROR
    try:
        signal.alarm(SECONDS)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(folder)
        os.environ |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        sys.dont_write_bytecode = True
        sys.path[:] = [str(folder), *(path for path in sys.path if path not in ("", str(ROOT)))]
        for name in [name for name in sys.modules if name.partition(".")[0] in ("sdescent", "tests")]:
            del sys.modules[name]
        code = pytest.main(arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(code))


def main() -> int:
    asked = argparse.ArgumentParser(description="Plants faults and runs the tests that should find them.")
    asked.add_argument("--only", default="", help="faults whose name or file has this in it")
    asked.add_argument("--list", action="store_true", help="the names of the faults, without running anything")
    options = asked.parse_args()
    chosen = [f for f in FAULTS if options.only in f.name or options.only in f.file]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="planted-") as name:
        if not options.list:
            copied(Path(name))
            os.environ |= {"JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu", "MPLBACKEND": "Agg"}  # as tests/conftest.py
            for library in LIBRARIES:
                importlib.import_module(library)
        for fault in chosen:
            if options.list:
                print(f"{fault.file}: {fault.name}")
                continue
            started = time.monotonic()
            by = found_by(fault, Path(name))
            missed += by is None
            said = "NOT FOUND" if by is None else f"found by {by}"
            print(f"{fault.file}: {fault.name}: {said} ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} found" if not options.list else f"{len(chosen)} faults")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
