"""Every interval that is offered covers: at a fixed number of paths, and a sequence at whatever number one stops at."""

from __future__ import annotations

import numpy as np
import pytest

from sdescent.numerics.statistics.estimates import difference, mean, proportion, quantile
from sdescent.numerics.statistics.sequential import COARSE, BoundedMean, FiniteVariance
from tests.numerics.refusals import refused
from tests.support.samples import mostly_slow

ROUNDS = 2000
#: what is asked of a nominal 95 per cent: four standard errors of 2,000 repetitions below it
LEAST = 0.93


def covered(found, truth) -> bool:
    return found.lower <= truth <= found.upper


# --- fixed numbers of paths: sdescent.numerics.statistics.estimates
# -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "interval", "draw", "truth"),
    [
        ("mean", mean, lambda r: r.normal(1, 2, 20), 1.0),
        ("mean of a skew law", mean, lambda r: r.uniform(size=40) ** 2, 1 / 3),
        ("median of Cauchy", quantile, lambda r: r.standard_cauchy(25), 0.0),
        ("upper decile", lambda v: quantile(v, 0.9), lambda r: r.exponential(size=60), np.log(10)),
        ("proportion", lambda v: proportion(int(np.sum(v)), len(v)), lambda r: r.uniform(size=50) < 0.07, 0.07),
        (
            "difference",
            lambda v: difference(v[:12], v[12:]),
            lambda r: r.normal([2] * 12 + [0] * 25, [1] * 12 + [3] * 25),
            2.0,
        ),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_estimates_cover(name, interval, draw, truth):
    rng = np.random.default_rng(11)
    hits = sum(covered(interval(draw(rng)), truth) for _ in range(ROUNDS))
    assert hits / ROUNDS >= LEAST, name


# --- sequences, at the worst stopping time: as soon as the truth is left out ---------------------------------------------


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
HEAVY = [  # each of variance 1
    ("gaussian", lambda r, n: r.normal(size=n), 0.0),
    ("student of 3", lambda r, n: r.standard_t(3, n) / np.sqrt(3), 0.0),
    ("rare", lambda r, n: (r.uniform(size=n) < 1e-3) / np.sqrt(1e-3 * (1 - 1e-3)), 1e-3 / np.sqrt(1e-3 * (1 - 1e-3))),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "draw", "truth"), mostly_slow(BOUNDED, 4, rows=True), ids=[b[0] for b in BOUNDED])
def test_bounded_means_cover_at_every_look(name, draw, truth):
    assert 1 - ever_left_out(lambda: BoundedMean(0, 1), draw, truth, 21) >= LEAST


@pytest.mark.slow
@pytest.mark.parametrize(("name", "draw", "truth"), mostly_slow(HEAVY, 2, rows=True), ids=[h[0] for h in HEAVY])
def test_means_of_stated_variance_cover_at_every_look(name, draw, truth):
    assert 1 - ever_left_out(lambda: FiniteVariance(1.0), draw, truth, 22) >= LEAST


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


# --- what they are made of -------------------------------------------------------------------------------------------


def test_delyons_inequality():
    x = np.linspace(-30, 30, 100_001)
    assert np.all(np.exp(x - x**2 / 6) <= 1 + x + x**2 / 3 + 1e-12)


def test_the_factor_of_hajek_and_renyi():
    n = np.arange(1, 2_000_000)
    assert np.sum(1 / (n * (1 + np.log(n)) ** 2)) < 2 and COARSE < 1


def test_batches_do_not_matter():
    x = np.random.default_rng(3).uniform(2, 5, 3000)
    for make in (lambda: BoundedMean(2, 5), lambda: FiniteVariance(0.75)):
        one, two = make(), make()
        one.update(x)
        for part in np.split(x, [1, 7, 7, 500, 2999]):
            two.update(part)
        assert two.estimate.value == pytest.approx(one.estimate.value)
        # the interval keeps what was excluded at looks before
        assert one.lower <= two.lower + 1e-12 and two.upper <= one.upper + 1e-12 and two.count == one.count == 3000
        again = make()
        for part in np.split(x, [1, 7, 7, 500, 2999]):
            again.update(part)
        assert again.estimate == two.estimate


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


def test_the_self_normalised_interval_by_its_formula():
    """Each end is where a supermartingale crosses its level."""
    x = 7 + np.random.default_rng(5).standard_t(3, 4000) / np.sqrt(3)
    found = FiniteVariance(1.0, 0.9).update(x)
    log = np.log(2 / (0.1 * (1 - COARSE)))
    i = np.arange(1, len(x) + 1)
    bet = np.sqrt(2 * log / (i * np.log1p(i)))
    for end, sign in ((found.lower, 1), (found.upper, -1)):
        assert np.sum(sign * bet * (x - end) - bet**2 * ((x - end) ** 2 / 6 + 1 / 3)) == pytest.approx(log, rel=1e-6)
    assert found.upper - found.lower < 0.4


def test_widths_shrink_like_the_root_of_n():
    rng = np.random.default_rng(6)
    for make, scale in ((lambda: BoundedMean(0, 1), 1 / 3), (lambda: FiniteVariance(1 / 12), 0.35)):
        own = make()
        short = own.update(rng.uniform(size=2000))
        long = own.update(rng.uniform(size=126_000))
        assert (long.upper - long.lower) / (short.upper - short.lower) < scale
        assert long.upper - long.lower < 7 * 1.96 * 2 / np.sqrt(12 * 128_000)


def test_nothing_drawn_and_huge_values():
    assert BoundedMean(1, 2).update([]).lower == 1 and np.isnan(FiniteVariance(1).estimate.value)
    own = FiniteVariance(1.0)
    assert own.update([0.0]).lower == -own.update([]).upper
    own.update([1e200, -1e200])  # no warning; the variance that was stated is wrong, and nothing is excluded by it
    assert own.lower <= own.upper


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: BoundedMean(1, 1), "low"),
        (lambda: BoundedMean(0, np.inf), "low"),
        (lambda: BoundedMean(0, 1, 1.0), "level"),
        (lambda: BoundedMean(0, 1).update([0.5, 1.01]), "values"),
        (lambda: BoundedMean(0, 1).update([np.nan]), "values"),
        (lambda: FiniteVariance(0), "variance"),
        (lambda: FiniteVariance(np.inf), "variance"),
        (lambda: FiniteVariance(1).update([np.inf]), "values"),
    ],
)
def test_bad_input_is_named(call, field):
    with refused(field):
        call()
