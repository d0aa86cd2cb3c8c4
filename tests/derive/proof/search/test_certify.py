"""The search for certify steps: what it finds is checked here by FORMAT.md's rule, and false claims find nothing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import pytest

from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.normal import Normal, Polynomial, added, multiplied, scaled
from sdescent.derive.proof.language.terms import Relation, fn, norm, num, opnorm, quad, under, vec, x, xs
from sdescent.derive.proof.search.certify import CertifyStep, find, inconsistent
from sdescent.derive.proof.search.ring import Member
from tests.support.corpus.cases import Case, no, problem, yes
from tests.support.corpus.one_step import HARD, ONE_STEP, REFUTED
from tests.support.samples import slow_but

#: generous: the machine runs other work beside the tests
SECONDS = 10.0


def valid(normal: Normal, claim: Relation, premises: Sequence[Relation], found: CertifyStep) -> bool:
    """Whether `found` is a certify step by FORMAT.md."""

    def value(cone: Sequence[Member]) -> Polynomial:
        parts: list[Polynomial] = []
        for c, indices, squares in cone:
            part: Polynomial = {(): c}
            for i in indices:
                assert premises[i].op in ("<=", "<")
                part = multiplied(part, normal.polynomial(premises[i].slack))
            for square in squares:
                part = multiplied(part, normal.polynomial(square**2))
            parts.append(part)
        return added(parts)

    def strict(cone: Sequence[Member]) -> bool:
        return any(not squares and all(premises[i].op == "<" for i in indices) for _, indices, squares in cone)

    rest = [multiplied(value(found.mult), normal.polynomial(claim.slack)), scaled(value(found.sum), Fraction(-1))]
    for i, t in found.equalities:
        assert premises[i].op == "=="
        rest.append(scaled(multiplied(normal.polynomial(t), normal.polynomial(premises[i].slack)), Fraction(-1)))
    assert all(isinstance(c, Fraction) and c > 0 for c, _, _ in (*found.mult, *found.sum))
    good = not added(rest) and strict(found.mult)
    if claim.op == "<":
        good = good and strict(found.sum)
    return good and (claim.op != "==" or not found.sum)


#: the longest of them takes seconds
HOLDING = (*ONE_STEP, *HARD)
QUICK = [e for e in HOLDING if e.name != "hurwitz 6"][::3]


@pytest.mark.parametrize("entry", slow_but(HOLDING, QUICK), ids=lambda e: e.name)
def test_true_claims_are_found(entry: Case) -> None:
    normal, claim, premises, hints = problem(entry)
    found = find(normal, claim, premises, hints, SECONDS)
    assert found is not None
    assert valid(normal, claim, premises, found)


@pytest.mark.parametrize(
    "entry", slow_but(REFUTED, [e for e in REFUTED[::3] if e.name != "descent, false"]), ids=lambda e: e.name
)
def test_false_claims_find_nothing(entry: Case) -> None:
    normal, claim, premises, hints = problem(entry)
    assert find(normal, claim, premises, hints, 1.0) is None


def test_a_strict_claim_follows_from_a_strict_premise_alone() -> None:
    for premise, strict in (("x <= y", False), ("x < y", True)):
        normal, claim, premises, hints = problem(yes("", "x y z", "x < y + z^2", premise))
        certificate = find(normal, claim, premises, hints)
        assert (certificate is not None) is strict
        assert certificate is None or valid(normal, claim, premises, certificate)


def test_the_same_certificate_each_time() -> None:
    entry = next(e for e in ONE_STEP if e.name == "schur strict")
    first, second = (find(n, c, p, h, SECONDS) for n, c, p, h in (problem(entry), problem(entry)))
    assert first == second is not None


def test_the_time_is_kept() -> None:
    entry = next(e for e in REFUTED if e.name == "6.2 no N, false")
    normal, claim, premises, hints = problem(entry)
    start = now()
    assert find(normal, claim, premises, hints, 0.5) is None
    assert now() - start < 2.5


def test_inconsistent_premises() -> None:
    normal, _, premises, _ = problem(yes("", "x y", "x <= y", "x + y <= 1; x >= 1; y > 0"))
    found = inconsistent(normal, premises)
    assert found is not None
    assert valid(normal, num(1).le(num(0)), premises, found)


def test_consistent_premises_are_not_inconsistent() -> None:
    normal, _, premises, _ = problem(no("", "x y", "x <= y", "x + y <= 1; x >= 1; y >= 0"))
    assert inconsistent(normal, premises) is None


def test_other_premises_are_passed_over() -> None:
    """!= stands in no certificate; numbers count all premises all the same."""
    t = x("t")
    normal = Normal(Context({"t": "const"}))
    premises = [num(0).le(t), t.eq(0), num(1).le(t)]
    premises[1] = type(premises[1])(("!=", t, num(0)))
    found = find(normal, num(1).le(t), premises)
    assert found is not None
    assert valid(normal, num(1).le(t), premises, found)


def test_a_claim_with_not_equal_is_refused() -> None:
    t = x("t")
    normal = Normal(Context({"t": "const"}))
    claim = type(t.eq(0))(("!=", t, num(0)))
    assert find(normal, claim, [num(1).le(t)]) is None


def test_atoms_are_opaque() -> None:
    """Norms, expectations, functions: 6.2 in the words of the kernel."""
    context = Context({"L0": "const", "L1": "const", "h": "const", "Ld": "random"}, ("g",), {"H": ("symmetric",)})
    normal = Normal(context)
    g, matrix = vec("g"), ("m", "H")
    l0, l1, h, drift = xs("L0 L1 h Ld")
    size = norm(g)
    premises = [
        num(0).le(size), num(0).le(h), quad(matrix, g).le(opnorm(matrix) * size**2), opnorm(matrix).le(l0 + l1 * size),
        drift.eq(h**2 / 2 * quad(matrix, g) - h * size**2), (h * (l0 + l1 * size)).le(2 * fn("exp", x("L0"))),
    ]  # fmt: skip
    claim = drift.le(-(1 - fn("exp", x("L0"))) * h * size**2)
    found = find(normal, claim, premises)
    assert found is not None
    assert valid(normal, claim, premises, found)


def test_expectations() -> None:
    normal = Normal(Context({"X": "rv", "c": "const"}))
    first, second = under("E", x("X")), under("E", x("X") ** 2)
    premises = [num(0).le(under("E", (x("X") - first) ** 2))]
    claim = (first**2).le(second)
    found = find(normal, claim, premises)
    assert found is not None
    assert valid(normal, claim, premises, found)


def test_many_premises() -> None:
    names = [f"a{i}" for i in range(12)]
    normal = Normal(Context(dict.fromkeys([*names, "s"], "const")))
    premises = [x(n).ge(0) for n in names] + [x(n).le(x(m)) for n, m in itertools.pairwise(names)]
    claim = (x("a0") * x("a1")).le(x("a10") * x("a11") + x("s") ** 2)
    found = find(normal, claim, premises, seconds=SECONDS)
    assert found is not None
    assert valid(normal, claim, premises, found)


def test_coefficients_are_exact() -> None:
    normal, claim, premises, hints = problem(yes("", "x", "x <= 123456789/1000000007*x^2 + 1000000007/493827156"))
    found = find(normal, claim, premises, hints)
    assert found is not None
    assert valid(normal, claim, premises, found)
    assert all(isinstance(c, Fraction) for c, _, _ in found.sum)
