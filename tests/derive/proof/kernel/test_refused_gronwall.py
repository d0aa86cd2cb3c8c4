"""What ito, gronwall and primitive refuse, side condition by side condition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Relation, Term, dot, fn, mat, num, trprod, under, vec, x, xi
from tests.support.kernel_facts import CONTEXT, ZERO, K, T, V, a, c, g, given, h, k, m, p, q, r, same, t, z

RATE, BELOW, POSITIVE = ZERO.le(c), ZERO.le(V), ZERO.lt(k)
GENERATOR = -dot(vec("grad"), vec("u")) + num("1/2") * c * trprod(mat("H"), mat("P"))
DECAY = GENERATOR.le(-k * V + q)
PREMISES = {"ito": (RATE, BELOW), "gronwall": (RATE, BELOW, DECAY, POSITIVE)}


def applied(rule: str, premises: Any = None, potential: str = "V", **constants: Term) -> Fact:
    facts = given(*(PREMISES[rule] if premises is None else premises))
    if rule == "ito":
        return K.ito(potential, facts)
    return K.gronwall(potential, constants.get("rate", k), constants.get("offset", q), facts)


#: rule, what is wrong, what is put for it, the message
REFUSED = [
    ("ito", "V is not smooth", {"potential": "W"}, r"C\^2"),
    ("ito", "V is no potential", {"potential": "g"}, r"C\^2"),
    ("ito", "V is not declared", {"potential": "nope"}, r"C\^2"),
    ("ito", "no bound below", {"premises": [RATE]}, "lower bound"),
    ("ito", "no sign of the diffusion", {"premises": [BELOW]}, "lower bound"),
    ("ito", "no premises", {"premises": []}, "lower bound"),
    ("ito", "premises in another order", {"premises": [BELOW, RATE]}, "rule needs"),
    ("ito", "a premise too many", {"premises": [RATE, BELOW, BELOW]}, "lower bound"),
    ("ito", "a random bound", {"premises": [RATE, g.le(V)]}, "constant c"),
    ("ito", "a bound that moves", {"premises": [RATE, a.le(V)]}, "constant c"),
    ("ito", "a bound for each coordinate", {"premises": [RATE, z.le(V)]}, "constant c"),
    ("ito", "a bound known at the end", {"premises": [RATE, r.le(V)]}, "constant c"),
    ("ito", "a mean as bound", {"premises": [RATE, under("E", g).le(V)]}, "constant c"),
    ("ito", "a bound above", {"premises": [RATE, V.le(0)]}, "constant c"),
    ("ito", "V is constant", {"premises": [RATE, c.eq(V)]}, "constant c"),
    ("ito", "a bound of another", {"premises": [RATE, ZERO.le(x("W"))]}, "rule needs"),
    ("ito", "a bound of 2 V", {"premises": [RATE, ZERO.le(2 * V)]}, "rule needs"),
    ("ito", "a diffusion <= 0", {"premises": [c.le(0), BELOW]}, "rule needs"),
    ("ito", "the sign of another", {"premises": [ZERO.le(q), BELOW]}, "rule needs"),
    ("gronwall", "no sign of the rate", {"premises": [RATE, BELOW, DECAY]}, "lower bound|rule needs"),
    ("gronwall", "no premises", {"premises": []}, "lower bound"),
    ("gronwall", "a rate >= 0", {"premises": [RATE, BELOW, DECAY, ZERO.le(k)]}, "rule needs"),
    ("gronwall", "a rate < 0", {"premises": [RATE, BELOW, DECAY, k.lt(0)]}, "rule needs"),
    ("gronwall", "a rate other than 0", {"premises": [RATE, BELOW, DECAY, Relation(("!=", k, ZERO))]}, "rule needs"),
    ("gronwall", "premises in another order", {"premises": [RATE, BELOW, POSITIVE, DECAY]}, "rule needs"),
    ("gronwall", "no bound below", {"premises": [RATE, DECAY, POSITIVE]}, "lower bound"),
    ("gronwall", "another offset", {"offset": c}, "rule needs"),
    ("gronwall", "another rate", {"rate": 2 * k}, "rule needs"),
    ("gronwall", "V is not smooth", {"potential": "W"}, r"C\^2"),
    *[("gronwall", f"rate {n}", {"rate": term}, "constants") for n, term in enumerate((g, a, t, z, r))],
    *[("gronwall", f"offset {n}", {"offset": term}, "constants") for n, term in enumerate((g, a, m, xi("p")))],
]


@pytest.mark.parametrize(
    "rule, wrong, changed, message", REFUSED, ids=[f"{rule}: {wrong}" for rule, wrong, *_ in REFUSED]
)
def test_refused(rule: str, wrong: str, changed: dict[str, Any], message: str) -> None:
    assert applied(rule).sealed == set(applied(rule).hypotheses)
    with pytest.raises(ProofError, match=message):
        applied(rule, **changed)


@pytest.mark.parametrize("changed", [
    {"diffusion": [(c, mat("H"))]}, {"diffusion": [(c, mat("A"))]}, {"diffusion": [(c, vec("u"))]},
    {"diffusion": [(c, mat("P")), (c, mat("H"))]}, {"diffusion": [(z**2, mat("P"))]}, {"diffusion": [(r**2, mat("P"))]},
    {"drift": [(num(1), mat("P"))]}, {"drift": [(x("nope"), vec("u"))]}, {"drift": [(p, vec("u"))]}, {"drift": [(m, vec("u"))]},
    {"drift": [(1.5, vec("u"))]}, {"drift": [(r, vec("u"))]},
    {"drift": [(under("E", r), vec("u"))]}, {"drift": [(xi("p"), vec("u"))]},
])  # fmt: skip
def test_what_the_equation_of_the_state_may_be(changed: dict[str, Any]) -> None:
    """Found by attack: an equation named by a step alone let V fall without drift and rise with another in one proof."""
    entry = {**CONTEXT.potentials["V"], **changed}
    with pytest.raises(ProofError):
        replace(CONTEXT, potentials={"V": entry})


#: (1/(1 + t))'; 1/(1 + t)^2 would be an atom of its own
SLOPE = -((1 / (1 + t)) ** 2)


ONE = num(1)
LOG, INVERSE = [same(1 / t, 1 / t)], 1 / (1 + t)
EXP = -1 / t**2 * fn("exp", 1 / t)
#: what is wrong, time, primitive, integrand, premises, the message
PRIMITIVES = [
    ("the time is another function of it", "a", a, ONE, "1 = 1", "not declared as the clock"),
    ("the time is a constant", "c", c, ONE, "1 = 1", "clock"),
    ("the time is the horizon", "T", T, ONE, "1 = 1", "clock"),
    ("a function of time", "t", a, ONE, "1 = 1", "neither a constant"),
    ("what is random", "t", t * g, g, [same(g, g)], "neither a constant"),
    ("what is of a coordinate", "t", t * z, z, "1 = 1", "neither"),
    ("another slope", "t", t, num(2), "1 = 1", "rule needs"),
    ("no premise", "t", t, ONE, [], "first premise"),
    ("a slope that is <=", "t", t, ONE, [K.certify(ONE.le(1))], "rule needs"),
    ("an operator", "t", under("E", t), ONE, "1 = 1", "no derivative"),
    ("a root", "t", fn("sqrt", t), ONE, "1 = 1", "no derivative"),
    ("abs", "t", fn("abs", t), ONE, "1 = 1", "no derivative"),
    ("a declared function", "t", Term(("F", "F", t)), ONE, "1 = 1", "no derivative"),
    ("log of what has no sign", "t", fn("log", t), 1 / t, LOG, "in the domain"),
    ("log of what is >= 0", "t", fn("log", t), 1 / t, [*LOG, *given(ZERO.le(t))], "in the domain"),
    ("log of what is not 0", "t", fn("log", t), 1 / t, [*LOG, *given(Relation(("!=", t, ZERO)))], "in the domain"),
    ("a denominator that may be 0", "t", INVERSE, SLOPE, [same(SLOPE, SLOPE)], "in the domain"),
    ("a denominator that is 0", "t", 1 / (t - t), ZERO, [same(ZERO, ZERO)], "in the domain"),
    ("the slope of a quotient", "t", fn("exp", 1 / t), ZERO, [same(EXP, EXP)], "rule needs"),
]


@pytest.mark.parametrize(
    "wrong, time, primitive, integrand, premises, message", PRIMITIVES, ids=[row[0] for row in PRIMITIVES]
)
def test_no_primitive(wrong: str, time: str, primitive: Term, integrand: Term, premises: Any, message: str) -> None:
    with pytest.raises(ProofError, match=message):
        K.primitive(time, primitive, integrand, [same(ONE, ONE)] if premises == "1 = 1" else premises)


def test_what_primitive_needs() -> None:
    assert K.primitive("t", t, ONE, [same(ONE, ONE)]).claim == under("I", ONE).eq(T - ZERO)
    fact = K.primitive("t", fn("log", 1 + t), 1 / (1 + t), [same(1 / (1 + t), 1 / (1 + t)), *given(ZERO.lt(1 + t))])
    assert fact.sealed == set(fact.hypotheses)
    with pytest.raises(ProofError, match="use EI"):
        K.primitive("t", t, 1 + g - g * (h / h), [K.assume(num(1).eq(1 + g - g * (h / h)))])
