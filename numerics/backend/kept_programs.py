"""Compiled programs kept on disk, and objects kept in memory, for the next time."""

import atexit
import os
import platform
import shutil
import stat
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from sdescent.numerics.backend.processors import available, instruction_sets


class Memo:
    """The function `build` with the objects for the last `size` settings kept; a setting without a hash is built each time."""

    def __init__(self, build: Callable[..., Any], size: int = 64) -> None:
        self._build, self._cached = build, lru_cache(maxsize=size)(build)

    def __call__(self, *setting: Any) -> Any:
        try:
            hash(setting)
        except TypeError:  # the setting holds an object of the user without a hash
            return self._build(*setting)
        return self._cached(*setting)

    def forget(self) -> None:
        """Forget the objects built so far."""
        self._cached.cache_clear()


#: the environment variable that is "1" if this process and its workers keep programs
VARIABLE = "SDESCENT_KEEP_PROGRAMS"
#: only programs that take at least this many seconds to compile are kept
LEAST = 0.2
#: the most programs for a processor, and the most bytes of them all: each process links all programs, which takes time on a network
MANY, MOST = 256, 2**26
#: seconds after which the folder of a process counts as left by a killed process, and the folder of a processor as unused
ABANDONED, UNUSED = 86_400.0, 30 * 86_400.0
_OF_A_PROCESS, _PROGRAM = "process-", "-cache"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
#: the variable for the least level at which XLA logs, and the value that JAX gives it by default, which other processes inherit
_LOGGED, _OF_JAX = "TF_CPP_MIN_LOG_LEVEL", "1"


@dataclass
class _Begun:
    """The state of this process: its folder, the names of its first links, and whether it met a damaged program."""

    folder: Path
    there: frozenset[str]
    damaged: bool = False
    # a child by fork inherits this state, but the folder belongs to its parent
    process: int = field(default_factory=os.getpid)


_begun: list[_Begun] = []


def ask() -> None:
    """Let this process and its workers keep programs, unless the environment says otherwise; called before JAX is imported."""
    os.environ.setdefault(VARIABLE, "1")


def wanted() -> bool:
    """Whether the environment asks for kept programs and names no cache folder for JAX itself."""
    return os.environ.get(VARIABLE) == "1" and not os.environ.get("JAX_COMPILATION_CACHE_DIR")


def quiet() -> None:
    """Stop XLA from logging errors in a process that keeps programs; called before JAX is imported. Errors that matter are raised.

    For each program that it loads, XLA 0.10 logs that the processor lacks `prefer-no-gather`, which is advice to its compiler and
    not an instruction (jax-ml/jax issue 38445).
    """
    if wanted() and os.environ.get(_LOGGED, _OF_JAX) == _OF_JAX:
        os.environ[_LOGGED] = "3"


def begin(config: Any) -> None:
    """Look for programs in the user's folder from now on, and keep new programs there at the end of the process; `config` is JAX's.

    Nothing happens if the environment does not ask for it, if JAX already has a folder or has no cache, or if the folder cannot
    be made, does not allow hard links, or is writable by other users, since programs loaded from it are run.
    """
    if not wanted() or config.jax_compilation_cache_dir or not config.jax_enable_compilation_cache:
        return
    import tempfile  # imported here, as below: the command line loads this file for every command, and most commands need no JAX

    place = None
    try:
        shared = folder()
        shared.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = shared.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
            return
        _sweep(shared)
        place = Path(tempfile.mkdtemp(prefix=_OF_A_PROCESS, dir=shared))
        there = [path.name for path in _programs(shared)]
        for name in there:
            with suppress(FileNotFoundError):  # another process has removed the program meanwhile
                os.link(shared / name, place / name)
    except OSError:
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)
        return
    state = _Begun(place, frozenset(there))
    _begun.append(state)
    atexit.register(store)
    _watch(state)
    config.update("jax_compilation_cache_dir", str(place))
    config.update("jax_persistent_cache_min_compile_time_secs", LEAST)
    # these caches are for GPUs, and put the folder into the key
    config.update("jax_persistent_cache_enable_xla_caches", "none")


def folder() -> Path:
    """The folder of programs for this kind of processor and this number of processors."""
    import hashlib
    from importlib.metadata import version

    from platformdirs import user_cache_path

    made_for = [platform.machine(), *instruction_sets(), str(available()), version("jaxlib")]
    return user_cache_path("sdescent") / "programs" / hashlib.sha256("\n".join(made_for).encode()).hexdigest()[:16]


def store() -> None:
    """Move the programs that this process made to the shared folder, and remove its own folder; called when the process ends."""
    while _begun:
        state = _begun.pop()
        if state.process != os.getpid():
            continue
        with suppress(OSError):
            shared = state.folder.parent
            for path in _programs(state.folder):
                if path.name not in state.there and _is_whole(path):
                    os.replace(path, shared / path.name)
            if state.damaged:
                for path in _programs(shared):
                    if not _is_whole(path):
                        path.unlink(missing_ok=True)
            _prune(shared)
        shutil.rmtree(state.folder, ignore_errors=True)


def _watch(state: _Begun) -> None:
    """Hide JAX's warning about a program that it cannot read or write: JAX compiles it, and there is nothing for a user to do."""
    display = warnings.showwarning

    def show(message: Warning | str, *more: Any, **further: Any) -> None:
        if "persistent compilation cache entry" in str(message):
            state.damaged = True
        else:
            display(message, *more, **further)

    warnings.showwarning = show
    warnings.filterwarnings("always", "Error (reading|writing) persistent compilation cache entry")


def _programs(place: Path) -> Iterator[Path]:
    named = (path for path in list(place.iterdir()) if path.name.endswith(_PROGRAM))
    return (path for path in named if path.is_file() and not path.is_symlink())


def _is_whole(path: Path) -> bool:
    """Whether a file can be unpacked, including the checksum at its end."""
    try:
        packed = path.read_bytes()
        if packed.startswith(_ZSTANDARD):
            _zstandard().decompress(packed)
        else:
            zlib.decompress(packed)
    except Exception:  # each library has its own errors
        return False
    return True


def _zstandard() -> Any:
    """The Zstandard library with which JAX packs programs; ImportError if neither library is installed."""
    try:
        return import_module("compression.zstd")
    except ImportError:
        return import_module("zstandard")


def _prune(shared: Path) -> None:
    """Remove the oldest programs until at most `MANY` are left, with at most `MOST` bytes together."""
    sizes, room = [], MOST
    for path in _programs(shared):
        with suppress(FileNotFoundError):  # another process has removed it meanwhile
            sizes.append((path.stat().st_mtime, path.stat().st_size, path))
    for n, (_, size, path) in enumerate(sorted(sizes, reverse=True)):
        room -= size
        if n >= MANY or room < 0:
            path.unlink(missing_ok=True)


def _sweep(shared: Path) -> None:
    """Remove the folders of killed processes, and the folders of processors and versions that are no longer used."""
    for old, seconds in ((shared.glob(f"{_OF_A_PROCESS}*"), ABANDONED), (shared.parent.glob("*"), UNUSED)):
        for path in old:
            with suppress(OSError):
                if path != shared and not path.is_symlink() and time.time() - path.stat().st_mtime > seconds:
                    shutil.rmtree(path, ignore_errors=True)
