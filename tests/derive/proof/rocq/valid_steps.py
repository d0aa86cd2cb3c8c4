"""Valid certificates by hand: potentials that are known by how they change, in steps and in continuous time, and psi."""

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

G = ["v", "g"]
SYMBOLS = {"V": "random", "rise": "random", "last": "rv", "begin": "const", "T": "const"}
PATH = {"change": "rise", "end": "last", "start": "begin"}
MOVE = {**PATH, "gradient": "g", "mean": [[neg(x("eta")), G], [q(2), ["v", "m"]]]}


def descent_() -> Certificate:
    """E V_T - V_0 <= E sum of -eta |g|^2 + 2 g'm + (L0 + L1 |g|) eta^2 B^2 psi(L1 eta B) for steps at most eta B long."""
    step = mul(x("eta"), x("B"))
    potential = {**MOVE, "smoothness": [x("L0"), x("L1")], "square": sq(step), "radius": step}
    symbols = {**SYMBOLS, "eta": "const", "L0": "const", "L1": "const", "B": "random"}
    d = Draft(symbols, vectors=["g", "m"], horizon="T", potentials={"V": potential}, steps=True)
    c = mul(x("L1"), step)
    hypotheses = [le(ZERO, x("L1")), le(ZERO, x("V"))]
    h = [d.assume(r) for r in hypotheses]
    reach = d.certify([], le(mul(step, x("L1")), c))
    bend = mul(add(x("L0"), mul(x("L1"), ["norm", G])), sq(x("eta")), sq(x("B")), f("psi", c))
    down = add(mul(neg(x("eta")), sq(["norm", G])), mul(q(2), ["dot", ["v", "m"], G]), bend)
    one = d.step("descent", [h[0], reach], {"potential": "V", "reach": c}, le(x("rise"), down))
    claim = sub(["E", x("last")], x("begin"))
    whole = d.step("telescope", [h[1]], {"potentials": [[ONE, "V"]]}, le(claim, ["EI", x("rise")]))
    mean = d.step("monotone", [one], {"operator": "EI"}, le(["EI", x("rise")], ["EI", down]))
    d.certify([whole, mean], le(claim, ["EI", down]), [["1", [0], []], ["1", [1], []]])
    return d.done(*hypotheses)


def unbounded() -> Certificate:
    """V(x + D) <= V(x) + g'D + L/2 |D|^2 on average, for steps of any length whose mean is -eta g + 2 H g."""
    potential = {
        **MOVE,
        "mean": [[neg(x("eta")), G], [q(2), ["Mv", ["m", "H"], G]]],
        "smoothness": [["/", x("eta"), q(3)], ZERO],
    }
    symbols = {**SYMBOLS, "eta": "const", "s": "random"}
    step = {"V": {**potential, "square": x("s"), "radius": None}}
    d = Draft(symbols, vectors=["g"], matrices={"H": ["symmetric"]}, horizon="T", potentials=step, steps=True)
    slope = add(mul(neg(x("eta")), ["dot", G, G]), mul(q(2), ["quad", ["m", "H"], G]))
    d.step("descent", [], {"potential": "V", "reach": ZERO}, le(x("rise"), add(slope, mul(q("1/6"), x("eta"), x("s")))))
    return d.done()


def _moving(steps: bool, **symbols: str) -> Draft:
    """Two potentials, of weights 1/a and 2, a > 0."""
    second = {"U": "random", "fall": "random", "final": "rv", "first": "const", "a": "const"}
    potentials = {"V": PATH, "U": {"change": "fall", "end": "final", "start": "first"}}
    return Draft(
        {**SYMBOLS, **second, **symbols}, horizon="T", potentials=potentials, **({"steps": True} if steps else {})
    )


POTENTIALS = [[["/", ONE, x("a")], "V"], [q(2), "U"]]


def _total(v: str, u: str) -> Term:
    return add(["/", x(v), x("a")], mul(q(2), x(u)))


def _telescope(steps: bool) -> Certificate:
    d = _moving(steps)
    below = le(q(-3), _total("V", "U"))
    h = d.assume(below)
    claim = le(sub(["E", _total("last", "final")], _total("begin", "first")), ["EI", _total("rise", "fall")])
    d.step("telescope", [h], {"potentials": POTENTIALS}, claim)
    return d.done(below)


def _decay(steps: bool) -> Certificate:
    d = _moving(steps, k="const", c="const")
    k = ["/", x("k"), q(2)]
    hypotheses = [
        le(q(-3), _total("V", "U")),
        le(_total("rise", "fall"), sub(x("c"), mul(k, _total("V", "U")))),
        lt(ZERO, k),
    ]
    hypotheses += [lt(k, ONE)] if steps else []
    h = [d.assume(r) for r in hypotheses]
    e = f("exp", mul(x("T"), f("log", sub(ONE, k)))) if steps else f("exp", neg(mul(k, x("T"))))
    claim = le(
        ["E", _total("last", "final")], add(mul(_total("begin", "first"), e), mul(["/", x("c"), k], sub(ONE, e)))
    )
    d.step("decay", h, {"potentials": POTENTIALS, "rate": k, "offset": x("c")}, claim)
    return d.done(*hypotheses)


def _summable(steps: bool) -> Certificate:
    d = _moving(steps, up="time", b="time", y="random")
    a, b, y = mul(q(2), x("up")), x("b"), x("y")
    hypotheses = [le(ZERO, _total("V", "U")), le(_total("rise", "fall"), sub(add(mul(a, _total("V", "U")), b), y))]
    hypotheses += [le(ZERO, t) for t in (a, b, y)]
    h = [d.assume(r) for r in hypotheses]
    right = mul(f("exp", ["I", a]), add(_total("begin", "first"), ["I", b]))
    data = {"potentials": POTENTIALS, "growth": a, "floor": b, "drop": y}
    d.step("summable", h, data, le(add(["E", _total("last", "final")], ["EI", y]), right))
    return d.done(*hypotheses)


def telescope_of_steps() -> Certificate:
    """E W_T - W_0 <= E sum of the changes of W = V/a + 2 U."""
    return _telescope(True)


def telescope_in_time() -> Certificate:
    """The same for an equation."""
    return _telescope(False)


def decay_of_steps() -> Certificate:
    """E W_T <= (1 - k/2)^T W_0 + 2 c/k (1 - (1 - k/2)^T)."""
    return _decay(True)


def decay_in_time() -> Certificate:
    """E W_T <= exp(-k T/2) W_0 + 2 c/k (1 - exp(-k T/2))."""
    return _decay(False)


def summable_of_steps() -> Certificate:
    """E W_T + E sum of y <= exp(sum of a) (W_0 + sum of b)."""
    return _summable(True)


def summable_in_time() -> Certificate:
    """The same for an equation."""
    return _summable(False)


def summed() -> Certificate:
    """The sum of 2 n + 1 over n < T is T^2, and that of exp(n) (e - 1) is exp(T) - 1, both from what a sum of differences is."""
    d = Draft({"n": "clock", "T": "const"}, horizon="T", steps=True)
    n, t = x("n"), x("T")
    one = d.step("summation", [], {"time": "n", "primitive": sq(n)}, eq(["I", add(mul(q(2), n), ONE)], sq(t)))
    rise = eq(["I", sub(f("exp", add(n, ONE)), f("exp", n))], sub(f("exp", t), ONE))
    two = d.step("summation", [], {"time": "n", "primitive": f("exp", n)}, rise)
    right = add(sub(sq(t), t), sub(f("exp", t), ONE), ["I", f("exp", n)])
    claim = eq(add(["I", mul(q(2), n)], ["I", f("exp", add(ONE, n))]), right)
    d.certify([one, two], claim, [], [[0, ONE], [1, ONE]])
    return d.done()


def scheduled_steps() -> Certificate:
    """A monotone EI over steps, of what depends on time alone too, and of an equality."""
    d = Draft({"n": "clock", "h": "time", "y": "random", "z": "random", "T": "const"}, horizon="T", steps=True)
    h, y, z = x("h"), x("y"), x("z")
    positive, small = le(ZERO, h), le(sq(sub(y, z)), ONE)
    a, b = d.assume(positive), d.assume(small)
    point = le(mul(h, sq(sub(y, z))), h)
    one = d.certify([a, b], point, [["1", [0, 1], []]])
    mean = d.step("monotone", [one], {"operator": "EI"}, le(["EI", point[1]], ["I", h]))
    same = d.assume(eq(y, add(z, x("n"))))
    two = d.step("monotone", [same], {"operator": "EI"}, eq(["EI", y], add(["EI", z], ["I", x("n")])))
    claim = le(add(["EI", point[1]], ["EI", y]), add(["I", h], ["EI", z], ["I", x("n")]))
    d.certify([mean, two], claim, [["1", [0], []]], [[1, ONE]])
    return d.done(positive, small, eq(y, add(z, x("n"))))


def equal_over_time() -> Certificate:
    """EI of two that are equal, in continuous time."""
    d = Draft({"y": "random", "z": "random", "T": "const"}, horizon="T")
    same = eq(x("y"), add(x("z"), ONE))
    d.step("monotone", [d.assume(same)], {"operator": "EI"}, eq(["EI", x("y")], add(["EI", x("z")], x("T"))))
    return d.done(same)


def laws_of_psi() -> list[Draft]:
    """Each law, also where the value is a number."""
    drafts = []
    s, t = x("s"), x("t")

    def law(name: str, args: list[Term], claim: Relation, *hypotheses: Relation) -> None:
        d = Draft({"s": "random", "t": "const"})
        d.law(name, args, claim, tuple(d.assume(h) for h in hypotheses))
        drafts.append(d)

    for u in (s, sub(mul(q(2), t), ONE), ZERO, q(-3), ONE):
        law("psi_square", [u], eq(mul(f("psi", u), sq(u)), sub(f("exp", u), add(ONE, u))))
        law("psi_positive", [u], lt(ZERO, f("psi", u)))
    law("monotone:psi", [s, t], le(f("psi", s), f("psi", t)), le(s, t))
    law("monotone:psi", [ZERO, add(t, t)], lt(q("1/2"), f("psi", mul(q(2), t))), lt(ZERO, mul(q(2), t)))
    return drafts


def psi() -> Certificate:
    """The laws one after another in one certificate; the last step proves a trivial claim from all of them."""
    whole = Draft({"s": "random", "t": "const"})
    assumed: list[Relation] = []
    for draft in laws_of_psi():
        first = len(whole.steps)
        for step in draft.steps:
            whole.step(step["rule"], [first + n for n in step["premises"]], step["data"], step["claim"])
            if step["rule"] == "assume":
                assumed.append(step["claim"])
    whole.certify(list(range(len(whole.steps))), le(ZERO, ONE), [["1", [], []]])
    return whole.done(*assumed)


def ball_of_psi() -> Certificate:
    """psi(t^2) < 18/25 for 0 <= t <= 1 (psi(1) = e - 2)."""
    d = Draft({"t": "random"})
    t = x("t")
    h = [d.assume(le(ZERO, t)), d.assume(le(t, ONE))]
    phi = sub(q("18/25"), f("psi", sq(x("z"))))
    data: dict[str, Any] = {
        "variable": "z",
        "term": phi,
        "strict": True,
        "low": "0",
        "high": "1",
        "domain": [],
        "at": t,
    }
    d.step("ball", h, {**data, "proof": ["eval", 128]}, lt(f("psi", sq(t)), q("18/25")))
    return d.done(le(ZERO, t), le(t, ONE))


VALID: list[Callable[[], Certificate]] = [
    descent_,
    unbounded,
    telescope_of_steps,
    telescope_in_time,
    decay_of_steps,
    decay_in_time,
    summable_of_steps,
    summable_in_time,
    summed,
    scheduled_steps,
    equal_over_time,
    psi,
    ball_of_psi,
]
