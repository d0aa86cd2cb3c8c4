"""Candidates for repairs, and the points in floating point from which they are derived."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from sdescent.derive.proof.claims.verdict import Question
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, num, x
from sdescent.derive.proof.refute.counterexample import Search, number, quiet
from sdescent.derive.proof.refute.exact import NoValue, Point

ROUNDS, BEST, NEAR = (0.5, 0.2, 0.05, 0.02, 0.005, 0.002, 0.0005), 24, 30
#: a difference smaller than this, absolute or relative to the sides, may owe its sign to rounding
NOISE = 1e-9
#: the same for a slope that is a divisor
FLAT = 1e-7
MOST = 6000
#: variable -> column of values
Table = Mapping[str, Any]
#: gives for each point the least parameter that excludes it as a counterexample; -inf if it is not one, inf if no parameter does
Threshold = Callable[[Table], Any]


class Points:
    """Points at which all assumptions hold in floating point, among them the counterexample `point`; `stop` is the deadline."""

    def __init__(
        self, names: Sequence[str], assume: Sequence[Relation], claim: Relation, point: Point, stop: float
    ) -> None:
        self.point, self.stop = point, stop
        self.normal = Normal(Context({n: "const" for n in names}))
        self.assume, self.claim = tuple(assume), claim
        self.search = Search(list(names), list(assume), claim, now() + 60)
        self.free = self.search.free
        self.random = np.random.default_rng(1)
        signs = [Relation((op, num(0), x(n))) for n in self.free for op in ("<=", "<")]
        signed = {r.right[1] for r in signs if r in assume}
        self._nonnegative = [k for k, n in enumerate(self.free) if n in signed]
        row = np.array([[float(point[n]) for n in self.free]]).reshape(1, len(self.free))
        with quiet():
            batches = [row] if not self.free else [row, *(self.search.batch().floats() for _ in range(2))]
            rows = self._mirrored(np.concatenate(batches))
            self.rows = rows[self._feasible(rows)][:MOST]
            if not len(self.rows):
                self.rows = row
            self.table = self.search.table(self.rows)
            self.bad = failing(claim, self.table)
            self.bad[0] |= not self.bad.any()
            #: whether every inequality among the assumptions is strict, for each point
            strict = [np.abs(column(r.slack, self.table)) > NOISE for r in self.assume if r.op != "=="]
            self.inside = np.all([np.ones(len(self.rows), dtype=bool), *strict], axis=0)

    def put(self, k: int, relation: Relation) -> tuple[tuple[Relation, ...], Relation]:
        """The question with another assumption in place of the k-th."""
        return (*self.assume[:k], relation, *self.assume[k + 1 :]), self.claim

    def _mirrored(self, rows: Any) -> Any:
        rows = rows.copy()
        rows[:, self._nonnegative] = np.abs(rows[:, self._nonnegative])
        return rows

    def _feasible(self, rows: Any) -> Any:
        margin, violation = self.search.margins(self.search.table(rows), (len(rows),))
        return (margin >= -NOISE) & np.isfinite(violation)

    def hold(self, rows: Any) -> bool:
        """Whether some of these points satisfy the assumptions and the claim holds at all that do."""
        with quiet():
            rows = rows[self._feasible(rows)]
            return len(rows) > 0 and not failing(self.claim, self.search.table(rows)).any()

    def share(self, holds: Any) -> float:
        """The share of a mask among the points strictly inside the assumptions."""
        return float(np.mean(holds[self.inside])) if self.inside.any() else 0.0

    def largest(self, threshold: Threshold) -> tuple[float, Any]:
        """The largest threshold that a climb from the points finds, and points on the way there."""
        with quiet():
            rows, trail = self.rows, list[Any]()
            values = _without_nan(threshold(self.table))
            for scale in ROUNDS if self.free else ():
                order = np.argsort(-values)[:BEST]
                rows, values = rows[order], values[order]
                trail.append(rows)
                if now() > self.stop or not len(values) or values[0] == np.inf or values[0] == -np.inf:
                    break
                rows_near = np.repeat(rows, NEAR, axis=0)
                step = self.random.standard_normal(rows_near.shape) * scale
                # only some coordinates move: from the edge of an assumption most directions lead outside
                step *= self.random.random(rows_near.shape) < 0.7
                rows_near = self._mirrored(rows_near * (1 + step) + 0.02 * scale * step)
                rows_near = rows_near[self._feasible(rows_near)]
                if len(rows_near):
                    values_near = _without_nan(threshold(self.search.table(rows_near)))
                    rows, values = np.concatenate([rows, rows_near]), np.concatenate([values, values_near])
            order = np.argsort(-values)[:BEST]
            return (float(values[order[0]]) if len(order) else -np.inf), np.concatenate([*trail, rows[order]])

    def against(self, assume: Sequence[Relation], claim: Relation, rows: Any) -> Point | None:
        """An exact counterexample to another question, near some of the points; None if none is found."""
        with quiet():
            search = Search(self.search.names, list(assume), claim, now() + 1)
            if search.free != self.free:
                return None
            table = search.table(rows)
            margin, violation = search.margins(table, (len(rows),))
            # points far inside come first, because simple numbers nearby are inside too
            order = np.argsort(-np.where(margin < -NOISE, -np.inf, np.minimum(margin, violation)))
            near = [k for k in order[:2] if margin[k] >= -NOISE and violation[k] >= -NOISE]
            with suppress(NoValue):
                points = (search.rounded([float(v) for v in rows[k]]) for k in near)
                return next((point for point in points if point is not None), None)
        return None


def column(t: Term, table: Table) -> Any:
    """The values of a term at all points."""
    return np.broadcast_to(np.asarray(number(t, dict(table)), dtype=float), (count_of(table),)).copy()


def count_of(table: Table) -> int:
    """The number of points of a table; 1 if there are no variables."""
    return next((len(values) for values in table.values() if np.ndim(values)), 1)


def failing(claim: Relation, table: Table) -> Any:
    """The points at which a claim fails by more than rounding; for <, equality is failure."""
    left, right = column(claim.left, table), column(claim.right, table)
    size = np.maximum(1.0, np.abs(left) + np.abs(right))
    gap = right - left
    with quiet():
        if claim.op == "<":
            return gap <= 1e-12 * size
        return (np.abs(gap) if claim.op == "==" else -gap) > 1e-10 * size


def _without_nan(values: Any) -> Any:
    return np.where(np.isnan(values), -np.inf, values)


WEAK, SMALL, HYPOTHESIS, LARGE, THIN = range(5)


@dataclass(frozen=True)
class _Change:
    kind: str  # of a `Family` "constant", "term", "factor", "assumption" or "bound"

    @property
    def constant(self) -> bool:
        """Whether the claim changes rather than its assumptions."""
        return self.kind in ("constant", "term", "factor", "weak")


@dataclass(frozen=True)
class Family(_Change):
    """Repairs with one number c."""

    sign: int  # 1 if larger c make the claim true, -1 if smaller ones do
    start: Fraction  # a value at which the counterexample refutes the claim
    guess: float  # the approximate value at which the claim becomes true
    at: Callable[[Fraction], Question]  # the question for a value
    threshold: Threshold  # for each point the least sign * c that excludes it as a counterexample
    phrase: Callable[[Fraction], str]  # the words for a value with a true claim
    beyond: Callable[[Fraction], str]  # the words for a value with a false claim
    noun: str  # the word for c
    convex: bool  # whether the claim fails for all values from `start` to c if it fails for c
    rank: tuple[float, float]
    allowed: Callable[[Fraction], bool] = lambda c: True  # whether a value may be offered
    strictly: Callable[[Fraction], Question] | None = None  # as `at`, with < in the new hypothesis
    strict_phrase: Callable[[Fraction], str] | None = None  # as `phrase`, for `strictly`
    #: points near those that determine the threshold
    rows: Any = None


@dataclass(frozen=True)
class Single(_Change):
    """A change of kind "weak", "strict", "signs", "order", "equal" or "constant"; if `sharp`, no weaker one repairs the claim."""

    question: Question
    words: str
    rank: tuple[float, float]
    sharp: bool = False


Candidate = Family | Single
