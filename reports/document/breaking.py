r"""Formulas that may break over lines: brackets of \left and \right hold their contents together, and large brackets do not."""

import re

from sdescent.derive.printing.width import width

#: brackets with more characters between them may break inside; a formula with more may break at a product, and a fraction with more
#: is scaled down where the line is shorter
ROOMY, WIDE = 14, 34
_MATHS = re.compile(r"(?<!\\)\$((?:[^$\\]|\\.)+)\$", re.DOTALL)
_DELIMITER = r"\s*(\\[A-Za-z]+|\\.|[^.\s])"
_TOKEN = re.compile(
    r"\\(?:left|right)(?![a-z])\s*(?:\\[A-Za-z]+|\\.|\S)|\\(?:begin|end)\{[a-z]+\*?\}|\\[A-Za-z]+|\\.|.", re.DOTALL
)
_OPENS, _CLOSES = re.compile(r"\\left(?![a-z])|\\begin\{|\{"), re.compile(r"\\right(?![a-z])|\\end\{|\}")


def breakable(part: str) -> str:
    """The part with formulas in the text that may break inside wide brackets; displayed formulas stay as they are."""
    return _MATHS.sub(lambda formula: f"${loose(formula[1])}$", part)


def loose(tex: str) -> str:
    r"""A formula in which wide outer pairs \left( .. \right) are \Bigl( .. \Bigr), and wide outer fractions are atoms (\sdatom)."""
    pieces, wide, written = _pieces(tex), width(tex) > WIDE, ""
    while pieces:
        piece = pieces.pop(0)
        if piece == r"\frac":
            piece += _argument(pieces) + _argument(pieces)
            piece = rf"\sdatom{{{piece}}}" if width(piece) > WIDE else piece
        elif piece == r"\," and wide:
            piece = r"\,\sdbreak "
        written += _opened(piece) if piece.startswith(r"\left") else piece
    return written


def _pieces(tex: str) -> list[str]:
    """The tokens outside all brackets; a pair of brackets, a group or an environment is one piece."""
    pieces, depth = [], 0
    for token in _TOKEN.findall(tex):
        if depth:
            pieces[-1] += token
        else:
            pieces.append(token)
        depth += bool(_OPENS.match(token)) - bool(_CLOSES.match(token))
    return pieces


def _argument(pieces: list[str]) -> str:
    argument = pieces.pop(0) if pieces else ""
    return argument + _argument(pieces) if argument.isspace() else argument


def _opened(pair: str) -> str:
    parts = re.fullmatch(rf"\\left{_DELIMITER}(.*)\\right{_DELIMITER}", pair, re.DOTALL)
    if parts is None or width(parts[2]) <= ROOMY:
        return pair
    size = "Big" if re.search(r"\\frac|\\sum|\\int|\\left|\^", parts[2]) else "big"
    return rf"\{size}l{parts[1]}{loose(parts[2])}\{size}r{parts[3]}"
