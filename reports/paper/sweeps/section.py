"""The stability of methods and models over pairs of settings, with the thresholds drawn in (theory 5, 6.3, 6.7, 6.9)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.numerics.evidence.sweeps import findings, quadratic
from sdescent.numerics.evidence.sweeps import quartic as off_quadratics
from sdescent.numerics.evidence.sweeps.signs import limit, sign_stationary
from sdescent.reports.claims.evidence import METHOD, evidence
from sdescent.reports.document.tex import number, percentage
from sdescent.reports.paper.sweeps import figures as sweep_figures
from sdescent.reports.paper.sweeps import settled
from sdescent.reports.sections.base import Inputs, Section, reduced

SEED = 20250600181


@dataclass(frozen=True)
class SweepSize:
    """The resolution of the sweeps.

    `cells` per side of a heat map; `omegas` at which thresholds are bracketed; for the sign chains degrees of freedom and halvings
    of the step size; for the schedules numbers of exponents and starts, and of paths per cell; indices of stable noise, numbers of
    clients, and paths of the runs that settle.
    """

    cells: int
    omegas: tuple[float, ...]
    nus: tuple[float, ...]
    halvings: int
    exponents: int
    starts: int
    paths: int
    alphas: tuple[float, ...]
    counts: tuple[int, ...]
    settled: int


#: a field of `SweepSize` -> what its number counts, in words
COUNTED = {
    "cells": "cells a side", "omegas": r"values of $\omega$", "nus": r"values of $\nu$", "halvings": "step sizes of signs",
    "exponents": "exponents", "starts": "starts", "paths": "paths a cell", "alphas": r"values of $\alpha$",
    "counts": "numbers of clients", "settled": "paths of settled runs",
}  # fmt: skip
SIZES = {
    "quick": SweepSize(
        24, (0.0, 1.0, 7.0), (1, 2, 3, 5, 10), 5, 5, 14, 64, (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0), (2, 8, 64), 4000
    ),
    "full": SweepSize(
        40, (0.0, 1.0, 3.0, 7.0, 15.0), (0.5, 1, 1.5, 2, 3, 4, 5, 10, 30), 7, 12, 36, 400,
        (0.4, 0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.4, 1.5, 1.6, 1.75, 1.9, 2.0), (1, 2, 4, 8, 16, 32, 64), 16000,
    ),
}  # fmt: skip
#: the settings of each sweep apart from its axes
QUADRATIC = {"sigma0": 0.5, "sigma1": 0.5, "N": 2}
CLIENTS = {"omega": 3.0, "eta": 0.5}
SIGNS = {"sigma": 1.0, "h": 1.0, "N": 2}
#: for the sweep of q on the quartic: number of steps, and the ratio of its cells of q to the cells per side of other heat maps
STEPS, WIDER = 12, 3
#: step sizes of the stationary values, relative to the method's threshold
SHARES = (0.1, 0.5)
STRENGTH = {"omega": 1.0, "sigma1": 0.5, "d": 2, "N": 2}
STRENGTHS: dict[str, tuple[tuple[float, ...], bool]] = {
    "omega": ((0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0), False),
    "sigma1": ((0.0, 0.25, 0.5, 1.0, 2.0), False),
    "d": ((1, 2, 3, 4), False),
    "N": ((1, 2, 4, 8, 16, 32), True),
}
#: key of the evidence -> the quantity on the axis
EVIDENCE = {"strength-omega": "omega", "strength-noise": "sigma1", "strength-dimension": "d", "strength-clients": "N"}


@final
class Sweeps(Section):
    """Heat maps of growth, blow-ups and stationary losses, and their evidence about the thresholds."""

    name, title = "sweeps", "Where the thresholds lie"

    def compute(self, context: Inputs) -> dict[str, Any]:
        size = SIZES[context.size]
        draws = size.settled, SEED
        computations: dict[str, tuple[str, Callable[[], dict[str, Any]], dict[str, Any]]] = {
            "compression": ("compression ratio and step size", partial(compression, size), QUADRATIC),
            "clients": ("clients and noise", partial(clients, size), CLIENTS),
            "signs": ("signs under heavy tails", partial(signs, size), SIGNS),
            "tails": ("the index of stable noise", partial(settled.tails, size.alphas, *draws), settled.TAILS),
            "floors": ("floors over clients", partial(settled.floors, size.counts, *draws), settled.FLOORS),
            "quartic": ("off quadratics", partial(quartic, size), {"steps": STEPS}),
            "schedules": ("schedules on the quartic", partial(schedules, size, context), {}),
            "strength": ("the strength of the normalisation", strength, {"at": STRENGTH, "along": STRENGTHS}),
        }
        pieces: dict[str, Any] = {}
        for name, (label, compute, more) in computations.items():
            context.tick(label)
            spec = {"size": vars(size), "seed": SEED, **more}
            pieces[name] = context.cache.load_or_compute(f"sweeps-{name}", spec, compute)
        seen = {name: sweep_figures.lines(pieces[name]["thresholds"]) for name in ("compression", "clients")}
        seen |= {"quartic": sweep_figures.growth(pieces["quartic"]["seen"])}
        seen |= {"schedules": sweep_figures.blow_ups(pieces["schedules"])}
        settings = {
            "quadratic": QUADRATIC, "clients": CLIENTS, "signs": SIGNS, "strength": STRENGTH, "shares": SHARES,
            "tails": settled.TAILS, "floors": settled.FLOORS, "capped": settled.CAPPED, "beyond": settled.BEYOND,
        }  # fmt: skip
        return {
            **pieces, "seen": seen, "settings": settings,
            "evidence": {key: value for piece in pieces.values() for key, value in piece["evidence"].items()},
            "left_out": reduced(size, SIZES["full"], COUNTED),
        }  # fmt: skip

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        sweep_figures.draw(result, folder)


def compression(size: SweepSize) -> dict[str, Any]:
    """Sweep over omega and eta on a quadratic: growth of E x^2, thresholds, and stationary values of the method and each model."""
    omega, eta = np.linspace(0, 8, size.cells), np.linspace(0.02, 2.4, size.cells)
    s1, N = float(QUADRATIC["sigma1"]), int(QUADRATIC["N"])
    brackets = {s: [quadratic.bracket(s, w, s1, N) for w in size.omegas] for s in quadratic.SUBJECTS}
    at = [(share * float(quadratic.threshold(quadratic.METHOD, w, s1, N)), w) for w in size.omegas for share in SHARES]
    s0 = float(QUADRATIC["sigma0"])
    rest = {s: [quadratic.stationary(s, e, w, s0, s1, N) for e, w in at] for s in quadratic.SUBJECTS}
    pieces, method = {}, quadratic.METHOD
    steps = {s: float(quadratic.threshold(s, size.omegas[0], s1, N)) for s in quadratic.SUBJECTS}
    values = {"steps": _finite(steps), "omega": size.omegas[0], "sigma1": s1, "N": N}
    comparisons = (
        ("threshold", findings.same_threshold, brackets, _bracketed, "fig:sweep-compression"),
        ("stationary", findings.same_stationary, rest, _settled, "tab:sweep-stationary"),
    )
    for model in quadratic.SUBJECTS[1:]:
        for topic, judged, numbers, words, anchor in comparisons:
            pair: tuple[Any, Any] = numbers[method], numbers[model]
            pieces[f"{topic}-quadratic-{model}"] = evidence(
                f"{topic}-{model}", METHOD, judged(*pair), words(*pair), anchor, len(pair[0]), values=values
            )
    return {
        "omega": omega,
        "eta": eta,
        "growth": {s: quadratic.growth(s, eta[:, None], omega[None, :], s1, N) for s in quadratic.SUBJECTS},
        "thresholds": {s: quadratic.threshold(s, omega, s1, N) for s in quadratic.SUBJECTS},
        "rows": [_bracket_row(brackets, n) for n in range(len(size.omegas))],
        "stationary": [_stationary_row(rest, n) for n in range(len(at))],
        "width": number(100 * brackets[method][0].width, 2),
        "evidence": pieces,
    }


def _finite(steps: Mapping[str, float]) -> dict[str, float | None]:
    """Largest stable steps; None where every step is stable."""
    return {subject: float(step) if np.isfinite(step) else None for subject, step in steps.items()}


def _bracketed(ours: Sequence[Any], other: Sequence[Any]) -> str:
    low = lambda pair: number(max(b.below for b in pair))  # noqa: E731
    high = lambda pair: number(min(b.above for b in pair))  # noqa: E731
    percent = number(100 * ours[0].width, 1)
    return (
        rf"the factor of the second moment in a step, {percent}\,\% below and above the method's threshold at {len(ours)} "
        rf"compression ratios: below it at most ${low(ours)}$ for the method and ${low(other)}$ for this model, above it at "
        rf"least ${high(ours)}$ and ${high(other)}$"
    )


def _settled(method: Sequence[Any], other: Sequence[Any]) -> str:
    gaps = [100 * (b.value / a.value - 1) for a, b in zip(method, other, strict=True)]
    size = max(map(abs, gaps))
    between = rf"between ${number(min(gaps))}$ and ${number(max(gaps))}$\,\%"
    distance = between if size > 1e-6 else r"less than $10^{-6}$\,\%"
    return f"its stationary second moment differs from the method's by {distance}, at {len(method)} settings"


def _bracket_row(brackets: Mapping[str, Sequence[Any]], n: int) -> dict[str, Any]:
    fields = {"own": "formula", "below": "below", "above": "above"}
    cells = {s: {name: number(getattr(b[n], of)) for name, of in fields.items()} for s, b in brackets.items()}
    return {"omega": number(brackets["method"][n].omega), "cells": cells}


def _stationary_row(rest: Mapping[str, Sequence[Any]], n: int) -> dict[str, Any]:
    one = rest["method"][n]
    values = {s: number(r[n].value, 4) for s, r in rest.items()}
    return {"omega": number(one.omega), "eta": number(one.eta), "values": values}


def clients(size: SweepSize) -> dict[str, Any]:
    """Sweep over N and sigma1: growth and thresholds of the method and its models at one step size."""
    count, s1 = 2 ** np.linspace(0, 6, size.cells), np.linspace(0, 2, size.cells)
    eta, omega = CLIENTS["eta"], CLIENTS["omega"]
    return {
        "N": count,
        "eta": eta,
        "sigma1": s1,
        "growth": {s: quadratic.growth(s, eta, omega, s1[:, None], count[None, :]) for s in quadratic.SUBJECTS},
        "thresholds": {s: quadratic.threshold(s, omega, s1[:, None], count[None, :]) for s in quadratic.SUBJECTS},
        "evidence": {},
    }


def signs(size: SweepSize) -> dict[str, Any]:
    """Sweep over nu and eta: the ratio of DSignSGD's stationary E x^2 to the formula, and its limit as eta -> 0."""
    etas = [2.0**-k for k in range(size.halvings + 1)]
    chains = [[sign_stationary(nu, e, **SIGNS) for nu in size.nus] for e in etas]
    ratios = np.array([[f.ratio for f in row] for row in chains])
    ends = {nu: limit(etas, ratios[:, n]) for n, nu in enumerate(size.nus)}
    least, most = (pick(v for v, _ in ends.values()) for pick in (min, max))
    says = (
        rf"the stationary second moment over the formula tends to between ${number(least, 5)}$ and ${number(most, 5)}$ as the step "
        rf"size falls, for {len(ends)} laws; for the heaviest tail it is ${number(ratios[0, 0], 4)}$ at step size "
        rf"${number(etas[0])}$ and ${number(ratios[-1, 0], 5)}$ at ${number(etas[-1])}$"
    )
    rows = [
        {"nu": number(nu), "limit": number(value, 6), "doubt": number(doubt, 2), "first": number(first, 4), "last": number(last, 5)}
        for (nu, (value, doubt)), first, last in zip(ends.items(), ratios[0], ratios[-1], strict=True)
    ]  # fmt: skip
    level = settled.stall(etas, (size.nus[0], size.nus[-1]), int(SIGNS["N"]), size.settled, SEED)
    return {
        "nu": np.array(size.nus, float),
        "eta": np.array(etas),
        "ratio": ratios,
        "stall": level["series"],
        "paths": size.settled,
        "rows": rows,
        "first": number(etas[0]),
        "last": number(etas[-1]),
        "evidence": {
            "sign-stationary-heavy-tails": evidence(
                "sign-stationary", METHOD, findings.limits(ends), says, "fig:sweep-signs", len(ends)
            ),
            **level["evidence"],
        },
    }


def quartic(size: SweepSize) -> dict[str, Any]:
    """Sweep over q = eta x_0^2 and time on x^4/4, without noise."""
    q = (np.arange(WIDER * size.cells) + 0.5) * 3 / (WIDER * size.cells)
    curves = {s: off_quadratics.descent(s, q, STEPS) for s in off_quadratics.SUBJECTS}
    borders = off_quadratics.thresholds()
    intervals = {s: findings.interval_of_growth(f) for s, f in curves.items()}
    gd, model = intervals["method"], intervals["corrected"]
    says = (
        rf"gradient descent grows from a $q=\eta x_0^2$ between ${number(gd[0])}$ and ${number(gd[1])}$ on, the corrected model "
        rf"from one between ${number(model[0])}$ and ${number(model[1])}$ on: a factor between ${number(gd[0] / model[1])}$ and "
        rf"${number(gd[1] / model[0])}$"
    )
    verdict = findings.conservative(curves["method"], curves["corrected"], borders)
    return {
        "q": q,
        "steps": curves["method"].steps,
        "size": {s: f.size for s, f in curves.items()},
        "thresholds": borders,
        "doubt": number(max(f.doubt for f in curves.values()), 2),
        "seen": {s: [number(a) for a in pair] for s, pair in intervals.items()},
        "evidence": {
            "threshold-quartic-conservative": evidence(
                "threshold-quartic", METHOD, verdict, says, "fig:sweep-quartic", values={"steps": _finite(borders)}
            )
        },
    }


def schedules(size: SweepSize, context: Inputs) -> dict[str, Any]:
    """Sweep over p and q: the share of paths that blow up on the quartic, for methods with a schedule fixed in advance."""
    runs, descent = off_quadratics, off_quadratics.METHOD
    p, q = np.linspace(0.05, 1, size.exponents), np.linspace(0.25, 4.5, size.starts)
    lines = [runs.growth_threshold(float(a)) for a in p]
    kinds = context.announced((descent, *runs.KINDS), "schedules on the quartic: {}".format)
    by_kind = {kind: runs.blow_ups(kind, p, q, 1 if kind == descent else size.paths, seed=SEED) for kind in kinds}
    plain, sign, normal = by_kind[descent], by_kind["dsignsgd"], by_kind["normalised"]
    above = int(np.sum(q[None, :] >= np.array(lines)[:, None]))
    shares = {kind: findings.blown(f) for kind, f in by_kind.items()}
    percent = {kind: percentage(share.value, share.lower, share.upper) for kind, share in shares.items()}
    cells = p.size * q.size
    many, unbounded = sign.paths * cells, int(np.sum(normal.blown > 0))
    pieces = {
        "scheduled-blow-up": evidence(
            "scheduled-blow-up", METHOD, findings.blows_up(plain, lines),
            rf"gradient descent blows up from all {above} starts above the threshold; with noise and compression "
            rf"${percent['dcsgd'][0]}$ of {many} paths from all starts do, 95\,\% interval ${percent['dcsgd'][1]}$",
            "fig:sweep-schedules", above,
        ),
        "scheduled-sign-bounded": evidence(
            "signs-bounded", METHOD, findings.within_steps(sign),
            rf"none of {many} paths under Cauchy noise is farther from its start than the sum of its steps (largest excess "
            rf"${number(max(sign.excess, 0.0), 1)}$), and none blows up", "fig:sweep-schedules",
        ),
        "normalised-bounded": evidence(
            "normalised-bounded", METHOD, findings.never(normal),
            rf"{int(normal.blown.sum())} of {many} paths blow up, in {unbounded} of {cells} settings; the 95\,\% interval for the "
            rf"probability is ${percent['normalised'][1]}$", "fig:sweep-schedules", cells, unbounded,
        ),
    }  # fmt: skip
    return {
        "p": p,
        "q": q,
        "thresholds": np.array(lines),
        "blown": {kind: f.blown / f.paths for kind, f in by_kind.items()},
        "paths": size.paths,
        "settings": {
            **{"omega": number(runs.OMEGA), "sigma": number(runs.SIGMA), "N": runs.CLIENTS, "out": number(runs.OUT)},
            **{k: number(v) for k, v in runs.CONSTANTS.items()},
        },
        "evidence": pieces,
    }


def strength() -> dict[str, Any]:
    """The largest stable constant step of the method, measured, compared with the step of theory 6.3."""
    series, pieces = {}, {}
    for key, axis in EVIDENCE.items():
        values, rising = STRENGTHS[axis]
        steps = [quadratic.strength(**{**STRENGTH, axis: value}) for value in values]  # pyright: ignore[reportArgumentType]
        gaps = [f.measured / f.formula - 1 for f in steps]
        says = (
            rf"the largest stable step goes from ${number(steps[0].measured)}$ to ${number(steps[-1].measured)}$ over "
            rf"{len(steps)} settings, at most ${number(100 * max(map(abs, gaps)), 2)}$\,\% away from that of the formula"
        )
        verdict = findings.monotone(steps, rising)
        words = f"over the {sweep_figures.AXES[axis]}: {says}"
        pieces[key] = evidence("strength", METHOD, verdict, words, "fig:sweep-strength", len(steps))
        measured, formula = (np.array([getattr(f, name) for f in steps]) for name in ("measured", "formula"))
        series[axis] = {"values": np.array(values, float), "measured": measured, "formula": formula}
    return {"series": series, "evidence": pieces}
