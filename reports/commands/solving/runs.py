"""The runs of an experiment (the method or a model at one step size), and the parts in which they are computed.

The division of a run into parts, and of parts into blocks, depends on the experiment alone, not on chunks or the machine, and
blocks are joined in the order of their paths. Results are therefore bitwise equal however often the run was interrupted.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from sdescent.derive.derivation import sde
from sdescent.derive.reading.experiments import METHOD, Experiment
from sdescent.derive.reading.problems import Problem
from sdescent.derive.vocabulary.choices import Kind
from sdescent.numerics.simulate.chunks import LANES, default_chunk
from sdescent.numerics.simulate.programs import ahead
from sdescent.numerics.simulate.runs import Ensemble, named_statistics, nth_key
from sdescent.numerics.simulate.settings import save_grid
from sdescent.numerics.statistics.digests import Digest, digest
from sdescent.numerics.studies.records import CANNOT
from sdescent.reports.assembly.plan import run_seconds

#: the most numbers of a run that is kept path by path: paths x (saved times x quantities + dimension)
MOST_KEPT = 5_000_000
#: the most numbers, paths and estimated seconds of a block, and its least number of paths, however long they take
_NUMBERS, _PATHS, _SECONDS, _FEWEST = 2**22, 2**16, 30.0, 256
#: the most parts of a run whose paths are not kept; the seconds of a part beyond which there are more parts; the most parts then
_PARTS, _PART_SECONDS, _MOST_PARTS = 128, 300.0, 1024
#: the most paths that are listed as blown up
LISTED = 100
#: prefix of the name of an array with a quantity's largest value, before the kind (`sdescent.derive.equations.rule_equation`)
RANGE = "range "

Arrays = dict[str, np.ndarray]


@final
@dataclass(frozen=True)
class Run:
    """The method, or one of its models, at one step size.

    Args:
        experiment: the requested experiment.
        number: the number of the step size, from 0.
        kind: METHOD or the name of a model.
    """

    experiment: Experiment
    number: int
    kind: Kind

    @property
    def name(self) -> str:
        """The name of the run in file names, such as eta1-method."""
        return f"eta{self.number + 1}-{self.kind}"

    @property
    def problem(self) -> Problem:
        """The problem with the step size of this run."""
        return self.experiment.problems[self.number]

    @cached_property
    def grid(self) -> np.ndarray:
        """The numbers of the method's saved steps, shape (S,)."""
        save = self.experiment.save
        horizon, tau = self.problem.T, self.problem.tau
        assert horizon is not None and tau is not None  # for the type checker: an experiment is complete
        return save_grid(float(horizon), float(tau), save if isinstance(save, int) else list(map(float, save)))

    @cached_property
    def whole(self) -> bool:
        """Whether the values of every path are kept, instead of only statistics."""
        numbers = len(self.grid) * len(self.experiment.quantities) + (self.problem.dim or 0)
        return numbers * self.experiment.paths <= MOST_KEPT

    @cached_property
    def block(self) -> int:
        """The number of paths that are reduced together."""
        numbers = len(self.grid) * len({"loss", "gradient_norm", *self.experiment.quantities}) + (self.problem.dim or 0)
        in_time = _SECONDS / max(self._pace, 1e-12)
        return max(LANES, int(min(_NUMBERS / numbers, _PATHS, max(in_time, _FEWEST))) // LANES * LANES)

    @cached_property
    def parts(self) -> tuple[tuple[int, int], ...]:
        """The first path of each part, and the first path after it."""
        paths, step = self.experiment.paths, self.block
        if not self.whole:
            most = min(max(_PARTS, int(self.seconds(paths) / _PART_SECONDS)), _MOST_PARTS)
            step *= max(1, math.ceil(paths / (step * most)))
        return tuple((first, min(first + step, paths)) for first in range(0, paths, step))

    def seconds(self, paths: int) -> float:
        """The approximate seconds for this many paths, without compilation."""
        return paths * self._pace

    @cached_property
    def _pace(self) -> float:
        """An upper estimate of the seconds per path."""
        assert self.problem.T is not None  # for the type checker
        steps = float(self.problem.T / self.experiment.step(self.problem))
        return run_seconds(self.problem, self.kind, 1, steps) - run_seconds(self.problem, self.kind, 0, steps)

    def solve(self, first: int, paths: int) -> Ensemble:
        """Solve `paths` paths from number `first`, as `sd.run` or `sd.solve` does.

        Raises:
            Refusal, NoClosedForm: the model does not exist, or cannot be solved.
            NotANumber: a path reached a point from which it cannot continue.
        """
        problem, dim = self.problem, self.problem.dim or 0
        assert problem.T is not None and problem.eta is not None and problem.x0 is not None  # for the type checker
        x0 = [float(v) for v in (problem.x0 * dim if len(problem.x0) == 1 else problem.x0)]
        block = min(self.block, self.experiment.paths)
        save = self.experiment.save
        shared: dict[str, Any] = {
            "T": float(problem.T),
            "paths": paths,
            "first": first,
            "key": nth_key(self.experiment.seed, self.number),
            "params": {"eta": float(problem.eta)},
            "loss": problem.loss,
            "save": save if isinstance(save, int) else list(map(float, save)),
            "statistics": named_statistics(self.experiment.quantities),
            "dtype": self.experiment.dtype,
            "chunk": self.experiment.chunk or default_chunk(dim, block, self.experiment.values_per_path),
        }
        if self.kind == METHOD:
            from sdescent.numerics.simulate.method import run

            return run(problem.method, x0, **shared)
        # the import of the solver takes a second, and the method alone does not need it
        from sdescent.numerics.simulate.equation import solve

        equation = sde(problem.method, self.kind, problem.loss, dim)
        return solve(equation, x0, dt=float(self.experiment.step(problem)), **shared)

    def ahead(self, first: int, stop: int) -> bool:
        """Start to compile in another thread the program that `compute` needs for these paths; False if there is no such run.

        Raises:
            BadInput: as raised by `compute`.
        """
        with ahead() as begun, suppress(*CANNOT):
            self.solve(first, min(self.block, stop - first))
        return bool(begun)

    def compute(self, first: int, stop: int) -> tuple[Arrays, dict[str, Any]]:
        """The kept values of the paths first, .., stop - 1, and the settings of their run; it raises what `solve` raises."""
        blocks, settings = [], {}
        for begin in range(first, stop, self.block):
            part = self.solve(begin, min(self.block, stop - begin))
            settings = dict(part.settings)
            blocks.append(self._reduced(part, begin))
        return self.joined(iter(blocks)), settings

    def _reduced(self, part: Ensemble, first: int) -> Arrays:
        arrays = {f"{RANGE}{kind}": np.array([largest]) for kind, largest in part.settings.get("ranges", {}).items()}
        if self.whole:
            values = {name: part.values[name] for name in self.experiment.quantities} | {"final": part.final}
            # copies, since the arrays share their memory with quantities that are not kept
            return {**{name: array.copy() for name, array in values.items()}, "blow_up": part.blow_up, **arrays}
        for name in self.experiment.quantities:
            arrays |= _named(name, digest(part.values[name]).to_arrays())
        lost = np.flatnonzero(np.isfinite(part.blow_up))
        return {
            **arrays,
            "blow_ups": part.blow_ups,
            "blown": np.array(len(lost)),
            "blown_paths": (lost + first)[:LISTED],
            "blown_times": part.blow_up[lost][:LISTED],
        }

    def joined(self, parts: Iterator[Arrays]) -> Arrays:
        """The kept values of the paths of all parts, in order; statistics are joined if paths are not kept."""
        if self.whole:
            listed = list(parts)
            return {name: np.concatenate([a[name] for a in listed], axis=-1) for name in listed[0]}
        total = next(parts)
        sums = {name: Digest.from_arrays(_of(name, total)) for name in self.experiment.quantities}
        for later in parts:
            sums = {name: total_of.joined(Digest.from_arrays(_of(name, later))) for name, total_of in sums.items()}
            for name in ("blow_ups", "blown"):
                total[name] = total[name] + later[name]
            for name in ("blown_paths", "blown_times"):
                total[name] = np.concatenate([total[name], later[name]])[:LISTED]
            for name in (name for name in total if name.startswith(RANGE)):
                total[name] = np.maximum(total[name], later[name])
        for name, total_of in sums.items():
            total |= _named(name, total_of.to_arrays())
        return total


def runs(experiment: Experiment) -> list[Run]:
    """All runs of an experiment, the method first at each step size."""
    return [Run(experiment, n, kind) for n in range(len(experiment.problems)) for kind in experiment.kinds]


def digests(run: Run, arrays: Mapping[str, np.ndarray]) -> dict[str, Digest]:
    """The digest of each quantity of a run that is not kept path by path."""
    return {name: Digest.from_arrays(_of(name, arrays)) for name in run.experiment.quantities}


def _named(quantity: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    return {f"{quantity}.{name}": array for name, array in arrays.items()}


def _of(quantity: str, arrays: Mapping[str, np.ndarray]) -> Arrays:
    return {name.removeprefix(f"{quantity}."): a for name, a in arrays.items() if name.startswith(f"{quantity}.")}
