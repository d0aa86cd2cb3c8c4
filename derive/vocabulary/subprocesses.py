"""Python processes that import the same modules as this one, and limits of the address space of a process."""

import errno
import os
import sys

from sdescent.derive.vocabulary.errors import BadInput

_SAFE = "PYTHONSAFEPATH"


def python(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment of a Python process with these arguments."""
    path = os.pathsep.join(p or os.getcwd() for p in sys.path)
    return [sys.executable, "-P", *arguments], {**os.environ, _SAFE: "1", "PYTHONPATH": path}


def shield() -> None:
    """Keep processes started later, as by `multiprocessing`, which passes on `sys.path`, from importing from the
    working directory.
    """
    os.environ[_SAFE] = "1"


#: messages of the dynamic loader, Python and JAX about refused memory or a refused thread stack
_REFUSALS = ("failed to map segment", "cannot allocate memory", "can't start new thread", "RESOURCE_EXHAUSTED")


def require_space(least: int, what: str) -> None:
    """Raise BadInput unless the address space may grow to `least` bytes, which `what` needs; with less, libraries abort or hang."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and most < least:
        accepted = f"at least {least >> 10} for {what}, or no limit"
        raise BadInput("ulimit -v", f"{most >> 10} KiB of address space", accepted)


def exhausted(error: BaseException | None) -> bool:
    """Whether an error or one of its causes reports a lack of memory."""
    while error is not None:
        refused = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        if refused or any(words in str(error) for words in _REFUSALS):
            return True
        error = error.__cause__ or error.__context__
    return False
