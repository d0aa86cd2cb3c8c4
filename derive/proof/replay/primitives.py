"""Time integrals and sums over steps by a primitive: the rules primitive and summation (FORMAT.md, "Processes and time")."""

from typing import Any

from flint import fmpq

from sdescent.derive.proof.replay.algebra import Poly, Unreadable
from sdescent.derive.proof.replay.calculus import Pair, function, power, product, reciprocal, total
from sdescent.derive.proof.replay.logic_and_algebra import Rules
from sdescent.derive.proof.replay.terms import Relation, Step, check, fields, symbols_in, tags

#: the tags allowed in the primitive of a sum; a vector or an operator would keep its time when the clock is moved
SUMMED = {"q", "x", "pi", "+", "*", "^", "/", "f", "F"}


class Clocked:
    """Time derivatives of terms as written, and their conditions: p > 0 for log(p), q != 0 for 1/q."""

    def __init__(self, rules: Rules, clock: str) -> None:
        self.terms, self.kinds, self.clock = rules.terms, rules.context.symbols, clock
        self.positive: list[Poly] = []
        self.nonzero: list[Poly] = []

    def slope(self, raw: Any) -> tuple[Pair, bool]:
        """(p, p'), and whether p contains the clock. The term has been read before, so its shape is right."""
        terms, (tag, *args) = self.terms, raw
        if tag in ("q", "pi"):
            return (terms.term(raw), {}), False
        if tag == "x":
            timely = args[0] == self.clock
            constant = self.kinds[args[0]] == "const"
            check(timely or constant, "the primitive has a symbol that is neither the time nor a constant")
            return (terms.term(raw), terms.number(1 if timely else 0)), timely
        has_rule = tag in ("+", "*", "^", "/") or (tag == "f" and args[0] in ("exp", "log"))
        check(has_rule, "the primitive has a part that is not a sum, product, power, quotient, exp or log")
        parts = [self.slope(part) for part in (args[:1] if tag == "^" else args[1:] if tag == "f" else args)]
        pair, timely = parts[0]
        if tag == "^":
            return power(terms, pair, args[1]), timely
        if tag == "f":
            self.positive += [pair[0]] if timely and args[0] == "log" else []
            return function(terms, args[0], pair), timely
        for other, also in parts[1:]:
            if tag == "/":
                self.nonzero += [other[0]] if also else []
                other = reciprocal(terms, other)
            pair = (total if tag == "+" else product)(terms, pair, other)
            timely = timely or also
        return pair, timely


def primitive(rules: Rules, step: Step) -> Relation:
    """The fundamental theorem of calculus on [0, horizon]: P is C^1 there, as its denominators are nonzero and its logs exist."""
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


def summation(rules: Rules, step: Step) -> Relation:
    """The sum of P(n + 1) - P(n) over n = 0, .., K - 1 is P(K) - P(0), for any function P of time."""
    clock, raw = fields(step.data, "time", "primitive")
    context, terms = rules.context, rules.terms
    check(context.steps, "time is not steps in this context: integrate with primitive")
    if type(clock) is not str or context.symbols.get(clock) != "clock":
        raise Unreadable("the time is not the symbol of kind clock")
    check(context.horizon is not None, "the context names no horizon")
    rules.premises(step, 0)
    now = terms.term(raw)
    check(tags(raw) <= SUMMED, "the primitive has an operator, a vector or a symbol at another coordinate")
    constant = all(name == clock or context.symbols[name] == "const" for name in symbols_in(raw))
    check(constant, "the primitive has a symbol that is neither the time nor a constant")
    ahead = terms.term(raw, {clock: terms.add(terms.symbol(clock), terms.number(1))})
    last = terms.term(raw, {clock: terms.symbol(str(context.horizon))})
    first = terms.term(raw, {clock: terms.number(0)})
    return rules.equal(terms.operator("I", terms.sub(ahead, now)), terms.sub(last, first))
