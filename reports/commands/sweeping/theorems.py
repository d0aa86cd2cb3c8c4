"""The bounds of a sweep that are taken from theorems: they are proved before the first point, and compared where they apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from derive.reading.sweeps import Sweep
from derive.reading.sweeps.letters import Numbers
from derive.reading.sweeps.shown import Bound
from numerics.studies.formulas import at_points, formula
from numerics.studies.theorems import Covers, proved, read


def with_theorems(study: Sweep, folder: Path) -> Sweep:
    """The sweep with the formulas of its theorems, each of which is proved.

    Args:
        folder: of its file, to which the theorems' paths are relative.

    Raises:
        BadInput: as `numerics.studies.theorems.proved`.
    """
    bounds = tuple(bound if bound.theorem is None else proved(bound, folder) for bound in study.shown.bounds)
    return Sweep(study.base, study.blocks, replace(study.shown, bounds=bounds))


def covered(
    bounds: Sequence[Bound], folder: Path, known: Mapping[str, tuple[str, ...]], points: Mapping[str, Numbers],
    asked: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, bool]]:  # fmt: skip
    """{name of a bound from a theorem: {point: whether the theorem is about its method}}.

    Args:
        folder: as for `with_theorems`.
        known: what letters may stand for.
        points, asked: the numbers and the experiment of each point, by its name in the table.

    Raises:
        BadInput: the file of a theorem is gone.
    """
    found = {}
    for bound in bounds:
        if (theorem := bound.theorem) is None:
            continue
        covers = Covers(read(folder / theorem.file, theorem.file, f"{bound.field}.theorem"))
        formulas = [formula(text, bound.field, known) for text in theorem.letters.values()]
        columns = dict(zip(theorem.letters, at_points(formulas, list(points.values())), strict=True))
        numbers = [{name: float(column[n]) for name, column in columns.items()} for n in range(len(points))]
        found[bound.name] = {name: covers(asked[name], one) for name, one in zip(points, numbers, strict=True)}
    return found
