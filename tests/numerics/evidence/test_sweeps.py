"""Thresholds against closed forms and known facts, and every verdict of the sweeps flipped by planted numbers."""

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
from sdescent.numerics.statistics.estimates import Estimate

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
@pytest.mark.parametrize("subject", [METHOD, "second-order"])
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
    [(3.0, 0.5, 2, 2), (0.0, 0.0, 1, 1)],
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


@pytest.mark.parametrize("N", [3])
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


# --- the quartic --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_descent_on_the_quartic_and_that_the_corrected_model_is_conservative():
    q = np.array([0.3, 0.6, 0.7, 1.0, 1.9, 2.1, 2.9])
    found = {s: quartic.descent(s, q, 12) for s in SUBJECTS}
    assert found[METHOD].size[-1][3] == 0.0  # from q = 1 one step ends at 0
    assert all(np.all(found[model].size[-1] <= 1) for model in ("first-order", "second-order"))
    exact = 1 / np.sqrt(1 + 2 * 12 * q)  # of x' = -x^3
    assert found["first-order"].size[-1] == pytest.approx(exact, rel=1e-7)
    assert max(f.doubt for f in found.values()) < 1e-3
    assert findings.interval_of_growth(found[METHOD]) == (1.9, 2.1)
    assert findings.interval_of_growth(found["corrected"]) == (0.6, 0.7)
    known = quartic.thresholds()
    assert (known[METHOD], known["corrected"]) == (2.0, pytest.approx(2 / 3))
    assert findings.conservative(found[METHOD], found["corrected"], known) is CONFIRMED
    assert findings.conservative(found[METHOD], found["corrected"], known | {"corrected": 0.75}) is VIOLATED
    assert findings.conservative(found[METHOD], replace(found["first-order"], subject="corrected"), known) is VIOLATED


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


def strengths(measured: list[float], formula: tuple[float, ...] = (1.0, 0.5, 0.25)) -> list[Strength]:
    return [Strength(1.0, 0.5, 2, 2, m, f) for m, f in zip(measured, formula, strict=True)]


GOOD, FALLING = bracket(0.98, 1.02), [1.0, 0.5, 0.25]
VALUE = Stationary(METHOD, 0.1, 1.0, 0.5, 0.5, 2, 0.3, 1e-13, 0.3)
NONE = Scheduled("normalised", np.array([0.5]), np.array([1.0, 2.0]), 2000, np.zeros((1, 2), int), 0.0)
MEAN = Estimate(1.0, 0.95, 1.05, 0.95, 100, 0, "")
#: finding, its arguments, and the verdict on them
VERDICTS = [
    (findings.same_threshold, [GOOD], [GOOD], CONFIRMED),
    (findings.same_threshold, [GOOD], [GOOD, bracket(0.9, 0.99)], VIOLATED),  # grows too late
    (findings.same_threshold, [GOOD], [bracket(0.98, 1.02, 0.1)], INCONCLUSIVE),  # too coarse
    (findings.same_threshold, [bracket(0.9, 0.99)], [GOOD], INCONCLUSIVE),  # the formula is not the method's
    (findings.same_stationary, [VALUE, VALUE], [VALUE, replace(VALUE, value=0.3 * (1 + 1e-7))], VIOLATED),
    (findings.never, NONE, CONFIRMED),
    (findings.never, replace(NONE, paths=500), INCONCLUSIVE),  # 1000 paths do not exclude one in a thousand
    (findings.never, replace(NONE, blown=np.array([[0, 1]])), VIOLATED),
    (findings.monotone, strengths(FALLING), False, CONFIRMED),
    (findings.monotone, strengths([1.0, 1.1, 0.9]), False, VIOLATED),  # not the way of the formula
    (findings.monotone, strengths([1.0, 0.5, 0.2]), False, VIOLATED),  # unstable within the formula's step
    (findings.monotone, strengths([1.0, 1.0, 1.0]), False, INCONCLUSIVE),
    (findings.agree, [(replace(MEAN, lower=0.8), 1.04)], INCONCLUSIVE),
    (findings.slope_is, -1.04, 0.03, -1.0, VIOLATED),
    (findings.slope_is, -1.02, 0.3, -1.0, INCONCLUSIVE),
    (findings.largest_at_the_end, [1.0, 2.0, 2.0], CONFIRMED),
    (findings.largest_at_the_end, [1.0, 2.1, 2.0], VIOLATED),
    (findings.largest_at_the_end, [1.0], INCONCLUSIVE),
    (findings.limits, {1: (1.005, 0.006)}, INCONCLUSIVE),
]


def test_every_verdict_follows_its_numbers():
    for n, (finding, *arguments, verdict) in enumerate(VERDICTS):
        assert finding(*arguments) is verdict, (n, finding.__name__)
    with pytest.raises(BadInput):
        findings.monotone(strengths([1.0], (1.0,)), False)


def test_the_verdict_on_the_thresholds_of_models():
    of_method = [quadratic.bracket(METHOD, w, 0.5, 2) for w in (0.0, 3.0)]
    for model, verdict in (("corrected", CONFIRMED), ("first-order", VIOLATED), ("second-order", VIOLATED)):
        assert findings.same_threshold(of_method, [quadratic.bracket(model, w, 0.5, 2) for w in (0.0, 3.0)]) is verdict
