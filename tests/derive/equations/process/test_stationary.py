"""Stationary second moments of theory 5 and 6.7: closed forms, linear solves redone in numbers, recursions, thresholds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy as sp
from scipy import linalg, stats

from sdescent.derive.equations.process.stationary import (
    StationaryMoments,
    discrete_second_moments,
    discrete_step,
    second_moments,
    sign_near_optimum,
    stability_threshold,
)
from sdescent.derive.expressions.gradient_form import DenseCov
from sdescent.derive.methods.compressors import Bernoulli, RandK, TopK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.noise import Affine, Cauchy, Correlated, Gaussian, Laplace, Scaled, StudentT, Uniform
from sdescent.derive.methods.schedules import Power
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import N, eta, parameter
from tests.support.samples import mostly_slow

sigma, lam = parameter("sigma"), parameter("lambda")
NUMBERS = {"eta": 0.11, "N": 3.0, "sigma": 0.8, "sigma0": 0.7, "sigma1": 0.6, "h1": 1.3, "h2": 0.6, "h3": 2.1, "p": 0.4}


def numeric(found: sp.Matrix | StationaryMoments, **more: float) -> np.ndarray:
    matrix = found.matrix if isinstance(found, StationaryMoments) else found
    table = {**NUMBERS, **more}
    put = {s: sp.Float(table[s.name], 20) for s in matrix.free_symbols}
    return np.array(matrix.xreplace(put).evalf(20).tolist(), dtype=float)


# --- SGD family


def test_first_order_with_a_full_covariance():
    # C_ij = (eta/N) Sigma_ij/(h_i + h_j), and a Lyapunov solve in numbers
    found = second_moments(DSGD(Correlated(Gaussian(), DenseCov("Sigma"))), 3)
    spread = np.array([[1.1, 0.3, -0.2], [0.3, 0.7, 0.25], [-0.2, 0.25, 1.9]])
    entries = {f"Sigma{i + 1}_{j + 1}": spread[i, j] for i in range(3) for j in range(i, 3)}
    h = np.diag([NUMBERS[f"h{j + 1}"] for j in range(3)])
    lyapunov = linalg.solve_continuous_lyapunov(h, NUMBERS["eta"] / NUMBERS["N"] * spread)
    np.testing.assert_allclose(numeric(found, **entries), lyapunov, rtol=1e-12, atol=1e-15)
    for i, j in itertools.product(range(3), repeat=2):
        entry = sp.Symbol(f"Sigma{min(i, j) + 1}_{max(i, j) + 1}", real=True)
        expected = eta / N * entry / (parameter(f"h{i + 1}") + parameter(f"h{j + 1}"))
        assert sp.cancel(found[i, j] - expected) == 0


@pytest.mark.parametrize(
    ("model", "denominator"),
    [("first-order", 2), ("second-order", 2 + eta * lam), ("corrected", 2 - eta * lam), ("discrete", 2 - eta * lam)],
)
@pytest.mark.parametrize(
    ("law", "variance"),
    [(Gaussian(), 1), (Laplace(), 2), (StudentT(5), sp.Rational(5, 3)), (Uniform(), sp.Rational(1, 3))],
)
def test_one_dimension(model, denominator, law, variance):
    method = DSGD(law)
    own = model == "discrete"
    found = discrete_second_moments(method, 1, lam) if own else second_moments(method, 1, model, lam)
    assert sp.cancel(found[0] - eta * variance * sigma**2 / (N * lam * denominator)) == 0


@pytest.mark.parametrize(
    "method",
    mostly_slow([DCSGD(RandK(1), Gaussian()), DCSGD(Bernoulli("p"), Affine())]),
    ids=["Rand-1", "Bernoulli affine"],
)
def test_the_corrected_model_has_the_second_moments_of_the_method(method):
    gap = second_moments(method, 2, "corrected").matrix - discrete_second_moments(method, 2).matrix
    assert all(sp.cancel(gap[i, i]) == 0 for i in range(2))
    first = second_moments(method, 2).matrix - discrete_second_moments(method, 2).matrix
    assert sp.cancel(first[0, 0]) != 0


# --- Rand-k with affine variance


def test_the_discrete_recursion_is_that_of_the_method():
    # E over all subsets of size 2 of 3, one client, Gaussian noise of variance sigma^2
    h = np.array([1.3, 0.6, 2.1])
    step, var = NUMBERS["eta"], NUMBERS["sigma"] ** 2
    x = np.array([0.4, -1.2, 0.7])
    total = np.zeros((3, 3))
    for kept in itertools.combinations(range(3), 2):
        mask = np.array([j in kept for j in range(3)]) * 1.5
        moved = x - step * mask * h * x
        total += (np.outer(moved, moved) + step**2 * var * np.diag(mask**2)) / 3
    found = discrete_step(DCSGD(RandK(2), Gaussian()), sp.Matrix(np.outer(x, x).tolist()))
    np.testing.assert_allclose(numeric(found, N=1.0), total, rtol=1e-12)


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


@pytest.mark.parametrize("model", ["discrete", "corrected", "first-order"])
@pytest.mark.parametrize(
    ("method", "h", "dim"),
    mostly_slow([
        (DCSGD(RandK(1), Gaussian(), 2), "6/5", 3),
        (DSGD(Affine(1, 2), 2), (1, 2), None),
        (DSGD(Affine(1, 2), 2), "6/5", 2),
        (DSGD(Gaussian(), 2), (1, 3), None),
    ], every=4, rows=True),
)  # fmt: skip
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
    "uniform": (Uniform(), sp.Rational(1, 2)),
    "Cauchy": (Cauchy(), 1 / sp.pi),
    "t nu": (StudentT("nu"), sp.gamma((NU + 1) / 2) / (sp.sqrt(sp.pi * NU) * sp.gamma(NU / 2))),
}


@pytest.mark.parametrize("name", PEAKS)
def test_sign_near_the_optimum(name):
    law, peak = PEAKS[name]
    found = sign_near_optimum(DSignSGD(law), 2)
    expected = sp.diag(*[eta * sigma / (4 * N * peak * parameter(f"h{j + 1}")) for j in range(2)])
    np.testing.assert_allclose(numeric(found, nu=2.7), numeric(expected, nu=2.7), rtol=1e-14)


def test_sign_near_the_optimum_with_three_clients():
    # Gaussian: (eta/(2N)) sqrt(pi/2) sigma_H H^{-1}, sigma_H the harmonic mean
    scales = sp.symbols("s1:4", positive=True)
    found = sign_near_optimum(DSignSGD(Scaled(Gaussian(), scales)), 2)
    harmonic = 3 / sum(1 / s for s in scales)
    for j in range(2):
        expected = eta / 6 * sp.sqrt(sp.pi / 2) * harmonic / parameter(f"h{j + 1}")
        assert sp.cancel(sp.powsimp(found[j, j] / expected)) == 1
    assert found[0, 1] == 0


def test_sign_near_the_optimum_against_the_law_of_the_method():
    # the exact chain x -> x - eta sign(x + Z) for small eta, N = 1, iterated on a grid that it does not leave
    step, h, s = 0.01, 1.0, 1.0
    grid = np.arange(-60, 61)
    up = stats.norm.cdf(-grid * step * h / s)  # probability that x grows
    weights = np.ones(len(grid))
    for n in range(1, len(grid)):  # detailed balance of a birth and death chain
        weights[n] = weights[n - 1] * up[n - 1] / (1 - up[n])
    weights /= weights.sum()
    exact = float((weights * (grid * step) ** 2).sum())
    found = sign_near_optimum(DSignSGD(Gaussian()), 1)
    assert float(numeric(found, eta=step, sigma=s, N=1.0, h1=h)[0, 0]) == pytest.approx(exact, rel=0.02)


def test_sign_without_noise_has_no_linearisation():
    with pytest.raises(Refusal) as refused:
        sign_near_optimum(DSignSGD(), 1)
    assert refused.value.kind == "unbounded-lambda"


def test_equations_that_do_not_close():
    with pytest.raises(NoClosedForm):
        second_moments(DSignSGD(Gaussian()), 1)


@pytest.mark.parametrize("solve", [second_moments, discrete_second_moments])
def test_no_stationary_law_under_a_schedule_in_time(solve):
    with pytest.raises(Refusal) as refused:
        solve(DSGD(Gaussian(), schedule=Power("1/2")), 1)
    assert refused.value.kind == "time-dependent"
