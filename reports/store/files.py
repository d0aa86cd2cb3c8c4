"""Whole files or none: atomic writes, and operating-system errors as one line.

An output folder never contains half a file, even if the writer is interrupted, killed, or out of disk space. Every file is
therefore written under a temporary name in its folder, flushed to the disk, and renamed. The rename is atomic within a file
system (POSIX.1-2017, rename()).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from sdescent.derive.vocabulary.errors import one_line as one_line
from sdescent.derive.vocabulary.files import require_replaceable

_TEMPORARY_NAME = re.compile(r"\..*\.[0-9a-f]{12}\.part(\..*)?")
_STALE_SECONDS = 3600.0

_CAUSES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than this system allows",
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
    errno.EROFS: "the file system is read-only",
    errno.ENOTDIR: "a part of this path is a file, not a folder",
    errno.EISDIR: "this is a folder, not a file",
    errno.EEXIST: "something else already has this name",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOENT: "no such file or folder",
    errno.ELOOP: "too many symbolic links",
    errno.EMFILE: "too many open files",
    errno.EIO: "the device reported an input/output error",
}


def one_line_os_error(error: OSError) -> str:
    """One clear line for an operating-system error, naming the path and the cause.

    Example: `cannot use /data/report: the file system is read-only`.
    """
    # TimeoutError and a few library errors have no number; their text is the best description
    cause = _CAUSES.get(error.errno or 0) or error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return one_line(f"cannot read or write a file: {cause}")
    if error.errno == errno.ENOENT and (link := _dangling(error.filename)) is not None:
        this = "this" if link == os.fsdecode(error.filename) else link
        cause = f"{this} is a symbolic link whose target does not exist"
    # of a long path the end, which names the file
    path = one_line(os.fsdecode(error.filename), limit=10_000)
    path = path if len(path) <= 200 else "…" + path[-199:]
    return f"cannot use {path}: {one_line(cause)}"


def _dangling(path: str | bytes) -> str | None:
    """The part of a path that is a broken symbolic link, or None."""
    whole = Path(os.fsdecode(path))
    return next((str(p) for p in (whole, *whole.parents) if p.is_symlink() and not os.path.exists(p)), None)


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str], flush: bool = True) -> Iterator[Path]:
    """A temporary path next to `path` (same suffix); the file written there becomes `path` when the block ends.

    For libraries that write to a path (figures, array archives). If the block raises, `path` is unchanged and the temporary file
    is removed. The folder of `path` is created if needed. A symbolic link at `path` is replaced; its target stays as it is.

    Args:
        flush: whether the file survives a power cut; without it writing is quicker, and readers must detect incomplete files.

    Raises:
        OSError: any failure, with `filename` set to `path`; also if `path` is a device or a pipe.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.stem[:80]}.{secrets.token_hex(6)}.part{target.suffix}")
    try:
        make_folder(target.parent)
        require_replaceable(target)
        yield temporary
        if flush:
            _sync(temporary)
        os.replace(temporary, target)
        if flush:
            # so that the rename survives a power cut; file systems that cannot sync a folder answer EINVAL
            with contextlib.suppress(OSError):
                _sync(target.parent)
    except OSError as error:
        error.filename, error.filename2 = str(target), None
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomic(path: str | os.PathLike[str], data: str | bytes, flush: bool = True) -> None:
    """Write `data` (text as UTF-8) to `path`, whole or not at all.

    Args:
        flush: as for `atomic_path`.

    Raises:
        OSError: as `atomic_path`.
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    # x: do not follow a link that somebody planted under the temporary name
    with atomic_path(path, flush) as temporary, temporary.open("xb") as file:
        file.write(content)


def sweep_temporaries(folder: str | os.PathLike[str], older: float = _STALE_SECONDS) -> int:
    """Remove temporary files of killed runs from `folder`; return their number.

    Args:
        older: seconds; younger files stay, since another machine may be writing them in a shared folder.
    """
    removed = 0
    with contextlib.suppress(FileNotFoundError):
        for entry in Path(folder).iterdir():
            with contextlib.suppress(OSError):
                if _TEMPORARY_NAME.fullmatch(entry.name) and time.time() - entry.stat().st_mtime > older:
                    entry.unlink()
                    removed += 1
    return removed


def make_folder(folder: Path) -> None:
    """Create a folder and its parents, if they do not exist.

    Raises:
        OSError: with the error number of the real problem, such as a broken link, where `mkdir` reports an existing file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        obstacle = Path(error.filename)  # the folder, or one above it
        try:
            obstacle.stat()
        except OSError as cause:  # a symbolic link, broken or circular
            raise cause from error
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(obstacle)) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
