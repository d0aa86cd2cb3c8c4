"""The frequency of Python's garbage collection in the processes of this package."""

import atexit
import gc


def collect_rarely() -> None:
    """Collect cyclic garbage less often from now on, and not at exit.

    By default Python collects after every few hundred new objects, and the packages alone create a million permanent ones. This
    took a fifth of the time of a `solve` that starts from nothing.
    """
    gc.set_threshold(20_000, 25, 50)
    atexit.register(gc.freeze)
