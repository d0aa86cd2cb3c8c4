"""Facts of one variable in Rocq, with the tree that proves each (the rule `ball`)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sdescent.derive.proof.rocq.export import translated
from sdescent.derive.proof.rocq.judge import MACHINE, STANDARD
from sdescent.derive.proof.rocq.notation import ExportError
from tests.derive.proof.rocq.drafts import Certificate, Draft, both, changed, check, claiming, read, rocq
from tests.derive.proof.rocq.valid_certificates import ball_of_psi

C, E, EVAL = ["coeffs"], ["exp"], ["eval", 64]


def ball(phi: str, tree: Any, low: Any = None, high: Any = None, strict: bool = False, *positive: str) -> Certificate:
    """0 <= phi(y), or 0 < phi(y), at y = 2 c - 1, c a random symbol; `positive` are terms of the domain, with coefficients >= 0."""
    d = Draft("random c")
    at = f"{low} {'<' if 'up_open' in repr(tree) else '<='} 2*c - 1"
    bounds = d.assume(*([at] if low is not None else []), *([f"2*c - 1 <= {high}"] if high is not None else []))
    domain = [q if type(q) is list else [read(q), 1, C] for q in positive]
    data = {"variable": "y", "term": phi, "strict": strict, "low": low, "high": high, "proof": tree, "domain": domain}
    data["at"] = "2*c - 1"
    value = re.sub(r"\by\b", "(2*c - 1)", phi)
    d.step("ball", bounds, data, f"0 {'<' if strict else '<='} {value}")
    return d.done()


def times(m: str, first: Any, second: Any) -> list[Any]:
    return ["times", read(m), first, second]


def members(kind: str, *pairs: tuple[str, Any]) -> list[Any]:
    return [kind, [[read(term), tree] for term, tree in pairs]]


FLAT = members("sum", ("1", C), ("exp(-2*y)", E))
#: name: term, proof, low, high, strict, domain
BALLS: dict[str, Certificate] = {
    "eval": ball("exp(y) - y", EVAL, "1", "3", True),
    "coeffs": ball("y**2 + y + 1", C, "0", None, True),
    "coeffs_down": ball("9 - 3*y", C, None, "1/2", True),
    "up": ball("exp(y) - (1 + y)", ["up", ["up", E]], "0"),
    "up_open": ball("exp(2*y) - 1", ["up_open", E], "0", None, True),
    "down": ball("1 - y**2", ["down", C], "0", "1"),
    "split": ball("(y**2)**2", ["split", "0", ["down", C], C], "-1"),
    "even": ball("exp(y**2) + y**2", ["even", members("sum", ("y**2", C), ("exp(y**2)", E))], None, None, True),
    "product": ball("exp(-y)*(y + 1/2)", members("product", ("exp(-y)", E), ("y + 1/2", C)), "0", None, True),
    "log": ball("y - log(1 + y)", ["up", times("2 + 2*y", C, C)], "0", None, False, "1 + y"),
    "quotient": ball("1 - y/(1 + 3*y)", times("1 + 3*y", C, C), "0", None, False, "1 + 3*y"),
    "sqrt": ball("sqrt(1 + y) - 1", ["up", ["eval", 80]], "0", "10", False, "1 + y"),
    "merged": ball("exp(y)*exp(-y) - 1", C, "0"),
    "tanh_out": ball("tanh(y)", ["tanh", times("1 + exp(-2*y)", FLAT, ["up", E])], "0", None, False,
                     [read("1 + exp(-2*y)"), 1, FLAT]),
    "root": ball("2*sqrt(1 + y**2)", ["sqrt"], None, None, True, [read("1 + y**2"), 1, ["split", "0", C, C]]),
    "erf_limit": ball("2 - erf(y) + 1/3*y*exp(-y**2)", ["limit", times("exp(y**2)", E, C)], "0"),
    "exp_limit": ball("exp(-y)", ["limit", E], "0", None, True),
    "atan": ball("atan(y) - y/4", ["up", EVAL], "0", "1"),
}  # fmt: skip
UNPROVED = {"tanh": ball("y - tanh(y)", ["up", EVAL], "0", "2")}
FALSE_BALLS: dict[str, Certificate] = {
    "erf": ball("2*y - erf(y)", ["split", "0", EVAL, ["up", EVAL]], "-1/2", "2"),
    "erf_limit": ball("9/10 - erf(y)", ["limit", times("exp(y**2)", E, C)], "0"),
    "eval": ball("exp(y) - 3*y", EVAL, "1/2", "2", True),
    "end": ball("exp(y) - (101/100 + y)", ["up", ["up", E]], "0"),
    "down": ball("1/2 - y**2", ["down", C], "0", "1"),
    "split": ball("y**2 - y + 1/5", ["split", "1/2", EVAL, EVAL], "0", "1"),
    "odd": ball("10 + y", ["even", C]),
    "sum": ball("exp(y) - 1", members("sum", ("exp(y)", E), ("1", C)), "-1"),
    "quotient": ball("1 - 4*y/(1 + 3*y)", times("1 + 3*y", C, EVAL), "0", "2", False, "1 + 3*y"),
}


def psi_is_less(c: Certificate) -> None:
    """psi(1) = e - 2 > 71/100."""
    c["steps"][-1]["data"]["term"] = read("71/100 - psi(z**2)")
    both(c, read("psi(t**2) < 71/100"))


@rocq
@pytest.mark.slow
def test_rocq_accepts_balls_and_nothing_false() -> None:
    false = {f"false {name}": c for name, c in FALSE_BALLS.items() if name not in ("odd", "sum", "erf_limit")}
    false["psi claims more"] = changed(ball_of_psi, claiming("LEFT <= 9/13"))
    false["psi is less"] = changed(ball_of_psi, psi_is_less)
    used = check({**BALLS, **UNPROVED, "psi": ball_of_psi()}, false, STANDARD | MACHINE)
    assert used["tanh"] <= STANDARD
    assert not used["psi"] <= STANDARD  # the machine's integers


def test_balls_are_proved_or_premises() -> None:
    for certificate in (*BALLS.values(), ball_of_psi()):
        exported = translated(certificate)
        assert (exported.premises, exported.proved) == ((), 1)
    for certificate in (UNPROVED["tanh"], FALSE_BALLS["erf_limit"]):
        exported = translated(certificate)
        (premise,) = exported.premises
        assert (exported.proved, premise.kind) == (0, "assumed")
        assert re.match(r"step [12], ball: ", premise.words)


@pytest.mark.parametrize("name", ["odd", "sum"])
def test_false_balls_are_never_proved(name: str) -> None:
    with pytest.raises(ExportError):
        translated(FALSE_BALLS[name])


def test_trees_that_are_none_are_errors() -> None:
    for tree in (["coeffs"], ["at", 1], ["lemma"], ["up_open", ["coeffs"]]):
        with pytest.raises(ExportError):
            translated(ball("y - 1", tree, "0"))
