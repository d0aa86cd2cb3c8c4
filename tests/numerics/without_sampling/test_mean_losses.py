"""Mean losses without sampling: against recursions by hand in exact rationals, enumeration of all outcomes, and single times."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.expressions.gradient_form import DenseCov
from sdescent.derive.methods.compressors import Bernoulli, RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import Cosh, Quadratic
from sdescent.derive.methods.noise import Affine, Cauchy, Correlated, Gaussian, NoNoise, Scaled
from sdescent.derive.methods.optimisers import HeavyBall
from sdescent.derive.methods.schedules import Power
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.tasks.data import Dataset
from sdescent.numerics.tasks.losses_over_data import least_squares
from sdescent.numerics.tasks.noise_and_curvature import covariance as covariance_at
from sdescent.numerics.without_sampling import fitted_moments
from sdescent.numerics.without_sampling.backward import model_mean, model_means
from sdescent.numerics.without_sampling.mean_losses import mean_losses
from sdescent.numerics.without_sampling.transition import lattice_means

ETA = Fraction(1, 4)
X1 = sp.Symbol("x1", real=True)
NOISE = Scaled(Gaussian(), 1)


def test_second_moments_are_those_of_the_recursion_in_exact_rationals() -> None:
    """h = 1, 2, s = 1, N = 4: V' = (1 - eta h)^2 V + eta^2/4; for the first-order SDE V = a + (V_0 - a) e^{-2 h t}."""
    times = [ETA * n for n in (0, 1, 2, 9)]
    method, loss, start = DSGD(NOISE, 4), Quadratic((1, 2)), (Fraction(2), Fraction(-1))
    means = mean_losses(method, "method", loss, start, ETA, times)
    assert means is not None and means.route == "balls"
    for t, value, error in zip(times, means.value, means.error, strict=True):
        exact = Fraction(0)
        for h, x in zip((1, 2), start, strict=True):
            square = x**2
            for _ in range(int(t / ETA)):
                square = (1 - ETA * h) ** 2 * square + ETA**2 / 4
            exact += h * square / 2
        assert abs(Fraction(value) - exact) <= Fraction(error) and error < 1e-15
    model = mean_losses(method, "first-order", loss, start, ETA, times)
    assert model is not None
    for t, value, error in zip(times, model.value, model.error, strict=True):
        parts = []
        for h, x in zip((1, 2), start, strict=True):
            rest = float(ETA) / 4 / (2 * h)
            parts.append(h / 2 * (rest + (float(x) ** 2 - rest) * math.exp(-2 * h * float(t))))
        assert abs(value - sum(parts)) <= error + 1e-15


def test_memory_is_that_of_the_recursion_of_its_three_moments_in_exact_rationals() -> None:
    """v' = v/2 - eta (h x + Z), x' = x + v', Z of variance 1/4 (four clients), in two coordinates that do not mix."""
    momentum, noise = Fraction(1, 2), ETA**2 / 4
    exact = Fraction(0)
    for h, start in ((1, Fraction(2)), (2, Fraction(-1))):
        xx, xv, vv = start**2, Fraction(0), Fraction(0)
        for _ in range(9):
            new_vv = momentum**2 * vv - 2 * momentum * ETA * h * xv + (ETA * h) ** 2 * xx + noise
            new_xv = momentum * xv - ETA * h * xx + new_vv
            xx, xv, vv = xx + 2 * (momentum * xv - ETA * h * xx) + new_vv, new_xv, new_vv
        exact += h * xx / 2
    heavy = HeavyBall(beta=momentum, regime="fixed", noise=NOISE, clients=4)
    start = (Fraction(2), Fraction(-1))
    means = mean_losses(heavy, "method", Quadratic((1, 2)), start, ETA, [Fraction(0), 9 * ETA])
    assert means is not None and means.value[0] == 3
    assert abs(Fraction(means.value[1]) - exact) <= Fraction(means.error[1]) and means.error[1] < 1e-13
    mixing = HeavyBall(
        beta=momentum, regime="fixed", noise=Affine(1, 1), clients=4
    )  # the variance contains the norm of g
    assert mean_losses(mixing, "method", Quadratic((1, 2)), start, ETA, [ETA]) is None
    assert mean_losses(mixing, "method", Quadratic((1,)), start[:1], ETA, [ETA]) is not None


def test_a_sparsifier_and_growing_noise_close_too() -> None:
    """Bernoulli(1/2), one client, no noise: E C(g)^2 = 2 g^2, so V' = V - 2 eta V + 2 eta^2 V."""
    means = mean_losses(
        DCSGD(Bernoulli(sp.Rational(1, 2)), NoNoise(), 1), "method", Quadratic((1,)), (Fraction(1),), ETA, [ETA * 3]
    )
    assert means is not None and means.value[0] == pytest.approx(0.5 * (1 - 2 * 0.25 + 2 / 16) ** 3, rel=1e-14)


@pytest.mark.parametrize(
    ("method", "loss"),
    [
        (DSGD(NOISE, 4), Cosh()), (DSGD(NOISE, 4, Power(1)), Quadratic((1,))), (DSGD(Scaled(Cauchy(), 1), 4), Quadratic((1,))),
    ],
    ids=["not quadratic", "follows time", "no moments"],
)  # fmt: skip
def test_nothing_is_said_where_moments_do_not_close(method: DSGD, loss: Quadratic) -> None:
    assert mean_losses(method, "method", loss, (Fraction(1),), ETA, [ETA]) is None


def test_signs_on_a_lattice_are_all_outcomes() -> None:
    """Three steps of two clients, whose signs are + with probability 1/2 + atan(x)/pi, enumerated."""
    law = lambda x: 0.5 + math.atan(x) / math.pi  # noqa: E731
    states = {1.0: 1.0}
    for _ in range(3):
        after: dict[float, float] = {}
        for x, chance in states.items():
            for signs in itertools.product((1, -1), repeat=2):
                step = x - 0.25 * sum(signs) / 2
                weight = chance * math.prod(law(x) if s > 0 else 1 - law(x) for s in signs)
                after[step] = after.get(step, 0.0) + weight
        states = after
    exact = sum(chance * x**2 / 2 for x, chance in states.items())
    method = DSignSGD(Scaled(Cauchy(), 1), 2)
    (value,) = lattice_means(method, Quadratic((1,)), 1.0, [0.75], X1**2 / 2, {"eta": 0.25})
    assert value.value == pytest.approx(exact, abs=1e-14) and value.error < 1e-13
    means = mean_losses(method, "method", Quadratic((1, 1)), (Fraction(1), Fraction(-1)), ETA, [Fraction(0), 3 * ETA])
    assert means is not None and means.value == pytest.approx((1.0, 2 * exact), abs=1e-13) and means.route == "line"
    with pytest.raises(NoClosedForm):
        lattice_means(DSGD(NOISE, 2), Quadratic((1,)), 1.0, [0.75], X1, {"eta": 0.25})
    with pytest.raises(BadInput, match="multiple"):
        lattice_means(method, Quadratic((1,)), 1.0, [0.3], X1, {"eta": 0.25})


@pytest.mark.slow
def test_one_solution_gives_the_means_at_all_times() -> None:
    equation = sde(DSignSGD(Scaled(Cauchy(), 1), 2), "corrected", Quadratic((1,)), 1)
    times = [0.25, 1.0, 2.5]
    for value, t in zip(model_means(equation, 1.0, times, X1**2, {"eta": 0.25}), times, strict=True):
        single = model_mean(equation, 1.0, t, X1**2, {"eta": 0.25})
        assert abs(value.value - single.value) <= value.error + single.error and value.error < 1e-8


DATA = Dataset(np.array([[1.0, 0.5], [-0.3, 2.0], [0.7, -1.1]]), np.array([1.0, -2.0, 0.4]), "three points")


@pytest.mark.parametrize("keep", [pytest.param(2, marks=pytest.mark.slow), 1], ids=["all coordinates", "one of two"])
def test_mini_batches_of_least_squares_are_all_outcomes(keep: int) -> None:
    """Two steps of one client with one sample (and one mask) each: all outcomes against the moments of the engine's terms."""
    problem = least_squares(DATA)
    start, eta = np.array([1.0, -0.5]), 0.1
    value = lambda x: np.array([float(problem.loss(column)) for column in x.T])  # noqa: E731
    points = [start]
    for _ in range(2):
        after = []
        for x, n in itertools.product(points, range(3)):
            gradient = DATA.features[n] * (DATA.features[n] @ x - DATA.labels[n])
            masks = [np.ones(2)] if keep == 2 else [np.array([2.0, 0.0]), np.array([0.0, 2.0])]
            after += [x - eta * mask * gradient for mask in masks]
        points = after
    covariance = np.array([[1.0, 0.2], [0.2, 2.0]])  # of the terms; it does not matter
    noise = Correlated(Gaussian(), DenseCov("Sigma"))
    method = DSGD(noise, 1) if keep == 2 else DCSGD(RandK(1), noise, 1)
    equation = sde(method, "first-order", None, 2)
    terms = fitted_moments.coefficients(equation, Landscape(problem.loss), {"eta": eta, "Sigma": covariance})
    real = fitted_moments.with_noise(terms, eta, covariance, lambda x: covariance_at(problem, x, 1))
    means, errors = fitted_moments.mean_values(real, value, start, [0.0, eta, 2 * eta], eta, True)
    assert means[2] == pytest.approx(np.mean(value(np.array(points).T)), abs=1e-11) and errors.max() < 1e-10
    assert fitted_moments.mean_values(terms, value, start, [2 * eta], eta, True)[0][0] != pytest.approx(
        means[2], rel=1e-3
    )


def test_a_loss_that_is_not_quadratic_is_refused() -> None:
    terms = fitted_moments.coefficients(
        sde(DSGD(NOISE, 1), "first-order", None, 1), Landscape(lambda x: (x**4).sum()), {"eta": 0.1}
    )
    for value in (
        lambda x: x[0] ** 4,
        lambda x: x[0] ** 2,
    ):  # the loss itself, and a quadratic value under a cubic drift
        with pytest.raises(NoClosedForm):
            fitted_moments.mean_values(terms, value, np.ones(1), [0.1], 0.1, True)
