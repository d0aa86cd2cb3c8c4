"""The points of a study on disk, one file each. A file's name identifies its inputs, and its content shows that it is complete.

A file's name is the digest of the point and of everything else that its numbers depend on; its last entry is the digest of the
rest. Files are renamed into place and need no lock, since two processes that solve the same point write the same bytes. Files are
not flushed to disk one by one: if a power cut leaves one incomplete, it is found damaged when read, and its point is solved again.
"""

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
    """The file of a point differs from the one that was written."""


@final
@dataclass(frozen=True)
class Store:
    """The points of a study in its folder.

    Args:
        folder: the folder of the study.
        context: everything that every point depends on besides itself: versions, source, the kind of machine.
    """

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
        """Write the file of a point.

        Raises:
            OSError: the file cannot be written.
        """
        write_atomic(self.path(name), content, flush=False)

    def get(self, name: str) -> dict[str, Any] | None:
        """The stored point, or None if there is none.

        Raises:
            Damaged: its file differs from the one that was written.
            OSError: the file cannot be read.
        """
        try:
            content = read_regular(self.path(name))
        except FileNotFoundError:
            return None
        return unpacked(content)

    def sweep(self) -> None:
        """Remove half-written files of killed writers that are at least an hour old, since others may be writing now."""
        for part in sorted((self.folder / POINTS).glob("??")):
            sweep_temporaries(part)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a lock, so that no other process sums up in this folder; without effect if the file system has no locks.

    Raises:
        OSError: the lock file cannot be created.
    """
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
    """The point whose file `packed` made.

    Raises:
        Damaged: the bytes are not those of such a file.
    """
    text, mark, rest = content.rpartition(b',"sha256":"')
    if not mark or rest != hashlib.sha256(text + b"}").hexdigest().encode() + b'"}\n':
        raise Damaged
    return json.loads(text + b"}")
