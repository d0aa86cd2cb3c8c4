"""Hand-written certificates of the rule `ball`, at least one for every kind of node."""

from __future__ import annotations

from typing import Any

from tests.support.certificates.rules import assume, ball, certificate, t

TANH = [
    "up",
    ["split", "1/2", ["eval", 64], ["split", "1", ["eval", 64], ["split", "3/2", ["eval", 64], ["eval", 64]]]],
]

BALLS: dict[str, dict[str, Any]] = {
    "ball eval": certificate(
        assume("0 <= X"), assume("X < 1"), ball("2 - z**2", "0 < 2 - X**2", ["eval", 64], "X", "0", "1", [0, 1])
    ),
    "ball up": certificate(
        assume("0 <= X"), ball("exp(z) - 1 - z", "0 <= exp(X) - 1 - X", ["up", ["up", ["exp"]]], "X", "0", None, [0])
    ),
    "ball up_open": certificate(
        assume("0 < a"), ball("exp(z) - 1", "0 < exp(a) - 1", ["up_open", ["exp"]], "a", "0", None, [0])
    ),
    "ball split": certificate(
        ball(
            "exp(z) - 1 - z",
            "0 <= exp(2*X) - 1 - 2*X",
            ["split", "0", ["down", ["down", ["exp"]]], ["up", ["up", ["exp"]]]],
            "2*X",
        )
    ),
    "ball times": certificate(
        assume("0 <= X"),
        ball(
            "1 - exp(-z)*(1 + z)",
            "0 <= 1 - exp(-X)*(1 + X)",
            ["times", t("exp(z)"), ["exp"], ["up", ["up", ["exp"]]]],
            "X",
            "0",
            None,
            [0],
        ),
    ),
    "ball even": certificate(
        ball(
            "exp(z) + exp(-z) - 2",
            "0 <= exp(a) + exp(-a) - 2",
            ["even", ["up", ["up", ["sum", [[t("exp(z)"), ["exp"]], [t("exp(-z)"), ["exp"]]]]]]],
            "a",
        )
    ),
    "ball log": certificate(
        assume("0 <= a"),
        ball(
            "z - log(1 + z)",
            "0 <= a - log(1 + a)",
            ["up", ["times", t("1 + z"), ["coeffs"], ["coeffs"]]],
            "a",
            "0",
            None,
            [0],
            [[t("1 + z"), 1, ["coeffs"]]],
        ),
    ),
    "ball quotient": certificate(
        assume("-1 <= -a"),
        ball(
            "1/(2 - z)",
            "0 < 1/(2 - a)",
            ["times", t("2 - z"), ["coeffs"], ["coeffs"]],
            "a",
            None,
            "1",
            [0],
            [[t("z - 2"), -1, ["coeffs"]]],
        ),
    ),
    "ball atan": certificate(
        assume("0 <= a"),
        ball(
            "z - atan(z)",
            "0 <= a - atan(a)",
            ["up", ["times", t("1 + z**2"), ["coeffs"], ["coeffs"]]],
            "a",
            "0",
            None,
            [0],
        ),
    ),
    "ball sqrt": certificate(
        assume("0 <= a"),
        assume("a <= 3"),
        ball(
            "1 + z/2 - sqrt(1 + z)",
            "0 <= 1 + a/2 - sqrt(1 + a)",
            [
                "up",
                [
                    "times",
                    t("sqrt(1 + z)"),
                    ["eval", 64],
                    ["up", ["times", t("sqrt(1 + z)"), ["eval", 64], ["coeffs"]]],
                ],
            ],
            "a",
            "0",
            "3",
            [0, 1],
            [[t("1 + z"), 1, ["coeffs"]]],
        ),
    ),
    "ball erf": certificate(
        assume("0 <= a"),
        ball(
            "erf(z)",
            "0 <= erf(a)",
            ["up", ["product", [[t("2/sqrt(pi)"), ["coeffs"]], [t("exp(-z**2)"), ["exp"]]]]],
            "a",
            "0",
            None,
            [0],
        ),
    ),
    "ball tanh": certificate(
        assume("0 <= a"),
        assume("a <= 2"),
        ball(
            "z - tanh(z)",
            "0 <= a - tanh(a)",
            ["up", ["product", [[t("tanh(z)"), TANH], [t("tanh(z)"), TANH]]]],
            "a",
            "0",
            "2",
            [0, 1],
        ),
    ),
}
