"""Python processes that this one starts import the same modules, and none from the working directory.

With `-m` and `-c`, Python searches the working directory first, and its files are not ours to execute.
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
    """Protect processes that libraries start from now on; `multiprocessing`, for one, passes `sys.path` on itself."""
    os.environ[_SAFE] = "1"
