"""The figures of the experiments, for the first study: losses against steps, compression, step length and noise; the SDE."""

from pathlib import Path
from typing import Any

import numpy as np

from sdescent.numerics.tasks.criteria import ROUNDING
from sdescent.numerics.tasks.step_rules import RULES
from sdescent.reports.document.figures import SHADES, STYLES, WIDTH, bands, figure, gaps, legend, legend_of_all
from sdescent.reports.paper.experiments.study import BEST, HELD
from sdescent.reports.sections.compare import relative_gaps

#: size of an axis in a row of four, three and two, and of a single one
_FOUR, _THREE, _TWO, _ONE = (WIDTH / 4, 2.0), (WIDTH / 3, 1.9), (WIDTH / 2, 1.8), (3.4, 1.8)
#: the square root of the ratio of neighbouring step sizes of a grid, less a gap
_CELL = 1.34
_MARKS = ("o", "s", "^", "D")
#: style of a series that the other axes of a row do not show
_FIFTH: dict[str, Any] = {"color": "#777777", "linestyle": (0, (1, 3)), "marker": "v", "markerfacecolor": "white"}


def draw(problems: list[dict[str, Any]], folder: Path) -> None:
    """Write all figures of the problems from `section.described` into `folder`, as PDF and SVG."""
    draw_main(problems, folder, "experiment")
    first = problems[0]["paths"]
    with figure(folder, "experiment-paths", columns=len(first), size=_THREE) as axes:
        for axis, series in zip(axes, first, strict=True):
            bands(axis, series["times"], series["series"])
            axis.set(title=series["title"], xlabel="step")
        axes[0].set_ylabel(f"loss ${problems[0]['loss']}$")
        legend(axes)
    with figure(folder, "experiment-tuning", columns=2 * len(problems), size=_FOUR) as axes:
        for n, problem in enumerate(problems):
            for axis, which in zip(axes[2 * n : 2 * n + 2], (0, -1), strict=True):
                _tuning(axis, problem, which)
        _named(axes, problems, 3)
    _stability(problems[0]["stability"], folder)
    solved = [(problem, equation) for problem in problems for equation in problem["equations"]]
    if solved:
        with figure(folder, "experiment-sde", columns=2, size=_TWO, rows=len(solved)) as axes:
            for n, (problem, equation) in enumerate(solved):
                bands(axes[2 * n], equation["times"], equation["loss"])
                gaps(axes[2 * n + 1], equation["times"], relative_gaps(equation["loss"]))
                title = f"{problem['title']}, steps ${equation['over']}$"
                axes[2 * n].set(title=title, ylabel=f"loss ${problem['loss']}$", xlabel="time (steps)")
                axes[2 * n + 1].set(ylabel="gap to the method (%)", xlabel="time (steps)")
            legend(axes)


def draw_main(problems: list[dict[str, Any]], folder: Path, name: str) -> None:
    """Write the figures of every section of experiments, named from `name` on: the smoothness, the last losses and DSignSGD."""
    size = _TWO if len(problems) > 1 else _ONE
    with figure(folder, f"{name}-smoothness", columns=len(problems), size=size) as axes:
        for axis, problem in zip(axes, problems, strict=True):
            _smoothness(axis, problem)
        axes[0].set_ylabel(r"curvature $\|H\|_{\mathrm{op}}$")
    quarter = _FOUR if len(problems) > 1 else _TWO
    with figure(folder, f"{name}-final", columns=2 * len(problems), size=quarter) as axes:
        for n, problem in enumerate(problems):
            _final(axes[2 * n], problem, HELD)
            _final(axes[2 * n + 1], problem, BEST)
        _named(axes, problems, 3)
    with figure(folder, f"{name}-sign", columns=2 * len(problems), size=quarter) as axes:
        panels = [(problem, s) for problem in problems for s in (problem["sign_paths"][0], problem["sign_paths"][-1])]
        for axis, (problem, s) in zip(axes, panels, strict=True):
            bands(axis, s["times"], s["series"])
            axis.set_title(f"{problem['title']}, scale {s['scale']}", fontsize=8)
            axis.set_xlabel("step")
        for axis, problem in zip(axes[::2], problems, strict=True):
            axis.set_ylabel(f"loss ${problem['loss']}$")
        legend(axes)


def _stability(stability: dict[str, Any], folder: Path) -> None:
    """Draw the ratio of last to first loss for constant steps as a cell for each sparsity and step size, and the line 2/K."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle

    cells = stability["cells"]
    ratios = [r for column in cells for r in column["ratio"]]
    norm = LogNorm(min(ratios), max(1.0, min(1.0 / min(ratios), max(ratios))))
    shades = ScalarMappable(norm, SHADES)
    ends = [eta for column in cells for eta in column["eta"]]
    ends += [column["limit"] for column in cells]
    with figure(folder, "experiment-stability", size=(4.6, 2.3)) as axes:
        axis = axes[0]
        axis.set(yscale="log", xlim=(-0.6, len(cells) - 0.4), ylim=(min(ends) / 2, max(ends) * 2))
        for n, column in enumerate(cells):
            for eta, ratio in zip(column["eta"], column["ratio"], strict=True):
                place = (n - 0.42, eta / _CELL)
                axis.add_patch(Rectangle(place, 0.84, eta * (_CELL - 1 / _CELL), facecolor=shades.to_rgba(ratio), edgecolor="black",
                                         linewidth=0.4))  # fmt: skip
                if ratio > 1:
                    dark = norm(ratio) > 0.5
                    axis.plot(n, eta, marker="x", color="white" if dark else "black", markersize=4, linestyle="none")
                if ratio >= stability["cap"]:
                    axis.plot(n, eta, marker="o", color="white" if dark else "black", fillstyle="none", markersize=6)
            label = {"label": "$2/K$ at the start"} if n == 0 else {}
            axis.plot([n - 0.5, n + 0.5], [column["limit"]] * 2, color="black", linewidth=2.2, **label)
        axis.set_xticks(range(len(cells)), [rf"${column['omega']}$" for column in cells])
        words = {"xlabel": r"compression ratio $\omega$", "ylabel": "constant step size $u$"}
        axis.set(title=stability["title"], **words)
        axis.figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", frameon=False)
        axis.figure.colorbar(shades, ax=axis, label="last loss over the first", extend="max")


def _smoothness(axis: Any, problem: dict[str, Any]) -> None:
    """Draw the measured curvature against the gradient norm, and the line above all points."""
    measured = problem["smoothness"]
    norm, bend = (np.asarray(measured[name], float) for name in ("gradient_norm", "curvature"))
    axis.plot(norm, bend, ".", color="#1f6f3f", markersize=4)
    ends = np.array([0.0, float(np.max(norm))])
    axis.plot(ends, measured["l0"] + measured["l1"] * ends, color="black", linewidth=1)
    axis.set(title=problem["title"], xlabel=r"norm of the gradient $\|g\|_2$")


def _above_rounding(problem: dict[str, Any], losses: Any) -> np.ndarray:
    """The losses, raised to the size of rounding errors if they are smaller: a logarithmic axis has no zero."""
    return np.maximum(np.asarray(losses, float), ROUNDING * problem["start"])


def _final(axis: Any, problem: dict[str, Any], kind: str) -> None:
    """Draw the last losses against 1 + omega, with intervals."""
    at = 1 + np.asarray(problem["omega"])
    for n, (name, losses) in enumerate(problem["ends"][kind].items()):
        value, low, high = (_above_rounding(problem, losses[which]) for which in ("value", "low", "high"))
        around = [value - low, high - value]
        look = _FIFTH if "length" in name else {**STYLES[n], "marker": _MARKS[n]}
        axis.errorbar(
            at * 1.06 ** (n - 1.5), value, around, label=name, capsize=2, linewidth=1.1, markersize=3.5, **look
        )
    axis.axhline(problem["start"], color="#888888", linewidth=0.7, zorder=0)
    axis.set(xscale="log", yscale="log", xlabel=r"compression $1+\omega$")
    low, high = np.log10(axis.get_ylim())
    if high - low < 1.5:  # with fewer than two decades there is no room for the labels of all ticks
        from matplotlib.ticker import NullFormatter

        axis.set_ylim(10 ** np.floor(low), 10 ** np.ceil(high))
        axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_title(f"{problem['title']}, {'held' if kind == HELD else 'tuned'}", fontsize=8)


def _tuning(axis: Any, problem: dict[str, Any], which: int) -> None:
    """Draw the last losses against the length of a step, at one sparsity."""
    at_sparsity = problem["tuning"][which]
    for n, rule in enumerate(RULES):
        losses = at_sparsity[rule]
        at = np.asarray(losses["length"]) / problem["steps"]
        inside = at < 1e6  # without the runs that exceeded the bound
        middle, low, high = (_above_rounding(problem, losses[which])[inside] for which in ("loss", "low", "high"))
        axis.plot(at[inside], middle, label=rule, marker=_MARKS[n], markersize=3.5,
                  linewidth=1.1, **STYLES[n])  # fmt: skip
        axis.fill_between(at[inside], low, high, color=STYLES[n]["color"], alpha=0.15, linewidth=0)
    axis.axhline(problem["start"], color="#888888", linewidth=0.7, zorder=0)
    axis.set(xscale="log", yscale="log", xlabel="step length")
    axis.set_title(f"{problem['title']}, $\\omega={at_sparsity['omega']}$", fontsize=8)


def _named(axes: list[Any], problems: list[dict[str, Any]], columns: int) -> None:
    """Label the quantity once for the two axes of a problem, and add one legend above the row."""
    for axis, problem in zip(axes[::2], problems, strict=True):
        axis.set_ylabel(f"last loss ${problem['loss']}$")
    legend_of_all(axes, columns)
