"""Random proofs by the rules that move hypotheses about: every fact that comes out holds in random finite models.

Seeds are fixed. A fact is tested as it is meant: where its sealed hypotheses hold everywhere, its claim holds at every point
(outcome, time, coordinate, client) at which the others do.
"""

from fractions import Fraction

import numpy as np
import pytest

from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, num, under, x, xi, xs
from tests.support.finite_models import FULL, OPERATORS, random_model


def some_hypotheses(rng: np.random.Generator) -> list[Relation]:
    names = xs("c q a r g h p s z m n")
    found = [t.le(0) for t in names] + [num(0).le(t) for t in names]
    pairs = [rng.permutation(len(names))[:2] for _ in range(14)]
    found += [names[i].le(names[j]) for i, j in pairs]
    found += [names[i].lt(names[j]) for i, j in pairs[:3]] + [names[i].eq(names[j]) for i, j in pairs[3:5]]
    found += [(names[i] * names[j]).le(0) for i, j in pairs[5:8]] + [num(0).le(xi("p")), xi("s").le(xi("p"))]
    found += [
        under("E", x("g")).le(0),
        under("S", x("p")).le(x("c")),
        num(0).le(under("C", x("m"))),
        x("c").le(under("I", x("a"))),
    ]
    return found


def derive_at_random(kernel: Kernel, rng: np.random.Generator, steps: int) -> list[Fact]:
    """Facts by the rules that move hypotheses about, tried at random; what they refuse is skipped."""
    facts = [kernel.assume(h) for h in some_hypotheses(rng)]
    one = Fraction(1)

    def pick() -> Fact:
        return facts[int(len(facts) * rng.random() ** 0.7)]

    def added(f: Fact, e: Fact) -> Fact:
        sides = f.claim.left + e.claim.left, f.claim.right + e.claim.right
        if "==" in (f.claim.op, e.claim.op):
            return kernel.certify(sides[0].le(sides[1]), [f], sum=[(one, (0,), ())] if f.claim.op != "==" else [])
        return kernel.certify(sides[0].le(sides[1]), [f, e], sum=[(one, (0,), ()), (one, (1,), ())])

    def multiplied(f: Fact, e: Fact) -> Fact:
        return kernel.certify(num(0).le(f.claim.slack * e.claim.slack), [f, e], sum=[(one, (0, 1), ())])

    def squared(f: Fact, e: Fact) -> Fact:
        t = xs("g p a c m")[rng.integers(5)]
        return kernel.certify((t**2 * f.claim.left).le(t**2 * f.claim.right), [f], sum=[(one, (0,), (t,))])

    def cut(f: Fact, e: Fact) -> Fact:
        keys = [kernel.normal.key(g.claim) for g in facts]
        fits = [g for g, k in zip(facts, keys, strict=True) if k in f.hypotheses and g.rule != "assume"]
        return kernel.cut(f, fits[rng.integers(len(fits))] if fits else e)

    def cases(f: Fact, e: Fact) -> Fact:
        splits = [h for h in f.hypotheses.values() if h.op == "<="]
        split = splits[rng.integers(len(splits))] if splits else f.claim
        claim = kernel.normal.key(f.claim)
        turned = kernel.normal.key(split.right.le(split.left))
        same = [g for g in facts if kernel.normal.key(g.claim) == claim and turned in g.hypotheses]
        if (
            not same
        ):  # a claim that both branches have: slack(f)^2 >= 0 needs neither, the product of both hypotheses too
            other = kernel.assume(split.right.le(split.left))
            goal = num(0).le(f.claim.slack**2)
            low = kernel.certify(
                goal, [f], sum=[(one, (0, 0), ())] if f.claim.op in ("<=", "<") else [(one, (), (f.claim.slack,))]
            )
            return kernel.cases(split, low, kernel.certify(goal, [other], sum=[(one, (), (f.claim.slack,))]))
        return kernel.cases(split, f, same[rng.integers(len(same))])

    def monotone(f: Fact, e: Fact) -> Fact:
        return kernel.monotone(OPERATORS[rng.integers(6)], f)

    def component(f: Fact, e: Fact) -> Fact:
        return kernel.component("SC"[rng.integers(2)], f)

    def instantiate(f: Fact, e: Fact) -> Fact:
        value = [*xs("g p m a r z"), x("g") * x("p"), x("c") + x("h")][rng.integers(8)]
        return kernel.instantiate(f, "cq"[rng.integers(2)], value)

    def length(f: Fact, e: Fact) -> Fact:
        coefficients = [*xs("c g a h r p"), f.claim.slack, 1 / x("g")]
        return kernel.squared_norm([(coefficients[rng.integers(8)], "uv"[rng.integers(2)]) for _ in range(2)])

    rules = [added, multiplied, squared, length, cut, cut, cases, cases, monotone, monotone, component, instantiate]
    for _ in range(steps):
        try:
            fact = rules[rng.integers(len(rules))](pick(), pick())
        except ProofError:
            continue
        if len(kernel.normal.polynomial(fact.claim.slack)) <= 12 and len(fact.hypotheses) <= 4:
            facts.append(fact)
    return facts


@pytest.mark.parametrize("seed", [1])
@pytest.mark.slow
def test_random_proofs_hold_in_random_models(seed: int) -> None:
    """Seals, cuts, cases, instances and operators in any order: every fact that comes out is true of every model."""
    rng = np.random.default_rng([seed, 2])
    kernel = Kernel(FULL)
    facts = derive_at_random(kernel, rng, 700)
    models = [random_model(FULL, rng, -1, 2) for _ in range(9)] + [random_model(FULL, rng, 0, 2) for _ in range(5)]
    spoken = {fact.rule: 0 for fact in facts}
    for fact in facts:
        spoken[fact.rule] += sum(model.tests(fact) for model in models)
    assert len(facts) > 250
    for rule in ("certify", "cut", "cases", "monotone", "component", "instantiate", "squared_norm"):
        assert spoken.get(rule, 0) >= 10, (rule, spoken)
