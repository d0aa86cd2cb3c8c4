"""E phi of the discrete method without sampling: against exact recursions, enumeration, Monte Carlo, and a planted error."""

import itertools
import math

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from sdescent.derive.expressions.coordinates import coord_sum, g
from sdescent.derive.methods.compressors import Bernoulli, FixedGrid, TopK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import Cosh, Quadratic, Quartic
from sdescent.derive.methods.noise import Affine, Correlated, Gaussian, Laplace, Logistic, Scaled, StudentT, Uniform
from sdescent.derive.methods.schedules import Adaptive, Power
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm
from sdescent.derive.vocabulary.symbols import t
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.without_sampling.closed_moments import discrete_moment
from sdescent.numerics.without_sampling.line import chebyshev_points, differentiation, interpolation
from sdescent.numerics.without_sampling.transition import discrete_mean
from tests.numerics.refusals import refused
from tests.support.samples import mostly_slow

x1 = sp.Symbol("x1", real=True)
QUADRATIC = [
    (DSGD(clients=2), {}),
    (DSGD(Laplace(), 3), {"sigma": 0.3}),
    (DSGD(Scaled(Uniform(), ("1/2", "1/4"))), {}),
    (DSGD(Scaled(Gaussian(), ("1/2", "1/4"))), {}),
    (DSGD(Affine(), 2), {"sigma0": 0.5, "sigma1": 0.5}),
    (DSGD(Scaled(Gaussian(), 1 / (1 + t)), 1), {}),
    (DSGD(Gaussian(), 2, Power("1/2")), {"sigma": 0.7}),
    (DCSGD(Bernoulli("1/4"), Gaussian(), 3), {"sigma": 0.5}),
    (DCSGD(Bernoulli("p"), Scaled(Laplace(), ("1/2", "1/4"))), {"p": 0.5}),
    (DCSGD(TopK(1), Gaussian(), 2), {"sigma": 0.5}),
]


@pytest.mark.parametrize(("method", "params"), mostly_slow(QUADRATIC, 3, rows=True), ids=str)
def test_on_quadratics_it_is_the_moment_recursion(method, params):
    params = {**params, "eta": 0.125}
    phi = x1**2 - 3 * x1 + 1
    found = discrete_mean(method, Quadratic("3/2"), 1.2, 1.0, phi, params)
    exact = discrete_moment(method, Quadratic("3/2"), 1.2, 1.0, phi, params) if params else None
    assert exact is not None and abs(found.value - exact.value) <= found.error + exact.error
    assert found.error < 1e-10


def by_enumeration(eta: float, scales: tuple[float, ...], steps: int, x0: float) -> float:
    """E cosh(x_n) of DSignSGD on cosh with logistic noise: every outcome of every client at every step."""
    total = {x0: 1.0}
    for _ in range(steps):
        following: dict[float, float] = {}
        for x, chance in total.items():
            plus = [stats.logistic.cdf(math.sinh(x) / s) for s in scales]
            for signs in itertools.product((1, -1), repeat=len(scales)):
                own = math.prod(p if s > 0 else 1 - p for p, s in zip(plus, signs, strict=True))
                y = x - eta * sum(signs) / len(scales)
                following[y] = following.get(y, 0.0) + chance * own
        total = following
    return sum(chance * math.cosh(x) for x, chance in total.items())


@pytest.mark.parametrize("scales", [(1.0, 1.0), (0.5, 1.0, 2.0)])
def test_signs_have_their_exact_law(scales):
    method = DSignSGD(Scaled(Logistic(), tuple(str(s) for s in scales)), clients=len(scales))
    found = discrete_mean(method, Cosh(), 0.8, 1.0, sp.cosh(x1), {"eta": 0.25})
    assert found.value == pytest.approx(by_enumeration(0.25, scales, 4, 0.8), abs=1e-12)
    assert found.error < 1e-11


def test_signs_without_noise_step_towards_the_minimum():
    x = 1.0
    for _ in range(3):
        x -= 0.25
    assert discrete_mean(DSignSGD(clients=3), Cosh(), 1.0, 0.75, x1, {"eta": 0.25}).value == pytest.approx(x, abs=1e-14)
    # at the minimum the gradient is 0, and so is its sign
    assert discrete_mean(DSignSGD(clients=3), Cosh(), 0.0, 0.75, x1, {"eta": 0.25}).value == 0


def test_an_adaptive_schedule_and_a_loss_of_ones_own():
    method = DSGD(schedule=Adaptive(1 / (1 + coord_sum(g**2))), clients=1)
    x = 1.0
    for _ in range(10):
        x -= 0.1 * math.sinh(x) / (1 + math.sinh(x) ** 2)
    found = discrete_mean(method, lambda x: jnp.sum(jnp.cosh(x)), 1.0, 1.0, lambda x: x, {"eta": 0.1})
    assert found.value == pytest.approx(x, abs=1e-13)


def test_points_that_run_away_need_an_interval():
    method, params = DSGD(Gaussian(), 1), {"eta": 0.125, "sigma": 2.0}

    def found(*interval):
        return discrete_mean(method, Quartic(), 0.5, 1.0, sp.tanh(x1), params, interval=interval or None)

    with pytest.raises(BadInput, match="diverge"):
        found()
    wide = found(-3, 3)
    assert wide.settings["interval"] == [-3, 3] and wide.settings["leaving"] < 1e-15 and wide.error < 1e-12
    # an interval that is left more often says so, and its error holds
    for size, low, high in ((2, 1e-6, 1e-4), (1, 0.1, 1)):
        narrow = found(-size, size)
        assert low < narrow.settings["leaving"] < high
        assert wide.error < abs(narrow.value - wide.value) <= narrow.error


def test_the_error_is_reported_where_the_degree_does_not_do():
    # a step in phi: no polynomial comes near it
    found = discrete_mean(DSGD(Gaussian(), 1), Cosh(), 0.3, 0.25, lambda x: np.sign(x), {"eta": 0.125, "sigma": 0.3})
    assert found.error > 1e-6


REFUSED = [
    (DSGD(StudentT(5), 1), {}, "moments up to order 5"),
    (DCSGD(FixedGrid("1/4"), Gaussian(), 1), {}, "FixedGrid"),
    (DSGD(Correlated(Gaussian()), 1), {"Sigma": [[1.0]]}, "covariance"),
]


@pytest.mark.parametrize(("method", "params", "reason"), REFUSED, ids=lambda a: a if isinstance(a, str) else "")
def test_what_has_no_finite_law_is_refused(method, params, reason):
    own = {"eta": 0.125, **(params if params else {"sigma": 1.0})}
    with pytest.raises(NoClosedForm, match=reason):
        discrete_mean(method, Cosh(), 1.0, 1.0, x1, own)


WRONG = [
    ({"x0": [1.0, 2.0]}, "x0"),
    ({"T": 0.99}, "T"),
    ({"phi": "x2"}, "phi"),
    ({"phi": sp.log(x1)}, "phi"),
    ({"interval": (2.0, 3.0)}, "interval"),
    ({"params": {"eta": 0.125, "sigma": 1.0, "tau": 1.0}}, "parameter tau"),
    ({"u": lambda t: 1.0}, "u"),
]


@pytest.mark.parametrize(("change", "field"), WRONG, ids=lambda a: a if isinstance(a, str) else "")
def test_bad_input_is_named(change, field):
    given = {"x0": 1.0, "T": 1.0, "phi": x1, "params": {"eta": 0.125, "sigma": 1.0}} | change
    with refused(field):
        discrete_mean(DSGD(Gaussian(), 1), Cosh(), **given)


def test_interpolation_and_differentiation_are_exact_for_polynomials():
    low, high, degree = -1.5, 4.0, 12
    grid, at = chebyshev_points(low, high, degree), np.linspace(low, high, 31)
    p = np.polynomial.Polynomial(np.random.default_rng(0).normal(size=degree + 1), domain=[low, high])
    assert interpolation(low, high, degree, at) @ p(grid) == pytest.approx(p(at), abs=1e-12)
    assert differentiation(low, high, degree) @ p(grid) == pytest.approx(p.deriv()(grid), abs=1e-10)
    assert interpolation(low, high, degree, grid) == pytest.approx(np.eye(degree + 1), abs=0)
