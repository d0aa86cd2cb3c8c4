"""Clients with data of their own: their gradients against direct loops in NumPy. Random tests have fixed keys."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from sdescent.derive.methods.noise import Affine
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.tasks.data import Dataset, OwnGradients, data_by_label, shared_data
from sdescent.numerics.tasks.losses_over_data import Network, logistic_regression
from sdescent.numerics.tasks.step_rules import RaceProblem, race

RNG = np.random.default_rng(8)
N, CLASSES = 17, 3
FEATURES, LABELS = RNG.uniform(0, 1, (N, 4)), np.arange(N) % CLASSES
NETWORK = Network(FEATURES, LABELS.astype(float), 5, l2=0.1)
LINEAR = logistic_regression(Dataset(FEATURES, np.where(LABELS == 0, 1.0, -1.0), "small"), 0.1)


def draws(paths: int, seed: int = 1) -> Draws:
    return Draws((np.uint32(seed), np.uint32(2)), jnp.arange(paths, dtype=jnp.uint32))


def of_sample(loss: Any, x: np.ndarray, m: int) -> np.ndarray:
    """The gradient of one sample's loss with the l2 term at one point, by hand."""
    if loss is LINEAR:
        a, y = FEATURES[m], float(LINEAR.labels[m])
        return -y * a / (1 + np.exp(y * a @ x)) + 0.1 * x
    parts = np.split(x, np.cumsum([20, 5, 15]))
    w, b, v, c = (part.reshape(shape) for part, shape in zip(parts, NETWORK.shapes, strict=True))
    units = np.tanh(w @ FEATURES[m] + b)
    z = v @ units + c
    at_z = np.exp(z) / np.exp(z).sum() - np.eye(CLASSES)[LABELS[m]]
    inside = (v.T @ at_z) * (1 - units**2)
    gradients = np.outer(inside, FEATURES[m]).ravel(), inside, np.outer(at_z, units).ravel(), at_z
    return np.concatenate(gradients) + 0.1 * x


def point(loss: Any, paths: int = 3) -> np.ndarray:
    return np.random.default_rng(2).standard_normal((loss.dim, paths))


def members(data: Any, client: int) -> np.ndarray:
    """Sample numbers of one client."""
    return data.rows[client, : data.sizes[client]]


@pytest.mark.slow
@pytest.mark.parametrize("loss", [LINEAR, NETWORK], ids=["linear", "network"])
def test_a_clients_gradient_is_the_sum_over_its_samples(loss: Any) -> None:
    """A loop over clients, samples and paths; the mean over clients is the full gradient, and one client's is another one."""
    data = data_by_label(LABELS, 4, None)
    own = OwnGradients(loss, data)
    x = point(loss)
    found = np.stack([np.asarray(own(draws(3), jnp.asarray(x), i)) for i in range(4)])
    wanted = np.zeros_like(found)
    for i in range(4):
        for m in members(data, i):
            for r in range(3):
                wanted[i, :, r] += of_sample(loss, x[:, r], m) * 4 / N
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    land = loss.gradient if loss is LINEAR else loss.landscape().gradient
    full = np.asarray(land(jnp.asarray(x)))
    np.testing.assert_allclose(found.mean(axis=0), full, rtol=1e-10, atol=1e-12)
    assert np.min(np.linalg.norm(found - full, axis=1)) > 0.05 * np.max(np.linalg.norm(full, axis=0))
    # inside a compiled loop the client is traced
    traced = jax.jit(lambda i: own(draws(3), jnp.asarray(x), i))(jnp.asarray(2))
    np.testing.assert_allclose(traced, wanted[2], rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_mini_batches_are_of_the_clients_own_samples() -> None:
    """The batch gradient against a loop; a client's mean over 5000 batches is its own gradient: all z-scores below 5."""
    loss = NETWORK
    x = point(loss, 2)
    batch = np.array([[0, 5], [16, 5], [3, 2]])
    wanted = np.stack([np.mean([of_sample(loss, x[:, r], m) for m in batch[:, r]], axis=0) for r in range(2)], axis=1)
    mini = loss.weighted_gradient(jnp.asarray(x), jnp.full(batch.shape, 1 / 3), jnp.asarray(batch))
    np.testing.assert_allclose(mini, wanted, rtol=1e-10, atol=1e-12)
    data = data_by_label(LABELS, 4, 2)
    paths = 5000
    many = jnp.asarray(np.repeat(x[:, :1], paths, axis=1))
    found = np.asarray(OwnGradients(loss, data)(draws(paths), many, 1))
    whole = OwnGradients(loss, dataclasses.replace(data, batch=None))
    exact, other = (np.asarray(whole(draws(1), jnp.asarray(x[:, :1]), client))[:, 0] for client in (1, 2))
    error = found.std(axis=1) / np.sqrt(paths)
    off = np.abs(found.mean(axis=1) - exact)
    assert np.all(off <= 5 * error + 1e-12)
    assert np.any(np.abs(found.mean(axis=1) - other) > 5 * error + 1e-12)


@pytest.mark.slow
def test_runs_with_clients_of_their_own_are_a_loop_over_clients() -> None:
    """DSignSGD without noise: x <- x - c_n (1/N) sum_i sign grad f_i(x) in NumPy; with all samples at each it is another run."""
    data = data_by_label(LABELS, 4, None)
    start = point(LINEAR, 1)[:, 0]
    problem = RaceProblem("small", Landscape(LINEAR.loss), start, 4, 0.2, "float64", oracle=OwnGradients(LINEAR, data))
    found = race(problem, problem.signs, [{"c": 0.1, "q": 0.5, "sigma": 1.0}], 6, 3, 2, 0)

    def loop(members: list[np.ndarray]) -> list[float]:
        x, losses = start.copy(), []
        for n in range(7):
            losses.append(float(LINEAR.loss(jnp.asarray(x))))
            own = [np.mean([of_sample(LINEAR, x, m) for m in some], axis=0) for some in members]
            x = x - 0.1 / np.sqrt(n + 1) * np.mean(np.sign(own), axis=0)
        return losses[::2]

    shares = [members(data, i) for i in range(4)]
    np.testing.assert_allclose(found.loss[:, 0], np.array(loop(shares))[:, None] * np.ones(2), rtol=1e-10)
    assert np.all(np.abs(loop([np.arange(N)] * 4)[-1] - found.loss[-1, 0]) > 1e-3)


@pytest.mark.slow
def test_noise_has_the_scale_of_the_clients_own_gradient() -> None:
    """Its mean square over 5000 paths is d sigma1^2 ||g_i||^2 within five standard errors, and not that of the full gradient."""
    data, paths = data_by_label(LABELS, 4, None), 5000
    x = jnp.asarray(np.repeat(point(LINEAR, 1), paths, axis=1))
    plain = OwnGradients(LINEAR, data)
    noisy = OwnGradients(LINEAR, data, Affine(0, "sigma1"), {"sigma1": 0.3})
    g = np.asarray(plain(draws(1), x[:, :1], 3))
    squares = np.sum((np.asarray(noisy(draws(paths), x, 3)) - g) ** 2, axis=0)
    error = squares.std() / np.sqrt(paths)
    assert abs(squares.mean() - 4 * 0.09 * np.sum(g**2)) < 5 * error
    full = np.sum(np.asarray(LINEAR.gradient(x[:, :1])) ** 2)
    assert abs(squares.mean() - 4 * 0.09 * full) > 5 * error


def test_data_by_label_are_sorted_and_cut_evenly() -> None:
    data = data_by_label(LABELS, 4, None)
    own = [members(data, i) for i in range(4)]
    assert sorted(np.concatenate(own)) == list(range(N)) and {len(m) for m in own} == {4, 5}
    assert [sorted(set(LABELS[m])) for m in own] == [[0], [0, 1], [1], [2]]
    for bad in ({"clients": 0}, {"batch": 0}):
        with pytest.raises(BadInput):
            data_by_label(LABELS, **bad)
    with pytest.raises(BadInput):
        shared_data(0)
    with pytest.raises(BadInput):
        data_by_label(LABELS[:3], 4, None)


def test_clients_that_share_all_samples_have_the_full_gradient_and_noise_of_their_paths_size() -> None:
    """Without a batch every client's gradient is grad f; a factor of the noise belongs to its path, and pads with the last."""
    x, noise = jnp.asarray(point(LINEAR, 4)), Affine(0, "sigma1")
    plain = OwnGradients(LINEAR, shared_data(N, 4, None))
    full = np.asarray(LINEAR.gradient(x))
    np.testing.assert_allclose(plain(draws(4), x, 2), full, rtol=1e-10, atol=1e-12)
    one, scaled = (
        np.asarray(OwnGradients(LINEAR, plain.data, noise, {"sigma1": 0.3}, factors)(draws(4), x, 2)) - full
        for factors in (None, np.array([1.0, 2.0, 5.0]))
    )
    np.testing.assert_allclose(scaled, one * np.array([1.0, 2.0, 5.0, 5.0]), rtol=1e-9)
