"""A memory that is a number: its facts against the method carried out, what is proved and refuted, and what is refused."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.proof.language.terms import Term, norm, vec, x
from sdescent.derive.proof.replay.check import replay_object
from sdescent.derive.theorems.bounds.answer import Answer, decide
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry.instances import holds, value
from sdescent.derive.theorems.prose.proof import Proof
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.reports.document.proofs import Markdown
from tests.support.samples import mostly_slow

RULE = {"scalar_memory": ["B"], "update": ["B = sqrt(B^2 + norm(G)^2)", "x = x - eta*G/B"]}
NORM: dict[str, Any] = {
    "noise": "none", "clients": 1, "assume": ["smooth: L", "L > 0"], "V": "B + (f - fstar)/eta - eta*L*log(B)",
    "claim": "change <= 0", "method": RULE,
}  # fmt: skip
BOUND = "E(B_K) <= 2*B_0 + 2*(f_0 - fstar)/eta + 2*eta*L*(log(2*eta*L) - log(B_0) - 1)"
HORIZON = {**NORM, "step": "change <= 0", "claim": BOUND, "conclude": "telescope"}
HALF = {
    **NORM,
    "V": "B/2 + (f - fstar)/eta - eta*L*log(B)",
    "step": "change <= -G^2/(2*B_next)",
    "conclude": "telescope",
}
#: a rule, and numbers B and G at which its next value and the step are rational
RULES: dict[str, tuple[dict[str, Any], Any, tuple[int, int]]] = {
    "root": (RULE, lambda B, G: (_root(B**2 + G**2), 1 / _root(B**2 + G**2)), (3, 4)),
    "before the step": (
        {"scalar_memory": ["B"], "update": ["x = x - eta*G/B", "B = sqrt(B^2 + norm(G)^2)"]},
        lambda B, G: (_root(B**2 + G**2), 1 / B), (8, 15),
    ),
    "square": (
        {"scalar_memory": ["B"], "update": ["B = B + norm(G)^2", "x = x - eta*G/sqrt(B)"]},
        lambda B, G: (B + G**2, 1 / _root(B + G**2)), (9, 4),
    ),
    "average": (
        {"scalar_memory": ["B"], "update": ["B = a*B + (1-a)*norm(G)^2", "x = x - eta*G/(1 + B)"], "fractions": ["a"]},
        lambda B, G: (B / 4 + 3 * G**2 / 4, 1 / (1 + B / 4 + 3 * G**2 / 4)), (5, 2),
    ),
}  # fmt: skip


def _root(q: Fraction) -> Fraction:
    root = Fraction(math.isqrt(q.numerator), math.isqrt(q.denominator))
    assert root**2 == q
    return root


def answer_of(table: dict[str, Any], seconds: float = 10.0) -> Answer:
    return decide(Stated(table), seconds, repair=False)


@pytest.mark.parametrize("name", RULES)
def test_what_a_theorem_derives_holds_for_the_method_itself(name: str) -> None:
    rule, carried_out, (B, G) = RULES[name]
    eta, state = Fraction(1, 3), Fraction(7)
    after, factor = carried_out(Fraction(B), Fraction(G))
    move = -eta * G * factor
    setting = Stated({**NORM, "V": "B^2 + ||x - xstar||^2 + f - fstar", "method": rule}).setting
    numbers: dict[Term, Any] = {
        x("eta"): eta, x("B"): Fraction(B), x("B_next"): after, x("B_0"): Fraction(2), x("B_K"): Fraction(3),
        x("a"): Fraction(1, 4),
        norm(vec("g")): Fraction(G), norm(vec("e_q")): state,
        **{Term(("dot", vec(v), vec(w))): G * state for v, w in (("e_q", "g"), ("g", "e_q"))},
        Term(("tr", ("m", "S"))): Fraction(0), x("Zsq"): Fraction(0), x("N"): Fraction(1), x("u"): Fraction(1),
    }  # fmt: skip
    changes = {("e_q", "e_q"): (state + move) ** 2 - state**2}
    for key, p in setting.potentials.items():
        if key != "f":
            numbers |= {p.value: state**2, p.change: changes[key]}
    for t, p in setting.functions.items():
        assert t == x("B") ** 2
        numbers |= {p.value: Fraction(B) ** 2, p.change: after**2 - B**2, p.start: Fraction(4), p.end: Fraction(9)}
    of_memory = [
        r for n, r in setting.assumptions.items() if n.startswith("B") and n.partition(" ")[2].startswith("> 0")
    ]
    assert len(of_memory) == 4
    for relation in (*setting.definitions.values(), *of_memory):
        assert holds(relation, numbers), relation
    assert "G > 0" not in setting.assumptions  # B is positive, and so is what divides the gradient
    entry = setting.context.potentials["f"]
    assert sum(Fraction(value(c, numbers)) * G for c, _ in entry["mean"]) == move
    assert Fraction(value(entry["square"], numbers)) == move**2


def test_adagrad_norm_descends_and_its_number_is_bounded() -> None:
    for table in (
        NORM,
        HORIZON,
        HALF,
    ):
        answer = answer_of(table)
        assert answer.status == Verdict.PROVED and answer.certificate is not None, answer.reason
        assert replay_object(answer.certificate)


def test_bounded_numbers_give_the_rate() -> None:
    assume = [*NORM["assume"], "B_next <= c", "K >= 1"]
    claim = "Esum(G^2)/K <= c*(B_0 + 2*(f_0 - fstar)/eta + 2*eta*L*(log(2*eta*L) - log(B_0) - 1))/K"
    assert (
        answer_of({**HALF, "assume": assume, "step": "change <= -G^2/(2*c)", "claim": claim}, 40.0).status
        == Verdict.PROVED
    )


@pytest.mark.parametrize(
    "other",
    [
        {"V": "B + (f - fstar)/eta - eta*L*log(B)/2"}, {"V": "2*B + (f - fstar)/eta - eta*L*log(B)"},
        {"claim": "change <= -G^2/(2*B_next)"}, {"claim": "change <= -eta*L"}, {"V": "B + (f - fstar)/eta"},
        {"method": {**RULE, "update": RULE["update"][::-1]}},
    ],
)  # fmt: skip
def test_false_bounds_on_a_step_are_refuted_by_runs(other: dict[str, Any]) -> None:
    table = {**NORM, **other}
    answer = answer_of(table)
    assert answer.status == Verdict.REFUTED and answer.refuted is not None
    run = answer.refuted.run
    at, (h,), numbers = float(run.start), map(float, run.shape), {n: float(v) for n, v in run.constants.items()}
    eta, L, B, G = numbers["eta"], numbers["L"], numbers["B_0"], h * at
    after = math.hypot(B, G)
    end = at - eta * G / (after if table["method"] is RULE else B)

    def V(place: float, B: float) -> float:
        return eval(
            table["V"].replace("^", "**"),
            {"B": B, "f": h * place**2 / 2, "fstar": 0, "eta": eta, "L": L, "log": math.log},
        )

    bound = {"change <= 0": 0.0, "change <= -G^2/(2*B_next)": -(G**2) / (2 * after), "change <= -eta*L": -eta * L}[
        table["claim"]
    ]
    assert 0 <= h <= L and B > 0
    assert V(end, after) - V(at, B) > bound + 1e-12


@pytest.mark.parametrize(
    "claim",
    mostly_slow([
        BOUND.replace("- 1)", "- 2)"), BOUND.replace("2*B_0 + 2", "B_0 + 2"), BOUND.replace("+ 2*(f_0", "+ (f_0"),
        "E(B_K) <= B_0 + (f_0 - fstar)/eta", "E(B_K) - eta*L*E(log(B_K))/2 <= B_0 + (f_0 - fstar)/eta - eta*L*log(B_0)/2",
    ]),
)  # fmt: skip
def test_stronger_claims_at_the_horizon_are_not_proved(claim: str) -> None:
    assert answer_of({**HORIZON, "claim": claim}, 3.0).status == Verdict.UNDECIDED


def test_the_bound_holds_along_runs() -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        h, at, eta, B = np.exp(2 * random.normal(size=4))
        start, place, first = h * at**2 / 2, at, B
        for _ in range(200):
            B = math.hypot(B, h * place)
            place -= eta * h * place / B
            assert 2 * first + 2 * start / eta + 2 * eta * h * (math.log(2 * eta * h / first) - 1) + 1e-9 >= B


def test_a_number_that_need_not_stay_positive_is_refused() -> None:
    for line in (
        "B = B - norm(G)^2",
        "B = norm(G)",
        "B = B*norm(G)",
        "B = sqrt(B^2 + norm(m)^2)",
        "B = B + coin(p)^2",
        "B = B*(f - fstar)",
    ):
        method = {"memory": {"m": 0}, "scalar_memory": ["B"], "update": [line, "m = m/2 + G", "x = x - eta*m"]}
        with pytest.raises((BadInput, Refusal), match=r"shown to be positive|does not divide by that length"):
            Stated({**NORM, "V": "f - fstar", "method": method})


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"noise": "any"}, "length"), ({"method": {**RULE, "update": ["B = B*G", "x = x - eta*G"]}}, "vector in place of a number"),
        ({"V": "f + B_next"}, "V"), ({"V": "f*B"}, "V"), ({"V": "f + log(B/2)/L + log(B*L)"}, "V"),
        ({**HORIZON, "claim": "B_K <= 2"}, "E\\(B_K\\)"), ({"assume": ["smooth: L", "B_K <= 2"]}, "E\\(B_K\\)"),
        ({"method": {"scalar_memory": ["b"], "update": ["b = b + norm(G)^2", "x = x - eta*G/b"]}}, "another name"),
        ({"method": {"scalar_memory": ["B"], "update": ["B = B + B_next", "x = x - eta*G/B"]}}, "another name"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_for_a_number_is_refused(other: dict[str, Any], words: str) -> None:
    with pytest.raises((BadInput, Refusal), match=words):
        Stated({**NORM, **other})


def test_a_logarithm_needs_its_number_in_V() -> None:
    answer = answer_of(
        {**HORIZON, "V": "(f - fstar)/eta - eta*L*log(B)", "claim": "E(f_K) - fstar <= f_0 - fstar"}, 20.0
    )
    assert answer.status == Verdict.UNDECIDED and "a positive multiple of B" in answer.reason
    assert (
        answer_of(
            {**HORIZON, "V": "f - fstar + log(B)", "step": "change <= G^2/B^2", "claim": "E(f_K) <= f_0"}, 5.0
        ).status
        != Verdict.PROVED
    )


def test_such_methods_have_no_runs_and_no_equation() -> None:
    method = sd.Method(scalar_memory=["B"], update=RULE["update"], clients=1)
    with pytest.raises(Refusal, match="scalar_memory"):
        sd.sde(method)
    with pytest.raises(BadInput, match="a list of letters"):
        sd.Method(scalar_memory="B", update=RULE["update"], clients=1)


def test_the_proof_in_words_says_log_t_at_most_t_minus_one() -> None:
    stated = Stated(HORIZON)
    certificate = answer_of(HORIZON).certificate
    assert certificate is not None
    text = Markdown().text(Proof(stated, certificate).document)
    assert text.count(r"Since $\log t\le t-1$ for $t>0$") == 2 and "_q" not in text and "mathit" not in text
