"""Claims that are right only where a constant may be; wrong terms that show at one sign of x; entries that stay open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

from sdescent.derive.audit.weak_order import Audit, audit
from sdescent.derive.methods.compressors import Bernoulli, RandK, TopK
from sdescent.derive.methods.distributed import DSGD, Method
from sdescent.derive.methods.noise import Gaussian, NoNoise, Stable, StudentT
from sdescent.derive.methods.optimisers import Adam, ErrorFeedback, RMSprop, Signum
from sdescent.derive.vocabulary.symbols import d, parameter
from sdescent.reports.commands.auditing import lines
from tests.support.samples import slow_but

GAUSS = Gaussian()
FRACTION = Method(noise=GAUSS, clients=1, update=["x = x - eta*(1-b)*G"], fractions=["b"], regime={})
RIGHT = [
    (Method(RandK(), GAUSS, 1), "eta*(abs(d-k)/k*g^2 + d/k*sigma^2)", "-eta*abs(k-d)/(k*(d-1))*g*other(g)"),
    (Method(Bernoulli("q"), GAUSS, 1), "eta*(sqrt((1-q)^2)/q*g^2 + sigma^2/q)", "0"),
    (DSGD(StudentT("nu")), "eta*sigma^2*nu/abs(nu-2)*min(1, N)/N", "0"),
    (FRACTION, "eta*sigma^2*abs(1-b)^2", "0"),
]


@pytest.mark.parametrize("method, own, pair", slow_but(RIGHT, RIGHT[:2], rows=True))
def test_constants_are_tried_where_they_may_be(method: Method, own: str, pair: str) -> None:
    drift = "-(1-b)*g" if method.fractions else "-g"
    assert audit(method, {"x": drift}, {"x x": own}, pair={"x x": pair}).verdict == "AGREES"
    wrong = audit(method, {"x": drift}, {"x x": f"{own} + eta*sigma^2"}, pair={"x x": pair})
    assert wrong.verdict == "DIFFERS" and {term.where for term in wrong.terms} == {"covariance x x"}
    assert wrong.example is not None and all(wrong.example.constants.get(name, 0) < 1 for name in ("q", "b"))


@pytest.mark.parametrize("compressor", [RandK("n"), TopK("n")])
def test_the_domain_of_a_count(compressor: Any) -> None:
    """1 <= k <= d, whichever of the two is a number."""
    three, two = sp.Integer(3), type(compressor)(2)
    for values in (compressor.domain(d), compressor.domain(three) | {d: three}, two.domain(d)):
        k, dim = values.get(parameter("n"), sp.Integer(2)), values[d]
        assert (k - 1).is_nonnegative and sp.factor(dim - k).is_nonnegative
    assert not two.domain(three) and not Bernoulli("1/2").domain(d)


@pytest.mark.slow
def test_a_wrong_term_on_one_side_of_the_minimum_has_an_example() -> None:
    method = Method(noise=NoNoise(), clients=1, update=["x = x - eta*max(-c, min(c, G))"], regime={})
    found = audit(method, {"x": "-min(c, g)"})
    assert found.verdict == "DIFFERS" and found.example is not None and found.example.state["x"][0] < 0
    assert all(row.derived == 0 != row.claimed for row in found.example.measured)


def test_formulas_that_are_equal_at_one_have_an_example_elsewhere() -> None:
    method = Method(
        memory={"s": 1}, update=["s = s + eta*G^2", "x = x - eta*G/sqrt(s)"], noise=GAUSS, clients=1, regime={}
    )
    found = audit(method, {"x": "-g/s", "s": "g^2 + sigma^2"}, {"x x": "eta*sigma^2/s"})  # for sqrt(s)
    assert found.verdict == "DIFFERS" and found.example is not None and found.example.state["s"] == (2,)


SIGNS = "-erf(g*sqrt(1+beta)/(sqrt(2)*sigma*sqrt(1-beta)))"


def signs(drift: str, series: str) -> Audit:
    return audit(Signum(noise=GAUSS, clients=1, regime="fixed"), {"x": drift}, {"x x": f"eta*(1 + 2*{series})"})


def test_constant_factors_of_infinite_sums_do_not_matter() -> None:
    found = signs(SIGNS, "series(2/pi*asin(beta^l))")
    assert found.verdict == "AGREES" and not found.unknown


@pytest.mark.slow
def test_an_entry_that_stays_open_does_not_hide_a_wrong_one() -> None:
    other = "series(2/pi*atan(beta^l/sqrt(1-beta^(2*l))))"  # equal, and not written alike: alone it is UNDECIDED
    found = signs("-erf(g/(sqrt(2)*sigma))", other)
    assert found.verdict == "DIFFERS" and {term.where for term in found.terms} == {"drift x"}
    assert "infinite sums" in found.reason


def test_a_variance_that_is_infinite_is_not_called_unknown() -> None:
    found = audit(DSGD(Stable("3/2")), {"x": "-g"}, {"x x": "eta*sigma^2"})
    assert (found.verdict, found.kind) == ("NO SDE", "infinite-variance")


UPDATE = ["m = beta*m + (1-beta)*G", "x = x - eta*m"]
EMA = Method(memory={"m": 0}, update=UPDATE, noise=GAUSS, clients=1, regime={"beta": "1-rho*eta"})


def ema(drift: str, m: str = "eta*rho^2*sigma^2", root: tuple[str, ...] = ()) -> Audit:
    noise: dict[str, Any] = {"diffusion": {"m": list(root)}} if root else {"covariance": {"m m": m}}
    return audit(EMA, {"x": drift, "m": "rho*(g - m)"}, **noise)


#: formulas that SymPy simplifies to the right ones, without a value on an open set: (drift of x, covariance of m, root)
VALUELESS: list[tuple[str, str, tuple[str, ...]]] = [
    ("-m + log(x) - log(x)", "eta*rho^2*sigma^2", ()),
    ("-m + sin(asin(x)) - x", "eta*rho^2*sigma^2", ()),
    ("-m*max(0, x)/max(0, x)", "eta*rho^2*sigma^2", ()),
    ("-m*(sin(x)^2+cos(x)^2-1)/(sin(x)^2+cos(x)^2-1)", "eta*rho^2*sigma^2", ()),
    ("-m*x^(1/2)*x^(-1/2)", "eta*rho^2*sigma^2", ()),
    ("-m", "-eta*rho^2*sigma^2*sqrt(-1-g^2)^2/(1+g^2)", ()),
    ("-m", "", ("sqrt(eta*x)*rho*sigma", "sqrt(eta*(1-x))*rho*sigma")),
]


@pytest.mark.parametrize(("drift", "m", "root"), slow_but(VALUELESS, VALUELESS[1:4:2], rows=True))
def test_a_formula_without_a_value_does_not_agree(drift: str, m: str, root: tuple[str, ...]) -> None:
    found = ema(drift, m, root)
    assert found.verdict == "UNDECIDED"
    assert "has no real value where" in found.reason or "single points only" in found.reason


@pytest.mark.parametrize(
    ("drift", "m", "root"),
    [
        ("-m*x/x", "eta*rho^2*sigma^2*sqrt(1 + g^2)/sqrt(1 + g^2)", ()),
        ("-m*sqrt(x^2)*sqrt(x^2)/x^2", "", ("sqrt(eta/(1+x^2))*rho*sigma", "sqrt(eta/(1+x^2))*rho*sigma*x")),
    ],
)
def test_poles_and_roots_of_what_is_positive_do_not_matter(drift: str, m: str, root: tuple[str, ...]) -> None:
    assert ema(drift, m, root).verdict == "AGREES"


def test_states_without_a_value_of_the_derived_equation_do_not_count() -> None:
    """The drift of x has sqrt(v), so v >= 0; what an abbreviation needs counts where it is used."""
    rule = RMSprop(noise=GAUSS, clients=1, regime="batch-equivalent")
    noise: dict[str, Any] = {"diffusion": {"x": "sigma*eta/(sqrt(v) + eps0)"}}
    for v, where, verdict in (
        ("c*(eta^2*sigma^2 - abs(v))", {}, "AGREES"),
        ("c*(eta^2*sigma^2 - v - max(0, v - 7))", {}, "DIFFERS"),
        ("c*(eta^2*sigma^2 - s^2)", {"s": "sqrt(v)"}, "AGREES"),
        ("c*(eta^2*sigma^2 - v)", {"s": "sqrt(v - 1)"}, "AGREES"),
        ("c*(eta^2*sigma^2 - s^2 - 1)", {"s": "sqrt(v - 1)"}, "UNDECIDED"),
    ):
        assert audit(rule, {"x": "-g/(sqrt(v) + eps0)", "v": v}, where=where, **noise).verdict == verdict, (v, where)


def test_an_averaged_memory_says_when_it_stays_bounded() -> None:
    """E||C(v) - v||^2 = (1/p - 1)||v||^2; for p = 1/4 the mean square of the memory of one coordinate is a sum of 3^j."""
    rule = ErrorFeedback(compressor=Bernoulli("p"), noise=GAUSS, clients=1)
    found = audit(rule, {"x": "-g"}, {"x x": "eta*sigma^2"})
    assert found.verdict == "AGREES" and found.equation is not None
    assert [str(c) for c in found.equation.conditions] == ["1 > -1 + 1/p"]
    assert "provided that" in found.latex() and "provided that 1 > -1 + 1/p" in lines(found.to_dict())
    assert audit(replace(rule, compressor=Bernoulli("1/4")), {"x": "-g"}, {"x x": "eta*sigma^2"}).verdict == "NO SDE"
    geometric = Method(memory={"m": 0}, update=["m = c*m + G", "x = x - eta*m"], noise=GAUSS, clients=1, regime={})
    found = audit(geometric, {"x": "-g/(1-c)"}, {"x x": "eta*sigma^2/(1-c)^2"})
    assert found.equation is not None and [str(c) for c in found.equation.conditions] == ["1 > c"]


@pytest.mark.slow
def test_an_entry_that_may_be_left_out_is_measured_with_its_own_value() -> None:
    """The covariance of m and v is of the order of the step: the first-order model drops it, and half of it is wrong."""
    drift = {
        "x": "-m/((1 - exp(-rho1*t))*(eps + sqrt(v/(1 - exp(-rho2*t)))))", "m": "rho1*(g-m)", "v": "rho2*(g^2 + sigma^2/N - v)",
    }  # fmt: skip
    covariance = {"m m": "eta*rho1^2*sigma^2/N", "m v": "eta*rho1*rho2*g*sigma^2/N"}
    found = audit(Adam(noise=GAUSS, regime="ballistic"), drift, covariance)
    assert found.verdict == "DIFFERS" and found.example is not None and found.example.measured
    assert all(row.derived == 0 != row.claimed for row in found.example.measured)
