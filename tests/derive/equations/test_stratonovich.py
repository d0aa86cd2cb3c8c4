"""Where a root is differentiable, so that a Stratonovich form exists, against closed forms."""

from __future__ import annotations

import math

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import sde
from sdescent.derive.equations.roots import differentiable
from sdescent.derive.methods.distributed import DSignSGD


def test_signs_of_laplace_noise_have_a_stratonovich_form():
    """S = 2 e^-a - e^-2a with a = |g|/sigma is positive and C^2: the drift falls by (eta/(4N)) dS/dx, at 0 by nothing."""
    equation = sde(DSignSGD(sd.noise.Laplace(), clients=2), "first-order", sd.losses.Cosh(), 1).expanded
    (x,), scale, step = equation.state, 0.7, 0.3
    given = {"sigma": scale, "eta": step}
    added = equation.stratonovich_drift()[0] - equation.drift[0]
    f = sp.lambdify(x, added.xreplace({s: sp.Float(given[s.name]) for s in added.free_symbols - {x}}), "math")
    for at in (-2.0, -0.3, -1e-6, 0.0, 1e-6, 0.4, 1.5):
        a, slope = abs(math.sinh(at)) / scale, math.cosh(at) / scale * math.copysign(1, at)
        assert f(at) == pytest.approx(
            -step / 8 * slope * (2 * math.exp(-2 * a) - 2 * math.exp(-a)), rel=1e-9, abs=1e-14
        )


def test_a_root_with_a_kink_is_not_differentiable():
    y = sp.Symbol("g1", real=True)
    joined = sp.sqrt(2 * sp.exp(-sp.Abs(y)) - sp.exp(-2 * sp.Abs(y)))
    assert differentiable(sp.Matrix([[joined]]), [y])
    for broken in (
        sp.sqrt(1 + sp.Abs(y)),
        sp.exp(-sp.Abs(y)),
        1 + sp.sign(y),
        joined + sp.Abs(y - 1),
        sp.sqrt(y**2),
        sp.Max(y, 0),
    ):
        assert not differentiable(sp.Matrix([[broken]]), [y]), broken
    z = sp.Symbol("g2", real=True)
    for root, smooth in ((sp.sqrt(y**2 + z**2), False), (sp.sqrt(1 + y**2 + z**2), True)):
        assert differentiable(sp.Matrix([[root]]), [y, z]) is smooth
