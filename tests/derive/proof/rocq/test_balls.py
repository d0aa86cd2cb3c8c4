"""Facts of one variable in Rocq, with the tree that proves each (the rule `ball`)."""

import re

import pytest

from sdescent.derive.proof.rocq.export import translated
from sdescent.derive.proof.rocq.notation import ExportError
from tests.derive.proof.replay.test_one_variable import EVAL, FLAT, FLAT_TREE, ONE_Z, C, E, members, one, times
from tests.derive.proof.rocq.asking import Certificate, check, rocq
from tests.derive.proof.rocq.judging import MACHINE, STANDARD
from tests.support.certificates.balls import BALLS as PLAIN
from tests.support.certificates.rules import t

#: name: term, strict, proof, low, high, domain, of nodes that `PLAIN` has not, or not so
BALLS: dict[str, Certificate] = {
    "coeffs": one("z**2 + z + 1", True, C, "0"),
    "coeffs_down": one("9 - 3*z", False, C, None, "1/2"),
    "down": one("1 - z**2", False, ["down", C], "0", "1"),
    "split": one("(z**2)**2", False, ["split", "0", ["down", C], C], "-1"),
    "product": one("exp(-z)*(z + 1/2)", True, members("product", ("exp(-z)", E), ("z + 1/2", C)), "0"),
    "merged": one("exp(z)*exp(-z) - 1", False, C, "0"),
    "tanh_out": one("tanh(z)", False, ["tanh", times(FLAT, FLAT_TREE, ["up", E])], "0", None, [[t(FLAT), 1, FLAT_TREE]]),
    "root": one("2*sqrt(1 + z**2)", True, ["sqrt"], None, None, [[t("1 + z**2"), 1, ["split", "0", C, C]]]),
    "erf_limit": one("2 - erf(z) + 1/3*z*exp(-z**2)", False, ["limit", times("exp(z**2)", E, C)], "0"),
    "exp_limit": one("exp(-z)", True, ["limit", E], "0"),
    "atan": one("atan(z) - z/4", False, ["up", EVAL], "0", "1"),
    "psi": one("18/25 - psi(z**2)", True, ["eval", 128], "0", "1"),
}  # fmt: skip
FALSE_BALLS: dict[str, Certificate] = {
    "false erf": one("2*z - erf(z)", False, ["split", "0", EVAL, ["up", EVAL]], "-1/2", "2"),
    "false erf_limit": one("9/10 - erf(z)", False, ["limit", times("exp(z**2)", E, C)], "0"),
    "false eval": one("exp(z) - 3*z", True, EVAL, "1/2", "2"),
    "false end": one("exp(z) - (101/100 + z)", False, ["up", ["up", E]], "0"),
    "false down": one("1/2 - z**2", False, ["down", C], "0", "1"),
    "false split": one("z**2 - z + 1/5", False, ["split", "1/2", EVAL, EVAL], "0", "1"),
    "false quotient": one("1 - 4*z/(1 + 3*z)", False, times("1 + 3*z", C, EVAL), "0", "2", [[t("1 + 3*z"), 1, C]]),
    "false psi": one("9/13 - psi(z**2)", True, ["eval", 128], "0", "1"),
}  # fmt: skip


@rocq
@pytest.mark.slow
def test_rocq_accepts_balls_and_nothing_false() -> None:
    false = {name: c for name, c in FALSE_BALLS.items() if name != "false erf_limit"}
    assert not check(BALLS, false, STANDARD | MACHINE)["psi"] <= STANDARD  # the machine's integers


def test_balls_are_proved_or_premises() -> None:
    for certificate in BALLS.values():
        exported = translated(certificate)
        assert (exported.premises, exported.proved) == ((), 1)
    for certificate in (PLAIN["ball tanh"], FALSE_BALLS["false erf_limit"]):
        exported = translated(certificate)
        (premise,) = exported.premises
        assert (exported.proved, premise.kind) == (0, "assumed")
        assert re.match(r"step [12], ball: ", premise.words)


def test_what_is_no_tree_for_a_term_is_an_error() -> None:
    of_sum = members("sum", ("exp(z)", E), ("1", C))
    for wrong in (
        one("10 + z", False, ["even", C]), one("exp(z) - 1", False, of_sum, "-1"),
        *(one("z - 1", False, tree, "0", None, [ONE_Z]) for tree in (C, ["at", 1], ["lemma"], ["up_open", C])),
    ):  # fmt: skip
        with pytest.raises(ExportError):
            translated(wrong)
