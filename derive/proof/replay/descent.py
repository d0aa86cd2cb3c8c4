"""The descent lemma over one step of a method: the rule descent (FORMAT.md, "Processes and time")."""

from sdescent.derive.proof.replay.algebra import Poly
from sdescent.derive.proof.replay.gronwall import moving
from sdescent.derive.proof.replay.logic_and_algebra import Rules
from sdescent.derive.proof.replay.terms import Relation, Step, check, fields, looks_ahead


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
