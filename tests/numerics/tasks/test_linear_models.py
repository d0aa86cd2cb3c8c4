"""Data sets and regression losses: derivatives against automatic differentiation, the minimiser, bad input."""

import dataclasses
import sys

import numpy as np
import pytest

from sdescent.derive.vocabulary.errors import Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.tasks.data import Dataset, load_breast_cancer, random_design
from sdescent.numerics.tasks.losses_over_data import LinearModel, least_squares, logistic_regression, minimise
from tests.numerics.refusals import refused


def _problem(kind: str) -> LinearModel:
    data = random_design(17, 4, seed=3, correlation=0.5)
    if kind == "least squares":
        return least_squares(data, l2=0.1)
    return logistic_regression(dataclasses.replace(data, labels=np.sign(data.labels)), l2=0.1)


POINT = jnp.asarray([0.3, -1.2, 0.0, 2.0])


@pytest.mark.slow
def test_paths_layout_agrees_with_single_points_and_automatic_differentiation() -> None:
    problem = _problem("logistic regression")

    def one(x, row, label):
        return problem.value(row @ x, label) + 0.5 * problem.l2 * x @ x

    expected = jax.vmap(jax.grad(one), in_axes=(None, 0, 0))(POINT, problem.features, problem.labels)
    np.testing.assert_allclose(problem.sample_gradients(POINT), expected, rtol=1e-12)
    x = jnp.stack([POINT, -POINT, jnp.zeros(4)], axis=1)
    batch = jnp.asarray([[0, 3, 16], [5, 3, 2]])
    gradients = [problem.sample_gradients(column) for column in x.T]
    mini = jnp.stack([g[chosen].mean(axis=0) for g, chosen in zip(gradients, batch.T, strict=True)], axis=1)
    weights = jnp.full(17, 1.0 / 17)
    np.testing.assert_allclose(problem.loss(x), [problem.loss(column) for column in x.T], rtol=1e-13)
    np.testing.assert_allclose(problem.gradient(x), jnp.stack([problem.gradient(c) for c in x.T], 1), rtol=1e-13)
    np.testing.assert_allclose(problem.weighted_gradient(x, jnp.full(batch.shape, 1 / 2), batch), mini, rtol=1e-12)
    np.testing.assert_allclose(problem.weighted_gradient(x, weights, jnp.arange(17)), problem.gradient(x), rtol=1e-12)


@pytest.mark.slow
def test_minimiser_has_zero_gradient_and_lowest_loss() -> None:
    problem = _problem("logistic regression")
    lowest = minimise(problem, start=np.full(4, 5.0))
    assert float(jnp.linalg.norm(problem.gradient(jnp.asarray(lowest.point)))) <= 1e-10
    around = jnp.asarray(lowest.point[:, None] + 1e-3 * np.random.default_rng(0).standard_normal((4, 20)))
    assert np.all(np.asarray(problem.loss(around)) > lowest.loss)


@pytest.mark.slow
def test_separable_data_without_l2_has_no_minimiser() -> None:
    data = Dataset(np.array([[1.0], [-1.0]]), np.array([1.0, -1.0]), "separable")
    with pytest.raises(Refusal) as caught:
        minimise(logistic_regression(data, l2=0.0), tolerance=1e-14, limit=20)
    assert caught.value.kind == "no-minimiser"


def test_breast_cancer_is_standardised() -> None:
    data = load_breast_cancer()
    assert data.features.shape == (569, 30)
    np.testing.assert_allclose(data.features.mean(axis=0), 0.0, atol=1e-13)
    np.testing.assert_allclose(data.features.std(axis=0), 1.0, rtol=1e-13)
    assert (int(np.sum(data.labels == 1)), int(np.sum(data.labels == -1))) == (212, 357)
    # Malignant tumours are the larger ones: +1 must go with a large mean radius, the first feature.
    assert np.mean(data.features[data.labels == 1, 0]) > 0.5


def test_missing_scikit_learn_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(Refusal, match=r"sdescent\[data\]") as caught:
        load_breast_cancer()
    assert caught.value.kind == "missing-extra"


@pytest.mark.slow
def test_random_design_has_the_stated_correlation_and_streams() -> None:
    data = random_design(20_000, 4, seed=5, correlation=-0.6)
    expected = (-0.6) ** np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    # Standard error of a sample correlation is at most 1/sqrt(n); the limit is 5 of them.
    np.testing.assert_allclose(np.cov(data.features.T), expected, atol=5 / np.sqrt(20_000) * np.sqrt(2))
    other = random_design(20_000, 4, seed=5, noise_std=3.0, correlation=-0.6)
    np.testing.assert_array_equal(data.features, other.features)
    assert not np.array_equal(data.labels, other.labels)
    assert not np.array_equal(data.features, random_design(20_000, 4, seed=6, correlation=-0.6).features)
    noiseless = random_design(30, 4, noise_std=0.0)
    assert minimise(least_squares(noiseless)).loss < 1e-24


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: random_design(0, 3), "n"),
        (lambda: random_design(10_000_000, 10_000_000), "n * d"),
        (lambda: random_design(3, 3, seed=-1), "seed"),
        (lambda: random_design(3, 3, noise_std=float("nan")), "noise_std"),
        (lambda: random_design(3, 3, correlation=1.0), "correlation"),
        (lambda: least_squares(random_design(3, 3), l2=-0.1), "l2"),
        (lambda: logistic_regression(random_design(3, 3)), "labels"),
        (lambda: least_squares(Dataset(np.array([[np.nan]]), np.ones(1), "")), "features"),
    ],
)
def test_bad_input_names_the_field(call, field: str) -> None:
    with refused(field):
        call()
