"""Tightness of every bound, bounds as curves over time, and weak errors against the step size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdescent.reports.document.figures import BOUND, NAMED, bands, figure

#: ends of the axis of the tightness; a value beyond them is drawn as an arrow at the end
ENDS = (0.1, 10.0)
#: marks of the models
MARKS = {"first-order": "o", "second-order": "s", "corrected": "^"}
#: of the tightness: whose -> (mark, its filling, its size, what the legend says)
SUBJECTS = {
    "SDE": ("o", "black", 4.5, "SDE, or the formula"),
    "method": ("s", "white", 4.5, "method"),
    "witness": ("X", "#777777", 5.5, "refuted claim, at the numbers that refute it"),
}


def draw(result: Mapping[str, Any], folder: Path) -> None:
    """All figures of the section."""
    _tightness(result["tightness"], folder)
    _curves(result["curves"], folder)
    _orders(result["orders"], folder)


def _tightness(found: Mapping[str, Mapping[str, float]], folder: Path) -> None:
    """In two columns: one of all entries is taller than a page."""
    names = list(found)
    half = math.ceil(len(names) / 2)
    with figure(folder, "verification-tightness", columns=2, size=(3.3, 0.9 + 0.125 * half)) as axes:
        for axis, part in zip(axes, (names[:half], names[half:]), strict=True):
            _ratios(axis, {name: found[name] for name in part})
            axis.set_ylim(half - 0.5, -0.5)  # the same height of a line in both
        shown = {
            label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        axes[0].figure.legend(
            list(shown.values()), list(shown), loc="outside upper center", ncols=len(SUBJECTS), frameon=False
        )


def _ratios(axis: Any, found: Mapping[str, Mapping[str, float]]) -> None:
    for subject, (mark, face, size, words) in SUBJECTS.items():
        places = [(n, values[subject]) for n, values in enumerate(found.values()) if subject in values]
        sides = {"<": (-math.inf, ENDS[0]), mark: ENDS, ">": (ENDS[1], math.inf)}
        for shape, (low, high) in sides.items():
            own = [(n, min(max(v, ENDS[0]), ENDS[1])) for n, v in places if low <= v < high or v == high == math.inf]
            if not own:
                continue  # a line without points that is not clipped takes its place at the origin of the figure
            axis.plot(
                [v for _, v in own],
                [n for n, _ in own],
                shape,
                color="black",
                markerfacecolor=face,
                markersize=size,
                label=words if shape == mark else None,
                linestyle="",
                clip_on=False,
                zorder=3,
            )
    axis.axvline(1.0, linewidth=0.8, **BOUND)
    axis.set_xscale("log")
    axis.set_xlim(*ENDS)
    axis.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
    axis.minorticks_off()
    axis.set_yticks(range(len(found)), list(found), fontsize=6)
    axis.grid(axis="y", linewidth=0.3, color="#CCCCCC")
    axis.set_xlabel("least bound/value")


def _curves(found: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    with figure(folder, "verification-curves", columns=len(found), size=(1.65, 2.2)) as axes:
        shown: dict[str, Any] = {}
        for axis, (name, own) in zip(axes, found.items(), strict=True):
            axis.plot(own["times"], own["bound"], linewidth=2.4, label="bound", **BOUND)
            # the method first: it is the reference, with the band, as in every figure of a method and its models
            bands(axis, own["times"], {_subject(s, own): own["series"][s] for s in ("method", "SDE")})
            axis.set_yscale("log")
            axis.set_title(name)
            axis.set_xlabel(r"horizon $T$" if name.endswith("scheduled") else r"time $t$")
            axis.minorticks_off()
            for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
                shown[f"{label} SDE" if label in MARKS else label] = handle
        axes[0].set_ylabel("mean and bound")
        axes[0].figure.legend(
            list(shown.values()), list(shown), loc="outside upper center", ncols=len(shown), frameon=False
        )


def _subject(subject: str, own: Mapping[str, Any]) -> str:
    return own["model"] if subject == "SDE" else subject


def _orders(found: Any, folder: Path) -> None:
    cases = list(dict.fromkeys(o["case"] for o in found))
    with figure(folder, "weak-orders", columns=len(cases), size=(2.1, 2.3)) as axes:
        for axis, case in zip(axes, cases, strict=True):
            for own in (o for o in found if o["case"] == case):
                axis.loglog(
                    own["etas"], own["errors"], marker=MARKS[own["model"]], markersize=3.5, linewidth=1.2, label=own["model"],
                    **NAMED[own["model"]],
                )  # fmt: skip
                # the stated order, through the smallest step size
                eta, error = own["etas"][-1], own["errors"][-1]
                guide = [1.25 * error * (e / eta) ** own["stated"] for e in own["etas"]]
                axis.loglog(own["etas"], guide, color="#999999", linewidth=0.6, zorder=0)
            sizes = found[cases.index(case) * len(MARKS)]["etas"]
            axis.set_xticks(sizes, [rf"$2^{{{round(math.log2(e))}}}$" for e in sizes])
            axis.minorticks_off()
            axis.set_title({"dsgd": "DSGD", "affine": "affine noise", "dsignsgd": "DSignSGD"}[case])
            axis.set_xlabel(r"step size $\eta$")
        axes[0].set_ylabel("weak error")
        lines, names = axes[0].get_legend_handles_labels()
        axes[0].figure.legend(lines, names, loc="outside upper center", ncols=3, frameon=False)
