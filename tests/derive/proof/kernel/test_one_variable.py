"""The checker of inequalities in one variable: every kind of node accepts what it should and refuses what it must."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import Any

import pytest
from flint import arb, ctx

from sdescent.derive.proof.kernel.calculus import OUTER
from sdescent.derive.proof.kernel.one_variable import check_ball, needs_open
from sdescent.derive.proof.kernel.one_variable_forms import PI, Forms
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Term, declared, fn, num, to_json, under, x
from tests.support.samples import mostly_slow

X = x("x")
C = ["coeffs"]
EXP = ["exp"]
HALF = Fraction(1, 2)


def e(t: Any) -> Term:
    return fn("exp", t)


def sqrt(t: Any) -> Term:
    return fn("sqrt", t)


def ball(
    term: Any, proof: Any, low: Any = "0", high: Any = None, *, strict: Any = False, domain: Any = ()
) -> dict[str, Any]:
    return {
        "variable": "x", "term": term, "strict": strict, "low": low, "high": high, "proof": proof, "domain": list(domain)
    }  # fmt: skip


def accepts(data: dict[str, Any]) -> bool:
    """What the checker says of the data, and the same of the data from JSON."""
    said: list[bool] = []
    for form in (data, json.loads(json.dumps({k: to_json(v) if k == "term" else v for k, v in data.items()}))):
        try:
            check_ball(form)
            said.append(True)
        except ProofError:
            said.append(False)
    assert said[0] == said[1]
    return said[0]


def positive(t: Any) -> list[Any]:
    return [t, 1, C]


ROOT = positive(2 + X**2)
ONE_X = positive(1 + X)
#: the derivative of exp(x) - 1 - x and that of x - log(1 + x), on [0, oo)
GROWS = ["up", ["up", EXP]]

ACCEPTED = {
    "eval": ball(e(X) - X / 2, ["eval", 53], "0", "1", strict=True),
    "eval-not-strict": ball(X + 1, ["eval", 53], "0", "1"),
    "eval-root": ball(sqrt(1 + X), ["eval", 53], "0", "1", strict=True),
    "split": ball((X - HALF) ** 2, ["split", "1/2", C, C], None),
    "up": ball(e(X) - 1 - X, GROWS),
    "up-strict": ball(e(X) - X, GROWS, strict=True),
    "up-number-by-ball": ball(e(1 + X) - 2, ["up", EXP], strict=True),
    "up-open": ball(e(X) - 1 - X, ["up_open", ["up_open", EXP]], strict=True),
    "up-open-times": ball(
        X - fn("log", 1 + X), ["up_open", ["times", 1 + X, C, ["up_open", C]]], strict=True, domain=[ONE_X]
    ),
    "up-open-split-left": ball(X, ["split", "1", ["up_open", C], C], strict=True),
    "up-open-product": ball(X**2, ["product", [[X, ["up_open", C]], [X, ["up_open", C]]]], strict=True),
    "down": ball(e(X) - 1 - X, ["down", ["down", EXP]], None, "0"),
    "down-strict": ball(e(-X) - HALF, ["down", EXP], "0", "1/2", strict=True),
    "limit-erf": ball(1 - fn("erf", X), ["limit", ["times", e(X**2), EXP, C]], strict=True),
    "limit-below": ball(1 + fn("erf", X), ["limit", ["times", e(X**2), EXP, C]], None, "0", strict=True),
    "limit-root": ball(
        1 - X / sqrt(2 + X**2), ["limit", ["times", 2 + X**2, C, ["times", 2 + X**2, C,
        ["product", [[num(2), C], [sqrt(2 + X**2), ["sqrt"]]]]]]], strict=True, domain=[ROOT],
    ),
    "coeffs-high": ball(1 - X, C, None, "1"),
    "coeffs-number": ball(sqrt(PI) - 1, C, None, None, strict=True),
    "coeffs-roots": ball(sqrt(2 + X**2) ** 2 - 1, C, strict=True, domain=[ROOT]),
    "exp": ball(3 * e(X**3), EXP, None, None, strict=True),
    "exp-merged": ball(e(X) ** 2 / e(-X), EXP, None, None, strict=True),
    "sqrt": ball(2 * sqrt(X), ["sqrt"]),
    "sqrt-strict": ball(sqrt(2 + X**2), ["sqrt"], strict=True, domain=[ROOT]),
    "times": ball(1 - e(-X) - X / (1 + X), ["times", 1 + X, C, ["up", ["product", [[X, C], [e(-X), EXP]]]]], domain=[ONE_X]),
    "times-negative-denominator": ball(
        -1 / (X - 1), ["times", 1 - X, C, C], None, "0", domain=[[X - 1, -1, C]], strict=True
    ),
    "product": ball(X * e(X), ["product", [[X, C], [e(X), EXP]]]),
    "even": ball(e(X) + e(-X) - 2, ["even", ["up", ["up", ["sum", [[e(X), EXP], [e(-X), EXP]]]]]], None, None),
    "even-odd-functions": ball(
        X * fn("atan", X) * fn("erf", X) ** 2,
        ["even", ["product", [[X, C], [fn("atan", X), ["up", ["times", 1 + X**2, C, C]]],
        *[[fn("erf", X), ["up", ["times", e(X**2), EXP, C]]]] * 2]]], "-3", "3",
    ),
    "tanh": ball(
        1 - fn("tanh", X), ["tanh", ["times", 1 + e(-2 * X), ["sum", [[num(1), C], [e(-2 * X), EXP]]], EXP]],
        None, None, strict=True,
    ),
    "domain-in-order": ball(1 / (1 + 1 / (1 + X)), ["times", 1 + 1 / (1 + X), ["times", 1 + X, C, C], C], domain=[
        ONE_X, [1 + 1 / (1 + X), 1, ["times", 1 + X, C, C]]]),
    "domain-multiple": ball(1 / (2 + 2 * X), ["times", 1 + X, C, C], domain=[positive(3 + 3 * X)], strict=True),
    "constant-denominator": ball(1 / PI, C, None, None, strict=True),
}  # fmt: skip

REFUSED = {
    # the claim is false
    "false-eval": ball(X - HALF, ["eval", 53], "0", "1"),
    "false-up-start": ball(X - 1, ["up", C]),
    "false-up-slope": ball(1 - X, ["up", C]),
    "false-down": ball(X - 1, ["down", C], "0", "1"),
    "false-coeffs-unbounded": ball(X, C, None, None),
    "false-exp": ball(-e(X), EXP),
    "false-exp-sum": ball(e(X) - 2, EXP),
    "false-exp-factor": ball((X - 1) * e(X), EXP),
    "false-exp-zero": ball(e(X) - e(X), EXP, strict=True),
    "false-zero-strict": ball(X - X, C, strict=True),
    "false-sqrt": ball(-sqrt(X), ["sqrt"]),
    "false-limit": ball(HALF - fn("erf", X), ["limit", ["times", e(X**2), EXP, C]]),
    "false-limit-sign": ball(fn("erf", X) - HALF, ["limit", ["times", e(X**2), EXP, C]]),
    "false-limit-constant": ball(X - X, ["limit", C], strict=True),
    "false-limit-growth": ball(X * (fn("erf", X) - 1), ["limit", C]),
    "false-times": ball(-X, ["times", -X, C, C]),
    "false-times-zero": ball(num(-1) + X - X, ["times", X - X, C, C]),
    "false-times-end": ball(-1 + X - X, ["times", X, C, C]),
    "false-product": ball(-X, ["product", [[-X, C], [num(1), C]]]),
    "false-two-negatives": ball(X**2 - 1, ["product", [[X - 1, C], [X + 1, C]]]),
    "false-sum": ball(X - 2, ["sum", [[X, C], [num(2), C]]]),
    "false-empty-sum": ball(X - 2, ["sum", []]),
    "false-empty-sum-strict": ball(X - X, ["sum", []], strict=True),
    "false-empty-product": ball(X - 2, ["product", []]),
    "false-even": ball(X, ["even", C], None, None),
    "false-even-interval": ball(4 - X**2, ["even", ["down", C]], "-3", "2"),
    "false-even-half": ball(1 - X, ["even", C], None, "1"),
    "false-tanh": ball(fn("tanh", X) - 1, ["tanh", ["times", 1 + e(-2 * X), ["sum", [[num(1), C], [e(-2 * X), EXP]]], EXP]]),
    "false-at-pole": ball(10 + 1 / X, ["up", ["eval", 53]], "-1", "1"),
    "false-beyond-pole": ball(-1 / X, ["times", -X, C, C], "-1", "1"),
    "false-log": ball(fn("log", X) + 5, ["up", ["times", X, ["up_open", C], C]], "0", "1"),
    # x is not > 0 at 0, and nothing here excludes it
    "closed-up": ball(X, ["up", C], strict=True),
    "open-right-of-split": ball((X - 1) ** 2, ["split", "1", C, ["up_open", ["up_open", C]]], strict=True),
    "open-under-up": ball(X**2, ["up", ["up_open", C]], strict=True),
    "open-in-times": ball(X, ["times", X, ["up_open", C], ["up_open", ["up_open", C]]], strict=True),
    "open-in-domain": ball(1 / X, ["eval", 53], "0", "1", domain=[[X, 1, ["up_open", C]]], strict=True),
    # nothing divides by what may be 0
    "no-domain": ball(1 / (1 + X), ["times", 1 + X, C, C]),
    "wrong-domain": ball(1 / (1 + X), ["times", 1 + X, C, C], domain=[positive(2 + X)]),
    "domain-at-zero": ball(X / X, ["eval", 53], "0", "1", domain=[positive(X)]),
    "domain-out-of-order": ball(1 / (1 + 1 / (1 + X)), ["eval", 53], "0", "1", domain=[
        [1 + 1 / (1 + X), 1, ["eval", 53]], ONE_X]),
    "hidden-in-atom": ball(2 + fn("atan", 1 / (X - HALF)), ["eval", 53], "0", "1"),
    "denominator-in-times": ball(X + 1, ["times", 1 / (1 + X), ["eval", 53], ["eval", 53]], "0", "1"),
    "denominator-in-sum": ball(X + 1, ["sum", [[1 / (X - HALF) ** 2, C], [X + 1 - 1 / (X - HALF) ** 2, C]]], "0", "1"),
    "log-in-product": ball(num(0), ["product", [[num(0), C], [fn("log", X), ["eval", 53]]]], "0", "1"),
    "denominator-zero-number": ball(1 / (e(fn("log", num(2))) - 2) + 1, C),
    "root-at-zero": ball(sqrt(X), ["up", ["eval", 53]], "0", "1"),
    "root-derivative-of-domain": ball(sqrt(X - 1) ** 2, ["up", C], "0", "2"),
    "root-square-where-negative": ball(sqrt(X) ** 2 - X, ["split", "0", C, C], None, None),
    "root-square-where-negative-2": ball(-(sqrt(-1 - X) ** 2) - X, C),
    "root-of-negative-number": ball(sqrt(-1) ** 2 - 1 + 2 * X, C, "1"),
    "undecided-zero": ball(e(fn("log", num(2))) - 2 + X, ["up", C]),
    "undecided-coefficient": ball((e(fn("log", num(2))) - 2) * X, C),
    "eval-root-of-negative": ball(1 + sqrt(X), ["eval", 53], "-1", "1"),
    "eval-infinite": ball(e(X), ["eval", 53]),
    "limit-two-ends": ball(1 - fn("erf", X), ["limit", ["times", e(X**2), EXP, C]], None, None),
    "limit-no-end": ball(1 - fn("erf", X), ["limit", ["times", e(X**2), EXP, C]], "0", "1"),
    "limit-cancelled-lead": ball(1 / (1 + X**2 - X * X), ["limit", C], domain=[]) | {"term": 1 / (sqrt(1 + X**2) - X)},
    # shapes
    **{f"bits {bits!r}": ball(num(1), ["eval", bits], "0", "1") for bits in (0, 5000, True, 53.0, "53")},
    # at the end, outside, not a text, not in lowest terms, too long
    **{f"split {c!r}"[:20]: ball(num(1), ["split", c, C, C]) for c in ("0", "-1", 1.0, "2/4", "1e9", "1" + "0" * 300)},
    "no-such-node": ball(num(1), ["trust"]),
    "private-node": ball(num(1), ["_new", X]),
    "check-node": ball(num(1), ["check", C]),
    "too-many-parts": ball(num(1), ["coeffs", C]),
    "too-few-parts": ball(num(1), ["up"]),
    **{f"tree {tree!r}": ball(num(1), tree) for tree in (None, "coeffs", [])},
    "abs": ball(fn("abs", X), ["eval", 53], "1", "2"),
    "abs-within": ball(X, ["sum", [[fn("abs", X), C], [X - fn("abs", X), C]]]),
    "other-symbol": ball(x("y") ** 2, C),
    "expectation": ball(under("E", X), C),
    "declared": ball(declared("F", X), C),
    "float-term": ball(["q", 0.5], C),
    "string-as-term": ball(["+", X, ["*", num(-1), ["+", "xx"]]], C, None),
    "string-as-factor": ball(["*", "q5"], C),
    "string-as-base": ball(["^", "xx", 2], C),
    "string-as-argument": ball(["f", "exp", "xx"], EXP),
    "string-as-denominator": ball(["/", ["q", "1"], "q5"], C),
    "number-as-term": ball(["+", 5], C),
    "true-as-term": ball(["+", True], C),
    "string-as-factor-of-times": ball(X, ["times", ["+", "q5"], C, C]),
    "term-null": ball(None, C),
    "term-number": ball(3, C),
    "strict-int": ball(num(1), C, strict=1),
    "low-number": ball(num(1), C, 0),
    "long-end": ball(num(1), C, "1" + "0" * 300),
    "high-power": ball((X**64) ** 64, C),
    "reversed": ball(num(-1), ["eval", 53], "1", "0"),
    "point": ball(X, C, "0", "0"),
    "domain-entry": ball(num(1), C, domain=[[1 + X, 1]]),
    "domain-sign": ball(num(1), C, domain=[[1 + X, True, C]]),
    "deep": ball(num(1), [*["up"]], None, None) | {"proof": json.loads('["up",' * 70 + '["coeffs"]' + "]" * 70), "low": "0"},
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    precision = ctx.prec
    assert accepts(ACCEPTED[name])
    assert ctx.prec == precision


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    precision = ctx.prec
    assert not accepts(REFUSED[name])
    assert ctx.prec == precision


@pytest.mark.parametrize("key", ["variable", "term", "strict", "low", "high", "proof", "domain"])
def test_every_field_is_needed(key: str) -> None:
    data = dict(ACCEPTED["up"])
    del data[key]
    assert not accepts(data)


def test_fields_beyond_those_are_refused() -> None:
    assert not accepts({**ACCEPTED["up"], "hint": 1})


@pytest.mark.parametrize("name", ACCEPTED)
def test_open_ends_are_seen(name: str) -> None:
    """up_open anywhere means that the premise must be strict; only the proofs so named have it, and their claims fail at low."""
    assert needs_open(ACCEPTED[name]) == name.startswith("up-open")


def test_open_ends_are_seen_in_terms_and_tuples() -> None:
    """Any sequence may stand for a node, also the tuples that terms are; none hides an up_open."""
    data = ball(X, Term(("up_open", Term(("coeffs",)))), strict=True)
    check_ball(data)
    assert needs_open(data)


def test_deep_json_is_refused() -> None:
    deep: Any = C
    for _ in range(5000):
        deep = ["up", deep]
    with pytest.raises(ProofError):
        check_ball(ball(num(1), deep))
    term: Any = ["x", "x"]
    for _ in range(5000):
        term = ["+", term]
    with pytest.raises(ProofError):
        check_ball(ball(term, C))


def test_signs_of_the_domain_do_not_reach_the_other_end() -> None:
    """On (-oo, 0] 0 < 1 - x; the limit of phi(-x) at +oo is outside, and sqrt(1 - x)^2 there is 0 and not 1 - x.

    With that rule phi = 1 - 2 sqrt(1 + x)^2/(..) and the like would get limits of another function.
    """
    forms = Forms("x")
    forms.learn(forms.polynomial(1 - X), 1)
    assert forms.polynomial(sqrt(1 - X) ** 2) == forms.polynomial(1 - X)
    assert forms.polynomial(sqrt(1 + X) ** 2) != forms.polynomial(1 + X)
    assert forms.polynomial(sqrt(X - 1) ** 2) != forms.polynomial(X - 1)


IDENTITIES = [
    (e(X) * e(2 * X), e(3 * X)),
    (1 / e(X), e(-X)),
    (e(X) ** 3 / e(3 * X), num(1)),
    (fn("atan", -X), -fn("atan", X)),
    (fn("erf", 1 - X), -fn("erf", X - 1)),
    (sqrt(2) ** 2, num(2)),
    (1 / sqrt(PI), sqrt(PI) / PI),
    (sqrt(2 + X**2) ** 5, (2 + X**2) ** 2 * sqrt(2 + X**2)),
    ((1 / sqrt(2 + X**2)) ** 2, (2 + X**2) * (1 / (2 + X**2)) ** 2),
    (sqrt(2 + X**2) * (1 / sqrt(2 + X**2)), sqrt(2 + X**2) ** 2 / (2 + X**2)),
    (1 / sqrt(4 + 2 * X**2), sqrt(4 + 2 * X**2) / (2 + X**2) / 2),
]


@pytest.mark.parametrize("sides", IDENTITIES)
def test_identities(sides: tuple[Term, Term]) -> None:
    forms = Forms("x")
    forms.learn(forms.polynomial(2 + X**2), 1)
    forms.learn(forms.polynomial(4 + 2 * X**2), 1)
    assert forms.polynomial(sides[0]) == forms.polynomial(sides[1])


LIMITS = [
    (fn("atan", X), PI / 2),
    (fn("atan", 1 - X**2), -PI / 2),
    (fn("erf", 1 - X), num(-1)),
    (fn("tanh", X / 3), num(1)),
    (X**5 * e(-X), num(0)),
    (X**2 * e(1 - X) * fn("atan", X) + 3, num(3)),
    ((2 * X + 1) / (3 * X + 5), num("2/3")),
    (X / sqrt(2 + X**2), num(1)),
    (X / sqrt(2 + 9 * X**2), sqrt(9) / 9),
    (e(1 / X), num(1)),
    (e(X / (1 + X)), e(1)),
    (1 / (1 + e(-X)), num(1)),
    (fn("erf", X / (1 + X)), fn("erf", 1)),
]
NO_LIMIT = [
    X,
    e(X),
    -X,
    fn("log", X),
    X * (1 - fn("erf", X)),
    1 / (sqrt(1 + X**2) - X),
    fn("atan", 1 / X),
    1 / (X - X + e(-X) * X),
    sqrt(2 + X),
]


@pytest.mark.parametrize("pair", LIMITS)
def test_limits(pair: tuple[Term, Term]) -> None:
    forms = Forms("x")
    assert forms.decided(forms.polynomial(forms.term(forms.limit(forms.polynomial(pair[0]))) - pair[1]), False)


@pytest.mark.parametrize("term", NO_LIMIT)
def test_no_limit_is_invented(term: Term) -> None:
    forms = Forms("x")
    with pytest.raises(ProofError):
        forms.limit(forms.polynomial(term))


@pytest.mark.parametrize("name", OUTER)
def test_derivatives_of_functions(name: str) -> None:
    """Against the central difference at 2/3, step 1/1000, to 1e-6; the third derivatives there are at most 7."""
    forms, at, step = Forms("x"), arb(2) / 3, arb("0.001")
    f = forms.polynomial(fn(name, X))
    forms.learn(forms.polynomial(X), 1)
    slope = forms.ball(forms.derivative(f), at)
    difference = (forms.ball(f, at + step) - forms.ball(f, at - step)) / (2 * step)
    assert abs(slope - difference) < 2e-6


def test_a_ball_that_leaves_its_end_out_asks_for_a_strict_premise() -> None:
    kernel, c = Kernel(Context({"c": "const"})), x("c")
    data = {**ball(X, ["up_open", C], strict=True), "at": c}
    assert kernel.ball(data, [kernel.assume(num(0).lt(c))]).claim == num(0).lt(c)
    with pytest.raises(ProofError, match="must be low < t"):
        kernel.ball(data, [kernel.assume(num(0).le(c))])


#: false somewhere in [0, oo), by little
FALSE = [
    1 - e(-X) - Fraction(101, 100) * X / (1 + X),
    fn("atan", X) - X + X**3 / 4,
    e(X) - 1 - X - X**2 * Fraction(51, 100),
    Fraction(36, 100) - X * e(-X),
    Fraction(99, 100) - fn("erf", X),
    X - Fraction(101, 100) * fn("log", 1 + X),
    (X - HALF) ** 2 - Fraction(1, 1000),
    Fraction(99, 100) * X - fn("tanh", X),
    X / sqrt(2 + X**2) - Fraction(58, 100) * X,
]
FACTORS = [1 + X, 2 + X**2, 1 + X**2, X, e(X), e(-X), e(X**2), sqrt(2 + X**2), -X, num(2), 1 / (1 + X), X - 1]


def _tree(draw: random.Random, depth: int) -> Any:
    kinds = ["eval", "coeffs", "coeffs", "exp", "sqrt"]
    if depth:
        kinds += ["up"] * 4 + ["down"] * 2 + ["split"] * 3 + ["limit"] * 3 + ["times"] * 5 + ["tanh", "even", "up_open"]
    kind = draw.choice(kinds)
    if kind == "eval":
        return [kind, 64]
    if kind in ("coeffs", "exp", "sqrt"):
        return [kind]
    if kind == "split":
        return [kind, draw.choice(["1/2", "1", "2", "1/64"]), _tree(draw, depth - 1), _tree(draw, depth - 1)]
    if kind == "times":
        m = draw.choice(FACTORS)
        sign = draw.choice([C, C, EXP, ["sqrt"], _tree(draw, depth - 1)])
        return [kind, m, sign, _tree(draw, depth - 1)]
    return [kind, _tree(draw, depth - 1)]


@pytest.mark.parametrize("term", mostly_slow(FALSE, 9))
def test_no_tree_proves_what_is_false(term: Term) -> None:
    draw = random.Random(str(term))
    domain = [ONE_X, ROOT, positive(1 + X**2)]
    for _ in range(250):
        data = ball(term, _tree(draw, 5), strict=draw.random() < 0.3, domain=domain)
        with pytest.raises(ProofError):
            check_ball(data)
