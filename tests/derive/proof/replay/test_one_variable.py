"""Both checkers of proof certificates: analysis of one variable, node by node. They share no code."""

import json
import random
from typing import Any

import mpmath
import pytest

from tests.support.certificates.edits import accepted, refused
from tests.support.certificates.rules import assume, ball, ball_certificate, certificate, t

C, E, EVAL = ["coeffs"], ["exp"], ["eval", 64]
ONE_Z = [t("1 + z"), 1, C]


def one(term: str, strict: bool, proof: Any, low: Any = None, high: Any = None, domain: Any = ()) -> dict[str, Any]:
    """0 <= term (0 < term) at a, which is assumed to be in the interval, strictly right of its left end."""
    return ball_certificate(term, strict, proof, low, high, domain, order="<")


def times(m: str, first: Any, second: Any) -> list[Any]:
    return ["times", t(m), first, second]


def members(kind: str, *pairs: tuple[str, Any]) -> list[Any]:
    return [kind, [[t(term), tree] for term, tree in pairs]]


FLAT, FLAT_TREE = "1 + exp(-2*z)", members("sum", ("1", C), ("exp(-2*z)", E))
BELL_TREE = members("product", ("2/sqrt(pi)", C), ("exp(-z**2)", E))
OVER_TREE = times("1 + z", C, C)

# term, strict, proof, low, high, domain
GOOD: list[tuple[Any, ...]] = [
    ("z**2 - z + 1", True, ["split", "1/2", C, C], "0"),
    ("exp(2*z)*exp(-z)/exp(z)", True, C, "0"),
    ("exp(1/2*z)**2", True, E, None),
    ("z/exp(z)", False, members("product", ("z", C), ("exp(-z)", E)), "0"),
    ("(1 + z)*exp(z)", True, members("product", ("1 + z", C), ("exp(z)", E)), "0"),
    ("z + exp(z)", True, members("sum", ("z", C), ("exp(z)", E)), "0"),
    # numbers as coefficients, and numbers alone
    ("sqrt(2)*z**2 + (sqrt(3) - sqrt(2))*z", False, C, "0"),
    ("exp(1) - 2", True, C, None),
    ("sqrt(2)*sqrt(2) - 2", False, C, None),
    ("sqrt(2) - 2/sqrt(2)", False, C, None),
    ("erf(1) + erf(-1)", False, C, None),
    ("z + 1/(exp(1) - 2)", True, C, "0"),
    # what is 0 by the conventions of the format stays so
    ("1/(1/0)", False, C, "0"),
    ("z + 0*log(z)", False, C, "0"),
    # up_open: at the root, on the left of a split, in products, sums, times, below itself and below tanh
    ("z", True, ["up_open", C], "0"),
    ("exp(z) - 1 - z", True, ["up_open", ["up_open", E]], "0"),
    ("exp(z) - 1", True, ["split", "1", ["up_open", E], ["up", E]], "0"),
    ("z*exp(z)", True, members("product", ("z", ["up_open", C]), ("exp(z)", E)), "0"),
    ("z + z**2", True, members("sum", ("z**2", C), ("z", ["up_open", C])), "0"),
    ("exp(z) - 1 + z**2", True, members("sum", ("exp(z) - 1", ["up_open", E]), ("z**2", C)), "0"),
    ("1 - exp(-z)", True, times("exp(z)", E, ["up_open", E]), "0"),
    ("tanh(z)", True, ["tanh", times(FLAT, FLAT_TREE, ["up_open", E])], "0"),
    # odd functions
    ("atan(z) + atan(-z)", False, C, None),
    ("z*erf(z) - z*erf(-z)", False, ["even", members("product", ("2*z", C), ("erf(z)", ["up", BELL_TREE]))], None),
    ("exp(tanh(-z) + tanh(z))", True, C, None),
    # limits
    ("exp(-z)", True, ["limit", E], "0"),
    ("1/(1 + z)", True, ["limit", members("product", *[("1/(1 + z)", OVER_TREE)] * 2)], "0", None, [ONE_Z]),
    ("1 - erf(z)", True, ["limit", BELL_TREE], "0"),
    ("erf(z) + 1", True, ["limit", BELL_TREE], None, "0"),
    ("pi/2 - atan(z)", True, ["limit", times("1 + z**2", C, C)], "0"),
    ("1 - tanh(z)", True, ["limit", ["tanh", times(FLAT, FLAT_TREE, times(FLAT, FLAT_TREE, E))]], "0"),
    ("1 + exp(-sqrt(1 + z)*z)", True, members("sum", ("1", C), ("exp(-sqrt(1 + z)*z)", E)), "0"),
    # roots
    ("3*sqrt(1 + z)", True, ["sqrt"], "0", None, [ONE_Z]),
    ("3*sqrt(1 + z)", True, ["sqrt"], "0", None, [[t("-2 - 2*z"), -1, C]]),
    ("sqrt(1 + z)**2 - 1 - z", False, C, "0", None, [ONE_Z]),
    ("1/sqrt(1 + z) - sqrt(1 + z)/(1 + z)", False, C, "0", None, [ONE_Z]),
    ("sqrt(1 + z)", True, ["up", times("2*(1 + z)", C, ["sqrt"])], "0", None, [ONE_Z]),
    ("1 + z/2 - sqrt(1 + z)", False, ["up", times("sqrt(1 + z)", ["sqrt"], ["up", times("sqrt(1 + z)", ["sqrt"], C)])], "0",
        None, [ONE_Z]),
    # the domain, in order: a root needs what it is of
    ("sqrt(1 + sqrt(1 + z))**2", True, members("sum", ("1", C), ("sqrt(1 + z)", ["sqrt"])), "0", None,
        [ONE_Z, [t("1 + sqrt(1 + z)"), 1, members("sum", ("1", C), ("sqrt(1 + z)", ["sqrt"]))]]),
    ("1/(z - 2)*(1/(z - 2))", True, members("product", *[("1/(2 - z)", times("2 - z", C, C))] * 2), None, "1",
        [[t("3*z - 6"), -1, C]]),
    ("log(2 + z)", True, ["up", times("2 + z", C, C)], "0", None, [[t("2 + z"), 1, C]]),
    # an eval of a root, both ends, domains that rest on one another or are multiples of what is asked for
    ("sqrt(1 + z)", True, EVAL, "0", "1"),
    ("z*atan(z)*erf(z)**2", False, ["even", members("product", ("z", C), ("atan(z)", ["up", times("1 + z**2", C, C)]),
        *[("erf(z)", ["up", times("exp(z**2)", E, C)])] * 2)], "-3", "3"),
    ("1 - z/sqrt(2 + z**2)", True, ["limit", times("2 + z**2", C, times("2 + z**2", C, members("product", ("2", C),
        ("sqrt(2 + z**2)", ["sqrt"]))))], "0", None, [[t("2 + z**2"), 1, C]]),
    ("1/(1 + 1/(1 + z))", False, times("1 + 1/(1 + z)", times("1 + z", C, C), C), "0", None,
        [ONE_Z, [t("1 + 1/(1 + z)"), 1, times("1 + z", C, C)]]),
    # times divides where it can
    ("z/(1 + z**2)", False, times("1 + z**2", C, C), "0", None, [[t("1 + z**2"), 1, C]]),
    ("2*z/(3 + 3*z)", False, times("6 + 6*z", C, C), "0", None, [ONE_Z]),
]  # fmt: skip

BAD: list[tuple[Any, ...]] = [
    ("z", True, C, "0"),
    ("z*exp(z)", True, members("product", ("z", C), ("exp(z)", E)), "0"),
    ("z", False, ["sum", []], "0"),
    ("z", False, ["product", []], "0"),
    ("z - exp(z)", False, E, "0"),
    ("z", False, ["down", C], "0"),
    ("z", False, ["even", C], "0"),
    ("z", False, ["split", "01", C, C], "0"),
    ("z", False, ["split", "1" * 201, C, C], "0"),
    ("z", False, EVAL, "0"),
    ("z", False, ["coeffs", 1], "0"),
    ("z", False, "coeffs", "0"),
    ("z", False, [], "0"),
    ("z", False, C, None),
    ("z**3", False, ["even", C], "-3", "1"),
    ("2 - z**2", False, ["even", EVAL], "-3", "1"),
    ("exp(z)*exp(-z)", True, E, "0"),
    ("1 + (z**64)**6*z**17", False, C, "0"),
    ("-z", False, times("-z", C, C), "0"),
    ("z**2 - 1", False, members("product", ("z - 1", C), ("z + 1", C)), "0"),
    ("z - 2", False, members("sum", ("z", C), ("2", C)), "0"),
    ("z - z", True, ["sum", []], "0"),
    ("1 - z", False, ["even", C], None, "1"),
    ("10 + 1/z", False, ["up", EVAL], "-1", "1"),
    ("-1/z", False, times("-z", C, C), "-1", "1"),
    ("log(z) + 5", False, ["up", times("z", ["up_open", C], C)], "0", "1"),
    # numbers that are not shown to be so
    ("exp(log(2)) - 2 + z", False, ["up", C], "0"),
    ("(exp(log(2)) - 2)*z", False, C, "0"),
    ("1/(exp(log(2)) - 2) + 1", False, C, "0"),
    ("exp(1) - 3", False, C, None),
    ("sqrt(2)*sqrt(3) - sqrt(6)", False, C, None),
    ("log(-2)", False, C, None),
    ("0", True, C, None),
    ("z + 1/(exp(1) - exp(1)*exp(0) + sqrt(2)*sqrt(3) - sqrt(6))", False, C, "0"),
    # 1/z, sqrt and log are smooth nowhere but in their domain, whoever brings them in
    ("1/z + 1", True, ["up", C], "0"),
    ("z", False, members("sum", ("1/z", times("z", C, C)), ("z - 1/z", ["up", C])), "0"),
    ("z**2", False, members("sum", ("1/z", ["up", C]), ("z**2 - 1/z", C)), "0"),
    ("z", False, times("1/z", times("z", C, C), C), "0"),
    ("sqrt(z - 1) + 1", True, ["up", C], "0"),
    ("sqrt(z)", False, ["up", E], "0", None, [[t("z"), 1, C]]),
    ("log(z) + 1", True, ["up", E], "0"),
    ("exp(1/z)", True, E, "0"),
    ("sqrt(1 + z)", True, ["sqrt"], "0"),
    ("-sqrt(1 + z)", False, ["sqrt"], "0", None, [ONE_Z]),
    ("sqrt(1 + z)*z", False, ["sqrt"], "0", None, [ONE_Z]),
    ("sqrt(z)**2 - z", False, C, "0"),
    ("sqrt(-1)**2 + 1", False, C, "0"),
    ("1 + z/2 - sqrt(1 + z)", False, ["up", EVAL], "0", "1"),
    # the domain counts in its order, strictly, on all of the interval, and up_open has no place in it
    ("1/(1 + sqrt(1 + z))", False, times("1 + sqrt(1 + z)", C, C), "0", None, [[t("1 + sqrt(1 + z)"), 1, C], ONE_Z]),
    ("2 + atan(1/(z - 1/2))", False, EVAL, "0", "1"),
    ("z/z", False, EVAL, "0", "1", [[t("z"), 1, C]]),
    ("0", False, members("product", ("0", C), ("log(z)", EVAL)), "0", "1"),
    ("1 + sqrt(z)", False, EVAL, "-1", "1"),
    ("-(sqrt(-1 - z)**2) - z", False, C, "0"),
    ("1/(2 - z)", False, times("2 - z", EVAL, C), "0", None, [[t("2 - z"), 1, ["split", "1", EVAL, C]]]),
    ("1/(2 - z)", False, C, "0", "1", [[t("2 - z"), -1, EVAL]]),
    ("1/(2 - z)", False, times("2 - z", EVAL, C), "0", "1", [[t("2 - z"), 2, EVAL]]),
    ("1/z", False, times("z", EVAL, C), "0", "1", [[t("z"), 1, ["up_open", C]]]),
    ("1/z", False, times("z", C, C), "0", "1", [[t("z**2"), 1, ["up_open", C]]]),
    ("1/(1 + z)", False, times("1 + z", C, C), "0", None, [[t("(1 + z)**2"), 1, C]]),
    ("z", False, C, "0", None, [[t("0"), 1, C]]),
    # up_open where the left end counts
    ("z", False, ["up_open", C], "0"),
    ("z", True, ["up_open", C], None),
    ("z - 1", True, ["split", "1", ["up_open", C], ["up_open", C]], "0"),
    ("exp(z) - 1", True, ["up", ["up_open", E]], "0"),
    ("z", True, times("z", ["up_open", C], ["up_open", C]), "0"),
    ("z**2", True, ["even", ["up_open", ["up_open", C]]], "-1", "1"),
    ("1 + z", True, members("sum", ("1", C), ("z", ["down", ["up_open", C]])), "0"),
    ("z + z", True, members("sum", ("z", ["up_open", C]), ("z", ["up_open", C])), "0"),
    ("(z - 1)**2", True, ["split", "1", C, ["up_open", ["up_open", C]]], "0"),
    # limits
    ("1/(sqrt(1 + z**2) - z)", False, ["limit", C], "0"),
    ("z*(erf(z) - 1)", False, ["limit", C], "0"),
    ("exp(-z) - 1", False, ["limit", E], "0"),
    ("z - 1", False, ["limit", C], "0"),
    ("exp(z)", False, ["limit", E], "0"),
    ("exp(-z)", True, ["limit", E], None),
    ("exp(-z)", True, ["limit", E], "0", "1"),
    ("1", True, ["limit", C], "0"),
    ("z*exp(z)*exp(-z)", False, ["limit", C], "0"),
    ("2 - atan(z)", True, ["limit", C], "0"),
    ("3/2 - atan(z)", True, ["limit", times("1 + z**2", C, C)], "0"),
    ("log(2 + z)", False, ["limit", C], "0", None, [[t("2 + z"), 1, C]]),
    ("-erf(exp(-z))", False, ["limit", C], "0"),
    ("sqrt(1 + z)", False, ["limit", C], None, "0"),
]  # fmt: skip


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case[0])
def test_proved(case: tuple[Any, ...]) -> None:
    assert accepted(one(*case)).trusted == 0
    term, strict, _, low, *rest = case
    high = rest[0] if rest else None
    rng = random.Random(term)
    for _ in range(20):
        z = mpmath.mpf(rng.choice([rng.uniform(0, 1), rng.uniform(0, 30), rng.uniform(0, 1e-3)]))
        left, right = (None if end is None else mpmath.mpf(eval(end)) for end in (low, high))
        z = left + z if left is not None else right - z if right is not None else z * rng.choice([1, -1])
        if right is None or z <= right:
            value = evaluate(t(term), z)
            assert value >= -(mpmath.mpf(10) ** -12) and (value > 0 or not strict or abs(z) > 5), (z, value)


def evaluate(raw: Any, z: Any) -> Any:
    tag, *args = raw
    if tag == "q":
        top, _, bottom = args[0].partition("/")
        return mpmath.mpf(int(top)) / int(bottom or 1)
    if tag in ("x", "pi"):
        return z if tag == "x" else mpmath.pi
    if tag == "^":
        return evaluate(args[0], z) ** args[1]
    if tag == "f":
        inner = evaluate(args[1], z)
        if args[0] in ("sqrt", "log") and inner <= 0:
            return mpmath.mpf(0)
        return getattr(mpmath, args[0])(inner)
    total, *others = (evaluate(arg, z) for arg in args)
    for other in others:
        total = (
            total + other if tag == "+" else total * other if tag == "*" else total / other if other else mpmath.mpf(0)
        )
    return total


@pytest.mark.parametrize("case", BAD, ids=lambda case: f"{case[0]} {json.dumps(case[2])[:60]}")
def test_refused(case: tuple[Any, ...]) -> None:
    term, strict, proof, *rest = case
    refused(one(term, strict, proof, *rest))


def test_premise_of_an_open_end() -> None:
    """0 < exp(a) - 1 needs 0 < a, wherever in the proof the left end is left out."""
    for proof in (["up_open", E], ["split", "1", ["up_open", E], ["up", E]]):
        step = ball("exp(z) - 1", "0 < exp(a) - 1", proof, "a", "0", None, [0])
        accepted(certificate(assume("0 < a"), step))
        refused(certificate(assume("0 <= a"), step))
    both = ball("z", "0 < a", ["up_open", C], "a", "0", "1", [0, 1])
    accepted(certificate(assume("0 < a"), assume("a <= 1"), both))
    refused(certificate(assume("0 <= a"), assume("a < 1"), both))


def test_bounds_on_sizes() -> None:
    def chain(count: int) -> Any:
        tree: Any = C
        for _ in range(count):
            tree = times("1", C, tree)
        return tree

    accepted(one("z", False, chain(60), "0"))
    assert "too deep" in refused(one("z", False, chain(61), "0"), "too deep")
    many = members("sum", *[("1", C)] * 20_000)
    assert "too large" in refused(one("20000", False, many, "0"), "too many nodes")
    accepted(one("z - 1", False, C, "1" + "0" * 199))
    refused(one("z - 1", False, C, "1" + "0" * 200))


@pytest.mark.parametrize("place", ["xy", 3, None, True, ["z"], ["x", "z", "z"], [["x", "z"]]])
def test_no_strings_or_numbers_for_terms(place: Any) -> None:
    """("+", "xy") once was read as the symbol y."""
    good = one("z + exp(z)", False, members("sum", ("z", C), ("exp(z)", E)), "0")
    accepted(good)
    data, bound = good["steps"][-1]["data"], good["steps"][0]["claim"]
    places = [(data, "term"), (data, "at"), (data["term"], 1), (data["term"][2], 2), (data["proof"][1][0], 0)]
    for node, key in [*places, (data["proof"], 1), (data["proof"][1], 0), (bound, 2), (bound, 1)]:
        old, node[key] = node[key], place
        refused(good)
        node[key] = old
    accepted(good)
