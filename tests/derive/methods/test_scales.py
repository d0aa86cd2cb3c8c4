"""Scales that are no plain number: one a coordinate, and one that depends on the gradient."""

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import Coordinate, coord_sum, g
from sdescent.derive.expressions.derivatives import jacobian_product
from sdescent.derive.expressions.gradient_form import Expansion
from sdescent.derive.methods.noise import Gaussian, Laplace, Scaled

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
}


@pytest.mark.parametrize(
    ("compressor", "law"), [("sign", "laplace"), ("identity", "laplace"), ("scaled-sign", "gaussian")]
)
def test_one_scale_a_coordinate(compressor: str, law: str) -> None:
    """Mean and covariance of C(g + s Z), s a vector, against draws: five standard errors, fixed seed."""
    (symbolic, apply), (standard, draw) = COMPRESSORS[compressor], LAWS[law]
    form = sd.sde(sd.DCSGD(symbolic, Scaled(standard, VECTOR)), dim=3).form
    assert form is not None
    at = Expansion(3, {"g": list(map(sp.Float, G)), "s": list(map(sp.Float, SCALES))})
    mean = np.array(at.vector(form.mean), float)
    covariance = np.array(form.covariance(at).tolist(), float)
    centred = apply(G + SCALES * draw(np.random.default_rng(11), (COUNT, 3))) - mean
    pairs = np.einsum("ni,nj->nij", centred, centred) - covariance
    for statistic in (centred, pairs.reshape(COUNT, -1)):
        assert np.all(np.abs(statistic.mean(0)) <= 5 * statistic.std(0) / np.sqrt(COUNT) + 1e-12)


def test_the_chain_rule_goes_through_sums_inside_sums() -> None:
    """For scaled sign the inner terms cancel, so that its drift cannot show them missing; here they do not cancel."""
    b = g * coord_sum(sp.exp(-(g**2) / (1 + coord_sum(g**2))))
    point, h = np.array([0.7, -0.4]), np.array([1, 2])

    def at(where: np.ndarray, expr: sp.Expr) -> np.ndarray:
        letters = {"g": list(map(sp.Float, where))}
        expansion = Expansion(2, letters, lambda c: [m * e for m, e in zip(h, c, strict=True)])
        return np.array(expansion.vector(expr), float)

    step = 1e-5
    ahead, behind = (at(point + s * step * h * point, b) for s in (1, -1))
    assert at(point, jacobian_product(b, g)) == pytest.approx((ahead - behind) / (2 * step), rel=1e-8)
