"""The first page: five sentences, a table of the paper's claims and two figures, all computed from the results.

A sentence is a function of the results. It says what they show, and vanishes if they no longer show it. Contradictions come first.
"""

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, final

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import SDE
from sdescent.reports.claims.looks import LOOKS
from sdescent.reports.claims.verdict_of_claim import Results, plain, word_on_page_one
from sdescent.reports.document.tex import listed, number
from sdescent.reports.paper.front_figures import (
    GradientAndClaim,
    StableSteps,
    gradient_against_claimed_bound,
    stability_thresholds,
)

#: the verdicts from the strongest contradiction to the strongest support; a row has the first that occurs behind it
ORDER = (
    Verdict.CONTRADICTED, Verdict.REFUTED, Verdict.REFUTED_NUMERICALLY, Verdict.STEP_REFUTED, Verdict.SEEN_TO_FAIL, Verdict.OPEN,
    Verdict.UNDECIDED, Verdict.PROVED_IN_PART, Verdict.SEEN, Verdict.CONFIRMED_NUMERICALLY, Verdict.PROVED,
)  # fmt: skip
#: the verdicts of claims that hold, of which a row with `against` must not have any there
HOLDS = (Verdict.PROVED, Verdict.CONFIRMED_NUMERICALLY, Verdict.SEEN)


@final
@dataclass(frozen=True)
class Row:
    """A row of the table.

    Args:
        words: the claim in the paper's words, or in ours where they are not public, as LaTeX.
        source: the place of these words.
        rests_on: the ids of the claims in claims.toml that must hold.
        against: the ids of claims that contradict the words in part, if they hold.
        missing: a part of the words that no claim states; "" if there is none.
        why: verdict -> a line in plain words.
        parts: the parts of a figure that `rests_on` states, one by one; then the line names each part with its verdict.
    """

    words: str
    source: str
    rests_on: tuple[str, ...]
    against: tuple[str, ...] = ()
    missing: str = ""
    why: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()


@final
@dataclass(frozen=True)
class Kind:
    """Theorems about the methods themselves, in a few words.

    Args:
        words: the losses and methods.
        claims: the ids of the claims that must be proved.
    """

    words: str
    claims: tuple[str, ...]


@cache
def _file() -> Mapping[str, Any]:
    return plain(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))


def introduction() -> str:
    """The paragraph that says what the paper is about and defines the words of the page."""
    return _file()["introduction"]


@cache
def _contents() -> tuple[tuple[Row, ...], tuple[Kind, ...], Mapping[str, str]]:
    """The rows, the kinds of theorems, and the words of the sentences by key."""
    table = _file()
    return (
        tuple(Row(**row) for row in table["row"]),
        tuple(Kind(**kind) for kind in table["theorem"]),
        table["sentences"],
    )


@final
@dataclass(frozen=True)
class Judged:
    """The verdicts on all claims by id, and the results behind them."""

    claims: Mapping[str, Mapping[str, Any]]
    results: Results

    def verdict(self, id: str) -> Verdict:
        """The verdict on a claim; OPEN if it was not computed."""
        return Verdict(self.claims[id]["status"]) if id in self.claims else Verdict.OPEN

    def all_proved(self, ids: Iterable[str]) -> bool:
        return all(self.verdict(id) is Verdict.PROVED for id in ids)

    def numbers(self, about: str, subject: str | None = None) -> list[Mapping[str, Any]]:
        """The values of all evidence about a topic that has any."""
        pieces = self.results.evidence.values()
        return [e["values"] for e in pieces if e["about"] == about and subject in (None, e["subject"]) and e["values"]]


def judged(groups: Sequence[Mapping[str, Any]], results: Results) -> Judged:
    """The verdicts in a ledger."""
    return Judged({row["id"]: row for group in groups for row in group["rows"]}, results)


# --- the table -------------------------------------------------------------------------------------------------------------


def overall(row: Row, all_claims: Judged) -> Verdict:
    """The verdict on a row: the first of `ORDER` among its claims, lowered to "in part" by what is missing or contradicts."""
    verdicts = {all_claims.verdict(id) for id in row.rests_on}
    first = next(v for v in ORDER if v in verdicts)
    lowered = row.missing or any(all_claims.verdict(id) in HOLDS for id in row.against)
    return Verdict.PROVED_IN_PART if lowered and first in HOLDS else first


def table(all_claims: Judged) -> list[dict[str, Any]]:
    """The rows with verdict and reason, contradictions first."""
    lines = []
    for row in _contents()[0]:
        verdict = overall(row, all_claims)
        lines.append({
            "words": row.words, "source": row.source, "verdict": str(verdict), "badge": LOOKS[verdict].badge,
            "word": word_on_page_one(verdict), "claims": list(row.rests_on),
            "why": _parts(row, all_claims) if row.parts else row.why.get(verdict) or _count(row, all_claims),
        })  # fmt: skip
    return sorted(lines, key=lambda line: ORDER.index(Verdict(line["verdict"])))


def _parts(row: Row, all_claims: Judged) -> str:
    """The parts of a figure by verdict, such as "Seen in runs: (a) and (c). Undecided: (b)." """
    by_verdict: dict[Verdict, list[str]] = {}
    for part, id in zip(row.parts, row.rests_on, strict=True):
        by_verdict.setdefault(all_claims.verdict(id), []).append(part)
    ordered = sorted(by_verdict.items(), key=lambda pair: ORDER.index(pair[0]))
    return " ".join(f"{LOOKS[v].words.capitalize()}: {listed(parts)}." for v, parts in ordered)


def _count(row: Row, all_claims: Judged) -> str:
    verdicts = [all_claims.verdict(id) for id in row.rests_on]
    parts = [f"{verdicts.count(v)} {LOOKS[v].words}" for v in ORDER if v in verdicts]
    return f"Of {len(verdicts)} {'statement' if len(verdicts) == 1 else 'statements'} behind it: {', '.join(parts)}."


# --- the sentences ---------------------------------------------------------------------------------------------------------

#: parts of a sentence: the key of its words, and the numbers that replace <name> there
Parts = list[tuple[str, Mapping[str, str]]]


def theorem_fails(all_claims: Judged) -> Parts:
    """Theorem 4.2 and the numbers at which its conclusion fails."""
    values = all_claims.numbers("6.2-expectation", SDE)
    if all_claims.verdict("corrected-expectation") is not Verdict.REFUTED_NUMERICALLY or not values:
        return []
    names = {"reached": ("E G^2", 3), "bound": ("bound", 3), "error": ("error", 1)}
    parts: Parts = [("theorem", {word: number(values[0][name], digits) for word, (name, digits) in names.items()})]
    return parts + ([("theorem-repaired", {})] if all_claims.results.status("6.2-scheduled") == Verdict.PROVED else [])


def sees_the_threshold(all_claims: Judged) -> Parts:
    """The largest stable step: seen by the corrected equation on quadratics, and missed on the quartic."""
    if not all_claims.all_proved(("threshold", "no-threshold")):
        return []
    values = all_claims.numbers("threshold-quartic")
    if all_claims.verdict("conservative") not in HOLDS or not values:
        return [("threshold", {})]
    steps = values[0]["steps"]
    return [("threshold-only", {}), ("threshold-quartic", {"ratio": number(steps["method"] / steps["corrected"], 2)})]


def errs_before_it_settles(all_claims: Judged) -> Parts:
    """The errors of the corrected equation and of the first-order one, for small steps before a run settles, and after."""
    corrected, first = (all_claims.numbers(f"weak-order-{model}") for model in ("corrected", "first-order"))
    ratios = [c["error"] / f["error"] for c, f in zip(corrected, first, strict=False) if f["error"]]
    if not ratios or min(ratios) <= 1:
        return []
    before: Parts = [("transient", {"times": _between(ratios, 2), "cases": str(len(ratios))})]
    pieces = all_claims.results.evidence
    late: dict[str, Mapping[str, float]] = {
        model: pieces.get(f"follows-ensemble-dsgd-{model}-late", {}).get("values", {})
        for model in ("first-order", "corrected")
    }
    if not all(late.values()) or not late["corrected"]["high"] < late["first-order"]["low"]:
        return before
    return [*before, ("settled", {model: number(100 * v["high"], 2) for model, v in late.items()})]


def signs_and_schedules(all_claims: Judged) -> Parts:
    """Signs converge under heavy tails, and fixed schedules fail."""
    if not all_claims.all_proved(("adaptive-converges", "heavy-tails", "scheduled-fails")):
        return []
    of_method: Parts = [("signs-method", {})] if all_claims.verdict("method-signs") is Verdict.PROVED else []
    return [("signs", {}), *of_method, ("schedules", {})]


def about_the_methods(all_claims: Judged) -> Parts:
    """The theorems about the methods themselves, and how far their steps are below the best ones."""
    kinds = [kind for kind in _contents()[1] if all_claims.all_proved(kind.claims)]
    if not kinds:
        return []
    entries = {e["id"] for kind in kinds for id in kind.claims for e in all_claims.claims[id]["entries"]}
    proved = {"count": str(len(entries)), "kinds": listed([kind.words for kind in kinds])}
    best = [m for v in all_claims.numbers("experiment-b-held-digits") for m in v["multipliers"]]
    if not best or not all(math.isfinite(m) and m > 1 for m in best):
        return [("methods", proved)]
    return [("methods-cautious", proved), ("steps", {"times": _between(best, 3)})]


def _between(values: Sequence[float], digits: int) -> str:
    low, high = (number(pick(values), digits) for pick in (min, max))
    return f"${low}$" if low == high else f"${low}$ to ${high}$"


SENTENCES: tuple[Callable[[Judged], Parts], ...] = (
    theorem_fails, sees_the_threshold, errs_before_it_settles, signs_and_schedules, about_the_methods,
)  # fmt: skip


def sentences(all_claims: Judged) -> list[str]:
    """The sentences that the results support, as LaTeX, contradictions first."""
    return [" ".join(map(_said, parts)) for sentence in SENTENCES if (parts := sentence(all_claims))]


def _said(part: tuple[str, Mapping[str, str]]) -> str:
    """The words of a part with its numbers."""
    key, numbers = part
    text = _contents()[2][key]
    for name, value in numbers.items():
        text = text.replace(f"<{name}>", value)
    return text


# --- the figures -----------------------------------------------------------------------------------------------------------


def drawn(all_claims: Judged) -> dict[str, Any]:
    """The data of the two figures, {"refutation": .., "thresholds": ..}, None for one that was not computed, and a "caption"."""
    pieces: dict[str, Any] = {"refutation": None, "thresholds": None, "caption": ""}
    if values := all_claims.numbers("6.2-expectation", SDE):
        keys = {"times": "times", "mean": "E G^2 up to", "average": "E G^2", "bound": "bound", "error": "error"}
        pieces["refutation"] = {key: values[0][name] for key, name in keys.items()}
    losses = {"quadratic": "threshold-corrected", "quartic": "threshold-quartic"}
    steps = {loss: all_claims.numbers(topic) for loss, topic in losses.items()}
    if all(steps.values()):
        pieces["thresholds"] = {loss: s[0]["steps"] for loss, s in steps.items()}
        quadratic = steps["quadratic"][0]
        pieces["caption"] = _said(("caption", {name: f"{quadratic[name]:g}" for name in ("N", "sigma1", "omega")}))
    return pieces


def draw(data: Mapping[str, Any], folder: Path) -> None:
    """Write the figures front-gradient and front-stability into `folder`, as far as there are data."""
    if refuted := data["refutation"]:
        mean: list[float] = refuted["mean"]
        low, high = ([value + side * refuted["error"] for value in mean] for side in (-1, 1))
        claimed = [refuted["bound"]] * len(mean)
        gradient_against_claimed_bound(folder, GradientAndClaim(refuted["times"], mean, low, high, claimed))
    if steps := data["thresholds"]:
        ends = {
            loss: {subject: None if step is None else (step, step, step) for subject, step in of_loss.items()}
            for loss, of_loss in steps.items()
        }
        stability_thresholds(folder, StableSteps(ends))
