"""Descriptions of the heat maps in words, computed from their data."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sdescent.reports.document.tex import listed, number
from sdescent.reports.paper.sweeps.figures import DESCENT, TITLES

METHOD = "method"
#: relative distance within which a line coincides with the method's
_SAME = 1e-9


def all_of(pieces: Mapping[str, Any]) -> dict[str, str]:
    """A description of each figure, in LaTeX. `pieces` are those of the section."""
    return {
        "compression": lines(pieces["compression"]["thresholds"]),
        "clients": lines(pieces["clients"]["thresholds"]),
        "quartic": growth(pieces["quartic"]["seen"]),
        "schedules": blow_ups(pieces["schedules"]),
    }


def lines(thresholds: Mapping[str, Any]) -> str:
    """The position of each model's threshold relative to the method's, over all settings of a figure."""
    method = np.asarray(thresholds[METHOD], float)
    places: dict[str, list[str]] = {
        "the method's": [],
        "nowhere below the method's": [],
        "in parts below the method's": [],
    }
    equal, above, below = places.values()
    for name, values in thresholds.items():
        if name != METHOD:
            other = np.asarray(values, float)
            same = np.isclose(other, method, rtol=_SAME, atol=0)
            (equal if same.all() else above if np.all(same | (other > method)) else below).append(name)
    return "; ".join(
        f"the threshold of the {listed(names)} model{'s' if len(names) > 1 else ''} is {where}"
        for where, names in places.items()
        if names
    )


def growth(intervals: Mapping[str, Sequence[str]]) -> str:
    r"""The q from which each panel is dark: between two neighbouring cells, or nowhere if the second is \infty."""
    sentences, never = [], []
    for name, (low, high) in intervals.items():
        words = DESCENT if name == METHOD else f"the {name} model"
        if high == number(float("inf")):
            never.append(words)
        else:
            sentences.append(rf"{words} from a $q$ between ${low}$ and ${high}$ on")
    nowhere = [f"{listed(never)} nowhere"] if never else []
    return "dark is " + ", ".join([*sentences, *nowhere])


def blow_ups(schedules: Mapping[str, Any]) -> str:
    """The starts from which gradient descent blows up, above and below its threshold, and the blow-ups of the other methods."""
    above = np.asarray(schedules["q"])[None, :] >= np.asarray(schedules["thresholds"])[:, None]
    method = np.asarray(schedules["blown"][METHOD]) > 0
    sentences = [
        f"{DESCENT} blows up from {np.sum(method & above)} of {np.sum(above)} starts on or above the line and from "
        f"{np.sum(method & ~above)} of {np.sum(~above)} below it"
    ]
    rest = {TITLES[name]: np.asarray(share) for name, share in schedules["blown"].items() if name != METHOD}
    sentences += [
        rf"of {name} there are blow-ups in {np.sum(share > 0)} of {share.size} cells, {np.sum((share > 0) & ~above)} of them below"
        for name, share in rest.items()
        if share.any()
    ]
    never = [name for name, share in rest.items() if not share.any()]
    return "; ".join([*sentences, *([f"there are none of {listed(never)}"] if never else [])])
