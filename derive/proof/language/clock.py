"""The clock of the searches, in seconds: how long this thread has worked, and its workers for it; and limits by it.

Not the time of day: beside other work on the machine a search would give up on what it finds when it is alone, and a verdict must
not depend on that.

Loops look at their own deadlines with `now`. What they call may be long too, as multiplying out a power is, and knows no deadline:
the arithmetic of polynomials, which everything long goes through, reports its work to `spend`, which ends it where a `limited`
around it says so. That works in every thread, and without signals.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: units of work between two looks at the clock; a unit is about a microsecond
STRIDE = 2000


class OutOfTime(Exception):
    """The limit of a calculation, in time or in work, has passed."""


class _Thread(threading.local):
    """For each thread: the seconds that others spent for it, the end of its innermost limit, its units of work so far and left."""

    others = 0.0
    stop = math.inf
    work = 0
    ration = math.inf


_thread = _Thread()


def now() -> float:
    """Seconds of processor time of this thread, and of other processes for it (`worked`)."""
    return time.thread_time() + _thread.others


def worked(seconds: float) -> None:
    """Another process has worked so many seconds for this thread: they count."""
    _thread.others += seconds


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Work inside ends with OutOfTime after so many seconds; earlier where a limit around this one ends earlier."""
    outer = _thread.stop
    _thread.stop = min(outer, now() + seconds)
    try:
        yield
    finally:
        _thread.stop = outer


@contextmanager
def rationed(units: int) -> Iterator[None]:
    """Work inside the block ends with OutOfTime after `units` of `spend`: after the same work on any machine."""
    outer = _thread.ration
    _thread.ration = min(outer, units)
    try:
        yield
    finally:
        _thread.ration = outer


def left() -> float:
    """Seconds until the limit of this thread; infinite without one.

    Raises:
        OutOfTime: none.
    """
    if _thread.stop == math.inf:
        return math.inf
    seconds = _thread.stop - now()
    if seconds <= 0:
        raise OutOfTime
    return seconds


def spend(units: int = 1) -> None:
    """Count `units` of work, about to be done, against the limits of this thread.

    Raises:
        OutOfTime: a limit of this thread has passed.
    """
    _thread.work += units
    if _thread.work >= STRIDE:
        _thread.ration -= _thread.work
        _thread.work = 0
        if _thread.ration < 0:
            raise OutOfTime
        left()
