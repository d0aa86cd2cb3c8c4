"""The search for certify steps: what it finds is checked here by FORMAT.md's rule, and false claims find nothing."""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import pytest

from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, num, x
from sdescent.derive.proof.search import linear
from sdescent.derive.proof.search.certify import find, inconsistent
from sdescent.derive.proof.search.ring import CertifyStep, Ring
from tests.support.corpus.cases import Case, problem, yes
from tests.support.corpus.one_step import HARD, ONE_STEP, REFUTED
from tests.support.mutation.truth import Truth

#: generous: the machine runs other work beside the tests
SECONDS = 10.0


def valid(normal: Normal, claim: Relation, premises: Sequence[Relation], certificate: CertifyStep) -> bool:
    """Whether it is a certify step by FORMAT.md."""
    return Truth(normal, premises).identity(claim, certificate)


def step(normal: Normal, claim: Relation, premises: Sequence[Relation], hints: Sequence[Term] = ()) -> CertifyStep:
    """The step that the search finds, checked."""
    certificate = find(normal, claim, premises, hints, SECONDS)
    assert certificate is not None and valid(normal, claim, premises, certificate)
    return certificate


@pytest.mark.parametrize("entry", [e for e in (*ONE_STEP, *HARD) if e.name != "hurwitz 6"], ids=lambda e: e.name)
def test_true_claims_are_found(entry: Case) -> None:
    step(*problem(entry))


@pytest.mark.parametrize(
    "entry", [e for e in REFUTED if e.name not in ("descent, false", "6.9, false")], ids=lambda e: e.name
)
def test_false_claims_find_nothing(entry: Case) -> None:
    start = now()
    assert find(*problem(entry), 0.5) is None
    assert now() - start < 2.5


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


def test_solvers_have_more_of_the_time_of_day_on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """They count it: with a third of a processor since the search began, each second of its work takes three."""
    normal, claim, *_ = problem(yes("", "x", "x <= x^2 + 1"))
    maker = linear.Maker(Ring(normal, [claim.slack]), lambda p: p, {}, now() + 100.0)
    monkeypatch.setattr(linear, "now", lambda: maker._begun[1] + 10.0)
    monkeypatch.setattr(linear.time, "monotonic", lambda: maker._begun[0] + 30.2)
    assert maker.time_of_day() == pytest.approx(90 * 3, rel=1e-3)


@pytest.mark.parametrize(("third", "absurd"), [("y > 0", True), ("y >= 0", False)])
def test_premises_that_cannot_hold_together(third: str, absurd: bool) -> None:
    normal, _, premises, _ = problem(yes("", "x y", "x <= y", f"x + y <= 1; x >= 1; {third}"))
    certificate = inconsistent(normal, premises)
    assert (certificate is not None) is absurd
    assert certificate is None or valid(normal, num(1).le(num(0)), premises, certificate)


def test_not_equal_stands_in_no_certificate() -> None:
    """Numbers count such premises all the same; a claim of it is not found."""
    t, normal = x("t"), Normal(Context({"t": "const"}))
    unequal = Relation(("!=", t, num(0)))
    step(normal, num(1).le(t), [num(0).le(t), unequal, num(1).le(t)])
    assert find(normal, unequal, [num(1).le(t)]) is None


def test_many_premises() -> None:
    names = [f"a{i}" for i in range(12)]
    normal = Normal(Context(dict.fromkeys([*names, "s"], "const")))
    premises = [x(n).ge(0) for n in names] + [x(n).le(x(m)) for n, m in itertools.pairwise(names)]
    claim = (x("a0") * x("a1")).le(x("a10") * x("a11") + x("s") ** 2)
    step(normal, claim, premises)


def test_coefficients_are_exact() -> None:
    certificate = step(*problem(yes("", "x", "x <= 123456789/1000000007*x^2 + 1000000007/493827156")))
    assert all(isinstance(c, Fraction) for c, _, _ in certificate.sum)
