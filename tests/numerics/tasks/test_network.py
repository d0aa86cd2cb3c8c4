"""The digits network: its data, its gradient, and the curvature along its runs."""

import math
from typing import Any

import numpy as np
import pytest

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.tasks.data import load_digits
from sdescent.numerics.tasks.losses_over_data import Network, digits_network
from sdescent.numerics.tasks.noise_and_curvature import descent_points, measure_curvature


def test_digits_are_scaled_and_complete() -> None:
    data = load_digits()
    assert data.features.shape == (1797, 64) and data.features.min() == 0 and data.features.max() == 1
    assert sorted(set(data.labels)) == list(range(10))
    # pixels in the middle are inked more often than those at the left edge: the columns are in reading order
    assert data.features[:, 27].mean() > 0.4 > 0.05 > data.features[:, 0].mean()
    np.testing.assert_array_equal(load_digits(100).features, data.features[:100])
    for bad in (0, 1798, True):
        with pytest.raises(BadInput):
            load_digits(bad)  # pyright: ignore[reportArgumentType]


def independent(network: Network, x: Any) -> Any:
    """The loss sample by sample, with the parameters taken apart in another way."""
    h, p, c = network.hidden, network.features.shape[1], network.classes
    w, rest = x[: h * p].reshape(h, p), x[h * p :]
    b, v, out = rest[:h], rest[h : h + c * h].reshape(c, h), rest[h + c * h :]

    def one(a: Any, y: Any) -> Any:
        return -jax.nn.log_softmax(v @ jnp.tanh(w @ a + b) + out)[y]

    losses = jax.vmap(one)(jnp.asarray(network.features), jnp.asarray(network.labels, int))
    return jnp.mean(losses) + network.l2 / 2 * jnp.sum(x**2)


@pytest.mark.slow
def test_the_networks_gradient_is_that_of_the_formula_and_of_differences() -> None:
    data = load_digits(601)  # three blocks of samples, the last of them not full
    network = Network(data.features, data.labels, 5, l2=0.1)
    assert network.dim == 5 * 65 + 10 * 6 and digits_network(100)[0].dim == 2410
    land = network.landscape()
    rng = np.random.default_rng(1)
    x = jnp.asarray(np.stack([network.start(3), rng.standard_normal(network.dim)], axis=1))
    v, e = jnp.asarray(rng.standard_normal(x.shape)), 1e-5
    value, gradient = jax.jit(land.value), jax.jit(land.gradient)
    formula = jax.jit(jax.vmap(jax.value_and_grad(lambda y: independent(network, y)), in_axes=1, out_axes=(0, 1)))
    own_value, own_gradient = formula(x)
    np.testing.assert_allclose(value(x), own_value, rtol=1e-12)
    np.testing.assert_allclose(gradient(x), own_gradient, rtol=1e-9, atol=1e-13)
    slope = (value(x + e * v) - value(x - e * v)) / (2 * e)
    np.testing.assert_allclose(slope, jnp.sum(gradient(x) * v, axis=0), rtol=1e-6)
    bend = (gradient(x + e * v) - gradient(x - e * v)) / (2 * e)
    product = jax.jit(land.hessian_product)(x, v)
    np.testing.assert_allclose(product, bend, atol=1e-7 * float(jnp.max(jnp.abs(bend))))


@pytest.mark.parametrize(("labels", "hidden"), [([0, 1, 3], 2), ([0, 0, 0], 2), ([0, 1, 1], 0)])
def test_a_network_needs_classes_and_units(labels: list[int], hidden: int) -> None:
    with pytest.raises(BadInput):
        Network(np.zeros((3, 2)), np.array(labels), hidden)


def test_curvature_is_the_norm_of_the_hessian_also_where_it_is_negative() -> None:
    saddle = Landscape(lambda x: 1.5 * x[0] ** 2 - 2 * x[1] ** 2 + 0.1 * x[2] ** 2)
    points = descent_points(saddle, np.array([1.0, 0.0, 1.0]), (0.1, 0.2), (0, 2, 4))
    curvature = measure_curvature(saddle, points)
    np.testing.assert_allclose(curvature.curvature, 4.0, rtol=1e-12)
    np.testing.assert_allclose(curvature.gradient_norm[0], math.hypot(3, 0.2), rtol=1e-12)
    np.testing.assert_allclose(curvature.gradient_norm[4], math.hypot(3 * 0.7**4, 0.2 * 0.98**4), rtol=1e-12)
    equal = Landscape(lambda x: x[0] ** 2 - x[1] ** 2)  # both ends of the spectrum have one size
    np.testing.assert_allclose(measure_curvature(equal, jnp.ones((2, 1))).curvature, 2.0, rtol=1e-12)


def test_what_lanczos_has_not_reached_it_says() -> None:
    """Of 60 curvatures, of both signs, one is within the stated residual after few products, and the largest after many."""
    curvatures = np.linspace(-3.0, 2.0, 60)
    land = Landscape(lambda x: jnp.sum(jnp.asarray(curvatures)[:, None] * x**2, axis=0) / 2)
    points = jnp.asarray(np.random.default_rng(1).standard_normal((60, 2)))
    for count in (2, 6, 12):
        short = measure_curvature(land, points, count)
        off = np.min(np.abs(np.abs(curvatures)[:, None] - short.curvature), axis=0)
        assert short.iterations == count and short.residual > 1e-6
        assert np.all(off <= short.residual * short.curvature * (1 + 1e-9)) and np.all(short.curvature <= 3 + 1e-9)
    whole = measure_curvature(land, points, 60)
    np.testing.assert_allclose(whole.curvature, 3.0, rtol=1e-9)
    assert whole.residual < 1e-6


def test_several_starts_descend_side_by_side() -> None:
    """Points are sorted by the step, then by the step size, then by the start."""
    land = Landscape(lambda x: jnp.sum(x**2, axis=0) / 2)
    starts = np.array([[1.0, 2.0, 3.0]])
    path = descent_points(land, starts, (0.5, 0.25), np.linspace(0, 2, 2))
    np.testing.assert_allclose(path[0], [1, 2, 3, 1, 2, 3, 0.25, 0.5, 0.75, 0.5625, 1.125, 1.6875], rtol=1e-12)
