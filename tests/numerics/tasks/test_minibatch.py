"""The real mini-batch methods: limits that are known exactly, moments of one step by z-tests, blow-ups, streams."""

from typing import Any

import numpy as np
import pytest

from sdescent.numerics.backend.double import jnp
from sdescent.numerics.tasks.data import data_by_label, random_design, shared_data
from sdescent.numerics.tasks.gradient_noise import exact_moments
from sdescent.numerics.tasks.losses_over_data import least_squares
from sdescent.numerics.tasks.minibatch import MiniBatchDCSGD, MiniBatchDSGD, MiniBatchDSignSGD, run_minibatch
from tests.numerics.refusals import refused

PROBLEM = least_squares(random_design(40, 5, seed=2, correlation=0.4), l2=0.1)
START = np.array([1.0, -2.0, 0.5, 0.0, 3.0])


@pytest.mark.slow
def test_whole_data_dsgd_is_gradient_descent_and_dsignsgd_sign_descent() -> None:
    signs = run_minibatch(PROBLEM, MiniBatchDSignSGD(), shared_data(40, 4, None), START, 0.1, [5], 1)
    x = jnp.asarray(START)
    for _ in range(5):
        x = x - 0.1 * jnp.sign(PROBLEM.gradient(x))
    np.testing.assert_allclose(signs.final[:, 0], x, rtol=1e-12)
    data = data_by_label(np.asarray(PROBLEM.labels), 4, None)
    run = run_minibatch(PROBLEM, MiniBatchDSGD(), data, START, 0.1, [0, 1, 7], 3)
    x, losses = jnp.asarray(START), []
    for n in range(8):
        if n in (0, 1, 7):
            losses.append(float(PROBLEM.loss(x)))
            last = x
        x = x - 0.1 * PROBLEM.gradient(x)
    np.testing.assert_allclose(run.loss, np.array(losses)[:, None] * np.ones(3), rtol=1e-12)
    np.testing.assert_allclose(run.final, np.asarray(last)[:, None] * np.ones(3), rtol=1e-12)
    np.testing.assert_allclose(run.times, [0.0, 0.1, 0.7])


def _one_step_z(method: Any, clients: int, batch: int, mean, covariance) -> float:
    """Largest |z| of the mean and covariance of (x_0 - x_1)/eta over 20,000 replicas, against the given ones."""
    data, count = shared_data(40, clients, batch), 20_000
    run = run_minibatch(PROBLEM, method, data, START, 0.5, [1], count, seed=11)
    moved = (START[:, None] - run.final) / 0.5 - mean[:, None]
    products = moved[:, None, :] * moved[None, :, :]
    z_mean = moved.mean(axis=1) / np.sqrt(np.diag(covariance) / count)
    z_products = (products.mean(axis=2) - covariance) / (products.std(axis=2) / np.sqrt(count))
    return float(max(np.max(np.abs(z_mean)), np.max(np.abs(z_products))))


Z_LIMIT = 5.0
"""Standard errors allowed in the moments of one step (20 numbers, so about 1e-5 by chance)."""


@pytest.mark.slow
def test_one_step_of_dsgd_has_the_exact_mean_and_covariance() -> None:
    exact = exact_moments(PROBLEM, START, shared_data(40, 4, 3))
    assert _one_step_z(MiniBatchDSGD(), 4, 3, exact.mean, exact.covariance / 4) < Z_LIMIT
    assert _one_step_z(MiniBatchDSGD(), 4, 3, exact.mean, exact.covariance) > Z_LIMIT  # without 1/N
    assert _one_step_z(MiniBatchDSGD(), 4, 3, 1.05 * exact.mean, exact.covariance / 4) > Z_LIMIT


@pytest.mark.slow
def test_one_step_of_rand_k_has_the_exact_mean_and_covariance() -> None:
    """Theory 4 with correlated noise: E C C' = (d/k) on the diagonal, d(k-1)/(k(d-1)) off it, times E v v'."""
    exact = exact_moments(PROBLEM, START, shared_data(40, 2, 3))
    second = exact.covariance + np.outer(exact.mean, exact.mean)
    weight = np.full((5, 5), 5 * (2 - 1) / (2 * (5 - 1)))
    np.fill_diagonal(weight, 5 / 2)
    covariance = (weight * second - np.outer(exact.mean, exact.mean)) / 2
    assert _one_step_z(MiniBatchDCSGD(2), 2, 3, exact.mean, covariance) < Z_LIMIT
    assert _one_step_z(MiniBatchDCSGD(2), 2, 3, exact.mean, 1.1 * covariance) > Z_LIMIT


@pytest.mark.slow
def test_more_replicas_and_saved_steps_change_no_replica() -> None:
    data = shared_data(40, 3, 4)
    method = MiniBatchDCSGD(2)
    whole = run_minibatch(PROBLEM, method, data, START, 0.05, [10], 6, seed=2)
    chunk = run_minibatch(PROBLEM, method, data, START, 0.05, [0, 3, 4, 10], 2, seed=2)
    np.testing.assert_allclose(chunk.final, whole.final[:, :2], rtol=1e-10)
    assert len(np.unique(whole.final[0])) == 6
    np.testing.assert_allclose(chunk.loss[-1], PROBLEM.loss(jnp.asarray(chunk.final)), rtol=1e-12)
    np.testing.assert_allclose(chunk.loss[0], float(PROBLEM.loss(jnp.asarray(START))), rtol=1e-12)


@pytest.mark.slow
def test_unstable_step_size_blows_up_and_is_counted_not_averaged() -> None:
    x, step, data = jnp.asarray(START), 0, shared_data(40, 4, None)
    while jnp.max(jnp.abs(x)) <= 1e6:
        x, step = x - 3.0 * PROBLEM.gradient(x), step + 1
    run = run_minibatch(PROBLEM, MiniBatchDSGD(), data, START, 3.0, [0, 200], 8)
    assert run.blow_ups == 8 and np.all(run.blow_up_step == step)
    assert np.all(np.isinf(run.loss[1])) and np.all(np.isfinite(run.loss[0]))
    assert np.all(np.abs(run.final) <= 1e6)


RUN: Any = dict(
    problem=PROBLEM, method=MiniBatchDSGD(), data=shared_data(40), start=START, eta=0.1, save_steps=[1], replicas=2
)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start": np.zeros(4)}, "start"),
        ({"data": shared_data(41)}, "clients' samples"),
        ({"eta": 0.0}, "eta"),
        ({"save_steps": [3, 3]}, "save_steps"),
        ({"replicas": 0}, "replicas"),
        ({"seed": 1.5}, "seed"),
        ({"method": MiniBatchDCSGD(6)}, "rand-k:k"),
    ],
)
def test_bad_input_names_the_field(change: dict, field: str) -> None:
    with refused(field):
        run_minibatch(**(RUN | change))


def test_bad_k() -> None:
    for k in (0, 1.5, True):
        with refused("rand-k:k"):
            MiniBatchDCSGD(k)  # pyright: ignore[reportArgumentType]
