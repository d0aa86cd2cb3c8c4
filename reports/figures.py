"""Figures: one style, vector PDF for the paper and SVG for the page, readable in black and white."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reports.files import atomic_path

#: line styles and colours (Okabe and Ito, safe for colour-blind readers), in the order of use
STYLES = (
    {"color": "#000000", "linestyle": "-"},
    {"color": "#0072B2", "linestyle": "--"},
    {"color": "#D55E00", "linestyle": "-."},
    {"color": "#009E73", "linestyle": ":"},
)
BAND = (0.10, 0.90)  # the one convention for bands: the middle 80 % of the paths


@contextmanager
def figure(folder: Path, name: str, columns: int = 1, size: tuple[float, float] = (3.2, 2.5)) -> Iterator[Any]:
    """A row of `columns` axes, written as <name>.pdf and <name>.svg into `folder` when the block ends.

    Raises:
        OSError: the folder cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it remarks on the dates inside the fonts that it embeds
    import matplotlib.pyplot as plt

    settings: dict[Any, Any] = {
        "font.family": "serif",
        "mathtext.fontset": "cm",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.hashsalt": "sdescent",
        "pdf.fonttype": 42,
    }
    with matplotlib.rc_context(settings):
        picture, axes = plt.subplots(1, columns, figsize=(size[0] * columns, size[1]), layout="constrained", squeeze=False)
        try:
            yield list(axes[0])
            for suffix in ("pdf", "svg"):
                with atomic_path(folder / f"{name}.{suffix}") as path:
                    metadata = {"CreationDate": None} if suffix == "pdf" else {"Date": None}
                    picture.savefig(path, format=suffix, metadata=metadata)
        finally:
            plt.close(picture)


def bands(axis: Any, times: Sequence[float], series: Mapping[str, Mapping[str, Sequence[float]]], label: str) -> None:
    """Mean and 10-90 % band over time for each named series {"mean", "low", "high"}.

    Args:
        axis: where to draw; times: of the saved states (dimensionless); label: of the vertical axis.
    """
    for n, (name, values) in enumerate(series.items()):
        style = STYLES[n % len(STYLES)]
        axis.plot(times, values["mean"], label=name, linewidth=1.2, **style)
        axis.fill_between(times, values["low"], values["high"], alpha=0.15, linewidth=0, color=style["color"])
    axis.set_xlabel(r"time $t=n\eta$")
    axis.set_ylabel(label)
    positive = [v for s in series.values() for v in s["low"] if v is not None]
    if positive and min(positive) > 0 and max(v for s in series.values() for v in s["high"]) > 20 * min(positive):
        axis.set_yscale("log")
