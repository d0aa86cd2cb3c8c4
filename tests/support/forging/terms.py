"""Attacks on the proof kernel by what is not a term, and by terms without a denominator, too deep or too large."""

import math
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import MAX_DEPTH, Context
from sdescent.derive.proof.language.terms import (
    Relation,
    Term,
    declared,
    fn,
    from_json,
    num,
    plus,
    term,
    tr,
    under,
    x,
)
from tests.support.forging import ONE, POTENTIAL, SYMBOLS, ZERO, check, context, demand, posing, refused

c, q, g, p = (x(name) for name in "cqgp")


def terms_refused(*terms: Any) -> None:
    kernel = Kernel(context())
    for t in terms:
        words = f"{type(t).__name__} {str(t)[:60]}" if not isinstance(t, tuple) else f"{t[:1]}.."
        for make in (
            lambda t=t: kernel.assume(Relation(("<=", t, ZERO))), lambda t=t: kernel.assume(Relation(("==", ZERO, t))),
            lambda t=t: kernel.certify(Relation(("==", t, t))), lambda t=t: kernel.certify(ZERO.le(0), sum=[(ONE, (), (t,))]),
            lambda t=t: kernel.certify(ZERO.eq(0), [kernel.certify(ZERO.eq(0))], equalities=[(0, t)]),
                lambda t=t: kernel.nonnegative(t),
            lambda t=t: kernel.inverse(t, kernel.assume(ZERO.lt(c))),
                lambda t=t: kernel.instantiate(kernel.certify(ZERO.eq(0)), "c", t),
            lambda t=t: kernel.absurd(Relation(("<=", ZERO, t)), kernel.assume(num(1).le(0))),
            lambda t=t: kernel.primitive("t", t, ZERO, [kernel.certify(ZERO.eq(0))]),
            lambda t=t: context(potentials={"V": {**POTENTIAL["V"], "drift": [(t, ("v", "u"))]}}),
        ):  # fmt: skip
            refused(make, what=words)
        for make in (lambda t=t: kernel.function("abs_nonneg", [t]), lambda t=t: kernel.declared("F", "odd", [t])):
            if not isinstance(t, (int, Fraction, str)):  # exact numbers are taken as such there
                refused(make, TypeError, ValueError, what=words)


@check
def strings_and_numbers_for_terms() -> None:
    """Found by attack: ("+", "xg") was g, and said to be deterministic."""
    terms_refused(
        Term(("+", "xg")), Term(("+", "q3")), Term(("*", "xg", c)), Term(("E", "xg")), Term(("/", c, "xg")), Term(("^", "xg", 2)),
        Term(("f", "exp", "xg")), Term(("F", "F", "xg")), Term(("+", 3)), Term(("+", c, 3)), Term(("+", c, True)),
            Term(("*", c, 1.5)),
        Term(("+", c, None)), Term(("+", ("x", "c"))), Term(("+", ["x", "c"])), "xc", "c", 0, 1.0, None, ("x", "c"),
            ["x", "c"], {"x": "c"}, sp.Symbol("c"), Term(("x", sp.Symbol("c"))), sp.true,
    )  # fmt: skip


@check
def numbers_that_are_none() -> None:
    odd = (
        "nan", "inf", "-inf", "1e400", "1.5", "١", "²", " 1", "1 ", "+1", "01", "-0", "2/4", "1/0", "3/-1", "1_000", "", "0x1",
        "1\n", "½",
    )  # fmt: skip
    terms_refused(
        *[Term(("q", s)) for s in odd], *[Term(("q", v)) for v in (1, 1.0, math.nan, True, None, ONE, b"1", ("1",))]
    )
    terms_refused(Term(("q", "9" * 5000)), Term(("q",)), Term(("q", "1", "2")), Term(("pi", "1")), Term(("pi", 3)))
    plain = (math.nan, math.inf, 0.5, True, False, 1j, None, [1], b"1")
    for value in (*plain, np.float64(1), np.int64(1), np.bool_(True), sp.Integer(1), sp.nan):
        for make in (num, term, lambda v: c + v, lambda v: c * v, lambda v: c.le(v)):
            refused(lambda make=make, value=value: make(value), TypeError, what=repr(value))
    for text in (*odd[:7], "", "1/0", "1_000", "½", "1e99999999"):
        refused(lambda text=text: num(text), ValueError, what=repr(text))
    refused(lambda: num(10**100_000), ValueError, what="10^100000")
    demand(num("2/4") == Term(("q", "1/2")) and num(-3) == Term(("q", "-3")), "exact numbers are taken")


@check
def terms_of_other_shapes() -> None:
    class Sly(Term):
        def __getitem__(self, k: Any) -> Any:
            return ("x", "c")[k]

    terms_refused(
        Sly(("x", "g")), Term((posing("x"), "c")), Term(("x", posing("g"))), Term(()), Term(("x",)), Term(("x", "nope")),
            Term(("x", "u")),
        Term(("xi", "g")), Term(("xi", "c")), Term(("+",)), Term(("*",)), Term(("^", c)), Term(("^", c, -1)), Term(("^", c, 65)),
        Term(("^", c, True)), Term(("^", c, 1.0)), Term(("^", c, Fraction(1, 2))), Term(("^", c, c)), Term(("^", c, np.int64(2))),
        Term(("^", c, "2")), Term(("/", c)), Term(("/", c, c, c)), Term(("f", "sin", c)), Term(("f", "exp")),
            Term(("f", "exp", c, c)),
        Term(("f", "F", c)), Term(("F", "exp", c)), Term(("F", "G", c)), Term(("E",)), Term(("E", c, c)), Term(("Q", c)),
            Term(("inv", c)),
        Term(("norm", "u")), Term(("norm", ("v", "H"))), Term(("norm", ["v", "u"])), Term(("norm", Term(("v", "u")))),
        Term(("norm", ("Mv", ("m", "H"), ("Mv", ("m", "H"), ("v", "u"))))), Term(("tr", ("m", "u"))), Term(("tr", ("v", "u"))),
        Term(("tr", (posing("m"), "H"))), Term(("quad", ("v", "u"), ("m", "H"))), Term(("dot", ("v", "u"))),
            Term(("trprod", ("m", "H"))),
        Term(("opnorm", ("m", ["H"]))), Term((["x"], "c")), Term(("x", ["c"])), Relation(("<=", c, c)),
    )  # fmt: skip
    kernel = Kernel(context())
    refused(lambda: kernel.nonnegative(tr((posing("m"), "H"))), what="a head that is equal to everything")
    for make in (
        lambda: kernel.assume(Relation((posing("<="), c, q))), lambda: kernel.function(posing("abs_nonneg"), [c]),
        lambda: kernel.declared(posing("F"), "odd", [c]), lambda: kernel.declared("F", posing("odd"), [c]),
        lambda: kernel.instantiate(kernel.assume(c.le(0)), posing("c"), g), lambda: kernel.monotone(posing("E"),
            kernel.assume(c.le(0))),
        lambda: kernel.ito(posing("V"), []), lambda: kernel.primitive(posing("t"), c, c, []),
            lambda: kernel.quad_bound(posing("H"), "u"),
        lambda: kernel.ball({posing("variable"): "y"}), lambda: kernel.certify(ZERO.le(1), sum=[(ONE, posing("c"), ())]),
    ):  # fmt: skip
        refused(make, what="a string that is equal to everything")


@check
def depth() -> None:
    for wrap in (
        lambda t: t + 1, lambda t: 1 / t, lambda t: Term(("^", t, 1)), lambda t: fn("exp", t), lambda t: declared("F", t),
        lambda t: under("E", t),
    ):  # fmt: skip
        for levels in (MAX_DEPTH, 50_000):
            deep: Any = g
            for _ in range(levels):
                deep = wrap(deep)
            terms_refused(deep)
            del deep
    kernel = Kernel(context())
    deep = c
    for _ in range(MAX_DEPTH - 3):
        deep = deep + q
    kernel.certify(deep.eq(deep))
    nested: Any = []
    for _ in range(50_000):
        nested = [nested]
    refused(lambda: kernel.certify(ZERO.le(1), sum=[(ONE, (), nested)]), what="a deep list")
    ball = {"variable": "y", "term": x("y"), "strict": False, "low": "0", "high": None, "domain": [], "at": c}
    refused(lambda: kernel.ball({**ball, "proof": nested}, [kernel.assume(ZERO.le(c))]), what="a deep tree")
    deeper = {**ball, "proof": ["up", ["coeffs"]], "at": deep + c + c + c}
    refused(lambda: kernel.ball(deeper, [kernel.assume(ZERO.le(c))]), what="deep at")
    while nested:  # taken apart, since the interpreter frees deep lists by recursion
        nested = nested[0]
    demand(sys.getrecursionlimit() < 10_000, "the recursion limit was raised")


@check
def size() -> None:
    kernel, wide = Kernel(context()), c + q + g
    for _ in range(40):
        wide = wide + wide  # shared, so small in memory, with 2^40 parts to walk
    refused(lambda: kernel.assume(wide.le(0)), what="2^40 parts")
    big = num("9" * 4000)
    for _ in range(5):
        big = big**64
    refused(lambda: kernel.certify(big.eq(big)), what="a number of 10^12 digits")
    many = plus(*[fn("exp", c + k) for k in range(700)]) ** 2
    refused(lambda: kernel.certify(many.eq(0)), what="245,350 monomials")


@check
def names() -> None:
    for bad in ("", "1a", "a-b", "_a", "a_", "a__b", "\u00e9", "a\n", "\\write18", "x\u200b", None, 1, ("a",), b"a"):
        for field in ({"symbols": {bad: "const"}}, {"symbols": {}, "vectors": (bad,)}, {"symbols": {}, "matrices": {bad: ()}},
                      {"symbols": {}, "functions": {bad: {}}}):  # fmt: skip
            refused(lambda field=field: Context(**field), what=repr(bad))
    f = [
        ("odd", 1),
        ("odd", False),
        ("bounded", 1),
        ("bounded", x("t")),
        ("slope", under("E", g)),
        ("bounded", Term(("+", "xg"))),
    ]
    v = [
        ("gradient", "H"),
        ("gradient", None),
        ("hessian", ["H"]),
        ("end", "c"),
        ("start", "r"),
        ("smooth", "true"),
        ("extra", 1),
    ]
    for field in (
        {"vectors": ("u", "u")}, {"matrices": {"u": ()}}, {"functions": {"c": {}}}, {"horizon": "g"}, {"horizon": "nope"},
        {"horizon": ["T"]}, {"dimension": "T"}, {"dimension": "q", "clients": "q"}, {"symbols": {**SYMBOLS, "y": "clock"}},
        {"symbols": {**SYMBOLS, "y": None}}, {"symbols": {**SYMBOLS, "y": ["const"]}}, {"matrices": {"M": "psd"}},
        {"symbols": {f"y{k}": "const" for k in range(401)}}, {"potentials": {"c": POTENTIAL["V"]}},
        *({"functions": {"F": {key: value}}} for key, value in f),
        *({"potentials": {"V": {**POTENTIAL["V"], key: value}}} for key, value in v),
    ):  # fmt: skip
        refused(lambda field=field: context(**field), what=str(field)[:80])


@check
def json_for_terms() -> None:
    kernel = Kernel(context())
    for value in ("xc", "c", 3, None, {"x": "c"}, b"xc"):
        refused(lambda value=value: from_json(value), TypeError, what=repr(value))
    for value in (["+", "xg"], ["+", 3], ["x", 3], ["q", 3], ["E", "xg"], ["v", "u"], ["norm", "u"], []):
        refused(lambda value=value: kernel.assume(from_json(value).le(0)), what=str(value))
    demand(from_json(["norm", ["v", "u"]]) == Term(("norm", ("v", "u"))), "what is a term is taken")


@check
def lists_for_tuples() -> None:
    kernel = Kernel(context())
    refused(lambda: kernel.assume(["<=", c, q]), what="a list for a relation")  # pyright: ignore
    listed = {"V": {**POTENTIAL["V"], "drift": [(num(1), ["v", "u"])]}}
    refused(lambda: context(potentials=listed), TypeError, what="a list for a vector")

    class Liar(list):  # type: ignore[type-arg]
        """up_open on the first look, up on the second."""

        looks = 0

        def __getitem__(self, k: Any) -> Any:
            self.looks += 1
            return ["up_open" if self.looks % 2 else "up", ["coeffs"]][k]

    ball = {"variable": "y", "term": x("y"), "strict": True, "low": "0", "high": None, "domain": [], "at": c}
    ball["proof"] = Liar(["up", ["coeffs"]])
    refused(lambda: kernel.ball(ball, [kernel.assume(ZERO.le(c))]), what="a list that lies")
    fair = {**ball, "proof": ["up_open", ["coeffs"]]}
    refused(lambda: kernel.ball(fair, [kernel.assume(ZERO.le(c))]), what="0 < y at 0")
    demand(kernel.ball(fair, [kernel.assume(ZERO.lt(c))]).claim == ZERO.lt(c), "0 < y for 0 < y")
