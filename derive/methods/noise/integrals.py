"""Integrals for the moments of a law: by formula for polynomials times exponentials of quadratics, otherwise by SymPy."""

import logging
import threading
from collections import defaultdict
from functools import lru_cache

import sympy as sp

from sdescent.derive.vocabulary.errors import NoClosedForm

Limits = tuple[sp.Expr, sp.Expr, sp.Expr]
#: seconds after which a log message tells the waiting user how to avoid the integral
PATIENCE = 8


def integral(integrand: sp.Expr, limits: Limits, name: str) -> sp.Expr:
    """The integral of an expression over limits (z, low, high). Results and failures are cached.

    Args:
        name: the law whose density is integrated, for the hint that is logged if the integral takes long.

    Raises:
        NoClosedForm: no closed form was found.
    """
    value = _closed_form(integrand, limits, name)
    if value is None:
        raise NoClosedForm(f"no closed form for the integral of {integrand}")
    return value


@lru_cache(maxsize=512)
def _closed_form(integrand: sp.Expr, limits: Limits, name: str) -> sp.Expr | None:
    value = _exponential(integrand, *limits)
    if value is not None:
        return value
    advice = (
        f"an integral over the density of {name} takes long: its class can state moment(m), and signed_moment(m, y)"
    )
    hint = threading.Timer(PATIENCE, logging.getLogger("sdescent").warning, [advice])
    hint.daemon = True
    hint.start()
    try:
        value = sp.integrate(integrand, limits)
    finally:
        hint.cancel()
    return None if value.has(sp.Integral) else value


def _exponential(integrand: sp.Expr, z: sp.Expr, low: sp.Expr, high: sp.Expr) -> sp.Expr | None:
    """The integral of a sum of terms c_n z^n e^{-a z^2 + b z + c}; None for any other integrand or a divergent integral.

    By parts, 2a I_n = -[z^{n-1} e] + b I_{n-1} + (n-1) I_{n-2}, where I_0 is an erf; for a = 0, b I_n = [z^n e] - n I_{n-1}.
    """
    by_exponent: dict[sp.Expr, dict[int, sp.Expr]] = defaultdict(lambda: defaultdict(lambda: sp.S.Zero))
    for term in sp.Add.make_args(sp.expand(integrand, power_exp=False)):
        constant, power, exponent = sp.S.One, 0, sp.S.Zero
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, sp.exp) and factor.args[0].is_polynomial(z):
                exponent += factor.args[0]
            elif not factor.has(z):
                constant *= factor
            elif factor.as_base_exp()[0] == z and factor.as_base_exp()[1].is_Integer and factor.as_base_exp()[1] > 0:
                power += int(factor.as_base_exp()[1])
            else:
                return None
        by_exponent[sp.expand(exponent)][power] += constant
    total = sp.S.Zero
    for exponent, coefficients in by_exponent.items():
        if sp.degree(exponent, z) not in (1, 2):
            return None
        b, a = exponent.coeff(z, 1), -exponent.coeff(z, 2)
        decays = a.is_positive or (a == 0 and (b.is_negative or high != sp.oo) and (b.is_positive or low != -sp.oo))
        if not decays or (b.is_zero and a == 0):
            return None
        ends = [_antiderivatives(max(coefficients), a, b, exponent.subs(z, 0), z, end) for end in (low, high)]
        total += sp.Add(*[c * (ends[1][n] - ends[0][n]) for n, c in coefficients.items()])
    # expanded, so that terms cancel one by one, such as the erf of a shift between the two half lines
    return sp.expand(total, power_exp=False)


def _antiderivatives(most: int, a: sp.Expr, b: sp.Expr, c: sp.Expr, z: sp.Expr, at: sp.Expr) -> list[sp.Expr]:
    """The antiderivatives I_0, .., I_most at the point `at`, or their limits if `at` is infinite."""
    infinite = at in (sp.oo, -sp.oo)
    height = sp.S.Zero if infinite else sp.exp(sp.expand(-a * at**2 + b * at + c))
    place = sp.S.Zero if infinite else at  # at infinity it is only ever multiplied by the height 0
    if a == 0:
        values = [height / b]
        for n in range(1, most + 1):
            values.append((place**n * height - n * values[-1]) / b)
        return values
    shape = sp.sign(at) if infinite else sp.erf(sp.expand(sp.sqrt(a) * at - b / (2 * sp.sqrt(a))))
    values = [sp.sqrt(sp.pi / a) / 2 * sp.exp(sp.cancel(b**2 / (4 * a) + c)) * shape]
    for n in range(1, most + 1):
        before = (n - 1) * values[n - 2] if n > 1 else sp.S.Zero
        values.append((b * values[-1] + before - place ** (n - 1) * height) / (2 * a))
    return values
