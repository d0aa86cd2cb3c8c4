"""Lower bounds and weak approximation: the theorems, and in exact numbers the functions and equations that they are about."""

from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
import sympy as sp

from sdescent.derive.equations import sde as equations
from sdescent.derive.proof.language.terms import Relation, num
from sdescent.derive.proof.replay.check import replay_object
from sdescent.derive.theorems.catalogue import BY_HAND, chosen, entries
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.entry.instances import holds
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.literature import weak_approximation as weak
from sdescent.derive.vocabulary.verdicts import Source
from tests.derive.theorems.test_statements import passes_for_proved

THEOREMS = {id: entry for id, entry in entries(BY_HAND).items() if isinstance(entry, Theorem)}


@pytest.mark.parametrize("id", THEOREMS)
def test_a_theorem_is_proved_and_needs_all_that_it_assumes(id: str) -> None:
    (theorem,) = chosen([id])
    answer = check(theorem)
    assert (answer.status, answer.reason, answer.satisfiability, answer.unused) == ("PROVED", "", "shown", ())
    assert answer.certificate is not None and replay_object(answer.certificate).satisfiability == "shown"
    assert theorem is THEOREMS[id] and theorem.source
    for name, relation in THEOREMS[id].assumptions.items():  # in place of each, what always holds
        nothing = Relation((relation.op, num(0), num(int(relation.op != "=="))))
        weaker = {**THEOREMS[id].assumptions, name: nothing}
        assert check(replace(THEOREMS[id], assumptions=weaker), 1.0).status == "UNDECIDED", name
    assert all(holds(r, THEOREMS[id].point) for r in THEOREMS[id].assumptions.values())


@pytest.mark.parametrize("id", THEOREMS)
def test_no_changed_claim_is_proved(id: str) -> None:
    assert passes_for_proved(THEOREMS[id]) == []


# --- the Huber function

L, START = Fraction(2), Fraction(3)


def huber(x: Fraction, w: Fraction) -> tuple[Fraction, Fraction]:
    """The value and the slope, by the definition in two pieces."""
    if abs(x) <= w:
        return L * x**2 / 2, L * x
    return L * w * abs(x) - L * w**2 / 2, L * w * (1 if x > 0 else -1)


@pytest.mark.parametrize("n", range(1, 11))
def test_gradient_descent_attains_its_lower_bound(n: int) -> None:
    w = START / (2 * n + 1)
    x = START
    for _ in range(n):
        assert huber(x, w)[1] <= L * w
        x -= huber(x, w)[1] / L
    assert x == START - n * w
    assert huber(x, w)[0] == L * START**2 / (4 * n + 2)
    # the tangent that the theorem uses is below f everywhere
    for k in range(-40, 41):
        at = Fraction(k, 7)
        assert L * w * at - L * w**2 / 2 <= huber(at, w)[0]


def test_the_equations_of_the_class_are_those_of_the_huber_function() -> None:
    w = Fraction(3, 4)
    points = [Fraction(k, 5) for k in range(-12, 13)]
    for at in points:
        f, slope = huber(at, w)
        r = at - slope / L
        assert abs(slope) <= L * w and slope * r == L * w * abs(r) and 2 * L * f == slope**2 + 2 * L**2 * w * abs(r)
    for p, q in product(points, points):
        (fp, gp), (fq, gq) = huber(p, w), huber(q, w)
        assert (gp - gq) ** 2 <= 2 * L * (fp - fq - gq * (p - q))
    # with a larger L w in place of the slope it is another function, whose inequality fails
    assert not (0 - 2 * L * w) ** 2 <= 2 * L * (huber(w, w)[0] - huber(2 * w, w)[0] + 2 * L * w * w)


# --- weak approximation


@pytest.mark.parametrize(
    ("model", "order"), [("first-order", 2), ("corrected", 2), pytest.param("second-order", 3, marks=pytest.mark.slow)]
)
def test_no_model_has_a_higher_order_than_its_own(model: Any, order: int) -> None:
    answer = check(weak.local(model, order))
    assert answer.status == "UNDECIDED" and "left over" in answer.reason


@pytest.mark.parametrize(("model", "sign"), [("first-order", 0), ("corrected", -1), ("second-order", 1)])
def test_the_moments_are_those_of_the_equation_of_ornstein_and_uhlenbeck(model: Any, sign: int) -> None:
    """On h x^2/2 the SDE is linear, so its mean and variance are known in closed form."""
    order = 2 if model == "second-order" else 1
    h, x, eta, sigma, N = (*sp.symbols("h x"), weak.eta, sp.Symbol("sigma", positive=True), weak.N)
    values = dict(zip(weak.SLOPES, [h * x, h, *[0] * 5], strict=True))
    rate = h + sign * eta * h**2 / 2
    mean = x * (sp.exp(-rate * eta) - 1)
    spread = eta * sigma**2 / N * (1 - sp.exp(-2 * rate * eta)) / (2 * rate)
    exact = {1: mean, 2: mean**2 + spread, 3: mean**3 + 3 * mean * spread}
    series = weak.moments(model, order)
    for i, value in exact.items():
        error = (value - series[i - 1][1].subs(values)).subs(
            {s: v for s, v in zip(sp.symbols("h x"), (2, 3), strict=True)}
        )
        error = error.subs({sigma: 5, sp.Symbol("sigma"): 5, N: 1})
        assert sp.series(error, eta, 0, order + 1).removeO() == 0, (i, error)


def test_an_equation_with_another_drift_is_not_the_one_of_the_theorem(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = equations.MODELS["second-order"]
    theorem = weak.local("second-order", 2)
    assert check(theorem).status == "PROVED"
    monkeypatch.setitem(equations.MODELS, "second-order", lambda b, method: 2 * honest(b, method))
    answer = check(theorem)
    assert answer.status == "UNDECIDED" and "the engine has" in answer.reason
    assert check(weak.local("second-order", 2)).status == "UNDECIDED"


def test_the_passage_to_the_global_error_is_cited_and_not_proved() -> None:
    for order in (1, 2):
        theorem = THEOREMS[f"weak-order-{order}"]
        assert theorem.source_of("local error") == Source.LITERATURE and "polynomial growth" in theorem.remark
        assert str(2 * order + 2) in theorem.remark
