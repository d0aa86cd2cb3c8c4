"""Tightness of every bound, bounds as curves over time, and weak errors against the step size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.document.figures import STYLES, figure

#: ends of the axis of the tightness; a value beyond them is drawn as an arrow at the end
ENDS = (0.1, 10.0)
ORDER_STYLES = dict(zip(("first-order", "second-order", "corrected"), zip(STYLES, "os^", strict=False), strict=False))


def draw(result: Mapping[str, Any], folder: Path) -> None:
    """All figures of the section."""
    _tightness(result["tightness"], folder)
    _curves(result["curves"], folder)
    _orders(result["orders"], folder)


def _tightness(found: Mapping[str, Mapping[str, float]], folder: Path) -> None:
    with figure(folder, "verification-tightness", size=(5.4, 0.9 + 0.125 * len(found))) as axes:
        axis = axes[0]
        marks = {"SDE": ("o", "black", 4.5), "method": ("s", "white", 4.5)}
        for subject, (mark, face, size) in marks.items():
            places = [(n, values[subject]) for n, values in enumerate(found.values()) if subject in values]
            sides = {"<": (-math.inf, ENDS[0]), mark: ENDS, ">": (ENDS[1], math.inf)}
            for shape, (low, high) in sides.items():
                own = [
                    (n, min(max(v, ENDS[0]), ENDS[1])) for n, v in places if low <= v < high or v == high == math.inf
                ]
                label = subject if shape == mark else None
                label = label if label != "SDE" else "SDE, or the formula"
                axis.plot(
                    [v for _, v in own],
                    [n for n, _ in own],
                    shape,
                    color="black",
                    markerfacecolor=face,
                    markersize=size,
                    label=label,
                    linestyle="",
                    clip_on=False,
                    zorder=3,
                )
        axis.axvline(1.0, linewidth=0.8, **STYLES[2])
        axis.set_xscale("log")
        axis.set_xlim(*ENDS)
        axis.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
        axis.minorticks_off()
        axis.set_yticks(range(len(found)), list(found), fontsize=6)
        axis.set_ylim(len(found) - 0.5, -0.5)
        axis.grid(axis="y", linewidth=0.3, color="#CCCCCC")
        axis.set_xlabel("least bound/value")
        axis.figure.legend(loc="outside upper center", ncols=2, frameon=False)


def _curves(found: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    with figure(folder, "verification-curves", columns=len(found), size=(1.65, 2.2)) as axes:
        for axis, (name, own) in zip(axes, found.items(), strict=True):
            axis.plot(own["times"], own["bound"], linewidth=1.6, label="bound", **STYLES[2])
            for (subject, series), style in zip(own["series"].items(), STYLES, strict=False):
                if subject == "SDE":
                    axis.fill_between(
                        own["times"], series["low"], series["high"], color="#DDDDDD", linewidth=0, zorder=0
                    )
                else:
                    for edge in ("low", "high"):
                        axis.plot(own["times"], series[edge], linewidth=0.7, **style)
                axis.plot(own["times"], series["mean"], linewidth=1.3, label=subject, **style)
            axis.set_yscale("log")
            axis.set_title(name)
            axis.set_xlabel(r"horizon $T$" if name.endswith("scheduled") else r"time $t$")
            axis.minorticks_off()
        axes[0].set_ylabel("mean and bound")
        lines, names = axes[0].get_legend_handles_labels()
        axes[0].figure.legend(lines, names, loc="outside upper center", ncols=3, frameon=False)


def _orders(found: Any, folder: Path) -> None:
    cases = list(dict.fromkeys(o["case"] for o in found))
    with figure(folder, "weak-orders", columns=len(cases), size=(2.1, 2.3)) as axes:
        for axis, case in zip(axes, cases, strict=True):
            for own in (o for o in found if o["case"] == case):
                style, mark = ORDER_STYLES[own["model"]]
                axis.loglog(
                    own["etas"], own["errors"], marker=mark, markersize=3.5, linewidth=1.2, label=own["model"], **style
                )
                # the stated order, through the smallest step size
                eta, error = own["etas"][-1], own["errors"][-1]
                guide = [1.25 * error * (e / eta) ** own["stated"] for e in own["etas"]]
                axis.loglog(own["etas"], guide, color="#999999", linewidth=0.6, zorder=0)
            sizes = found[cases.index(case) * len(ORDER_STYLES)]["etas"]
            axis.set_xticks(sizes, [rf"$2^{{{round(math.log2(e))}}}$" for e in sizes])
            axis.minorticks_off()
            axis.set_title({"dsgd": "DSGD", "affine": "affine noise", "dsignsgd": "DSignSGD"}[case])
            axis.set_xlabel(r"step size $\eta$")
        axes[0].set_ylabel("weak error")
        lines, names = axes[0].get_legend_handles_labels()
        axes[0].figure.legend(lines, names, loc="outside upper center", ncols=3, frameon=False)
