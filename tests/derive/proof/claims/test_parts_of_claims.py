"""Claims that split into functions of one variable each: factors, sums and products, for all functions alike, with any constant."""

from fractions import Fraction

import pytest

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.claims.separable import digits_of, factors, parts
from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import fn, num, x
from sdescent.derive.proof.replay.check import replay
from tests.support.samples import slow_but

TRUE = (
    # a factor of known sign, and a function of one variable; factors that several summands share
    ("y*log(x) <= 1.0986123*y", ["x > 0", "x <= 3", "y >= 0"]),
    ("y*(x - tanh(x)) + y^2*(exp(x) - 1 - x) >= 0", ["x >= 0", "y >= 0"]),
    # sums: with room to spare, with equality at a point, with a hypothesis that links the variables
    ("atan(x) + erf(y) < 2.57079633", []),
    ("exp(x) + exp(y) > 2 + x + y", ["x > 0", "y > 0"]),
    ("sqrt(x) + sqrt(y) <= 2", ["x >= 0", "y >= 0", "x + y <= 2"]),
    ("x + y <= 0", ["exp(x) + exp(y) <= 2"]),
    # products: with a sign, without one
    ("erf(x)*log(1 + y) <= 1.128379168*x*y", ["x >= 0", "y >= 0"]),
    ("atan(x)*erf(y)*tanh(z) >= -1.570796327", []),
)
FALSE = (
    ("x*exp(-x) + y*exp(-2*y) <= 0.5518191", []),
    ("erf(x)*log(1 + y) <= 1.12837*x*y", ["x >= 0", "y >= 0"]),
    ("atan(x)*tanh(y) < 1.570796326", []),
)


@pytest.mark.parametrize(("claim", "assume"), slow_but(TRUE, (TRUE[0], TRUE[3]), rows=True))
def test_true_claims_are_proved_and_replayed(claim: str, assume: list[str]) -> None:
    verdict = prove(claim, assume)
    assert verdict.status == "PROVED", verdict.reason
    replayed = replay(dumps(verdict.certificate or {}))
    assert replayed.trusted == 0 and list(replayed.axioms) == []


@pytest.mark.parametrize(("claim", "assume"), slow_but(FALSE, FALSE[:1], rows=True))
def test_false_claims_next_to_them_are_refuted(claim: str, assume: list[str]) -> None:
    assert prove(claim, assume).status == "REFUTED"


def test_a_slack_splits_into_factors_and_parts() -> None:
    a, b = x("a"), x("b")
    branch = Branch(Kernel(Context({"a": "const", "b": "const"})), 1e9)
    lead, powers = factors(branch, 3 * a * fn("exp", b) - 3 * a)
    assert lead == 3 and {branch.normal.frozen(f) for f, _ in powers} == {
        branch.normal.frozen(f) for f in (a, fn("exp", b) - 1)
    }
    constant, groups = parts(branch, branch.normal.polynomial(a**2 + fn("exp", b) - 7 + fn("atan", a)))
    assert constant == {(): -7} and sorted(sorted(names) for names, _ in groups) == [["a"], ["b"]]
    assert digits_of([num(Fraction("3.1416")) * a, num(Fraction(1, 3))]) == 4 and digits_of([a]) == 0
