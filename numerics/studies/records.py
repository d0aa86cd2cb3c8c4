"""The records of a study's runs: estimates at the saved times, counts of blow-ups, or the reason why there are no numbers."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from sdescent.derive.vocabulary.choices import Kind
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.settings import NotANumber
from sdescent.numerics.statistics.estimates import over_time

#: level of all intervals, and the quantiles of the band that contains most paths
LEVEL, BAND = 0.95, (0.1, 0.9)
#: largest number of values that are summarised in one call: 8 MiB
TOGETHER = 2**20
#: exceptions for which a run has no numbers
CANNOT = (Refusal, NoClosedForm, NotANumber)
#: largest share of the mean that one path may have, absolute and relative to its average H_n/n for exponential values (n paths):
#: one term makes a sum of heavy tails large, but not a sum of values with a variance (O'Brien 1980)
MOST_SHARE, MOST_TIMES = 0.1, 4.0

Failure = Refusal | NoClosedForm | NotANumber
Outcome = Ensemble | Failure


class Unseen(StrEnum):
    """The reasons why the sample does not show a mean, so that its interval from the central limit theorem is unsound."""

    #: second moments grow without bound and faster than the square of the mean (`sdescent.numerics.without_sampling.closed_moments`)
    GROWTH = "mean-square growth"
    #: one path has too large a share of the sum over all paths (`MOST_SHARE`)
    ONE_PATH = "one path"


def unseen(largest: float, total: float, paths: int, growth: float | None) -> list[str]:
    """The reasons why the sample does not show a mean at the last saved time; [] if there are none.

    Args:
        largest, total: the largest absolute value over paths, and the sum of the absolute values.
        paths: the number of paths that did not blow up.
        growth: from `sdescent.numerics.without_sampling.closed_moments.mean_square_growth`.
    """
    # for larger n, 4 H_n/n < 1/10
    usual = sum(1 / n for n in range(1, paths + 1)) / paths if 0 < paths <= 1000 else 0.0
    one = paths > 1 and largest > max(MOST_SHARE, MOST_TIMES * usual) * total
    return [reason.value for reason, holds in ((Unseen.GROWTH, growth is not None), (Unseen.ONE_PATH, one)) if holds]


def unseen_in(values: np.ndarray, growth: float | None) -> list[str]:
    """The reasons of `unseen`, from the values of all paths."""
    sizes = np.abs(values[np.isfinite(values)])
    return unseen(float(sizes.max(initial=0.0)), float(sizes.sum()), len(sizes), growth)


def records(
    kind: Kind,
    outcomes: Sequence[Outcome],
    quantities: Sequence[tuple[str, ...]],
    growths: Sequence[float | None] | None = None,
) -> list[dict[str, Any]]:
    """The records of runs, as JSON values.

    Args:
        kind: METHOD or the name of a model.
        outcomes: from `sdescent.numerics.studies.together.solve_together`.
        quantities: for each run, the names of the quantities to keep.
        growths: for each run, from `sdescent.numerics.without_sampling.closed_moments.mean_square_growth`.

    Returns:
        For each run "model" and, if it has numbers, "times" (S,), "end" (the end of its last step), "quantities" ({name: a
        `sdescent.numerics.statistics.estimates.Series` of level 0.95, null where there is no number}), "blow_ups" ("count", and
        "by_time" (S,)), "growth" and "unseen" ({name: reasons of `Unseen` at the last time}). If it has none, the entries of
        `reason`.
    """
    ran = {n: outcome for n, outcome in enumerate(outcomes) if isinstance(outcome, Ensemble)}
    columns = [(n, name) for n in ran for name in quantities[n]]
    estimates: dict[int, dict[str, Any]] = {n: {} for n in ran}
    for (n, name), estimate in zip(columns, _all_numbers([ran[n].values[name] for n, name in columns]), strict=True):
        estimates[n][name] = estimate
    listed: list[dict[str, Any]] = []
    for n, outcome in enumerate(outcomes):
        if not isinstance(outcome, Ensemble):
            listed.append({"model": kind, **reason(outcome)})
            continue
        lost, growth = np.isfinite(outcome.blow_up), None if growths is None else growths[n]
        by_time = outcome.blow_ups.tolist() if lost.any() else [0] * len(outcome.times)
        record = {
            "model": kind,
            "times": outcome.times.tolist(),
            "end": outcome.settings["end"],
            "quantities": estimates[n],
            "blow_ups": {"count": int(lost.sum()), "by_time": by_time},
            "growth": growth,
            "unseen": {name: unseen_in(outcome.values[name][-1], growth) for name in quantities[n]},
        }
        listed.append(record)
    return listed


def _all_numbers(arrays: Sequence[np.ndarray]) -> list[dict[str, list[float | None]]]:
    """`_numbers` of each array. Small arrays of one shape are summarised together, which is faster than one call for each."""
    results: dict[int, dict[str, list[float | None]]] = {}
    groups: dict[tuple[int, ...], list[int]] = {}
    for n, array in enumerate(arrays):
        groups.setdefault(array.shape, []).append(n)
    for (count, paths), places in groups.items():
        most = max(1, TOGETHER // max(1, count * paths))
        for first in range(0, len(places), most):
            part = places[first : first + most]
            stacked = np.stack([arrays[n] for n in part])
            finite = [bool(np.isfinite(one).all()) for one in stacked]
            results.update((n, _numbers(arrays[n])) for n, whole in zip(part, finite, strict=True) if not whole)
            whole = [n for n, complete in zip(part, finite, strict=True) if complete]
            if not whole:
                continue
            rows = {name: a.reshape(-1, count) for name, a in _estimates(stacked[finite].reshape(-1, paths)).items()}
            columns = {name: _listed(a) for name, a in rows.items()}
            results.update((n, {name: column[row] for name, column in columns.items()}) for row, n in enumerate(whole))
    return [results[n] for n in range(len(arrays))]


def _numbers(values: np.ndarray) -> dict[str, list[float | None]]:
    """The estimates of `series`, without the fields that are the same for every run."""
    return {name: _listed(array) for name, array in _estimates(values).items()}


def _estimates(values: np.ndarray) -> dict[str, np.ndarray]:
    with np.errstate(over="ignore", invalid="ignore"):
        estimates = over_time(values, *BAND, LEVEL)
    return {name: array for name, array in vars(estimates).items() if isinstance(array, np.ndarray)}


def _listed(array: np.ndarray) -> list[Any]:
    """An array of any shape as lists, with None where it is not finite."""
    finite = np.isfinite(array)
    if not finite.all():
        array = array.astype(object)
        array[~finite] = None
    return array.tolist()


def series(values: np.ndarray) -> dict[str, Any]:
    """The estimates at each saved time from values (S, paths), as JSON values."""
    with np.errstate(over="ignore", invalid="ignore"):
        return over_time(values, *BAND, LEVEL).to_dict()


def reason(error: Failure) -> dict[str, Any]:
    """Why a run has no numbers: "refused" (the kind), "message", and "exists" (whether the model exists but cannot be solved)."""
    if isinstance(error, Refusal):
        return {"refused": error.kind, "message": error.message, "exists": False}
    exists = isinstance(error, NoClosedForm)
    return {"refused": "no-closed-form" if exists else "no-number", "message": str(error), "exists": exists}
