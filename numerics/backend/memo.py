"""A memo, which keeps the object built for a setting for the next time."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any


class Memo:
    """The function `build` with the objects for the last `size` settings kept; a setting without a hash is built each time."""

    def __init__(self, build: Callable[..., Any], size: int = 64) -> None:
        self._build, self._cached = build, lru_cache(maxsize=size)(build)

    def __call__(self, *setting: Any) -> Any:
        try:
            hash(setting)
        except TypeError:  # the setting holds an object of the user without a hash
            return self._build(*setting)
        return self._cached(*setting)

    def forget(self) -> None:
        """Forget the objects built so far."""
        self._cached.cache_clear()
