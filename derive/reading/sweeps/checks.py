"""The check of a sweep before anything of it runs: its experiments are built, or enough of them."""

from __future__ import annotations

from collections.abc import Iterator

from derive.reading.sweeps.plans import REMEDY, Chosen, Plan
from derive.reading.sweeps.points import Sweep
from derive.vocabulary.errors import BadInput

#: experiments that are built at most of each block
MOST_BUILT = 20_000
_TRIED = 64  # other values of each axis, to find out which values do not go together


def check(sweep: Sweep, most: int = MOST_BUILT) -> None:
    """Build every experiment of a sweep of at most `most` points; of a longer one, enough for every value to be in one.

    Of an axis of more than `most` values, so many are tried, evenly spread, the first and the last among them.

    Raises:
        BadInput: an experiment does not exist; the message has the values of its point and, where every one of them is in an
            experiment that exists, how to write a sweep without that combination.
    """
    if len(sweep) <= most:
        for point in sweep.points():
            _built(sweep, point.plan, point.rows)
        return
    for plan in sweep.plans:
        for rows in covering(plan, most):
            _built(sweep, plan, rows)


def covering(plan: Plan, most: int) -> Iterator[Chosen]:
    """Combinations of a block in which every value of every axis occurs, where no axis has more than `most`."""
    lengths = [len(factor.rows) for factor in plan.factors]
    built = min(max(lengths), most)
    for n in range(built):
        # what is longer than that is gone through once with long strides, and what is shorter again and again
        at = (n % length if length <= built else n * (length - 1) // max(built - 1, 1) for length in lengths)
        yield tuple(factor.rows[k] for factor, k in zip(plan.factors, at, strict=True))


def _built(sweep: Sweep, plan: Plan, rows: Chosen) -> None:
    try:
        plan.experiment(rows, sweep.axes)
    except BadInput as error:
        if _healers(plan, rows) < 2:
            raise
        raise BadInput(error.field, error.found, f"{error.accepted}; {REMEDY}", error.column) from None


def _healers(plan: Plan, rows: Chosen) -> int:
    """The number of axes of which another value makes an experiment of a combination that is none.

    Where it is one, its value alone may be at fault; where it is more, the values do not go together.
    """
    found = 0
    for n, factor in enumerate(plan.factors):
        others = (factor.rows[k] for k in range(min(len(factor.rows), _TRIED)))
        found += any(_exists(plan, (*rows[:n], other, *rows[n + 1 :])) for other in others)
    return found


def _exists(plan: Plan, rows: Chosen) -> bool:
    try:
        plan.experiment(rows, ())
    except BadInput:
        return False
    return True
