"""Every rule of a certificate in Rocq: it is accepted, and what is false or does not follow is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.derive.proof.rocq.drafts import (
    ONE,
    ZERO,
    Certificate,
    Tamper,
    add,
    assuming,
    both,
    changed,
    check,
    eq,
    f,
    last_claim,
    le,
    lt,
    mul,
    put,
    q,
    rocq,
    sq,
    sub,
    without,
    x,
)
from tests.derive.proof.rocq.valid_certificates import (
    VALID,
    V,
    below_square,
    contradicted,
    coordinates,
    decay,
    declared,
    descent,
    divided,
    drift,
    functions,
    instantiated,
    scheduled,
    split,
    young,
)


def mult_may_vanish(c: Certificate) -> None:
    c["steps"][-1]["data"]["mult"] = [["1", [], [sub(mul(q(2), x("G")), ONE)]]]
    both(c, lt(x("G"), add(q("1/4"), sq(x("G")))))


SUM, CLAIM = ("steps", -1, "data", "sum"), ("statement", "claim")
X, Y, T, K = x("x"), x("y"), x("T"), x("k")
FASTER = f("exp", mul(q(-2), K, T))
LESS = sub(mul(x("eta"), T), sq(["EI", ["norm", V]]))
#: what is false, or does not follow
TAMPERED: dict[str, tuple[Callable[[], Certificate], Tamper]] = {
    "another coefficient of a square": (young, put(*SUM, 0, 0, to="1/3")),
    "a coefficient below zero": (young, put(*SUM, 0, 0, to="-1/2")),
    "the statement claims more": (young, put(*CLAIM, to=le(mul(X, Y), mul(q("1/2"), sq(X))))),
    "a smaller square": (young, last_claim(lambda c: le(c[1], add(mul(q("1/2"), sq(X)), mul(q("1/3"), sq(Y)))))),
    "strict without reason": (young, last_claim(lambda c: lt(*c[1:]))),
    "an assumption is not stated": (divided, without(0)),
    "a weaker assumption is stated": (divided, put("statement", "assumptions", 0, 0, to="<=")),
    "the inverse of what may be zero": (divided, assuming(le(ZERO, x("a")))),
    "an inverse times two": (divided, put("steps", 3, "claim", to=eq(mul(x("b"), ["/", ONE, x("b")]), q(2)))),
    "a multiplier that may vanish": (below_square, mult_may_vanish),
    "one case alone": (split, put("steps", -1, "premises", to=lambda n: [n[0], n[0]])),
    "another split": (split, put("steps", -1, "data", "split", to=le(X, ONE))),
    "another instance": (instantiated, last_claim(lambda _: le(["/", X, add(ONE, sq(X))], q("1/3")))),
    "no contradiction": (contradicted, assuming(le(X, ONE))),
    "an escaped hypothesis": (contradicted, put("statement", "assumptions", to=[])),
    "a larger decrease": (drift, last_claim(lambda c: le(c[1], sub(c[2], sq(["norm", V]))))),
    "a drift that is not bounded": (drift, without(0)),
    "the noise is forgotten": (descent, last_claim(lambda _: le(["EI", sq(["norm", V])], x("start")))),
    "the sign of the start": (descent, put("steps", 4, "claim", to=lambda c: le(add(["E", x("end")], x("start")), c[2]))),
    "the mean of a power": (descent, put("steps", 6, "claim", to=lambda c: le(c[1], LESS))),
    "a faster decay": (decay, last_claim(
        lambda c: le(c[1], add(mul(x("start"), FASTER), mul(["/", x("c"), K], sub(ONE, FASTER)))))),
    "a potential that is not bounded": (decay, without(0)),
    "another integral": (scheduled, last_claim(lambda c: eq(c[1], f("log", add(ONE, mul(q(2), T)))))),
    "sums that are exchanged": (coordinates, put("steps", 2, "claim", to=lambda c: le(c[2], c[1]))),
    "concave as convex": (declared, put("steps", 10, "claim", to=lambda c: le(c[2], c[1]))),
}  # fmt: skip


def laws_that_are_none() -> dict[str, Certificate]:
    """Every other law of functions with 1 + t^2 added to the left side of its claim."""
    laws = {}
    for number, draft in enumerate(functions()[::2]):
        claim = draft.steps[-1]["claim"]
        draft.steps[-1]["claim"] = [claim[0], add(claim[1], ["^", x("t"), 2], ONE), claim[2]]
        laws[f"law {number}"] = draft.done(*(s["claim"] for s in draft.steps[:-1]))
    return laws


@rocq
@pytest.mark.slow
def test_rocq_accepts_every_rule_and_nothing_false() -> None:
    false = {name: changed(make, tamper) for name, (make, tamper) in TAMPERED.items()}
    check({c.__name__: c() for c in VALID}, {**false, **laws_that_are_none()})
