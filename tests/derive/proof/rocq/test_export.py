"""Certificates as files of Rocq: every rule is accepted, what is false is not."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from derive.proof.rocq.export import Exported, export
from derive.proof.rocq.judge import MACHINE, STANDARD, Judged, NoRocqError, judge
from derive.proof.rocq.terms import ExportError

rocq = pytest.mark.skipif(shutil.which("coqc") is None, reason="coqc is not installed")
Term = list[Any]
Relation = list[Any]
Certificate = dict[str, Any]


def q(value: object) -> Term:
    return ["q", str(value)]


def x(name: str) -> Term:
    return ["x", name]


def add(*terms: Term) -> Term:
    return ["+", *terms]


def mul(*terms: Term) -> Term:
    return ["*", *terms]


def neg(t: Term) -> Term:
    return mul(q(-1), t)


def sub(s: Term, t: Term) -> Term:
    return add(s, neg(t))


def sq(t: Term) -> Term:
    return ["^", t, 2]


def le(s: Term, t: Term) -> Relation:
    return ["<=", s, t]


def lt(s: Term, t: Term) -> Relation:
    return ["<", s, t]


def eq(s: Term, t: Term) -> Relation:
    return ["==", s, t]


def f(name: str, t: Term) -> Term:
    return ["f", name, t]


ZERO, ONE = q(0), q(1)
UNIT = [["1", [], []]]


class Draft:
    """A certificate by hand: each method appends a step and gives its number."""

    def __init__(self, symbols: dict[str, str], **context: Any) -> None:
        self.context = {
            "symbols": symbols,
            "vectors": [],
            "matrices": {},
            "functions": {},
            "horizon": None,
            "dimension": None,
            "clients": None,
            "potentials": {},
            **context,
        }
        self.steps: list[dict[str, Any]] = []

    def step(self, rule: str, premises: list[int], data: dict[str, Any], claim: Relation) -> int:
        self.steps.append({"rule": rule, "premises": premises, "data": data, "claim": claim})
        return len(self.steps) - 1

    def assume(self, claim: Relation) -> int:
        return self.step("assume", [], {}, claim)

    def certify(self, premises: list[int], claim: Relation, total: Any = (), equalities: Any = (), mult: Any = UNIT) -> int:
        return self.step("certify", premises, {"mult": mult, "sum": list(total), "equalities": list(equalities)}, claim)

    def law(self, law: str, args: list[Term], claim: Relation, premises: tuple[int, ...] = ()) -> int:
        return self.step("function", list(premises), {"law": law, "args": args}, claim)

    def done(self, *assumptions: Relation, definitions: tuple[Relation, ...] = (), title: str = "a theorem") -> dict[str, Any]:
        statement = {
            "assumptions": list(assumptions),
            "axioms": [],
            "claim": self.steps[-1]["claim"],
            "definitions": list(definitions),
        }
        certificate = {"format": "sdescent-certificate-1", "title": title, "context": self.context}
        return copy.deepcopy({**certificate, "statement": statement, "steps": self.steps})


def judged(certificate: dict[str, Any]) -> tuple[Exported, Judged]:
    exported = export(certificate)
    return exported, judge(exported.text, timeout=60)


def accepted(certificate: dict[str, Any]) -> Exported:
    exported, verdict = judged(certificate)
    assert verdict.accepted, verdict.output
    assert set(verdict.assumptions) <= STANDARD
    return exported


def rejected(certificate: dict[str, Any]) -> None:
    try:
        _, verdict = judged(certificate)
    except ExportError:
        return
    assert not verdict.accepted
    assert "Error" in verdict.output


# Certificates


def young() -> Certificate:
    """x y <= x^2/2 + y^2/2."""
    d = Draft({"x": "random", "y": "rv"})
    claim = le(mul(x("x"), x("y")), add(mul(q("1/2"), sq(x("x"))), mul(q("1/2"), sq(x("y")))))
    d.certify([], claim, [["1/2", [], [sub(x("x"), x("y"))]]])
    return d.done(title='Young *) "quoted" (* nested')


def below_square() -> Certificate:
    """G <= 1 + G^2 and, strictly, G < 2 + G^2; by 4 (1 + G^2 - G) = (2 G - 1)^2 + 3."""
    d = Draft({"G": "random"})
    g = x("G")
    one = d.certify([], le(g, add(ONE, sq(g))), [["1", [], [sub(mul(q(2), g), ONE)]], ["3", [], []]], mult=[["4", [], []]])
    d.certify([one], lt(g, add(q(2), sq(g))), [["1", [0], []], ["1", [], []]])
    return d.done()


def divided() -> Certificate:
    """b/a + a/b >= 2 for a, b > 0: by a b (b/a + a/b - 2) = (a - b)^2 and inverses of a, of b and of their product."""
    d = Draft({"a": "const", "b": "random"})
    a, b = x("a"), x("b")
    ha, hb = d.assume(lt(ZERO, a)), d.assume(lt(ZERO, b))
    ia = d.step("inverse", [ha], {"of": a}, eq(mul(a, ["/", ONE, a]), ONE))
    ib = d.step("inverse", [hb], {"of": b}, eq(ONE, mul(["/", ONE, b], b)))
    claim = le(q(2), add(["/", b, a], ["/", a, b]))
    # a b (b/a + a/b - 2) = b^2 (a/a) + a^2 (b/b) - 2 a b
    d.certify(
        [ha, hb, ia, ib], claim, [["1", [], [sub(a, b)]]], [[2, neg(sq(b))], [3, sq(a)]], mult=[["1", [0, 1], []]]
    )
    return d.done(lt(ZERO, a), lt(ZERO, b))


def inverses() -> Certificate:
    """Inverses of a monomial, of a sum that is scaled, and of a number."""
    d = Draft({"a": "const", "b": "random"})
    a, b = x("a"), x("b")
    monomial = mul(q("3/4"), ["^", a, 2], b)
    hypothesis = ["!=", monomial, ZERO]
    h = d.assume(hypothesis)
    one = d.step("inverse", [h], {"of": monomial}, eq(mul(monomial, ["/", ONE, monomial]), ONE))
    total = add(mul(q(2), a), q(3), mul(q(2), sq(b)))
    g = d.assume(lt(total, ZERO))
    two = d.step("inverse", [g], {"of": total}, eq(mul(total, ["/", ONE, total]), ONE))
    positive = d.certify([], lt(ZERO, q("2/3")), [["2/3", [], []]])
    three = d.step("inverse", [positive], {"of": q("2/3")}, eq(mul(q("2/3"), ["/", ONE, q("2/3")]), ONE))
    claim = eq(add(["/", monomial, monomial], ["/", total, total], ["/", q("2/3"), q("2/3")]), q(3))
    d.certify([one, two, three], claim, [], [[0, ONE], [1, ONE], [2, ONE]])
    return d.done(hypothesis, lt(total, ZERO))


def functions() -> list[Draft]:
    """Each law once, also where the normal form of a value is a number or another way of writing."""
    drafts = []
    s, t = x("s"), x("t")

    def law(name: str, args: list[Term], claim: Relation, *hypotheses: Relation) -> None:
        d = Draft({"s": "random", "t": "const"})
        d.law(name, args, claim, tuple(d.assume(h) for h in hypotheses))
        drafts.append(d)

    for u in (s, add(s, mul(q(2), t), ONE), ZERO, q(-3), ONE, q("5/2")):
        law("abs_square", [u], eq(sq(f("abs", u)), sq(u)))
        law("abs_nonneg", [u], le(ZERO, f("abs", u)))
        law("sqrt_nonneg", [u], le(ZERO, f("sqrt", u)))
        law("sqrt_square", [u], eq(sq(f("sqrt", u)), u), le(ZERO, u))
        law("exp_positive", [u], lt(ZERO, f("exp", u)))
        law("log_exp", [u], eq(f("log", f("exp", u)), u))
        law("exp_log", [u], eq(f("exp", f("log", u)), u), lt(ZERO, u))
        law("exp_add", [u, t], eq(f("exp", add(t, u)), mul(f("exp", u), f("exp", t))))
        law("log_mul", [u, t], eq(f("log", mul(t, u)), add(f("log", u), f("log", t))), lt(ZERO, u), lt(ZERO, t))
    for name in ("exp", "atan", "erf", "tanh"):
        law(f"monotone:{name}", [s, t], le(f(name, s), f(name, t)), le(s, t))
        law(f"monotone:{name}", [ZERO, add(t, t)], lt(f(name, ZERO), f(name, mul(q(2), t))), lt(ZERO, mul(q(2), t)))
    law("monotone:log", [ONE, t], lt(f("log", ONE), f("log", t)), lt(ZERO, ONE), lt(ONE, t))
    law("monotone:sqrt", [s, t], le(f("sqrt", s), f("sqrt", t)), le(ZERO, s), le(s, t))
    law("monotone:sqrt", [s, t], lt(ZERO, sub(f("sqrt", t), f("sqrt", s))), le(ZERO, s), lt(s, t))
    return drafts


def all_functions() -> Certificate:
    """The laws one after another in one certificate; the last step proves a trivial claim from all of them."""
    whole = Draft({"s": "random", "t": "const"})
    assumed: list[Relation] = []
    for draft in functions():
        first = len(whole.steps)
        for step in draft.steps:
            whole.step(step["rule"], [first + n for n in step["premises"]], step["data"], step["claim"])
            if step["rule"] == "assume" and step["claim"] not in assumed:
                assumed.append(step["claim"])
    whole.certify(list(range(len(whole.steps))), le(ZERO, ONE), [["1", [], []]])
    return whole.done(*assumed)


def split() -> Certificate:
    """abs(x) <= 1 + x^2 by cases, abs(x) = x or -x being assumed on either side; and x <= x^2 + 1/4 in both."""
    d = Draft({"x": "random", "y": "random"})
    t, y = x("x"), x("y")
    low, high = d.assume(le(t, ZERO)), d.assume(lt(ZERO, t))
    bound = d.assume(le(sq(t), y))
    claim = le(mul(t, f("abs", t)), add(y, sq(t)))
    zero = d.law("abs_nonneg", [t], le(ZERO, f("abs", t)))
    # x <= 0: y + x^2 - x |x| = (y - x^2) + 2 x^2 + (-x) |x|
    left = d.certify([low, bound, zero], claim, [["1", [1], []], ["2", [], [t]], ["1", [0, 2], []]])
    square = d.law("abs_square", [t], eq(sq(f("abs", t)), sq(t)))
    # 0 < x: y + x^2 - x |x| = (y - x^2) + (x - |x|)^2 / 2 + (3 x^2 - |x|^2) / 2, and |x|^2 = x^2
    right = d.certify(
        [high, bound, square],
        claim,
        [["1", [1], []], ["1/2", [], [sub(t, f("abs", t))]], ["1", [], [t]]],
        [[2, q("1/2")]],
    )
    d.step("cases", [left, right], {"split": le(mul(q(2), t), ZERO)}, claim)
    d.steps[-1]["data"]["split"] = le(t, ZERO)
    return d.done(le(sq(t), y))


def instantiated() -> Certificate:
    """c/(1 + c^2) <= 1/2 for a constant, then for 2 x - 1."""
    d = Draft({"c": "const", "x": "random"})
    c = x("c")
    p = add(ONE, sq(c))
    positive = d.certify([], lt(ZERO, p), [["1", [], []], ["1", [], [c]]])
    inverse = d.step("inverse", [positive], {"of": p}, eq(mul(p, ["/", ONE, p]), ONE))
    # p (1/2 - c/p) = (c - 1)^2 / 2 + c (1 - p/p)
    one = d.certify(
        [positive, inverse], le(["/", c, p], q("1/2")), [["1/2", [], [sub(c, ONE)]]], [[1, c]], mult=[["1", [0], []]]
    )
    t = sub(mul(q(2), x("x")), ONE)
    d.step("instantiate", [one], {"symbol": "c", "term": t}, le(["/", t, add(ONE, sq(t))], q("1/2")))
    return d.done()


def contradicted() -> Certificate:
    """Anything from x <= -1 and 0 <= x."""
    d = Draft({"x": "random"})
    t = x("x")
    a, b = d.assume(le(t, q(-1))), d.assume(le(ZERO, t))
    false = d.certify([a, b], le(ONE, ZERO), [["1", [0], []], ["1", [1], []]])
    d.step("absurd", [false], {}, lt(f("exp", t), ZERO))
    return d.done(le(t, q(-1)), le(ZERO, t))


V, M = ["v", "g"], ["m", "H"]
DCSGD = {"vectors": ["g"], "matrices": {"H": ["symmetric"], "S": ["psd"]}}


def drift() -> Certificate:
    """-G^2 + eta/2 (g'Hg + Tr(H S)) <= -G^2 + eta/2 (L0 G^2 + L1 G^3 + (L0 + L1 G) s) for |H| <= L0 + L1 G and Tr S <= s."""
    d = Draft({"eta": "const", "L0": "const", "L1": "const", "s": "const"}, **DCSGD)
    eta, l0, l1, s = map(x, ("eta", "L0", "L1", "s"))
    g, op, tr = ["norm", V], ["opnorm", M], ["tr", ["m", "S"]]
    smooth, noise, step = le(op, add(l0, mul(l1, g))), le(tr, s), lt(ZERO, eta)
    h1, h2, h3 = d.assume(smooth), d.assume(noise), d.assume(step)
    positive = d.step("nonnegative", [], {"of": op}, le(ZERO, op))
    quad = d.step("quad_bound", [], {"matrix": "H", "vector": V, "sign": 1}, le(["quad", M, V], mul(op, sq(g))))
    trace = d.step("trace_bound", [], {"matrix": "H", "psd": "S", "sign": 1}, le(["trprod", M, ["m", "S"]], mul(op, tr)))
    spread = d.step("nonnegative", [], {"of": tr}, le(ZERO, tr))
    left = add(neg(["dot", V, V]), mul(q("1/2"), eta, add(["dot", V, ["Mv", M, V]], ["trprod", ["m", "S"], M])))
    growth = add(mul(l0, sq(g)), mul(l1, ["^", g, 3]), mul(add(l0, mul(l1, g)), s))
    half = "1/2"
    # (L0 + L1 G) s - |H| Tr S = (L0 + L1 G - |H|) Tr S + (L0 + L1 G - |H|) (s - Tr S) + |H| (s - Tr S)
    total = [
        [half, [2, 4], []],
        [half, [2, 5], []],
        [half, [2, 0], [g]],
        [half, [2, 0, 6], []],
        [half, [2, 0, 1], []],
        [half, [2, 3, 1], []],
    ]
    d.certify([h1, h2, h3, positive, quad, trace, spread], le(left, add(neg(sq(g)), mul(q(half), eta, growth))), total)
    return d.done(smooth, noise, step)


def cauchy() -> Certificate:
    """2 u'v <= |u|^2 + |v|^2, also with v = K w."""
    d = Draft({}, vectors=["u", "w"], matrices={"K": ["psd"]})
    u, v = ["v", "u"], ["Mv", ["m", "K"], ["v", "w"]]
    one = d.step("cauchy_schwarz", [], {"u": u, "v": v}, le(["dot", v, u], mul(["norm", u], ["norm", v])))
    claim = le(mul(q(2), ["dot", u, v]), add(["dot", u, u], ["dot", v, v]))
    d.certify([one], claim, [["2", [0], []], ["1", [], [sub(["norm", u], ["norm", v])]]])
    return d.done()


def declared() -> Certificate:
    """Every property of a declared function."""
    symbols = {"s": "random", "t": "random", "a": "random", "b": "const"}
    properties = {"odd": True, "nondecreasing": True, "concave_right": True, "bounded": x("b"), "slope": mul(q(2), x("b"))}
    d = Draft(symbols, functions={"exp": properties})
    s, t, a, b = map(x, ("s", "t", "a", "b"))

    def of(u: Term) -> Term:
        return ["F", "exp", u]

    def use(prop: str, args: list[Term], claim: Relation, *premises: int) -> int:
        return d.step("declared", list(premises), {"function": "exp", "property": prop, "args": args}, claim)

    hypotheses = [le(ZERO, s), le(ZERO, t), le(ZERO, a), le(a, ONE), le(s, t)]
    h = [d.assume(r) for r in hypotheses]
    use("odd", [sub(s, t)], eq(of(sub(t, s)), neg(of(sub(s, t)))))
    use("bounded", [s], le(of(s), b))
    use("bounded_below", [s], le(neg(b), of(s)))
    use("nondecreasing", [s, t], le(of(s), of(t)), h[4])
    use("slope", [t], le(of(t), mul(q(2), b, t)), h[1])
    mean = add(mul(a, s), mul(sub(ONE, a), t))
    use("concave_right", [s, t, a], le(add(mul(a, of(s)), mul(sub(ONE, a), of(t))), of(mean)), *h[:4])
    claim = le(add(mul(a, of(s)), mul(sub(ONE, a), of(t))), b)
    top = use("bounded", [mean], le(of(mean), b))
    d.certify([top, top - 1, h[4]], claim, [["1", [0], []], ["1", [1], []]])
    return d.done(*hypotheses)




def potential(drift: list[Any], diffusion: list[Any]) -> dict[str, Any]:
    names = {"gradient": "g", "hessian": "H", "end": "end", "start": "start", "smooth": True}
    return {"V": {**names, "drift": drift, "diffusion": diffusion}}


PATH = {"V": "random", "end": "rv", "start": "const", "T": "const", "k": "const", "c": "const", "eta": "const"}


def descent() -> Certificate:
    """EI |g|^2 <= start + eta T for dX = -g dt + sqrt(2 eta) L dW with 0 <= V and Tr(H S) <= 1: Ito and a monotone EI."""
    v, eta = x("V"), x("eta")
    process = potential([[q(-1), V]], [[mul(q(2), eta), ["m", "S"]]])
    d = Draft(PATH, **DCSGD, horizon="T", potentials=process)
    bound, step, trace = le(ZERO, v), le(ZERO, eta), le(["trprod", M, ["m", "S"]], ONE)
    h = [d.assume(r) for r in (bound, step, trace)]
    twice = d.certify([h[1]], le(ZERO, mul(q(2), eta)), [["2", [0], []]])
    generator = add(neg(sq(["norm", V])), mul(eta, ["trprod", M, ["m", "S"]]))
    ito = d.step("ito", [twice, h[0]], {"potential": "V"}, le(sub(["E", x("end")], x("start")), ["EI", generator]))
    descent_ = d.certify([h[1], h[2]], le(generator, sub(eta, sq(["norm", V]))), [["1", [0, 1], []]])
    mean = d.step("monotone", [descent_], {"operator": "EI"}, le(["EI", generator], sub(mul(eta, x("T")), ["EI", sq(["norm", V])])))
    nonnegative = d.assume(le(ZERO, x("end")))
    above = d.step("monotone", [nonnegative], {"operator": "E"}, le(ZERO, ["E", x("end")]))
    claim = le(["EI", sq(["norm", V])], add(x("start"), mul(eta, x("T"))))
    d.certify([ito, mean, above], claim, [["1", [0], []], ["1", [1], []], ["1", [2], []]])
    return d.done(bound, step, trace, le(ZERO, x("end")))


def decay() -> Certificate:
    """E V(X_T) <= start exp(-k T) + c/k (1 - exp(-k T)) from LV <= -k V + c, the lower bound being -1."""
    d = Draft(PATH, **DCSGD, horizon="T", potentials=potential([[q(-1), V]], [[ONE, ["m", "S"]]]))
    v, k, c = x("V"), x("k"), x("c")
    generator = add(neg(sq(["norm", V])), mul(q("1/2"), ["trprod", M, ["m", "S"]]))
    hypotheses = [le(q(-1), v), le(generator, sub(c, mul(k, v))), lt(ZERO, k)]
    h = [d.assume(r) for r in hypotheses]
    one = d.certify([], le(ZERO, ONE), [["1", [], []]])
    data = {"potential": "V", "rate": k, "offset": c}
    e = f("exp", neg(mul(k, x("T"))))
    claim = le(["E", x("end")], add(mul(x("start"), e), mul(["/", c, k], sub(ONE, e))))
    d.step("gronwall", [one, *h], data, claim)
    return d.done(*hypotheses)


def coordinates() -> Certificate:
    """2 S(a x y) + D <= S(a x^2) + S(a y^2) + D and the same at the other coordinates, for weights a >= 0."""
    d = Draft({"a": "detcoord", "x": "coord", "y": "coord", "D": "const"}, dimension="D")
    a, s, t = map(x, ("a", "x", "y"))
    h = d.assume(le(ZERO, a))
    point = le(add(mul(q(2), a, s, t), ONE), add(mul(a, add(sq(s), sq(t))), ONE))
    one = d.certify([h], point, [["1", [0], [sub(s, t)]]])
    two = d.step("monotone", [one], {"operator": "S"}, le(["S", point[1]], ["S", point[2]]))
    u, v = ["xi", "x"], ["xi", "y"]
    other = le(mul(q(2), s, u, v), mul(s, add(sq(u), sq(v))))
    positive = d.assume(le(ZERO, s))
    three = d.certify([positive], other, [["1", [0], [sub(u, v)]]])
    four = d.step("monotone", [three], {"operator": "Si"}, le(["Si", other[1]], ["Si", other[2]]))
    left = mul(q(2), add(["S", mul(a, s, t)], mul(s, ["S", mul(s, t)])))
    claim = le(left, add(["S", mul(a, sq(s))], ["S", mul(a, sq(t))], mul(s, add(["S", sq(s)], ["S", sq(t)]))))
    d.certify([two, four], claim, [["1", [0], []], ["1", [1], []]])
    return d.done(le(ZERO, a), le(ZERO, s))


def scheduled() -> Certificate:
    """I(1/(1 + tau)) = log(1 + T), tau the time."""
    d = Draft({"tau": "clock", "T": "const"}, horizon="T")
    tau = x("tau")
    p = add(ONE, tau)
    h = d.assume(le(ZERO, tau))
    positive = d.certify([h], lt(ZERO, p), [["1", [], []], ["1", [0], []]])
    u = ["/", ONE, p]
    derivative = d.certify([], eq(u, mul(u, ONE)))
    claim = eq(["I", u], f("log", add(ONE, x("T"))))
    d.step("primitive", [derivative, positive], {"time": "tau", "primitive": f("log", p), "integrand": u}, claim)
    return d.done(le(ZERO, tau))


def ball(phi: Term, tree: Any, low: Any = None, high: Any = None, *, strict: bool = False, domain: Any = None) -> Certificate:
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
    "even": ball(add(f("exp", sq(Y)), sq(Y)), ["even", ["sum", [[sq(Y), ["coeffs"]], [f("exp", sq(Y)), ["exp"]]]]], strict=True),
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
    "sqrt": ball(sub(f("sqrt", add(ONE, Y)), ONE), ["up", ["eval", 80]], "0", "10", domain=[[add(ONE, Y), 1, ["coeffs"]]]),
    "merged": ball(sub(mul(f("exp", Y), f("exp", neg(Y))), ONE), ["coeffs"], "0"),
    "tanh_out": ball(
        f("tanh", Y),
        ["tanh", ["times", add(ONE, SMALL), ["sum", [[ONE, ["coeffs"]], [SMALL, ["exp"]]]], UP]],
        "0",
        domain=[[add(ONE, SMALL), 1, ["sum", [[ONE, ["coeffs"]], [SMALL, ["exp"]]]]]],
    ),
    "root": ball(mul(q(2), f("sqrt", add(ONE, sq(Y)))), ["sqrt"], strict=True, domain=[[add(ONE, sq(Y)), 1, ROOT]]),
    "nested_open": ball(
        sub(f("exp", Y), add(ONE, Y)), ["split", "1", ["up_open", ["up_open", ["exp"]]], ["eval", 64]], "0", "2", strict=True
    ),
    "atan": ball(sub(f("atan", Y), ["/", Y, q(4)]), ["up", ["eval", 64]], "0", "1"),
}
UNPROVED: dict[str, Certificate] = {
    "tanh": ball(sub(Y, f("tanh", Y)), ["up", ["eval", 64]], "0", "2"),
    "erf": ball(sub(mul(q(2), Y), f("erf", Y)), ["eval", 64], "1", "2"),
}


def written() -> Certificate:
    """The statement is what is written, whatever its normal form: quotients, powers of them and functions at special values."""
    d = Draft({"a": "const", "x": "random"})
    a, t = x("a"), x("x")
    nothing = sub(t, t)
    left = ["/", t, mul(q("3/2"), sq(a), t)]
    hypothesis = le(left, add(["/", ONE, q(4)], f("exp", nothing), ["/", a, nothing], ["/", ONE, ["/", ONE, q("2/3")]]))
    vanishing = le(f("exp", nothing), a)
    h = d.assume(hypothesis)
    fraction = ["/", ONE, add(mul(q(2), a), q(4))]
    log = f("log", ["/", fraction, fraction])
    root = add(log, neg(log), f("sqrt", add(nothing, ONE)), f("abs", q(-2)))
    claim = le(sub(mul(q(6), ["/", t, mul(q(9), ["^", a, 2], t)]), ["/", sq(fraction), ONE]), sub(root, q("13/12")))
    d.certify([h, d.assume(vanishing)], claim, [["1", [0], []], ["1", [], [fraction]]])
    return d.done(hypothesis, vanishing)


def hostile_names() -> Certificate:
    """Names that mean something else to Rocq, at every kind."""
    words = """exp S I E R fun forall w t j i o Type Prop h0 a0 ln PI O nat True Theorem IZR Rplus proof Qed W Time J Int EI Sum
        coords erf sqrt mod at lib IF Hypothesis exists2 Rabs Rlt I0 cons nil length INR atan tanh x y z Rle f false or and"""
    names = words.split()
    kinds = ["random", "const", "coord", "time", "rv", "detcoord"]
    d = Draft({name: kinds[n % len(kinds)] for n, name in enumerate(names)}, dimension="S")
    total = add(*(mul(q(n + 1), x(name)) for n, name in enumerate(names)))
    hypothesis = d.assume(lt(ONE, total))
    positive = d.certify([hypothesis], lt(ZERO, total), [["1", [0], []], ["1", [], []]])
    inverse = d.step("inverse", [positive], {"of": total}, eq(mul(total, ["/", ONE, total]), ONE))
    d.certify([inverse], eq(["/", total, total], ONE), [], [[0, ONE]])
    return d.done(lt(ONE, total), title='"unclosed (* *) \\ string é')


VALID: list[Callable[[], Certificate]] = [
    young,
    below_square,
    divided,
    inverses,
    all_functions,
    split,
    instantiated,
    contradicted,
    drift,
    cauchy,
    declared,
    descent,
    decay,
    coordinates,
    scheduled,
    written,
    hostile_names,
]


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
@pytest.mark.parametrize("number", range(len(functions())))
@pytest.mark.slow
def test_rocq_rejects_laws_that_are_none(number: int) -> None:
    """Each law of functions with 1 added to the left side of its claim."""
    draft = functions()[number]
    claim = draft.steps[-1]["claim"]
    draft.steps[-1]["claim"] = [claim[0], add(claim[1], ["^", x("t"), 2], ONE), claim[2]]
    rejected(draft.done(*(s["claim"] for s in draft.steps[:-1])))


@rocq
@pytest.mark.slow
@pytest.mark.parametrize("name", BALLS)
def test_rocq_accepts_balls(name: str) -> None:
    exported, verdict = judged(BALLS[name])
    assert verdict.accepted, verdict.output
    assert set(verdict.assumptions) <= STANDARD | MACHINE
    assert exported.premises == ()
    assert exported.proved == 1


@rocq
@pytest.mark.slow
@pytest.mark.parametrize("name", UNPROVED)
def test_balls_that_are_not_proved_are_premises(name: str) -> None:
    exported = accepted(UNPROVED[name])
    assert exported.proved == 0
    assert len(exported.premises) == 1
    assert exported.premises[0].startswith("step 1, ball: ") or exported.premises[0].startswith("step 2, ball: ")


FALSE_BALLS: dict[str, Certificate] = {
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


@rocq
@pytest.mark.slow
@pytest.mark.parametrize("name", ["eval", "end", "down", "split", "quotient"])
def test_rocq_rejects_balls(name: str) -> None:
    rejected(FALSE_BALLS[name])


@pytest.mark.parametrize("name", ["odd", "sum"])
def test_false_balls_are_never_proved(name: str) -> None:
    with pytest.raises(ExportError):
        export(FALSE_BALLS[name])


def test_trees_that_are_none_are_errors() -> None:
    for tree in (["coeffs"], ["at", 1], ["lemma"], ["up_open", ["coeffs"]]):
        with pytest.raises(ExportError):
            export(ball(sub(Y, ONE), tree, "0"))


# The statement


def theorem(certificate: Certificate) -> str:
    text = export(certificate).text
    return text[text.index("Theorem certified") : text.index("\nProof. exact", text.index("Theorem certified"))]


def test_the_theorem_says_what_the_certificate_states() -> None:
    assert theorem(young()).split(":\n")[1] == (
        "  (forall (w : W) (t : Time), ((x w t) * (y w)) <= (((1 / 2) * ((x w t) ^ 2)) + ((1 / 2) * ((y w) ^ 2))))."
    )
    assert theorem(descent()).splitlines() == [
        "Theorem certified :",
        "  (forall (w : W) (t : Time), 0 <= (V w t)) ->",
        "  (0 <= eta) ->",
        "  (forall (w : W) (t : Time), (trprod__H__S w t) <= 1) ->",
        "  (forall (w : W), 0 <= (end' w)) ->",
        "  ((EI (fun w t => (norm__g w t) ^ 2)) <= (start + (eta * T))).",
    ]


def test_premises_are_named() -> None:
    exported = export(drift())
    assert [p.split(":")[0] for p in exported.premises] == [
        "step 3, nonnegative",
        "step 4, quad_bound",
        "step 5, trace_bound",
        "step 6, nonnegative",
    ]
    assert exported.proved == 1
    assert export(young()).premises == ()
    assert export(coordinates()).premises == ("D is the number of coords",)
    assert export(all_functions()).premises == ("erf is strictly increasing", "erf(0) = 0")


def test_comments_do_not_end_early() -> None:
    text = export(young()).text
    head = text[: text.index("Require")]
    assert head.count("(*") == head.count("*)") == 1
    assert '"' not in head


@pytest.mark.parametrize(
    ("certificate", "path", "value"),
    [
        (descent, ("context", "matrices", "S"), ["symmetric"]),
        (descent, ("context", "potentials", "V", "smooth"), False),
        (drift, ("context", "matrices", "H"), []),
        (drift, ("context", "matrices", "S"), ["symmetric"]),
        (young, ("context", "symbols"), {"x": "random", "y *) Axiom": "rv"}),
        (young, ("context", "symbols"), {"x": "random"}),
        (young, ("context", "symbols"), {"x": "random", "y": "other"}),
        (young, ("format",), "sdescent-certificate-2"),
        (young, ("steps", 0, "premises"), [0]),
        (young, ("steps", 0, "rule"), "admit"),
        (young, ("steps", 0, "data"), {}),
        (young, ("statement", "claim"), ["<=", ["q", "1/0"], ["q", "1"]]),
        (young, ("statement", "claim"), ["<=", ["q", "0) . Axiom"], ["q", "1"]]),
        (declared, ("context", "functions", "exp", "odd"), False),
        (coordinates, ("context", "dimension"), None),
        (scheduled, ("steps", 3, "premises"), [2]),
        (split, ("steps", 7, "data", "split"), ["<", ["x", "x"], ["q", "0"]]),
    ],
)
def test_what_is_no_certificate_is_an_error(certificate: Any, path: tuple[Any, ...], value: Any) -> None:
    broken = certificate()
    place = broken
    for key in path[:-1]:
        place = place[key]
    assert path[-1] in place or isinstance(path[-1], int)
    place[path[-1]] = value
    with pytest.raises(ExportError):
        export(broken)


def test_deep_terms_are_an_error() -> None:
    broken = young()
    term = x("x")
    for _ in range(100_000):
        term = ["+", term]
    broken["steps"][0]["claim"] = le(term, term)
    with pytest.raises(ExportError, match="deep"):
        export(broken)


# The judge


def test_judge_says_that_there_is_no_coqc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NoRocqError, match="apt-get install coq"):
        judge("")


@rocq
def test_judge_wants_standard_axioms_alone() -> None:
    text = export(young()).text
    start = text.index("Theorem certified")
    proof = text[text.index("Proof.", start) : text.index("Qed.", start)]
    assert not judge(text.replace(proof, "Proof. Admitted. (* ").replace("Qed.\nEnd Cert", "*)\nEnd Cert")).accepted
    assert not judge(text.replace("Print Assumptions certified.", "")).accepted
    axiom = text.replace("Section Certificate.", "Axiom false : False.\nSection Certificate.")
    verdict = judge(axiom.replace(proof, "Proof. destruct false. "))
    assert not verdict.accepted
    assert "false" in verdict.assumptions


@rocq
def test_judge_stops() -> None:
    slow = "Fixpoint slow (n : nat) : nat := match n with O => 1 | S m => slow m + slow m end."
    verdict = judge(f"{slow}\nCompute slow 40.", timeout=2)
    assert not verdict.accepted
    assert "2 s" in verdict.output
