"""What the search for a bound finds, beside the best that is known, and where its constants stop being true."""

import re
from fractions import Fraction
from functools import cache

import pytest
import sympy as sp

from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.bounds.suggest import SearchResult, Suggestion, suggest
from tests.support.samples import slow_if

SGD, BALL = {"method": "dsgd"}, {"method": "heavy-ball"}
COMPRESSED = {"method": "dcsgd", "clients": 1, "noise": "none", "compressor": "any"}
STRONG = ["smooth: L", "strongly convex: mu", "unbiased: omega", "eta*L*(1 + omega) <= 1"]
#: what is given -> (V, decay, floor, words of its conditions) that is found, and whether no larger decay and no smaller floor holds
FOUND = {
    # Karimi, Nutini and Schmidt 2016: 1 - 2 mu eta (1 - L eta/2) is attained at mu = L
    "pl": (
        {**SGD, "V": "f - fstar", "assume": ["smooth: L", "pl: mu", "variance: s"]},
        ("f - fstar", "eta*mu*(2 - L*eta)*V", "L*eta^2*s/(2*N)", ["2 - L*eta > 0"]),
        {"17/16 times the decay", "15/16 times the floor"},
    ),
    # theory 6.1, kap free
    "pathwise": (
        {**SGD, "model": "first-order", "assume": ["smooth: L0, L1", "variance: s"]},
        ("f - fstar", "G^2*(1 - eps)", "eta*s*(L0 + L1/(4*kap))/(2*N)", ["kap > 0", "<= 2*eps"]),
        {"15/16 times the floor"},
    ),
    # theory 6.4, with psi(c) for 1/2
    "signs": (
        {"method": "dsignsgd", "noise": "any", "assume": ["smooth: L0, L1"]},
        ("f - fstar", "Phi*eta*(1 - eps)", "eta^2*d*(L0 + L1*d*sbar/4)*psi(L1*eta*sqrt(d))", ["/a <= eps"]), set(),
    ),
    "heavy ball": (
        {**BALL, "assume": ["smooth: L", "variance: s"]},
        ("||v||^2", "G^2*eta/2", "eta*s/(2*N)", ["beta^2 + L*eta - 1 <= 0"]), {"15/16 times the floor"},
    ),
    # of strongly convex ones: 1 - eta mu, which is attained at L = mu
    "strongly convex": (
        {**SGD, "assume": ["smooth: L", "strongly convex: mu", "variance: s"]},
        ("f - fstar + weight*||x - xstar||^2", "eta*mu*V", "eta^2*s*(L/2 + weight)/N", ["weight > 0", "<= 1"]), set(),
    ),
    # Beck and Teboulle 2009, Theorem 3.1: f(x_K) - f* <= ||x_0 - x*||^2/(2 eta K)
    "last iterate": (
        {**SGD, "noise": "none", "assume": ["smooth: L", "convex", "eta*L <= 1"]},
        ("2*eta*n*(f - fstar)", "0", "0", []), set(),
    ),
    # (1 - eta mu)^2 + omega L mu eta^2, attained by a quadratic whose compressed gradient moves where the curvature is L
    "unbiased, loss": (
        {**COMPRESSED, "V": "f - fstar", "assume": STRONG},
        ("f - fstar", "eta*mu*(2 - eta*mu - L*eta*omega)*V", "0", ["L - mu > 0"]), set(),
    ),
    "unbiased, distance": (
        {**COMPRESSED, "V": "||x - xstar||^2", "assume": STRONG},
        ("||x - xstar||^2", "eta*mu*(2 - eta*mu - eta*mu*omega)*V", "0", ["L - mu > 0"]), set(),
    ),
    # Ghadimi, Feyzmahdavian and Johansson 2015: the shifted point takes a step of length eta/(1 - beta)
    "convex heavy ball": (
        {**BALL, "assume": ["smooth: L", "convex", "variance: s"]},
        ("x - xstar + beta*gain*v", "2*eta*gain*(f - fstar)", "eta^2*s*(L*scale/2 + gain^2 + weight)/N",
         ["gain*(1 - beta) == 1", "2*eta*weight =="]), set(),
    ),
}  # fmt: skip


def read(text: str) -> sp.Expr:
    names = {name: sp.Symbol(name) for name in re.findall(r"[A-Za-z_]\w*", text)}
    return sp.sympify(text.replace("^", "**"), {**names, "psi": sp.Function("psi"), "sqrt": sp.sqrt})


def close(found: Suggestion, V: str, decay: str, floor: str, words: list[str]) -> bool:
    """Whether a suggestion is this one, in whatever form."""
    same = [sp.expand(read(ours) - read(known)) == 0 for ours, known in ((found.decay, decay), (found.floor, floor))]
    return V in found.table["V"] and all(same) and all(word in found.condition for word in words)


@cache
def suggested(name: str) -> SearchResult:
    given, _, beyond = FOUND[name]
    return suggest(given, tried=bool(beyond))


@pytest.mark.parametrize("name", [pytest.param(n, marks=slow_if(n != "pathwise")) for n in FOUND])
def test_what_is_found(name: str) -> None:
    _, wanted, beyond = FOUND[name]
    result = suggested(name)
    fits = [s for s in result.suggestions if close(s, *wanted)]
    assert len(fits) == 1, [(s.table["V"], s.decay, s.floor, s.condition) for s in result.suggestions] + result.ended
    (one,) = fits
    assert one.answer.status == "PROVED" and one.answer.certificate is not None
    assert {b.change for b in one.beyond if b.against is not None and not b.where} >= beyond
    # the file says all that the line says, and no condition of it can be left out unseen
    assert {*one.condition.split("; ")} <= {"", *one.table["assume"]}
    assert Stated(one.table).read_claim == one.answer.stated.read_claim


@pytest.mark.slow
def test_a_bound_is_tried_away_from_the_corner_where_mu_is_l() -> None:
    """1 - eta mu (2 - eta L) is attained at mu = L alone: where L >= 100 mu and steps are not small, more decay is not refuted."""
    found = suggested("pl")
    tried = {(b.change, b.where): b.against for b in found.suggestions[0].beyond}
    decay, floor, far = "17/16 times the decay", "15/16 times the floor", ("L >= 100*mu", "eta*L >= 1/2")
    assert tried.keys() == {(decay, ()), (decay, far), (floor, ()), (floor, far)}
    assert tried[decay, ()] is not None and tried[decay, far] is None
    at = tried[floor, far].point  # pyright: ignore[reportOptionalMemberAccess]
    assert at["L"] >= 100 * at["mu"] and at["eta"] * at["L"] >= Fraction(1, 2)
    # without mu there is no such corner
    plain = suggest({**SGD, "assume": ["smooth: L", "variance: s"], "V": "f - fstar"})
    assert all(not b.where for s in plain.suggestions for b in s.beyond)


@pytest.mark.slow
def test_letters_of_the_search_are_not_those_of_its_reader() -> None:
    given = {**SGD, "assume": ["smooth: weight", "convex", "variance: eps"]}
    offered = suggest(given, 20.0, tried=False).suggestions
    assert "f - fstar + weight1*||x - xstar||^2" in {s.table["V"] for s in offered}
    assert any("eta*weight <= 2*eps1" in s.condition for s in offered), [s.condition for s in offered]


def test_a_search_that_finds_nothing_says_why() -> None:
    nothing = suggest({**SGD, "assume": ["variance: s"]}, 5.0)
    assert not nothing.suggestions and not nothing.ended  # without smoothness and without a minimiser no V is tried
    result = suggest({**SGD, "assume": ["smooth: L0, L1", "variance: s"]}, 5.0)
    assert not result.suggestions and any("bounded step" in line for line in result.ended)
