"""Processes of Python that this one starts find the modules that it finds, and no others.

Python looks first in the working directory for what `-m` and `-c` import, and the files of that folder are not ours to execute.
"""

from __future__ import annotations

import os
import sys

_SAFE = "PYTHONSAFEPATH"


def python(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of such a process."""
    path = os.pathsep.join(p or os.getcwd() for p in sys.path)
    return [sys.executable, "-P", *arguments], {**os.environ, _SAFE: "1", "PYTHONPATH": path}


def shield() -> None:
    """The same for processes that a library starts from now on, as `multiprocessing` does, which hands `sys.path` on itself."""
    os.environ[_SAFE] = "1"
