"""A theorem whose time is steps: what it says of itself in text and LaTeX, what it declares, and how a step that fails is named."""

from dataclasses import replace
from fractions import Fraction

import pytest

from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import MOVING, Context
from sdescent.derive.proof.language.terms import Term, fn, norm, num, vec, x, xs
from sdescent.derive.proof.language.text import Printer
from sdescent.derive.theorems.entry.checking import METHOD, STATED, about, check
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from sdescent.derive.vocabulary.verdicts import Verdict

eta, L, m, low, s, f, Af, K = xs("eta L m low s f Af K")
G = norm(vec("g"))
POTENTIAL = {
    "change": "Af", "end": "fT", "start": "f0", "gradient": "g", "smoothness": (L, num(0)), "mean": ((-eta, vec("g")),),
    "square": eta**2 * (G**2 + s), "radius": None,
}  # fmt: skip
SYMBOLS = {
    **dict.fromkeys(["eta", "L", "m", "K", "low", "f0", "s"], "const"),
    "f": "random",
    "Af": "random",
    "fT": "rv",
}
CONTEXT = Context(SYMBOLS, ("g",), horizon="K", steps=True, potentials={"f": POTENTIAL})
FLOOR = eta * m * low + L * eta**2 * s / 2
GIVEN = {
    "eta > 0": num(0).lt(eta), "L": num(0).le(L), "small steps": (eta * L).le(1),
    "gradient domination": (2 * m * (f - low)).le(G**2), "f >= low": low.le(f),
    "k > 0": num(0).lt(eta * m), "k < 1": (eta * m).lt(1),
}  # fmt: skip


def contracts(w: Derivation, floor: Term = FLOOR) -> Fact:
    step = w.step("descent lemma", w.kernel.descent("f", num(0)))
    fall = w.have(
        "the fall in a step", Af.le(-(eta * m) * f + floor), step, "eta > 0", "L", "small steps", "gradient domination"
    )
    return w.step(
        "decay", w.kernel.decay([(num(1), "f")], eta * m, FLOOR, [w["f >= low"], fall, w["k > 0"], w["k < 1"]])
    )


POINT = {eta: Fraction(1, 2), L: 1, m: 1, K: 1, low: 0, x("f0"): 0, f: 0, G: 0, s: 0, x("fT"): 0}
THEOREM = Theorem("own-steps", "The method contracts", "ours", CONTEXT, GIVEN, contracts, None, point=POINT)


def test_a_context_with_steps_is_about_the_method_and_says_what_it_took_of_a_step():
    found = check(THEOREM)
    assert (found.status, found.about, found.axioms) == ("PROVED", METHOD, ("integrability",))
    assert [d["text"] for d in found.declared] == [
        "f is C^2 with the gradient g, and ||Hess f|| <= L everywhere",
        "a step D of the method has the mean -eta g and E||D||^2 <= eta^2*(||g||^2 + s), given the past",
        "Af is E f(X_(n+1)) - f(X_n) given the past, X_n the state at step n",
    ]
    assert found.declared[0]["latex"] == r"$f$ is $C^2$ with the gradient $g$, and $\|\nabla^2 f\|\le L$ everywhere"
    assert "(1 - eta*m)^K" in found.steps[-1]["plain"] and r"\left(1-\eta\,m\right)^{K}" in found.steps[-1]["latex"]


def test_only_what_the_proof_used_is_declared():
    """Without the descent lemma no bound of a step is; with a bound on its length that is said, and both constants are."""

    def changes(w: Derivation) -> Fact:
        return w.step("sum", w.kernel.telescope([(num(1), "f")], [w["f >= low"]]))

    assert [d["text"][:5] for d in check(replace(THEOREM, prove=changes)).declared] == ["Af is"]
    bound = {"f": {**POTENTIAL, "smoothness": (L, s), "radius": eta}}
    bounded = Context(SYMBOLS, ("g",), horizon="K", steps=True, potentials=bound)
    given = {**GIVEN, "s": num(0).le(s), "reach": (s * eta).le(m)}

    def descends(w: Derivation) -> Fact:
        return w.step("descent lemma", w.kernel.descent("f", m, [w["s"], w["reach"]]))

    said = [d["text"] for d in check(replace(THEOREM, context=bounded, assumptions=given, prove=descends)).declared]
    assert "||Hess f|| <= L + s*||g|| everywhere" in said[0] and said[2] == "||D|| <= eta almost surely"


def test_a_generator_that_is_named_is_about_an_equation():
    moving = {key: POTENTIAL[key] for key in MOVING}
    flow = replace(THEOREM, context=Context(SYMBOLS, ("g",), horizon="K", potentials={"f": moving}))

    def changes(w: Derivation) -> Fact:
        return w.step("sum", w.kernel.telescope([(num(1), "f")], [w["f >= low"]]))

    found = check(replace(flow, prove=changes))
    assert found.about == STATED and "weak-existence" in found.axioms
    assert (
        found.declared[0]["text"] == "f is C^2, and Af is L f, the generator of the Ito equation that the state solves"
    )
    assert "\\int_0^T" in found.steps[0]["latex"] and "EI(1*Af)" in found.steps[0]["plain"]
    # and where time is an interval and no solution is taken for granted, what is in the claim decides
    assert about(flow, Af.le(0), ()) == STATED != about(flow, L.le(0), ()) and about(THEOREM, L.le(0), ()) == METHOD


def test_plain_text_has_powers_of_what_is_shown_positive_alone():
    """With log(t) = 0 for t <= 0, exp(K log(1 - k)) is 1 and not (1 - k)^K where k >= 1."""
    t = fn("exp", K * fn("log", 1 - m)) + fn("exp", K * fn("log", 1 - L))
    assert Printer(CONTEXT, lambda base: base == 1 - m).term(t) == "(1 - m)^K + exp(K*log(1 - L))"


@pytest.mark.parametrize("right", [False, True])
def test_a_step_that_fails_is_named_and_what_is_left_over_is_shown(right: bool):
    def fails(w: Derivation) -> Fact:
        step = w.step("descent lemma", w.kernel.descent("f", num(0)))
        claim = Af.le(-(eta * G**2) + L * eta**2 * (G**2 + s) / (2 if right else 3))
        return w.combine("Young's inequality", claim, [(1, [step], ())])

    checked = check(replace(THEOREM, prove=fails))
    left = "(-1/6)*eta^2*L*norm(g)^2 + (-1/6)*eta^2*L*s"
    reason = f'the step "Young\'s inequality" fails: the identity of the certificate does not hold; left over: {left}'
    assert (checked.status, checked.reason) == (("PROVED", "") if right else (Verdict.UNDECIDED, reason))


def test_a_rule_that_fails_outside_of_a_line_is_placed_after_the_last():
    def fails(w: Derivation) -> Fact:
        step = w.step("descent lemma", w.kernel.descent("f", num(0)))
        return w.step(
            "decay", w.kernel.decay([(num(1), "f")], eta * m, FLOOR, [w["f >= low"], step, w["k > 0"], w["k < 1"]])
        )

    reason = check(replace(THEOREM, prove=fails)).reason
    assert (
        reason.startswith("after the step 'descent lemma': a premise says Af <= ")
        and "and the rule needs 1*Af <= " in reason
    )
    searched = check(replace(THEOREM, prove=lambda w: contracts(w, FLOOR / 2)), seconds=0.2).reason
    assert searched.startswith("the step 'the fall in a step' fails: no certificate found for Af <= ")
