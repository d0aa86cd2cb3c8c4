"""A refutation is a run: checked by code of its own, along which all assumptions hold, and which says what it refutes."""

import ast
from collections.abc import Iterator
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from sdescent.derive.proof.language.terms import num, x
from sdescent.derive.theorems.bounds.answer import decide
from sdescent.derive.theorems.bounds.refuting import Refuted, refuted, refuted_at_the_end, refuted_later
from sdescent.derive.theorems.bounds.runs import check, exact, trajectory
from sdescent.derive.theorems.bounds.runs.check import recorded, refutes
from sdescent.derive.theorems.bounds.runs.trajectory import Run
from sdescent.derive.theorems.bounds.stated import Stated
from tests.support.samples import slow_but

Table = dict[str, Any]
PLAIN: Table = {"method": "dsgd", "V": "f - fstar", "assume": ["smooth: L", "variance: s", "eta*L <= 1"]}
DISTANCE: Table = {**PLAIN, "V": "||x - xstar||^2"}
AVERAGE: Table = {**PLAIN, "step": "change <= -eta*G^2/2 + eta^2*L*s/(2*N)", "conclude": "telescope"}
DECAY: Table = {
    "method": "dsgd", "V": "f - fstar", "assume": ["smooth: L", "pl: mu", "variance: s", "eta*L <= 1"],
    "step": "change <= -eta*mu*V + eta^2*L*s/(2*N)", "conclude": "gronwall",
}  # fmt: skip
HEAVY: Table = {
    "method": "heavy-ball", "V": "f - fstar + (1 - eta*L)/(2*eta)*||v||^2", "step": "change <= -eta*G^2/2 + eta*s/(2*N)",
    "assume": ["smooth: L", "variance: s", "eta*L <= 1", "beta^2 <= 1 - eta*L"], "conclude": "telescope",
}  # fmt: skip
SPARSE: Table = {
    "method": "dcsgd", "compressor": "bernoulli:p=p", "V": "f - fstar", "conclude": "telescope",
    "assume": ["smooth: L", "variance: s", "p <= 1", "eta*L*(1 + (1/p - 1)/N) <= 1"],
    "step": "change <= -eta*G^2/2 + eta^2*L*s/(2*N*p)",
}  # fmt: skip

#: claims at the horizon beside a true step: those that hold, and those that do not
HOLD = {
    "average": (AVERAGE, "Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s/N"),
    "decay, as an exponential": (DECAY, "EVT <= V0*exp(-eta*mu*K) + eta*L*s/(2*mu*N)"),
    "momentum": (HEAVY, "Esum(G^2)/K <= 2*V0/(eta*K) + s/N"),
    "compressed": (SPARSE, "Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s/(N*p)"),
}
FAIL = {
    "1/K^2": (AVERAGE, "Esum(G^2)/K <= 2*V0/(eta*K^2) + eta*L*s/N"),
    "no start": (AVERAGE, "Esum(G^2)/K <= eta*L*s/N"),
    "no floor": (DECAY, "EVT <= V0*exp(-eta*mu*K)"),
    "momentum, an eighth of the floor": (HEAVY, "Esum(G^2)/K <= 2*V0/(eta*K) + s/(8*N)"),
    "compressed, no p": (SPARSE, "Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s/(4*N)"),
}


def at_the_end(table: Table, claim: str, seconds: float = 10.0) -> tuple[Stated, Refuted | None]:
    stated = Stated({**table, "claim": claim})
    return stated, refuted_at_the_end(stated.setting, stated.claim, seconds)


def of_a_step(table: Table, claim: str, seconds: float = 2.0) -> tuple[Stated, Refuted | None]:
    stated = Stated({**table, "claim": claim})
    assert stated.step is not None
    against = refuted(stated.setting, stated.step, seconds)
    return stated, refuted_later(stated.setting, stated.step, seconds) if against is None else against


# --- the check of a run


def test_the_check_shares_no_code_with_the_search() -> None:
    for module in (exact, trajectory, check):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        names |= {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
        inner = {n.removeprefix("sdescent.derive.") for n in names}
        assert not [n for n in inner if n.startswith(("proof.refute", "proof.search", "proof.kernel", "z3"))]
        assert not inner & {f"bounds.{n}" for n in ("refuting", "instances", "proving", "horizon", "answer", "suggest")}


BOUNDED = ["smooth: L", "convex", "bounded gradient: B", "variance: s"]
#: tables with a false claim about a step, one for each kind of run
STEPS = {
    "quadratic": (PLAIN, "change <= -3*eta*G^2/4 + eta^2*L*s/(2*N)"),
    "noise": (PLAIN, "change <= -eta*G^2/2 + eta^2*L*s/(3*N)"),
    "core": ({**DISTANCE, "assume": BOUNDED}, "change <= -5*eta*(f - fstar) + eta^2*(B^2 + s/N)"),
    "clients": (PLAIN, "change <= -eta*G^2/2 + eta^2*L*s/(2*N^2)"),
    "exponential": (
        {**PLAIN, "noise": "none", "assume": ["smooth: L0, L1", "eta*(L0 + L1*G) <= 1"]},
        "change <= -eta*G^2",
    ),
    "signs": (
        {"method": "dsignsgd", "noise": "any", "V": "f - fstar", "assume": ["smooth: L"]},
        "change <= -eta*Phi + eta^2*L*d/3",
    ),
    "memory": ({**HEAVY, "assume": ["smooth: L", "variance: s", "eta*L <= 1"]}, "change <= -eta*G^2/2 + eta*s/(2*N)"),
    "compressed": (SPARSE, "change <= -eta*G^2/2 + eta^2*L*s/(4*N*p)"),
}


def mutants(run: Run) -> Iterator[tuple[str, Run]]:
    """The run with one number changed, for every number in it."""
    for field in fields(run):
        held: Any = getattr(run, field.name)
        for path in _paths(held):
            yield f"{field.name} {path}", replace(run, **{field.name: _changed(held, path)})


def _paths(held: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(held, Fraction):
        yield ()
    elif isinstance(held, dict | tuple):
        for key, part in held.items() if isinstance(held, dict) else enumerate(held):
            yield from ((key, *rest) for rest in _paths(part))


def _changed(held: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return held + Fraction(1, 7)
    if isinstance(held, dict):
        return {**held, path[0]: _changed(held[path[0]], path[1:])}
    return tuple(_changed(part, path[1:]) if n == path[0] else part for n, part in enumerate(held))


@pytest.mark.parametrize("name", slow_but(STEPS, ["quadratic"]))
def test_a_run_with_another_number_is_none(name: str) -> None:
    stated, against = of_a_step(*STEPS[name])
    assert against is not None and stated.step is not None
    assert refutes(stated.setting, stated.step, against.run)
    count = 0
    for what, mutant in mutants(against.run):
        assert not refutes(stated.setting, stated.step, mutant), what
        count += 1
    assert count > 15


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1/K^2", "momentum, an eighth of the floor"])
def test_a_run_over_the_horizon_with_another_number_is_none(name: str) -> None:
    stated, against = at_the_end(*FAIL[name])
    assert against is not None and refutes(stated.setting, stated.claim, against.run)
    for what, mutant in mutants(against.run):
        assert not refutes(stated.setting, stated.claim, mutant), what


def draft(
    stated: Stated, claim: str, start: str, noise: str, shape: str = "1", core: str = "", **constants: str
) -> Run | None:
    """The run of these numbers, if it refutes the claim."""
    known = {"eta": "1/2", "N": "1", "d": "1", "K": "1", "L": "1", "s": "1", **constants}
    read = [tuple(Fraction(p) for p in text.split()) for text in (shape, noise, core)]
    other = Stated({**stated.table, "claim": claim})
    assert other.step is not None
    run = Run(read[0], {n: Fraction(v) for n, v in known.items() if v}, Fraction(start), read[1], read[2])
    return recorded(other.setting, other.step, run)


FALSE = "change <= -100*eta*G^2"


@pytest.mark.parametrize(
    ("more", "shape", "core", "passes"),
    [
        ((), "1", "", True),
        (("bounded gradient: B",), "1", "", False),  # a quadratic has gradients of every length
        (("bounded gradient: B",), "1", "1 1", True),  # up to 1 + 1/2
        (("bounded gradient: B",), "1", "1 4", False),  # up to 3
        (("coercive",), "1", "", True),
        (("pl: mu",), "1/2", "", False),
        (("f - fstar <= F",), "1", "", True),
        (("f - fstar <= F/8",), "1", "", False),
        (("bounded step: r",), "1", "", True),
        (("bounded step: r/8",), "1", "", False),
        (("bounded gradient: B", "pl: mu"), "1", "1 1", False),
    ],
)
def test_assumptions_hold_of_the_loss_on_the_whole_space_and_along_the_run(
    more: tuple[str, ...], shape: str, core: str, passes: bool
) -> None:
    stated = Stated({**PLAIN, "assume": [*PLAIN["assume"], *more], "claim": FALSE})
    used = set("".join(more).replace("bounded step: ", "").replace("bounded gradient: ", ""))
    constants = {
        n: v for n, v in {"B": "2", "mu": "1", "F": "1", "r": "1"}.items() if n in used or n in " ".join(more).split()
    }
    assert (draft(stated, FALSE, "1", "0", shape, core, **constants) is not None) is passes


#: the exact change of h e^2/2 at h = L, and with what a mask that keeps a half adds to the noise
EXACT = "change {} -eta*G^2 + eta^2*L*G^2/2"
MASKED = "change {} -eta*G^2 + eta^2*L*(G^2 + ((1/p - 1)*G^2 + s/p)/N)/2"


@pytest.mark.parametrize(
    ("table", "claim", "noise"), [(PLAIN, EXACT, "0"), (SPARSE, MASKED, "1")], ids=["plain", "masked"]
)
def test_an_exact_bound_is_refuted_as_a_strict_one_alone(table: Table, claim: str, noise: str) -> None:
    stated = Stated({**table, "claim": FALSE, "conclude": "none"})
    share = "1/2" if table is SPARSE else ""
    for sign, refuted_there in (("<=", False), ("<", True)):
        assert (draft(stated, claim.format(sign), "1", noise, p=share) is not None) is refuted_there


@pytest.mark.parametrize(("L1", "passes"), [("2", True), ("1", False)])
def test_an_exponential_loss_has_a_least_L1(L1: str, passes: bool) -> None:
    """exp(2 e) - 2 e - 1 is (4, 2)-smooth; there G = 2, and eta (4 + 2 G) <= 1."""
    stated = Stated({**STEPS["exponential"][0], "claim": FALSE})
    assert (draft(stated, FALSE, "2", "0", "1 2", L="", s="", L0="4", L1=L1, eta="1/8") is not None) is passes


def test_the_noise_of_a_run_is_that_of_the_mean_of_all_clients() -> None:
    """From x* with eta h = 1/2 and four clients, E x^2 is 0, 1/16, 5/64: the mean is 3/64, and 3/16 for one client."""
    numbers = {n: Fraction(v) for n, v in {"eta": "1/2", "N": 4, "d": 1, "K": 3, "L": 1, "s": 1, "u": 1}.items()}
    run = Run((Fraction(1),), numbers, Fraction(0), (Fraction(1),) * 3)
    for floor, passes in (("", False), ("*3/8", False), ("*4/11", True)):
        stated = Stated({**AVERAGE, "claim": f"Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s{floor}/N"})
        assert (recorded(stated.setting, stated.claim, run) is not None) is passes


def test_a_flat_loss_is_not_coercive() -> None:
    plain, coercive = (
        Stated({**PLAIN, "assume": [*PLAIN["assume"], *more], "claim": FALSE}) for more in ((), ("coercive",))
    )
    assert draft(plain, "change <= -1", "1", "0", "0") is not None
    assert draft(coercive, "change <= -1", "1", "0", "0") is None


def test_what_is_assumed_of_the_state_holds_after_the_step_for_every_draw() -> None:
    """x' is 1/2 x +- z/2: with z = 4 the loss at the next state is beyond F, for one of the two draws."""
    stated = Stated({**PLAIN, "assume": [*PLAIN["assume"], "f - fstar <= F"], "claim": FALSE})
    false = "change <= -100*eta*G^2"
    assert draft(stated, false, "1", "1", F="1/2") is not None
    assert draft(stated, false, "1", "4", F="1/2", s="16") is None
    assert draft(stated, false, "1", "4", F="4", s="16") is not None


def test_what_is_assumed_of_the_state_holds_for_ever() -> None:
    """With eta h = 3 the run leaves every ball; with 2 it goes to and fro."""
    table = {**PLAIN, "assume": ["smooth: L", "variance: s", "f - fstar <= F"]}
    stated = Stated({**table, "claim": FALSE})
    assert draft(stated, FALSE, "1", "0", F="1", eta="2") is not None
    assert draft(stated, FALSE, "1", "0", F="100", eta="3") is None


def test_what_a_biased_compressor_sends_is_not_known() -> None:
    table: Table = {
        "method": "dcsgd", "compressor": "top-k:k=1", "noise": "none", "assume": ["smooth: L"], "V": "f - fstar", "dim": 2,
    }  # fmt: skip
    stated = Stated({**table, "claim": FALSE})
    assert draft(stated, FALSE, "1", "0", d="2") is None
    assert draft(Stated({**table, "compressor": "rand-k:k=1", "claim": FALSE}), FALSE, "1", "0", d="2") is not None


@pytest.mark.parametrize(("floor", "reach", "passes"), [("1/100", "1", False), ("0", "2/3", True)])
def test_a_polynomial_is_looked_at_on_the_whole_interval(floor: str, reach: str, passes: bool) -> None:
    """(a - 1/3)^2 - 1/100 is negative in the left half of [0, 1] alone."""
    a = x("a")
    relation = num(0).le((a - num("1/3")) ** 2 - num(floor))
    assert exact.holds(relation, lambda t: trajectory.LINE if t == a else None, Fraction(reach)) is passes


# --- theorems that hold are not refuted

#: true because an assumption holds at every state: each was refuted by numbers of one state
TRUE_ALONG_A_RUN: list[tuple[Table, str]] = [
    ({**PLAIN, "assume": ["smooth: L", "variance: s", "f - fstar <= F"]}, "change <= F - (f - fstar)"),
    ({**PLAIN, "assume": ["pl: mu", "smooth: L", "variance: s", "bounded gradient: B"]}, "change <= B^2/(2*mu) - V"),
    ({**DISTANCE, "assume": ["convex", "variance: s", "||x - xstar|| <= far"]}, "change <= far^2 - V"),
    (
        {"method": "heavy-ball", "V": "f - fstar", "noise": "none", "assume": ["smooth: L", "f - fstar <= F"]},
        "change <= F - V",
    ),
]


@pytest.mark.parametrize("n", slow_but(range(len(TRUE_ALONG_A_RUN)), [0]))
def test_a_theorem_that_holds_along_every_run_is_not_refuted(n: int) -> None:
    table, claim = TRUE_ALONG_A_RUN[n]
    assert of_a_step(table, claim, 1.0)[1] is None


# --- what is refuted


def test_a_false_step_beside_a_true_claim_refutes_the_step_alone() -> None:
    claim = "Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s/N"
    table = {**AVERAGE, "step": "change <= -eta*G^2 + eta^2*L*s/(2*N)", "claim": claim}
    answer = decide(Stated(table), 5, repair=False, horizon=False)
    assert (answer.status, answer.refutes) == ("UNDECIDED", "step") and answer.refuted is not None
    assert refutes(answer.stated.setting, answer.refuted.claim, answer.refuted.run)
    plain = decide(Stated({**PLAIN, "claim": "change <= -eta*G^2"}), 5, repair=False)
    assert (plain.status, plain.refutes) == ("REFUTED", "claim")


@pytest.mark.parametrize("name", slow_but(FAIL, ["no start", "no floor"]))
def test_a_false_claim_at_the_horizon_is_refuted(name: str) -> None:
    stated, against = at_the_end(*FAIL[name])
    assert against is not None and refutes(stated.setting, stated.claim, against.run)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOLD)
def test_a_true_claim_at_the_horizon_is_not_refuted(name: str) -> None:
    """False ones are refuted in a tenth of the time, but for one, which takes two seconds."""
    assert at_the_end(*HOLD[name], seconds=0.7)[1] is None


@pytest.mark.slow
def test_the_answer_to_a_false_claim_at_the_horizon() -> None:
    table, claim = FAIL["1/K^2"]
    answer = decide(Stated({**table, "claim": claim}), 2, repair=False)
    assert (answer.status, answer.refutes) == ("REFUTED", "claim") and answer.refuted is not None
    assert len(answer.refuted.run.noise) == answer.refuted.run.constants["K"] > 1


def test_a_run_has_numbers_that_its_pieces_take() -> None:
    # bernoulli:p=p is there for p <= 1, where eta*(1 - p) is no loss
    file = {**SPARSE, "assume": ["smooth: L"], "conclude": "none"}
    claims = (f"change <= -eta*G^2 + eta^2*L*(G^2 + (1/p - 1)*G^2/N)/2 + eta*{more}" for more in ("(1 - p)", "(p - 1)"))
    true, false = (Stated({**file, "claim": claim}) for claim in claims)
    constants = {"L": Fraction(1), "d": Fraction(1), "N": Fraction(4), "K": Fraction(1), "eta": Fraction(1, 2)}
    half, double = (
        Run((Fraction(1),), {**constants, "p": p}, Fraction(1), (Fraction(0),)) for p in (Fraction(1, 2), Fraction(2))
    )
    assert recorded(false.setting, false.claim, half) and recorded(true.setting, true.claim, double) is None
