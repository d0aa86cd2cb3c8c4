"""Hand-written certificates of the rule `ball`, at least one for every kind of node."""

from typing import Any

from tests.support.certificates.rules import ball_certificate as at
from tests.support.certificates.rules import t

C, E, EVAL = ["coeffs"], ["exp"], ["eval", 64]
UP_TWICE, ONE_Z = ["up", ["up", E]], [t("1 + z"), 1, C]
TANH = ["up", ["split", "1/2", EVAL, ["split", "1", EVAL, ["split", "3/2", EVAL, EVAL]]]]
ROOT = ["times", t("sqrt(1 + z)"), EVAL, ["up", ["times", t("sqrt(1 + z)"), EVAL, C]]]
EVEN = ["sum", [[t("exp(z)"), E], [t("exp(-z)"), E]]]
BELL = ["product", [[t("2/sqrt(pi)"), C], [t("exp(-z**2)"), E]]]

BALLS: dict[str, dict[str, Any]] = {
    "ball eval": at("2 - z**2", True, EVAL, "0", "1", name="X"),
    "ball up": at("exp(z) - 1 - z", False, UP_TWICE, "0", name="X"),
    "ball up_open": at("exp(z) - 1", True, ["up_open", E], "0", order="<"),
    "ball split": at("exp(z) - 1 - z", False, ["split", "0", ["down", ["down", E]], UP_TWICE], name="2*X"),
    "ball times": at("1 - exp(-z)*(1 + z)", False, ["times", t("exp(z)"), E, UP_TWICE], "0", name="X"),
    "ball even": at("exp(z) + exp(-z) - 2", False, ["even", ["up", ["up", EVEN]]]),
    "ball log": at("z - log(1 + z)", False, ["up", ["times", t("1 + z"), C, C]], "0", domain=[ONE_Z]),
    "ball quotient": at("1/(2 - z)", True, ["times", t("2 - z"), C, C], None, "1", domain=[[t("z - 2"), -1, C]]),
    "ball atan": at("z - atan(z)", False, ["up", ["times", t("1 + z**2"), C, C]], "0"),
    "ball sqrt": at("1 + z/2 - sqrt(1 + z)", False, ["up", ROOT], "0", "3", domain=[ONE_Z]),
    "ball erf": at("erf(z)", False, ["up", BELL], "0"),
    "ball tanh": at("z - tanh(z)", False, ["up", ["product", [[t("tanh(z)"), TANH]] * 2]], "0", "2"),
}
