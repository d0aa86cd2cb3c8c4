"""The bounds of a sweep that come from theorems, which are proved before the first point and compared where they apply."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sdescent.derive.reading.sweeps.figures_and_bounds import Bound
from sdescent.derive.reading.sweeps.formula_letters import Numbers
from sdescent.derive.reading.sweeps.plans import Sweep
from sdescent.numerics.studies.formulas import at_points, formula
from sdescent.numerics.studies.theorems import Covers, proved


def with_theorems(study: Sweep, folder: Path) -> tuple[Sweep, dict[str, Covers]]:
    """The sweep with the formulas of its theorems, which are proved here, and for each such bound the test where it applies.

    Args:
        folder: the folder of the sweep's file, to which the theorems' paths are relative.

    Raises:
        BadInput: as raised by `sdescent.numerics.studies.theorems.proved`.
    """
    bounds, covers = list[Bound](), dict[str, Covers]()
    for bound in study.displays.bounds:
        if bound.theorem is None:
            bounds.append(bound)
            continue
        completed, covers[bound.name] = proved(bound, folder)
        bounds.append(completed)
    return Sweep(study.base, study.blocks, replace(study.displays, bounds=tuple(bounds))), covers


def covered(
    bounds: Sequence[Bound], covers: Mapping[str, Covers], letters: Mapping[str, tuple[str, ...]], points: Mapping[str, Numbers],
    experiments: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, bool]]:  # fmt: skip
    """{name of a bound from a theorem: {point: whether the theorem is about its method}}.

    Args:
        covers: the tests that `with_theorems` returned.
        letters: letter -> the names that it may stand for.
        points, experiments: the numbers and the experiment of each point, by its name in the table.
    """
    applicable = {}
    for bound in bounds:
        if (theorem := bound.theorem) is None:
            continue
        formulas = [formula(text, bound.field, letters) for text in theorem.letters.values()]
        columns = dict(zip(theorem.letters, at_points(formulas, list(points.values())), strict=True))
        numbers = [{name: float(column[n]) for name, column in columns.items()} for n in range(len(points))]
        applies = covers[bound.name]
        applicable[bound.name] = {
            name: applies(experiments[name], one) for name, one in zip(points, numbers, strict=True)
        }
    return applicable
