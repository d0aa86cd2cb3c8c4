"""What cases, cut and instantiate refuse: sealed cases, foreign lemmas, names that are not free."""

from __future__ import annotations

import pytest

from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, norm, num, under, vec, xi
from tests.support.kernel_facts import ONE, K, a, c, g, given, h, kept_by, m, p, q, r, t, trivial, z


@pytest.mark.parametrize("operator, split", [
    ("E", g.le(0)), ("E", r.le(0)), ("EI", a.le(0)), ("EI", r.le(0)), ("EI", t.le(1)), ("I", a.le(0)), ("S", p.le(0)),
    ("S", z.le(0)),
    ("Si", xi("p").le(0)), ("C", m.le(0)), ("E", norm(vec("u")).le(1)), ("E", (g - g).le(0)),
])  # fmt: skip
@pytest.mark.parametrize("which", [0, 1])
def test_a_case_used_under_an_operator(operator: str, split: Relation, which: int) -> None:
    used = given(split, split.right.le(split.left))
    assert not kept_by(K.cases(split, *map(trivial, used)))
    used[which] = K.monotone(operator, used[which])
    with pytest.raises(ProofError, match="used under an expectation"):
        K.cases(split, *map(trivial, used))


@pytest.mark.parametrize("operator, split", [
    ("E", a.le(0)), ("E", z.le(0)), ("I", r.le(0)), ("EI", z.le(0)), ("S", g.le(0)),
    ("S", xi("p").le(0)), ("C", p.le(0)), ("Si", p.le(0)), ("E", under("E", g).le(0)), ("EI", c.le(0)),
])  # fmt: skip
def test_a_case_that_the_operator_does_not_bind(operator: str, split: Relation) -> None:
    low, high = (K.monotone(operator, trivial(f)) for f in given(split, split.right.le(split.left)))
    assert not kept_by(K.cases(split, low, high))


def test_cases_keep_what_else_was_assumed() -> None:
    low, high = given(c.le(q), q.le(c))
    others = given(g.le(0), h.le(0), c.le(q))
    fact = K.cases(c.le(q), trivial(low, others[0]), trivial(high, others[1]))
    assert set(kept_by(fact)) == {g.le(0), h.le(0)}
    fact = K.cases(c.le(q), trivial(low), trivial(high, others[2]))
    assert set(kept_by(fact)) == {c.le(q)}
    assert not kept_by(K.cases(c.le(q), trivial(low), trivial(*given(q.lt(c)))))
    sealed = K.monotone("E", trivial(others[0]))
    fact = K.cases(c.le(q), K.monotone("E", trivial(low, others[0])), K.monotone("E", trivial(high)))
    assert fact.sealed == sealed.sealed
    for split, first, second, message in (
        (c.lt(q), low, high, "split by"), (c.eq(q), low, high, "split by"), (c.le(q), high, low, "assume the cases"),
        (c.le(q), low, low, "assume the cases"), (c.le(q), others[0], high, "assume the cases"), (c.le(g),
        low, high, "assume the cases"),
        (c.le(q), trivial(*given(c.lt(q))), high, "assume the cases"),
    ):  # fmt: skip
        with pytest.raises(ProofError, match=message):
            K.cases(split, trivial(first), trivial(second))
    with pytest.raises(ProofError, match="of one claim"):
        K.cases(c.le(q), low, high)


def test_cut_needs_the_hypothesis_and_keeps_seals() -> None:
    main = K.monotone("E", K.assume(g.le(0)))
    lemma = K.certify(g.le(0), given(g.le(h), h.le(0)), sum=[(ONE, (0,), ()), (ONE, (1,), ())])
    fact = K.cut(main, lemma)
    assert fact.sealed == set(fact.hypotheses)
    assert set(kept_by(fact)) == {g.le(h), h.le(0)}
    again = K.cut(main, K.assume(g.le(0)))
    assert again.sealed == set(again.hypotheses) != set()
    for wrong in (g.lt(0), h.le(0), g.le(c)):
        with pytest.raises(ProofError, match="not a hypothesis of the fact"):
            K.cut(main, K.assume(wrong))


@pytest.mark.parametrize(
    "symbol", ["T", "d", "N", "V0", "b", "g", "a", "r", "t", "p", "V", "VT", "nope", "F", "u", "H"]
)
def test_only_free_constants_have_instances(symbol: str) -> None:
    """The horizon, the dimension, the clients, the start of a potential and what a declared bound holds are not free."""
    with pytest.raises(ProofError, match="not a free constant"):
        K.instantiate(trivial(), symbol, num(2))


@pytest.mark.parametrize("premise, value", [
    (under("E", c * g).le(0), num(1)), (c.le(under("I", a)), num(1)), (c.le(under("S", p)), num(1)), (c.le(under("C", m)), num(1)),
    (c.le(xi("p")), num(1)), (c.le(0), under("E", g)), (c.le(0), under("EI", g)), (c.le(0), under("S", p)), (c.le(0), xi("p")),
])  # fmt: skip
def test_no_instances_beside_operators(premise: Relation, value: Term) -> None:
    with pytest.raises(ProofError, match="has no instances"):
        K.instantiate(K.assume(premise), "c", value)
    with pytest.raises(ProofError, match="has no instances"):
        K.instantiate(
            trivial(K.assume(premise)), "c" if value == num(1) else "q", under("C", m) if value == num(1) else value
        )


def test_no_instances_of_what_was_sealed_or_rests_on_axioms() -> None:
    sealed = trivial(K.monotone("S", K.assume(p.le(c))))
    assert sealed.sealed
    axiom = trivial(K.monotone("E", trivial()))
    assert axiom.axioms
    assert not axiom.sealed
    for fact in (sealed, axiom):
        with pytest.raises(ProofError, match="has no instances"):
            K.instantiate(fact, "c", g)
    fact = K.instantiate(K.assume(c.le(q * c)), "c", g * p)
    assert kept_by(fact) == [fact.claim] == [(g * p).le(q * (g * p))]
    assert not fact.sealed
