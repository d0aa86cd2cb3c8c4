"""Races of step rules: many settings in one run, one family of rules, and tuned multipliers."""

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.simulate.method import run
from sdescent.numerics.tasks import criteria as claims
from sdescent.numerics.tasks import step_rules
from sdescent.numerics.tasks.step_rules import (
    CONSTANT,
    NORMALISED,
    RULES,
    THEORY,
    RaceProblem,
    bounded_share,
    race,
    step,
)
from tests.numerics.refusals import refused

H = np.array([1.0, 2.0, 0.5])


def quadratic(x: Any) -> Any:
    return 0.5 * jnp.sum(jnp.asarray(H)[:, None] * x**2, axis=0)


PROBLEM = RaceProblem("quadratic", Landscape(quadratic), np.array([1.0, -1.0, 2.0]), 3, 0.4, "float64")


@pytest.mark.slow
def test_a_setting_among_others_is_the_run_of_it_alone() -> None:
    """Each path, whatever is beside it, is the run with its own numbers as parameters."""
    ps, k0, k1 = (np.array(v) for v in ([0.3, 0.9, 0.5, 1.0], [1.0, 2.0, 0.0, 0.5], [0.0, 0.5, 3.0, 0.0]))
    more: dict[str, Any] = {"key": 7, "loss": PROBLEM.land, "save": 6, "travelled": True, "paths": 160}
    params = {"eta": 1.0, "sigma1": 0.4}
    varied = {"p": np.tile(ps, 40), "k0": np.tile(k0, 40), "k1": np.tile(k1, 40)}
    whole = run(PROBLEM.compressed, PROBLEM.start, 20, params=params, varied=varied, **more)
    numbers = params | {"p": ps[2], "k0": k0[2], "k1": k1[2]}
    alone = run(PROBLEM.compressed, PROBLEM.start, 20, params=numbers, **more)
    for name in ("loss", "length", "gradient_norm"):
        np.testing.assert_allclose(whole.values[name][:, 2::4], alone.values[name][:, 2::4], rtol=1e-9, atol=1e-12)
    assert not np.allclose(whole.values["loss"][-1, 0::4], whole.values["loss"][-1, 1::4])


@pytest.mark.parametrize(
    ("varied", "field"),
    [
        ({"k0": np.ones(3)}, "varied k0"),
        ({"sigma1": np.ones(2)}, "varied sigma1"),
        ({"other": np.ones(2)}, "parameter other"),
        ({"p": np.array([0.5, 1.5])}, "bernoulli:p"),
    ],
)
def test_values_of_paths_are_checked_as_others_are(varied: dict[str, Any], field: str) -> None:
    params = {"eta": 1.0, "sigma1": 0.4, "k0": 1.0, "k1": 1.0, "p": 0.5}
    params = {k: v for k, v in params.items() if k not in varied or k in ("sigma1", "eta")}
    with refused(field):
        run(PROBLEM.compressed, PROBLEM.start, 4, paths=2, params=params, loss=PROBLEM.land, varied=varied)


@pytest.mark.slow
def test_the_mean_square_of_a_step_is_what_the_growth_says() -> None:
    """E||x_1 - x_0||^2 = h^2 A G^2 (theory 4): the z-scores over 10000 paths are below 5; for A of another p they are not."""
    ps = np.array([1.0, 0.25])
    found = run(
        PROBLEM.compressed, PROBLEM.start, 1, paths=20000, key=3, save=2, loss=PROBLEM.land, travelled=True, chunk=128,
        params={"eta": 1.0, "sigma1": 0.4, "k0": 2.0, "k1": 0.5}, varied={"p": np.repeat(ps, 10000)},
    )  # fmt: skip
    size = float(np.linalg.norm(H * PROBLEM.start))
    squares = (found.values["length"][-1].reshape(2, -1) * (2.0 + 0.5 * size) / size) ** 2
    for p, own in zip(ps, squares, strict=True):
        error = np.std(own) / 100
        assert abs(np.mean(own) - PROBLEM.growth(p)) < 5 * error
        assert abs(np.mean(own) - PROBLEM.growth(0.7 * p)) > 5 * error


def test_rand_k_has_the_growth_of_all_sets_of_k_coordinates() -> None:
    """E||x_1 - x_0||^2/(h^2 G^2) over all pairs of messages of N = 2 clients, each with a set and noise of signs, is A.

    With d = 5 and p = 0.33 it is k = 2, and omega = 3/2.
    """
    g, sigma1 = np.array([1.0, -2.0, 0.5, 3.0, 1.5]), 0.4
    problem = RaceProblem("sets", PROBLEM.land, g, 2, sigma1).with_rand_k(0.33)
    masks = [2.5 * np.isin(np.arange(5), kept) for kept in itertools.combinations(range(5), 2)]
    noise = sigma1 * np.linalg.norm(g) * np.array(list(itertools.product((-1.0, 1.0), repeat=5)))
    messages = np.concatenate([(g + noise) * mask for mask in masks])
    squares, mean = np.mean(np.sum(messages**2, axis=1)), messages.mean(axis=0)
    assert problem.omega(0.33) == 1.5 and squares == pytest.approx(2.5 * np.mean(np.sum((g + noise) ** 2, axis=1)))
    wanted = (squares / 2 + mean @ mean / 2) / (g @ g)  # the two clients are independent
    assert problem.growth(0.33) == pytest.approx(wanted, rel=1e-12) and PROBLEM.with_rand_k(0.01).omega(0.01) == 2
    floor = dataclasses.replace(problem, sigma0=2.0).floor(0.33)
    assert floor == pytest.approx(5 * 4 * 2.5 / 2)  # d sigma0^2 (1 + omega)/N


@pytest.mark.slow
def test_runs_with_rand_k_take_steps_of_its_growth() -> None:
    """The z-score of E||x_1 - x_0||^2 over 10000 paths is below 5, as in the test for the other compressor; for k + 1 it is not."""
    problem = PROBLEM.with_rand_k(0.4)  # k = 1 of 3
    first = run(
        problem.compressed, problem.start, 1, paths=10000, key=3, save=2, loss=problem.land, travelled=True,
        params={"eta": 1.0, "sigma1": 0.4, "k0": 2.0, "k1": 0.5},
    )  # fmt: skip
    size = float(np.linalg.norm(H * problem.start))
    squares = (first.values["length"][-1] * (2.0 + 0.5 * size) / size) ** 2
    assert abs(np.mean(squares) - problem.growth(0.4)) < 5 * np.std(squares) / 100
    assert abs(np.mean(squares) - PROBLEM.with_rand_k(0.7).growth(0.7)) > 5 * np.std(squares) / 100
    settings = [{"k0": k0, "k1": 0.0} for k0 in (2.0, 20.0)]  # a race of it has no p
    loss = race(problem, problem.compressed, settings, 8, 2, 10, 5).loss
    assert loss.shape == (3, 2, 10) and np.median(loss[-1, 0]) < np.median(loss[-1, 1])


def test_step_rules_are_one_family() -> None:
    line, growth, size = (2.0, 3.0), 5.0, 0.7
    for rule, wanted in ((CONSTANT, 4.0), (NORMALISED, 4.0 / size), (THEORY, 4.0 / (growth * (2 + 3 * size)))):
        k0, k1 = step(rule, 4.0, growth, line)
        assert 1 / (k0 + k1 * size) == pytest.approx(wanted, rel=1e-14)
    k0, k1 = step(THEORY, 4.0, growth, line, floor=7.0)  # of noise with a floor: K = A (L0 + L1 G) + L1 D0/N
    assert 1 / (k0 + k1 * size) == pytest.approx(4.0 / (growth * (2 + 3 * size) + 3 * 7), rel=1e-14)
    for rule, m in (("other", 1.0), (CONSTANT, 0.0)):
        with pytest.raises(BadInput):
            step(rule, m, growth, line)
    assert str(sd.schedules.Normalised(1, 2).factor) == "1/(2*sqrt(CoordSum(g_k**2)) + 1)"


@pytest.mark.parametrize("floor", [0.0, 0.5, 300.0])
def test_the_bound_on_the_share_has_the_largest_factor_over_all_gradients(floor: float) -> None:
    """c_f = sup_G (L0 + L1 G)/K(G)^2 against a fine grid of G, and below it nothing serves."""
    line, growth = (2.0, 3.0), 5.0
    g = np.concatenate([np.linspace(0, 5, 4001), np.geomspace(5, 1e4, 4000)])
    bend = line[0] + line[1] * g
    largest = np.max(bend / (growth * bend + line[1] * floor) ** 2)
    assert bounded_share(7.0, 100, growth, line, floor) == pytest.approx(2 * 7 / 100 + largest * floor, rel=1e-6)


@pytest.mark.slow
def test_noise_with_a_floor_has_its_mean_square() -> None:
    """E||x_1 - x_0||^2 = h^2 (A G^2 + D0/N): the z-score over 10000 paths is below 5, and not without the floor."""
    problem = dataclasses.replace(PROBLEM, sigma0=1.0)
    first = run(
        problem.compressed, problem.start, 1, paths=10000, key=3, save=2, loss=problem.land, travelled=True,
        params={"eta": 1.0, "sigma1": 0.4, "sigma0": 1.0, "k0": 1.0, "k1": 0.0, "p": 0.5},
    )  # fmt: skip
    squares = first.values["length"][-1] ** 2
    wanted = problem.growth(0.5) * np.sum((H * problem.start) ** 2)
    assert abs(np.mean(squares) - wanted - problem.floor(0.5)) < 5 * np.std(squares) / 100
    assert abs(np.mean(squares) - wanted) > 5 * np.std(squares) / 100


@pytest.mark.slow
def test_races_repeat_and_settings_keep_their_places() -> None:
    settings = [{"p": 1.0, "k0": k, "k1": 0.0} for k in (2.0, 20.0, 1e-3)]  # step sizes of which the last is beyond 2/L
    first, again = (race(PROBLEM, PROBLEM.compressed, settings, 8, 2, 10, 5) for _ in range(2))
    for field in ("loss", "length", "gradient_norm", "blown"):
        np.testing.assert_array_equal(getattr(first, field), getattr(again, field))
    assert first.steps.tolist() == [0, 4, 8] and first.loss.shape == (3, 3, 10)
    assert np.all(first.loss[-1, 0] < first.loss[-1, 1])  # the longer step is ahead on this quadratic
    assert first.blown.all(axis=1).tolist() == first.blown.any(axis=1).tolist() == [False, False, True]
    assert np.array_equal(np.isnan(first.length[-1]), first.blown)
    with pytest.raises(BadInput):
        race(PROBLEM, PROBLEM.compressed, settings, 9, 2, 10, 5)


@pytest.mark.slow
def test_signs_step_by_the_schedule() -> None:
    """Far from the minimum with hardly any noise, N equal signs: the first coordinate goes by c (n + 1)^-q exactly."""
    far = dataclasses.replace(PROBLEM, start=np.full(3, 1000.0))
    settings = [{"c": 0.5, "q": 0.0, "sigma": 1e-9}, {"c": 2.0, "q": 0.5, "sigma": 1e-9}]
    found = race(far, far.signs, settings, 4, 2, 10, 1)
    way = [0.5 * 4, sum(2 / math.sqrt(n + 1) for n in range(4))]
    np.testing.assert_allclose(found.length[-1], np.sqrt(3) * np.array(way)[:, None] * np.ones((2, 10)), rtol=1e-9)


def test_the_best_is_the_smallest_median_and_an_edge_says_so() -> None:
    losses = np.array([[3.0, 3, 3], [1, 2, 9], [5, 5, 5], [9, 9, np.inf]])
    assert [step_rules.best(each) for each in (losses, losses[1:], losses[[3, 2, 1]])] == [
        (1, False),
        (0, True),
        (2, True),
    ]
    for bad in (losses[:2], np.array([[1.0], [np.nan], [2.0]])):
        with pytest.raises(BadInput):
            step_rules.best(bad)
    assert step_rules.grid(-1, 2) == (0.5, 1.0, 2.0, 4.0)


def test_multipliers_of_one_x_make_steps_of_the_same_length() -> None:
    """The root mean square step at a gradient of norm 3, sqrt(A) G/(k0 + k1 G), is what the grid says."""
    x, growth, line = 0.5, PROBLEM.growth(0.25), (2.0, 1.0)
    settings = [step(rule, step_rules.multiplier(rule, x, growth), growth, line) for rule in RULES]
    lengths = [math.sqrt(growth) * 3 / (k0 + 3 * k1) for k0, k1 in settings]
    np.testing.assert_allclose(lengths, x * np.array([3.0, 1.0, 3.0 / 5.0]), rtol=1e-12)


def test_lengths_are_matched_and_the_match_is_measured() -> None:
    assert step_rules.matched([1.0, 2.0, 4.0], [10.0, 20.0, 44.0], 22.0) == pytest.approx(2.2)
    assert step_rules.matched([1.0, 2.0], [10.0, 20.0], 1.0) == pytest.approx(0.1)
    for lengths, target in (([10.0, np.inf], 1.0), ([10.0, 20.0], 0.0), ([0.0, 1.0], 1.0)):
        with pytest.raises(BadInput):
            step_rules.matched([1.0, 2.0], lengths, target)
    rng = np.random.default_rng(4)
    first, second = 5 + 0.1 * rng.standard_normal((2, 30))
    found, why = claims.equal_lengths(first, second)
    assert why == "" and found.lower < 1 < found.upper
    for pair in ((1.2 * first, second), (0.8 * first, second)):
        assert claims.equal_lengths(*pair)[1] == "lengths differ"
