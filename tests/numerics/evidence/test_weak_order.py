"""The weak orders 1, 2, 1 of theory 2 and 7, measured without sampling and by Monte Carlo; a planted error shows."""

import json
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.expressions.coordinates import g, hvp
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import Cosh, Quadratic
from sdescent.derive.methods.noise import Affine, Gaussian, Logistic
from sdescent.derive.methods.schedules import Power
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import eta
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.evidence.weak_order import weak_order, weak_order_sampled
from tests.support.samples import slow_but

x1, x2 = sp.symbols("x1 x2", real=True)
ORDERS = {"first-order": 1, "second-order": 2, "corrected": 1}
#: the three cases of theory 7: method, loss, phi, parameters, step sizes; x0 = T = 1. On cosh phi is bounded, since
#: E cosh(x_n) is infinite under Gaussian noise
CASES = {
    "cosh": (DSGD(Gaussian(), 1), Cosh(), sp.tanh(x1), {"sigma": 1.0}, (1 / 8, 1 / 16, 1 / 32, 1 / 64)),
    "affine": (
        DSGD(Affine(), 1), Quadratic(1), x1**2, {"sigma0": 0.5, "sigma1": 0.5}, (1 / 16, 1 / 32, 1 / 64, 1 / 128),
    ),
    "sign": (DSignSGD(Logistic(), 2), Cosh(), sp.cosh(x1) - 1, {"sigma": 1.0}, (1 / 8, 1 / 16, 1 / 32, 1 / 64)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "model"),
    [("cosh", "second-order"), ("affine", "first-order"), ("sign", "corrected")],
)
def test_the_weak_orders_are_1_2_1(case, model):
    method, loss, phi, params, etas = CASES[case]
    found = weak_order(method, model, loss, 1.0, 1.0, phi, etas, params)
    # the discretisation of either side is far below the model's error
    assert found.resolution < 1e-4
    assert abs(found.slope.order - ORDERS[model]) < 0.05
    # and the doubt that is stated covers what is left
    assert abs(found.slope.order - ORDERS[model]) < found.slope.doubt < 0.05
    # local slopes tend to it from one side: the next term of the expansion, which the fit takes into account
    gaps = np.abs(np.array(found.slope.local) - ORDERS[model])
    assert np.all(np.diff(gaps) < 0) and gaps[-1] < 0.05


@pytest.mark.slow
def test_moments_on_the_line_say_the_same():
    method, loss, phi, params, etas = CASES["affine"]
    for model in ("first-order", "second-order"):
        line = weak_order(method, model, loss, 1.0, 1.0, phi, etas[:2], params)
        exact = weak_order(method, model, loss, 1.0, 1.0, phi, etas[:2], params, route="moments")
        assert line.errors == pytest.approx(exact.errors, rel=1e-5)


@pytest.mark.parametrize("model", slow_but(["second-order", "corrected"], ["corrected"]))
def test_in_two_dimensions_by_moments(model):
    """Rand-1 couples the coordinates, and a schedule needs the u' of the second-order drift."""
    method = DCSGD(RandK(1), Affine(), 2, Power("1/2"))
    etas, params = [2.0**-n for n in range(5, 10)], {"sigma0": 0.5, "sigma1": 0.5}
    found = weak_order(method, model, Quadratic((1, 2)), (1.0, 0.5), 1.0, x1**2 + x1 * x2 + x2, etas, params)
    assert abs(found.slope.order - ORDERS[model]) < 0.05 and found.resolution < 1e-6


def planted(fraction: sp.Rational):
    """The second-order model of DSGD with a fraction of its own in place of eta/2."""
    right = sde(DSGD(Gaussian(), 1), "second-order", Cosh(), 1)
    return replace(right, drift=-g - fraction * eta * hvp(g))


@pytest.mark.slow
def test_a_wrong_coefficient_makes_order_2_into_order_1():
    method, loss, phi, params, etas = CASES["cosh"]
    assert planted(sp.Rational(1, 2)).drift == sde(method, "second-order", loss, 1).drift
    found = weak_order(method, planted(sp.Rational(1, 3)), loss, 1.0, 1.0, phi, etas, params)
    assert abs(found.slope.order - 1) < 0.05


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"etas": [0.1]}, "etas"),
        ({"etas": [0.1, 0.1]}, "etas"),
        ({"etas": [0.1, 0.03]}, "T"),
        ({"route": "sampled"}, "route"),
        ({"params": {"sigma": 1.0, "eta": 0.1}}, "parameter eta"),
        ({"phi": x1**3, "route": "moments", "loss": Quadratic(1)}, "phi"),
        ({"x0": [1.0, 1.0], "loss": lambda x: jnp.sum(x**2)}, "loss"),
    ],
    ids=lambda a: a if isinstance(a, str) else "",
)
def test_bad_input_is_named(change, field):
    given = {"loss": Cosh(), "x0": 1.0, "T": 1.0, "phi": x1, "etas": [0.25, 0.125], "params": {"sigma": 1.0}} | change
    with pytest.raises(BadInput) as caught:
        weak_order(DSGD(Gaussian(), 1), "first-order", **given)
    assert caught.value.field == field


@pytest.mark.slow
def test_weak_order_two_by_monte_carlo():
    """Each gap and the slope are inside their intervals, which tell order 2 from order 1 over these step sizes."""
    method, loss, phi, params, _ = CASES["affine"]
    asked = method, "second-order", loss, 1.0, 1.0, phi, (1 / 4, 1 / 8)
    seen, exact = weak_order_sampled(*asked, 2**22, 7, params, level=0.999), weak_order(*asked, params)
    for gap, solver, a, b in zip(seen.gaps, seen.solver, exact.discrete, exact.continuous, strict=True):
        left = max(abs(solver.lower), abs(solver.upper))
        assert gap.lower - left <= a.value - b.value <= gap.upper + left
        assert left < gap.upper - gap.value  # the solver's own error is the smaller part
    assert abs(seen.slope.plain - exact.slope.plain) < seen.slope.doubt
    assert json.loads(json.dumps(seen.to_dict()))["gaps"][0]["count"] == 2**22
    assert abs(seen.slope.plain - 1) > seen.slope.doubt
    assert abs(seen.slope.plain - 2) < seen.slope.doubt + abs(exact.slope.plain - 2)
