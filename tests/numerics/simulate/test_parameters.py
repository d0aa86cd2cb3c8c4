"""The numbers given for symbols: the domains of their places, names that stand for nothing, conditions of existence."""

from typing import Any

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.compressors import Bernoulli, RandK, TopK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import LogisticRegression, Quadratic
from sdescent.derive.methods.noise import Affine, Correlated, Gaussian, NoNoise, Scaled, Stable, StudentT
from sdescent.derive.methods.schedules import Power
from sdescent.derive.methods.specialise import specialise, symbol_names
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.parameters import parameters_of, specialised
from tests.numerics.refusals import refused

GAUSS = Scaled(Gaussian(), 1)
QUADRATIC = Quadratic((1, 2))

OUTSIDE: list[tuple[sd.Method, Any, dict[str, Any], str]] = [
    (DCSGD(Bernoulli("q"), GAUSS), QUADRATIC, {"q": 2}, "bernoulli:p"),
    (DCSGD(RandK("kk"), GAUSS), QUADRATIC, {"kk": 3}, "rand-k:k"),
    (DCSGD(TopK("kk"), GAUSS), QUADRATIC, {"kk": 3}, "top-k:k"),
    (DSGD(Gaussian()), QUADRATIC, {"sigma": -1}, "sigma"),
    (DSGD(Scaled(StudentT("m"), 1)), QUADRATIC, {"m": -3}, "student-t:nu"),
    (DSignSGD(Scaled(Stable("a"), 1)), QUADRATIC, {"a": 2.5}, "stable:alpha"),
    (DSGD(Affine("s0", "s1", "m")), QUADRATIC, {"s0": 1, "s1": 1, "m": 2}, "affine:nu"),
    (DSGD(GAUSS, schedule=Power("q")), QUADRATIC, {"q": 1.5}, "power:p"),
    (DSGD(GAUSS), Quadratic("curv"), {"curv": -2}, "quadratic:h"),
    (DSGD(GAUSS), Quadratic(), {"h": [1, -2]}, "quadratic:h"),
    (DSGD(GAUSS), LogisticRegression("lam"), {"lam": -1, "a1": 1, "a2": 1}, "logistic-regression:l2"),
    (DSGD(GAUSS), QUADRATIC, {"sgima": 2}, "parameter sgima"),
    (DSGD(Scaled(Gaussian(), Coordinate("s", "j", True))), QUADRATIC, {"s": [1, -1]}, "parameter s"),
    (DSGD(Scaled(Gaussian(), Coordinate("s", "j", True))), QUADRATIC, {"s": 1}, "parameter s"),
    (DSGD(Correlated(Gaussian())), QUADRATIC, {"Sigma": [[1, 2], [2, 1]]}, "parameter Sigma"),
    (DSGD(Correlated(Gaussian())), QUADRATIC, {"Sigma": [[1, 0.5], [0, 1]]}, "parameter Sigma"),
    (DSGD(GAUSS), QUADRATIC, {"N": 2.5}, "N"),
    (DSGD(GAUSS), QUADRATIC, {"N": 0}, "N"),
    (DSGD(GAUSS, 2), QUADRATIC, {"N": 3}, "N"),
]


@pytest.mark.parametrize(("method", "loss", "values", "field"), OUTSIDE, ids=lambda v: str(v)[:30])
def test_a_number_outside_the_domain_of_its_place_is_refused_by_solver_and_method(method, loss, values, field):
    given = {"eta": 0.1} | ({} if method.clients.is_number else {"N": 2}) | values
    for simulate in (
        lambda: solve(sd.sde(method, "first-order", loss), [1.0, 1.0], 1.0, 2, 0, given),
        lambda: run(method, [1.0, 1.0], 1.0, 2, 0, given, loss),
    ):
        with refused(field):
            simulate()


@pytest.mark.slow
def test_numbers_at_which_the_equation_does_not_exist():
    """nu = 3/2 is a Student-t law, with which the method runs, but the moments of its step are infinite."""
    method = DSGD(Scaled(StudentT("nu"), 1), 2)
    with pytest.raises(Refusal) as caught:
        solve(sd.sde(method), [1.0], 1.0, 2, 0, {"eta": 0.1, "nu": 1.5}, loss=Quadratic(1))
    assert caught.value.kind == "infinite-variance"
    with pytest.raises(Refusal):
        sd.sde(specialise(method, {"nu": 1.5}))
    assert np.isfinite(run(method, [1.0], 1.0, 2, 0, {"eta": 0.1, "nu": 1.5}, Quadratic(1)).final).all()
    # nu > 4 is a condition of the weak order alone, not of existence
    second = solve(sd.sde(method, "second-order"), [1.0], 1.0, 2, 0, {"eta": 0.1, "nu": 2.5}, loss=Quadratic(1))
    assert np.isfinite(second.final).all()


@pytest.mark.slow
def test_scales_that_become_zero_leave_the_equation_without_noise():
    method = DSignSGD(Gaussian(), 2)
    shared = dict(params={"eta": 0.1, "sigma": 0}, loss=Quadratic(1))
    found = solve(sd.sde(method), [[0.3, -0.2], [0.0, 0.0]], 0.1, save=[0.1], **shared)
    np.testing.assert_allclose(found.final, [[0.2, -0.1], [0, 0]], atol=1e-12)
    with pytest.raises(Refusal) as caught:
        solve(sd.sde(method, "corrected"), [1.0], 1.0, 2, **shared)
    assert caught.value.kind == "unbounded-lambda"


def test_specialised_objects_are_those_written_with_the_numbers():
    method = DCSGD(RandK("k"), Scaled(StudentT("nu"), ("s", 2)), schedule=Power("p"))
    assert symbol_names(method) == {"k", "nu", "s", "p"}
    written = DCSGD(RandK(2), Scaled(StudentT("5/2"), ("1/10", 2)), schedule=Power("1/2"))
    assert specialise(method, {"k": 2.0, "nu": 2.5, "s": 0.1, "p": sp.Rational(1, 2)}) == written
    assert specialise(method, {}) is method
    numbers = parameters_of({"eta": 1, "k": 2, "nu": 2.5, "s": 0.1, "p": 0.5})
    assert specialised(method, Quadratic(1), 2, numbers) == written
    assert isinstance(specialise(DSGD(Affine("a", "b")), {"a": 0, "b": 0}).noise, NoNoise)
    assert specialise(Quadratic(), {"h": [1, 0.1]}) == Quadratic((1, sp.Rational(1, 10)))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bound": float("nan")}, "bound"),
        ({"u": lambda t: 1.0}, "u"),
        ({"T": True}, "T"),
        ({"params": {"eta": 0.1, "N": 1, "s": True}}, "parameter s"),
        *(({"nodes": nodes}, "nodes") for nodes in (1, 2.5)),
    ],
    ids=lambda v: v if isinstance(v, str) else next(iter(v)),
)
def test_arguments_that_both_share(change: dict[str, Any], field: str) -> None:
    method = DSGD(Scaled(Gaussian(), "s"))
    shared = dict(x0=[1.0], T=1.0, paths=2, params={"eta": 0.1, "N": 1, "s": 1.0}, loss=Quadratic(1)) | change
    both = [lambda: solve(sd.sde(method), **shared), lambda: run(method, **shared)]
    for simulate in both[:1] if "nodes" in change else both:
        with refused(field):
            simulate()


@pytest.mark.slow
def test_the_symbols_of_a_loss_are_read_off_in_any_dimension() -> None:
    """And not from a sum over 10^5 coordinates; the names are those of the written sum in small dimensions."""
    for loss in (Quadratic(), Quadratic("c"), Quadratic(("a", 2, "b")), sd.losses.Cosh(), LogisticRegression("l")):
        written = {s.name for s in loss.value(sp.symbols("z1:4", real=True)).free_symbols} - {"z1", "z2", "z3"}
        assert set(loss.parameters(3)) == written
    found = run(DSGD(clients=1), np.ones(10**5), 0.1, 1, 0, {"eta": 0.1}, Quadratic("2"))
    np.testing.assert_allclose(found.final, 0.8)
