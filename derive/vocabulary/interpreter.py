"""Starting Python processes that import the same modules as this one, and none from the working directory.

With `-m` and `-c`, Python searches the working directory first, and files there must not be executed.
"""

import os
import sys

_SAFE = "PYTHONSAFEPATH"


def python(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment of a Python process with these arguments."""
    path = os.pathsep.join(p or os.getcwd() for p in sys.path)
    return [sys.executable, "-P", *arguments], {**os.environ, _SAFE: "1", "PYTHONPATH": path}


def shield() -> None:
    """Keep processes that libraries start later from importing from the working directory.

    `multiprocessing`, for example, passes on `sys.path` itself.
    """
    os.environ[_SAFE] = "1"
