"""Stationary densities on the line (theory 5 and 6.7): Gaussian and Gibbs laws, tails, quadrature, and refusals."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from sdescent.derive.derivation import sde
from sdescent.derive.equations.process.stationary import Density, density, second_moments
from sdescent.derive.methods.compressors import Bernoulli
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import GluedExponential, LogisticRegression, Quadratic, Quartic
from sdescent.derive.methods.noise import Affine, Cauchy, Gaussian, Stable, Uniform
from sdescent.derive.methods.schedules import Free, Power
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import parameter
from tests.support.samples import mostly_slow

sigma, lam = parameter("sigma"), parameter("lambda")
NUMBERS = {"eta": 0.11, "N": 3.0, "sigma": 0.8, "sigma0": 0.7, "sigma1": 0.6, "h1": 1.3, "h2": 0.6, "h3": 2.1, "p": 0.4}


def numeric(matrix: sp.Matrix, **more: float) -> np.ndarray:
    table = {**NUMBERS, **more}
    put = {s: sp.Float(table[s.name], 20) for s in matrix.free_symbols}
    return np.array(matrix.xreplace(put).evalf(20).tolist(), dtype=float)


def of(method, model, loss, **values):
    return density(sde(method, model, loss, 1).expanded).normalised({**NUMBERS, **values})


@pytest.mark.parametrize("model", mostly_slow(["corrected", "second-order"]))
def test_density_of_a_quadratic_is_gaussian(model):
    p = of(DSGD(Gaussian()), model, Quadratic())
    variance = float(numeric(second_moments(DSGD(Gaussian()), 1, model).matrix)[0, 0])
    for x in (-0.3, 0.0, 0.11, 0.5):
        assert p(x) == pytest.approx(stats.norm.pdf(x, scale=math.sqrt(variance)), rel=1e-9)


@pytest.mark.slow
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


@pytest.mark.slow
def test_density_with_power_tails():
    # affine noise: p ~ (s0 + s1 h^2 x^2)^{-1 - N/(eta h s1)}, a Student-t law
    for step in (0.5, 10.0):
        p = of(DSGD(Affine()), "first-order", Quadratic(), eta=step, N=1.0)
        power = 1 + 1.0 / (step * NUMBERS["h1"] * NUMBERS["sigma1"] ** 2)
        nu = 2 * power - 1
        scale = NUMBERS["sigma0"] / (NUMBERS["sigma1"] * NUMBERS["h1"]) / math.sqrt(nu)
        for x in (0.0, 0.4, -3.0, 50.0):
            assert p(x) == pytest.approx(stats.t.pdf(x / scale, nu) / scale, rel=1e-8)


@pytest.mark.parametrize("nu", mostly_slow([0.2, 0.7]))
def test_a_density_whose_mass_reaches_very_far(nu):
    # p ~ (1 + x^2)^{-(nu+1)/2}: a share of the mass lies beyond any range of quadrature and is added as a power law
    x = sp.Symbol("x1", real=True)
    p = Density(-(sp.Rational(str(nu)) + 1) / 2 * sp.log(1 + x**2), sp.S.One, x).normalised({})
    scale = 1 / math.sqrt(nu)
    for y in (0.0, 1.0, -1e3):
        assert p(y) == pytest.approx(stats.t.pdf(y / scale, nu) / scale, rel=1e-7)
    with pytest.raises(Refusal):
        Density(-sp.log(1 + x**2) / 2, sp.S.One, x).normalised({})


@pytest.mark.parametrize("loss", mostly_slow([Quartic(), GluedExponential()]), ids=["quartic", "glued"])
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
        (DSGD(Affine(0, "sigma1")), "first-order", Quadratic(), "not-integrable"),
        (DSGD(), "first-order", Quadratic(), "no-noise"),
        (DSGD(Gaussian(), schedule=Power("1/2")), "first-order", Quadratic(), "time-dependent"),
    ],
    ids=["corrected quartic", "no noise at the minimum", "no noise", "schedule"],
)
def test_no_density(method, model, loss, kind):
    with pytest.raises(Refusal) as refused:
        of(method, model, loss)
    assert refused.value.kind == kind


@pytest.mark.slow
def test_an_unstable_corrected_quadratic_has_no_density():
    stable = of(DSGD(Gaussian()), "corrected", Quadratic(), eta=1.5, h1=1.0)
    assert stable(0.0) > 0
    with pytest.raises(Refusal) as refused:
        of(DSGD(Gaussian()), "corrected", Quadratic(), eta=2.5, h1=1.0)
    assert refused.value.kind == "not-integrable"


def test_density_needs_numbers_and_one_dimension():
    with pytest.raises(BadInput):
        density(sde(DSGD(Gaussian()), "first-order", Quadratic(), 1).expanded).normalised({"eta": 0.1})
    with pytest.raises(NoClosedForm, match="in one dimension only"):
        density(sde(DSGD(Gaussian()), "first-order", Quadratic(), 2).expanded)


@pytest.mark.slow
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
        grid = np.linspace(-reach, reach, 201)
        inside = np.polynomial.legendre.leggauss(6)
        heights = [0.0]
        for low, high in itertools.pairwise(grid):
            points = [mpmath.mpf((low + high) / 2 + (high - low) / 2 * c) for c in inside[0]]
            parts = [w * float(2 * drift(y) / spread(y)) for y, w in zip(points, inside[1], strict=True)]
            heights.append(heights[-1] + (high - low) / 2 * sum(parts))
        p = np.exp(np.array(heights) - max(heights)) / [float(spread(mpmath.mpf(y))) for y in grid]
    return grid, p / integrate.simpson(p, x=grid)


@pytest.mark.slow
def test_a_density_by_quadrature():
    method, loss = DSignSGD(Cauchy()), Quadratic()
    assert not density(sde(method, "corrected", loss, 1).expanded).closed_form
    grid, expected = by_integration(method, loss, 2.4, "corrected", eta=0.3)
    p = of(method, "corrected", loss, eta=0.3)
    for n in (50, 93, 100, 110, 140):
        assert p(float(grid[n])) == pytest.approx(expected[n], rel=2e-5, abs=1e-9)


@pytest.mark.slow
def test_an_antiderivative_that_sympy_gets_wrong_is_not_used():
    """SymPy integrates this slope to 0; differentiation tells."""
    found = density(sde(DCSGD(Bernoulli("1/2"), Gaussian()), "second-order", Quartic(), 1).expanded)
    assert not found.closed_form


@pytest.mark.parametrize(("eta", "sigma", "h", "clients"), [(4.0, 1.2, 1.5, 1)])
@pytest.mark.slow
def test_sign_with_uniform_noise_is_a_beta_law(eta, sigma, h, clients):
    """f = h x^2/2, y = h x/sigma: drift -y, V = (eta/N)(1 - y^2): p ~ (1 - y^2)^(N sigma/(eta h) - 1) for |y| < 1 (theory 6.7).

    That is y = 2 B - 1 with B of the law Beta(N sigma/(eta h), same), by SciPy; with a power below 0 p rises to the ends. Beyond
    the noise's reach the step is certain and leads back: p = 0.
    """
    found = density(sde(DSignSGD(Uniform()), "first-order", Quadratic(), 1).expanded)
    assert found.closed_form and str(found.shape) == "(-h1**2*x1**2 + sigma**2)**(N*sigma/(eta*h1) - 1)"
    p, reach, power = (
        found.normalised({"eta": eta, "sigma": sigma, "h1": h, "N": clients}),
        sigma / h,
        clients * sigma / (eta * h),
    )
    for y in (0.0, 0.3, -0.6, 0.99, -0.99999):
        assert p(y * reach) == pytest.approx(
            stats.beta.pdf((1 + y) / 2, power, power) / (2 * reach), rel=1e-9, abs=1e-200
        )
    assert p(1.001 * reach) == p(-5 * reach) == 0


def test_a_stable_law_has_no_density_in_closed_form():
    with pytest.raises(NoClosedForm, match="stable"):
        density(sde(DSignSGD(Stable("3/2")), "first-order", Quadratic(), 1).expanded)
