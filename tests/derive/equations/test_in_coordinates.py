"""The dimension-free form evaluated at d = 5 against the expansion derived for five dimensions, and Rand-k's root."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import SDE, sde
from sdescent.derive.equations.in_coordinates import gradient_symbols, hessian_symbols
from sdescent.derive.equations.models import MODELS
from sdescent.derive.expressions.coordinates import coord_sum, g
from sdescent.derive.methods.distributed import DCSGD, Method
from sdescent.derive.methods.losses import BilinearGame
from sdescent.derive.methods.schedules import Adaptive, Free, Power
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import N, du, eta, t, u
from tests.support import draws
from tests.support.samples import mostly_slow, slow_if

DIM = 5
R = sp.Rational
COMPRESSORS: list[sd.compressors.Compressor] = [
    sd.compressors.Identity(),
    sd.compressors.Bernoulli("p"),
    sd.compressors.RandK("k"),
    sd.compressors.QSGD(2),
    sd.compressors.Ternary(),
    sd.compressors.Natural(),
    sd.compressors.FixedGrid("1/2"),
    sd.compressors.Sign(),
    sd.compressors.ScaledSign(),
    sd.compressors.TopK(2),
]
NOISES: list[sd.noise.Noise] = [
    sd.noise.NoNoise(),
    sd.noise.Scaled(sd.noise.Gaussian()),
    sd.noise.Scaled(sd.noise.StudentT(3)),
    sd.noise.Scaled(sd.noise.StudentT("nu")),
    sd.noise.Scaled(sd.noise.Cauchy()),
    sd.noise.Scaled(sd.noise.Laplace()),
    sd.noise.Scaled(sd.noise.Uniform()),
    sd.noise.Scaled(sd.noise.Logistic()),
    sd.noise.Scaled(sd.noise.Stable(2)),
    sd.noise.Affine(),
    sd.noise.Affine(1, "s1", 5),
    sd.noise.Correlated(sd.noise.Gaussian()),
]
THREE_SCALES = ("1/2", "sigma", 2)
FOR_CLIENTS: list[sd.noise.Noise] = [  # a scale for each client
    *(sd.noise.Scaled(law, THREE_SCALES) for law in (sd.noise.Gaussian(), sd.noise.StudentT(5), sd.noise.Uniform())),
    sd.noise.Affine((0, "1/2", "sigma0"), ("1/3", 0, "sigma1")),
    sd.noise.Affine(1, ("1/3", 0, "s1"), 5),
]
VALUES = {"eta": R(1, 7), "N": R(3), "sigma": R(3, 4), "sigma0": R(1, 2), "sigma1": R(1, 3), "s1": R(2, 5), "p": R(2, 5),
          "k": R(2), "nu": R(7, 2), "u": R(2, 3), "du": R(-1, 5), "t": R(1, 2), "q": R(1, 2), "L": R(3, 2)}  # fmt: skip


def point(seed: int) -> dict[sp.Symbol, sp.Expr]:
    """Random rational gradient, Hessian and noise covariance, and the parameters."""
    draw = random.Random(seed)
    symbols = [*gradient_symbols(DIM), *sorted(hessian_symbols(DIM).free_symbols, key=str)]
    symbols += [sp.Symbol(f"Sigma{i}_{j}", real=True) for i in range(1, DIM + 1) for j in range(i, DIM + 1)]
    values = {s: R(draw.randint(-999, 999), 500) for s in symbols}
    values |= {s: abs(x) + 1 for s, x in values.items() if s.name[:5] == "Sigma"}
    return values | {sp.Symbol(n, positive=True): x for n, x in VALUES.items()} | {du: VALUES["du"], t: VALUES["t"]}


def from_form(equation: SDE, values: dict[sp.Symbol, sp.Expr]) -> list[sp.Expr]:
    """Drift and covariance at the point: the numbers are put into the generic-coordinate expressions."""
    form = equation.form
    assert equation.dim is None
    assert form is not None
    vectors = {
        "g": [values[s] for s in gradient_symbols(DIM)],
        "Sigma_diag": [values[sp.Symbol(f"Sigma{m}_{m}", real=True)] for m in range(1, DIM + 1)],
    }
    hessian, memo = hessian_symbols(DIM).xreplace(values), {}
    numbers = draws.Numbers(DIM, vectors, lambda c: list(hessian * sp.Matrix(c)))

    def vector(e: sp.Expr) -> list[sp.Expr]:
        return [draws.value(x, values, memo) for x in numbers.vector(e.xreplace(values))]

    def scalar(e: sp.Expr) -> sp.Expr:
        return draws.value(numbers.scalar(e.xreplace(values)), values, memo)

    u = sp.Matrix(DIM, form.rank, lambda m, a: 0)
    for a, factor in enumerate(form.factors):
        u[:, a] = sp.Matrix(vector(factor))
    s = sp.diag(*vector(form.diag)) + (u * form.core.applyfunc(scalar) * u.T if form.rank else sp.zeros(DIM, DIM))
    for coefficient, leaf in form.dense:
        s += scalar(coefficient) * sp.Matrix(DIM, DIM, lambda i, j, leaf=leaf: values[leaf.entry(i + 1, j + 1)])
    return [*vector(equation.drift), *(scalar(equation.rate) * s)]


def from_expansion(method: Method, model: str, values: dict[sp.Symbol, sp.Expr]) -> list[sp.Expr]:
    """Drift and covariance at the point, from the equation derived for five dimensions and expanded in symbols."""
    expanded, memo = sde(method, model, None, DIM).expanded, {}
    return [draws.value(e, values, memo) for e in [*expanded.drift, *expanded.covariance]]


def assert_equal(left: list[sp.Expr], right: list[sp.Expr], told: str) -> None:
    for a, b in zip(left, right, strict=True):
        assert a.is_number, f"{told}: {a} is no number"
        assert abs(a - b).evalf() <= R(1, 10**12) * (1 + abs(b)), f"{told}: {a} against {b}"


def refused(build: Callable[[], object]) -> str | None:
    try:
        build()
    except (Refusal, NoClosedForm) as error:
        return getattr(error, "kind", "no-closed-form")
    return None


#: of scaled sign, whose expansion in symbols takes seconds: clients with one scale or several, a scale with sums, each model
SCALED_SIGN = {0: "corrected", 2: "second-order", 9: "first-order", 12: "first-order"}


def cases() -> list[object]:
    """(compressors, noise, model): a noise of each kind with one model; those that take seconds among the slow tests."""
    found = []
    for n, noise in enumerate([*NOISES, *FOR_CLIENTS]):
        name = f"{type(noise).__name__}-{type(noise.law).__name__}-{noise.law.tail}-{len(noise.scales)}"
        model = [*MODELS][-n % 3]
        quick = len(noise.scales) == 1 and (n == 4 or not isinstance(noise, sd.noise.Scaled | sd.noise.Affine))
        rest = [c for c in COMPRESSORS if c != sd.compressors.ScaledSign()]
        found.append(pytest.param(rest, noise, model, id=f"{name}-{model}", marks=slow_if(not quick)))
        if n in SCALED_SIGN:
            found.append(
                pytest.param(
                    [sd.compressors.ScaledSign()], noise, SCALED_SIGN[n], id=f"scaled-sign-{name}", marks=slow_if(True)
                )
            )
    return found


@pytest.mark.parametrize(("compressors", "noise", "model"), cases())
def test_form_at_five_equals_the_expansion_for_five(
    compressors: list[sd.compressors.Compressor], noise: sd.noise.Noise, model: str
) -> None:
    expressible = 0
    for seed, compressor in enumerate(compressors):
        method = DCSGD(compressor, noise)
        outcome = refused(lambda m=method: sde(m, model))
        assert outcome == refused(lambda m=method: sde(m, model, None, DIM)), compressor
        if outcome is not None or sde(method, model).form is None:
            assert (
                outcome is not None or refused(lambda m=method: sde(m, model, None, DIM).expanded) == "no-closed-form"
            )
            continue
        values = point(seed)
        right = from_expansion(method, model, values)
        assert_equal(from_form(sde(method, model), values), right, f"{compressor} {noise} {model}")
        expressible += 1
    assert expressible or len(compressors) == 1 or model != "first-order"
    if noise in FOR_CLIENTS or isinstance(noise, sd.noise.Affine):
        assert expressible


SCHEDULES = [Power("q"), Free(), Adaptive((1 + t) / (1 + sp.Symbol("L", positive=True) * sp.sqrt(coord_sum(g**2))))]


@pytest.mark.parametrize(("schedule", "model"), mostly_slow(zip(SCHEDULES, MODELS, strict=True), 2, rows=True), ids=str)
def test_schedules_too(schedule: Power | Free | Adaptive, model: str) -> None:
    for seed, (compressor, noise) in enumerate(
        [
            (sd.compressors.RandK("k"), sd.noise.Scaled(sd.noise.Gaussian())),
            (sd.compressors.Sign(), sd.noise.Scaled(sd.noise.Cauchy(), ("1/2", "sigma"))),
        ]
    ):
        method = DCSGD(compressor, noise, None, schedule)
        values = point(100 + seed)
        right = from_expansion(method, model, values)
        assert_equal(from_form(sde(method, model), values), right, f"{compressor} {schedule} {model}")


# --- Rand-k's root --------------------------------------------------------------------------------------------------

GRADIENTS = {
    "generic": lambda dim: [R(3, 2), R(-1, 3), R(2), R(5, 4), R(-1), R(1, 7), R(1)][:dim],
    "zero": lambda dim: [R(0)] * dim,
    "some zero": lambda dim: [R(0), R(2), R(0), R(-1), R(-1), R(1, 2), R(0)][:dim],
    "equal": lambda dim: [R(2, 3)] * dim,
}


@pytest.mark.parametrize(("dim", "k"), mostly_slow([(1, 1), (7, 1), (2, 1), (2, 2), (7, 7)], 2, rows=True))
def test_rand_k_symbolic_root_is_exact(dim: int, k: int) -> None:
    for noise in (sd.noise.NoNoise(), sd.noise.Scaled(sd.noise.Gaussian())):
        expanded = sde(DCSGD(sd.compressors.RandK(k), noise), dim=dim).expanded
        assert expanded.root is not None
        for make in GRADIENTS.values():
            values = dict(zip(gradient_symbols(dim), make(dim), strict=True))
            values |= {sp.Symbol("sigma", positive=True): R(3, 4), eta: R(1, 5), N: R(2)}
            b, s = expanded.root.xreplace(values), expanded.covariance.xreplace(values)
            gap = b * b.T - s
            assert all(abs(e.evalf(50)) < sp.Float("1e-40") for e in gap), (noise, values)


def test_free_schedule_symbols_are_those_of_the_form() -> None:
    assert {u, du, eta} <= set(
        sde(DCSGD(sd.compressors.Identity(), sd.noise.Gaussian(), None, Free()), "second-order").parameters
    )


def test_the_field_of_a_game_has_an_antisymmetric_jacobian() -> None:
    """F = (y, -x), J F = -(x, y): gradient descent-ascent has the second-order drift -F - (eta/2) J F."""
    found = sde(DCSGD(sd.compressors.Identity(), sd.noise.Gaussian()), "second-order", BilinearGame(1), 2).expanded
    x, y = found.state
    assert (found.drift - sp.Matrix([-y + eta * x / 2, x + eta * y / 2])).expand() == sp.zeros(2, 1)
