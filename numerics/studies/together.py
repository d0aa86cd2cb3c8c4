"""Points of a study, solved together: one family per call, with numbers that differ from path to path."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

from sdescent.derive.derivation import sde
from sdescent.derive.reading.experiments import METHOD, Experiment, experiment
from sdescent.derive.reading.specs import parse_spec
from sdescent.derive.reading.toml_file import as_written
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.names import Kind
from sdescent.numerics.simulate.chunks import LANES, default_chunk
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.streams_and_statistics import named_statistics
from sdescent.numerics.studies.records import CANNOT, Outcome
from sdescent.numerics.studies.shared_programs import OPENED, Family, family_of
from sdescent.numerics.without_sampling.closed_moments import mean_square_growth


@final
@dataclass(frozen=True)
class Member:
    """A point: an experiment with one step size, and the family for which its programs are compiled.

    `like` is it, or an experiment that differs from it only in the numbers of its noise and compressor; `numbers` are values of the
    family's symbols, and eta; `shared` is a text of further settings that members of a call share; `experiment` reads the JSON
    `written`.
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
    """The points of experiments with these fields (else BadInput), each with one step size; fastest if like follows like."""
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
    """Points that differ from a first one only in numbers of noise and compressor, each checked like the first."""

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
        """The point with these fields; None if it differs in anything else. Raises BadInput for a number that is not accepted."""
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
        return others.keys() == self._others.keys() and all(_same(v, self._others[name]) for name, v in others.items())

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


#: largest number of values that one call keeps: 64 MiB
MOST_NUMBERS = 2**23
#: members with fewer paths share chunks
FEW = 1024


def solve_together(kind: Kind, members: Sequence[Member]) -> list[Outcome]:
    """The ensembles of METHOD or of a model, one for each point of any family; or the reason why a point has none. BadInput."""
    outcomes: dict[int, Outcome] = {}
    for group in _groups(kind, members):
        most = max(1, MOST_NUMBERS // members[group[0]].width)  # as many members as memory allows at a time
        for first in range(0, len(group), most):
            places = group[first : first + most]
            outcomes.update(zip(places, _solved(kind, [members[n] for n in places]), strict=True))
    return [outcomes[n] for n in range(len(members))]


def growth_of(kind: Kind, member: Member) -> float | None:
    """`sdescent.numerics.without_sampling.closed_moments.mean_square_growth` for a point."""
    problem = member.like.problems[0]
    return mean_square_growth(member.family.method, kind, problem.loss, problem.dim or 0, member.numbers)


def _groups(kind: Kind, members: Sequence[Member]) -> list[list[int]]:
    """Groups of indices of members that one call can solve: the same family and structure, and equal numbers where needed."""
    groups: dict[Any, list[int]] = {}
    for n, member in enumerate(members):
        differing = member.family.differing(kind, member.numbers)
        same = tuple(sorted((name, v) for name, v in member.numbers.items() if name not in differing))
        alone = n if _alone(kind, member) else -1
        groups.setdefault((member.family, member.shared, same, alone), []).append(n)
    return list(groups.values())


def _alone(kind: Kind, member: Member) -> bool:
    """Whether the family's equation with symbols cannot replace this member's own."""
    return kind != METHOD and not member.family.exists(kind, member.numbers)


def _solved(kind: Kind, members: Sequence[Member], alone: bool = False) -> list[Outcome]:
    """The outcomes of one call, or of one call per member if it fails. BadInput if the experiment's own numbers fail too."""
    try:
        return _cut(_call(kind, members, alone), len(members))
    except CANNOT as error:
        failure: Outcome | None = error
    except BadInput:
        if alone:
            raise
        failure = None
    if len(members) > 1:  # solved one by one, the members show which of them fails
        return [outcome for member in members for outcome in _solved(kind, [member])]
    return _solved(kind, members, alone=True) if failure is None else [failure]


def _call(kind: Kind, members: Sequence[Member], alone: bool) -> Ensemble:
    """One ensemble with all paths of these members, one after the other; `alone` if with one member's numbers, no symbols."""
    first = members[0]
    experiment, problem, family = first.like, first.like.problems[0], first.family
    assert problem.T is not None and problem.x0 is not None  # for the type checker: an experiment is complete
    dim, save, paths = problem.dim or 0, experiment.save, experiment.paths
    differing = family.differing(kind, first.numbers)
    # also for a single member, so that it uses the same program as many members
    varied = {name: np.repeat([m.numbers[name] for m in members], paths) for name in differing}
    shared: dict[str, Any] = {
        "T": float(problem.T),
        "paths": paths * len(members),
        "key": experiment.seed,
        "params": {name: value for name, value in first.numbers.items() if name not in varied},
        "loss": problem.loss,
        "save": save if isinstance(save, int) else list(map(float, save)),
        "statistics": named_statistics(experiment.quantities),
        "dtype": experiment.dtype,
        "varied": varied,
        "blocks": len(members),
        "checked": True,
        "chunk": _chunk(dim * len(family.method.rule.letters), paths, paths * len(members), experiment.values_per_path),
    }
    x0 = [float(v) for v in (problem.x0 * dim if len(problem.x0) == 1 else problem.x0)]
    method = family.method
    if alone or _alone(kind, first):
        method = first.experiment().problems[0].method
        shared |= {"params": {"eta": float(problem.eta or 0)}, "varied": {}, "checked": False}
    if kind == METHOD:
        return run(method, x0, **shared)
    equation = family.equation(kind) if method is family.method else sde(method, kind, problem.loss, dim)
    assert equation is not None  # for the type checker
    return solve(equation, x0, dt=float(experiment.step(problem)), **shared)


def _chunk(rows: int, paths: int, all_paths: int, values_per_path: int) -> int:
    """The number of paths at a time, one of a few sizes, since a program is compiled for each size."""
    if paths >= FEW:
        return default_chunk(rows, paths, values_per_path)
    return FEW if all_paths >= FEW else LANES


def _cut(all_members: Ensemble, count: int) -> list[Outcome]:
    """The ensembles of the members, cut from one that has them side by side."""
    if count == 1:
        return [all_members]
    paths = all_members.paths // count
    ensembles: list[Outcome] = []
    for n in range(count):
        columns = slice(n * paths, (n + 1) * paths)
        values = {name: value[:, columns] for name, value in all_members.values.items()}
        memory = {letter: a[:, columns] for letter, a in all_members.final_memory.items()}
        lost, final = all_members.blow_up[columns], all_members.final[:, columns]
        ensembles.append(Ensemble(all_members.times, values, lost, final, all_members.settings, memory))
    return ensembles
