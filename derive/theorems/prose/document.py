"""A proof as a document: paragraphs, lists and displays, without the notation of LaTeX documents or Markdown around them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Math:
    """A formula in LaTeX, without dollars."""

    tex: str


@dataclass(frozen=True)
class Ref:
    """The number of a display, or the number of an assumption (then `assumption` is true)."""

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
    """A chain l R r R' r' ..: the first piece of `pieces` is l, and every other one begins with its relation.

    Args:
        pieces: each side as its summands with their signs in LaTeX; a line may be broken between two summands.
        number: the number at the side, or None.
        stop: the punctuation mark after the formula.
    """

    pieces: tuple[tuple[str, ...], ...]
    relations: tuple[str, ...]
    number: int | None = None
    stop: str = "."


Block = Paragraph | Items | Display


def listed(parts: Sequence[Parts], word: str = "and") -> Parts:
    """The parts as "a, b and c"."""
    out: list[Part] = []
    for n, each in enumerate(parts):
        out += [] if n == 0 else [f" {word} "] if n == len(parts) - 1 else [", "]
        out += each
    return tuple(out)
