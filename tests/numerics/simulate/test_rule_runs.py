"""What a run promises, kept by every update rule: bits, chunks, counts, and numbers of a regime that are refused or solved for."""

from functools import partial

import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DSignSGD, Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Scaled
from sdescent.derive.methods.rules.regime import Regime
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.simulate.blow_up import NotANumber
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.update_rules.regimes import settled, time_of_step
from tests.numerics.refusals import refused

GAUSS = Scaled(sd.noise.Gaussian(), "s")
HEAVY = {"memory": {"m": 0}, "update": ["m = beta*m + G", "x = x - eta*m"], "regime": {"beta": "1 - rho*eta"}}

AVERAGE = {"memory": {"m": 0}, "update": ["m = b*m + G", "x = x - eta*m"]}


@pytest.mark.slow
def test_no_path_of_a_rule_with_memory_depends_on_the_others():
    method = Method(RandK(1), GAUSS, 2, **HEAVY)
    made = {"params": {"eta": 0.1, "s": 0.5}, "loss": Quadratic((1, 2)), "save": [0.3, 1.1]}
    rhos = np.linspace(1, 3, 300)
    starts = np.random.default_rng(1).normal(size=(2, 300))
    whole = run(method, starts, 1.1, key=5, varied={"rho": rhos}, memory={"m": -starts}, **made)
    part = slice(130, 290)
    rest = {"first": 130, "memory": {"m": -starts[:, part]}}
    again = run(method, starts[:, part], 1.1, key=5, chunk=7, varied={"rho": rhos[part]}, **rest, **made)
    assert again.final.tobytes() == whole.final[:, part].tobytes()
    assert again.final_memory["m"].tobytes() == whole.final_memory["m"][:, part].tobytes()
    assert again.values["loss"].tobytes() == whole.values["loss"][:, part].tobytes()
    solved = run(method, starts[:, part], 1.1, key=5, varied={"beta": 1 - rhos[part] * 0.1}, **rest, **made)
    np.testing.assert_allclose(solved.final, again.final, rtol=1e-12, atol=1e-14)


def test_statistics_may_read_the_memory_and_memory_may_start_anywhere():
    """Without noise m_n and x_n are a linear recursion."""
    method = Method(clients=1, **HEAVY)
    seen = {"energy": lambda x, memory: jnp.sum(memory["m"] ** 2, axis=0), "first": lambda x, power=2: x[0] ** power}
    seen |= {"both": "x1*m2 + m1", "lone": "m2"}
    shared = ([1.0, -2.0], 0.4, 3, 0, {"eta": 0.1, "rho": 2}, Quadratic((1, 2)), 5)
    found = run(method, *shared, seen, memory={"m": [0.5, 1]})
    x, m, rows = np.array([1.0, -2.0]), np.array([0.5, 1.0]), []
    for _ in range(5):
        rows.append((np.sum(m**2), x[0] ** 2, x[0] * m[1] + m[0], m[1]))
        m = 0.8 * m + np.array([1, 2]) * x
        x = x - 0.1 * m
    for name, expected in zip(seen, zip(*rows, strict=True), strict=True):
        np.testing.assert_allclose(found.values[name][:, 2], expected, rtol=1e-13)
    with pytest.raises(BadInput, match=r"a formula in x1, \.\., x2, m1, \.\., m2"):
        run(method, *shared, {"other": "k1"})


@pytest.mark.slow
def test_a_coordinate_that_left_stays_lost_whatever_the_rule_does():
    """x is forgotten at each step, so the second of three steps is the only one outside."""
    method = Method(clients=1, memory={"m": 0}, update=["m = m + 1", "x = 10*(m - 1)*(3 - m)"])
    found = run(method, [0.0], 3.0, 2, 0, {"eta": 1.0}, Quadratic(1), 4, bound=5, statistics={"x": lambda x: x[0]})
    assert found.blow_up.tolist() == [2.0, 2.0]
    assert found.final.tolist() == [[0.0, 0.0]]
    assert found.final_memory["m"].tolist() == [[1.0, 1.0]]


@pytest.mark.slow
def test_a_step_without_a_value_is_an_error_and_an_overflow_a_blow_up():
    """G = 0 at the minimum, in the second of two steps; inf - inf is NaN but comes from numbers that are too large."""
    wrong, large = (
        Method(clients=1, memory={"m": 0}, update=[update, "m = x"])
        for update in ("x = x - eta*G/norm(G)", "x = x - eta*(exp(1000*x) - exp(2000*x))")
    )
    with pytest.raises(NotANumber, match="path 0, step 1"):
        run(wrong, [0.0], 2.0, 3, 0, {"eta": 1.0}, Quadratic(1))
    assert run(large, [1.0], 2.0, 3, 0, {"eta": 1.0}, Quadratic(1)).blow_up.tolist() == [1.0] * 3


@pytest.mark.slow
def test_the_time_of_a_step_and_the_noise_are_those_of_the_regime():
    regime = Regime("batch", "eta^2", (("noise", "s0/eta"), ("b", "1 - c*eta^2")))
    method = Method(noise=Scaled(sd.noise.Gaussian(), 3), clients=1, regime=regime, **AVERAGE)
    numbers = {"eta": 0.5, "s0": 2.0, "c": 1.0}
    assert settled(method, numbers) == {**numbers, "noise": 4.0, "b": 0.75}
    assert time_of_step(method, {"eta": 0.5}) == 0.25
    found = run(method, [1.0], 0.5, 4000, 0, numbers, Quadratic(1), [0.25])
    assert found.times.tolist() == [0.25]
    spread = np.std(found.final[0]) / (0.5 * 4 * 3)
    assert abs(spread - 1) < 5 / np.sqrt(2 * 4000)  # five standard errors of a normal sample's deviation


def test_constants_are_solved_for_and_contradictions_named():
    method = Method(clients=1, fractions=["beta"], **HEAVY)
    assert settled(method, {"eta": 0.1, "rho": 2.0}) == {"eta": 0.1, "rho": 2.0, "beta": 0.8}
    assert settled(method, {"eta": 0.1, "beta": 0.9}) == {"eta": 0.1, "beta": 0.9, "rho": 1.0}
    assert settled(method, {"eta": 0.1, "beta": 0.8, "rho": 2.0})["beta"] == 0.8
    for more, message in [
        ({"beta": 0.9, "rho": 2.0}, "beta: found '0.9'; accepted: 0.8, which follows from eta, rho, or no value"),
        ({}, "rho: found 'no value'; accepted: a number for each of rho, or for beta"),
        ({"rho": 10.0}, "beta: found '0.0'; accepted: a number strictly between 0 and 1"),
    ]:
        with pytest.raises(BadInput) as caught:
            settled(method, {"eta": 0.1, **more})
        assert str(caught.value) == f"parameter {message}"
    curved = Method(clients=1, **AVERAGE, regime={"b": "exp(-c*eta)"})
    with pytest.raises(BadInput, match=r"parameter b: .* a number for c: the formula is not linear in it"):
        settled(curved, {"eta": 0.1, "b": 0.9})
    two = Method(clients=1, **AVERAGE, regime={"b": "a - c*eta"})
    with pytest.raises(BadInput, match=r"parameter b: .* numbers for a, c, from which the regime computes it"):
        settled(two, {"eta": 0.1, "b": 0.9})


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"memory": {"v": [0, 0]}}, "memory"),
        ({"memory": {"m": [0, 0, 0]}}, "memory m"),
        ({"params": {"eta": 0.1, "rho": 1, "gamma": 2}}, "parameter gamma"),
        ({"params": {"eta": 0.1, "rho": [1, 2]}}, "parameter rho"),
        ({"varied": {"rho": [1, 2]}}, "varied rho"),
    ],
)
def test_what_does_not_fit_is_refused(more, field):
    given = {"params": {"eta": 0.1, "rho": 1}} | more
    with refused(field):
        run(Method(clients=1, **HEAVY), [1.0, 2.0], 1.0, 5, loss=Quadratic(1), **given)


@pytest.mark.slow
def test_the_scale_that_stays_has_either_name() -> None:
    method = sd.methods.EMAMomentum(noise=sd.noise.Gaussian(), clients=1, regime="batch-equivalent")
    equation, given = sd.sde(method), {"loss": Quadratic(1), "save": 2}
    for simulate in (partial(run, method, **given), partial(solve, equation, dt=0.01, **given)):
        of = lambda simulate=simulate, **s: simulate([1.0], 0.2, 20, params={"eta": 0.01, "rho": 1.0, **s}).final  # noqa: E731
        assert np.array_equal(of(sigma=0.3), of(sigma0=0.3)) and not np.array_equal(of(sigma=0.3), of(sigma0=0.4))
        with pytest.raises(BadInput, match=r"parameter sigma0: .* no such number beside sigma = 0[.]3"):
            of(sigma=0.3, sigma0=0.4)


@pytest.mark.slow
def test_a_local_gradient_that_is_infinite_is_a_blow_up():
    """It is inside a branch, where a message of it need not be infinite."""
    method = sd.methods.LocalSGD(2, noise=sd.noise.Affine(1, 1), clients=1)
    assert (run(method, [100.0, 0.0], 0.1, 5, 1, {"eta": 0.05}, sd.losses.Cosh(), 2).blow_up == 0.1).all()


@pytest.mark.slow
def test_the_last_of_an_odd_number_of_clients_draws_the_same_where_the_number_is_given_with_the_call():
    """It is drawn before the loop where the number is known; swapped halves, or those of another client, are other paths."""
    shared = {"x0": [1.0, -2.0, 0.5], "T": 0.55, "paths": 40, "key": 2, "loss": Quadratic((1, 2, 3)), "save": 4}
    with_the_method, with_the_call = (
        run(DSignSGD(Scaled(sd.noise.StudentT(3), "7/10"), clients=n), params={"eta": 0.05, **more}, **shared)
        for n, more in ((5, {}), ("N", {"N": 5}))
    )
    np.testing.assert_allclose(with_the_method.final, with_the_call.final, rtol=0, atol=1e-12)
