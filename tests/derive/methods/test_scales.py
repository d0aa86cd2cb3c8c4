"""Scales that are no plain number: one a coordinate, one that depends on the gradient, one that vanishes with it."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import Coordinate, coord_sum, g
from sdescent.derive.expressions.derivatives import jacobian_product
from sdescent.derive.expressions.expansion import Expansion
from sdescent.derive.methods.noise import Affine, Gaussian, Laplace, Logistic, Scaled, Uniform
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


@pytest.mark.slow
def test_the_second_order_drift_with_affine_variance_is_that_of_finite_differences() -> None:
    """-b - (eta/2) J_b b on a quadratic with h = (1, 2): the derivative of b along H b, through the scale inside the sums."""
    values = {"sigma0": 0.6, "eta": 0.2, "N": 1}
    method = sd.DCSGD(sd.compressors.ScaledSign(), Affine((1, "sigma0"), "1/2"))
    found = [
        sd.sde(method, model, sd.losses.Quadratic((1, 2)), 2).expanded for model in ("first-order", "second-order")
    ]
    first, second = (
        sp.lambdify(
            f.state, list(f.drift.subs({s: values[s.name] for s in f.drift.free_symbols if s.name in values})), "mpmath"
        )
        for f in found
    )
    x, step = np.array([0.7, -0.4]), 1e-5
    b = -np.array(first(*x), float)
    ahead, behind = (np.array(first(*(x + s * step * b)), float) for s in (1, -1))
    expected = -b + values["eta"] / 2 * (ahead - behind) / (2 * step)  # J_b b = -(d/ds) first(x + s b)
    assert np.array(second(*x), float) == pytest.approx(expected, rel=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compressor", "start"), [(sd.compressors.Sign(), [0.0, 0.0]), (sd.compressors.Sign(), [1.0, 0.0])], ids=str
)
def test_noise_that_vanishes_with_the_gradient_keeps_the_minimum(
    compressor: sd.compressors.Compressor, start: list[float]
) -> None:
    """sigma0 = 0: at the minimum the message is 0 and the method stays; so does the equation, which is 0/0 there."""
    equation = sd.sde(sd.DCSGD(compressor, Affine(0, "1/3")), "first-order", sd.losses.Quadratic(1), 2)
    run = equation.solve(x0=start, T=0.5, paths=3, key=0, params={"eta": 0.1, "N": 1})
    final = np.asarray(run.final)
    assert not run.blow_ups[-1] and np.isfinite(final).all() and np.all((final[0] == start[0]) == (start[0] == 0))
    assert start[0] or np.all(final == 0)


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
