"""Exponents of second moments against the exact moments themselves, and what a sample sees of a mean that they carry."""

from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.noise import Affine, Gaussian, Scaled
from sdescent.derive.methods.optimisers import EMAMomentum
from sdescent.numerics.studies.records import unseen_in
from sdescent.numerics.without_sampling.closed_moments import discrete_moment, mean_square_growth, model_moment

METHOD = sd.DCSGD(noise=Affine("sigma0", "sigma1"), compressor=RandK(1), clients=1)
NUMBERS = {"sigma0": 1.0, "sigma1": 0.5}
SQUARE = "x1^2 + x2^2 + x3^2"


@pytest.mark.parametrize("kind", ["method", "first-order", "corrected"])
def test_the_exponent_is_that_of_the_exact_second_moments(kind: Any) -> None:
    """E|x|^2 at two late times; the part that does not grow is below 1e-6 of it."""
    eta, loss = 0.8, sd.losses.Quadratic(1)
    numbers = {"eta": eta, **NUMBERS}
    found = mean_square_growth(METHOD, kind, loss, 3, numbers)
    times = [40 * eta, 50 * eta]
    if kind == "method":
        late = [discrete_moment(METHOD, loss, [1.0, 1.0, 1.0], T, SQUARE, numbers).value for T in times]
    else:
        equation = sd.sde(METHOD, kind, loss, 3)
        late = [model_moment(equation, [1.0, 1.0, 1.0], T, SQUARE, numbers).value for T in times]
    assert found == pytest.approx(np.log(late[1] / late[0]) / (10 * eta), rel=1e-4)
    assert mean_square_growth(METHOD, kind, loss, 3, {**numbers, "eta": 0.05}) is None


def test_growth_of_the_mean_itself_is_seen() -> None:
    """Gradient descent with additive noise and eta h > 2: a Gaussian law whose mean and deviation grow alike."""
    plain = sd.DSGD(Scaled(Gaussian(), "sigma"), clients=1)
    loss = sd.losses.Quadratic(1)
    assert mean_square_growth(plain, "method", loss, 2, {"eta": 2.5, "sigma": 1.0}) is None
    noisy = sd.DSGD(Affine("sigma0", "sigma1"), clients=1)
    assert (mean_square_growth(noisy, "method", loss, 1, {"eta": 2.5, **NUMBERS}) or 0) > 2 * np.log(1.5) / 2.5


def test_what_is_not_affine_or_has_a_memory_or_no_numbers_is_not_known() -> None:
    numbers = {"eta": 0.8, **NUMBERS}
    assert mean_square_growth(METHOD, "method", sd.losses.Quartic(), 3, numbers) is None
    assert mean_square_growth(METHOD, "method", sd.losses.Quadratic(1), 3, {"eta": 0.8}) is None
    assert mean_square_growth(METHOD, "method", sd.losses.Quadratic(1), 300, numbers) is None
    momentum = EMAMomentum(noise=Scaled(Gaussian(), 1), clients=1, beta="1/2", regime="fixed")
    assert mean_square_growth(momentum, "method", sd.losses.Quadratic(1), 1, {"eta": 0.8}) is None


def test_the_share_of_the_largest_path() -> None:
    """Of 100 samples each: of an exponential law and of squares of normals at most one is marked, of a lognormal one that the
    sample cannot see (log n is less than half of its variance, 16) at least 90.
    """
    rng = np.random.default_rng(30)
    for paths in (10, 50, 300, 3000):
        drawn = {
            "exponential": rng.exponential(size=(100, paths)), "squares": rng.normal(size=(100, paths)) ** 2,
            "lognormal": np.exp(4 * rng.normal(size=(100, paths))),
        }  # fmt: skip
        marked = {name: sum(bool(unseen_in(own, None)) for own in values) for name, values in drawn.items()}
        assert marked["exponential"] <= 1 and marked["squares"] <= 1
        assert paths < 50 or marked["lognormal"] >= (90 if paths > 50 else 50)
    assert unseen_in(np.array([1.0]), None) == [] and unseen_in(np.array([np.nan, 0.0, 0.0]), None) == []
