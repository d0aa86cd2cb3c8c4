"""The bounds in a sweep's file, including those from theorems, and the number of points at which a measured mean exceeds each."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.reading.sweeps.figures_and_bounds import Bound
from sdescent.derive.reading.sweeps.formula_letters import START, STEPS, Numbers
from sdescent.derive.reading.sweeps.plans import Sweep
from sdescent.numerics.studies.records import at_points, formula, of_the_run
from sdescent.numerics.studies.theorems import Covers, proved
from sdescent.reports.commands.sweeping.table import UNSEEN, Table, Value

HOLDS, UNDECIDED, EXCEEDED, UNCLAIMED = "holds", "undecided", "exceeded", "not claimed"
NONE = "no value"
WORDS = (EXCEEDED, UNDECIDED, HOLDS, UNCLAIMED, NONE)
_SIGNS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


def add_bounds(
    table: Table, bounds: Sequence[Bound], letters: Mapping[str, tuple[str, ...]], points: Mapping[str, Numbers],
    covered: Mapping[str, Mapping[str, bool]] = MappingProxyType({}),
) -> None:  # fmt: skip
    """Add two columns for each bound: its value at the row's point, and the verdict that the row's mean gives.

    The bound has no value if an assumption is false or has a side without a value, nor, from a theorem, in rows that `covered`,
    {its name: {point: whether it is about the method there}}, rules out. `letters` has names, `points` numbers.
    """
    numbers, rows = list(points.values()), list(zip(table.columns["point"], table.columns["run"], strict=True))
    formulas = at_points([formula(b.formula, b.field, letters) for b in bounds], numbers)
    for bound, values in zip(bounds, formulas, strict=True):
        by_point = {name: None if np.isnan(v) else float(v) for name, v in zip(points, values, strict=True)}
        holds = dict(zip(points, _assumed(bound, letters, numbers), strict=True))
        for name, is_covered in covered.get(bound.name, {}).items():
            holds[name] &= is_covered
        about = None if bound.theorem is None else bound.theorem.about
        claims = [holds[str(name)] and about in (None, run) for name, run in rows]
        column: list[Value] = [by_point[str(name)] if c else None for (name, _), c in zip(rows, claims, strict=True)]
        table.columns[bound.column] = column
        table.columns[bound.verdicts] = [_verdict(table, n, bound, column[n], c) for n, c in enumerate(claims)]


def _assumed(bound: Bound, letters: Mapping[str, tuple[str, ...]], points: Sequence[Numbers]) -> list[bool]:
    """For each point, whether all assumptions of the bound are true there."""
    holds = np.full(len(points), True)
    for field, left, sign, right in bound.assumptions:
        sides = at_points([formula(side, field, letters) for side in (left, right)], points)
        holds &= _SIGNS[sign](*sides)  # a side without a value is nan, which satisfies no relation
    return holds.tolist()


def _verdict(table: Table, n: int, bound: Bound, value: Value, claimed: bool) -> Value:
    """The verdict of a row; None if the run or the formula has no number, or the point lacks the quantity."""
    names = f"{bound.of}_mean_lower", f"{bound.of}_mean_upper", "blow_ups"
    lower, upper, lost = (table.columns.get(name) for name in names)
    if table.columns["refused"][n] is not None or lower is None or upper is None or lost is None:
        return None
    if value is None:
        return None if claimed else UNCLAIMED
    low, high = lower[n], upper[n]
    if low is None or high is None:
        return UNDECIDED if lost[n] else None
    if table.columns[f"{bound.of}_{UNSEEN}"][n] is not None:
        return UNDECIDED  # the interval cannot be trusted
    if float(low) > float(value):
        return EXCEEDED
    # if paths blew up, the mean is that of the remaining paths
    return HOLDS if float(high) <= float(value) and not lost[n] else UNDECIDED


def with_the_run(
    bounds: Sequence[Bound], letters: Mapping[str, tuple[str, ...]], points: Mapping[str, Numbers],
    experiments: Mapping[str, Mapping[str, Any]],
) -> Mapping[str, Numbers]:  # fmt: skip
    """The numbers of each point, with those that only its experiment gives if a bound uses one of them; see `add_bounds`."""
    sides = ([side for a in b.assumptions for side in (a.left, a.right)] for b in bounds)
    texts = [(text, b.field) for b, of in zip(bounds, sides, strict=True) for text in (b.formula, *of)]
    if not any({START, STEPS} & formula(text, field, letters).names for text, field in texts):
        return points
    run_values = {name: of_the_run(experiments[name]) for name in points}
    return {name: replace(at, values={**at.values, **run_values[name]}) for name, at in points.items()}


def counts(table: Table, bounds: Sequence[Bound]) -> list[dict[str, Any]]:
    """For each bound and run, the number of points with each verdict; the bound that is exceeded most comes first.

    Entries are "bound", "of", "formula", the list "where", "run", and numbers of points: "exceeded", "undecided", "holds", "not
    claimed", "no value". A bound from a "theorem" is counted only for the run that the theorem is about.
    """
    rows = []
    for bound in bounds:
        verdicts = table.columns[bound.verdicts]
        for run in table.runs if bound.theorem is None else [bound.theorem.about]:
            words = [verdicts[n] or NONE for n in table.where(run)]
            row = {"bound": bound.name, "of": bound.of, "formula": bound.formula, "where": list(bound.where)}
            theorem = {} if bound.theorem is None else {"theorem": bound.theorem.to_dict()}
            rows.append({**row, **theorem, "run": run, **{word: words.count(word) for word in WORDS}})
    return sorted(rows, key=lambda one: (-one[EXCEEDED], one["run"] != METHOD))


def summary_line(counted: Mapping[str, Any]) -> str:
    """One line about an entry of `counts`."""
    total = sum(counted[word] for word in WORDS)
    parts = ", ".join(f"{counted[word]} {word}" for word in WORDS[1:] if counted[word])
    rest = f" ({parts})" if parts else ""
    return f"bound {counted['bound']} exceeded by {counted['run']} at {counted[EXCEEDED]} of {total} points{rest}"


def granted(counted: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Lines about each theorem: its subject, each assumption that no number of a point decides, and its letters."""
    theorems = {one["bound"]: one["theorem"] for one in counted if "theorem" in one}
    for name, theorem in theorems.items():
        about = "the method" if theorem["about"] == METHOD else f"the {theorem['about']} SDE"
        yield f"bound {name} is a theorem about {about}; it also assumes the following, which no number of a point decides:"
        yield from (f"  {line}" for line in theorem["granted"])
        yield from (f"  where {letter} = {text}" for letter, text in theorem["letters"].items())


def with_theorems(study: Sweep, folder: Path) -> tuple[Sweep, dict[str, Covers]]:
    """The sweep of a file in `folder` with the formulas of its theorems, proved here (BadInput), and tests of where they apply."""
    bounds, covers = list[Bound](), dict[str, Covers]()
    for bound in study.displays.bounds:
        if bound.theorem is not None:
            bound, covers[bound.name] = proved(bound, folder)
        bounds.append(bound)
    return Sweep(study.base, study.blocks, replace(study.displays, bounds=tuple(bounds))), covers


def covered(
    bounds: Sequence[Bound], covers: Mapping[str, Covers], letters: Mapping[str, tuple[str, ...]], points: Mapping[str, Numbers],
    experiments: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, bool]]:  # fmt: skip
    """{name of a bound from a theorem: {point: whether the theorem is about its method}}, by the tests from `with_theorems`."""
    applicable = {}
    for bound in bounds:
        if (theorem := bound.theorem) is None:
            continue
        formulas = [formula(text, bound.field, letters) for text in theorem.letters.values()]
        columns = dict(zip(theorem.letters, at_points(formulas, list(points.values())), strict=True))
        numbers = [{name: float(column[n]) for name, column in columns.items()} for n in range(len(points))]
        applies, each = covers[bound.name], zip(points, numbers, strict=True)
        applicable[bound.name] = {name: applies(experiments[name], one) for name, one in each}
    return applicable
