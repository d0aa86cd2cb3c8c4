"""Theorems that interpolation proves: against functions, runs and the literature, and with constants that are too good."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.proof.replay.check import replay_object
from sdescent.derive.theorems.bounds.answer import Answer, decide
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.rates.best_rate import OneStep
from sdescent.derive.theorems.bounds.rates.potentials import best_potential
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.bounds.suggest import suggest
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from tests.support.samples import slow_but

SC = ["smooth: L", "strongly convex: mu", "mu < L"]
EF21 = {"memory": {"w": 0}, "update": ["x = x - eta*w", "w = w + C(raw(x) - w)"]}
ANY = {"compressor": "any", "clients": 1, "noise": "none"}
#: name -> (theorem, a claim with better constants, which is false)
THEOREMS: dict[str, tuple[dict[str, Any], str]] = {
    # Taylor, Hendrickx and Glineur 2018, Theorem 3.3, with noise
    "SGD, f": (
        {"method": "dsgd", "assume": [*SC, "variance: s", "eta*(L+mu) <= 2", "eta*mu <= 1"], "V": "f - fstar",
         "claim": "change <= -(1-(1-eta*mu)^2)*V + eta^2*L*s/(2*N)"},
        "change <= -(1-(1-eta*mu)^2)*V + eta^2*L*s/(3*N)",
    ),
    "an unbiased compressor": (
        {**ANY, "method": "dcsgd", "V": "f - fstar", "claim": "change <= -(1-(1-eta*mu)^2-om*L*mu*eta^2)*V",
         "assume": [*SC, "unbiased: om", "eta*(mu+om*L) <= 1", "eta*(mu+L*(1+om)) <= 2"]},
        "change <= -(1-(1-eta*mu)^2-om*mu^2*eta^2)*V",
    ),
    # Richtarik, Sokolov and Fatkhullin 2021 with delta = 1 - th^2
    "EF21": (
        {**ANY, "method": EF21, "assume": ["smooth: L", "contraction: 1-th^2", "th > 0", "th < 1", "eta*L <= 1-th"],
         "V": "f - fstar + eta/(2*(1-th))*||w-g||^2", "claim": "change <= -eta/2*G^2"},
        "change <= -eta*G^2",
    ),
    # Ghadimi, Feyzmahdavian and Johansson 2015, with noise
    "heavy ball": (
        {"method": "heavy-ball", "assume": ["smooth: L", "convex", "variance: s", "a*(1-beta) == eta", "a*L <= 1"],
         "V": "beta/(1-beta)*(f(x - v) - fstar) + ||x - xstar + beta/(1-beta)*v||^2/(2*a)",
         "claim": "change <= -(f - fstar) + a*s/(2*N)"},
        "change <= -(f - fstar) + a*s/(3*N)",
    ),
    # Cutkosky and Orabona 2019, with constant parameters: one draw of the noise at two points
    "STORM": (
        {"clients": 1, "noise": "any", "V": "f - fstar + eta/(2*a)*||w - g||^2", "claim": "change <= -eta*G^2/2 + eta*a*s",
         "assume": ["smooth: L", "mean smooth: M", "variance: s", "a > 0", "a <= 1", "2*eta^2*M^2 <= a*(1 - eta*L)"],
         "method": {"memory": {"w": 0}, "update": ["p = x", "x = x - eta*w", "w = G(x) + (1-a)*(w - G(p))"]}},
        "change <= -eta*G^2/2 + eta*a*s/4",
    ),
}  # fmt: skip


def answer(table: dict[str, Any], seconds: float = 40.0) -> Answer:
    return decide(Stated(table, interpolate=True), seconds, repair=False)


@pytest.mark.parametrize("name", slow_but(THEOREMS, ["SGD, f", "EF21"]))
def test_theorems_of_the_literature_are_proved_and_better_ones_are_not(name: str) -> None:
    table, better = THEOREMS[name]
    proved = answer(table)
    assert proved.status == "PROVED" and proved.certificate is not None
    replay_object(proved.certificate)  # raises for an invalid one
    assert answer({**table, "claim": better}, 20.0).status != "PROVED"


def test_a_proof_of_sgd_holds_on_functions() -> None:
    """E f(x+) - f* on Huber functions and quadratics with noise +-z, by the theorem's right-hand side and by the method itself."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        L, x, z, bend = 1.0, rng.normal(), abs(rng.normal()), rng.uniform(0.1, 2.0)
        mu = rng.uniform(0.01, 0.9)
        eta = min(2 / (L + mu), 1 / mu) * rng.uniform(0.05, 1.0)

        def f(y: float, mu: float = mu, bend: float = bend) -> float:  # curvature L near 0 and mu far away
            inner = min(abs(y), bend)
            return inner**2 / 2 + bend * max(abs(y) - bend, 0.0) + mu * max(abs(y) - bend, 0.0) ** 2 / 2

        def slope(y: float, mu: float = mu, bend: float = bend) -> float:
            return float(np.sign(y)) * (min(abs(y), bend) + mu * max(abs(y) - bend, 0.0))

        after = (f(x - eta * (slope(x) + z)) + f(x - eta * (slope(x) - z))) / 2
        assert after <= (1 - eta * mu) ** 2 * f(x) + L * eta**2 * z**2 / 2 + 1e-12


def best(table: dict[str, Any], measure: Any = None) -> Any:
    placeholder = Stated({**table, "claim": "change <= 0", "conclude": "none"})
    return OneStep(replace(placeholder, interpolate=True), 60.0).rate(measure)


L, MU, ETA, S, N = sp.symbols("L mu eta s N")


@pytest.mark.parametrize(
    ("table", "measure", "decay", "floor"),
    [
        ({"method": "dsgd", "assume": ["smooth: L", "variance: s"], "V": "f - fstar"}, nm.G**2,
         ETA - L * ETA**2 / 2, L * ETA**2 * S / (2 * N)),
        pytest.param({"method": "dsgd", "assume": [*SC, "variance: s"], "V": "f - fstar"}, None,
                     1 - (1 - ETA * MU) ** 2, L * ETA**2 * S / (2 * N), marks=pytest.mark.slow),
        pytest.param({"method": "dsgd", "assume": [*SC, "variance: s"], "V": "||x - xstar||^2"}, None,
                     1 - (1 - ETA * MU) ** 2, ETA**2 * S / N, marks=pytest.mark.slow),
        ({"method": "dsgd", "assume": ["smooth: L", "convex", "variance: s"], "V": "||x - xstar||^2"}, nm.f - nm.fstar,
         2 * ETA, ETA**2 * S / N),
    ],
)  # fmt: skip
def test_best_rates_are_those_of_the_literature(
    table: dict[str, Any], measure: Any, decay: sp.Expr, floor: sp.Expr
) -> None:
    rate = best(table, measure)
    assert rate is not None
    assert sp.expand(rate.decay - decay) == 0 and sp.expand(rate.floor - floor) == 0


def test_points_of_a_file() -> None:
    ball = {"method": "heavy-ball", "assume": ["smooth: L", "convex"], "noise": "none", "claim": "change <= 0"}
    setting = Stated({**ball, "V": "f(x - v) - fstar"}).setting
    # the previous point moves to x, so its change needs no further point
    assert [p.text for p in setting.points] == ["x", "x - v"] and not setting.interpolates
    assert Stated({**ball, "V": "f - fstar + ||g||^2"}).setting.interpolates
    for text, error in (
        ("f(v)", "x plus a sum"),
        ("f(2*x)", "x plus a sum"),
        ("f(x", "closing bracket"),
        ("||g(x + G)||^2", "x plus"),
    ):
        with pytest.raises(BadInput, match=error):
            _ = Stated({**ball, "V": text}).setting


def test_classes_of_compressors_are_named_in_the_file() -> None:
    with pytest.raises(BadInput, match="unbiased: omega"):
        _ = Stated({**ANY, "method": "dcsgd", "assume": ["smooth: L"], "V": "f - fstar", "claim": "change <= 0"})
    with pytest.raises(BadInput, match='compressor = "any" alone'):
        _ = Stated(
            {
                "method": "dcsgd",
                "compressor": "rand-k:k=1",
                "assume": ["unbiased: 0"],
                "V": "f - fstar",
                "claim": "change <= 0",
            }
        )
    with pytest.raises(Refusal):  # the file says nothing about what Top-k loses
        _ = Stated({"compressor": "top-k:k=1", "clients": 1, "noise": "none", "method": EF21, "assume": ["smooth: L"],
                    "V": "f - fstar + ||w - g||^2", "claim": "change <= 0"})  # fmt: skip


def test_a_contraction_is_no_unbiased_compressor() -> None:
    """EF21's bound needs the contraction of its file: with delta = 0 nothing contracts. The mean of C(g) is not g."""
    with pytest.raises(Refusal, match="not known for a contraction"):
        _ = Stated(
            {
                **ANY,
                "method": "dcsgd",
                "assume": ["smooth: L", "contraction: 1/2"],
                "V": "f - fstar",
                "claim": "change <= 0",
            }
        )
    table, _ = THEOREMS["EF21"]
    weaker = [*table["assume"][:1], "contraction: (1-th^2)/2", *table["assume"][2:]]
    assert answer({**table, "assume": weaker}, 20.0).status != "PROVED"


def test_values_of_constants_are_rational_and_satisfy_the_conditions() -> None:
    table, _ = THEOREMS["SGD, f"]
    step = OneStep(replace(Stated({**table, "claim": "change <= 0"}), interpolate=True), 30.0)
    names = step.problem.linear.generators
    for point in step.problem.points():
        at = {name: Fraction(int(v.p), int(v.q)) for name, v in zip(names, point, strict=True)}
        assert at["eta"] * (at["L"] + at["mu"]) < 2 and 0 < at["mu"] < at["L"]


def test_a_gradient_after_a_draw_depends_on_it() -> None:
    """x' = x - eta G, w' = the gradient at x': the draw in G is orthogonal to the past, and not to this gradient."""
    rule = {"memory": {"w": 0}, "update": ["x = x - eta*G", "w = fresh(x)"]}
    table = {"method": rule, "noise": "any", "assume": ["smooth: L", "variance: s"], "V": "f - fstar + ||w||^2"}
    setting = Stated({**table, "claim": "change <= 0"}).setting
    (after,) = [p for p in setting.points if p.text != "x"]
    first, second = setting.draws_of_step
    vanishing = {r.left for name, r in setting.definitions.items() if name.endswith("= 0")}
    assert nm.inner(first, nm.GRADIENT) in vanishing and nm.inner(second, first) in vanishing
    assert nm.inner(first, after.gradient) not in vanishing
    # the noise there is not that at x, of which a bound that varies with the state speaks
    with pytest.raises(Refusal, match="constant"):
        _ = Stated({**table, "assume": ["smooth: L", "variance: s + G^2"], "claim": "change <= 0"}).setting


def test_a_draw_at_a_point_that_depends_on_it_is_refused() -> None:
    table = {
        "noise": "any",
        "assume": ["smooth: L", "mean smooth: M", "variance: s"],
        "V": "f - fstar",
        "claim": "change <= 0",
    }
    with pytest.raises(Refusal, match="depends on it"):
        Stated({**table, "method": {"update": ["y = x - eta*G", "x = x - eta*G(y)"]}})
    two = {"memory": {"w": 0}, "update": ["p = x", "x = x - eta*w", "w = G(x) - G(p)"]}
    with pytest.raises(Refusal, match="mean smooth"):
        Stated({**table, "assume": ["smooth: L", "variance: s"], "method": two})


NESTEROV = {"memory": {"v": 0}, "update": ["v = beta*v - eta*G(x + beta*v)", "x = x + v"]}
#: the best rates of AutoLyap (benchmarks/results/potentials.md) for L = 1
POTENTIALS: dict[str, tuple[dict[str, Any], float]] = {
    "gradient descent": ({"method": "dsgd", "assume": ["smooth: 1", "strongly convex: 1/10", "eta == 1"]}, 0.81),
    "heavy ball": (
        {"method": "heavy-ball", "assume": ["smooth: 1", "strongly convex: 1/10", "eta == 1/2", "beta == 1/2"]}, 0.783362873,
    ),
    "heavy ball, PL": ({"method": "heavy-ball", "assume": ["smooth: 1", "pl: 1/10", "eta == 1/2", "beta == 1/2"]}, 0.917734146),
    # V has values at the point of the gradient (AutoLyap: .499999)
    "Nesterov, PL": ({"method": NESTEROV, "assume": ["smooth: 1", "pl: 1/2", "eta == 1", "beta == 1/2"]}, 0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", slow_but(POTENTIALS, ["heavy ball"]))
def test_a_potential_at_numbers_has_the_rate_of_a_peer(name: str) -> None:
    table, rate = {**POTENTIALS[name][0], "clients": 1, "noise": "none"}, POTENTIALS[name][1]
    best = best_potential(table)
    # the peer's bisection ends at a width of 1e-6 or less; its solver fails below that for PL
    assert best is not None and rate - 1e-6 < float(best.rate) < rate + 1e-6
    claim = f"change <= -{1 - best.rate}*V"
    assert answer({**table, "V": best.value, "claim": claim}).status == "PROVED"
    # no better than the optimum: the same V does not fall by a little more
    better = f"change <= -{1 - best.rate + Fraction(1, 10**4)}*V"
    assert answer({**table, "V": best.value, "claim": better}, 3.0).status != "PROVED"


def test_a_potential_needs_numbers() -> None:
    with pytest.raises(BadInput, match="without a number"):
        best_potential(
            {"method": "dsgd", "clients": 1, "noise": "none", "assume": ["smooth: L", "strongly convex: mu"]}
        )


@pytest.mark.parametrize(
    ("assume", "V", "claim", "false"),
    [
        # Baillon and Haddad 1977, for all steps up to 2/L
        pytest.param(["smooth: L", "convex", "eta*L <= 2"], "||x - xstar||^2", "-eta*(2/L - eta)*G^2", "-eta*(3/L - eta)*G^2",
                     marks=pytest.mark.slow),
        # equality for L (x - x*)^2/2; the step of the rate of Abbaszadehpeivasti, de Klerk and Zamani 2022
        (["smooth: L", "eta*L == 1"], "f - fstar + ||g||^2/(4*L)", "-3*G^2/(4*L)", "-G^2/L"),
    ],
)  # fmt: skip
def test_step_sizes_up_to_the_largest_and_by_an_equality(assume: list[str], V: str, claim: str, false: str) -> None:
    table = {"method": "dsgd", "noise": "none", "clients": 1, "assume": assume, "V": V, "conclude": "none"}
    proved = decide(Stated({**table, "claim": f"change <= {claim}"}), 20.0, repair=False)
    assert proved.status == "PROVED" and proved.certificate is not None
    replay_object(proved.certificate)  # raises for an invalid one
    assert decide(Stated({**table, "claim": f"change <= {false}"}), 5.0, repair=False).status != "PROVED"


def test_a_rate_at_which_nothing_falls_has_no_square() -> None:
    """At eta L = 2 the form whose squares are looked for is empty."""
    table = {
        "method": "dsgd", "noise": "none", "clients": 1, "V": "f - fstar",
        "assume": ["smooth: L", "pl: mu", "eta*L == 2", "mu < L"],
    }  # fmt: skip
    assert all(s.answer.status == "PROVED" for s in suggest(table, 10.0, tried=False).suggestions)
