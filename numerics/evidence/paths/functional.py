"""The two sides of a claim along simulated paths, and the verdict on them.

A path may be stopped at any stopping time: by localisation the theorems hold up to that time if the terms summed on the right side
are nonnegative. The functional of a stopped path is bounded, so its mean has an interval. The solver's error is measured on the
same Brownian motion with steps half as long, and the error of the trapezoidal rule by leaving out every other time. Both errors
widen the interval. A stop takes effect at the first saved time beyond the level, so that at most half a step of a stopped path is
missing. The number of stopped paths is reported.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sdescent.derive.derivation import SDE, RuleSDE
from sdescent.derive.methods.distributed import Method
from sdescent.derive.proof.language.context import parts
from sdescent.derive.proof.language.terms import Relation, Term
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.numerics.evidence.checks.formulas import NoNumber, Numbers
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
#: outside the theorem's condition a lower limit suffices, so the functional is cut at this multiple of the bound
CAP = 20.0
#: (number of paths, index of the first, halvings of the solver's step, whether the step is split in halves) -> the paths
Simulate = Callable[[int, int, int, bool], Ensemble]
Draws = Callable[[int], Mapping[str, int]]


class Functional(ABC):
    """The two sides of a claim on an instance.

    Attributes:
        claim: a relation with sums or integrals over time on the left side, and a right side common to all paths.
        stopped: whether paths are stopped.
    """

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
        """The left side of each path, (paths,), from every `every`-th saved time, and the number of stopped paths."""
        at = np.stack([ensemble.values[name] for name in self.saved])[:, ::every]
        blown = ~np.all(np.abs(at) < BLOWN, axis=0)
        numbers, inside = self.along(np.where(blown, 0.0, at), every)
        out = np.cumsum(blown | ~inside if self.stopped else blown, axis=0) > 0
        numbers = replace(numbers, size=(*numbers.size[:2], *out.shape))
        missing = 0.0 if self.stopped else np.inf  # a path that has blown up has no sum
        with np.errstate(over="ignore", invalid="ignore"):
            summands = {
                term[1]: np.where(out, missing, numbers.value(term[1])) for term in self.followed(self.claim.left)
            }
            left = numbers.plus(summands).value(self.claim.left)
        return np.broadcast_to(left, (1, 1, 1, out.shape[1])).ravel(), int(np.sum(out[-1]))

    def bound(self, every: int = 1) -> float:
        """The right side of the claim.

        Raises:
            NoClosedForm: the right side may be larger for a stopped path.
        """
        numbers = self.constants(every)
        if any(np.any(numbers.value(t[1]) < 0) for t in parts(self.claim.right) if t[0] in ("I", "EI")):
            raise NoClosedForm("what is summed on the right side is negative, so that a path may not be stopped")
        return float(numbers.value(self.claim.right).item())


def trapezoids(times: np.ndarray) -> np.ndarray:
    """The weights of the trapezoidal rule at these times."""
    gaps = np.diff(times)
    return np.concatenate([[0], gaps / 2]) + np.concatenate([gaps / 2, [0]])


def simulated(followed: Method | SDE | RuleSDE, start: Any, horizon: float, draws: Draws, **settings: Any) -> Simulate:
    """A function that simulates paths of a method or of an equation.

    Args:
        draws: index of the first path -> arguments of `run` and `solve` that select the draws.
        settings: the other arguments of `run` and `solve`.
    """
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

    Args:
        pilot: index of the first path that is used only for the errors, not for estimates.
        scale: multiplies the bound.
        solved: whether the paths come from a solver, which contributes an error.
        integrated: whether the left side is an integral, so that the trapezoidal rule contributes an error.
        limits: arguments of `decide`.
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
    """The verdict outside the condition, without stopping: VIOLATED or INCONCLUSIVE, as the left side is unbounded."""
    sample = lambda count, first: np.minimum(sides.of(simulate(count, first, 0, False))[0], 1e300)  # noqa: E731
    bound = sides.bound()
    return decide(sample, bound, low=0.0, cap=CAP * bound, batch=BATCH, most=most)


def _size_of(gap: np.ndarray) -> float:
    """The size |mean| plus five standard errors, which a normal mean exceeds with probability 6e-7."""
    return float(abs(np.mean(gap)) + 5 * np.std(gap) / np.sqrt(len(gap)))
