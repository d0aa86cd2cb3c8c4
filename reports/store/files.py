"""Atomic writing of files, and operating-system errors as one line.

An output folder must never contain half a file, even if the writer is interrupted, killed, or out of disk space. Every file is
therefore written under a temporary name in its folder, flushed to the disk, and renamed. The rename is atomic within a file
system (POSIX.1-2017, rename()).
"""

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
    """The path and the cause of an error on one line, such as `cannot use /data/report: the file system is read-only`."""
    # TimeoutError and a few library errors have no error number; their text describes them best
    cause = _CAUSES.get(error.errno or 0) or error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return one_line(f"cannot read or write a file: {cause}")
    if error.errno == errno.ENOENT and (link := _dangling(error.filename)) is not None:
        this = "this" if link == os.fsdecode(error.filename) else link
        cause = f"{this} is a symbolic link whose target does not exist"
    # a long path is cut at its beginning, since its end names the file
    path = one_line(os.fsdecode(error.filename), limit=10_000)
    path = path if len(path) <= 200 else "…" + path[-199:]
    return f"cannot use {path}: {one_line(cause)}"


def _dangling(path: str | bytes) -> str | None:
    """The longest leading part of a path that is a broken symbolic link; None if there is none."""
    whole = Path(os.fsdecode(path))
    return next((str(p) for p in (whole, *whole.parents) if p.is_symlink() and not os.path.exists(p)), None)


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str], flush: bool = True) -> Iterator[Path]:
    """A context with a temporary path next to `path` (same suffix); the file written there replaces `path` when the block ends.

    It is for libraries that write to a path (figures, array archives). If the block raises, `path` is unchanged. The folder of
    `path` is created if needed. A symbolic link at `path` is replaced; its target is unchanged. Without `flush` writing is faster,
    but a power cut may leave an incomplete file. OSError for `path`, also if it is an input or no regular file.
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
            # so that the rename survives a power cut; file systems that cannot sync a folder report EINVAL
            with contextlib.suppress(OSError):
                _sync(target.parent)
    except OSError as error:
        error.filename, error.filename2 = str(target), None
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomic(path: str | os.PathLike[str], data: str | bytes, flush: bool = True) -> None:
    """Write `data` (text as UTF-8) to `path`, completely or not at all. `flush` and OSError as for `atomic_path`."""
    content = data.encode("utf-8") if isinstance(data, str) else data
    # mode x does not follow a link that somebody has planted under the temporary name
    with atomic_path(path, flush) as temporary, temporary.open("xb") as file:
        file.write(content)


def sweep_temporaries(folder: str | os.PathLike[str], older: float = _STALE_SECONDS) -> int:
    """Remove temporary files of killed runs from `folder` if `older` seconds old (others may write); return their number."""
    removed = 0
    with contextlib.suppress(FileNotFoundError):
        for entry in Path(folder).iterdir():
            with contextlib.suppress(OSError):
                if _TEMPORARY_NAME.fullmatch(entry.name) and time.time() - entry.stat().st_mtime > older:
                    entry.unlink()
                    removed += 1
    return removed


def make_folder(folder: Path) -> None:
    """Create a folder and its parents. The OSError names the actual obstacle, such as a broken link."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        obstacle = Path(error.filename)  # the folder itself or one of its parents
        try:
            obstacle.stat()
        except OSError as cause:  # a broken or circular symbolic link
            raise cause from error
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(obstacle)) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
