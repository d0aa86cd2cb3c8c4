"""Weak orders of the three models, compared with those of theory 2, and the figures of the section."""

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import sympy as sp

from sdescent.derive.equations.process.stationary import WEAK_ORDERS
from sdescent.derive.methods.distributed import DSGD, DSignSGD
from sdescent.derive.methods.losses import Cosh, Quadratic
from sdescent.derive.methods.noise import Affine, Gaussian, Logistic
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.weak_order import weak_order
from sdescent.reports.claims.evidence import METHOD, evidence
from sdescent.reports.document.figures import BOUND, NAMED, WIDTH, bands, figure, filled, legend_of_all, logarithmic
from sdescent.reports.document.tex import number
from sdescent.reports.sections.base import Inputs

#: ends of the tightness axis; an arrow at the end stands for a value beyond it
ENDS = (0.1, 10.0)
#: an entry whose comparisons are all confirmed is drawn if its least bound is more than this many times the value
LOOSE = 1.25
_LETTERS = 25  # of a line of a panel's title
#: the marker of each model
MARKS = {"first-order": "o", "second-order": "s", "corrected": "^"}
#: subject of a tightness -> (marker, filling, size, words in the legend)
SUBJECTS = {
    "SDE": ("o", "black", 3.5, "SDE, or the formula"),
    "method": ("s", "none", 5.5, "method"),
    "witness": ("X", "#777777", 5.5, "refuted claim, at the numbers that refute it"),
}


def draw(result: Mapping[str, Any], folder: Path) -> None:
    """Draw all figures of the section."""
    _tightness(drawn(result), folder)
    _curves(result["curves"], folder)
    _orders(result["orders"], folder)


def drawn(result: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """The entries of the figure of tightness, the least ratio first: those not confirmed for a subject, and the loose ones."""
    failing = {piece["about"] for piece in result["evidence"].values() if piece["verdict"] != Verdict.CONFIRMED}
    kept = {id: of for id, of in result["tightness"].items() if id in failing or max(of.values()) > LOOSE}
    return dict(sorted(kept.items(), key=lambda item: min(item[1].values())))


def _tightness(ratios: Mapping[str, Mapping[str, float]], folder: Path) -> None:
    with figure(folder, "verification-tightness", size=(WIDTH, 0.8 + 0.15 * len(ratios))) as (axis,):
        for subject, (mark, face, size, words) in SUBJECTS.items():
            places = [(n, values[subject]) for n, values in enumerate(ratios.values()) if subject in values]
            sides = {"<": (-math.inf, ENDS[0]), mark: ENDS, ">": (ENDS[1], math.inf)}
            for shape, (low, high) in sides.items():
                visible = [
                    (n, min(max(v, ENDS[0]), ENDS[1])) for n, v in places if low <= v < high or v == high == math.inf
                ]
                if not visible:
                    continue  # a line without points that is not clipped would appear at the origin of the figure
                look = {"color": "black", "markerfacecolor": face, "markersize": size, "clip_on": False, "zorder": 3}
                label = words if shape == mark else None
                axis.plot([v for _, v in visible], [n for n, _ in visible], shape, label=label, linestyle="", **look)
        axis.axvline(1.0, linewidth=0.8, **BOUND)
        axis.set(xscale="log", xlim=ENDS, xlabel="least ratio of bound to value", ylabel="theorem or claim")
        axis.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
        axis.minorticks_off()
        axis.set_yticks(range(len(ratios)), [filled(entries()[id].title, 200) for id in ratios], fontsize=7)
        axis.grid(axis="y", linewidth=0.3, color="#CCCCCC")
        axis.set_ylim(len(ratios) - 0.5, -0.5)
        legend_of_all([axis], len(SUBJECTS), handlelength=2.0)


def _curves(curves: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    with figure(folder, "verification-curves", columns=len(curves), size=(WIDTH / len(curves), 2.5)) as axes:
        for axis, (name, curve) in zip(axes, curves.items(), strict=True):
            axis.plot(curve["times"], curve["bound"], linewidth=2.4, label="bound", **BOUND)
            # the method first: it is the reference, drawn with its band, as in every figure of a method and its models
            names = {"method": "method", curve["model"]: "SDE"}
            bands(axis, curve["times"], {name: curve["series"][subject] for name, subject in names.items()})
            logarithmic(axis)
            axis.set_title(filled(entries()[name].title, _LETTERS), fontsize=8)
            axis.set_xlabel("horizon" if name.endswith("scheduled") else "time")
            axis.minorticks_off()
        axes[0].set_ylabel("mean and bound")
        legend_of_all(axes, handlelength=2.0)


def _orders(orders: Any, folder: Path) -> None:
    cases = list(dict.fromkeys(o["case"] for o in orders))
    with figure(folder, "weak-orders", columns=len(cases), size=(WIDTH / len(cases), 2.3)) as axes:
        for axis, case in zip(axes, cases, strict=True):
            for one in (o for o in orders if o["case"] == case):
                axis.loglog(
                    one["etas"], one["errors"], marker=MARKS[one["model"]], markersize=3.5, linewidth=1.2, label=one["model"],
                    **NAMED[one["model"]],
                )  # fmt: skip
                # the stated order, as a line just above the smallest step size
                eta, error = one["etas"][-1], one["errors"][-1]
                guide = [1.25 * error * (e / eta) ** one["stated"] for e in one["etas"]]
                axis.loglog(one["etas"], guide, color="#999999", linewidth=0.6, zorder=0)
            sizes = orders[cases.index(case) * len(MARKS)]["etas"]
            axis.set_xticks(sizes, [rf"$2^{{{round(math.log2(e))}}}$" for e in sizes])
            axis.minorticks_off()
            title = {"dsgd": "DSGD", "affine": "affine noise", "dsignsgd": "DSignSGD"}[case]
            axis.set(title=title, xlabel=r"step size $\eta$")
        axes[0].set_ylabel("weak error")
        legend_of_all(axes, handlelength=2.0)


#: number of step sizes of a case
HALVINGS = {"quick": 3, "full": 5}
#: an order is decided by an interval of at most this half-width, a quarter of the distance between the orders 1 and 2
WIDEST = 0.25
#: largest ratio of the discretisation errors to the weak error
RESOLVED = 1e-2
MODELS = ("first-order", "second-order", "corrected")


def cases() -> dict[str, dict[str, Any]]:
    """The cases of theory 7: method, loss, phi, parameters, and the exponent k of the largest step 2^-k; x0 = T = 1."""
    x1 = sp.Symbol("x1", real=True)
    return {
        "dsgd": {
            "method": DSGD(Gaussian(), 1), "loss": Cosh(), "phi": sp.tanh(x1), "params": {"sigma": 1.0}, "from": 3,
            "words": r"DSGD on $\cosh$, Gaussian noise, $\varphi=\tanh$",
        },
        "affine": {
            "method": DSGD(Affine(), 1), "loss": Quadratic(1), "phi": x1**2, "params": {"sigma0": 0.5, "sigma1": 0.5}, "from": 4,
            "words": r"DSGD on a quadratic, affine noise, $\varphi=x^2$", "route": "moments",
        },
        "dsignsgd": {
            "method": DSignSGD(Logistic(), 2), "loss": Cosh(), "phi": sp.cosh(x1) - 1, "params": {"sigma": 1.0}, "from": 3,
            "words": r"DSignSGD on $\cosh$, logistic noise, two clients, $\varphi=\cosh-1$",
        },
    }  # fmt: skip


def stored(context: Inputs, case: str, model: Model, halvings: int) -> dict[str, Any]:
    context.tick(f"weak order of the {model} model, {case}")
    spec = {"case": case, "model": model, "halvings": halvings}
    compute = partial(order, case, model, halvings)
    return context.cache.load_or_compute(f"verification-order-{case}-{model}", spec, compute)


def order(case: str, model: Model, halvings: int, equation: Any = None) -> dict[str, Any]:
    """The weak errors at the step sizes of a case, and the slope. An `equation`, such as a wrong one, replaces the model's."""
    spec = cases()[case]
    etas = [2.0 ** -(spec["from"] + k) for k in range(halvings)]
    method, loss, phi, params = (spec[name] for name in ("method", "loss", "phi", "params"))
    # x0 = T = 1
    weak = weak_order(method, equation or model, loss, 1.0, 1.0, phi, etas, params, route=spec.get("route"))
    head = {"case": case, "model": model, "stated": WEAK_ORDERS[model][0]}
    return {**head, **weak.to_dict(), "resolution": weak.resolution}


def verdict(orders: Mapping[str, Any]) -> str:
    """Whether order +- doubt contains the stated order; INCONCLUSIVE if the doubt exceeds `WIDEST` or errors are not resolved."""
    measured, doubt = orders["slope"]["order"], orders["slope"]["doubt"]
    if measured is None or doubt is None or doubt > WIDEST or not orders["resolution"] <= RESOLVED:
        return Verdict.INCONCLUSIVE
    return Verdict.CONFIRMED if abs(measured - orders["stated"]) <= doubt else Verdict.VIOLATED


def evidence_of(orders: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on the stated order as evidence, in words."""
    measured, doubt = orders["slope"]["order"], orders["slope"]["doubt"]
    if measured is None or doubt is None:
        says = "the weak errors change sign, so they have no order over these step sizes"
    else:
        says = rf"the slope of the weak error is ${number(measured, 4)}\pm{number(doubt, 2)}$; stated is ${orders['stated']}$"
    says = rf"{orders['case']}: {says}"
    values = {"eta": orders["etas"][-1], "error": orders["errors"][-1]}
    return evidence(f"weak-order-{orders['model']}", METHOD, verdict(orders), says, "tab:weak-orders", values=values)


def row(orders: Mapping[str, Any]) -> dict[str, Any]:
    slope, errors = orders["slope"], orders["errors"]
    slopes = {"order": (slope["order"], 4), "doubt": (slope["doubt"], 2), "local": (slope["local"][-1], 4)}
    ends = {"first": number(errors[0], 2), "last": number(errors[-1], 2), "resolution": number(orders["resolution"], 1)}
    rounded = {name: number(math.nan if value is None else value, digits) for name, (value, digits) in slopes.items()}
    return {**rounded, **ends, "verdict": verdict(orders)}
