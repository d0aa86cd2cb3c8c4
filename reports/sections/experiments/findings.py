"""Findings, sentences and table rows of the experiments on one problem, all of them functions of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numerics.statistics.estimates import Estimate
from numerics.statistics.estimates import over_time as over_paths
from numerics.tasks import criteria as claims
from numerics.tasks.step_rules import CONSTANT, NORMALISED, THEORY
from reports.document.numbers import number
from reports.paper.evidence import METHOD
from reports.paper.evidence import evidence as result
from reports.paper.following import following
from reports.sections.compare import bounded
from reports.sections.experiments.study import BEST, EQUAL, HELD, KINDS, MODELS, OWN

#: claim -> (its name in sentences, its text, the part of the report that shows it)
CLAIMS = {
    "a": ("(a)", r"(a) Constant steps diverge as $\omega$ grows.", "fig:experiment-final"),
    "b": ("(b)", r"(b) The theory's own steps converge for every $\omega$.", "fig:experiment-final"),
    "b-held": ("(b, held)", r"(b, held) So does the theory's rule with one multiplier for all $\omega$.", "fig:experiment-final"),
    "c-held": (
        "(c, held)", r"(c, held) Normalised steps end higher than the theory's rule, each with one multiplier for all $\omega$.",
        "fig:experiment-final",
    ),
    "c-tuned": ("(c, tuned)", r"(c, tuned) The same, each tuned at each $\omega$.", "fig:experiment-tuning"),
    "c-equal-length": (
        "(c, equal length)", "(c, equal length) The same, steps as long as the theory's tuned ones.", "tab:experiment-length",
    ),
    "c-equal-length-own": (
        "(c, own length)", "(c, own length) The same, steps as long as the theory's own.", "tab:experiment-length",
    ),
    "d-constant": ("(d, constant)", "(d, constant) DSignSGD with constant steps is stable and stalls.", "fig:experiment-sign"),
    "d-decaying": (
        "(d, decaying)", "(d, decaying) DSignSGD with decaying steps converges for every noise scale.", "fig:experiment-sign",
    ),
}  # fmt: skip
#: claim -> the two rules that it compares, and the origin of their multipliers
PAIRS = {
    "c-held": ((NORMALISED, HELD), (THEORY, HELD)),
    "c-tuned": ((NORMALISED, BEST), (THEORY, BEST)),
    "c-equal-length": ((NORMALISED, EQUAL[BEST]), (THEORY, BEST)),
    "c-equal-length-own": ((NORMALISED, EQUAL[OWN]), (THEORY, OWN)),
}


def plain(value: float) -> str:
    """A number of the settings: three digits, without trailing zeros."""
    return f"{value:.3g}"


def spanned(e: Estimate, digits: int = 3) -> str:
    """An estimate with its interval as LaTeX for math mode."""
    return rf"{number(e.value, digits)}\ [{number(e.lower, digits)},\,{number(e.upper, digits)}]"


class Losses:
    """The reported losses of a study by rule and origin of its multiplier."""

    def __init__(self, study: Mapping[str, Any]) -> None:
        self.runs = study["runs"]

    def paths(self, rule: str, kind: str) -> list[np.ndarray]:
        """(S, seeds) at each sparsity."""
        n = KINDS.index((rule, kind))
        return [np.asarray(run["loss"])[:, n] for run in self.runs]

    def last(self, rule: str, kind: str) -> list[np.ndarray]:
        """(seeds,) at each sparsity."""
        return [loss[-1] for loss in self.paths(rule, kind)]

    def length(self, rule: str, kind: str) -> list[np.ndarray]:
        """Lengths of the paths, (seeds,) at each sparsity; a run that left the bound counts as the longest."""
        n, longest = KINDS.index((rule, kind)), np.finfo(np.float32).max
        found = [np.asarray(run["length"])[n] for run in self.runs]
        return [np.where(np.isfinite(a), a, longest) for a in found]


def findings(study: Mapping[str, Any]) -> dict[str, claims.Finding]:
    """Claim -> the finding on this problem."""
    losses, start = Losses(study), study["about"]["start"]
    edges = [
        "the best is at an edge of its grid" if any(tuned[rule]["edge"] for rule in (NORMALISED, THEORY)) else ""
        for tuned in study["tuned"]
    ]
    found = {
        "a": claims.diverges(losses.paths(CONSTANT, HELD), start),
        "b": claims.falls(losses.paths(THEORY, OWN), start),
        "b-held": claims.falls(losses.paths(THEORY, HELD), start),
    }
    unfair = {
        "c-held": None, "c-tuned": edges, "c-equal-length": [why for _, why in matches(losses, BEST)],
        "c-equal-length-own": [why for _, why in matches(losses, OWN)],
    }  # fmt: skip
    for claim, (first, second) in PAIRS.items():
        found[claim] = claims.worse(losses.last(*first), losses.last(*second), unfair[claim])
    signs = study["signs"]
    loss, blown, constants = np.asarray(signs["loss"]), np.asarray(signs["blown"]), len(study["task"]["constant"])
    scales = range(loss.shape[1])
    found["d-constant"] = claims.stalls([loss[:, s, 0] for s in scales], blown[:, 0].tolist(), start)
    found["d-decaying"] = claims.falls([loss[:, s, constants] for s in scales], start)
    return found


def matches(losses: Losses, kind: str) -> list[tuple[Estimate, str]]:
    """How close the lengths are to each other, at each sparsity."""
    pairs = zip(losses.length(NORMALISED, EQUAL[kind]), losses.length(THEORY, kind), strict=True)
    return [claims.equal_lengths(a, b) for a, b in pairs]


def followed(study: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How closely the equations follow the method, each setting before and after it has settled."""
    found: dict[str, dict[str, Any]] = {}
    for equation in study["equations"]:
        asked = equation["setting"]
        omega, steps = plain(1 / asked["p"] - 1), over(asked["multiplier"])
        name = f"{study['task']['name']}-{omega}-{plain(asked['multiplier'])}".replace(".", "-")
        words = rf"{study['task']['title'].lower()}, $\omega={omega}$, steps ${steps}$"
        found |= following(means(study, equation), "method", "dcsgd", (name, words), "fig:experiment-sde")
    return found


def means(study: Mapping[str, Any], equation: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Means over paths of min(loss, c) with their intervals, of the method and its models, as `following` wants them."""
    cap = equation["setting"]["cap"] * study["about"]["start"]
    found = {}
    for kind in ("method", *MODELS):
        series = over_paths(bounded(equation[kind]["loss"], cap), 0.1, 0.9)
        half = (series.mean_upper - series.mean_lower) / 2
        found[kind] = {"times": equation["method"]["steps"], "mean": series.mean.tolist(), "interval": half.tolist()}
        if kind != "method":
            found[kind]["solver"] = np.broadcast_to(equation[kind]["error"], half.shape).tolist()
    return found


def evidence(study: Mapping[str, Any], found: Mapping[str, claims.Finding], suffix: str = "") -> dict[str, dict[str, Any]]:
    """The findings and `followed`, each with a sentence of LaTeX and the label of the table or figure that shows it."""
    said = says(study, found)
    made = {
        f"experiment-{claim}{suffix}": result(
            f"experiment-{claim}", METHOD, finding.verdict, f"{study['task']['title']}. {said[claim]}", CLAIMS[claim][2],
            len(finding.each), int(finding.fails),
        )
        for claim, finding in found.items()
    }  # fmt: skip
    return made | followed(study)


def says(study: Mapping[str, Any], found: Mapping[str, claims.Finding]) -> dict[str, str]:
    """One sentence on each claim, with numbers and intervals, as LaTeX."""
    losses, omegas = Losses(study), [plain(run["omega"]) for run in study["runs"]]
    first, steps = study["about"]["start"], study["task"]["steps"]
    start = number(first)
    loss = "f" if study["about"]["lowest"] == 0 else "f-f^*"
    held = {rule: number(m) for rule, m in study["held"].items()}

    def ends(claim: str, width: int = 1) -> str:
        e = found[claim].estimates
        places = {omegas[0]: e[0], omegas[-1]: e[-width]}
        return " and ".join(rf"${spanned(v, 4)}$ at $\omega={o}$" for o, v in places.items())

    falling = rf"median ${loss}$ from ${start}$ to {{}} after {steps} steps"
    sentences = {
        "a": rf"Constant steps ${held[CONSTANT]}$, the best at $\omega={omegas[0]}$: " + falling.format(ends("a")),
        "b": r"Steps $1/K$ of the theory ($\varepsilon=1/2$): " + falling.format(ends("b", 2)),
        "b-held": rf"Steps ${held[THEORY]}/K$, the best at $\omega={omegas[0]}$: " + falling.format(ends("b-held", 2)),
    }  # fmt: skip
    for claim in ("c-held", "c-tuned", "c-equal-length", "c-equal-length-own"):
        finding = found[claim]
        words = ", ".join(rf"{word} at ${o}$" for word, o in zip(finding.each, omegas, strict=True))
        median = rf"normalised less theory, median ${spanned(finding.estimates[-1])}$ at $\omega={omegas[-1]}$"
        off = f"; {finding.reason}" if finding.reason not in ("", "better", "no difference") else ""
        normalised, theory = (losses.last(*kind) for kind in PAIRS[claim])
        ratios = [quotient(normalised[n], theory[n], first) for n in (0, -1)]
        share = rf"medians ${ratios[0]}:1$ at $\omega={omegas[0]}$, ${ratios[1]}:1$ at $\omega={omegas[-1]}$"
        sentences[claim] = rf"Last ${loss}$, {median}; {share}; by $\omega$: {words}{off}"
    scales = [plain(s) for s in study["task"]["scales"]]
    for claim, name in (("d-constant", "constant"), ("d-decaying", "decaying")):
        c, finding = plain(study["task"][name][0]), found[claim]
        step = f"${c}$" if name == "constant" else (r"$1/\sqrt{n+1}$" if c == "1" else rf"${c}/\sqrt{{n+1}}$")
        ends_of = zip(scales, finding.estimates[::2], finding.each, strict=True)
        each = "; ".join(rf"scale ${s}$: last ${loss}={spanned(e)}$, {word}" for s, e, word in ends_of)
        sentences[claim] = f"Steps {step}, start ${start}$, {study['task']['sign_steps']} steps; {each}"
    return {claim: text + "." for claim, text in sentences.items()}


def quotient(first: np.ndarray, second: np.ndarray, start: float) -> str:
    """The ratio of the medians of two losses, as LaTeX; a lower bound where the second is only rounding."""
    a, b, least = float(np.median(first)), float(np.median(second)), claims.ROUNDING * start
    if a < least and b < least:
        return "1"
    return ("" if b >= least else "{>}") + number(a / max(b, least), 2)


def over(multiplier: float) -> str:
    """A step of the theory's rule: 1/K, 0.25/K."""
    return f"{plain(multiplier)}/K"


def rows(study: Mapping[str, Any], found: Mapping[str, claims.Finding]) -> list[dict[str, str]]:
    """The table of verdicts."""
    said = says(study, found)
    return [{"claim": CLAIMS[c][1], "verdict": f.verdict, "says": said[c]} for c, f in found.items()]


def length_rows(study: Mapping[str, Any]) -> list[dict[str, str]]:
    """The table of equal lengths: for each sparsity the length of a step, the match, and the two losses."""
    losses, steps, made = Losses(study), study["task"]["steps"], []
    for kind, name in ((BEST, "tuned"), (OWN, "own")):
        found = matches(losses, kind)
        ends = {rule: losses.last(rule, k) for rule, k in ((THEORY, kind), (NORMALISED, EQUAL[kind]))}
        ways = losses.length(THEORY, kind)
        for n, run in enumerate(study["runs"]):
            made.append({
                "steps": name, "omega": plain(run["omega"]), "length": number(float(np.median(ways[n])) / steps),
                "ratio": spanned(found[n][0]), "theory": spanned(claims.median(ends[THEORY][n])),
                "normalised": spanned(claims.median(ends[NORMALISED][n])),
            })  # fmt: skip
    return made


def blown(study: Mapping[str, Any]) -> int:
    """The number of reported runs that left the bound."""
    return sum(sum(run["blown"]) for run in study["runs"]) + int(np.sum(study["signs"]["blown"]))


def medians(losses: Sequence[Any]) -> dict[str, list[float]]:
    """Median and interval of each of several arrays (seeds,), for a figure."""
    found = [claims.median(v) for v in losses]
    return {"value": [e.value for e in found], "low": [e.lower for e in found], "high": [e.upper for e in found]}


def over_time(loss: Any, steps: Sequence[int], band: tuple[float, float]) -> dict[str, list[float]]:
    """Median and band over seeds of (S, seeds), for a figure."""
    array = np.asarray(loss)
    low, mid, high = (np.quantile(array, q, axis=1, method="inverted_cdf").tolist() for q in (band[0], 0.5, band[1]))
    return {"times": list(steps), "mean": mid, "low": low, "high": high}

