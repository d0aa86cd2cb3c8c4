"""The rules about moving and stepping potentials, and sums over steps (FORMAT.md, "Processes and time").

descent, telescope, decay, summable and summation. A step is one from X_n to X_(n+1); F_n is what is known at n, where all terms
without a symbol of kind rv have their values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flint import fmpq

from sdescent.derive.proof.replay.algebra import Poly, T, Unreadable
from sdescent.derive.proof.replay.context import is_constant, looks_ahead
from sdescent.derive.proof.replay.processes import bounded_below, falling
from sdescent.derive.proof.replay.rules import AXIOMS, Rules
from sdescent.derive.proof.replay.terms import Relation, Step, check, fields, items, symbols_in, tags

#: what the primitive of a sum is written with; a vector or an operator would keep its time where the clock is moved
SUMMED = {"q", "x", "pi", "+", "*", "^", "/", "f", "F"}


def descent(rules: Rules, step: Step) -> Relation:
    """V(x + D) <= V(x) + D' grad V(x) + (t0 + t1 |grad V(x)|) |D|^2 psi(t1 |D|), in mean given F_n.

    Along the segment t0 + t1 |grad V| grows at most like exp(t1 |D| s), by Gronwall's lemma where 0 <= t1, and psi(a) is
    int_0^1 (1 - s) exp(a s) ds. psi increases and t0 + t1 |grad V| >= |Hess V| >= 0, so that psi(c) may stand for it where
    t1 |D| <= t1 radius <= c; all factors are known at n, so that the hypotheses are used at this step and outcome alone.
    """
    name, reach = fields(step.data, "potential", "reach")
    terms, entry = rules.terms, moving(rules, name)
    check("smoothness" in entry, "the potential is not a stepping one: its entry in the context has no smoothness")
    c, (level, growth) = terms.term(reach), (terms.term(raw) for raw in entry["smoothness"])
    check(not looks_ahead(terms, reach), "the reach depends on more than the outcome and the time, or on the end")
    if entry["radius"] is None:
        rules.premises(step, 0)
        check(not growth and not c, "the steps have no radius, and t1 or the reach is not 0")
    else:
        sign, bound = rules.premises(step, 2)
        rules.need(sign, growth)
        rules.need(bound, terms.sub(c, terms.mul(growth, terms.term(entry["radius"]))))
    gradient = ("v", entry["gradient"])
    right: Poly = {}
    for raw, vector in entry["mean"]:
        terms.accumulate(right, terms.mul(terms.term(raw), terms.dot(gradient, terms.vector(vector))))
    bend = terms.add(level, terms.mul(growth, terms.term(["norm", list(gradient)])))
    bent = terms.mul(terms.mul(bend, terms.term(entry["square"])), terms.function("psi", c))
    return rules.leq(terms.symbol(entry["change"]), terms.add(right, bent))


class Sum(NamedTuple):
    """W = sum of w_n V_n, C = sum of w_n change_n, and the same sums of the ends and the starts."""

    value: Poly
    change: Poly
    end: Poly
    start: Poly


def moving(rules: Rules, name: Any) -> dict[str, Any]:
    """The entry of a potential that has a change."""
    potentials = rules.context.potentials
    if type(name) is not str or name not in potentials:
        raise Unreadable("the potential is not declared in the context")
    check(
        "change" in potentials[name],
        "the potential is neither moving nor stepping: its entry in the context has no change",
    )
    return potentials[name]


def weighted(rules: Rules, raw: Any) -> Sum:
    terms = rules.terms
    found = Sum({}, {}, {}, {})
    check(len(items(raw)) > 0, "there is no potential in the sum")
    for weight, name in [items(pair, 2) for pair in raw]:
        entry, w = moving(rules, name), terms.term(weight)
        check(is_constant(terms, weight), "a weight is not a term over const symbols and numbers with + * ^ /")
        for total, symbol in zip(found, (name, entry["change"], entry["end"], entry["start"]), strict=True):
            terms.accumulate(total, terms.mul(w, terms.symbol(symbol)))
    return found


def along_paths(rules: Rules, step: Step) -> None:
    """What a rule rests on that adds up changes along paths.

    Steps are added up by the tower property; an integral needs Ito's formula up to exit times, and Fatou's lemma.
    """
    rules.seal(step)
    step.axioms |= {"integrability"} if rules.context.steps else AXIOMS


def telescope(rules: Rules, step: Step) -> Relation:
    """E W(X_(n+1)) - E W(X_n) = E C at n, added up; or Ito's formula for W, with Fatou's lemma on the left."""
    (potentials,) = fields(step.data, "potentials")
    w = weighted(rules, potentials)
    (below,) = rules.premises(step, 1)
    bounded_below(rules, below, w.value)
    along_paths(rules, step)
    terms = rules.terms
    return rules.leq(terms.sub(terms.operator("E", w.end), w.start), terms.operator("EI", w.change))


def decay(rules: Rules, step: Step) -> Relation:
    """E W(X_(n+1)) <= (1 - k) E W(X_n) + b, K times, with (1 - k)^K = exp(K log(1 - k)); or Gronwall's lemma, as in `gronwall`."""
    potentials, rate, offset = fields(step.data, "potentials", "rate", "offset")
    terms, horizon, steps = rules.terms, rules.context.horizon, rules.context.steps
    w, k, b = weighted(rules, potentials), terms.term(rate), terms.term(offset)
    check(not terms.deps(k) and not terms.deps(b), "the rate or the offset is not constant")
    check(horizon is not None, "the context names no horizon")
    below, falls, positive, *small = rules.premises(step, 4 if steps else 3)
    bounded_below(rules, below, w.value)
    rules.need(falls, terms.sub(terms.sub(b, terms.mul(k, w.value)), w.change))
    rules.need(positive, k, strict=True)
    rest = terms.sub(terms.number(1), k)
    for fact in small:
        rules.need(fact, rest, strict=True)
    along_paths(rules, step)
    exponent = terms.function("log", rest) if steps else terms.scale(k, fmpq(-1))
    return rules.leq(terms.operator("E", w.end), falling(rules, w.start, exponent, terms.mul(b, terms.inverse(k))))


def summable(rules: Rules, step: Step) -> Relation:
    """S = E W + (the E y until now) is at most (1 + a) S + b a step later, and W >= 0 at the start; or S' <= a S + b."""
    potentials, growth, floor, drop = fields(step.data, "potentials", "growth", "floor", "drop")
    terms, w = rules.terms, weighted(rules, potentials)
    a, b, y = terms.term(growth), terms.term(floor), terms.term(drop)
    check(not (terms.deps(a) | terms.deps(b)) & ~T, "the growth or the floor depends on more than the time")
    check(not looks_ahead(terms, drop), "the drop depends on more than the outcome and the time, or on the end")
    needs = (w.value, terms.sub(terms.sub(terms.add(terms.mul(a, w.value), b), y), w.change), a, b, y)
    for fact, slack in zip(rules.premises(step, 5), needs, strict=True):
        rules.need(fact, slack)
    along_paths(rules, step)
    factor = terms.function("exp", terms.operator("I", a))
    right = terms.mul(factor, terms.add(w.start, terms.operator("I", b)))
    return rules.leq(terms.add(terms.operator("E", w.end), terms.operator("EI", y)), right)


def summation(rules: Rules, step: Step) -> Relation:
    """Sum of P(n + 1) - P(n) over n = 0, .., K - 1, of any function P of the time."""
    clock, raw = fields(step.data, "time", "primitive")
    context, terms = rules.context, rules.terms
    check(context.steps, "time is not steps in this context: integrate with primitive")
    if type(clock) is not str or context.symbols.get(clock) != "clock":
        raise Unreadable("the time is not the symbol of kind clock")
    check(context.horizon is not None, "the context names no horizon")
    rules.premises(step, 0)
    now = terms.term(raw)
    check(tags(raw) <= SUMMED, "the primitive has an operator, a vector or a symbol at another coordinate")
    known = all(name == clock or context.symbols[name] == "const" for name in symbols_in(raw))
    check(known, "the primitive has a symbol that is neither the time nor a constant")
    ahead = terms.term(raw, {clock: terms.add(terms.symbol(clock), terms.number(1))})
    last = terms.term(raw, {clock: terms.symbol(str(context.horizon))})
    first = terms.term(raw, {clock: terms.number(0)})
    return rules.equal(terms.operator("I", terms.sub(ahead, now)), terms.sub(last, first))
