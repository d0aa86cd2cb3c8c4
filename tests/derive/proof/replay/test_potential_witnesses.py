"""The checker of proof certificates: witnesses in steps and of potentials that move."""

import copy
from typing import Any

import pytest

from tests.support.certificates.edits import accepted, edited_in, follow, refused
from tests.support.certificates.potentials import POTENTIALS, made
from tests.support.certificates.rules import assume, certify, t

TRIVIAL = certify([], "0 <= 1", [["1", [], []]])


# what is changed, to what, part of the message
MOVES: list[tuple[Any, ...]] = [
    ("descent", ("symbols", "dV"), "1", "change"), ("descent", ("symbols", "V"), "1", "moves"),
    ("descent", ("symbols", "VT"), "1", "moves"), ("descent", ("symbols", "V0"), "1", "moves"),
    ("descent", ("vectors", "g", 1), "1", "mean"), ("descent", ("symbols", "s2"), "-1", "square"),
    ("descent", ("symbols", "L0"), "-1", "smoothness"), ("descent", ("symbols", "T"), "0", "whole"),
    ("descent", ("symbols", "T"), "65", "between"), ("descent", ("symbols", "T"), "5/2", "whole"),
    ("descent", ("symbols", "T"), ["f", "exp", ["q", "1"]], "whole"), ("descent", ("symbols", "T"), "-1", "between"),
    ("descent", ("symbols", "eta"), "0", "hypothesis 0"), ("descent with a radius", ("symbols", "eta"), "-1", "radius"),
    ("descent with a radius", ("symbols", "L0"), "-1", "smoothness"), ("telescope with weights", ("symbols", "dU"), "1", "change"),
    ("telescope with weights", ("symbols", "UT"), "2", "moves"), ("telescope with weights", ("symbols", "T"), "-1", "horizon"),
    ("summable", ("symbols", "al"), "-1", "hypothesis"), ("summation", ("symbols",), {"T": ["q", "3"], "t": ["q", "1"]}, "value"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "path", "to", "message"), MOVES)
def test_the_state_of_a_witness_stays_where_it_is(name: str, path: tuple[Any, ...], to: Any, message: str) -> None:
    entry = ["q", to] if type(to) is str else to
    assert message in refused(edited_in(POTENTIALS[name], "witness", *path, to=entry), None)


def test_the_bend_of_a_linear_function_is_bounded_at_its_slope() -> None:
    """t0 + t1 |g| may be >= 0 with t0 < 0; a gradient that is not 0 stays where the mean is 0."""
    value = copy.deepcopy(POTENTIALS["descent with a radius"])
    value["steps"] = value["steps"][1:4]
    value["steps"][2]["premises"] = [0, 1]
    follow(value)
    value["context"]["potentials"]["V"]["mean"] = []
    value["steps"][2]["claim"] = value["statement"]["claim"] = t("dV <= (L0 + L1*norm(g))*eta**2*psi(1)")
    value["witness"]["vectors"]["g"] = [["q", "3"], ["q", "4"]]
    for low, valid in (("-10", True), ("-11", False)):
        value["witness"]["symbols"]["L0"] = ["q", low]
        if valid:
            assert accepted(value).satisfiability == "shown"
        else:
            assert "smoothness" in refused(value, None)


@pytest.mark.parametrize(
    ("hypothesis", "valid"),
    [
        ("t <= 2", True), ("t <= 1", False), ("t < 3", True), ("t + 1 <= T", True), ("t*(t - 1)*(t - 2) == 0", True),
        ("t*(t - 1) == 0", False), ("0 < t", False), ("2*t - 1 != 0", True), ("t - 2 != 0", False),
        ("I(t) == 3", True), ("I(t) == 9/2", False), ("EI(t**2) == 5", True), ("I(I(t) + t) == 12", True),
        ("I(t*I(t)) == 9", True), ("I(1) == 3", True), ("E(t) == t", True), ("log(t + 1) <= t", True), ("log(t) <= t", False),
        ("1/(t + 1) <= 1", True), ("1/t <= 1", False), ("0*log(t) <= 1", False), ("psi(t) <= psi(2)", True),
        ("psi(t - t) == 1/2", True), ("psi(t) < psi(2)", False), ("exp(I(log(t + 1))) == 6", False), ("exp(t)*exp(-t) == 1", True),
    ],
)  # fmt: skip
def test_hypotheses_hold_at_every_step(hypothesis: str, valid: bool) -> None:
    """T is 3: the steps are 0, 1 and 2. What a convention makes of log(0) and 1/0 is no value."""
    value = made(TRIVIAL, symbols={"T": "const", "t": "clock"}, potentials={}, values={})
    value["steps"] = [assume(hypothesis), certify([0], "0 <= 1", [["1", [], []]])]
    value["statement"]["assumptions"] = [t(hypothesis)]
    if valid:
        assert accepted(value).satisfiability == "shown"
    else:
        message = refused(value, None)
        assert "hypothesis" in message or "witness" in message


def test_the_coefficients_of_a_step_are_looked_at_at_every_step() -> None:
    """-(t - 1) u is 0 at one step and not at the next; a square of 1 - t is < 0 at the third."""
    value = copy.deepcopy(POTENTIALS["descent"])
    value["context"]["symbols"]["t"] = "clock"
    value["context"]["vectors"] += ["u"]
    value["witness"]["vectors"]["u"] = [["q", "1"], ["q", "0"]]
    value["steps"] = [TRIVIAL]
    follow(value)
    entry = value["context"]["potentials"]["V"]
    for mean, square, message in (
        ("0", "t", None), ("t*(t - 1)*(t - 2)", "t", None), ("t", "1", "mean"), ("t*(t - 1)", "1", "mean"),
        ("0", "1 - t", "square"),
    ):  # fmt: skip
        entry |= {"mean": [[t(mean), ["v", "u"]]], "square": t(square)}
        if message is None:
            assert accepted(value).satisfiability == "shown"
        else:
            assert message in refused(value, None)
