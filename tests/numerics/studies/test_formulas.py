"""Formulas of a sweep at its points: their numbers, omega of every compressor, and where there is none."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.equations.step.covariance import compression_ratio
from sdescent.derive.reading.specs import parse_spec
from sdescent.derive.reading.sweeps.formula_letters import Numbers, letters, numbers_of
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.studies.records import at_points, formula, omega


def point(compressor: str | None, **values: float) -> Numbers:
    spec = None if compressor is None else parse_spec("compressor", compressor, "compressor")
    pairs = () if spec is None else spec.values
    own = {f"compressor.{key}": float(value) for key, value in pairs if isinstance(value, Fraction)}
    return Numbers({"dim": 10.0, **own, **{name.replace("_", "."): value for name, value in values.items()}}, spec)


@pytest.mark.parametrize(
    "text", ["rand-k:k=3", "qsgd:s=2", "bernoulli:p=1/4", "top-k:k=3", "sign", "natural", "identity"]
)
def test_omega_is_what_the_compressor_states(text):
    stated = compression_ratio(parse_spec("compressor", text, "compressor").build(), sp.Integer(10))
    ratio = omega(point(text))
    assert (stated is None) == (ratio is None)
    assert stated is None or float(ratio) == pytest.approx(float(stated.value), rel=1e-14)


def test_omega_of_a_method_that_fixes_its_compressor():
    asked = {"T": "1", "clients": "4", "dim": 2, "eta": ["1/10"]}
    assert float(omega(numbers_of({**asked, "method": "dsgd"}, {}))) == 0
    assert omega(numbers_of({**asked, "method": "dsignsgd"}, {})) is None
    assert omega(numbers_of({**asked, "method": "adam"}, {})) is None
    assert float(omega(numbers_of({**asked, "method": "dcsgd", "compressor": "bernoulli:p=1/4"}, {}))) == 3


@pytest.mark.slow
def test_points_of_all_kinds_have_their_own_numbers():
    known = letters(["eta", "noise.nu", "dim", "compressor.k", "compressor.p"])
    points = [
        point("rand-k:k=2", eta=0.5, noise_nu=3.0), point("rand-k:k=5", eta=0.1, noise_nu=2.0),
        point("bernoulli:p=1/4", eta=1.0, noise_nu=5.0), point("top-k:k=1", eta=1.0, noise_nu=5.0), point(None, eta=2.0),
    ]  # fmt: skip
    asked = ["eta*(1 + omega) + pi", "sqrt(nu - 3)", "1/(noise.nu - 2)", "k", "eta + 0*omega", "7"]
    found = at_points([formula(text, "bounds.a", known) for text in asked], points)
    nan = np.nan
    expected = [
        [2.5 + np.pi, 0.2 + np.pi, 4.0 + np.pi, nan, nan], [0.0, nan, np.sqrt(2), np.sqrt(2), nan], [1.0, nan, 1 / 3, 1 / 3, nan],
        [2.0, 5.0, nan, 1.0, nan], [0.5, 0.1, 1.0, nan, nan], [7.0] * 5,
    ]  # fmt: skip
    np.testing.assert_allclose(np.array(found), np.array(expected), rtol=1e-14)


def test_a_formula_takes_arrays_of_a_value():
    known = letters(["dim", "compressor.k", "eta"])
    own = point("rand-k:k=2", eta=0.5)
    moved = Numbers({**own.values, "compressor.k": np.array([1.0, 2.0, 2.5])}, own.compressor)
    np.testing.assert_allclose(formula("omega", "a", known).value(moved), [9.0, 4.0, 3.0])


def test_a_division_by_zero_and_unknown_letters_are_refused():
    with pytest.raises(BadInput, match="division by zero"):
        at_points([formula("1/(2 - 2)", "bounds.a", letters(["eta"]))], [point(None, eta=1.0)])
    with pytest.raises(BadInput, match=r"bounds\.a"):
        formula("zeta", "bounds.a", letters(["eta"]))
