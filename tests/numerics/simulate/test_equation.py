"""Ensembles of SDEs: exact laws, Euler's own exact recursion, both stochastic calculi, blow-ups, integrals over the noise."""

import dataclasses

import numpy as np
import pytest
import scipy.stats
import sympy as sp

import sdescent as sd
from sdescent.derive.equations.step.covariance import moments
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Correlated, Gaussian, Laplace, Scaled, Stable, StudentT
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.noises import quantile_function
from sdescent.numerics.laws.samplers import compress, sample_noise
from sdescent.numerics.lowering.to_jax import environment, lower_function
from sdescent.numerics.simulate.blow_up import NotANumber
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.largest import Largest
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.noise_integrals import NoiseIntegral, doubling_error
from sdescent.numerics.simulate.schemes import segments
from tests.numerics.refusals import refused
from tests.support.laws.samplers import within
from tests.support.laws.skewed import SkewedMixture

HALF = sp.Rational(1, 2)
GAUSS = Scaled(Gaussian(), 1)


@pytest.mark.slow
def test_the_explosion_of_the_corrected_quartic_is_counted_at_its_time():
    """It explodes at (3 eta/4) log(3 eta y/(3 eta y - 2)) - 1/(2y), y = x0^2, iff eta y > 2/3 (theory 5)."""
    eta = 0.1
    equation = sd.sde(DSGD(clients=1), "corrected", sd.losses.Quartic())
    x0 = np.array([[2.0, 2.5, 3.0, -4.0]])
    ensemble = solve(equation, x0, 1.0, None, 0, {"eta": eta}, dt=1 / 2000, save=np.arange(11) / 10)
    y = x0[0] ** 2
    assert (eta * y > 2 / 3).tolist() == [False, False, True, True]
    assert np.isinf(ensemble.blow_up[:2]).all()
    time = 3 * eta / 4 * np.log(3 * eta * y[2:] / (3 * eta * y[2:] - 2)) - 1 / (2 * y[2:])
    assert np.all((ensemble.blow_up[2:] >= time - 1 / 2000) & (ensemble.blow_up[2:] <= time + 10 / 2000))
    assert ensemble.blow_ups.tolist() == [int(np.sum(ensemble.blow_up <= t)) for t in ensemble.times]
    assert np.isnan(ensemble.values["loss"][-1, 2:]).all() and np.isfinite(ensemble.values["loss"][:, :2]).all()


@pytest.mark.slow
def test_every_step_is_made_where_pairs_of_draws_are_divided():
    """x(1 - dt)^n after n Euler steps, but for a little noise."""
    times = [0.3, 0.7]
    equation = sd.sde(DSGD(Scaled(Gaussian(), "s"), clients=1), "first-order", Quadratic(1))
    made = solve(equation, [1.0], times[-1], 2, 0, {"eta": 0.1, "s": 1e-9}, dt=0.1, save=times, scheme="euler")
    np.testing.assert_allclose(made.values["loss"][:, 0], 0.9 ** (2 * np.rint(made.times / 0.1)) / 2, rtol=1e-7)


@pytest.mark.slow
def test_a_path_that_was_outside_for_a_single_step_is_lost():
    """0, 10, 0, 10, .. but for a little noise: outside after the first step of a pair, and back inside after its second."""
    there_and_back = lambda x: jnp.where(x[0] < 1, -10 * x[0], 10 * x[0])  # noqa: E731
    equation = sd.sde(DSGD(Scaled(Gaussian(), "s"), clients=1))
    shared = dict(dt=1.0, save=2, loss=there_and_back, scheme="euler", bound=5)
    ensemble = solve(equation, [0.0], 4.0, 3, 0, {"eta": 1.0, "s": 1e-3}, **shared)
    assert ensemble.blow_up.tolist() == [1.0] * 3 and np.all(np.abs(ensemble.final) < 0.02)


INTEGRATED = [
    (sd.compressors.QSGD(1), Correlated(StudentT(9))),
    *(
        (compressor, Scaled(SkewedMixture(), (HALF, 1)))
        for compressor in (sd.compressors.Natural(), sd.compressors.TopK(1))
    ),
]
VALUES = {"nu": 6.5, "s": 0.8, "Sigma": np.array([[1.0, 0.5, 0.0], [0.5, 2.0, -0.4], [0.0, -0.4, 0.6]])}


@pytest.mark.slow
@pytest.mark.parametrize("pair", INTEGRATED, ids=str)
def test_integrals_over_the_noise_against_draws(pair):
    """Mean and covariance at one point against the real random objects: 5 standard errors and the stated error of the nodes."""
    compressor, noise = pair
    conditional = moments(Method(compressor, noise), 3).conditional
    assert conditional is not None
    point = jnp.asarray([[0.8], [-1.1], [0.3]])
    env = environment(VALUES, {"g": point})
    integral = NoiseIntegral(conditional, 3, VALUES, nodes=2048)
    mean, covariance = jax.jit(lambda: integral.moments(env))()
    covariance = np.diag(covariance[:, 0]) if integral.diagonal else np.asarray(covariance[0])
    slack = doubling_error(integral, env)
    assert slack < 0.04
    paths, clients = 30_000, len(noise.scales)
    message = jnp.broadcast_to(point, (3, paths))
    draws = []
    for client in range(clients):
        noise_key, key = jax.random.split(jax.random.fold_in(jax.random.key(3), client))
        draws.append(compress(compressor, key, message + sample_noise(noise, noise_key, message, VALUES, client)))
    own = [np.asarray(d) for d in draws]
    within(sum(own) / clients, np.asarray(mean)[:, 0], slack)
    centred = [d - d.mean(axis=1, keepdims=True) for d in own]
    products = sum(c[:, None] * c[None] for c in centred) / clients
    within(products, covariance, slack * (1 + np.abs(covariance).max()))


@pytest.mark.slow
@pytest.mark.parametrize("law", [StudentT("nu"), Laplace(), Stable("3/2")], ids=str)
def test_quantiles_invert_the_distribution(law):
    u = np.array([1e-4, 0.02, 0.3, 0.5, 0.77, 0.999])
    z = quantile_function(law, {"nu": 2.5})(u)
    y = sp.Symbol("y", real=True)
    sign_mean = lower_function(law.sign_mean(y), [y, sp.Symbol("nu")])(jnp.asarray(z), 2.5)
    np.testing.assert_allclose((1 + np.asarray(sign_mean)) / 2, u, atol=1e-12)


def test_solver_steps_pass_through_every_saved_time():
    for halvings in (0, 2):
        made = segments([0.3, 0.35], 0.1, halvings)
        np.testing.assert_allclose(made.begin, [0, 0.3])
        np.testing.assert_allclose(made.step, np.array([0.1, 0.05]) / 2**halvings)
        assert made.count.tolist() == [3 * 2**halvings, 2**halvings]
    assert segments([0.3, 0.35], 0.1).first.tolist() == [0, 2]
    # a step by halves takes the pair of draws of the two steps that it is
    assert segments([0.3, 0.35], 0.1, 1).first.tolist() == segments([0.3, 0.35], 0.1, 0, True).first.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dt": 0.0}, "dt"),
        ({"dtype": "float16"}, "dtype"),
        ({"chunk": 0}, "chunk"),
        ({"loss": None}, "loss"),
        ({"params": {"eta": 0.1}}, "parameter N"),
        ({"x0": [[1.0, 2.0]], "paths": 3}, "paths"),
        ({"equation": sd.sde(DSGD(GAUSS), dim=2)}, "x0"),
        ({"equation": sd.sde(DSGD(Scaled(Gaussian())))}, "parameter sigma"),
        ({"equation": sd.sde(DCSGD(RandK(2)))}, "rand-k:k"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_is_named(change, field):
    arguments = {"equation": sd.sde(DSGD(GAUSS)), "x0": [1.0], "T": 1.0, "paths": 2, "params": {"eta": 0.1, "N": 1}}
    with refused(field):
        solve(**({"loss": Quadratic(1)} | arguments | change))


@pytest.mark.slow
def test_a_point_without_a_gradient_is_an_error_that_names_path_and_step():
    """The gradient of sqrt(x) is NaN for x < 0: the method steps there from 0.01, the equation starts there."""
    shared = {"params": {"eta": 0.1, "N": 1}, "loss": lambda x: jnp.sum(jnp.sqrt(x)), "save": 6}
    with pytest.raises(NotANumber, match="path 0, step 2") as error:
        run(DSGD(), [[0.01, 4.0]], 0.5, **shared)
    assert (error.value.path, error.value.time) == (0, pytest.approx(0.2))
    with pytest.raises(NotANumber, match="path 1, step 1"):
        solve(sd.sde(DSGD(GAUSS)), [[400.0, -0.01]], 0.5, **shared)


@pytest.mark.slow
def test_an_equation_of_ones_own_is_no_other_ones():
    """What was compiled is kept, but never for an equation with another covariance."""
    equation = sd.sde(DSGD(GAUSS, clients=2), "corrected", Quadratic(1), 1)
    shared = {"x0": [1.0], "T": 1.0, "paths": 50, "key": 0, "params": {"eta": 0.1}}
    first = solve(equation, **shared).final
    assert equation.form is not None
    form = dataclasses.replace(equation.form, diag=4 * equation.form.diag)
    other = dataclasses.replace(equation, moments=dataclasses.replace(equation.moments, form=form))
    assert np.abs(solve(other, **shared).final - first).max() > 0.01
    np.testing.assert_array_equal(solve(equation, **shared).final, first)


def test_the_largest_of_two_coordinates_by_quadrature() -> None:
    """E and Var of v_j 1{|v_i| < |v_j|} for v = g + s Z: one integral over v_j, with the distribution function of |v_i|."""
    g, s, v = np.array([[1.0], [0.5]]), np.array([[0.5], [1.5]]), np.linspace(-14, 14, 40_001)
    mean, variance = Largest(Gaussian(), {}, 12).moments(jnp.asarray(g), jnp.asarray(s))
    for j in (0, 1):
        one, other = (scipy.stats.norm(float(g[i, 0]), float(s[i, 0])) for i in (j, 1 - j))
        kept = one.pdf(v) * (other.cdf(np.abs(v)) - other.cdf(-np.abs(v)))
        first, second = (np.trapezoid(v**n * kept, v) for n in (1, 2))
        assert float(mean[j, 0]) == pytest.approx(first, abs=1e-6)
        assert float(variance[j, 0]) == pytest.approx(second - first**2, abs=1e-6)
