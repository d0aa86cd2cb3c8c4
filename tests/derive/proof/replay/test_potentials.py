"""The checker of proof certificates: potentials that move, steps, psi. What each rule takes, and what it refuses."""

import copy
from typing import Any

import pytest

from sdescent.derive.proof.replay.check import describe
from tests.support.certificates.edits import accepted, refused
from tests.support.certificates.mutants import tally
from tests.support.certificates.paths import along_paths
from tests.support.certificates.potentials import ALL_AXIOMS, BASE, ENDS, POTENTIALS, by_hand, made
from tests.support.certificates.rules import assume, certify, step, t


@pytest.mark.parametrize("name", POTENTIALS)
def test_every_rule_has_a_valid_certificate_that_holds_along_paths(name: str) -> None:
    """Two of the drawn models satisfy its hypotheses, so that it is not about nothing."""
    replayed = accepted(POTENTIALS[name])
    assert replayed.satisfiability == "shown" and describe(replayed) and replayed.conventions == ()
    assert along_paths(POTENTIALS[name], 1_000, enough=2) == (2, True)


@pytest.mark.parametrize(
    ("name", "dropped"),
    [("descent", 1), ("telescope", 1), ("decay", 3), ("summable", 1), ("telescope with weights", 1)],
)
def test_the_drawn_paths_find_what_is_false(name: str, dropped: int) -> None:
    """Without one of its hypotheses the claim fails in one of the models."""
    value = copy.deepcopy(POTENTIALS[name])
    del value["statement"]["assumptions"][dropped]
    assert not along_paths(value, 3_000)[1]


def test_random_edits_are_refused_or_hold_along_paths() -> None:
    """In both checkers: what is accepted states the same as before, or what holds in all drawn models."""
    edits = tally(by_hand(), 400, 0)
    assert edits["accepted"] >= 4 and edits["invalid"] > 80, edits


def test_what_is_said_of_steps_cannot_be_said_of_other_constants() -> None:
    """descent has no axiom, so that nothing else keeps L0 at 0 from being put in: every V would be linear."""
    for name in ("L0", "eta", "s2", "T", "V0"):
        value = copy.deepcopy(POTENTIALS["descent"])
        claim = put(value["steps"][2]["claim"], name)
        value["steps"].append(step("instantiate", [2], {"symbol": name, "term": t("0")}, "0 <= 0") | {"claim": claim})
        value["statement"] |= {"assumptions": [], "claim": claim}
        assert "meaning" in refused(value, "not a free constant")
        assert name in ("T", "V0") or not along_paths(value, 500)[1]
    free = copy.deepcopy(POTENTIALS["descent with a radius"])
    free["context"]["symbols"] |= {"r": "const", "X": "random"}
    del free["witness"]
    claim = "dV <= -eta*norm(g)**2/(1 + norm(g)) + (L0 + L1*norm(g))*eta**2*psi({})"
    free["steps"] = [
        assume("0 <= L1"), assume("L1*eta <= r"),
        step("descent", [0, 1], {"potential": "V", "reach": t("r")}, claim.format("r")),
        step("instantiate", [2], {"symbol": "r", "term": t("2 + X")}, claim.format("(2 + X)")),
    ]  # fmt: skip
    free["statement"] |= {"assumptions": [t("0 <= L1"), t("L1*eta <= 2 + X")], "claim": free["steps"][-1]["claim"]}
    accepted(free)
    assert along_paths(free, 300, enough=10) == (10, True)


def put(raw: Any, name: str) -> Any:
    """A relation with 0 for a symbol."""
    return ["q", "0"] if raw == ["x", name] else [put(part, name) if type(part) is list else part for part in raw]


@pytest.mark.parametrize("in_steps", [True, False])
def test_rules_of_an_interval_are_refused_in_steps(in_steps: bool) -> None:
    """The sum of 2n over n < T is not T^2, and what moves has no second derivative."""
    symbols = {**BASE, "t": "clock"}
    about: dict[str, Any] = {"symbols": symbols, "potentials": {"V": ENDS}, "values": {}, "in_steps": in_steps}
    data = {"time": "t", "primitive": t("t**2"), "integrand": t("2*t")}
    square = made(certify([], "2*t == 2*t"), step("primitive", [0], data, "2*I(t) == T**2"), **about)
    if in_steps:
        assert "summation" in refused(square, "time is steps")
    else:
        accepted(square)
    ito = step("ito", [0], {"potential": "V"}, "E(VT) - V0 <= 0")
    assert "smooth" in refused(made(assume("0 <= V"), ito, axioms=ALL_AXIOMS, **about), "C^2")


PRIMITIVES = "norm(g)*t; t + E(X); X*t; eta*t; t*EI(1); dot(g, g); VT"


@pytest.mark.parametrize("primitive", PRIMITIVES.split("; "))
def test_the_primitive_of_a_sum_moves_with_the_clock(primitive: str) -> None:
    """Of norm(g) t the step is not norm(g): the gradient moves too."""
    symbols = {**BASE, "t": "clock", "X": "random", "eta": "time"}
    last = step("summation", [], {"time": "t", "primitive": t(primitive)}, "T == T")
    value = made(last, symbols=symbols, potentials={}, values={}, vectors={"g": ["0"]})
    assert "the primitive has" in refused(value, "made of the time and constants")


@pytest.mark.parametrize(
    ("primitive", "claim"),
    [
        ("t**2", "2*I(t) + T == T**2"), ("k*t", "k*T == T*k"), ("psi(t)", "I(psi(t + 1) - psi(t)) == psi(T) - 1/2"),
        ("log(t)", "I(log(t + 1) - log(t)) == log(T) - log(0)"), ("T*t**3", "T*I(3*t**2 + 3*t + 1) == T**4"),
        ("exp(k*t)", "I(exp(k*t + k) - exp(k*t)) == exp(k*T) - 1"), ("3*pi", "0 == 0"),
    ],
)  # fmt: skip
def test_sums_of_any_function_of_the_clock(primitive: str, claim: str) -> None:
    symbols = {"T": "const", "t": "clock", "k": "const"}
    last = step("summation", [], {"time": "t", "primitive": t(primitive)}, claim)
    value = made(last, symbols=symbols, potentials={}, values={"k": "2"})
    accepted(value)
    assert along_paths(value, 20) == (20, True)


def test_along_paths_hypotheses_are_sealed() -> None:
    """They were used at all times, so that they cannot be split by a case at one of them; those of descent can."""
    value = copy.deepcopy(POTENTIALS["telescope"])
    steps = value["steps"][4:7]
    steps[2]["premises"] = [0]
    other = [
        assume("V <= 0"),
        assume("E(VT) - V0 <= EI(dV)"),
        certify([3, 4], "E(VT) - V0 <= EI(dV)", [["1", [1], []]]),
    ]
    split = step("cases", [2, 5], {"split": t("0 <= V")}, "E(VT) - V0 <= EI(dV)")
    value |= {"steps": [*steps, *other, split]}
    value["statement"] |= {"assumptions": [other[1]["claim"]], "claim": split["claim"]}
    del value["witness"]
    assert "sealed" in refused(value, "used under an expectation")
