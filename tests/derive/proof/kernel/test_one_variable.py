"""Functions of one variable in the kernel: identities, limits, derivatives, and trees that prove nothing false.

What the nodes of a tree accept and refuse: `tests/derive/proof/replay/test_one_variable.py`, for both checkers.
"""

import random
from fractions import Fraction
from typing import Any

import pytest
from flint import arb

from sdescent.derive.proof.kernel.one_variable import check_ball, needs_open
from sdescent.derive.proof.kernel.one_variable_forms import OUTER, Forms
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.terms import Term, fn, num, x
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


def positive(t: Any) -> list[Any]:
    return [t, 1, C]


ROOT, ONE_X = positive(2 + X**2), positive(1 + X)


def test_open_ends_are_seen_in_terms_and_tuples() -> None:
    """Any sequence may stand for a node, also the tuples that terms are; none hides an up_open."""
    data = ball(X, Term(("up_open", Term(("coeffs",)))), strict=True)
    check_ball(data)
    assert needs_open(data) and not needs_open(ball(X, ["up", C]))


def test_deep_json_is_refused() -> None:
    deep: Any = C
    term: Any = ["x", "x"]
    for _ in range(5000):
        deep, term = ["up", deep], ["+", term]
    for data in (ball(num(1), deep), ball(term, C)):
        with pytest.raises(ProofError):
            check_ball(data)


NO_LIMIT = [
    X, e(X), fn("log", X), X * (1 - fn("erf", X)), 1 / (sqrt(1 + X**2) - X), fn("atan", 1 / X), 1 / (X - X + e(-X) * X),
    sqrt(2 + X),
]  # fmt: skip


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


@pytest.mark.parametrize("term", mostly_slow(FALSE, 9)[::2])
def test_no_tree_proves_what_is_false(term: Term) -> None:
    draw = random.Random(str(term))
    domain = [ONE_X, ROOT, positive(1 + X**2)]
    for _ in range(250):
        data = ball(term, _tree(draw, 5), strict=draw.random() < 0.3, domain=domain)
        with pytest.raises(ProofError):
            check_ball(data)
