"""psi and its derivatives as a SymPy function: against the integral that defines them, and as users write it."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from sdescent.derive.methods.checking.findings import function
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.expressions import parse_formula
from sdescent.derive.vocabulary.formulas.special import Psi

X = sp.Symbol("x", real=True)


@pytest.mark.parametrize(("t", "n"), [("-30", 0), ("-1/1000000000", 2), ("1/1000000000", 0), ("1", 1), ("40", 2)])
def test_its_values_are_those_of_the_integral(n, t):
    """To 25 digits, next to 0 too, where the quotient would lose half of them."""
    with mpmath.workdps(40):
        at = mpmath.mpf(sp.Rational(t).p) / sp.Rational(t).q
        integral = mpmath.quad(lambda s: (1 - s) * s**n * mpmath.exp(s * at), mpmath.linspace(0, 1, 9))
        value = mpmath.mpf(Psi(sp.Rational(t), sp.Integer(n)).evalf(30)._mpf_)
        assert abs(value - integral) < 1e-25 * integral


def test_derivatives_and_the_quotient():
    away = (sp.exp(X) - 1 - X) / X**2
    for n in range(3):
        at = {X: sp.Rational(7, 5)}
        assert abs((sp.diff(Psi(X), X, n) - sp.diff(away, X, n)).subs(at).evalf(30)) < 1e-25
    assert sp.diff(Psi(X**2), X) == 2 * X * Psi(X**2, 1)
    assert Psi(sp.Symbol("y", positive=True)).rewrite(sp.exp) == away.subs(X, sp.Symbol("y", positive=True))
    assert [Psi(sp.S.Zero, n) for n in range(3)] == [sp.Rational(1, 2), sp.Rational(1, 6), sp.Rational(1, 12)]
    with pytest.raises(ValueError):
        Psi(X, sp.Symbol("n"))


def test_it_is_read_and_written_and_psi_may_be_a_letter_as_well():
    letter = sp.Symbol("psi", real=True)
    read = parse_formula("psi*psi(x) + psi (0)", {"x": X, "psi": letter}, "drift")
    assert read == letter * Psi(X) + sp.Rational(1, 2)
    assert str(Psi(X)) == "psi(x)" and sp.latex(Psi(X) ** 2) == r"\psi^{2}\left(x\right)"


@pytest.mark.parametrize("deep", ["x^(x^(x^x))", "2^(exp(x^x))"])
def test_exponentials_stand_two_deep_in_one_another(deep):
    for allowed in ("x^(x^x)", "exp(exp(x))"):
        parse_formula(allowed, {"x": X}, "drift")
    with pytest.raises(BadInput, match="2 deep"):
        parse_formula(deep, {"x": X}, "drift")


def test_code_that_sympy_writes_does_not_call_another_psi():
    """mpmath.psi(1, 1/2) is the trigamma function, 4.93."""
    wanted = float(Psi(sp.Rational(1, 2), 1).evalf())
    assert float(sp.lambdify([X], Psi(X, 1), "mpmath")(0.5)) == pytest.approx(wanted, rel=1e-14)
    assert function(Psi(X, 1), [X])(np.array([0.5]))[0] == pytest.approx(wanted, rel=1e-14) and wanted < 0.3
