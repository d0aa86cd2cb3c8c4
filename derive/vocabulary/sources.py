"""The source of each assumption, definition and declaration in the statement of a theorem."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """The source of a line of a statement, in the words that are printed behind the line."""

    #: the meaning of a letter or a constant of the language: eta > 0, N >= 1, f >= fstar
    LETTER = "what the letter means"
    #: computed from the method's definition, and compared with it again by each check
    METHOD = "derived from the method"
    #: proved of the law, the compressor or the loss
    PIECE = "proved of the piece"
    #: stated by the law, the compressor or the loss, without a proof
    SAID = "assumed of the piece"
    #: a hypothesis of the author of the theorem
    AUTHOR = "assumed"
    #: a theorem of the literature about the class of losses
    LITERATURE = "a theorem of the literature"
    #: a further hypothesis that the conclusion needs and the author did not state
    CONCLUSION = "assumed for the conclusion"
