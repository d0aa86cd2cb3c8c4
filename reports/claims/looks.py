"""How each status of a claim is shown in a report and in a terminal: its words, badge and colour."""

from typing import NamedTuple

from sdescent.derive.vocabulary.verdicts import Verdict


class Look(NamedTuple):
    """The appearance of a status.

    Attributes:
        words: the status in a sentence.
        badge: the style of the badge beside the words, such as "full" if a claim is proved, "framed" if it is proved in part, and
            "light" if only numbers support it.
        colour: the colour in a terminal.
    """

    words: str
    badge: str
    colour: str


#: the statuses of claims in the ledger; the first four are decided by the kernel
LOOKS = {
    Verdict.PROVED: Look("proved", "full", "green"),
    Verdict.PROVED_IN_PART: Look("proved in part", "framed", "cyan"),
    Verdict.REFUTED: Look("refuted", "dark", "magenta"),
    Verdict.STEP_REFUTED: Look("left without a proof, a step of which is refuted", "darkframed", "magenta"),
    Verdict.REFUTED_NUMERICALLY: Look("refuted numerically", "dark", "magenta"),
    Verdict.CONTRADICTED: Look("contradicted by numbers", "darkframed", "red"),
    Verdict.CONFIRMED_NUMERICALLY: Look("confirmed numerically", "light", "green"),
    Verdict.SEEN: Look("seen in runs", "light", "green"),
    Verdict.SEEN_TO_FAIL: Look("seen to fail", "darkframed", "yellow"),
    Verdict.UNDECIDED: Look("undecided", "grey", "yellow"),
    Verdict.OPEN: Look("open", "grey", "red"),
}
