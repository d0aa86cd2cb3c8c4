"""Claims that split into functions of one variable each: factors, sums and products, for all functions alike, with any constant."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from sdescent.derive.proof import claims
from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.claims.splitting import digits_of, factors, parts
from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import fn, num, x
from sdescent.derive.proof.replay.check import replay
from tests.support.samples import mostly_slow, slow_but

TRUE = (
    # a factor of known sign, and a function of one variable
    ("y*atan(x) >= y*x/(1 + x)", ["x >= 0", "y >= 0"]),
    ("y^2*tanh(x) <= y^2*x", ["x >= 0"]),
    ("(1 + y^2)*exp(-x) < 1 + y^2", ["x > 0"]),
    ("y*log(x) <= 1.0986123*y", ["x > 0", "x <= 3", "y >= 0"]),
    # factors that several summands share
    ("y*(x - tanh(x)) + y^2*(exp(x) - 1 - x) >= 0", ["x >= 0", "y >= 0"]),
    # sums: with room to spare, with equality at a point, with equality at infinity
    ("atan(x) + erf(y) < 2.57079633", []),
    ("x*exp(-x) + y*exp(-2*y) <= 0.5518192", []),
    ("sqrt(x) + log(y) <= x/2 + y - 1/2", ["x >= 0", "y > 0"]),
    ("exp(x) + exp(y) > 2 + x + y", ["x > 0", "y > 0"]),
    # sums with a hypothesis that links the variables
    ("exp(x) + exp(2*y) >= 3.3 + 2.5*(x + y - 1)", ["x + y == 1"]),
    ("sqrt(x) + sqrt(y) <= 2", ["x >= 0", "y >= 0", "x + y <= 2"]),
    ("x + y <= 0", ["exp(x) + exp(y) <= 2"]),
    # products
    ("erf(x)*log(1 + y) <= 1.128379168*x*y", ["x >= 0", "y >= 0"]),
    ("atan(x)*erf(y)*tanh(z) >= -1.570796327", []),
    ("(exp(x) - 1)*sqrt(y) >= 2*x*y/(1 + y)", ["x >= 0", "y >= 0"]),
)
FALSE = (
    ("atan(x) + erf(y) < 2.57079632", []),
    ("x*exp(-x) + y*exp(-2*y) <= 0.5518191", []),
    ("erf(x)*log(1 + y) <= 1.12837*x*y", ["x >= 0", "y >= 0"]),
    ("y*sqrt(x) <= 1.41421356*y", ["x >= 0", "x <= 2", "y >= 0"]),
    ("atan(x)*tanh(y) < 1.570796326", []),
)


@pytest.mark.parametrize(("claim", "assume"), slow_but(TRUE, TRUE[8:9], rows=True))
def test_true_claims_are_proved_and_replayed(claim: str, assume: list[str]) -> None:
    verdict = prove(claim, assume)
    assert verdict.status == "PROVED", verdict.reason
    replayed = replay(dumps(verdict.certificate or {}))
    assert replayed.trusted == 0 and list(replayed.axioms) == []


@pytest.mark.parametrize(("claim", "assume"), slow_but(FALSE, (FALSE[1], FALSE[3]), rows=True))
def test_false_claims_next_to_them_are_refuted(claim: str, assume: list[str]) -> None:
    assert prove(claim, assume).status == "REFUTED"


@pytest.mark.parametrize("name", mostly_slow(["sqrt", "erf"], 2))
def test_bounds_come_from_no_table(name: str) -> None:
    """On 1 <= x <= 3 each function is at most its value at 3, rounded up to as many digits as asked."""
    import mpmath

    top = getattr(mpmath, name)(mpmath.mpf(3))
    for digits in (3, 7, 11):
        above = (int(top * 10**digits) + 1) / mpmath.mpf(10) ** digits
        shown = mpmath.nstr(above, digits + 4, strip_zeros=False)
        assert prove(f"y*{name}(x) <= {shown}*y", ["x >= 1", "x <= 3", "y >= 0"]).status == "PROVED", shown


def test_no_function_has_constants_of_its_own() -> None:
    """The search holds no decimal fraction but limits of time and tolerances."""
    folder = Path(claims.__file__).parent
    for path in folder.glob("*.py"):
        source = re.sub(r'""".*?"""|#.*|"[^"]*"', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.findall(r"\d\.\d{3,}", source), path.name


def test_a_slack_splits_into_factors_and_parts() -> None:
    a, b = x("a"), x("b")
    branch = Branch(Kernel(Context({"a": "const", "b": "const"})), 1e9)
    lead, found = factors(branch, 3 * a * fn("exp", b) - 3 * a)
    assert lead == 3 and {branch.normal.frozen(f) for f, _ in found} == {
        branch.normal.frozen(f) for f in (a, fn("exp", b) - 1)
    }
    constant, groups = parts(branch, branch.normal.polynomial(a**2 + fn("exp", b) - 7 + fn("atan", a)))
    assert constant == {(): -7} and sorted(sorted(names) for names, _ in groups) == [["a"], ["b"]]
    assert digits_of([num(Fraction("3.1416")) * a, num(Fraction(1, 3))]) == 4 and digits_of([a]) == 0
