"""Theorems about a random time, by simulation: the functional of a path is the catalogue's left side without E.

The random time of density u/phi_1 is not drawn. Instead the saved times have weights u (trapezoidal rule). Paths are stopped when
the gradient norm first exceeds a level that hardly any path reaches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.expressions.coordinates import coord_sum
from sdescent.derive.expressions.coordinates import g as gradient
from sdescent.derive.methods.compressors import RandK, Sign
from sdescent.derive.methods.distributed import DCSGD, DSignSGD, Method
from sdescent.derive.methods.losses import Cosh
from sdescent.derive.methods.noise import Cauchy, Gaussian, Scaled
from sdescent.derive.methods.schedules import Adaptive, Power
from sdescent.derive.methods.specialise import exactly
from sdescent.derive.proof.language.terms import Term, norm, vec, x
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.instances import Meaning
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.unbiased import normalised
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import t as clock
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.evidence.checks.formulas import (
    Numbers,
    Verified,
    clients,
    conclusion,
    noise_constants,
    paths,
    symbols,
    theorem_of,
    times,
)
from sdescent.numerics.evidence.checks.points import function_of
from sdescent.numerics.evidence.paths import functional as common
from sdescent.numerics.evidence.paths.functional import BATCH, Functional, Simulate
from sdescent.numerics.lowering.landscape import Landscape, landscape
from sdescent.numerics.simulate.streams_and_statistics import Statistic
from sdescent.numerics.statistics.verdicts import Decision

G = norm(vec("g"))
START = (1.5, -1.0)
#: the kind of evidence for these theorems
RANDOM_TIME = "random time"
#: index of the first path that is used only for the errors, not for estimates
PILOT = 5 * 10**8
#: least number of paths, for a tightness accurate to a few per cent
LEAST = 4096
#: least number of steps, for any step size
LONG = 8


@final
@dataclass(frozen=True)
class Instance:
    """A theorem with the numbers of a simulation, all dimensionless: model, method, and the factor `scale` of (1 + t)^(-1/2).

    `constants` has eps, kap, .. by name, without T, eta and top, the norm at which paths stop; `wide` violates the one on `step`.
    """

    id: str
    model: Model
    method: Method
    scale: float = 1.0
    constants: Mapping[str, float] = field(default_factory=dict)
    eta: float = 1 / 16
    T: float = 4.0
    top: float = 6.0
    wide: float = 1.0
    step: str = "step"

    @property
    def theorem(self) -> Theorem:
        return theorem_of(self.id)

    @property
    def signs(self) -> bool:
        """Whether messages are signs."""
        return isinstance(self.method.compressor, Sign)


LOSS, DIM, CLIENTS, SIGMA = Cosh(), len(START), 2, 0.5
_land: Landscape = landscape(LOSS, DIM)
# one function object per statistic, so that solves compile once
_STATISTICS: dict[str, Statistic] = {"g1": lambda x: _land.gradient(x)[0], "g2": lambda x: _land.gradient(x)[1]}


def _rand_k(schedule: Any) -> Method:
    return DCSGD(RandK(1), Scaled(Gaussian(), "sigma"), CLIENTS, schedule)


def _normalised(kap: float, scale: float) -> Method:
    """DCSGD with the step h = u/K_kap(G) of 6.3, where h comes from the catalogue's term."""
    at = _constants(_rand_k(Power("1/2")), {"kap": kap}, 1.0, 1.0)
    numbers = {name: exactly(value.ravel()[0]) for name, value in at.values.items() if value.size == 1}
    u = exactly(scale) / sp.sqrt(1 + clock)
    return _rand_k(Adaptive(Meaning({**numbers, G: sp.sqrt(coord_sum(gradient**2)), x("u"): u}).value(normalised.h)))


def _constants(method: Method, more: Mapping[str, float], eta: float, T: float) -> Numbers:
    """The values that depend on neither time nor path, including those of definitions (A_1, D_0)."""
    smoothness = LOSS.smoothness(DIM)
    start = float(_land.value(jnp.asarray(START)[:, None])[0])
    least, functions = float(_land.value(jnp.zeros((DIM, 1)))[0]), {}
    constants = {"L0": smoothness.l0, "L1": smoothness.l1, **more}
    values = symbols(paths, eta=eta, T=T, N=CLIENTS, d=DIM, f0=start, fstar=least, **constants)
    if isinstance(method.compressor, RandK):
        ratio = float(method.compressor.omega(sp.Integer(DIM)).value)
        spread = SIGMA**2 * float(method.noise.law.variance)
        values |= symbols(clients, omega=[ratio] * CLIENTS, s0=[spread] * CLIENTS, s1=[0.0] * CLIENTS)
    else:
        functions["R"] = function_of(method.noise.law.sign_mean(sp.Symbol("y", real=True)), "y")
        values |= symbols(clients, sigma=[1.0] * CLIENTS) | symbols(paths, M=method.noise.law.density(sp.S.Zero))
    numbers = Numbers(values, functions, (CLIENTS, DIM, 1, 1))
    return numbers if functions else numbers.defined(noise_constants())


def instance(
    id: str, method: str, model: Model, constants: Mapping[str, float], scale: float = 1.0, **more: Any
) -> Instance:
    """A theorem with cosh in two coordinates, two clients and the schedule (1+t)^(-1/2); see `Instance`.

    The method is "rand-k" (Rand-1, Gaussian noise), "normalised rand-k" (with the step of 6.3), or "signs" (Cauchy noise).
    """
    if method == "normalised rand-k":
        optimiser = _normalised(constants["kap"], scale)
    else:
        schedule = Power("1/2")
        optimiser = DSignSGD(Scaled(Cauchy(), "sigma"), CLIENTS, schedule) if method == "signs" else _rand_k(schedule)
    return Instance(id, model, optimiser, scale, constants, **more)


def instances() -> tuple[Instance, ...]:
    """One instance for each theorem about a random time."""
    theorems = [entry for entry in entries().values() if isinstance(entry, Theorem)]
    return tuple(instance(t.id, **e.options) for t in theorems for e in t.evidence if e.kind == RANDOM_TIME)


class RandomTime(Functional):
    """The two sides of the comparison, from the gradients of each path."""

    def __init__(self, instance: Instance, times: np.ndarray, eta: float, stopped: bool = True) -> None:
        self.instance, self.times, self.stopped = instance, times, stopped
        self.claim = conclusion(instance.id)
        self.fixed = _constants(instance.method, instance.constants, eta, float(times[-1]))

    @property
    def saved(self) -> tuple[str, ...]:
        return tuple(_STATISTICS)

    def constants(self, every: int = 1) -> Numbers:
        u = self.instance.scale / np.sqrt(1 + self.times[::every])
        size = (CLIENTS, DIM, len(u), 1)
        return replace(self.fixed.plus({x("u"): times(u)}), weights=common.trapezoids(self.times[::every]), size=size)

    def along(self, at: np.ndarray, every: int = 1) -> tuple[Numbers, np.ndarray]:
        size, constants = np.sum(at**2, axis=0), self.constants(every)
        values: dict[Term, np.ndarray] = {G: times(np.sqrt(size)), x("y"): at[None]}
        numbers = replace(constants.plus(values), size=(*constants.size[:3], at.shape[2])).defined(
            {n: r for n, r in self.instance.theorem.definitions.items() if n in ("mean of the step", "Phi")}
        )
        return numbers, size <= self.instance.top**2

    def ends(self) -> tuple[float, float]:
        """The range from 0 to the value of a path that stays at the level; Phi <= ||g||_1 <= sqrt(d) G."""
        size = self.instance.top
        if self.instance.signs:
            return 0.0, size * np.sqrt(DIM)
        g = np.zeros((DIM, len(self.times), 1))
        g[0] = size
        return 0.0, float(self.along(g)[0].value(self.claim.left).item()) * (1 + 1e-9)

    def unmet(self) -> tuple[list[str], tuple[str, ...]]:
        """The assumptions that fail at some gradient norm up to the level, and those without a value."""
        grid = np.zeros((DIM, len(self.times), 200))
        grid[0] = np.linspace(0, self.instance.top, 200)
        held, unknown = self.along(grid)[0].held(self.instance.theorem.assumptions)
        return [name for name, holds in held.items() if not np.all(holds)], tuple(unknown)


def saved_paths(instance: Instance, subject: str, eta: float, seed: int) -> Simulate:
    """A function that simulates the paths and saves every step."""
    clients_of = {"N": CLIENTS} if subject == "SDE" else {}
    params = {"eta": eta, "sigma": 1.0 if instance.signs else SIGMA, **clients_of}
    followed = sde(instance.method, instance.model, LOSS, DIM) if subject == "SDE" else instance.method
    return common.simulated(
        followed, START, max(instance.T, LONG * eta), lambda first: {"key": seed * 10**9 + first}, params=params, loss=LOSS,
        statistics=_STATISTICS, save=len(saved_times(instance, eta)),
    )  # fmt: skip


def saved_times(instance: Instance, eta: float) -> np.ndarray:
    """The times of the saved steps, from 0."""
    return np.arange(int(np.floor(max(instance.T, LONG * eta) / eta)) + 1) * eta


def by_paths(
    instance: Instance, subject: str, seed: int = 1, most: int = 8192, scale: float = 1.0, batch: int = BATCH
) -> Verified:
    """The verdict on an instance, for "SDE" or "method", from at most `most` paths; ValueError if it fails the assumptions."""
    functional = RandomTime(instance, saved_times(instance, instance.eta), instance.eta)
    failing, unknown = functional.unmet()
    if failing:
        raise ValueError(f"{instance.id}: the instance does not satisfy {', '.join(failing)}")
    simulate = saved_paths(instance, subject, instance.eta, seed)
    limits = {"least": LEAST, "batch": min(batch, most), "most": most}
    decision, stopped = common.decided(functional, simulate, PILOT, scale, subject == "SDE", True, **limits)
    note = f"stopped at a gradient norm of {instance.top:g}: {stopped}"
    if subject == "method":
        note = "the theorem is about the SDE; " + note
    numbers = {"eta": instance.eta, "T": instance.T, **instance.constants}
    settings = {"loss": "cosh", "d": DIM, "clients": CLIENTS, **numbers}
    # None: no failure was found, which proves nothing
    fails = scale == 1 and beyond(instance, subject, seed).verdict is Verdict.VIOLATED
    outside = {instance.step: fails or None} if scale == 1 else {}
    return Verified(
        instance.id, subject, "Monte Carlo", decision.verdict, decision.tightness, settings, decision.paths, 0, outside, unknown,
        note, decision,
    )  # fmt: skip


def beyond(instance: Instance, subject: str, seed: int = 1, most: int = 2048) -> Decision:
    """The verdict at the step size `wide`, by `decided_beyond`. Raises ValueError if the step condition holds there too."""
    functional = RandomTime(instance, saved_times(instance, instance.wide), instance.wide, stopped=False)
    if instance.step not in functional.unmet()[0]:
        raise ValueError(f"{instance.id}: the step size {instance.wide} is within the condition")
    return common.decided_beyond(functional, saved_paths(instance, subject, instance.wide, seed), most)
