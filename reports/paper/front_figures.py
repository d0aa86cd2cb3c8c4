"""The two figures of the first page, each half as wide as the text: a refuted bound, and steps up to which models are stable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from sdescent.derive.reading.experiments import METHOD
from sdescent.reports.document.figures import (
    BOUND,
    NAMED,
    WIDTH,
    figure,
    legend_of_all,
    logarithmic,
    spans_much,
    styles,
)

_SIZE = (0.53 * WIDTH, 1.25)
_MARKS = "os^Dv"
#: the models in the words of the first page
EQUATIONS = {"corrected": "the paper's"}


@final
@dataclass(frozen=True)
class GradientAndClaim:
    """The mean squared gradient of an equation at a random time, and the bound that a theorem claims; all dimensionless.

    Args:
        times: the horizons, in increasing order, shape (S,).
        mean: E G^2 at a random time up to each horizon, shape (S,).
        low, high: the ends of its interval, shape (S,); equal to `mean` where it is exact.
        claimed: the bound at these horizons, shape (S,).
    """

    times: Sequence[float]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    claimed: Sequence[float]


@final
@dataclass(frozen=True)
class StableSteps:
    """The largest stable step size of the method and of its models, for several losses; dimensionless.

    Args:
        steps: loss in words -> {"method" or a model: (the step, the lower and the upper end of its interval), or None if it is
            stable at every step}. Models are those of `NAMED`, or words.
    """

    steps: Mapping[str, Mapping[str, tuple[float, float, float] | None]]

    def relative(self, loss: str) -> dict[str, tuple[float, float, float] | None]:
        """Each model's step over the method's, with the ends of an interval that counts the errors of both.

        Raises:
            ValueError: the method is stable at every step, so that there is nothing to compare with.
        """
        if (method := self.steps[loss][METHOD]) is None:
            raise ValueError(f"on {loss} the method is stable at every step; leave this loss out of the figure")
        value, low, high = method
        return {
            name: None if step is None else (step[0] / value, step[1] / high, step[2] / low)
            for name, step in self.steps[loss].items()
            if name != METHOD
        }


def gradient_against_claimed_bound(folder: Path, data: GradientAndClaim) -> None:
    """Draw the mean squared gradient along an equation against the bound that a theorem claims, as `folder`/front-gradient.

    Raises:
        OSError: the folder cannot be written.
    """
    with figure(folder, "front-gradient", size=_SIZE) as (axis,):
        axis.plot(data.times, data.claimed, linewidth=2.4, label="claimed bound", **BOUND)
        axis.fill_between(data.times, data.low, data.high, color="#BBBBBB", linewidth=0)
        axis.plot(data.times, data.mean, linewidth=1.3, label="reached", **NAMED[METHOD])
        if spans_much([*data.low, *data.high, *data.claimed]):
            logarithmic(axis)
        else:
            axis.set_ylim(bottom=0)
        axis.set_xlabel("horizon (steps times step size)")
        axis.set_ylabel("squared gradient")
        axis.set_title("Theorem 4.2 and its own equation")
        axis.legend(frameon=False, fontsize=7, loc="center right")


def stability_thresholds(folder: Path, data: StableSteps) -> None:
    """Draw the largest stable steps of models relative to the method's, a mark for each loss, as `folder`/front-stability.

    Raises:
        OSError: the folder cannot be written.
        ValueError: the method is stable at every step on a loss.
    """
    rows = {loss: data.relative(loss) for loss in data.steps}
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    ends = [1.0, *(end for row in rows.values() for step in row.values() if step for end in step)]
    low, high = min(ends) / 1.5, 4.0 * max(ends)
    with figure(folder, "front-stability", size=_SIZE) as (axis,):
        axis.axvline(1.0, linewidth=1.3, **styles([METHOD])[METHOD])
        for k, (loss, row) in enumerate(rows.items()):
            look = {"color": "black", "marker": _MARKS[k % len(_MARKS)], "linestyle": "none", "markersize": 4.5}
            look["markerfacecolor"] = "white" if k % 2 else "black"
            axis.plot([], [], label=f"{loss} loss", **look)
            for name, step in row.items():
                # the losses share a row, each on its own line
                place = names.index(name) + 0.3 * (k - (len(rows) - 1) / 2)
                if step is None:
                    axis.plot(high, place, **look, clip_on=False)
                else:
                    axis.plot(step[1:], [place, place], linewidth=1.2, color="black")
                    axis.plot(step[0], place, **look)
        if any(step is None for row in rows.values() for step in row.values()):
            axis.annotate(
                "every step", (high, -0.5), (0, 1), textcoords="offset points", ha="center", va="bottom", size=6
            )
        axis.set_xlim(low, high)
        logarithmic(axis, "x")
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_yticks(range(len(names)), [EQUATIONS.get(name, name) for name in names])
        axis.set_ylabel("equation")
        axis.set_xlabel("largest stable step over the optimiser's (line)")
        legend_of_all([axis], fontsize=7)
