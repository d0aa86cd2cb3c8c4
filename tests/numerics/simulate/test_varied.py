"""`solve` takes what `run` takes: values that differ from path to path, scales that depend on the state; nothing compiles twice."""

from typing import Any

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import SDE, sde
from sdescent.derive.expressions.coordinates import Coordinate, coord_sum, g, hvp, v
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.compressors import Biased, Identity, Natural, RandK
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Gaussian, Scaled
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import t
from sdescent.numerics.evidence.weak_order import weak_order
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.noises import noise_at
from sdescent.numerics.lowering.tape import environment
from sdescent.numerics.simulate import equation as module
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from tests.support.compilations import compilations

X0, SIGMA = [1.0, -2.0], np.repeat([0.5, 2.0], 5)
x = Coordinate("x")


def equation(compressor: Any = None, law: Any = None, model: Any = "first-order") -> SDE:
    return sde(sd.DCSGD(compressor or Identity(), law or Gaussian(), 2), model, Quadratic(1), 2)


# --- values that differ from path to path


@pytest.mark.slow
def test_each_path_of_a_solve_has_its_own_value_bitwise() -> None:
    made, more = equation(RandK(1), model="second-order"), {"params": {"eta": 0.1}, "save": 3, "nodes": 32}
    found = solve(made, X0, 1.0, 10, 4, varied={"sigma": SIGMA}, **more)
    for value in (0.5, 2.0):
        alone = solve(made, X0, 1.0, 10, 4, **{**more, "params": {"eta": 0.1, "sigma": value}})
        own = value == SIGMA
        assert np.array_equal(found.values["loss"][:, own], alone.values["loss"][:, own])
    assert not np.array_equal(found.final[:, :5], alone.final[:, :5])
    part = solve(made, X0, 1.0, 4, 4, varied={"sigma": SIGMA[3:7]}, first=3, **more)
    assert np.array_equal(part.final, found.final[:, 3:7])
    assert found.settings["varied"] == {"sigma": [0.5, 2.0]} and found.settings["params"] == {"eta": 0.1}


@pytest.mark.slow
def test_the_error_of_an_integral_is_the_largest_of_all_values() -> None:
    made, more = equation(Natural()), {"save": 2, "nodes": 32}
    both = solve(made, X0, 0.1, 10, 4, {"eta": 0.1}, varied={"sigma": SIGMA}, **more).settings["doubling_error"]
    alone = [solve(made, X0, 0.1, 10, 4, {"eta": 0.1, "sigma": s}, **more) for s in (0.5, 2.0)]
    each = [ensemble.settings["doubling_error"] for ensemble in alone]
    assert both == pytest.approx(max(each), rel=1e-9) and each[0] != each[1]


@pytest.mark.slow
def test_the_error_of_an_integral_is_that_at_these_numbers() -> None:
    """Also those of a symbol that only the moments given the message have, of a compressor of one's own."""
    q = sp.Symbol("q", positive=True)

    class Soft(Biased):
        growth = 1

        def latex(self) -> str:
            return "S"

        def conditional_moments(self, dim: sp.Expr) -> GradientForm:
            return GradientForm(v / (1 + q * sp.Abs(v)), sp.S.Zero)

    made = sde(sd.DCSGD(Soft(), Gaussian(), 2), "first-order", Quadratic(1))
    more: dict[str, Any] = {"save": 2, "nodes": 32}
    numbers = [{"eta": 0.1, "sigma": 1.0, "q": size} for size in (1.0, 50.0)]
    together = [solve(made, X0, 0.1, 10, 4, params, **more).settings["doubling_error"] for params in numbers]
    module._program.forget()
    assert solve(made, X0, 0.1, 10, 4, numbers[1], **more).settings["doubling_error"] == together[1] != together[0]


@pytest.mark.slow
def test_paths_without_noise_are_one_path_only_if_nothing_varies() -> None:
    made = sde(sd.DSGD(schedule=sd.schedules.Power("q"), clients=1), "first-order", Quadratic(1), 2)
    found = solve(made, X0, 1.0, 2, 0, {"eta": 0.1}, varied={"q": [0.25, 1.0]})
    assert np.all(found.final[:, 0] != found.final[:, 1])


@pytest.mark.parametrize(
    ("varied", "found"),
    [
        ({"sigma": np.ones(3)}, r"varied sigma: found '\(3,\)'"),
        ({"sigma": np.full(10, np.nan)}, "varied sigma"),
        ({"eta": np.ones(10)}, "varied eta"),
        ({"tau": np.ones(10)}, "parameter tau"),
        ({"sigma": -SIGMA}, "sigma"),
        ({"sigma": np.repeat([0.0, 1.0], 5)}, "varied: found 'values of which some make the noise vanish'"),
    ],
)
def test_values_that_may_not_vary_are_refused(varied: Any, found: str) -> None:
    with pytest.raises(BadInput, match=f"^{found}"):
        solve(equation(), X0, 1.0, 10, 4, {"eta": 0.1}, varied=varied)


# --- scales that depend on more than the gradient


@pytest.mark.slow
def test_the_noise_of_a_run_has_the_scale_at_the_point_and_time() -> None:
    """The same draws with a scale of 1, times the scale: on f = 3||x||^2/2 at t = 0.5."""
    points = np.array([[0.5, -1.0, 2.0], [0.0, 3.0, -0.1]])
    here = environment({}, {"x": points, "g": 3 * points}, scalars={"t": 0.5}, directional=lambda c, n: 3 * c)

    def noise(scale: object) -> np.ndarray:
        draws = Draws((np.uint32(1), np.uint32(2)), np.arange(3, dtype=np.uint32))
        return np.asarray(noise_at(Scaled(Gaussian(), scale), draws, here))

    norms = np.sqrt((points**2).sum(axis=0))
    for scale, values in (
        (1 + sp.sqrt(coord_sum(x**2)), 1 + norms), (1 / (1 + t), 1 / 1.5),
        (sp.sqrt(1 + coord_sum(hvp(g) ** 2)), np.sqrt(1 + 81 * norms**2)), (sp.sqrt(1 + g**2), np.sqrt(1 + 9 * points**2)),
    ):  # fmt: skip
        np.testing.assert_allclose(noise(scale), values * noise(1), rtol=1e-12)


@pytest.mark.slow
def test_the_second_order_model_has_weak_order_two_under_such_scales() -> None:
    """Without sampling. It missed the derivative of the mean in x and t through the scale, and had order 1."""
    method = sd.DSignSGD(Scaled(Gaussian(), 1 / (1 + t)), clients=2)
    found = weak_order(method, "second-order", Quadratic(1), 1.0, 1.0, "x1^2", [1 / 8, 1 / 16, 1 / 32])
    assert abs(found.slope.order - 2) < 0.05 and found.resolution < 1e-3


def test_a_time_inside_a_sum_over_coordinates_moves_the_mean_of_the_second_order_model() -> None:
    """Its drift is -b - (eta/2)(J_b b - db/dt), b minus the drift of the first-order model: in coordinates, by SymPy's own
    derivatives of b. It was refused."""
    scale = sp.sqrt(1 + coord_sum(x**2 / (1 + t + x**2)))
    method = sd.DSignSGD(Scaled(Gaussian(), scale))
    models: list[Any] = ["first-order", "second-order"]
    first, second = (sde(method, model, Quadratic((1, 2)), 2).coordinates() for model in models)
    b, eta = -first.drift, sp.Symbol("eta", positive=True)
    expected = -b - eta / 2 * (b.jacobian(first.state) * b - b.diff(t))
    point = dict(zip(first.state, (0.7, -1.3), strict=True)) | {t: 0.4, eta: 0.3}
    here, wanted = ([float(e.subs(point)) for e in column] for column in (second.drift, expected))
    assert here == pytest.approx(wanted, rel=1e-12)
    assert abs(float(b.diff(t)[0].subs(point))) > 1e-3


# --- compiled functions


@pytest.mark.slow
def test_another_step_size_or_number_of_clients_compiles_nothing() -> None:
    """Step sizes with even and odd numbers of steps between saved times, and few and many clients."""
    method = sd.DSignSGD(Gaussian())
    made = sde(method, "first-order", Quadratic(1))

    def both(eta: float, clients: int) -> None:
        more: dict[str, Any] = {"params": {"eta": eta, "sigma": 1.0, "N": clients}, "save": 3}
        run(method, X0, 1.0, 10, 1, loss=Quadratic(1), **more)
        solve(made, X0, 1.0, 10, 1, nodes=32, **more)

    both(0.1, 2)
    with compilations() as compiled:
        for eta, clients in ((0.05, 2), (0.1, 1), (0.25, 3), (1 / 30, 5), (0.011, 64)):
            both(eta, clients)
    assert compiled == []
