"""Laws with a mean and a skew in numbers: sampler, quantiles, Gauss rules, integrals over the noise, and steps of the method.

Draws have fixed keys and are within five standard errors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import sdescent as sd
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.methods.compressors import Compressor, Natural, TopK
from sdescent.derive.methods.noise import Law, Scaled
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.laws.standardised import gauss_rule, quantile_function
from sdescent.numerics.lowering.environment import environment
from sdescent.numerics.simulate.noise_integrals import NoiseIntegral
from sdescent.numerics.without_sampling.messages import averaged
from tests.support import draws
from tests.support.laws.samplers import check_sampler, within
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


@pytest.mark.parametrize("compressor", [Natural(), TopK(1)], ids=str)
@pytest.mark.slow
def test_integrals_over_the_noise(compressor: Compressor) -> None:
    """Mean and covariance of a step whose moments are known given the message alone, against 400,000 draws: 2 + 3 comparisons."""
    noise, g = Scaled(SkewedMixture(), ("1/2", "1")), np.array([0.4, -0.9])
    given = moments(sd.DCSGD(compressor, noise), 2).conditional
    assert given is not None
    b, s = NoiseIntegral(given, 2, {}, 4096).moments(environment({}, {"g": jnp.asarray(g)[:, None]}))
    covariance = np.diag(np.asarray(s)[:, 0]) if s.ndim == 2 else np.asarray(s)[0]
    rng = np.random.default_rng(7)
    step = draws.compress(compressor, g + draws.noise(noise, g, rng, 400_000, 2), rng).mean(1).T
    within(step, np.asarray(b)[:, 0])
    centred = step - np.asarray(b)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        within(2 * centred[i] * centred[j], covariance[i, j])


def test_the_averaged_sign_on_the_line() -> None:
    g, scales = np.array([-0.7, 0.0, 0.4]), np.array([[0.5], [1.0]]) * np.ones(3)
    values, chances = averaged(sd.DSignSGD(Scaled(SkewedMixture(), ("1/2", "1"))), 2, 8, {})(scales, g)
    cdf = LAWS["mixture"][1]
    expected = np.mean([1 - 2 * cdf(-g / s) for s in (0.5, 1.0)], axis=0)
    np.testing.assert_allclose((values * chances).sum(axis=1), expected, atol=1e-12)
