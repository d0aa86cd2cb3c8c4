"""Where stationary second moments exist: against spectra of second-moment maps made by enumeration and by Kronecker products.

Random cases have the fixed seeds that the tests name; every one of them is compared, none is sampled in a statistical sense.
"""

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.equations.process.stationary import (
    StationaryMoments,
    discrete_second_moments,
    second_moments,
    stability_threshold,
)
from sdescent.derive.methods.compressors import Bernoulli, RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD
from sdescent.derive.methods.noise import Affine, Gaussian, StudentT
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.symbols import N, eta, parameter

lam, h1, h2, sigma1 = (parameter(n) for n in ("lambda", "h1", "h2", "sigma1"))


def kronecker(terms: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The matrix of V -> sum A V B'."""
    return sum(np.kron(a, b) for a, b in terms)  # pyright: ignore[reportReturnType]


@pytest.mark.slow
@pytest.mark.parametrize("discrete", [False, True])
def test_the_condition_of_maps_that_mix_all_entries(discrete):
    # dv/dt = A v + v A' + B v B', and v -> A v A' + B v B', with full rational A, B; 20 random cases, seed 6
    dim, draw, seen = 2, np.random.default_rng(6), []
    pairs = StationaryMoments.pairs(dim)
    for _ in range(20):
        a, b = (sp.Matrix(draw.integers(-9, 10, (dim, dim)).tolist()) / s for s in (8 * dim, 10))
        size = sp.Rational(int(draw.integers(2, 16)), 10)
        a, b = (a * 2 if discrete else a - size * sp.eye(dim)), b * size
        v = sp.Matrix(dim, dim, lambda i, j: sp.Symbol(f"V{min(i, j)}{max(i, j)}"))
        image = a * v * a.T + b * v * b.T - v if discrete else a * v + v * a.T + b * v * b.T
        system = sp.Matrix([image[i, j] for i, j in pairs]).jacobian([v[i, j] for i, j in pairs])
        found = StationaryMoments(sp.eye(dim), system, DSGD(Gaussian()))
        left, right = (np.array(m.tolist(), float) for m in (a, b))
        if discrete:
            expected = np.abs(np.linalg.eigvals(kronecker([(left, left), (right, right)]))).max() < 1
        else:
            one = np.eye(dim)
            expected = np.linalg.eigvals(kronecker([(left, one), (one, left), (right, right)])).real.max() < 0
        assert all(m.is_positive for m in found.margins) == expected
        seen.append(bool(expected))
    assert 2 <= sum(seen) <= 18


def test_a_bound_that_follows_from_another_is_left_out():
    """Theory 6.1: equal curvatures, Rand-1 and affine noise."""
    equal = discrete_second_moments(DCSGD(RandK(1), Affine()), 2, lam).condition
    assert equal == sp.Lt(eta, 2 * N / (lam * (N + 1 + 4 * sigma1**2)))
    two = discrete_second_moments(DSGD(Gaussian()), 2).condition
    assert two == sp.And(eta < 2 / h1, eta < 2 / h2)


def test_a_negative_variance_is_refused():
    found = discrete_second_moments(DSGD(Affine()), 1, lam)
    values = {"eta": 0.3, "lambda": 2, "N": 1, "sigma0": 1, "sigma1": 2}  # the threshold is 2/(2 (1 + 4)) = 0.2
    formula = found[0].xreplace({s: sp.Rational(str(values[s.name])) for s in found[0].free_symbols})
    assert formula < 0
    with pytest.raises(Refusal) as refused:
        found.at(values)
    message = refused.value.message
    assert "eta = 0.3" in message and str(found.condition) in message and "eta < 0.2" in message
    assert not found.holds(values)
    # the recursion v -> (1 - eta lambda)^2 v + eta^2 (sigma0^2 + sigma1^2 lambda^2 v) below the threshold, to rest
    v, step = 0.0, 0.15
    for _ in range(2000):
        v = (1 - step * 2) ** 2 * v + step**2 * (1 + 4 * 4 * v)
    assert found.at({**values, "eta": step})[0, 0] == pytest.approx(v, rel=1e-12)


def test_values_outside_their_domain_are_refused():
    found = second_moments(DSGD(StudentT("nu")), 1, "corrected", lam)
    values = {"eta": 0.1, "lambda": 1, "N": 1, "sigma": 1, "nu": 3}
    assert found.at(values)[0, 0] == pytest.approx(0.1 * 3 / (2 - 0.1), rel=1e-14)
    assert found.condition == sp.And(parameter("nu") > 2, eta < 2 / lam)
    with pytest.raises(Refusal) as refused:
        found.at({**values, "nu": 1.5})
    assert refused.value.kind == "infinite-variance"
    for wrong, name in (({"eta": -0.1}, "eta"), ({"lambda": 0}, "lambda"), ({"sigma": -1}, "sigma")):
        with pytest.raises(BadInput) as bad:
            found.at({**values, **wrong})
        assert name in bad.value.message
    with pytest.raises(BadInput) as bad:
        found.at({"eta": 0.1})
    assert "N, lambda, nu, sigma" in bad.value.message
    with pytest.raises(BadInput):
        second_moments(DCSGD(Bernoulli("p"), Gaussian()), 1, "corrected", 1).at({**values, "p": 1.5})


def test_a_threshold_carries_its_condition():
    # second-order: 2 N p/(lambda (1 + sigma1^2 - p - N p)), which is a threshold only where the denominator is positive
    found = stability_threshold(DCSGD(Bernoulli("p"), Affine()), "second-order", lam, 1)
    names = {s.name: s for s in found.free_symbols}

    def at(p: str, s1: str) -> sp.Expr:
        return found.subs(
            {names["p"]: sp.Rational(p), names["sigma1"]: sp.Rational(s1), names["N"]: 2, names["lambda"]: 3}
        )

    assert at("1/2", "1") == sp.Rational(2, 3) / sp.Rational(1, 2)
    assert at("1", "1") == sp.oo
