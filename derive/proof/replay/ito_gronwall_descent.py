"""Processes and time: Ito's formula, Gronwall's inequality, primitives, the descent lemma (FORMAT.md)."""

from typing import Any, NamedTuple

from flint import fmpq

from sdescent.derive.proof.replay.algebra import Poly, T, Unreadable
from sdescent.derive.proof.replay.context import CONSTANT, is_constant, looks_ahead
from sdescent.derive.proof.replay.logic_and_algebra import AXIOMS, Rules
from sdescent.derive.proof.replay.one_variable_forms import Pair, function, power, product, reciprocal, total
from sdescent.derive.proof.replay.terms import Fact, Relation, Step, check, fields, items, symbols_in, tags


class Sum(NamedTuple):
    """W = sum of w_n V_n, C = sum of w_n change_n, and the sums of the ends and the starts with the same weights."""

    value: Poly
    change: Poly
    end: Poly
    start: Poly


def bounded_below(rules: Rules, fact: Fact, value: Poly) -> Poly:
    """c, after a check that the fact says c <= value with a constant c, as Fatou's lemma needs."""
    bound = rules.terms.sub(value, fact.claim.slack)
    constant = all(atom.head[0] in ("x", "inv") and not atom.deps for atom in rules.terms.inside(bound))
    check(fact.claim.op in ("<=", "<") and constant, "a premise is not c <= V, of the potential V and a constant c")
    return bound


def generator(rules: Rules, step: Step, name: Any) -> tuple[Sum, list[Fact]]:
    """V, with LV as its change, and the premises that remain after those of `ito`.

    LV = drift' grad V + 1/2 Tr(Hess V covariance), for V of class C^2. The covariance is psd because it is a sum of psd matrices
    with coefficients >= 0.
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
    v = Sum(terms.symbol(name), total, terms.symbol(entry["end"]), terms.symbol(entry["start"]))
    bounded_below(rules, step.facts[len(diffusion)], v.value)
    return v, step.facts[len(diffusion) + 1 :]


def moving(rules: Rules, name: Any) -> dict[str, Any]:
    """The entry of a potential, after a check that it names a change."""
    potentials = rules.context.potentials
    if type(name) is not str or name not in potentials:
        raise Unreadable("the potential is not declared in the context")
    has_change = "change" in potentials[name]
    check(has_change, "the potential is neither moving nor stepping: its entry in the context has no change")
    return potentials[name]


def weighted(rules: Rules, raw: Any) -> Sum:
    """The weighted sums of the potentials in [[weight, potential], ..], after a check of the weights.

    In steps a weight may be a function w of the number n of the step: W(n + 1) - W(n) is then w(n + 1) (V + change) - w(n) V, in
    mean. The potential "1" is the constant 1.
    """
    terms, context = rules.terms, rules.context
    sums = Sum({}, {}, {}, {})
    check(len(items(raw)) > 0, "there is no potential in the sum")
    clock = next((name for name, kind in context.symbols.items() if kind == "clock"), None)
    one, none = terms.number(1), terms.number(0)
    for weight, name in [items(pair, 2) for pair in raw]:
        now = ahead = last = first = terms.term(weight)
        if name == "1":
            value, change, end, start = one, none, one, one
        else:
            entry = moving(rules, name)
            value, change, end, start = map(terms.symbol, (name, entry["change"], entry["end"], entry["start"]))
        if clock is not None and clock in symbols_in(weight):
            check(
                context.steps and context.horizon is not None,
                "a weight has time in it, which is not steps to a horizon",
            )
            others = all(n == clock or context.symbols[n] == "const" for n in symbols_in(weight))
            check(
                others and tags(weight) <= CONSTANT,
                "a weight has more in it than time, const symbols, numbers and + * ^ /",
            )
            ahead = terms.term(weight, {clock: terms.add(terms.symbol(clock), one)})
            last = terms.term(weight, {clock: terms.symbol(str(context.horizon))})
            first = terms.term(weight, {clock: none})
        else:
            check(is_constant(terms, weight), "a weight is not a term over const symbols and numbers with + * ^ /")
        moved = terms.sub(terms.mul(ahead, terms.add(value, change)), terms.mul(now, value))
        members = terms.mul(now, value), moved, terms.mul(last, end), terms.mul(first, start)
        for part, member in zip(sums, members, strict=True):
            terms.accumulate(part, member)
    return sums


def along_paths(rules: Rules, step: Step) -> None:
    """Add the seals and axioms of a rule that adds up changes along paths.

    Steps are added up by the tower property; an integral needs Ito's formula up to exit times, and Fatou's lemma.
    """
    rules.seal(step)
    step.axioms |= {"integrability"} if rules.context.steps else AXIOMS


def gain(rules: Rules, step: Step, w: Sum) -> Relation:
    """E end - start <= EI(change): Ito's formula up to exit times with Fatou's lemma on the left, or in steps the sum of E C_n."""
    along_paths(rules, step)
    terms = rules.terms
    return rules.leq(terms.sub(terms.operator("E", w.end), w.start), terms.operator("EI", w.change))


def after_decay(rules: Rules, step: Step, w: Sum, rate: Any, offset: Any, premises: list[Fact]) -> Relation:
    """E end <= start e + (b/k)(1 - e), e = exp(-k T), from C <= -k W + b and 0 < k; in steps e = (1 - k)^T, from k < 1 as well.

    d E(exp(k t) W) = exp(k t) E(k W + C) dt <= exp(k t) b dt; in steps E W(X_(n+1)) <= (1 - k) E W(X_n) + b.
    """
    terms, horizon, steps = rules.terms, rules.context.horizon, rules.context.steps
    k, b = terms.term(rate), terms.term(offset)
    check(not terms.deps(k) and not terms.deps(b), "the rate or the offset is not constant")
    check(horizon is not None, "the context names no horizon")
    falls, positive, *small = premises
    rules.need(falls, terms.sub(terms.sub(b, terms.mul(k, w.value)), w.change))
    rules.need(positive, k, strict=True)
    rest = terms.sub(terms.number(1), k)
    for fact in small:
        rules.need(fact, rest, strict=True)
    along_paths(rules, step)
    exponent = terms.function("log", rest) if steps else terms.scale(k, fmpq(-1))
    e = terms.function("exp", terms.mul(exponent, terms.symbol(str(horizon))))
    level = terms.mul(terms.mul(b, terms.inverse(k)), terms.sub(terms.number(1), e))
    return rules.leq(terms.operator("E", w.end), terms.add(terms.mul(w.start, e), level))


def ito(rules: Rules, step: Step) -> Relation:
    """`gain` of V, whose change is LV."""
    v, rest = generator(rules, step, *fields(step.data, "potential"))
    check(not rest, "there are more premises than the rule ito takes")
    return gain(rules, step, v)


def gronwall(rules: Rules, step: Step) -> Relation:
    """`after_decay` of V, whose change is LV."""
    potential, rate, offset = fields(step.data, "potential", "rate", "offset")
    v, rest = generator(rules, step, potential)
    check(len(rest) == 2, "after the premises of ito, gronwall takes two: LV <= -k V + c, and 0 < k")
    return after_decay(rules, step, v, rate, offset, rest)


def telescope(rules: Rules, step: Step) -> Relation:
    """`gain` of W, which is bounded below."""
    (potentials,) = fields(step.data, "potentials")
    w = weighted(rules, potentials)
    (below,) = rules.premises(step, 1)
    bounded_below(rules, below, w.value)
    return gain(rules, step, w)


def decay(rules: Rules, step: Step) -> Relation:
    """`after_decay` of W, which is bounded below."""
    potentials, rate, offset = fields(step.data, "potentials", "rate", "offset")
    w = weighted(rules, potentials)
    below, *rest = rules.premises(step, 4 if rules.context.steps else 3)
    bounded_below(rules, below, w.value)
    return after_decay(rules, step, w, rate, offset, rest)


def summable(rules: Rules, step: Step) -> Relation:
    """With W - c for W: in steps S = E W + (sum of E y so far) is at most (1 + a) S + b a step later, and W >= 0 at the start;
    else S' <= a S + b.
    """
    potentials, growth, floor, drop = fields(step.data, "potentials", "growth", "floor", "drop")
    terms, w = rules.terms, weighted(rules, potentials)
    a, b, y = terms.term(growth), terms.term(floor), terms.term(drop)
    check(not (terms.deps(a) | terms.deps(b)) & ~T, "the growth or the floor depends on more than the time")
    check(not looks_ahead(terms, drop), "the drop depends on more than the outcome and the time, or on the end")
    below, *others = rules.premises(step, 5)
    low = bounded_below(rules, below, w.value)
    growing = terms.mul(a, terms.sub(w.value, low))
    needs = (terms.sub(terms.sub(terms.add(growing, b), y), w.change), a, b, y)
    for fact, slack in zip(others, needs, strict=True):
        rules.need(fact, slack)
    along_paths(rules, step)
    factor = terms.function("exp", terms.operator("I", a))
    right = terms.mul(factor, terms.add(terms.sub(w.start, low), terms.operator("I", b)))
    return rules.leq(terms.add(terms.operator("E", w.end), terms.operator("EI", y)), terms.add(low, right))


#: the tags allowed in the primitive of a sum; a vector or an operator would keep its time when the clock is replaced
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
    """The fundamental theorem of calculus on [0, horizon]. P is C^1, since its denominators are nonzero and its logs exist."""
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


def descent(rules: Rules, step: Step) -> Relation:
    """V(x + D) <= V(x) + D' grad V(x) + (t0 + t1 |grad V(x)|) |D|^2 psi(t1 |D|), in mean given F_n.

    Along the segment t0 + t1 |grad V| grows at most like exp(t1 |D| s), by Gronwall's lemma with 0 <= t1, and psi(a) is
    int_0^1 (1 - s) exp(a s) ds. psi increases and t0 + t1 |grad V| >= |Hess V| >= 0, so psi(c) may replace psi(t1 |D|) if
    t1 |D| <= t1 radius <= c. All factors are known at n, so the hypotheses are used only at this step and outcome.
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
