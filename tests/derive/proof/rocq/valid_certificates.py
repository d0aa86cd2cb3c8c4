"""Valid certificates written by hand: every rule of FORMAT.md is in one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.derive.proof.rocq.drafts import (
    ONE,
    ZERO,
    Certificate,
    Draft,
    Relation,
    Term,
    add,
    eq,
    f,
    le,
    lt,
    mul,
    neg,
    q,
    sq,
    sub,
    x,
)


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
    one = d.certify(
        [], le(g, add(ONE, sq(g))), [["1", [], [sub(mul(q(2), g), ONE)]], ["3", [], []]], mult=[["4", [], []]]
    )
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
    trace = d.step(
        "trace_bound", [], {"matrix": "H", "psd": "S", "sign": 1}, le(["trprod", M, ["m", "S"]], mul(op, tr))
    )
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
    properties = {
        "odd": True,
        "nondecreasing": True,
        "concave_right": True,
        "bounded": x("b"),
        "slope": mul(q(2), x("b")),
    }
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
    mean = d.step(
        "monotone",
        [descent_],
        {"operator": "EI"},
        le(["EI", generator], sub(mul(eta, x("T")), ["EI", sq(["norm", V])])),
    )
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


def equal_parts() -> Certificate:
    """One of D equal parts, of N too: a_i^2 <= D a_i^2, a_i being of the other coordinate, and a_i^2 <= N a_i^2."""
    d = Draft({"a": "detcoord", "D": "const", "N": "const"}, dimension="D", clients="N")
    part = sq(["xi", "a"])
    h = d.certify([], le(ZERO, part), [["1", [], [["xi", "a"]]]])
    one = d.step("component", [h], {"operator": "S"}, le(part, mul(x("D"), part)))
    two = d.step("component", [h], {"operator": "C"}, le(part, mul(x("N"), part)))
    d.certify([one, two], le(mul(q(2), part), mul(add(x("D"), x("N")), part)), [["1", [0], []], ["1", [1], []]])
    return d.done()


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
    equal_parts,
    scheduled,
    written,
    hostile_names,
]
