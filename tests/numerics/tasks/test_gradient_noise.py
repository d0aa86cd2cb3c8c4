"""Noise of real mini-batch gradients: exact moments by enumeration, measured moments by z-tests with fixed keys.

z limits are Bonferroni over all entries at 1% (`z_limit`, about 4 for d = 5); seeds are fixed.
"""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
from scipy import stats

from derive.vocabulary.errors import BadInput, Refusal
from numerics.backend.double import jax, jnp
from numerics.tasks import gradient_noise
from numerics.tasks.clients import Purpose, shared_data, split_data, stream_keys
from numerics.tasks.covariance_path import covariance_change, fit_affine_variance, gradient_descent_path
from numerics.tasks.data import Dataset, load_breast_cancer, random_design
from numerics.tasks.gradient_noise import GradientNoise, correlation_summary, draw_noise, exact_moments, measure_noise
from numerics.tasks.linear_models import LinearModel, least_squares, logistic_regression, minimise
from tests.support.samples import mostly_slow

TINY = least_squares(random_design(4, 2, seed=2, correlation=0.4), l2=0.3)
X = np.array([0.7, -0.4])


def _all_batches(problem: LinearModel, x: np.ndarray, members: list[int], size: int) -> np.ndarray:
    gradients = np.asarray(problem.sample_gradients(jnp.asarray(x)))
    return np.array([gradients[list(batch)].mean(axis=0) for batch in itertools.product(members, repeat=size)])


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("split", [False, True])
def test_exact_moments_equal_enumeration_of_every_batch(batch: int, split: bool) -> None:
    data = split_data(4, 2, batch, seed=1) if split else shared_data(4, 2, batch)
    exact = exact_moments(TINY, X, data, client=1)
    values = _all_batches(TINY, X, list(data.members(1)), batch)
    noise = values - values.mean(axis=0)
    second = noise.T @ noise / len(noise)
    np.testing.assert_allclose(exact.mean, values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(exact.covariance, second, rtol=1e-12)
    variance = np.diag(second)
    np.testing.assert_allclose(exact.skewness, (noise**3).mean(axis=0) / variance**1.5, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(exact.excess_kurtosis, (noise**4).mean(axis=0) / variance**2 - 3, rtol=1e-9)


@pytest.mark.slow
def test_standard_error_of_the_covariance_equals_enumeration() -> None:
    data = shared_data(4, 1, 2)
    noise = _all_batches(TINY, X, [0, 1, 2, 3], 2)
    noise = noise - noise.mean(axis=0)
    products = noise[:, :, None] * noise[:, None, :]
    measured = measure_noise(TINY, X, data, draws=50)
    np.testing.assert_allclose(measured.covariance_error, products.std(axis=0) / np.sqrt(50), rtol=1e-10)


def test_l2_adds_nothing_to_the_noise() -> None:
    other = dataclasses.replace(TINY, l2=5.0)
    data = shared_data(4, 1, 2)
    np.testing.assert_allclose(exact_moments(other, X, data).covariance, exact_moments(TINY, X, data).covariance)


def largest_z(measured: GradientNoise) -> float:
    """Largest |z| over the means and the entries on and above the diagonal of the covariance."""
    upper = np.triu_indices(measured.covariance_z.shape[0])
    return float(max(np.max(np.abs(measured.covariance_z[upper])), np.max(np.abs(measured.mean_z))))


def z_limit(measured: GradientNoise) -> float:
    """The |z| that `largest_z` passes with probability at most 1% (Bonferroni over all entries, normal law)."""
    d = measured.mean_z.size
    return float(stats.norm.isf(0.005 / (d + d * (d + 1) / 2)))


def _cancer() -> LinearModel:
    return logistic_regression(load_breast_cancer(5))


@pytest.mark.slow
def test_measured_noise_of_real_batches_agrees_with_the_exact_moments() -> None:
    measured = measure_noise(_cancer(), np.zeros(5), shared_data(569, 4, 8), draws=4000, seed=1, client=2)
    assert largest_z(measured) < z_limit(measured)
    z = (measured.excess_kurtosis - measured.exact.excess_kurtosis) / measured.kurtosis_error
    assert np.all(np.abs(z) < 5)
    assert largest_z(measured) > 0.5  # the statistic is not degenerate


@pytest.mark.parametrize("wrong", mostly_slow([lambda c: 1.2 * c, lambda c: 8 * c]), ids=["a fifth too large", "without 1/B"])
@pytest.mark.slow
def test_planted_wrong_covariance_fails_the_check(monkeypatch: pytest.MonkeyPatch, wrong) -> None:
    def planted(*arguments):
        moments = exact_moments(*arguments)
        return dataclasses.replace(moments, covariance=wrong(moments.covariance))

    monkeypatch.setattr(gradient_noise, "exact_moments", planted)
    measured = measure_noise(_cancer(), np.zeros(5), shared_data(569, 4, 8), draws=4000, seed=1, client=2)
    assert largest_z(measured) > z_limit(measured)


@pytest.mark.slow
def test_split_clients_draw_only_their_own_samples() -> None:
    data = split_data(10, 3, 6, seed=4)
    members = [set(data.members(client).tolist()) for client in range(3)]
    assert sorted(len(m) for m in members) == [3, 3, 4]
    assert set.union(*members) == set(range(10))
    keys = stream_keys(0, Purpose.BATCH, jnp.arange(3), jnp.arange(50))
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
    assert not np.any(noise == draw_noise(problem, np.zeros(5), data, 40, seed=3, client=1))


@pytest.mark.slow
def test_huge_batches_are_drawn_in_blocks() -> None:
    problem = least_squares(random_design(30, 2, seed=1))
    whole = draw_noise(problem, X, shared_data(30, 1, 700_000), 20, seed=3)  # blocks of 2 draws
    assert whole.shape == (20, 2)
    exact = exact_moments(problem, X, shared_data(30, 1, 700_000))
    assert np.all(np.abs(whole) < 6 * exact.scale)


@pytest.mark.slow
def test_sign_means_follow_the_draws_and_the_fitted_laws() -> None:
    problem = _cancer()
    data = shared_data(569, 4, 8)
    measured = measure_noise(problem, np.zeros(5), data, draws=4000)
    noise = draw_noise(problem, np.zeros(5), data, 4000)
    gradient = np.asarray(problem.gradient(jnp.zeros(5)))
    np.testing.assert_allclose(measured.sign_means.measured, np.sign(gradient + noise).mean(axis=0))
    # Where the gradient is large against the noise all three say the same sign.
    assert np.all(np.sign(measured.sign_means.gaussian) == np.sign(gradient))
    assert np.all(np.sign(measured.sign_means.student_t) == np.sign(gradient))


def test_correlation_summary_of_known_matrices() -> None:
    half = correlation_summary(np.array([[4.0, 1.0], [1.0, 1.0]]))  # rho = 1/2
    assert (half.largest, half.pair, half.mean_absolute) == (pytest.approx(0.5), (0, 1), pytest.approx(0.5))
    assert half.off_diagonal_share == pytest.approx(0.5 / 2.5)
    assert half.effective_rank == pytest.approx(25 / 19)
    diagonal = correlation_summary(np.eye(3))
    assert (diagonal.largest, diagonal.off_diagonal_share) == (0.0, 0.0)
    assert diagonal.effective_rank == pytest.approx(3.0)
    assert correlation_summary(np.ones((3, 3))).effective_rank == pytest.approx(1.0)
    assert correlation_summary(np.array([[2.0]])).mean_absolute == 0.0
    with pytest.raises(Refusal, match="no noise"):
        correlation_summary(np.zeros((2, 2)))


def test_covariance_changes_along_the_path_to_the_minimiser() -> None:
    problem = _cancer()
    best = minimise(problem).point
    points = np.concatenate([gradient_descent_path(problem, np.zeros(5), 0.2, (0, 5, 50)), best[None]])
    change = covariance_change(problem, points, shared_data(569, 4, 8), ["0", "5", "50", "minimiser"])
    covariances = [exact_moments(problem, x, shared_data(569, 4, 8)).covariance for x in points]
    expected = [np.linalg.norm(c - covariances[3]) / np.linalg.norm(covariances[3]) for c in covariances]
    np.testing.assert_allclose(change.frobenius_change, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(change.trace_ratio, [np.trace(c) / np.trace(covariances[3]) for c in covariances])
    assert change.reference == 3
    assert change.frobenius_change[3] == 0.0
    assert change.scale_ratio_low[3] == change.scale_ratio_high[3] == 1.0
    assert np.all(np.diff(change.loss) < 0)
    # Rescaling alone cannot explain a change of shape, and is what shape_change removes.
    assert 0 < change.shape_change[0] < change.frobenius_change[0]
    json.dumps(change.to_dict(), allow_nan=False)


def test_gradient_descent_path_is_gradient_descent() -> None:
    x, kept = np.array(X), []
    for n in range(4):
        if n in (0, 1, 3):
            kept.append(x.copy())
        x = x - 0.1 * np.asarray(TINY.gradient(jnp.asarray(x)))
    np.testing.assert_allclose(gradient_descent_path(TINY, X, 0.1, (0, 1, 3)), kept, rtol=1e-13)


def test_affine_variance_fit() -> None:
    g = np.array([0.0, 1.0, 2.0, 10.0])
    exact = fit_affine_variance(g, 0.5 + 3.0 * g**2)
    assert (exact.s0, exact.s1) == (pytest.approx(0.5), pytest.approx(3.0))
    assert exact.r_squared == pytest.approx(1.0)
    flat = fit_affine_variance(g, np.full(4, 2.0))
    assert (flat.s0, flat.s1, flat.r_squared) == (pytest.approx(2.0), pytest.approx(0.0, abs=1e-12), None)
    falling = fit_affine_variance(g, 1.0 / (1.0 + g))
    assert falling.s1 == 0.0 and falling.worst > 1.0


def test_records_are_strict_json() -> None:
    measured = measure_noise(_cancer(), np.zeros(5), shared_data(569, 4, 64), draws=500)
    read = json.loads(json.dumps(measured.to_dict(), allow_nan=False))
    assert read["draws"] == 500
    np.testing.assert_allclose(read["exact"]["covariance"], measured.exact.covariance)
    assert all(isinstance(value, float) or value == "inf" for value in read["tails"]["nu_high"])
    broken = dataclasses.replace(measured, loss=float("nan"))
    with pytest.raises(ValueError, match="NaN"):
        broken.to_dict()


EQUAL = least_squares(Dataset(np.ones((3, 1)), np.ones(3), "equal samples", ("a",)))


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: exact_moments(TINY, np.zeros(3), shared_data(4, 1, 2)), "x"),
        (lambda: exact_moments(TINY, np.array([0.0, np.inf]), shared_data(4, 1, 2)), "x"),
        (lambda: exact_moments(TINY, X, shared_data(5, 1, 2)), "clients' samples"),
        (lambda: exact_moments(TINY, X, shared_data(4, 1, 2), client=1), "client"),
        (lambda: exact_moments(TINY, X, shared_data(4, 1, None)), "batch"),
        (lambda: draw_noise(TINY, X, shared_data(4, 1, 2), 5), "draws"),
        (lambda: draw_noise(TINY, X, shared_data(4, 1, 2), 50, seed=-1), "seed"),
        (lambda: shared_data(0), "samples"),
        (lambda: shared_data(4, 0), "clients"),
        (lambda: shared_data(4, 1, 0), "batch"),
        (lambda: split_data(4, 5), "clients"),
        (lambda: covariance_change(TINY, np.zeros((2, 3)), shared_data(4, 1, 2)), "points"),
        (lambda: covariance_change(TINY, np.zeros((2, 2)), shared_data(4, 1, 2), ["a"]), "labels"),
        (lambda: covariance_change(TINY, np.zeros((2, 2)), shared_data(4, 1, 2), reference=2), "reference"),
        (lambda: gradient_descent_path(TINY, X, 0.1, (3, 1)), "steps"),
        (lambda: gradient_descent_path(TINY, X, 0.0, (0, 1)), "eta"),
    ],
)
def test_bad_input_names_the_field(call, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        call()
    assert caught.value.field == field


def test_samples_without_noise_are_refused() -> None:
    with pytest.raises(Refusal) as caught:
        exact_moments(EQUAL, np.zeros(1), shared_data(3, 1, 2))
    assert caught.value.kind == "no-noise"
