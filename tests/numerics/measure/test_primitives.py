"""Sums over a user's data against explicit matrices, Lanczos against eigenvalues, and memory without d x d matrices."""

import numpy as np
import pytest

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.measure.model import model_of
from sdescent.numerics.measure.primitives import chosen_groups, lanczos
from tests.numerics.measure.models import logistic, logistic_loss, per_example, population_of, squares_loss

X = np.array([0.3, -1.0, 0.5, 2.0, 0.1])


@pytest.fixture(scope="module", params=["shared", "split"])
def case(request):
    """135 examples, more than one block of 128; split into unequal shards of 3 clients, each with the same weight."""
    owner = None if request.param == "shared" else np.repeat([2, 0, 1], [20, 50, 65])
    model = logistic(135, 5, 1, clients=owner, count=3)
    y = per_example(model, X)
    means = np.stack([y[s].mean(axis=0) for s in model.shards])
    covariance = np.mean([np.cov(y[s].T, bias=True) for s in model.shards], axis=0)
    return model, population_of(model), means, covariance


def test_gradients_are_those_of_numpy(case):
    model, population, means, _ = case
    loss, g = population.value_and_gradient(X)
    a, y = model.data
    losses = np.logaddexp(0, -y * (a @ X))
    assert loss == pytest.approx(np.mean([losses[s].mean() for s in model.shards]), rel=1e-12)
    assert g == pytest.approx(means.mean(axis=0), rel=1e-12)
    assert population.group_means(X) == pytest.approx(means, rel=1e-12)


def test_products_are_those_of_explicit_matrices(case):
    model, population, means, covariance = case
    a, _y = model.data
    p = 1 / (1 + np.exp(-(a @ X)))
    hessian = np.mean([(a[s].T * (p * (1 - p))[s]) @ a[s] / len(s) for s in model.shards], axis=0)
    v = np.arange(5.0)
    assert population.hessian_product(X, v) == pytest.approx(hessian @ v, rel=1e-10)
    assert population.covariance_product(X, v, means) == pytest.approx(covariance @ v, rel=1e-10)


def test_a_subsample_has_the_same_share_of_each_client():
    model = logistic(400, 3, 2, clients=np.repeat([0, 1], [100, 300]), count=2)
    groups = chosen_groups(model, 80, 0)
    assert [len(g) for g in groups] == [20, 60]
    assert all(len(set(g)) == len(g) and set(g) <= set(s) for g, s in zip(groups, model.shards, strict=True))
    assert chosen_groups(model, 400, 0) is model.shards


@pytest.mark.slow
def test_memory_is_linear_in_the_parameters():
    """d = 10^6: a d x d matrix would have 8 TB."""
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((6, 10**6)) / 1e3 * np.arange(1, 7)[:, None], np.ones(6)
    model = model_of({"loss": squares_loss, "params": {"w": jnp.zeros(10**6)}, "data": (a, y)}, "m.py", 1)
    population = population_of(model)
    x = population.x0
    ritz = lanczos(lambda v: population.hessian_product(x, v), a.sum(axis=0), 6)
    assert ritz.norm == pytest.approx(np.linalg.eigvalsh(a @ a.T / 6)[-1], rel=1e-8)


def test_lanczos_finds_the_ends_and_quadrature_is_exact_for_polynomials():
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.standard_normal((60, 60)))
    values = np.concatenate([[-3.0, 9.0], rng.uniform(-1, 2, 58)])
    matrix, v = (q * values) @ q.T, rng.standard_normal(60)
    ritz = lanczos(lambda w: matrix @ w, v, 8, 24, 0.001)
    assert ritz.norm == pytest.approx(9.0, rel=1e-5) and ritz.accuracy <= 0.001
    assert len(ritz.values) < 24
    for n in range(8):
        assert ritz.weights @ ritz.values**n == pytest.approx(v @ np.linalg.matrix_power(matrix, n) @ v, rel=1e-9)
    # an eigenvalue lies within every residual
    gaps = np.abs(ritz.values[:, None] - np.linalg.eigvalsh(matrix)).min(axis=1)
    assert np.all(gaps <= ritz.residuals + 1e-9)


def test_lanczos_ends_in_an_invariant_subspace():
    ritz = lanczos(lambda w: 2.0 * w, np.arange(1.0, 4.0), 3)
    assert ritz.values.tolist() == [2.0] and ritz.weights == pytest.approx([14.0])


# --- the model file

GOOD = {"loss": logistic_loss, "params": {"w": np.zeros(2)}, "data": (np.ones((3, 2)), np.ones(3))}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"loss": None}, "m.py"),
        ({"params": {"w": np.zeros(2, int)}}, "params of m.py"),
        ({"data": (np.ones((3, 2)), np.ones(4))}, "data of m.py"),
        ({"data": (np.ones((3, 2)), 1.0)}, "data of m.py"),
        ({"loss": 3}, "loss of m.py"),
        ({"loss": lambda params, batch: batch[1]}, "loss of m.py"),
        ({"loss": lambda params, batch: params["v"]}, "loss of m.py"),
        ({"optimizer": 0.1}, "optimizer of m.py"),
        ({"clients": [0, 1, 5]}, "clients of m.py"),
        ({"clients": [0, 0, 0]}, "clients of m.py"),
    ],
)
def test_a_bad_model_is_named(change, field):
    with pytest.raises(BadInput) as error:
        model_of({**GOOD, **change}, "m.py", 2)
    assert error.value.field == field and "accepted" in str(error.value)
