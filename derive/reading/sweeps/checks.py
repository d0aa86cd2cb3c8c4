"""The check of a sweep before anything of it runs: its experiments are built, or enough of them."""

from __future__ import annotations

from sdescent.derive.reading.sweeps.panels import check_displays
from sdescent.derive.reading.sweeps.plans import REMEDY, Chosen, Plan, covering
from sdescent.derive.reading.sweeps.points import Sweep
from sdescent.derive.vocabulary.errors import BadInput

#: experiments that are built at most of each block
MOST_BUILT = 20_000
_TRIED = 64  # other values of each axis, to find out which values do not go together


def check(sweep: Sweep, most: int = MOST_BUILT) -> None:
    """Build every experiment of a sweep of at most `most` points; of a longer one, enough for every value to be in one.

    Of an axis of more than `most` values, so many are tried, evenly spread, the first and the last among them.

    Then thresholds, bounds and figures are checked with them.

    Raises:
        BadInput: an experiment does not exist; the message has the values of its point and, where every one of them is in an
            experiment that exists, how to write a sweep without that combination. Or as `check_displays`.
    """
    every = ((point.plan, point.rows) for point in sweep.points())
    enough = ((plan, rows) for plan in sweep.plans for rows in covering(plan, most))
    for plan, rows in every if len(sweep) <= most else enough:
        try:
            plan.experiment(rows, sweep.axes)
        except BadInput as error:
            if _healers(plan, rows) < 2:
                raise
            raise BadInput(error.field, error.value, f"{error.accepted}; {REMEDY}", error.column) from None
    check_displays(sweep)


def _healers(plan: Plan, rows: Chosen) -> int:
    """The number of axes of which another value makes an experiment of a combination that is none.

    Where it is one, its value alone may be at fault; where it is more, the values do not go together.
    """
    count = 0
    for n, factor in enumerate(plan.factors):
        others = (factor.rows[k] for k in range(min(len(factor.rows), _TRIED)))
        count += any(_exists(plan, (*rows[:n], other, *rows[n + 1 :])) for other in others)
    return count


def _exists(plan: Plan, rows: Chosen) -> bool:
    try:
        plan.experiment(rows, ())
    except BadInput:
        return False
    return True
