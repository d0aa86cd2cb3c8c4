"""Tails are not invented, and growth is not fitted to mini-batches; lines say how far they rest on few points.

Keys are fixed. A proportion of 60 repetitions has a standard error of at most 0.065.
"""

import numpy as np
import pytest

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.measure.growth import affine_growth, fits, quantile_line, upper_line
from sdescent.numerics.measure.points import measure, squared_gradient
from sdescent.numerics.measure.tails import shape, tail
from tests.numerics.measure.models import per_example, population_of, squares

M, K, TIMES = 2000, 100, 60
LAWS = {
    "normal": lambda rng: rng.standard_normal(M),
    "uniform": lambda rng: rng.uniform(-1, 1, M),
    "t3": lambda rng: rng.standard_t(3, M),
    "t1.5": lambda rng: rng.standard_t(1.5, M),
    "cauchy": lambda rng: rng.standard_cauchy(M),
}


def shapes(law):
    rng = np.random.default_rng(1)
    return [shape(LAWS[law](rng), K) for _ in range(TIMES)]


@pytest.mark.parametrize(("law", "index"), [("t3", 1 / 3), ("t1.5", 2 / 3), ("cauchy", 1.0)])
def test_the_shape_of_a_power_tail(law, index):
    """Finite thresholds bias xi a little (second-order terms); 0.1 is 1.5 standard errors of one estimate with 60 of them."""
    xi = np.mean([s.xi for s in shapes(law)])
    assert abs(xi - index) < 0.1
    above = np.mean([s.lower > 0 for s in shapes(law)])
    assert above > (0.35 if law == "t3" else 0.97)


def test_no_power_tail_is_found_where_there_is_none():
    assert not any(s.lower is not None and s.lower > 0 for law in ("normal", "uniform") for s in shapes(law))
    # Hill's estimator of the index is positive and finite for the normal law too, so that it cannot say "light"
    z = np.sort(np.abs(LAWS["normal"](np.random.default_rng(2))))[::-1]
    assert 3 < 1 / np.mean(np.log(z[:K] / z[K])) < 12


def test_projections_of_normal_noise_with_many_scales_are_not_heavy():
    """Coordinates that are pooled look heavy; projections do not."""
    rng = np.random.default_rng(4)
    scales = np.exp(rng.standard_normal(300))
    y = rng.standard_normal((M, 300)) * scales
    assert tail(y @ rng.standard_normal((300, 5))).heavy is False
    pooled = shape(y[: M // 100].ravel(), 300)
    assert pooled.lower > 0  # the trap
    heavy = tail((rng.standard_t(1.2, (M, 1)) * y) @ rng.standard_normal((300, 5)))
    assert heavy.heavy


def test_a_bounded_law_and_few_draws():
    rng = np.random.default_rng(5)
    bounded = tail(rng.choice([-1.0, 1.0], (M, 3)) * rng.beta(4, 1, (M, 3)))
    assert not bounded.heavy and bounded.not_excluded is None
    assert tail(rng.standard_normal((40, 2))) is None
    assert shape(np.repeat([0.0, 1.0], 100), 30).lower is None


# --- growth


def test_an_affine_growth_is_recovered_and_its_upper_line_is_above():
    z = np.geomspace(0.01, 10, 40)
    exact = affine_growth(z, 5 + 21 * z)
    assert (exact.fit.constant, exact.fit.slope) == pytest.approx((5, 21), rel=1e-6)
    assert (exact.above.constant, exact.above.slope) == pytest.approx((5, 21), rel=1e-6)
    assert exact.r_squared == pytest.approx(1)
    rng = np.random.default_rng(0)
    noisy = (5 + 21 * z) * np.exp(0.3 * rng.standard_normal(40))
    growth = affine_growth(z, noisy)
    assert np.all(noisy <= growth.above.constant + growth.above.slope * z + 1e-9)
    assert growth.fit.slope_spread[0] < growth.fit.slope < growth.fit.slope_spread[1]


def test_the_line_is_above_all_points_and_the_lowest():
    rng = np.random.default_rng(2)
    g, lam = rng.exponential(size=40), rng.exponential(size=40)
    first, second = upper_line(g, lam)
    assert np.all(first + second * g >= lam * (1 - 1e-12)) and min(first, second) >= 0
    # the optimum of a linear programme in two variables is at a vertex: all pairs of constraints
    lines = [(0.0, np.max(lam / g)), (np.max(lam), 0.0)]
    for i in range(40):
        for j in range(i):
            l1 = (lam[i] - lam[j]) / (g[i] - g[j])
            lines.append((lam[i] - l1 * g[i], l1))
    sums = [l0 + l1 * g.mean() for l0, l1 in lines if min(l0, l1) >= 0 and np.all(l0 + l1 * g >= lam * (1 - 1e-12))]
    assert first + second * g.mean() == pytest.approx(min(sums), rel=1e-9)
    with pytest.raises(BadInput):
        upper_line(np.array([1.0]), np.array([np.nan]))


def test_a_line_from_few_points_says_so():
    g = np.array([0.5, 0.6, 1.0, 2.4])
    few = fits(g, np.ones(4), np.array([3.0, 2.5, 9.0, 28.0]))
    low, high = few.smooth.slope_spread
    assert few.few and high - low > 0.1 * few.smooth.slope
    g = np.linspace(0.1, 3, 80)
    assert not fits(g, g, 1 + 2 * g).few


def test_the_quantile_line_leaves_a_share_above():
    rng = np.random.default_rng(1)
    z = rng.uniform(0, 3, 400)
    values = 1 + 2 * z + rng.exponential(1, 400)
    constant, slope = quantile_line(z, values, 0.95)
    assert np.mean(values > constant + slope * z) == pytest.approx(0.05, abs=0.01)


def test_growth_is_that_of_full_gradients_and_a_subsample_is_corrected():
    """Least squares with standard normal features: tr C = d (e^2 + s^2) + e^2, where e = G, so s0 = d s^2 and s1 = d + 1.

    |g_B|^2 = G^2 + tr C/B in place of G^2 gives another line. The subsample's |g|^2 is corrected; the mean over 200
    subsamples is compared within 5 of its standard errors.
    """
    d, noise = 10, 0.5
    model = squares(2000, d, 6, noise)
    population, points = population_of(model), []
    for share in (1.0, 0.7, 0.4, 0.2, 0.05):
        x = np.full(d, (1 - share) / np.sqrt(d))
        points.append(measure(population, population, x, 0, 8, None, 200, 0))
    g2, trace = np.array([p.gradient**2 for p in points]), np.array([p.trace.value for p in points])
    growth = affine_growth(g2, trace)
    # 2,000 examples: s0 and s1 have standard errors of about 4 %
    assert growth.fit.constant == pytest.approx(d * noise**2, rel=0.16)
    assert growth.fit.slope == pytest.approx(d + 1, rel=0.16)
    batches = affine_growth(g2 + trace / 8, trace)
    assert batches.fit.slope < 0.5 * (d + 1)
    each = per_example(model, np.full(d, 0.8 / np.sqrt(d)))
    exact, m, rng = float(np.sum(each.mean(axis=0) ** 2)), 40, np.random.default_rng(7)
    parts = [each[rng.integers(0, len(each), m)] for _ in range(200)]
    raw = np.array([np.sum(p.mean(axis=0) ** 2) for p in parts])
    traces = [np.sum(np.var(p, axis=0, ddof=1)) for p in parts]
    corrected = np.array([r - t / m for r, t in zip(raw, traces, strict=True)])
    error = np.std(corrected, ddof=1) / np.sqrt(len(parts))
    assert abs(corrected.mean() - exact) < 5 * error < raw.mean() - exact
    assert [squared_gradient(p.mean(axis=0), t, m) for p, t in zip(parts, traces, strict=True)] == pytest.approx(
        np.maximum(corrected, 0)
    )
