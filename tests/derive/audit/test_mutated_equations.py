"""Equations that are derived and then changed in one term: every change is found, in its entry.

And in the example of an audit one step of the method itself, computed without the engine's moments, is what the derived equation
predicts, up to the order that it has.
"""

import random
from functools import partial
from typing import Any

import pytest
import sympy as sp

from sdescent.derive.audit.counterexample import slopes
from sdescent.derive.audit.weak_order import audit
from sdescent.derive.equations.rule_drift_and_covariance import derived_rule
from sdescent.derive.expressions.written import formula
from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.methods.optimisers import (
    USAM,
    Adam,
    DSignSGD,
    EMAMomentum,
    Extragradient,
    HeavyBall,
    MajorityVote,
    RMSprop,
    Signum,
)
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.names import Model

GAUSS = Gaussian()
BALLISTIC, BATCH, FIXED = "ballistic", "batch-equivalent", "fixed"
#: a rule, its regime, the order of its equation: each rule, each regime that changes what is derived, both orders
RULES: list[tuple[Any, str, int]] = [
    (HeavyBall, BALLISTIC, 2), (EMAMomentum, FIXED, 2), (RMSprop, BATCH, 1), (Signum, BALLISTIC, 1), (USAM, "small-radius", 1),
    (Extragradient, BALLISTIC, 2),
]  # fmt: skip
CASES: list[tuple[Any, int]] = [
    (lambda: MajorityVote(noise=GAUSS, clients=3), 1), (lambda: DSignSGD(GAUSS), 2),
    *((partial(make, noise=GAUSS, regime=regime), order) for make, regime, order in RULES),
]  # fmt: skip
MODELS: dict[int, Model] = {1: "first-order", 2: "second-order"}


def name(case: Any) -> str:
    method = case[0]()
    return f"{method.name}, {method.regime.as_given()}, {case[1]}"


def stated(method: Any, order: int) -> tuple[dict[str, sp.Expr], dict[str, sp.Expr]]:
    """Drift and covariance of the derived equation."""
    found = derived_rule(method, MODELS[order], None, None)
    return dict(found.drift), {f"{a} {b}": e for (a, b), e in found.covariance.items() if e != 0}


def changed(e: sp.Expr, draw: random.Random) -> sp.Expr:
    """With one summand dropped, of the other sign, or times 11/10."""
    terms = list(sp.Add.make_args(sp.expand(e)))
    n = draw.randrange(len(terms))
    terms[n] *= draw.choice((0, -1, sp.Rational(11, 10)))
    return sp.Add(*terms)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=name)
def test_every_changed_term_is_found(case: Any) -> None:
    """Two changes for each equation, drawn with the key 16, and 1 added to a drift and to a variance.

    In the examples of these two the error of the derived equation falls like tau^(p+1) or faster; the interval is 0.1.
    """
    method, order = case[0](), case[1]
    derived = dict(zip(("drift", "covariance"), stated(method, order), strict=True))

    def judged(kind: str = "", key: str = "", e: sp.Expr = sp.S.Zero) -> Any:
        sides = {name: dict(side) for name, side in derived.items()}
        if kind:
            sides[kind][key] = e
        found = audit(method, *({k: formula(e) for k, e in side.items()} for side in sides.values()), order=order)
        if kind:
            assert found.verdict == "DIFFERS" and {t.where for t in found.terms} == {f"{kind} {key}"}, found.terms
        return found

    right, draw = judged(), random.Random(16)
    assert right.verdict == "AGREES", right.terms
    entries = [(kind, key) for kind, side in derived.items() for key, e in side.items() if e != 0]
    for kind, key in draw.sample(entries, min(2, len(entries))):
        judged(kind, key, changed(derived[kind][key], draw))
    for kind, key in (("drift", "x"), ("covariance", "x x")):
        example = judged(kind, key, derived[kind].get(key, sp.S.Zero) + 1).example
        rows = example.measured or example.over_time
        assert rows, example.reason
        power = slopes(rows)[1]
        least = order + 1 if example.measured else order
        assert power is None or power > least - 0.1, (example.quantity, rows)


@pytest.mark.parametrize(("make", "regime"), [(Signum, BALLISTIC), (Adam, FIXED)])
def test_where_there_is_no_equation_there_is_none_to_agree_with(make: Any, regime: str) -> None:
    method = make(noise=GAUSS, regime=regime)
    with pytest.raises((Refusal, NoClosedForm)) as error:
        derived_rule(method, "second-order", None, None)
    found = audit(method, dict.fromkeys(method.rule.letters, "0"), order=2, clients_given=True)
    unknown = getattr(error.value, "beyond", True)  # whether there may be one, and only no way to it is known
    assert found.verdict == ("UNDECIDED" if unknown else "NO SDE") and found.reason == str(error.value)
