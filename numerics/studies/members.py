"""The points of a study as they are solved: an experiment's family, and the numbers that tell it from others of that family.

Points that differ in the numbers of their noise and compressor alone are read once: of the others only these two specifications
are read, which is a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, final

from sdescent.derive.reading.experiments import Experiment, experiment
from sdescent.derive.reading.keyed import as_written
from sdescent.derive.reading.specs import parse_spec
from sdescent.numerics.studies.families import OPENED, Family, family_of


@final
@dataclass(frozen=True)
class Member:
    """A point: an experiment with one step size.

    Attributes:
        like: the experiment, or one that it is but for the numbers of its noise and compressor.
        family: the family that its programs are compiled for.
        numbers: what the symbols of the family stand for; eta too.
        shared: text of what the members of a call have in common besides the family, which determines the loss with its numbers.
        written: the experiment as JSON.
        own: reads the experiment itself.
    """

    like: Experiment
    family: Family
    numbers: Mapping[str, float]
    shared: str
    written: Mapping[str, Any]
    own: Callable[[], Experiment]

    @property
    def width(self) -> int:
        """Numbers that its values take."""
        return self.like.paths * (self.like.kept + (self.like.problems[0].dim or 0))


def member(asked: Experiment) -> Member:
    """The point of an experiment with one step size."""
    family, numbers = family_of(asked)
    own = asked.problems[0]
    solving = (asked.paths, asked.seed, asked.save, asked.quantities, asked.dt, asked.substeps, asked.dtype)
    shared = repr((own.eta, own.T, own.x0, own.dim, *solving))
    return Member(asked, family, {"eta": float(own.eta or 0), **numbers}, shared, asked.to_dict(), lambda: asked)


def members(points: Iterable[Mapping[str, Any]]) -> list[Member]:
    """The points of experiments with these fields, each with one step size; quickest where like ones follow one another.

    Raises:
        BadInput: a field does not fit, fields contradict each other, or one is missing.
    """
    found: list[Member] = []
    siblings: _Siblings | None = None
    with as_written():
        for fields in points:
            made = None if siblings is None else siblings.member(fields)
            if made is None:
                made = member(experiment(fields))
                siblings = _Siblings(fields, made)
            found.append(made)
    return found


@final
class _Siblings:
    """The points that are one point but for the numbers of its noise and compressor.

    What is checked of a specification is checked of each of theirs: its values, and that a compressor exists in the dimension.
    """

    def __init__(self, fields: Mapping[str, Any], first: Member) -> None:
        own = first.like.problems[0]
        opened = {kind: spec.opened(kind) for kind, spec in own.specs.items() if kind in OPENED and kind in fields}
        self._first, self._dim, self._others = first, own.dim, _others(fields)
        self._texts = {kind: spec.text for kind, (spec, _) in opened.items()}
        self._letters = {kind: numbers.keys() for kind, (_, numbers) in opened.items()}
        self._known: dict[tuple[str, str], tuple[str, dict[str, float]] | None] = {}
        # what a piece or a rule of the user's makes of a number is known to the one that was read
        plain = own.table is None and own.regime is None and not own.params
        plain = plain and all(spec.entry.owner is None for spec in own.specs.values())
        self._none = not plain or any(name not in first.numbers for _, numbers in opened.values() for name in numbers)

    def member(self, fields: Mapping[str, Any]) -> Member | None:
        """The point with these fields; None where it differs in more.

        Raises:
            BadInput: a number of it is not accepted.
        """
        if self._none or {kind for kind in OPENED if kind in fields} != self._texts.keys() or not self._alike(fields):
            return None
        texts, numbers = {}, {}
        for kind in self._texts:
            found = self._read(kind, fields[kind])
            if found is None:
                return None
            texts[kind], own = found
            numbers |= own
        first = self._first
        read = partial(_read, dict(fields))
        return Member(
            first.like, first.family, {**first.numbers, **numbers}, first.shared, {**first.written, **texts}, read
        )

    def _alike(self, fields: Mapping[str, Any]) -> bool:
        """Whether the other fields are equal, and of equal types: 1 is not true."""
        own = _others(fields)
        return own.keys() == self._others.keys() and all(map(_same, own.values(), (self._others[name] for name in own)))

    def _read(self, kind: str, text: Any) -> tuple[str, dict[str, float]] | None:
        """A specification in its shortest form, and its numbers by letters; None where it has numbers in other places."""
        if not isinstance(text, str):
            return None
        if (kind, text) not in self._known:
            spec = parse_spec(kind, text, kind)
            opened, numbers = spec.opened(kind)
            # a symbol may be called as a number's letter is
            alike = opened.text == self._texts[kind] and numbers.keys() == self._letters[kind]
            if alike:
                built = spec.build()
                if kind == "compressor" and self._dim is not None:
                    built.check_dimension(self._dim)
            found = spec.text, {name: float(value) for name, value in numbers.items()}
            self._known[kind, text] = found if alike else None
        return self._known[kind, text]


def _others(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in OPENED}


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and repr(one) == repr(other))


def _read(fields: Mapping[str, Any]) -> Experiment:
    with as_written():
        return experiment(fields)
