"""The clock of the searches: the processor time in seconds of this thread and of its workers, and limits on it.

It is not the time of day, since a verdict must not depend on how busy the machine is. Loops check their deadlines with
`now`. All long work goes through the arithmetic of polynomials, which reports it to `spend`, and `spend` ends the work
once an enclosing `limited` has run out, in every thread and without signals.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: units of work between two checks of the clock; a unit is about a microsecond
STRIDE = 2000


class OutOfTime(Exception):
    """A calculation has exceeded its limit of time or work."""


class _Thread(threading.local):
    """Data of each thread: seconds that others worked for it, the end of its limit, units of work not yet counted, units left."""

    others = 0.0
    stop = math.inf
    work = 0
    ration = math.inf


_thread = _Thread()


def now() -> float:
    """The processor time in seconds of this thread, and of other processes that worked for it (`worked`)."""
    return time.thread_time() + _thread.others


def worked(seconds: float) -> None:
    """Count the `seconds` that another process has worked for this thread."""
    _thread.others += seconds


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End the work inside the block with OutOfTime after `seconds`, or earlier if an enclosing limit ends earlier."""
    outer = _thread.stop
    _thread.stop = min(outer, now() + seconds)
    try:
        yield
    finally:
        _thread.stop = outer


@contextmanager
def rationed(units: int) -> Iterator[None]:
    """End the work inside the block with OutOfTime after `units` of `spend`, that is, after the same work on any machine."""
    outer = _thread.ration
    _thread.ration = min(outer, units)
    try:
        yield
    finally:
        _thread.ration = outer


def left() -> float:
    """The seconds left until the limit of this thread; infinite if it has none. Raises OutOfTime if no time is left."""
    if _thread.stop == math.inf:
        return math.inf
    seconds = _thread.stop - now()
    if seconds <= 0:
        raise OutOfTime
    return seconds


def spend(units: int = 1) -> None:
    """Count `units` of work about to be done against the limits of this thread. Raises OutOfTime once one has passed."""
    _thread.work += units
    if _thread.work >= STRIDE:
        _thread.ration -= _thread.work
        _thread.work = 0
        if _thread.ration < 0:
            raise OutOfTime
        left()
