"""Terms and relations of the catalogue at numbers, and the result of a comparison of an entry with numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, final

import numpy as np

from sdescent.derive.proof.language.terms import Relation, Term, norm, x
from sdescent.derive.proof.refute.counterexample import FUNCTIONS
from sdescent.derive.theorems.catalogue import with_own
from sdescent.derive.theorems.entry.theorem import Derivation, Refutation, Theorem
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.statistics.estimates import Record
from sdescent.numerics.statistics.verdicts import CERTAIN, Decision

CLIENT, COORDINATE, TIME, PATH = range(4)
Function = Callable[[np.ndarray], np.ndarray]
#: relative difference that counts as rounding
ROUNDING = 1e-9

_CONCLUSIONS: dict[str, tuple[Theorem | Refutation, Relation]] = {}


def conclusion(id: str) -> Relation:
    """The last claim of an entry's derivation, or the refuted claim of a refutation. Raises KeyError, ProofError."""
    entry = with_own()[id]
    # a plugin that was changed and reloaded has a new entry with the same id
    if id not in _CONCLUSIONS or _CONCLUSIONS[id][0] is not entry:
        claim = entry.claim if isinstance(entry, Refutation) else entry.prove(Derivation(entry)).claim
        _CONCLUSIONS[id] = entry, claim
    return _CONCLUSIONS[id][1]


def theorem_of(id: str) -> Theorem:
    """The entry `id`, which must be a theorem."""
    entry = with_own()[id]
    assert isinstance(entry, Theorem)  # for the type checker
    return entry


def noise_constants() -> dict[str, Relation]:
    """The constants A_1 and D_0 of theory 4, as the catalogue defines them."""
    definitions = theorem_of("6.2-pathwise").definitions
    return {name: definitions[name] for name in ("A_1", "D_0")}


class NoNumber(ValueError):
    """Raised if a part of a term has no value."""


def clients(values: Any) -> np.ndarray:
    """One value per client, as an array of four axes; `values` has the shape (N,) or (N, paths)."""
    a = np.asarray(values, float)
    return a.reshape(len(a), 1, 1, -1)


def coordinates(values: Any) -> np.ndarray:
    """One value per coordinate, as an array of four axes; `values` has the shape (d,) or (d, paths)."""
    a = np.asarray(values, float)
    return a.reshape(1, len(a), 1, -1)


def times(values: Any) -> np.ndarray:
    """One value per time, (S,), or per time and path, (S, paths), as an array of four axes."""
    a = np.asarray(values, float)
    return a.reshape(1, 1, len(a), -1)


def paths(values: Any) -> np.ndarray:
    """One value per path or point, or a single number, as an array of four axes."""
    return np.asarray(values, float).reshape(1, 1, 1, -1)


def symbols(along: Callable[[Any], np.ndarray], /, **values: Any) -> dict[Term, np.ndarray]:
    """Values of symbols by name, all along the axis of `along`: `clients`, `coordinates`, `times` or `paths`."""
    return {x(name): along(value) for name, value in values.items()}


@final
@dataclass(frozen=True)
class Numbers:
    """Values of atoms (symbols, norms, traces, ..), from which the values of terms follow.

    `values` are arrays with the axes `clients`, `coordinates`, `times` and `paths`, of the lengths `size` or 1; `functions` are
    declared ones, such as R. A time integral uses the `weights` of the times, (S,). E is the mean over paths if `mean`, else it is
    ignored, with one value per path.
    """

    values: Mapping[Term, np.ndarray]
    functions: Mapping[str, Function] = field(default_factory=dict)
    size: tuple[int, int, int, int] = (1, 1, 1, 1)
    weights: np.ndarray | None = None
    mean: bool = False

    def value(self, t: Term) -> np.ndarray:
        """The values of a term, as an array of four axes. Raises NoNumber if a part of the term has no value."""
        if t in self.values:
            return self.values[t]
        head = t[0]
        if head == "q":
            top, _, below = t[1].partition("/")
            return paths(int(top) / int(below or 1))
        if head == "pi":
            return paths(np.pi)
        if head == "dot" and t[1] == t[2]:
            return self.value(norm(t[1])) ** 2
        if head in ("S", "C"):
            axis = COORDINATE if head == "S" else CLIENT
            return np.sum(self._whole(self.value(t[1]), axis), axis=axis, keepdims=True)
        if head in ("E", "I", "EI"):
            return self._averaged(self.value(t[1]), head)
        if head == "^":
            return self.value(t[1]) ** t[2]
        if head == "f":
            return FUNCTIONS[t[1]](self.value(t[2]))
        if head == "F" and t[1] in self.functions:
            return self.functions[t[1]](self.value(t[2]))
        if head not in ("+", "*", "/"):
            raise NoNumber(f"{t} has no value here")
        args = [self.value(a) for a in t[1:]]
        if head == "/":
            return args[0] / args[1]
        operation, empty = (np.add, 0.0) if head == "+" else (np.multiply, 1.0)
        return reduce(operation, args) if args else paths(empty)

    def _averaged(self, a: np.ndarray, head: str) -> np.ndarray:
        if "I" in head:
            if self.weights is None:
                raise NoNumber("a time integral needs the weights of the times")
            a = np.sum(self._whole(a, TIME) * self.weights[:, None], axis=TIME, keepdims=True)
        return np.mean(self._whole(a, PATH), axis=PATH, keepdims=True) if "E" in head and self.mean else a

    def _whole(self, a: np.ndarray, axis: int) -> np.ndarray:
        """The array, repeated along the axis if it is constant there."""
        shape = list(a.shape)
        if shape[axis] == 1:
            shape[axis] = self.size[axis]
        return np.broadcast_to(a, shape)

    def plus(self, values: Mapping[Term, Any]) -> Numbers:
        """A copy with these values added, or replaced if they exist already."""
        return replace(self, values={**self.values, **values})

    def defined(self, definitions: Mapping[str, Relation]) -> Numbers:
        """A copy with the values of further atoms, from definitions `atom == term`."""
        numbers = self
        for relation in definitions.values():
            if relation.op == "==" and relation.left not in numbers.values and relation.left[0] in ("x", "dot"):
                try:
                    numbers = numbers.plus({relation.left: numbers.value(relation.right)})
                except NoNumber:
                    continue
        return numbers

    def sides(self, relation: Relation) -> tuple[np.ndarray, np.ndarray]:
        """The sides of a relation at each point, (M, paths), M rows for all clients, coordinates and times. Raises NoNumber."""
        left, right = np.broadcast_arrays(self.value(relation.left), self.value(relation.right))
        width = max(left.shape[PATH], 1)
        return left.reshape(-1, width), right.reshape(-1, width)

    def holds(self, relation: Relation) -> np.ndarray:
        """Whether a relation holds at each point (see `obeyed`), (paths,)."""
        left, right = self.sides(relation)
        return np.broadcast_to(np.all(obeyed(relation.op, left, right), axis=0), (self.size[PATH],))

    def held(self, relations: Mapping[str, Relation]) -> tuple[dict[str, np.ndarray], list[str]]:
        """Whether each relation holds at each point, (points,) by name, and the names of the relations without a value."""
        held, unknown = {}, []
        for name, relation in relations.items():
            try:
                held[name] = self.holds(relation)
            except NoNumber:
                unknown.append(name)
        return held, unknown


def obeyed(op: str, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether `left op right` holds, for == and <= up to rounding; if a side is NaN, only != does."""
    room = ROUNDING * (1 + np.abs(left) + np.abs(right))
    if op == "==":
        return np.abs(left - right) <= room
    if op == "!=":
        return left != right
    return left <= right + room if op == "<=" else left < right


def verdict_of(wrong: Any, right: Any) -> Verdict:
    """The verdict on a claim: `wrong` says whether numbers refute it, `right` whether they confirm it."""
    return Verdict.VIOLATED if wrong else Verdict.CONFIRMED if right else Verdict.INCONCLUSIVE


@final
@dataclass(frozen=True)
class Verified(Record, null=True):
    """The comparison of an entry with one instance.

    Attributes:
        id: the id of the entry.
        subject: "SDE", "method", or "formula" for facts without a process. If the theorem does not cover the subject, the result
            shows how far the theorem carries over to it.
        route: "points", "closed moments", "quadrature", "enumeration", "Monte Carlo" or "witness"; "none" without a comparison.
        verdict: the verdict on the entry's last claim, or on the claim that a refutation refutes.
        tightness: bound/estimate, the least one for points. None for an equality, or if there is no value to compare.
        instance: the numbers, as JSON values.
        count: the number of points at which the assumptions hold, or of paths.
        failing: the number of these points at which the claim fails.
        outside: assumption -> whether the claim fails at a point where only that assumption fails (None: no such point occurred).
            If the claim never fails without an assumption, the assumption may be stronger than needed.
        unchecked: assumptions and definitions without a value on the instance, which is constructed so that they hold.
        note: the scope of the result.
        decision: the decision of a Monte Carlo route.
        apart: how far an equality is from holding, or why a claim need not hold if the theorem is not about the subject.
    """

    id: str
    subject: str
    route: str
    verdict: Verdict
    tightness: float | None
    instance: Mapping[str, Any]
    count: int
    failing: int = 0
    outside: Mapping[str, bool | None] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()
    note: str = ""
    decision: Decision | None = None
    apart: str = ""

    @property
    def measured(self) -> dict[str, Any]:
        """The numbers shown beside a proof, as JSON values: points and failures, or the interval, with all settings.

        "level" is the confidence level of the end of the interval that is nearer to the bound: 1 without sampling.
        """
        hidden = ("id", "verdict", "outside", "unchecked")
        numbers = {name: value for name, value in self.to_dict().items() if name not in hidden}
        return {**numbers, "level": 1.0 if self.decision is None else CERTAIN}


def contradicting(results: Iterable[Verified], about: str) -> list[Verified]:
    """The results that contradict a proof of the theorem: violations on the subject (`about`) that it covers."""
    subjects = {"method"} if about == "method" else {"SDE", "formula"}
    return [one for one in results if one.subject in subjects and one.verdict is Verdict.VIOLATED]
