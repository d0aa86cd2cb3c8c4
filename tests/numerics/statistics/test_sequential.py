"""Every interval that is offered covers: at a fixed number of paths, and a sequence at whatever number one stops at."""

from itertools import pairwise

import numpy as np
import pytest

from sdescent.numerics.statistics.estimates import BoundedMean, mean
from tests.numerics.refusals import refused

ROUNDS = 2000
#: what is asked of a nominal 95 per cent: four standard errors of 2,000 repetitions below it
LEAST = 0.93


def covered(found, truth) -> bool:
    return found.lower <= truth <= found.upper


def ever_left_out(make, draw, truth, seed, looks=10, batch=50):
    """The share of repetitions in which some interval before the end misses the truth."""
    rng = np.random.default_rng(seed)
    missed = 0
    for _ in range(ROUNDS):
        sequence = make()
        missed += any(not covered(sequence.update(draw(rng, batch)), truth) for _ in range(looks))
    return missed / ROUNDS


BOUNDED = [
    ("bernoulli", lambda r, n: r.uniform(size=n) < 0.1, 0.1),
    ("rare", lambda r, n: r.uniform(size=n) < 0.002, 0.002),
    ("uniform", lambda r, n: r.uniform(size=n), 0.5),
    ("skew", lambda r, n: r.uniform(size=n) ** 8, 1 / 9),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "draw", "truth"), BOUNDED[1::2], ids=["rare", "skew"])
def test_bounded_means_cover_at_every_look(name, draw, truth):
    assert 1 - ever_left_out(lambda: BoundedMean(0, 1), draw, truth, 21) >= LEAST


@pytest.mark.slow
def test_the_checker_sees_an_interval_that_does_not_hold_at_every_look():
    """Student's interval, looked at 10 times, misses far more often; so does a sequence of which half the width is taken."""

    class Peeking:
        def __init__(self):
            self.values = np.empty(0)

        def update(self, new):
            self.values = np.append(self.values, new)
            return mean(self.values)

    class Narrow:
        def __init__(self):
            self.own = BoundedMean(0, 1, 0.95)

        def update(self, new):
            found = self.own.update(new)
            half = (found.upper - found.lower) / 8
            return type(found)(found.value, found.value - half, found.value + half, *[0.95, found.count, 0, ""])

    uniform = BOUNDED[2][1]
    assert 1 - ever_left_out(Peeking, uniform, 0.5, 25) < 0.9
    assert 1 - ever_left_out(Narrow, uniform, 0.5, 26) < LEAST


def test_batches_do_not_matter():
    x = np.random.default_rng(3).uniform(2, 5, 3000)
    one, two, again = BoundedMean(2, 5), BoundedMean(2, 5), BoundedMean(2, 5)
    one.update(x)
    for part in np.split(x, [1, 7, 7, 500, 2999]):
        assert two.update(part) == again.update(part)
    assert two.estimate.value == pytest.approx(one.estimate.value)
    # the interval keeps what was excluded at looks before
    assert one.lower <= two.lower + 1e-12 and two.upper <= one.upper + 1e-12 and two.count == one.count == 3000


def test_the_empirical_bernstein_interval_by_its_formula():
    """The formula of the paper, one value at a time."""
    x = np.random.default_rng(4).beta(2, 5, 50)
    found = BoundedMean(0, 1, 0.9).update(x)
    total, spread, bets, wins, paid = 0.5, 0.25, 0.0, 0.0, 0.0
    for i, value in enumerate(x, 1):
        before, s = total / i, spread / i
        bet = min(0.5, np.sqrt(2 * np.log(2 / 0.1) / (s * i * np.log(1 + i))))
        bets, wins = bets + bet, wins + bet * value
        paid += 4 * (value - before) ** 2 * (-np.log(1 - bet) - bet) / 4
        total += value
        spread += (value - total / (i + 1)) ** 2
    half = (np.log(2 / 0.1) + paid) / bets
    assert (found.lower, found.upper) == pytest.approx((max(0, wins / bets - half), min(1, wins / bets + half)))


def test_nothing_drawn() -> None:
    assert BoundedMean(1, 2).update([]).lower == 1 and np.isnan(BoundedMean(1, 2).estimate.value)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: BoundedMean(1, 1), "low"),
        (lambda: BoundedMean(0, np.inf), "low"),
        (lambda: BoundedMean(0, 1, 1.0), "level"),
        (lambda: BoundedMean(0, 1).update([0.5, 1.01]), "values"),
        (lambda: BoundedMean(0, 1).update([np.nan]), "values"),
    ],
)
def test_bad_input_is_named(call, field):
    with refused(field):
        call()


def test_later_looks_only_narrow_the_interval() -> None:
    """Zeros, then ones, then zeros: the interval of each look alone moves up and down again."""
    sequence, seen = BoundedMean(0, 1), [(0.0, 1.0)]
    for value in (0.0, 1.0, 0.0):
        for _ in range(6):
            estimate = sequence.update(np.full(100, value))
            seen.append((estimate.lower, estimate.upper))
    assert all(a[0] <= b[0] <= b[1] <= a[1] for a, b in pairwise(seen))
