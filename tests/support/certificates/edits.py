"""Edits of valid certificates that make them invalid, and what the tests of refusals share."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from sdescent.derive.proof.replay.check import Invalid, Unreadable, replay
from tests.support.certificates.balls import BALLS
from tests.support.certificates.operators import OPERATORS
from tests.support.certificates.rules import ALL_AXIOMS, certificate, t
from tests.support.certificates.rules import CERTIFICATES as PLAIN

CERTIFICATES: dict[str, dict[str, Any]] = PLAIN | OPERATORS | BALLS


def refused(value: Any) -> Exception:
    with pytest.raises((Invalid, Unreadable)) as caught:
        replay(json.dumps(value))
    assert "internal" not in str(caught.value)
    return caught.value


DROP = object()


def follow(value: dict[str, Any]) -> None:
    """State what the steps prove: the last claim, under what they assume (where nothing of it is discharged or instantiated)."""
    statement, steps = value["statement"], value["steps"]
    statement["claim"] = copy.deepcopy(steps[-1]["claim"])
    if not {"cases", "instantiate"} & {s["rule"] for s in steps}:
        assumed = [s["claim"] for s in steps if s["rule"] == "assume" and s["claim"] not in statement["definitions"]]
        statement["assumptions"] = [raw for k, raw in enumerate(assumed) if raw not in assumed[:k]]


def edited(name: str, *path: Any, to: Any) -> dict[str, Any]:
    """A certificate with one place changed; when that is in a step, the statement follows."""
    return edited_in(CERTIFICATES[name], *path, to=to)


def edited_in(certificate: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    """As `edited`, of any certificate; a text that begins with ! is a term."""
    value = copy.deepcopy(certificate)
    node = value
    for key in path[:-1]:
        node = node[key]
    if to is DROP:
        del node[path[-1]]
    else:
        node[path[-1]] = terms_in(to)
    if path[0] == "steps":
        follow(value)
    return value


def terms_in(value: Any) -> Any:
    if type(value) is list:
        return [terms_in(part) for part in value]
    return t(value[1:]) if type(value) is str and value.startswith("!") else value


def refused_steps(*steps: dict[str, Any], **rest: Any) -> str:
    return str(refused(certificate(*steps, **rest)))


EDITS: list[tuple[Any, ...]] = [
    ("assume", "statement", "assumptions", []),
    ("assume", "statement", "assumptions", 0, "!a < 1"),
    ("assume", "statement", "assumptions", ["!a <= 1", "!a <= 1"]),
    ("assume", "statement", "assumptions", ["!a <= 1", "!a <= 2"]),
    ("assume", "statement", "claim", "!a <= 2"),
    ("assume", "statement", "axioms", ["integrability"]),
    ("assume", "steps", 0, "claim", "!a != 1"),
    ("assume", "statement", "definitions", ["!a == 1"]),
    ("certify squares", "steps", 0, "claim", "!2*a*b < a**2 + b**2"),
    ("certify squares", "steps", 0, "claim", "!3*a*b <= a**2 + b**2"),
    ("certify squares", "steps", 0, "data", "sum", 0, 0, "-1"),
    ("certify squares", "steps", 0, "data", "sum", 0, 0, "0"),
    ("certify squares", "steps", 0, "data", "sum", 0, 0, "1/1"),
    ("certify squares", "steps", 0, "data", "sum", 0, 0, 1),
    ("certify squares", "steps", 0, "data", "sum", 0, 2, 0, "!a + b"),
    ("certify squares", "steps", 0, "data", "mult", []),
    ("certify squares", "steps", 0, "data", "mult", 0, 0, "2"),
    ("certify squares", "steps", 0, "data", "mult", 0, 2, ["!a"]),
    ("certify squares", "steps", 0, "premises", [0]),
    ("certify premises", "steps", 2, "data", "sum", 0, 1, 0, 2),
    ("certify premises", "steps", 2, "data", "sum", 0, 1, 0, -1),
    ("certify premises", "steps", 2, "data", "sum", 0, 1, 0, True),
    ("certify premises", "steps", 2, "premises", 0, -1),
    ("certify premises", "steps", 2, "premises", 0, 2),
    ("certify premises", "steps", 2, "premises", 0, 1),
    ("certify premises", "steps", 2, "claim", "!a**2 < b**2"),
    ("certify premises", "steps", 0, "claim", "!0 <= b"),
    ("certify premises", "steps", 1, "claim", "!a == b"),
    ("certify multiplier", "steps", 0, "claim", "!0 <= a"),
    ("certify multiplier", "steps", 1, "claim", "!0 <= a*X"),
    ("certify equality", "steps", 1, "data", "equalities", 0, 1, "!X - Y"),
    ("certify equality", "steps", 1, "data", "sum", [["1", [], []]]),
    ("certify equality", "steps", 0, "claim", "!X <= Y"),
    ("definition", "statement", "definitions", 0, "!a == 2*b + 2"),
    ("definition", "statement", "definitions", []),
    ("definition", "statement", "assumptions", []),
    ("inverse", "steps", 0, "claim", "!0 <= a"),
    ("inverse", "steps", 1, "data", "of", "!a + 1"),
    ("inverse", "steps", 1, "claim", "!a*(1/b) == 1"),
    ("inverse", "steps", 1, "premises", []),
    ("inverse !=", "steps", 0, "claim", "!a - b != 0"),
    ("abs", "steps", 0, "claim", "!abs(a) == a"),
    ("abs", "steps", 1, "claim", "!0 < abs(a)"),
    ("abs by sign", "steps", 0, "claim", "!X <= 0"),
    ("abs by sign", "steps", 1, "premises", []),
    ("abs by sign", "steps", 1, "data", "law", "abs_of_negative"),
    ("abs by sign", "steps", 2, "premises", []),
    ("abs by sign", "steps", 2, "data", "args", 0, "!-X"),
    ("abs by sign", "steps", 2, "claim", "!sqrt(X**2) == -X"),
    ("abs by the other sign", "steps", 0, "claim", "!a <= X"),
    ("abs by the other sign", "steps", 1, "data", "law", "abs_of_positive"),
    ("abs by the other sign", "steps", 1, "claim", "!abs(X - a) == X - a"),
    ("sqrt", "steps", 2, "premises", []),
    ("sqrt", "steps", 2, "premises", [1]),
    ("sqrt", "steps", 1, "claim", "!0 < sqrt(a)"),
    ("exp", "steps", 0, "claim", "!1 < exp(X)"),
    ("exp", "steps", 1, "claim", "!exp(X)*exp(X) == 1"),
    ("exp", "steps", 1, "data", "args", 0, "!Y"),
    ("log", "steps", 0, "claim", "!0 <= a"),
    ("log", "steps", 2, "premises", [0, 0]),
    ("log", "steps", 2, "premises", [0]),
    ("log", "steps", 3, "premises", [1]),
    ("log", "steps", 4, "claim", "!exp(log(b)) == b"),
    ("monotone functions", "steps", 1, "claim", "!a <= b"),
    ("monotone functions", "steps", 0, "claim", "!0 <= a"),
    ("monotone functions", "steps", 2, "claim", "!exp(b) < exp(a)"),
    ("monotone functions", "steps", 2, "data", "law", "monotone:abs"),
    ("monotone functions", "steps", 3, "premises", [1, 0]),
    ("declared", "context", "functions", "F", "odd", DROP),
    ("declared", "context", "functions", "F", "odd", False),
    ("declared", "context", "functions", "F", "slope", "!c"),
    ("declared", "context", "functions", "F", "bounded", "!X"),
    ("declared", "context", "functions", "F", "bounded", "!E(b)"),
    ("declared", "steps", 1, "data", "function", "G"),
    ("declared", "steps", 0, "claim", "!X <= 0"),
    ("declared", "steps", 4, "claim", "!b <= F(X)"),
    ("declared order", "steps", 1, "data", "args", ["!Y", "!X"]),
    ("declared order", "steps", 1, "claim", "!F(Y) <= F(X)"),
    ("declared order", "context", "functions", "F", "nondecreasing", DROP),
    ("declared concave", "steps", 3, "claim", "!a <= 2"),
    ("declared concave", "steps", 4, "premises", [0, 1, 3, 2]),
    ("declared concave", "steps", 4, "claim", "!F(a*X + (1 - a)*Y) <= a*F(X) + (1 - a)*F(Y)"),
    ("nonnegative", "context", "matrices", "A", ["symmetric"]),
    ("nonnegative", "context", "matrices", "K", []),
    ("nonnegative", "steps", 2, "data", "of", "!tr(N)"),
    ("nonnegative", "steps", 2, "data", "of", "!dot(u, v)"),
    ("nonnegative", "steps", 0, "claim", "!0 < norm(Mv(N, v))"),
    ("quad_bound", "context", "matrices", "H", []),
    ("quad_bound", "steps", 0, "data", "sign", True),
    ("quad_bound", "steps", 0, "data", "sign", 2),
    ("quad_bound", "steps", 0, "data", "sign", 1),
    ("quad_bound", "steps", 0, "data", "matrix", ["m", "N"]),
    ("trace_bound", "context", "matrices", "A", ["symmetric"]),
    ("trace_bound", "steps", 0, "data", "matrix", ["m", "N"]),
    ("trace_bound", "steps", 0, "data", "sign", -1),
    ("trace_bound", "steps", 0, "claim", "!trprod(A, H) <= opnorm(A)*tr(H)"),
    ("cauchy_schwarz", "steps", 0, "claim", "!norm(u)*norm(Mv(H, v)) <= dot(v, Mv(H, u))"),
    ("cauchy_schwarz", "steps", 0, "claim", "!dot(v, Mv(H, u)) < norm(u)*norm(Mv(H, v))"),
    ("cauchy_schwarz", "context", "matrices", "H", []),
    ("mean", "statement", "axioms", []),
    ("mean", "steps", 1, "claim", "!0 <= eta**2*E(X)*E(X) - 2*eta*E(X)*E(Y) + E(Y)*E(Y)"),
    ("mean", "steps", 1, "claim", "!0 <= eta**2*E(X**2) - 2*eta*X*E(Y) + E(Y**2)"),
    ("mean", "steps", 1, "data", "operator", "EI"),
    ("mean", "steps", 1, "data", "operator", "I"),
    ("mean", "context", "symbols", "eta", "random"),
    ("sum over j", "steps", 1, "claim", "!2*a*sj*S(xj) <= S(xj**2) + a**2*S(sj**2)"),
    ("sum over j", "context", "symbols", "a", "coord"),
    ("sum over j", "steps", 1, "data", "operator", "Si"),
    ("sum over i", "context", "dimension", None),
    ("sum over i", "steps", 1, "data", "operator", "S"),
    ("sum over i", "steps", 1, "claim", "!0 <= S(xj**2) - 2*b*S(xj) + b**2"),
    ("sum of both", "steps", 2, "data", "operator", "S"),
    ("sum of both", "steps", 2, "premises", [0]),
    ("time integral", "steps", 1, "claim", "!a <= I(eta)"),
    ("time integral", "statement", "axioms", []),
    ("time integral", "context", "horizon", None),
    ("time integral", "context", "symbols", "eta", "random"),
    ("time integral", "context", "symbols", "T", "time"),
    ("mean of integral", "steps", 1, "claim", "!EI(X) == eta*EI(Y) + b*T"),
    ("mean of integral", "statement", "axioms", ["fatou"]),
    ("instantiate", "steps", 2, "data", "symbol", "T"),
    ("instantiate", "steps", 2, "data", "symbol", "b"),
    ("instantiate", "steps", 2, "data", "symbol", "X"),
    ("instantiate", "steps", 2, "data", "term", "!E(X) - Y"),
    ("instantiate", "steps", 2, "data", "term", "!xi(xj)"),
    ("instantiate", "statement", "assumptions", ["!0 <= a"]),
    ("instantiate", "statement", "assumptions", []),
    ("instantiate", "context", "potentials", "V", "start", "a"),
    ("instantiate", "context", "functions", "F", "bounded", "!a"),
    ("cases", "statement", "assumptions", ["!c == X", "!0 <= X"]),
    ("cases", "steps", 5, "premises", [4, 3]),
    ("cases", "steps", 5, "premises", [3, 3]),
    ("cases", "steps", 5, "data", "split", "!X <= 0"),
    ("cases", "steps", 5, "data", "split", "!0 < X"),
    ("cases", "steps", 2, "claim", "!X <= -1"),
    ("cut", "steps", 5, "premises", [4, 1]),
    ("cut", "steps", 5, "premises", [1]),
    ("cut", "steps", 5, "premises", [1, 2]),
    ("cut", "steps", 5, "claim", "!b < a"),
    ("cut", "steps", 5, "data", {"of": 1}),
    ("cut", "statement", "assumptions", ["!0 <= a - b"]),
    ("cut", "statement", "assumptions", []),
    ("cut sealed", "statement", "axioms", []),
    ("cut sealed", "statement", "assumptions", ["!0 <= X"]),
    ("sum over clients", "context", "symbols", "X", "client"),
    ("sum over clients", "steps", 1, "claim", "!2*X*wk*C(qk) <= C(qk**2) + X**2*C(wk**2)"),
    ("sum over clients", "steps", 1, "data", "operator", "S"),
    ("sum over clients", "steps", 1, "data", "operator", "K"),
    ("mean over clients", "context", "clients", None),
    ("mean over clients", "context", "clients", "d"),
    ("mean over clients", "context", "clients", "eta"),
    ("mean over clients", "steps", 1, "claim", "!C(qk) <= b"),
    ("component coordinates", "steps", 1, "claim", "!0 == a*xj**2"),
    ("component coordinates", "steps", 2, "data", "operator", "C"),
    ("component coordinates", "steps", 2, "data", "operator", "Si"),
    ("component coordinates", "steps", 2, "data", "operator", "E"),
    ("component coordinates", "steps", 2, "claim", "!a*yj**2 <= a*S(xj**2)"),
    ("component coordinates", "steps", 2, "claim", "!a*xj**2 < a*S(xj**2)"),
    ("component coordinates", "steps", 2, "claim", "!a*xj*yj <= a*S(xj*yj)"),
    ("component clients", "steps", 0, "claim", "!a == qk"),
    ("component clients", "steps", 1, "claim", "!qk <= C(qk)"),
    ("component clients", "context", "clients", None),
    ("letters", "context", "symbols", "a", "rv"),
    ("letters", "context", "symbols", "a", "random"),
    ("letters instance", "context", "symbols", "d", "time"),
    ("letters instance", "steps", 2, "data", "symbol", "d"),
    ("ito", "context", "potentials", "V", "smooth", False),
    ("ito", "context", "matrices", "A", ["symmetric"]),
    ("ito", "context", "potentials", "V", "drift", 0, 0, "!eta"),
    ("ito", "context", "potentials", "V", "drift", 0, 0, "!-eta*xj"),
    ("ito", "context", "potentials", "V", "drift", 0, 1, ["v", "v"]),
    ("ito", "context", "potentials", "V", "diffusion", 0, 0, "!eta"),
    ("ito", "context", "potentials", "V", "diffusion", []),
    ("ito", "context", "potentials", "V", "drift", 0, 0, "!VT"),
    ("ito", "context", "potentials", "V", "drift", 0, 0, "!-eta + 0*VT"),
    ("ito", "context", "potentials", "V", "diffusion", 0, 1, ["m", "N"]),
    ("ito", "context", "potentials", "V", "drift", DROP),
    ("ito", "steps", 2, "data", {"potential": "X"}),
    ("ito", "steps", 2, "data", {"potential": "V", "drift": []}),
    ("ito", "steps", 1, "claim", "!pi <= V"),
    ("ito", "steps", 1, "claim", "!exp(b) <= V"),
    ("ito", "steps", 1, "claim", "!V0 + wk <= V"),
    ("ito", "steps", 1, "claim", "!X <= V"),
    ("ito", "steps", 1, "claim", "!V <= b"),
    ("ito", "steps", 2, "premises", [1, 0]),
    ("ito", "steps", 2, "claim", "!E(VT) - V0 <= EI(-eta*norm(g)**2 + eta**2*trprod(H, A))"),
    ("ito", "steps", 2, "claim", "!V0 <= E(VT) + EI(-eta*norm(g)**2 + 1/2*eta**2*trprod(H, A))"),
    ("ito", "statement", "axioms", ["integrability", "weak-existence", "localisation"]),
    ("ito", "statement", "axioms", [*ALL_AXIOMS, "fatou"]),
    ("gronwall", "steps", 3, "claim", "!0 <= k"),
    ("gronwall", "steps", 4, "premises", [0, 1, 3, 2]),
    ("gronwall", "steps", 4, "premises", [0, 1, 2]),
    ("gronwall", "steps", 4, "data", "rate", "!2*k"),
    ("gronwall", "steps", 4, "data", "offset", "!2*c"),
    ("gronwall", "steps", 4, "claim", "!E(VT) <= V0*exp(k*T) + c/k*(1 - exp(-k*T))"),
    ("gronwall", "steps", 4, "claim", "!E(VT) <= V0*exp(-k*T)"),
    ("gronwall", "context", "symbols", "k", "time"),
    ("gronwall", "context", "symbols", "k", "detclient"),
    ("gronwall", "context", "symbols", "c", "detcoord"),
    ("gronwall", "context", "symbols", "c", "random"),
    ("gronwall", "context", "horizon", None),
    ("primitive", "steps", 0, "claim", "!2/(1 + t) == 1/(1 + t)"),
    ("primitive", "steps", 3, "premises", [0]),
    ("primitive", "steps", 3, "premises", [0, 1]),
    ("primitive", "steps", 3, "premises", [2, 0]),
    ("primitive", "steps", 2, "claim", "!0 <= 1 + t"),
    ("primitive", "context", "symbols", "t", "time"),
    ("primitive", "context", "symbols", "t", "const"),
    ("primitive", "context", "symbols", "eta", "clock"),
    ("primitive", "steps", 3, "data", "time", "eta"),
    ("primitive", "steps", 3, "data", "primitive", "!2*log(1 + t)"),
    ("primitive", "steps", 3, "data", "primitive", "!log(1 + t) + X"),
    ("primitive", "steps", 3, "data", "primitive", "!log(1 + t) + eta"),
    ("primitive", "steps", 3, "data", "primitive", "!log(1 + t) + 0*eta"),
    ("primitive", "steps", 3, "data", "primitive", "!log(1 + t) + sqrt(2)"),
    ("primitive", "steps", 3, "data", "primitive", "!log(1 + t) + E(1)"),
    ("primitive", "steps", 3, "claim", "!I(1/(1 + t)) == log(T)"),
    ("primitive", "context", "horizon", None),
    ("primitive quotient", "steps", 2, "premises", [0]),
    ("primitive quotient", "steps", 1, "claim", "!0 < 2 + t**2"),
    ("primitive exp", "steps", 3, "data", "primitive", "!exp(-k*t)/k"),
    ("primitive exp", "statement", "assumptions", []),
    ("primitive scaled", "steps", 1, "claim", "!T <= t"),
    ("primitive scaled", "steps", 3, "premises", [0, 1]),
    ("primitive scaled", "steps", 2, "claim", "!2*t - 2*T - 2 <= 0"),
    ("primitive product", "steps", 0, "claim", "!(1 + t)**2 != 0"),
    ("primitive product", "steps", 0, "claim", "!0 <= k*(1 + t)**2"),
    ("absurd", "steps", 0, "claim", "!a <= a"),
    ("absurd", "steps", 0, "claim", "!a < b"),
    ("absurd", "steps", 1, "claim", "!b != 3"),
    ("ball eval", "steps", 2, "data", "high", "3/2"),
    ("ball eval", "steps", 2, "data", "high", "10/10"),
    ("ball eval", "steps", 2, "data", "high", None),
    ("ball eval", "steps", 2, "data", "low", "-1"),
    ("ball eval", "steps", 2, "data", "at", "!2*X"),
    ("ball eval", "steps", 2, "data", "term", "!1/2 - z**2"),
    ("ball eval", "steps", 2, "data", "term", "!2 - abs(z)"),
    ("ball eval", "steps", 2, "data", "term", "!2 - z*X"),
    ("ball eval", "steps", 2, "data", "term", "!2 - E(z)"),
    ("ball eval", "steps", 2, "data", "proof", 1, 5000),
    ("ball eval", "steps", 2, "data", "proof", 1, True),
    ("ball eval", "steps", 2, "data", "strict", 1),
    ("ball eval", "steps", 2, "data", "strict", False),
    ("ball eval", "steps", 2, "premises", [1, 0]),
    ("ball eval", "steps", 2, "premises", [0]),
    ("ball eval", "steps", 2, "data", "domain", [["!z - 1", 1, ["eval", 64]]]),
    ("ball up", "steps", 1, "data", "proof", ["up", ["exp"]]),
    ("ball up", "steps", 1, "data", "proof", ["up", ["up", ["eval", 64]]]),
    ("ball up", "steps", 1, "data", "term", "!exp(z) - 2 - z"),
    ("ball up", "steps", 1, "data", "low", None),
    ("ball up", "steps", 1, "data", "strict", True),
    ("ball up", "steps", 1, "data", "domain", DROP),
    ("ball eval", "steps", 2, "data", "low", ["q", "0"]),
    ("ball eval", "steps", 2, "data", "low", "1"),
    ("ball eval", "steps", 2, "data", "proof", 1, 1),
    ("ball eval", "steps", 2, "data", "variable", "z z"),
    ("ball eval", "steps", 2, "data", "variable", 3),
    ("ball up_open", "steps", 0, "claim", "!0 <= a"),
    ("ball up_open", "steps", 1, "data", "proof", ["up", ["exp"]]),
    ("ball up_open", "steps", 1, "data", "proof", ["split", "1", ["up", ["exp"]], ["up_open", ["exp"]]]),
    ("ball up_open", "steps", 1, "data", "term", "!exp(z) - 2"),
    ("ball split", "steps", 0, "data", "proof", 1, "1"),
    ("ball split", "steps", 0, "data", "proof", 2, ["up", ["up", ["exp"]]]),
    ("ball times", "steps", 1, "data", "proof", 1, "!-exp(z)"),
    ("ball times", "steps", 1, "data", "proof", 2, ["coeffs"]),
    ("ball even", "steps", 0, "data", "term", "!exp(z) + exp(-2*z) - 2"),
    ("ball even", "steps", 0, "data", "proof", ["up", ["exp"]]),
    ("ball log", "steps", 1, "data", "domain", []),
    ("ball log", "steps", 1, "data", "domain", 0, 1, -1),
    ("ball log", "steps", 1, "data", "domain", 0, 0, "!2 + z"),
    ("ball log", "steps", 1, "data", "domain", 0, 0, "!z"),
    ("ball quotient", "steps", 1, "data", "domain", []),
    ("ball quotient", "steps", 1, "data", "domain", 0, 1, 1),
    ("ball quotient", "steps", 1, "data", "high", "2"),
    ("ball atan", "steps", 1, "data", "proof", 1, 1, "!z**2"),
    ("ball sqrt", "steps", 2, "data", "domain", []),
    ("ball erf", "steps", 1, "data", "proof", 1, 1, 0, 0, "!3/sqrt(pi)"),
    ("ball tanh", "steps", 2, "data", "proof", 1, ["eval", 64]),
]
