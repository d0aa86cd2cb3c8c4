"""Numerical evidence about claims, in one form for all sections, so that it is never selected by hand."""

from collections.abc import Mapping
from typing import Any

from sdescent.derive.vocabulary.verdicts import Verdict

#: the verdicts that support a claim, and those that contradict it
FOR, AGAINST = (Verdict.CONFIRMED, Verdict.SEEN), (Verdict.VIOLATED, Verdict.SEEN_TO_FAIL)
#: the subjects of comparisons; a proof covers only the first two
FORMULA, SDE, NOT_LINEARISED, METHOD = "formula", "SDE", "SDE, not linearised", "method"
COVERED = (FORMULA, SDE)
#: the "model" in comparisons of a method under the noise of its equations with the same method on real mini-batches
NOISE_MODEL = "noise"
#: advice for readers of a contradiction
REPORT = (
    "a proof and numbers about its own subject disagree, so one of the two is a bug in sdescent: please report it, with the "
    "theorem, its certificate and these numbers, and do not rely on either"
)


def evidence(
    about: str, subject: str, verdict: Any, says: str, anchor: str, compared: int = 1, failing: int | None = None,
    undecided: int | None = None, values: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A piece of evidence as JSON values.

    Args:
        about: the id of an entry, or a topic ([a-z0-9-]).
        subject: the subject of the comparison: FORMULA, SDE, NOT_LINEARISED or METHOD.
        verdict: CONFIRMED, VIOLATED or INCONCLUSIVE; for runs over seeds SEEN, SEEN TO FAIL or UNDECIDED.
        says: the result in words and numbers, as LaTeX.
        anchor: the label of the figure, table or section that shows the result.
        compared: the number of points, settings or runs that were compared; 0 if there was nothing to compare.
        failing: the number of comparisons in which the claim fails; by default all or none, according to the verdict.
        undecided: the number of comparisons that decide nothing; by default, if the verdict is open, all that do not fail.
        values: the numbers by name that sentences and figures on the first page show, dimensionless.
    """
    failed = (compared if str(verdict) in AGAINST else 0) if failing is None else failing
    rest = (0 if str(verdict) in (*FOR, *AGAINST) else compared - failed) if undecided is None else undecided
    return {
        "about": about, "subject": subject, "verdict": str(verdict), "says": says, "anchor": anchor, "compared": compared,
        "failing": failed, "undecided": rest, "values": dict(values or {}),
    }  # fmt: skip
