"""True theorems are proved and replayed; false claims and claims that lack a hypothesis are not, and most are refuted."""

from fractions import Fraction
from typing import Any

import pytest
import sympy as sp

from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.noise import Law, Scaled
from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.proof.replay.check import replay
from sdescent.derive.theorems.bounds.answer import decide
from sdescent.derive.theorems.bounds.language.letters import Letters
from sdescent.derive.theorems.bounds.message_moments import messages
from sdescent.derive.theorems.bounds.refuting import refuted
from sdescent.derive.theorems.bounds.stated import Stated
from tests.support.own_theorems import THEOREMS
from tests.support.samples import slow_but, slow_if


def slow(name: str) -> Any:
    """Of theorems that take ten seconds."""
    return slow_if("heavy ball" in name or "(L0, L1)" in name)


@pytest.mark.parametrize("name", [pytest.param(n, marks=slow(n) or slow_if(n == "compressed")) for n in THEOREMS])
def test_a_theorem_is_proved_and_replayed(name: str) -> None:
    answer = decide(Stated(THEOREMS[name][0]), 30, repair=False)
    assert answer.status == "PROVED", (answer.reason, answer.left_over)
    assert answer.certificate is not None
    again = replay(dumps(answer.certificate))
    of_the_method = THEOREMS[name][0].get("model", "method") == "method"
    assert not of_the_method or set(again.axioms) == {"integrability"}
    assert answer.checked is not None and answer.checked.satisfiability == "shown"


@pytest.mark.parametrize(
    ("name", "claim"),
    [pytest.param(name, claim, marks=slow(name)) for name, (_, false, _) in THEOREMS.items() for claim in false],
)
def test_a_false_claim_is_refuted(name: str, claim: str) -> None:
    assert decide(Stated({**THEOREMS[name][0], "claim": claim}), 8, repair=False).status == "REFUTED"


@pytest.mark.parametrize(
    ("name", "hypothesis"),
    [
        pytest.param(name, h, marks=slow(name) or slow_if(not h.startswith(("eta", "2*eta")) or name == "clipped"))
        for name, (_, _, needed) in THEOREMS.items()
        for h in needed
    ],
)
def test_without_a_hypothesis_it_is_not_proved(name: str, hypothesis: str) -> None:
    table = THEOREMS[name][0]
    noise = {"noise": "any"} if hypothesis == "variance: s" else {}
    other = Stated({**table, **noise, "assume": [a for a in table["assume"] if a != hypothesis]})
    assert decide(other, 1, repair=False).status != "PROVED"


@pytest.mark.parametrize("more", [["kk == jj"], ["kk*(L - 1) == L - 1", "kk == 3"]])
def test_equalities_of_other_constants_hide_no_refutation(more: list[str]) -> None:
    table = {"method": "dsgd", "assume": ["smooth: L", "variance: s", *more], "V": "f - fstar"}
    false = Stated({**table, "claim": "change <= -3*eta*G^2/4 + eta^2*L*s/(2*N)"})
    assert decide(false, 8, repair=False).status == "REFUTED"


@pytest.mark.parametrize("formula", ["V0 <= c", "Esum(G^2) <= c", "sum(u^2) <= c"])
def test_a_refutation_satisfies_what_is_assumed_of_the_start_and_the_horizon(formula: str) -> None:
    """Each of these says that c >= 0, or more: no witness has c < 0. Where c is free, they hide no refutation."""
    table = {"method": "dsgd", "assume": ["smooth: L", "eta*L <= 1", formula], "V": "f - fstar"}
    true, false = (Stated({**table, "claim": f"change <= -eta*G^2{more}"}) for more in ("/2 + c", ""))
    assert true.step is not None and refuted(true.setting, true.step) is None
    assert false.step is not None
    against = refuted(false.setting, false.step)
    assert against is not None
    if formula == "V0 <= c":
        point = {name: Fraction(str(v)) for name, v in against.point.items()}
        assert point["c"] >= point["h_q"] * point["at_q"] ** 2 / 2


def test_the_number_of_steps_is_one_that_is_assumed() -> None:
    assume, claim = ["K >= 2", "C*L*eta^2*K <= 1", "eta*L <= 1"], "change <= -eta*G^2/2 + 1/(2*K)"
    table = {"method": "dsgd", "clients": 1, "assume": ["smooth: L", "variance: C", *assume], "V": "f - fstar"}
    assert decide(Stated({**table, "claim": claim}), 10, repair=False).status == "PROVED"
    fewer = Stated({**table, "claim": claim.replace("eta*G^2/2", "2*eta*G^2")})
    against = decide(fewer, 10, repair=False).refuted
    assert against is not None and int(against.point["K"]) >= 2


HORIZON: dict[str, dict[str, Any]] = {
    "summable": {
        "claim": "EVT + Esum(eta*G^2/2) <= exp(K*eta*L)*(V0 + K*eta^2*L*s/(2*N))", "more": ["fstar >= 0"], "V": "f",
        "step": "change <= eta*L*V - eta*G^2/2 + eta^2*L*s/(2*N)", "conclude": "summable",
    },
    "decay": {
        "claim": "EVT <= V0*exp(K*log(1 - eta*mu)) + eta*L*s/(2*mu*N)", "more": ["pl: mu"], "conclude": "gronwall",
        "step": "change <= -eta*mu*V + eta^2*L*s/(2*N)",
    },
}  # fmt: skip


def at_the_horizon(name: str) -> dict[str, Any]:
    own = {"step": "change <= -eta*G^2/2 + eta^2*L*s/(2*N)", "conclude": "telescope", **HORIZON[name]}
    assume = ["smooth: L", "variance: s", "eta*L <= 1", "K >= 3", *own.pop("more", [])]
    return {"method": "dsgd", "assume": assume, "V": "f - fstar", **own}


@pytest.mark.parametrize("name", slow_but(HORIZON, ["summable"]))
def test_claims_at_the_horizon(name: str) -> None:
    """What is proved is the author's claim, in the kernel's terms."""
    stated = Stated(at_the_horizon(name))
    answer = decide(stated, 20, repair=False)
    assert answer.status == "PROVED" and answer.conclusion == stated.claim


#: noise of variance s at eta*L <= 1, with an assumption that is true only away from the numbers that are tried first
NOISY: dict[str, Any] = {"method": "dsgd", "V": "f - fstar", "assume": ["smooth: L", "variance: s", "eta*L <= 1"]}
STEP = "change <= -eta*G^2/2 + eta^2*L*s/"


def test_a_state_is_found_where_an_assumption_asks_for_one_far_away() -> None:
    table = {**NOISY, "claim": f"{STEP}6"}
    answer = decide(Stated({**table, "assume": [*NOISY["assume"], "N >= 3"]}), 20, repair=False)
    assert answer.status == "PROVED" and answer.checked is not None and answer.checked.satisfiability == "shown"
    nothing = Stated({**table, "assume": [*NOISY["assume"], "N >= 3", "N < 3"]})
    assert decide(nothing, 20, repair=False).status == "UNDECIDED"


@pytest.mark.parametrize(
    ("compressor", "claim", "constant"),
    [
        ("norm-clip:c=c", "change <= -eta*c*G/2", "c"),
        ("bernoulli:p=p", "change <= -eta*G^2/2 + eta^2*L*s/(2*N*p)", "p"),
    ],
)
def test_a_refutation_names_the_numbers_of_the_compressor(compressor: str, claim: str, constant: str) -> None:
    noise = {"noise": "none", "assume": ["smooth: L", "eta*L <= 1"]} if constant == "c" else {}
    given = {**NOISY, "method": "dcsgd", "compressor": compressor, "claim": claim, **noise}
    against = decide(Stated(given), 20, repair=False).refuted
    assert against is not None and against.run.constants[constant] == against.point[constant]


@pytest.mark.slow
def test_a_refuted_bound_is_repaired_by_the_nearest_number() -> None:
    """-1/2 is the best; of the numbers beyond it the nearest one that is tried is refuted."""
    table = {"method": "dsgd", "noise": "none", "assume": ["smooth: L", "eta*L <= 1"], "V": "f - fstar"}
    (repair,) = decide(Stated({**table, "claim": "change <= -3*eta*G^2/4"}), 6).repairs
    assert (repair.words, repair.claim) == ("-1/2 in place of -3/4", "change <= -eta*G^2/2")
    assert repair.beyond is not None and Fraction(-17, 32) <= Fraction(repair.beyond[0]) < Fraction(-1, 2)


def test_a_variance_without_a_formula_stays_a_letter() -> None:
    """SymPy finds no formula for that of the hyperbolic secant, which is 1; its tail is stated as a number of Python's."""
    method = DSGD(Scaled(Secant(), "sigma"))
    of_secant = messages(Letters(method), any_noise=False)
    assert method.noise.law.tail == sp.S(3)
    assert of_secant.unbiased and of_secant.definitions == messages(Letters(method), any_noise=True).definitions


class Secant(Law):
    tail = 3  # less than is true

    def density(self, x: Any) -> sp.Expr:
        return 1 / (2 * sp.cosh(sp.pi * x / 2))

    def sign_mean(self, x: Any) -> sp.Expr:
        return 4 / sp.pi * sp.atan(sp.exp(sp.pi * x / 2)) - 1

    def latex(self) -> str:
        return "H"
