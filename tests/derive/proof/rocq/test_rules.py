"""Every rule of a certificate in Rocq: it is accepted, and what is false or does not follow is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.derive.proof.rocq.drafts import (
    ONE,
    ZERO,
    Certificate,
    Relation,
    accepted,
    add,
    eq,
    f,
    le,
    lt,
    mul,
    q,
    rejected,
    rocq,
    sq,
    sub,
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


@rocq
@pytest.mark.slow
@pytest.mark.parametrize("certificate", VALID, ids=lambda c: c.__name__)
def test_rocq_accepts(certificate: Any) -> None:
    accepted(certificate())


# What is false, or does not follow


def both(certificate: Certificate, claim: Relation) -> None:
    """Another claim, in the last step and in the statement."""
    certificate["steps"][-1]["claim"] = certificate["statement"]["claim"] = claim


def coefficient_of_a_square(c: Certificate) -> None:
    c["steps"][-1]["data"]["sum"][0][0] = "1/3"


def coefficient_below_zero(c: Certificate) -> None:
    c["steps"][-1]["data"]["sum"][0][0] = "-1/2"


def claim_of_the_statement_alone(c: Certificate) -> None:
    c["statement"]["claim"] = le(mul(x("x"), x("y")), mul(q("1/2"), sq(x("x"))))


def strengthened(c: Certificate) -> None:
    both(c, le(mul(x("x"), x("y")), add(mul(q("1/2"), sq(x("x"))), mul(q("1/3"), sq(x("y"))))))


def strict_without_reason(c: Certificate) -> None:
    both(c, lt(*c["statement"]["claim"][1:]))


def assumption_dropped(c: Certificate) -> None:
    del c["statement"]["assumptions"][0]


def assumption_weakened(c: Certificate) -> None:
    c["statement"]["assumptions"][0][0] = "<="


def escaped_hypothesis(c: Certificate) -> None:
    c["statement"]["assumptions"] = []


def inverse_of_what_may_be_zero(c: Certificate) -> None:
    c["steps"][0]["claim"] = c["statement"]["assumptions"][0] = le(ZERO, x("a"))


def inverse_times_two(c: Certificate) -> None:
    c["steps"][3]["claim"] = eq(mul(x("b"), ["/", ONE, x("b")]), q(2))


def mult_may_vanish(c: Certificate) -> None:
    c["steps"][-1]["data"]["mult"] = [["1", [], [sub(mul(q(2), x("G")), ONE)]]]
    both(c, lt(x("G"), add(q("1/4"), sq(x("G")))))


def one_case_alone(c: Certificate) -> None:
    c["steps"][-1]["premises"][1] = c["steps"][-1]["premises"][0]


def another_split(c: Certificate) -> None:
    c["steps"][-1]["data"]["split"] = le(x("x"), ONE)


def another_instance(c: Certificate) -> None:
    t = x("x")
    both(c, le(["/", t, add(ONE, sq(t))], q("1/3")))


def no_contradiction(c: Certificate) -> None:
    c["steps"][0]["claim"] = c["statement"]["assumptions"][0] = le(x("x"), ONE)


def larger_decrease(c: Certificate) -> None:
    claim = c["statement"]["claim"]
    both(c, le(claim[1], sub(claim[2], sq(["norm", V]))))


def noise_forgotten(c: Certificate) -> None:
    both(c, le(["EI", sq(["norm", V])], x("start")))


def sign_of_the_initial_value(c: Certificate) -> None:
    c["steps"][4]["claim"] = le(add(["E", x("end")], x("start")), c["steps"][4]["claim"][2])


def faster_decay(c: Certificate) -> None:
    k, e = x("k"), f("exp", mul(q(-2), x("k"), x("T")))
    both(c, le(["E", x("end")], add(mul(x("start"), e), mul(["/", x("c"), k], sub(ONE, e)))))


def another_integral(c: Certificate) -> None:
    both(c, eq(["I", ["/", ONE, add(ONE, x("tau"))]], f("log", add(ONE, mul(q(2), x("T"))))))


def sums_swapped(c: Certificate) -> None:
    claim = c["steps"][2]["claim"]
    c["steps"][2]["claim"] = le(claim[2], claim[1])


def concave_as_convex(c: Certificate) -> None:
    claim = c["steps"][10]["claim"]
    c["steps"][10]["claim"] = le(claim[2], claim[1])


def expectation_of_a_power(c: Certificate) -> None:
    c["steps"][6]["claim"] = le(c["steps"][6]["claim"][1], sub(mul(x("eta"), x("T")), sq(["EI", ["norm", V]])))


TAMPERED: list[tuple[Callable[[], Certificate], Callable[[Certificate], None]]] = [
    (young, coefficient_of_a_square),
    (young, coefficient_below_zero),
    (young, claim_of_the_statement_alone),
    (young, strengthened),
    (young, strict_without_reason),
    (divided, assumption_dropped),
    (divided, assumption_weakened),
    (divided, inverse_of_what_may_be_zero),
    (divided, inverse_times_two),
    (below_square, mult_may_vanish),
    (split, one_case_alone),
    (split, another_split),
    (instantiated, another_instance),
    (contradicted, no_contradiction),
    (contradicted, escaped_hypothesis),
    (drift, larger_decrease),
    (drift, assumption_dropped),
    (descent, noise_forgotten),
    (descent, sign_of_the_initial_value),
    (descent, expectation_of_a_power),
    (decay, faster_decay),
    (decay, assumption_dropped),
    (scheduled, another_integral),
    (coordinates, sums_swapped),
    (declared, concave_as_convex),
]


@rocq
@pytest.mark.slow
@pytest.mark.parametrize(("certificate", "tamper"), TAMPERED, ids=lambda c: c.__name__)
def test_rocq_rejects(certificate: Any, tamper: Any) -> None:
    tampered = certificate()
    tamper(tampered)
    rejected(tampered)


@rocq
@pytest.mark.parametrize("number", range(0, len(functions()), 2))
@pytest.mark.slow
def test_rocq_rejects_laws_that_are_none(number: int) -> None:
    """Every other law of functions with 1 added to the left side of its claim."""
    draft = functions()[number]
    claim = draft.steps[-1]["claim"]
    draft.steps[-1]["claim"] = [claim[0], add(claim[1], ["^", x("t"), 2], ONE), claim[2]]
    rejected(draft.done(*(s["claim"] for s in draft.steps[:-1])))
