"""The figures of the experiments: losses against steps, compression, step length and noise; the SDE against the method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from numerics.tasks.criteria import ROUNDING
from numerics.tasks.step_rules import RULES
from reports.document.figures import STYLES, bands, figure, gaps, legend
from reports.sections.compare import relative_gaps
from reports.sections.experiments.study import BEST, HELD

#: size of an axis of a row of four, of three, of two, and alone
_FOUR, _THREE, _TWO, _ONE = (1.58, 2.0), (2.1, 2.0), (3.1, 1.9), (3.4, 2.0)
_MARKS = ("o", "s", "^", "D")
#: style of a series that no other axes of a row show
_FIFTH: dict[str, Any] = {"color": "#777777", "linestyle": (0, (1, 3)), "marker": "v", "markerfacecolor": "white"}


def draw(studies: list[dict[str, Any]], folder: Path) -> None:
    """Write all figures into `folder`, PDF and SVG.

    Args:
        studies: as `reports.sections.experiments.section.described` makes them.
    """
    with figure(folder, "experiment-smoothness", columns=len(studies), size=_THREE if len(studies) > 1 else _ONE) as axes:
        for axis, study in zip(axes, studies, strict=True):
            _smoothness(axis, study)
        axes[0].set_ylabel(r"$\|H\|_{\mathrm{op}}$")
    first = studies[0]["paths"]
    with figure(folder, "experiment-paths", columns=len(first), size=_THREE) as axes:
        for axis, shown in zip(axes, first, strict=True):
            bands(axis, shown["times"], shown["series"])
            axis.set_title(shown["title"])
            axis.set_xlabel("step $n$")
        axes[0].set_ylabel("loss")
        legend(axes)
    with figure(folder, "experiment-final", columns=2 * len(studies), size=_FOUR) as axes:
        for n, study in enumerate(studies):
            _final(axes[2 * n], study, HELD)
            _final(axes[2 * n + 1], study, BEST)
        _named(axes, 3)
    with figure(folder, "experiment-tuning", columns=2 * len(studies), size=_FOUR) as axes:
        for n, study in enumerate(studies):
            for axis, which in zip(axes[2 * n : 2 * n + 2], (0, -1), strict=True):
                _tuning(axis, study, which)
        _named(axes, 3)
    with figure(folder, "experiment-sign", columns=2 * len(studies), size=_FOUR) as axes:
        shown = [(study, s) for study in studies for s in (study["sign_paths"][0], study["sign_paths"][-1])]
        for axis, (study, s) in zip(axes, shown, strict=True):
            bands(axis, s["times"], s["series"])
            axis.set_title(f"{study['title']}\nscale {s['scale']}")
            axis.set_xlabel("step $n$")
        axes[0].set_ylabel("loss")
        legend(axes)
    solved = [(study, equation) for study in studies for equation in study["equations"]]
    if solved:
        with figure(folder, "experiment-sde", columns=2 * len(solved), size=_FOUR if len(solved) > 1 else _TWO) as axes:
            for n, (study, equation) in enumerate(solved):
                bands(axes[2 * n], equation["times"], equation["loss"])
                gaps(axes[2 * n + 1], equation["times"], relative_gaps(equation["loss"]))
                axes[2 * n].set_title(rf"{study['title']}, steps ${equation['over']}$")
                axes[2 * n + 1].set_ylabel("gap (%)")
                for axis in axes[2 * n : 2 * n + 2]:
                    axis.set_xlabel("time $t$, in steps")
            axes[0].set_ylabel("loss")
            legend(axes)


def _smoothness(axis: Any, study: dict[str, Any]) -> None:
    """Curvature against gradient norm where both were measured, and the line above all points."""
    found = study["smoothness"]
    norm, bend = (np.asarray(found[name], float) for name in ("gradient_norm", "curvature"))
    axis.plot(norm, bend, ".", color="#1f6f3f", markersize=4)
    ends = np.array([0.0, float(np.max(norm))])
    axis.plot(ends, found["l0"] + found["l1"] * ends, color="black", linewidth=1)
    axis.set_title(study["title"])
    axis.set_xlabel(r"$\|\nabla f\|_2$")


def _shown(study: dict[str, Any], losses: Any) -> np.ndarray:
    """Losses that are only rounding, drawn at their largest possible value: a logarithmic axis has no zero."""
    return np.maximum(np.asarray(losses, float), ROUNDING * study["start"])


def _final(axis: Any, study: dict[str, Any], kind: str) -> None:
    """Last losses against 1 + omega, with intervals."""
    at = 1 + np.asarray(study["omega"])
    for n, (name, found) in enumerate(study["ends"][kind].items()):
        value, low, high = (_shown(study, found[which]) for which in ("value", "low", "high"))
        around = [value - low, high - value]
        look = _FIFTH if "length" in name else {**STYLES[n], "marker": _MARKS[n]}
        axis.errorbar(at * 1.06 ** (n - 1.5), value, around, label=name, capsize=2, linewidth=1.1, markersize=3.5, **look)
    axis.axhline(study["start"], color="#888888", linewidth=0.7, zorder=0)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_title(f"{study['title']}\n{'held' if kind == HELD else 'tuned'}")
    axis.set_xlabel(r"$1+\omega$")


def _tuning(axis: Any, study: dict[str, Any], which: int) -> None:
    """Last losses against the length of a step, at one sparsity."""
    shown = study["tuning"][which]
    for n, rule in enumerate(RULES):
        found = shown[rule]
        at = np.asarray(found["length"]) / study["steps"]
        kept = at < 1e6  # of runs that did not leave the bound
        middle, low, high = (_shown(study, found[which])[kept] for which in ("loss", "low", "high"))
        axis.plot(at[kept], middle, label=rule, marker=_MARKS[n], markersize=3.5,
                  linewidth=1.1, **STYLES[n])  # fmt: skip
        axis.fill_between(at[kept], low, high, color=STYLES[n]["color"], alpha=0.15, linewidth=0)
    axis.axhline(study["start"], color="#888888", linewidth=0.7, zorder=0)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_title(f"{study['title']}\n$\\omega={shown['omega']}$")
    axis.set_xlabel("step length")


def _named(axes: list[Any], columns: int) -> None:
    """One label for the measured quantity, and above a row of axes one legend of everything that they show."""
    axes[0].set_ylabel("loss at the end")
    shown = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    axes[0].figure.legend(
        list(shown.values()), list(shown), loc="outside upper center", ncols=columns, frameon=False, handlelength=2.4
    )
