"""Equations that are derived and then changed in one term: every change is found, in its entry, by its kind.

And the other way round: in the example of each audit, one step of the method itself, computed without the engine's moments, is what
the derived equation predicts, up to the order that it has. Both for built-in rules in all their regimes.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
import sympy as sp

from sdescent.derive.equations.rules import derived_rule
from sdescent.derive.expressions.written import formula
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.methods.optimisers import (
    DP,
    SAM,
    USAM,
    Adam,
    AdamW,
    DSignSGD,
    EMAMomentum,
    Extragradient,
    HeavyBall,
    Lion,
    LocalSGD,
    MajorityVote,
    Nesterov,
    RMSprop,
    RMSpropW,
    Signum,
)
from sdescent.derive.stated.audit import audit
from sdescent.derive.stated.example import slopes
from sdescent.derive.vocabulary.choices import Model
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal

GAUSS = Gaussian()
BALLISTIC, BATCH, FIXED = "ballistic", "batch-equivalent", "fixed"
#: a rule, its regime, the orders of its equations
RULES: list[tuple[Any, str | None, tuple[int, ...]]] = [
    (HeavyBall, BALLISTIC, (1, 2)), (HeavyBall, BATCH, (1, 2)), (HeavyBall, FIXED, (1, 2)), (Nesterov, BALLISTIC, (1, 2)),
    (Nesterov, BATCH, (1, 2)), (EMAMomentum, BALLISTIC, (1, 2)), (EMAMomentum, BATCH, (1, 2)), (EMAMomentum, FIXED, (1, 2)),
    (RMSprop, BALLISTIC, (1, 2)), (RMSprop, BATCH, (1,)), (RMSpropW, BALLISTIC, (1, 2)), (Adam, BALLISTIC, (1,)),
    (Adam, BATCH, (1,)), (AdamW, BATCH, (1,)), (Signum, BALLISTIC, (1,)), (Lion, BALLISTIC, (1, 2)), (Lion, BATCH, (1,)),
    (DP, BALLISTIC, (1, 2)), (DP, BATCH, (1, 2)), (USAM, BALLISTIC, (1, 2)), (USAM, "small-radius", (1, 2)),
    (Extragradient, BALLISTIC, (1, 2)), (LocalSGD, BALLISTIC, (1, 2)),
]  # fmt: skip
OTHERS: list[tuple[Any, tuple[int, ...]]] = [
    (lambda: MajorityVote(noise=GAUSS, clients=3), (1, 2)),
    (lambda: DSignSGD(GAUSS), (1, 2)),
    (lambda: SAM(), (1,)),
]
OTHERS += [(lambda make=make, regime=regime: make(noise=GAUSS, regime=regime), orders) for make, regime, orders in RULES]
CASES = [(make, order) for make, orders in OTHERS for order in orders]
MODELS: dict[int, Model] = {1: "first-order", 2: "second-order"}


def name(case: Any) -> str:
    method = case[0]()
    return f"{method.name}, {method.regime.as_given()}, {case[1]}"


def stated(method: Any, order: int) -> tuple[dict[str, sp.Expr], dict[str, sp.Expr]]:
    """Drift and covariance of the derived equation."""
    found = derived_rule(method, MODELS[order], None, None)
    return dict(found.drift), {f"{a} {b}": e for (a, b), e in found.own.items() if e != 0}


def changed(e: sp.Expr, draw: random.Random) -> sp.Expr:
    """With one summand dropped, of the other sign, or times 11/10."""
    terms = list(sp.Add.make_args(sp.expand(e)))
    n = draw.randrange(len(terms))
    terms[n] *= draw.choice((0, -1, sp.Rational(11, 10)))
    return sp.Add(*terms)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=name)
def test_every_changed_term_is_found(case: Any) -> None:
    """Three changes for each equation, drawn with the key 16."""
    method, order = case[0](), case[1]
    drift, covariance = stated(method, order)
    entries = [("drift", a) for a, e in drift.items() if e != 0] + [("covariance", key) for key in covariance]
    draw = random.Random(16)
    right = audit(method, {a: formula(e) for a, e in drift.items()}, {k: formula(e) for k, e in covariance.items()}, order=order)
    assert right.verdict == "AGREES", right.terms
    for kind, key in draw.sample(entries, min(3, len(entries))):
        sides = {"drift": dict(drift), "covariance": dict(covariance)}
        sides[kind][key] = changed(sides[kind][key], draw)
        found = audit(method, *({k: formula(e) for k, e in side.items()} for side in sides.values()), order=order)
        assert found.verdict == "DIFFERS" and {term.where for term in found.terms} == {f"{kind} {key}"}, (kind, key, found.terms)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=name)
def test_one_step_is_what_the_derived_equation_predicts(case: Any) -> None:
    """The error of the mean of a step, and of a variance, falls like tau^(p+1) or faster; the interval is 0.1."""
    method, order = case[0](), case[1]
    drift, covariance = stated(method, order)
    texts = {a: formula(e) for a, e in drift.items()}, {k: formula(e) for k, e in covariance.items()}
    wrong = audit(method, {**texts[0], "x": f"{texts[0]['x']} + 1"}, texts[1], order=order).example
    again = audit(method, texts[0], {**texts[1], "x x": f"{texts[1].get('x x', '0')} + 1"}, order=order).example
    for example in (wrong, again):
        assert example is not None
        rows = example.measured or example.over_time
        assert rows, example.reason
        power = slopes(rows)[1]
        least = order + 1 if example.measured else order
        assert power is None or power > least - 0.1, (example.quantity, rows)


@pytest.mark.slow
@pytest.mark.parametrize(("make", "regime"), [(RMSprop, BATCH), (Adam, BATCH), (Lion, BATCH), (Signum, BALLISTIC), (Adam, FIXED)])
def test_where_there_is_no_equation_there_is_none_to_agree_with(make: Any, regime: str) -> None:
    method = make(noise=GAUSS, regime=regime)
    with pytest.raises((Refusal, NoClosedForm)) as error:
        derived_rule(method, "second-order", None, None)
    found = audit(method, dict.fromkeys(method.rule.letters, "0"), order=2, clients_given=True)
    unknown = getattr(error.value, "beyond", True)  # whether there may be one, and only no way to it is known
    assert found.verdict == ("UNDECIDED" if unknown else "NO SDE") and found.reason == str(error.value)
