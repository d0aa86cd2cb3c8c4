"""The result of a simulation: statistics of independent paths with all settings, for notebooks, for disk and for xarray."""

from __future__ import annotations

import json
import math
import os
import secrets
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.derive.equations.rule_equation import LARGE, RangeKind
from sdescent.derive.methods.distributed import Method
from sdescent.derive.printing.text import left_range
from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.files import open_regular, require_replaceable
from sdescent.derive.vocabulary.registry import spec_of
from sdescent.numerics.backend.double import jax
from sdescent.numerics.backend.kept_programs import Memo
from sdescent.numerics.backend.processors import require_memory
from sdescent.numerics.simulate.settings import Lanes, Numbers, last_step
from sdescent.numerics.simulate.starting_points import Paths

#: the mark of an archive written by `Ensemble.save`, with the number of its layout
LAYOUT = "sdescent ensemble 1"
#: names of the arrays of an archive that are not statistics
_ARRAYS = ("times", "blow_up", "final")
#: the most characters that describe a part of the method in the settings, which are no place for data
LONGEST = 4000
_BROKEN = (zipfile.BadZipFile, zlib.error)


@final
@dataclass(frozen=True)
class Ensemble:
    """Statistics of independent paths at the saved times. All values are dimensionless; the times are t = n eta.

    A blow-up is an outcome: it is counted and never enters an average. Arrays of one type may share a block of memory: to keep
    one array and free the rest, copy it.

    Attributes:
        times: the saved times, (S,).
        values: an array (S, paths) for each statistic by name; NaN from the time at which a path blows up.
        blow_up: the time at the end of the step that took each path outside the ball, (paths,), read-only; infinity for paths
            that did not blow up.
        final: the last points, (d, paths); meaningless for a path that blew up.
        settings: the settings of the run, as JSON values. "T" is the horizon that was asked for; "end" is the time at which the
            method's steps end, the last multiple of the time of a step up to T.
        final_memory: the last values of the memory by letter, (d, paths) each, if the update rule has a memory.
    """

    times: np.ndarray
    values: Mapping[str, np.ndarray]
    blow_up: np.ndarray
    final: np.ndarray
    settings: Mapping[str, Any]
    final_memory: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.blow_up.flags.writeable = False  # a pickle does not keep this flag

    @property
    def paths(self) -> int:
        """The number of paths."""
        return len(self.blow_up)

    @property
    def blow_ups(self) -> np.ndarray:
        """The number of paths that had blown up by each saved time, shape (S,)."""
        return np.sum(self.blow_up <= self.times[:, None] * (1 + 1e-12), axis=1)

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings for the reader: a horizon that the steps do not reach, blow-ups, a model that left its range."""
        notes = []
        horizon, end = self.settings.get("T"), self.settings.get("end")
        if horizon is not None and horizon != end:
            step = self.settings.get("tau", self.settings["eta"])
            of = f"eta = {step:g}" if step == self.settings["eta"] else f"the time of a step, {step:g}"
            notes.append(f"T = {horizon:g} is not a multiple of {of}: the last step ends at t = {end:g}")
        if lost := int(np.isfinite(self.blow_up).sum()):
            notes.append(f"{lost} of {self.paths} paths blew up")
        reached = self.settings.get("ranges", {})
        notes += [left_range(RangeKind(kind), largest) for kind, largest in reached.items() if largest > LARGE]
        return tuple(notes)

    def repeated(self, paths: int) -> Ensemble:
        """The ensemble of a single path with this path repeated `paths` times, for a run without noise."""
        numbers = len(self.final) * (1 + len(self.final_memory)) + len(self.times) * len(self.values)
        require_memory(paths, numbers, self.final.dtype.itemsize)
        values = {name: np.repeat(a, paths, axis=1) for name, a in self.values.items()}
        memory = {letter: np.repeat(a, paths, axis=1) for letter, a in self.final_memory.items()}
        final = np.repeat(self.final, paths, axis=1)
        return Ensemble(self.times, values, np.repeat(self.blow_up, paths), final, self.settings, memory)

    def to_dict(self) -> dict[str, Any]:
        """The settings, times and counts as JSON values, without the paths themselves."""
        return {
            "settings": dict(self.settings),
            "times": self.times.tolist(),
            "paths": self.paths,
            "statistics": sorted(self.values),
            "blow_ups": self.blow_ups.tolist(),
        }

    def __str__(self) -> str:
        settings, when = self.settings, f"{len(self.times)} times from {self.times[0]:g} to {self.times[-1]:g}"
        kind = f"{settings['model']} model" if "model" in settings else "the method itself"
        of = f"{settings.get('method', 'a method')}, {kind}"
        if "state" in settings:
            of = "an equation in " + ", ".join(settings["state"])
        first = f"{self.paths} paths of {of}, d = {len(self.final)}, {when}"
        return "\n".join([first, "statistics: " + ", ".join(self.values), *self.notes])

    def _repr_html_(self) -> str:
        """A table for notebooks: the median of the finite values of each statistic at the last saved time."""
        rows = []
        for name, value in self.values.items():
            last = value[-1][np.isfinite(value[-1])]
            rows.append(f"<tr><td>{escape(name)}</td><td>{f'{np.median(last):.5g}' if len(last) else '-'}</td></tr>")
        head = f"<tr><th>statistic</th><th>median at t = {self.times[-1]:g}</th></tr>"
        text = "<br>".join(escape(line) for line in str(self).splitlines())
        return f"<p>{text}</p><table>{head}{''.join(rows)}</table>"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the arrays to a NumPy archive (.npz), with names and settings as JSON text, whole or not at all (OSError)."""
        names = list(self.values)
        head = {"layout": LAYOUT, "statistics": names, "memory": [*self.final_memory], "settings": dict(self.settings)}
        arrays = {f"value{n}": self.values[name] for n, name in enumerate(names)}
        arrays |= {name: getattr(self, name) for name in _ARRAYS}
        arrays |= {f"memory{n}": a for n, a in enumerate(self.final_memory.values())}
        place = Path(path)
        beside = place.with_name(f".{place.name[:80]}.{secrets.token_hex(6)}.part")
        require_replaceable(place)
        try:
            with beside.open("xb") as file:  # follows no link that somebody planted under this name
                np.savez(file, head=np.array(json.dumps(head, allow_nan=False)), **arrays)  # pyright: ignore[reportArgumentType]
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Ensemble:
        """The ensemble that `save` wrote to `path`. Nothing in it is executed. BadInput for a broken or another file; OSError."""
        try:
            return cls._of(path)
        except (*_BROKEN, EOFError, KeyError, TypeError, ValueError, MemoryError, NotImplementedError) as error:
            why = " ".join(str(error).split())[:80] or type(error).__name__
            raise BadInput(Path(path).name, why, "an intact file that Ensemble.save wrote") from None

    @classmethod
    def _of(cls, path: str | os.PathLike[str]) -> Ensemble:
        with open_regular(path) as file:  # np.load would leave the file open if it raises
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("one array")
            head = json.loads(str(archive["head"]))
            if not isinstance(head, dict) or head.get("layout") != LAYOUT:
                raise ValueError("an archive of another kind")
            times, blow_up, final = (archive[name] for name in _ARRAYS)
            values = {str(name): archive[f"value{n}"] for n, name in enumerate(head["statistics"])}
            memory = {str(letter): archive[f"memory{n}"] for n, letter in enumerate(head["memory"])}
            settings = dict(head["settings"])
        shapes = [times.ndim == blow_up.ndim == 1, final.ndim == 2 and final.shape[-1:] == blow_up.shape]
        shapes += [value.shape == times.shape + blow_up.shape for value in values.values()]
        shapes += [a.shape == final.shape for a in memory.values()]
        arrays = (times, blow_up, final, *values.values(), *memory.values())
        if not all(shapes) or any(a.dtype.kind != "f" for a in arrays):
            raise ValueError("arrays of other shapes or types")
        blow_up.flags.writeable = False
        return cls(times, values, blow_up, final, settings, memory)

    def to_xarray(self) -> Any:  # xarray is optional, and its type with it
        """The ensemble as an `xarray.Dataset` (ImportError without xarray; BadInput for a statistic with a reserved name).

        Each statistic is a variable over (time, path), "blow_up" one over path, "final" one over (coordinate, path), and so is
        "final_m" for each letter m of the memory. The settings become attributes; lists and tables among them are stored as JSON
        text, which netCDF accepts.
        """
        try:
            import xarray  # pyright: ignore[reportMissingImports]
        except ImportError:
            lack = "to_xarray needs the package xarray, which is not installed: pip install xarray"
            raise ImportError(lack) from None
        memory = {f"final_{letter}": a for letter, a in self.final_memory.items()}
        if twice := {"blow_up", "final", "time", "path", "coordinate", *memory} & self.values.keys():
            accepted = "another name: xarray has one variable of each name, and this one is taken"
            raise BadInput("statistics", min(twice), accepted)
        variables: dict[str, Any] = {name: (("time", "path"), value) for name, value in self.values.items()}
        variables |= {"blow_up": (("path",), self.blow_up), "final": (("coordinate", "path"), self.final)}
        variables |= {name: (("coordinate", "path"), a) for name, a in memory.items()}
        first = int(self.settings.get("first", 0))
        places = {"time": self.times, "path": np.arange(first, first + self.paths)}
        places["coordinate"] = np.arange(1, len(self.final) + 1)
        attributes = {k: v if type(v) in (str, int, float) else json.dumps(v) for k, v in self.settings.items()}
        return xarray.Dataset(variables, places, attributes)


def settings_of(
    method: Method, loss: Any, u: Any, paths: Paths, parameters: Numbers, varied: Lanes, horizon: float, tau: float
) -> dict[str, Any]:
    """The settings common to a run of a method and of its equation; `parameters` are the user's, tau the time of a step."""
    numbers = {name: a for name, a in parameters.items() if name != "N" or not method.clients.is_number}
    return {
        "method": method.name,
        **_parts(method, loss),
        "u": None if u is None else getattr(u, "__qualname__", type(u).__name__),
        "eta": parameters["eta"],
        **({} if tau == parameters["eta"] else {"tau": tau}),
        **settings_of_paths(paths, numbers, varied, horizon, tau),
    }


def settings_of_paths(
    paths: Paths, numbers: Numbers, varied: Lanes, horizon: float, step: float | None
) -> dict[str, Any]:
    """The settings of any ensemble, as JSON values, with the range of each of the numbers that vary; step is None without a method.

    "T" is the horizon asked for, "end" the time at which the last step of the method ends, T itself if equal up to rounding.
    """
    x, key = paths.x, paths.key
    end = horizon if step is None else last_step(horizon, step) * step
    return {
        "params": {name: a.tolist() if isinstance(a, np.ndarray) else a for name, a in numbers.items()},
        "varied": {name: [float(a.min()), float(a.max())] for name, a in varied.items()},
        "dim": len(x),
        "x0": x[:, 0].tolist() if x.shape[1] == 1 else "one for each path",
        "paths": paths.count,
        "first": paths.first,
        "seed": int(key) if isinstance(key, (int, np.integer)) else None,
        "key": None if isinstance(key, (int, np.integer)) else _words(key),
        "T": horizon,
        "end": horizon if math.isclose(end, horizon, rel_tol=1e-9) else end,
        "version": _version(),
    }


@partial(Memo, size=32)  # since a study runs one method many times
def _parts(method: Method, loss: Any) -> dict[str, str | None]:
    parts = {name: getattr(method, name) for name in ("compressor", "noise", "schedule")}
    return {name: None if part is None else _written(name, part) for name, part in {**parts, "loss": loss}.items()}


def _written(kind: str, part: Any) -> str:
    """A part of a method as its specification, or by name if it is a function or an object of a class without `__repr__`."""
    name = getattr(part, "__qualname__", type(part).__qualname__)
    text = name if callable(part) or type(part).__repr__ is object.__repr__ else spec_of(kind, part)
    return text if len(text) <= LONGEST else f"{name}(..), in {len(text)} characters"


def _words(key: Any) -> list[int]:
    """The words of a JAX key, of the new style or the old."""
    new = jax.numpy.issubdtype(key.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(key) if new else key).tolist()


@cache
def _version() -> str | None:
    try:
        return version("sdescent")
    except PackageNotFoundError:
        return None
