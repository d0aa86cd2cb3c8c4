"""Hand-written certificates of rules about operators, hypotheses, processes and time."""

from typing import Any

from tests.support.certificates.rules import ALL_AXIOMS, assume, certificate, certify, step, t

LV = "(-eta*norm(g)**2 + 1/2*eta**2*trprod(H, A))"


def primitive(premises: list[int], whole: str, integrand: str, claim: str) -> dict[str, Any]:
    return step("primitive", premises, {"time": "t", "primitive": t(whole), "integrand": t(integrand)}, claim)


OPERATORS: dict[str, dict[str, Any]] = {
    "mean": certificate(
        certify([], "0 <= (eta*X - Y)**2", [["1", [], [t("eta*X - Y")]]]),
        step("monotone", [0], {"operator": "E"}, "0 <= eta**2*E(X**2) - 2*eta*E(X*Y) + E(Y**2)"),
        axioms=("integrability",),
    ),
    "sum over j": certificate(
        certify([], "0 <= (xj - a*sj)**2", [["1", [], [t("xj - a*sj")]]]),
        step("monotone", [0], {"operator": "S"}, "2*a*S(sj*xj) <= S(xj**2) + a**2*S(sj**2)"),
    ),
    "sum over i": certificate(
        certify([], "0 <= (xi(xj) - b)**2", [["1", [], [t("xi(xj) - b")]]]),
        step("monotone", [0], {"operator": "Si"}, "0 <= S(xj**2) - 2*b*S(xj) + b**2*d"),
    ),
    "sum of both": certificate(
        certify([], "0 <= (xi(xj) + X*yj)**2", [["1", [], [t("xi(xj) + X*yj")]]]),
        step("monotone", [0], {"operator": "S"}, "0 <= d*xi(xj)**2 + 2*X*xi(xj)*S(yj) + X**2*S(yj**2)"),
        step("monotone", [1], {"operator": "Si"}, "0 <= d*S(xj**2) + 2*X*S(xj)*S(yj) + d*X**2*S(yj**2)"),
    ),
    "time integral": certificate(
        assume("a <= eta"), step("monotone", [0], {"operator": "I"}, "a*T <= I(eta)"), axioms=("integrability",)
    ),
    "sum over clients": certificate(
        certify([], "0 <= (qk - X*wk)**2", [["1", [], [t("qk - X*wk")]]]),
        step("monotone", [0], {"operator": "C"}, "2*X*C(qk*wk) <= C(qk**2) + X**2*C(wk**2)"),
    ),
    "mean over clients": certificate(
        assume("qk <= b"),
        step("monotone", [0], {"operator": "C"}, "C(qk) <= b*n"),
        step("monotone", [1], {"operator": "EI"}, "EI(C(qk)) <= b*n*T"),
        axioms=("integrability",),
    ),
    "component coordinates": certificate(
        assume("0 <= a"),
        certify([0], "0 <= a*xj**2", [["1", [0], [t("xj")]]]),
        step("component", [1], {"operator": "S"}, "a*xj**2 <= a*S(xj**2)"),
    ),
    "component clients": certificate(
        assume("a < qk"), step("component", [0], {"operator": "C"}, "qk - a <= C(qk) - a*n")
    ),
    "cut": certificate(
        assume("0 <= a - b"),
        certify([0], "b <= a", [["1", [0], []]]),
        certify([], "0 <= (X - Y)**2", [["1", [], [t("X - Y")]]]),
        assume("b == a - (X - Y)**2"),
        certify([2, 3], "0 <= a - b", [["1", [0], []]], equal=[[1, t("1")]]),
        step("cut", [1, 4], {}, "b <= a"),
        assumptions=("b == a - (X - Y)**2",),
    ),
    "cut sealed": certificate(
        assume("0 <= X"),
        step("monotone", [0], {"operator": "E"}, "0 <= E(X)"),
        assume("Y**2 <= X"),
        certify([2], "0 <= X", [["1", [0], []], ["1", [], [t("Y")]]]),
        step("cut", [1, 3], {}, "0 <= E(X)"),
        assumptions=("Y**2 <= X",),
        axioms=("integrability",),
    ),
    "letters": certificate(  # E does not seal 0 <= a, so that a may be split afterwards
        assume("0 <= a"),
        certify([0], "0 <= a*X**2", [["1", [0], [t("X")]]]),
        step("monotone", [1], {"operator": "E"}, "0 <= a*E(X**2)"),
        certify([2, 0], "0 <= a**2*E(X**2)", [["1", [0, 1], []]]),
        assume("a <= 0"),
        certify([4], "0 <= -a*X**2", [["1", [0], [t("X")]]]),
        step("monotone", [5], {"operator": "E"}, "0 <= -a*E(X**2)"),
        certify([6, 4], "0 <= a**2*E(X**2)", [["1", [0, 1], []]]),
        step("cases", [3, 7], {"split": t("0 <= a")}, "0 <= a**2*E(X**2)"),
        axioms=("integrability",),
        assumptions=(),
    ),
    "letters instance": certificate(  # S binds j, which is not in 0 <= a
        assume("0 <= a"),
        step("monotone", [0], {"operator": "S"}, "0 <= a*d"),
        step("instantiate", [1], {"symbol": "a", "term": t("xj")}, "0 <= xj*d"),
        assumptions=("0 <= xj",),
    ),
    "mean of integral": certificate(
        assume("X == eta*Y + b"),
        step("monotone", [0], {"operator": "EI"}, "EI(X) == EI(eta*Y) + b*T"),
        axioms=("integrability",),
    ),
    "instantiate": certificate(
        assume("0 <= a"),
        certify([0], "0 <= a*b**2 + c**2", [["1", [0], [t("b")]], ["1", [], [t("c")]]]),
        step("instantiate", [1], {"symbol": "a", "term": t("X**2 - Y")}, "0 <= (X**2 - Y)*b**2 + c**2"),
        step("instantiate", [2], {"symbol": "k", "term": t("X")}, "0 <= (X**2 - Y)*b**2 + c**2"),
        assumptions=("0 <= X**2 - Y",),
    ),
    "cases": certificate(
        assume("c == X"),
        assume("0 <= X"),
        assume("X <= 0"),
        certify([0, 1], "0 <= c*X", [["1", [1, 1], []]], equal=[[0, t("-X")]]),
        certify([0, 2], "0 <= c*X", [["1", [1, 1], []]], equal=[[0, t("-X")]]),
        step("cases", [3, 4], {"split": t("0 <= X")}, "0 <= c*X"),
        assumptions=("c == X",),
    ),
    "ito": certificate(
        certify([], "0 <= eta**2", [["1", [], [t("eta")]]]),
        assume("b <= V"),
        step("ito", [0, 1], {"potential": "V"}, f"E(VT) - V0 <= EI{LV}"),
        axioms=ALL_AXIOMS,
    ),
    "gronwall": certificate(
        certify([], "0 <= eta**2", [["1", [], [t("eta")]]]),
        assume("0 <= V"),
        assume(f"{LV} <= c - k*V"),
        assume("0 < k"),
        step(
            "gronwall",
            [0, 1, 2, 3],
            {"potential": "V", "rate": t("k"), "offset": t("c")},
            "E(VT) <= V0*exp(-k*T) + c/k*(1 - exp(-k*T))",
        ),
        axioms=ALL_AXIOMS,
    ),
    "primitive": certificate(
        certify([], "1/(1 + t) == 1/(1 + t)"),
        assume("0 <= t"),
        certify([1], "0 < 1 + t", [["1", [0], []], ["1", [], []]]),
        primitive([0, 2], "log(1 + t)", "1/(1 + t)", "I(1/(1 + t)) == log(1 + T)"),
    ),
    "primitive quotient": certificate(
        certify([], "-2*t/(1 + t**2)*(1/(1 + t**2)) == -2*t/(1 + t**2)*(1/(1 + t**2))"),
        certify([], "0 < 1 + t**2", [["1", [], [t("t")]], ["1", [], []]]),
        primitive(
            [0, 1],
            "1/(1 + t**2)",
            "-2*t/(1 + t**2)*(1/(1 + t**2))",
            "2*I(t/(1 + t**2)*(1/(1 + t**2))) == 1 - 1/(1 + T**2)",
        ),
    ),
    "primitive exp": certificate(
        assume("0 < k"),
        step("inverse", [0], {"of": t("k")}, "k*(1/k) == 1"),
        certify([1], "k*(1/k)*exp(-k*t) == exp(-k*t)", equal=[[0, t("exp(-k*t)")]]),
        primitive([2], "-exp(-k*t)/k", "exp(-k*t)", "I(exp(-k*t)) == (1 - exp(-k*T))/k"),
    ),
    "primitive scaled": certificate(
        certify([], "-2/(2*t - 2*T - 2)*(1/(2*t - 2*T - 2)) == -2*(1/(2*t - 2*T - 2))**2"),
        assume("t <= T"),
        certify([1], "2*t - 2*T - 2 < 0", [["2", [0], []], ["2", [], []]]),
        primitive(
            [0, 2],
            "1/(2*t - 2*T - 2)",
            "-2*(1/(2*t - 2*T - 2))**2",
            "-2*I((1/(2*t - 2*T - 2))**2) == -1/2 + 1/(2*T + 2)",
        ),
    ),
    "primitive product": certificate(
        assume("k*(1 + t)**2 != 0"),
        certify([], "-2*k*(1 + t)*(1/(k*(1 + t)**2))**2 == -2*k*(1 + t)*(1/(k*(1 + t)**2))**2"),
        primitive(
            [1, 0],
            "1/(k*(1 + t)**2)",
            "-2*k*(1 + t)*(1/(k*(1 + t)**2))**2",
            "-2*k*I((1 + t)*(1/(k*(1 + t)**2))**2) == 1/(k*(1 + T)**2) - 1/k",
        ),
        assumptions=("k*(1 + t)**2 != 0",),
    ),
}
