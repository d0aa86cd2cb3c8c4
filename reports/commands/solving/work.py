"""Parts of an experiment on disk, from which an interrupted run continues.

A part is one file, `<name>-<digest>`, written under another name, flushed and renamed. The digest covers the experiment's
identity, the part's name and the contents of the file. A file that was truncated or changed, or that belongs to another
experiment, therefore does not match its name; it is removed, and the part computed again.
"""

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
from pathlib import Path
from typing import Any, BinaryIO, final

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.files import read_regular, require_no_link, require_replaceable
from sdescent.reports.store.files import make_folder, sweep_temporaries, write_atomic

_DIGITS = 32


@final
class Parts:
    """The parts of one experiment.

    Args:
        folder: the folder in which they are kept.
        identity: a text that is equal only for equal experiments and versions; its digest names the subfolder of the parts.

    Only one process at a time may use a folder's parts (see `alone`).

    Attributes:
        damaged: the names of the parts whose file was found to differ from the one written.
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
        """Store a part.

        Raises:
            OSError: the part cannot be written.
        """
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
    """Hold a lock, so that no other process solves into this folder; the system releases the lock of a killed process.

    Raises:
        BadInput: another process holds the lock.
        OSError: the lock file cannot be created.
    """
    make_folder(folder / ".work")
    with _lock(folder / ".work" / "lock") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput("--out", option, "a folder that no other sdescent solve is writing into") from None
        yield


def _lock(path: Path) -> BinaryIO:
    """The opened lock file. A link with its name is not followed, and a pipe with its name does not wait for a reader."""
    require_no_link(path, "remove it")
    require_replaceable(path)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o666), "ab")
