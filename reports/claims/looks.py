"""How the status of a claim is said and shown, in a report and in a terminal."""

from __future__ import annotations

from typing import NamedTuple

from sdescent.derive.vocabulary.verdicts import Verdict


class Look(NamedTuple):
    """How a status is said and shown.

    Attributes:
        words: in a sentence.
        badge: full for what is settled, framed for what is in part, light for numbers; the status always stands in words too.
        colour: in a terminal.
    """

    words: str
    badge: str
    colour: str


#: what a claim of the ledger may come to, the first four by the kernel
LOOKS = {
    Verdict.PROVED: Look("proved", "full", "green"),
    Verdict.PROVED_IN_PART: Look("proved in part", "framed", "cyan"),
    Verdict.REFUTED: Look("refuted", "dark", "magenta"),
    Verdict.STEP_REFUTED: Look("left without a proof, a step of which is refuted", "darkframed", "magenta"),
    Verdict.CONTRADICTED: Look("contradicted by numbers", "darkframed", "red"),
    Verdict.CONFIRMED_NUMERICALLY: Look("confirmed numerically", "light", "green"),
    Verdict.SEEN: Look("seen in runs", "light", "green"),
    Verdict.SEEN_TO_FAIL: Look("seen to fail", "darkframed", "yellow"),
    Verdict.UNDECIDED: Look("undecided", "grey", "yellow"),
    Verdict.OPEN: Look("open", "grey", "red"),
}
