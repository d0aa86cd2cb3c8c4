"""The steps of a rule with memory, as theorems read them: combinations that are linear, and an engine with another equation."""

from types import SimpleNamespace

import pytest
import sympy as sp

from sdescent.derive.methods.optimisers.momentum import EMAMomentum, HeavyBall, Signum
from sdescent.derive.proof.language.text import text
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.entry.from_method import combined_step
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.unbiased import heavy_ball
from sdescent.derive.theorems.unbiased.noise_bound import equation
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.symbols import parameter
from sdescent.derive.vocabulary.verdicts import Verdict
from tests.support.certificates.entries import checked_entry

SHARE = parameter("beta") / (1 - parameter("beta"))
VECTORS = {"v": "-m", "G": "g"}


def steps(method, weights, vectors=VECTORS):
    mean, square = combined_step(method, equation("first-order"), weights, vectors)
    return [(text(c), v[1]) for c, v in mean], text(square)


def test_the_step_of_the_averaged_point_is_a_multiple_of_the_gradient() -> None:
    mean, square = steps(HeavyBall(regime="fixed"), {"x": sp.S.One, "v": SHARE})
    assert mean == [("eta/(-1 + beta)", "g")] and square.endswith("*1/N*tr(S)")
    assert steps(HeavyBall(regime="fixed"), {"v": -sp.S.One})[0] == [("-1 + beta", "m"), ("eta", "g")]
    # m' = beta m + (1 - beta) G and x' = x - eta m': the averaged point is x - eta beta m/(1 - beta), and it moves by -eta G
    averaged = {"x": sp.S.One, "m": -sp.Symbol("eta", positive=True) * SHARE}
    other, _ = steps(EMAMomentum(regime="fixed"), averaged, {"m": "m", "G": "g"})
    assert [v for _, v in other] == ["g"]


def test_a_step_that_is_not_linear_is_refused() -> None:
    with pytest.raises(Refusal, match="linear"):
        steps(Signum(regime="fixed"), {"x": sp.S.One}, {"m": "m", "G": "g"})
    with pytest.raises(ValueError, match="first-order"):
        combined_step(HeavyBall(regime="fixed"), equation("corrected"), {"v": -sp.S.One}, VECTORS)


@pytest.mark.parametrize("wrong", ["drift", "friction", "noise", "the drift of x"])
def test_another_equation_proves_nothing(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    theorem = entries()["6.2-heavy-ball-pathwise"]
    assert isinstance(theorem, Theorem) and checked_entry(theorem.id).status == Verdict.PROVED
    own, factor = heavy_ball.equation(), {"noise": 2, "drift": -1}.get(wrong, 1)
    assert own.rule is not None
    (velocity,) = own.drifts["x"].free_symbols
    faster, slower = (2 if wrong == "the drift of x" else 1), (velocity if wrong == "friction" else 0)
    drifts = {"x": own.drifts["x"] * faster, "v": own.drifts["v"] - slower}
    drifts["v"] *= factor if wrong == "drift" else 1
    covariance = {pair: c * (factor if wrong == "noise" else 1) for pair, c in own.rule.covariance.items()}
    monkeypatch.setattr(
        heavy_ball, "equation", lambda: SimpleNamespace(drifts=drifts, rule=SimpleNamespace(covariance=covariance))
    )
    found = check(theorem)
    assert found.status == Verdict.UNDECIDED
    assert "not those of the method" in found.reason or "drift of z" in found.reason
