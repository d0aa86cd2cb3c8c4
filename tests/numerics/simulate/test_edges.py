"""Numbers at the edge: every result of a run is finite, a counted blow-up with its time, or an error that names the step."""

import math
from typing import Any

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.reading.problems import problem
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.lowering.rows import norm
from sdescent.numerics.simulate.blow_up import NotANumber, as_saved, with_infinite
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.settings import BOUND, save_grid
from sdescent.numerics.simulate.starting_points import paths_from
from tests.numerics.refusals import refused


def accounted(found: Ensemble) -> None:
    """Every value before a path's blow-up is a number, none after it is, and the time of it is one of the run."""
    assert np.all(np.isfinite(found.times)) and not np.isnan(found.blow_up).any()
    when = found.blow_up[np.isfinite(found.blow_up)]
    assert np.all((when >= 0) & (when <= found.settings["end"] * (1 + 1e-9)))
    gone = found.blow_up <= found.times[:, None] * (1 + 1e-12)
    for name, value in found.values.items():
        assert np.array_equal(np.isfinite(value), ~gone), name
        assert np.all(np.isnan(value[gone])), name
    assert np.all(np.abs(found.final) <= BOUND * (1 + 1e-6))


def made(**fields: Any) -> Any:
    return problem({"method": "dsgd", "noise": "gaussian:sigma=s", "clients": 1, "dim": 1, **fields})


def ran(asked: Any, x0: float, steps: float, save: int, dtype: Any = "float64", **params: float) -> Ensemble:
    """Three paths of a problem, with eta = 0.1 and s = 1 unless other numbers are given."""
    numbers = {"eta": 0.1, "s": 1.0} | params
    horizon = steps * numbers["eta"]
    return run(asked.method, [x0], horizon, 3, params=numbers, loss=asked.loss, save=save, dtype=dtype)


@pytest.mark.slow
def test_a_path_inside_whose_loss_is_infinite_has_blown_up_at_that_time() -> None:
    """A gradient that is clipped, or a step that is small, does not carry it out of the bound."""
    asked = made(method="dcsgd", compressor="clip:c=1", loss="cosh")
    ensemble = ran(asked, 89.5, 2, 3, "float32", s=0.0)
    accounted(ensemble)
    assert ensemble.blow_up.tolist() == [0.0] * 3 and ensemble.blow_ups.tolist() == [3, 3, 3]
    below = ran(asked, 69.5, 2, 3, "float32", s=0.0)
    accounted(below)
    assert below.blow_ups[-1] == 0


def test_a_loss_without_a_value_inside_is_no_blow_up() -> None:
    """At the last saved point, after which no step notices it; and it says which step."""
    times, values = np.array([0.0, 0.5, 1.0]), {"loss": np.array([[1.0, 1.0], [1.0, 1.0], [1.0, math.nan]])}
    values["gradient_norm"] = np.ones((3, 2))
    with pytest.raises(NotANumber) as caught:
        with_infinite(values, times, np.full(2, np.inf), np.array([4, 7]), 0.25)
    assert (caught.value.path, caught.value.step, caught.value.time) == (7, 4, 1.0)
    values["gradient_norm"][1, 1] = math.inf  # what is infinite first makes it a blow-up
    when = with_infinite(values, times, np.full(2, np.inf), np.array([4, 7]), 0.25)
    assert when.tolist() == [math.inf, 0.5] and np.isnan(values["loss"][:, 1]).tolist() == [False, True, True]


def test_a_path_that_only_one_of_two_programs_lost_stopped_where_it_has_no_value() -> None:
    values = {"loss": np.array([[1.0, 1.0, 1.0], [1.0, math.nan, 1.0], [1.0, math.nan, 1.0]])}
    left = np.array([np.inf, 0.1], np.float32)
    assert as_saved(left, np.array([0.0, 0.1, 0.2]), values, np.array([1, 2])).tolist() == [0.1, 0.1]


@pytest.mark.parametrize("number", [1e-300, 1e300])
@pytest.mark.parametrize("name", ["eta", "s"])
def test_a_number_that_single_precision_loses_is_refused(name: str, number: float) -> None:
    asked = made(loss="quadratic:h=1")
    params = {"eta": 0.1, "s": 1.0, name: number}
    with pytest.raises(BadInput, match=f"^parameter {name}: .*float32"):
        ran(asked, 1.0, 2, 2, "float32", **params)
    with refused(f"parameter {name}"):
        equation = sd.sde(asked.method, "first-order", asked.loss, 1)
        solve(equation, [1.0], T=2 * params["eta"], paths=3, params=params, save=2, dtype="float32")


def test_a_start_that_single_precision_does_not_hold_is_refused() -> None:
    with refused("x0"):
        ran(made(loss="quadratic:h=1"), 1e300, 1, 2, "float32")


@pytest.mark.slow
def test_a_time_of_single_precision_is_compared_as_the_saved_one() -> None:
    """0.1 in single precision is above 0.1, so that a blow-up at a saved time was counted at the next one."""
    found = ran(made(loss="quartic"), 1e6, 3, 4, "float32")
    accounted(found)
    assert found.blow_up.tolist() == [0.1] * 3 and found.blow_ups.tolist() == [0, 3, 3, 3]


@pytest.mark.slow
def test_the_error_of_an_integral_that_is_infinite_at_the_start_is_not_known() -> None:
    """It was not a number, with which a summary in JSON could not be written, or that of a square that overflows, near 0."""
    asked = made(method="dcsgd", compressor="fixed-grid:step=c", noise="laplace:sigma=s", loss="quadratic:h=1")
    equation = sd.sde(asked.method, "first-order", asked.loss, 1)
    shared: dict[str, Any] = {"T": 0.2, "dt": 0.1, "paths": 3, "save": 2}
    for s, bounded in ((1.0, True), (1e150, True), (1e200, False)):
        ensemble = solve(equation, [1.0], params={"eta": 0.1, "c": 1.0, "s": s}, **shared)
        accounted(ensemble)
        error = ensemble.settings["doubling_error"]
        assert (error is not None and 0 < error < 10) if bounded else error is None


def test_a_norm_is_finite_where_it_can_be() -> None:
    x = jnp.array([[3e200, 3.0, 0.0, np.inf, 3e-200], [4e200, 4.0, 0.0, 1.0, 4e-200]])
    assert np.asarray(norm(x))[:4] == pytest.approx([5e200, 5.0, 0.0, np.inf], rel=1e-15)


def test_the_norm_of_a_rule_is_finite_where_it_can_be() -> None:
    """Normalised SGD moves by eta along the gradient (1e21, 1e21) of the quartic, whose square single precision does not hold."""
    method = sd.methods.NormalisedSGD(clients=1)
    ensemble = run(method, [1e7, 1e7], 1e6, 3, 0, {"eta": 1e6}, sd.losses.Quartic(), 2, dtype="float32")
    assert ensemble.final == pytest.approx(np.full((2, 3), 1e7 - 1e6 / math.sqrt(2)), rel=1e-6)


@pytest.mark.parametrize(("horizon", "eta", "steps"), [(1.7, 0.3, 5), (0.3, 0.1, 3), (1.0, 0.1, 10), (0.99, 0.1, 9)])
def test_the_last_step_is_the_largest_within_the_horizon(horizon: float, eta: float, steps: int) -> None:
    assert save_grid(horizon, eta, 2).tolist() == [0, steps]


def test_paths_are_numbered_below_2_to_the_31() -> None:
    assert paths_from([0.0], 5, first=2**31 - 5).first == 2**31 - 5
    with refused("first"):
        paths_from([0.0], 5, first=2**31 - 4)
    with refused("paths"):
        paths_from([0.0], 2**31)
