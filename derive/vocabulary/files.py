"""Files that a user names are read as files: no pipe that nobody writes to, no device without an end, no more than expected."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from sdescent.derive.vocabulary.errors import BadInput

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}
#: what a user gave to this command, which no output replaces
_INPUTS: set[Path] = set()
_UNREAD = "only regular files are read: save what it gives as a file first"


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """A regular file, or a symbolic link to one, opened for reading; nothing else is, and opening never waits.

    Raises:
        OSError: it cannot be opened, or is something else, which the error names.
        ValueError: a path with a null character.
    """
    # Asked before opening, since opening a device can do something; and after, since the name may lead elsewhere by then.
    _require_regular(os.stat(path), path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _require_regular(os.fstat(descriptor), path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | os.PathLike[str], most: int | None = None, what: str = "a file") -> bytes:
    """The content of a regular file.

    Args:
        most: the largest size that is read of a file that a user gives, in bytes; None for files of our own. What a user gives is
            an input from then on, which no output may replace (`require_replaceable`).
        what: the kind of file that is expected, for the message.

    Raises:
        BadInput: it is larger than `most`; no more than that is read.
        OSError, ValueError: as `open_regular`; `filename` is set.
    """
    try:
        with open_regular(path) as file:
            content = file.read(-1 if most is None else most + 1)
    except OSError as error:
        error.filename = os.fspath(path)  # a read that fails does not know it
        raise
    if most is not None and len(content) > most:
        raise BadInput(Path(path).name, f"more than {most} bytes", f"{what} of at most {most} bytes")
    if most is not None:
        _INPUTS.add(Path(path).absolute())
    return content


def forget_inputs() -> None:
    """A command begins: what others read may be written."""
    _INPUTS.clear()


def require_replaceable(path: str | os.PathLike[str]) -> None:
    """That nothing stands where a file is to be written, or a file that is no input: what else has this name would be lost.

    A symbolic link is let through, since a file that is renamed to its name takes the place of the link, not of its target.

    Raises:
        OSError: something else has the name, or an input, by whatever name or link; or it cannot be found out.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISLNK(status.st_mode):
        _require_regular(status, path, "a file cannot be written in its place")
    for read in _INPUTS:
        # a link that leads nowhere, or an input that was removed meanwhile
        with contextlib.suppress(FileNotFoundError):
            if os.path.samefile(read, path):
                told = "this command has read it, and does not overwrite it: give another name"
                raise OSError(errno.EINVAL, told, os.fspath(path))


def require_no_link(path: str | os.PathLike[str], remedy: str) -> None:
    """That this is not a symbolic link.

    Args:
        remedy: what the user can do.

    Raises:
        OSError: it is one.
    """
    if os.path.islink(path):
        raise OSError(errno.EINVAL, f"this is a symbolic link, which is not written through: {remedy}", os.fspath(path))


def _require_regular(status: os.stat_result, path: str | os.PathLike[str], why: str = _UNREAD) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else than a file")
    raise OSError(errno.EINVAL, f"this is {kind}, and {why}", os.fspath(path))
