"""The discrete method against exact recursions, closed maps, and its own definition step by step."""

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import Coordinate, coord_sum, g
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.losses import Quadratic, SeparableSum
from sdescent.derive.methods.losses import x as location
from sdescent.derive.methods.noise import Scaled
from sdescent.derive.methods.schedules import Adaptive, Free, Power
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.lowering.landscape import Landscape, landscape
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.settings import save_grid
from sdescent.numerics.simulate.streams_and_statistics import Stream, stream
from tests.numerics.refusals import refused
from tests.support.laws.samplers import within
from tests.support.samples import mostly_slow

SQUARES = {"x1sq": lambda x: x[0] ** 2, "x2sq": lambda x: x[1] ** 2}
H = np.array([1.0, 2.0])


@pytest.mark.slow
def test_second_moments_of_clients_with_scales_of_their_own_follow_the_exact_recursion():
    """E x'^2 = (1 - eta h)^2 E x^2 + (eta^2/N) s2, s2 the mean noise variance: six comparisons."""
    method, eta = DSGD(Scaled(sd.noise.Gaussian(), ("1/2", 1, 2))), 0.1
    ensemble = run(method, [1.0, -2.0], 3.0, 20_000, 1, {"eta": eta, "N": 3}, Quadratic((1, 2)), 3, SQUARES)
    kept = (1 - eta * H) ** 2
    for n, steps in enumerate(np.rint(ensemble.times / eta)):
        expected = kept**steps * [1, 4] + eta**2 / 3 * np.mean([0.25, 1, 4]) * (1 - kept**steps) / (1 - kept)
        within(np.stack([ensemble.values[name][n] for name in SQUARES]), expected)


def test_a_noise_free_run_is_the_map_itself():
    x, eta = 1.5, 0.25
    path = [x]
    for _ in range(8):
        x -= eta * np.sinh(x)
        path.append(x)
    first = {"x": lambda x: x[0]}
    ensemble = run(DSGD(clients=2), [1.5], 2.0, 1, 0, {"eta": eta}, sd.losses.Cosh(), save=9, statistics=first)
    np.testing.assert_allclose(ensemble.values["x"][:, 0], path, rtol=1e-14)
    np.testing.assert_allclose(ensemble.values["loss"][:, 0], np.cosh(path) - 1, rtol=1e-12)
    np.testing.assert_allclose(ensemble.values["gradient_norm"][:, 0], np.sinh(path), rtol=1e-12)
    np.testing.assert_allclose(ensemble.times, 0.25 * np.arange(9))


@pytest.mark.parametrize(
    ("schedule", "u", "factor"),
    [
        (Power(sp.Rational(1, 2)), None, lambda t, x: (1 + t) ** -0.5),
        (Free(), lambda t: jnp.cos(t), lambda t, x: np.cos(t)),
        (Adaptive(1 / (1 + sp.sqrt(coord_sum(g**2)))), None, lambda t, x: 1 / (1 + np.linalg.norm(H * x))),
    ],
    ids=["power", "free", "adaptive"],
)
def test_schedules_multiply_the_step(schedule, u, factor):
    x, eta = np.array([2.0, -1.0]), 0.1
    for n in range(10):
        x = x - eta * factor(n * eta, x) * H * x
    ensemble = run(DSGD(clients=1, schedule=schedule), [2.0, -1.0], 1.0, 1, 0, {"eta": eta}, Quadratic((1, 2)), u=u)
    np.testing.assert_allclose(ensemble.final[:, 0], x, rtol=1e-12)


@pytest.mark.slow
def test_blow_ups_are_counted_with_their_step_and_frozen():
    """GD on the quartic is x(1 - eta x^2): with eta = 0.1 it grows from |x| > sqrt(20) = 4.47 and shrinks below (theory 5)."""
    ensemble = run(DSGD(clients=1), [[2.0, 4.0, 5.0, -6.0]], 3.0, None, 0, {"eta": 0.1}, sd.losses.Quartic(), bound=1e6)
    assert np.isinf(ensemble.blow_up[:2]).all()
    x, steps = 5.0, 0
    while abs(x) <= 1e6:
        last, x, steps = x, x - 0.1 * x**3, steps + 1
    assert ensemble.blow_up[2] == pytest.approx(0.1 * steps)
    assert ensemble.final[0, 2] == pytest.approx(last)
    assert ensemble.blow_ups[-1] == ensemble.to_dict()["blow_ups"][-1] == 2
    after = ensemble.times >= ensemble.blow_up[2]
    assert np.array_equal(np.isnan(ensemble.values["loss"][:, 2]), after)
    assert np.isfinite(ensemble.values["loss"][:, :2]).all()


@pytest.mark.slow
def test_a_path_that_was_outside_for_a_single_step_is_lost():
    """0, 10, 0, 10, ..: outside after the first step of a pair, and back inside after its second."""
    there_and_back = lambda x: jnp.where(x[0] < 1, -10 * x[0], 10 * x[0])  # noqa: E731
    for bound, left in ((5, 1.0), (50, np.inf)):
        ensemble = run(DSGD(clients=1), [0.0], 4.0, 3, 0, {"eta": 1.0}, there_and_back, [0, 1, 3, 4], bound=bound)
        assert ensemble.blow_up.tolist() == [left] * 3
        assert ensemble.final.tolist() == [[0.0] * 3]


def test_gradients_may_come_from_an_oracle():
    def oracle(key, x, client):
        return x + (client + 1) * jnp.ones_like(x)

    ensemble = run(DSGD(clients=3), [1.0], 0.2, 1, 0, {"eta": 0.1}, Quadratic(1), oracle=oracle)
    x = 1.0
    for _ in range(2):
        x -= 0.1 * (x + 2.0)
    assert ensemble.final[0, 0] == pytest.approx(x)


def test_paths_with_different_keys_differ_and_equal_keys_agree():
    arguments = (DSGD(Scaled(sd.noise.Gaussian(), 1), clients=1), [0.0], 1.0, 20)
    runs = [run(*arguments, seed, {"eta": 0.1}, Quadratic(1)).final for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.any(runs[0] == runs[2])
    assert len(np.unique(runs[0])) == 20


@pytest.mark.parametrize("number", mostly_slow(range(8), 4))
def test_losses_and_their_landscapes_agree_with_the_symbols(number):
    x = np.array([[0.3, -1.0], [2.0, 0.1], [-0.7, 0.5]])
    direction = np.array([[1.0, 0.2], [0.0, -1.0], [2.0, 1.0]])
    features = ((1, 2, 0), (-1, 1, sp.Rational(1, 2)))
    losses = [
        (Quadratic(), {"h1": 1.0, "h2": 2.0, "h3": 0.5}),
        (Quadratic(), {"h": np.array([1.0, 2.0, 0.5])}),
        (Quadratic((1, 2, sp.Rational(1, 2))), {}),
        (sd.losses.Quartic(), {}),
        (sd.losses.GluedExponential(), {}),
        (sd.losses.LogisticRegression("1/10", features, (1, -1)), {}),
        (sd.losses.LogisticRegression("w"), {"w": 0.1, "a1": 1.0, "a2": -2.0, "a3": 0.4}),
        (sd.losses.SeparableSum(location**2 * sp.Symbol("c", positive=True)), {"c": 3.0}),
    ]

    def everything(land):
        run = jax.jit(lambda x, c: (land.value(x), land.gradient(x), land.hessian_product(x, c)))
        return run(x, direction)

    loss, values = losses[number]
    land = landscape(loss, 3, values)
    state = sp.symbols("x1:4", real=True)
    expr = loss.value(list(state))
    numbers = {s: values.get(s.name) for s in expr.free_symbols - set(state)}
    if "h" in values:
        numbers = {s: values["h"][int(s.name[1:]) - 1] for s in numbers}
    f = sp.lambdify([state], expr.subs(numbers), "math")
    gradient = sp.lambdify([state], [sp.diff(expr.subs(numbers), s) for s in state], "math")
    value, slopes, product = everything(land)
    np.testing.assert_allclose(value, [f(x[:, p]) for p in (0, 1)], rtol=1e-12)
    np.testing.assert_allclose(slopes, np.array([gradient(x[:, p]) for p in (0, 1)]).T, rtol=1e-12, atol=1e-14)
    ahead, behind = (np.array([gradient((x + s * direction)[:, p]) for p in (0, 1)]).T for s in (1e-5, -1e-5))
    np.testing.assert_allclose(product, (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-8)


@pytest.mark.slow
def test_a_landscape_of_the_users_own_and_a_loss_that_overflows():
    x = np.array([[0.3, -1.0], [2.0, 0.1], [-0.7, 0.5]])
    own = landscape(lambda x: jnp.sum(x**3), 3)
    np.testing.assert_allclose(own.gradient(jnp.asarray(x)), 3 * x**2)
    assert landscape(own, 3) is own and isinstance(own, Landscape)
    wild = landscape(sd.losses.LogisticRegression(0, ((1000,),), (1,)), 1)
    assert np.isfinite(wild.value(jnp.asarray([[-5.0]]))) and np.isfinite(wild.gradient(jnp.asarray([[-5.0]])))


def test_save_grids():
    assert save_grid(1.0, 0.1, 3).tolist() == [0, 5, 10]
    assert save_grid(0.3, 0.1, 50).tolist() == [0, 1, 2, 3]
    assert save_grid(1.0, 0.1, [0.0, 0.31, 1.0]).tolist() == [0, 3, 10]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"params": {}}, "eta"),
        ({"params": {"eta": -1.0}}, "eta"),
        ({"params": {"eta": 0.1, "N": "three"}}, "parameter N"),
        ({"params": {"eta": 0.1, "N": np.inf}}, "parameter N"),
        ({"params": {"eta": 0.1}}, "parameter N"),
        ({"x0": [np.nan]}, "x0"),
        ({"paths": 0}, "paths"),
        ({"T": 0.01}, "T"),
        ({"T": np.inf}, "T"),
        ({"save": 1}, "save"),
        ({"save": [2.0]}, "save"),
        ({"save": [0.0]}, "save"),
        ({"loss": None}, "loss"),
        ({"statistics": {"loss": lambda x: x[0]}}, "statistics"),
        ({"method": DSGD(schedule=Free())}, "parameter u"),
        ({"loss": Quadratic()}, "parameter h1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_bad_input_is_named(change, field):
    arguments = dict(method=DSGD(), x0=[1.0], T=1.0, paths=2, params={"eta": 0.1, "N": 1}, loss=Quadratic(1))
    with refused(field):
        run(**(arguments | change))


def test_seeds_are_whole_numbers_that_jax_can_hold_and_keys_are_of_both_kinds():
    for key in (-1, 2**63, True, "a", 1.5, None, jnp.zeros(3)):
        with refused("key"):
            stream(key, Stream.METHOD)
    for key in (0, np.int64(2**62), 2**63 - 1, jax.random.key(1), jax.random.PRNGKey(1)):
        assert jax.random.uniform(stream(key, Stream.METHOD)) >= 0


@pytest.mark.slow
def test_a_loss_of_the_users_own_may_hold_vectors_and_symbols():
    """f = sum_j w_j c x_j^2/2: x_j shrinks by 1 - eta c w_j a step; one array or one value an entry for w."""
    loss = SeparableSum(Coordinate("w", "j", True) * sp.Symbol("c") * location**2 / 2)
    assert set(loss.parameters(2)) == {"w1", "w2", "c"}
    for values in ({"w": [1.0, 2.0]}, {"w1": 1.0, "w2": 2.0}):
        final = run(DSGD(clients=1), [2.0, -1.0], 0.3, 1, 0, {"eta": 0.1, "c": 1.5} | values, loss).final
        np.testing.assert_allclose(final[:, 0], [2 * 0.85**3, -(0.7**3)], rtol=1e-12)
    with pytest.raises(BadInput, match="w1"):
        run(DSGD(clients=1), [2.0, -1.0], 0.3, 1, 0, {"eta": 0.1, "c": 1.5}, loss)
    drift = sd.sde(DSGD(clients=1), "first-order", loss, 2).to_dict()["drift"]
    assert drift == ["-c*w1*x1", "-c*w2*x2"]
