"""Exact second moments of affine update rules: against closed forms, all outcomes of a step, and simulated recursions."""

import itertools

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.equations.process.stationary import discrete_second_moments
from sdescent.derive.methods.distributed import DSGD, Method
from sdescent.derive.methods.noise import Affine, Gaussian, Scaled
from sdescent.derive.methods.optimisers import Adam, EMAMomentum, Extragradient, HeavyBall
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal

NOISE = Scaled(Gaussian(), "sigma")


def test_averaged_momentum_has_its_closed_form() -> None:
    """Var x = eta s (1 + b)/(h D), Cov = -eta s (1 - b)/D, Var m = 2 s (1 - b)/D, D = 2 (1 + b) - eta (1 - b) h."""
    found = discrete_second_moments(EMAMomentum(noise=NOISE, clients=1, regime="fixed"), 1).matrix
    b, e, h, s = sp.symbols("beta eta h1 sigma", positive=True)
    d = 2 * (1 + b) - e * (1 - b) * h
    expected = [e * s**2 * (1 + b) / (h * d), -e * s**2 * (1 - b) / d, 2 * s**2 * (1 - b) / d]
    assert all(sp.cancel(a - c) == 0 for a, c in zip((found[0, 0], found[0, 1], found[1, 1]), expected, strict=True))


#: the step (x, v or m, gradients with noise +-1) in numbers, of each method at eta = 0.1, beta = 0.6, h = 1.5
ETA, BETA, H = 0.1, 0.6, 1.5


def _heavy(x: float, v: float, z: tuple[float, ...]) -> tuple[float, float]:
    v = BETA * v - ETA * (H * x + z[0])
    return x + v, v


def _extragradient(x: float, v: float, z: tuple[float, ...]) -> tuple[float, float]:
    y = x - ETA * (H * x + z[0])
    return x - ETA * (H * y + z[1]), 0.0


CASES = [
    (HeavyBall(noise=Scaled(Gaussian(), 1), clients=1, regime="fixed"), _heavy, 1),
    (Extragradient(noise=Scaled(Gaussian(), 1), clients=1), _extragradient, 2),
]


@pytest.mark.parametrize(("method", "step", "draws"), CASES, ids=lambda x: getattr(x, "name", ""))
def test_the_law_is_kept_by_a_real_step(method: Method, step: object, draws: int) -> None:
    """E z' z'' over a four-point law of z with these moments and all outcomes of noise +-1 is the same matrix again."""
    values = {"eta": ETA, "h1": H} | ({"beta": BETA} if "beta" in dict(method.constants) else {})
    v = discrete_second_moments(method, 1).at(values)
    full = np.zeros((2, 2))
    full[: len(v), : len(v)] = v
    root = np.linalg.cholesky(full + 1e-300 * np.eye(2)) if len(v) == 2 else np.sqrt(full)
    after = np.zeros((2, 2))
    outcomes = [root @ np.array(e) for e in itertools.product((-1.0, 1.0), repeat=2)]
    noises = list(itertools.product((-1.0, 1.0), repeat=draws))
    for x, m in outcomes:
        for z in noises:
            moved = np.array(step(x, m, z))  # pyright: ignore[reportCallIssue]
            after += np.outer(moved, moved) / len(outcomes) / len(noises)
    np.testing.assert_allclose(after, full, rtol=1e-10)


def test_noise_that_grows_with_the_gradient() -> None:
    """Noise of variance s0^2 + s1^2 g^2, one client: the rule, and the method without memory by its own route."""
    noise = Affine("s0", "s1")
    rule = Method(noise=noise, clients=1, update=["x = x - eta*(G + 0*x)"])
    found, plain = (discrete_second_moments(m, 1).matrix[0, 0] for m in (rule, DSGD(noise, clients=1)))
    assert sp.cancel(found - plain) == 0 and found.free_symbols <= plain.free_symbols


def test_what_has_no_such_moments_is_refused() -> None:
    with pytest.raises(Refusal, match="depends on k"):
        discrete_second_moments(Adam(noise=NOISE), 1)
    with pytest.raises(NoClosedForm, match="affine"):
        discrete_second_moments(Method(noise=NOISE, update=["x = x - eta*G^3"]), 1)
    with pytest.raises(NoClosedForm, match="mean does not stay 0"):
        discrete_second_moments(Method(noise=NOISE, update=["x = eta*(G - raw + normal + 1)"]), 1)
    with pytest.raises(BadInput, match="each coordinate"):
        discrete_second_moments(HeavyBall(noise=NOISE), 2)
