"""Brackets in the text of a formula, and parts of V at the start or at the end, which such a text may name."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sdescent.derive.vocabulary.errors import BadInput


@dataclass(frozen=True)
class Moment:
    """A part of V at the start or at the end.

    Args:
        key: "f", the key of a point, or a product of vectors, as in `sdescent.derive.theorems.bounds.kernel_context.Setting`.
        end: whether it is at the end.
        text: its text in the file.
    """

    key: Any
    end: bool
    text: str


def require_parts(moments: Mapping[str, Moment], present: Collection[str], value: str, horizon: str) -> None:
    """Raise BadInput for a part that V, whose text is `value`, does not have; `present` has the symbols of those that it has."""
    for name, moment in moments.items():
        if name not in present:
            accepted = f"a part of V = {value} with _0 at the start, or with _{horizon} in a mean E(..)"
            raise BadInput("claim", moment.text, accepted)


def closing(text: str, start: int, place: str) -> int:
    """The position behind the bracket that closes the one before `start`."""
    depth, end = 1, start
    while end < len(text) and depth:
        depth += (text[end] == "(") - (text[end] == ")")
        end += 1
    if depth:
        raise BadInput(place, text[start - 1 :], "a closing bracket")
    return end


def opening(text: str, end: int, place: str) -> int:
    """The position of the bracket, or of the function in front of it, that the bracket at `end` closes."""
    depth = 0
    for n in range(end, -1, -1):
        depth += (text[n] == ")") - (text[n] == "(")
        if depth == 0:
            return len(re.sub(r"[A-Za-z0-9_]*$", "", text[:n]))
    raise BadInput(place, text[: end + 1], "an opening bracket")
