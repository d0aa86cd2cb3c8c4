"""The runs of an experiment and their parts on disk, from which an interrupted run continues."""

import contextlib
import fcntl
import hashlib
import io
import json
import math
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.derive.derivation import sde
from sdescent.derive.reading.experiments import METHOD, Experiment
from sdescent.derive.reading.problems import Problem
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.files import read_regular, require_no_link, require_replaceable
from sdescent.derive.vocabulary.names import Kind
from sdescent.numerics.simulate.chunks import LANES, default_chunk
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.programs import ahead
from sdescent.numerics.simulate.settings import save_grid
from sdescent.numerics.simulate.streams_and_statistics import named_statistics, nth_key
from sdescent.numerics.statistics.digests import Digest, digest
from sdescent.numerics.studies.records import CANNOT
from sdescent.reports.assembly.plan import run_seconds
from sdescent.reports.store.files import make_folder, sweep_temporaries, write_atomic

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
    """The method (METHOD), or one of its models, at the step size of this number, from 0, of an experiment."""

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

        Raises BadInput for the experiment's numbers, Refusal and NoClosedForm if the model does not exist, NotANumber.
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
        """Start compiling in a thread what `compute` needs for these paths; return whether this has begun. Raises as `compute`."""
        with ahead() as begun, contextlib.suppress(*CANNOT):
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
        sums = digests(self, total)
        for later in parts:
            sums = {name: sums[name].joined(more) for name, more in digests(self, later).items()}
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


_DIGITS = 32


@final
class Parts:
    """The parts of one experiment in a folder, and the names of those found `damaged`; one process may use them (`alone`).

    `identity` is a text that is equal only for equal experiments and versions; its digest names the subfolder of the parts.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder / hashlib.sha256(identity.encode()).hexdigest()[:_DIGITS]
        self._identity = identity
        self.damaged: list[str] = []
        self._files: dict[str, set[Path]] = {}
        require_no_link(self.folder, "remove it")
        sweep_temporaries(self.folder, older=-math.inf)
        with contextlib.suppress(FileNotFoundError):
            for path in self.folder.iterdir():
                if re.fullmatch(r"[^.].*-[0-9a-f]{32}", path.name):
                    self._files.setdefault(path.name[: -_DIGITS - 1], set()).add(path)

    @property
    def hash(self) -> str:
        """The digest that identifies the experiment."""
        return self.folder.name

    def names(self) -> set[str]:
        """The names of the existing parts, without reading them."""
        return {name for name, files in self._files.items() if files}

    def put(self, name: str, content: bytes) -> None:
        """Store a part. Raises OSError if it cannot be written."""
        path = self.folder / f"{name}-{self._digest(name, content)}"
        write_atomic(path, content)
        self._files.setdefault(name, set()).add(path)

    def get(self, name: str) -> bytes | None:
        """The content of a stored part, or None if it is missing or damaged."""
        for path in sorted(self._files.get(name, ())):
            with contextlib.suppress(OSError):
                content = read_regular(path)
                if path.name == f"{name}-{self._digest(name, content)}":
                    return content
                self.damaged.append(name)
                path.unlink()
        self._files.pop(name, None)
        return None

    def drop(self, name: str) -> None:
        """Remove a part that is no longer needed."""
        for path in self._files.pop(name, ()):
            with contextlib.suppress(OSError):
                path.unlink()

    def put_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Store arrays; see `put`."""
        self.put(name, packed(arrays))

    def get_arrays(self, name: str) -> dict[str, np.ndarray] | None:
        """The stored arrays, or None; see `get`."""
        content = self.get(name)
        return None if content is None else unpacked(content)

    def put_record(self, name: str, record: Mapping[str, Any]) -> None:
        """Store JSON values; see `put`."""
        self.put(name, json.dumps(record, allow_nan=False).encode())

    def get_record(self, name: str) -> dict[str, Any] | None:
        """The stored JSON values, or None; see `get`."""
        content = self.get(name)
        return None if content is None else json.loads(content)

    def _digest(self, name: str, content: bytes) -> str:
        digest = hashlib.sha256()
        for part in (self._identity.encode(), name.encode(), content):
            digest.update(b"%d:" % len(part))
            digest.update(part)
        return digest.hexdigest()[:_DIGITS]


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a NumPy archive, which are equal for equal arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)
    return buffer.getvalue()


def unpacked(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of an archive that `packed` made."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@contextlib.contextmanager
def alone(folder: Path, option: str) -> Iterator[None]:
    """Hold a lock, so that no other process (BadInput) writes into this folder; the system releases that of a killed one."""
    make_folder(folder / ".work")
    path = folder / ".work" / "lock"
    require_no_link(path, "remove it")
    require_replaceable(path)
    # a link of that name is not followed, and opening a pipe of that name does not wait for a reader
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o666), "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput("--out", option, "a folder that no other sdescent process is writing into") from None
        yield
