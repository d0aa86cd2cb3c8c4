"""Claims at the horizon: parts of V at the start and at the end, and proofs without a search."""

import json
from fractions import Fraction
from typing import Any

import pytest

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import num, x
from sdescent.derive.proof.replay.check import replay
from sdescent.derive.theorems.bounds.answer import decide
from sdescent.derive.theorems.bounds.horizon.algebra import cleared
from sdescent.derive.theorems.bounds.kernel_context import relation_text
from sdescent.derive.theorems.bounds.rates.implied_steps import implied_step
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.bounds.suggest import answered
from sdescent.derive.vocabulary.errors import BadInput
from tests.support.samples import slow_but

SMOOTH: dict[str, Any] = {
    "method": "dsgd", "assume": ["smooth: L", "variance: s", "eta*L <= 1", "K >= 1"], "V": "f - fstar",
    "step": "change <= -eta*G^2/2 + eta^2*L*s/(2*N)", "conclude": "telescope",
}  # fmt: skip
CONVEX: dict[str, Any] = {
    **SMOOTH, "assume": ["smooth: L", "convex", "variance: s", "2*eta*L <= 1", "K >= 1"], "V": "||x - xstar||^2",
    "step": "change <= -eta*(f - fstar) + eta^2*s/N",
}  # fmt: skip
PL: dict[str, Any] = {
    **SMOOTH, "assume": ["smooth: L", "pl: mu", "variance: s", "eta*L <= 1"], "conclude": "gronwall",
    "step": "change <= -eta*mu*V + eta^2*L*s/(2*N)",
}  # fmt: skip
HEAVY: dict[str, Any] = {
    **SMOOTH, "method": "heavy-ball", "assume": ["smooth: L", "variance: s", "eta*L <= 1", "beta^2 <= 1 - eta*L"],
    "V": "f - fstar + (1 - eta*L)/(2*eta)*||v||^2", "step": "change <= -eta*G^2/2 + eta*s/(2*N)",
}  # fmt: skip
#: f* may be negative
GROWING: dict[str, Any] = {
    **SMOOTH, "assume": ["smooth: L", "variance: 2*A*(f - fstar) + s", "eta*L <= 1", "A >= 0", "s >= 0"], "V": "f",
    "step": "change <= eta^2*L*A*(f - fstar)/N - eta*G^2/2 + eta^2*L*s/(2*N)", "conclude": "summable",
}  # fmt: skip
CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "an average": (SMOOTH, "Esum(G^2)/K <= 2*(f_0 - fstar)/(eta*K) + eta*L*s/N"),
    "f at the end": (SMOOTH, "E(f_K) - fstar <= f0 - fstar + K*eta^2*L*s/(2*N)"),
    "the distance": (CONVEX, "Esum(f - fstar)/K <= D0/(eta*K) + eta*s/N"),
    "the distance at the end": (CONVEX, "E(||x - xstar||^2_K) <= ||x - xstar||^2_0 + K*eta^2*s/N"),
    "a power": (PL, "E(f_K) - fstar <= (f_0 - fstar)*(1 - eta*mu)^K + eta^2*L*s/(2*N*eta*mu)*(1 - (1 - eta*mu)^K)"),
    "two parts": (HEAVY, "E(f_K + (1 - eta*L)/(2*eta)*||v||^2_K) <= f_0 + (1 - eta*L)/(2*eta)*||v||^2_0 + eta*s*K/(2*N)"),
    "summable above f*": (
        GROWING, "E(f_K) + Esum(eta*G^2/2) <= fstar + exp(K*eta^2*L*A/N)*(f0 - fstar + K*eta^2*L*s/(2*N))",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLAIMS)
def test_what_is_printed_can_be_written(name: str) -> None:
    """The proof is replayed, takes little time, and its conclusion as printed is a claim that means the same."""
    table, claim = CLAIMS[name]
    started = now()
    answer = decide(Stated({**table, "claim": claim}), 20, repair=False)
    assert answer.status == "PROVED" and answer.conclusion is not None and now() - started < 4  # 0.2 to 1 s
    replay(json.dumps(answer.certificate))
    printed = relation_text(answer.stated.setting, answer.conclusion)
    assert Stated({**table, "claim": printed}).claim == answer.stated.claim == answer.conclusion


FALSE: dict[str, tuple[dict[str, Any], str]] = {
    "f": (SMOOTH, "E(f_K) - fstar <= (f0 - fstar)/K + K*eta^2*L*s/(2*N)"),
    "the distance": (CONVEX, "E(||x - xstar||^2_K) <= D0/2 + K*eta^2*s/N"),
    "no floor": (PL, "E(f_K) - fstar <= (f0 - fstar)*(1 - eta*mu)^K"),
}


@pytest.mark.parametrize("name", slow_but(FALSE, ["f"]))
def test_a_false_claim_about_the_end_is_refuted(name: str) -> None:
    table, claim = FALSE[name]
    answer = decide(Stated({**table, "claim": claim}), 10, repair=False)
    assert answer.status == "REFUTED" and answer.refutes == "claim"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"claim": "||x - xstar||^2_K <= D0"}, r"E\(\|\|x - xstar"), ({"claim": "E(f_K) <= D0"}, "a part of V"),
        ({"claim": "E(||x - xstar||^2_T) <= D0"}, "K is the horizon"), ({"claim": "E(f) <= D0"}, "the mean of parts of V"),
        ({"claim": "E(f_K <= D0"}, "closing bracket"), ({"claim": "D0*1 - eta)^K <= D0"}, "opening bracket"),
        ({"step": "change <= D0", "claim": "E(||x - xstar||^2_K) <= D0"}, "a bound on a step"),
        ({"V": "||x - xstar||^2/D0", "claim": "EVT <= V0"}, "only in a claim"),
    ],
)  # fmt: skip
def test_a_part_in_the_wrong_place_is_an_error(changes: dict[str, Any], found: str) -> None:
    with pytest.raises(BadInput, match=found):
        Stated({**CONVEX, **changes})


def test_the_step_behind_a_claim_is_found() -> None:
    table = {key: value for key, value in SMOOTH.items() if key != "step"}
    answer = answered(Stated({**table, "claim": "Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s/N"}), 30, repair=False)
    assert answer.status == "PROVED"


#: name -> the theorem without a step, a claim, and the bound on a step that it says in other words
IMPLIED: dict[str, tuple[dict[str, Any], str, str]] = {
    "average": (SMOOTH, "Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s/N", "-eta*G^2/2 + eta^2*L*s/(2*N)"),
    "sum": (CONVEX, "Esum(f - fstar) <= D0/eta + K*eta*s/N", "-eta*(f - fstar) + eta^2*s/N"),
    "power": (PL, "E(f_K) - fstar <= (1 - eta*mu)^K*(f0 - fstar) + eta*L*s/(2*mu*N)", "-eta*mu*V + eta^2*L*s/(2*N)"),
    "exponential": (PL, "E(f_K) <= fstar + exp(-eta*mu*K)*V0 + eta*L*s/(mu*N)", "-eta*mu*V + eta^2*L*s/N"),
    "powers of both": (PL, "EVT <= (1 - eta*mu)^K*V0 + eta*L*s/(2*mu*N)*(1 - (1 - eta*mu)^K)", "-eta*mu*V + eta^2*L*s/(2*N)"),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPLIED)
def test_a_claim_at_the_horizon_says_its_step(name: str) -> None:
    theorem, claim, bound = IMPLIED[name]
    stated = Stated({**{key: v for key, v in theorem.items() if key != "step"}, "claim": claim})
    step, meant = (Stated({**stated.table, "step": s}).step for s in (implied_step(stated), f"change <= {bound}"))
    assert step is not None and meant is not None
    normal = Normal(stated.setting.context)
    assert not normal.polynomial(step.right - step.left - meant.right + meant.left)


def test_a_claim_of_another_form_says_no_step() -> None:
    table = {key: v for key, v in SMOOTH.items() if key != "step"}
    for claim in ("Esum(G^2) + Esum(G) <= 2*V0/eta", "Esum(G^2) <= 3", "E(f_K) - fstar <= V0"):
        assert implied_step(Stated({**table, "claim": claim})) is None


def test_a_slack_without_quotients_is_the_slack_times_its_denominators() -> None:
    """At numbers: product of the factors * slack = polynomial - sum of the units, of which each is 1 - p (1/p) = 0."""
    kernel = Kernel(Context(dict.fromkeys("abc", "const")))
    a, b, c = map(x, "abc")
    facts = [kernel.assume(r) for r in (a.gt(0), (b - c).lt(0), (1 / a + 1).gt(0))]
    units = [kernel.inverse(t, f) for t, f in zip((a, b - c, 1 / a + 1), facts, strict=True)]
    branch = Branch(kernel, now() + 10, [*facts, *units])
    slack = 3 / a**2 + c / a / (b - c) - b / (1 / a + 1) + num(2)
    result = cleared(branch, slack, lambda r: branch.show(r, 0.5))
    assert result is not None
    at = {"a": Fraction(2), "b": Fraction(1, 3), "c": Fraction(5)}
    poly = sum(q * _product(kernel, m, at) for m, q in result.poly.items())
    scale = Fraction(1)
    for fact in result.factors:
        value = sum(q * _product(kernel, m, at) for m, q in kernel.normal.polynomial(fact.claim.slack).items())
        assert value > 0
        scale *= value
    whole = 3 / at["a"] ** 2 + at["c"] / (at["a"] * (at["b"] - at["c"])) - at["b"] / (1 / at["a"] + 1) + 2
    assert poly == scale * whole
    assert not any(kernel.normal.key_of(n)[0] == "inv" for m in result.poly for n, _ in m)


def _product(kernel: Kernel, monomial: Any, at: dict[str, Fraction]) -> Fraction:
    value = Fraction(1)
    for atom, n in monomial:
        key = kernel.normal.key_of(atom)
        base = at[key[1]] if key[0] == "x" else 1 / sum(q * _product(kernel, m, at) for m, q in key[1])
        value *= Fraction(base) ** n
    return value
