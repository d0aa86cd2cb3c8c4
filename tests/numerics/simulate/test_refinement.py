"""The solver's own error: halved steps on one Brownian motion, and what is left of it."""

import math

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.derivation import sde
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Quadratic, Quartic
from sdescent.derive.methods.noise import Scaled
from sdescent.numerics.simulate.equation import FINEST, SHARE, refined, solve

GAUSS = Scaled(sd.noise.Gaussian(), 1)


def loss_of(ensemble):
    return np.nan_to_num(ensemble.values["loss"], nan=1e6)


@pytest.mark.slow
def test_the_error_that_is_left_is_the_one_that_is_stated():
    """E x^2 of dx = -x dt + sqrt(eta) dW from 3: the finest mean is within the stated error and five standard errors."""
    eta, t = 0.5, 1.5
    equation = sde(DSGD(GAUSS, 1), "first-order", Quadratic(1))
    finals = []
    found = refined(
        equation, [3.0], t, lambda e: finals.append(e.final) or loss_of(e), 1,
        scheme="euler", paths=20_000, key=1, params={"eta": eta}, save=[t],
    )  # fmt: skip
    assert np.std(finals[-1] - finals[-2]) < 0.1 * np.std(finals[-2])  # of one Brownian motion
    exact = (9 * math.exp(-2 * t) + eta / 2 * (1 - math.exp(-2 * t))) / 2
    values = found.ensemble.values["loss"][0]
    assert found.converged and found.substeps > 2
    doubt = 5 * values.std() / math.sqrt(values.size)
    assert abs(values.mean() - exact) < 1.5 * found.error[0] + doubt
    assert found.error[0] <= max(SHARE * values.mean(), values.std() / math.sqrt(values.size))


@pytest.mark.slow
def test_an_unstable_solver_is_no_explosion():
    """dx = -x^3 dt from 30 never explodes, x(1) = 30/sqrt(1801); at the usual steps the scheme itself does."""
    equation = sde(DSGD(Scaled(sd.noise.Gaussian(), "1/100"), 1), "first-order", Quartic())
    shared = {"paths": 20, "key": 0, "params": {"eta": 0.1}, "save": [1.0]}
    assert solve(equation, [30.0], 1.0, **shared).blow_ups[-1] == 20
    found = refined(equation, [30.0], 1.0, loss_of, **shared)
    assert found.ensemble.blow_ups[-1] == 0
    assert found.ensemble.final.mean() == pytest.approx(30 / math.sqrt(1801), rel=5e-3)


@pytest.mark.slow
def test_an_equation_that_explodes_does_so_at_every_step_size():
    """The corrected model of gradient descent on x^4/4: dx = (-x^3 + (3 eta/2) x^5) dt grows where 3 eta x^2 > 2."""
    equation = sde(DSGD(clients=1), "corrected", Quartic())
    found = refined(equation, [3.0], 3.0, loss_of, paths=2, key=0, params={"eta": 0.5}, save=[3.0])
    assert found.ensemble.blow_ups[-1] == 2 and found.substeps >= FINEST


@pytest.mark.slow
def test_the_strong_order_on_a_shared_path():
    """RMS of coarse minus fine on one path of dx = -x dt + sqrt(eta (1 + x^2)) dW: it falls like dt (Milstein 1974)."""
    equation = sde(DSGD(sd.noise.Affine(1, 1), 1), "first-order", Quadratic(1))
    shared = dict(T=1.0, paths=4000, key=5, params={"eta": 1.0}, dt=0.125, scheme="milstein", save=[1.0])
    gaps = []
    for n in range(4):
        coarse, fine = (solve(equation, [1.0], halvings=n + m, by_halves=m == 0, **shared).final for m in (0, 1))
        gaps.append(np.sqrt(np.mean((coarse - fine) ** 2)))
    slopes = np.log2(np.array(gaps[:-1]) / gaps[1:])
    assert abs(np.mean(slopes) - 1) < 0.12, slopes
