"""Findings, sentences and table rows of the experiments on one problem, all computed from its runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.estimates import Estimate
from sdescent.numerics.statistics.estimates import over_time as over_paths
from sdescent.numerics.tasks import criteria as claims
from sdescent.numerics.tasks.step_rules import CONSTANT, NORMALISED, THEORY
from sdescent.numerics.tasks.verdicts import Finding, combined
from sdescent.reports.claims.evidence import METHOD
from sdescent.reports.claims.evidence import evidence as result
from sdescent.reports.claims.following import following
from sdescent.reports.document.tex import number
from sdescent.reports.paper.experiments.study import BEST, EQUAL, HELD, KINDS, MODELS, SEEDS, UNTUNED, finite
from sdescent.reports.sections.compare import bounded

#: the label of the table with the numbers of both studies
NUMBERS = "tab:experiment-numbers"
#: claim -> (its text, which begins with its name, the label of the figure or table with its numbers of the first study)
CLAIMS = {
    "a": (r"(a) Constant steps diverge as $\omega$ grows.", "fig:experiment-final"),
    "b": (r"(b) The theory's own steps converge for every $\omega$.", "fig:experiment-final"),
    "b-held": (r"(b, held) So does the theory's rule with one multiplier for all $\omega$.", "fig:experiment-final"),
    "c-held": (
        r"(c, held) Normalised steps end higher than the theory's rule, each with one multiplier for all $\omega$.",
        "fig:experiment-final",
    ),
    "c-tuned": (r"(c, tuned) The same, each tuned at each $\omega$.", "fig:experiment-final"),
    "c-equal-length": (
        "(c, equal length) The same, steps as long as the theory's tuned ones.",
        "tab:experiment-length",
    ),
    "c-equal-length-own": ("(c, own length) The same, steps as long as the theory's own.", "tab:experiment-length"),
    "d-constant": ("(d, constant) DSignSGD with constant steps is stable and stalls.", NUMBERS),
    "d-decaying": ("(d, decaying) DSignSGD with decaying steps converges for every noise scale.", NUMBERS),
    "smoothness": (r"(smoothness) $\|H\|_{\mathrm{op}}$ grows with $\|g\|_2$ along gradient descent.", NUMBERS),
}
#: claim -> the two rules that it compares, each with the origin of its multiplier
PAIRS = {
    "c-held": ((NORMALISED, HELD), (THEORY, HELD)),
    "c-tuned": ((NORMALISED, BEST), (THEORY, BEST)),
    "c-equal-length": ((NORMALISED, EQUAL[BEST]), (THEORY, BEST)),
    "c-equal-length-own": ((NORMALISED, EQUAL[UNTUNED]), (THEORY, UNTUNED)),
}


#: a criterion for losses (S, seeds) in several settings, with the initial loss
Criterion: TypeAlias = Callable[[Sequence[Any], float], Finding]


def named(claim: str) -> str:
    """The name of a claim in sentences, including the claims for other noise and clients."""
    return CLAIMS[claim][0].partition(")")[0] + ")" if claim in CLAIMS else "the bound of 6.3"


#: the only setting of runs without a scale
END_OF_RUN = "the end"
#: words for the ends of an interval
END = {True: "upper", False: "lower"}


def plain(value: float) -> str:
    """A number of the settings, with three digits and no trailing zeros."""
    return f"{value:.3g}"


def spanned(e: Estimate, digits: int = 3) -> str:
    """An estimate with its interval, as LaTeX for math mode."""
    return rf"{number(e.value, digits)}\ [{number(e.lower, digits)},\,{number(e.upper, digits)}]"


class Losses:
    """The losses of runs, one run for each sparsity, by rule and origin of the multiplier (a pair of `kinds`)."""

    def __init__(self, runs: Sequence[Mapping[str, Any]], kinds: Sequence[tuple[str, str]] = KINDS) -> None:
        self.runs, self.kinds = runs, kinds

    def paths(self, rule: str, kind: str) -> list[np.ndarray]:
        """The losses (S, seeds) at each sparsity."""
        n = self.kinds.index((rule, kind))
        return [np.asarray(run["loss"])[:, n] for run in self.runs]

    def last(self, rule: str, kind: str) -> list[np.ndarray]:
        """The last losses (seeds,) at each sparsity."""
        return [loss[-1] for loss in self.paths(rule, kind)]

    def length(self, rule: str, kind: str) -> list[np.ndarray]:
        """The lengths of the paths (`finite`), (seeds,) at each sparsity."""
        n = self.kinds.index((rule, kind))
        return [finite(np.asarray(run["length"])[n]) for run in self.runs]


def findings(study: Mapping[str, Any]) -> dict[str, Finding]:
    """The findings on this problem, by claim."""
    losses, start = Losses(study["runs"]), study["about"]["start"]
    at_edge = (any(tuned[rule]["edge"] for rule in (NORMALISED, THEORY)) for tuned in study["tuned"])
    edges = ["the best is at an edge of its grid" if edge else "" for edge in at_edge]
    by_claim = of_steps(losses, start, converges(study))
    unfair = {
        "c-held": None, "c-tuned": edges, "c-equal-length": [why for _, why in matches(losses, BEST)],
        "c-equal-length-own": [why for _, why in matches(losses, UNTUNED)],
    }  # fmt: skip
    for claim, (first, second) in PAIRS.items():
        by_claim[claim] = claims.worse(losses.last(*first), losses.last(*second), unfair[claim])
    by_claim |= of_signs(study["signs"], len(study["task"]["constant"]), start)
    if study["curvature"]["starts"] > claims.LEAST:  # the first start is not judged
        curvature = study["curvature"]
        along = (np.reshape(curvature[n], (-1, curvature["starts"])) for n in ("gradient_norm", "curvature"))
        by_claim["smoothness"] = claims.grows_with(*(a[:, 1:] for a in along))
    return by_claim


def converges(study: Mapping[str, Any]) -> Criterion:
    """The criterion for (b): where the noise has a floor, the theory's bound has one too, and no claim that it falls on."""
    return claims.settles if study["about"].get("sampling") else claims.falls


def of_steps(losses: Losses, start: float, converges: Criterion) -> dict[str, Finding]:
    """The findings on constant steps, and on the theory's steps with its own and the held multiplier."""
    return {
        "a": claims.diverges(losses.paths(CONSTANT, HELD), start),
        "b": converges(losses.paths(THEORY, UNTUNED), start),
        "b-held": converges(losses.paths(THEORY, HELD), start),
    }


def of_signs(signs: Mapping[str, Any], decaying: int, start: float) -> dict[str, Finding]:
    """The findings on DSignSGD: for the first of its steps, which are constant, and for those at the index `decaying`."""
    loss = np.asarray(signs["loss"])
    return {
        "d-constant": claims.stalls(*_constant(signs), start),
        "d-decaying": claims.falls([loss[:, s, decaying] for s in range(loss.shape[1])], start),
    }


def _constant(signs: Mapping[str, Any]) -> tuple[list[np.ndarray], list[int]]:
    """The losses with the first constant step, (S, seeds) at each scale, and the number of runs that exceeded the bound there."""
    loss, blown = np.asarray(signs["loss"]), np.asarray(signs["blown"])
    return [loss[:, s, 0] for s in range(loss.shape[1])], blown[:, 0].tolist()


def earlier(findings: Mapping[str, Finding], signs: Mapping[str, Any] | None, start: float) -> dict[str, Verdict]:
    """The verdict on each claim of a problem by the original criteria, fixed before results were known (`numerics.tasks.criteria`).

    `signs` are its runs of DSignSGD, the judged constant steps first, `start` is the initial loss.
    """
    before = {claim: finding.verdict for claim, finding in findings.items()}
    before |= {c: claims.without_half(findings[c]) for c in ("b", "b-held", "d-decaying") if c in findings}
    if signs:
        before["d-constant"] = claims.stalls_by_ratio(*_constant(signs), start)
    return before


def matches(losses: Losses, kind: str) -> list[tuple[Estimate, str]]:
    """The ratio of the two rules' lengths at each sparsity, and the reason if they do not match."""
    pairs = zip(losses.length(NORMALISED, EQUAL[kind]), losses.length(THEORY, kind), strict=True)
    return [claims.equal_lengths(a, b) for a, b in pairs]


def followed(study: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The evidence of how closely the equations follow the method, in each setting before and after it has settled."""
    pieces: dict[str, dict[str, Any]] = {}
    for equation in study["equations"]:
        setting = equation["setting"]
        omega, steps = plain(1 / setting["p"] - 1), over(setting["multiplier"])
        name = f"{study['task']['name']}-{omega}-{plain(setting['multiplier'])}".replace(".", "-")
        words = rf"{study['task']['title'].lower()}, $\omega={omega}$, steps ${steps}$"
        pieces |= following(means(study, equation), "method", "dcsgd", (name, words), "fig:experiment-sde")
    return pieces


def means(study: Mapping[str, Any], equation: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The means over paths of min(loss, c) with intervals, for the method and its models, in the form that `following` accepts."""
    cap = equation["setting"]["cap"] * study["about"]["start"]
    by_kind = {}
    for kind in ("method", *MODELS):
        series = over_paths(bounded(equation[kind]["loss"], cap), 0.1, 0.9)
        half = (series.mean_upper - series.mean_lower) / 2
        by_kind[kind] = {"times": equation["method"]["steps"], "mean": series.mean.tolist(), "interval": half.tolist()}
        if kind != "method":
            by_kind[kind]["solver"] = np.broadcast_to(equation[kind]["error"], half.shape).tolist()
    return by_kind


def key_of(claim: str, task: Mapping[str, Any], seed: int) -> str:
    """The key of a piece of evidence, from its claim, task and seed."""
    return f"experiment-{claim}-{task['name']}-study-{1 + seed}"


def evidence(study: Mapping[str, Any], findings: Mapping[str, Finding], anchor: str = "") -> dict[str, dict[str, Any]]:
    """The findings and `followed`, each with a sentence in LaTeX and the label of its table or figure, or one `anchor` for all."""
    sentences, task = says(study, findings), study["task"]
    pieces = {
        key_of(claim, task, study["seed"]): result(
            f"experiment-{claim}-{task['name']}", METHOD, finding.verdict,
            f"{task['title']}, study {1 + study['seed']}. {sentences[claim]}",
            anchor or (CLAIMS[claim][1] if study["seed"] == SEEDS[0] else NUMBERS),
            values={"multipliers": [tuned[THEORY]["best"] for tuned in study["tuned"]]},
        )
        for claim, finding in findings.items()
    }  # fmt: skip
    return pieces | followed(study)


def places(claim: str, study: Mapping[str, Any]) -> list[str]:
    """The settings of a claim in LaTeX: the noise scales of DSignSGD, if it has any, or the sparsities of the runs."""
    if claim == "smoothness":
        return ["gradient descent"]
    if claim.startswith("d-"):
        return [rf"scale ${plain(s)}$" for s in study["task"]["scales"]] or [END_OF_RUN]
    return [rf"$\omega={plain(run['omega'])}$" for run in study["runs"]]


def changed(finding: Finding, where: Sequence[str]) -> str:
    """A LaTeX sentence about what would change the verdict: the end of an interval nearest to its boundary, and its distance."""
    change = finding.change
    if change is None:
        return f"No interval would change the verdict: {finding.hindered}"
    c = change.condition
    near = f"off by {number(change.widths, 2)} widths" if np.isfinite(change.widths) else "its interval has no width"
    end = f"the {END[change.upper]} end, ${number(change.end, 4)}$, of {c.quantity} at {where[c.setting]}"
    return rf"It would be {change.to} if {end} were at ${number(c.boundary, 4)}$ ({near})"


def at_ends(finding: Finding, omegas: Sequence[str], width: int) -> str:
    """The estimate at the first setting and at the last, if each setting has `width` estimates."""
    ends = {omegas[0]: finding.estimates[0], omegas[-1]: finding.estimates[-width]}
    return " and ".join(rf"${spanned(v, 4)}$ at $\omega={o}$" for o, v in ends.items())


def fell(
    findings: Mapping[str, Finding], stepped: Mapping[str, str], falling: str, omegas: Sequence[str]
) -> dict[str, str]:
    """For each claim, its steps and the losses at the first and last setting, in the words of `falling`."""
    ends = {c: at_ends(findings[c], omegas, 1 if c == "a" else 2) for c in stepped}
    return {c: f"{words}: {falling.format(ends[c])}" for c, words in stepped.items()}


def compared(finding: Finding, omegas: Sequence[str], losses: Sequence[Sequence[np.ndarray]], start: float) -> str:
    """The difference of two rules' last losses, the ratios of their medians, and the words for each setting."""
    words = ", ".join(rf"{word} at ${o}$" for word, o in zip(finding.each, omegas, strict=True))
    off = f"; {finding.reason}" if finding.reason not in ("", "better", "no difference") else ""
    first, last = (quotient(losses[0][n], losses[1][n], start) for n in (0, -1))
    share = rf"medians ${first}:1$ at $\omega={omegas[0]}$, ${last}:1$ at $\omega={omegas[-1]}$"
    return rf"median ${spanned(finding.estimates[-1])}$ at $\omega={omegas[-1]}$; {share}; by $\omega$: {words}{off}"


def sign_step(kind: str, c: float) -> str:
    """A step of DSignSGD as LaTeX without dollars."""
    return plain(c) if kind == "constant" else rf"{plain(c)}/\sqrt{{n+1}}"


def says(
    study: Mapping[str, Any], findings: Mapping[str, Finding], kinds: Sequence[tuple[str, str]] = KINDS
) -> dict[str, str]:
    """For each claim, the setting, the numbers with intervals, and the change that would alter the verdict, in LaTeX."""
    losses, omegas = Losses(study["runs"], kinds), [plain(run["omega"]) for run in study["runs"]]
    first, steps = study["about"]["start"], study["task"]["steps"]
    start = number(first)
    loss = "f" if study["about"]["lowest"] == 0 else "f-f^*"
    multipliers = {rule: number(m) for rule, m in study["held"].items()}
    falling = rf"median ${loss}$ from ${start}$ to {{}} after {steps} steps"
    stepped = {
        "a": rf"Constant steps ${multipliers[CONSTANT]}$, the best at $\omega={omegas[0]}$",
        "b": r"Steps $1/K$ of the theory ($\varepsilon=1/2$)",
        "b-held": rf"Steps ${multipliers[THEORY]}/K$, the best at $\omega={omegas[0]}$",
    }
    sentences = fell(findings, stepped, falling, omegas)
    for claim in ("b", "b-held"):
        each = zip(findings[claim].each, omegas, strict=True)
        sentences[claim] += "; " + ", ".join(rf"{word} at ${o}$" for word, o in each)
    for claim, pair in PAIRS.items():
        if claim not in findings:
            continue
        both = compared(findings[claim], omegas, [losses.last(*kind) for kind in pair], first)
        sentences[claim] = rf"Last ${loss}$ after {steps} steps, normalised less theory, {both}"
    for claim, name in (("d-constant", "constant"), ("d-decaying", "decaying")):
        if claim in findings:
            finding, step = findings[claim], sign_step(name, study["task"][name][0])
            scales = [f"scale ${plain(s)}$: " for s in study["task"]["scales"]] or [""]
            each = zip(scales, finding.estimates[::2], finding.each, strict=True)
            ends = "; ".join(rf"{scale}last ${loss}={spanned(e)}$, {word}" for scale, e, word in each)
            sentences[claim] = f"Steps ${step}$, start ${start}$, {study['signs']['steps'][-1]} steps; {ends}"
    if bound := findings.get("bound"):
        each = zip(bound.estimates, study["runs"], omegas, strict=True)
        sentences["bound"] = "; ".join(
            rf"$\omega={o}$: ${spanned(e)}$, bound ${number(r['bound'])}$" for e, r, o in each
        )
    if finding := findings.get("smoothness"):
        sentences["smoothness"] = rf"Rank correlation over starts: median ${spanned(finding.estimates[0])}$"
    return {c: f"{text}. {changed(findings[c], places(c, study))}." for c, text in sentences.items()}


def quotient(first: np.ndarray, second: np.ndarray, start: float) -> str:
    """The ratio of the medians of two losses in LaTeX; a lower bound if the second one is only rounding."""
    a, b, least = float(np.median(first)), float(np.median(second)), claims.ROUNDING * start
    if a < least and b < least:
        return "1"
    return ("" if b >= least else "{>}") + number(a / max(b, least), 2)


def over(multiplier: float) -> str:
    """A step of the theory's rule, such as 1/K or 0.25/K."""
    return f"{plain(multiplier)}/K"


def rows(
    studies: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Finding]],
    kinds: Sequence[tuple[str, str]] = KINDS,
    texts: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """The table of verdicts: for each claim the verdicts (`judged`), each study's numbers, and what broke a claim that fails."""
    pairs = list(zip(studies, findings, strict=True))
    numbers = [says(study, one, kinds) for study, one in pairs]
    before = [earlier(one, study["signs"], study["about"]["start"]) for study, one in pairs]
    lines = []
    for c in findings[0]:
        verdicts = judged(c, findings, before)
        broke = pairs if verdicts["together"] == Verdict.SEEN_TO_FAIL else []
        lines.append({
            "key": c, "name": named(c), "claim": texts[c] if texts else CLAIMS[c][0], **verdicts,
            "says": [one[c] for one in numbers], "broken": [broken(one[c], c, study) for study, one in broke],
        })  # fmt: skip
    return lines


def judged(
    claim: str, findings: Sequence[Mapping[str, Finding]], before: Sequence[Mapping[str, Verdict]]
) -> dict[str, Any]:
    """The studies' verdicts on a claim, the combined one ("together") with its reason, and the original criteria's ("earlier").

    "margins" are the distances of `Finding.change` in widths for each study, "" if no interval would change the verdict.
    """
    verdicts, changes = [one[claim].verdict for one in findings], [one[claim].change for one in findings]
    together, reason = combined(verdicts)
    return {
        "verdicts": verdicts, "margins": ["" if change is None else number(change.widths, 2) for change in changes],
        "together": together, "reason": reason, "earlier": combined([one[claim] for one in before])[0],
    }  # fmt: skip


def margins(findings: Sequence[Mapping[str, Finding]]) -> list[dict[str, Any]]:
    """For each claim that is seen in a study, its distance from another verdict, in widths of an interval."""
    return [
        {"widths": change.widths, "name": named(c), "study": n}
        for n, one in enumerate(findings, 1) for c, finding in one.items() if finding.seen and (change := finding.change)
    ]  # fmt: skip


def broken(finding: Finding, claim: str, study: Mapping[str, Any]) -> str:
    """The reason why a claim failed, in LaTeX: what hindered it, or the broken condition that is farthest from holding."""
    if finding.hindered:
        return finding.hindered
    change = finding.change
    assert change is not None  # for the type checker: a condition is broken
    c = change.condition
    others = sum(one.fatal and one.broken for one in finding.conditions) - 1
    start, where = study["about"]["start"], places(claim, study)[c.setting]
    limit = f"the start ${number(start)}$" if c.boundary == start else f"${number(c.boundary)}$"
    side = "not below" if c.below else "below"
    more = f" (and {others} more)" if others else ""
    place = "" if where == END_OF_RUN else f" at {where}"
    return rf"{c.quantity}{place} is ${spanned(c.estimate)}$, {side} {limit}{more}"


def length_rows(study: Mapping[str, Any]) -> list[dict[str, str]]:
    """The table of equal lengths: for each sparsity the length of a step, the match, and the two losses."""
    losses, steps, lines = Losses(study["runs"]), study["task"]["steps"], []
    for kind, name in ((BEST, "tuned"), (UNTUNED, "own")):
        ratios = matches(losses, kind)
        ends = {rule: losses.last(rule, k) for rule, k in ((THEORY, kind), (NORMALISED, EQUAL[kind]))}
        ways = losses.length(THEORY, kind)
        for n, run in enumerate(study["runs"]):
            lines.append({
                "steps": name, "omega": plain(run["omega"]), "length": number(float(np.median(ways[n])) / steps),
                "ratio": spanned(ratios[n][0]), "theory": spanned(claims.median(ends[THEORY][n])),
                "normalised": spanned(claims.median(ends[NORMALISED][n])),
            })  # fmt: skip
    return lines


def at_cap(study: Mapping[str, Any]) -> tuple[int, int]:
    """The number of settings of the reported runs whose median has its whole interval at the cap, and that of all settings."""
    cap = claims.CAP * study["about"]["start"]
    last = [loss for run in study["runs"] for loss in np.asarray(run["loss"])[-1]]
    signs = np.asarray(study["signs"]["loss"])[-1]
    last += list(signs.reshape(-1, signs.shape[-1]))
    return sum(claims.median(loss).lower >= cap for loss in last), len(last)


def blown(study: Mapping[str, Any]) -> int:
    """The number of reported runs that exceeded the bound."""
    return sum(sum(run["blown"]) for run in study["runs"]) + int(np.sum(study["signs"]["blown"]))


def medians(losses: Sequence[Any]) -> dict[str, list[float]]:
    """The median and interval of each of several arrays (seeds,), for a figure."""
    estimates = [claims.median(v) for v in losses]
    names = {"value": "value", "low": "lower", "high": "upper"}
    return {name: [getattr(e, field) for e in estimates] for name, field in names.items()}


def over_time(loss: Any, steps: Sequence[int], band: tuple[float, float]) -> dict[str, list[float]]:
    """The median and band over the seeds of losses (S, seeds), for a figure."""
    array = np.asarray(loss)
    low, mid, high = (np.quantile(array, q, axis=1, method="inverted_cdf").tolist() for q in (band[0], 0.5, band[1]))
    return {"times": list(steps), "mean": mid, "low": low, "high": high}
