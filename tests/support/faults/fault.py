"""What a fault to plant is."""

import shlex
from collections.abc import Iterable
from typing import NamedTuple


class Fault(NamedTuple):
    """An edit that makes the code wrong.

    Args:
        name: unique.
        file: relative to the root.
        old, new: what stands there, exactly once, and what is put there.
        tests: arguments of pytest: files and tests, of which at least one must fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def table(rows: Iterable[tuple[str, str, str, str, str]]) -> tuple[Fault, ...]:
    """Faults from rows (name, file, tests as on a command line, old, new)."""
    return tuple(Fault(name, file, old, new, tuple(shlex.split(tests))) for name, file, tests, old, new in rows)
