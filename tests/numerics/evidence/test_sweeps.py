"""Thresholds against closed forms and known facts, and every verdict of the sweeps flipped by planted numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.special

from sdescent.derive.methods.distributed import DSignSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Scaled, StudentT
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks.moments import _chain
from sdescent.numerics.evidence.sweeps import findings, quadratic, quartic, signs
from sdescent.numerics.evidence.sweeps.quadratic import METHOD, SUBJECTS, Bracket, Stationary, Strength
from sdescent.numerics.evidence.sweeps.quartic import Scheduled
from sdescent.numerics.simulate.method import run
from tests.support.samples import mostly_slow

CONFIRMED, VIOLATED, INCONCLUSIVE = Verdict.CONFIRMED, Verdict.VIOLATED, Verdict.INCONCLUSIVE


# --- quadratics ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_thresholds_are_those_of_theory_5():
    """2/lambda of gradient descent, for the method and the corrected model alone; 2/(lambda A) with compression and noise."""
    for h in (0.5, 1.0, 3.0):
        found = {s: float(quadratic.threshold(s, 0.0, 0.0, 1, h)) for s in SUBJECTS}
        assert found == {METHOD: 2 / h, "corrected": 2 / h, "first-order": math.inf, "second-order": math.inf}
    rng = np.random.default_rng(1)
    for omega, s1, N in zip(rng.uniform(0, 9, 20), rng.uniform(0, 2, 20), rng.integers(1, 9, 20), strict=True):
        A = 1 + quadratic.bound_constants(omega, 0.0, s1, 1, int(N))["A1"] / N
        assert quadratic.threshold(METHOD, omega, s1, N) == pytest.approx(2 / A, rel=1e-12)
        assert quadratic.threshold("corrected", omega, s1, N) == pytest.approx(2 / A, rel=1e-12)
        # without the 1 that curvature adds the first-order model's is 2/(A - 1): the condition of 6.1
        assert quadratic.threshold("first-order", omega, s1, N) == pytest.approx(2 / (A - 1), rel=1e-12)


@pytest.mark.slow
def test_growth_changes_its_sign_at_the_threshold_and_only_there():
    omega, N = np.array([[0.0, 1.0, 5.0]]), np.array([[1, 2, 16]])
    for subject in SUBJECTS:
        at = quadratic.threshold(subject, omega, 0.5, N)
        at = np.where(np.isfinite(at), at, 50.0)
        assert np.all(quadratic.growth(subject, at * 0.999, omega, 0.5, N) < 0)
        seen = quadratic.growth(subject, at * 1.001, omega, 0.5, N) > 0
        assert np.all(seen == np.isfinite(quadratic.threshold(subject, omega, 0.5, N)))


@pytest.mark.slow
@pytest.mark.parametrize("subject", SUBJECTS)
def test_factors_by_another_route_are_those_of_the_moments(subject):
    rng = np.random.default_rng(2)
    for eta, omega, s1 in zip(rng.uniform(0.05, 2, 3), rng.uniform(0, 5, 3), rng.uniform(0, 1, 3), strict=True):
        value, error = quadratic.factor(subject, eta, omega, s1, 2)
        assert value == pytest.approx(math.exp(quadratic.growth(subject, eta, omega, s1, 2)), rel=1e-9)
        assert error < 1e-9


def test_stationary_values_are_those_of_theory_5():
    """Without compression and affine growth: eta s/(N lambda (2 - eta lambda)), and the wrong ones of theory 5.4."""
    eta, s, N = 0.4, 0.25, 3
    exact = {
        METHOD: eta * s / (N * (2 - eta)), "corrected": eta * s / (N * (2 - eta)), "first-order": eta * s / (2 * N),
        "second-order": eta * s / (N * (2 + eta)),
    }  # fmt: skip
    for subject, value in exact.items():
        found = quadratic.stationary(subject, eta, 0.0, 0.5, 0.0, N)
        assert found.value == pytest.approx(value, rel=1e-11) and found.formula == pytest.approx(value, rel=1e-12)
    with pytest.raises(BadInput):
        quadratic.stationary(METHOD, 2.1, 0.0, 0.5, 0.0, N)


@pytest.mark.parametrize(
    ("omega", "s1", "d", "N"),
    mostly_slow([(3.0, 0.5, 2, 2), (0.0, 0.0, 1, 1), (0.0, 0.0, 3, 4), (1.0, 1.0, 3, 8)], 4, rows=True),
)
def test_the_largest_stable_step_is_that_of_the_normalisation(omega, s1, d, N):
    """On |x|^2/2 theory 6.3's condition with eps = 1 is sharp; without noise and compression it is eta < 2/lambda."""
    found = quadratic.strength(omega, s1, d, N)
    assert found.measured == pytest.approx(found.formula, rel=1e-9)
    if omega == s1 == 0:
        assert found.formula == pytest.approx(2.0)


def test_settings_that_do_not_exist_are_named():
    for call, field in (
        (lambda: quadratic.growth("third-order", 0.1, 0, 0, 1), "subject"),
        (lambda: quadratic.keep(-1.0), "omega"),
        (lambda: quartic.descent("third-order", [1.0]), "subject"),
        (lambda: quartic.descent(METHOD, [0.0]), "q"),
        (lambda: quartic.scheduled("adam"), "kind"),
        (lambda: signs.sign_stationary(0, 0.1), "nu"),
        (lambda: signs.limit([1.0, 0.5], [1.0, 1.0]), "etas"),
    ):
        with pytest.raises(BadInput) as caught:
            call()
        assert caught.value.field == field


# --- signs --------------------------------------------------------------------------------------------------------------


def test_the_chain_is_that_of_detailed_balance():
    """Two clients, Gaussian noise: `moments._chain` has the stationary law from detailed balance."""
    law = lambda y: 2 * scipy.special.ndtr(y) - 1  # noqa: E731
    for eta in (0.5, 0.2, 0.05):
        value, edge = signs.chain(law, eta, 1.0, 1.0, 2, eta * np.arange(-200, 201))
        assert value == pytest.approx(_chain(eta, 1.0, 1.0), rel=1e-9) and edge < 1e-12


def test_the_formula_is_that_of_theory_6_7():
    """(eta/(4 N M)) sigma/h: M = 1/pi of Cauchy noise, 1/sqrt(8) at nu = 2, and by the gamma function at others."""
    for nu in (0.5, 1, 2, 5):
        M = math.gamma((nu + 1) / 2) / (math.sqrt(math.pi * nu) * math.gamma(nu / 2))
        assert signs.formula_of(nu, 0.1, 2.0, 3.0, 4) == pytest.approx(0.1 / (16 * M) * 2 / 3, rel=1e-12)


@pytest.mark.parametrize("N", [2, 3])
@pytest.mark.slow
def test_the_chain_is_the_method_under_cauchy_noise(N):
    """E x^2 of 20,000 paths of the method after 60 steps, against the chain's: |z| < 4.5 (x is bounded by its steps)."""
    eta = 0.5
    method = DSignSGD(Scaled(StudentT(1), 1), N)
    # starting points on the four lattices that are averaged over
    spacing = eta / N if N % 2 else 2 * eta / N
    starts = np.tile(np.array(signs.OFFSETS) * spacing, 5000)[None, :]
    made = run(method, starts, 60 * eta, key=5, params={"eta": eta}, loss=Quadratic(1), save=[59 * eta, 60 * eta])
    # odd N: the lattice has two classes, visited in turn
    square = np.mean(2 * made.values["loss"], axis=0)
    z = (square.mean() - signs.sign_stationary(1, eta, N=N).value) / (square.std() / math.sqrt(square.size))
    assert abs(z) < 4.5


def test_the_limit_is_found_and_a_wrong_formula_is_not_1():
    etas = [2.0**-k for k in range(6)]
    ratios = np.array([signs.sign_stationary(1, e).ratio for e in etas])
    value, doubt = signs.limit(etas, ratios)
    assert abs(value - 1) < 1e-4 and doubt < 1e-4
    assert signs.limit([1.0, 0.5, 0.25], [1.3, 1.15, 1.075]) == (pytest.approx(1), pytest.approx(0))
    assert findings.limits({1: signs.limit(etas, ratios)}) is CONFIRMED
    assert findings.limits({1: signs.limit(etas, 1.02 * ratios), 2: (1.0, 1e-4)}) is VIOLATED
    assert findings.limits({1: (1.005, 0.006)}) is INCONCLUSIVE and findings.limits({}) is INCONCLUSIVE


# --- the quartic --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_thresholds_on_the_quartic():
    assert quartic.thresholds() == {
        METHOD: 2.0, "corrected": pytest.approx(2 / 3), "first-order": math.inf, "second-order": math.inf,
    }  # fmt: skip
    assert quartic.growth_threshold(1.0) == pytest.approx(1 + math.sqrt(2))
    assert quartic.growth_threshold(0.0) == pytest.approx(2.0)  # a constant step: gradient descent's own


@pytest.mark.slow
def test_descent_on_the_quartic_and_that_the_corrected_model_is_conservative():
    q = np.array([0.3, 0.6, 0.7, 1.0, 1.9, 2.1, 2.9])
    found = {s: quartic.descent(s, q, 12) for s in SUBJECTS}
    assert found[METHOD].size[-1][3] == 0.0  # from q = 1 one step ends at 0
    assert not found["first-order"].grows.any() and not found["second-order"].grows.any()
    exact = 1 / np.sqrt(1 + 2 * 12 * q)  # of x' = -x^3
    assert found["first-order"].size[-1] == pytest.approx(exact, rel=1e-7)
    assert max(f.doubt for f in found.values()) < 1e-3
    assert findings.interval_of_growth(found[METHOD]) == (1.9, 2.1)
    assert findings.interval_of_growth(found["corrected"]) == (0.6, 0.7)
    known = quartic.thresholds()
    assert findings.conservative(found[METHOD], found["corrected"], known) is CONFIRMED
    assert findings.conservative(found[METHOD], found["corrected"], known | {"corrected": 0.75}) is VIOLATED
    assert findings.conservative(found[METHOD], replace(found[METHOD], subject="corrected"), known) is VIOLATED
    assert findings.conservative(found[METHOD], replace(found["first-order"], subject="corrected"), known) is VIOLATED
    mixed = found["corrected"].size.copy()
    mixed[-1] = [0.5, 2, 0.5, 2, 0.5, 2, 2]  # no order in q
    assert findings.conservative(found[METHOD], replace(found["corrected"], size=mixed), known) is INCONCLUSIVE


@pytest.mark.slow
def test_schedules_on_the_quartic():
    p, q = [0.2, 1.0], [0.5, 3.0, 4.0]
    lines = [quartic.growth_threshold(a) for a in p]
    plain = quartic.blow_ups(METHOD, p, q, 1)
    assert plain.blown.tolist() == [[0, 1, 1], [0, 1, 1]] and findings.blows_up(plain, lines) is CONFIRMED
    assert findings.blows_up(replace(plain, blown=np.array([[0, 1, 1], [0, 1, 0]])), lines) is VIOLATED
    assert findings.blows_up(plain, [9.0, 9.0]) is INCONCLUSIVE
    sign = quartic.blow_ups("dsignsgd", p, q, 100, seed=3)
    assert sign.blown.sum() == 0 and findings.within_steps(sign) is CONFIRMED
    assert findings.within_steps(replace(sign, excess=1e-3)) is VIOLATED
    # the same check on a method that is not made of signs finds steps that are too long
    assert findings.within_steps(plain) is VIOLATED


# --- verdicts flipped by planted numbers --------------------------------------------------------------------------------


def bracket(below: float, above: float, error: float = 1e-12) -> Bracket:
    return Bracket("corrected", 1.0, 0.5, 2, 1.0, 1.0, below, above, 0.02, error)


def test_the_verdict_on_thresholds():
    own = [quadratic.bracket(METHOD, w, 0.5, 2) for w in (0.0, 3.0)]
    for model, verdict in (("corrected", CONFIRMED), ("first-order", VIOLATED), ("second-order", VIOLATED)):
        assert findings.same_threshold(own, [quadratic.bracket(model, w, 0.5, 2) for w in (0.0, 3.0)]) is verdict
    good = bracket(0.98, 1.02)
    assert findings.same_threshold([good], [good]) is CONFIRMED
    assert findings.same_threshold([good], [good, bracket(0.9, 0.99)]) is VIOLATED  # grows too late
    assert findings.same_threshold([good], [bracket(1.01, 1.2)]) is VIOLATED  # too early
    assert findings.same_threshold([good], [bracket(0.98, 1.02, 0.1)]) is INCONCLUSIVE  # too coarse
    assert findings.same_threshold([bracket(0.9, 0.99)], [good]) is INCONCLUSIVE  # the formula is not the method's
    assert findings.same_threshold([], []) is INCONCLUSIVE


def test_the_verdict_on_stationary_values():
    own = Stationary(METHOD, 0.1, 1.0, 0.5, 0.5, 2, 0.3, 1e-13, 0.3)
    assert findings.same_stationary([own], [own]) is CONFIRMED
    assert findings.same_stationary([own, own], [own, replace(own, value=0.3 * (1 + 1e-7))]) is VIOLATED


def test_the_verdict_on_what_never_happens():
    none = Scheduled("normalised", np.array([0.5]), np.array([1.0, 2.0]), 2000, np.zeros((1, 2), int), 0.0)
    assert findings.never(none) is CONFIRMED
    assert findings.never(replace(none, paths=500)) is INCONCLUSIVE  # 1000 paths do not exclude one in a thousand
    assert findings.never(replace(none, blown=np.array([[0, 1]]))) is VIOLATED


def test_the_verdict_on_strengths():
    def made(measured: list[float], formula: list[float]) -> list[Strength]:
        return [Strength(1.0, 0.5, 2, 2, m, f) for m, f in zip(measured, formula, strict=True)]

    falling = [1.0, 0.5, 0.25]
    assert findings.monotone(made(falling, falling), rising=False) is CONFIRMED
    assert findings.monotone(made(falling[::-1], falling[::-1]), rising=True) is CONFIRMED
    assert findings.monotone(made(falling, falling), rising=True) is VIOLATED
    assert findings.monotone(made([1.0, 1.1, 0.9], falling), rising=False) is VIOLATED  # not the way of the formula
    assert (
        findings.monotone(made([1.0, 0.5, 0.2], falling), rising=False) is VIOLATED
    )  # unstable within the formula's step
    assert findings.monotone(made([1.0, 1.0, 1.0], falling), rising=False) is INCONCLUSIVE
    with pytest.raises(BadInput):
        findings.monotone(made([1.0], [1.0]), rising=False)
