"""The checker of proof certificates: psi in the analysis of one variable. It has balls, and neither a derivative nor a size."""

import json
import random
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from flint import arb, ctx, fmpq

from sdescent.derive.proof.replay.check import replay
from sdescent.derive.proof.replay.one_variable_forms import psi
from tests.derive.proof.replay.test_one_variable import one
from tests.support.certificates.edits import accepted, refused
from tests.support.certificates.rules import assume, certificate

C, EVAL = ["coeffs"], ["eval", 64]
#: where the series ends and the definition begins, where the definition cancels, and far out
POINTS = "0 1 -1 999/1000 -999/1000 1001/1000 1/1000000000000000000000 -1/7 40 -1000 700 -100000"


@pytest.mark.parametrize("bits", [2, 16, 53, 256, 1024])
def test_balls_contain_the_value(bits: int) -> None:
    """Compared with mpmath's 1F1(1; 3; t)/2 at 1500 bits; at 53 bits or more all but the last 16 bits are known."""
    for text in POINTS.split():
        q = Fraction(text)
        with ctx.workprec(bits):
            value = psi(arb(fmpq(q.numerator, q.denominator)))
        with mpmath.workprec(1500), ctx.workprec(1500):
            exact = mpmath.hyp1f1(1, 3, mpmath.mpf(q.numerator) / q.denominator) / 2
            low, high = (mpmath.mpf(part.mid().str(400, radius=False)) for part in (value.lower(), value.upper()))
            assert low * (1 - mpmath.mpf(2) ** -1100) <= exact <= high * (1 + mpmath.mpf(2) ** -1100), text
            assert bits < 53 or high - low <= exact * mpmath.mpf(2) ** (16 - bits), text


def test_balls_of_intervals_contain_all_values() -> None:
    """1,000 pairs of an interval and a point of it, at 16 to 64 bits, key 7. The balls are not much larger than the interval."""
    chance = random.Random(7)
    for _ in range(1_000):
        low, high = sorted(fmpq(chance.randrange(-400, 400), chance.choice([1, 20, 100, 1000])) for _ in range(2))
        share = fmpq(chance.randrange(0, 8), 7)
        with ctx.workprec(chance.choice([16, 30, 64])):
            value = psi(arb(low).union(arb(high)))
        with ctx.workprec(200):
            assert value.overlaps(psi(arb(low + share * (high - low))))
            assert not value.is_finite() or value.upper() < psi(arb(high)) + abs(psi(arb(high))) + 1
    assert not psi(arb("nan")).is_finite() and not psi(arb("inf")).is_finite()


GOOD: list[tuple[Any, ...]] = [
    ("3/4 - psi(z)", True, EVAL, "-1", "1"), ("psi(z) - 1/3", True, EVAL, "-1", "1"), ("psi(1) - 7/10 + z", True, C, "0", None),
    ("psi(z - z) - 1/2", False, C, "0", None), ("psi(z)**2 - 1/20", True, EVAL, "-1", "1"), ("1/psi(1) - 1", True, C, None, None),
    ("psi(-1000)", True, C, None, None), ("sqrt(psi(2)) - 1", True, C, None, None), ("z*psi(1)", False, ["up", C], "0", None),
    ("psi(z)*exp(z) + 1", True, ["split", "1/2", EVAL, EVAL], "0", "1"),
]  # fmt: skip
BAD: list[tuple[Any, ...]] = [
    ("7/10 - psi(z)", True, EVAL, "-1", "1"), ("psi(z) - 1/2", False, EVAL, "-1", "1"), ("psi(z)", True, EVAL, "0", None),
    ("psi(z)", True, C, "0", None), ("psi(z)", True, ["exp"], "0", None), ("psi(z)", True, ["up", C], "0", "1"),
    ("1 - psi(z)", False, ["down", C], "0", "1"), ("psi(z)", False, ["limit", C], None, "0"), ("psi(-z)", False, ["limit", C], "0"),
    ("z + exp(psi(z))", False, ["up", EVAL], "0", "1"), ("z + psi(1/(1 + exp(z)))", False, ["up", EVAL], "0", "1"),
    ("psi(z) - psi(-z)", False, ["even", C], None), ("1 - exp(-z)*psi(1/(1 + exp(z)))", False, ["limit", C], "0"),
    ("exp(1) - 2 - psi(1)", True, C, None), ("psi(exp(exp(z)))", True, EVAL, "0", "100"),
]  # fmt: skip


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case[0])
def test_balls_of_psi(case: tuple[Any, ...]) -> None:
    replay(json.dumps(one(*case)))  # the kernel's balls of psi are wider


@pytest.mark.parametrize("case", BAD, ids=lambda case: case[0])
def test_what_psi_has_not(case: tuple[Any, ...]) -> None:
    refused(one(*case))


@pytest.mark.parametrize("term", ["psi(z)", "exp(-z)*psi(1/2 + exp(-z))", "psi(psi(z))", "1 + tanh(psi(z))"])
def test_psi_is_not_derived(term: str) -> None:
    for tree, low, high in (("up", "0", None), ("down", None, "0"), ("up_open", "0", None), ("limit", "0", None)):
        assert "psi_square" in refused(one(term, True, [tree, C], low, high))


def test_a_number_is_said_to_be_inside_its_domain() -> None:
    """1/psi, sqrt psi and log psi need no convention."""
    value = certificate(assume("log(psi(a)) + sqrt(psi(b)) + 1/psi(c) <= 1"))
    assert accepted(value).conventions == ()
    assert len(accepted(certificate(assume("log(psi(1) - 3/4) <= 1"))).conventions) == 1
