"""The source of each assumption, definition and declaration in the statement of a theorem."""

from enum import StrEnum


class Source(StrEnum):
    """The source of a line in a statement. The value is the text printed after the line."""

    #: the meaning of a letter or a constant of the language: eta > 0, N >= 1, f >= fstar
    LETTER = "what the letter means"
    #: computed from the definition of the method; each check compares the two again
    METHOD = "derived from the method"
    #: proved about the law, the compressor or the loss
    PIECE = "proved of the piece"
    #: stated by the law, the compressor or the loss, without a proof
    SAID = "assumed of the piece"
    #: a hypothesis of the author of the theorem
    AUTHOR = "assumed"
    #: a theorem of the literature about the class of losses
    LITERATURE = "a theorem of the literature"
    #: a further hypothesis, which the conclusion needs but the author did not state
    CONCLUSION = "assumed for the conclusion"
