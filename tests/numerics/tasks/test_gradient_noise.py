"""Noise of real mini-batch gradients: exact moments by enumeration, measured moments by z-tests with fixed keys.

z limits are Bonferroni over all entries at 1% (`z_limit`, about 4 for d = 5); seeds are fixed.
"""

import dataclasses
import itertools

import numpy as np
import pytest
from scipy import stats

from sdescent.derive.vocabulary.errors import Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.tasks.data import (
    Purpose,
    data_by_label,
    load_breast_cancer,
    random_design,
    shared_data,
    stream_keys,
)
from sdescent.numerics.tasks.gradient_noise import (
    correlation_summary,
    covariance_change,
    draw_noise,
    exact_moments,
    fit_affine_variance,
    gradient_descent_path,
    measure_noise,
)
from sdescent.numerics.tasks.losses_over_data import LinearModel, least_squares, logistic_regression
from tests.numerics.refusals import refused

TINY = least_squares(random_design(4, 2, seed=2, correlation=0.4), l2=0.3)
X = np.array([0.7, -0.4])


def test_exact_moments_equal_enumeration_of_every_batch() -> None:
    exact, gradients = exact_moments(TINY, X, shared_data(4, 2, 3)), np.asarray(TINY.sample_gradients(jnp.asarray(X)))
    values = np.array([gradients[list(batch)].mean(axis=0) for batch in itertools.product(range(4), repeat=3)])
    noise = values - values.mean(axis=0)
    second = noise.T @ noise / len(noise)
    np.testing.assert_allclose(exact.mean, values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(exact.covariance, second, rtol=1e-12)
    variance = np.diag(second)
    np.testing.assert_allclose(exact.skewness, (noise**3).mean(axis=0) / variance**1.5, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(exact.excess_kurtosis, (noise**4).mean(axis=0) / variance**2 - 3, rtol=1e-9)


def _cancer() -> LinearModel:
    data = load_breast_cancer()
    return logistic_regression(dataclasses.replace(data, features=data.features[:, :5]))


def largest_z(noise: np.ndarray, covariance: np.ndarray) -> float:
    """Largest |z| over the means and the entries on and above the diagonal of the covariance of draws (M, d) around 0."""
    products = noise[:, :, None] * noise[:, None, :]
    of_covariance = (products.mean(axis=0) - covariance) / (products.std(axis=0) / np.sqrt(len(noise)))
    of_mean = noise.mean(axis=0) / np.sqrt(np.diag(covariance) / len(noise))
    return float(max(np.max(np.abs(of_covariance[np.triu_indices(len(covariance))])), np.max(np.abs(of_mean))))


#: the |z| that `largest_z` passes with probability at most 1% in 5 dimensions (Bonferroni over all entries, normal law)
Z_LIMIT = float(stats.norm.isf(0.005 / (5 + 5 * 6 / 2)))


@pytest.mark.slow
def test_draws_of_real_batches_agree_with_the_exact_moments() -> None:
    data = shared_data(569, 4, 8)
    exact, noise = exact_moments(_cancer(), np.zeros(5), data), draw_noise(_cancer(), np.zeros(5), data, 4000, seed=1)
    assert 0.5 < largest_z(noise, exact.covariance) < Z_LIMIT  # the statistic is not degenerate
    for wrong in (1.2, 8):  # a fifth too large; without 1/B
        assert largest_z(noise, wrong * exact.covariance) > Z_LIMIT
    # the delta method around the exact mean 0
    second, fourth = np.mean(noise**2, axis=0), np.mean(noise**4, axis=0)
    influence = (noise**4 - fourth) / second**2 - 2.0 * fourth * (noise**2 - second) / second**3
    error = np.std(influence, axis=0) / np.sqrt(len(noise))
    assert np.all(np.abs(fourth / second**2 - 3 - exact.excess_kurtosis) < 5 * error)


@pytest.mark.slow
def test_split_clients_draw_only_their_own_samples() -> None:
    data = data_by_label(np.arange(10)[::-1], 3, 6)
    members = [{9, 8, 7}, {6, 5, 4}, {3, 2, 1, 0}]
    keys = stream_keys(0, int(Purpose.BATCH), jnp.arange(3), jnp.arange(50))
    for client in range(3):
        drawn = set(np.asarray(jax.vmap(data.draw, in_axes=(0, None))(keys[client], client)).ravel().tolist())
        assert drawn == members[client]
        np.testing.assert_allclose(np.flatnonzero(data.weights(client)), sorted(members[client]))
        assert float(jnp.sum(data.weights(client))) == pytest.approx(1.0)


@pytest.mark.slow
def test_streams_are_fixed_and_apart() -> None:
    problem, data = _cancer(), shared_data(569, 4, 8)
    noise = draw_noise(problem, np.zeros(5), data, 40, seed=3)
    np.testing.assert_array_equal(noise, draw_noise(problem, np.zeros(5), data, 40, seed=3))
    # More draws, or more clients beside it, leave a client's draws as they were.
    np.testing.assert_array_equal(noise, draw_noise(problem, np.zeros(5), data, 60, seed=3)[:40])
    np.testing.assert_array_equal(noise, draw_noise(problem, np.zeros(5), shared_data(569, 9, 8), 40, seed=3))
    assert not np.any(noise == draw_noise(problem, np.zeros(5), data, 40, seed=4))


@pytest.mark.slow
def test_sign_means_follow_the_draws_and_the_fitted_laws() -> None:
    problem = _cancer()
    data = shared_data(569, 4, 8)
    measured = measure_noise(problem, np.zeros(5), data, draws=4000)
    noise = draw_noise(problem, np.zeros(5), data, 4000)
    gradient = np.asarray(problem.gradient(jnp.zeros(5)))
    drift = np.sign(gradient + noise).mean(axis=0)
    fitted = 1 - 2 * stats.t.sf(gradient, measured.tails.nu, scale=measured.tails.sigma)
    assert measured.sign_gap == pytest.approx(np.max(np.abs(drift - fitted)))


def test_correlation_summary_of_known_matrices() -> None:
    half = correlation_summary(np.array([[4.0, 1.0], [1.0, 1.0]]))  # rho = 1/2
    assert half.largest == pytest.approx(0.5)
    assert half.off_diagonal_share == pytest.approx(0.5 / 2.5)
    assert half.effective_rank == pytest.approx(25 / 19)
    diagonal = correlation_summary(np.eye(3))
    assert (diagonal.largest, diagonal.off_diagonal_share, diagonal.effective_rank) == (0.0, 0.0, pytest.approx(3.0))
    with pytest.raises(Refusal, match="no noise"):
        correlation_summary(np.zeros((2, 2)))


def test_gradient_descent_path_is_gradient_descent() -> None:
    x, kept = np.array(X), []
    for n in range(4):
        if n in (0, 1, 3):
            kept.append(x.copy())
        x = x - 0.1 * np.asarray(TINY.gradient(jnp.asarray(x)))
    np.testing.assert_allclose(gradient_descent_path(TINY, X, 0.1, (0, 1, 3)), kept, rtol=1e-13)


def test_the_change_of_a_covariance_is_that_of_its_trace() -> None:
    data, points = shared_data(4, 1, 2), np.array([X, 2 * X, [0.1, 0.3]])
    ratios, fit = covariance_change(TINY, points, data)
    traces = np.array([np.trace(exact_moments(TINY, x, data).covariance) for x in points])
    np.testing.assert_allclose(ratios, traces / traces[2])
    squares = np.array([float(jnp.sum(TINY.gradient(jnp.asarray(x)) ** 2)) for x in points])
    worst = np.max(np.abs(fit.s0 + fit.s1 * squares - traces / 2) / (traces / 2))
    np.testing.assert_allclose(fit.worst, worst, rtol=1e-6)


def test_affine_variance_fit() -> None:
    g = np.array([0.0, 1.0, 2.0, 10.0])
    exact = fit_affine_variance(g, 0.5 + 3.0 * g**2)
    assert (exact.s0, exact.s1) == (pytest.approx(0.5), pytest.approx(3.0))
    assert exact.r_squared == pytest.approx(1.0)
    flat = fit_affine_variance(g, np.full(4, 2.0))
    assert (flat.s0, flat.s1, flat.r_squared) == (pytest.approx(2.0), pytest.approx(0.0, abs=1e-12), None)
    falling = fit_affine_variance(g, 1.0 / (1.0 + g))
    assert falling.s1 == 0.0 and falling.worst > 1.0


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: exact_moments(TINY, np.zeros(3), shared_data(4, 1, 2)), "x"),
        (lambda: exact_moments(TINY, X, shared_data(5, 1, 2)), "clients' samples"),
        (lambda: exact_moments(TINY, X, data_by_label(np.arange(4), 2, 2)), "data"),
        (lambda: exact_moments(TINY, X, shared_data(4, 1, None)), "batch"),
        (lambda: draw_noise(TINY, X, shared_data(4, 1, 2), 5), "draws"),
        (lambda: draw_noise(TINY, X, shared_data(4, 1, 2), 50, seed=-1), "seed"),
        (lambda: shared_data(0), "samples"),
        (lambda: covariance_change(TINY, np.zeros((2, 3)), shared_data(4, 1, 2)), "points"),
        (lambda: gradient_descent_path(TINY, X, 0.1, (3, 1)), "steps"),
        (lambda: gradient_descent_path(TINY, X, 0.0, (0, 1)), "eta"),
    ],
)
def test_bad_input_names_the_field(call, field: str) -> None:
    with refused(field):
        call()
