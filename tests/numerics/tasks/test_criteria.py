"""The criteria of the experiments: planted runs flip each."""

from __future__ import annotations

import numpy as np
import pytest

from derive.vocabulary.errors import BadInput
from numerics.statistics.estimates import ranks
from numerics.tasks import criteria as claims

TIMES = np.linspace(0, 1, 5)


def falling(last: float, seed: int = 0, start: float = 1.0) -> np.ndarray:
    """Losses (5, 14) from `start` to about `last`."""
    spread = np.random.default_rng(seed).uniform(0.98, 1.02, 14)
    return start * (last / start) ** TIMES[:, None] * spread


def flat(level: float, seed: int = 0) -> np.ndarray:
    """A loss that drops from 1 and then stays where it is."""
    losses = level * np.random.default_rng(seed).uniform(0.98, 1.02, (5, 14))
    losses[0] = 1.0
    return losses


def test_divergence_with_compression_is_seen_and_not_seen() -> None:
    assert claims.diverges([falling(0.1), falling(0.5), falling(3.0)], 1.0).each == ("falls", "falls", "grows")
    assert claims.diverges([falling(0.1), falling(0.5), falling(3.0)], 1.0).verdict == "SEEN"
    assert claims.diverges([falling(0.1), falling(0.5), falling(0.9)], 1.0).verdict == "SEEN TO FAIL"
    assert claims.diverges([falling(2.0), falling(3.0)], 1.0).reason == "grows first, grows last"
    mixed = falling(1.0)
    mixed[-1, :7], mixed[-1, 7:] = 0.5, 2.0  # half of the seeds this way, half that way
    found = claims.diverges([falling(0.1), mixed], 1.0)
    assert found.each[1] == "open" and found.verdict == "UNDECIDED"


def test_falling_needs_an_end_below_half_of_the_start_and_below_half_way() -> None:
    assert claims.falls([falling(0.1), falling(0.4)], 1.0).verdict == "SEEN"
    assert claims.falls([falling(0.1), flat(0.45)], 1.0).verdict == "UNDECIDED"  # level, as far as the seeds can tell
    assert claims.falls([falling(0.1), falling(1.2)], 1.0).verdict == "SEEN TO FAIL"  # grows
    rising = flat(0.3)
    rising[-1] *= 1.2
    assert claims.falls([falling(0.1), rising], 1.0).each == ("falls", "does not fall")
    little = claims.falls([falling(0.1), falling(0.9)], 1.0)
    assert little.verdict == "UNDECIDED" and little.each[1] == "falls by less than half"
    done = np.full((5, 14), 1e-14)
    done[0] = 1.0
    assert claims.falls([done], 1.0).verdict == "SEEN"  # rounding falls no further
    assert claims.falls([1e4 * done], 1.0).verdict == "SEEN TO FAIL"
    back = falling(4.0)[::-1] / 2  # falls all the time, but ends above what is called the start
    assert claims.falls([back], float(back[-1].min()) / 2).verdict == "SEEN TO FAIL"


def test_worse_is_about_the_last_setting_and_a_fair_comparison() -> None:
    low, high = falling(0.1)[-1], falling(0.2, seed=1)[-1]
    seen = claims.worse([low, high], [high, low])
    assert seen.verdict == "SEEN" and seen.each == ("better", "worse")
    better = claims.worse([high, low], [low, high])
    assert better.reason == "better" and better.verdict == "SEEN TO FAIL"
    level = claims.worse([low], [falling(0.1, seed=2)[-1]])
    assert level.verdict == "UNDECIDED" and level.reason == "no difference"
    unfair = claims.worse([high, low], [low, high], ["", "lengths differ"])
    assert unfair.reason == "lengths differ" and unfair.verdict == "UNDECIDED"
    assert claims.worse([low, high], [high, low], ["lengths differ", ""]).verdict == "SEEN"


def test_stalling_is_stable_and_level() -> None:
    assert claims.stalls([flat(0.3), flat(0.5)], [0, 0], 1.0).verdict == "SEEN"
    moving = claims.stalls([flat(0.3), falling(0.1)], [0, 0], 1.0)
    assert moving.reason == "still falls" and moving.verdict == "SEEN TO FAIL"
    assert claims.stalls([flat(0.3), flat(0.5)], [0, 1], 1.0).reason == "unstable"
    assert claims.stalls([flat(1.5)], [0], 1.0).each == ("unstable",)
    slow = flat(0.5)
    slow[-1] *= np.where(np.arange(14) < 7, 0.8, 1.0)
    open_ = claims.stalls([slow], [0], 1.0)
    assert open_.each == ("open",) and open_.verdict == "UNDECIDED"


def test_blown_up_runs_are_outcomes_and_few_seeds_are_refused() -> None:
    losses = claims.capped([0.5, np.nan, np.inf, 5000.0, -1e-17], 2.0)
    assert losses.tolist() == [0.5, 2000.0, 2000.0, 2000.0, 0.0]
    for bad in (np.ones(9), np.full(10, np.nan), np.ones((2, 10))):
        with pytest.raises(BadInput):
            claims.median(bad)
    with pytest.raises(BadInput):
        claims.falls([np.ones((4, 12))], 1.0)


def test_levels_are_shared_by_the_intervals_of_a_claim() -> None:
    values = np.arange(1.0, 29.0)
    alone, one_of_ten = claims.median(values), claims.median(values, 10)
    assert one_of_ten.lower < alone.lower and alone.upper < one_of_ten.upper
    assert one_of_ten.level == pytest.approx(0.995) and one_of_ten.lower == values[ranks(28, 0.5, 0.995)[1] - 1]
