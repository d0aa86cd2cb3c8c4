"""Bounds at the horizon in the letters of a file, V_0 and E V_K."""

import sympy as sp

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, fn, plus, times, under, x
from sdescent.derive.theorems.bounds.language.vocabulary import parts_of, replaced
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.prose.sums import ZERO, Field


def decayed(stated: Stated, field: Field, claim: Relation, rule: Fact) -> Relation:
    """The bound of geometric decay with V_0, and c/k in lowest terms."""
    v, rate, horizon = stated.weighted, rule.data["rate"], stated.setting.horizon
    offset = rule.data["offset"] + rate * v.constant
    left = fn("exp", horizon * fn("log", 1 - rate)) if stated.setting.steps else fn("exp", -rate * horizon)
    if not field.zero(field.of((v.start + v.constant) * left + offset / rate * (1 - left) - claim.right)):
        return spelt(stated, field, claim)
    quotient = field.term(field.of(offset / rate))
    return x("EVT").le(plus(times(x("V0"), left), *([] if quotient == ZERO else [times(quotient, 1 - left)])))


def spelt(stated: Stated, field: Field, claim: Relation) -> Relation:
    """A bound at the horizon with V_0 and E V_K in place of their terms, and constants in front of sums."""
    v = stated.weighted
    letters = {under("E", v.end) + v.constant: x("EVT")}
    letters |= {} if field.normal.polynomial(v.constant) else {under("E", v.end): x("EVT"), v.start: x("V0")}
    left = replaced(claim.left, letters)
    if left[0] == "EI":
        factors = sp.Mul.make_args(sp.factor(field.of(left[1])))
        inside = under("EI", field.term(sp.Mul(*[f for f in factors if field.random(f)])))
        outside = sp.Mul(*[f for f in factors if not field.random(f)])
        left = inside if outside == 1 else times(field.term(outside), inside)
    rest = field.of(claim.right - (v.start + v.constant))
    starts = {p.start for _, p in v.parts}
    if any(starts & set(parts_of(field.terms[s])) for s in rest.free_symbols):  # V_0 has a factor
        return Relation((claim.op, left, replaced(claim.right, letters)))
    return Relation((claim.op, left, x("V0") if field.zero(rest) else plus(x("V0"), field.term(rest))))
