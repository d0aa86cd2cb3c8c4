"""The figures of a measurement: the loss with its forecasts, the growth of noise and curvature, and stability."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sdescent.reports.document.figures import BOUND, STYLES, figure, legend_of_all, logarithmic

#: the names of the figures, with their captions
CAPTIONS = {
    "loss": "The loss along the run, and forecasts from some of its points with 95 per cent intervals: by the method with "
    "Gaussian noise of the same covariance, and by the quadratic model where its gates hold.",
    "growth": "Left, the trace of one example's gradient noise against the squared norm of the full gradient, with the affine "
    "fit and the lowest affine line above all points. Right, the norm of the Hessian against the gradient norm, with the lowest "
    "lines above all points and above 95 per cent of them.",
}
_MODELS = {
    "run": ("mean of runs", "o", STYLES[0]),
    "gauss": ("Gaussian noise", "s", STYLES[1]),
    "quadratic": ("quadratic model", "^", STYLES[2]),
}


def draw(
    answer: Mapping[str, Any], folder: Path, prefix: str = "", suffixes: Sequence[str] = ("pdf", "svg", "png")
) -> list[str]:
    """Draw the figures into a folder, and return the names of the files, which begin with `prefix`.

    Raises:
        OSError: the files cannot be written.
    """
    points, fits = answer["points"], answer["fits"]
    steps, losses, gradients = (np.array([p[key] for p in points]) for key in ("step", "loss", "gradient"))
    with figure(folder, f"{prefix}loss", size=(4.6, 2.5), suffixes=suffixes) as axes:
        axes[0].plot(steps, losses, linewidth=1.0, label="measured run", **STYLES[3])
        for n, (model, (label, mark, style)) in enumerate(_MODELS.items()):
            # not invalid ones, nor those whose runs blew up
            listed = [
                (f["step"] + p["steps"] + 0.004 * n * steps[-1], p["value"]["value"], p["value"]["lower"], p["value"]["upper"])
                for f in answer["forecast"] for p in f["predictions"]
                if p["model"] == model and not p["why"] and p["value"]["lower"] is not None
            ]  # fmt: skip
            if listed:
                at, values, lower, upper = np.array(listed).T
                ends, look = [values - lower, upper - values], {"fmt": mark, "markersize": 3, "linewidth": 0.8}
                axes[0].errorbar(at, values, ends, color=style["color"], label=label, **look)
        axes[0].set(xlabel="step", ylabel="loss $f(x)$")
        legend_of_all(axes, columns=2)
    with figure(folder, f"{prefix}growth", columns=2, suffixes=suffixes) as axes:
        left, right = axes
        traces, norms = np.array([(p["trace"]["value"], p["hessian"]) for p in points]).T
        lines = (("line above all", fits["smooth"], BOUND), ("above 95 %", fits["smooth_95"], STYLES[2]))
        _points_and_lines(right, gradients, norms, np.linspace(0, np.max(gradients), 60), lines)
        grid = np.geomspace(max(np.min(gradients**2), 1e-12), np.max(gradients**2), 60)
        growth = fits["growth"] or {}
        lines = (("affine fit", growth.get("fit"), STYLES[1]), ("line above all", growth.get("above"), BOUND))
        _points_and_lines(left, gradients**2, traces, grid, [line for line in lines if line[1]])
        if growth:
            logarithmic(left, "x")
            logarithmic(left)
        left.set(xlabel=r"$\|\nabla f\|^2$", ylabel="trace of the noise")
        right.set(xlabel=r"$\|\nabla f\|$", ylabel=r"$\|\nabla^2 f\|$")
        legend_of_all(axes)
    return [f"{prefix}{name}.{suffix}" for name in CAPTIONS for suffix in suffixes]


def _points_and_lines(axis: Any, x: np.ndarray, y: np.ndarray, grid: np.ndarray, lines: Sequence[Any]) -> None:
    axis.plot(x, y, "o", markersize=2.5, color=STYLES[0]["color"])
    for label, line, style in lines:
        axis.plot(grid, line["constant"] + line["slope"] * grid, linewidth=1.2, label=label, **style)
