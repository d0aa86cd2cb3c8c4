"""The points of a study on disk: one file each, whose name says what it depends on and whose content says that it is whole.

A file's name is the digest of the point and of everything else that its numbers depend on; its last entry is the digest of the
rest. Files are renamed into place and need no lock: two processes that solve one point write the same bytes. They are not flushed
to the disk one by one: a file that a power cut left incomplete is found damaged when it is read, and its point is computed again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

from sdescent.derive.vocabulary.files import read_regular
from sdescent.reports.store.files import sweep_temporaries, write_atomic

POINTS, LOCK = "points", ".lock"
_DIGITS = 32


@final
class Damaged(Exception):
    """A point's file differs from what was written."""


@final
@dataclass(frozen=True)
class Store:
    """The points in a folder.

    Args:
        folder: of the study.
        context: everything that every point depends on besides itself: versions, source, the kind of machine.
    """

    folder: Path
    context: str

    @cached_property
    def _context(self) -> bytes:
        return hashlib.sha256(self.context.encode()).digest()

    def name(self, key: str) -> str:
        """The digest that stands for the point with this key, 32 hexadecimal digits."""
        return hashlib.sha256(self._context + key.encode()).hexdigest()[:_DIGITS]

    def path(self, name: str) -> Path:
        """Where the point's file is, among at most 256 folders."""
        return self.folder / POINTS / name[:2] / f"{name}.json"

    def put(self, name: str, content: bytes) -> None:
        """Keep a point.

        Raises:
            OSError: it cannot be written.
        """
        write_atomic(self.path(name), content, flush=False)

    def get(self, name: str) -> dict[str, Any] | None:
        """A point, or None where there is none.

        Raises:
            Damaged: its file is not what was written.
            OSError: it cannot be read.
        """
        try:
            content = read_regular(self.path(name))
        except FileNotFoundError:
            return None
        return unpacked(content)

    def sweep(self) -> None:
        """Remove what killed writers left half-written, an hour ago or earlier: others may be writing now."""
        for part in sorted((self.folder / POINTS).glob("??")):
            sweep_temporaries(part)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait until no other process sums up in this folder; where the file system has no locks, there is none.

    Raises:
        OSError: the lock's file cannot be made.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


#: one for all points
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def packed(body: Mapping[str, Any]) -> bytes:
    """A point as the bytes of its file; equal bytes for equal points."""
    text = _ENCODER.encode(body)
    return f'{text[:-1]},"sha256":"{hashlib.sha256(text.encode()).hexdigest()}"}}\n'.encode()


def unpacked(content: bytes) -> dict[str, Any]:
    """The point of `packed`.

    Raises:
        Damaged: other bytes.
    """
    text, mark, rest = content.rpartition(b',"sha256":"')
    if not mark or rest != hashlib.sha256(text + b"}").hexdigest().encode() + b'"}\n':
        raise Damaged
    return json.loads(text + b"}")
