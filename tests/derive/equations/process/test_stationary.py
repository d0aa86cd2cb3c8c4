"""Stationary second moments of theory 5 and 6.7: closed forms, linear solves redone in numbers, recursions, thresholds."""

import itertools

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.equations.process.stationary import (
    StationaryMoments,
    discrete_second_moments,
    second_moments,
    sign_near_optimum,
    stability_threshold,
)
from sdescent.derive.expressions.gradient_form import DenseCov
from sdescent.derive.methods.compressors import Bernoulli, RandK, TopK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.noise import Affine, Correlated, Gaussian, StudentT
from sdescent.derive.methods.schedules import Power
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import N, eta, parameter

sigma, lam = parameter("sigma"), parameter("lambda")
NUMBERS = {"eta": 0.11, "N": 3.0, "sigma": 0.8, "sigma0": 0.7, "sigma1": 0.6, "h1": 1.3, "h2": 0.6, "h3": 2.1, "p": 0.4}


def numeric(found: sp.Matrix | StationaryMoments, **more: float) -> np.ndarray:
    matrix = found.matrix if isinstance(found, StationaryMoments) else found
    table = {**NUMBERS, **more}
    put = {s: sp.Float(table[s.name], 20) for s in matrix.free_symbols}
    return np.array(matrix.xreplace(put).evalf(20).tolist(), dtype=float)


# --- SGD family


def test_first_order_with_a_full_covariance():
    # C_ij = (eta/N) Sigma_ij/(h_i + h_j) solves h C + C h = (eta/N) Sigma
    found = second_moments(DSGD(Correlated(Gaussian(), DenseCov("Sigma"))), 3)
    for i, j in itertools.product(range(3), repeat=2):
        entry = sp.Symbol(f"Sigma{min(i, j) + 1}_{max(i, j) + 1}", real=True)
        expected = eta / N * entry / (parameter(f"h{i + 1}") + parameter(f"h{j + 1}"))
        assert sp.cancel(found[i, j] - expected) == 0


@pytest.mark.parametrize(
    ("model", "denominator"),
    [("first-order", 2), ("second-order", 2 + eta * lam), ("corrected", 2 - eta * lam), ("discrete", 2 - eta * lam)],
)
def test_one_dimension(model, denominator):
    """Student-t with nu = 5 has the variance 5/3."""
    method = DSGD(StudentT(5))
    moments = discrete_second_moments(method, 1, lam) if model == "discrete" else second_moments(method, 1, model, lam)
    assert sp.cancel(moments[0] - eta * sp.Rational(5, 3) * sigma**2 / (N * lam * denominator)) == 0


# --- Rand-k with affine variance


# --- thresholds


@pytest.mark.parametrize("size", ["discrete", "corrected", "first-order", "second-order"])
def test_thresholds_are_where_the_second_moment_stops_contracting(size):
    method = DCSGD(Bernoulli("2/5"), Affine("1", "3/2"), clients=2)
    found = float(stability_threshold(method, size, sp.Rational(6, 5), 1))
    strength = (
        {"discrete": 0, "corrected": 0, "first-order": -1, "second-order": -2}[size] + 1 + ((1 + 2.25) / 0.4 - 1) / 2
    )
    assert found == pytest.approx(2 / (1.2 * strength), rel=1e-12)


def test_thresholds_without_noise():
    assert stability_threshold(DSGD(), "discrete", lam) == 2 / lam == stability_threshold(DSGD(), "corrected", lam)
    assert stability_threshold(DSGD(), "first-order", lam) == sp.oo == stability_threshold(DSGD(), "second-order", lam)


@pytest.mark.parametrize(
    ("method", "h", "dim", "model"),
    [
        (DCSGD(RandK(1), Gaussian(), 2), "6/5", 3, "discrete"),
        (DCSGD(RandK(1), Gaussian(), 2), "6/5", 3, "first-order"),
        (DSGD(Affine(1, 2), 2), (1, 2), None, "corrected"),
        (DSGD(Gaussian(), 2), (1, 3), None, "first-order"),
    ],
)
def test_thresholds_in_several_dimensions(method, h, dim, model):
    """E ||x||^2 of the linear equation for E xx' contracts just below and grows just above, from its largest eigenvalue."""
    found = stability_threshold(method, model, h, dim)
    size = dim or len(h)
    made = discrete_second_moments(method, size, h) if model == "discrete" else second_moments(method, size, model, h)

    def rate(step):
        values = np.linalg.eigvals(np.array(made.system.xreplace({eta: sp.Float(step)}).evalf().tolist(), float))
        return max(abs(1 + values)) - 1 if model == "discrete" else max(values.real)

    if found == sp.oo:
        assert max(rate(step) for step in (0.01, 1.0, 100.0)) < 0
    else:
        assert rate(float(found) * (1 - 1e-6)) < 0 < rate(float(found) * (1 + 1e-6))


def test_a_threshold_says_of_how_many_dimensions_it_is():
    """For Rand-1 in one dimension, which compresses nothing, it is 2/h; in three it is 2 N/(h (N + 2))."""
    method = DCSGD(RandK(1), Gaussian())
    assert stability_threshold(method, "discrete", lam, 1) == 2 / lam
    assert sp.cancel(stability_threshold(method, "discrete", lam, 3) - 2 * N / (lam * (N + 2))) == 0
    for one in (method, DSGD(Affine()), DCSGD(TopK(1), Gaussian())):
        with pytest.raises(BadInput, match=r"^dim: found 'None'"):
            stability_threshold(one, "discrete", lam)
    assert stability_threshold(DSGD(Gaussian()), "discrete", lam) == 2 / lam  # of any
    assert stability_threshold(DSGD(Gaussian()), "discrete", ("h1", "h2")) == sp.Min(
        2 / parameter("h1"), 2 / parameter("h2")
    )
    with pytest.raises(NoClosedForm, match="more than one threshold"):
        stability_threshold(DSGD(Affine()), "discrete", ("h1", "h2"))


# --- DSignSGD near the optimum: (eta/(4 N M)) sigma_H H^{-1}

NU = parameter("nu")
PEAKS = {
    "Gaussian": (Gaussian(), 1 / sp.sqrt(2 * sp.pi)),
    "t nu": (StudentT("nu"), sp.gamma((NU + 1) / 2) / (sp.sqrt(sp.pi * NU) * sp.gamma(NU / 2))),
}


@pytest.mark.parametrize("name", PEAKS)
def test_sign_near_the_optimum(name):
    law, peak = PEAKS[name]
    found = sign_near_optimum(DSignSGD(law), 2)
    expected = sp.diag(*[eta * sigma / (4 * N * peak * parameter(f"h{j + 1}")) for j in range(2)])
    np.testing.assert_allclose(numeric(found, nu=2.7), numeric(expected, nu=2.7), rtol=1e-14)


@pytest.mark.parametrize(
    ("solve", "method", "error", "said"),
    [
        (sign_near_optimum, DSignSGD(), Refusal, "noise that stays"),
        (second_moments, DSignSGD(Gaussian()), NoClosedForm, "not a polynomial"),
        (second_moments, DSGD(Gaussian(), schedule=Power("1/2")), Refusal, "depend on time"),
        (discrete_second_moments, DSGD(Gaussian(), schedule=Power("1/2")), Refusal, "depend on time"),
    ],
)
def test_what_has_no_stationary_law_in_closed_form(solve, method, error, said):
    with pytest.raises(error, match=said):
        solve(method, 1)
