"""Facts of one variable in Rocq, with the tree that proves each (the rule `ball`)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sdescent.derive.proof.rocq.export import translated
from sdescent.derive.proof.rocq.judge import MACHINE, STANDARD
from sdescent.derive.proof.rocq.notation import ExportError
from tests.derive.proof.rocq.drafts import (
    ONE,
    ZERO,
    Certificate,
    Draft,
    Relation,
    Term,
    add,
    both,
    changed,
    check,
    f,
    le,
    mul,
    neg,
    q,
    rocq,
    sq,
    sub,
    x,
)
from tests.derive.proof.rocq.valid_steps import ball_of_psi


def ball(
    phi: Term, tree: Any, low: Any = None, high: Any = None, *, strict: bool = False, domain: Any = None
) -> Certificate:
    """The fact at t = 2 c - 1, c a random symbol."""
    d = Draft({"c": "random"})
    t = sub(mul(q(2), x("c")), ONE)
    open_ = "up_open" in repr(tree)
    bounds: list[Relation] = [] if low is None else [["<" if open_ else "<=", q(low), t]]
    bounds += [] if high is None else [le(t, q(high))]
    data = {"variable": "y", "term": phi, "strict": strict, "low": low, "high": high, "proof": tree, "at": t}
    data["domain"] = domain or []

    def put(term: Any) -> Any:
        return t if term == x("y") else [put(a) for a in term] if isinstance(term, list) else term

    d.step("ball", [d.assume(b) for b in bounds], data, ["<" if strict else "<=", ZERO, put(phi)])
    return d.done(*bounds)


Y = x("y")
UP = ["up", ["exp"]]
SMALL = f("exp", mul(q(-2), Y))
ROOT = ["split", "0", ["coeffs"], ["coeffs"]]
BALLS: dict[str, Certificate] = {
    "eval": ball(sub(f("exp", Y), Y), ["eval", 64], "1", "3", strict=True),
    "eval_pi": ball(sub(["pi"], mul(q(2), f("atan", Y))), ["eval", 64], "-5/2", "7"),
    "coeffs": ball(add(sq(Y), Y, ONE), ["coeffs"], "0", strict=True),
    "coeffs_down": ball(sub(q(9), mul(q(3), Y)), ["coeffs"], None, "1/2", strict=True),
    "up": ball(sub(f("exp", Y), add(ONE, Y)), ["up", ["up", ["exp"]]], "0"),
    "up_open": ball(sub(f("exp", mul(q(2), Y)), ONE), ["up_open", ["exp"]], "0", strict=True),
    "down": ball(sub(ONE, sq(Y)), ["down", ["coeffs"]], "0", "1"),
    "split": ball(sq(sq(Y)), ["split", "0", ["down", ["coeffs"]], ["coeffs"]], "-1"),
    "even": ball(
        add(f("exp", sq(Y)), sq(Y)), ["even", ["sum", [[sq(Y), ["coeffs"]], [f("exp", sq(Y)), ["exp"]]]]], strict=True
    ),
    "product": ball(
        mul(f("exp", neg(Y)), add(Y, q("1/2"))),
        ["product", [[f("exp", neg(Y)), ["exp"]], [add(Y, q("1/2")), ["coeffs"]]]],
        "0",
        strict=True,
    ),
    "log": ball(
        sub(Y, f("log", add(ONE, Y))),
        ["up", ["times", add(q(2), mul(q(2), Y)), ["coeffs"], ["coeffs"]]],
        "0",
        domain=[[add(ONE, Y), 1, ["coeffs"]]],
    ),
    "quotient": ball(
        sub(ONE, ["/", Y, add(ONE, mul(q(3), Y))]),
        ["times", add(ONE, mul(q(3), Y)), ["coeffs"], ["coeffs"]],
        "0",
        domain=[[add(ONE, mul(q(3), Y)), 1, ["coeffs"]]],
    ),
    "quotient_up": ball(
        sub(ZERO, ["/", Y, sub(neg(Y), q(2))]),
        ["up", ["eval", 64]],
        "0",
        "1",
        domain=[[sub(neg(Y), q(2)), -1, ["coeffs"]]],
    ),
    "sqrt": ball(
        sub(f("sqrt", add(ONE, Y)), ONE), ["up", ["eval", 80]], "0", "10", domain=[[add(ONE, Y), 1, ["coeffs"]]]
    ),
    "merged": ball(sub(mul(f("exp", Y), f("exp", neg(Y))), ONE), ["coeffs"], "0"),
    "tanh_out": ball(
        f("tanh", Y),
        ["tanh", ["times", add(ONE, SMALL), ["sum", [[ONE, ["coeffs"]], [SMALL, ["exp"]]]], UP]],
        "0",
        domain=[[add(ONE, SMALL), 1, ["sum", [[ONE, ["coeffs"]], [SMALL, ["exp"]]]]]],
    ),
    "root": ball(mul(q(2), f("sqrt", add(ONE, sq(Y)))), ["sqrt"], strict=True, domain=[[add(ONE, sq(Y)), 1, ROOT]]),
    "nested_open": ball(
        sub(f("exp", Y), add(ONE, Y)),
        ["split", "1", ["up_open", ["up_open", ["exp"]]], ["eval", 64]],
        "0",
        "2",
        strict=True,
    ),
    "erf": ball(sub(mul(q(2), Y), f("erf", Y)), ["split", "3/2", ["eval", 64], ["up", ["eval", 64]]], "1", "2"),
    "erf_at_zero": ball(sub(q(2), f("erf", Y)), ["down", ["eval", 64]], "-1", "0", strict=True),
    "erf_limit": ball(
        add(sub(q(2), f("erf", Y)), mul(q("1/3"), Y, f("exp", neg(sq(Y))))),
        ["limit", ["times", f("exp", sq(Y)), ["exp"], ["coeffs"]]],
        "0",
    ),
    "exp_limit": ball(f("exp", neg(Y)), ["limit", ["exp"]], "0", strict=True),
    "atan": ball(sub(f("atan", Y), ["/", Y, q(4)]), ["up", ["eval", 64]], "0", "1"),
}
UNPROVED: dict[str, Certificate] = {"tanh": ball(sub(Y, f("tanh", Y)), ["up", ["eval", 64]], "0", "2")}


FALSE_BALLS: dict[str, Certificate] = {
    "erf": ball(sub(mul(q(2), Y), f("erf", Y)), ["split", "0", ["eval", 64], ["up", ["eval", 64]]], "-1/2", "2"),
    "erf_limit": ball(sub(q("9/10"), f("erf", Y)), ["limit", ["times", f("exp", sq(Y)), ["exp"], ["coeffs"]]], "0"),
    "eval": ball(sub(f("exp", Y), mul(q(3), Y)), ["eval", 64], "1/2", "2", strict=True),
    "end": ball(sub(f("exp", Y), add(q("101/100"), Y)), ["up", ["up", ["exp"]]], "0"),
    "down": ball(sub(q("1/2"), sq(Y)), ["down", ["coeffs"]], "0", "1"),
    "split": ball(add(sub(sq(Y), Y), q("1/5")), ["split", "1/2", ["eval", 64], ["eval", 64]], "0", "1"),
    "odd": ball(add(q(10), Y), ["even", ["coeffs"]]),
    "sum": ball(add(f("exp", Y), neg(ONE)), ["sum", [[f("exp", Y), ["exp"]], [ONE, ["coeffs"]]]], "-1"),
    "quotient": ball(
        sub(ONE, ["/", mul(q(4), Y), add(ONE, mul(q(3), Y))]),
        ["times", add(ONE, mul(q(3), Y)), ["coeffs"], ["eval", 64]],
        "0",
        "2",
        domain=[[add(ONE, mul(q(3), Y)), 1, ["coeffs"]]],
    ),
}


def psi_claims_more(c: Certificate) -> None:
    both(c, le(c["statement"]["claim"][1], q("9/13")))


def psi_is_less(c: Certificate) -> None:
    """psi(1) = e - 2 > 71/100."""
    data = c["steps"][-1]["data"]
    data["term"] = sub(q("71/100"), data["term"][2][2])
    both(c, ["<", c["statement"]["claim"][1], q("71/100")])


@rocq
@pytest.mark.slow
def test_rocq_accepts_balls_and_nothing_false() -> None:
    false = {f"false {name}": c for name, c in FALSE_BALLS.items() if name not in ("odd", "sum", "erf_limit")}
    false |= {tamper.__name__: changed(ball_of_psi, tamper) for tamper in (psi_claims_more, psi_is_less)}
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
            translated(ball(sub(Y, ONE), tree, "0"))
