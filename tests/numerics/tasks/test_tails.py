"""Gaussian against Student-t: fits recover what was planted, and the test has the level that it states."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from derive.vocabulary.errors import BadInput
from numerics.tasks import tails
from numerics.tasks.tails import fit_tails, pooled_tail

NU = np.array([1.0, 3.0, 8.0])
SIGMA = np.array([2.0, 0.01, 30.0])


def _student(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([s * rng.standard_t(nu, count) for nu, s in zip(NU, SIGMA, strict=True)], axis=1)


def test_fit_recovers_nu_and_scale_and_prefers_student_t() -> None:
    fit = fit_tails(_student(4000, 0), level=0.999)
    assert np.all((fit.nu_low <= NU) & (fit.nu_high >= NU))
    assert np.all((fit.nu_low < fit.nu) & (fit.nu < fit.nu_high))
    assert np.all(fit.nu_high - fit.nu_low < np.array([0.3, 1.5, 10.0]))
    np.testing.assert_allclose(fit.sigma_student_t, SIGMA, rtol=0.1)
    assert np.all(fit.p_value < 1e-6)
    # Kolmogorov-Smirnov: below 1.95/sqrt(M) (level 0.001) for the true family, far above for the Gaussian at nu = 1, 3.
    assert np.all(fit.ks_student_t < 1.95 / np.sqrt(4000))
    assert np.all(fit.ks_gaussian[:2] > 1.95 / np.sqrt(4000))
    assert fit.variance_ratio[0] == np.inf  # nu near 1 has no variance
    fitted = stats.t.var(fit.nu[1:]) * (fit.sigma_student_t[1:] / fit.sigma_gaussian[1:]) ** 2
    np.testing.assert_allclose(fit.variance_ratio[1:], fitted, rtol=1e-9)


def test_likelihood_equals_scipys_maximum() -> None:
    z = _student(1000, 1)
    fit = fit_tails(z)
    for j in range(3):
        ours = stats.t.logpdf(z[:, j], fit.nu[j], scale=fit.sigma_student_t[j]).sum()
        nu, _, scale = stats.t.fit(z[:, j], floc=0.0)
        assert ours >= stats.t.logpdf(z[:, j], nu, scale=scale).sum() - 1e-6
        gaussian = stats.norm.logpdf(z[:, j], scale=fit.sigma_gaussian[j]).sum()
        assert fit.likelihood_ratio[j] == pytest.approx(2 * (ours - gaussian), rel=1e-8)
        # The interval's ends are where the profile has dropped by half the quantile of chi^2_1.
        for end in (fit.nu_low[j], fit.nu_high[j]):
            _, _, best = stats.t.fit(z[:, j], fix_df=end, floc=0.0)
            drop = 2 * (ours - stats.t.logpdf(z[:, j], end, scale=best).sum())
            assert drop == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-3)


@pytest.mark.slow
def test_level_on_gaussian_draws_and_power_on_student_t() -> None:
    """200 coordinates at level 5%: more than 20 rejections would have probability below 0.001 (binomial)."""
    rng = np.random.default_rng(5)
    fit = fit_tails(rng.standard_normal((1000, 200)))
    assert np.sum(fit.p_value < 0.05) <= stats.binom.isf(1e-3, 200, 0.05)
    assert 0.3 < np.mean(fit.likelihood_ratio > 0) < 0.7  # half the mass of LR's limit law is at 0
    assert np.all(np.isinf(fit.nu[fit.likelihood_ratio == 0]))
    assert np.mean(np.isinf(fit.nu_high)) > 0.9
    heavy = fit_tails(rng.standard_t(4, (1000, 200)))
    assert np.all(heavy.p_value < 0.05)


def test_interval_covers_nu_at_its_level() -> None:
    """200 coordinates at 95%: fewer than 179 covered would have probability below 0.001 (binomial)."""
    fit = fit_tails(np.random.default_rng(6).standard_t(5, (1000, 200)))
    assert np.sum((fit.nu_low <= 5) & (fit.nu_high >= 5)) >= stats.binom.ppf(1e-3, 200, 0.95)


def test_planted_wrong_normalisation_loses_nu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "_log_constant", np.zeros_like)
    fit = fit_tails(_student(4000, 0), level=0.999)
    assert not np.any((fit.nu_low <= NU) & (fit.nu_high >= NU))


def test_pooled_nu_and_its_error_under_dependence() -> None:
    z = np.random.default_rng(7).standard_t(4, (3000, 1))
    single = pooled_tail(z)
    copies = pooled_tail(z @ np.array([[1.0, 2.0, -0.5]]))
    assert single.nu == pytest.approx(fit_tails(z).nu[0], rel=1e-4)
    # Three copies of one coordinate hold the information of one: the error must not shrink by sqrt(3).
    assert copies.lam == pytest.approx(single.lam, rel=1e-4)
    assert copies.lam_se == pytest.approx(single.lam_se, rel=1e-2)
    np.testing.assert_allclose(copies.sigma, single.sigma[0] * np.array([1.0, 2.0, 0.5]), rtol=1e-4)
    assert single.nu_low < 4 < single.nu_high
    # Fisher information of 1/nu, scale profiled out, by fit: the sandwich agrees with the likelihood interval's width.
    width = fit_tails(z)
    assert 1 / single.nu_low - 1 / single.nu_high == pytest.approx(1 / width.nu_low[0] - 1 / width.nu_high[0], rel=0.1)


def test_pooled_nu_of_gaussian_draws_reaches_infinity() -> None:
    pooled = pooled_tail(np.random.default_rng(8).standard_normal((2000, 4)))
    assert pooled.nu_high == np.inf
    assert pooled.nu > 30


@pytest.mark.parametrize(
    "draws",
    [np.zeros((10, 2)), np.zeros(100), np.full((100, 1), np.nan), np.column_stack([np.arange(100.0), np.zeros(100)])],
)
def test_bad_draws(draws: np.ndarray) -> None:
    with pytest.raises(BadInput):
        fit_tails(draws)


def test_bad_level() -> None:
    with pytest.raises(BadInput):
        fit_tails(_student(100, 0), level=1.0)
