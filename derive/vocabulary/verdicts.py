"""The verdicts: one word for each answer of a command, a check or the ledger of a report."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """An answer. The members are texts, so that `Verdict.PROVED == "PROVED"` and JSON has the word."""

    __repr__ = str.__repr__

    #: of a statement: there is a certificate that `replay` checks
    PROVED = "PROVED"
    #: of a claim: z3 decides it, without a certificate
    DECIDED = "DECIDED"
    #: of a statement: exact numbers satisfy every assumption and contradict it
    REFUTED = "REFUTED"
    #: nothing is settled, for the stated reason
    UNDECIDED = "UNDECIDED"
    #: a proof and numbers on its own subject disagree: one of the two is a fault of this tool
    CONTRADICTED = "CONTRADICTED"

    #: of an audit: proofs on every piece of the domain show that the stated equation is that of the method
    AGREES = "AGREES"
    #: of an audit: at an exact point the two differ
    DIFFERS = "DIFFERS"
    #: of an audit: the method has no such equation
    NO_SDE = "NO SDE"

    #: of a bound beside numbers: the interval lies below it
    CONFIRMED = "CONFIRMED"
    #: of a bound beside numbers: the interval lies above it
    VIOLATED = "VIOLATED"
    #: of a bound beside numbers: the interval contains it, or no interval is sound
    INCONCLUSIVE = "INCONCLUSIVE"

    #: of a claim in the ledger: proved except for a part that it names, or under an assumption that its source does not state
    PROVED_IN_PART = "PROVED IN PART"
    #: of a claim in the ledger: a step of its proof is refuted
    STEP_REFUTED = "STEP REFUTED"
    #: of a claim in the ledger: not proved, and all numbers agree with it
    CONFIRMED_NUMERICALLY = "CONFIRMED NUMERICALLY"
    #: of a claim in the ledger: all runs show it
    SEEN = "SEEN"
    #: of a claim in the ledger: a run contradicts it
    SEEN_TO_FAIL = "SEEN TO FAIL"
    #: of a claim in the ledger: not computed
    OPEN = "OPEN"


#: exit status of a command that ends with the verdict; the other verdicts stand beside one of these, or in a report
EXIT_STATUS = {
    Verdict.PROVED: 0, Verdict.DECIDED: 0, Verdict.REFUTED: 1, Verdict.UNDECIDED: 3, Verdict.CONTRADICTED: 4,
    Verdict.AGREES: 0, Verdict.DIFFERS: 1, Verdict.NO_SDE: 1,
}  # fmt: skip
