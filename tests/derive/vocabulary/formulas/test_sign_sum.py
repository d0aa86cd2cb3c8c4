"""The Green-Kubo sum of signs against its definition, by quadrature over each lag, and against numbers of the notes on reach."""

import mpmath as mp
import pytest
import sympy as sp
from sympy.parsing.sympy_parser import parse_expr

from sdescent.derive.vocabulary.formulas.special import SignSum


def by_lags(r: str, q: str, a: str, lags: int = 400) -> float:
    """Var + 2 sum of Cov of signs, each Cov = (2/pi) int_0^(asin c) exp(-a^2/(1 + sin t)) dt (Plackett)."""
    r, q, a = (mp.mpf(e) for e in (r, q, a))
    total = 1 - mp.erf(a / mp.sqrt(2)) ** 2
    for n in range(lags):
        c = r * q**n
        if abs(c) < 1e-18:
            break
        total += 4 / mp.pi * mp.quad(lambda t: mp.exp(-a * a / (1 + mp.sin(t))), [0, mp.asin(c)])
    return float(total)


def number(r: str, q: str, a: str) -> float:
    return float(SignSum(*(sp.Rational(e) for e in (r, q, a))).evalf(25))


@pytest.mark.parametrize(
    ("r", "q", "a"),
    [
        pytest.param("0.6", "0.8", "0.7", marks=pytest.mark.slow),
        ("-0.5", "0.7", "1.3"),
        ("0.3", "-0.6", "0.2"),
        ("0.5", "0", "1"),
    ],
)
def test_it_is_the_sum_over_the_lags(r: str, q: str, a: str) -> None:
    assert number(r, q, a) == pytest.approx(by_lags(r, q, a), rel=1e-13)
    assert number(r, q, a) != pytest.approx(by_lags(r, q, a, lags=3), rel=1e-6) or q == "0"


@pytest.mark.parametrize(("a", "value"), [("1/2", 10.870), ("2", 0.6294)])
def test_numbers_of_the_notes(a: str, value: float) -> None:
    """b = 0.9, to the digits that are quoted."""
    assert number("9/10", "9/10", a) == pytest.approx(value, rel=5e-4)


def test_at_the_minimum_it_is_the_sum_of_arcsines() -> None:
    b = sp.Symbol("b", positive=True)
    (sum_over_lags,) = SignSum(b, b, sp.S.Zero).atoms(sp.Sum)
    assert sum_over_lags.function == sp.asin(b ** sum_over_lags.variables[0])
    near = number("9/10", "9/10", "1/1000000000")
    arcsines = sum(sp.asin(sp.Rational(9, 10) ** k).evalf() for k in range(1, 400))
    assert near == pytest.approx(1 + 4 / sp.pi.evalf() * arcsines, rel=1e-12)
    assert round(near, 3) == 13.279


@pytest.mark.slow
def test_its_text_parses_back_to_the_series() -> None:
    b, x = sp.symbols("b x", positive=True)
    e = SignSum(b, b, 2 * x / b)
    read = parse_expr(str(3 * e), local_dict={"b": b, "x": x})
    (series,) = read.atoms(sp.Sum)
    terms = sum(series.function.subs({b: 0.5, x: 0.3}).subs(series.variables[0], n).evalf() for n in range(1, 80))
    assert read.subs({b: 0.5, x: 0.3}).xreplace({series.subs({b: 0.5, x: 0.3}): terms}).evalf() == pytest.approx(
        3 * number("1/2", "1/2", "6/5"), rel=1e-12
    )
    assert r"\mathrm{He}_{n - 1}^{2}" in sp.latex(e) and "n" not in {s.name for s in e.free_symbols}
    assert "(n1, 1, oo)" in str(SignSum(b, b, sp.Symbol("n", positive=True)))


def test_without_decay_it_has_no_number() -> None:
    assert not SignSum(sp.S(2), sp.S(2), sp.S(1)).evalf().is_Float
