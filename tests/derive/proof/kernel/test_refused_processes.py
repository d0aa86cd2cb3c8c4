"""What ito, gronwall and primitive refuse, side condition by side condition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import (
    Relation,
    Term,
    dot,
    fn,
    mat,
    num,
    trprod,
    under,
    vec,
    x,
    xi,
)
from tests.support.kernel_facts import (
    CONTEXT,
    ZERO,
    K,
    T,
    V,
    a,
    c,
    g,
    given,
    h,
    k,
    m,
    p,
    q,
    r,
    same,
    t,
    z,
)

BELOW, RATE = K.assume(ZERO.le(V)), K.assume(ZERO.le(c))
GENERATOR = -dot(vec("grad"), vec("u")) + num("1/2") * c * trprod(mat("H"), mat("P"))
DECAY = K.assume(GENERATOR.le(-k * V + q))


def ito(potential: str = "V", premises: Any = (RATE, BELOW)) -> Fact:
    return K.ito(potential, premises)


@pytest.mark.parametrize("changed, message", [
    ({"potential": "W"}, r"C\^2"), ({"potential": "g"}, r"C\^2"), ({"potential": "nope"}, r"C\^2"),
    ({"premises": [RATE]}, "lower bound"),
    ({"premises": [BELOW]}, "lower bound"), ({"premises": []}, "lower bound"), ({"premises": [BELOW, RATE]}, "rule needs"),
    ({"premises": [RATE, BELOW, BELOW]}, "lower bound"), ({"premises": [RATE, K.assume(g.le(V))]}, "constant c"),
    ({"premises": [RATE, K.assume(a.le(V))]}, "constant c"), ({"premises": [RATE, K.assume(z.le(V))]}, "constant c"),
    ({"premises": [RATE, K.assume(r.le(V))]}, "constant c"), ({"premises": [RATE, K.assume(V.le(0))]}, "constant c"),
    ({"premises": [RATE, K.assume(c.eq(V))]}, "constant c"), ({"premises": [RATE, K.assume(ZERO.le(x("W")))]}, "constant c"),
    ({"premises": [RATE, K.assume(ZERO.le(2 * V))]}, "constant c"), ({"premises": [K.assume(c.le(0)), BELOW]}, "rule needs"),
    ({"premises": [K.assume(ZERO.le(q)), BELOW]}, "rule needs"),
    ({"premises": [RATE, K.assume(under("E", g).le(V))]}, "constant c"),
])  # fmt: skip
def test_what_ito_needs(changed: dict[str, Any], message: str) -> None:
    assert ito().sealed == set(ito().hypotheses)
    with pytest.raises(ProofError, match=message):
        ito(**changed)


POSITIVE = K.assume(ZERO.lt(k))


def gronwall(premises: Any = (RATE, BELOW, DECAY, POSITIVE), rate: Term = k, offset: Term = q, **changed: Any) -> Fact:
    return K.gronwall(changed.get("potential", "V"), rate, offset, premises)


@pytest.mark.parametrize("changed, message", [
    ({"premises": [RATE, BELOW, DECAY]}, "lower bound|rule needs"), ({"premises": []}, "lower bound"),
    ({"premises": [RATE, BELOW, DECAY, K.assume(ZERO.le(k))]}, "rule needs"),
    ({"premises": [RATE, BELOW, DECAY, K.assume(k.lt(0))]}, "rule needs"),
    ({"premises": [RATE, BELOW, DECAY, K.assume(Relation(("!=", k, ZERO)))]}, "rule needs"),
    ({"premises": [RATE, BELOW, POSITIVE, DECAY]}, "rule needs"), ({"premises": [RATE, DECAY, POSITIVE]}, "lower bound"),
    ({"rate": g}, "constants"), ({"rate": a}, "constants"), ({"rate": t}, "constants"), ({"rate": z}, "constants"),
    ({"rate": r}, "constants"),
    ({"offset": g}, "constants"), ({"offset": a}, "constants"), ({"offset": m}, "constants"), ({"offset": xi("p")}, "constants"),
    ({"offset": c}, "rule needs"), ({"rate": 2 * k}, "rule needs"), ({"potential": "W"}, r"C\^2"),
])  # fmt: skip
def test_what_gronwall_needs(changed: dict[str, Any], message: str) -> None:
    assert gronwall().sealed == set(gronwall().hypotheses)
    with pytest.raises(ProofError, match=message):
        gronwall(**changed)


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


def test_what_primitive_needs() -> None:
    kernel, one = K, K.certify(num(1).eq(1))
    assert kernel.primitive("t", t, num(1), [one]).claim == under("I", num(1)).eq(T - ZERO)
    for time, primitive, integrand, premises, message in (
        ("a", a, num(1), [one], "not declared as the clock"), ("c", c, num(1), [one], "clock"), ("T", T, num(1), [one], "clock"),
        ("t", a, num(1), [one], "neither a constant"), ("t", t * g, g, [same(g, g)], "neither a constant"),
        ("t", t * z, z, [one], "neither"),
        ("t", t, num(2), [one], "rule needs"), ("t", t, num(1), [], "first premise"), ("t", t, num(1),
        [K.certify(num(1).le(1))], "rule needs"),
        ("t", under("E", t), num(1), [one], "no derivative"), ("t", fn("sqrt", t), num(1), [one], "no derivative"),
        ("t", fn("abs", t), num(1), [one], "no derivative"), ("t", Term(("F", "F", t)), num(1), [one], "no derivative"),
        ("t", fn("log", t), 1 / t, [same(1 / t, 1 / t)], "in the domain"),
        ("t", fn("log", t), 1 / t, [same(1 / t, 1 / t), *given(ZERO.le(t))], "in the domain"),
        ("t", fn("log", t), 1 / t, [same(1 / t, 1 / t), *given(Relation(("!=", t, ZERO)))], "in the domain"),
        ("t", 1 / (1 + t), SLOPE, [same(SLOPE, SLOPE)], "in the domain"),
        ("t", fn("exp", 1 / t), ZERO, [same(-1 / t**2 * fn("exp", 1 / t), -1 / t**2 * fn("exp", 1 / t))], "rule needs"),
        ("t", 1 / (t - t), ZERO, [same(ZERO, ZERO)], "in the domain"),
    ):  # fmt: skip
        with pytest.raises(ProofError, match=message):
            kernel.primitive(time, primitive, integrand, premises)
    fact = kernel.primitive("t", fn("log", 1 + t), 1 / (1 + t), [same(1 / (1 + t), 1 / (1 + t)), *given(ZERO.lt(1 + t))])
    assert fact.sealed == set(fact.hypotheses)
    with pytest.raises(ProofError, match="use EI"):
        kernel.primitive("t", t, 1 + g - g * (h / h), [K.assume(num(1).eq(1 + g - g * (h / h)))])
