"""How often Python looks for garbage in a process of ours."""

from __future__ import annotations

import atexit
import gc


def collect_rarely() -> None:
    """Look for garbage in cycles less often from now on, and not at the end.

    Python looks after every few hundred new objects; the packages alone make a million that stay. That took a fifth of the time of
    a `solve` that begins with nothing.
    """
    gc.set_threshold(20_000, 25, 50)
    atexit.register(gc.freeze)
