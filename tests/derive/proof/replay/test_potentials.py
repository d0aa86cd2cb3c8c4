"""The checker of proof certificates: potentials that move, steps, psi. What each rule takes, and what it refuses."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from sdescent.derive.proof.replay.check import describe, replay
from tests.support.certificates.edits import DROP, edited_in, refused
from tests.support.certificates.mutants import tally
from tests.support.certificates.paths import along_paths
from tests.support.certificates.potentials import ALL_AXIOMS, BASE, ENDS, POTENTIALS, by_hand, made
from tests.support.certificates.rules import assume, certify, law, step, t


def changed(name: str, *path: Any, to: Any) -> dict[str, Any]:
    """A certificate with one place changed."""
    return edited_in(POTENTIALS[name], *path, to=to)


@pytest.mark.parametrize("name", POTENTIALS)
def test_every_rule_has_a_valid_certificate_that_holds_along_paths(name: str) -> None:
    """Two of the drawn models satisfy its hypotheses, so that it is not about nothing."""
    replayed = replay(json.dumps(POTENTIALS[name]))
    assert replayed.satisfiability == "shown" and describe(replayed) and replayed.conventions == ()
    assert along_paths(POTENTIALS[name], 1_000, enough=2) == (2, True)
    plain = {key: value for key, value in POTENTIALS[name].items() if key != "witness"}
    assert replay(json.dumps(plain)).satisfiability == "not shown"


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


V = ("context", "potentials", "V")
CONTEXTS: list[tuple[Any, ...]] = [
    ("descent", ("context", "steps"), False), ("descent", ("context", "steps"), 1), ("descent", ("context", "steps"), None),
    ("descent", ("context", "steps"), DROP), ("descent", ("context", "symbols", "dV"), "rv"),
    ("descent", ("context", "symbols", "dV"), "time"), ("descent", ("context", "symbols", "VT"), "random"),
    ("descent", ("context", "symbols", "V0"), "rv"), ("descent", ("context", "symbols", "V"), "rv"),
    ("descent", (*V, "change"), "eta"), ("descent", (*V, "change"), ["x", "dV"]), ("descent", (*V, "change"), DROP),
    ("descent", (*V, "gradient"), "V"), ("descent", (*V, "gradient"), DROP), ("descent", (*V, "radius"), DROP),
    ("descent", (*V, "radius"), "eta"), ("descent", (*V, "radius"), "!VT"), ("descent", (*V, "square"), None),
    ("descent", (*V, "square"), "!eta*VT"), ("descent", (*V, "square"), "!0*VT"), ("descent", (*V, "square"), "!E(VT)"),
    ("descent", (*V, "square"), ["C", t("eta")]), ("descent", (*V, "smoothness"), [t("L0")]),
    ("descent", (*V, "smoothness"), [t("L0"), t("V")]), ("descent", (*V, "smoothness"), [t("L0"), t("0*V")]),
    ("descent", (*V, "smoothness"), [t("L0"), t("V - V")]), ("descent", (*V, "smoothness"), [t("exp(L0)"), t("0")]),
    ("descent", (*V, "smoothness"), [t("pi"), t("0")]), ("descent", (*V, "smoothness"), [t("E(L0)"), t("0")]),
    ("descent", (*V, "smoothness"), [["x", "nobody"], t("0")]), ("descent", (*V, "smoothness"), [["q"], t("0")]),
    ("descent", (*V, "smoothness"), [t("norm(g)"), t("0")]), ("descent", (*V, "mean"), [[t("VT"), ["v", "g"]]]),
    ("descent", (*V, "mean"), [[t("eta"), ["v", "V"]]]), ("descent", (*V, "mean"), [[t("eta")]]), ("descent", (*V, "mean"), {}),
    ("descent", (*V, "smooth"), True), ("descent", ("context", "potentials", "eta"), ENDS),
    ("telescope with weights", (*V, "gradient"), "g"), ("telescope with weights", ("context", "potentials", "V"), None),
    ("telescope with weights", ("context", "potentials", "V"), []), ("telescope with weights", (*V, "more"), True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "path", "to"), CONTEXTS)
def test_contexts(name: str, path: tuple[Any, ...], to: Any) -> None:
    """Refused where they are read, since the steps do not use them."""
    for value, valid in ((changed(name, "title", to="0 <= 1"), True), (changed(name, *path, to=to), False)):
        value["steps"] = [certify([], "0 <= 1", [["1", [], []]])]
        value["statement"] = {"assumptions": [], "definitions": [], "axioms": [], "claim": t("0 <= 1")}
        del value["witness"]
        if valid:
            replay(json.dumps(value))
        else:
            refused(value)


def test_each_kind_of_time_has_its_potentials() -> None:
    """A smooth potential has no steps, and a stepping one nothing else."""
    smooth = {"gradient": "g", "hessian": "H", "smooth": True, "drift": [], "diffusion": [], "end": "VT", "start": "V0"}
    for value in (copy.deepcopy(POTENTIALS["descent"]), copy.deepcopy(POTENTIALS["telescope with weights"])):
        value["context"]["matrices"] = {"H": ["symmetric"]}
        value["context"]["vectors"] = ["g"]
        value["context"]["potentials"] = {"V": smooth}
        assert "keys" in str(refused(value)) or "steps" not in value["context"]
    value = copy.deepcopy(POTENTIALS["descent"])
    del value["context"]["steps"]
    assert "keys" in str(refused(value))


# step, part of the message
REFUSED: list[tuple[Any, ...]] = [
    # descent: the reach, the radius and t1
    ("descent", ("steps", 2, "data", "reach"), "!eta", "not 0"),
    ("descent", ("steps", 2, "data", "potential"), "dV", "not declared"),
    ("descent", ("steps", 2, "data", "potential"), ["V"], "not declared"),
    ("descent", ("context", "potentials", "V"), ENDS, "not a stepping one"),
    ("descent", (*V, "smoothness"), [t("L0"), t("L0")], "not 0"),
    ("descent", (*V, "smoothness"), [t("2*L0"), t("0")], "does not prove"),
    ("descent", (*V, "radius"), "!eta", "premises"),
    ("descent", (*V, "square"), "!eta*eta*norm(g)**2", "does not prove"),
    ("descent", (*V, "mean"), [], "does not prove"),
    ("descent with a radius", (*V, "radius"), None, "premises"),
    ("descent with a radius", (*V, "radius"), "!2*eta", "premise"),
    ("descent with a radius", ("steps", 3, "data", "reach"), "!1/2", "premise"),
    ("descent with a radius", ("steps", 3, "data", "reach"), "!VT", "end"),
    ("descent with a radius", ("steps", 3, "data", "reach"), "!1 + 0*VT", "end"),
    ("descent with a radius", ("steps", 3, "premises"), [2, 1], "premise"),
    ("descent with a radius", ("steps", 3, "premises"), [1], "premises"),
    ("descent with a radius", ("steps", 3, "premises"), [1, 2, 2], "premises"),
    ("descent with a radius", ("steps", 3, "premises"), [0, 2], "premise"),
    ("descent with a radius", ("steps", 1), assume("L1 <= 0"), "premise"),
    ("descent with a radius", ("steps", 2), assume("L1*eta == 1"), "premise"),
    ("descent with a radius", ("steps", 4, "claim"), "!0 < 7/10 - psi(1)", ""),
    # telescope: a bound from below, weights that are numbers
    ("telescope", ("steps", 4), assume("V <= 0"), "not c <= V"),
    ("telescope", ("steps", 4), assume("eta*norm(g) <= V"), "not c <= V"),
    ("telescope", ("steps", 4), assume("0 <= 2*V"), "not c <= V"),
    ("telescope", ("steps", 4), assume("0 == V"), "not c <= V"),
    ("telescope", ("steps", 4), assume("0 <= VT"), "not c <= V"),
    ("telescope", ("steps", 6, "data", "potentials"), [], "no potential"),
    ("telescope", ("steps", 6, "data", "potentials"), [[t("1"), "dV"]], "not declared"),
    ("telescope", ("steps", 6, "data", "potentials"), [[t("2"), "V"]], "not c <= V"),
    ("telescope", ("steps", 6, "premises"), [4, 4], "premises"),
    ("telescope", ("steps", 6, "premises"), [], "premises"),
    ("telescope with weights", ("steps", 2, "data", "potentials", 1, 0), "!X", "weight"),
    ("telescope with weights", ("steps", 2, "data", "potentials", 1, 0), "!a + 0*X", "weight"),
    ("telescope with weights", ("steps", 2, "data", "potentials", 1, 0), "!a*E(1)", "weight"),
    ("telescope with weights", ("steps", 2, "data", "potentials", 1, 0), "!sqrt(a**2)", "weight"),
    ("telescope with weights", ("context", "symbols", "a"), "random", "weight"),
    ("telescope with weights", ("context", "symbols", "a"), "time", "weight"),
    ("telescope with weights", ("context", "symbols", "b"), "random", "not c <= V"),
    ("telescope with weights", ("context", "symbols", "b"), "rv", "not c <= V"),
    ("telescope with weights", ("statement", "axioms"), ["integrability"], "axioms"),
    ("telescope", ("statement", "axioms"), list(ALL_AXIOMS), "axioms"),
    # decay: 0 < k < 1 in steps, and constants
    ("decay", ("steps", 7), assume("0 <= m"), ""),
    ("decay", ("steps", 4), assume("V <= 0"), "not c <= V"),
    ("decay with weights", ("steps", 0), assume("X <= V + a*U"), "not c <= V"),
    ("decay", ("steps", 9), assume("m*eta <= 1"), "premise"),
    ("decay", ("steps", 10, "premises"), [4, 6, 8], "premises"),
    ("decay", ("steps", 10, "data", "rate"), "!2*m*eta", "premise"),
    ("decay", ("steps", 10, "data", "offset"), "!0", "premise"),
    ("decay", ("context", "symbols", "m"), "time", "constant"),
    ("decay", ("context", "symbols", "m"), "random", "constant"),
    ("decay", ("context", "horizon"), None, "horizon"),
    ("decay with weights", ("steps", 3, "premises"), [0, 1, 2, 2], "premises"),
    ("decay with weights", ("steps", 3, "data", "rate"), "!k + 1", "premise"),
    ("decay with weights", ("steps", 2), assume("0 <= k"), "premise"),
    ("decay with weights", ("context", "symbols", "c"), "time", "constant"),
    # summable: all five, and what depends on the outcome
    ("summable", ("steps", 0), assume("-1 <= V"), "premise"),
    ("summable", ("steps", 1), assume("dV <= al*V + be"), "premise"),
    ("summable", ("steps", 2), assume("al <= 0"), "premise"),
    ("summable", ("steps", 3), assume("-1 <= be"), "premise"),
    ("summable", ("steps", 4), assume("-1 <= y"), "premise"),
    ("summable", ("steps", 5, "premises"), [0, 1, 2, 3], "premises"),
    ("summable", ("steps", 5, "premises"), [0, 1, 3, 2, 4], "premise"),
    ("summable", ("context", "symbols", "be"), "random", "integral of a random"),
    ("summable", ("context", "symbols", "y"), "rv", "end"),
    # summation: a function of the clock alone, in steps
    ("summation", ("context", "steps"), DROP, "integrate"),
    ("summation", ("context", "symbols", "t"), "time", "clock"),
    ("summation", ("context", "horizon"), None, "horizon"),
    ("summation", ("steps", 7, "data", "time"), "T", "clock"),
    ("summation", ("steps", 7, "data", "time"), ["t"], "clock"),
    ("summation", ("steps", 7, "data", "primitive"), "!-1/(t + 2)", "does not prove"),
    ("summation", ("steps", 7, "data", "primitive"), "!-1/(t + 1) + T*I(1)", "operator"),
    ("summation", ("steps", 7, "premises"), [0], "premises"),
    # psi
    ("psi", ("steps", 1, "premises"), [], "premises"),
    ("psi", ("steps", 1, "claim"), "!1/2 < psi(a)", "does not prove"),
    ("psi", ("steps", 1, "data", "args"), [t("a"), t("0")], "premise"),
    ("psi", ("steps", 2, "claim"), "!psi(a)*a**2 == exp(a) - a", "does not prove"),
    ("psi", ("steps", 3, "claim"), "!1/2 < psi(-a)", "does not prove"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "path", "to", "message"), REFUSED)
def test_side_conditions(name: str, path: tuple[Any, ...], to: Any, message: str) -> None:
    assert message in str(refused(changed(name, *path, to=to)))


def test_what_is_said_of_steps_cannot_be_said_of_other_constants() -> None:
    """descent has no axiom, so that nothing else keeps L0 at 0 from being put in: every V would be linear."""
    for name in ("L0", "eta", "s2", "T", "V0"):
        value = copy.deepcopy(POTENTIALS["descent"])
        data = {"symbol": name, "term": t("0")}
        value["steps"] += [step("instantiate", [2], data, "0 <= 0")]
        value["steps"][-1]["claim"] = put(value["steps"][2]["claim"], name)
        value["statement"]["assumptions"] = []
        value["statement"]["claim"] = value["steps"][-1]["claim"]
        assert "meaning" in str(refused(value))
        assert name in ("T", "V0") or not along_paths(value, 500)[1]
    free = copy.deepcopy(POTENTIALS["descent with a radius"])
    free["context"]["symbols"]["r"] = "const"
    del free["witness"]
    claim = "dV <= -eta*norm(g)**2/(1 + norm(g)) + (L0 + L1*norm(g))*eta**2*psi({})"
    free["steps"] = [
        assume("0 <= L1"), assume("L1*eta <= r"),
        step("descent", [0, 1], {"potential": "V", "reach": t("r")}, claim.format("r")),
        step("instantiate", [2], {"symbol": "r", "term": t("2 + X")}, claim.format("(2 + X)")),
    ]  # fmt: skip
    free["context"]["symbols"]["X"] = "random"
    free["statement"]["assumptions"] = [t("0 <= L1"), t("L1*eta <= 2 + X")]
    free["statement"]["claim"] = free["steps"][-1]["claim"]
    replay(json.dumps(free))
    assert along_paths(free, 300, enough=10) == (10, True)


def put(raw: Any, name: str) -> Any:
    """A relation with 0 for a symbol."""
    return ["q", "0"] if raw == ["x", name] else [put(part, name) if type(part) is list else part for part in raw]


def test_rules_of_an_interval_are_refused_in_steps() -> None:
    """The sum of 2n over n < T is not T^2, and what moves has no second derivative."""
    data = {"time": "t", "primitive": t("t**2"), "integrand": t("2*t")}
    symbols = {**BASE, "t": "clock"}
    for in_steps in (True, False):
        steps = (certify([], "2*t == 2*t"), step("primitive", [0], data, "2*I(t) == T**2"))
        value = made(*steps, symbols=symbols, potentials={"V": ENDS}, values={}, in_steps=in_steps)
        if in_steps:
            assert "summation" in str(refused(value))
        else:
            replay(json.dumps(value))
        ito = step("ito", [0], {"potential": "V"}, "E(VT) - V0 <= 0")
        about = {"symbols": symbols, "potentials": {"V": ENDS}, "values": {}, "axioms": ALL_AXIOMS}
        value = made(assume("0 <= V"), ito, in_steps=in_steps, **about)
        assert "smooth" in str(refused(value))
    smooth = {"gradient": "g", "hessian": "H", "smooth": True, "drift": [], "diffusion": [], "end": "VT", "start": "V0"}
    lone = step("telescope", [0], {"potentials": [[t("1"), "V"]]}, "E(VT) - V0 <= 0")
    value = made(assume("0 <= V"), lone, symbols=BASE, potentials={"V": smooth}, values={}, in_steps=False, axioms=ALL_AXIOMS,
                 vectors={"g": ["0"]})  # fmt: skip
    value["context"]["matrices"] = {"H": ["symmetric"]}
    assert "no change" in str(refused(value))


@pytest.mark.parametrize("primitive", ["norm(g)*t", "t + E(X)", "X*t", "eta*t", "t*EI(1)", "dot(g, g)", "VT"])
def test_the_primitive_of_a_sum_moves_with_the_clock(primitive: str) -> None:
    """Of norm(g) t the step is not norm(g): the gradient moves too."""
    symbols = {**BASE, "t": "clock", "X": "random", "eta": "time"}
    last = step("summation", [], {"time": "t", "primitive": t(primitive)}, "T == T")
    assert "the primitive has" in str(
        refused(made(last, symbols=symbols, potentials={}, values={}, vectors={"g": ["0"]}))
    )


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
    replay(json.dumps(value))
    considered, true = along_paths(value, 20)
    assert considered == 20 and true


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
    assert "sealed" in str(refused(value))


@pytest.mark.parametrize("kind", ["random", "rv"])
@pytest.mark.parametrize("name", ["al", "be"])
def test_growth_and_floor_depend_on_time_alone(name: str, kind: str) -> None:
    """With E(al V) for al E(V) a large al where V is large would not be seen."""
    value = changed("summable", "context", "symbols", name, to=kind)
    value["steps"][-1]["claim"] = value["statement"]["claim"] = t("E(VT) <= 0")
    assert "more than the time" in str(refused(value))


def test_laws_of_psi_are_what_they_are() -> None:
    """psi(0) is 1/2 in normal form; the law monotone needs its order, and none has other arguments."""
    symbols = {"T": "const", "a": "const", "b": "const"}

    def taken(*steps: dict[str, Any]) -> dict[str, Any]:
        return made(*steps, symbols=symbols, potentials={}, values={"a": "-1", "b": "2"})

    replay(json.dumps(taken(certify([], "psi(a - a) == 1/2"))))
    replay(json.dumps(taken(assume("a < b"), law("monotone:psi", ["a", "b"], "psi(a) < psi(b)", [0]))))
    replay(json.dumps(taken(law("psi_square", ["0"], "0 == 0"))))
    refused(taken(certify([], "psi(1) == 1/2")))
    refused(taken(assume("b < a"), law("monotone:psi", ["a", "b"], "psi(a) < psi(b)", [0])))
    for args in ([], ["a", "b"]):
        refused(taken(law("psi_square", args, "psi(a)*a**2 == exp(a) - 1 - a")))
        refused(taken(law("psi_positive", args, "0 < psi(a)")))
    refused(taken(law("psi_nonneg", ["a"], "0 <= psi(a)")))
