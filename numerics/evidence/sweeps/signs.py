"""DSignSGD on a quadratic: its stationary law from a chain on a lattice, compared with theory 6.7, also for heavy tails.

x_{n+1} = x_n - eta (1/N) sum_i sign(h x_n + Z_i). For every noise a step is a multiple of eta/N. So from one start the method
lives on a lattice, of spacing eta/N or, for even N, 2 eta/N. Its transition matrix has binomial rows, and the stationary law is an
eigenvector. This needs neither moments of the noise nor sampling. Everything is dimensionless.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, final

import numpy as np
import scipy.stats
import sympy as sp

from sdescent.derive.equations.process.stationary import sign_near_optimum
from sdescent.derive.methods.distributed import DSignSGD
from sdescent.derive.methods.noise import Scaled, StudentT
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.symbols import parameter
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.evidence.checks.points import number_at
from sdescent.numerics.lowering.to_jax import lower_function
from sdescent.numerics.statistics.estimates import Record
from sdescent.numerics.without_sampling.line import padded

#: half-width of the lattice: `WIDE` expected standard deviations plus `STEPS` sqrt(N) points, the order of one step
WIDE, STEPS = 9.0, 12
#: the lattice is widened if the probability of its ends exceeds this
EDGE = 1e-9
#: offsets of the lattices to average over, in units of the spacing
OFFSETS = (0.0, 0.25, 0.5, 0.75)
#: lattices of at most this many points share one compiled law
LONGEST = 1024


@final
@dataclass(frozen=True)
class SignStationary(Record, null=True):
    """E x^2 of DSignSGD on h x^2/2 with t noise, its range over lattices, the weight of their ends, and (eta/(4 N M)) sigma/h."""

    nu: float
    eta: float
    sigma: float
    h: float
    N: int
    value: float
    spread: float
    edge: float
    formula: float

    @property
    def ratio(self) -> float:
        """E x^2 divided by the formula."""
        return self.value / self.formula


def sign_stationary(nu: float, eta: float, sigma: float = 1.0, h: float = 1.0, N: int = 2) -> SignStationary:
    """E x^2 of the stationary law and its formula; see `SignStationary`. Raises BadInput unless all numbers are positive."""
    for name, number in (("nu", nu), ("eta", eta), ("sigma", sigma), ("h", h), ("N", N)):
        if not (np.isfinite(number) and number > 0):
            raise BadInput(name, number, "a finite number > 0")
    formula = formula_of(nu, eta, sigma, h, N)
    means = on_lattices(_sign_mean(nu), eta, sigma, h, N, np.sqrt(formula))
    return SignStationary(nu, eta, sigma, h, N, *means, formula)


def on_lattices(law: Any, eta: float, sigma: float, h: float, N: int, deviation: float) -> tuple[float, float, float]:
    """E x^2 averaged over lattices, its range over them, and the largest probability of their outermost points.

    `law` is y -> E sign(y + Z), standardised. The lattices, for the standard `deviation`, are widened if their ends weigh much.
    """
    spacing, wide = lattice_spacing(eta, N), WIDE * deviation
    while True:
        half = int(np.ceil(wide / spacing + STEPS * np.sqrt(N)))
        results = [chain(law, eta, sigma, h, N, (np.arange(-half, half + 1) + offset) * spacing) for offset in OFFSETS]
        values, edge = [value for value, _ in results], max(edge for _, edge in results)
        if edge < EDGE or half > LONGEST:
            return float(np.mean(values)), float(np.ptp(values)), edge
        wide *= 2


def lattice_spacing(eta: float, N: int) -> float:
    """The distance between neighbouring points of a lattice."""
    return eta / N if N % 2 else 2 * eta / N


def chain(law: Any, eta: float, sigma: float, h: float, N: int, z: np.ndarray) -> tuple[float, float]:
    """E x^2 on the lattice z of spacing `lattice_spacing`, and the probability of its ends; `law` is y -> E sign(y + Z)."""
    up = np.clip((1 + law(h * z / sigma)) / 2, 0, 1)  # P(a sign is +)
    size = len(z)
    matrix = np.zeros((size, size))
    rows = np.arange(size)
    for k in range(N + 1):
        # if k signs are +, x moves by eta (N - 2 k)/N
        to = np.clip(rows + (N - 2 * k if N % 2 else (N - 2 * k) // 2), 0, size - 1)
        np.add.at(matrix, (rows, to), scipy.stats.binom.pmf(k, N, up))
    # stationary law: p (P - 1) = 0, with the last equation replaced by sum p = 1
    system = matrix.T - np.eye(size)
    system[-1] = 1.0
    p = np.linalg.solve(system, np.eye(size)[-1])
    return float(p @ z**2), float(p[0] + p[-1])


@lru_cache
def _law(nu: float) -> StudentT:
    return StudentT(int(nu) if float(nu).is_integer() else sp.nsimplify(nu))


def density_at_zero(nu: float) -> float:
    """M, the density of Student's t law at 0."""
    return float(_law(nu).density(sp.S.Zero))


@lru_cache
def _sign_mean(nu: float) -> Any:
    y = sp.Symbol("y", real=True)
    ready = jit(lower_function(_law(nu).sign_mean(y), [y]))
    # all lattices have the same shape, so the law is compiled once
    return lambda a: np.asarray(ready(padded(a, LONGEST)), float)[: len(a)]


@lru_cache
def _formula(nu: float) -> sp.Expr:
    if float(nu).is_integer():
        return sign_near_optimum(DSignSGD(Scaled(_law(nu))), 1, parameter("lambda"))[0]
    return sp.simplify(_any_nu().subs(parameter("nu"), _law(nu).nu))


@lru_cache
def _any_nu() -> sp.Expr:
    return sign_near_optimum(DSignSGD(Scaled(StudentT("nu"))), 1, parameter("lambda"))[0]


def formula_of(nu: float, eta: float, sigma: float, h: float, N: int) -> float:
    """The formula (eta/(4 N M)) sigma/h, from `derive`."""
    return number_at(_formula(nu), {"eta": eta, "sigma": sigma, "lambda": h, "N": float(N)})


def limit(etas: Sequence[float], ratios: Any) -> tuple[float, float]:
    """value/formula as eta -> 0 by Richardson extrapolation, and the change by the last of >= 3 halved steps (else BadInput)."""
    steps = np.asarray(etas, float)
    if len(steps) < 3 or not np.allclose(steps[1:] * 2, steps[:-1], rtol=1e-9):
        raise BadInput("etas", list(etas), "three or more step sizes, each half of the one before")
    last, before = 2 * ratios[-1] - ratios[-2], 2 * ratios[-2] - ratios[-3]
    return float(last), float(abs(last - before))
