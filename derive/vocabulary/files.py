"""Safe reading of files that a user names: pipes, devices and files that are too large are refused."""

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from sdescent.derive.vocabulary.errors import BadInput

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}
#: the inputs of the current command, which no output may replace
_INPUTS: set[Path] = set()
_UNREAD = "only regular files are read: save its content as a file first"


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file, or a symbolic link to one, for reading. Opening never blocks.

    Raises OSError for a file of another kind, which it names, or that cannot be opened; ValueError for a null
    character.
    """
    # tested before opening, since opening a device can have effects, and after, since the name may have come to mean another file
    _require_regular(os.stat(path), path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _require_regular(os.fstat(descriptor), path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | os.PathLike[str], most: int | None = None, what: str = "a file") -> bytes:
    """The content of a regular file of the kind `what`, in words.

    A user's file has at most `most` bytes and counts as an input, which no output may replace (`require_replaceable`);
    None is for files that the toolkit wrote. Raises BadInput if the file is larger (at most one byte more is read);
    OSError, ValueError as for `open_regular`; the `filename` of an OSError is set.
    """
    try:
        with open_regular(path) as file:
            content = file.read(-1 if most is None else most + 1)
    except OSError as error:
        error.filename = os.fspath(path)  # a failed read leaves it unset
        raise
    if most is not None and len(content) > most:
        raise BadInput(Path(path).name, f"more than {most} bytes", f"{what} of at most {most} bytes")
    if most is not None:
        _INPUTS.add(Path(path).absolute())
    return content


def forget_inputs() -> None:
    """Forget all inputs, since a new command begins, which may overwrite the inputs of earlier ones."""
    _INPUTS.clear()


def require_replaceable(path: str | os.PathLike[str]) -> None:
    """Check that an output may be written to a path: nothing is there, or a regular file that is not an input, else OSError.

    A symbolic link is allowed, since renaming a file to this path replaces the link, not its target.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISLNK(status.st_mode):
        _require_regular(status, path, "a file cannot be written in its place")
    for read in _INPUTS:
        # raised for a dangling link, or an input that has been removed
        with contextlib.suppress(FileNotFoundError):
            if os.path.samefile(read, path):
                reason = "this command has read it, and does not overwrite it: give another name"
                raise OSError(errno.EINVAL, reason, os.fspath(path))


def require_no_link(path: str | os.PathLike[str], remedy: str) -> None:
    """Raise OSError, with the remedy, if a path is a symbolic link."""
    if os.path.islink(path):
        raise OSError(errno.EINVAL, f"this is a symbolic link, which is not written through: {remedy}", os.fspath(path))


def _require_regular(status: os.stat_result, path: str | os.PathLike[str], why: str = _UNREAD) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), "neither a file nor a directory")
    raise OSError(errno.EINVAL, f"this is {kind}, and {why}", os.fspath(path))
