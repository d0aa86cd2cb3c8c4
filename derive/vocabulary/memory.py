"""What the system lets a process have: limits of its address space, and how errors look that come from them."""

from __future__ import annotations

import errno

from sdescent.derive.vocabulary.errors import BadInput

#: how the dynamic loader, Python and JAX say that memory, or the stack of a thread, was refused
_SAID = ("failed to map segment", "cannot allocate memory", "can't start new thread", "RESOURCE_EXHAUSTED")


def require_space(least: int, what: str) -> None:
    """That the address space of this process may have so many bytes: libraries end the process, or wait for ever, without them.

    Args:
        what: needs them, for the message.

    Raises:
        BadInput: it may not.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and most < least:
        raise BadInput(
            "ulimit -v", f"{most >> 10} KiB of address space", f"at least {least >> 10} for {what}, or no limit"
        )


def exhausted(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that there was no more memory."""
    while error is not None:
        refused = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        if refused or any(words in str(error) for words in _SAID):
            return True
        error = error.__cause__ or error.__context__
    return False
