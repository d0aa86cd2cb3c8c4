"""Claims that are right only where a constant may be; wrong terms that show at one sign of x, or far out; entries that stay open.

Rules whose limit is skewed, or that nothing here averages.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import sympy as sp

from sdescent.derive.audit.counterexample import SCALES
from sdescent.derive.audit.weak_order import Audit, audit
from sdescent.derive.equations.rule_drift_and_covariance import derived_rule
from sdescent.derive.equations.step.draws import RAW, letter
from sdescent.derive.equations.step.mean_over_step import noise_degree
from sdescent.derive.methods.compressors import Bernoulli, RandK, ScaledSign, TopK
from sdescent.derive.methods.distributed import DSGD, Method
from sdescent.derive.methods.losses import BilinearGame, Quadratic, Quartic
from sdescent.derive.methods.noise import Gaussian, Laplace, NoNoise, Stable, StudentT
from sdescent.derive.methods.optimisers import Adam, ErrorFeedback, RMSprop, Signum
from sdescent.derive.vocabulary.symbols import d, parameter
from sdescent.reports.commands.auditing import lines
from tests.support.samples import slow_but

GAUSS = Gaussian()
FRACTION = Method(noise=GAUSS, clients=1, update=["x = x - eta*(1-b)*G"], fractions=["b"], regime={})
RIGHT = [
    (Method(RandK(), GAUSS, 1), "eta*(abs(d-k)/k*g^2 + d/k*sigma^2)", "-eta*abs(k-d)/(k*(d-1))*g*other(g)"),
    (Method(Bernoulli("q"), GAUSS, 1), "eta*(sqrt((1-q)^2)/q*g^2 + sigma^2/q)", "0"),
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


def test_constant_factors_of_infinite_sums_do_not_matter() -> None:
    drift = "-erf(g*sqrt(1+beta)/(sqrt(2)*sigma*sqrt(1-beta)))"
    series = {"x x": "eta*(1 + 2*series(2/pi*asin(beta^l)))"}
    result = audit(Signum(noise=GAUSS, clients=1, regime="fixed"), {"x": drift}, series)
    assert result.verdict == "AGREES" and not result.unknown


def test_a_variance_that_is_infinite_is_not_called_unknown() -> None:
    found = audit(DSGD(Stable("3/2")), {"x": "-g"}, {"x x": "eta*sigma^2"})
    assert (found.verdict, found.kind) == ("NO SDE", "infinite-variance")


UPDATE = ["m = beta*m + (1-beta)*G", "x = x - eta*m"]
EMA = Method(memory={"m": 0}, update=UPDATE, noise=GAUSS, clients=1, regime={"beta": "1-rho*eta"})


def ema(drift: str, m: str = "eta*rho^2*sigma^2", root: tuple[str, ...] = ()) -> Audit:
    noise: dict[str, Any] = {"diffusion": {"m": list(root)}} if root else {"covariance": {"m m": m}}
    return audit(EMA, {"x": drift, "m": "rho*(g - m)"}, **noise)


def test_a_covariance_without_a_value_does_not_agree() -> None:
    """SymPy simplifies both to the right one."""
    cases = (
        ("-eta*rho^2*sigma^2*sqrt(-1-g^2)^2/(1+g^2)", ()),
        ("", ("sqrt(eta*x)*rho*sigma", "sqrt(eta*(1-x))*rho*sigma")),
    )
    for m, root in cases:
        result = ema("-m", m, root)
        assert result.verdict == "UNDECIDED" and "has no real value where" in result.reason
    assert ema("-m", "", ("sqrt(eta/(1+x^2))*rho*sigma", "sqrt(eta/(1+x^2))*rho*sigma*x")).verdict == "AGREES"


def test_states_without_a_value_of_the_derived_equation_do_not_count() -> None:
    """The drift of x has sqrt(v), so v >= 0; what an abbreviation needs counts where it is used."""
    rule = RMSprop(noise=GAUSS, clients=1, regime="batch-equivalent")
    noise: dict[str, Any] = {"diffusion": {"x": "sigma*eta/(sqrt(v) + eps0)"}}
    for v, where, verdict in (
        ("c*(eta^2*sigma^2 - abs(v))", {}, "AGREES"),
        ("c*(eta^2*sigma^2 - v - max(0, v - 7))", {}, "DIFFERS"),
        ("c*(eta^2*sigma^2 - s^2)", {"s": "sqrt(v)"}, "AGREES"),
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


# --- formulas that agree at all points of size 1, and rules without such an equation

NOISE = {"x x": "eta*sigma^2/N"}
HIDDEN = "-(g + 100000 - abs(g - 100000))/2"


@pytest.mark.parametrize("drift", [HIDDEN, pytest.param("-g*tanh(100000*g^2)", marks=pytest.mark.slow)])
def test_a_difference_away_from_the_unit_size(drift: str) -> None:
    outcome = audit(DSGD(GAUSS), {"x": drift}, NOISE)
    assert outcome.verdict == "DIFFERS" and {term.where for term in outcome.terms} == {"drift x"}
    example = outcome.example
    assert example is not None and example.state["x"][0] in {2 * scale for scale in SCALES[1:]}
    assert all(abs(row.claimed) > 1e-12 and row.derived == 0 for row in example.measured) and example.measured


def skewed(power: int, shift: int) -> Method:
    return Method(noise=NoNoise(), update=[f"x = x - eta*G + sqrt(eta)*(normal^{power} - {shift})"], regime={})


def test_a_skewed_limit_has_weak_order_one_half() -> None:
    # E x^3 after the time T is 8 T sqrt(eta), that of the diffusion 0
    outcome = audit(skewed(2, 1), {"x": "-g"}, {"x x": "2"})
    assert (outcome.verdict, outcome.kind) == ("NO SDE", "no-first-order-sde") and "8" in outcome.reason
    assert derived_rule(skewed(2, 1), "first-order", None, None).weak_order == 0.5
    symmetric = audit(skewed(3, 0), {"x": "-g"}, {"x x": "15"})
    assert symmetric.verdict == "AGREES" and symmetric.equation is not None and symmetric.equation.weak_order == 1


LARGE = {"update": ["x = x - eta*G"], "regime": {"noise": "1/sqrt(eta)"}, "clients": 1}


@pytest.mark.parametrize("method, order, needs", [
    (DSGD, 2, 3), (partial(Method, **LARGE), 1, 4), (partial(RMSprop, clients=1), 1, 4),
])  # fmt: skip
def test_a_weak_order_needs_moments(method: Callable[..., Method], order: int, needs: int) -> None:
    # a step exceeds 1 with a probability of the order s^(tail n/q) for parts s^n Z^q: no more than s^(2 order + 2) is allowed
    drift = {"x": "-g", "v": "-v"} if method().memory else {"x": "-g"}
    outcome = audit(method(noise=StudentT(needs)), drift, NOISE, order=order)
    assert outcome.verdict == "NO SDE" and f"the moment of order {needs} of the noise" in outcome.reason
    model = "second-order" if order == 2 else "first-order"
    assert not derived_rule(method(noise=StudentT(needs + 1)), model, None, None).conditions


def test_clipped_noise_needs_no_moments() -> None:
    v, c = letter(RAW, 0), sp.Symbol("c", positive=True)
    assert noise_degree(sp.Max(-c, sp.Min(c, v)), 1) == noise_degree(-2 * sp.Min(c, sp.Max(-c, -(v**3))), 1) == 0
    assert noise_degree(sp.Max(-c, v), 1) == 1 and noise_degree(sp.Min(v**2, sp.Max(-c, v)), 1) == 1
    assert noise_degree(sp.Max(-v, sp.Min(c, v**2)), 1) == 1


def test_what_is_divided_may_grow_less_than_its_factors() -> None:
    method = Method(noise=StudentT(1), clients=1, update=["x = x - eta*G/(abs(G) + eps)"], regime={})
    assert audit(method, {"x": "-g"}).verdict == "UNDECIDED"  # bounded, so that there is a limit


def test_a_power_of_the_step_in_a_denominator_is_found() -> None:
    # the variance nu/(nu - 2) of large noise is nu sigma^2/(nu s^2 - 2 s^2)
    outcome = audit(Method(noise=StudentT("nu"), **LARGE), {"x": "-g"}, {"x x": "nu/(nu-2)*sigma0^2"})
    assert outcome.verdict == "AGREES" and outcome.equation is not None
    assert [str(c) for c in outcome.equation.conditions] == ["nu > 2", "nu > 4"]


#: z + beta (x - z) is not close to x
FREE = {"memory": {"z": 0}, "update": ["z = z - eta*G((1-beta)*z + beta*x)", "x = x + (z - x)/(k+1)"], "regime": {}}


def test_a_gradient_far_from_x_is_known_for_quadratic_losses() -> None:
    method, claim = Method(noise=GAUSS, **FREE), {"z": "-2*((1-beta)*z + beta*x)", "x": "(z-x)/t"}
    noise = {"z z": "eta*sigma^2/N"}
    assert audit(method, claim, noise, loss=Quadratic(2), dim=1).verdict == "AGREES"
    wrong = audit(method, {**claim, "z": "-2*x"}, noise, loss=Quadratic(2), dim=1)
    assert wrong.verdict == "DIFFERS" and {term.where for term in wrong.terms} == {"drift z"}
    for unknown in (audit(method, {**claim, "z": "-g"}, noise), audit(method, claim, noise, loss=Quartic(), dim=1)):
        assert unknown.verdict == "UNDECIDED" and "quadratic" in unknown.reason
    assert BilinearGame(1).linear_gradient(2) and not Quartic().linear_gradient(2)


def test_what_nothing_here_averages_is_undecided() -> None:
    """Clipped momentum: the limit exists, and nothing here averages its memory."""
    update = ["m = b*m + (1-b)*G", "x = x - eta*max(-1, min(1, m))"]
    result = audit(Method(memory={"m": 0}, update=update, fractions=["b"], noise=GAUSS), {"x": "-g"}, NOISE)
    assert result.verdict == "UNDECIDED" and result.kind and result.reason[-40:] in result.latex()


def test_error_feedback_written_out_is_averaged() -> None:
    update = ["p = e + raw", "q = C(p)", "e = p - q", "x = x - eta*q"]
    method = Method(memory={"e": 0}, update=update, compressor=ScaledSign(), noise=Laplace())
    assert audit(method, {"x": "-g"}, {"x x": "2*eta*sigma^2/N"}).verdict == "AGREES"
