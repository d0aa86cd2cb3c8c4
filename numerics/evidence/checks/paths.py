"""Theorems on a random time, by simulation: the functional of each path is the catalogue's left side with E left out.

The random time of density u/phi_1 is not drawn: the saved times are weighted by u (trapezoids). Paths are stopped when the gradient
norm first exceeds a level (later times count as 0): the theorems hold up to any stopping time, by localisation, and the
functional is then bounded, so that an interval for its mean exists. The solver's error is measured on the same Brownian
motion with steps half as long, the error of the trapezoids with every other time left out; both are added to the interval.
A stop takes effect at the first saved time beyond the level, so that at most half a step's share of a stopped path is missing: the
number of stopped paths is reported, and hardly any path reaches the level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, final

import numpy as np
import sympy as sp

from sdescent.derive.derivation import SDE, RuleSDE, sde
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
from sdescent.derive.theorems.entry.meaning import Meaning
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.theorems.unbiased import normalised
from sdescent.derive.vocabulary.choices import Model
from sdescent.derive.vocabulary.symbols import t as clock
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.backend.double import jnp
from sdescent.numerics.evidence.checks.families import function_of
from sdescent.numerics.evidence.checks.formulas import (
    Numbers,
    clients,
    conclusion,
    noise_constants,
    paths,
    symbols,
    theorem_of,
    times,
)
from sdescent.numerics.evidence.checks.result import Verified
from sdescent.numerics.lowering.landscape import Landscape, landscape
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.runs import Ensemble, Statistic
from sdescent.numerics.statistics.verdicts import CERTAIN, Decision, decide

G = norm(vec("g"))
START = (1.5, -1.0)
#: the kind of evidence of these theorems
RANDOM_TIME = "random time"
#: paths at a time
BATCH = 512
#: the first of the paths that give the errors alone: none of them is in an estimate
PILOT = 5 * 10**8
#: least number of paths, so that the tightness is known to a few per cent
LEAST = 4096
#: solver steps per step of the method
SUBSTEPS = 4
#: least number of steps, however large they are
LONG = 8
#: a path that has blown up has a gradient of this size
BLOWN = 1e100
#: outside the theorem's condition, where only a lower limit is needed, the functional is cut at this many times the bound
CAP = 20.0
#: (paths, number of the first, halvings of the solver's step, whether it is taken in halves) -> the paths
Simulate = Callable[[int, int, int, bool], Ensemble]
Draws = Callable[[int], Mapping[str, int]]


class Sides(Protocol):
    """The two sides of a claim along paths."""

    def of(self, ensemble: Ensemble, every: int = 1) -> tuple[np.ndarray, int]:
        """The left side of each path, (paths,), and how many were stopped; with every n-th of the saved times."""
        ...

    def bound(self, every: int = 1) -> float:
        """The right side."""
        ...


def trapezoids(times: np.ndarray) -> np.ndarray:
    """The weights of the times in an integral over them."""
    gaps = np.diff(times)
    return np.concatenate([[0], gaps / 2]) + np.concatenate([gaps / 2, [0]])


def simulated(followed: Method | SDE | RuleSDE, start: Any, horizon: float, draws: Draws, **settings: Any) -> Simulate:
    """Paths of a method or of an equation.

    Args:
        draws: the number of the first path -> which draws these are, arguments of `run` and `solve`.
        settings: others of their arguments.
    """
    settings["chunk"] = BATCH
    if isinstance(followed, Method):
        return lambda count, first, halvings, halves: run(followed, start, horizon, count, **draws(first), **settings)
    settings["dt"] = settings["params"]["eta"] / SUBSTEPS
    return lambda count, first, halvings, halves: solve(
        followed, start, horizon, count, **draws(first), halvings=halvings, by_halves=halves, **settings
    )


def decided(
    sides: Sides, simulate: Simulate, ends: tuple[float, float], pilot: int, scale: float, solved: bool, integrated: bool,
    **limits: int,
) -> tuple[Decision, str]:  # fmt: skip
    """The verdict by paths, and how many of them were stopped, in words.

    Args:
        ends: values between which the left side of a stopped path is.
        pilot: the first of the paths that give the errors alone.
        scale: multiplies the bound.
        solved, integrated: whether a solver, and whether the trapezoids of an integral have an error.
        limits: of `decide`.
    """
    error, halvings, stopped = 0.0, int(solved), [0, 0]
    if integrated:
        fine = simulate(BATCH, pilot, halvings, False)
        values, _ = sides.of(fine)
        error = abs(sides.bound() - sides.bound(2)) * scale
        if solved:
            error += _size_of(values - sides.of(simulate(BATCH, pilot, 0, True))[0])
        error += _size_of(values - sides.of(fine, 2)[0])

    def sample(count: int, first: int) -> np.ndarray:
        values, out = sides.of(simulate(count, first, halvings, False))
        stopped[0], stopped[1] = stopped[0] + out, stopped[1] + count
        return values

    decision = decide(sample, scale * sides.bound(), *ends, error=error, certain=CERTAIN, **limits)
    return decision, f"{stopped[0]} of {stopped[1]} paths"


def decided_beyond(sides: Sides, simulate: Simulate, most: int) -> Decision:
    """The verdict outside the condition, where no path is stopped: VIOLATED or INCONCLUSIVE, as the left side is not bounded."""
    sample = lambda count, first: np.minimum(sides.of(simulate(count, first, 0, False))[0], 1e300)  # noqa: E731
    bound = sides.bound()
    return decide(sample, bound, low=0.0, cap=CAP * bound, batch=BATCH, most=most)


def _size_of(gap: np.ndarray) -> float:
    """|mean| and five standard errors of it, beyond which a normal mean is with a chance of 6e-7."""
    return float(abs(np.mean(gap)) + 5 * np.std(gap) / np.sqrt(len(gap)))


# --- theorems on a random time ------------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class Instance:
    """A theorem on numbers. Dimensionless.

    Args:
        id: of the theorem; model: of the SDE.
        method: with its noise, clients and schedule.
        scale: the factor of (1+t)^(-1/2).
        constants: eps, kap, .. by symbol name; T, eta and top (the gradient norm at which paths are stopped) are separate.
        wide: a step size outside the theorem's step condition, and whether "step" is its name.
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
# a statistic is identified by its function: one object each, so that solves are not compiled again
_STATISTICS: dict[str, Statistic] = {
    "g1": lambda x: _land.gradient(x)[0],
    "g2": lambda x: _land.gradient(x)[1],
}


def _rand_k(schedule: Any) -> Method:
    return DCSGD(RandK(1), Scaled(Gaussian(), "sigma"), CLIENTS, schedule)


def _normalised(kap: float, scale: float) -> Method:
    """h = u/K_kap(G) of 6.3, read off the catalogue's term for h."""
    at = _constants(_rand_k(Power("1/2")), {"kap": kap}, 1.0, 1.0)
    numbers = {name: exactly(value.ravel()[0]) for name, value in at.values.items() if value.size == 1}
    size = sp.sqrt(coord_sum(gradient**2))
    u = exactly(scale) / sp.sqrt(1 + clock)
    return _rand_k(Adaptive(Meaning({**numbers, G: size, x("u"): u}).value(normalised.h)))


def _constants(method: Method, more: Mapping[str, float], eta: float, T: float) -> Numbers:
    """The values that do not depend on time or path, definitions (A_1, D_0) included."""
    known = LOSS.smoothness(DIM)
    start = float(_land.value(jnp.asarray(START)[:, None])[0])
    least, functions = float(_land.value(jnp.zeros((DIM, 1)))[0]), {}
    values = symbols(paths, eta=eta, T=T, N=CLIENTS, d=DIM, L0=known.l0, L1=known.l1, f0=start, fstar=least, **more)
    if isinstance(method.compressor, RandK):
        ratio = float(method.compressor.omega(sp.Integer(DIM)).value)
        spread = SIGMA**2 * float(method.noise.law.variance)
        values |= symbols(clients, omega=[ratio] * CLIENTS, s0=[spread] * CLIENTS, s1=[0.0] * CLIENTS)
    else:
        functions["R"] = function_of(method.noise.law.sign_mean(sp.Symbol("y", real=True)), "y")
        values |= symbols(clients, sigma=[1.0] * CLIENTS) | symbols(paths, M=method.noise.law.density(sp.S.Zero))
    numbers = Numbers(values, functions, (CLIENTS, DIM, 1, 1))
    return numbers if functions else numbers.defined(noise_constants())


def instance(id: str, method: str, model: Model, constants: Mapping[str, float], scale: float = 1.0, **more: Any) -> Instance:
    """A theorem on cosh in two coordinates with two clients and the schedule (1+t)^(-1/2).

    Args:
        id: of the theorem.
        method: "rand-k" (Rand-1, Gaussian noise), "normalised rand-k" (with the step of 6.3), or "signs" (Cauchy noise).
        model, constants, scale, more: see `Instance`.
    """
    if method == "normalised rand-k":
        made = _normalised(constants["kap"], scale)
    else:
        schedule = Power("1/2")
        made = DSignSGD(Scaled(Cauchy(), "sigma"), CLIENTS, schedule) if method == "signs" else _rand_k(schedule)
    return Instance(id, model, made, scale, constants, **more)


def instances() -> tuple[Instance, ...]:
    """One for each theorem on a random time."""
    theorems = [entry for entry in entries().values() if isinstance(entry, Theorem)]
    return tuple(instance(t.id, **e.options) for t in theorems for e in t.evidence if e.kind == RANDOM_TIME)


class Functional:
    """The sides of the comparison: the left side of a path, the right side, and their range."""

    def __init__(self, instance: Instance, saved: np.ndarray, eta: float, stopped: bool = True) -> None:
        self.instance, self.saved, self.stopped = instance, saved, stopped
        self.claim = conclusion(instance.id)
        self.constants = _constants(instance.method, instance.constants, eta, float(saved[-1]))

    def _numbers(self, g: np.ndarray, every: int = 1) -> Numbers:
        """g is (d, S, paths)."""
        saved = self.saved[::every]
        y, u = g[:, ::every], self.instance.scale / np.sqrt(1 + saved)
        size = times(np.sqrt(np.sum(y**2, axis=0)))
        values: dict[Term, np.ndarray] = {x("u"): times(u), G: size, x("y"): y[None]}
        numbers = replace(self.constants.given(values), weights=trapezoids(saved), size=(CLIENTS, DIM, len(saved), g.shape[2]))
        return numbers.defined(
            {n: r for n, r in self.instance.theorem.definitions.items() if n in ("mean of the step", "Phi")}
        )

    def of(self, ensemble: Ensemble, every: int = 1) -> tuple[np.ndarray, int]:
        """One value for each path (paths,), and how many were stopped."""
        g = np.stack([ensemble.values["g1"], ensemble.values["g2"]])
        with np.errstate(invalid="ignore"):
            blown_up = ~np.all(np.abs(g) <= BLOWN, axis=0)
        g = np.where(blown_up, BLOWN, g)
        out = np.cumsum(np.sum(g**2, axis=0) > self.instance.top**2, axis=0) > 0
        if self.stopped:
            g = np.where(out, 0.0, g)
        left = self._numbers(g, every).value(self.claim.left)
        return np.broadcast_to(left, (1, 1, 1, g.shape[2])).ravel(), int(np.sum(out[-1]))

    def bound(self, every: int = 1) -> float:
        """The right side."""
        return float(self._numbers(np.zeros((DIM, len(self.saved), 1)), every).value(self.claim.right).item())

    @property
    def high(self) -> float:
        """The largest value of a stopped path: always at the level. Phi is at most the 1-norm, which is sqrt(d) G at most."""
        size = self.instance.top
        if self.instance.signs:
            return size * np.sqrt(DIM)
        g = np.zeros((DIM, len(self.saved), 1))
        g[0] = size
        return float(self._numbers(g).value(self.claim.left).item()) * (1 + 1e-9)

    def unmet(self) -> tuple[list[str], tuple[str, ...]]:
        """Assumptions that fail somewhere up to the level, and those that have no value here."""
        grid = np.zeros((DIM, len(self.saved), 200))
        grid[0] = np.linspace(0, self.instance.top, 200)
        held, unknown = self._numbers(grid).held(self.instance.theorem.assumptions)
        return [name for name, holds in held.items() if not np.all(holds)], tuple(unknown)


def saved_paths(instance: Instance, subject: str, eta: float, seed: int) -> Simulate:
    """Paths, saved at every step."""
    params = {"eta": eta, "sigma": SIGMA if not instance.signs else 1.0}
    if subject == "SDE":
        params["N"] = CLIENTS
    followed = sde(instance.method, instance.model, LOSS, DIM) if subject == "SDE" else instance.method
    return simulated(
        followed, START, max(instance.T, LONG * eta), lambda first: {"key": seed * 10**9 + first}, params=params, loss=LOSS,
        statistics=_STATISTICS, save=len(saved_times(instance, eta)),
    )  # fmt: skip


def saved_times(instance: Instance, eta: float) -> np.ndarray:
    """The times that are saved."""
    return np.arange(int(np.floor(max(instance.T, LONG * eta) / eta)) + 1) * eta


def by_paths(
    instance: Instance, subject: str, seed: int = 1, most: int = 8192, scale: float = 1.0, batch: int = BATCH
) -> Verified:
    """The verdict on an instance, for the SDE or for the method.

    Args:
        instance, subject: the instance, and whether "SDE" or "method" is simulated.
        seed: of the draws.
        most: number of paths in all; batch: in the first batch.
        scale: multiplies the bound, to check that a wrong one is found.

    Raises:
        ValueError: the instance does not satisfy the theorem's assumptions.
    """
    functional = Functional(instance, saved_times(instance, instance.eta), instance.eta)
    failing, unknown = functional.unmet()
    if failing:
        raise ValueError(f"{instance.id}: the instance does not satisfy {', '.join(failing)}")
    simulate, ends = saved_paths(instance, subject, instance.eta, seed), (0.0, functional.high)
    limits = {"least": LEAST, "batch": min(batch, most), "most": most}
    decision, stopped = decided(functional, simulate, ends, PILOT, scale, subject == "SDE", True, **limits)
    note = f"stopped at a gradient norm of {instance.top:g}: {stopped}"
    if subject == "method":
        note = "the theorem is about the SDE; " + note
    shown = {"loss": "cosh", "d": DIM, "clients": CLIENTS, "eta": instance.eta, "T": instance.T, **instance.constants}
    # None: not seen to fail, which proves nothing
    fails = scale == 1 and beyond(instance, subject, seed).verdict is Verdict.VIOLATED
    outside = {instance.step: fails or None} if scale == 1 else {}
    return Verified(
        instance.id, subject, "Monte Carlo", decision.verdict, decision.tightness, shown, decision.paths, 0, outside, unknown,
        note, decision,
    )  # fmt: skip


def beyond(instance: Instance, subject: str, seed: int = 1, most: int = 2048) -> Decision:
    """The verdict with the step `wide`, by `decided_beyond`.

    Raises:
        ValueError: the condition holds with that step too.
    """
    functional = Functional(instance, saved_times(instance, instance.wide), instance.wide, stopped=False)
    if instance.step not in functional.unmet()[0]:
        raise ValueError(f"{instance.id}: the step {instance.wide} is within the condition")
    return decided_beyond(functional, saved_paths(instance, subject, instance.wide, seed), most)
