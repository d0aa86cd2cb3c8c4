"""The rules about time hold: primitive against quadrature, ito and gronwall against diffusions with known moments."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad as quadrature

from sdescent.derive.proof.kernel.ito_gronwall_descent import time_derivative
from sdescent.derive.proof.kernel.rules import Kernel
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Term, dot, fn, mat, num, trprod, vec, x, xs
from tests.support.finite_models import FULL, NEGLIGIBLE, Model


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


@pytest.mark.parametrize(("k", "more", "equal"), [(2, 0, True), (1, 0, False), (2, 1, False)])
def test_ito_and_gronwall_against_known_moments(k: int, more: int, equal: bool) -> None:
    """dX = -rate X dt + L dW, V = X'PX/2: both claims hold with equality, to 1e-9; with a smaller rate or larger offset as bounds.

    Four outcomes have the mean m = exp(-rate t) X(0) and the covariance S (1 - exp(-2 rate t))/(2 rate) of X(t).
    """
    rng, rate, horizon, start = np.random.default_rng(18), float(RATE), 1.3, np.array([1.0, -0.7])
    root, other = rng.normal(size=(2, 2)), rng.normal(size=(2, 2))
    p, covariance = root @ root.T + 0.3 * np.eye(2), other @ other.T
    nodes, weights = (
        np.pad(part, 1, constant_values=end)
        for part, end in zip(np.polynomial.legendre.leggauss(20), (1, 0), strict=True)
    )
    nodes[0] = -1  # both ends, of no weight
    times = horizon * (1 + nodes) / 2
    spread = np.vstack([np.linalg.cholesky(covariance).T, -np.linalg.cholesky(covariance).T])
    size = np.sqrt((1 - np.exp(-2 * rate * times)) / rate)  # times sqrt(2) for four outcomes
    path = np.exp(-rate * times)[:, None] * start + size[:, None] * spread[:, None]
    energy = np.einsum("wti,ij,wtj->wt", path, p, path)[..., None, None, None] / 2
    scalars = {
        "V": energy, "VT": energy[:, -1:], "V0": energy[:1, :1], "T": _constant(horizon), "k": _constant(k * rate),
        "c": _constant(float(np.trace(p @ covariance)) / 2 + more),
    }  # fmt: skip
    matrices = {name: np.broadcast_to(m, (4, 22, 2, 2)) for name, m in (("hess", p), ("S", covariance))}
    model = Model(OU, scalars, {"x": path, "grad": path @ p}, matrices, np.full(4, 0.25), weights * horizon / 2)
    kernel = Kernel(OU)
    premises = [kernel.certify(num(0).le(1), sum=[(Fraction(1), (), ())]), kernel.assume(num(0).le(x("V")))]
    generator = -num(RATE) * dot(vec("grad"), vec("x")) + num("1/2") * trprod(mat("hess"), mat("S"))
    decay = [kernel.assume(generator.le(-x("k") * x("V") + x("c"))), kernel.assume(num(0).lt(x("k")))]
    ito, gronwall = kernel.ito("V", premises), kernel.gronwall("V", x("k"), x("c"), [*premises, *decay])
    assert model.value(ito.claim.slack).item() == pytest.approx(0, abs=1e-9)
    assert ito.axioms == {"weak-existence", "localisation", "fatou", "integrability"}
    slack = model.value(gronwall.claim.slack).item()
    assert abs(slack) < 1e-9 if equal else slack > 1e-3
