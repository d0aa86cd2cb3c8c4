"""The check of a sweep before it runs: all its experiments are built, or enough of them."""

from __future__ import annotations

from sdescent.derive.reading.sweeps.panels import check_displays
from sdescent.derive.reading.sweeps.plans import REMEDY, Chosen, Plan, covering
from sdescent.derive.reading.sweeps.points import Sweep
from sdescent.derive.vocabulary.errors import BadInput

#: the largest number of experiments that are built of a block
MOST_BUILT = 20_000
_TRIED = 64  # other values of each axis, to learn which values do not go together


def check(sweep: Sweep, most: int = MOST_BUILT) -> None:
    """Build every experiment of a sweep of at most `most` points; of a longer sweep, enough that each value is in one.

    Of an axis of more than `most` values, `most` are tried, evenly spread, with the first and the last.

    Then thresholds, bounds and figures are checked with them.

    Raises:
        BadInput: an experiment does not exist. The message has the values of its point and, if only their combination is at fault,
            the way to write a sweep without it. Or as for `check_displays`.
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
    """The number of axes whose change turns a bad combination into an experiment.

    If it is one, the value of that axis alone may be at fault; if it is more, the values do not go together.
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
