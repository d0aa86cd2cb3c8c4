"""Digests: counts that are exact, means joined in one order, quantiles within the stated error, for every kind of value."""

import itertools
import math

import numpy as np
import pytest

from sdescent.numerics.statistics.digests import Digest, digest
from sdescent.numerics.statistics.estimates import over_time, quantile

CHANCE = np.random.default_rng(20250601)
SAMPLES = {
    "normal": CHANCE.normal(size=4001),
    "heavy": CHANCE.standard_cauchy(size=4001),
    "huge": np.exp(np.clip(CHANCE.normal(size=4001) * 200, -700, 700)),
    "small": CHANCE.normal(size=4001) * 1e-310,
    "constant": np.full(4001, 1.003),
    "zeros": np.where(CHANCE.random(4001) < 0.5, 0.0, -0.0),
    "two": np.where(CHANCE.random(4001) < 0.3, -7.0, 1e300),
    "lost": np.where(CHANCE.random(4001) < 0.2, np.nan, CHANCE.normal(size=4001)),
    "infinite": np.where(CHANCE.random(4001) < 0.2, np.inf, CHANCE.normal(size=4001)),
}
VALUES = np.stack(list(SAMPLES.values()))


def joined(cuts: list[int]) -> Digest:
    parts = [digest(VALUES[:, a:b]) for a, b in itertools.pairwise([0, *cuts, 4001])]
    total = parts[0]
    for part in parts[1:]:
        total = total.joined(part)
    return total


@pytest.mark.parametrize("cuts", [[], [2000], [1, 2, 3, 4000], [64 * n for n in range(1, 63)]], ids=len)
def test_a_digest_says_what_the_values_say(cuts):
    found = joined(cuts)
    with np.errstate(over="ignore", invalid="ignore"):
        exact = over_time(VALUES)
        assert np.array_equal(found.count, exact.count) and found.paths == 4001
        series = found.over_time()
    assert np.array_equal(series.blown, exact.blown)
    for n, name in enumerate(SAMPLES):
        finite = VALUES[n][np.isfinite(VALUES[n])]
        assert (found.least[n], found.greatest[n]) == (finite.min(), finite.max())
        if name not in ("two", "huge"):  # whose squares are beyond the range of numbers
            scale = np.abs(finite).max()
            assert found.mean[n] == pytest.approx(finite.mean(), abs=1e-12 * scale)
            assert math.sqrt(found.variance[n]) == pytest.approx(finite.std(ddof=1), rel=1e-9, abs=1e-12 * scale)
        for q in (0.001, 0.1, 0.25, 0.5, 0.9, 0.999):
            mine, true = found.quantile(n, q), quantile(VALUES[n], q)
            assert abs(mine.value - true.value) <= abs(true.value) / 256 + 1e-310
            assert mine.lower <= true.lower and true.upper <= mine.upper and mine.count == true.count
            for edge, other in ((mine.lower, true.lower), (mine.upper, true.upper)):
                assert edge == other or abs(edge - other) <= abs(other) / 64 + 1e-300
    assert int(found.filled.sum()) == int(found.count.sum())


def test_bins_do_not_depend_on_the_cuts():
    first, second = joined([]), joined([7, 1000, 3999])
    assert np.array_equal(first.bins, second.bins) and np.array_equal(first.filled, second.filled)
    histogram = first.histogram()
    assert np.all(histogram["left"] <= histogram["right"]) and np.all(np.diff(histogram["time"]) >= 0)
    for n in range(len(VALUES)):  # every value is in a bin, and bins of one time do not overlap
        own = histogram["time"] == n
        left, right = histogram["left"][own], histogram["right"][own]
        assert np.all(np.diff(left) > 0) and np.all(right[:-1] <= left[1:])


def test_a_digest_comes_back_from_its_arrays():
    found = joined([100])
    back = Digest.from_arrays(found.to_arrays())
    assert all(np.array_equal(getattr(back, n), getattr(found, n), equal_nan=True) for n in found.__dataclass_fields__)
    assert back.joined(found).paths == 8002 and back.bins.dtype == np.int64


def test_nothing_and_one_value():
    none = digest(np.full((2, 3), np.nan))
    assert none.over_time().blown.tolist() == [3, 3] and math.isnan(none.quantile(0, 0.5).value)
    one = none.joined(digest([[2.5], [np.nan]]))
    series = one.over_time()
    assert (series.mean[0], series.median[0], series.mean_upper[0]) == (2.5, 2.5, math.inf)
    assert math.isnan(series.mean[1])
    assert np.isnan(one.variance).all()
