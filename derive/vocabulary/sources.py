"""What backs a line of a theorem's statement: each assumption, definition and declaration has one of these sources."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """The source of a line of a statement. The members are the words that are printed behind it."""

    #: what a letter or a constant of the language stands for: eta > 0, N >= 1, f >= fstar
    LETTER = "what the letter means"
    #: computed from the method's definition, and compared with it again by each check
    METHOD = "derived from the method"
    #: proved of the law, the compressor or the loss
    PIECE = "proved of the piece"
    #: what the law, the compressor or the loss says of itself, without a proof
    SAID = "assumed of the piece"
    #: a hypothesis of whoever states the theorem
    AUTHOR = "assumed"
    #: a theorem of the literature about the class of losses
    LITERATURE = "a theorem of the literature"
    #: what the conclusion needs besides: a hypothesis that the author did not state
    CONCLUSION = "assumed for the conclusion"
