"""Draws are used once: a second draw from the same ones would be made of the same bits, and is refused.

Everything here happens in Python while a function is traced; a compiled run knows nothing of it.
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
#: the files whose frames are not the user's
_THIS_LIBRARY = {__file__, str(Path(__file__).with_name("counter.py"))}


@final
class UsedTwice(BadInput):
    """Two draws of one purpose from the same `Draws`: they would be the same numbers, or functions of the same bits.

    Args:
        what: the draws, such as "draws.fold(0)".
        first, second: the two uses: method, file and line.
    """

    def __init__(self, what: str, first: str, second: str) -> None:
        self.what, self.first, self.second = what, first, second
        super().__init__("draws", f"{first}, then {second}", "one use of each")

    @property
    def message(self) -> str:
        """Both uses, why they exclude one another, and the remedy."""
        return (
            f"{self.what} used twice: by {self.first}, then by {self.second}; both are made of the same random bits and are not "
            "independent. Give each its own draws, draws.fold(0) and draws.fold(1)"
        )


@final
class Uses:
    """The uses of some draws, and of those that `fold` makes from them.

    Where two uses lie in different traces and neither in the one that the draws were made in, they may be two branches of a
    condition, or a function that is traced again: that is no second use.

    Args:
        what: what the user calls these draws.
        home: the trace that the first draws of all were made in, by default this one.
    """

    def __init__(self, what: str = "draws", home: Any = None) -> None:
        self._what, self._home = what, home or _trace()
        self._drawn: dict[int, list[tuple[Any, str]]] = {}
        self._folds: dict[Any, Uses] = {}
        self._inside = False

    def __reduce__(self) -> tuple[Any, ...]:
        return Uses, ()  # a trace does not outlive its process

    def fold(self, n: Any) -> Uses:
        """The uses of the draws for the n-th purpose; those of a traced n, which may differ each time, are nobody's yet."""
        if not isinstance(n, (int, np.integer)):
            return Uses(f"{self._what}.fold({n})", self._home)
        return self._folds.setdefault(int(n), Uses(f"{self._what}.fold({int(n)})", self._home))

    def alone(self, half: int) -> Uses:
        """The uses of the draws of one step of the pair, with both halves."""
        return self._folds.setdefault(("alone", half), Uses(self._what, self._home))

    def draw(self, name: str, halves: tuple[int, ...], function: Callable[[], Any]) -> Any:
        """The numbers that the function makes, if nobody has drawn; a draw that is made by way of another one is one draw."""
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
    """Marks a method that draws: its numbers are of these halves of the pair of steps, or without any, of the step's own."""

    def mark(method: Method) -> Method:
        @wraps(method)
        def draw(self: Any, *args: Any, **named: Any) -> Any:
            return self.uses.draw(method.__name__, halves or (self.half,), lambda: method(self, *args, **named))

        return cast(Method, draw)

    return mark


def _trace() -> Any:
    return get_opaque_trace_state(convention="sdescent")


def _place() -> str:
    """File and line of the call, outside of the random numbers themselves."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename in _THIS_LIBRARY:
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"
