"""The points of a study as they are solved: an experiment's family, and the numbers that distinguish it within the family.

If points differ only in the numbers of their noise and compressor, one of them is read in full. Only these two specifications of
the others are read, which takes a tenth of the time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, final

from sdescent.derive.reading.experiments import Experiment, experiment
from sdescent.derive.reading.specs import parse_spec
from sdescent.derive.reading.toml_file import as_written
from sdescent.numerics.studies.shared_programs import OPENED, Family, family_of


@final
@dataclass(frozen=True)
class Member:
    """A point: an experiment with one step size.

    Attributes:
        like: the experiment, or another one that differs from it only in the numbers of its noise and compressor.
        family: the family for which its programs are compiled; with its numbers it determines the loss.
        numbers: the values of the family's symbols, and eta.
        shared: a text of the settings that the members of a call have in common besides the family.
        written: the experiment as JSON.
        experiment: a function that reads the experiment itself.
    """

    like: Experiment
    family: Family
    numbers: Mapping[str, float]
    shared: str
    written: Mapping[str, Any]
    experiment: Callable[[], Experiment]

    @property
    def width(self) -> int:
        """The number of values that the point's results hold."""
        return self.like.paths * (self.like.values_per_path + (self.like.problems[0].dim or 0))


def member(of: Experiment) -> Member:
    """The point of an experiment that has one step size."""
    problem, (family, numbers) = of.problems[0], family_of(of)
    solving = (of.paths, of.seed, of.save, of.quantities, of.dt, of.substeps, of.dtype)
    shared = repr((problem.eta, problem.T, problem.x0, problem.dim, *solving))
    return Member(of, family, {"eta": float(problem.eta or 0), **numbers}, shared, of.to_dict(), lambda: of)


def members(points: Iterable[Mapping[str, Any]]) -> list[Member]:
    """The points of experiments with these fields, each with one step size. It is fastest if similar points follow one another.

    Raises:
        BadInput: a field does not fit, fields contradict each other, or one is missing.
    """
    listed: list[Member] = []
    siblings: _Siblings | None = None
    with as_written():
        for fields in points:
            point = None if siblings is None else siblings.member(fields)
            if point is None:
                point = member(experiment(fields))
                siblings = _Siblings(fields, point)
            listed.append(point)
    return listed


@final
class _Siblings:
    """Points that differ from a first point only in the numbers of its noise and compressor.

    Each specification is checked like the first point's: its values, and whether the compressor exists in the dimension.
    """

    def __init__(self, fields: Mapping[str, Any], first: Member) -> None:
        problem = first.like.problems[0]
        opened = {kind: spec.opened(kind) for kind, spec in problem.specs.items() if kind in OPENED and kind in fields}
        self._first, self._dim, self._others = first, problem.dim, _others(fields)
        self._texts = {kind: spec.text for kind, (spec, _) in opened.items()}
        self._letters = {kind: numbers.keys() for kind, (_, numbers) in opened.items()}
        self._entries: dict[tuple[str, str], tuple[str, dict[str, float]] | None] = {}
        # a user's piece or rule may treat a number in its own way, so such a point must be read as a whole
        plain = problem.table is None and problem.regime is None and not problem.params
        plain = plain and all(spec.entry.owner is None for spec in problem.specs.values())
        self._none = not plain or any(name not in first.numbers for _, numbers in opened.values() for name in numbers)

    def member(self, fields: Mapping[str, Any]) -> Member | None:
        """The point with these fields; None if it differs in anything else.

        Raises:
            BadInput: one of its numbers is not accepted.
        """
        if self._none or {kind for kind in OPENED if kind in fields} != self._texts.keys() or not self._alike(fields):
            return None
        texts, numbers = {}, {}
        for kind in self._texts:
            spec = self._read(kind, fields[kind])
            if spec is None:
                return None
            texts[kind], values = spec
            numbers |= values
        first, read = self._first, partial(_read, dict(fields))
        numbers, written = {**first.numbers, **numbers}, {**first.written, **texts}
        return Member(first.like, first.family, numbers, first.shared, written, read)

    def _alike(self, fields: Mapping[str, Any]) -> bool:
        """Whether the other fields are equal and have equal types: 1 is not true."""
        others = _others(fields)
        if others.keys() != self._others.keys():
            return False
        return all(_same(value, self._others[name]) for name, value in others.items())

    def _read(self, kind: str, text: Any) -> tuple[str, dict[str, float]] | None:
        """A specification in its shortest form, and its numbers by letter; None if it has numbers in other places."""
        if not isinstance(text, str):
            return None
        if (kind, text) not in self._entries:
            spec = parse_spec(kind, text, kind)
            opened, numbers = spec.opened(kind)
            # the name of a symbol may be the letter of a number
            alike = opened.text == self._texts[kind] and numbers.keys() == self._letters[kind]
            if alike:
                built = spec.build()
                if kind == "compressor" and self._dim is not None:
                    built.check_dimension(self._dim)
            entry = spec.text, {name: float(value) for name, value in numbers.items()}
            self._entries[kind, text] = entry if alike else None
        return self._entries[kind, text]


def _others(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in OPENED}


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and repr(one) == repr(other))


def _read(fields: Mapping[str, Any]) -> Experiment:
    with as_written():
        return experiment(fields)
