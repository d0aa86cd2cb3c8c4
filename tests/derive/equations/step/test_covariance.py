"""Compressors of theory 4: ratios in closed form, moments under noise against quadrature and closed forms."""

import mpmath as mp
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.equations.in_coordinates import vectors
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.expressions.gradient_form import Expansion, GradientForm
from sdescent.derive.methods.distributed import DCSGD, DSignSGD
from sdescent.derive.methods.noise import Gaussian, Scaled
from tests.support.laws.densities import DIGITS, close, number

mp.mp.dps = DIGITS  # for the constants below; put back at the end of the file


@pytest.fixture(autouse=True)
def digits():
    """25 digits in the tests of this file, and in no other."""
    with mp.workdps(DIGITS):
        yield


k, p = sp.symbols("k p", positive=True)
d = sp.Symbol("d", positive=True)


@pytest.mark.parametrize(
    ("dim", "s", "expected", "exact"),
    [(25, 2, sp.Rational(3, 2), True), (9, 2, sp.Rational(9, 16), False)],
)
def test_omega_of_qsgd(dim, s, expected, exact):
    found = sd.compressors.QSGD(s).omega(sp.Integer(dim))
    assert found.value == expected and found.exact == exact


# --- theory 4, over the noise

SIZES = {"g1": sp.Rational(3, 4), "g2": sp.Rational(-1, 2), "g3": sp.Rational(2)}


def over_noise(method, dim=3):
    """(b, S) at g = (3/4, -1/2, 2), and numbers for the parameters."""
    form = moments(method, dim).form
    assert isinstance(form, GradientForm)
    known = {"g": [SIZES[f"g{j + 1}"] for j in range(dim)]}
    expansion = Expansion(dim, vectors(form.expressions, dim, known))
    return expansion.vector(form.mean), form.covariance(expansion)


def test_rand_k_structure():
    # S = diag(delta) - c g g', c = (d-k)/(k(d-1)), delta_j = (d/k)(g_j^2+s) - g_j^2 + c g_j^2
    form = moments(DCSGD(sd.compressors.RandK("k"), Gaussian())).form
    c = (d - k) / (k * (d - 1))
    g = sp.Symbol("g_j", real=True)
    sigma = sp.Symbol("sigma", positive=True)
    assert form.rank == 1 and form.factors[0].name == "g_j"
    assert sp.cancel(form.core[0, 0] + c) == 0
    diag = form.diag.xreplace({form.factors[0]: g})
    assert sp.cancel(diag - (d / k * (g**2 + sigma**2) - g**2 + c * g**2)) == 0


def test_sign_moments():
    # b_j = 2F(g_j/sigma) - 1, second moments 1 on the diagonal and products of means off it, averaged over clients
    scales = (sp.Rational(1, 2), sp.Rational(3, 2))
    mean, s = over_noise(DSignSGD(Scaled(Gaussian(), scales)))
    gr = [number(e) for e in SIZES.values()]
    each = [[mp.erf(v / number(c) / mp.sqrt(2)) for v in gr] for c in scales]
    for i in range(3):
        assert close(number(mean[i]), (each[0][i] + each[1][i]) / 2, 18)
        for j in range(3):
            expected = sum((1 - b[i] ** 2) * (i == j) for b in each) / 2
            assert close(number(s[i, j]), expected, 18)


mp.mp.dps = 15
