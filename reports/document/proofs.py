"""Proofs (`sdescent.derive.theorems.prose`) as LaTeX that a paper can \\input, and as Markdown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sdescent.derive.printing.width import width
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.prose.document import Block, Display, Items, Math, Paragraph, Part, Quoted, Ref
from sdescent.derive.theorems.prose.in_probability import proof_of
from sdescent.reports.document.tex import escape

#: the characters that fit into a line of a display in one column of two, and those that its number takes
ROOM, NUMBER = 38.0, 4.0
#: the commands that are not one character wide, and the widths of an indentation and of a relation
SIZES = {r"\langle": 0.8, r"\rangle": 0.8, r"\|": 1.0, r"\mathbb": 1.3}
INDENT, SIGN = 2.0, 2.2
#: the most characters of a left-hand side after which the first summand of a long right-hand side stands in the same line
SHORT = 6.0

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}()\[\]+-]")
#: a square or a product of vectors, or its mean given the past: what stands before the vectors, the vectors, what stands behind
_SQUARE = re.compile(r"((?:\\mathbb\{E\}_n)?\\\|)((?:(?!\\\|).)*)(\\\|\^\{2\})")
_PRODUCT = re.compile(r"((?:\\mathbb\{E\}_n)?\\langle )((?:(?!\\langle).)*)(\\rangle)")
_OPENING, _CLOSING = ("{", "(", "[", r"\langle"), ("}", ")", "]", r"\rangle")
#: between factors in a line of text: a break costs more than after a sign
BREAK, PAGE_BREAK = r"\,\penalty900 ", r"\,\allowbreak "

HEAD = r"""% Written by sdescent from the certificate of the proof: \input this file where the appendix has the proof.
% It needs \usepackage{amsmath} and \usepackage{amssymb}.
\begingroup\sloppy\allowdisplaybreaks
"""
FOOT = "\\hfill$\\square$\n\\par\\endgroup\n"


def in_words(stated: Stated, certificate: Mapping[str, Any], notation: str, label: str) -> str:
    """A theorem and its proof as "latex", with this beginning of its labels, or as "markdown"."""
    blocks = proof_of(stated, certificate).document
    return Latex(label).text(blocks) if notation == "latex" else Markdown().text(blocks)


class Latex:
    """The writer of LaTeX; labels begin with `label`; with `page`, it is also for HTML, without penalties and marks of items."""

    def __init__(self, label: str, page: bool = False) -> None:
        self.label, self.page = re.sub("[^A-Za-z0-9-]", "-", label), page

    def text(self, blocks: Sequence[Block]) -> str:
        """A file with all blocks."""
        return f"{HEAD}\n{self.body(blocks)}{FOOT}"

    def body(self, blocks: Sequence[Block]) -> str:
        """The blocks; a paragraph that goes on after a display is not indented."""
        out: list[str] = []
        for before, block in zip([None, *blocks], blocks, strict=False):
            goes_on = isinstance(before, Display) and isinstance(block, Paragraph) and not block.head
            out.append((r"\noindent " if goes_on else "") + self.block(block))
        return "\n".join(out)

    def block(self, block: Block) -> str:
        match block:
            case Paragraph(parts, head):
                words = self.words(parts)
                return f"\\par\\medskip\\noindent\\textbf{{{escape(head)}.}} {words}\n" if head else f"{words}\n"
            case Items(rows, numbered):
                mark = "(A{n})" if numbered else r"$\bullet$"
                item = r"\item[] (A{n})" if self.page and numbered else rf"\item[{mark}]"
                lines = [f"{item.format(n=n)} {self.words(row)}" for n, row in enumerate(rows, 1)]
                return "\\begin{itemize}\n" + "\n".join(lines) + "\n\\end{itemize}\n"
        return self.display(block)

    def words(self, parts: Sequence[Part]) -> str:
        return "".join(map(self.part, parts))

    def part(self, part: Part) -> str:
        match part:
            case Math(tex):
                factors = apart(tex)  # TeX may break a line between them, but rather at a relation or a sign
                return f"${(PAGE_BREAK if self.page else BREAK).join(factors)}$"
            case Ref(number, True):
                return f"(A{number})"
            case Ref(number, _):
                return rf"\eqref{{{self.label}:{number}}}"
            case Quoted(words):
                return rf"\texttt{{\frenchspacing {escape(words)}}}"
        return str(escape(part))

    def display(self, block: Display) -> str:
        *lines, last = broken(block)
        lines.append(last + block.stop)
        inside = lines[0] if len(lines) == 1 else "\\begin{split}\n" + " \\\\\n".join(lines) + "\n\\end{split}"
        inside = inside.replace("&", "", 1) if len(lines) == 1 else inside
        if block.number is None:
            return f"\\begin{{equation*}}\n{inside}\n\\end{{equation*}}\n"
        label = rf"\label{{{self.label}:{block.number}}}"
        return f"\\begin{{equation}}{label}\n{inside}\n\\end{{equation}}\n"


def apart(tex: str, between: str = r"\,") -> list[str]:
    """The parts of a formula between separators that are not inside brackets or norms; a sign as a separator begins its part."""
    parts, depth, norm, start = [], 0, False, 0
    for token in _TOKEN.finditer(tex):
        norm ^= token[0] == r"\|"
        depth += (token[0] in _OPENING) - (token[0] in _CLOSING)
        if token[0] in between.split() and depth == 0 and not norm and token.start() > start:
            parts.append(tex[start : token.start()])
            start = token.start() if token[0] in "+-" else token.end()
    return [*parts, tex[start:]]


def narrow(side: Sequence[str], room: float) -> tuple[str, ...]:
    """The summands of a side, where those that do not fit into a line are taken apart into factors."""
    out: list[str] = []
    signed = [
        part for piece in side for part in (apart(piece, "+ -") if width(piece, SIZES) > room - INDENT else [piece])
    ]
    for piece in signed:
        factors = apart(piece) if width(piece, SIZES) > room - 2 * INDENT else [piece]
        line = ""
        for first, part in (each for factor in factors for each in opened(factor, room - 3 * INDENT)):
            if line and width(line + part, SIZES) > room - 3 * INDENT:
                out.append(line)
                line = (r"\cdot " if first else "") + part
            else:
                line += (r"\," if line and first else "") + part
        out.append(line)
    return tuple(out)


def opened(factor: str, room: float) -> Iterator[tuple[bool, str]]:
    """The parts of a factor, each with whether it is a factor itself: of a wide fraction, square, or sum in brackets."""
    if width(factor, SIZES) <= room:
        yield True, factor
        return
    sign, rest = (factor[0], factor[1:]) if factor[0] in "+-" else ("", factor)
    if rest.startswith(r"\frac{") and (end := closed(rest, 6)) < len(rest) and closed(rest, end + 1) == len(rest):
        above, below = rest[6 : end - 1], rest[end + 1 : -1]
        yield True, rf"{sign}\frac{{1}}{{{below}}}"
        above = f"({above})" if len(apart(above, "+ -")) > 1 else above
        for each in apart(above):
            yield from opened(each, room)
        return
    around = _SQUARE.fullmatch(rest) or _PRODUCT.fullmatch(rest)
    begin, inside, end = around.groups() if around else ("(", rest[1:-1], ")")
    if around or (rest.startswith("(") and closed(rest, 1) == len(rest)):
        first, *others = (part for vector in commas(inside) for part in apart(vector, "+ -"))
        yield True, f"{sign}{begin}{first}{'' if others else end}"
        for n, each in enumerate(others, 1):
            yield False, each + (end if n == len(others) else "")
        return
    yield True, factor


def commas(tex: str) -> list[str]:
    """The parts of a formula that end with a comma outside of brackets, and the rest."""
    parts, start = [], 0
    for n, sign in enumerate(tex):
        if sign == "," and tex[n - 1] != "\\" and tex[start:n].count("{") == tex[start:n].count("}"):
            parts.append(tex[start : n + 1])
            start = n + 1
    return [*parts, tex[start:]]


def closed(tex: str, start: int) -> int:
    """The position behind the bracket that closes the one before `start`."""
    depth = 1
    for n in range(start, len(tex)):
        depth += (tex[n] in "({") - (tex[n] in ")}")
        if depth == 0:
            return n + 1
    return len(tex) + 1


def broken(block: Display) -> Iterator[str]:
    """The lines of a display, aligned at &, each of which fits into a column."""
    room = ROOM - (NUMBER if block.number is not None else 0)
    left, *rest = (narrow(side, room) for side in block.sides)
    line, used = "&", 0.0
    for n, piece in enumerate(left):
        if n and used + width(piece, SIZES) > room:
            yield line
            line, used = r"&\quad ", INDENT
        line, used = line + piece, used + width(piece, SIZES)
    for right in rest:
        whole = used + sum(width(piece, SIZES) for piece in right) + SIGN > room
        if whole and (used > SHORT or used + SIGN + width(right[0], SIZES) > room):
            yield line
            line, used = r"&\quad ", INDENT
        line, used = f"{line}{block.relation} ", used + SIGN
        for n, piece in enumerate(right):
            if n and used + width(piece, SIZES) > room:
                yield line
                line, used = r"&\qquad{} ", 2 * INDENT
            line, used = line + piece, used + width(piece, SIZES)
    yield line


class Markdown:
    """The writer of Markdown with formulas in dollars, as GitHub and Pandoc read it."""

    def text(self, blocks: Sequence[Block]) -> str:
        return "\n".join(map(self.block, blocks)) + "\n$\\square$\n"

    def block(self, block: Block) -> str:
        match block:
            case Paragraph(parts, head):
                return (f"**{head}.** " if head else "") + self.words(parts) + "\n"
            case Items(rows, numbered):
                return "".join(
                    f"- {f'(A{n}) ' if numbered else ''}{self.words(row)}\n" for n, row in enumerate(rows, 1)
                )
        formula = f" {block.relation} ".join("".join(side) for side in block.sides)
        number = "" if block.number is None else rf" \tag{{{block.number}}}"
        return f"$$\n{formula}{block.stop}{number}\n$$\n"

    def words(self, parts: Sequence[Part]) -> str:
        return "".join(map(self.part, parts))

    def part(self, part: Part) -> str:
        match part:
            case Math(tex):
                return f"${tex}$"
            case Ref(number, assumption):
                return f"(A{number})" if assumption else f"({number})"
            case Quoted(words):
                return f"`{words}`"
        return re.sub(r"([\\`*_<>$])", r"\\\1", part)
