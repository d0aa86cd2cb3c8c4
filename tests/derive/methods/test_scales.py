"""Scales that are no plain number: one a coordinate, one that depends on the gradient, one that vanishes with it."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import Coordinate, coord_sum, g
from sdescent.derive.expressions.derivatives import jacobian_product
from sdescent.derive.expressions.expansion import Expansion
from sdescent.derive.methods.noise import Gaussian, Laplace, Logistic, Scaled, Uniform
from tests.support.samples import mostly_slow

G = np.array([0.5, -0.3, 0.0])
SCALES = np.array([0.5, 2.0, 0.7])
COUNT = 200_000
VECTOR = Coordinate("s", "j", True)
COMPRESSORS = {
    "sign": (sd.compressors.Sign(), np.sign),
    "scaled-sign": (sd.compressors.ScaledSign(), lambda v: np.abs(v).mean(1, keepdims=True) * np.sign(v)),
    "identity": (sd.compressors.Identity(), lambda v: v),
}
LAWS = {
    "laplace": (Laplace(), lambda rng, shape: rng.laplace(size=shape)),
    "gaussian": (Gaussian(), lambda rng, shape: rng.normal(size=shape)),
    "logistic": (Logistic(), lambda rng, shape: rng.logistic(size=shape)),
    "uniform": (Uniform(), lambda rng, shape: rng.uniform(-1, 1, size=shape)),
}


@pytest.mark.parametrize("law", mostly_slow(LAWS, 4))
@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_one_scale_a_coordinate(compressor: str, law: str) -> None:
    """Mean and covariance of C(g + s Z), s a vector, against draws: five standard errors, fixed seed."""
    (symbolic, apply), (standard, draw) = COMPRESSORS[compressor], LAWS[law]
    form = sd.sde(sd.DCSGD(symbolic, Scaled(standard, VECTOR)), dim=3).form
    assert form is not None
    at = Expansion(3, {"g": list(map(sp.Float, G)), "s": list(map(sp.Float, SCALES))})
    mean = np.array(at.vector(form.mean), float)
    covariance = np.array(form.covariance(at).tolist(), float)
    out = apply(G + SCALES * draw(np.random.default_rng(11), (COUNT, 3)))
    centred = out - mean
    pairs = np.einsum("ni,nj->nij", centred, centred) - covariance
    for statistic in (centred, pairs.reshape(COUNT, -1)):
        error = statistic.std(0) / np.sqrt(COUNT)
        assert np.all(np.abs(statistic.mean(0)) <= 5 * error + 1e-12)


@pytest.mark.slow
def test_one_scale_a_coordinate_expands_and_solves() -> None:
    method = sd.DCSGD(sd.compressors.ScaledSign(), Scaled(Laplace(), VECTOR), clients=2)
    equation = sd.sde(method, "first-order", sd.losses.Quadratic(1), 2)
    assert {"s1", "s2"} <= set(equation.to_dict()["parameters"])
    run = equation.solve(x0=[1.0, -1.0], T=0.2, paths=20, key=1, params={"eta": 0.1, "s": SCALES[:2]})
    assert np.isfinite(run.values["loss"]).all()


def test_the_chain_rule_goes_through_sums_inside_sums() -> None:
    """For scaled sign the inner terms cancel, so that its drift cannot show them missing; here they do not cancel."""
    b = g * coord_sum(sp.exp(-(g**2) / (1 + coord_sum(g**2))))
    point, h = np.array([0.7, -0.4]), np.array([1, 2])

    def at(where: np.ndarray, expr: sp.Expr) -> np.ndarray:
        expansion = Expansion(
            2, {"g": list(map(sp.Float, where))}, lambda c: [m * e for m, e in zip(h, c, strict=True)]
        )
        return np.array(expansion.vector(expr), float)

    step = 1e-5
    ahead, behind = (at(point + s * step * h * point, b) for s in (1, -1))
    assert at(point, jacobian_product(b, g)) == pytest.approx((ahead - behind) / (2 * step), rel=1e-8)
