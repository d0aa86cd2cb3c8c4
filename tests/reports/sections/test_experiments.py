"""The experiments: the network's gradient, many settings in one run, criteria that planted runs flip, and the section itself."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import derive
from derive.vocabulary.errors import BadInput
from numerics import run
from numerics.backend.double import jax, jnp
from numerics.lowering.landscape import Landscape
from numerics.statistics.estimates import ranks
from numerics.tasks import criteria as claims
from numerics.tasks import load_digits, tuning
from numerics.tasks.curvature import lowest_line, measure_curvature
from numerics.tasks.network import Network, digits_network
from numerics.tasks.step_rules import CONSTANT, NORMALISED, RULES, THEORY, RaceProblem, SmoothnessLine, race, step
from reports.assembly.report import build_report
from reports.document.tex import TEMPLATES
from reports.sections.base import Inputs
from reports.sections.experiments import section as experiments
from reports.sections.experiments.findings import quotient
from reports.sections.experiments.study import ModelRun
from reports.store.cache import ResultsCache

H = np.array([1.0, 2.0, 0.5])


def quadratic(x: Any) -> Any:
    return 0.5 * jnp.sum(jnp.asarray(H)[:, None] * x**2, axis=0)


PROBLEM = RaceProblem("quadratic", Landscape(quadratic), np.array([1.0, -1.0, 2.0]), 3, 0.4, "float64")


# --- the data and the network ---------------------------------------------------------------------------------------


def test_digits_are_scaled_and_complete() -> None:
    data = load_digits()
    assert data.features.shape == (1797, 64) and data.features.min() == 0 and data.features.max() == 1
    assert sorted(set(data.labels)) == list(range(10))
    # pixels in the middle are inked more often than those at the left edge: the columns are in reading order
    assert data.features[:, 27].mean() > 0.4 > 0.05 > data.features[:, 0].mean()
    few = load_digits(100)
    np.testing.assert_array_equal(few.features, data.features[:100])
    for bad in (0, 1798, True, 2.5):
        with pytest.raises(BadInput):
            load_digits(bad)  # pyright: ignore[reportArgumentType]


def independent(network: Network, x: Any) -> Any:
    """The loss sample by sample, with the parameters taken apart in another way."""
    h, p, c = network.hidden, network.features.shape[1], network.classes
    w, rest = x[: h * p].reshape(h, p), x[h * p :]
    b, v, out = rest[:h], rest[h : h + c * h].reshape(c, h), rest[h + c * h :]

    def one(a: Any, y: Any) -> Any:
        return -jax.nn.log_softmax(v @ jnp.tanh(w @ a + b) + out)[y]

    losses = jax.vmap(one)(jnp.asarray(network.features), jnp.asarray(network.labels, int))
    return jnp.mean(losses) + network.l2 / 2 * jnp.sum(x**2)


@pytest.mark.parametrize("samples", [60, 601])  # one block of samples; three, the last of them not full
def test_the_networks_gradient_is_that_of_the_formula_and_of_differences(samples: int) -> None:
    data = load_digits(samples)
    network = Network(data.features, data.labels, 5, l2=0.1)
    assert network.dim == 5 * 65 + 10 * 6 and digits_network(100)[0].dim == 2410
    land = network.landscape()
    rng = np.random.default_rng(1)
    x = jnp.asarray(np.stack([network.start(3), rng.standard_normal(network.dim)], axis=1))
    v, e = jnp.asarray(rng.standard_normal(x.shape)), 1e-5
    value, gradient = jax.jit(land.value), jax.jit(land.gradient)
    formula = jax.jit(jax.vmap(jax.value_and_grad(lambda y: independent(network, y)), in_axes=1, out_axes=(0, 1)))
    own_value, own_gradient = formula(x)
    np.testing.assert_allclose(value(x), own_value, rtol=1e-12)
    np.testing.assert_allclose(gradient(x), own_gradient, rtol=1e-9, atol=1e-13)
    slope = (value(x + e * v) - value(x - e * v)) / (2 * e)
    np.testing.assert_allclose(slope, jnp.sum(gradient(x) * v, axis=0), rtol=1e-6)
    bend = (gradient(x + e * v) - gradient(x - e * v)) / (2 * e)
    product = jax.jit(land.hessian_product)(x, v)
    np.testing.assert_allclose(product, bend, atol=1e-7 * float(jnp.max(jnp.abs(bend))))
    wrong = jnp.roll(x, 1, axis=0)  # the parameters in other places are another function
    assert not np.allclose(value(wrong), own_value, rtol=1e-3)


@pytest.mark.parametrize(
    ("labels", "hidden"), [([0, 1, 3], 2), ([-1, 1, 1], 2), ([0, 0, 0], 2), ([0, 1, 1], 0), ([0, 1, 1], True)]
)
def test_a_network_needs_classes_and_units(labels: list[int], hidden: int) -> None:
    with pytest.raises(BadInput):
        Network(np.zeros((3, 2)), np.array(labels), hidden)


# --- many settings in one run ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_setting_among_others_is_the_run_of_it_alone() -> None:
    """Each path, whatever is beside it, in whatever chunk, is the run with its own numbers as parameters."""
    ps, k0, k1 = (np.array(v) for v in ([0.3, 0.9, 0.5, 1.0], [1.0, 2.0, 0.0, 0.5], [0.0, 0.5, 3.0, 0.0]))
    given: dict[str, Any] = {"key": 7, "loss": PROBLEM.land, "save": 6, "travelled": True}
    params = {"eta": 1.0, "sigma1": 0.4}
    varied = {"p": np.tile(ps, 40), "k0": np.tile(k0, 40), "k1": np.tile(k1, 40)}
    whole = run(PROBLEM.compressed, PROBLEM.start, 20, paths=160, params=params, varied=varied, **given)
    part = run(PROBLEM.compressed, PROBLEM.start, 20, paths=160, params=params, varied=varied, chunk=128, **given)
    own = {name: v[130:150] for name, v in varied.items()}
    late = run(PROBLEM.compressed, PROBLEM.start, 20, paths=20, first=130, params=params, varied=own, **given)
    for name in ("loss", "length", "gradient_norm"):
        np.testing.assert_array_equal(whole.values[name], part.values[name])
        np.testing.assert_array_equal(whole.values[name][:, 130:150], late.values[name])
        for n in (0, 2):
            numbers = {"p": ps[n], "k0": k0[n], "k1": k1[n]}
            alone = run(PROBLEM.compressed, PROBLEM.start, 20, paths=160, params=params | numbers, **given)
            np.testing.assert_allclose(whole.values[name][:, n::4], alone.values[name][:, n::4], rtol=1e-9, atol=1e-12)
    assert not np.allclose(whole.values["loss"][-1, 0::4], whole.values["loss"][-1, 1::4])


@pytest.mark.parametrize(
    ("varied", "field"),
    [
        ({"k0": np.ones(3)}, "varied k0"),
        ({"k0": np.array([1.0, np.nan])}, "varied k0"),
        ({"sigma1": np.ones(2)}, "varied sigma1"),
        ({"eta": np.ones(2)}, "varied eta"),
        ({"other": np.ones(2)}, "parameter other"),
        ({"p": np.array([0.5, 1.5])}, "bernoulli:p"),
    ],
)
def test_values_of_paths_are_checked_as_others_are(varied: dict[str, Any], field: str) -> None:
    params = {"eta": 1.0, "sigma1": 0.4, "k0": 1.0, "k1": 1.0, "p": 0.5}
    params = {k: v for k, v in params.items() if k not in varied or k in ("sigma1", "eta")}
    with pytest.raises(BadInput) as caught:
        run(PROBLEM.compressed, PROBLEM.start, 4, paths=2, params=params, loss=PROBLEM.land, varied=varied)
    assert caught.value.field == field


def test_a_path_that_leaves_does_so_by_its_own_numbers() -> None:
    params = {"eta": 1.0, "sigma1": 0.1, "p": 1.0, "k1": 0.0}
    k0 = np.array([1.0, 0.05] * 5)  # step sizes 1 and 20, of which the second is beyond 2/L
    found = run(
        PROBLEM.compressed, PROBLEM.start, 30, paths=10, params=params, loss=PROBLEM.land, varied={"k0": k0}, travelled=True
    )
    assert np.isfinite(found.blow_up).tolist() == [False, True] * 5
    assert np.all(np.isnan(found.values["length"][-1]) == np.isfinite(found.blow_up))


@pytest.mark.slow
def test_the_length_of_the_way_is_the_sum_of_the_steps() -> None:
    names = {f"x{n}": (lambda x, n=n: x[n]) for n in range(3)}
    found = run(
        PROBLEM.compressed, PROBLEM.start, 12, paths=5, params={"eta": 1.0, "sigma1": 0.4, "p": 0.5, "k0": 2.0, "k1": 1.0},
        loss=PROBLEM.land, save=13, statistics=names, travelled=True,
    )  # fmt: skip
    x = np.stack([found.values[name] for name in names])
    steps = np.sqrt(np.sum(np.diff(x, axis=1) ** 2, axis=0))
    np.testing.assert_allclose(found.values["length"], np.vstack([np.zeros(5), np.cumsum(steps, axis=0)]), rtol=1e-12)


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


def test_step_rules_are_one_family() -> None:
    line, growth, size = SmoothnessLine(2.0, 3.0), 5.0, 0.7
    for rule, wanted in ((CONSTANT, 4.0), (NORMALISED, 4.0 / size), (THEORY, 4.0 / (growth * (2 + 3 * size)))):
        k0, k1 = step(rule, 4.0, growth, line)
        assert 1 / (k0 + k1 * size) == pytest.approx(wanted, rel=1e-14)
    for rule, m in (("other", 1.0), (CONSTANT, 0.0)):
        with pytest.raises(BadInput):
            step(rule, m, growth, line)
    for bad in ({"k0": 0, "k1": 0}, {"k0": -1}):
        with pytest.raises(BadInput):
            derive.Normalised(**bad)
    assert str(derive.Normalised(1, 2).factor) == "1/(2*sqrt(CoordSum(g_k**2)) + 1)"


def test_races_repeat_and_settings_keep_their_places() -> None:
    settings = [{"p": 1.0, "k0": k, "k1": 0.0} for k in (2.0, 20.0)]
    first, again = (race(PROBLEM, PROBLEM.compressed, settings, 8, 2, 10, 5) for _ in range(2))
    for field in ("loss", "length", "gradient_norm", "blown"):
        np.testing.assert_array_equal(getattr(first, field), getattr(again, field))
    assert first.steps.tolist() == [0, 4, 8] and first.loss.shape == (3, 2, 10)
    assert np.all(first.loss[-1, 0] < first.loss[-1, 1])  # the longer step is ahead on this quadratic
    assert not np.array_equal(first.loss, race(PROBLEM, PROBLEM.compressed, settings, 8, 2, 10, 6).loss)
    with pytest.raises(BadInput):
        race(PROBLEM, PROBLEM.compressed, settings, 9, 2, 10, 5)


def test_signs_step_by_the_schedule() -> None:
    """Far from the minimum with hardly any noise, N equal signs: the first coordinate goes by c (n + 1)^-q exactly."""
    far = dataclasses.replace(PROBLEM, start=np.full(3, 1000.0))
    found = race(far, far.signs, [{"c": 0.5, "q": 0.0, "sigma": 1e-9}, {"c": 2.0, "q": 0.5, "sigma": 1e-9}], 4, 2, 10, 1)
    way = [0.5 * 4, sum(2 / math.sqrt(n + 1) for n in range(4))]
    np.testing.assert_allclose(found.length[-1], np.sqrt(3) * np.array(way)[:, None] * np.ones((2, 10)), rtol=1e-9)


# --- measured constants ---------------------------------------------------------------------------------------------


def test_curvature_is_the_norm_of_the_hessian_also_where_it_is_negative() -> None:
    saddle = Landscape(lambda x: 1.5 * x[0] ** 2 - 2 * x[1] ** 2 + 0.1 * x[2] ** 2)
    found = measure_curvature(saddle, np.array([1.0, 0.0, 1.0]), (0.1, 0.2), 4, 3, iterations=60)
    np.testing.assert_allclose(found.curvature, 4.0, rtol=1e-6)
    np.testing.assert_allclose(found.gradient_norm[0], math.hypot(3, 0.2), rtol=1e-12)
    np.testing.assert_allclose(found.gradient_norm[4], math.hypot(3 * 0.7**4, 0.2 * 0.98**4), rtol=1e-12)
    equal = Landscape(lambda x: x[0] ** 2 - x[1] ** 2)  # both ends of the spectrum have one size
    np.testing.assert_allclose(measure_curvature(equal, np.array([1.0, 1.0]), (0.1,), 2, 2).curvature, 2.0, rtol=1e-12)
    short = measure_curvature(saddle, np.array([1.0, 0.0, 1.0]), (0.1,), 4, 2, iterations=2)
    assert short.change > 0.01 > found.change  # what has not converged says so


def test_the_line_is_above_all_points_and_the_lowest() -> None:
    rng = np.random.default_rng(2)
    g, lam = rng.exponential(size=40), rng.exponential(size=40)
    line = lowest_line(g, lam)
    assert np.all(line.l0 + line.l1 * g >= lam * (1 - 1e-12)) and min(line.l0, line.l1) >= 0
    # the optimum of a linear programme in two variables is at a vertex: all pairs of constraints
    lines = [(0.0, np.max(lam / g)), (np.max(lam), 0.0)]
    for i in range(40):
        for j in range(i):
            l1 = (lam[i] - lam[j]) / (g[i] - g[j])
            lines.append((lam[i] - l1 * g[i], l1))
    sums = [l0 + l1 * g.mean() for l0, l1 in lines if min(l0, l1) >= 0 and np.all(l0 + l1 * g >= lam * (1 - 1e-12))]
    assert line.l0 + line.l1 * g.mean() == pytest.approx(min(sums), rel=1e-9)
    exact = lowest_line(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 4.0]))
    assert (exact.l0, exact.l1) == (pytest.approx(1.0), pytest.approx(2.0))
    with pytest.raises(BadInput):
        lowest_line(np.array([1.0]), np.array([np.nan]))


# --- tuning ---------------------------------------------------------------------------------------------------------


def test_the_best_is_the_smallest_median_and_an_edge_says_so() -> None:
    losses = np.array([[3.0, 3, 3], [1, 2, 9], [5, 5, 5], [9, 9, np.inf]])
    assert tuning.best(losses) == tuning.Best(1, False)
    assert tuning.best(losses[1:]) == tuning.Best(0, True) and tuning.best(losses[[3, 2, 1]]) == tuning.Best(2, True)
    for bad in (losses[:2], np.array([[1.0], [np.nan], [2.0]])):
        with pytest.raises(BadInput):
            tuning.best(bad)
    assert tuning.grid(-1, 2) == (0.5, 1.0, 2.0, 4.0)


@pytest.mark.slow
def test_multipliers_of_one_x_make_steps_of_the_same_length() -> None:
    """On a linear loss the gradient is constant: the root mean square step of each rule is what the grid says; z below 5."""
    slope = np.array([1.0, 2.0, -2.0])  # of norm 3
    linear = dataclasses.replace(PROBLEM, land=Landscape(lambda x: jnp.asarray(slope) @ x))
    p, x, line = 0.25, 0.5, SmoothnessLine(2.0, 1.0)
    growth = linear.growth(p)
    settings = []
    for rule in RULES:
        k0, k1 = step(rule, tuning.multiplier(rule, x, growth), growth, line)
        settings.append({"p": p, "k0": k0, "k1": k1})
    found = run(
        linear.compressed, linear.start, 1, paths=30000, key=1, save=2, loss=linear.land, travelled=True,
        params={"eta": 1.0, "sigma1": 0.4}, varied={k: np.repeat([s[k] for s in settings], 10000) for k in settings[0]},
    )  # fmt: skip
    squares = found.values["length"][-1].reshape(3, 10000) ** 2
    error = np.std(squares, axis=1) / 100
    assert np.all(np.abs(squares.mean(axis=1) - (x * np.array([3.0, 1.0, 3.0 / 5.0])) ** 2) < 5 * error)


def test_lengths_are_matched_and_the_match_is_measured() -> None:
    assert tuning.matched([1.0, 2.0, 4.0], [10.0, 20.0, 44.0], 22.0) == pytest.approx(2.2)
    assert tuning.matched([1.0, 2.0], [10.0, 20.0], 1.0) == pytest.approx(0.1)
    for lengths, target in (([10.0, np.inf], 1.0), ([10.0, 20.0], 0.0), ([0.0, 1.0], 1.0)):
        with pytest.raises(BadInput):
            tuning.matched([1.0, 2.0], lengths, target)
    rng = np.random.default_rng(4)
    first, second = 5 + 0.1 * rng.standard_normal((2, 30))
    found, why = claims.equal_lengths(first, second)
    assert why == "" and found.lower < 1 < found.upper
    assert claims.equal_lengths(1.2 * first, second)[1] == claims.equal_lengths(0.8 * first, second)[1] == "lengths differ"
    wild = 5 + 3 * rng.standard_normal((2, 12))
    assert claims.equal_lengths(np.abs(wild[0]), np.abs(wild[1]))[1] == "lengths differ"  # not known to be equal


# --- criteria: planted runs flip each -------------------------------------------------------------------------------

TIMES = np.linspace(0, 1, 5)


def falling(last: float, seed: int = 0, start: float = 1.0) -> np.ndarray:
    """Losses (5, 14) from `start` to about `last`."""
    spread = np.random.default_rng(seed).uniform(0.98, 1.02, 14)
    return start * (last / start) ** TIMES[:, None] * spread


def flat(level: float, seed: int = 0) -> np.ndarray:
    """A loss that drops from 1 and then stays where it is."""
    losses = level * np.random.default_rng(seed).uniform(0.98, 1.02, (5, 14))
    losses[0] = 1.0
    return losses


def test_divergence_with_compression_is_seen_and_not_seen() -> None:
    assert claims.diverges([falling(0.1), falling(0.5), falling(3.0)], 1.0).each == ("falls", "falls", "grows")
    assert claims.diverges([falling(0.1), falling(0.5), falling(3.0)], 1.0).verdict == "SEEN"
    assert claims.diverges([falling(0.1), falling(0.5), falling(0.9)], 1.0).verdict == "NOT SEEN"
    assert claims.diverges([falling(2.0), falling(3.0)], 1.0).reason == "grows first, grows last"
    mixed = falling(1.0)
    mixed[-1, :7], mixed[-1, 7:] = 0.5, 2.0  # half of the seeds this way, half that way
    assert claims.diverges([falling(0.1), mixed], 1.0).each[1] == "open"


def test_falling_needs_an_end_below_the_start_and_below_half_way() -> None:
    assert claims.falls([falling(0.1), falling(0.9)], 1.0).verdict == "SEEN"
    assert claims.falls([falling(0.1), flat(0.5)], 1.0).verdict == "NOT SEEN"  # stalls
    assert claims.falls([falling(0.1), falling(1.2)], 1.0).verdict == "NOT SEEN"  # grows
    done = np.full((5, 14), 1e-14)
    done[0] = 1.0
    assert claims.falls([done], 1.0).verdict == "SEEN"  # rounding falls no further
    assert claims.falls([1e4 * done], 1.0).verdict == "NOT SEEN"
    back = falling(4.0)[::-1] / 2  # falls all the time, but ends above what is called the start
    assert claims.falls([back], float(back[-1].min()) / 2).verdict == "NOT SEEN"


def test_worse_is_about_the_last_setting_and_a_fair_comparison() -> None:
    low, high = falling(0.1)[-1], falling(0.2, seed=1)[-1]
    seen = claims.worse([low, high], [high, low])
    assert seen.verdict == "SEEN" and seen.each == ("better", "worse")
    assert claims.worse([high, low], [low, high]).reason == "better"
    level = claims.worse([low], [falling(0.1, seed=2)[-1]])
    assert level.verdict == "NOT SEEN" and level.reason == "no difference"
    assert claims.worse([low, high], [high, low], ["", "lengths differ"]).reason == "lengths differ"
    assert claims.worse([low, high], [high, low], ["lengths differ", ""]).verdict == "SEEN"


def test_stalling_is_stable_and_level() -> None:
    assert claims.stalls([flat(0.3), flat(0.5)], [0, 0], 1.0).verdict == "SEEN"
    assert claims.stalls([flat(0.3), falling(0.1)], [0, 0], 1.0).reason == "still falls"
    assert claims.stalls([flat(0.3), flat(0.5)], [0, 1], 1.0).reason == "unstable"
    assert claims.stalls([flat(1.5)], [0], 1.0).each == ("unstable",)
    slow = flat(0.5)
    slow[-1] *= np.where(np.arange(14) < 7, 0.8, 1.0)
    assert claims.stalls([slow], [0], 1.0).each == ("open",)


def test_a_model_follows_within_a_tenth_everywhere() -> None:
    rng = np.random.default_rng(5)
    method = np.array([[1.0], [0.5]]) * rng.uniform(0.9, 1.1, (2, 2000))
    model = np.array([[1.0], [0.5]]) * rng.uniform(0.9, 1.1, (2, 2000))
    assert claims.follows(method, 1.03 * model, 0.0, 10.0).verdict == "SEEN"
    assert claims.follows(method, np.array([[1.0], [1.2]]) * model, 0.0, 10.0).each == ("follows", "leaves")
    assert claims.follows(method, model, [0.0, 0.06], 10.0).verdict == "NOT SEEN"  # the solver's error counts
    assert claims.follows(method[:, :12], model[:, :12] + rng.standard_normal((2, 12)), 0.0, 10.0).verdict == "NOT SEEN"
    lost = model.copy()
    lost[1, :100] = np.nan  # blown-up paths count as the cap
    assert claims.follows(method, lost, 0.0, 10.0).each == ("follows", "leaves")
    follows, leaves = claims.follows(method, model, 0.0, 10.0), claims.follows(method, 2 * model, 0.0, 10.0)
    assert claims.both([follows, follows]).seen and not claims.both([follows, leaves]).seen


def test_blown_up_runs_are_outcomes_and_few_seeds_are_refused() -> None:
    losses = claims.capped([0.5, np.nan, np.inf, 5000.0, -1e-17], 2.0)
    assert losses.tolist() == [0.5, 2000.0, 2000.0, 2000.0, 0.0]
    for bad in (np.ones(9), np.full(10, np.nan), np.ones((2, 10))):
        with pytest.raises(BadInput):
            claims.median(bad)
    with pytest.raises(BadInput):
        claims.falls([np.ones((4, 12))], 1.0)


def test_levels_are_shared_by_the_intervals_of_a_claim() -> None:
    values = np.arange(1.0, 29.0)
    alone, one_of_ten = claims.median(values), claims.median(values, 10)
    assert one_of_ten.lower < alone.lower and alone.upper < one_of_ten.upper
    assert one_of_ten.level == pytest.approx(0.995) and one_of_ten.lower == values[ranks(28, 0.5, 0.995)[1] - 1]


def test_a_quotient_of_rounding_is_none() -> None:
    one = np.ones(3)
    assert quotient(3 * one, 2 * one, 1.0) == "1.5" and quotient(1e-20 * one, 0 * one, 1.0) == "1"
    assert quotient(one, 0 * one, 1.0) == r"{>}1.0\times10^{12}"


# --- the section ----------------------------------------------------------------------------------------------------


def tiny(equations: tuple[ModelRun, ...] = ()) -> tuple[Any, ...]:
    few = {"keeps": (1.0, 0.1), "steps": 8, "saved": 2, "sign_steps": 8, "seeds": 10, "tuned": 3, "scales": (0.1, 1.0)}
    digits, cancer = experiments.TASKS["quick"]
    return (
        dataclasses.replace(
            digits, **few, samples=40, grids=((0, 2), (0, 2), (0, 2)), descent=((0.5,), 4, 3), clients=2, constant=(0.1,)
        ),
        dataclasses.replace(
            cancer, **few, grids=((0, 2), (-4, -2), (0, 2)), descent=((0.5,), 4, 3), equations=equations
        ),
    )


def compute(folder: Path) -> tuple[dict[str, Any], ResultsCache]:
    cache = ResultsCache(folder, {})
    labels: list[str] = []
    return experiments.Experiments().compute(Inputs(True, None, cache, labels.append)), cache


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(experiments.TASKS, "quick", tiny())
        folder = tmp_path_factory.mktemp("experiments")
        return compute(folder)[0], folder


@pytest.mark.slow
def test_the_section_has_a_verdict_for_every_claim(made: tuple[dict[str, Any], Path]) -> None:
    evidence = made[0]["evidence"]
    claims_made = ["a", "b", "c-tuned", "c-equal-length", "d-constant", "d-decaying"]
    assert {f"experiment-{c}{suffix}" for c in claims_made for suffix in ("", "-breast-cancer")} < set(evidence)
    template = TEMPLATES / "parts" / "experiments.tex"
    labels = re.findall(r"\\label\{([^}]*)\}", template.read_text())
    for found in evidence.values():
        assert found["verdict"] in ("SEEN", "NOT SEEN") and found["anchor"] in labels
        assert found["says"].count("$") % 2 == 0 and re.search(r"\d", found["says"])


@pytest.mark.slow
def test_an_interrupted_section_loses_no_run_and_repeats_to_the_bit(
    made: tuple[dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(experiments.TASKS, "quick", tiny())
    again, cache = compute(made[1])
    assert cache.computed == [] and len(cache.reused) == 12
    assert again["evidence"] == made[0]["evidence"]
    next(made[1].glob("experiments-breast-cancer-runs-0-1-*.json")).unlink()
    anew, cache = compute(made[1])
    assert cache.computed == ["experiments-breast-cancer-runs-0-1"] and anew["evidence"] == again["evidence"]
    task = dataclasses.replace(tiny()[1], sigma1=0.3)  # another noise is another problem
    monkeypatch.setitem(experiments.TASKS, "quick", (task,))
    with pytest.raises(KeyboardInterrupt):
        experiments.Experiments().compute(Inputs(True, None, ResultsCache(made[1], {}), _interrupting))


def _interrupting(label: str) -> None:
    if "runs" in label:
        raise KeyboardInterrupt


@pytest.mark.slow
def test_the_part_compiles_with_all_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(experiments.TASKS, "quick", tiny((ModelRun(0.1, 1.0, 4, 20), ModelRun(0.1, 0.5, 8, 20))))
    found = build_report(None, tmp_path, True, "experiments", lambda label, fraction: None)
    if "pdf" not in found["files"]:
        pytest.skip("; ".join(found["notes"]))
    assert [note for note in found["notes"] if not note.startswith("pandoc")] == []
    text = (tmp_path / "parts" / "experiments.tex").read_text()
    assert text.count("SDE follows the method.") == 2
    for name in ("paths", "final", "tuning", "sign", "sde"):
        assert (tmp_path / "figures" / f"experiment-{name}.pdf").exists() and text.count(rf"\ref{{fig:experiment-{name}}}")
    assert text.count(r"\caption{") == text.count(r"\begin{table}") + text.count(r"\begin{figure}")
    assert not re.search(r"\d[eE][+-]?\d", text)
