"""The clock of the searches, in seconds: how long this thread has worked and has waited for z3.

Not the time of day: beside other work on the machine a search would give up on what it finds when it is alone, and a verdict must
not depend on that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_thread = threading.local()


def now() -> float:
    """Seconds of processor time of this thread, and those that it spent in `waiting`."""
    return time.thread_time() + getattr(_thread, "waited", 0.0)


@contextmanager
def waiting() -> Iterator[None]:
    """A stretch in which another process works for this thread: its seconds count."""
    started = time.monotonic()
    try:
        yield
    finally:
        _thread.waited = getattr(_thread, "waited", 0.0) + time.monotonic() - started
