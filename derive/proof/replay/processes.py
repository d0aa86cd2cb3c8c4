"""The rules of a certificate about processes and about time: ito, gronwall, primitive (FORMAT.md, "Steps").

The context says which equation the state of a potential solves. These rules use their premises along whole paths: they seal all
hypotheses.
"""

from __future__ import annotations

from typing import Any

from flint import fmpq

from sdescent.derive.proof.replay.algebra import Poly, Unreadable
from sdescent.derive.proof.replay.derivatives import Pair, function, power, product, reciprocal, total
from sdescent.derive.proof.replay.rules import AXIOMS, Rules
from sdescent.derive.proof.replay.terms import Fact, Relation, Step, check, fields


def bounded_below(rules: Rules, fact: Fact, value: Poly) -> None:
    """The fact says c <= value with a constant c, which is what Fatou's lemma needs."""
    bound = rules.terms.sub(value, fact.claim.slack)
    constant = all(atom.head[0] in ("x", "inv") and not atom.deps for atom in rules.terms.inside(bound))
    check(fact.claim.op in ("<=", "<") and constant, "a premise is not c <= V, of the potential V and a constant c")


def falling(rules: Rules, start: Poly, exponent: Poly, level: Poly) -> Poly:
    """start e + level (1 - e) with e = exp(exponent * horizon)."""
    terms = rules.terms
    e = terms.function("exp", terms.mul(exponent, terms.symbol(str(rules.context.horizon))))
    return terms.add(terms.mul(start, e), terms.mul(level, terms.sub(terms.number(1), e)))


def generator(rules: Rules, step: Step, name: Any) -> tuple[dict[str, Any], Poly, list[Fact]]:
    """V's entry in the context, LV, and the premises that are left after those of `ito`.

    LV = drift' grad V + 1/2 Tr(Hess V covariance), for V of class C^2. With coefficients >= 0 of psd matrices the covariance is
    one.
    """
    context, terms = rules.context, rules.terms
    if type(name) is not str or name not in context.potentials:
        raise Unreadable("the potential is not declared in the context")
    entry = context.potentials[name]
    check(entry.get("smooth", False), "the potential is not declared smooth")
    gradient, drift, diffusion = ("v", entry["gradient"]), entry["drift"], entry["diffusion"]
    total: Poly = {}
    for raw, vector in drift:
        terms.accumulate(total, terms.mul(terms.term(raw), terms.dot(gradient, terms.vector(vector))))
    check(len(step.facts) > len(diffusion), "premises of ito are missing: signs of the diffusion, a bound of V")
    for (raw, matrix), fact in zip(diffusion, step.facts, strict=False):
        c = terms.term(raw)
        rules.need(fact, c)
        terms.accumulate(total, terms.mul(c, terms.trprod(entry["hessian"], terms.matrix(matrix))), fmpq(1, 2))
    bounded_below(rules, step.facts[len(diffusion)], terms.symbol(name))
    return entry, total, step.facts[len(diffusion) + 1 :]


def ito(rules: Rules, step: Step) -> Relation:
    """Ito's formula up to exit times, Fatou's lemma on the left (V is bounded below), integrability of LV on the right."""
    entry, total, rest = generator(rules, step, *fields(step.data, "potential"))
    check(not rest, "there are more premises than the rule ito takes")
    rules.seal(step)
    step.axioms |= AXIOMS
    terms = rules.terms
    gain = terms.sub(terms.operator("E", terms.symbol(entry["end"])), terms.symbol(entry["start"]))
    return rules.leq(gain, terms.operator("EI", total))


def gronwall(rules: Rules, step: Step) -> Relation:
    """Ito for exp(k t) V: d E = exp(k t) (k V + LV) dt <= exp(k t) c dt."""
    potential, rate, offset = fields(step.data, "potential", "rate", "offset")
    entry, total, rest = generator(rules, step, potential)
    check(len(rest) == 2, "after the premises of ito, gronwall takes two: LV <= -k V + c, and 0 < k")
    terms = rules.terms
    v, k, c = terms.symbol(potential), terms.term(rate), terms.term(offset)
    check(not terms.deps(k) and not terms.deps(c), "the rate or the offset is not constant")
    check(rules.context.horizon is not None, "the context names no horizon")
    rules.need(rest[0], terms.sub(terms.sub(c, terms.mul(k, v)), total))
    rules.need(rest[1], k, strict=True)
    rules.seal(step)
    step.axioms |= AXIOMS
    right = falling(rules, terms.symbol(entry["start"]), terms.scale(k, fmpq(-1)), terms.mul(c, terms.inverse(k)))
    return rules.leq(terms.operator("E", terms.symbol(entry["end"])), right)


class Clocked:
    """Derivatives in the time itself of terms as they are written, and what they need: p > 0 under log, q other than 0."""

    def __init__(self, rules: Rules, clock: str) -> None:
        self.terms, self.kinds, self.clock = rules.terms, rules.context.symbols, clock
        self.positive: list[Poly] = []
        self.nonzero: list[Poly] = []

    def slope(self, raw: Any) -> tuple[Pair, bool]:
        """(p, p'), and whether the time is written in p. p was read as a term before."""
        terms, (tag, *args) = self.terms, raw
        if tag in ("q", "pi"):
            return (terms.term(raw), {}), False
        if tag == "x":
            timely = args[0] == self.clock
            check(
                timely or self.kinds[args[0]] == "const",
                "the primitive has a symbol that is neither the time nor a constant",
            )
            return (terms.term(raw), terms.number(1 if timely else 0)), timely
        known = tag in ("+", "*", "^", "/") or (tag == "f" and args[0] in ("exp", "log"))
        check(known, "the primitive has a part that is not a sum, product, power, quotient, exp or log")
        parts = [self.slope(part) for part in (args[:1] if tag == "^" else args[1:] if tag == "f" else args)]
        found, timely = parts[0]
        if tag == "^":
            return power(terms, found, args[1]), timely
        if tag == "f":
            self.positive += [found[0]] if timely and args[0] == "log" else []
            return function(terms, args[0], found), timely
        for other, also in parts[1:]:
            if tag == "/":
                self.nonzero += [other[0]] if also else []
                other = reciprocal(terms, other)
            found = (total if tag == "+" else product)(terms, found, other)
            timely = timely or also
        return found, timely


def primitive(rules: Rules, step: Step) -> Relation:
    """The main theorem of calculus on [0, horizon]: P is C^1 there, its denominators are not 0 and its logarithms exist."""
    clock, raw, integrand = fields(step.data, "time", "primitive", "integrand")
    context, terms = rules.context, rules.terms
    if type(clock) is not str or context.symbols.get(clock) != "clock":
        raise Unreadable("the time is not the symbol of kind clock")
    check(not context.steps, "time is steps in this context: sum with summation")
    check(context.horizon is not None, "the context names no horizon")
    check(len(step.facts) > 0, "the premise P' == u is missing")
    _, u, clocked = terms.term(raw), terms.term(integrand), Clocked(rules, clock)
    (_, derivative), _ = clocked.slope(raw)
    first, *rest = (terms.relation_key(fact.claim) for fact in step.facts)
    check(first == terms.relation_key(rules.equal(derivative, u)), "the first premise is not P' == u")
    for p in clocked.positive:
        check(("<", terms.key(p)) in rest, "a premise is missing: the argument of a logarithm is not shown to be > 0")
    for q in clocked.nonzero:
        signs = {("<", terms.key(q)), ("<", terms.key(terms.scale(q, fmpq(-1)))), terms.relation_key(Relation("!=", q))}
        check(bool(signs & set(rest)), "a premise is missing: a denominator is not shown to be other than 0")
    rules.seal(step)
    after = terms.term(raw, {clock: terms.symbol(str(context.horizon))})
    before = terms.term(raw, {clock: terms.number(0)})
    return rules.equal(terms.operator("I", u), terms.sub(after, before))
