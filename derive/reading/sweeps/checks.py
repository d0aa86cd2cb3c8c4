"""The check of a sweep before anything of it runs: its experiments are built, or enough of them."""

from __future__ import annotations

from derive.reading.sweeps.points import Sweep

#: experiments that are built at most
MOST_BUILT = 20_000


def check(sweep: Sweep) -> None:
    """Build every experiment of a sweep of at most `MOST_BUILT` points, and otherwise enough for every value to be in one.

    Raises:
        BadInput: an experiment does not exist; the message has the values of its point.
    """
    for point in sweep.points():
        point.experiment()
