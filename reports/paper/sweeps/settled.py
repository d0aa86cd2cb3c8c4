"""The levels at which methods settle, by the index of stable noise, the number of clients and, for signs, the step size."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.sweeps import findings
from sdescent.numerics.evidence.sweeps import floors as chains
from sdescent.numerics.evidence.sweeps import tails as stable
from sdescent.reports.claims.evidence import METHOD, evidence
from sdescent.reports.document.tex import number, uncertain

#: settings of the runs with stable noise; indices and caps of the means of min(f, c), from 1/100 to 10^6 times f(x_0)
TAILS = {"eta": 0.1, "N": 2, "sigma": 1.0, "x0": 2.0, "steps": 100}
CAPPED, CAPS = (1.0, 1.5, 2.0), tuple(10.0**k for k in range(-2, 7))
QUANTILES = (0.5, 0.9)
#: a mean of min(f, c) is drawn if at least this many paths end beyond c: with fewer paths its interval is too short
BEYOND = 25
#: settings of the floors: affine noise sigma0^2 + sigma1^2 G^2 and compression of DCSGD, Cauchy noise of scale 1 for the signs
FLOORS = {"eta": 0.4, "sigma0": 0.5, "sigma1": 0.5, "omega": 1.0, "nu": 1.0}
#: the `place` of the first run about stalling, beyond those of the floors, so that no two of these runs share draws
STALL = 100


def _points(estimates: Sequence[Any]) -> dict[str, np.ndarray]:
    """Estimates as arrays: the values, and the lengths of their error bars below and above."""
    value, lower, upper = np.reshape([(e.value, e.lower, e.upper) for e in estimates], (-1, 3)).T
    return {"value": value, "below": value - lower, "above": upper - value}


def _outside(compared: Sequence[tuple[Any, float]]) -> int:
    """The number of exact values outside their intervals."""
    return sum(not e.lower <= v <= e.upper for e, v in compared)


def tails(alphas: Sequence[float], paths: int, seed: int) -> dict[str, Any]:
    """The last loss of DSGD and DSignSGD under stable noise: quantiles and capped means, simulated and exact."""
    setting = stable.Setting(**TAILS)  # pyright: ignore[reportArgumentType]
    plain, signs = (stable.tail(kind, alphas, setting, paths, seed) for kind in stable.METHODS)
    exact = {q: stable.loss_quantile(alphas, q, setting) for q in QUANTILES}
    rest = [stable.sign_mean_loss(a, setting) for a in alphas]
    level = chains.joint(len(QUANTILES) * len(alphas))
    # a heavy tail spreads a quantile over powers of ten, but the share of paths below the exact quantile is as sharp for every law
    compared = [(share, q) for q in QUANTILES for share in plain.shares(exact[q], level)]
    means = list(zip(signs.means(level=chains.joint(len(alphas))), rest, strict=True))
    caps = np.array(CAPS) * setting.start
    ends = {a: stable.capped_mean(a, caps, setting) for a in CAPPED}
    least, most = (number(pick(exact[0.5])) for pick in (min, max))
    largest = alphas[int(np.argmax(rest))]
    pieces = {
        "tails-dsgd": evidence(
            "tails-dsgd", METHOD, findings.agree(compared),
            rf"at {len(alphas)} indices the shares of {paths} paths below the exact median and the exact 90\,\% quantile are right "
            rf"to within ${number(100 * max(abs(e.value - q) for e, q in compared), 2)}$ points; the median goes from ${least}$ to "
            rf"${most}$, and for $\alpha=1$ the mean of $\min(f,f_{{\max}})$ from ${number(ends[1.0][0])}$ at "
            rf"$f_{{\max}}={number(caps[0])}$ to ${number(ends[1.0][-1])}$ at $f_{{\max}}={number(caps[-1])}$",
            "fig:sweep-tails", len(compared), _outside(compared),
        ),
        "tails-signs": evidence(
            "tails-signs", METHOD, findings.together([findings.agree(means), findings.largest_at_the_end(rest)]),
            rf"the mean loss settles between ${number(min(rest))}$ and ${number(max(rest))}$ at {len(alphas)} indices by the exact "
            rf"chain, with which the means of {paths} paths agree; it is largest at $\alpha={number(largest)}$",
            "fig:sweep-tails", len(means), _outside(means),
        ),
    }  # fmt: skip
    normal = stable.sign_mean_loss(2.0, replace(setting, sigma=setting.sigma / math.sqrt(2)))
    heavy = {a: value for a, value in zip(alphas, rest, strict=True) if a < 2}
    higher = [a for a, value in heavy.items() if value > normal]
    one = list(alphas).index(1.0)
    pieces["tails-normal"] = evidence(
        "tails-normal", METHOD, Verdict.VIOLATED if higher else Verdict.CONFIRMED,
        rf"by the exact chain the mean loss settles at ${number(normal)}$ under $\mathcal{{N}}(0,\sigma^2)$, and higher at "
        rf"{len(higher)} of {len(heavy)} indices below $2$; under Cauchy noise at ${number(heavy[1.0])}$, "
        rf"${uncertain(100 * (heavy[1.0] / normal - 1), 0, sign=True)}\,\%$",
        "fig:sweep-tails", len(heavy), len(higher), values={"normal": normal, "cauchy": heavy[1.0]},
    )  # fmt: skip
    return {
        "alpha": np.array(alphas, float),
        "exact": {f"q{100 * q:.0f}": v for q, v in exact.items()} | {"signs": np.array(rest)},
        "points": {f"q{100 * q:.0f}": _points(plain.quantiles(q)) for q in QUANTILES}
        | {"signs": _points(signs.means())},
        "caps": caps,
        "capped": {str(a): {"exact": ends[a], **_capped(plain, a, caps)} for a in CAPPED if a in alphas},
        "capped_signs": _points([signs.means(float(c))[one] for c in caps]),
        "paths": paths,
        "evidence": pieces,
    }


def _capped(plain: Any, alpha: float, caps: np.ndarray) -> dict[str, Any]:
    """The means of min(f, c) for one index, at the caps where their intervals can be trusted."""
    n = list(plain.alpha).index(alpha)
    loss = plain.loss[n]
    # with few paths beyond the cap the interval is too short; Gaussian noise has all moments, so any cap will do
    enough = (np.array([np.sum(loss > c) for c in caps]) >= BEYOND) | (alpha == 2)
    return {"at": caps[enough], **_points([plain.means(float(c))[n] for c in caps[enough]])}


def floors(counts: Sequence[int], paths: int, seed: int) -> dict[str, Any]:
    """The floor of each method at each number of clients, and the slope of the logarithms of the floors."""
    eta, sigma0 = FLOORS["eta"], FLOORS["sigma0"]
    kinds = {"dsgd": chains.Affine(sigma0), "dcsgd": chains.Affine(sigma0, FLOORS["sigma1"], FLOORS["omega"])}
    unbiased = [chains.unbiased(kinds, eta, N, paths, seed, n) for n, N in enumerate(counts)]
    by_kind = {kind: [one[kind] for one in unbiased] for kind in kinds}
    by_kind["dsignsgd"] = [
        chains.signs(FLOORS["nu"], eta, N, paths, seed, len(counts) + n) for n, N in enumerate(counts)
    ]
    slopes = {kind: chains.slope(fs) for kind, fs in by_kind.items()}
    level = chains.joint(len(counts))
    pieces = {}
    for kind, fs in by_kind.items():
        compared = [(f.estimate(level), f.exact) for f in fs]
        verdicts = [findings.agree(compared)]
        if kind == "dsgd":
            sure = chains.slope(fs, chains.SURE)
            verdicts.append(findings.slope_is(sure.value, sure.half, -1.0))
        gap = max(abs(e.value / v - 1) for e, v in compared)
        change = fs[-1].N * fs[-1].exact / (fs[0].N * fs[0].exact) - 1
        pieces[f"floor-{kind}"] = evidence(
            f"floor-{kind}", METHOD, findings.together(verdicts),
            rf"from $N={counts[0]}$ to ${counts[-1]}$ the slope of the logarithms is "
            rf"${uncertain(slopes[kind].value, slopes[kind].half)}$, and ${number(slopes[kind].exact, 4)}$ for the exact floor, "
            rf"from which {paths} paths differ by at most ${number(100 * gap, 2)}\,\%$; the exact $N\,\mathbb{{E}}f$ changes by "
            rf"${number(100 * change, 2)}\,\%$",
            "fig:sweep-floors", len(fs), _outside(compared),
        )  # fmt: skip
    every = 2 ** np.arange(int(np.log2(counts[-1])) + 1)
    exact = {kind: [chains.floor_of(eta, int(N), one) for N in every] for kind, one in kinds.items()}
    exact["dsignsgd"] = [chains.floor_of_signs(FLOORS["nu"], eta, int(N)) for N in every]
    return {
        "N": np.array(counts),
        "every": every,
        "floors": {
            kind: {"exact": np.array(exact[kind]), **_points([f.estimate() for f in fs])}
            for kind, fs in by_kind.items()
        },
        "slopes": {kind: uncertain(s.value, s.half) for kind, s in slopes.items()},
        "paths": paths,
        "evidence": pieces,
    }


def stall(etas: Sequence[float], nus: Sequence[float], N: int, paths: int, seed: int) -> dict[str, Any]:
    """The value of E x^2 at which DSignSGD stalls, at each step size, with the line of entry 6.7-sign."""
    places = np.arange(len(etas) * len(nus)).reshape(len(nus), len(etas)) + STALL
    by_nu = {
        nu: [chains.signs(nu, eta, N, paths, seed, int(place)) for eta, place in zip(etas, row, strict=True)]
        for nu, row in zip(nus, places, strict=True)
    }
    level = chains.joint(len(etas) * len(nus))
    every = [f for fs in by_nu.values() for f in fs]
    compared = [(f.estimate(level), f.exact) for f in every]
    series, distances = {}, []
    for nu, fs in by_nu.items():
        line = np.array([chains.stall_line(nu, f.eta, N) for f in fs])
        points = {key: 2 * value for key, value in _points([f.estimate() for f in fs]).items()}
        series[str(nu)] = {"line": line, "exact": 2 * np.array([f.exact for f in fs]), **points}
        last = points["value"][-1] / line[-1] - 1, max(points["above"][-1], points["below"][-1]) / line[-1]
        distances.append(rf"${uncertain(100 * last[0], 100 * last[1], sign=True)}\,\%$ for $\nu={number(nu)}$")
    says = (
        rf"the stall levels of {paths} paths are those of the exact chain at {len(every)} settings; they differ from the line of "
        rf"6.7-sign at $\eta={number(etas[-1])}$ by {' and '.join(distances)}"
    )
    return {
        "eta": np.array(etas),
        "series": series,
        "evidence": {
            "sign-stall": evidence(
                "sign-stationary", METHOD, findings.agree(compared), says, "fig:sweep-signs", len(every),
                _outside(compared),
            ),
        },
    }  # fmt: skip
