"""How closely a model follows its method: the words come from gaps and intervals, before and after the method has settled."""

from typing import Any

import numpy as np
import pytest

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.claims.following import following

TIMES = np.linspace(0, 8, 17)
METHOD = 0.5 + 0.5 * np.exp(-TIMES)


def run(mean: np.ndarray, half: float = 0.001, solver: float | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"times": TIMES.tolist(), "mean": mean.tolist(), "interval": [half] * len(mean)}
    return made if solver is None else made | {"solver": [solver] * len(mean)}


def verdicts(model: dict[str, Any], method: dict[str, Any] | None = None) -> tuple[str, str]:
    series = {"method": method or run(METHOD), "first-order": model}
    found = following(series, "method", "dsgd", ("case", "a case"), "fig:a")
    assert list(found) == ["follows-case-dsgd-first-order-transient", "follows-case-dsgd-first-order-late"]
    return tuple(e["verdict"] for e in found.values())


def test_a_model_within_a_tenth_follows() -> None:
    assert verdicts(run(1.05 * METHOD)) == (Verdict.CONFIRMED, Verdict.CONFIRMED)


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_a_gap_beyond_a_tenth_is_seen_in_its_own_phase(factor: float) -> None:
    early = np.where(TIMES < 3, factor, 1.0) * METHOD
    late = np.where(TIMES > 7, factor, 1.0) * METHOD
    assert verdicts(run(early)) == (Verdict.VIOLATED, Verdict.CONFIRMED)
    assert verdicts(run(late)) == (Verdict.CONFIRMED, Verdict.VIOLATED)


def test_intervals_and_the_solver_s_error_count_on_both_sides() -> None:
    nothing = (Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)
    assert verdicts(run(1.08 * METHOD, half=0.05)) == verdicts(run(1.08 * METHOD, solver=0.02)) == nothing
    assert verdicts(run(1.13 * METHOD, solver=0.04)) == verdicts(run(METHOD), run(METHOD, half=0.4)) == nothing


def test_the_start_does_not_count_and_a_method_that_has_not_settled_is_transient_to_its_end() -> None:
    start = METHOD.copy()
    start[0] *= 3
    assert verdicts(run(start)) == (Verdict.CONFIRMED, Verdict.CONFIRMED)
    falling = np.exp(-TIMES / 4)
    found = following({"method": run(falling), "m": run(3 * falling)}, "method", "dsgd", ("case", "a case"), "fig:a")
    (piece,) = found.values()
    assert piece["compared"] == len(TIMES) - 1 and "has not settled" in piece["says"]
    last = run(np.where(TIMES > 7, 3, 1) * falling)
    (piece,) = following({"method": run(falling), "m": last}, "method", "dsgd", ("case", "a case"), "fig:a").values()
    assert piece["verdict"] == Verdict.VIOLATED


def test_times_are_counted_one_by_one() -> None:
    """One time beyond the tolerance fails, one within its interval is open; the others are neither."""
    model = METHOD.copy()
    model[[3, 5]] *= 1.5, 1.0999
    series = {"method": run(METHOD), "m": run(model)}
    first, _ = following(series, "method", "dsgd", ("case", "a case"), "fig:a").values()
    assert (first["verdict"], first["compared"], first["failing"], first["undecided"]) == (Verdict.VIOLATED, 11, 1, 1)


def test_the_largest_gap_is_told() -> None:
    model = METHOD.copy()
    model[4] *= 1.979
    found = following({"method": run(METHOD), "m": run(model)}, "method", "dsignsgd", ("case", "a case"), "fig:a")
    first, last = found.values()
    low, high = first["values"]["low"], first["values"]["high"]
    assert low < 0.979 < high < 0.99 and first["failing"] == 1 and first["compared"] == 11
    assert last["values"]["low"] == 0 and last["values"]["high"] < 0.02
    assert f"between ${100 * low:.1f}$ and ${100 * high:.1f}" in first["says"]


def test_a_gap_between_exact_means_is_one_number() -> None:
    model = METHOD.copy()
    model[4] *= 1.979
    series = {"method": run(METHOD, half=1e-14), "m": run(model, half=1e-14)}
    first, _ = following(series, "method", "dsignsgd", ("case", "a case"), "fig:a").values()
    assert r"largest gap of the mean loss $97.9\,\%$" in first["says"]
