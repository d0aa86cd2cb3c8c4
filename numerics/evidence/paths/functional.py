"""The two sides of a claim along simulated paths, for catalogue entries and stated theorems, and the verdict on the claim."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from sdescent.derive.derivation import SDE, RuleSDE
from sdescent.derive.methods.distributed import Method
from sdescent.derive.proof.language.context import parts
from sdescent.derive.proof.language.terms import Relation, Term, num, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.vocabulary import replaced
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks.formulas import PATH, NoNumber, Numbers, Verified, paths, times
from sdescent.numerics.evidence.stated.horizon import note_of, steps_to_the_end
from sdescent.numerics.evidence.stated.instance import Instance
from sdescent.numerics.evidence.stated.one_step import BEYOND, equation, moment, too_large
from sdescent.numerics.simulate.blow_up import NotANumber
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.statistics.verdicts import CERTAIN, Decision, decide

#: number of paths simulated at a time
BATCH = 512
#: number of solver steps per step of the method
SUBSTEPS = 4
#: a path beyond this value has blown up
BLOWN = 1e100
#: outside the theorem's condition a lower limit suffices, so the functional is capped at this multiple of the bound
CAP = 20.0
#: (number of paths, index of the first, halvings of the solver's step, whether the step is split in halves) -> the paths
Simulate = Callable[[int, int, int, bool], Ensemble]
Draws = Callable[[int], Mapping[str, int]]


class Functional(ABC):
    """The sides of a claim along paths, perhaps stopped: a sum or integral over time, and a right side common to all."""

    claim: Relation
    stopped: bool

    @property
    @abstractmethod
    def saved(self) -> tuple[str, ...]:
        """The names of the saved statistics that determine the atoms, one for each coordinate."""

    @abstractmethod
    def constants(self, every: int = 1) -> Numbers:
        """The numbers that do not depend on the state, with the weights of every `every`-th saved time."""

    @abstractmethod
    def along(self, at: np.ndarray, every: int = 1) -> tuple[Numbers, np.ndarray]:
        """All atoms from the saved values (d, S, paths), and whether each path continues at each time, (S, paths)."""

    @abstractmethod
    def ends(self) -> tuple[float, float]:
        """The range of the left side for a stopped path."""

    def followed(self, side: Term) -> Iterator[Term]:
        """The sums and integrals in `side` that depend on the state."""
        constants = self.constants()
        for term in parts(side):
            if term[0] in ("I", "EI"):
                try:
                    constants.value(term[1])
                except NoNumber:
                    yield term

    def of(self, ensemble: Ensemble, every: int = 1) -> tuple[np.ndarray, int]:
        """The left side of each path, (paths,), from every `every`-th saved time, and the number of stopped or blown-up paths."""
        at = np.stack([ensemble.values[name] for name in self.saved])[:, ::every]
        blown = ~np.all(np.abs(at) < BLOWN, axis=0)
        numbers, inside = self.along(np.where(blown, 0.0, at), every)
        out = np.cumsum(blown | ~inside if self.stopped else blown, axis=0) > 0
        numbers = replace(numbers, size=(*numbers.size[:2], *out.shape))
        missing = 0.0 if self.stopped else np.inf  # a path that has blown up has no sum
        with np.errstate(over="ignore", invalid="ignore"):
            terms = [term[1] for term in self.followed(self.claim.left)]
            summands = {term: np.where(out, missing, numbers.value(term)) for term in terms}
            left = numbers.plus(summands).value(self.claim.left)
        return np.broadcast_to(left, (1, 1, 1, out.shape[1])).ravel(), int(np.sum(out[-1]))

    def bound(self, every: int = 1) -> float:
        """The right side of the claim. Raises NoClosedForm if it may be larger for a stopped path."""
        numbers = self.constants(every)
        if any(np.any(numbers.value(t[1]) < 0) for t in parts(self.claim.right) if t[0] in ("I", "EI")):
            raise NoClosedForm("the terms summed on the right side can be negative, so a path may not be stopped early")
        return float(numbers.value(self.claim.right).item())


def trapezoids(times: np.ndarray) -> np.ndarray:
    """The weights of the trapezoidal rule at these times."""
    gaps = np.diff(times)
    return np.concatenate([[0], gaps / 2]) + np.concatenate([gaps / 2, [0]])


def simulated(followed: Method | SDE | RuleSDE, start: Any, horizon: float, draws: Draws, **settings: Any) -> Simulate:
    """A function that simulates paths: `draws` maps the first path's index to the arguments for them, `settings` are the others."""
    settings["chunk"] = BATCH
    if isinstance(followed, Method):
        return lambda count, first, halvings, halves: run(followed, start, horizon, count, **draws(first), **settings)
    settings["dt"] = settings["params"]["eta"] / SUBSTEPS
    return lambda count, first, halvings, halves: solve(
        followed, start, horizon, count, **draws(first), halvings=halvings, by_halves=halves, **settings
    )


def decided(
    sides: Functional, simulate: Simulate, pilot: int, scale: float, solved: bool, integrated: bool, **limits: int
) -> tuple[Decision, str]:
    """The verdict by paths, and the number of stopped paths in words.

    Paths from `pilot` on serve the errors alone: solver (`solved`), trapezoidal rule (`integrated`). `scale` multiplies the bound.
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

    decision = decide(sample, scale * sides.bound(), *sides.ends(), error=error, certain=CERTAIN, **limits)
    return decision, f"{stopped[0]} of {stopped[1]} paths"


def decided_beyond(sides: Functional, simulate: Simulate, most: int) -> Decision:
    """The verdict outside the condition, without stopping: VIOLATED or INCONCLUSIVE, since the left side is unbounded."""
    sample = lambda count, first: np.minimum(sides.of(simulate(count, first, 0, False))[0], 1e300)  # noqa: E731
    bound = sides.bound()
    return decide(sample, bound, low=0.0, cap=CAP * bound, batch=BATCH, most=most)


def _size_of(gap: np.ndarray) -> float:
    """|mean| plus five standard errors; a normal sample mean is farther from its expectation with probability 6e-7."""
    return float(abs(np.mean(gap)) + 5 * np.std(gap) / np.sqrt(len(gap)))


#: number of steps of the method up to the horizon, if the assumptions allow it
STEPS = 30
#: gradient norm at which a path is stopped, relative to its value at the start
TOP = 3.0
#: number of paths in total, and beyond the condition; index of the first path used only for the errors
MOST, FEW, PILOT = 4096, 1024, 10**6
#: number of grid points for the range of a stopped path, and the factor by which the range is widened
GRID, ROOM = 4001, 1.02
SEED = 24


@final
@dataclass(frozen=True)
class AtTheHorizon(Functional):
    """The two sides of a claim at the horizon, along paths of "SDE" or "method", which may be stopped.

    Raises NoClosedForm if a side contains V at the horizon or a mean, an assumption is about the horizon, the method has a
    memory, or d > 2; `bound` does if the right side may be larger for a stopped path.
    """

    one: Instance
    claim: Relation
    subject: str
    steps: int
    stopped: bool = True

    def __post_init__(self) -> None:
        ends = {p.end for p in self.one.stated.setting.potentials.values()}
        if any(p in ends or p[0] == "E" for side in self.claim[1:] for p in parts(side)):
            raise NoClosedForm("V at the horizon is unbounded on a path, so its mean has no interval")
        setting = self.one.stated.setting
        starts = {x(p.start[1]): num(0) for p in setting.potentials.values()}
        for name in sorted(setting.formulas):
            if setting.at_the_end(replaced(setting.assumptions[name], starts)):
                raise NoClosedForm(f"whether the assumption {name} holds is not known along paths")
        if self.one.method.rule.memory:
            raise NoClosedForm("a memory is unbounded on a path, so the mean has no interval")
        if self.one.dim > 2:
            raise NoClosedForm("the range of the left side is computed only in one or two dimensions")

    @property
    def saved(self) -> tuple[str, ...]:
        return tuple(f"x{j + 1}" for j in range(self.one.dim))

    @property
    def times(self) -> np.ndarray:
        """The times at which states are saved."""
        return self.one.eta * np.arange(self.steps + 1)

    def weights(self, every: int = 1) -> np.ndarray:
        """The weights of the saved times: 1 or eta for the method's steps, those of the trapezoidal rule for the SDE."""
        if self.subject == "method":
            return np.append(np.full(self.steps, 1.0 if self.one.stated.about == "method" else self.one.eta), 0.0)
        return trapezoids(self.times[::every])

    def constants(self, every: int = 1) -> Numbers:
        u, start = moment(self.one, self.times[::every]).u, {t: paths(v) for t, v in self.one.starts.items()}
        horizon = {self.one.stated.setting.horizon: paths(self.one.horizon(self.steps))}
        numbers = self.one.base.plus({**start, **horizon, x("u"): times(u)})
        return replace(numbers, size=(1, 1, len(u), 1), weights=self.weights(every))

    def along(self, at: np.ndarray, every: int = 1) -> tuple[Numbers, np.ndarray]:
        _, *shape = at.shape
        constants = self.constants(every)
        flat, inside = self._places(at.reshape(self.one.dim, -1), np.repeat(constants.value(x("u")).ravel(), shape[1]))
        values = {
            t: a.reshape(*a.shape[:2], *shape) if a.shape[PATH] == inside.size else a for t, a in flat.values.items()
        }
        numbers = replace(constants, values={**values, **constants.values}, size=(*flat.size[:2], *shape))
        return numbers, inside.reshape(shape)

    def _places(self, at: np.ndarray, u: np.ndarray) -> tuple[Numbers, np.ndarray]:
        """The atoms at states (d, states), and whether a path continues: a small gradient and (if `stopped`) all assumptions."""
        with np.errstate(all="ignore"):  # a path may be at any state
            numbers = self.one.numbers({"x": at}).plus({x("u"): paths(u)})
        held = self.one.held(numbers).values() if self.stopped else ()
        return numbers, np.all([*held, numbers.value(nm.G).ravel() <= self.top], axis=0)

    @property
    def top(self) -> float:
        """The gradient norm at which a path is stopped."""
        return TOP * float(np.sqrt(np.sum(self.one.derivative(1, self.one.start[:, None]) ** 2)))

    def ends(self) -> tuple[float, float]:
        """The left side of paths that stay where its terms are smallest or largest on a grid, slightly widened."""
        high = self._reach()
        line = np.linspace(-high, high, GRID if self.one.dim == 1 else int(np.sqrt(GRID)) * 4)
        at = np.stack([a.ravel() for a in np.meshgrid(*[line] * self.one.dim)])
        constants = self.constants()
        numbers, inside = self._places(at, np.full(at.shape[1], np.max(constants.value(x("u")))))
        total, both = float(np.sum(self.weights())), []
        for end in (min, max):
            sums: dict[Term, np.ndarray] = {}
            for term in self.followed(self.claim.left):
                values = np.broadcast_to(numbers.value(term[1]), (1, 1, 1, at.shape[1])).ravel()[inside]
                sums[term] = paths(end(0.0, float(end(values.min(), values.max()))) * total)
            both.append(float(constants.plus(sums).value(self.claim.left).item()))
        low, large = sorted(both)
        return low - (ROOM - 1) * abs(low), large * ROOM

    def _reach(self) -> float:
        """A coordinate beyond which the gradient is too large, if there is one: gradients of these losses grow or are bounded."""
        grid = self.one.member.unit * np.geomspace(1e-2, 1e2, 2000)
        slopes = np.abs(self.one.derivative(1, np.tile(np.concatenate([grid, -grid]), (self.one.dim, 1))))
        beyond = np.flatnonzero(np.min(slopes.reshape(self.one.dim, 2, -1), axis=(0, 1)) > self.top)
        return float(grid[beyond[0]]) if beyond.size else 50 * self.one.member.unit


def by_paths(id: str, one: Instance, subject: str, claim: Relation, words: str, scale: float = 1.0) -> Verified:
    """The verdict on an instance, by paths of "SDE" or "method". Raises as `AtTheHorizon` and `steps_to_the_end`."""
    functional = AtTheHorizon(one, claim, subject, steps_to_the_end(one, STEPS))
    bound, continuous = functional.bound(), subject == "SDE"
    decision, stopped = decided(
        functional, _simulated(functional), PILOT, scale, continuous, continuous, batch=BATCH, least=MOST // 2, most=MOST,
    )  # fmt: skip
    outside = _outside(functional) if scale == 1 and one.most is not None else {}
    description = {"what": "horizon", "case": words, "cases": 1, **one.description, "steps": functional.steps}
    description |= {"value": decision.estimate.value, "bound": scale * bound, "seed": SEED}
    more = note_of(one.stated, subject)
    note = f"{stopped} were stopped, when an assumption failed or the gradient norm exceeded {functional.top:.3g}"
    return Verified(
        id, subject, "Monte Carlo", decision.verdict, decision.tightness, description, decision.paths, 0, outside, (),
        f"{more}; {note}" if more else note, decision,
    )  # fmt: skip


def _simulated(functional: AtTheHorizon) -> Simulate:
    """A function that simulates the paths and saves every step."""
    one, steps = functional.one, functional.steps
    followed = one.specialised if functional.subject == "method" else equation(one)
    return simulated(
        followed, one.start, (steps + 0.001) * one.eta, lambda first: {"key": SEED, "first": first}, params={"eta": one.eta},
        loss=one.member.loss, statistics={name: name for name in functional.saved}, save=steps + 1,
    )  # fmt: skip


def _outside(within: AtTheHorizon) -> dict[str, bool | None]:
    """Whether the bound fails with a step beyond the condition, without stopping; None if no failure appears, or none can."""
    fails: dict[str, bool | None] = dict.fromkeys(BEYOND)
    for words, far in too_large(within.one).items():
        functional = replace(within, one=far, stopped=False)
        if functional.bound() > 0 and functional.ends()[0] >= 0:
            with suppress(NotANumber):  # a path that was far away has no number
                decision = decided_beyond(functional, _simulated(functional), FEW)
                fails[words] = decision.verdict is Verdict.VIOLATED or None
    return fails
