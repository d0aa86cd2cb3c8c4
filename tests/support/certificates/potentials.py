"""Hand-written certificates of the rules about potentials that move, in steps and in continuous time, each with a witness."""

import copy
from typing import Any

from tests.support.certificates.edits import follow
from tests.support.certificates.rules import ALL_AXIOMS, assume, ball, certificate, certify, law, step, t

IN_STEPS = ("integrability",)
ENDS: dict[str, Any] = {"change": "dV", "end": "VT", "start": "V0"}
OTHER: dict[str, Any] = {"change": "dU", "end": "UT", "start": "U0"}
BASE = {"T": "const", "V": "random", "dV": "random", "VT": "rv", "V0": "const"}
SECOND = {"U": "random", "dU": "random", "UT": "rv", "U0": "const"}
#: values of the names of `BASE` and `SECOND` that stay where they are
STILL = {"T": "3", "V": "2", "dV": "0", "VT": "2", "V0": "2", "U": "1", "dU": "0", "UT": "1", "U0": "1"}
SGD = {**BASE, "eta": "const", "L0": "const", "s2": "const"}
DESCENT = ENDS | {
    "gradient": "g", "smoothness": [t("L0"), t("0")], "mean": [[t("-eta"), ["v", "g"]]],
    "square": t("eta**2*(norm(g)**2 + s2)"), "radius": None,
}  # fmt: skip
CLIPPED = ENDS | {
    "gradient": "g", "smoothness": [t("L0"), t("L1")], "mean": [[t("-eta/(1 + norm(g))"), ["v", "g"]]],
    "square": t("eta**2"), "radius": t("eta"),
}  # fmt: skip
ONE_STEP = "dV <= -eta*norm(g)**2 + L0*eta**2*(norm(g)**2 + s2)/2"
FALLS = "dV <= -eta/2*norm(g)**2 + L0*eta**2*s2/2"
WEIGHTED = {"potentials": [[t("1"), "V"], [t("a"), "U"]]}


def made(
    *steps: dict[str, Any], symbols: dict[str, str], potentials: dict[str, Any], values: dict[str, str], in_steps: bool = True,
    axioms: tuple[str, ...] = (), vectors: dict[str, list[str]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A certificate over its own context. Of the witness are given what `STILL` does not say, and the entries of the vectors."""
    value = certificate(*steps, axioms=axioms)
    vectors = vectors or {}
    value["context"] = {
        "symbols": dict(symbols), "vectors": list(vectors), "matrices": {}, "functions": {}, "horizon": "T", "dimension": None,
        "clients": None, "potentials": potentials,
    } | ({"steps": True} if in_steps else {})  # fmt: skip
    values = {name: text for name, text in STILL.items() if name in symbols} | values
    value["witness"] = {
        "symbols": {name: ["q", text] for name, text in values.items()},
        "vectors": {name: [["q", text] for text in entries] for name, entries in vectors.items()},
        "matrices": {}, "functions": {},
    }  # fmt: skip
    return value


def _descended() -> list[dict[str, Any]]:
    """Steps 0 to 3: the descent lemma for SGD with eta L0 <= 1."""
    return [
        assume("0 < eta"),
        assume("eta*L0 <= 1"),
        step("descent", [], {"potential": "V", "reach": t("0")}, ONE_STEP),
        certify([0, 1, 2], FALLS, [["1", [2], []], ["1/2", [0, 1], [t("norm(g)")]]]),
    ]


def _sgd(*steps: dict[str, Any], axioms: tuple[str, ...] = (), **more: str) -> dict[str, Any]:
    symbols = SGD | {name: "const" for name in more if name not in SGD}
    values = {"eta": "1/2", "L0": "1", "s2": "4", **more}
    return made(
        *steps, symbols=symbols, potentials={"V": DESCENT}, values=values, axioms=axioms, vectors={"g": ["0", "0"]}
    )


def _clipped() -> dict[str, Any]:
    steps = [
        assume("0 <= L0"),
        assume("0 <= L1"),
        assume("L1*eta <= 1"),
        step("descent", [1, 2], {"potential": "V", "reach": t("1")},
             "dV <= -eta*norm(g)**2/(1 + norm(g)) + (L0 + L1*norm(g))*eta**2*psi(1)"),
        ball("3/4 - psi(1)", "0 < 3/4 - psi(1)", ["coeffs"], "0"),
        step("nonnegative", [], {"of": t("norm(g)")}, "0 <= norm(g)"),
        certify([0, 1, 3, 4, 5], "dV <= -eta*norm(g)**2/(1 + norm(g)) + 3/4*eta**2*(L0 + L1*norm(g))",
                [["1", [2], []], ["1", [0, 3], [t("eta")]], ["1", [1, 3, 4], [t("eta")]]]),
    ]  # fmt: skip
    symbols = {**BASE, "eta": "const", "L0": "const", "L1": "const"}
    values = {"eta": "1/2", "L0": "1", "L1": "2"}
    return made(*steps, symbols=symbols, potentials={"V": CLIPPED}, values=values, vectors={"g": ["0"]})


def _telescoped() -> dict[str, Any]:
    return _sgd(
        *_descended(),
        assume("0 <= V"),
        assume("0 <= VT"),
        step("telescope", [4], {"potentials": [[t("1"), "V"]]}, "E(VT) - V0 <= EI(dV)"),
        step("monotone", [3], {"operator": "EI"}, "EI(dV) <= -eta/2*EI(norm(g)**2) + T*L0*eta**2*s2/2"),
        step("monotone", [5], {"operator": "E"}, "0 <= E(VT)"),
        certify([6, 7, 8], "eta/2*EI(norm(g)**2) <= V0 + T*L0*eta**2*s2/2", [["1", [n], []] for n in range(3)]),
        axioms=IN_STEPS,
    )


def _decayed() -> dict[str, Any]:
    falls = "dV <= -m*eta*V + L0*eta**2*s2/2"
    return _sgd(
        *_descended(),
        assume("0 <= V"),
        assume("2*m*V <= norm(g)**2"),
        certify([0, 3, 5], falls, [["1", [1], []], ["1/2", [0, 2], []]]),
        assume("0 < m"),
        certify([0, 7], "0 < m*eta", [["1", [0, 1], []]]),
        assume("m*eta < 1"),
        step("decay", [4, 6, 8, 9], {"potentials": [[t("1"), "V"]], "rate": t("m*eta"), "offset": t("L0*eta**2*s2/2")},
             "E(VT) <= V0*exp(T*log(1 - m*eta)) + L0*eta**2*s2/2/(m*eta)*(1 - exp(T*log(1 - m*eta)))"),
        axioms=IN_STEPS, m="1", V="0", V0="0", VT="0",
    )  # fmt: skip


def _summable(in_steps: bool, low: str = "0") -> dict[str, Any]:
    signs = [assume(text) for text in (f"{low} <= V", f"dV <= al*(V - {low}) + be - y", "0 <= al", "0 <= be", "0 <= y")]
    data = {"potentials": [[t("1"), "V"]], "growth": t("al"), "floor": t("be"), "drop": t("y")}
    last = step("summable", [0, 1, 2, 3, 4], data, f"E(VT) + EI(y) <= {low} + exp(I(al))*(V0 - {low} + I(be))")
    symbols = {**BASE, "al": "time", "be": "time", "y": "random", **dict.fromkeys([low] * (low != "0"), "const")}
    values = {"al": "1", "be": "3", "y": "1/2", **dict.fromkeys([low] * (low != "0"), "-1")}
    return made(
        *signs, last, symbols=symbols, potentials={"V": ENDS}, values=values, in_steps=in_steps,
        axioms=IN_STEPS if in_steps else ALL_AXIOMS,
    )  # fmt: skip


def _summed() -> dict[str, Any]:
    both = "(1/(t + 1))*(1/(t + 2))"
    steps = [
        assume("0 <= t"),
        certify([0], "0 < t + 1", [["1", [0], []], ["1", [], []]]),
        certify([0], "0 < t + 2", [["1", [0], []], ["2", [], []]]),
        step("inverse", [1], {"of": t("t + 1")}, "(t + 1)*(1/(t + 1)) == 1"),
        step("inverse", [2], {"of": t("t + 2")}, "(t + 2)*(1/(t + 2)) == 1"),
        certify([3, 4], f"{both} == 1/(t + 1) - 1/(t + 2)", equal=[[1, t("1/(t + 1)")], [0, t("-1/(t + 2)")]]),
        step("monotone", [5], {"operator": "I"}, f"I({both}) == I(1/(t + 1)) - I(1/(t + 2))"),
        step("summation", [], {"time": "t", "primitive": t("-1/(t + 1)")}, "I(1/(t + 1) - 1/(t + 2)) == 1 - 1/(T + 1)"),
        certify([6, 7], f"I({both}) == 1 - 1/(T + 1)", equal=[[0, t("1")], [1, t("1")]]),
    ]
    return made(*steps, symbols={"T": "const", "t": "clock"}, potentials={}, values={}, axioms=IN_STEPS)


def _weighted(rule: str) -> dict[str, Any]:
    """In continuous time: V + a U, of which a may be negative."""
    given = [assume("b <= V + a*U"), assume("dV + a*dU <= c - X**2")]
    if rule == "telescope":
        steps = [
            step("telescope", [0], WEIGHTED, "E(VT) + a*E(UT) - V0 - a*U0 <= EI(dV + a*dU)"),
            step("monotone", [1], {"operator": "EI"}, "EI(dV) + a*EI(dU) <= c*T - EI(X**2)"),
            certify([2, 3], "E(VT) + a*E(UT) + EI(X**2) <= V0 + a*U0 + c*T", [["1", [0], []], ["1", [1], []]]),
        ]
    else:
        given[1] = assume("dV + a*dU <= c - k*V - k*a*U")
        data = WEIGHTED | {"rate": t("k"), "offset": t("c")}
        claim = "E(VT) + a*E(UT) <= (V0 + a*U0)*exp(-k*T) + c/k*(1 - exp(-k*T))"
        steps = [assume("0 < k"), step("decay", [0, 1, 2], data, claim)]
    symbols = {**BASE, **SECOND, "a": "const", "b": "const", "c": "const", "k": "const", "X": "random"}
    values = {"a": "-1/2", "b": "-5", "c": "3", "k": "1", "X": "1", "T": "1/2"}
    return made(
        *given,
        *steps,
        symbols=symbols,
        potentials={"V": ENDS, "U": OTHER},
        values=values,
        in_steps=False,
        axioms=ALL_AXIOMS,
    )


def _psi() -> dict[str, Any]:
    """1 + a + a^2/2 <= exp(a) where 0 <= a."""
    steps = [
        assume("0 <= a"),
        law("monotone:psi", ["0", "a"], "1/2 <= psi(a)", [0]),
        law("psi_square", ["a"], "psi(a)*a**2 == exp(a) - 1 - a"),
        law("psi_positive", ["-a"], "0 < psi(-a)"),
        certify(
            [1, 2, 3],
            "1 + a + 1/2*a**2 < exp(a) + psi(-a)",
            [["1", [0], [t("a")]], ["1", [2], []]],
            equal=[[1, t("1")]],
        ),
    ]
    return made(*steps, symbols={"T": "const", "a": "const"}, potentials={}, values={"a": "1"}, in_steps=False)


POTENTIALS: dict[str, dict[str, Any]] = {
    "descent": _sgd(*_descended()),
    "descent with a radius": _clipped(),
    "telescope": _telescoped(),
    "decay": _decayed(),
    "summable": _summable(True),
    "summable above a constant": _summable(True, "c"),
    "summation": _summed(),
    "telescope with weights": _weighted("telescope"),
    "decay with weights": _weighted("decay"),
    "summable in continuous time": _summable(False),
    "summable above a constant in continuous time": _summable(False, "c"),
    "psi": _psi(),
}


def by_hand() -> dict[str, dict[str, Any]]:
    """Each rule, a step of bounded length alone, and a sum with a constant in it."""
    lone = copy.deepcopy(POTENTIALS["descent with a radius"])
    lone["steps"] = [*lone["steps"][1:3], lone["steps"][3] | {"premises": [0, 1]}]
    follow(lone)
    last = step("summation", [], {"time": "t", "primitive": t("k*t**2 + t")}, "I(2*k*t + k + 1) == k*T**2 + T")
    symbols = {"T": "const", "t": "clock", "k": "const", "eta": "time"}
    summed = made(last, symbols=symbols, potentials={}, values={"k": "2", "eta": "1"})
    return POTENTIALS | {"a step": lone, "a sum with a constant": summed}
