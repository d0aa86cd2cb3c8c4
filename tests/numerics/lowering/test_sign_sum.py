"""The Green-Kubo sum of signs in numbers: its table and its series against SymPy's arbitrary precision."""

from functools import cache

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.vocabulary.formulas.special import SignSum
from sdescent.numerics.backend.double import jax
from sdescent.numerics.lowering.special import sign_sum, sign_sum_rows, sign_sum_table
from sdescent.numerics.lowering.to_jax import Environment, lower_all, tables_for
from tests.support.samples import slow_but

PLACES = np.array([1e-9, 0.3, 1.0, 2.5, 6.0])
CASES = [(0.9, 0.9), (0.3, -0.8), (-0.2, 0.5), (-0.3, -0.5)]


@cache
def exact(r: float, q: float) -> np.ndarray:
    return np.array([float(SignSum(*map(sp.Rational, (r, q, a))).evalf(25)) for a in PLACES])


@pytest.mark.parametrize(("r", "q"), slow_but(CASES, CASES[2:4], rows=True))
def test_the_table(r: float, q: float) -> None:
    """To 1e-12 of the sum, and where that is exp(-18) of its largest value to 1e-9."""
    made = sign_sum_table(r, q)
    assert made is not None
    np.testing.assert_allclose(made(PLACES), exact(r, q), rtol=1e-12)
    assert float(made(np.float64(50.0))) == 0.0


@pytest.mark.parametrize(("r", "q"), CASES[:4])
def test_the_series(r: float, q: float) -> None:
    np.testing.assert_allclose(sign_sum(r, q, PLACES), exact(r, q), rtol=1e-12)
    np.testing.assert_allclose(sign_sum(np.array([r, 0.2]), q, 1.0)[0], exact(r, q)[2], rtol=1e-12)


def test_memories_that_forget_slowly() -> None:
    """K(0) ~ 2 ln 2/(1 - b) as b -> 1, up to O(1)."""
    made = sign_sum_table(0.999, 0.999)
    assert made is not None and abs(float(made(np.float64(0.0))) - 2000 * np.log(2)) < 2


def test_correlations_that_do_not_decay_have_no_sum() -> None:
    assert sign_sum_rows(1.0, 0.5) is None and sign_sum_rows(0.5, 1.0) is None
    assert np.isnan(sign_sum(1.0, 0.5, 0.3)) and np.isnan(sign_sum(0.5, -1.0, 0.3))


@pytest.mark.slow
def test_it_is_lowered_with_a_table_and_has_a_derivative() -> None:
    b, x = sp.Symbol("b", positive=True), sp.Symbol("x", real=True)
    e = SignSum(b, b, 2 * x)
    tables = tables_for([e], {"b": 0.9})
    assert list(tables) == ["table of SignSum(b, b)"]
    lowered = lower_all([e])

    def value(at: float, matrices: dict) -> float:
        return lowered(Environment({}, {"b": 0.9, "x": at}, matrices=matrices))[0]

    by_table, by_series = value(0.4, tables), value(0.4, {})
    assert float(by_table) == pytest.approx(float(by_series), rel=1e-12)
    assert float(by_table) == pytest.approx(float(SignSum(0.9, 0.9, 0.8).evalf()))
    slope = jax.grad(lambda at: value(at, tables))(0.4)
    assert float(slope) == pytest.approx((float(value(0.4001, tables)) - float(value(0.3999, tables))) / 2e-4, rel=1e-6)
