"""The densities of the noise laws of theory 3, typed from their definitions, and comparison of exact with numerical values."""

from fractions import Fraction

import mpmath as mp
import sympy as sp

from sdescent.derive.methods.noise import Cauchy, Gaussian, Laplace, Logistic, Stable, StudentT, Uniform

DIGITS = 25


def number(expr: sp.Expr) -> mp.mpf:
    return mp.mpmathify(sp.N(expr, DIGITS))


def exact(expr: sp.Expr) -> sp.Rational:
    """An expression in rational numbers as the rational that it is."""
    value = sp.expand(expr)
    assert value.is_Rational, value
    return value


def close(found: object, expected: object, digits: int = 14) -> bool:
    return abs(mp.mpmathify(found) - mp.mpmathify(expected)) <= mp.mpf(10) ** -digits * (
        1 + abs(mp.mpmathify(expected))
    )


def student_density(nu):
    front = mp.gamma((nu + 1) / 2) / mp.sqrt(mp.pi * nu) / mp.gamma(nu / 2)
    return lambda z: front * (1 + z**2 / nu) ** (-(nu + 1) / 2)


def fraction(text):
    return mp.mpf(Fraction(text).numerator) / Fraction(text).denominator


#: law, density, tail index
with mp.workdps(DIGITS):
    LAWS = {
        "Gaussian": (Gaussian(), lambda z: mp.exp(-(z**2) / 2) / mp.sqrt(2 * mp.pi), mp.inf),
        "Laplace": (Laplace(), lambda z: mp.exp(-abs(z)) / 2, mp.inf),
        "uniform": (Uniform(), lambda z: mp.mpf(abs(z) <= 1) / 2, mp.inf),
        "logistic": (Logistic(), lambda z: 1 / (4 * mp.cosh(z / 2) ** 2), mp.inf),
        "Cauchy": (Cauchy(), lambda z: 1 / mp.pi / (1 + z**2), 1),
        "stable 2": (Stable(2), lambda z: mp.exp(-(z**2) / 4) / mp.sqrt(4 * mp.pi), mp.inf),
        "stable 1": (Stable(1), lambda z: 1 / mp.pi / (1 + z**2), 1),
    }
    LAWS |= {f"t {nu}": (StudentT(nu), student_density(mp.mpf(nu)), nu) for nu in range(1, 13)}
    LAWS |= {f"t {q}": (StudentT(q), student_density(fraction(q)), fraction(q)) for q in ("1/2", "5/2", "7/3", "13/4")}
