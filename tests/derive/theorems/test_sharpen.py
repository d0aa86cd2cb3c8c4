"""Constants: the least that is certified, and a counterexample just below it."""

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest

from sdescent.derive.proof.kernel.certificate import certificate, dumps
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import xs
from sdescent.derive.proof.replay.check import replay
from sdescent.derive.proof.search.mediants import DENOMINATOR
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.sharpen import CONSTANTS, Sharpened, algebraic, least, sharpest

ENTRIES = entries()
(t,) = xs("t")
F = Fraction
#: the claim below the constant at the witness, in plain arithmetic: it must be false
PLAIN: dict[str, Callable[..., bool]] = {
    "6.2-pathwise": lambda c, G: not G >= 0 or G**2 - G + c >= 0,
    "6.2-scheduled": lambda c, G: not G >= 0 or c * G**2 - G + 1 >= 0,
    "6.3-high-pathwise": lambda c, y, s: not (y >= 0 and s > 0) or y * s <= c * (y + s) ** 2,
    "4-natural": lambda c, r: not 1 <= r <= 2 or (r - 1) * (2 - r) <= c * r**2,
    "8-logistic-regression": lambda c, b, s: b**2 * s * (1 - s) <= c * b**2,
    "8-quartic": lambda c, z: not z >= 0 or 3 * z**2 <= c + z**3,
    "8-uniform-3": lambda c, v: not 0 <= v <= 1 or v - c <= v**2,
    "6.9-growth": lambda c, q: not q >= 0 or (q + c - 1) ** 2 >= 1,
}
#: what the chord of each law comes to: the stated 1/4 is for all of them
CHORDS: dict[str, tuple[Fraction, Callable[[Any], Any]]] = {
    "8-laplace-3": (F(5, 26), lambda v: 1 - mpmath.exp(-v)), "8-cauchy-3": (F(5, 24), lambda v: 2 * mpmath.atan(v) / mpmath.pi),
}  # fmt: skip


def found(name: str, seconds: float = 4.0) -> Sharpened:
    result = sharpest(ENTRIES[name], seconds)
    assert result is not None and result.refuted is not None
    assert result.neighbours, (result.certified, result.refuted)
    gap = result.certified - result.refuted
    assert gap == F(1, result.certified.denominator * result.refuted.denominator)
    assert max(result.certified.denominator, result.refuted.denominator) <= DENOMINATOR
    replayed = replay(dumps(certificate(result.proof, result.constant.name)))
    assert not replayed.axioms
    return result


def test_constants_are_those_of_theorems() -> None:
    assert len({c.entry for c in CONSTANTS}) == len(CONSTANTS)
    assert all(isinstance(ENTRIES[c.entry], Theorem) for c in CONSTANTS)
    assert sharpest(ENTRIES["6.8-enough"]) is None


@pytest.mark.parametrize("name", PLAIN)
def test_stated_constants_are_optimal(name: str) -> None:
    """1/4, 1/8, 4 and 2 cannot be smaller: just below there is a point, checked here once more."""
    result = found(name)
    assert result.certified == result.constant.stated
    assert all(isinstance(v, Fraction) for v in result.witness.values())
    assert not PLAIN[name](result.refuted, **result.witness)
    assert PLAIN[name](result.certified, **result.witness)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHORDS)
def test_chords_of_laws_have_smaller_constants(name: str) -> None:
    (constant, mean), result = CHORDS[name], found(name, 1.0)
    assert result.certified == constant < result.constant.stated
    at = mpmath.mpf(float(result.witness["x"]))
    for value, holds in ((result.refuted, False), (result.certified, True)):
        assert (at * mean(at) >= mean(1) * (at - float(value or 0))) is holds


def test_nothing_is_certified() -> None:
    assert least(algebraic("never", "4-natural", "1", lambda c: t.le(c), "t"), 0.5) is None


def test_an_irrational_constant() -> None:
    """t <= c where t^2 <= 2: the root of 2 lies in the gap."""
    result = least(algebraic("root of 2", "4-natural", "2", lambda c: t.le(c), "t", ((t**2).le(2),)), 2.0)
    assert result is not None and result.refuted is not None
    assert result.refuted**2 < 2 < result.certified**2
    assert result.neighbours


def test_an_open_gap_is_left_open() -> None:
    one = algebraic("open", "4-natural", "1", lambda c: t.le(c), "t", (t.le(1),))

    def certify(c: Fraction, seconds: float) -> Fact:
        if c < 1:
            raise ProofError("gives up")
        return one.certify(c, seconds)

    weak = dataclasses.replace(one, certify=certify, refute=lambda c, _: None if c else {"t": F(1)})
    result = least(weak, 0.5)
    assert result is not None
    assert (result.certified, result.refuted, result.neighbours) == (1, 0, False)
