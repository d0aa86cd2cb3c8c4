"""Repairs of refuted claims: the known best ones are found, each is proved and replayed, each is needed by an exact point."""

import dataclasses
import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

import sdescent.derive.proof.repair.smallest as repair_module
from sdescent.derive.proof.claims.prove import prove
from sdescent.derive.proof.claims.verdict import Judged, Repair
from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, from_json, num, x
from sdescent.derive.proof.language.text import said
from sdescent.derive.proof.refute.exact import Values, counterexample
from sdescent.derive.proof.repair.constants import numerals
from sdescent.derive.proof.repair.smallest import proposed, repairs
from sdescent.derive.proof.replay.check import replay
from sdescent.derive.vocabulary.formulas.grammar import parse_relation
from tests.support.corpus.cases import claim_of
from tests.support.corpus.textbook import FALSE
from tests.support.samples import slow_but

F = Fraction
T = x("t")
SECONDS = 20.0


class Known(NamedTuple):
    """A false claim and its best repair by a closed form `why`: of this kind, and with this claim or assumption."""

    claim: str
    assume: tuple[str, ...]
    kind: str
    holds: str
    why: str
    sharp: bool = True


KNOWN = (
    # a number of the claim
    Known("a*b <= (a^2 + b^2)/3", (), "constant", "a*b <= (a^2 + b^2)/2", "a = b"),
    Known("a*b <= eps*a^2 + b^2/(5*eps)", ("eps > 0",), "constant", "a*b <= eps*a^2 + b^2/(4*eps)", "2 eps a = b"),
    Known("log(1 + x) <= x/2", ("x >= 0",), "constant", "log(1 + x) <= x", "the slope at 0"),
    Known("x <= 7/5", ("x^2 == 2", "x > 0"), "constant", "x <= 58/41", "the least above sqrt(2) of denominator at most 64"),
    # a number on the right, a factor of it
    Known("x*y <= x^2", ("y <= 2", "y >= -2"), "term", "x*y <= x^2 + 1", "y = 2, x = 1"),
    Known("(a + b)^2 <= a^2 + b^2", (), "factor", "(a + b)^2 <= 2*(a^2 + b^2)", "a = b"),
    # <= for <
    Known("2*a*b < a^2 + b^2", (), "weak", "2*a*b <= a^2 + b^2", "a = b"),
    # bounds
    Known("x^3 <= x^2", (), "bound", "x <= 1", "x^2 (x - 1)"),
    Known("exp(x) >= 1 + x + x^2/2", (), "bound", "x >= 0", "Taylor"),
    Known("x^4 <= 4*x^2", (), "bound", "abs(x) <= 2", "x^2 (x^2 - 4)"),
    Known("abs(1 - eta*lam) <= 1", ("eta >= 0", "lam >= 0"), "bound", "eta*lam <= 2", "the contraction"),
    # assumptions
    Known("x^2 > 0", ("x >= 0",), "strict", "x > 0", "x = 0"),
    Known("x^2 <= 2*x", ("x >= 0", "x <= 3"), "assumption", "x <= 2", "x (x - 2)"),
    Known("G <= k*G^2 + 1", ("k == 1/5",), "assumption", "k == 1/4", "(G/2 - 1)^2"),
    # several signs, an order, an equality
    Known("abs(a + b) == abs(a) + abs(b)", (), "signs", "b >= 0", "the triangle", False),
    Known("a^2*b <= a*b^2", ("a >= 0", "b >= 0"), "order", "a <= b", "a b (a - b)", False),
    Known("(a - b)^2 <= 0", (), "equal", "a == b", "a square", False),
)  # fmt: skip


def relation(text: str, names: Sequence[str]) -> Relation:
    return from_json(parse_relation(text, names, "claim"), True)


def normal_of(verdict: Judged) -> Normal:
    return Kernel(Context({n: "const" for n in verdict.variables})).normal


def checked(repair: Repair, verdict: Judged) -> None:
    """What no repair may get wrong, looked at anew."""
    assert repair.verdict.status == "PROVED" and not repair.verdict.vacuous and repair.verdict.certificate is not None
    written = dumps(repair.verdict.certificate)
    replayed = replay(written)
    assert not replayed.axioms and replayed.trusted == 0
    normal = normal_of(verdict)
    assert from_json(replayed.claim, True) == repair.claim
    assumed = json.loads(written)["statement"]["assumptions"]
    assert {normal.key(from_json(a, True)) for a in assumed} <= {normal.key(a) for a in repair.assume}
    # not vacuous, nor trivial, nor what was asked
    values = Values(repair.model)
    assert all(values.holds(a) for a in repair.assume)
    assert normal.key(repair.claim) not in {normal.key(a) for a in repair.assume}
    assert (repair.claim, repair.assume) != (verdict.claim, verdict.assume)
    assert set(normal.polynomial(repair.claim.slack)) - {()}
    assert not repair.sharp or repair.needed is not None
    assert "\n" not in repair.words and repair.words.startswith("holds ")
    # what is printed is the claim, and can be read again
    for r in (repair.claim, *repair.assume):
        assert normal.key(relation(said(r), verdict.variables)) == normal.key(r)
    if repair.needed is not None:
        assert repair.beyond is not None and set(repair.needed) == set(verdict.variables)
        assert counterexample(repair.needed, *repair.beyond)


#: one of every kind
FIRST_OF_A_KIND = tuple({known.kind: known for known in reversed(KNOWN)}.values())


@pytest.mark.parametrize("known", slow_but(KNOWN, FIRST_OF_A_KIND), ids=lambda k: f"{k.claim} | {k.holds}")
def test_known_repairs(known: Known) -> None:
    verdict = prove(known.claim, known.assume, seconds=SECONDS)
    offered = repairs(verdict, seconds=SECONDS)
    assert 1 <= len(offered) <= 3
    for r in offered:
        checked(r, verdict)
    normal = normal_of(verdict)
    new = normal.key(relation(known.holds, verdict.variables))
    (best,) = [r for r in offered if r.kind == known.kind and new in {normal.key(a) for a in (r.claim, *r.assume)}]
    assert best.sharp is known.sharp and (best.needed is not None or not known.sharp)


def test_the_words() -> None:
    (first, *_) = repairs("a*b <= (a^2 + b^2)/3", seconds=SECONDS)
    assert first.words == "holds with 1/2 in place of 1/3: least such constant; fails at 31/63 with a = 1, b = 1"
    assert first.text == "a*b <= (a^2 + b^2)/2" and first.needed == {"a": 1, "b": 1}
    (only,) = repairs("x^3 <= x^2", seconds=SECONDS)
    assert only.words.startswith("holds where x <= 1: weakest such bound; fails for x <= 65/64 with x = ")
    assert only.needed is not None and 1 < float(only.needed["x"]) <= 65 / 64 and only.wide


def test_what_may_be_asked() -> None:
    """A text, a relation, a claim of a file with its hints; what is not refuted has no repairs."""
    text = repairs("x <= x^2", seconds=SECONDS)[0].text
    assert repairs(x("x").le(x("x") ** 2), seconds=SECONDS)[0].text == text
    case = next(c for c in FALSE if c.name == "uniform_6_4_constant")
    assert repairs(claim_of(case), seconds=SECONDS)[0].text == "x - 1/4 <= x^2"
    assert repairs("x^2 >= 0") == [] and repairs("x >= 1", ["x == 1"]) == []
    assert repairs(dataclasses.replace(prove("x >= 1"), status="UNDECIDED")) == []


# nothing that is not so


@pytest.mark.parametrize(
    ("claim", "assume"),
    [
        ("x^2 + 1 <= 0", []),
        ("exp(x) <= 0", []),
        ("1 <= 0", []),
        ("x <= y", []),
        ("x > 0", ["x >= 0"]),
        ("x <= 0", ["x >= 1"]),
        ("x^2 + y^2 <= -1", ["x^2 + y^2 == 1"]),
        ("log(x) >= x", ["x > 0"]),
        ("1/(x^2 + 1) >= 2 + exp(y)", []),
        ("x^64 <= x^63 + 1/1000000", []),
        ("1/x^2 <= 1 + exp(-x)", ["x > 0"]),
        pytest.param("tanh(erf(atan(sqrt(abs(x))))) <= x/3", [], marks=pytest.mark.slow),
    ],
)
def test_claims_with_few_repairs_or_hard_ones(claim: str, assume: list[str]) -> None:
    """A hypothesis that contradicts the others would prove everything, and one that is the claim nothing new."""
    verdict = prove(claim, assume, seconds=2.0)
    assert verdict.status == "REFUTED"
    started = now()
    offered = repairs(verdict, seconds=1.0)
    assert now() - started < 3
    for r in offered:
        checked(r, verdict)
    assert not (offered and claim in ("x^2 + 1 <= 0", "exp(x) <= 0", "1 <= 0"))


def test_little_time_and_none() -> None:
    verdict = prove("a*b <= (a^2 + b^2)/3")
    for seconds in (0.0, 0.01, 0.3):
        started = now()
        assert isinstance(repairs(verdict, seconds=seconds), list)
        assert now() - started < seconds + 1


def test_a_planted_repair_is_refused() -> None:
    good = repairs("x^3 <= x^2", seconds=SECONDS)[0]
    other, false = prove("x^2 >= 0"), prove("x <= 1")
    relabelled, weaker = dataclasses.replace(false, status="PROVED"), (x("x").le(2),)
    planted: list[dict[str, Any]] = [
        {"verdict": false},
        {"verdict": dataclasses.replace(relabelled, fact=other.fact, certificate=other.certificate)},
        {"verdict": other},
        {"claim": x("x").le(1)},
        {"assume": weaker, "verdict": dataclasses.replace(good.verdict, assume=weaker)},
        {"verdict": dataclasses.replace(good.verdict, vacuous=True)},
        {"verdict": dataclasses.replace(good.verdict, certificate=other.certificate)},
        {"verdict": dataclasses.replace(good.verdict, fact=None)},
        {"needed": {"x": F(1)}},
        {"needed": None},
        {"needed": None, "beyond": None},
        {"beyond": None},
        {"model": {"x": F(2)}},
    ]
    assert dataclasses.replace(good, words="holds in other words").text == good.text
    for change in planted:
        with pytest.raises(ProofError):
            dataclasses.replace(good, **change)


def test_a_proposal_is_proved_or_refused() -> None:
    claim, point = x("x").le(x("x") ** 2), {"x": F(1, 2)}
    assert proposed("bound", "", ((x("x").ge(1),), claim), ["x"], point, ((), claim)).wide
    for assume, needed in (
        ((x("x").ge(F(1, 2)),), point),
        ((x("x").ge(1), x("x").le(0)), point),
        ((x("x").ge(1),), {"x": F(2)}),
    ):
        with pytest.raises(ProofError):
            proposed("bound", "", (assume, claim), ["x"], needed, ((), claim), seconds=1)


def test_a_search_that_lies_offers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts that are not those of what was asked, and points that refute nothing, never become repairs."""
    verdict, true = prove("a*b <= (a^2 + b^2)/3"), prove("a^2 + b^2 >= 0")
    relabelled = []

    def lie(claim: Any, assume: Any, *_: Any, **__: Any) -> Judged:
        relabelled.append(claim)
        return dataclasses.replace(true, claim=claim, assume=tuple(assume))

    monkeypatch.setattr(repair_module, "prove", lie)
    assert repairs(verdict, seconds=2) == [] and relabelled


def test_a_search_that_breaks_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = prove("a*b <= (a^2 + b^2)/3")

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    for name in ("Points", "constants", "singles", "bounds", "prove", "least_near"):
        with monkeypatch.context() as m:
            m.setattr(repair_module, name, broken)
            for r in repairs(verdict, seconds=1):
                checked(r, verdict)


# the parts


def test_numerals_of_a_claim() -> None:
    claim = relation("2*x - x^3/4 <= 0.5 + exp(3*x) + 1/(5*y)", ["x", "y"])
    by_value = {n.value: n for n in numerals(claim)}
    assert {F(2), F(1, 4), F(1, 2), F(3), F(5)} <= set(by_value) and F(-1) not in by_value
    assert said(by_value[F(1, 4)].at(F(1, 3))) == "2*x - x^3/3 <= 1/2 + exp(3*x) + 1/(5*y)"
    assert said(by_value[F(2)].at(F(1))) == "x - x^3/4 <= 1/2 + exp(3*x) + 1/(5*y)"
    assert [by_value[v].shape for v in (F(2), F(3), F(5))] == ["affine", "other", "inverse"]
    assert by_value[F(1, 2)].summand and not by_value[F(2)].summand
    (two_thirds, one) = numerals(relation("2*x/3 <= 1", ["x"]))  # a quotient of numbers is one coefficient
    assert (two_thirds.value, one.value) == (F(2, 3), 1)
    assert said(two_thirds.at(F(3, 4))) == "3*x/4 <= 1" and said(two_thirds.at(F(1, 2))) == "x/2 <= 1"


@pytest.mark.parametrize(
    ("assume", "room"),
    [([T.ge(0), T.le(1)], True), ([T.ge(0), T.le(0)], False), ([((T - 1) ** 2).le(0)], False)],
    ids=["an interval", "a point", "a square"],
)
def test_a_point_inside_is_told_from_one_on_the_edge(assume: list[Relation], room: bool) -> None:
    point, wide = repair_module._model(("t",), assume)
    assert point is not None and wide is room and all(Values(point).holds(a) for a in assume)
    assert repair_module._model(("t",), [T.ge(1), T.le(num(0))], 0.2) == (None, False)
