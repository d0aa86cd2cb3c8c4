"""The first page: five sentences, a table of the paper's claims and two figures, all computed from the results.

A sentence is a function of the results. It says what they show, and vanishes if they no longer show it. Contradictions come first.
"""

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import SDE
from sdescent.reports.claims.verdict_of_claim import LOOKS, Judged, plain, word_on_page_one
from sdescent.reports.document.figures import (
    BOUND,
    NAMED,
    WIDTH,
    figure,
    legend_of_all,
    logarithmic,
    spans_much,
    styles,
)
from sdescent.reports.document.tex import by_key, listed, number
from sdescent.reports.sections.ensembles import cases

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


_FILE = plain(tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")))
#: the paragraph that says what the paper is about and defines the words of the page
INTRODUCTION: str = _FILE["introduction"]
#: the words of the sentences by key
WORDS: Mapping[str, str] = _FILE["sentences"]
ROWS = tuple(Row(**row) for row in _FILE["row"])
#: kinds of losses and methods, in a few words -> the claims that must be proved for theorems about the methods themselves
KINDS: Mapping[str, tuple[str, ...]] = {kind["words"]: kind["claims"] for kind in _FILE["theorem"]}


# --- the table -------------------------------------------------------------------------------------------------------------


def table(all_claims: Judged) -> list[dict[str, Any]]:
    """The rows with verdict and reason, contradictions first."""
    lines = []
    for row in ROWS:
        verdicts = {all_claims.verdict(id) for id in row.rests_on}
        verdict = next(v for v in ORDER if v in verdicts)
        if verdict in HOLDS and (row.missing or any(all_claims.verdict(id) in HOLDS for id in row.against)):
            verdict = Verdict.PROVED_IN_PART
        lines.append({
            "words": row.words, "source": row.source, "verdict": str(verdict), "badge": LOOKS[verdict].badge,
            "word": word_on_page_one(verdict), "claims": list(row.rests_on),
            "why": _parts(row, all_claims) if row.parts else row.why.get(verdict) or _count(row, all_claims),
        })  # fmt: skip
    return sorted(lines, key=lambda line: ORDER.index(Verdict(line["verdict"])))


def _parts(row: Row, all_claims: Judged) -> str:
    """The parts of a figure by verdict, such as "Seen in runs: (a) and (c). Undecided: (b)." """
    by_verdict = by_key(zip(map(all_claims.verdict, row.rests_on), row.parts, strict=True))
    ordered = sorted(by_verdict.items(), key=lambda pair: ORDER.index(pair[0]))
    words = {v: "Undecided in runs" if v is Verdict.UNDECIDED else LOOKS[v].words.capitalize() for v in by_verdict}
    return " ".join(f"{words[v]}: {listed(parts)}." for v, parts in ordered)


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
    numbers = {word: number(values[0][name], digits) for word, (name, digits) in names.items()}
    parts: Parts = [("theorem", {**numbers, "time": f"{values[0]['times'][-1]:g}"})]
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
    ratios = error_ratios(all_claims, "corrected", "first-order")
    if not ratios or min(ratios) <= 1:
        return []
    before: Parts = [("transient", {"times": between(ratios, 2), "cases": str(len(ratios))})]
    pieces = all_claims.results.evidence
    late: dict[str, Mapping[str, float]] = {
        model: pieces.get(f"follows-ensemble-dsgd-{model}-late", {}).get("values", {})
        for model in ("first-order", "corrected")
    }
    if not all(late.values()) or not late["corrected"]["high"] < late["first-order"]["low"]:
        return before
    percents = {model: number(100 * v["high"], 2) for model, v in late.items()}
    return [*before, ("settled", {**percents, "eta": cases()["dsgd"]["eta"]})]


def signs_and_schedules(all_claims: Judged) -> Parts:
    """Signs converge under heavy tails, and fixed schedules fail."""
    if not all_claims.all_proved(("adaptive-converges", "heavy-tails", "scheduled-fails")):
        return []
    of_method: Parts = [("signs-method", {})] if all_claims.verdict("method-signs") is Verdict.PROVED else []
    return [("signs", {}), *of_method, ("schedules", {})]


def about_the_methods(all_claims: Judged) -> Parts:
    """The theorems about the methods themselves, and how far their steps are below the best ones."""
    kinds = {words: claims for words, claims in KINDS.items() if all_claims.all_proved(claims)}
    if not kinds:
        return []
    cited = {e["id"] for claims in kinds.values() for id in claims for e in all_claims.claims[id]["entries"]}
    entries = all_claims.results.entries
    itself = [id for id in cited if entries[id]["about"] == "method"]  # not the sums over a schedule that they use
    proved = {"count": str(len(itself)), "kinds": "; ".join(kinds)}
    # theory's own step has the multiplier 1, and its condition allows up to 2
    best = {
        loss: [m / 2 for v in all_claims.numbers(f"experiment-b-held-{topic}") for m in v["multipliers"]]
        for loss, topic in {"network": "digits", "regression": "breast-cancer"}.items()
    }
    if not all(best.values()) or not all(math.isfinite(m) and m > 1 for steps in best.values() for m in steps):
        return [("methods", proved)]
    return [("methods-cautious", proved), ("steps", {loss: between(steps, 2) for loss, steps in best.items()})]


def error_ratios(all_claims: Judged, model: str, other: str) -> list[float]:
    """The error of a model over that of another one for small steps on the way to the minimum, in each case of the weak orders."""
    pairs = zip(*(all_claims.numbers(f"weak-order-{m}") for m in (model, other)), strict=False)
    return [one["error"] / least["error"] for one, least in pairs if least["error"]]


def between(values: Sequence[float], digits: int) -> str:
    """The smallest and the largest value, as LaTeX; one number if they are the same to so many digits."""
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
    return filled(WORDS[part[0]], part[1])


def filled(text: str, numbers: Mapping[str, str]) -> str:
    """The text with each <name> replaced by its number."""
    for name, value in numbers.items():
        text = text.replace(f"<{name}>", value)
    return text


# --- the figures, each half as wide as the text ------------------------------------------------------------------------------

_SIZE = (0.53 * WIDTH, 1.3)
_MARKS = "os^Dv"
#: the models in the words of the first page
_IN_THE_FIGURE = {"corrected": "the paper's"}


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
        ratio = f"{quadratic['omega']:g}"
        compression = f"compression ratio {ratio}" if quadratic["omega"] else "no compression"
        numbers = {"N": f"{quadratic['N']:g}", "sigma1": f"{quadratic['sigma1']:g}", "compression": compression}
        pieces["caption"] = _said(("caption", numbers))
    return pieces


def draw(data: Mapping[str, Any], folder: Path) -> None:
    """Write the figures front-gradient and front-stability into `folder`, as far as there are data."""
    if refuted := data["refutation"]:
        draw_gradient(folder, *(refuted[key] for key in ("times", "mean", "error", "bound")))
    if data["thresholds"]:
        draw_stable_steps(folder, data["thresholds"])


def draw_gradient(folder: Path, times: Sequence[float], mean: Sequence[float], error: float, bound: float) -> None:
    """Draw E G^2 at a random time up to each horizon along an equation, with its largest `error`, against a bound (OSError)."""
    low, high, claimed = np.array(mean) - error, np.array(mean) + error, np.full(len(mean), bound)
    with figure(folder, "front-gradient", size=_SIZE) as (axis,):
        axis.plot(times, claimed, linewidth=2.4, label="claimed bound", **BOUND)
        axis.fill_between(times, low, high, color="#BBBBBB", linewidth=0)
        axis.plot(times, mean, linewidth=1.3, label="value", **NAMED[METHOD])
        if spans_much([*low, *high, bound]):
            logarithmic(axis)
        else:
            axis.set_ylim(bottom=0)
        title = "Theorem 4.2 on the paper's equation"
        axis.set(xlabel="horizon (steps times step size)", ylabel="mean sq. gradient", title=title)
        axis.legend(frameon=False, fontsize=7, loc="center right")


def draw_stable_steps(folder: Path, steps: Mapping[str, Mapping[str, float | None]]) -> None:
    """Draw the largest stable steps of models relative to the method's, a mark for each loss (OSError).

    `steps` maps a loss in words to {"method", a model of `NAMED` or words: the step, None if all are stable}; ValueError for the
    method.
    """
    rows = {loss: relative(loss, of_loss) for loss, of_loss in steps.items()}
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    ratios = [step for row in rows.values() for step in row.values()]
    ends = [1.0, *filter(None, ratios)]
    low, high = min(ends) / 1.5, 4.0 * max(ends)
    with figure(folder, "front-stability", size=_SIZE) as (axis,):
        axis.axvline(1.0, linewidth=1.3, **styles([METHOD])[METHOD])
        for k, (loss, row) in enumerate(rows.items()):
            look = {"color": "black", "marker": _MARKS[k % len(_MARKS)], "linestyle": "none", "markersize": 4.5}
            look["markerfacecolor"] = "white" if k % 2 else "black"
            axis.plot([], [], label=f"{loss} loss", **look)
            for name, step in row.items():
                # the losses share a row, each on its own line
                place = names.index(name) + 0.3 * (k - (len(rows) - 1) / 2)
                axis.plot(high if step is None else step, place, clip_on=step is not None, **look)
        if None in ratios:
            axis.annotate(
                "no limit", (high, -0.5), (0, 1), textcoords="offset points", ha="center", va="bottom", size=6
            )
        axis.set_xlim(low, high)
        logarithmic(axis, "x")
        axis.set_yticks(range(len(names)), [_IN_THE_FIGURE.get(name, name) for name in names])
        words = {"xlabel": "largest stable step over the optimiser's (line at 1)", "ylabel": "equation"}
        axis.set(ylim=(len(names) - 0.5, -0.5), **words)
        legend_of_all([axis], fontsize=7)


def relative(loss: str, steps: Mapping[str, float | None]) -> dict[str, float | None]:
    """Each model's largest stable step on a loss over the method's. Raises ValueError if the method is stable at every step."""
    if (method := steps[METHOD]) is None:
        raise ValueError(f"on {loss} the method is stable at every step; leave this loss out of the figure")
    return {name: None if step is None else step / method for name, step in steps.items() if name != METHOD}
