"""Which sections a report has, and roughly how long their steps take, for the time left.

Seconds are of two cores of 2023, measured once; `reports.progress` corrects them by the pace of the work as it goes on.
"""

from __future__ import annotations

from typing import Any, final

from derive.errors import BadInput, Refusal

#: the sections in their order: name -> (module, class); a new section is a module in reports/sections and a line here
SECTIONS = {
    "problem": ("reports.sections.problem", "Problem"),
    "sde-table": ("reports.sections.sde_table", "SDETable"),
    "models": ("reports.sections.models", "Models"),
    "stationary": ("reports.sections.stationary", "Stationary"),
    "ensembles": ("reports.sections.ensembles", "Ensembles"),
    "real-data": ("reports.sections.real_data", "RealData"),
}
#: section -> (steps that it announces, seconds when quick, seconds in full); a section that is not here takes one second
_SECONDS = {
    "sde-table": (10, 2.0, 2.0),
    "models": (2, 2.0, 2.0),
    "stationary": (3, 1.0, 1.0),
    "ensembles": (12, 18.0, 45.0),
    "real-data": (16, 28.0, 80.0),
}
_TYPESETTING = 3.0
_COMPILING = 2.0  # of one run
_SUBSTEPS = 24  # evaluations of an equation in one step of the method: 4 and 8 solver steps of two each
#: seconds for a coordinate of a path in a step: of one client; of an equation; of one whose mean and covariance are integrals
_CLIENT, _EQUATION, _INTEGRAL = 30e-9, 0.1e-6, 2e-6


def chosen(problem: Any, only: str | None) -> list[str]:
    """The sections of a report in their order.

    Args:
        problem: the user's own, or None for the report on everything built in.
        only: one section, or None for all.

    Raises:
        BadInput: this report has no section called `only`.
    """
    if problem is None:
        names = [n for n in SECTIONS if n != "problem"]
    else:
        names = ["problem", "ensembles"] if problem.experiment else ["problem"]
    if only is None:
        return names
    if only not in names:
        raise BadInput("--only", only, "one of " + ", ".join(names))
    return [only]


@final
class Plan:
    """The steps of a report with their expected seconds; arguments as of `chosen`, and `quick` for fewer paths."""

    def __init__(self, problem: Any, quick: bool, only: str | None) -> None:
        self.names = chosen(problem, only)
        self._steps = {name: _steps(name, problem, quick) for name in self.names}

    @property
    def seconds(self) -> float:
        """The expected duration of the whole."""
        return sum(map(sum, self._steps.values())) + _TYPESETTING

    def finished(self, name: str | None, announced: int = 0) -> float:
        """The fraction of the whole that is done when a section has announced that many steps, of which the last has begun.

        Args:
            name: of the section; None when all are done and only the typesetting is left.
        """
        before = 0.0
        for other, steps in self._steps.items():
            if other == name:
                return (before + sum(steps[: max(0, announced - 1)])) / self.seconds
            before += sum(steps)
        return before / self.seconds


def _steps(name: str, problem: Any, quick: bool) -> list[float]:
    if problem is None or name not in ("problem", "ensembles"):
        count, short, long = _SECONDS.get(name, (1, 1.0, 1.0))
        return [(short if quick else long) / count] * count
    if name == "problem":
        return [1.0] * len(problem.models)
    return [] if problem.lacking else _runs(problem, quick)


def _runs(problem: Any, quick: bool) -> list[float]:
    """The method itself, then each of its models."""
    from reports.sections.ensembles import PATHS

    paths = PATHS["quick" if quick else "full"] if problem.paths is None else problem.paths
    moves = float(problem.T / problem.eta) * paths * problem.dim
    method = _COMPILING + moves * _CLIENT * int(problem.method.clients)
    return [method, *(_equation(problem, model, moves * _SUBSTEPS) for model in problem.models)]


def _equation(problem: Any, model: str, moves: float) -> float:
    from derive.moments import moments

    try:
        found = moments(problem.method, problem.dim, orders=3 if model == "second-order" else 2)
    except Refusal:
        return 0.0
    if found.mean is None:
        return _COMPILING + moves * _INTEGRAL if model == "first-order" else 0.0
    return _COMPILING + moves * _EQUATION * (1 if found.form is not None else 2)
