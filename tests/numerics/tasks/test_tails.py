"""Gaussian against Student-t: fits recover what was planted, and the test has the level that it states."""

import numpy as np
import pytest
from scipy import stats

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.tasks import gradient_noise
from sdescent.numerics.tasks.gradient_noise import fit_tails, pooled_tail

NU = np.array([1.0, 3.0, 8.0])
SIGMA = np.array([2.0, 0.01, 30.0])


def _student(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([s * rng.standard_t(nu, count) for nu, s in zip(NU, SIGMA, strict=True)], axis=1)


def test_likelihood_equals_scipys_maximum() -> None:
    z = _student(1000, 1)
    fit = fit_tails(z)
    np.testing.assert_allclose(fit.nu, NU, rtol=0.4)
    np.testing.assert_allclose(fit.sigma, SIGMA, rtol=0.15)
    for j in range(3):
        ours = stats.t.logpdf(z[:, j], fit.nu[j], scale=fit.sigma[j]).sum()
        nu, _, scale = stats.t.fit(z[:, j], floc=0.0)
        assert ours >= stats.t.logpdf(z[:, j], nu, scale=scale).sum() - 1e-6
        gaussian = stats.norm.logpdf(z[:, j], scale=np.sqrt(np.mean(z[:, j] ** 2))).sum()
        assert fit.likelihood_ratio[j] == pytest.approx(2 * (ours - gaussian), rel=1e-8)


@pytest.mark.slow
def test_level_on_gaussian_draws_and_power_on_student_t() -> None:
    """200 coordinates at level 5%: more than 20 rejections would have probability below 0.001 (binomial)."""
    rng = np.random.default_rng(5)
    fit = fit_tails(rng.standard_normal((1000, 200)))
    assert np.sum(fit.p_value < 0.05) <= stats.binom.isf(1e-3, 200, 0.05)
    assert 0.3 < np.mean(fit.likelihood_ratio > 0) < 0.7  # half the mass of LR's limit law is at 0
    assert np.all(np.isinf(fit.nu[fit.likelihood_ratio == 0]))
    heavy = fit_tails(rng.standard_t(4, (1000, 200)))
    assert np.all(heavy.p_value < 0.05)


def test_planted_wrong_normalisation_loses_nu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_noise, "_log_constant", np.zeros_like)
    fit = fit_tails(_student(4000, 0))
    assert np.all(np.abs(fit.nu / NU - 1) > 0.25)


def test_pooled_nu_under_dependence() -> None:
    z = np.random.default_rng(7).standard_t(4, (3000, 1))
    single = pooled_tail(z)
    copies = pooled_tail(z @ np.array([[1.0, 2.0, -0.5]]))
    assert single.nu == pytest.approx(fit_tails(z).nu[0], rel=1e-4)
    assert copies.nu == pytest.approx(single.nu, rel=1e-4)
    np.testing.assert_allclose(copies.sigma, single.sigma[0] * np.array([1.0, 2.0, 0.5]), rtol=1e-4)
    assert single.nu == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize(
    "draws",
    [np.zeros((10, 2)), np.full((100, 1), np.nan), np.column_stack([np.arange(100.0), np.zeros(100)])],
)
def test_bad_draws(draws: np.ndarray) -> None:
    with pytest.raises(BadInput):
        fit_tails(draws)


def test_the_gaussian_law_lies_on_the_edge_of_the_family() -> None:
    """So the likelihood ratio is 0 with probability 1/2, else chi^2 with one degree of freedom (Self, Liang 1987, case 5)."""
    fits = fit_tails(_student(400, 5))
    assert fits.p_value == pytest.approx(stats.chi2.sf(fits.likelihood_ratio, 1) / 2)
    assert np.all(fits.likelihood_ratio[:2] > 0)
