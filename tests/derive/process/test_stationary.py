"""Stationary laws of theory 5 and 6.7: closed forms, linear solves redone in numbers, recursions, densities."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy import integrate, linalg, stats

from derive import (
    DCSGD,
    DSGD,
    Affine,
    Bernoulli,
    Cauchy,
    Cosh,
    DSignSGD,
    Free,
    Gaussian,
    GluedExponential,
    Laplace,
    Logistic,
    LogisticRegression,
    Power,
    Quadratic,
    Quartic,
    RandK,
    Refusal,
    Scaled,
    StudentT,
    Uniform,
    sde,
)
from derive.expressions.gradient_form import DenseCov
from derive.methods.noise import Correlated
from derive.process.stationary import (
    Density,
    density,
    discrete_second_moments,
    discrete_step,
    second_moments,
    sign_near_optimum,
    stability_threshold,
)
from derive.vocabulary.errors import BadInput, NoClosedForm
from derive.vocabulary.symbols import N, eta, parameter

sigma, lam = parameter("sigma"), parameter("lambda")
NUMBERS = {"eta": 0.11, "N": 3.0, "sigma": 0.8, "sigma0": 0.7, "sigma1": 0.6, "h1": 1.3, "h2": 0.6, "h3": 2.1, "p": 0.4}


def numeric(matrix: sp.Matrix, **more: float) -> np.ndarray:
    table = {**NUMBERS, **more}
    put = {s: sp.Float(table[s.name], 20) for s in matrix.free_symbols}
    return np.array(matrix.xreplace(put).evalf(20).tolist(), dtype=float)


# --- SGD family


def test_first_order_with_diagonal_noise():
    # (eta/(2N)) H^{-1} Sigma
    found = second_moments(DSGD(Gaussian()), 3)
    for i, j in itertools.product(range(3), repeat=2):
        expected = eta * sigma**2 / (2 * N * parameter(f"h{i + 1}")) if i == j else 0
        assert sp.cancel(found[i, j] - expected) == 0


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
@pytest.mark.parametrize(("law", "variance"), [(Gaussian(), 1), (Laplace(), 2), (StudentT(5), sp.Rational(5, 3)),
                                               (Uniform(), sp.Rational(1, 3))])
def test_one_dimension(model, denominator, law, variance):
    method = DSGD(law)
    own = model == "discrete"
    found = discrete_second_moments(method, 1, lam) if own else second_moments(method, 1, model, lam)
    assert sp.cancel(found[0] - eta * variance * sigma**2 / (N * lam * denominator)) == 0


@pytest.mark.parametrize("method", [DSGD(Gaussian()), DSGD(Affine()), DCSGD(Bernoulli("p"), Affine()),
                                    DCSGD(Bernoulli("p"), Laplace()), DCSGD(RandK(1), Gaussian()), DCSGD(RandK(1), Affine())],
                         ids=["identity", "affine", "Bernoulli affine", "Bernoulli Laplace", "Rand-1", "Rand-1 affine"])
def test_the_corrected_model_has_the_second_moments_of_the_method(method):
    gap = second_moments(method, 2, "corrected") - discrete_second_moments(method, 2)
    assert all(sp.cancel(gap[i, i]) == 0 for i in range(2))
    first = second_moments(method, 2) - discrete_second_moments(method, 2)
    assert sp.cancel(first[0, 0]) != 0


# --- Rand-k with affine variance


def rand_k_fixed_point(size: int, h: np.ndarray, model: str) -> np.ndarray:
    """E xx' by iterating the second-moment equations to rest in numbers; S typed from theory 4."""
    d, step, clients = len(h), NUMBERS["eta"], NUMBERS["N"]
    s0, s1 = NUMBERS["sigma0"] ** 2, NUMBERS["sigma1"] ** 2

    def spread(v: np.ndarray) -> np.ndarray:
        gg = np.diag(h) @ v @ np.diag(h)
        noise = s0 + s1 * np.trace(gg)
        s = -gg * (d - size) / (size * (d - 1))
        s[np.diag_indices(d)] = d / size * (np.diag(gg) + noise) - np.diag(gg)
        return s

    v = np.eye(d)
    rate = {"first-order": h, "second-order": h + step / 2 * h**2, "corrected": h - step / 2 * h**2}
    for _ in range(6000):
        if model == "discrete":
            moved = np.eye(d) - step * np.diag(h)
            v = moved @ v @ moved + step**2 / clients * spread(v)
        else:
            a = np.diag(rate[model])
            v = v + 0.1 * (-a @ v - v @ a + step / clients * spread(v))
    return v


@pytest.mark.parametrize("model", ["first-order", "second-order", "corrected", "discrete"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_rand_k_with_affine_variance(size, model):
    method, h = DCSGD(RandK(size), Affine()), (sp.Rational(13, 10), sp.Rational(3, 5), sp.Rational(21, 10))
    found = discrete_second_moments(method, 3, h) if model == "discrete" else second_moments(method, 3, model, h)
    expected = rand_k_fixed_point(size, np.array([float(e) for e in h]), model)
    np.testing.assert_allclose(numeric(found), expected, rtol=1e-9, atol=1e-12)
    assert np.linalg.eigvalsh(expected).min() > 0


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
    found = float(stability_threshold(method, size, sp.Rational(6, 5)))
    strength = {"discrete": 0, "corrected": 0, "first-order": -1, "second-order": -2}[size] + 1 + ((1 + 2.25) / 0.4 - 1) / 2
    assert found == pytest.approx(2 / (1.2 * strength), rel=1e-12)


def test_thresholds_without_noise():
    assert stability_threshold(DSGD(), "discrete", lam) == 2 / lam == stability_threshold(DSGD(), "corrected", lam)
    assert stability_threshold(DSGD(), "first-order", lam) == sp.oo == stability_threshold(DSGD(), "second-order", lam)


# --- DSignSGD near the optimum: (eta/(4 N M)) sigma_H H^{-1}

NU = parameter("nu")
PEAKS = {
    "Gaussian": (Gaussian(), 1 / sp.sqrt(2 * sp.pi)),
    "Laplace": (Laplace(), sp.Rational(1, 2)),
    "uniform": (Uniform(), sp.Rational(1, 2)),
    "logistic": (Logistic(), sp.Rational(1, 4)),
    "Cauchy": (Cauchy(), 1 / sp.pi),
    "t 3": (StudentT(3), 2 / (sp.pi * sp.sqrt(3))),
    "t 4": (StudentT(4), sp.Rational(3, 8)),
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


# --- densities on the line


def of(method, model, loss, **values):
    return density(sde(method, model, loss, 1).expanded).normalised({**NUMBERS, **values})


@pytest.mark.parametrize("model", ["first-order", "second-order", "corrected"])
def test_density_of_a_quadratic_is_gaussian(model):
    p = of(DSGD(Gaussian()), model, Quadratic())
    variance = float(numeric(second_moments(DSGD(Gaussian()), 1, model))[0, 0])
    for x in (-0.3, 0.0, 0.11, 0.5):
        assert p(x) == pytest.approx(stats.norm.pdf(x, scale=math.sqrt(variance)), rel=1e-9)


def test_a_narrow_density():
    p = of(DSGD(Gaussian()), "first-order", Quadratic(), eta=1e-4, sigma=1e-3, h1=2.0, N=1.0)
    scale = 1e-3 * math.sqrt(1e-4 / 4)
    assert p(0.0) == pytest.approx(stats.norm.pdf(0.0, scale=scale), rel=1e-9)
    assert p(2 * scale) == pytest.approx(stats.norm.pdf(2 * scale, scale=scale), rel=1e-9)


def test_a_narrow_density_away_from_the_origin():
    # f = log(1 + e^{-x}) + x^2/20 has its minimum near 1.74
    loss = LogisticRegression("1/10", ((1,),), (1,))
    p = of(DSGD(Gaussian()), "first-order", loss, eta=1e-4, sigma=0.1, N=1.0)
    f = lambda x: 2 / (1e-4 * 0.01) * (math.log1p(math.exp(-x)) + x * x / 20)  # noqa: E731
    xs = np.linspace(1.6, 1.9, 20001)
    low = min(f(x) for x in xs)
    mass = integrate.trapezoid([math.exp(low - f(x)) for x in xs], xs)
    for x in (1.70, 1.744, 1.75):
        assert p(x) == pytest.approx(math.exp(low - f(x)) / mass, rel=1e-6, abs=1e-12)


def test_density_with_power_tails():
    # affine noise: p ~ (s0 + s1 h^2 x^2)^{-1 - N/(eta h s1)}, a Student-t law
    for step in (0.5, 10.0):
        p = of(DSGD(Affine()), "first-order", Quadratic(), eta=step, N=1.0)
        power = 1 + 1.0 / (step * NUMBERS["h1"] * NUMBERS["sigma1"] ** 2)
        nu = 2 * power - 1
        scale = NUMBERS["sigma0"] / (NUMBERS["sigma1"] * NUMBERS["h1"]) / math.sqrt(nu)
        for x in (0.0, 0.4, -3.0, 50.0):
            assert p(x) == pytest.approx(stats.t.pdf(x / scale, nu) / scale, rel=1e-8)


@pytest.mark.parametrize("nu", [0.2, 0.7])
def test_a_density_whose_mass_reaches_very_far(nu):
    # p ~ (1 + x^2)^{-(nu+1)/2}: a share of the mass lies beyond any range of quadrature and is added as a power law
    x = sp.Symbol("x1", real=True)
    p = Density(-(sp.Rational(str(nu)) + 1) / 2 * sp.log(1 + x**2), sp.S.One, x).normalised({})
    scale = 1 / math.sqrt(nu)
    for y in (0.0, 1.0, -1e3):
        assert p(y) == pytest.approx(stats.t.pdf(y / scale, nu) / scale, rel=1e-7)
    with pytest.raises(Refusal):
        Density(-sp.log(1 + x**2) / 2, sp.S.One, x).normalised({})


@pytest.mark.parametrize("loss", [Quartic(), Cosh(), GluedExponential()], ids=["quartic", "cosh", "glued"])
def test_density_is_the_gibbs_law(loss):
    p = of(DSGD(Gaussian()), "first-order", loss)
    x = sp.Symbol("x", real=True)
    f = sp.lambdify(x, loss.value([x]), "math")
    beta = 2 * NUMBERS["N"] / (NUMBERS["eta"] * NUMBERS["sigma"] ** 2)
    mass = integrate.quad(lambda y: math.exp(-beta * f(y)), -4, 4, points=[0.0], epsabs=0, epsrel=1e-11)[0]
    for y in (-0.5, 0.0, 0.2, 0.7):
        assert p(y) == pytest.approx(math.exp(-beta * f(y)) / mass, rel=1e-8)


@pytest.mark.parametrize(
    ("method", "model", "loss", "kind"),
    [
        (DSGD(Gaussian()), "corrected", Quartic(), "not-integrable"),
        (DSGD(Gaussian()), "first-order", LogisticRegression(0, ((1,),), (1,)), "not-integrable"),
        (DSGD(Affine(0, "sigma1")), "first-order", Quadratic(), "not-integrable"),
        (DSGD(), "first-order", Quadratic(), "no-noise"),
        (DSGD(Gaussian(), schedule=Power("1/2")), "first-order", Quadratic(), "time-dependent"),
    ],
    ids=["corrected quartic", "no minimum", "no noise at the minimum", "no noise", "schedule"],
)
def test_no_density(method, model, loss, kind):
    with pytest.raises(Refusal) as refused:
        of(method, model, loss)
    assert refused.value.kind == kind


def test_an_unstable_corrected_quadratic_has_no_density():
    stable = of(DSGD(Gaussian()), "corrected", Quadratic(), eta=1.5, h1=1.0)
    assert stable(0.0) > 0
    with pytest.raises(Refusal) as refused:
        of(DSGD(Gaussian()), "corrected", Quadratic(), eta=2.5, h1=1.0)
    assert refused.value.kind == "not-integrable"


def test_density_needs_numbers_and_one_dimension():
    with pytest.raises(BadInput):
        density(sde(DSGD(Gaussian()), "first-order", Quadratic(), 1).expanded).normalised({"eta": 0.1})
    with pytest.raises(NoClosedForm):
        density(sde(DSGD(Gaussian()), "first-order", Quadratic(), 2).expanded)


def test_a_free_schedule_is_read_as_a_constant():
    p = of(DSGD(Gaussian(), schedule=Free()), "first-order", Quadratic(), u=0.5)
    variance = NUMBERS["eta"] * 0.5 * NUMBERS["sigma"] ** 2 / (2 * NUMBERS["N"] * NUMBERS["h1"])
    assert p(0.0) == pytest.approx(stats.norm.pdf(0.0, scale=math.sqrt(variance)), rel=1e-9)


# --- exponents without a closed form


def by_integration(method, loss, reach, model="first-order", **values):
    """The density on a grid from theory 6.7: p ~ (1/V) exp(int 2 drift/V), V and drift from E sign(g + sigma Z) alone."""
    equation = sde(method, model, loss, 1).expanded
    x, numbers = equation.state[0], {**NUMBERS, **values}
    used = (equation.drift[0].free_symbols | equation.covariance[0].free_symbols) - {x}
    put = {s: sp.Rational(str(numbers[s.name])) for s in used}
    with mpmath.workdps(50):
        drift, spread = (sp.lambdify(x, e.xreplace(put), "mpmath") for e in (equation.drift[0], equation.covariance[0]))
        grid = np.linspace(-reach, reach, 601)
        inside = np.polynomial.legendre.leggauss(6)
        heights = [0.0]
        for low, high in itertools.pairwise(grid):
            points = [mpmath.mpf((low + high) / 2 + (high - low) / 2 * c) for c in inside[0]]
            parts = [w * float(2 * drift(y) / spread(y)) for y, w in zip(points, inside[1], strict=True)]
            heights.append(heights[-1] + (high - low) / 2 * sum(parts))
        p = np.exp(np.array(heights) - max(heights)) / [float(spread(mpmath.mpf(y))) for y in grid]
    return grid, p / integrate.simpson(p, x=grid)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "loss", "model", "reach"),
    [
        (DSignSGD(Cauchy()), Quartic(), "first-order", 2.4),
        (DSignSGD(Cauchy()), Quadratic(), "corrected", 2.4),
        (DSignSGD(Gaussian()), Quadratic(), "first-order", 2.0),
        (DSignSGD(StudentT(2)), Quadratic(), "first-order", 2.0),
        (DSignSGD(StudentT(3)), Cosh(), "second-order", 2.4),
        (DSGD(Affine()), Cosh(), "first-order", 2.5),
        (DSGD(Affine()), GluedExponential(), "first-order", 4.0),
    ],
    ids=["cauchy quartic", "cauchy", "gaussian", "t2", "t3 cosh", "affine cosh", "affine glued"],
)
def test_a_density_by_quadrature(method, loss, model, reach):
    grid, expected = by_integration(method, loss, reach, model, eta=0.3)
    p = of(method, model, loss, eta=0.3)
    for n in (150, 280, 300, 330, 420):
        assert p(float(grid[n])) == pytest.approx(expected[n], rel=2e-5, abs=1e-9)


@pytest.mark.slow
def test_the_density_of_sign_with_cauchy_noise_is_that_of_the_method():
    """Against 40 000 paths of the method itself at a small step size: E x^2 within the bias of first order in eta."""
    rng, step, paths = np.random.default_rng(3), 0.02, 40_000
    x = rng.normal(size=paths) * 0.3
    for _ in range(1500):
        x = x - step * np.sign(x**3 + rng.standard_cauchy(paths))
    p = density(sde(DSignSGD(Scaled(Cauchy(), 1), 1), "first-order", Quartic(), 1).expanded).normalised({"eta": step})
    grid = np.linspace(-3, 3, 401)
    second = integrate.simpson([y * y * p(float(y)) for y in grid], x=grid)
    error = np.std(x**2) / math.sqrt(paths)
    assert np.mean(x**2) == pytest.approx(second, abs=5 * error + step * second)


@pytest.mark.slow
def test_an_antiderivative_that_sympy_gets_wrong_is_not_used():
    """SymPy integrates this slope to 0; differentiation tells."""
    found = density(sde(DCSGD(Bernoulli("1/2"), Gaussian()), "second-order", Quartic(), 1).expanded)
    p = found.normalised({**NUMBERS, "eta": 0.3})
    assert p(0.0) > 2 * p(1.0) > 0


@pytest.mark.slow
def test_sign_with_bounded_noise_lives_where_the_noise_reaches():
    """Uniform noise of scale sigma, f = h x^2/2: where h|x| > sigma the step is certain and leads back."""
    p = of(DSignSGD(Uniform()), "first-order", Quadratic(), eta=0.3, sigma=1.2, h1=1.5, N=2.0)
    assert p(0.81) == 0 and p(-5.0) == 0 and p(0.79) >= 0
    # V = (eta/N)(1 - y^2), drift -y, y = h x/sigma: p ~ (1 - y^2)^{N sigma/(eta h) - 1}
    power = 2 * 1.2 / (0.3 * 1.5) - 1
    mass = integrate.quad(lambda x: (1 - (1.25 * x) ** 2) ** power, -0.8, 0.8)[0]
    for x in (0.0, 0.3, -0.6):
        assert p(x) == pytest.approx((1 - (1.25 * x) ** 2) ** power / mass, rel=1e-7)
