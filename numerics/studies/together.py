"""Points of a study, solved together: one family per call, with numbers that differ from path to path.

Each point has the same draws, and the same bits, as in a run of its own. So results do not depend on which points are solved
together.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sdescent.derive.derivation import sde
from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.vocabulary.choices import Kind
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.simulate.chunks import LANES, default_chunk
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.simulate.runs import named_statistics
from sdescent.numerics.studies.members import Member
from sdescent.numerics.studies.records import CANNOT, Outcome
from sdescent.numerics.without_sampling.growth import mean_square_growth

#: largest number of values that one call keeps: 64 MiB
MOST_NUMBERS = 2**23
#: members with fewer paths share chunks
FEW = 1024


def solve_together(kind: Kind, members: Sequence[Member]) -> list[Outcome]:
    """The ensembles of the method, or of one of its models, one for each point; or the reason why a point has none.

    Args:
        kind: METHOD or the name of a model.
        members: points of any families and numbers.

    Raises:
        BadInput: a number is outside the domain of its symbol.
    """
    outcomes: dict[int, Outcome] = {}
    for group in _groups(kind, members):
        for part in _parts([members[n] for n in group]):
            places = group[part]
            outcomes.update(zip(places, _solved(kind, [members[n] for n in places]), strict=True))
    return [outcomes[n] for n in range(len(members))]


def growth_of(kind: Kind, member: Member) -> float | None:
    """`sdescent.numerics.without_sampling.growth.mean_square_growth` for a point."""
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


def _parts(members: Sequence[Member]) -> Iterator[slice]:
    """Slices of as many members as memory allows at a time."""
    count = max(1, MOST_NUMBERS // members[0].width)
    for first in range(0, len(members), count):
        yield slice(first, first + count)


def _solved(kind: Kind, members: Sequence[Member], alone: bool = False) -> list[Outcome]:
    """The outcomes of one call, or of one call per member if it fails.

    Raises:
        BadInput: the experiment's own numbers are not accepted either; the error names them.
    """
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
    """One ensemble with all paths of these members, one member after the other.

    Args:
        kind: METHOD or the name of a model.
        members: members that one call can solve.
        alone: whether the method has the numbers of its single member instead of symbols.
    """
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
