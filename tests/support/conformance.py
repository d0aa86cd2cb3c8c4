"""Moments of a step compared with draws of the real random objects, with integrals, and with moments given the message.

Used by the tests of what the package ships and of classes that it has never seen. A statistic passes within five standard errors
of its mean; the seeds are fixed.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import product

import numpy as np
import sympy as sp
from scipy import stats

import sdescent as sd
from sdescent.derive.derivation import SDE, sde
from sdescent.derive.equations.in_coordinates import given_message, gradient_symbols, message_symbols
from sdescent.derive.expressions.coordinates import g as generic
from sdescent.derive.methods.distributed import DCSGD
from sdescent.derive.vocabulary.symbols import eta
from tests.support import draws

COUNT = 20_000  # draws a configuration
POINTS = {
    1: ([0.0], [-0.7]),
    3: ([0.0, 0.5, 0.5], [-1.2, 0.45, 0.8]),
    5: ([0.5, 0.0, -0.5, 0.5, 0.0], [0.3, -0.6, 1.1, -0.25, 0.7]),
}
COMPRESSORS: dict[str, Callable[[int], sd.compressors.Compressor]] = {
    "identity": lambda d: sd.compressors.Identity(),
    "bernoulli": lambda d: sd.compressors.Bernoulli("2/5"),
    "rand-k": lambda d: sd.compressors.RandK({1: 1, 3: 2, 5: 3}[d]),
    "rand-1": lambda d: sd.compressors.RandK(1),
    "qsgd": lambda d: sd.compressors.QSGD({1: 2, 3: 1, 5: 2}[d]),
    "ternary": lambda d: sd.compressors.Ternary(),
    "natural": lambda d: sd.compressors.Natural(),
    "fixed-grid": lambda d: sd.compressors.FixedGrid("1/2"),
    "sign": lambda d: sd.compressors.Sign(),
    "scaled-sign": lambda d: sd.compressors.ScaledSign(),
    "top-k": lambda d: sd.compressors.TopK({1: 1, 3: 1, 5: 2}[d]),
    "clip": lambda d: sd.compressors.Clip("3/4"),
    "norm-clip": lambda d: sd.compressors.NormClip("3/4"),
}
LAWS: dict[str, sd.noise.Law] = {
    "gaussian": sd.noise.Gaussian(),
    "t9": sd.noise.StudentT(9),
    "t4": sd.noise.StudentT(4),
    "t3": sd.noise.StudentT(3),
    "t5/2": sd.noise.StudentT("5/2"),
    "cauchy": sd.noise.Cauchy(),
    "laplace": sd.noise.Laplace(),
    "uniform": sd.noise.Uniform(),
    "logistic": sd.noise.Logistic(),
    "stable3/2": sd.noise.Stable("3/2"),
    "stable2": sd.noise.Stable(2),
}
NOISES: dict[str, sd.noise.Noise] = {
    "none": sd.noise.NoNoise(),
    **{name: sd.noise.Scaled(law, "3/4") for name, law in LAWS.items()},
    "affine": sd.noise.Affine("1/2", "1/3"),
    "affine-t9": sd.noise.Affine("1/2", "1/3", 9),
}
THREE_SCALES = ("1/2", "3/4", "5/4")


def three_clients(noise: sd.noise.Noise) -> sd.noise.Noise:
    """The same noise for three clients with scales of their own."""
    if isinstance(noise, sd.noise.Scaled):
        return type(noise)(noise.standard, THREE_SCALES)
    if isinstance(noise, sd.noise.Affine):
        return type(noise)(("0", "1/2", "1"), ("1/3", "0", "1/4"), noise.nu)
    return noise


def elementary(compressor: sd.compressors.Compressor, noise: sd.noise.Noise, dim: int) -> bool:
    """Whether mean and covariance over the noise have an elementary form (theory 4); else only those given the message do."""
    if isinstance(compressor, (sd.compressors.QSGD, sd.compressors.Ternary)):
        keeps = dim == 1
    elif isinstance(compressor, sd.compressors.TopK):
        keeps = compressor.k == dim
    else:
        keeps = not isinstance(compressor, (sd.compressors.Natural, sd.compressors.FixedGrid))
    return keeps or noise.law.degenerate


def planned(compressor: sd.compressors.Compressor, noise: sd.noise.Noise, dim: int) -> tuple[int, int]:
    """How many comparisons `check_pair` makes: with draws, and with integrals. From theory 2 and 4, not from the engine."""
    entries = dim * (dim + 3) // 2  # of a mean and the upper triangle of a covariance
    heavy = compressor.growth * 4 >= noise.law.tail
    if expected_refusal(compressor, noise) is not None:
        return 0, 0
    if elementary(compressor, noise, dim):
        return (0, entries) if heavy else (entries, 0)
    return entries + (dim if isinstance(compressor, sd.compressors.Unbiased) and not heavy else 0), 0


@lru_cache(maxsize=512)
def equation_of(compressor: sd.compressors.Compressor, noise: sd.noise.Noise, dim: int) -> SDE:
    """The first-order SDE for one client, or for as many as there are scales."""
    return sde(DCSGD(compressor, noise, None if len(noise.scales) > 1 else 1), "first-order", None, dim)


@lru_cache(maxsize=512)
def closed(
    compressor: sd.compressors.Compressor, noise: sd.noise.Noise, dim: int
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Mean and covariance of the step from the first-order SDE, as a function of the gradient.

    With one scale from the expanded symbols. Several scales, and long expressions in five dimensions, are put into the
    generic-coordinate form as numbers, since their expansions take seconds each; that the two agree is in
    `test_gradient_form`.
    """
    equation = equation_of(compressor, noise, dim)
    long = dim > 1 and (
        isinstance(compressor, (sd.compressors.ScaledSign, sd.compressors.TopK))
        or (isinstance(noise, sd.noise.Affine) and compressor == sd.compressors.Sign())
    )
    if noise.dense is None and (len(noise.scales) > 1 or noise.law.degenerate or long):
        return lambda g: numbers_in_form(equation, g)
    expanded = equation.expanded
    covariance = [expanded.covariance[i, j] / eta for i in range(dim) for j in range(dim)]
    values = {s: sp.Float(draws.measured(dim)[tuple(int(n) - 1 for n in s.name.removeprefix("Sigma").split("_"))])
              for s in sp.Matrix(covariance).free_symbols if str(s).startswith("Sigma")}  # fmt: skip
    flat = [e.xreplace(values).xreplace({eta: sp.S.One}) for e in [*(-expanded.drift), *covariance]]
    assert not sp.Matrix(flat).free_symbols - set(gradient_symbols(dim))
    function = draws.numeric(flat, gradient_symbols(dim))

    def evaluate(g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        row = function(*[np.array([x]) for x in g])[0]
        return row[:dim], row[dim:].reshape(dim, dim)

    return evaluate


def numbers_in_form(equation: SDE, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the step, the gradient's numbers put into drift and gradient form."""
    form, memo = equation.form, {}
    assert form is not None
    expansion = draws.Numbers(g.size, {"g": [sp.Rational(str(x)) for x in g]})

    def vector(expr: sp.Expr) -> list[float]:
        return [float(draws.value(e, {}, memo)) for e in expansion.vector(expr)]

    u = np.array([vector(f) for f in form.factors]).reshape(form.rank, g.size)
    core = np.array([float(draws.value(expansion.scalar(e), {}, memo)) for e in form.core]).reshape(
        form.rank, form.rank
    )
    return -np.array(vector(equation.drift)), np.diag(vector(form.diag)) + u.T @ core @ u


@lru_cache(maxsize=64)
def given(compressor: sd.compressors.Compressor, dim: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Mean and second moment of C(v) given v, as functions of messages (.., d)."""
    mean, covariance = given_message(compressor.conditional_moments(sp.Integer(dim)), dim)
    function = draws.numeric([*mean, *covariance], message_symbols(dim))

    def evaluate(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = function(*np.moveaxis(v, -1, 0))
        b, s = found[..., :dim], found[..., dim:].reshape(*v.shape, dim)
        return b, s + b[..., :, None] * b[..., None, :]

    return evaluate


def upper(dim: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(dim)


def seed_of(dim: int, clients: int) -> np.random.Generator:
    return np.random.default_rng(1000 * dim + clients)


def check_draws(
    compressor: sd.compressors.Compressor, noise: sd.noise.Noise, g: np.ndarray, clients: int, count: int = COUNT
) -> int:
    """Mean and N times the covariance of (1/N) sum C(g + Z_i) against draws; needs finite fourth moments."""
    rng, dim = seed_of(g.size, clients), g.size
    z = draws.noise(noise, g, rng, count, clients)
    step = draws.compress(compressor, g + z, rng).mean(1)
    b, s = closed(compressor, noise, dim)(g)
    assert np.array_equal(s, s.T) or np.allclose(s, s.T, rtol=1e-12)
    i, j = upper(dim)
    centred = step - b
    told = f"{compressor} {noise} d={dim} N={clients} g={g}"
    return draws.assert_zero_mean(centred, f"mean of {told}") + draws.assert_zero_mean(
        clients * centred[:, i] * centred[:, j] - s[i, j], f"covariance of {told}"
    )


def check_mean(
    compressor: sd.compressors.Compressor, noise: sd.noise.Noise, g: np.ndarray, clients: int, b: np.ndarray
) -> int:
    """A mean that is known without the covariance, against draws."""
    rng = seed_of(g.size, clients)
    z = draws.noise(noise, g, rng, COUNT, clients)
    return draws.assert_zero_mean(draws.compress(compressor, g + z, rng).mean(1) - b, f"mean of {compressor} {noise}")


def check_given(compressor: sd.compressors.Compressor, noise: sd.noise.Noise, g: np.ndarray, clients: int) -> int:
    """Moments given the message, averaged over the noise with bounded weights: total expectation and covariance."""
    rng, dim = seed_of(g.size, clients), g.size
    v = (g + draws.noise(noise, g, rng, COUNT // clients, clients)).reshape(-1, dim)
    c = draws.compress(compressor, v, rng)
    mean, second = given(compressor, dim)(v)
    i, j = upper(dim)
    size = 1 + np.sum(v**2, axis=-1, keepdims=True)
    told = f"{compressor} {noise} d={dim} g={g}"
    return draws.assert_zero_mean((c - mean) / np.sqrt(size), f"mean given v of {told}") + draws.assert_zero_mean(
        (c[:, i] * c[:, j] - second[:, i, j]) / size, f"second moment given v of {told}"
    )


def half_line(f: Callable[[np.ndarray], np.ndarray]) -> float:
    """The integral of f over (0, oo), f analytic inside: double exponential rule (Takahasi and Mori 1974)."""
    t = np.linspace(-4.5, 4.5, 2001)
    x = np.exp(np.pi / 2 * np.sinh(t))
    return float(np.sum(f(x) * x * np.pi / 2 * np.cosh(t)) * (t[1] - t[0]))


@lru_cache(maxsize=4096)
def moment_1d(nu: float, x: float, sigma: float, a: int, b: int) -> float:
    """E |x + sigma Z|^a sign(x + sigma Z)^b for Student's t, by quadrature over SciPy's density."""
    density, kink = stats.t(nu).pdf, -x / sigma
    above = half_line(lambda y: (sigma * y) ** a * density(kink + y))
    below = half_line(lambda y: (sigma * y) ** a * density(kink - y))
    return above + (-1) ** b * below


def integrated(
    compressor: sd.compressors.Compressor, noise: sd.noise.Scaled, g: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance by one-dimensional integrals, from the compressor's definition; averaged over scales."""
    dim, nu = g.size, float(noise.law.tail)
    means, covariances = [], []
    for sigma in map(float, noise.sigma):

        def one(j: int, a: int, b: int, sigma: float = sigma) -> float:
            return moment_1d(nu, float(g[j]), sigma, a, b)

        def product_of(powers: dict[int, tuple[int, int]], one: Callable[..., float] = one) -> float:
            return math.prod(one(j, a, b) for j, (a, b) in powers.items())

        v, v2 = np.array([one(j, 1, 1) for j in range(dim)]), np.array([one(j, 2, 0) for j in range(dim)])
        pair = np.outer(v, v)
        np.fill_diagonal(pair, v2)
        mean = v
        if isinstance(compressor, sd.compressors.Bernoulli):
            np.fill_diagonal(pair, v2 / float(compressor.p))
        elif isinstance(compressor, sd.compressors.RandK):
            k = int(compressor.k)
            pair *= dim * (k - 1) / (k * (dim - 1)) if dim > 1 else 1.0
            np.fill_diagonal(pair, v2 * dim / k)
        elif isinstance(compressor, sd.compressors.ScaledSign):
            mean = np.array([sum(_scaled_sign((j,), (m,), product_of) for m in range(dim)) for j in range(dim)]) / dim
            cells = product(range(dim), repeat=2)
            for i, j in cells:
                total = sum(_scaled_sign((i, j), places, product_of) for places in product(range(dim), repeat=2))
                pair[i, j] = total / dim**2
        else:  # in one dimension these keep the message as it is
            assert isinstance(compressor, sd.compressors.Identity) or (
                dim == 1 and isinstance(compressor, (sd.compressors.QSGD, sd.compressors.Ternary, sd.compressors.TopK))
            )
        means.append(mean)
        covariances.append(pair - np.outer(mean, mean))
    return np.mean(means, axis=0), np.mean(covariances, axis=0)


def _scaled_sign(signs: tuple[int, ...], sizes: tuple[int, ...], product_of: Callable[..., float]) -> float:
    """E prod_i sign(v_i) prod_m |v_m|."""
    powers: dict[int, tuple[int, int]] = {}
    for j in signs:
        a, b = powers.get(j, (0, 0))
        powers[j] = a, b + 1
    for m in sizes:
        a, b = powers.get(m, (0, 0))
        powers[m] = a + 1, b
    return product_of(powers)


def check_quadrature(compressor: sd.compressors.Compressor, noise: sd.noise.Scaled, g: np.ndarray) -> int:
    """Mean and covariance against integrals over the density."""
    b, s = closed(compressor, noise, g.size)(g)
    mean, covariance = integrated(compressor, noise, g)
    told = f"{compressor} {noise} g={g}"
    np.testing.assert_allclose(b, mean, rtol=1e-8, atol=1e-9, err_msg=f"mean of {told}")
    np.testing.assert_allclose(s, covariance, rtol=1e-7, atol=1e-8, err_msg=f"covariance of {told}")
    return g.size * (g.size + 3) // 2


def expected_refusal(compressor: sd.compressors.Compressor, noise: sd.noise.Noise) -> str | None:
    """Theory 2: the mean needs q < tail, the covariance 2q < tail."""
    q, tail = compressor.growth, noise.law.tail
    if q == 0 or tail > 2 * q:
        return None
    return "no-drift" if q >= tail else "infinite-variance"


def check_pair(
    compressor: sd.compressors.Compressor, noise: sd.noise.Noise, g: np.ndarray, clients: int, count: int = COUNT
) -> int:
    """The check that fits the pair; the number of comparisons made."""
    dim = g.size
    found = equation_of(compressor, noise, dim).moments
    heavy = compressor.growth * 4 >= noise.law.tail
    made = 0
    if found.form is None:
        assert found.conditional is not None
        assert found.mean is None or isinstance(compressor, sd.compressors.Unbiased)
        if found.mean is not None and not heavy:
            assert found.mean == generic
            made += check_mean(compressor, noise, g, clients, g)
        return made + check_given(compressor, noise, g, clients)
    if heavy:
        assert isinstance(noise, sd.noise.Scaled)
        return check_quadrature(compressor, noise, g)
    return check_draws(compressor, noise, g, clients, count)


# the point mass is changed with NoNoise; the generic and the open law have symbols for moments, so nothing can be drawn from
# them; the vanishing law is another one seen where its scale may be 0 (changed in test_zero_gradients)
SYMBOLIC = {"Point", "GenericLaw", "OpenLaw", "Vanishing"}


def shipped(base: type) -> set[str]:
    """Concrete classes of the package, by name."""
    found: set[str] = set()
    for kind in base.__subclasses__():
        found |= shipped(kind)
        if kind.__module__.startswith(
            ("sdescent.derive.methods.noise", "sdescent.derive.methods.compressors")
        ) and not getattr(kind, "__abstractmethods__", None):
            found.add(kind.__name__)
    return found
