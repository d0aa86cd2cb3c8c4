"""The rules about time hold: primitive against quadrature, ito and gronwall against diffusions with known moments."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad as quadrature
from scipy.linalg import expm

from sdescent.derive.proof.kernel.primitives import time_derivative
from sdescent.derive.proof.kernel.rules import Fact, Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Term, dot, fn, mat, num, trprod, vec, x, xs
from tests.support.finite_models import FULL, NEGLIGIBLE, STANDINS, TRUE, Model


@pytest.mark.parametrize("number", range(5))
def test_primitive_against_quadrature(number: int) -> None:
    """int_0^T of P' by quadrature is P(T) - P(0), to 1e-9."""
    kernel, (t, c, q) = Kernel(FULL), xs("t c q")
    primitive = [
        t**3 * c - q * t, fn("exp", -c * t) * t**2, fn("log", 1 + c * t) * (q + t), 1 / (1 + c * t) ** 2 + t / (2 + t**2),
        fn("exp", -q * fn("log", 1 + t)) / (1 + fn("exp", c * t)) + fn("log", c),
    ][number]  # fmt: skip
    slope, domain = time_derivative(FULL, primitive, "t")
    shown = [kernel.assume(num(0).lt(p)) for _, p in domain]
    fact = kernel.primitive("t", primitive, slope, [kernel.certify(slope.eq(slope)), *shown])
    assert fact.sealed == set(fact.hypotheses)
    rng = np.random.default_rng([17, number])
    for _ in range(5):
        values = {"c": float(rng.uniform(0.1, 2)), "q": float(rng.uniform(-2, 2)), "T": float(rng.uniform(0.1, 3))}

        def at(term: Term, time: float, values: dict[str, float] = values) -> float:
            scalars = {n: _constant(v) for n, v in {**values, "t": time}.items()}
            return float(Model(FULL, scalars).value(term).flat[0])

        whole, error = quadrature(lambda time: at(slope, time), 0, values["T"], epsabs=1e-11, epsrel=1e-11)
        assert error < 1e-9
        assert abs(at(fact.claim.right, math.nan) - whole) < NEGLIGIBLE * (1 + abs(whole))


def _constant(value: float) -> Any:
    found = np.empty((1,) * 5, dtype=object)
    found.fill(value)
    return found


RATE = Fraction(4, 5)
OU = Context(
    {"V": "random", "VT": "rv", "V0": "const", "T": "const", "k": "const", "c": "const"}, ("grad", "x"),
    {"hess": ("symmetric",), "S": ("psd",)}, horizon="T",
    potentials={"V": {"gradient": "grad", "hessian": "hess", "end": "VT", "start": "V0", "smooth": True,
                      "drift": [(num(-RATE), vec("x"))], "diffusion": [(num(1), mat("S"))]}},
)  # fmt: skip


def ornstein_uhlenbeck(seed: int, paths: int, times: int) -> tuple[Model, Any, Any]:
    """dX = -X B dt + L dW in two dimensions by its exact transitions, V = X'PX/2, weights of the trapezium rule in time."""
    rng = np.random.default_rng(seed)
    root, other = rng.normal(size=(2, 2)), rng.normal(size=(2, 2))
    p, covariance = root @ root.T + 0.3 * np.eye(2), other @ other.T
    horizon, rate, start = 1.3, float(RATE), np.array([1.0, -0.7])
    step = horizon / (times - 1)
    decay, noise = (
        math.exp(-rate * step),
        np.linalg.cholesky(covariance * (1 - math.exp(-2 * rate * step)) / (2 * rate)),
    )
    path = np.empty((paths, times, 2))
    path[:, 0] = start
    for n in range(1, times):
        path[:, n] = decay * path[:, n - 1] + rng.normal(size=(paths, 2)) @ noise.T
    energy = 0.5 * np.einsum("wti,ij,wtj->wt", path, p, path)
    shape = (paths, times, 1, 1, 1)
    weights = np.full(times, step)
    weights[[0, -1]] /= 2
    scalars = {
        "V": energy.reshape(shape), "VT": energy[:, -1].reshape(paths, 1, 1, 1, 1), "V0": _constant(float(energy[0, 0])),
        "T": _constant(horizon), "k": _constant(2 * rate), "c": _constant(float(0.5 * np.trace(p @ covariance))),
    }  # fmt: skip
    matrices = {
        "hess": np.broadcast_to(p, (paths, times, 2, 2)),
        "S": np.broadcast_to(covariance, (paths, times, 2, 2)),
    }
    model = Model(OU, scalars, {"x": path, "grad": path @ p}, matrices, np.full(paths, 1 / paths), weights)
    return model, rate, (p, covariance, start, horizon)


@pytest.fixture(scope="module")
def paths() -> tuple[Model, Any, Any]:
    return ornstein_uhlenbeck(18, 4000, 61)


def ou_facts(rate: Any) -> tuple[Fact, Fact]:
    kernel, rate = Kernel(OU), num(Fraction(str(rate)))
    given = [kernel.certify(num(0).le(1), sum=[(Fraction(1), (), ())]), kernel.assume(num(0).le(x("V")))]
    generator = -rate * dot(vec("grad"), vec("x")) + num("1/2") * trprod(mat("hess"), mat("S"))
    decay = kernel.assume(generator.le(-x("k") * x("V") + x("c")))
    positive = kernel.assume(num(0).lt(x("k")))
    ito = kernel.ito("V", given)
    return ito, kernel.gronwall("V", x("k"), x("c"), [*given, decay, positive])


@pytest.mark.slow
def test_ito_and_gronwall_against_simulated_paths(paths: tuple[Model, Any, Any]) -> None:
    """Both are equalities here. 4000 exact paths, key 18: the sides differ by less than 4 standard errors (62 in a million)."""
    model, rate, _ = paths
    ito, gronwall = ou_facts(rate)
    generator = ito.claim.right[1]
    gains = (model.value(generator)[..., 0, 0, 0] * model.steps).sum(axis=1).astype(float)
    ends, first = model.scalars["VT"].ravel(), model.scalars["V0"].flat[0]
    sample = ends - first - gains
    assert abs(sample.mean()) < 4 * sample.std(ddof=1) / math.sqrt(len(sample))
    slack = float(model.value(ito.claim.slack).flat[0])
    assert slack == pytest.approx(-sample.mean(), abs=1e-9)
    bound = float(model.value(gronwall.claim.right).flat[0])
    assert abs(ends.mean() - bound) < 4 * ends.std(ddof=1) / math.sqrt(len(ends))


def test_ito_and_gronwall_against_moment_equations(paths: tuple[Model, Any, Any]) -> None:
    """E X X' solves m' = -2 rate m + S: both claims hold with equality, to 1e-9; with a smaller rate or larger offset as bounds."""
    model, rate, (p, covariance, start, horizon) = paths
    ito, gronwall = ou_facts(rate)

    def moment(t: float) -> Any:
        lyapunov = np.kron(-rate * np.eye(2), np.eye(2)) + np.kron(np.eye(2), -rate * np.eye(2))
        fixed = np.linalg.solve(lyapunov, -covariance.ravel())
        return (expm(lyapunov * t) @ (np.outer(start, start).ravel() - fixed) + fixed).reshape(2, 2)

    def mean(t: float) -> float:
        return 0.5 * float(np.trace(p @ moment(t)))

    drifted, _ = quadrature(lambda t: -2 * rate * mean(t) + 0.5 * np.trace(p @ covariance), 0, horizon, epsabs=1e-12)
    assert mean(horizon) - mean(0) == pytest.approx(drifted, abs=1e-9)
    for k, c, equal in ((2 * rate, 0.0, True), (rate, 0.0, False), (2 * rate, 1.0, False)):
        model.scalars["k"], offset = _constant(k), float(0.5 * np.trace(p @ covariance)) + c
        bound = float(Model(OU, {**model.scalars, "c": _constant(offset)}).value(gronwall.claim.right).flat[0])
        assert mean(horizon) <= bound + 1e-9
        assert not equal or mean(horizon) == pytest.approx(bound, abs=1e-9)
    model.scalars["k"] = _constant(2 * rate)
    assert ito.axioms == {"weak-existence", "localisation", "fatou", "integrability"}
    assert TRUE.keys() == STANDINS.keys()
