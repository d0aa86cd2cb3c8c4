"""Claims about psi(t) = (exp(t) - 1 - t)/t^2: proved with a certificate, and the like with a smaller constant refuted."""

from fractions import Fraction

import pytest

from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.language.terms import fn, num, x
from sdescent.derive.proof.refute.counterexample import number
from sdescent.derive.proof.refute.exact import Values
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.formulas.text import FUNCTIONS
from tests.support.samples import slow_but

TRUE = [
    ("psi(x) >= 1/2", ["x >= 0"]), ("psi(x) <= 18/25", ["x >= 0", "x <= 1"]), ("psi(x) >= 1/2 + x/6", []),
    ("psi(x)*x^2 == exp(x) - 1 - x", []), ("log(2*psi(x)) >= 0", ["x >= 0"]), ("psi(x) == 1/2", ["x == 0"]),
    ("eta^2*psi(L*eta) <= 18/25*eta^2", ["L >= 0", "eta >= 0", "L*eta <= 1"]), ("x <= y", ["psi(x) <= psi(y)"]),
]  # fmt: skip
FALSE = [
    ("psi(x) < 1/2 + x/6", ["x > 0"]), ("psi(x) < psi(y)", ["x <= y"]), ("psi(x)*x^2 == exp(x) - 1", []),
    ("psi(1) > 7183/10000", []), ("x*psi(x) >= -99/100", []),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "assume"), slow_but(TRUE, TRUE[:1], rows=True), ids=str)
def test_a_claim_about_psi_is_proved(claim: str, assume: list[str]) -> None:
    verdict = prove(claim, assume, seconds=8.0)
    assert verdict.status == "PROVED" and verdict.certificate is not None
    assert rebuild(verdict.certificate).claim == verdict.claim


@pytest.mark.parametrize(("claim", "assume"), FALSE, ids=str)
def test_one_that_fails_is_refuted_at_a_point(claim: str, assume: list[str]) -> None:
    assert prove(claim, assume, seconds=8.0).status == "REFUTED"


def test_values_are_balls_and_floats_of_the_same_function() -> None:
    psi = fn("psi", x("t"))
    for t in (Fraction(-40), Fraction(-1, 10**9), Fraction(1, 10**9), Fraction(1), Fraction(5, 2), Fraction(700)):
        values = Values({"t": t})
        near = float(number(psi, {"t": float(t)}))
        assert values.sign(values.value(psi - num(Fraction(near) * (1 + Fraction(1, 10**12))))) == -1
        assert values.sign(values.value(psi - num(Fraction(near) * (1 - Fraction(1, 10**12))))) == 1
    assert Values({"t": Fraction(0)}).holds(psi.eq(Fraction(1, 2)))


def test_psi_is_a_variable_where_no_parenthesis_follows() -> None:
    assert "psi" in FUNCTIONS and prove("psi*psi(psi) >= 0", ["psi >= 0"]).variables == ("psi",)
    with pytest.raises(BadInput):
        prove("exp + 1 >= exp")
