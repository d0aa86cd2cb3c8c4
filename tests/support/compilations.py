"""How often XLA compiles something in a block of code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax


@contextmanager
def compilations() -> Iterator[list[str]]:
    """A list that grows by one entry with each program that is compiled in the block, in any thread."""
    noted: list[str] = []

    def note(event: str, duration_secs: float, **_: Any) -> None:
        if within and event.endswith("backend_compile_duration"):
            noted.append(event)

    within = [True]
    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        yield noted
    finally:
        within.clear()
