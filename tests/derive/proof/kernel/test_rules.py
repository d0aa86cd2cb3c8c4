"""Single rules of the proof kernel are true in random finite models: vectors, operators, hypotheses, functions, balls.

Seeds are fixed. A fact is tested as it is meant: where its sealed hypotheses hold everywhere, its claim holds at every point
(outcome, time, coordinate, client) at which the others do.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import (
    Relation,
    fn,
    mat,
    matvec,
    norm,
    num,
    opnorm,
    quad,
    tr,
    trprod,
    under,
    vec,
    x,
    xi,
    xs,
)  # fmt: skip
from tests.support.finite_models import FULL, OPERATORS, always, random_model
from tests.support.samples import mostly_slow


def test_vector_and_matrix_rules() -> None:
    kernel = Kernel(FULL)
    facts = [kernel.cauchy_schwarz(a, b) for a in "uv" for b in "uv"]
    facts += [kernel.quad_bound(m, v, s) for m in "HKPQ" for v in "uv" for s in (1, -1)]
    facts += [kernel.trace_bound(m, p, s) for m in "HKPQ" for p in "PQ" for s in (1, -1)]
    facts += [kernel.nonnegative(norm(vec("u"))), kernel.nonnegative(opnorm(mat("A")))]
    facts += [kernel.nonnegative(norm(matvec(mat("A"), vec("v"))))]
    facts += [kernel.nonnegative(t) for t in (tr(mat("P")), quad(mat("P"), vec("u")), trprod(mat("P"), mat("Q")))]
    facts += [kernel.nonnegative(quad(mat("P"), matvec(mat("A"), vec("u"))))]
    for seed, fact in enumerate(facts):
        always(fact, seed, 6)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("op", ["<=", "<", "=="])
def test_monotone(operator: str, op: str) -> None:
    kernel = Kernel(FULL)
    left, right = (x("a"), x("c") * x("t") + x("a")) if operator == "I" else (x("g") * x("m"), x("g") * x("n") + x("p"))
    if operator == "Si":
        left, right = xi("p") * x("g"), xi("s") + x("g")
    one = kernel.assume(Relation((op, left, right)))
    fact = kernel.monotone(operator, one)
    assert fact.claim.op == ("==" if op == "==" else "<=")
    assert fact.sealed == set(fact.hypotheses)
    assert fact.axioms == ({"integrability"} if operator in ("E", "I", "EI") else set())
    rng, met = np.random.default_rng(6), 0
    for _ in range(40):
        model = random_model(FULL, rng, 0, 2)
        if op == "==":
            model.scalars["p"], model.scalars["m"] = model.scalars["p"] * 0, model.scalars["m"] * 0 + 1
            model.scalars["n"], model.scalars["c"] = model.scalars["n"] * 0 + 1, model.scalars["c"] * 0
            model.scalars["s"] = model.scalars["s"] * 0
        else:
            for name in ("p", "s", "n", "c"):
                model.scalars[name] = model.scalars[name] + 2
            if operator == "I":
                model.scalars["t"] = model.scalars["t"] + 1
        met += model.tests(fact)
    assert met >= (1 if operator == "Si" and op == "==" else 10)


def test_component_needs_all_summands() -> None:
    kernel = Kernel(FULL)
    for operator, t in (
        ("S", x("p") * x("g")),
        ("S", x("z")),
        ("C", x("m") ** 2 * x("a")),
        ("C", x("c")),
        ("S", x("c")),
    ):
        fact = kernel.component(operator, kernel.assume(num(0).le(t)))
        assert fact.sealed == (set() if t == x("c") else set(fact.hypotheses))
        always(fact, 7, low=0)
        alone = kernel.component(operator, kernel.certify(num(0).le(t**2), sum=[(Fraction(1), (), (t,))]))
        always(alone, 8)
    rng, claim = np.random.default_rng(9), x("p").le(under("S", x("p")))
    assert not all(random_model(FULL, rng).holds(claim).all() for _ in range(5))


def test_inverse_cut_instantiate() -> None:
    kernel, c, g = Kernel(FULL), x("c"), x("g")
    for premise in (num(0).lt(c - 1), c.lt(1), Relation(("!=", 1 - c, num(0))), (c - 1).lt(0)):
        always(kernel.inverse(c - 1, kernel.assume(premise)), 10, 40)
        fact = kernel.instantiate(kernel.inverse(c - 1, kernel.assume(premise)), "c", g * x("p"))
        assert not fact.sealed
        always(fact, 11, 40)
    signs = [kernel.assume(num(0).le(c)), kernel.assume(num(0).le(g))]
    main = kernel.certify(num(0).le(c * g), signs, sum=[(Fraction(1), (0, 1), ())])
    lemma = kernel.certify(num(0).le(g), [kernel.assume(x("h").le(g)), kernel.assume(num(0).le(x("h")))], sum=[
        (Fraction(1), (0,), ()), (Fraction(1), (1,), ())])  # fmt: skip
    cut = kernel.cut(main, lemma)
    assert len(cut.hypotheses) == 3
    always(cut, 12)
    sealed = kernel.cut(kernel.monotone("E", main), lemma)
    assert {h.op for k, h in sealed.hypotheses.items() if k not in sealed.sealed} == {"<="}
    assert len(sealed.sealed) == 2
    always(sealed, 13, low=0)


FUNCTION_LAWS = {
    "abs_square": ([], 1), "abs_nonneg": ([], 1), "abs_of_positive": (["0<=0"], 1), "abs_of_negative": (["0<=z"], 1),
    "sqrt_nonneg": ([], 1), "sqrt_of_square": (["0<=0"], 1), "sqrt_square": (["0<=0"], 1), "exp_positive": ([], 1),
    "log_exp": ([], 1), "exp_log": (["0<0"], 1), "exp_add": ([], 2), "log_mul": (["0<0", "0<1"], 2),
    **{f"monotone:{f}": (["0<=1!"], 2) for f in ("exp", "atan", "erf", "tanh")},
    "monotone:log": (["0<0", "0<=1!"], 2), "monotone:sqrt": (["0<=0", "0<=1!"], 2),
}  # fmt: skip


@pytest.mark.parametrize("strict", mostly_slow([True, False]))
@pytest.mark.parametrize("law", FUNCTION_LAWS)
def test_function_laws(law: str, strict: bool) -> None:
    """At random values, 0 and negative ones included, in floating point up to 1e-9."""
    kernel, needs, args = Kernel(FULL), FUNCTION_LAWS[law][0], [x("g"), x("h")][: FUNCTION_LAWS[law][1]]
    premises = []
    for need in needs:
        if need.endswith("!"):
            premises.append(kernel.assume(args[0].lt(args[1]) if strict else args[0].le(args[1])))
        elif need == "0<=z":
            premises.append(kernel.assume(args[0].lt(0) if strict else args[0].le(0)))
        else:
            t = args[int(need[-1])]
            premises.append(kernel.assume(num(0).lt(t) if strict or "=" not in need else num(0).le(t)))
    fact = kernel.function(law, args, premises)
    assert fact.claim.op != "<" or law == "exp_positive" or (strict and law.startswith("monotone"))
    rng = np.random.default_rng(14)
    assert sum(random_model(FULL, rng, -3, 4, 2).tests(fact) for _ in range(80)) >= 8
    if premises:
        with pytest.raises(ProofError, match="premises where the rule has"):
            kernel.function(law, args, premises[1:])


@pytest.mark.parametrize("name, f, bound, slope", [
    ("atan", math.atan, Fraction(11, 7), 1), ("tanh", math.tanh, 1, 1), ("clip", lambda v: max(-1, min(1, v)), 1, 1),
    ("twice tanh", lambda v: 2 * math.tanh(v), 2, Fraction(2)),
])  # fmt: skip
def test_declared_properties(name: str, f: Any, bound: Any, slope: Any) -> None:
    """Instances for functions that have the properties: odd, rising, concave on the right, bounded, under a line."""
    properties = {"odd": True, "nondecreasing": True, "concave_right": True, "bounded": num(bound), "slope": num(slope)}
    context = Context({"s": "random", "t": "random", "a": "random", "c": "const"}, functions={"F": properties})
    kernel, (s, t, a) = Kernel(context), xs("s t a")
    signs = [kernel.assume(r) for r in (num(0).le(s), num(0).le(t), num(0).le(a), a.le(1))]
    facts = [
        kernel.declared("F", "odd", [s]), kernel.declared("F", "bounded", [s]), kernel.declared("F", "bounded_below", [s]),
        kernel.declared("F", "nondecreasing", [s, t], [kernel.assume(s.le(t))]), kernel.declared("F", "slope", [t], [signs[1]]),
        kernel.declared("F", "concave_right", [s, t, a], signs),
    ]  # fmt: skip
    rng, met = np.random.default_rng(15), 0
    for _ in range(60):
        model = random_model(context, rng, -4, 7, 3, functions={"F": f})
        model.scalars["a"] = model.scalars["a"] / 2
        met += sum(model.tests(fact) for fact in facts)
    assert met > 200, name


def test_ball_at_random_terms() -> None:
    """1 - exp(-y) >= 0 and 2 y - tanh(y) >= 0 for 0 <= y, claimed at y = g^2 p - a wherever that is >= 0."""
    from sdescent.derive.proof.search.one_variable import find

    kernel, at = Kernel(FULL), x("g") ** 2 * x("p") - x("a")
    premise = kernel.assume(num(0).le(at))
    for phi in (1 - fn("exp", -x("y")), 2 * x("y") - fn("tanh", x("y")), x("y") ** 2 - x("y") + 1):
        found = find(phi, "y", Fraction(0), None, False, 5.0)
        assert found is not None
        always(kernel.ball({**found, "variable": "y", "at": at}, [premise]), 16)
