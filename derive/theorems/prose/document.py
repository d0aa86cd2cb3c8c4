"""A proof as a document: paragraphs, lists and displays, without the notation of LaTeX documents or Markdown around them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Math:
    """A formula in LaTeX, without dollars."""

    tex: str


@dataclass(frozen=True)
class Ref:
    """The number of a display, or of an assumption."""

    number: int
    assumption: bool = False


@dataclass(frozen=True)
class Quoted:
    """Words of the author as they stand in the file."""

    words: str


Part = str | Math | Ref | Quoted
Parts = tuple[Part, ...]


@dataclass(frozen=True)
class Paragraph:
    """Words and formulas, after a heading in bold unless that is empty."""

    parts: Parts
    head: str = ""


@dataclass(frozen=True)
class Items:
    """A list of rows; with `numbered`, row n is the assumption number n, counted from 1."""

    rows: tuple[Parts, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Display:
    """A formula l R r.

    Args:
        sides: the summands of l, and those of r, with their signs in LaTeX; a line may be broken between two summands.
        relation: R; empty if there is no right side.
        number: the number at the side, or None.
        stop: the punctuation mark after the formula.
    """

    sides: tuple[tuple[str, ...], ...]
    relation: str = ""
    number: int | None = None
    stop: str = "."


Block = Paragraph | Items | Display


def sentence(words: str, *inserted: Part | Parts) -> Parts:
    """Words with formulas in dollars, and the inserted parts in place of each @."""
    rest: Iterator[Part | Parts] = iter(inserted)
    out: list[Part] = []
    for token in re.findall(r"\$[^$]*\$|@|[^$@]+", words):
        if token == "@":
            part = next(rest)
            out += part if isinstance(part, tuple) else (part,)
        else:
            out.append(Math(token[1:-1]) if token.startswith("$") else token)
    return tuple(out)


def listed(parts: Sequence[Parts]) -> Parts:
    """The parts as "a, b and c"."""
    signs = [", "] * (len(parts) - 2) + [" and "] * (len(parts) > 1) + [""]
    return tuple(p for part, sign in zip(parts, signs, strict=False) for p in (*part, sign) if p != "")


def because(reasons: Iterable[Parts]) -> Parts:
    """Formulas and references to assumptions as reasons, to stand after "since"; empty if there are none."""
    unique = list(dict.fromkeys(reasons))
    formulas = [parts for parts in unique if not isinstance(parts[0], Ref)]
    refs = [parts for parts in unique if isinstance(parts[0], Ref)]
    by: Parts = ((" and by " if formulas else "by "), *listed(refs)) if refs else ()
    return (*listed(formulas), *by)
