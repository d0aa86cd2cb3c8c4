"""The criteria of the experiments: planted runs flip each."""

import numpy as np
import pytest

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.estimates import ranks
from sdescent.numerics.tasks import criteria as claims
from sdescent.numerics.tasks.verdicts import DISAGREE, combined

TIMES = np.linspace(0, 1, 13)


def falling(last: float, seed: int = 0, start: float = 1.0) -> np.ndarray:
    """Losses (13, 14) from `start` to about `last`."""
    spread = np.random.default_rng(seed).uniform(0.98, 1.02, 14)
    return start * (last / start) ** TIMES[:, None] * spread


def flat(level: float, seed: int = 0) -> np.ndarray:
    """A loss that drops from 1 and then stays where it is."""
    losses = level * np.random.default_rng(seed).uniform(0.98, 1.02, (13, 14))
    losses[0] = 1.0
    return losses


def test_divergence_with_compression_is_seen_and_not_seen() -> None:
    seen = claims.diverges([falling(0.1), falling(0.5), falling(3.0)], 1.0)
    assert seen.each == ("falls", "falls", "grows") and seen.verdict == "SEEN"
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
    done = np.full((13, 14), 1e-14)
    done[0] = 1.0
    assert claims.falls([done], 1.0).verdict == "SEEN"  # rounding falls no further
    assert claims.falls([1e4 * done], 1.0).verdict == "SEEN TO FAIL"


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


def test_stalling_is_stable_and_stationary() -> None:
    assert claims.stalls([flat(0.3), flat(0.5)], [0, 0], 1.0).verdict == "SEEN"
    for rate in (0.1, 0.6):  # what still falls, or still rises, is not at its floor yet: undecided, not a failure
        falls, rises = falling(rate), falling(rate)[::-1].copy()
        rises[0] = 1.0
        for moving, word in ((falls, "still falls"), (rises * 0.9, "still rises")):
            found = claims.stalls([flat(0.3), moving], [0, 0], 1.0)
            assert found.verdict == "UNDECIDED" and found.reason == f"not yet stationary: {word}", (rate, found)
    blown = claims.stalls([flat(0.3), flat(0.5)], [0, 1], 1.0)
    assert (blown.verdict, blown.reason, blown.change) == ("SEEN TO FAIL", "unstable", None)
    assert blown.hindered == "1 runs left the bound"
    assert claims.stalls([flat(1.5)], [0], 1.0).each == ("unstable",)
    done = claims.stalls([flat(1e-14)], [0], 1.0)
    assert done.each == ("at the minimum",) and done.verdict == "SEEN TO FAIL"


def test_the_last_quarters_agree_or_not() -> None:
    """The ratio of the means of the last two quarters, against a direct loop."""
    rng = np.random.default_rng(3)
    loss = rng.uniform(1, 2, (13, 11))
    late = [[loss[n, s] for n in range(13) if n / 12 > 0.75] for s in range(11)]
    before = [[loss[n, s] for n in range(13) if 0.5 < n / 12 <= 0.75] for s in range(11)]
    wanted = [np.mean(a) / np.mean(b) for a, b in zip(late, before, strict=True)]
    np.testing.assert_allclose(claims.quarters(loss, 1.0), wanted, rtol=1e-13)
    drift = flat(0.4) * (1 + 0.12 * TIMES)[:, None]  # by 3 % a quarter, which the tolerance allows
    assert claims.stationary(drift, 1.0)[0] == "stationary"
    assert claims.stationary(flat(0.4) * (1 + 0.9 * TIMES)[:, None], 1.0)[0] == "still rises"  # by 16 %
    rounding = np.where(np.arange(13)[:, None] < 10, 1e-14, 1e-17) * np.ones(14)
    assert claims.stationary(rounding, 1.0)[0] == "stationary"
    with pytest.raises(BadInput):
        claims.quarters(np.ones((5, 14)), 1.0)


def test_settling_allows_a_floor_and_no_rise() -> None:
    seen = claims.settles([flat(0.3), falling(0.1)], 1.0)
    assert seen.verdict == "SEEN" and seen.each == ("level", "falls")
    assert claims.falls([flat(0.3)], 1.0).verdict == "UNDECIDED"  # a floor is not convergence
    assert claims.settles([flat(0.3), flat(0.7)], 1.0).each == ("level", "falls by less than half")
    rising = flat(0.1) * (1 + 0.9 * TIMES)[:, None]
    assert claims.settles([rising], 1.0).verdict == claims.settles([flat(1.5)], 1.0).verdict == "SEEN TO FAIL"


def test_a_bound_on_a_mean_is_met_or_not() -> None:
    values = [np.random.default_rng(n).uniform(0.9, 1.1, 30) for n in range(2)]
    assert claims.bounded(values, [1.2, 1.2]).verdict == "SEEN"
    failing = claims.bounded(values, [1.2, 0.9])
    assert failing.each == ("below", "not below") and failing.verdict == "SEEN TO FAIL"
    assert claims.bounded(values, [1.2, 1.001]).verdict == "UNDECIDED"
    gone = claims.bounded([values[0], np.append(values[1], np.inf)], [1.2, 1.2])
    assert gone.verdict == "SEEN TO FAIL" and gone.hindered == "1 runs left the bound"


def test_two_studies_decide_only_together() -> None:
    assert combined(["SEEN", "SEEN"]) == ("SEEN", "") and combined(["SEEN TO FAIL"] * 2) == ("SEEN TO FAIL", "")
    assert combined(["UNDECIDED"] * 2) == ("UNDECIDED", "no study decides")
    assert combined(["SEEN", "UNDECIDED"]) == combined(["SEEN", "SEEN TO FAIL"]) == ("UNDECIDED", DISAGREE)


def test_what_would_change_a_verdict_changes_it() -> None:
    """The change that a finding names is made, plus and minus a thousandth: the verdict changes, or does not."""
    first = falling(0.1)
    for last, verdict in ((3.0, "SEEN"), (0.9, "SEEN TO FAIL"), (1.002, "UNDECIDED")):
        found = claims.diverges([first, falling(last)], 1.0)
        change = found.change
        assert found.verdict == verdict and change is not None and change.condition.setting == 1
        step = change.condition.boundary - change.end
        for nudge, then in ((-1e-3, verdict), (1e-3, change.to)):
            moved = falling(last)
            moved[-1] += step + nudge * np.sign(step)
            assert claims.diverges([first, moved], 1.0).verdict == then
        assert change.to != verdict
    seen = claims.falls([falling(0.1), falling(0.4)], 1.0).change
    assert seen is not None and seen.to == "UNDECIDED" and seen.upper and seen.condition.quantity == claims.LAST
    assert seen.condition.setting == 1 and seen.condition.boundary == claims.HALF  # the nearest of all conditions
    unfair = claims.worse([first[-1]], [2 * first[-1]], ["lengths differ"])
    assert unfair.change is None and unfair.hindered == "lengths differ"


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


def test_the_earlier_criteria_differ_where_a_loss_hardly_falls_or_falls_on() -> None:
    """Without the half a small fall is seen and a loss that grows still fails; by the ratio runs that fall on stall or fail."""
    little, grown = claims.falls([falling(0.1), falling(0.9)], 1.0), claims.falls([falling(0.1), falling(1.2)], 1.0)
    assert (little.verdict, claims.without_half(little)) == ("UNDECIDED", "SEEN")
    assert grown.verdict == claims.without_half(grown) == "SEEN TO FAIL"
    assert claims.without_half(claims.settles([falling(0.9)], 1.0)) == "SEEN"
    later = np.linspace(0.5, 0.4, 12)[:, None] * falling(1.0)[1:]  # 0.4/0.45 < 0.9
    slowly = np.concatenate([np.full((1, 14), 1.0), later])
    fails = "SEEN TO FAIL"
    for losses, now, before in ((flat(0.3), "SEEN", "SEEN"), (slowly, "SEEN", fails), (falling(1.5), fails, fails)):
        assert claims.stalls([losses], [0], 1.0).verdict == now and claims.stalls_by_ratio([losses], [0], 1.0) == before
    assert claims.stalls_by_ratio([flat(0.3)], [1], 1.0) == "SEEN TO FAIL"  # a run left the bound


def test_a_quantity_grows_with_another_by_the_ranks_of_each_start() -> None:
    """Twelve starts with one ordering each: all up, all down, and half of them; one start counts once, however many points."""
    first = np.random.default_rng(3).uniform(size=(6, 12))
    up, down = np.exp(first), 1 / (1 + first)
    assert claims.grows_with(first, up).verdict == Verdict.SEEN and claims.grows_with(first, up).each == ("grows",)
    assert claims.grows_with(first, down).verdict == Verdict.SEEN_TO_FAIL
    mixed = np.where(np.arange(12) % 2, up, down)
    growth = claims.grows_with(first, mixed)
    assert growth.verdict == Verdict.UNDECIDED and (growth.estimates[0].lower, growth.estimates[0].upper) == (-1.0, 1.0)
    last = first.copy()
    last[-1] = 0.0  # ranks, not sizes: one point out of order costs little
    assert 0 < claims.grows_with(first, last).estimates[0].value < 1
