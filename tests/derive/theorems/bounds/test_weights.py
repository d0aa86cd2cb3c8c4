"""Theorems whose V has weights that depend on the number of steps: accelerated methods and steps that fall like 1/n."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import num, under, xs
from sdescent.derive.proof.replay import Invalid
from sdescent.derive.proof.replay.check import replay
from sdescent.derive.proof.rocq.notation import ExportError
from sdescent.derive.theorems.bounds.answer import Answer, decide
from sdescent.derive.theorems.bounds.runs.exact import Value, value
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.bounds.suggest import answered
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.evidence.verify import verify_stated
from tests.derive.proof.rocq.asking import rocq
from tests.derive.proof.rocq.judging import export, judge
from tests.support.samples import slow_but

QUIET: dict[str, Any] = {"noise": "none", "clients": 1}
DESCENT: dict[str, Any] = {
    **QUIET, "method": "dsgd", "assume": ["smooth: L", "convex", "eta*L <= 1", "K >= 1"], "step": "change <= 0",
    "V": "n*(f - fstar) + ||x - xstar||^2/(2*eta)", "claim": "E(f_K) - fstar <= ||x - xstar||^2_0/(2*eta*K)",
    "conclude": "telescope",
}  # fmt: skip
#: Nesterov 2005, Theorem 2, with Euclidean distances
ACCELERATED: dict[str, Any] = {
    **DESCENT,
    "method": {
        "memory": {"w": 0},
        "update": ["y = x + 2/(k + 1)*w", "q = G(y)", "w = (k - 1)/(k + 1)*w - eta*(k - 2)/2*q", "x = y - eta*q"],
    },
    "V": "eta*n*(n + 1)/4*(f - fstar) + ||x - xstar + w||^2/2",
    "claim": "E(f_K) - fstar <= 2*||x - xstar||^2_0/(eta*K*(K + 1))",
}
#: Lacoste-Julien, Schmidt and Bach 2012, with 2/(mu (k + 1)) as the step
FALLING: dict[str, Any] = {
    "noise": "any", "clients": 1, "method": {"update": ["x = x - 2*G/(mu*(k + 1))"]},
    "assume": ["strongly convex: mu", "G^2 + Zsq <= s", "K >= 1"], "V": "n*(n + 1)*||x - xstar||^2",
    "step": "change <= 4*s/mu^2", "claim": "E(||x - xstar||^2_K) <= 4*s/(mu^2*(K + 1))", "conclude": "telescope",
}  # fmt: skip
#: Nesterov 2004, Section 2.2.1, in the form of d'Aspremont, Scieur and Taylor 2021
STRONGLY: dict[str, Any] = {
    **QUIET, "assume": ["smooth: L", "strongly convex: mu", "mu == q^2*L", "q < 1"], "claim": "change <= -q*V",
    "V": "f - fstar + mu/2*||x - xstar + (1 - q)/q*v||^2",
    "method": {
        "memory": {"v": 0}, "update": ["y = x + (1 - q)/(1 + q)*v", "z = y - G(y)/L", "v = z - x", "x = z"],
    },
}  # fmt: skip
THEOREMS = {"descent": DESCENT, "falling": FALLING, "accelerated": ACCELERATED, "strongly convex": STRONGLY}
#: theorems that do not hold, or whose V does not give the claim
FALSE: dict[str, dict[str, Any]] = {
    "a weight that grows too fast": {
        **DESCENT,
        "V": "n^2*(f - fstar) + ||x - xstar||^2/(2*eta)",
        "claim": "change <= 0",
    },
    "a claim that is too small": {**DESCENT, "claim": "E(f_K) - fstar <= ||x - xstar||^2_0/(200*eta*K)"},
    "a weight for other steps": {**ACCELERATED, "V": "eta*n*(n + 2)/4*(f - fstar) + ||x - xstar + w||^2/2"},
    "a rate beyond 1 - q": {**STRONGLY, "claim": "change <= -3*q*V"},
}


def decided(table: dict[str, Any], seconds: float = 30.0) -> Answer:
    table = {key: v for key, v in table.items() if key not in ("step", "conclude") or "change" not in table["claim"]}
    return decide(Stated(table), seconds, repair=False)


def certified(table: dict[str, Any]) -> dict[str, Any]:
    certificate = decided(table).certificate
    assert certificate is not None
    return json.loads(dumps(certificate))


@pytest.mark.parametrize("name", slow_but(THEOREMS, ["descent", "falling"]))
def test_rates_of_the_literature_are_proved_and_replayed(name: str) -> None:
    answer = decided(THEOREMS[name])
    assert answer.status == "PROVED", answer.failed
    assert answer.certificate is not None
    replay(dumps(answer.certificate))


def test_the_weights_may_use_up_the_decrease_of_v() -> None:
    """Without `step`, the bound change <= 0 is found."""
    assert answered(Stated({key: v for key, v in DESCENT.items() if key != "step"}), 20.0).status == "PROVED"


@pytest.mark.slow
@pytest.mark.parametrize("name", FALSE)
def test_false_variants_are_not_proved(name: str) -> None:
    status = decided(FALSE[name], 8.0).status
    assert status == ("UNDECIDED" if name == "a weight for other steps" else "REFUTED")


def test_the_bounds_hold_for_the_methods_themselves() -> None:
    """On f(x) = sum h_j x_j^2/2 with L = eta = 1, and the accelerated rule as Nesterov 2005 states it, from sums of gradients."""
    h, start, rng = np.geomspace(1e-4, 1, 12), np.ones(12), np.random.default_rng(1)
    x, w = start.copy(), np.zeros(12)
    for k in range(1, 60):  # the rule of the theorem
        y = x + 2 / (k + 1) * w
        q = h * y
        w, x = (k - 1) / (k + 1) * w - (k - 2) / 2 * q, y - q
        assert h @ x**2 / 2 <= 2 * start @ start / (k * (k + 1))
    at, total = start.copy(), np.zeros(12)
    # y_k is the gradient step, z_k = x_0 - sum (i + 1)/2 grad f(x_i), x_(k+1) = (2 z_k + (k + 1) y_k)/(k + 3)
    for k in range(59):
        total += (k + 1) / 2 * h * at
        y = at - h * at
        at = (2 * (start - total) + (k + 1) * y) / (k + 3)
    assert np.allclose(x, y)
    # SGD with steps 2/(mu (k + 1)) and mu = h = 1; 4,000 paths, whose mean has a relative error of about 3 %
    draws, paths = rng.choice([-1.0, 1.0], (40, 4000)), np.zeros(4000)
    for k, z in enumerate(draws, 1):
        paths = paths - 2 / (k + 1) * (paths + z)
    s = 1 + float(np.max(np.abs(paths))) ** 2
    assert np.mean(paths**2) <= 1.1 * 4 * s / 41


def test_the_change_of_v_has_the_weight_of_the_next_step() -> None:
    """V(n + 1, x') - V(n, x) on f(x) = x^2/2, against the term that is bounded, in exact numbers."""
    stated = Stated({**DESCENT, "claim": "change <= 0", "conclude": "none"})
    eta, n, at = Fraction(1, 3), Fraction(5), Fraction(2)
    later = (1 - eta) * at

    def v(n: Fraction, at: Fraction) -> Fraction:
        return n * at**2 / 2 + at**2 / (2 * eta)

    letters = {
        "eta": eta,
        "n": n,
        "f": at**2 / 2,
        "fstar": 0,
        "Af_q": (later**2 - at**2) / 2,
        "AV1_q": later**2 - at**2,
    }
    change = value(stated.weighted.change, lambda t: Value.of(letters[t[1]]) if t[0] == "x" else None)
    assert change.exact == v(n + 1, later) - v(n, at)


def test_the_number_of_steps_has_one_meaning() -> None:
    with pytest.raises(BadInput, match="every step"):
        Stated({**DESCENT, "assume": [*DESCENT["assume"], "n >= 1"]})
    with pytest.raises(BadInput, match="another letter for a constant"):
        Stated({**DESCENT, "assume": ["smooth: n*L", "convex"]})
    with pytest.raises(BadInput, match="in a rule k is n"):
        Stated({**DESCENT, "V": "k*(f - fstar) + ||x - xstar||^2/(2*eta)"})
    with pytest.raises(BadInput, match="sum of them with constant"):
        Stated({**ACCELERATED, "V": "f - fstar + ||x - xstar + n*w||^2"})
    # a letter of the method stays what it is
    named = {"memory": {"n": 0}, "update": ["n = n/2 - eta*G", "x = x + n"]}
    stated = Stated({**DESCENT, "method": named, "V": "f - fstar + ||n||^2", "claim": "change <= 0"})
    assert not stated.setting.timed
    # n G/(k + 1) with a constant n would read as (number of steps) G/(n + 2)
    with pytest.raises(BadInput, match="a rule with k needs n"):
        Stated({**DESCENT, "method": {"update": ["x = x - n*G/(k + 1)"]}, "V": "f - fstar", "claim": "change <= 0"})


def test_a_constant_called_n_keeps_its_value_in_numbers() -> None:
    table = {**QUIET, "method": {"update": ["x = x - n*G"]}, "assume": ["smooth: L", "n*L <= 1"], "V": "f - fstar"}
    compared = verify_stated(Stated({**table, "claim": "change <= -n*G^2/2"}), 5.0)
    assert compared and all(one.verdict == "CONFIRMED" for one in compared)


CONTEXT = Context(
    {"n": "clock", "K": "const", "c": "const", "f": "random", "Af": "random", "f0": "const", "fT": "rv", "u": "time"},
    horizon="K", potentials={"f": {"change": "Af", "start": "f0", "end": "fT"}}, steps=True,
)  # fmt: skip


def test_the_kernel_moves_the_weight() -> None:
    """E (w(K) f_K - K) - (w(0) f_0 - 0) <= sum of w(n + 1) (f + change) - w(n) f - 1, with w(n) = n^2 + 1."""
    n, K, c, f, Af, f0, fT, u = xs("n K c f Af f0 fT u")
    kernel = Kernel(CONTEXT)
    weight = n**2 + 1
    low = kernel.assume(c.le(weight * f - n))
    fact = kernel.telescope([(weight, "f"), (-n, "1")], [low])
    moved = ((n + 1) ** 2 + 1) * (f + Af) - weight * f - 1
    expected = (under("E", (K**2 + 1) * fT - K) - f0).le(under("EI", moved))
    assert kernel.normal.key(fact.claim) == kernel.normal.key(expected)
    for wrong in (u, f, under("E", f)):
        with pytest.raises(ProofError, match="weight"):
            kernel.telescope([(wrong, "f")], [low])
    without_steps = Kernel(Context({"n": "clock", **{k: v for k, v in CONTEXT.symbols.items() if k != "n"}}, horizon="K",
        potentials={"f": {"change": "Af", "start": "f0", "end": "fT"}}))  # fmt: skip
    with pytest.raises(ProofError, match="not a constant"):
        without_steps.telescope([(n, "f")], [without_steps.assume(num(0).le(n * f))])


def test_replay_refuses_a_weight_that_is_not_moved() -> None:
    """The same certificate with f at the end weighted by 0 in place of K, or with a change without the next weight."""
    certificate = certified(DESCENT)
    (step,) = [s for s in certificate["steps"] if s["rule"] == "telescope"]
    for weight in (["x", "K"], ["q", "1"], ["*", ["q", "2"], ["x", "n"]], ["x", "f"]):
        changed = json.loads(json.dumps(certificate))
        (other,) = [s for s in changed["steps"] if s["rule"] == "telescope"]
        other["data"]["potentials"][0][0] = weight
        assert other != step
        with pytest.raises(Invalid):
            replay(json.dumps(changed))


@pytest.mark.slow
@rocq
@pytest.mark.parametrize("name", ["descent", "falling"])
def test_rocq_accepts_the_proof(name: str) -> None:
    judged = judge(export(certified(THEOREMS[name])).text)
    assert judged.accepted, judged.output


def test_a_weight_that_divides_by_the_number_of_steps_is_not_exported() -> None:
    table = {**DESCENT, "V": "||x - xstar||^2/(n + 1)", "claim": "E(||x - xstar||^2_K) <= (K + 1)*||x - xstar||^2_0"}
    with pytest.raises(ExportError, match="divides by a function of the number of steps"):
        export(certified(table))
