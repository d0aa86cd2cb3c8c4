"""Quadratics with affine noise and compression, from closed second moments, without sampling (theory 5.1, 5.3, 5.4, 6.3).

f = h |x|^2/2, Bernoulli sparsifier of ratio omega = 1/p - 1, Cov Z = (s0 + s1 G^2) I. E x^2 obeys an affine recursion (method)
or an affine differential equation (model), whose slope decides whether it grows. Everything is dimensionless.

`sdescent.numerics.without_sampling.transition` also measures the method's own growth, from phi = x^2 over the law of one message.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.process.stationary import discrete_second_moments, second_moments, stability_threshold
from sdescent.derive.equations.sde import MODELS
from sdescent.derive.methods.compressors import Bernoulli
from sdescent.derive.methods.distributed import DCSGD, Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Affine
from sdescent.derive.proof.language.terms import norm, vec, x
from sdescent.derive.theorems.unbiased import normalised
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.names import Kind, Model
from sdescent.derive.vocabulary.symbols import parameter
from sdescent.numerics.evidence.checks.formulas import Numbers, clients, noise_constants, paths, symbols
from sdescent.numerics.evidence.checks.moments import MomentMap
from sdescent.numerics.evidence.checks.points import lowered, number_at
from sdescent.numerics.statistics.estimates import Record
from sdescent.numerics.without_sampling.closed_moments import discrete_moment, model_moment
from sdescent.numerics.without_sampling.transition import discrete_mean

METHOD: Final = "method"
SUBJECTS: tuple[Kind, ...] = (METHOD, *MODELS)
LAMBDA = parameter("lambda")
_X1 = sp.Symbol("x1", real=True)
#: number of relaxation times until a value is stationary
RELAXATIONS = 40.0


def compressed(clients: Any = None) -> Method:
    """DCSGD with the Bernoulli(p) sparsifier and affine variance sigma0^2 + sigma1^2 G^2."""
    return DCSGD(Bernoulli("p"), Affine(), clients)


def keep(omega: Any) -> np.ndarray:
    """The probability p of the Bernoulli sparsifier of ratio omega. Raises BadInput if omega < 0."""
    ratio = np.asarray(omega, float)
    if not np.all(ratio >= 0):
        raise BadInput("omega", omega, "numbers >= 0")
    return 1 / (1 + ratio)


@lru_cache
def _moments(subject: Kind, h: tuple[Any, ...] = ("lam",)) -> MomentMap:
    return MomentMap(compressed(), subject, h)


@lru_cache
def threshold_formula(subject: Kind) -> sp.Expr:
    """The step size beyond which E x^2 of the method or a model grows (theory 5); infinite or negative if there is none."""
    return stability_threshold(compressed(), "discrete" if subject == METHOD else subject, LAMBDA, 1)


def threshold(subject: Kind, omega: Any, sigma1: Any, N: Any, h: Any = 1.0) -> np.ndarray:
    """`threshold_formula` at numbers or arrays that broadcast; infinite where E x^2 never grows."""
    p, s1, n, lam = np.broadcast_arrays(*(np.asarray(a, float) for a in (keep(omega), sigma1, N, h)))
    at = {"p": p.ravel(), "sigma1": s1.ravel(), "N": n.ravel(), "lambda": lam.ravel()}
    expr = threshold_formula(subject)
    with np.errstate(divide="ignore"):
        steps = np.full(p.size, np.inf) if expr == sp.oo else lowered({0: expr}, at, p.size)[0]
    return np.where(steps > 0, steps, np.inf).reshape(p.shape)


def growth(subject: Kind, eta: Any, omega: Any, sigma1: Any, N: Any, h: float = 1.0) -> np.ndarray:
    """The log of the factor by which a step (time eta) multiplies the distance of E x^2 from its fixed point; unstable if > 0.

    The numbers may be arrays that broadcast; `subject` is "method" or a model (else BadInput), `h` the curvature.
    """
    if subject not in SUBJECTS:
        raise unknown_name("subject", subject, SUBJECTS)
    shape = np.broadcast_shapes(*(np.shape(a) for a in (eta, omega, sigma1, N)))
    flat = lambda a: np.broadcast_to(np.asarray(a, float), shape).ravel()  # noqa: E731
    at = {name: flat(a) for name, a in (("eta", eta), ("p", keep(omega)), ("sigma1", sigma1), ("N", N), ("lam", h))}
    count = len(at["eta"])
    at["sigma0"] = np.zeros(count)
    slope = _moments(subject).at(at, count)[0][:, 0, 0]
    with np.errstate(divide="ignore"):
        logarithm = np.log(np.maximum(1 + slope, 0.0)) if subject == METHOD else at["eta"] * slope
    return logarithm.reshape(shape)


@final
@dataclass(frozen=True)
class Bracket(Record, null=True):
    """The growth of E x^2 slightly below and above the method's own threshold, from the formula; `formula` is the subject's.

    `below`, `above` are the factors of E x^2 - (its fixed point) over one step, at threshold (1 -+ width), with their `error`.
    """

    subject: Kind
    omega: float
    sigma1: float
    N: int
    threshold: float
    formula: float
    below: float
    above: float
    width: float
    error: float


def factor(subject: Kind, eta: float, omega: float, sigma1: float, N: int) -> tuple[float, float]:
    """The factor of one step, from E x_1^2 for two starting points, and its error.

    The factor comes from the transition operator of the method or from the generator of a model
    (`sdescent.numerics.without_sampling.closed_moments`); the formulas were derived in another way.
    """
    method, loss = compressed(N), Quadratic(1)
    params = {"eta": eta, "p": float(keep(omega)), "sigma0": 0.5, "sigma1": sigma1}
    if subject == METHOD:
        ends = [discrete_mean(method, loss, start, eta, _X1**2, params) for start in (0.0, 1.0)]
    else:
        ends = [model_moment(_equation(subject, N), start, eta, _X1**2, params) for start in (0.0, 1.0)]
    return ends[1].value - ends[0].value, ends[0].error + ends[1].error


@lru_cache
def _equation(model: Model, N: int) -> Any:
    return sde(compressed(N), model, Quadratic(1), 1)


def bracket(subject: Kind, omega: float, sigma1: float, N: int, width: float = 0.02) -> Bracket:
    """The growth on both sides of the method's threshold; see `Bracket`."""
    at = float(threshold(METHOD, omega, sigma1, N))
    (below, a), (above, b) = (factor(subject, at * (1 + sign * width), omega, sigma1, N) for sign in (-1, 1))
    of_subject = float(threshold(subject, omega, sigma1, N))
    return Bracket(subject, omega, sigma1, N, at, of_subject, below, above, width, a + b)


@final
@dataclass(frozen=True)
class Stationary(Record, null=True):
    """The value of E x^2 once it no longer changes, its error, and the formula's, from `derive.equations.process.stationary`."""

    subject: Kind
    eta: float
    omega: float
    sigma0: float
    sigma1: float
    N: int
    value: float
    error: float
    formula: float


def stationary(subject: Kind, eta: float, omega: float, sigma0: float, sigma1: float, N: int) -> Stationary:
    """E x^2 after a long run, from closed moments, and the formula's value. Raises BadInput if E x^2 does not converge."""
    rate = -float(growth(subject, eta, omega, sigma1, N))
    if not rate > 0:
        raise BadInput("eta", eta, f"a step size below the threshold of the {subject}")
    steps = int(np.ceil(RELAXATIONS / rate))
    params = {"eta": eta, "p": float(keep(omega)), "sigma0": sigma0, "sigma1": sigma1}
    end = steps * eta
    moment = (
        discrete_moment(compressed(N), Quadratic(1), 0.0, end, _X1**2, params)
        if subject == METHOD
        else model_moment(_equation(subject, N), 0.0, end, _X1**2, params)
    )
    exact = number_at(fixed_point(subject), {"lambda": 1.0, **params, "N": float(N)})
    # the remaining transient, relative to the value
    error = moment.error + abs(moment.value) * np.exp(-rate * steps)
    return Stationary(subject, eta, omega, sigma0, sigma1, N, moment.value, error, exact)


@lru_cache
def fixed_point(subject: Kind) -> sp.Expr:
    """The stationary E x^2 of the method or a model, with lambda for the curvature (theory 5.4)."""
    if subject == METHOD:
        return discrete_second_moments(compressed(), 1, LAMBDA)[0]
    return second_moments(compressed(), 1, subject, LAMBDA)[0]


@final
@dataclass(frozen=True)
class Strength(Record, null=True):
    """The largest stable constant step of the method, measured, and the step that K of theory 6.3 allows.

    The first makes the second-moment map's spectral radius exceed 1 (bisection); the second is 2 eps/K(G) with eps = 1, any G.
    """

    omega: float
    sigma1: float
    d: int
    N: int
    measured: float
    formula: float


def strength(omega: float, sigma1: float, d: int, N: int, bisections: int = 40) -> Strength:
    """The largest stable step on |x|^2/2 in d coordinates, compared with 2/K."""
    moments = _moments(METHOD, (1,) * d)
    numbers = {"p": float(keep(omega)), "sigma0": 0.0, "sigma1": sigma1, "N": float(N)}

    def grows(eta: float) -> bool:
        matrix = moments.at({k: np.array([v]) for k, v in {**numbers, "eta": eta}.items()}, 1)[0][0]
        return bool(np.max(np.abs(np.linalg.eigvals(np.eye(len(matrix)) + matrix))) > 1)

    low, high = 1e-6, 4.0  # gradient descent alone is unstable for steps larger than 2
    for _ in range(bisections):
        middle = (low + high) / 2
        low, high = (low, middle) if grows(middle) else (middle, high)
    return Strength(omega, sigma1, d, N, (low + high) / 2, 2 / condition(omega, sigma1, d, N))


def condition(omega: float, sigma1: float, d: int, N: int, L0: float = 1.0, L1: float = 0.0, G: float = 0.0) -> float:
    """The bound K(G) of theory 6.3 with kap = 1 and D_0 = 0, from the catalogue's own term."""
    values = symbols(paths, L0=L0, L1=L1, kap=1.0, **bound_constants(omega, 0.0, sigma1, d, N))
    return float(Numbers(values | {norm(vec("g")): paths(G)}).value(normalised.K).item())


def bound_constants(omega: float, sigma0: float, sigma1: float, d: int, N: int) -> dict[str, float]:
    """The constants A_1 and D_0 of theory 4, as the catalogue defines them, with N and d."""
    values = symbols(clients, omega=[omega] * N, s0=[sigma0**2] * N, s1=[sigma1**2] * N) | symbols(paths, N=N, d=d)
    numbers = Numbers(values, size=(N, d, 1, 1)).defined(noise_constants())
    return {name: float(numbers.value(x(name)).item()) for name in ("A1", "D0")} | {"N": float(N), "d": float(d)}
