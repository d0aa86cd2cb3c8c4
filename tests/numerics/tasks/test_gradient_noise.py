"""Noise of real mini-batch gradients: moments by enumeration, runs of real mini-batches by z-tests, Student's t against scipy."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD
from sdescent.derive.methods.noise import NoNoise
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.simulate.method import run
from sdescent.numerics.tasks.data import Dataset, OwnGradients, random_design, shared_data
from sdescent.numerics.tasks.losses_over_data import LinearModel, least_squares
from sdescent.numerics.tasks.noise_and_curvature import covariance, measure_noise, student

TINY = least_squares(random_design(4, 2, seed=2, correlation=0.4), l2=0.3)
X = np.array([0.7, -0.4])
PROBLEM = least_squares(random_design(40, 5, seed=2, correlation=0.4), l2=0.1)
START = np.array([1.0, -2.0, 0.5, 0.0, 3.0])


def test_moments_equal_enumeration_of_every_batch() -> None:
    gradients = np.asarray(TINY.sample_gradients(jnp.asarray(X)))
    values = np.array([gradients[list(batch)].mean(axis=0) for batch in itertools.product(range(4), repeat=3)])
    noise = values - values.mean(axis=0)
    second = noise.T @ noise / len(noise)
    measured = measure_noise(TINY, X, 3, 500)
    np.testing.assert_allclose(covariance(TINY, X, 3), second, rtol=1e-12)
    np.testing.assert_allclose(measured.covariance, second, rtol=1e-12)
    variance = np.diag(second)
    skewness, kurtosis = (noise**3).mean(axis=0) / variance**1.5, (noise**4).mean(axis=0) / variance**2 - 3
    assert measured.skewness == pytest.approx(np.max(np.abs(skewness)), rel=1e-9)
    assert measured.kurtosis == pytest.approx(np.max(kurtosis), rel=1e-9)
    rho = second[0, 1] / np.sqrt(variance[0] * variance[1])
    assert measured.correlation == pytest.approx(abs(rho))
    assert measured.off_diagonal == pytest.approx(2 * rho**2 / (2 + 2 * rho**2))
    values = np.linalg.eigvalsh(second)
    assert measured.rank == pytest.approx(values.sum() ** 2 / np.sum(values**2))


def test_the_sign_gap_is_between_the_exact_sign_means_and_the_fitted_law() -> None:
    """All batches of two of 40 samples give E sign exactly; the gap of 4000 draws is within 5 of its standard errors."""
    rng = np.random.default_rng(0)
    y = rng.exponential(1, 40)  # the gradient of a sample is x_1 - y or so, whose law is not symmetric
    problem = least_squares(Dataset(np.stack([np.ones(40), rng.standard_normal(40)], axis=1), y, "skewed"))
    x = np.array([y.mean() + 0.2, 0.0])
    measured = measure_noise(problem, x, 2, 4000, seed=3)
    gradients = np.asarray(problem.sample_gradients(jnp.asarray(x)))
    signs = np.mean([np.sign(gradients[list(b)].mean(axis=0)) for b in itertools.product(range(40), repeat=2)], axis=0)
    fitted = 1 - 2 * stats.t.sf(gradients.mean(axis=0), measured.nu, scale=measured.scale)
    exact = float(np.max(np.abs(signs - fitted)))
    assert exact > 0.1 and measured.sign_gap == pytest.approx(exact, abs=5 / np.sqrt(4000))
    assert measured.tails is not None and len(measured.tails.shapes) == 2
    assert measure_noise(problem, x, 2, 100).tails is None


# --- runs with real mini-batches


def _one_step_z(method: Any, batch: int, mean: np.ndarray, second: np.ndarray) -> float:
    """Largest |z| of the mean and covariance of (x_0 - x_1)/eta over 20,000 runs, against these ones."""
    count, oracle = 20_000, OwnGradients(PROBLEM, shared_data(40, int(method.clients), batch))
    coordinates = {f"x{n}": lambda x, n=n: x[n] for n in range(5)}
    ran = run(
        method, START, 0.5, count, 11, {"eta": 0.5}, Landscape(PROBLEM.loss), [0.0, 0.5], coordinates, oracle=oracle
    )
    moved = (START[:, None] - np.stack([ran.values[name][1] for name in coordinates])) / 0.5 - mean[:, None]
    products = moved[:, None, :] * moved[None, :, :]
    z_mean = moved.mean(axis=1) / np.sqrt(np.diag(second) / count)
    z_products = (products.mean(axis=2) - second) / (products.std(axis=2) / np.sqrt(count))
    return float(max(np.max(np.abs(z_mean)), np.max(np.abs(z_products))))


#: standard errors allowed in the moments of one step (20 numbers, so about 1e-5 by chance)
Z_LIMIT = 5.0


def _gradient(problem: LinearModel, x: np.ndarray) -> np.ndarray:
    return np.asarray(problem.gradient(jnp.asarray(x)))


@pytest.mark.slow
def test_one_step_of_dsgd_has_the_exact_mean_and_covariance() -> None:
    mean, exact = _gradient(PROBLEM, START), covariance(PROBLEM, START, 3)
    method = DSGD(NoNoise(), 4)
    assert _one_step_z(method, 3, mean, exact / 4) < Z_LIMIT
    assert _one_step_z(method, 3, mean, exact) > Z_LIMIT  # without 1/N
    assert _one_step_z(method, 3, 1.05 * mean, exact / 4) > Z_LIMIT


@pytest.mark.slow
def test_one_step_of_rand_k_has_the_exact_mean_and_covariance() -> None:
    """Theory 4 with correlated noise: E C C' = (d/k) on the diagonal, d(k-1)/(k(d-1)) off it, times E v v'."""
    mean = _gradient(PROBLEM, START)
    second = covariance(PROBLEM, START, 3) + np.outer(mean, mean)
    weight = np.full((5, 5), 5 * (2 - 1) / (2 * (5 - 1)))
    np.fill_diagonal(weight, 5 / 2)
    exact = (weight * second - np.outer(mean, mean)) / 2
    assert _one_step_z(DCSGD(RandK(2), NoNoise(), 2), 3, mean, exact) < Z_LIMIT
    assert _one_step_z(DCSGD(RandK(2), NoNoise(), 2), 3, mean, 1.1 * exact) > Z_LIMIT


# --- Student's t


def test_students_t_is_the_law_that_scipy_finds() -> None:
    rng = np.random.default_rng(1)
    for nu, sigma in ((1.0, 2.0), (3.0, 0.01), (8.0, 30.0)):
        z = sigma * rng.standard_t(nu, (1000, 1))
        fitted, (scale,) = student(z)
        free, _, width = stats.t.fit(z[:, 0], floc=0.0)
        ours, theirs = (stats.t.logpdf(z, n, scale=s).sum() for n, s in ((fitted, scale), (free, width)))
        assert (
            ours >= theirs - 1e-6 and fitted == pytest.approx(nu, rel=0.4) and scale == pytest.approx(sigma, rel=0.15)
        )


def test_one_nu_belongs_to_all_coordinates() -> None:
    z = np.random.default_rng(7).standard_t(4, (3000, 1))
    nu, (scale,) = student(z)
    many, scales = student(z @ np.array([[1.0, 2.0, -0.5]]))
    assert many == pytest.approx(nu, rel=1e-3) and nu == pytest.approx(4, rel=0.2)
    np.testing.assert_allclose(scales, scale * np.array([1.0, 2.0, 0.5]), rtol=1e-4)


def test_light_tails_get_the_normal_law() -> None:
    z = np.random.default_rng(3).uniform(-1, 1, (2000, 2))
    nu, scale = student(z)
    assert np.isinf(nu)
    np.testing.assert_allclose(scale, np.sqrt(np.mean(z**2, axis=0)), rtol=1e-9)


@pytest.mark.parametrize("draws", [np.full((100, 1), np.nan), np.column_stack([np.arange(100.0), np.zeros(100)])])
def test_bad_draws(draws: np.ndarray) -> None:
    with pytest.raises(BadInput):
        student(draws)
