"""Draws against the symbolic definition of each law, noise and compressor: fixed keys, 5 standard errors."""

import inspect
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.methods import compressors as c
from sdescent.derive.methods.compressors import (
    Bernoulli,
    Biased,
    Clip,
    Compressor,
    FixedGrid,
    NormClip,
    RandK,
    Sign,
    TopK,
)
from sdescent.derive.methods.noise import Affine, Correlated, Gaussian, GenericLaw, Laplace, Law, Noise, Point, StudentT
from sdescent.derive.methods.noise.law import OpenLaw, Vanishing
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.conformity import about_sampler
from sdescent.numerics.laws.counter import Uses, draws_from
from sdescent.numerics.laws.samplers import compress, sample_law, sample_noise
from sdescent.numerics.lowering.to_jax import lower_function
from sdescent.numerics.simulate.parameters import needed_as_numbers
from tests.support.laws.samplers import check_sampler, within
from tests.support.samples import mostly_slow

HALF = sp.Rational(1, 2)
LAWS = [
    *((law, {}) for law in (Gaussian(), sd.noise.Cauchy(), Laplace(), sd.noise.Uniform(), sd.noise.Logistic())),
    (sd.noise.Stable("7/10"), {}), (StudentT("nu"), {"nu": 7.5}), (sd.noise.Stable("alpha"), {"alpha": 1.6}),
]  # fmt: skip
COMPRESSORS = [
    c.Identity(), Bernoulli(sp.Rational(1, 3)), RandK(2), RandK(4), c.QSGD(3), c.Ternary(), c.Natural(),
    FixedGrid(HALF), Sign(), c.ScaledSign(), TopK(2), Clip(HALF), NormClip(HALF),
]  # fmt: skip


def classes(base: type) -> set[type]:
    """The concrete subclasses; those of theorem files stand for every compressor of a class, of which nothing can be drawn."""
    inner = [kind for kind in base.__subclasses__() if kind.__module__.startswith("sdescent.derive.methods.")]
    return {kind for kind in inner if not inspect.isabstract(kind)}.union(*map(classes, inner))


def test_every_class_has_a_sampler():
    capabilities = {c.Unbiased, Biased}
    assert classes(Compressor) - capabilities <= set(map(type, COMPRESSORS))
    # these stand for a law left open, of which nothing can be drawn, or for one that is there already
    laws = classes(Law) - {GenericLaw, OpenLaw, Vanishing}
    assert laws <= {type(law) for law, _ in LAWS} | {Point}
    for compressor in classes(Compressor) - capabilities:
        assert compress.dispatch(compressor) is not compress.dispatch(object)
    for law in laws:
        assert sample_law.dispatch(law) is not sample_law.dispatch(object)
    for noise in classes(Noise):
        assert sample_noise.dispatch(noise) is not sample_noise.dispatch(object)


@pytest.mark.parametrize(("law", "values"), mostly_slow(LAWS, 5, rows=True), ids=str)
def test_a_law_has_its_distribution(law, values):
    check_sampler(law, values)


def test_affine_noise_follows_the_gradient_and_clients_have_their_scales():
    noise = Affine((1, 2), HALF, nu=8)
    g = jnp.broadcast_to(jnp.asarray([[3.0], [4.0]]), (2, 60_000))
    for client, s0 in ((0, 1.0), (1, 2.0)):
        draws = np.asarray(jax.jit(partial(sample_noise, noise, client=client))(jax.random.key(3), g))
        within(draws**2, np.full(2, s0**2 + 25 / 4))
        within(draws[0] * draws[1], np.zeros(()))


@pytest.mark.slow
@pytest.mark.parametrize("law", mostly_slow([StudentT(9), Gaussian(), Laplace()]), ids=str)
def test_correlated_noise_has_its_covariance(law):
    sigma = np.array([[2.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 0.5]])
    noise = Correlated(law)
    draw = jax.jit(partial(sample_noise, noise, parameters={"Sigma": sigma}))
    draws = np.asarray(draw(jax.random.key(8), jnp.zeros((3, 60_000))))
    within(draws[:, None] * draws[None], sigma)
    if not isinstance(law, Laplace):  # the marginals are the law itself
        y = sp.Symbol("y", real=True)
        scale = np.sqrt(np.diag(sigma) / float(law.variance))
        expected = lower_function(law.sign_mean(y), [y])(jnp.asarray(1.0 / scale))
        within(np.sign(1.0 + draws), np.asarray(expected))


class Unknown(Law):
    tail = sp.oo  # pyright: ignore

    def density(self, x): ...
    def sign_mean(self, x): ...
    def latex(self): ...


def test_an_unregistered_class_is_told_how_to_register():
    with pytest.raises(TypeError, match=r"(?s)law Unknown.*sample_law\.register"):
        sample_law(Unknown(), jax.random.key(0), (1,))
    with pytest.raises(TypeError, match=r"(?s)compressor int.*compress\.register"):
        compress(3, jax.random.key(0), jnp.ones((1, 1)))
    with pytest.raises(BadInput, match="rand-k:k"):
        compress(RandK(5), jax.random.key(0), jnp.ones((3, 1)))
    with pytest.raises(BadInput, match="nu"):
        sample_law(StudentT("nu"), jax.random.key(0), (1,))
    with pytest.raises(BadInput, match="Sigma"):
        sample_noise(Correlated(Gaussian()), jax.random.key(0), jnp.ones((2, 1)))


#: powers of two that a message is multiplied by, whose square is larger than any number; and such that its norm is nearly so
LARGE = [("float32", 2.0**126), ("float64", 2.0**1022)]
OVERFLOWING = [*COMPRESSORS[3:7], *COMPRESSORS[8:], FixedGrid(sp.Rational(1, 10**30))]


@pytest.mark.parametrize(("dtype", "size"), mostly_slow(LARGE, 9, rows=True))
@pytest.mark.parametrize("compressor", OVERFLOWING, ids=str)
def test_messages_whose_square_overflows_are_compressed(compressor: Compressor, dtype: str, size: float) -> None:
    """By the same draws: what is homogeneous sends as much more, what has a unit of its own what it sends of any long message."""
    v = jnp.repeat(jnp.asarray([[0.7], [-1.3], [0.0], [2.2]], dtype), 128, axis=1)
    draws = draws_from(jax.random.key(3), v.shape[1], dtype=dtype)
    both = (draws, v), (replace(draws, uses=Uses()), size * v)
    small, large = (np.asarray(compress(compressor, each, message)) for each, message in both)
    if isinstance(compressor, NormClip):
        expected = np.asarray(v / jnp.sqrt(jnp.sum(v**2, axis=0)) * float(compressor.c))
    elif isinstance(compressor, FixedGrid):
        expected = np.asarray(size * v)
    elif isinstance(compressor, (Sign, Clip)):
        expected = np.asarray(jnp.sign(v) * float(getattr(compressor, "c", 1)))
    else:
        with np.errstate(over="ignore"):  # what is sent may be larger than any number
            expected = size * small
    np.testing.assert_allclose(large, expected, rtol=8 * float(np.finfo(dtype).eps))


class Wider(Gaussian):
    """Drawn with a deviation of 1.02: nine standard errors of a variance from 100,000 draws."""


@sample_law.register
def _(law: Wider, draws, shape, parameters=None):
    return 1.02 * draws.normal(shape)


class Particular(Bernoulli):
    """Its sampler wants a number, and says so in its own way."""


@compress.register
def _(compressor: Particular, draws, v, parameters=None):
    if isinstance(parameters["p"], jax.core.Tracer):
        raise ValueError("a number")
    return v


def test_a_deviation_that_is_a_fiftieth_too_large_is_found():
    assert "sampler: moments" in [finding.what for finding in about_sampler(Wider()) if finding.status == "failed"]


def test_what_a_sampler_needs_as_a_number_is_found_by_trying():
    for compressor, needed in ((Bernoulli("p"), set()), (Particular("p"), {"p"})):
        assert needed_as_numbers(sd.DCSGD(compressor, clients=1), 2, {"eta": 0.1, "p": 0.5}) == needed
