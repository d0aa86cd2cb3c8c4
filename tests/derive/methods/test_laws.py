"""Noise laws against SciPy's: density, distribution function, moments and signed moments."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from sdescent.derive.methods.noise import Gaussian, Laplace, Law, Stable
from tests.support import draws
from tests.support.conformance import LAWS, scipy_law
from tests.support.samples import slow_but


def check_law(law: Law) -> None:
    """density, 2F - 1, moments and signed moments against SciPy's law and quadrature."""
    known, x = scipy_law(law), sp.Symbol("x", real=True)
    points = np.array([-2.3, -0.8, 0.0, 0.35, 1.0, 4.0])
    found = draws.numeric([law.sign_mean(x)], [x])(points)[:, 0]
    np.testing.assert_allclose(found, 2 * known.cdf(points) - 1, rtol=1e-7, atol=1e-9)
    if law.closed_form:
        density = draws.numeric([law.density(x)], [x])(points)[:, 0]
        inside = np.abs(points) != 1  # the uniform density has no value of its own at the ends
        np.testing.assert_allclose(density[inside], known.pdf(points)[inside], rtol=1e-7, atol=1e-9)
    for m in (1, 2):
        if not law.tail > m:
            continue
        if m == 2:
            np.testing.assert_allclose(float(law.variance), known.var(), rtol=1e-7)
        low, high = known.support()
        for y in points:
            cut = min(max(-y, low), high)
            true = sum(
                integrate.quad(lambda z: z**m * np.sign(y + z) * known.pdf(z), *ends, epsabs=1e-12, limit=300)[0]  # noqa: B023
                for ends in ((low, cut), (cut, high))
            )
            value = float(law.signed_moment(m, sp.Rational(str(y))).evalf())
            assert math.isclose(value, true, rel_tol=1e-7, abs_tol=1e-8), (m, y, value, true)


CLOSED = [law for law in LAWS.values() if law.closed_form]


@pytest.mark.parametrize("law", slow_but(CLOSED, [Gaussian(), Laplace()]), ids=str)
def test_laws_equal_scipys(law: Law) -> None:
    check_law(law)


def test_the_stable_sign_mean_equals_scipys() -> None:
    for x in ("1/3", "-2", "6"):
        value = float(Stable("3/2").sign_mean(sp.Rational(x)).evalf(15))
        assert math.isclose(value, 2 * stats.levy_stable.cdf(float(sp.Rational(x)), 1.5, 0) - 1, abs_tol=1e-7)
