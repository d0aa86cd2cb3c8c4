"""The width of a formula on paper, estimated from its LaTeX to about a tenth; it determines where long lines are broken.

The unit is a character of an ordinary line. A fraction is as wide as the wider of numerator and denominator,
superscripts and subscripts are smaller, and a case distinction is as wide as its widest row.
"""

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}^_&]|\s+|.", re.DOTALL)
_SILENT = {r"\left", r"\right", r"\bigl", r"\bigr", r"\Bigl", r"\Bigr", r"\big", r"\displaystyle", r"\:", r"\!"}
_WRAPPED = {r"\text", r"\mathrm", r"\operatorname", r"\mathbb", r"\mathsf", r"\mathit", r"\mathcal", r"\mathbf"}
_NAMES = "log", "exp", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "max", "min", "sup", "inf"
#: the widths of tokens that are not one character wide
_SIZES = {r"\quad": 2.0, r"\qquad": 4.0, r"\,": 0.3, r"\ ": 0.6, r"\sum": 2.0, r"\otherwise": 9.0}
_SIZES |= dict.fromkeys((*"+-=<>", r"\cdot", r"\le", r"\ge", r"\neq", r"\mid", r"\in", r"\partial"), 2.2)
_SIZES |= dict.fromkeys((*_SILENT, *"}&"), 0.0) | {rf"\{name}": 1.0 + len(name) for name in _NAMES}
_SMALL = 0.7  # relative size of superscripts and subscripts


def width(tex: str, sizes: Mapping[str, float] | None = None) -> float:
    """The width of a formula in characters; `sizes` has those of commands that are not one character wide, such as the
    user's own.
    """
    return _Reader(tex, sizes or {}).sequence()


class _Reader:
    def __init__(self, tex: str, sizes: Mapping[str, float]) -> None:
        self._tokens, self._at, self._sizes = _TOKEN.findall(tex), 0, {**_SIZES, **sizes}

    def sequence(self, end: str | None = None) -> float:
        """The width up to the closing token; for a case distinction, the width of the widest row."""
        total, widest = 0.0, 0.0
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token == end:
                break
            if token == r"\\":
                total, widest = 0.0, max(widest, total)
            else:
                total += self._one(token)
        return max(total, widest)

    def _argument(self) -> float:
        while self._at < len(self._tokens) and self._tokens[self._at].isspace():
            self._at += 1
        if self._at == len(self._tokens):
            return 0.0
        self._at += 1
        return self._one(self._tokens[self._at - 1])

    def _one(self, token: str) -> float:
        if token == "{":
            return self.sequence("}")
        if token in (r"\begin", r"\end"):
            self._argument()
            return 2.0 if token == r"\begin" else 0.0
        if token in ("^", "_"):
            return _SMALL * self._argument()
        if token == r"\frac":
            return max(self._argument(), self._argument()) + 0.4
        if token == r"\sqrt":
            return 1.2 + self._argument()
        if token in _WRAPPED:
            return self._argument()
        return self._sizes.get(token, 0.0 if token.isspace() else 1.0)
