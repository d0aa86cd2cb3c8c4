"""What is kept of a run of a study: estimates at the saved times, counts of blow-ups, or why it has no numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from derive.vocabulary.choices import Kind
from derive.vocabulary.errors import NoClosedForm, Refusal
from numerics.simulate.blow_up import NotANumber
from numerics.simulate.ensemble import Ensemble
from numerics.statistics.estimates import over_time

#: level of all intervals, and the quantiles between which most paths are
LEVEL, BAND = 0.95, (0.1, 0.9)
#: reasons for which a run has no numbers
CANNOT = (Refusal, NoClosedForm, NotANumber)

Failure = Refusal | NoClosedForm | NotANumber
Outcome = Ensemble | Failure


def record(kind: Kind, outcome: Outcome, quantities: tuple[str, ...]) -> dict[str, Any]:
    """A run as JSON values.

    Args:
        kind: METHOD or the name of a model.
        outcome: from `numerics.studies.together.solve_together`.
        quantities: names of those that are kept.

    Returns:
        "model" and, of a run, "times" (S,), "end" (where its last step ends), "quantities" ({name: a
        `numerics.statistics.estimates.Series` of level 0.95, null where there is no number}) and "blow_ups" ("count", and
        "by_time" (S,)); of a run without numbers those of `reason`.
    """
    if not isinstance(outcome, Ensemble):
        return {"model": kind, **reason(outcome)}
    lost = np.isfinite(outcome.blow_up)
    return {
        "model": kind,
        "times": outcome.times.tolist(),
        "end": outcome.settings["end"],
        "quantities": {name: _numbers(outcome.values[name]) for name in quantities},
        "blow_ups": {"count": int(lost.sum()), "by_time": outcome.blow_ups.tolist() if lost.any() else [0] * len(outcome.times)},
    }


def _numbers(values: np.ndarray) -> dict[str, list[float | None]]:
    """The estimates of `series`, without what is the same for every run."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = over_time(values, *BAND, LEVEL)
    return {name: _listed(array) for name, array in vars(found).items() if isinstance(array, np.ndarray)}


def _listed(array: np.ndarray) -> list[float | None]:
    return array.tolist() if np.isfinite(array).all() else [v if math.isfinite(v) else None for v in array.tolist()]


def series(values: np.ndarray) -> dict[str, Any]:
    """Estimates at each saved time from values (S, paths), as JSON values."""
    with np.errstate(over="ignore", invalid="ignore"):
        return over_time(values, *BAND, LEVEL).to_dict()


def reason(error: Failure) -> dict[str, Any]:
    """Why a run has no numbers: "refused" (the kind), "message", and "exists", whether the model exists but cannot be solved."""
    kind = error.kind if isinstance(error, Refusal) else "no-closed-form" if isinstance(error, NoClosedForm) else "no-number"
    message = error.message if isinstance(error, Refusal) else str(error)
    return {"refused": kind, "message": message, "exists": isinstance(error, NoClosedForm)}
