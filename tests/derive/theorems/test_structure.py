"""What the lines of a derivation rest on, and which of them carry it."""

from __future__ import annotations

import pytest

from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import num, xs
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import MAIN
from sdescent.derive.theorems.entry.structure import carrying, grounds
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from tests.support.certificates.entries import checked_entry
from tests.support.samples import mostly_slow

a, b, c = xs("a b c")


def derivation() -> Derivation:
    assumed = {"small": a.le(b), "smaller": b.le(c), "sign": a.ge(0)}
    context = Context(dict.fromkeys("abc", "const"))
    return Derivation(Theorem("t", "t", "t", context, assumed, lambda w: w["small"], None))


def test_facts_between_two_lines_are_passed_through() -> None:
    w = derivation()
    first = w.combine("first", a.le(c), [(1, ["small"], ()), (1, ["smaller"], ())])
    hidden = w.kernel.certify((2 * a).le(2 * c), [first], sum=[(num_of(2), (0,), ())])
    sign = w.combine("a sign", num(0).le(2 * a), [(2, ["sign"], ())])
    w.combine("last", (2 * a).le(2 * c + a), [(1, [hidden], ()), ("1/2", [sign], ())])
    names = {w.kernel.normal.key(fact.claim): name for name, fact in w._given.items()}
    found = grounds(w.lines, names)
    assert [(g.lines, g.given) for g in found] == [((), ("small", "smaller")), ((), ("sign",)), ((0, 1), ())]
    assert carrying(w.lines, found, 5) == [0, 2]  # a sign carries nothing
    assert carrying(w.lines, found, 1) == [2]


def num_of(n: int):
    from fractions import Fraction

    return Fraction(n)


@pytest.mark.parametrize("name", mostly_slow([i for i, e in entries().items() if isinstance(e, Theorem)], 12))
def test_every_proof_has_a_few_lines_that_end_with_its_claim(name: str) -> None:
    steps = checked_entry(name).steps
    main = [s for s in steps if s["main"]]
    assert 1 <= len(main) <= MAIN and steps[-1]["main"]
    said, own = {s["text"] for s in steps}, entries()[name]
    assert isinstance(own, Theorem)
    stated = {*own.assumptions, *own.definitions}
    given = {n for n, _ in (*checked_entry(name).assumptions, *checked_entry(name).definitions)}
    for n, step in enumerate(steps):
        assert set(step["from"]) <= stated | {s["text"] for s in steps[:n]}
    # what a line is from is all that the proof uses
    assert given <= {word for s in steps for word in s["from"]} | said
