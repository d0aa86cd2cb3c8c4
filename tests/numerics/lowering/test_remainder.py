"""psi and its derivatives as array functions: relative error below 1e-14 of mpmath's values, and as parts of formulas."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from sdescent.derive.vocabulary.formulas.special import Psi
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.functions import FUNCTIONS, remainder
from sdescent.numerics.lowering.special import exponential_remainder

SIZES = np.logspace(-12, 2.6, 25)
POINTS = np.concatenate([-SIZES, SIZES, [0.0, *range(-5, 6)], [-1e6, np.nextafter(1, 2), np.nextafter(-2, -3)]])


@pytest.mark.parametrize("n", range(4))
def test_the_error_is_that_of_rounding(n):
    found = np.asarray(exponential_remainder(jnp.asarray(POINTS), n))
    with mpmath.workdps(40):
        wanted = [mpmath.hyp1f1(n + 1, n + 3, mpmath.mpf(float(t))) / ((n + 1) * (n + 2)) for t in POINTS]
        errors = [abs(mpmath.mpf(float(a)) / b - 1) for a, b in zip(found, wanted, strict=True)]
    assert max(errors) < 1e-14
    with np.errstate(all="ignore"):
        assert n or abs((np.exp(1e-9) - 1 - 1e-9) / 1e-18 - 0.5) > 1e-3  # of the quotient it is not


@pytest.mark.slow
def test_derivatives_at_zero_and_in_formulas():
    slope = jax.grad(exponential_remainder)
    assert [float(f(0.0)) for f in (slope, jax.grad(slope))] == pytest.approx([1 / 6, 1 / 12], rel=1e-14)
    x = sp.Symbol("x", real=True)
    twice = sp.diff(Psi(x), x, 2)
    wanted = float(twice.subs(x, sp.Rational(3, 10)).evalf())
    assert float(remainder(twice)(0.3, 2.0)) == pytest.approx(wanted, rel=1e-14)
    assert FUNCTIONS[Psi] is exponential_remainder
