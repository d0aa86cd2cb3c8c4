"""Assumptions of theorems along runs whose numbers are chosen: which hold, which fail and where, and the step sizes that follow."""

import math
from dataclasses import replace

import pytest
import sympy as sp

from sdescent.derive.methods.noise import Gaussian
from sdescent.derive.proof.language.terms import fn, num, under, x
from sdescent.derive.proof.refute.exact import NoValue
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.catalogue import entries
from sdescent.numerics.measure.assumptions import Status, excess, of_catalogue, of_file, value
from sdescent.numerics.statistics.estimates import Estimate
from tests.numerics.measure.chosen_points import G, points, setting

CONSTANTS = {"L0": 1.0, "L1": 2.0}


def judged(id, measured, **changes):
    return next(j for j in of_catalogue(measured, setting(**changes)) if j.id == id)


def status(judged, name):
    return next(a for a in judged.assumptions if a.name == name)


def test_terms_have_numbers_or_say_what_lacks_one():
    at = {x("a"): 2.0, under("C", x("s")): 7.0}
    assert value(num("1/2") * x("a") ** 3 + fn("psi", num(0)) - under("C", x("s")), at) == pytest.approx(-2.5)
    assert value(fn("psi", num(1)), {}) == pytest.approx(math.e - 2)
    assert value(num(1) / x("a"), at) == 0.5
    for unknown in (x("b"), under("C", x("a")), under("E", x("a"))):
        with pytest.raises(NoValue):
            value(unknown, at)
    assert excess(x("a").le(3), at) < 0 < excess(x("a").le(1), at)
    assert excess(x("a").lt(2), at) == 1.0 and excess(x("a").le(2), at) == 0.0


def test_constants_of_the_user_are_tested_and_fail_where_they_fail():
    """||H|| = 1 + 2 g + 2 [g = 1.5]: with L0 = 1 and L1 = 2 the line fails at step 20 only, by 2/(1 + 3 + 2)."""
    smooth = status(judged("6.2-pathwise", points(lambda g: 1 + 2 * g + 2 * (g == 1.5)), constants=CONSTANTS), "smooth")
    assert (smooth.status, smooth.first_step, smooth.worst_step) == (Status.FAILS, 20, 20)
    assert smooth.excess == pytest.approx(2 / 6) and "1 of 5" in smooth.why
    holds = status(judged("6.2-pathwise", points(lambda g: 1 + 2 * g), constants=CONSTANTS), "smooth")
    assert holds.status == Status.HOLDS


def test_fitted_constants_are_tested_between_the_points_that_fit_them():
    exact = status(judged("6.2-pathwise", points(lambda g: 1 + 2 * g)), "smooth")
    assert exact.status == Status.FITTED and exact.first_step is None
    # at g = 2, step 10, which is not one of every second points
    between = status(judged("6.2-pathwise", points(lambda g: 1 + 2 * g + 3 * (g == 2.0))), "smooth")
    assert between.status == Status.FITTED and between.first_step == 10
    assert between.excess == pytest.approx(3 / 8, rel=1e-6)


def test_the_largest_step_size_is_that_of_the_condition():
    """6.2 for the method with L1 = 0: eta L0 A <= 2 eps, A = 1 + d s1/N = 1 + 4/(4 N), L0 = 7, eps = 1/2."""
    measured = points(lambda g: 1 + 2 * g)
    theorem = judged("6.2-pathwise-method", measured)
    largest = 1 / (7 * (1 + 1 / 2))
    assert theorem.largest_eta == pytest.approx(largest, rel=1e-6)
    assert status(theorem, "step").status == Status.HOLDS
    too_large = judged("6.2-pathwise-method", measured, eta=1.01 * largest, rates=[1.01 * largest] * 5)
    assert status(too_large, "step").status == Status.FAILS
    # with L1 > 0 the condition fails where the gradient is large: 1.05 times what the largest gradient allows
    k = [(1 + 2 * g) * 1.5 + 0.25 * 2 * (8 / 4) / 2 for g in G]
    eta = 1.05 / max(k)
    theorem = judged("6.2-pathwise", measured, eta=eta, rates=[eta] * 5)
    assert theorem.largest_eta == pytest.approx(1 / max(k), rel=1e-5)
    failing = status(theorem, "step")
    assert (failing.first_step, failing.worst_step) == (0, 0) and "1 of 5" in failing.why
    assert theorem.steps == pytest.approx([1 / one for one in k], rel=1e-5)
    # half the steps allow twice eta
    slower = judged("6.2-pathwise", measured, eta=eta, rates=[eta / 2] * 5)
    assert slower.largest_eta == pytest.approx(2 / max(k), rel=1e-5)
    assert slower.steps == theorem.steps


@pytest.mark.slow
def test_a_theorem_on_another_step_rule_fails():
    """6.3 is about the step eta u/K(G) with K = (1 + 2 g)(1 + 1/2) + 1/2 here, and the run has the step 0.01."""
    measured = points(lambda g: 1 + 2 * g)
    strength = [1.5 * (1 + 2 * g) + 0.5 for g in G]
    theorem = judged("6.3-high-pathwise", measured)
    rule = status(theorem, "step rule")
    assert (rule.status, rule.first_step, rule.worst_step) == (Status.FAILS, 0, 0)
    assert rule.excess == pytest.approx(1 - 1 / strength[0], rel=1e-6)
    assert theorem.largest_eta == pytest.approx(1) and theorem.steps == pytest.approx([1 / k for k in strength])
    assert judged("6.3-bounded-pathwise-method", measured).steps == ()  # a bound on the noise has no number
    # 6.5 is about a constant step, and 6.2-root about the schedule 1/sqrt(1 + n) at step n
    root = [0.01 / math.sqrt(1 + 10 * n) for n in range(5)]
    for rates, constant, roots in (([0.01] * 5, Status.HOLDS, Status.FAILS), (root, Status.FAILS, Status.HOLDS)):
        assert status(judged("6.5-corrected", measured, rates=rates), "step rule").status == constant
        assert status(judged("6.2-root-method", measured, rates=rates), "schedule").status == roots


def test_what_has_no_number_cannot_be_tested():
    theorem = judged("6.5-corrected", points(lambda g: 7.0), optimum=None)
    assert status(theorem, "PL").status == Status.UNTESTED
    theorem = judged("6.5-corrected", points(lambda g: 7.0))
    assert status(theorem, "PL").status == Status.FITTED and status(theorem, "r > 0").status == Status.HOLDS
    biased = judged("6.2-pathwise-method", points(lambda g: 7.0), omega=None)
    assert status(biased, "compression").status == Status.UNTESTED


def test_a_ratio_that_is_estimated_fails_only_beyond_its_interval():
    """omega = 1; the mean is 1.1 in both, and the lower end .9 or 1.05."""
    for lower, verdict in ((0.9, Status.HOLDS), (1.05, Status.FAILS)):
        ratio = Estimate(1.1, lower, 1.3, 0.95, 16, 0, "")
        measured = [replace(p, compression=ratio) for p in points(lambda g: 7.0)]
        assert status(judged("6.2-pathwise-method", measured, omega=1.0), "compression").status == verdict


def test_theorems_on_signs_need_symmetric_noise_of_one_scale():
    signs = {"method": "dsignsgd", "omega": None}
    fine = judged("6.4-global-pathwise-method", points(lambda g: 1 + 2 * g), **signs)
    assert status(fine, "symmetry").status == status(fine, "one scale").status == Status.HOLDS
    assert status(fine, "unimodality").status == Status.UNTESTED
    skewed = judged("6.4-global-pathwise-method", points(lambda g: 1 + 2 * g, symmetric=False), **signs)
    assert status(skewed, "symmetry").status == Status.FAILS
    # psi(1) eta d L1 <= eps R(1), with R(1) and the density at 0 of the engine's normal law
    law, letter = Gaussian(), sp.Symbol("x")
    at_one = float(law.sign_mean(sp.Integer(1)))
    assert fine.largest_eta == pytest.approx(
        min(0.5 * at_one / ((math.e - 2) * 5 * 2), 1 / (2 * math.sqrt(5))), rel=1e-6
    )
    density = float(sp.diff(law.sign_mean(letter), letter).subs(letter, 0)) / 2
    clients = judged("6.4-clients-pathwise", points(lambda g: 1 + 2 * g), **signs)
    k = density * 1 / 2 + 2 * 5 / 2 + 2 * 5 / (2 * 2 * at_one)
    assert clients.largest_eta == pytest.approx(0.5 / k, rel=1e-6)


def test_every_theorem_of_the_catalogue_about_the_method_gets_a_verdict():
    for method, group, omega in (("dsgd", "unbiased", 0.0), ("dsignsgd", "signs", None)):
        results = list(of_catalogue(points(lambda g: 1 + 2 * g), setting(method=method, omega=omega)))
        about = [i for i, e in entries().items() if group in getattr(e, "recomputed", ()) and "heavy-ball" not in i]
        assert [j.id for j in results] == about
        assert all(a.text for j in results for a in j.assumptions)


def test_a_theorem_of_the_user():
    """L, mu and s are fitted; eta L <= 1 gives the step size 1/L."""
    table = {
        "method": "dsgd", "model": "method", "assume": ["smooth: L", "pl: mu", "variance: s", "eta*L <= 1"], "V": "f - fstar",
        "claim": "change <= -eta*mu*V + eta^2*L*s/(2*N)", "conclude": "gronwall",
    }  # fmt: skip
    measured = points(lambda g: 7.0)
    theorem = of_file(Stated(table), "mine.toml", measured, setting())
    assert theorem.largest_eta == pytest.approx(1 / 7)
    assert {status(theorem, name).status for name in ("smooth", "PL", "variance")} == {Status.FITTED}
    assert status(theorem, "eta*L <= 1").status == Status.HOLDS
    numbers = setting(constants={"L": 7.0, "s": 1.0, "mu": 1.0})
    bounded = of_file(Stated(table), "mine.toml", measured, numbers)
    other = of_file(Stated({**table, "method": "heavy-ball", "conclude": "none"}), "mine.toml", measured, setting())
    assert status(other, "method").status == Status.FAILS and {a.name for a in theorem.assumptions}.isdisjoint(
        {"method"}
    )
    slower = of_file(Stated(table), "mine.toml", measured, setting(rates=[0.01, 0.01, 0.01, 0.01, 0.005]))
    assert (status(slower, "step rule").status, status(slower, "step rule").first_step) == (Status.FAILS, 40)
    # the noise of a batch is (8 + 4 g^2)/4 > 1 everywhere, most at the start
    assert (status(bounded, "variance").status, status(bounded, "variance").worst_step) == (Status.FAILS, 0)
    assert status(bounded, "smooth").status == Status.HOLDS
