"""Gradient descent and its models on f = x^4/4, as functions of q = eta x_0^2, and pre-scheduled methods (theory 5.2, 6.3, 6.9).

Everything is dimensionless. Paths with |x| above `OUT` have blown up, and are counted.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.process.stationary import quartic_threshold
from sdescent.derive.expressions.coordinates import coord_sum
from sdescent.derive.expressions.coordinates import g as gradient
from sdescent.derive.methods.compressors import Bernoulli
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD, Method
from sdescent.derive.methods.losses import Quartic
from sdescent.derive.methods.noise import Gaussian, Scaled, StudentT
from sdescent.derive.methods.schedules import Adaptive, Power
from sdescent.derive.methods.specialise import exactly
from sdescent.derive.proof.language.terms import norm, vec, x
from sdescent.derive.theorems.entry.instances import Meaning
from sdescent.derive.theorems.facts import blow_up
from sdescent.derive.theorems.unbiased import normalised
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.names import Kind
from sdescent.derive.vocabulary.symbols import parameter
from sdescent.derive.vocabulary.symbols import t as clock
from sdescent.numerics.evidence.checks.formulas import Numbers, paths
from sdescent.numerics.evidence.sweeps.quadratic import METHOD, SUBJECTS, bound_constants, keep
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.streams_and_statistics import nth_key

LOSS = Quartic()
#: a path beyond this |x| has blown up; starting points are of order 1
OUT = 1e4
#: number of solver steps per step of the method for the equations without noise, checked against twice as many
FINE = 64
_PLACE: dict[str, Any] = {"x": lambda x: x[0]}


@lru_cache
def thresholds() -> dict[str, float]:
    """The q = eta x^2 above which gradient descent and each model grow, or inf (`derive.equations.process.stationary`)."""
    return {subject: float(quartic_threshold(subject)) for subject in SUBJECTS}


@final
@dataclass(frozen=True)
class Descent:
    """Noiseless paths of "method" (gradient descent) or a model for q = eta x_0^2, (Q,), with eta = 1, at steps n = t/eta, (S,).

    `size` is |x|/|x_0|, (S, Q), infinite after a blow-up; `doubt` its logarithm's largest change below 1000 for half the steps.
    """

    subject: Kind
    q: np.ndarray
    steps: np.ndarray
    size: np.ndarray
    doubt: float


def descent(subject: Kind, q: Any, steps: int = 12) -> Descent:
    """Noise-free paths for each q; see `Descent`. Raises BadInput for an unknown subject or a q that is not positive."""
    if subject not in SUBJECTS:
        raise unknown_name("subject", subject, SUBJECTS)
    values = np.asarray(q, float)
    if not np.all(values > 0):
        raise BadInput("q", list(q), "numbers > 0")
    start = np.sqrt(values)[None, :]
    common: dict[str, Any] = {"params": {"eta": 1.0}, "save": steps + 1, "statistics": _PLACE, "bound": OUT}
    if subject == METHOD:
        runs = [run(DSGD(clients=1), start, float(steps), loss=LOSS, **common)]
    else:
        equation = sde(DSGD(clients=1), subject, LOSS, 1)
        runs = [solve(equation, start, float(steps), dt=1 / (FINE * 2**k), **common) for k in (0, 1)]
    ratios = [np.abs(e.values["x"]) / start for e in runs]
    sizes = [np.where(np.isfinite(ratio), ratio, np.inf) for ratio in ratios]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.abs(np.log(sizes[0]) - np.log(sizes[-1]))
    inside = np.isfinite(gap) & (sizes[-1] < 1e3)
    return Descent(subject, values, runs[-1].times, sizes[-1], float(np.max(gap[inside], initial=0.0)))


def growth_threshold(p: float) -> float:
    """The threshold 1 + theta of theory 6.9 for eta = 1 and eta_n = (1 + n)^(-p), from the catalogue's own assumption."""
    theta = 2.0 ** (p / 2)  # theta^2 is the largest eta_n/eta_{n+1}, which occurs at n = 0
    at = Numbers({blow_up.theta: paths(theta), blow_up.q: paths(0.0)})
    return float(-at.value(blow_up.ASSUMPTIONS["q_n >= 1 + theta"].slack).item())


#: methods with a schedule: DCSGD as in theory 6.9, DSignSGD, and DCSGD with the factor of theory 6.3
KINDS = ("dcsgd", "dsignsgd", "normalised")
CLIENTS, OMEGA, SIGMA = 2, 1.0, 0.5
#: constants of the normalised method: L1 of the quartic (which has an L0 for every L1 > 0), eps and kap of theory 6.3
CONSTANTS = {"L1": 1.0, "eps": 0.9, "kap": 1.0}


@lru_cache
def scheduled(kind: str) -> tuple[Method, dict[str, float]]:
    """A method with eta_n = (1 + n)^(-p) on the quartic and eta = 1, and the numbers of its symbols; p stays a symbol.

    "method" is gradient descent. "dcsgd" has a Bernoulli sparsifier and Gaussian noise. "dsignsgd" sends signs and has Cauchy
    noise of the same scale. "normalised" is dcsgd with h = s/K(G) of theory 6.3 and s = 2 eps (1 + n)^(-p). Others are BadInput.
    """
    sigma = {"sigma": SIGMA}
    if kind == METHOD:
        return DSGD(clients=1, schedule=Power("p")), {}
    if kind == "dsignsgd":
        return DSignSGD(Scaled(StudentT(1)), CLIENTS, Power("p")), sigma
    if kind not in KINDS:
        raise unknown_name("kind", kind, (METHOD, *KINDS))
    schedule = Power("p") if kind == "dcsgd" else Adaptive(_factor())
    return DCSGD(Bernoulli("keep"), Scaled(Gaussian()), CLIENTS, schedule), sigma | {"keep": float(keep(OMEGA))}


def _factor() -> sp.Expr:
    """The step u/K(G), from the catalogue's term for h, with numbers for its constants."""
    constants = bound_constants(OMEGA, SIGMA, 0.0, 1, CLIENTS) | CONSTANTS
    constants["L0"] = float(LOSS.smoothness(1).l0.subs(parameter("L1"), CONSTANTS["L1"]))
    numbers = {x(name): exactly(value) for name, value in constants.items()}
    u = 2 * exactly(CONSTANTS["eps"]) / (1 + clock) ** parameter("p")
    return Meaning({**numbers, norm(vec("g")): sp.sqrt(coord_sum(gradient**2)), x("u"): u}).value(normalised.h)


@final
@dataclass(frozen=True)
class Scheduled:
    """The number of paths, of `paths` each, that left |x| <= `OUT`, (P, Q), for exponents p, (P,), and eta eta_0 x_0^2 = q, (Q,).

    `excess` is the largest |x_n - x_0| - sum_{k<n} eta_k over n and paths still inside; for signs at most 0 up to rounding.
    """

    kind: str
    p: np.ndarray
    q: np.ndarray
    paths: int
    blown: np.ndarray
    excess: float


def blow_ups(kind: str, p: Any, q: Any, count: int, steps: int = 60, seed: int = 0) -> Scheduled:
    """The number of blow-ups (see `Scheduled`) within `steps` steps, of `count` paths a pair, with own draws for each exponent."""
    method, numbers = scheduled(kind)
    starts = np.repeat(np.sqrt(np.asarray(q, float)), count)
    blown, excess = [], -np.inf
    for n, exponent in enumerate(p):
        params = {"eta": 1.0, "p": float(exponent), **numbers}
        ensemble = run(
            method, starts[None, :], float(steps), key=nth_key(seed, n), params=params, loss=LOSS, save=steps + 1,
            statistics=_PLACE, bound=OUT,
        )  # fmt: skip
        blown.append(np.isfinite(ensemble.blow_up).reshape(len(q), count).sum(axis=1))
        budget = np.concatenate([[0.0], np.cumsum((1 + ensemble.times[:-1]) ** -float(exponent))])
        excess = max(excess, float(np.nanmax(np.abs(ensemble.values["x"] - starts) - budget[:, None])))
    return Scheduled(kind, np.asarray(p, float), np.asarray(q, float), count, np.array(blown), excess)
