"""Measurements at a point against constants of closed forms, enumeration, and laws that are symmetric or not.

Keys are fixed. Intervals have the level 0.95, so that a single one misses with probability 0.05: a test of several ones counts.
"""

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.methods.compressors import QSGD, RandK
from sdescent.derive.reading.measurements import measurement
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.measure import points as pt
from sdescent.numerics.measure.assumptions import Status, of_catalogue
from sdescent.numerics.measure.model import model_of
from sdescent.numerics.measure.points import measure
from sdescent.numerics.measure.primitives import Population
from sdescent.numerics.measure.study import Study
from tests.numerics.measure.chosen_points import setting
from tests.numerics.measure.models import logistic, per_example, population_of, squares


def at(model, x=None, batch=8, compressor=None, draws=400, population=None, seed=0):
    whole = population or population_of(model)
    return measure(whole, whole, whole.x0 if x is None else jnp.asarray(x), 0, batch, compressor, draws, seed)


def test_the_numbers_of_a_point_are_those_of_explicit_matrices():
    owner = np.repeat([0, 1], [60, 40])
    model = logistic(100, 6, 3, 1.0, clients=owner, count=2)
    x = np.asarray(model.params["w"])
    y = per_example(model, x)
    means = np.stack([y[s].mean(axis=0) for s in model.shards])
    cs = [np.cov(y[s].T, bias=True) for s in model.shards]
    values = np.linalg.eigvalsh(np.mean(cs, axis=0))[::-1]
    point = at(model)
    a, _y = model.data
    slope = 1 / (1 + np.exp(a @ x)) / (1 + np.exp(-(a @ x)))
    hessian = np.mean([(a[s].T * slope[s]) @ a[s] / len(s) for s in model.shards], axis=0)
    assert point.hessian == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=0.01)
    assert point.gradient == pytest.approx(np.linalg.norm(means.mean(axis=0)))
    assert point.exact
    assert point.eigenvalues == pytest.approx(values, rel=1e-9)
    assert point.effective_rank == pytest.approx(values.sum() ** 2 / np.sum(values**2), rel=1e-9)
    assert sum(layer.trace for layer in point.layers) == pytest.approx(point.trace.value) == pytest.approx(values.sum())
    spread = np.mean(np.sum((means - means.mean(axis=0)) ** 2, axis=1))
    assert point.client_spread == pytest.approx(spread / np.sum(means.mean(axis=0) ** 2), rel=1e-9)
    assert point.client_traces == pytest.approx([np.trace(c) for c in cs])


def test_logistic_regression_has_the_constants_of_closed_forms():
    """||H|| <= L = ||A'A||/(4n), with equality at 0, where tr C = mean |a|^2/4 - G^2; everywhere tr C <= mean |a|^2.

    With these constants the assumptions of 6.2 hold along the ray, and its largest step size is 2 eps/L = 1/L.
    """
    model, batch = logistic(200, 6, 3), 8
    a, _y = model.data
    largest, square = np.linalg.eigvalsh(a.T @ a / (4 * len(a)))[-1], np.mean(np.sum(a**2, axis=1))
    points = [at(model, np.full(6, size)) for size in (0.0, 0.2, 0.5, 1.0)]
    assert points[0].hessian == pytest.approx(largest, rel=0.01)
    assert points[0].trace.value == pytest.approx(square / 4 - points[0].gradient ** 2, rel=1e-9)
    assert all(p.hessian <= largest * (1 + 1e-9) and p.trace.value <= square for p in points)
    constants = {"L0": float(largest), "s0": float(square) / (batch * 6), "s1": 0.0}
    for factor, verdict in ((0.99, Status.HOLDS), (1.01, Status.FAILS)):
        eta = factor / largest
        run = setting(batch=batch, dim=6, eta=eta, rates=[eta] * 4, constants=constants)
        theorem = next(j for j in of_catalogue(points, run) if j.id == "6.2-pathwise-method")
        statuses = {a.name: a.status for a in theorem.assumptions}
        assert statuses["step"] == verdict and set(statuses.values()) <= {Status.HOLDS, verdict}
        assert theorem.largest_eta == pytest.approx(1 / largest)


def test_lanczos_gives_the_spectrum_of_the_gram_matrix(monkeypatch):
    model = logistic(300, 12, 4, 1.0)
    exact = at(model)
    monkeypatch.setattr(pt, "MOST_GRAM", 5)
    other = at(model)
    assert len(exact.eigenvalues) == 10 > len(other.eigenvalues)
    assert other.eigenvalues[0] == pytest.approx(exact.eigenvalues[0], rel=1e-4)
    # Hutchinson with 8 probes: a relative standard error of at most sqrt(2/8) of one eigenvalue's share
    assert other.effective_rank == pytest.approx(exact.effective_rank, rel=0.4)


@pytest.mark.slow
def test_the_eigenvalue_of_a_subsample_is_flagged_and_biased_up():
    model = squares(512, 40, 5)
    rng = np.random.default_rng(0)
    whole = at(model)
    y = per_example(model, np.zeros(40))
    tops = []
    for _ in range(40):
        part = y[rng.choice(512, 32, replace=False)]
        tops.append(np.linalg.eigvalsh(np.cov(part.T, bias=True))[-1])
    assert np.mean(tops) > 1.15 * whole.eigenvalues[0]
    part = Population(model, [np.arange(32)])
    point = at(model, population=part)
    assert not point.exact
    # Bessel's factor makes the trace unbiased all the same
    assert point.trace.value == pytest.approx(np.var(y[:32], axis=0, ddof=1).sum(), rel=1e-9)


# --- signs and symmetry


def shifted(noise):
    """A loss whose per-example gradient is m + z_i, with rows z_i of `noise`."""
    names = {"loss": lambda p, batch: jnp.mean(batch @ p), "params": jnp.zeros(noise.shape[1]), "data": 0.3 + noise}
    return model_of(names, "m.py", 1)


def test_symmetric_noise_passes_and_skewed_noise_fails():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((256, 30))
    symmetric = at(shifted(np.concatenate([z, -z])), batch=3, draws=1000).signs
    assert symmetric.symmetric and symmetric.asymmetric == 0 and symmetric.live == 30
    # the mean of 3 exponentials is above 1 with probability .423: about 7 standard errors of 2,000 draws below 1/2
    skewed = at(shifted(rng.exponential(1, (512, 30)) - 1), batch=3, draws=2000).signs
    assert not skewed.symmetric and skewed.asymmetric > 0.9


def test_signs_of_few_values_are_counted():
    """Each coordinate is 1 with probability 1/8 and -1/10 otherwise: with B = 1 the sign opposes the mean .0375 in every one."""
    rows = np.array([np.roll([1.0] + [-0.1] * 7, n) for n in range(8)])
    model = model_of({"loss": lambda p, b: jnp.mean(b @ p), "params": jnp.zeros(8), "data": rows}, "m.py", 1)
    signs = at(model, batch=1, draws=2000).signs
    assert signs.wrong == 1.0 and signs.alignment == pytest.approx(-0.75, abs=5 / np.sqrt(2000))
    sigma = rows.std(axis=0)
    assert signs.scales == pytest.approx([sigma[0]] * 3)
    assert signs.ratio == pytest.approx(0.0375 / sigma[0])


# --- compression


@pytest.mark.slow
def test_the_ratio_of_compressors():
    model = logistic(200, 20, 6, 1.0)
    # the errors of Rand-k have variance over draws; 256 of them
    point = at(model, compressor=RandK(5))
    assert point.compression.value == pytest.approx(20 / 5 - 1, abs=0.4)
    v = np.random.default_rng(0).standard_normal(20)
    u = 4 * np.abs(v) / np.linalg.norm(v)
    exact = np.sum((u - np.floor(u)) * (1 - u + np.floor(u))) / 16  # E||C(v) - v||^2/||v||^2, given v
    drawn = [pt.compression_error(QSGD(sp.Integer(4)), v, np.random.default_rng(seed)) for seed in range(60)]
    assert np.mean(drawn) == pytest.approx(exact, abs=5 * np.std(drawn) / np.sqrt(len(drawn)))


# --- a loss that is no mean over examples


def normalised(params, batch):
    a, y = batch
    h = a @ params["u"]
    h = (h - h.mean(axis=0)) / jnp.sqrt(h.var(axis=0) + 1e-5)
    return jnp.mean(jax.nn.softplus(-y * (h @ params["w"])))


@pytest.mark.slow
def test_normalisation_over_the_batch_is_noticed():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((64, 4)), rng.choice([-1.0, 1.0], 64)
    for last in (rng.standard_normal(3), np.zeros(3)):  # with a last layer of 0 losses agree, and gradients do not
        params = {"u": jnp.asarray(rng.standard_normal((4, 3))), "w": jnp.asarray(last)}
        assert not model_of({"loss": normalised, "params": params, "data": data}, "m.py", 1).is_mean_over_examples(8)
    assert logistic(64, 4, 0).is_mean_over_examples(8)
    plain = model_of(
        {"loss": squares(8, 4, 0).loss, "params": {"w": jnp.zeros(4, jnp.float32)}, "data": data}, "m.py", 1
    )
    assert plain.is_mean_over_examples(8)


def test_a_loss_without_gradients_of_examples_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    data = rng.standard_normal((64, 4)), rng.choice([-1.0, 1.0], 64)
    params = {"u": jnp.asarray(rng.standard_normal((4, 3))), "w": jnp.asarray(rng.standard_normal(3))}
    model = model_of({"loss": normalised, "params": params, "data": data}, "m.py", 2)
    table = {"method": "dsgd", "clients": 2, "batch": 8, "steps": 2, "eta": "1/10", "sampling": "with-replacement"}
    with pytest.raises(Refusal, match="no mean over its examples"):
        Study(model, measurement(table, tmp_path))
    whole = Study(logistic(64, 4, 0), measurement(table, tmp_path))
    assert whole.population.whole and whole.no_forecast() == ""
    shuffled = Study(logistic(64, 4, 0), measurement({**table, "sampling": "shuffled"}, tmp_path))
    assert "shuffled epochs" in shuffled.no_forecast()
