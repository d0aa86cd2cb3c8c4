"""Rational functions through exact values."""

from fractions import Fraction

import pytest
import sympy as sp

from sdescent.derive.proof.gram.fits import fit
from sdescent.derive.proof.gram.forms import exact

FIELD = sp.QQ.frac_field("a", "b")
A, B = FIELD.gens
POINTS = [(exact(Fraction(i, 7)), exact(Fraction(j, 5))) for i in range(1, 8) for j in range(1, 8)]


@pytest.mark.parametrize("wanted", [FIELD.one, A - B, (A**2 * B + 3 * A - 1) / (A * B + 1), 1 / (A + B) ** 2])
def test_a_rational_function_is_found_from_its_values(wanted) -> None:
    def value(point):
        above, below = (
            sum(c * point[0] ** i * point[1] ** j for (i, j), c in p.terms()) for p in (wanted.numer, wanted.denom)
        )
        return above / below

    assert fit(FIELD, POINTS, [value(p) for p in POINTS]) == wanted


def test_values_of_no_rational_function_of_low_degree_have_no_fit() -> None:
    values = [exact(Fraction(n * n * n % 101, 7)) for n in range(len(POINTS))]
    assert fit(FIELD, POINTS, values) is None
    # three values determine many functions, which nothing then supports
    few = [0, 8, 20]
    assert fit(FIELD, [POINTS[n] for n in few], [values[n] for n in few]) is None
