"""What was built for a setting, kept for the next time it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any


class Compiled:
    """`build`, with what it built for the last settings kept; for one that cannot be compared it builds anew."""

    def __init__(self, build: Callable[[Any], Any], size: int = 64) -> None:
        self._build, self._cached = build, lru_cache(maxsize=size)(build)

    def __call__(self, setting: Any) -> Any:
        try:
            hash(setting)
        except TypeError:  # it holds something of the user's own that has no hash
            return self._build(setting)
        return self._cached(setting)

    def forget(self) -> None:
        """What was built is made anew."""
        self._cached.cache_clear()
