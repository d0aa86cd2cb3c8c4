"""The sections of a report, and estimates of the durations of their steps for the display of progress.

The durations were measured once, in seconds, for one of two workers on two cores. `sdescent.reports.commands.progress` adjusts them
to the observed pace.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, final

from sdescent.derive.vocabulary.errors import Refusal, unknown_name

if TYPE_CHECKING:
    from sdescent.reports.claims.verdict_of_claim import Group
    from sdescent.reports.sections.base import Section


@final
@dataclass(frozen=True)
class Part:
    """A section of a report: its class, its announced steps and its seconds in quick and full reports; a pair if the steps differ.

    It is computed after the sections that it `needs`, in every run, never stored; with `appendix` it is in the appendix or details.
    """

    module: str
    kind: str
    steps: int | tuple[int, int] = 1
    quick: float = 0.1
    full: float = 0.1
    needs: tuple[str, ...] = ()
    appendix: bool = False


#: the number of processes for the report on the paper's claims; each has a compiler and arrays in memory
PROCESSES = min(2, os.cpu_count() or 1)
#: the module of the report without a user's problem, named only here
APPLICATION = "sdescent.reports.paper.application"


@final
@dataclass(frozen=True)
class Contents:
    """A report's title, sections by name in order, and judged claims; with `details` appendix and notation are details.tex."""

    title: str
    sections: Mapping[str, Part]
    groups: Sequence[Group]
    details: bool = False


#: the sections with evidence for claims in a report on a user's problem
_EVIDENCE = ("ensembles", "own-claims", "own-theorems")
#: the sections of a report on a user's problem, in order
_USER_SECTIONS = {
    "ledger": Part("sdescent.reports.sections.first_page_layout", "Ledger", needs=_EVIDENCE),
    "problem": Part("sdescent.reports.sections.problem", "ProblemSection"),
    "own-claims": Part("sdescent.reports.sections.own_claims", "OwnClaims"),
    "own-theorems": Part("sdescent.reports.sections.own_theorems", "OwnTheorems"),
    "studies": Part("sdescent.reports.sections.studies", "Studies"),
    "measured": Part("sdescent.reports.sections.measured", "Measured"),
    "ensembles": Part("sdescent.reports.sections.ensembles", "Ensembles"),
    "appendix": Part("sdescent.reports.sections.appendix", "Appendix", needs=_EVIDENCE, appendix=True),
}
_TYPESETTING = 3.0
_PROVING, _VERIFYING = 10.0, 20.0  # seconds for a user's own theorem
COMPILING = 2.0  # seconds for one run
_SUBSTEPS = 24  # evaluations of an equation in one step of the method: two in each of 4 and of 8 solver steps
#: seconds per coordinate, path and step for a client, for an equation, and for one whose mean and covariance are integrals
_CLIENT, _EQUATION, _INTEGRAL = 30e-9, 0.1e-6, 2e-6


def contents_of(problem: Any) -> Contents:
    """The contents of the report on a user's problem, or on the paper's claims if `problem` is None."""
    if problem is None:
        return import_module(APPLICATION).CONTENTS
    from sdescent.reports.sections.first_page_layout import own_groups

    present = {"own-claims": problem.claims, "own-theorems": problem.theorems, "ensembles": problem.experiment}
    present |= {"studies": problem.studies, "measured": problem.measured, "ledger": problem.claims or problem.theorems}
    sections = {name: part for name, part in _USER_SECTIONS.items() if present.get(name, True)}
    return Contents("A stochastic optimiser and its equations", sections, own_groups(problem))


def section_of(name: str, problem: Any = None) -> Section:
    """The section with this name; `problem` is as for `contents_of`."""
    part = contents_of(problem).sections[name]
    return getattr(import_module(part.module), part.kind)()


def chosen(problem: Any, only: str | None) -> list[str]:
    """The chosen sections of a report on the user's problem, or on the paper's claims: all or `only` one (else BadInput)."""
    names = list(contents_of(problem).sections)
    if only is None:
        return names
    if only not in names:
        raise unknown_name("--only", only, names)
    return [only]


def computed(problem: Any, names: Sequence[str]) -> list[str]:
    """The sections whose results a report with these sections uses, in the order of computation."""
    parts = contents_of(problem).sections
    needed = {*names, *(other for name in names for other in parts[name].needs if other in parts)}
    return sorted(needed, key=lambda n: (bool(parts[n].needs), list(parts).index(n)))


@final
class Plan:
    """The steps of a report with their expected durations, and the progress through them, of which `progress` is told.

    It has the `contents` with all sections, the `names` of those chosen and those `computed`, each in its order.
    """

    def __init__(
        self, problem: Any, quick: bool, only: str | None, progress: Callable[[str, float], None] = lambda *_: None
    ) -> None:
        self._problem, self.contents, self._progress = problem, contents_of(problem), progress
        self.names = chosen(problem, only)
        self.computed = computed(problem, self.names)
        self._steps = {name: _steps(name, problem, quick) for name in self.computed}
        self._announced, self._ended = dict.fromkeys(self.computed, 0), set[str]()

    @property
    def seconds(self) -> float:
        """The expected work in seconds: the duration if the sections are computed one after another."""
        return sum(map(self.seconds_of, self._steps)) + _TYPESETTING

    @property
    def duration(self) -> float:
        """The expected duration in seconds, given the number of processes that share the work."""
        return self.seconds / (PROCESSES if self._problem is None and len(self.computed) > 1 else 1)

    def seconds_of(self, name: str) -> float:
        """The expected duration of a section in seconds."""
        return sum(self._steps[name])

    @property
    def fraction(self) -> float:
        """The completed fraction of the work: ended sections, and the announced steps of other sections except the last one."""
        done: list[float] = []
        for name, count in self._announced.items():
            done += self._steps[name] if name in self._ended else self._steps[name][: max(0, count - 1)]
        return math.fsum(done) / self.seconds  # rounded only once, so that the fraction never decreases by rounding

    def tick(self, name: str, label: str) -> None:
        """Record that a step of a section begins, and report the progress."""
        self._announced[name] += 1
        self._progress(label, self.fraction)

    def end(self, name: str) -> None:
        """Record that a section is done."""
        self._ended.add(name)


def _steps(name: str, problem: Any, quick: bool) -> list[float]:
    part = contents_of(problem).sections[name]
    if problem is None or part.needs:
        count = part.steps if isinstance(part.steps, int) else part.steps[not quick]
        return [(part.quick if quick else part.full) / count] * count
    if name == "problem":
        return [1.0] * len(problem.models)
    if name == "own-claims":
        return [1.0] * len(problem.claims)
    if name in ("studies", "measured"):
        return [part.full] * len(getattr(problem, name))
    if name == "own-theorems":
        return [_PROVING, _VERIFYING] * len(problem.theorems)
    if problem.lacking:
        return []
    from sdescent.reports.sections.ensembles import PATHS

    paths = PATHS["quick" if quick else "full"] if problem.paths is None else problem.paths
    steps = float(problem.T / problem.tau) * _SUBSTEPS
    return [run_seconds(problem, kind, paths, steps) for kind in ("method", *problem.models)]


def run_seconds(problem: Any, kind: str, paths: int, steps: float) -> float:
    """An upper estimate of seconds of a run of a complete problem, "method" or a model, with `steps` solver steps from 0 to T."""
    from sdescent.derive.equations.step.covariance import moments

    moves = float(paths * problem.dim)
    if kind == "method":
        return COMPILING + moves * float(problem.T / problem.tau) * _CLIENT * int(problem.method.clients)
    try:
        message = moments(problem.method, problem.dim, orders=3 if kind == "second-order" else 2)
    except Refusal:
        return 0.0
    if message.mean is None:
        return COMPILING + moves * steps * _INTEGRAL if kind == "first-order" else 0.0
    return COMPILING + moves * steps * _EQUATION * (1 if message.form is not None else 2)
