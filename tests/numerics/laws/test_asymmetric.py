"""Laws with a mean and a skew in numbers: sampler, quantiles, Gauss rules, and the averaged sign.

Draws have fixed keys and are within five standard errors.
"""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import sdescent as sd
from sdescent.derive.methods.noise import Law, Scaled
from sdescent.numerics.laws.noises import gauss_rule, quantile_function
from sdescent.numerics.without_sampling.transition import averaged
from tests.support.laws.samplers import check_sampler
from tests.support.laws.skewed import Exponential, SkewedMixture

LAWS: dict[str, tuple[Law, Any]] = {
    "mixture": (SkewedMixture(), lambda z: 0.9 * stats.norm.cdf((z + 0.2) / 0.5) + 0.1 * stats.norm.cdf((z - 3) / 2)),
    "exponential": (Exponential(), stats.expon.cdf),
}
U = np.array([1e-9, 1e-3, 0.1, 0.3, 0.5, 0.9, 0.999, 1 - 1e-9])


@pytest.mark.parametrize("name", LAWS)
def test_sampler_and_quantiles(name: str) -> None:
    """Seven comparisons of draws; quantiles to the rounding of 1 - 2F."""
    law, cdf = LAWS[name]
    check_sampler(law, {})
    np.testing.assert_allclose(cdf(quantile_function(law)(U)), U, rtol=1e-12, atol=2e-16)


def test_gauss_rule() -> None:
    nodes, weights = gauss_rule(SkewedMixture(), 6)
    for m in range(12):
        assert np.sum(weights * nodes**m) == pytest.approx(float(SkewedMixture().moment(m)), rel=1e-9)


def test_the_averaged_sign_on_the_line() -> None:
    g, scales = np.array([-0.7, 0.0, 0.4]), np.array([[0.5], [1.0]]) * np.ones(3)
    values, chances = averaged(sd.DSignSGD(Scaled(SkewedMixture(), ("1/2", "1"))), 2, 8, {})(scales, g)
    cdf = LAWS["mixture"][1]
    expected = np.mean([1 - 2 * cdf(-g / s) for s in (0.5, 1.0)], axis=0)
    np.testing.assert_allclose((values * chances).sum(axis=1), expected, atol=1e-12)
