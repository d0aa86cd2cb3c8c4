"""The drift over a step: the equation's own drift, written with fewer operations where the loss allows it."""

from typing import Any

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import Coordinate, Hvp, coord_sum, g, hvp
from sdescent.derive.methods.losses import x
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.lowering.landscape import STEP, landscape, loss_vector, over_step
from sdescent.numerics.simulate.streams_and_statistics import at_time
from sdescent.numerics.simulate.systems import ito_system

AFFINE = sd.noise.Affine("sigma0", "sigma1")
METHODS: dict[str, Any] = {
    "dsgd": sd.DSGD(sd.noise.Scaled(sd.noise.Gaussian(), "sigma"), 2),
    "rand-k": sd.DCSGD(sd.compressors.RandK(2), AFFINE, 3, sd.schedules.Power(sp.Rational(1, 2))),
    "dsignsgd": sd.DSignSGD(sd.noise.Scaled(sd.noise.Cauchy(), "sigma"), 2),
}
LOSSES: dict[str, sd.losses.Loss] = {
    "quadratic": sd.losses.Quadratic((1, 2, 5)),
    "quartic": sd.losses.Quartic(),
    "cosh": sd.losses.Cosh(),
    "glued": sd.losses.GluedExponential(),
    "own": sd.losses.SeparableSum((x - 1) ** 2 * (x + 2) ** 2 + Coordinate("w", "j") * x**3 / 6),
}
GIVEN = {"eta": 0.3, "sigma": 0.7, "sigma0": 0.5, "sigma1": 0.2}
POINTS = np.array([[0.3, 0.0], [1.1, -0.6], [-0.8, 2.0]])
W = np.array([0.5, -1.5, 2.0])


#: every loss with one method, where the loss is rewritten; no Hessian product stands in the first-order model
CASES = [
    ("rand-k", "own", "first-order"),
    ("dsgd", "cosh", "second-order"), ("dsgd", "glued", "corrected"),
    ("dsignsgd", "own", "second-order"), ("dsignsgd", "quartic", "corrected"), ("rand-k", "quadratic", "second-order"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_it_is_the_drift_in_named_coordinates_times_the_step(case: tuple[str, str, str]) -> None:
    method, loss, model = case
    equation = sd.sde(METHODS[method], model)
    given = {**GIVEN, **({"w": W} if loss == "own" else {})}
    system = ito_system(equation, 3, given, 64, LOSSES[loss])
    land = landscape(LOSSES[loss], 3, given)
    found, _ = system.evaluate(at_time(given, land, jnp.asarray(POINTS), 0.8), 0.05)
    named = sd.sde(METHODS[method], model, LOSSES[loss], 3).coordinates(3)
    values = {**GIVEN, "t": 0.8, **{f"w{m + 1}": w for m, w in enumerate(W)}}
    for path in range(POINTS.shape[1]):
        here = {**values, **{s.name: v for s, v in zip(named.state, POINTS[:, path], strict=True)}}
        wanted = [float(e.subs({s: here[s.name] for s in e.free_symbols}).evalf(30)) for e in named.drift]
        np.testing.assert_allclose(found[:, path], 0.05 * np.array(wanted), rtol=1e-9, atol=1e-13)


def test_what_it_is_written_as() -> None:
    """Numbers together, the common gradient last; a Hessian product stays where f'' is no polynomial, and inside aggregates."""
    eta, h = sp.Symbol("eta", positive=True), Coordinate(loss_vector("h"), "j")
    corrected = -g + eta / 2 * hvp(g)
    assert over_step(corrected, sd.losses.Quartic()) == g * (3 * eta * STEP * x**2 / 2 - STEP)
    assert over_step(corrected, sd.losses.Quadratic((1, 2))) == g * (eta * STEP * h / 2 - STEP)
    kept = -STEP * g + eta * STEP / 2 * hvp(g)
    for loss in (sd.losses.Cosh(), sd.losses.SeparableSum(sp.Abs(x) ** 3), sd.losses.LogisticRegression(), None):
        assert over_step(corrected, loss) == kept
    inside = coord_sum(hvp(g)) * g
    assert over_step(inside, sd.losses.Quartic()).has(Hvp)
    assert over_step(-g) == -STEP * g


@pytest.mark.slow
def test_a_vector_of_the_loss_is_not_one_of_the_method_of_that_name() -> None:
    """The noise has scales h_j and the loss curvatures h_j: each keeps its own."""
    method = sd.DSignSGD(sd.noise.Scaled(sd.noise.Gaussian(), Coordinate("h", "j", True)), 1)
    loss, given = sd.losses.Quadratic((1, 2, 5)), {"eta": 0.3}
    drifts = []
    for scales in ([1.0, 1.0, 1.0], [2.0, 0.5, 3.0]):
        system = ito_system(sd.sde(method, "second-order"), 3, given, 64, loss)
        env = at_time({**given, "h": np.array(scales)}, landscape(loss, 3), jnp.asarray(POINTS), 0.0)
        drifts.append(system.evaluate(env, 1.0)[0])
    assert np.all(drifts[0][:2, 0] != drifts[1][:2, 0])
    flat = ito_system(sd.sde(method, "second-order"), 3, given, 64)
    np.testing.assert_allclose(flat.evaluate(env, 1.0)[0], drifts[1], rtol=1e-12)
