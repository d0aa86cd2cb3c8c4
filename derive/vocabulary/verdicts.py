"""The verdicts, and the source of each assumption and definition in the statement of a theorem."""

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


class Verdict(StrEnum):
    """A verdict. Members are strings, so that `Verdict.PROVED == "PROVED"` and JSON contains the word."""

    __repr__ = str.__repr__

    #: of a statement: it has a certificate that `replay` checks
    PROVED = "PROVED"
    #: of a claim: z3 has decided it, without a certificate
    DECIDED = "DECIDED"
    #: of a statement: exact numbers satisfy every assumption and contradict it
    REFUTED = "REFUTED"
    #: nothing is settled, for the stated reason
    UNDECIDED = "UNDECIDED"
    #: a proof and numbers about the same subject disagree, so that one of them is an error of this tool
    CONTRADICTED = "CONTRADICTED"

    #: of an audit: proofs on every piece of the domain show that the stated equation is that of the method
    AGREES = "AGREES"
    #: of an audit: the stated equation and that of the method differ at an exact point
    DIFFERS = "DIFFERS"
    #: of an audit: the method has no SDE of this kind
    NO_SDE = "NO SDE"

    #: of a bound compared with numbers: the confidence interval lies below it
    CONFIRMED = "CONFIRMED"
    #: of a bound compared with numbers: the confidence interval lies above it
    VIOLATED = "VIOLATED"
    #: of a bound compared with numbers: the confidence interval contains it, or no sound interval exists
    INCONCLUSIVE = "INCONCLUSIVE"

    #: of a claim in the ledger: proved except for a part that it names, or under an assumption that its source does not state
    PROVED_IN_PART = "PROVED IN PART"
    #: of a claim in the ledger: a step of its proof is refuted
    STEP_REFUTED = "STEP REFUTED"
    #: of a claim in the ledger: a step of its proof is refuted, and its conclusion fails by more than the error of the numbers
    REFUTED_NUMERICALLY = "REFUTED NUMERICALLY"
    #: of a claim in the ledger: not proved, but all numbers agree with it
    CONFIRMED_NUMERICALLY = "CONFIRMED NUMERICALLY"
    #: of a claim in the ledger: all runs show it
    SEEN = "SEEN"
    #: of a claim in the ledger: a comparison contradicts it, or every run that decides does
    SEEN_TO_FAIL = "SEEN TO FAIL"
    #: of a claim in the ledger: not computed
    OPEN = "OPEN"


#: the exit status of a command that ends with a verdict; the others accompany one of these, or occur only in reports
EXIT_STATUS = {
    Verdict.PROVED: 0, Verdict.DECIDED: 0, Verdict.REFUTED: 1, Verdict.UNDECIDED: 3, Verdict.CONTRADICTED: 4,
    Verdict.AGREES: 0, Verdict.DIFFERS: 1, Verdict.NO_SDE: 1,
}  # fmt: skip
