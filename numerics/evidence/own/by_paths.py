"""A theorem at the horizon against paths of the method or of its SDE, where no means are known without sampling.

A path counts up to the first saved time at which an assumption does not hold there, or the gradient is `TOP` times as large as
at the start: the sum or the integral of a bound on a step may be stopped at any stopping time, its right side being no smaller
without the stop where what is summed there is not negative. The functional of a path is then bounded, by its values at states up
to the stop, so that a confidence sequence for its mean exists. The error of the solver and of the trapezoids is measured and
added, as in `sdescent.numerics.evidence.checks.paths`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from sdescent.derive.bounds.language import names as nm
from sdescent.derive.bounds.language.vocabulary import replaced
from sdescent.derive.proof.language.context import parts
from sdescent.derive.proof.language.terms import Relation, Term, num, x
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks.formulas import PATH, TIME, Numbers, paths, times
from sdescent.numerics.evidence.checks.paths import BATCH, Simulate, decided, decided_beyond, simulated, trapezoids
from sdescent.numerics.evidence.checks.result import Verified
from sdescent.numerics.evidence.own.change import equation, moment
from sdescent.numerics.evidence.own.horizon import note_of, steps_to_the_end
from sdescent.numerics.evidence.own.instance import Instance
from sdescent.numerics.evidence.own.one_step import BEYOND, WORDS
from sdescent.numerics.simulate.blow_up import NotANumber
from sdescent.numerics.simulate.ensemble import Ensemble

#: steps of the method up to the horizon, where the assumptions allow that many
STEPS = 30
#: gradients at which a path is stopped, in units of that at the start
TOP = 3.0
#: paths in all, and beyond the condition; the first of those that give the errors alone
MOST, FEW, PILOT = 4096, 1024, 10**6
#: states at which the range of a stopped path is found, and the room beyond it
GRID, ROOM = 4001, 1.02
SEED = 24


@final
@dataclass(frozen=True)
class Functional:
    """The two sides of a claim, for paths.

    Args:
        one: the instance.
        claim: with sums or integrals on its left side, and constants on its right side.
        subject: "SDE" or "method".
        steps: of the method, up to the horizon.
        stopped: whether paths are stopped.

    Raises:
        NoClosedForm: the left side is about more than a sum or an integral, or the right side may be larger for a stopped path.
    """

    one: Instance
    claim: Relation
    subject: str
    steps: int
    stopped: bool = True

    def __post_init__(self) -> None:
        ends = {p.end for p in self.one.stated.setting.potentials.values()}
        if any(p in ends or p[0] == "E" for side in self.claim[1:] for p in parts(side)):
            raise NoClosedForm("V at the horizon is not bounded on a path, so that no interval for its mean is known")
        made = self.one.stated.setting
        starts = {x(p.start[1]): num(0) for p in made.potentials.values()}
        for name in sorted(made.formulas):
            if made.at_the_end(replaced(made.assumptions[name], starts)):
                raise NoClosedForm(f"whether the assumption {name} holds is not known along paths")
        if self.one.method.rule.memory:
            raise NoClosedForm("a memory is not bounded on a path, so that no interval for the mean is known")
        if self.one.dim > 2:
            raise NoClosedForm("the range of a path is found in one or two dimensions")

    @property
    def times(self) -> np.ndarray:
        """Times at which states are saved."""
        return self.one.eta * np.arange(self.steps + 1)

    def weights(self, every: int = 1) -> np.ndarray:
        """Of the saved times: 1 or eta for the method's steps, of trapezoids for the SDE."""
        if self.subject == "method":
            return np.append(np.full(self.steps, 1.0 if self.one.stated.about == "method" else self.one.eta), 0.0)
        return trapezoids(self.times[::every])

    def _integrals(self, side: Term) -> list[Term]:
        return [p for p in parts(side) if p[0] in ("I", "EI")]

    def of(self, ensemble: Ensemble, every: int = 1) -> tuple[np.ndarray, int]:
        """The left side of each path, (paths,), and how many were stopped."""
        at = np.stack([ensemble.values[f"x{j + 1}"] for j in range(self.one.dim)])[:, ::every]
        blown = ~np.all(np.abs(at) < 1e100, axis=0)
        at = np.where(blown, 0.0, at)
        _, saved, count = at.shape
        u = moment(self.one, self.times[::every]).u
        flat = self._numbers(at.reshape(self.one.dim, -1), np.repeat(u, count))
        out = blown | ~self._inside(flat).reshape(saved, count) if self.stopped else blown
        out = np.cumsum(out, axis=0) > 0
        shared = {t: a.reshape(*a.shape[:2], saved, count) if a.shape[PATH] == saved * count else a for t, a in flat.values.items()}
        numbers, weights = replace(flat, values=shared, size=(*flat.size[:2], saved, count)), self.weights(every)[:, None]
        sums: dict[Term, np.ndarray] = {}
        with np.errstate(over="ignore", invalid="ignore"):
            for term in self._integrals(self.claim.left):
                values = np.broadcast_to(numbers.value(term[1]), (1, 1, saved, count))[0, 0]
                missing = 0.0 if self.stopped else np.inf  # a path that blew up has no sum
                sums[term] = paths(np.sum(np.where(out, missing, values) * weights, axis=0))
            left = self._constants(sums).value(self.claim.left)
        return np.broadcast_to(left, (1, 1, 1, count)).ravel(), int(np.sum(out[-1]))

    def _numbers(self, at: np.ndarray, u: np.ndarray) -> Numbers:
        with np.errstate(all="ignore"):  # a path may be anywhere
            return self.one.numbers({"x": at}).given({x("u"): paths(u)})

    def _inside(self, numbers: Numbers) -> np.ndarray:
        """Where the gradient is not too large and all assumptions hold, if these stop a path."""
        size = numbers.value(nm.G).ravel()
        held = self.one.held(numbers).values() if self.stopped else ()
        return np.all([*held, size <= self.top], axis=0)

    @property
    def top(self) -> float:
        """The gradient at which a path is stopped."""
        return TOP * float(np.sqrt(np.sum(self.one.derivative(1, self.one.start[:, None]) ** 2)))

    def _constants(self, values: dict[Term, np.ndarray]) -> Numbers:
        made = self.one.stated.setting
        start = {t: paths(v) for t, v in self.one.starts.items()}
        return self.one.base.given({**start, made.horizon: paths(self.one.horizon(self.steps)), **values})

    def bound(self, every: int = 1) -> float:
        """The right side.

        Raises:
            NoClosedForm: it may be larger for a path that is stopped.
        """
        u = times(moment(self.one, self.times[::every]).u)
        numbers = replace(self._constants({x("u"): u}), size=(1, 1, u.shape[TIME], 1))
        found = {term: numbers.value(term[1]) for term in self._integrals(self.claim.right)}
        if any(np.any(v < 0) for v in found.values()):
            raise NoClosedForm("what is summed on the right side is negative, so that a path may not be stopped")
        weights = self.weights(every)[:, None]
        sums = {t: paths(np.sum(np.broadcast_to(v, (1, 1, len(weights), 1))[0, 0] * weights)) for t, v in found.items()}
        return float(self._constants(sums).value(self.claim.right).item())

    def range(self) -> tuple[float, float]:
        """Values between which the left side of a stopped path is: that of one which always is where it is least or largest."""
        high = self._reach()
        line = np.linspace(-high, high, GRID if self.one.dim == 1 else int(np.sqrt(GRID)) * 4)
        at = np.stack([a.ravel() for a in np.meshgrid(*[line] * self.one.dim)])
        numbers = self._numbers(at, np.ones(at.shape[1]))
        inside = self._inside(numbers)
        least: dict[Term, np.ndarray] = {}
        largest: dict[Term, np.ndarray] = {}
        total = float(np.sum(self.weights()))
        for term in self._integrals(self.claim.left):
            values = np.broadcast_to(numbers.value(term[1]), (1, 1, 1, at.shape[1])).ravel()[inside]
            least[term], largest[term] = paths(min(0.0, float(values.min())) * total), paths(max(0.0, float(values.max())) * total)
        ends = sorted(float(self._constants(s).value(self.claim.left).item()) for s in (least, largest))
        return ends[0] - (ROOM - 1) * abs(ends[0]), ends[1] * ROOM

    def _reach(self) -> float:
        """A coordinate beyond which the gradient is too large; the losses' gradients grow, or are bounded."""
        grid = self.one.member.unit * np.geomspace(1e-2, 1e2, 2000)
        both = np.concatenate([grid, -grid])
        slopes = np.abs(self.one.derivative(1, np.tile(both, (self.one.dim, 1))))
        least = np.min(slopes.reshape(self.one.dim, 2, -1), axis=(0, 1))
        beyond = np.flatnonzero(least > self.top)
        return float(grid[beyond[0]]) if beyond.size else 50 * self.one.member.unit


def by_paths(id: str, one: Instance, subject: str, claim: Relation, words: str, scale: float = 1.0) -> Verified:
    """The verdict on an instance, by paths.

    Args:
        subject: "SDE" or "method".
        words: which case it is.
        scale: multiplies the bound, to check that a wrong one is found.

    Raises:
        NoClosedForm: as `Functional`.
        NoInstance: as `steps_to_the_end`.
    """
    functional = Functional(one, claim, subject, steps_to_the_end(one, STEPS))
    bound, continuous = functional.bound(), subject == "SDE"
    decision, stopped = decided(
        functional, _simulated(functional), functional.range(), PILOT, scale, continuous, continuous,
        batch=BATCH, least=MOST // 2, most=MOST,
    )  # fmt: skip
    outside = _outside(functional) if scale == 1 and one.most is not None else {}
    shown = {"what": "horizon", "case": words, "cases": 1, **one.shown, "steps": functional.steps}
    shown |= {"value": decision.estimate.value, "bound": scale * bound, "seed": SEED}
    more = note_of(one.stated, subject)
    note = f"{stopped} were stopped, where an assumption ends or at a gradient of {functional.top:.3g}"
    return Verified(
        id, subject, "Monte Carlo", decision.verdict, decision.tightness, shown, decision.paths, 0, outside, (),
        f"{more}; {note}" if more else note, decision,
    )  # fmt: skip


def _simulated(functional: Functional) -> Simulate:
    """Paths, saved at every step."""
    one, steps = functional.one, functional.steps
    followed = one.specialised if functional.subject == "method" else equation(one)
    return simulated(
        followed, one.start, (steps + 0.001) * one.eta, lambda first: {"key": SEED, "first": first}, params={"eta": one.eta},
        loss=one.member.loss, statistics={f"x{j + 1}": f"x{j + 1}" for j in range(one.dim)}, save=steps + 1,
    )  # fmt: skip


def _outside(within: Functional) -> dict[str, bool | None]:
    """Whether the bound is seen to fail with a step beyond the condition, without a stop; None where it is not seen.

    Only a left side that is never negative has a lower limit for a mean without any upper bound.
    """
    found: dict[str, bool | None] = {}
    for factor in BEYOND:
        far = within.one.with_step(factor * within.one.eta)
        functional, words = replace(within, one=far, stopped=False), WORDS[factor]
        found[words] = None
        if functional.bound() > 0 and functional.range()[0] >= 0:
            with suppress(NotANumber):  # where a path was far away
                seen = decided_beyond(functional, _simulated(functional), FEW)
                found[words] = True if seen.verdict is Verdict.VIOLATED else None
    return found
