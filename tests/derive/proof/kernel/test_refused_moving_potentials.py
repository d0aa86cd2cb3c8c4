"""What the rules about steps and potentials that move refuse in the kernel, side condition by side condition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Relation, Term, dot, fn, norm, num, under, vec, x, xi, xs

ENDS = {"change": "dV", "end": "VT", "start": "V0"}
OTHER = {"change": "dU", "end": "UT", "start": "U0"}
L0, L1, eta, c, k, b, T, V, U, dV, VT, X, Y, t, al, be, y, p, z, m = xs(
    "L0 L1 eta c k b T V U dV VT X Y t al be y p z m"
)
ZERO, ONE = num(0), num(1)
SYMBOLS = {
    **dict.fromkeys(("L0", "L1", "eta", "c", "k", "b", "T", "d", "N", "V0", "U0"), "const"),
    **dict.fromkeys(("V", "U", "dV", "dU", "X", "Y", "y"), "random"), "VT": "rv", "UT": "rv", "t": "clock", "al": "time",
    "be": "time",
    "p": "coord", "z": "detcoord", "m": "client",
}  # fmt: skip
STEP = ENDS | {
    "gradient": "g", "smoothness": (L0, L1), "mean": ((-eta, ("v", "g")), (X, ("v", "h"))), "square": eta**2 * Y, "radius": eta * X,
}  # fmt: skip
FULL = Context(
    SYMBOLS, ("g", "h"), {"H": ("psd",)}, {"F": {"odd": True}}, "T", "d", "N", {"V": STEP, "U": OTHER}, steps=True,
)  # fmt: skip
SMOOTH = {"gradient": "g", "hessian": "H", "end": "VT", "start": "V0", "smooth": True, "drift": (), "diffusion": ()}
FLOWS = replace(FULL, steps=False, potentials={"V": ENDS, "U": OTHER})
K, C = Kernel(FULL), Kernel(FLOWS)
WHOLE = [(ONE, "V"), (c, "U")]
W, CHANGE = V + c * U, dV + c * x("dU")
#: terms that are not of one outcome and time: at the end, of a coordinate, of a client, also where they are times 0
AHEAD = (VT, 0 * VT, X + VT - VT, under("E", VT), fn("exp", x("UT")), p, z, m, xi("p"), 0 * p, 0 * m, under("S", VT))


def given(*relations: Relation, kernel: Kernel = K) -> list[Fact]:
    return [kernel.assume(relation) for relation in relations]


def raises(message: str, make: Callable[..., Any], *args: Any, **more: Any) -> None:
    with pytest.raises(ProofError, match=message):
        make(*args, **more)


# --- contexts


def stepping(**changed: Any) -> Context:
    return replace(FULL, potentials={"V": STEP | changed, "U": OTHER})


@pytest.mark.parametrize("term", AHEAD)
def test_a_step_does_not_look_ahead(term: Term) -> None:
    for changed in (
        {"square": term},
        {"radius": term},
        {"mean": ((term, ("v", "g")),)},
        {"smoothness": (term, L1)},
        {"smoothness": (L0, term)},
    ):
        raises("processes|look ahead|constants", stepping, **changed)


@pytest.mark.parametrize("changed", [
    {"smoothness": (L0,)}, {"smoothness": (L0, L1, L1)}, {"smoothness": ()}, {"smoothness": (X, L1)}, {"smoothness": (L0, al)},
    {"smoothness": (L0, X - X)}, {"smoothness": (fn("exp", L0), L1)}, {"smoothness": (L0, norm(vec("g")))},
    {"smoothness": (under("E", L0), L1)},
    {"smoothness": (Term(("pi",)), L1)}, {"smoothness": None}, {"square": None}, {"square": num}, {"radius": 0}, {"radius": "eta"},
    {"mean": ((eta, ("m", "H")),)}, {"mean": ((eta, ("v", "nope")),)}, {"mean": ((eta, ("v", "V")),)}, {"gradient": "H"},
    {"gradient": "V"},
    {"change": "V"}, {"change": "VT"}, {"change": "eta"}, {"change": "g"}, {"change": None}, {"end": "V"}, {"end": "V0"},
    {"start": "VT"},
    {"start": "V"}, {"smooth": True}, {"drift": ()},
])  # fmt: skip
def test_what_is_said_of_a_step(changed: dict[str, Any]) -> None:
    with pytest.raises(ProofError):
        stepping(**changed)


def test_each_kind_of_time_has_its_potentials() -> None:
    for steps, entry, fine in (
        (True, STEP, True), (True, ENDS, True), (True, SMOOTH, False), (False, STEP, False), (False, ENDS, True), (False,
            SMOOTH, True),
        (True, {}, False), (True, {"change": "dV"}, False), (True, {k: v for k, v in STEP.items() if k != "radius"}, False),
    ):  # fmt: skip
        if fine:
            replace(FULL, steps=steps, potentials={"V": entry})
        else:
            raises("needs", replace, FULL, steps=steps, potentials={"V": entry})


# --- descent


SIGN, REACH = given(ZERO.le(L1), (L1 * eta * X).le(Y))


def descent(potential: str = "V", reach: Term = Y, premises: Any = (SIGN, REACH)) -> Fact:
    return K.descent(potential, reach, premises)


def test_descent_says_what_it_should_and_seals_nothing() -> None:
    fact = descent()
    slope = -eta * dot(vec("g"), vec("g")) + X * dot(vec("g"), vec("h"))
    claim = dV.le(slope + (L0 + L1 * norm(vec("g"))) * (eta**2 * Y) * fn("psi", Y))
    assert K.normal.key(fact.claim) == K.normal.key(claim) and not fact.sealed and not fact.axioms
    assert set(fact.hypotheses) == set(SIGN.hypotheses) | set(REACH.hypotheses)
    K.instantiate(descent(reach=k, premises=[SIGN, *given((L1 * eta * X).le(k))]), "k", X)


#: what is wrong, what is put for it, the message
DESCENT = [
    ("V has no step", {"potential": "U"}, "step is declared"),
    ("V is the change", {"potential": "dV"}, "step is declared"),
    ("V is not declared", {"potential": "nope"}, "step is declared"),
    *[(f"reach {n}", {"reach": term}, "reach c") for n, term in enumerate(AHEAD)],
    ("no premises", {"premises": []}, "0 premises"),
    ("no reach", {"premises": [SIGN]}, "1 premises"),
    ("premises in another order", {"premises": [REACH, SIGN]}, "rule needs"),
    ("a premise too many", {"premises": [SIGN, REACH, REACH]}, "3 premises"),
    ("the sign twice", {"premises": [SIGN, SIGN]}, "rule needs"),
    ("half the reach", {"reach": Y / 2}, "rule needs"),
    ("reach 0", {"reach": ZERO}, "rule needs"),
    ("a reach that is less by little", {"reach": Y - num("1/1000")}, "rule needs"),
    ("L1 <= 0", {"premises": [K.assume(L1.le(0)), REACH]}, "rule needs"),
    ("L1 is 0", {"premises": [K.assume(ZERO.eq(L1)), REACH]}, "rule needs"),
    ("L1 >= -1", {"premises": [K.assume(num(-1).le(L1)), REACH]}, "rule needs"),
    ("the sign of L0", {"premises": [K.assume(ZERO.le(L0)), REACH]}, "rule needs"),
    ("a shorter step", {"premises": [SIGN, K.assume((L1 * eta).le(Y))]}, "rule needs"),
    ("a reach without L1", {"premises": [SIGN, K.assume((eta * X).le(Y))]}, "rule needs"),
    ("a reach from below", {"premises": [SIGN, K.assume(Y.le(L1 * eta * X))]}, "rule needs"),
    ("an equal reach", {"premises": [SIGN, K.assume((L1 * eta * X).eq(Y))]}, "rule needs"),
    ("the mean of the reach", {"premises": [SIGN, K.assume(under("E", L1 * eta * X).le(Y))]}, "rule needs"),
]


@pytest.mark.parametrize("wrong, changed, message", DESCENT, ids=[row[0] for row in DESCENT])
def test_what_descent_needs(wrong: str, changed: dict[str, Any], message: str) -> None:
    raises(message, lambda: descent(**changed))


def test_steps_without_a_bound_are_for_smooth_functions_alone() -> None:
    plain = Kernel(stepping(radius=None, smoothness=(L0, ZERO)))
    assert plain.normal.key(plain.descent("V", ZERO).claim) == plain.normal.key(plain.descent("V", L1 - L1).claim)
    raises("steps of any length", plain.descent, "V", ONE)
    raises("steps of any length", plain.descent, "V", -L1)
    raises("1 premises", plain.descent, "V", ZERO, given(ZERO.le(1), kernel=plain))
    for second in (L1, ONE, num(-1), 0 * L1 + num("1/9")):
        kernel = Kernel(stepping(radius=None, smoothness=(L0, second)))
        raises("steps of any length", kernel.descent, "V", ZERO)
        raises("2 premises", kernel.descent, "V", ZERO, given(ZERO.le(0), ZERO.le(0), kernel=kernel))
    moving = Kernel(replace(FULL, potentials={"V": ENDS}))
    raises("step is declared", moving.descent, "V", ZERO)
    raises("step is declared", C.descent, "V", ZERO)


@pytest.mark.parametrize("name", ["L0", "L1", "eta", "V0", "U0", "T", "d", "N", "X", "t", "VT", "V"])
def test_no_instances_of_what_a_step_declares(name: str) -> None:
    """L0 := 0 after descent would make every V linear; eta := 0 every step of length 0."""
    for value in (ZERO, X):
        raises("not a free constant", K.instantiate, descent(), name, value)
    K.instantiate(descent(), "k", X)


# --- telescope


BELOW = K.assume(b.le(W))


@pytest.mark.parametrize("below", [
    Y.le(W), al.le(W), t.le(W), VT.le(W), z.le(W), under("E", VT).le(W), fn("exp", b).le(W), Term(("pi",)).le(W),
    (b + 0 * X).le(W), b.eq(W),
    W.le(b), b.le(2 * W), b.le(V), b.le(V - c * U), b.le(VT + c * x("UT")), Relation(("!=", b - W, ZERO)), b.le(under("E", W)),
])  # fmt: skip
def test_the_bound_from_below(below: Relation) -> None:
    assert K.telescope(WHOLE, [BELOW]).sealed == set(BELOW.hypotheses)
    for make in (
        lambda: K.telescope(WHOLE, given(below)),
        lambda: K.decay(WHOLE, k, b, [*given(below), *FALLS[1:]]),
    ):  # fmt: skip
        raises("bound c <= W|rule needs", make)


@pytest.mark.parametrize("weight", [
    X, al, t, VT, z, p, m, under("E", X), under("I", al), under("E", num(1)), fn("exp", c), fn("sqrt", num(2)), Term(("pi",)),
    c + 0 * X,
    X - X, norm(vec("g")), xi("p"), 0 * VT,
])  # fmt: skip
def test_weights_are_constants(weight: Term) -> None:
    whole, kernels = [(ONE, "V"), (weight, "U")], ((K, 4), (C, 3))
    for kernel, count in kernels:
        below = kernel.assume(b.le(V + weight * U))
        for make in (
            lambda kernel=kernel, below=below: kernel.telescope(whole, [below]),
            lambda kernel=kernel, below=below, count=count: kernel.decay(whole, k, b, [below] * count),
            lambda kernel=kernel, below=below: kernel.summable(whole, al, be, y, [below] * 5),
        ):  # fmt: skip
            raises("weight of U is not a constant", make)


@pytest.mark.parametrize("whole, message", [
    ([], "nonempty"), ((), "nonempty"), ([(ONE, "dV")], "no change for"), ([(ONE, "nope")], "no change for"),
    ([(ONE, "g")], "no change for"), ([(ONE, "VT")], "no change for"), ([(ONE,)], "pairs"), ([("V", ONE)], "not a name"),
    ([ONE], "not exact|pairs"), ([(1, "V")], "not a term"), ([(ONE, "V", "U")], "pairs"), (["V"], "pairs"),
    ([(ONE, 3)], "not a name"), ("V", "pairs"), (None, "pairs"), ([(1.5, "V")], "not exact"),
])  # fmt: skip
def test_which_potentials(whole: Any, message: str) -> None:
    for kernel in (K, C):
        raises(message, lambda kernel=kernel: kernel.telescope(whole, given(ZERO.le(V), kernel=kernel)))
    smooth = Kernel(replace(FLOWS, potentials={"V": SMOOTH}))
    raises("no change for", smooth.telescope, [(ONE, "V")], given(ZERO.le(V), kernel=smooth))


def test_a_potential_twice_is_the_sum() -> None:
    """1 V + 2 V is 3 V, and V - V is nothing: of it any c <= 0 is a bound."""
    twice, thrice = (
        K.telescope([(ONE, "V"), (num(2), "V")], given(b.le(3 * V))),
        K.telescope([(num(3), "V")], given(b.le(3 * V))),
    )
    assert K.normal.key(twice.claim) == K.normal.key(thrice.claim)
    raises("rule needs", K.telescope, [(ONE, "V"), (num(2), "V")], given(b.le(V)))
    nothing = K.telescope([(c, "V"), (-c, "V")], [K.certify(ZERO.le(0))])
    assert K.normal.key(nothing.claim) == K.normal.key(ZERO.le(0))


def test_the_number_of_premises() -> None:
    for count in (0, 2):
        raises("premises", K.telescope, WHOLE, [BELOW] * count)
    for kernel, right in ((K, 4), (C, 3)):
        below = kernel.assume(b.le(W))
        for count in {0, 1, 2, 3, 4, 5} - {right}:
            raises("premises", kernel.decay, WHOLE, k, b, [below] * count)
        for count in (0, 1, 4, 6):
            raises("premises", kernel.summable, WHOLE, al, be, y, [below] * count)


# --- decay


FALLS = [BELOW, *given(CHANGE.le(-k * W + b), ZERO.lt(k), k.lt(1))]


def decay(rate: Term = k, offset: Term = b, premises: Any = FALLS) -> Fact:
    return K.decay(WHOLE, rate, offset, premises)


def replaced(place: int, relation: Relation) -> dict[str, Any]:
    return {"premises": [*FALLS[:place], K.assume(relation), *FALLS[place + 1 :]]}


#: what is wrong, what is put for it, the message
DECAY = [
    ("k <= 1", replaced(3, k.le(1)), "rule needs"),
    ("k < 2", replaced(3, k.lt(2)), "rule needs"),
    ("1 < k", replaced(3, ONE.lt(k)), "rule needs"),
    ("k is not 1", replaced(3, Relation(("!=", k - 1, ZERO))), "rule needs"),
    ("0 <= k", replaced(2, ZERO.le(k)), "rule needs"),
    ("k < 0", replaced(2, k.lt(0)), "rule needs"),
    ("-1 < k", replaced(2, num(-1).lt(k)), "rule needs"),
    ("twice the offset", replaced(1, CHANGE.le(-k * W + 2 * b)), "rule needs"),
    ("a rise", replaced(1, CHANGE.le(k * W + b)), "rule needs"),
    ("the change of V alone", replaced(1, dV.le(-k * W + b)), "rule needs"),
    ("the fall of V alone", replaced(1, CHANGE.le(-k * V + b)), "rule needs"),
    ("an equality", replaced(1, (CHANGE + k * W - b).eq(0)), "rule needs"),
    ("the fall of the mean", replaced(1, under("E", CHANGE).le(-k * under("E", W) + b)), "rule needs"),
    ("premises in another order", {"premises": [FALLS[0], FALLS[1], FALLS[3], FALLS[2]]}, "rule needs"),
    ("twice the rate", {"rate": 2 * k}, "rule needs"),
    ("the rate 1", {"rate": ONE}, "rule needs"),
    ("no offset", {"offset": ZERO}, "rule needs"),
    *[(f"rate {n}", {"rate": term}, "constants") for n, term in enumerate(
        (X, al, t, VT, p, z, m, xi("p"), k + X, norm(vec("g")), under("E", p)))],
    *[(f"offset {n}", {"offset": term}, "constants") for n, term in enumerate((X, al, t, VT, p, z, m, under("S", X), b * al))],
]  # fmt: skip


@pytest.mark.parametrize("wrong, changed, message", DECAY, ids=[row[0] for row in DECAY])
def test_what_decay_needs(wrong: str, changed: dict[str, Any], message: str) -> None:
    assert decay().sealed == set(decay().hypotheses) and decay().axioms == {"integrability"}
    raises(message, lambda: decay(**changed))


def test_decay_needs_a_horizon() -> None:
    kernel = Kernel(replace(FULL, horizon=None))
    premises = given(b.le(W), CHANGE.le(-k * W + b), ZERO.lt(k), k.lt(1), kernel=kernel)
    raises("no horizon", kernel.decay, WHOLE, k, b, premises)
    assert len(C.decay(WHOLE, k, b, given(b.le(W), CHANGE.le(-k * W + b), ZERO.lt(k), kernel=C)).axioms) == 4


# --- summable


NEEDS = (W.ge(0), CHANGE.le(al * W + be - y), al.ge(0), be.ge(0), y.ge(0))


@pytest.mark.parametrize("kernel", [K, C], ids=["steps", "flow"])
def test_what_summable_needs(kernel: Kernel) -> None:
    facts = given(*NEEDS, kernel=kernel)
    fact = kernel.summable(WHOLE, al, be, y, facts)
    assert fact.sealed == set(fact.hypotheses) and ("fatou" in fact.axioms) == (kernel is C)
    weaker = (W.ge(-1), CHANGE.le(al * W + be), al.le(0), be.ge(-1), y.ge(-1))
    for n, relation in enumerate(weaker):
        wrong = [*facts[:n], kernel.assume(relation), *facts[n + 1 :]]
        raises("rule needs", kernel.summable, WHOLE, al, be, y, wrong)
    for other in ((0, 1, 3, 2, 4), (0, 1, 2, 4, 3), (1, 0, 2, 3, 4)):
        raises("rule needs", kernel.summable, WHOLE, al, be, y, [facts[n] for n in other])
    for wrong in (X, al + X - X, VT, under("E", VT), 0 * VT, p, z, m, 0 * m, norm(vec("g"))):
        for a, f in ((wrong, be), (al, wrong)):
            about = given(W.ge(0), CHANGE.le(a * W + f - y), a.ge(0), f.ge(0), y.ge(0), kernel=kernel)
            raises("growth and floor", kernel.summable, WHOLE, a, f, y, about)
    for wrong in AHEAD:
        about = given(W.ge(0), CHANGE.le(al * W + be - wrong), al.ge(0), be.ge(0), wrong.ge(0), kernel=kernel)
        raises("the drop", kernel.summable, WHOLE, al, be, wrong, about)


# --- summation, and the rules of an interval


@pytest.mark.parametrize("primitive", [
    X * t, al * t, VT, V, norm(vec("g")) * t, dot(vec("g"), vec("h")), under("E", t), under("I", t) * t, under("EI", ONE),
    under("S", t),
    under("C", t), p, z, m, xi("p"), 0 * X + t, X - X, Term(("quad", ("m", "H"), ("v", "g"))), Term(("tr", ("m", "H"))),
    fn("exp", X),
    Term(("F", "F", X)), x("V0") + X,
])  # fmt: skip
def test_what_a_primitive_of_a_sum_is(primitive: Term) -> None:
    """The step of norm(g) t is not norm(g), since g moves too."""
    raises("made of the time and constants", K.summation, "t", primitive)


def test_what_summation_needs() -> None:
    odd = K.summation("t", Term(("F", "F", t * c)))
    shown = under("I", Term(("F", "F", (t + 1) * c)) - Term(("F", "F", t * c))).eq(
        Term(("F", "F", T * c)) - Term(("F", "F", ZERO))
    )
    assert K.normal.key(odd.claim) == K.normal.key(shown) and not odd.hypotheses and not odd.axioms
    for time in ("al", "T", "c", "X", "nope"):
        raises("needs time that is steps", K.summation, time, t**2)
    raises("needs time", C.summation, "t", t**2)
    raises("needs time", Kernel(replace(FULL, horizon=None)).summation, "t", t**2)
    raises("not a term", K.summation, "t", x("nope"))
    raises("not a term", K.summation, "t", 3)  # pyright: ignore


def test_rules_of_an_interval_are_refused_in_steps() -> None:
    """The sum of 2n over n < T is not T^2, and what moves has no second derivative."""
    one = given(ONE.eq(1), kernel=K)
    raises("time is steps", K.primitive, "t", t, ONE, one)
    for kernel in (K, C):
        below = given(ZERO.le(V), kernel=kernel)
        raises(r"C\^2", kernel.ito, "V", below)
        raises(r"C\^2", kernel.gronwall, "V", k, b, [*below, *below, *below])


def test_what_was_used_along_paths_is_not_split_or_instantiated() -> None:
    fact = K.telescope(WHOLE, [BELOW])
    raises("has no instances", K.instantiate, fact, "k", X)
    other = K.certify(fact.claim, given(W.le(b), fact.claim), sum=[(Fraction(1), (1,), ())])
    raises("under an expectation", K.cases, b.le(W), fact, other)
