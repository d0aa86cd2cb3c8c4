"""The search of proofs in one variable: true facts are found and checked, false ones never, and most of those are disproved."""

import json
import random
from fractions import Fraction
from functools import partial
from typing import Any

import flint
import mpmath
import pytest

from sdescent.derive.proof.kernel.one_variable import check_ball, needs_open
from sdescent.derive.proof.kernel.one_variable_forms import PI
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Term, fn, num, plus, substitute, times, x
from sdescent.derive.proof.search.intervals.extrema import disprove
from sdescent.derive.proof.search.one_variable import find
from sdescent.derive.theorems.facts import laws
from tests.support.corpus.cases import value
from tests.support.mutation.truth import violated
from tests.support.samples import slow_but

X = x("x")
Q = Fraction
ZERO = Q(0)
WHOLE = (None, None)
RIGHT = (ZERO, None)
e, log, atan, erf, tanh, sqrt = (partial(fn, name) for name in ("exp", "log", "atan", "erf", "tanh", "sqrt"))


def in_logarithm(t: Term) -> Term:
    """The term with exp(x) for x, and x for log(exp(x)): a claim on (0, oo) as one on the whole line."""
    inner = Term(in_logarithm(a) if isinstance(a, Term) else a for a in t)
    if t == X:
        return e(t)
    return X if inner == log(e(X)) else inner


def holds(term: Term, low: Fraction | None, high: Fraction | None) -> bool:
    """Whether no point of a grid, dense at the ends and far out, shows that term >= 0 is false."""
    with flint.ctx.workprec(300):
        return violated(term, low, high) is None


#: name -> term, interval, strict
TRUE: dict[str, tuple[Term, tuple[Fraction | None, Fraction | None], bool]] = {
    "1 - exp(-x) >= x/(1 + x)": (1 - e(-X) - X / (1 + X), RIGHT, False),
    "log(1 + x) <= x/sqrt(1 + x)": (X / sqrt(1 + X) - log(1 + X), RIGHT, False),
    "log(1 + x) < x": (X - log(1 + X), RIGHT, True),
    "tanh(x) < x": (X - tanh(X), RIGHT, True),
    "tanh(x) >= 1/2 from 1": (tanh(X) - Q(1, 2), (Q(1), None), False),
    "tanh(x) < 1": (1 - tanh(X), WHOLE, True),
    "x tanh(x) <= x^2": (X**2 - X * tanh(X), WHOLE, False),
    "atan(x) >= 3x/(1 + 2 sqrt(1 + x^2))": (atan(X) - 3 * X / (1 + 2 * sqrt(1 + X**2)), RIGHT, False),
    "atan(x) < pi/2": (PI / 2 - atan(X), RIGHT, True),
    "erf(x) <= 2x/sqrt(pi)": (2 * X / sqrt(PI) - erf(X), RIGHT, False),
    "erf(x) < 1": (1 - erf(X), WHOLE, True),
    "exp(x) >= 1 + x + x^2/2": (e(X) - 1 - X - X**2 / 2, RIGHT, False),
    "cosh(x) >= 1 + x^2/2": ((e(X) + e(-X)) / 2 - 1 - X**2 / 2, WHOLE, False),
    "exp(-x^2) <= 1/(1 + x^2)": (1 / (1 + X**2) - e(-(X**2)), WHOLE, False),
    "exp(x)/(1 + exp(x))^2 <= 1/4": (Q(1, 4) - e(X) / (1 + e(X)) ** 2, WHOLE, False),
    "(x - 1/3)^2 >= 0": ((X - Q(1, 3)) ** 2, WHOLE, False),
    "(x^2 - 2)^2 + 1/100 > 0": ((X**2 - 2) ** 2 + Q(1, 100), WHOLE, True),
    "x log(x) >= -37/100": (in_logarithm(X * log(X) + Q(37, 100)), WHOLE, False),
    "a bounded piece": (erf(X) - atan(X) + Q(1, 100), (Q(-1, 100), Q(1, 2)), True),
}

#: false, most by little: name -> term, interval, strict, whether a rational shows it
FALSE: dict[str, tuple[Term, tuple[Fraction | None, Fraction | None], bool, bool]] = {
    "atan >= x/(1 + x^2) + x^5/10": (atan(X) - X / (1 + X**2) - X**5 / 10, RIGHT, False, True),
    "x > log(1 + x) at 0": (X - log(1 + X), (Q(-1, 2), None), True, True),
    "atan >= x - x^3/3.01": (atan(X) - X + X**3 * Q(100, 301), RIGHT, False, True),
    "1 - erf >= 1e-30": (1 - erf(X) - Q(1, 10**30), RIGHT, False, True),
    "x exp(-x) <= 0.36787": (Q(36787, 100000) - X * e(-X), WHOLE, False, True),
    "(x - 1/3)^2 > 0": ((X - Q(1, 3)) ** 2, WHOLE, True, True),
    "(x^2 - 2)^2 > 0": ((X**2 - 2) ** 2, WHOLE, True, False),
    "exp >= x^5/20": (e(X) - X**5 / 20, RIGHT, False, True),
    "1/x >= -1 across 0": (1 / X + 1, (Q(-1), Q(1)), False, True),
    "log >= -100 down to 0": (log(X) + 100, (ZERO, Q(1)), False, True),
    "1 - erf(x) >= 0 strictly less": (erf(X) - 1, RIGHT, False, True),
    "log(x) <= x - 1.001": (in_logarithm(X - Q(1001, 1000) - log(X)), WHOLE, False, True),
}


@pytest.mark.parametrize("name", TRUE)
def test_true(name: str) -> None:
    """Also: the proof of 0 <= phi is none of 0 <= phi - d where that is false, nor of 0 < phi where phi has a zero."""
    term, (low, high), strict = TRUE[name]
    assert holds(term, low, high)
    proof = find(term, "x", low, high, strict, 5.0)
    assert proof is not None and proof == find(term, "x", low, high, strict, 5.0)
    assert proof["term"] == term
    assert (proof["low"], proof["high"]) == tuple(None if end is None else str(end) for end in (low, high))
    check_ball(json.loads(json.dumps(proof)))
    assert disprove(term, "x", low, high, strict and not needs_open(proof), 1.0) is None
    for d in (Q(1, 10**9), Q(1)):
        if disprove(term - d, "x", low, high, False, 1.0) is not None:
            with pytest.raises(ProofError):
                check_ball({**proof, "term": term - d})
    if not strict and disprove(term, "x", low, high, True, 1.0) is not None:
        with pytest.raises(ProofError):
            check_ball({**proof, "strict": True})


@pytest.mark.parametrize("name", FALSE)
def test_false(name: str) -> None:
    term, (low, high), strict, shown = FALSE[name]
    assert find(term, "x", low, high, strict, 0.5) is None
    point = disprove(term, "x", low, high, strict, 1.0)
    assert (point is not None) == shown
    if point is not None:
        assert (low is None or low <= point) and (high is None or point <= high)
        with mpmath.workdps(120):
            seen = value(term, {"x": value(num(point), {}, mpmath)}, mpmath)
            assert seen < 0 or (strict and abs(seen) < mpmath.mpf(10) ** -100)


def test_the_search_keeps_to_its_time() -> None:
    hard = [
        (1 + X) ** 40 * atan(X) ** 3 - X**2 * log(1 + X) ** 2 * (1 + X) ** 7,
        atan(erf(e(-X) + log(1 + X**2))) + Q(1, 100),
        e(e(e(X))) - X,
    ]
    for term in hard:
        start = now()
        find(term, "x", ZERO, None, False, 0.3)
        assert now() - start < 2.0


def test_what_is_no_term_of_the_variable_is_refused() -> None:
    for term in (x("y"), fn("abs", X), Term(("E", X))):
        with pytest.raises(ProofError):
            find(term, "x", ZERO, None, False)
        with pytest.raises(ProofError):
            disprove(term, "x", ZERO, None, False)


@pytest.mark.parametrize("law", slow_but(["student-t:2", "logistic", "student-t:10"], ["student-t:2"]))
def test_facts_of_the_laws(law: str) -> None:
    assert {bound.fact for bound in laws.bounds(law)} == {"concave", "slope", "product", "hyperbola", "minimum"}
    for bound in laws.bounds(law):
        proof = bound.proof(5.0)
        assert proof is not None, bound
        check_ball(json.loads(json.dumps(proof)))


@pytest.mark.parametrize("law", laws.LAWS)
def test_the_terms_of_the_laws_are_those_of_derive_noise(law: str) -> None:
    """T, -T'' and T'(0) - T' against mpmath's values and numerical derivatives of sign_mean of `sdescent.derive.methods.noise`."""
    density = {
        "gaussian": lambda t: mpmath.npdf(t),
        "laplace": lambda t: mpmath.exp(-t) / 2,
        "logistic": lambda t: mpmath.sech(t / 2) ** 2 / 4,
        "uniform": lambda t: mpmath.mpf(t <= 1) / 2,
        "cauchy": lambda t: 1 / (mpmath.pi * (1 + t**2)),
    }
    nu = int(law.rpartition(":")[2]) if ":" in law else 0
    p = density.get(
        law,
        lambda t: mpmath.gamma((nu + 1) / mpmath.mpf(2)) / mpmath.sqrt(mpmath.pi * nu) / mpmath.gamma(nu / mpmath.mpf(2))
        * (1 + t**2 / nu) ** (-(nu + 1) / mpmath.mpf(2)),
    )  # fmt: skip
    with mpmath.workdps(30):
        for branch in laws.branches(law):
            facts = {b.fact: b for b in laws.bounds(law) if b.low == branch.low and b.high == branch.high}
            for at in [mpmath.mpf(k) / 10 + mpmath.mpf(branch.low.numerator) for k in range(1, 30, 7)]:
                if branch.high is not None and at > 1:
                    continue
                first = mpmath.mpf(1) if law == "uniform" and at > 1 else 2 * mpmath.quad(p, [0, at])
                assert abs(value(branch.sign_mean, {"x": at}, mpmath) - first) < 1e-20
                assert abs(value(facts["concave"].term, {"x": at}, mpmath) + 2 * mpmath.diff(p, at)) < 1e-8
                assert abs(value(facts["slope"].term, {"x": at}, mpmath) - 2 * (p(mpmath.mpf(0)) - p(at))) < 1e-20


ATOMS = (
    X, X, X**2, e(-X), e(X), atan(X), erf(X), tanh(X), log(1 + X), sqrt(1 + X), 1 / (1 + X), 1 / (2 + X**2), e(-(X**2)), PI,
)  # fmt: skip


def _drawn(draw: random.Random) -> Term:
    """A sum of products of atoms; half of the time less its value at 0, or shifted by it up to a little."""
    members = []
    for _ in range(draw.randint(2, 3)):
        factor = num(draw.choice([1, 1, 2, -1, -1, Q(1, 2), Q(-1, 3)]))
        members.append(times(factor, *draw.sample(ATOMS, draw.randint(1, 2))))
    whole = plus(*members)
    if draw.random() < 0.5:
        return whole - substitute(whole, "x", num(0))
    return whole + draw.choice([0, 1, Q(1, 2), Q(1, 1000), 3])


@pytest.mark.slow
def test_random_claims() -> None:
    """Those that are proved have no point that refutes them, by mpmath and by balls; the key is the number of the claim."""
    count = 0
    for key in range(40):
        draw = random.Random(key)
        term, strict = draw.choice((1, -1)) * _drawn(draw), draw.random() < 0.3
        low, high = draw.choice([(ZERO, None), (ZERO, Q(1)), (Q(1, 3), Q(2)), (Q(-1, 2), Q(1, 2)), (Q(2), None)])
        proof = find(term, "x", low, high, strict, 0.25)
        point = disprove(term, "x", low, high, False, 0.25)
        count += proof is not None
        assert proof is None or (point is None and holds(term, low, high)), (key, term)
        if point is not None:
            with mpmath.workdps(60):
                assert value(term, {"x": value(num(point), {}, mpmath)}, mpmath) < 0, (key, term)
    assert count > 6


def test_ends_may_be_whole_numbers() -> None:
    """What is kept of an interval with ends of int serves one with ends of Fraction: equal keys, equal points."""
    cases: list[Any] = [(0, 7), (Q(0), Q(7))]
    assert all(isinstance(disprove(X - num(1), "x", low, high, False), Fraction) for low, high in cases)
