"""The command line in a process of its own, and a stand-in for the builder of reports."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: the fixture `run`: the command line in this process, (exit status, stdout, stderr)
Run = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
COMMAND = [sys.executable, "-m", "sdescent.reports.cli"]


def in_shell(command: str) -> subprocess.CompletedProcess[str]:
    """`command` in bash with pipefail, `sdescent` being this source tree's."""
    function = f'sdescent() {{ "{sys.executable}" -m sdescent.reports.cli "$@"; }}\nset -o pipefail\n'
    return completed("bash", "-c", function + command)


def completed(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command that has ended, with this source tree's packages unless `env` says otherwise."""
    defaults: dict[str, Any] = {"env": ENVIRONMENT, "timeout": 120}
    return subprocess.run(command, capture_output=True, text=True, **defaults | options)


def answer(out: Path, status: str = "holds") -> dict[str, Any]:
    """What a report that was built says of itself."""
    files = {"report.tex": str(out / "report.tex")}
    return {"files": files, "statuses": {"dsgd": status}, "ledger": [], "notes": ["no TeX here"]}


def raises(error: BaseException) -> Callable[[Path], Any]:
    """A builder that fails."""

    def then(out: Path) -> Any:
        raise error

    return then
