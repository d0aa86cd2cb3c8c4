"""A memo: an object that was built for a setting is there for the next time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any


class Memo:
    """`build`, with the objects for the last settings kept; for a setting that cannot be compared it builds again."""

    def __init__(self, build: Callable[..., Any], size: int = 64) -> None:
        self._build, self._cached = build, lru_cache(maxsize=size)(build)

    def __call__(self, *setting: Any) -> Any:
        try:
            hash(setting)
        except TypeError:  # it holds an object of the user that has no hash
            return self._build(*setting)
        return self._cached(*setting)

    def forget(self) -> None:
        """Forget the objects built so far."""
        self._cached.cache_clear()
