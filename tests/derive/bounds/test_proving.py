"""True theorems are proved and replayed; false claims and claims that lack a hypothesis are not, and most are refuted."""

from __future__ import annotations

import pytest

from derive.bounds.answer import decide
from derive.bounds.stated import Stated
from derive.proof.kernel.certificate import dumps
from derive.proof.replay.check import replay
from tests.support.own_theorems import THEOREMS

#: what is false on no loss that is tried
UNREFUTED = {"change <= -eta*clip*G^2"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n == "heavy ball" else n for n in THEOREMS])
def test_a_theorem_is_proved_and_replayed(name: str) -> None:
    found = decide(Stated(THEOREMS[name][0]), 30, repair=False)
    assert found.status == "PROVED", (found.reason, found.left_over)
    assert found.certificate is not None
    again = replay(dumps(found.certificate))
    of_the_method = THEOREMS[name][0].get("model", "method") == "method"
    assert not of_the_method or set(again.axioms) == {"integrability"}
    assert found.checked is not None and found.checked.satisfiability == "shown"


@pytest.mark.parametrize(("name", "claim"), [(name, claim) for name, (_, false, _) in THEOREMS.items() for claim in false])
def test_a_false_claim_is_refuted(name: str, claim: str) -> None:
    found = decide(Stated({**THEOREMS[name][0], "claim": claim}), 8, repair=False)
    assert found.status == "REFUTED" or claim in UNREFUTED
    assert found.status != "PROVED"


@pytest.mark.parametrize(
    ("name", "hypothesis"),
    [
        pytest.param(name, h, marks=[] if h.startswith(("eta", "2*eta")) else pytest.mark.slow)
        for name, (_, _, needed) in THEOREMS.items()
        for h in needed
    ],
)
def test_without_a_hypothesis_it_is_not_proved(name: str, hypothesis: str) -> None:
    table = THEOREMS[name][0]
    noise = {"noise": "any"} if hypothesis == "variance: s" else {}
    other = Stated({**table, **noise, "assume": [a for a in table["assume"] if a != hypothesis]})
    assert decide(other, 6, repair=False).status != "PROVED"
