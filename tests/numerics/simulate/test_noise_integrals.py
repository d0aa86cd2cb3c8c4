"""Top-k after the noise: one-dimensional integrals for k = 1, and error bars that hold, for k = 1 and beyond.

The goals are computed here from SciPy's laws by Gauss panels in the radius with the law of how many of the other coordinates are
larger. Random cases have fixed seeds; every case of a seed must be covered by its error bar. Before, with the change on doubling a
quasi-random set as the bar and no control variate, 14 of 24 cases with k = 1 and 19 of those with k >= 2 were not covered.
"""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from scipy import stats

import sdescent as sd
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.compressors import TopK
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise import Scaled
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.tape import Environment, environment
from sdescent.numerics.simulate.noise_integrals import NoiseIntegral, doubling_error

LAWS = {
    "gaussian": (sd.noise.Gaussian(), stats.norm()),
    "t 5/2": (sd.noise.StudentT("5/2"), stats.t(2.5)),
    "laplace": (sd.noise.Laplace(), stats.laplace()),
    "t 5": (sd.noise.StudentT(5), stats.t(5)),
}


def case(draw: np.random.Generator, least: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """A gradient and a scale for each coordinate, equal or up to a factor 20 apart."""
    dim = int(draw.integers(least, most + 1))
    g = draw.normal(size=dim) * draw.choice([0.1, 1, 5])
    s = np.exp(draw.uniform(-2, 1, dim if draw.random() < 0.5 else 1)) * np.ones(dim)
    return g, s


def integral_of(law: sd.noise.Law, k: int, dim: int, nodes: int = 256) -> NoiseIntegral:
    conditional = moments(Method(TopK(k), Scaled(law, "s")), dim).conditional
    assert conditional is not None
    return NoiseIntegral(replace(conditional, scales=(Coordinate("scale", "j"),)), dim, {}, nodes)


def point(g: np.ndarray, s: np.ndarray) -> Environment:
    return environment({}, {"g": jnp.asarray(g[:, None]), "scale": jnp.asarray(s[:, None])})


def relative(integral: NoiseIntegral, env: Environment, mean: np.ndarray, second: np.ndarray) -> float:
    """The error as `doubling_error` measures it."""
    b, cov = jax.jit(lambda: integral.moments(env))()
    goal = second - np.outer(mean, mean)
    size = np.abs(goal).max() + (mean**2).max()
    return float(max(np.abs(b[:, 0] - mean).max() / np.sqrt(size), np.abs(cov[0] - goal).max() / size))


def top_k_by_counting(law, g: np.ndarray, s: np.ndarray, k: int, order: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """E C and E C C' of Top-k, to about 10 digits.

    v_j with |v_j| = a is kept iff at most k - 1 others are larger. Of two that are kept, let the smaller be |v_i| = a: then
    |v_j| > a, and at most k - 2 of the rest are larger than a. The number of larger ones is a sum of independent indicators.
    E C = g - E (v - C) and E C_j^2 = E v_j^2 - E (v_j^2 - C_j^2), whose integrands have lighter tails.
    """
    dim = len(g)
    z = np.append(law.isf(0.5 * 4.0 ** -np.arange(24)), law.support()[1])
    z = z[np.isfinite(z)]
    edges = np.unique(np.append(np.abs(g[:, None] + s[:, None] * np.concatenate([-z, z])), 0.0))
    x, w = np.polynomial.legendre.leggauss(order)
    half = ((edges[1:] - edges[:-1]) / 2)[:, None]
    a, weights = edges[:-1, None] + half * (1 + x), half * w
    columns = [np.polynomial.legendre.legint(np.eye(order)[n], lbnd=-1) for n in range(order)]
    primitive = np.stack([np.polynomial.legendre.legval(x, c) for c in columns], 1)
    primitive = primitive @ np.linalg.inv(
        np.polynomial.legendre.legvander(x, order - 1)
    )  # values -> values of the integral
    above, below = (a - g[:, None, None]) / s[:, None, None], (a + g[:, None, None]) / s[:, None, None]
    inside = law.cdf(above) - law.cdf(-below)
    right, left = (law.pdf(e) / s[:, None, None] for e in (above, below))
    first, second = a * (right - left), a**2 * (right + left)

    def at_most(out: tuple[int, ...], most: int) -> np.ndarray:
        """P(at most so many of the coordinates but those of `out` are larger than a)."""
        if most < 0:
            return np.zeros_like(a)
        count = np.zeros((most + 1, *a.shape))
        count[0] = 1
        for i in set(range(dim)) - set(out):
            shifted = np.concatenate([np.zeros((1, *a.shape)), count[:-1]])
            count = count * inside[i] + shifted * (1 - inside[i])
        return count.sum(axis=0)

    lost = [1 - at_most((j,), k - 1) for j in range(dim)]
    mean = np.array([g[j] - np.sum(weights * first[j] * lost[j]) for j in range(dim)])
    squares = [g[j] ** 2 + s[j] ** 2 * law.var() - np.sum(weights * second[j] * lost[j]) for j in range(dim)]
    total = np.diag(squares)
    sums = np.sum(weights * first, axis=2)
    beyond = (
        g[:, None, None]
        - (np.cumsum(sums, axis=1) - sums)[:, :, None]
        - half * np.einsum("mn,dpn->dpm", primitive, first)
    )
    for i in range(dim):
        for j in set(range(dim)) - {i}:
            total[i, j] += (one := np.sum(weights * first[i] * beyond[j] * at_most((i, j), k - 2)))
            total[j, i] += one
    return mean, total


@pytest.mark.slow
def test_top_one_is_exact_and_its_error_bar_holds():
    """A random case of seed 1, d = 2 to 6: the error is within the bar, with half of the nodes too."""
    law, own = LAWS["t 5/2"]
    g, s = case(np.random.default_rng(1), 2, 6)
    goal, env = top_k_by_counting(own, g, s, 1), point(g, s)
    for nodes, most in ((256, 1e-6), (128, 1e-2)):
        integral = integral_of(law, 1, len(g), nodes)
        assert integral.top_one
        error, bar = relative(integral, env, *goal), doubling_error(integral, env)
        assert error <= bar + 1e-12 and error < most, (g, s, nodes, error, bar)  # the goal has an error of its own


@pytest.mark.slow
def test_the_error_bar_of_a_quasi_random_set_holds():
    """Three random cases of Top-k, k >= 2, of seed 1, d = 3 to 6: all are covered."""
    law, own = LAWS["laplace"]
    draw, ratios = np.random.default_rng(1), []
    for _ in range(3):
        g, s = case(draw, 3, 6)
        k = int(draw.integers(2, len(g)))
        integral, env = integral_of(law, k, len(g)), point(g, s)
        assert not integral.top_one and integral.selects
        error, bar = relative(integral, env, *top_k_by_counting(own, g, s, k)), doubling_error(integral, env)
        ratios.append(error / bar)
    assert max(ratios) <= 1, ratios


@pytest.mark.slow
def test_the_largest_of_many_coordinates_with_scales_far_apart():
    """d = 40 with scales from 1e-6 to 10, against the goal by counting; and the sum of E C_j^2 as E max |v|^2."""
    draw = np.random.default_rng(4)
    g, s = draw.normal(size=40) * 2, 10.0 ** draw.uniform(-6, 1, 40)
    integral, env = integral_of(sd.noise.Gaussian(), 1, 40), point(g, s)
    mean, second = top_k_by_counting(LAWS["gaussian"][1], g, s, 1)
    assert relative(integral, env, mean, second) < 1e-8
    assert doubling_error(integral, env) < 1e-7


@pytest.mark.slow
def test_top_one_under_noise_far_below_the_gradient():
    """What is kept has the variance of its noise, the other coordinate none; where two are close, S is that of a race of two."""
    s, integral, gaps = 1e-6, integral_of(sd.noise.Gaussian(), 1, 2), np.array([0.0, 1.0, 3.0])
    g = np.array([[1.0, 1.0, 1.0, 1.0], [-2.0, *(-1 - gaps * s)]])
    env = environment({}, {"g": jnp.asarray(g), "scale": jnp.full((2, 4), s)})
    (mean, covariance), roots = jax.jit(lambda: (integral.moments(env), integral.coefficients(env)))()
    np.testing.assert_allclose(mean[:, 0], [0, -2], atol=1e-15)
    np.testing.assert_allclose(covariance[0], [[0, 0], [0, s**2]], rtol=1e-9, atol=1e-15)
    second = stats.norm().cdf(
        gaps / np.sqrt(2)
    )  # the chance of the second, while the sizes are 1 but for terms of the size of s
    np.testing.assert_allclose(covariance[1:], (second * (1 - second))[:, None, None] * np.ones((2, 2)), atol=10 * s)
    np.testing.assert_allclose(roots @ np.swapaxes(roots, 1, 2), covariance, atol=2e-9)


@pytest.mark.slow
def test_top_one_of_two_clients():
    """Scales 1 and 1/2, d = 3: the mean of the moments of each."""
    noise, g = Scaled(sd.noise.StudentT(5), (1, sp.Rational(1, 2))), np.array([0.8, -1.1, 0.3])
    conditional = moments(Method(TopK("k"), noise), 3).conditional
    assert conditional is not None
    integral = NoiseIntegral(conditional, 3, {"k": 1})
    assert integral.top_one and not NoiseIntegral(conditional, 3, {"k": 2}).top_one
    mean, covariance = jax.jit(lambda: integral.moments(environment({"k": 1}, {"g": jnp.asarray(g[:, None])})))()
    own = [top_k_by_counting(LAWS["t 5"][1], g, s * np.ones(3), 1) for s in (1.0, 0.5)]
    np.testing.assert_allclose(mean[:, 0], np.mean([m for m, _ in own], axis=0), atol=1e-6)
    np.testing.assert_allclose(covariance[0], np.mean([s - np.outer(m, m) for m, s in own], axis=0), atol=1e-6)


@pytest.mark.slow
def test_the_error_bar_of_panels_holds():
    """A fixed grid, whose E Cov(C | v) has a kink in every cell, is summed here cell by cell: three random cases, all covered."""
    law, distribution = LAWS["laplace"]
    draw = np.random.default_rng(9)
    x, w = np.polynomial.legendre.leggauss(20)
    for _ in range(3):
        step, s, g = int(draw.choice([1, 2, 4])), float(np.exp(draw.uniform(-1, 1))), float(draw.normal() * 3)
        conditional = moments(Method(sd.compressors.FixedGrid(sp.Rational(step, 4)), Scaled(law, "s")), 1).conditional
        assert conditional is not None
        width, reach = step / 4, s * float(distribution.isf(1e-9))
        low, high = np.floor((g - reach) / width), np.ceil((g + reach) / width)
        edges = np.unique(np.concatenate([np.arange(low, high + 1) * width, [g], g + s * np.linspace(-8, 8, 65)]))
        middle, half = (edges[1:] + edges[:-1])[:, None] / 2, (edges[1:] - edges[:-1])[:, None] / 2
        v, cell = middle + half * x, np.floor(middle / width) * width
        goal = s**2 * distribution.var() + np.sum(
            (v - cell) * (cell + width - v) * distribution.pdf((v - g) / s) / s * half * w
        )
        env = environment({"s": s}, {"g": jnp.asarray([[g]])})
        integral = NoiseIntegral(conditional, 1, {"s": s}, 16)
        error = abs(float(integral.moments(env)[1][0, 0]) - goal) / (goal + g**2)
        assert error <= doubling_error(integral, env) + 1e-10


@pytest.mark.slow
def test_a_coordinate_that_is_never_sent_has_no_variance():
    """Top-2 of gradients that the noise does not reorder: the control variate leaves 0 as it is, and the root exists."""
    g, s = np.array([50.0, -60.0, 0.1]), np.ones(3)
    integral, env = integral_of(sd.noise.Gaussian(), 2, 3), point(g, s)
    mean, covariance = integral.moments(env)
    np.testing.assert_allclose(mean[:, 0], [50, -60, 0], atol=1e-10)
    np.testing.assert_allclose(covariance[0], np.diag([1.0, 1.0, 0.0]), atol=1e-10)
    assert np.isfinite(integral.root(mean, covariance)).all()
