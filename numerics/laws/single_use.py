"""Refuse a second use of the same draws, which would be made of the same bits.

Everything here happens in Python while a function is traced; a compiled run is not affected.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast, final

import numpy as np
from jax.extend.core import get_opaque_trace_state

from sdescent.derive.vocabulary.errors import BadInput

Method = TypeVar("Method", bound=Callable[..., Any])
#: the files whose frames do not belong to the user
_THIS_LIBRARY = {__file__, str(Path(__file__).with_name("counter.py"))}


@final
class UsedTwice(BadInput):
    """The same `Draws` were used twice: the two results would be the same numbers, or functions of the same bits.

    Args:
        what: the draws, such as "draws.fold(0)".
        first, second: the two uses, with method, file and line.
    """

    def __init__(self, what: str, first: str, second: str) -> None:
        self.what, self.first, self.second = what, first, second
        super().__init__("draws", f"{first}, then {second}", "one use of each")

    @property
    def message(self) -> str:
        """The two uses, the reason why they exclude each other, and the remedy."""
        return (
            f"{self.what} used twice: by {self.first}, then by {self.second}; both are made of the same random bits and are not "
            "independent. Give each its own draws, draws.fold(0) and draws.fold(1)"
        )


@final
class Uses:
    """The uses of some draws, and of the draws that `fold` makes from them.

    Two uses in different traces, neither of them the trace in which the draws were made, may be two branches of a condition, or a
    function that is traced again. They do not count as a second use.

    Args:
        what: the user's expression for these draws.
        home: the trace in which the original draws were made, by default the current trace.
    """

    def __init__(self, what: str = "draws", home: Any = None) -> None:
        self._what, self._home = what, home or _trace()
        self._drawn: dict[int, list[tuple[Any, str]]] = {}
        self._folds: dict[Any, Uses] = {}
        self._inside = False

    def __reduce__(self) -> tuple[Any, ...]:
        return Uses, ()  # a trace does not outlive its process

    def fold(self, n: Any) -> Uses:
        """The uses of the draws for the n-th purpose; a traced n, which may differ each time, starts without uses."""
        if not isinstance(n, (int, np.integer)):
            return Uses(f"{self._what}.fold({n})", self._home)
        return self._folds.setdefault(int(n), Uses(f"{self._what}.fold({int(n)})", self._home))

    def alone(self, half: int) -> Uses:
        """The uses of the draws, with both halves, for one step of the pair."""
        return self._folds.setdefault(("alone", half), Uses(self._what, self._home))

    def draw(self, name: str, halves: tuple[int, ...], function: Callable[[], Any]) -> Any:
        """The numbers of the function, if these draws are unused; a draw made inside another draw counts as part of it.

        Raises:
            UsedTwice: the draws were used before.
        """
        if self._inside:
            return function()
        now, use = _trace(), f"{name} ({_place()})"
        for half in halves:
            for then, earlier in self._drawn.get(half, ()):
                if self._home in (now, then) or then == now:
                    raise UsedTwice(self._what, earlier, use)
        self._inside = True
        try:
            numbers = function()
        finally:
            self._inside = False
        for half in halves:
            self._drawn.setdefault(half, []).append((now, use))
        return numbers


def once(*halves: int) -> Callable[[Method], Method]:
    """A decorator for a method that draws: it uses these halves of the pair of steps, or by default the half of its own step."""

    def mark(method: Method) -> Method:
        @wraps(method)
        def draw(self: Any, *args: Any, **named: Any) -> Any:
            return self.uses.draw(method.__name__, halves or (self.half,), lambda: method(self, *args, **named))

        return cast(Method, draw)

    return mark


def _trace() -> Any:
    return get_opaque_trace_state(convention="sdescent")


def _place() -> str:
    """The file and line of the call, outside the modules of random numbers."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename in _THIS_LIBRARY:
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"
