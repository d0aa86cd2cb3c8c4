"""The SDE of an update rule in any dimension, against the same equation in named coordinates, exact moments and other solvers.

Most of it needs no sampling: drift and covariance at points, and for affine rules the moments of a scheme, whose step is
y -> A y + b + C xi with A, b and C read off the scheme itself.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy import integrate

import sdescent as sd
from sdescent.derive.methods.compressors import QSGD, Natural, NormClip, RandK, TopK
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import BilinearGame, Quadratic, Quartic
from sdescent.derive.methods.noise import Correlated, Scaled
from sdescent.derive.methods.optimisers.communication import MajorityVote
from sdescent.derive.methods.optimisers.momentum import AdamW, EMAMomentum, HeavyBall, Lion, RMSprop, Signum
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.lowering.landscape import landscape
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.rule_equations.system import differences, rule_system, scheme_name
from sdescent.numerics.simulate.streams_and_statistics import at_time
from tests.support.laws.samplers import within
from tests.support.samples import slow_but

GAUSS = Scaled(sd.noise.Gaussian(), "sigma")
MEASURED = Correlated(sd.noise.Gaussian())
SIGMA = np.array([[1.0, 0.5, 0.0], [0.5, 2.0, 0.3], [0.0, 0.3, 1.5]])
POINT = np.random.default_rng(1).uniform(0.3, 1.2, size=(9, 4))
Vector = np.ndarray


def parts(equation, loss, dim, parameters, state, t=0.7, nodes=256) -> tuple[Vector, Vector]:
    """Drift (letters d, paths) and covariance (letters d, letters d, paths) as the solver has them."""
    rule, land = equation.rule, landscape(loss, dim, parameters)
    system = rule_system(rule, dim, parameters, loss, nodes)
    own = {a: jnp.asarray(state[n * dim : (n + 1) * dim]) for n, a in enumerate(rule.letters)}
    env = at_time(parameters, land, own["x"], t)
    drift, coefficients = system.evaluate(replace(env, vectors={**env.vectors, **own}), 1.0)
    columns = []
    for n in range(system.normals):
        z = jnp.zeros((system.normals, state.shape[1])).at[n].set(1.0)
        made = system.apply(coefficients, z, 1.0)
        columns.append(np.concatenate([np.broadcast_to(made[a], own["x"].shape) for a in rule.letters]))
    root = np.stack(columns, axis=1)
    return np.concatenate([drift[a] for a in rule.letters]), np.einsum("inp,jnp->ijp", root, root)


def in_coordinates(equation, dim, parameters, state, t=0.7) -> tuple[Vector, Vector]:
    """The same of the equation in named coordinates, by SymPy's own arithmetic."""
    named = equation.coordinates(dim)
    given = {k: v for k, v in parameters.items() if np.ndim(v) == 0}
    given |= {f"Sigma{i + 1}_{j + 1}": SIGMA[i, j] for i in range(dim) for j in range(i, dim)}
    drift, covariance = [], []
    for column in state.T:
        at = {**given, "t": t, **dict(zip((s.name for s in named.state), column, strict=False))}

        def put(e: Any, at: dict[str, float] = at) -> float:
            return float(e.xreplace({s: sp.Float(at[s.name], 30) for s in e.free_symbols}))

        drift.append([put(e) for e in named.drift])
        covariance.append([[put(e) for e in named.covariance[i, :]] for i in range(named.covariance.rows)])
    return np.array(drift).T, np.moveaxis(np.array(covariance), 0, -1)


ADAM = {"eta": 0.1, "rho1": 1.5, "rho2": 0.5, "eps": 0.1, "wd": 0.2, "sigma": 0.6}
RMS = {"eta": 0.1, "c": 0.5, "eps": 0.1, "sigma": 0.6}
BALL = {"eta": 0.1, "mu": 1.5, "sigma": 0.6}
CASES: dict[str, tuple[Any, str, Any, int, dict[str, Any]]] = {
    "heavy ball, Rand-k": (HeavyBall(noise=GAUSS, clients=2, compressor=RandK(2)), "first-order", Quartic(), 3, BALL),
    "heavy ball, measured": (HeavyBall(noise=MEASURED, clients=2), "first-order", Quartic(), 3, BALL | {"Sigma": SIGMA}),
    "adamw, second order": (AdamW(noise=GAUSS, clients=2), "second-order", Quartic(), 3, ADAM),
    "rmsprop, Rand-k": (RMSprop(noise=GAUSS, clients=2, compressor=RandK(2)), "first-order", Quartic(), 3, RMS),
    "averaged": (
        EMAMomentum(noise=GAUSS, clients=2, regime="fixed"), "second-order", Quartic(), 3, {**BALL, "beta": 0.9}
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", slow_but(CASES, ["averaged"]))
def test_drift_and_covariance_are_those_in_named_coordinates(name):
    method, model, loss, dim, parameters = CASES[name]
    equation = sd.sde(method, model, loss, dim)
    state = POINT[: dim * len(equation.rule.letters)]
    found = parts(equation, loss, dim, {**parameters, "N": 2.0}, state)
    expected = in_coordinates(equation, dim, {**parameters, "N": 2.0}, state)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.slow
def test_derivatives_of_the_loss_in_a_local_model_are_those_of_its_coordinates():
    """Batch-equivalent momentum to second order: x has a covariance with m of order tau, and its variance is left at 0."""
    equation = sd.sde(EMAMomentum(noise=GAUSS, clients=1, regime="batch-equivalent"), "second-order", Quartic(), 2)
    parameters = {"eta": 0.1, "rho": 0.5, "sigma0": 0.6, "N": 1.0}
    assert equation.rule.local
    with pytest.raises(Refusal, match="sums over coordinates"):
        rule_system(equation.rule, 2, parameters, BilinearGame())
    drift, covariance = parts(equation, Quartic(), 2, parameters, POINT[:4])
    expected = in_coordinates(equation, 2, parameters, POINT[:4])
    np.testing.assert_allclose(drift, expected[0], rtol=1e-12)
    xm, mm = expected[1][0, 2], expected[1][2, 2]
    np.testing.assert_allclose(
        covariance[0, 0], xm**2 / mm, rtol=1e-12
    )  # the least that makes it a covariance: O(eta^2)
    others, wanted = (np.delete(a, [0, 1], 0) for a in (covariance, expected[1]))
    np.testing.assert_allclose(others, wanted, rtol=1e-12, atol=1e-15)
    assert np.all(covariance[0, 0] <= parameters["eta"] ** 2)


@pytest.mark.slow
def test_a_covariance_without_a_simple_root_is_refused_in_a_large_dimension():
    method = AdamW(noise=GAUSS, clients=1, compressor=RandK(2))
    equation = sd.sde(method, "second-order", Quadratic(1))
    with pytest.raises(Refusal, match="correlated between coordinates"):
        rule_system(equation.rule, 50, ADAM, Quadratic(1))


#: one letter has noise, or two; the coordinates of a message are uncorrelated (QSGD, natural) or correlated
INTEGRATED = [(QSGD(2), "m"), (Natural(), "(m + G)"), (NormClip(1), "(m + G)"), (TopK(2), "m")]


@pytest.mark.parametrize(("compressor", "moved_by"), slow_but(INTEGRATED, [INTEGRATED[3]], rows=True), ids=repr)
def test_integrals_over_the_noise_against_a_step_of_the_method(compressor, moved_by):
    """The mean and the covariance of a step are exactly those of the equation here: 100,000 steps, 5 standard errors."""
    method = Method(
        compressor, GAUSS, 2, memory={"m": 0}, update=[f"x = x - eta*{moved_by}", "m = m + a*eta*(G - m)"], regime={}
    )
    values, x0 = {"eta": 0.1, "a": 1.5, "sigma": 0.7}, np.array([0.4, -0.9, 1.3])
    run = sd.run(method, x0, T=0.1, paths=100_000, key=3, params=values, save=[0.1], loss=Quadratic(1))
    step = np.concatenate([run.final - x0[:, None], run.final_memory["m"]])
    start = np.concatenate([x0, np.zeros(3)])[:, None]
    drift, covariance = parts(sd.sde(method), Quadratic(1), 3, {**values, "N": 2.0}, start, nodes=4096)
    mean = 0.1 * drift[:, 0]
    within(step, mean, 1e-4)
    within(np.einsum("ip,jp->ijp", step - mean[:, None], step - mean[:, None]), 0.1 * covariance[..., 0], 1e-5)


@pytest.mark.slow
def test_the_mean_square_of_a_message_against_a_step_of_the_method():
    """E G^2 = S_jj/N + b_j^2 moves v, with S_jj from a covariance that is not diagonal: 100,000 steps, 5 standard errors."""
    method = Method(TopK(2), GAUSS, 2, memory={"v": 0}, update=["x = x - eta*G", "v = v + eta*(G^2 - v)"], regime={})
    values, x0 = {"eta": 0.1, "sigma": 0.7}, np.array([0.4, -0.9, 1.3])
    run = sd.run(method, x0, T=0.1, paths=100_000, key=3, params=values, save=[0.1], loss=Quadratic(1))
    drift, _ = parts(
        sd.sde(method), Quadratic(1), 3, {**values, "N": 2.0}, np.append(x0, np.zeros(3))[:, None], nodes=4096
    )
    within(run.final_memory["v"], 0.1 * drift[3:, 0], 1e-4)


@pytest.mark.slow
def test_milstein_is_eulers_scheme_where_the_noise_does_not_move_its_own_size():
    equation = sd.sde(RMSprop(noise=GAUSS, clients=1), "first-order", Quartic())
    assert scheme_name("milstein", equation.rule, 3, Quartic()) == "euler"
    own = sd.sde(Lion(noise=GAUSS, clients=1), "first-order", Quartic())
    with pytest.raises(BadInput, match="diagonal"):
        scheme_name("milstein", own.rule, 3, Quartic())
    with pytest.raises(BadInput, match="Stratonovich"):
        scheme_name("heun", equation.rule, 3, Quartic())
    vote = sd.sde(MajorityVote(noise=GAUSS, clients=3), "first-order", Quartic())
    assert scheme_name("milstein", vote.rule, 3, Quartic()) == "milstein"
    with pytest.raises(BadInput, match="diagonal"):
        scheme_name("milstein", vote.rule, 3, lambda x: jnp.sum(x) ** 2)


@pytest.mark.slow
def test_signum_far_from_the_minimum_has_no_noise_and_says_where_its_memory_lags():
    """At g = 8.7 standard deviations of the memory all signs agree: covariance K(0) made a standard deviation of 0.11 of 0.

    The lag is eta h beta/(1 - beta) = 0.18 of the gradient's unit, over sigma_m = sqrt(1/19).
    """
    method = Signum(noise=GAUSS, clients=1, regime="fixed")
    params = {"eta": 0.01, "beta": 0.9, "sigma": 1.0}
    equation = sd.sde(method, "first-order", Quadratic(2))
    found = solve(equation, [1.0], 0.1, 128, 1, params, save=2)
    assert np.std(found.final) < 1e-6 and abs(np.mean(found.final) - 0.9) < 1e-6
    assert sorted(found.values) == ["gradient_norm", "loss"]
    assert found.settings["ranges"] == {"memory-lag": pytest.approx(0.18 * np.sqrt(19), rel=1e-6)}
    (note,) = found.notes
    assert "left the range" in note and "0.785" in note
    slow = solve(equation, [1.0], 0.01, 128, 1, {**params, "eta": 0.001}, save=2)
    assert slow.settings["ranges"]["memory-lag"] < 0.1 and not slow.notes


def test_differences_of_exponentials_keep_their_digits():
    t, rho, a = sp.symbols("t rho a", positive=True)
    e = a - a * sp.exp(-rho * t) + 1 / (1 - sp.exp(-2 * rho * t)) + sp.exp(rho * t)
    found = differences(e)
    assert {str(f.args[0]) for f in found.atoms(sp.Function) if type(f).__name__ == "expm1"} == {"-rho*t", "-2*rho*t"}
    point = {t: 0.3, rho: 0.7, a: 2.0}
    assert abs(float(found.xreplace(point).rewrite(sp.exp).evalf()) - float(e.xreplace(point))) < 1e-14


@pytest.mark.slow
def test_paths_are_those_of_the_equation_in_named_coordinates():
    """Where the letters draw alike."""
    eta, paths, params = 0.01, 200, {"eta": 0.01, "mu": 1.0, "sigma": 1.0}
    equation = sd.sde(HeavyBall(noise=GAUSS, clients=1), "first-order", Quadratic(1), 2)
    seen = {"x": lambda x: x[0], "xv": lambda x, memory: x[0] * memory["v"][0]}
    found = solve(equation, [1.0, -1.0], 1.0, paths, 3, params, save=3, statistics=seen)
    tau = np.sqrt(eta)
    np.testing.assert_allclose(found.times, [0, 0.5, 1.0])
    named = solve(equation.coordinates(), [1, -1, 0, 0], 1.0, paths, 3, params, dt=tau / 8, save=[0, 0.5, 1])
    np.testing.assert_allclose(found.values["x"], named.values["x1"], rtol=1e-12)
    np.testing.assert_allclose(found.final_memory["v"], tau * named.final[2:], rtol=1e-12)  # the rule's own v is tau V
    np.testing.assert_allclose(found.values["xv"][-1], found.final[0] * found.final_memory["v"][0], rtol=1e-12)


@pytest.mark.slow
def test_no_path_depends_on_which_others_are_computed_with_it():
    """Bitwise; in single precision up to it; beta1 in place of rho1, and one value for each path."""
    equation = sd.sde(AdamW(noise=GAUSS, clients=1), "first-order", Quadratic(1))
    params = {"eta": 0.01, "rho2": 0.1, "eps": 1e-2, "wd": 0.1, "sigma": 0.3}
    run = partial(solve, equation, [1.0, 2.0], 0.2, key=5, save=3)
    whole = run(paths=400, params=params | {"beta1": 0.9})
    part = run(paths=200, params=params | {"rho1": 10.0}, chunk=100, first=200)
    assert np.array_equal(part.final, whole.final[:, 200:])
    assert all(np.array_equal(part.final_memory[a], whole.final_memory[a][:, 200:]) for a in "mv")
    single = run(paths=400, params=params | {"beta1": 0.9}, dtype="float32")
    np.testing.assert_allclose(single.final, whole.final, rtol=2e-4, atol=2e-4)
    varied = run(paths=400, params=params, varied={"beta1": np.tile([0.9, 0.8], 200)}, statistics={"both": "x1*m2"})
    np.testing.assert_allclose(varied.final[:, ::2], whole.final[:, ::2], rtol=1e-12)
    np.testing.assert_allclose(varied.final_memory["m"][:, ::2], whole.final_memory["m"][:, ::2], rtol=1e-12)
    assert np.all(varied.final[:, 1::2] != whole.final[:, 1::2])
    np.testing.assert_allclose(varied.values["both"][-1], varied.final[0] * varied.final_memory["m"][1], rtol=1e-12)
    with pytest.raises(BadInput, match="vanish"):
        given = {k: v for k, v in params.items() if k != "sigma"} | {"beta1": 0.9}
        solve(equation, [1.0], 0.1, 2, 0, given, varied={"sigma": [0.0, 1.0]})


@pytest.mark.slow
def test_a_constant_in_the_scale_of_a_letter_may_differ_from_path_to_path():
    """Such as r in s = r s'/eta^2; the memory has the values that the update gives it, which do not depend on r."""
    regime = {"beta": "1 - c*eta^2", "noise": "1/eta", "s": "r*s/eta^2"}
    update = ["s = beta*s + (1-beta)*G^2", "x = x - eta*G/sqrt(s)"]
    method = sd.Method(noise=GAUSS, clients=1, memory={"s": 1}, update=update, regime=regime, time="eta^2")
    equation, values = sd.sde(method, loss=Quadratic(1)), [1.0, 5.0]
    params = {"eta": 0.1, "c": 1.0, "sigma0": 1.0}
    found = solve(equation, [1.0, 2.0], 0.5, 2, 5, params, save=3, varied={"r": values}, statistics={"s": "s1"})
    np.testing.assert_allclose(found.values["s"], np.repeat(found.values["s"][:, :1], 2, axis=1), rtol=1e-12)
    assert np.allclose(found.values["s"][0], 1, rtol=1e-12) and found.values["s"][-1].min() > 2
    for n, r in enumerate(values):
        alone = solve(equation, [1.0, 2.0], 0.5, 2, 5, params | {"r": r}, save=3)
        np.testing.assert_allclose(found.final[:, n], alone.final[:, n], rtol=1e-12)
        np.testing.assert_allclose(found.final_memory["s"][:, n], alone.final_memory["s"][:, n], rtol=1e-12)


@pytest.mark.slow
def test_a_bias_correction_begins_at_its_limit():
    """Without noise, against SciPy's Radau from a time of 1e-9 on, where m and v are linear in t."""
    params = {"eta": 0.01, "rho1": 10.0, "rho2": 1.0, "eps": 1e-3, "wd": 0.1}
    equation = sd.sde(AdamW(), "first-order", Quadratic((1, 3)))
    found = solve(equation, [1.0, -2.0], 1.0, 3, 0, params, save=2)
    assert np.all(np.isfinite(found.final)) and np.all(found.final == found.final[:, :1])
    h, begin, x0 = np.array([1.0, 3.0]), 1e-9, np.array([1.0, -2.0])

    def rate(t, y):
        x, m, v = y.reshape(3, 2)
        mean, square = m / -np.expm1(-10 * t), v / -np.expm1(-t)
        return np.concatenate([-mean / (np.sqrt(square) + 1e-3) - 0.1 * x, 10 * (h * x - m), (h * x) ** 2 - v])

    y0 = np.concatenate([x0, 10 * begin * h * x0, begin * (h * x0) ** 2])
    made = integrate.solve_ivp(rate, (begin, 1.0), y0, method="Radau", rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(found.final[:, 0], made.y[:2, -1], rtol=1e-4)
    np.testing.assert_allclose(found.final_memory["v"][:, 0], made.y[4:, -1], rtol=1e-4)


@pytest.mark.slow
def test_starts_without_a_limit_and_wrong_numbers_are_refused():
    adam = sd.sde(AdamW(noise=GAUSS, clients=1), "first-order", Quadratic(1))
    params = {"eta": 0.01, "rho1": 10.0, "rho2": 1.0, "eps": 1e-3, "wd": 0.1, "sigma": 0.3}
    with pytest.raises(Refusal, match="no limit"):
        solve(adam, [1.0], 0.1, 3, 0, params, memory={"m": [1.0]})
    with pytest.raises(Refusal, match="first-order model"):
        solve(sd.sde(AdamW(noise=GAUSS, clients=1), "second-order", Quadratic(1)), [1.0], 0.1, 3, 0, params)
    with pytest.raises(Refusal, match="no value at the start, and no limit"):
        solve(sd.sde(RMSprop(noise=GAUSS, clients=1), "first-order", Quadratic(1)), [1.0], 0.1, 3, 0, RMS | {"eps": 0})
    for wrong, field in (
        ({"beta1": 0.5}, "beta1"), ({"rho1": -1.0}, "rho1"), ({"mu": 1.0}, "mu"), ({"wd": None}, "wd"),
    ):  # fmt: skip
        given = {k: v for k, v in (params | wrong).items() if v is not None}
        with pytest.raises(BadInput, match=field):
            solve(adam, [1.0], 0.1, 3, 0, given)
    with pytest.raises(BadInput, match="memory"):
        solve(sd.sde(sd.DSGD(GAUSS), loss=Quadratic(1)), [1.0], 0.1, 3, 0, {"eta": 0.1}, memory={"m": [1.0]})
