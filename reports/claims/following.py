"""Evidence about how closely a model follows its method, from the means of a statistic in the transient and late in the run."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.evidence import METHOD, evidence
from sdescent.reports.document.tex import number

#: a model follows its method if the relative difference of the means is at most this
FOLLOW = 0.1
#: the late times are the last quarter of the run; the method has settled if its relative change there is at most `SETTLED`
LATE, SETTLED = 0.75, 0.1
#: a ratio is accurate if the half-width of the denominator's interval is at most this share of the denominator
WIDEST = 0.25
#: the confidence level of the intervals in summaries, each for a single time
LEVEL = 0.95
TRANSIENT, AFTER = "transient", "late"
#: {key of a method: its name in the ledger}
METHODS = {"dsgd": "DSGD", "dcsgd": "DCSGD", "dsignsgd": "DSignSGD"}


def following(
    series: Mapping[str, Mapping[str, Any]], base: str, method: str, setting: tuple[str, str], anchor: str
) -> dict[str, dict[str, Any]]:
    """The evidence by key, one piece for each model and each phase of the run that there is.

    The relative gap at a time is a/b - 1, where a is the mean of the model and b that of the method. Its half-width comes from the
    intervals of both means (delta method, widened so that the intervals of all times hold simultaneously), plus the solver's error.
    A model follows its method if the whole interval is within `FOLLOW` at every time of the phase. It does not follow if the whole
    interval is beyond `FOLLOW` at some time. Otherwise the phase is undecided. Each time counts as one comparison. If the method
    has not settled in the last quarter of the run, the transient lasts to the end.

    `series` has "times", "mean", "interval" (half-widths of 95 % intervals) and for models "solver" by name, `base` that of the
    method, whose key in `METHODS` is `method`; `setting` is a short name ([a-z0-9-]) and words, `anchor` the label of a figure or
    table.
    """
    reference, pieces = series[base], {}
    times, unsettled = reference["times"], _unsettled(reference)
    late = [] if unsettled else [n for n, t in enumerate(times) if t >= LATE * times[-1]]
    early = [n for n, t in enumerate(times) if times[0] < t and n not in late]
    for model, other in series.items():
        if model == base:
            continue
        gaps = gaps_at_once(reference, other)
        for phase, chosen in {TRANSIENT: early, **({} if unsettled else {AFTER: late})}.items():
            verdict, says, failing, undecided, values = _phase([gaps[n] for n in chosen])
            words = f"{METHODS[method]}, {setting[1]}{'; ' + unsettled if unsettled else ''}"
            pieces[f"follows-{setting[0]}-{method}-{model}-{phase}"] = evidence(
                f"follows-{method}-{phase}-{model}", METHOD, verdict, f"{words}: {says}", anchor,
                len(chosen), failing, undecided, values,
            )  # fmt: skip
    return pieces


def quantile_of_all(times: int) -> float:
    """The quantile z of the normal law for intervals that hold at all of these times at once but the start (Bonferroni)."""
    return NormalDist().inv_cdf(1 - (1 - LEVEL) / max(times - 1, 1) / 2)


def relative_gap(method: Mapping[str, Any], other: Mapping[str, Any], n: int) -> tuple[float, float]:
    """The pair (a/b - 1, half-width) at the n-th time, the half-width of the 95 % interval for this time alone (delta method).

    With half-widths A and B of the means a and b it is sqrt(A^2 + (a/b)^2 B^2)/b for two independent runs. Both are nan if the
    method's mean b is inaccurate (B > b/4) or not positive, or a is infinite.
    """
    a, b, first, second = other["mean"][n], method["mean"][n], other["interval"][n], method["interval"][n]
    if not b > 0 or not second <= WIDEST * b or not math.isfinite(a):
        return math.nan, math.nan
    return a / b - 1, math.hypot(first, a / b * second) / b


def gaps_at_once(method: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[float, float]]:
    """`relative_gap` at all times, with half-widths for which all intervals hold at once, plus the solver's error over b."""
    times = range(len(method["mean"]))
    wider = quantile_of_all(len(times)) / quantile_of_all(2)
    solver = other.get("solver", [0.0] * len(times))
    pairs = [relative_gap(method, other, n) for n in times]
    return [
        (gap, wider * half + solver[n] / method["mean"][n] if math.isfinite(gap) else half)
        for n, (gap, half) in enumerate(pairs)
    ]


def largest(gaps: Iterable[tuple[float, float]]) -> tuple[float, float] | None:
    """The ends of an interval of the largest |gap| where intervals hold at once, or None; a maximum of estimates is biased."""
    finite = [(abs(gap), half) for gap, half in gaps if math.isfinite(gap)]
    if not finite:
        return None
    return max(0.0, *(gap - half for gap, half in finite)), max(gap + half for gap, half in finite)


def _unsettled(method: Mapping[str, Any]) -> str:
    """The reason why the method has no late times; "" if it has them."""
    times, mean = method["times"], method["mean"]
    late = [m for t, m in zip(times, mean, strict=True) if t >= LATE * times[-1]]
    if len(late) < 2 or not late[0] > 0:
        return "there are no late times"
    change = late[-1] / late[0] - 1
    if abs(change) <= SETTLED:
        return ""
    return rf"the method has not settled: ${number(100 * change, 2)}\,\%$ in the last quarter"


def _phase(gaps: Sequence[tuple[float, float]]) -> tuple[Verdict, str, int, int, dict[str, float]]:
    """The verdict, what it says, the numbers of failing and of undecided times, and the ends of the largest gap."""
    if (ends := largest(gaps)) is None:
        return Verdict.INCONCLUSIVE, "the method's mean is not known well enough", 0, len(gaps), {}
    leaves, stays = sum(abs(g) - half > FOLLOW for g, half in gaps), sum(abs(g) + half <= FOLLOW for g, half in gaps)
    rest = len(gaps) - leaves - stays
    says = rf"largest gap of the mean loss {percent(*ends)}, tolerance ${100 * FOLLOW:g}\,\%$"
    verdict = Verdict.VIOLATED if leaves else Verdict.INCONCLUSIVE if rest else Verdict.CONFIRMED
    return verdict, says, leaves, rest, {"low": ends[0], "high": ends[1]}


def percent(low: float, high: float) -> str:
    """A gap between two ends as percentages in LaTeX; a single number if the ends agree to three digits."""
    ends = [number(100 * end, 3) for end in (low, high)]
    return rf"${ends[0]}\,\%$" if ends[0] == ends[1] else rf"between ${ends[0]}$ and ${ends[1]}\,\%$"
