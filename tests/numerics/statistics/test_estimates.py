"""Intervals keep their promise in repeated sampling; blow-ups are counted and never averaged."""

import json

import numpy as np
import pytest
from scipy import stats

from sdescent.numerics.statistics.estimates import difference, mean, over_time, proportion, quantile, ranks
from tests.numerics.refusals import refused

RNG = np.random.default_rng(4)


def test_mean_is_students_interval():
    x = RNG.normal(3, 2, 12)
    found = mean(x, 0.9)
    reference = stats.ttest_1samp(x, 0).confidence_interval(0.9)
    assert (found.value, found.lower, found.upper) == pytest.approx((x.mean(), reference.low, reference.high))
    assert (found.count, found.blown) == (12, 0)
    assert "finite variance" in found.assumes


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("n", [15, 60])
def test_the_ranks_of_a_quantiles_interval_are_the_narrowest(q, n):
    """Equal-tailed ones of the binomial law: moving either end inwards loses the promise."""
    tail = 0.025
    low, high = int(stats.binom.ppf(tail, n, q)), int(stats.binom.ppf(1 - tail, n, q)) + 1
    assert ranks(n, q)[1:] == (low, high)
    assert stats.binom.cdf(low, n, q) > tail or low == 0
    assert stats.binom.sf(high - 2, n, q) > tail


def test_a_quantile_is_an_order_statistic():
    x = np.arange(1.0, 11.0)
    assert quantile(x, 0.5).value == 5.0
    assert quantile(x, 0.9).value == 9.0
    assert quantile(x, 0.95).upper == np.inf
    assert quantile(x, 0.05).lower == -np.inf


def test_blow_ups_are_counted_apart():
    x = np.concatenate([RNG.normal(size=50), [np.nan, np.inf, -np.inf]])
    found = mean(x)
    assert (found.count, found.blown) == (50, 3)
    assert found.value == pytest.approx(np.mean(x[:50]))
    assert quantile(x, 0.9).value == pytest.approx(np.quantile(x[:50], 0.9, method="inverted_cdf"))
    empty = mean([np.nan, np.nan])
    assert (empty.count, empty.blown) == (0, 2) and np.isnan(empty.value)


def test_proportion_is_clopper_pearson():
    found = proportion(3, 40)
    reference = stats.binomtest(3, 40).proportion_ci(0.95, "exact")
    assert (found.lower, found.upper) == pytest.approx((reference.low, reference.high))
    assert proportion(0, 10).lower == 0.0 and proportion(10, 10).upper == 1.0
    assert proportion(0, 10).upper == pytest.approx(1 - 0.025 ** (1 / 10))


def test_difference_is_welchs_interval():
    a, b = RNG.normal(1, 1, 30), RNG.normal(0, 4, 12)
    found = difference(a, np.append(b, np.nan))
    reference = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (found.lower, found.upper) == pytest.approx((reference.low, reference.high))
    assert (found.count, found.blown) == (12, 1)
    assert difference(np.ones(5), np.zeros(5)).upper == 1.0


def test_series_and_json():
    values = RNG.normal(size=(3, 200))
    values[2, :7] = np.nan
    series = over_time(values)
    assert series.blown.tolist() == [0, 0, 7] and series.count.tolist() == [200, 200, 193]
    assert np.all(series.low < series.median) and np.all(series.median < series.high)
    assert np.all((series.mean_lower < series.mean) & (series.mean < series.mean_upper))
    written = json.dumps(series.to_dict(), allow_nan=False)
    assert json.loads(written)["blown"] == [0, 0, 7]
    assert quantile([1.0, 2.0], 0.9).to_dict()["upper"] is None


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: quantile([1.0], 1.0), "q"),
        (lambda: quantile([1.0], 0.5, 1.5), "level"),
        (lambda: proportion(5, 3), "count"),
        (lambda: over_time([1.0, 2.0]), "values"),
    ],
)
def test_bad_input_is_named(call, field):
    with refused(field):
        call()


def test_paths_that_all_survive_are_summed_up_at_once() -> None:
    """Bitwise as each time by itself, which a path that blew up at another time makes them."""
    values = np.random.default_rng(3).standard_t(3, (4, 501))
    fast = over_time(values)
    slow = over_time(np.concatenate([values, np.full((1, 501), np.nan)]))
    middles = (f"{middle}{end}" for middle in ("mean", "median") for end in ("", "_lower", "_upper"))
    for name in (*middles, "low", "high", "count", "blown"):
        assert np.array_equal(getattr(fast, name), getattr(slow, name)[:4]), name
    part = over_time(np.concatenate([values, values[:, ::-1]], axis=1)[:, :501])  # a view of more paths
    assert np.array_equal(part.mean, fast.mean) and np.array_equal(part.mean_upper, fast.mean_upper)
