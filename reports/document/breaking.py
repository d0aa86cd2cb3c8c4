r"""Formulas that may break over lines: brackets of \left and \right hold their contents together, and large brackets do not."""

import re

from sdescent.derive.printing.width import width

#: a pair of brackets with more characters may break inside, and a fraction with more is scaled down where the line is shorter
ROOMY, WIDE = 14, 34
_MATHS = re.compile(r"(?<!\\)\$((?:[^$\\]|\\.)+)\$", re.DOTALL)
_TOKEN = re.compile(
    r"\\left(?![a-z])|\\right(?![a-z])|\\frac(?![a-z])|\\(?:begin|end)\{[a-z]+\*?\}|\\[A-Za-z]+|\\.|[{}]", re.DOTALL
)
_DELIMITER = re.compile(r"\s*(\\[A-Za-z]+|\\.|[^.\s])", re.DOTALL)


def breakable(part: str) -> str:
    """The part with formulas in the text that may break inside wide brackets; displayed formulas stay as they are."""
    return _MATHS.sub(lambda formula: f"${loose(formula[1])}$", part)


def loose(tex: str) -> str:
    r"""A formula in which wide outer pairs \left( .. \right) are \Bigl( .. \Bigr), and wide outer fractions are atoms (\sdatom)."""
    pieces: list[str] = []
    at, wide = 0, width(tex) > WIDE
    while token := _TOKEN.search(tex, at):
        pieces.append(tex[at : token.start()])
        end = _end(tex, token)
        piece = tex[token.start() : end]
        if token[0] == r"\left":
            piece = _opened(piece)
        elif token[0] == r"\frac" and width(piece) > WIDE:
            piece = rf"\sdatom{{{piece}}}"
        elif token[0] == r"\," and wide:
            piece = r"\,\sdbreak "
        pieces.append(piece)
        at = end
    return "".join([*pieces, tex[at:]])


def _end(tex: str, opening: re.Match[str]) -> int:
    """Where the piece that begins with a token ends: a pair of brackets, a group, a fraction; any other token is a piece itself."""
    if opening[0] == r"\frac":
        return _group(tex, _group(tex, opening.end()))
    depth = 0
    for token in _TOKEN.finditer(tex, opening.start()):
        depth += _opens(token[0])
        if depth == 0:
            following = _DELIMITER.match(tex, token.end()) if token[0] == r"\right" else None
            return following.end() if following else token.end()
    return len(tex)


def _opens(token: str) -> int:
    return (token in (r"\left", "{") or token.startswith(r"\begin{")) - (
        token in (r"\right", "}") or token.startswith(r"\end{")
    )


def _group(tex: str, at: int) -> int:
    """Where the argument that begins at a place ends."""
    token = re.compile(r"\s*").match(tex, at)
    begin = token.end() if token else at
    opening = _TOKEN.match(tex, begin)
    return _end(tex, opening) if opening else begin + 1


def _opened(pair: str) -> str:
    first = _DELIMITER.match(pair, len(r"\left"))
    last = re.search(r"\\right\s*(\\[A-Za-z]+|\\.|[^.\s])$", pair, re.DOTALL)
    if first is None or last is None:
        return pair
    inside = pair[first.end() : last.start()]
    if width(inside) <= ROOMY:
        return pair
    size = "Big" if re.search(r"\\frac|\\sum|\\int|\\left|\^", inside) else "big"
    return rf"\{size}l{first[1]}{loose(inside)}\{size}r{last[1]}"
