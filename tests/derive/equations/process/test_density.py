"""Stationary densities on the line (theory 5 and 6.7): Gaussian and Gibbs laws, tails, quadrature, and refusals."""

import math

import pytest
import sympy as sp
from scipy import integrate, stats

from sdescent.derive.derivation import SDE, sde
from sdescent.derive.equations.process.stationary import Density, density, second_moments
from sdescent.derive.methods.compressors import Bernoulli
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import Quadratic, Quartic
from sdescent.derive.methods.noise import Affine, Gaussian, Stable, Uniform
from sdescent.derive.methods.schedules import Free, Power
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal

NUMBERS = {"eta": 0.11, "N": 3.0, "sigma": 0.8, "sigma0": 0.7, "sigma1": 0.6, "h1": 1.3, "h2": 0.6, "h3": 2.1, "p": 0.4}


def of(method, model, loss, **values):
    return density(sde(method, model, loss, 1).expanded).normalised({**NUMBERS, **values})


def test_density_of_a_quadratic_is_gaussian():
    p = of(DSGD(Gaussian()), "corrected", Quadratic())
    variance = second_moments(DSGD(Gaussian()), 1, "corrected").matrix[0]
    scale = math.sqrt(variance.xreplace({s: sp.Float(NUMBERS[s.name], 20) for s in variance.free_symbols}))
    for x in (-0.3, 0.0, 0.11, 0.5):
        assert p(x) == pytest.approx(stats.norm.pdf(x, scale=scale), rel=1e-9)


def test_a_narrow_density_away_from_the_origin():
    x = sp.Symbol("x1", real=True)
    p = Density(-((x - sp.Rational(7, 4)) ** 2) * 10**6 / 2, sp.S.One, x).normalised({})
    for y in (1.749, 1.75, 1.7514):
        assert p(y) == pytest.approx(stats.norm.pdf(y, 1.75, 1e-3), rel=1e-8)


def test_a_density_whose_mass_reaches_very_far():
    # p ~ (1 + x^2)^{-(nu+1)/2}: a share of the mass lies beyond any range of quadrature and is added as a power law
    x, nu = sp.Symbol("x1", real=True), 0.2
    p = Density(-(sp.Rational(str(nu)) + 1) / 2 * sp.log(1 + x**2), sp.S.One, x).normalised({})
    scale = 1 / math.sqrt(nu)
    for y in (0.0, 1.0, -1e3):
        assert p(y) == pytest.approx(stats.t.pdf(y / scale, nu) / scale, rel=1e-7)
    with pytest.raises(Refusal):
        Density(-sp.log(1 + x**2) / 2, sp.S.One, x).normalised({})


def test_density_is_the_gibbs_law():
    loss = Quartic()
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


def test_density_needs_numbers_and_one_dimension():
    free = density(sde(DSGD(Gaussian(), schedule=Free()), "first-order", Quadratic(), 1).expanded)
    assert "u" in {s.name for s in free.parameters}  # read as a constant
    with pytest.raises(BadInput):
        density(sde(DSGD(Gaussian()), "first-order", Quadratic(), 1).expanded).normalised({"eta": 0.1})
    with pytest.raises(NoClosedForm, match="in one dimension only"):
        density(sde(DSGD(Gaussian()), "first-order", Quadratic(), 2).expanded)


# --- exponents without a closed form


@pytest.mark.slow
def test_a_density_by_quadrature():
    """dX = -sign X (1 + X^2) dt + sqrt(1 + X^2) dW: p ~ e^{-2|x|}/(1 + x^2)."""
    p = SDE.from_coordinates(["x"], ["-sign(x)*(1 + x^2)"], [["1 + x^2"]]).density()
    assert not p.closed_form
    mass = 2 * integrate.quad(lambda y: math.exp(-2 * y) / (1 + y * y), 0, math.inf, epsabs=0, epsrel=1e-12)[0]
    normalised = p.normalised({})
    for y in (-1.5, 0.0, 0.3, 4.0):
        assert normalised(y) == pytest.approx(math.exp(-2 * abs(y)) / (1 + y * y) / mass, rel=1e-8)


@pytest.mark.slow
def test_an_antiderivative_that_sympy_gets_wrong_is_not_used():
    """SymPy integrates this slope to 0; differentiation tells."""
    found = density(sde(DCSGD(Bernoulli("1/2"), Gaussian()), "second-order", Quartic(), 1).expanded)
    assert not found.closed_form


@pytest.mark.slow
def test_sign_with_uniform_noise_is_a_beta_law():
    """f = h x^2/2, y = h x/sigma: drift -y, V = (eta/N)(1 - y^2): p ~ (1 - y^2)^(N sigma/(eta h) - 1) for |y| < 1 (theory 6.7).

    That is y = 2 B - 1 with B of the law Beta(N sigma/(eta h), same), by SciPy; with a power below 0 p rises to the ends. Beyond
    the noise's reach the step is certain and leads back: p = 0.
    """
    density_ = density(sde(DSignSGD(Uniform()), "first-order", Quadratic(), 1).expanded)
    assert density_.closed_form and str(density_.shape) == "(-h1**2*x1**2 + sigma**2)**(N*sigma/(eta*h1) - 1)"
    eta, sigma, h = 4.0, 1.2, 1.5
    p, reach, power = density_.normalised({"eta": eta, "sigma": sigma, "h1": h, "N": 1}), sigma / h, sigma / (eta * h)
    for y in (0.0, 0.3, -0.6, 0.99, -0.99999):
        assert p(y * reach) == pytest.approx(
            stats.beta.pdf((1 + y) / 2, power, power) / (2 * reach), rel=1e-9, abs=1e-200
        )
    assert p(1.001 * reach) == p(-5 * reach) == 0


def test_a_stable_law_has_no_density_in_closed_form():
    with pytest.raises(NoClosedForm, match="stable"):
        density(sde(DSignSGD(Stable("3/2")), "first-order", Quadratic(), 1).expanded)
