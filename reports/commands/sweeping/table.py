"""The points of a study on disk, one file each, and its table: a row for each point and run."""

import csv
import fcntl
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, final

from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.reading.sweeps.figures_and_bounds import ESTIMATES, VERDICT
from sdescent.derive.reading.sweeps.plans import Point
from sdescent.derive.reading.sweeps.values import as_json
from sdescent.derive.vocabulary.files import read_regular
from sdescent.reports.store.files import atomic_path, sweep_temporaries, write_atomic

POINTS, LOCK = "points", ".lock"
_DIGITS = 32


@final
class Damaged(Exception):
    """The file of a point differs from the one that was written."""


@final
@dataclass(frozen=True)
class Store:
    """The points of a study in its folder; `context` is all else that results depend on: versions, source, the kind of machine."""

    folder: Path
    context: str

    @cached_property
    def _context(self) -> bytes:
        return hashlib.sha256(self.context.encode()).digest()

    def name(self, key: str) -> str:
        """The digest that identifies the point with this key, 32 hexadecimal digits."""
        return hashlib.sha256(self._context + key.encode()).hexdigest()[:_DIGITS]

    def path(self, name: str) -> Path:
        """The path of the point's file, in one of at most 256 folders."""
        return self.folder / POINTS / name[:2] / f"{name}.json"

    def put(self, name: str, content: bytes) -> None:
        """Write the file of a point. Raises OSError if it cannot."""
        write_atomic(self.path(name), content, flush=False)

    def get(self, name: str) -> dict[str, Any] | None:
        """The stored point, or None if there is none. Damaged if its file is not the one written; OSError."""
        with suppress(FileNotFoundError):
            return unpacked(read_regular(self.path(name)))
        return None

    def sweep(self) -> None:
        """Remove half-written files of killed writers that are at least an hour old, since others may be writing now."""
        for part in sorted((self.folder / POINTS).glob("??")):
            sweep_temporaries(part)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a lock, so that no other process writes tables here (OSError); without effect if the file system has no locks."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


#: one encoder for all points
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def packed(body: Mapping[str, Any]) -> bytes:
    """The bytes of a point's file, which are equal for equal points."""
    text = _ENCODER.encode(body)
    return f'{text[:-1]},"sha256":"{hashlib.sha256(text.encode()).hexdigest()}"}}\n'.encode()


def unpacked(content: bytes) -> dict[str, Any]:
    """The point whose file `packed` made. Raises Damaged for other bytes."""
    text, mark, rest = content.rpartition(b',"sha256":"')
    if not mark or rest != hashlib.sha256(text + b"}").hexdigest().encode() + b'"}\n':
        raise Damaged
    return json.loads(text + b"}")


CSV, PARQUET = "table.csv", "table.parquet"
_TEXT, _COUNTS = ("point", "run", "refused"), ("paths", "blow_ups")

#: suffix of a quantity's column that says why the sample does not see its mean (`sdescent.numerics.studies.records.Unseen`)
UNSEEN = "unseen"

Value = float | int | str | None


@final
class Table:
    """A table: name -> a number, text or None (no value) for each row. `axes` are the names of the sweep's axes."""

    def __init__(self, axes: Iterable[str]) -> None:
        self.axes = tuple(axes)
        names = ("point", *self.axes, "run", "refused", "paths", "time", "blow_ups")
        self.columns: dict[str, list[Value]] = {name: [] for name in names}
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, point: Point, name: str, body: Mapping[str, Any]) -> None:
        """Add the rows of a point, the method's first, from its name (a digest) and the content of its file."""
        values = {axis: plain(value) for axis, value in point.values.items()}
        for run in body["runs"]:
            row: dict[str, Value] = {"point": name, **values, "run": run["model"], "paths": body["point"]["paths"]}
            if "refused" in run:
                row["refused"] = run["refused"]
            else:
                row |= {"time": run["times"][-1], "blow_ups": run["blow_ups"]["count"]}
                for quantity, estimates in run["quantities"].items():
                    row |= {f"{quantity}_{estimate}": estimates[estimate][-1] for estimate in ESTIMATES}
                    row[f"{quantity}_{UNSEEN}"] = ", ".join(run["unseen"][quantity]) or None
            for column in row:
                self.columns.setdefault(column, [None] * self._rows)
            for column, cells in self.columns.items():
                cells.append(row.get(column))
            self._rows += 1

    def where(self, run: str) -> list[int]:
        """The indices of the rows in which a run has numbers."""
        return [n for n, name in enumerate(self.columns["run"]) if name == run and self.columns["refused"][n] is None]

    @property
    def runs(self) -> list[str]:
        """The runs that occur at some point, the method first."""
        return sorted(set(map(str, self.columns["run"])), key=lambda run: (run != METHOD, run))

    def counts(self) -> list[dict[str, Any]]:
        """For each run, the number of points with it, where it was refused, and where some or all of its paths blew up."""
        rows = []
        lost, paths = self.columns["blow_ups"], self.columns["paths"]
        for run in self.runs:
            points, there = self.columns["run"].count(run), self.where(run)
            some, none = sum(bool(lost[n]) for n in there), sum(lost[n] == paths[n] for n in there)
            counts = {"points": points, "refused": points - len(there), "blow_ups": some, "all_paths_blew_up": none}
            rows.append({"run": run, **counts})
        return rows

    @property
    def quantities(self) -> list[str]:
        """The names of the quantities."""
        return [name.removesuffix("_mean_lower") for name in self.columns if name.endswith("_mean_lower")]

    def write(self, folder: Path) -> list[str]:
        """Write the table into a folder (OSError), Parquet only if pyarrow is there; return the names of its files."""
        text = io.StringIO(newline="")
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(self.columns)
        for row in zip(*self.columns.values(), strict=True):
            cells = ("" if value is None else repr(value) if isinstance(value, float) else value for value in row)
            rows.writerow(cells)
        write_atomic(folder / CSV, text.getvalue())
        return [CSV, *self._parquet(folder)]

    def _parquet(self, folder: Path) -> list[str]:
        try:
            import pyarrow  # pyright: ignore[reportMissingImports]
            from pyarrow import parquet  # pyright: ignore[reportMissingImports]
        except ImportError:
            (folder / PARQUET).unlink(missing_ok=True)  # a file of an earlier sweep would contradict this table
            return []
        columns = {name: pyarrow.array(_alike(c), _type(pyarrow, name, c)) for name, c in self.columns.items()}
        with atomic_path(folder / PARQUET) as path:
            parquet.write_table(pyarrow.table(columns), path, compression="zstd")
        return [PARQUET]


def plain(value: Any) -> Value:
    """The value of an axis as it appears in the table: a number, a text, or None."""
    if value is None:
        return None
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 and abs(value) < 2**53 else float(value)
    text = as_json(value)
    return text if isinstance(text, str) else ", ".join(map(str, text)) if isinstance(text, list) else str(text)


def _alike(column: list[Value]) -> list[Value]:
    """The column with values of one type: all are text if any value is."""
    return [None if v is None else str(v) for v in column] if any(isinstance(v, str) for v in column) else column


def _type(pyarrow: Any, name: str, column: list[Value]) -> Any:
    if name in _TEXT or name.endswith((f"_{VERDICT}", f"_{UNSEEN}")) or any(isinstance(v, str) for v in column):
        return pyarrow.string()
    return pyarrow.int64() if name in _COUNTS else pyarrow.float64()
