"""Equations in named coordinates: Rand-k's root, the symbols of a schedule, the field of a game, Stratonovich forms."""

import math

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import sde
from sdescent.derive.equations.in_coordinates import gradient_symbols
from sdescent.derive.equations.roots import differentiable
from sdescent.derive.methods.distributed import DCSGD, DSignSGD
from sdescent.derive.methods.losses import BilinearGame
from sdescent.derive.vocabulary.symbols import N, eta

R = sp.Rational
GRADIENTS = {
    "generic": [R(3, 2), R(-1, 3), R(2)],
    "zero": [R(0)] * 3,
    "some zero": [R(0), R(2), R(0)],
    "equal": [R(2, 3)] * 3,
}


@pytest.mark.parametrize(("dim", "k"), [(1, 1), (3, 2), (2, 2)])
def test_rand_k_symbolic_root_is_exact(dim: int, k: int) -> None:
    for noise in (sd.noise.NoNoise(), sd.noise.Scaled(sd.noise.Gaussian())):
        expanded = sde(DCSGD(sd.compressors.RandK(k), noise), dim=dim).expanded
        assert expanded.root is not None
        for gradient in GRADIENTS.values():
            values = dict(zip(gradient_symbols(dim), gradient[:dim], strict=True))
            values |= {sp.Symbol("sigma", positive=True): R(3, 4), eta: R(1, 5), N: R(2)}
            b, s = expanded.root.xreplace(values), expanded.covariance.xreplace(values)
            gap = b * b.T - s
            assert all(abs(e.evalf(50)) < sp.Float("1e-40") for e in gap), (noise, values)


def test_the_field_of_a_game_has_an_antisymmetric_jacobian() -> None:
    """F = (y, -x), J F = -(x, y): gradient descent-ascent has the second-order drift -F - (eta/2) J F."""
    found = sde(DCSGD(sd.compressors.Identity(), sd.noise.Gaussian()), "second-order", BilinearGame(1), 2).expanded
    x, y = found.state
    assert (found.drift - sp.Matrix([-y + eta * x / 2, x + eta * y / 2])).expand() == sp.zeros(2, 1)


# --- where a root is differentiable, so that a Stratonovich form exists


def test_signs_of_laplace_noise_have_a_stratonovich_form():
    """S = 2 e^-a - e^-2a with a = |g|/sigma is positive and C^2: the drift falls by (eta/(4N)) dS/dx, at 0 by nothing."""
    equation = sde(DSignSGD(sd.noise.Laplace(), clients=2), "first-order", sd.losses.Cosh(), 1).expanded
    (x,), scale, step = equation.state, 0.7, 0.3
    numbers = {"sigma": scale, "eta": step}
    added = equation.stratonovich_drift()[0] - equation.drift[0]
    f = sp.lambdify(x, added.xreplace({s: sp.Float(numbers[s.name]) for s in added.free_symbols - {x}}), "math")
    for at in (-2.0, -0.3, -1e-6, 0.0, 1e-6, 0.4, 1.5):
        a, slope = abs(math.sinh(at)) / scale, math.cosh(at) / scale * math.copysign(1, at)
        assert f(at) == pytest.approx(
            -step / 8 * slope * (2 * math.exp(-2 * a) - 2 * math.exp(-a)), rel=1e-9, abs=1e-14
        )


def test_a_root_with_a_kink_is_not_differentiable():
    y = sp.Symbol("g1", real=True)
    joined = sp.sqrt(2 * sp.exp(-sp.Abs(y)) - sp.exp(-2 * sp.Abs(y)))
    assert differentiable(sp.Matrix([[joined]]), [y])
    for broken in (sp.exp(-sp.Abs(y)), 1 + sp.sign(y), joined + sp.Abs(y - 1), sp.sqrt(y**2), sp.Max(y, 0)):
        assert not differentiable(sp.Matrix([[broken]]), [y]), broken
    z = sp.Symbol("g2", real=True)
    for root, smooth in ((sp.sqrt(y**2 + z**2), False), (sp.sqrt(1 + y**2 + z**2), True)):
        assert differentiable(sp.Matrix([[root]]), [y, z]) is smooth
