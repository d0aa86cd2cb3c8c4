"""The step size at which a bound is least, beside a numerical minimum, and the corollary with it."""

from typing import Any

import pytest
import sympy as sp
from scipy.optimize import minimize_scalar

from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.replay import replay
from sdescent.derive.theorems.bounds.answer import decide
from sdescent.derive.theorems.bounds.rates.tuning import tune
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.vocabulary.errors import BadInput

AVERAGE: dict[str, Any] = {
    "method": "dsgd", "assume": ["smooth: L", "variance: s", "eta*L <= 1", "K >= 1"], "V": "f - fstar",
    "step": "change <= -eta*G^2/2 + eta^2*L*s/(2*N)", "claim": "Esum(G^2)/K <= 2*(f_0 - fstar)/(eta*K) + eta*L*s/N",
    "conclude": "telescope",
}  # fmt: skip
CONVEX: dict[str, Any] = {
    **AVERAGE, "assume": ["smooth: L", "convex", "variance: s", "2*eta*L <= 1", "K >= 1"], "V": "||x - xstar||^2",
    "step": "change <= -eta*(f - fstar) + eta^2*s/N", "claim": "Esum(f - fstar)/K <= ||x - xstar||^2_0/(eta*K) + eta*s/N",
}  # fmt: skip
#: positive values of the letters, by what the file calls them
NUMBERS = {"f_0 - fstar": 3.0, "||x - xstar||^2_0": 5.0, "K": 40.0, "L": 2.0, "s": 0.7, "N": 4.0}


def number(text: str, eta: float = 0.0) -> float:
    for n, (word, v) in enumerate(NUMBERS.items()):
        text = text.replace(word, f"{v}") if n < 2 else text
    return float(
        sp.sympify(text.replace("^", "**"), locals={"eta": eta, **{k: v for k, v in NUMBERS.items() if k.isalpha()}})
    )


@pytest.mark.parametrize("table", [AVERAGE, CONVEX])
def test_the_optimum_is_that_of_a_numerical_search(table: dict[str, Any]) -> None:
    tuned = tune(Stated(table))
    bound = table["claim"].partition("<=")[2]
    near = minimize_scalar(lambda t: number(bound, t), bounds=(1e-6, 10), method="bounded", options={"xatol": 1e-12})
    assert number(tuned.optimum) == pytest.approx(near.x, rel=1e-6) and number(tuned.bound) == pytest.approx(
        near.fun, rel=1e-9
    )
    there = tuned.corollary["claim"].partition("<=")[2]
    assert number(there, number(tuned.optimum)) == pytest.approx(near.fun, rel=1e-9)
    assert tuned.answer.status == "PROVED" and len(tuned.conditions) == 1
    replay(dumps(tuned.answer.certificate))
    # without the equation for eta, the claim of the corollary does not follow
    alone = Stated({**tuned.corollary, "assume": table["assume"]})
    assert tuned.corollary["assume"] == [*table["assume"], tuned.equation]
    assert decide(alone, 6.0, repair=False).status == "REFUTED"


def test_a_claim_may_be_written_from_right_to_left_and_have_a_fraction() -> None:
    claim = "2*(f_0 - fstar)/(eta*K*(1 - c)) + eta*L*s/(N*(1 - c)) >= Esum(G^2)/K"
    tuned = tune(Stated({**AVERAGE, "assume": [*AVERAGE["assume"], "c > 0", "c < 1"], "claim": claim}), seconds=0.1)
    assert tuned.equation == tune(Stated(AVERAGE), seconds=0.1).equation and "c" in tuned.positive


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"claim": "change <= -eta*G^2/2 + eta^2*L*s/(2*N)", "conclude": "none"}, "at the horizon"),
        ({"claim": "E(f_K) - fstar <= f_0 - fstar + K*eta^2*L*s/(2*N)"}, "sum of powers of eta"),
        (
            {
                "claim": "Esum(G^2)/K <= 2*(f_0 - fstar)/(eta*K) + eta*L*s*c/(c - 1)",
                "assume": [*AVERAGE["assume"], "c > 0"],
            },
            "positive coefficients",
        ),
        ({"claim": "eta*Esum(G^2)/K <= 2*(f_0 - fstar)/K + eta^2*L*s/N"}, "on the right side alone"),
    ],
)
def test_a_bound_without_a_trade_off_is_refused(changed: dict[str, Any], says: str) -> None:
    table = {key: v for key, v in {**AVERAGE, **changed}.items() if key != "step" or "change" not in changed["claim"]}
    with pytest.raises(BadInput, match=says):
        tune(Stated(table))
