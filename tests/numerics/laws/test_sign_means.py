"""Signs from one uniform each against signs of drawn noise, the definition of a sign method: laws, and what keeps the draw.

Fixed keys, 5 standard errors.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.distributed import DSignSGD
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Cauchy, Gaussian, Law, Logistic, NoNoise, Scaled, Stable, StudentT
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.laws.counter import Draws
from sdescent.numerics.laws.noises import sample_law
from sdescent.numerics.laws.sign_means import lowered_sign_mean, quick_sign_mean, sign_mean_in_place_of_draws
from sdescent.numerics.lowering.to_jax import lower_function
from sdescent.numerics.simulate.blow_up import NotANumber
from sdescent.numerics.simulate.method import run
from tests.support.laws.atoms import THREE

PATHS = 100_000
Y = sp.Symbol("y", real=True)
X = np.array([-3.0, -0.4, 0.0, 0.2, 1.5])
LAWS: list[tuple[Law, dict[str, float]]] = [
    *((law, {}) for law in (Cauchy(), StudentT(10), Logistic())), (StudentT("nu"), {"nu": 4}), (Stable("alpha"), {"alpha": 0.7}),
]  # fmt: skip


def step(noise: Any, clients: int, numbers: dict[str, float], **settings: Any) -> np.ndarray:
    """Means of the clients' signs in one step, (d, paths)."""
    made, params = DSignSGD(noise, clients=clients), {"eta": 1.0, **numbers}
    points = np.broadcast_to(X[:, None], (X.size, PATHS))
    return X[:, None] - run(made, points, 1.0, None, 3, params, Quadratic(1), 2, **settings).final


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "numbers", "clients", "dtype"),
    [
        (StudentT("nu"), {"nu": 4}, 2, "float32"), (Stable("alpha"), {"alpha": 0.7}, 5, "float64"),
    ],
)  # fmt: skip
def test_their_joint_law_is_that_of_drawn_noise(law: Law, numbers: dict[str, float], clients: int, dtype: Any) -> None:
    """Means, products of two coordinates, and how often each value of the mean over clients occurs: 19 to 39 comparisons."""
    assert sign_mean_in_place_of_draws(law, numbers) is not None
    quick = step(Scaled(law, sp.Rational(3, 4)), clients, numbers, dtype=dtype)
    z = sample_law(law, jax.random.key(4), (clients, X.size, PATHS), numbers)
    drawn = np.asarray(jnp.mean(jnp.sign(X[:, None] + 0.75 * z), axis=0))
    values = np.arange(-clients, clients + 1, 2) / clients

    def rows(signs: np.ndarray) -> np.ndarray:
        often = [np.abs(row - v) < 1e-6 for row in signs for v in values]
        return np.stack([*signs, *(signs[1:] * signs[:-1]), *often]).astype(float)

    one, two = rows(quick), rows(drawn)
    error = np.sqrt((one.var(axis=1) + two.var(axis=1)) / PATHS)
    assert np.all(np.abs(one.mean(axis=1) - two.mean(axis=1)) <= 5 * error + 1e-12)
    assert np.all(np.abs(np.corrcoef(quick)[np.triu_indices(X.size, 1)]) < 5 / np.sqrt(PATHS))


def formula(law: Law, numbers: dict[str, float]) -> sp.Expr:
    expr = law.sign_mean(Y)
    return expr.subs({s: numbers[s.name] for s in expr.free_symbols - {Y}})  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.slow
@pytest.mark.parametrize(("law", "numbers"), LAWS, ids=str)
def test_their_probability_is_exact_to_the_precision(law: Law, numbers: dict[str, float]) -> None:
    """R of the law's own formula in double precision, however far out."""
    found = sign_mean_in_place_of_draws(law, numbers)
    assert found is not None
    y = np.concatenate([-np.geomspace(1e30, 1e-30, 400), [0.0], np.geomspace(1e-30, 1e30, 400)])
    exact = np.asarray(jax.jit(lower_function(formula(law, numbers), [Y]))(y))
    for dtype, most in (("float64", 1e-11), ("float32", 3e-7)):
        mean = np.asarray(jax.jit(found)(jnp.asarray(y, dtype)), float)
        assert np.max(np.abs(mean - exact)) < most and np.max(np.abs(mean)) < 1 + 1e-6


@pytest.mark.slow
def test_where_the_scale_vanishes_or_nothing_is_a_number() -> None:
    """The sign of the gradient itself, 0 at 0; a path whose gradient is NaN is reported as with drawn noise."""
    noise = Scaled(Cauchy(), Coordinate("s", "j"))
    method = DSignSGD(noise, clients=2)
    params = {"eta": 1.0, "s": np.array([0.0, 0.0, 0.0, 1.0])}
    made = run(method, [3.0, 0.0, -2.0, 0.5], 1.0, 500, 0, params, Quadratic(1), 2)
    assert (made.final[:3] == [[2.0], [0.0], [-1.0]]).all()
    assert len(np.unique(made.final[3])) == 3
    with pytest.raises(NotANumber):
        run(DSignSGD(Scaled(Cauchy(), 1), clients=2), [-1.0], 1.0, 5, 0, {"eta": 0.1}, lambda x: jnp.sum(jnp.sqrt(x)))


def test_a_law_is_drawn_where_its_formula_does_not_say_all() -> None:
    """Of atoms, of a sampler of one's own under an inherited formula, of a traced nu, of many terms; not after registration."""
    for law in (THREE, StudentT(11), StudentT(sp.Rational(5, 2)), Gaussian(), NoNoise().law, Mixed(3)):
        assert sign_mean_in_place_of_draws(law) is None, law
    assert sign_mean_in_place_of_draws(StudentT("nu"), {"nu": 3.5}) is None
    traced: list[Any] = []
    jax.jit(lambda nu: traced.append(sign_mean_in_place_of_draws(StudentT("nu"), {"nu": nu})))(3.0)
    jax.jit(lambda a: traced.append(sign_mean_in_place_of_draws(Stable("alpha"), {"alpha": a})))(1.5)
    assert traced == [None, None]
    assert sign_mean_in_place_of_draws(Registered()) is not None


@dataclass(frozen=True)
class Mixed(StudentT):
    """A law whose sampler is not that of Student's t."""


@sample_law.register
def _(law: Mixed, draws: Draws, shape: tuple[int, ...], parameters: Any = None) -> jax.Array:
    return draws.normal(shape)


@dataclass(frozen=True)
class Registered(Logistic):
    """A law of the user's own with its R."""


@sample_law.register
def _(law: Registered, draws: Draws, shape: tuple[int, ...], parameters: Any = None) -> jax.Array:
    return draws.logistic(shape)


quick_sign_mean.register(Registered, lowered_sign_mean)


@pytest.mark.slow
def test_rules_that_use_the_noise_otherwise_have_the_signs_of_the_same_noise() -> None:
    """`raw` beside G: sign(raw) is G of one client. And G at two points has the same noise: it does not fall from x to x + 1."""
    for update in ("x = x - (G - sign(raw))", "x = x - (abs(G(x + 1) - G) - (G(x + 1) - G))"):
        method = sd.Method(sd.compressors.Sign(), Scaled(Cauchy(), 1), 1, update=update)
        assert (run(method, [0.3], 1.0, 20_000, 0, {"eta": 1.0}, Quadratic(1), 2).final == 0.3).all()
