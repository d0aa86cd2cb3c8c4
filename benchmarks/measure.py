"""Times of functions in one process: warmed up, interleaved, medians with their quartiles.

Times are those of the processors, all threads together, unless a case says otherwise: by the clock, a work on all cores would be
compared with a peer on one of them. What else runs on the machine hardly changes them.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

from benchmarks.cases import Case
from benchmarks.peers import Absent, Work


@final
@dataclass(frozen=True)
class Times:
    """Seconds: the median, and the quartiles beside it, of so many repetitions."""

    median: float
    low: float
    high: float
    repetitions: int


@final
@dataclass(frozen=True)
class Row:
    """A case measured. `ratio` is own/peer of the medians, with the quartiles of the ratios of neighbouring repetitions.

    `clock` says that the seconds are those of the clock, and not of the processors; `missing`, why there is no peer.
    """

    name: str
    against: str
    own: Times | None
    peer: Times | None
    ratio: float | None
    low: float | None
    high: float | None
    aim: float | None
    clock: bool = False
    missing: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is what was aimed at; None where nothing was, or nothing measured."""
        return None if self.ratio is None or self.aim is None else self.ratio <= self.aim

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "reached": self.reached}


#: seconds for which works are repeated at least; for a quick look
SPAN, QUICK = 4.0, 0.3


def seconds(
    works: Mapping[str, Work], repetitions: int, clock: bool = False, span: float = SPAN
) -> dict[str, np.ndarray]:
    """Seconds of each function, one after the other and then again, after one call that compiles.

    Args:
        works: what is called, by name.
        repetitions: how often at least; what is short is repeated until `span` seconds have passed, since its times scatter most.
        clock: by the clock, in place of the processors' time.
    """
    now = time.perf_counter if clock else time.process_time
    for work in works.values():
        work()
    durations: dict[str, list[float]] = {name: [] for name in works}
    started = time.perf_counter()
    while len(durations[next(iter(works))]) < repetitions or time.perf_counter() - started < span:
        for name, work in works.items():
            begin = now()
            work()
            durations[name].append(now() - begin)
    return {name: np.array(t) for name, t in durations.items()}


def summary(durations: np.ndarray) -> Times:
    """Median and quartiles."""
    low, median, high = np.quantile(durations, [0.25, 0.5, 0.75])
    return Times(float(median), float(low), float(high), len(durations))


def measured(case: Case, repetitions: int, span: float = SPAN) -> Row:
    """One row."""
    try:
        works = {"own": case.ours(), "peer": case.peer()}
    except Absent as error:
        return Row(case.name, case.against, None, None, None, None, None, case.aim, case.clock, str(error))
    durations = seconds(works, repetitions, case.clock, span)
    ours, peer = summary(durations["own"]), summary(durations["peer"])
    low, high = np.quantile(durations["own"] / durations["peer"], [0.25, 0.75])
    return Row(
        case.name, case.against, ours, peer, ours.median / peer.median, float(low), float(high), case.aim, case.clock
    )
