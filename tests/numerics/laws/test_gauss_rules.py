"""Gauss rules have the moments of their laws, and of means of independent variables."""

import itertools

import numpy as np
import pytest

from sdescent.derive.methods.noise import Gaussian, Laplace, Logistic, Point, Stable, StudentT, Uniform
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.numerics.laws.noises import compressed, convolved, gauss_rule, mean_of

LAWS = [Gaussian(), Laplace(), Logistic(), Uniform(), Stable(2)]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: type(law).__name__)
@pytest.mark.parametrize("count", [3, 16])
def test_a_rule_has_the_moments_of_its_law(law, count):
    nodes, weights = gauss_rule(law, count)
    assert len(nodes) == count and np.all(weights > 0)
    for m in range(2 * count):
        exact = 0.0 if m % 2 else float(law.moment(m))
        size = float(weights @ np.abs(nodes) ** m)
        assert weights @ nodes**m == pytest.approx(exact, abs=1e-11 * size)
    # and no rule has one more
    assert count > 3 or weights @ nodes ** (2 * count) < 0.9 * float(law.moment(2 * count))


@pytest.mark.parametrize("law", [StudentT(5), Stable("3/2")], ids=str)
def test_heavy_tails_have_no_gauss_rule(law):
    with pytest.raises(NoClosedForm, match="moments up to order"):
        gauss_rule(law, 4)


def test_the_rule_of_a_mean_has_the_moments_of_the_mean():
    count, copies = 6, 5
    nodes, weights = mean_of(gauss_rule(Laplace(), count), copies, count)
    # moments of a sum from those of its terms, by the cumulants of Laplace's law: 2 (2m-1)! for order 2m
    kappa = {2: 2.0 * copies, 4: 12.0 * copies, 6: 240.0 * copies}
    exact = {2: kappa[2], 4: kappa[4] + 3 * kappa[2] ** 2, 6: kappa[6] + 15 * kappa[4] * kappa[2] + 15 * kappa[2] ** 3}
    for m, value in exact.items():
        assert weights @ (copies * nodes) ** m == pytest.approx(value, rel=1e-12)


def test_compression_keeps_mass_and_moments_of_a_batch_of_finite_measures():
    rng = np.random.default_rng(1)
    nodes, weights = rng.normal(size=(3, 40)), rng.uniform(size=(3, 40))
    few, chances = compressed((nodes, weights), 7)
    assert few.shape == chances.shape == (3, 7)
    for m in range(14):
        size = float(np.max((weights * np.abs(nodes) ** m).sum(axis=1)))
        assert (chances * few**m).sum(axis=1) == pytest.approx((weights * nodes**m).sum(axis=1), abs=1e-12 * size)


def test_a_law_of_fewer_points_is_kept_as_it_is():
    # of 27 sums of three signs only 4 are different
    sums = np.array([sum(s) for s in itertools.product([-1.0, 0.0, 1.0], repeat=3)])
    nodes, weights = compressed((sums, np.full(27, 1 / 27)), 12)
    assert weights.sum() == pytest.approx(1)
    assert weights @ nodes**20 == pytest.approx(np.mean(sums**20), rel=1e-12)
    assert np.array_equal(gauss_rule(Point(), 9)[0], [0.0])


def test_convolution_of_two_laws():
    a, b = gauss_rule(Uniform(), 5), gauss_rule(Gaussian(), 5)
    nodes, weights = convolved(a, b, 5)
    assert weights @ nodes**2 == pytest.approx(1 / 3 + 1, rel=1e-13)
    assert weights @ nodes**4 == pytest.approx(1 / 5 + 6 / 3 + 3, rel=1e-13)
