"""Verdicts: each of the three comes out where it should, and a heavy tail is not passed where a CLT interval would pass it."""

import json

import numpy as np
import pytest

from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.estimates import CENTRAL_LIMIT, EXACT, Estimate, mean
from sdescent.numerics.statistics.verdicts import CERTAIN, FEW, HEAVY, SOLVER, decide, judge
from tests.numerics.refusals import refused


def drawing(function, seed=1):
    """Path n has the same value however it is drawn."""

    def sample(n, first):
        return function(np.array([np.random.default_rng((seed, first + i)).uniform() for i in range(n)]))

    return sample


UNIFORM = drawing(lambda u: u)


@pytest.mark.parametrize(
    ("lower", "upper", "error", "verdict", "reason"),
    [
        (0.1, 0.9, 0.0, Verdict.CONFIRMED, ""),
        (0.1, 1.0, 0.0, Verdict.CONFIRMED, ""),
        (1.1, 1.9, 0.0, Verdict.VIOLATED, ""),
        (1.0, 1.9, 0.0, Verdict.INCONCLUSIVE, FEW),
        (0.5, 1.5, 0.0, Verdict.INCONCLUSIVE, FEW),
        (0.1, 0.9, 0.2, Verdict.INCONCLUSIVE, SOLVER),
        (1.1, 1.9, 0.2, Verdict.INCONCLUSIVE, SOLVER),
        (-np.inf, np.inf, 0.0, Verdict.INCONCLUSIVE, HEAVY),
    ],
)
def test_the_rule(lower, upper, error, verdict, reason):
    found = judge(Estimate((max(lower, -9) + min(upper, 9)) / 2, lower, upper, 0.95, 10, 0, EXACT), 1.0, error)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_an_interval_by_the_central_limit_theorem_decides_nothing():
    found = judge(Estimate(0.5, 0.1, 0.9, 0.95, 10, 0, CENTRAL_LIMIT), 1.0)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, HEAVY)


def test_each_verdict_from_paths():
    above = decide(UNIFORM, 0.6, 0, 1, most=4000)
    below = decide(UNIFORM, 0.4, 0, 1, most=4000)
    near = decide(UNIFORM, 0.5, 0, 1, most=4000)
    assert (above.verdict, below.verdict, near.verdict) == (Verdict.CONFIRMED, Verdict.VIOLATED, Verdict.INCONCLUSIVE)
    assert near.reason == FEW and near.paths == 4000 and above.paths < 4000
    more = decide(UNIFORM, 0.6, 0, 1, most=4000, least=4000)
    assert more.verdict is Verdict.CONFIRMED and more.paths == 4000 and more.tightness_lower > above.tightness_lower
    # too few paths for what more of them decide
    assert decide(UNIFORM, 0.6, 0, 1, batch=16, most=16).reason == FEW
    assert decide(UNIFORM, 0.6, 0, 1, most=4000, error=0.2).reason == SOLVER
    assert decide(UNIFORM, 0.6, 0, 1, most=4000, error=0.02).verdict is Verdict.CONFIRMED


def test_a_planted_wrong_bound_is_violated():
    """Truth 1/3, a functional in [0, 1]."""
    square = drawing(lambda u: u**2)
    assert decide(square, 0.8 / 3, 0, 1, most=6000).verdict is Verdict.VIOLATED
    assert decide(square, 1 / 2.4, 0, 1, most=6000).verdict is Verdict.CONFIRMED


def test_a_rare_blow_up_is_not_passed():
    """X = 10^9 with probability 10^-6, else 1/2: E X = 1000.5. A CLT interval of 4,000 paths confirms a bound of 1."""
    heavy = drawing(lambda u: np.where(u < 1e-6, 1e9, 0.5 + 0 * u))
    assert mean(heavy(4000, 0)).upper < 1
    found = decide(heavy, 1.0, most=4000)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, HEAVY)
    assert judge(mean(heavy(4000, 0)), 1.0).reason == HEAVY
    # of X >= 0 alone a bound can be violated, and is never confirmed
    assert decide(heavy, 0.4, low=0, cap=2.0, most=4000).verdict is Verdict.VIOLATED
    assert decide(heavy, 1.0, low=0, cap=2.0, most=4000).verdict is Verdict.INCONCLUSIVE
    # the truncated functional is another one, and bounded
    assert decide(lambda n, first: np.minimum(heavy(n, first), 2.0), 1.0, 0, 2, most=4000).verdict is Verdict.CONFIRMED
    # a range that holds the blow-up is honest, and its interval says so
    assert decide(heavy, 1.0, 0, 1e9, most=4000).verdict is Verdict.INCONCLUSIVE


@pytest.mark.slow
def test_blown_up_paths_count_against_either_side():
    """A tenth of the paths have no value: the mean is between 0.45 and 0.55."""
    blown = drawing(lambda u: np.where(u < 0.1, np.nan, 0.5))
    assert decide(blown, 0.5, 0, 1, most=6000).verdict is Verdict.INCONCLUSIVE
    found = decide(blown, 0.6, 0, 1, most=6000)
    assert found.verdict is Verdict.CONFIRMED and found.estimate.blown > 0 and found.estimate.value == 0.5
    assert found.paths == found.estimate.blown + found.estimate.count
    assert decide(blown, 0.4, 0, 1, most=6000).verdict is Verdict.VIOLATED
    assert decide(drawing(lambda u: np.inf * (u + 1)), 0.5, low=0, cap=1).verdict is Verdict.INCONCLUSIVE


def test_tightness_and_json():
    found = decide(UNIFORM, 1.0, 0, 1, most=4000, error=0.01)
    assert found.tightness == pytest.approx(1 / found.estimate.value)
    assert found.tightness_lower == pytest.approx(1 / (found.estimate.upper + 0.01))
    assert found.tightness_lower < found.tightness < found.tightness_upper
    written = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (written["verdict"], written["estimate"]["count"], written["error"]) == ("CONFIRMED", found.paths, 0.01)
    assert decide(drawing(lambda u: 0 * u), 1.0, 0, 1, batch=8, most=8).tightness == np.inf
    assert judge(Estimate(1.0, 0.5, 1.5, 0.95, 9, 0, EXACT), -1.0).tightness is None


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: decide(UNIFORM, np.nan, 0, 1), "bound"),
        (lambda: decide(UNIFORM, 1.0, 0, 1, error=-1.0), "error"),
        (lambda: decide(UNIFORM, 1.0, 0, 0.5), "values"),
        (lambda: decide(UNIFORM, 1.0, 0, 1, batch=10, most=5), "batch"),
        (lambda: decide(UNIFORM, 1.0, 1, 0), "low"),
    ],
)
def test_bad_input_is_named(call, field):
    with refused(field):
        call()


def test_a_bound_that_is_attained_is_not_violated_at_the_level_of_a_contradiction():
    """200 samples of mean 1/2 and the bound 1/2: a limit of level 1/2 exceeds it in some, one of level 1 - 1e-6 in none.

    The chance of one in 200 is at most 2e-4.
    """
    samples = np.random.default_rng(30).random((200, 4096))

    def verdicts(certain):
        draws = [lambda n, first, own=own: own[first : first + n] for own in samples]
        return [decide(draw, 0.5, 0.0, 1.0, most=4096, level=0.5, certain=certain).verdict for draw in draws]

    assert verdicts(None).count(Verdict.VIOLATED) > 0
    assert verdicts(CERTAIN).count(Verdict.VIOLATED) == 0
    far = decide(lambda n, first: samples[0, first : first + n], 0.4, 0.0, 1.0, most=4096, certain=CERTAIN)
    assert far.verdict is Verdict.VIOLATED and 0.4 < far.estimate.lower < far.estimate.upper


def test_a_cap_cuts_the_values_off() -> None:
    """X = 3 U has E min(X, 1) = 5/6."""
    triple = drawing(lambda u: 3 * u)
    assert decide(triple, 0.7, low=0, cap=1, most=4000).verdict is Verdict.VIOLATED
    assert decide(triple, 0.9, low=0, cap=1, most=4000).verdict is Verdict.INCONCLUSIVE
